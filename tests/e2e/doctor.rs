//! `lineswarmctl doctor` and `log tail` beside real daemons: what is wrong is found, and named with its hint.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use support::{
    Daemon, Server,
    ctl::{Answered, ask, ctl, program, run},
    wait_until,
};

/// The checks of one examination, by name.
struct Found {
    exit: i32,
    checks: Value,
}

impl Found {
    fn of(answered: &Answered) -> Self {
        let value = answered.json();
        assert_eq!(value["v"], 1);
        for check in value["checks"].as_array().unwrap() {
            assert_eq!(check["hint"].is_null(), check["level"] == "ok", "{check}");
        }
        Self { exit: answered.exit, checks: value["checks"].clone() }
    }

    fn by(daemon: &Daemon) -> Self {
        Self::of(&ask(&daemon.socket(), "doctor --json"))
    }

    fn one(&self, name: &str) -> &Value {
        let found = self.checks.as_array().unwrap().iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {:#}", self.checks))
    }

    fn with_level(&self, level: &str) -> Vec<&str> {
        let checks = self.checks.as_array().unwrap().iter();
        checks.filter(|check| check["level"] == level).map(|check| check["name"].as_str().unwrap()).collect()
    }

    /// That check fails, says so, and so does the exit code.
    fn assert_fails(&self, name: &str, word: &str) {
        let check = self.one(name);
        assert_eq!(check["level"], "fail", "{check}");
        assert!(check["what"].as_str().unwrap().contains(word), "{word:?} is not in {check}");
        assert_eq!(self.exit, 1);
    }
}

fn lonely(directory: &Path, more: &[&str]) -> Daemon {
    let mut args = vec!["--autostart", "false"];
    args.extend(more);
    Daemon::start(directory, "one", &args)
}

/// A configuration with everything in `at`, as the daemon that does not run would read it.
fn file(at: &Path, server: &str, more: &str) -> PathBuf {
    let path = at.join("one.toml");
    let text = format!(
        "[node]\nstate-dir = {:?}\nstatus-socket = {:?}\ncontrol-socket = {:?}\n[server]\naddress = {server:?}\n{more}",
        at.join("state"),
        at.join("status.sock"),
        at.join("control.sock"),
    );
    fs::write(&path, text).unwrap();
    path
}

fn examine_file(at: &Path, file: &Path) -> Found {
    let socket = at.join("status.sock");
    Found::of(&run(ctl(&socket).args(["-t", "2", "doctor", "--json", "--config"]).arg(file)))
}

#[test]
fn a_node_that_is_well_has_no_failure_and_the_line_server_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--one-per-ip", "replace", "--rate", "1000"]);
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address]);
    wait_until("a line", || daemon.status()["job"]["have"] != 0);
    let found = Found::by(&daemon);
    assert_eq!((found.exit, found.with_level("fail")), (0, vec![]), "{:#}", found.checks);
    for name in ["unit", "daemon", "status-socket", "control-socket", "config", "state-dir", "state-space"] {
        assert!(found.one(name)["what"].is_string());
    }
    let pid = daemon.child.id().to_string();
    assert!(found.one("state-lock")["what"].as_str().unwrap().contains(&pid));
    assert!(found.one("line-server")["what"].as_str().unwrap().contains("connected"));
    assert_eq!(daemon.status()["job"]["reconnects"], 0, "nobody took the daemon's one connection");
    let text = ask(&daemon.socket(), "doctor");
    assert_eq!(text.exit, 0);
    assert!(text.out.contains("\nok    daemon          \"one\", version "), "{}", text.out);
    assert!(text.out.ends_with(" 0 failed\n"), "{}", text.out);
}

#[test]
fn without_a_daemon_everything_else_is_still_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let server = Server::start(at, &["--rate", "1000"]);
    let config = file(at, &server.address, "");
    let found = examine_file(at, &config);
    found.assert_fails("daemon", "E_NO_DAEMON");
    assert_eq!(found.with_level("fail"), ["daemon"], "{:#}", found.checks);
    assert_eq!(found.one("config")["what"], "without problems");
    assert!(found.one("state-dir")["what"].as_str().unwrap().contains("not there yet"));
    // A session and its clock begin with the first connection, so that nobody is asked who does not have to be.
    let unasked = found.one("line-server");
    assert_eq!(unasked["level"], "warn");
    assert!(unasked["what"].as_str().unwrap().contains("was not asked"), "{unasked}");
    assert!(unasked["hint"].as_str().unwrap().contains("--ask-server"), "{unasked}");
    let ask_server = |config: &Path| {
        let words = ["-t", "2", "doctor", "--json", "--ask-server", "--config"];
        Found::of(&run(ctl(&at.join("status.sock")).args(words).arg(config)))
    };
    let asked = ask_server(&config);
    assert_eq!(asked.one("line-server")["level"], "ok");
    assert!(
        asked.one("line-server")["what"].as_str().unwrap().contains("its session for this address has begun")
    );
    let end = server.end();
    assert_eq!(end["draws"], 1, "one connection, one line, and only when it was asked for");
    ask_server(&file(at, &end_address(), "")).assert_fails("line-server", "nobody listens");
}

/// Where nobody listens.
fn end_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_bad_file_fails_with_every_problem_on_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let found = examine_file(at, &file(at, "127.0.0.1:9", "lines = -4\n[swarm]\ntopology = \"mash\"\n"));
    found.assert_fails("config", "one.toml:7");
    found.assert_fails("config", "one.toml:9");
    // What depends on it is not guessed.
    assert_eq!(found.one("line-server")["level"], "warn");
}

#[test]
fn a_file_that_changed_since_is_worth_a_look() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path(), &[]);
    let file = daemon.directory.join("empty.toml");
    let look = || Found::of(&run(ctl(&daemon.socket()).args(["doctor", "--json", "--config"]).arg(&file)));
    fs::write(&file, "[server]\nlabel = \"a\"\nrate = 5\n").unwrap();
    assert_eq!(ask(&daemon.socket(), "reload").out.lines().count(), 3);
    assert_eq!(look().one("config")["level"], "ok");
    fs::write(&file, "[server]\nrate = 6\n").unwrap();
    let found = look();
    assert_eq!(found.one("config")["level"], "warn");
    assert!(found.one("config")["what"].as_str().unwrap().ends_with("for server.rate"), "{:#}", found.checks);
}

#[test]
fn a_line_server_that_is_gone_fails_as_the_daemon_sees_it() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(directory.path(), "one", &["--server", &end_address()]);
    wait_until("the loss", || daemon.status()["problem"].is_string());
    Found::by(&daemon).assert_fails("line-server", "nobody listens");
}

#[test]
fn peers_with_another_key_and_keys_that_others_may_read_fail() {
    let directory = tempfile::tempdir().unwrap();
    let key = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (bare, ended) =
        (key("a", b"a secret that is long enough"), key("b", b"a secret that is long enough\n"));
    let one = lonely(directory.path(), &["--key-file", &bare]);
    let listen = one.status()["listen"].as_str().unwrap().to_owned();
    let args = ["--autostart", "false", "--key-file", &ended, "--peer", &listen];
    let two = Daemon::start(directory.path(), "two", &args);
    wait_until("the refusals", || {
        let stats = ask(&one.socket(), "stats --json").json();
        let peers = ask(&two.socket(), "peers --json").json();
        stats["refused.wrong-key"].as_u64().is_some_and(|count| count > 0)
            && peers["peers"][0]["problem"].as_str().is_some_and(|why| why.contains("key"))
    });
    let (of_one, of_two) = (Found::by(&one), Found::by(&two));
    of_one.assert_fails("key", "refused since the start");
    of_two.assert_fails("key", "another key than ours");
    of_two.assert_fails("peers", "0 of 1 linked");
    // The one without the newline is what the other would be without it.
    let what = of_one.one("key")["what"].as_str().unwrap();
    let print = what.split("fingerprint ").nth(1).unwrap();
    assert!(of_two.one("key")["what"].as_str().unwrap().contains(&format!("it would be {print}")), "{what}");
    fs::set_permissions(&bare, fs::Permissions::from_mode(0o644)).unwrap();
    Found::by(&one).assert_fails("key", "mode 0644");
    fs::remove_file(&bare).unwrap();
    Found::by(&one).assert_fails("key", "No such file");
}

#[test]
fn sockets_and_state_that_were_tampered_with_fail() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path(), &[]);
    fs::set_permissions(daemon.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    Found::by(&daemon).assert_fails("control-socket", "everybody may change");
    let status = daemon.directory.join("status.sock");
    fs::remove_file(&status).unwrap();
    Found::by(&daemon).assert_fails("status-socket", "is gone");
    fs::write(&status, "").unwrap();
    Found::by(&daemon).assert_fails("status-socket", "is no socket");
    let pid = daemon.directory.join("state/lineswarmd.pid");
    let other = lonely(&directory.path().join("other"), &[]);
    fs::write(&pid, format!("{}\n", other.child.id())).unwrap();
    Found::by(&daemon).assert_fails("state-lock", "answers at the socket");
    let state = daemon.directory.join("state");
    fs::rename(&state, daemon.directory.join("moved")).unwrap();
    Found::by(&daemon).assert_fails("state-dir", "is gone");
    fs::write(&state, "").unwrap();
    Found::by(&daemon).assert_fails("state-dir", "no directory");
}

#[test]
fn a_daemon_that_hangs_is_found_by_its_lock_and_its_line_server_is_not_asked() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path(), &[]);
    let path = file(&daemon.directory, "127.0.0.1:9", "");
    kill_process(Pid::from_child(&daemon.child), Signal::STOP).unwrap();
    let socket = daemon.socket();
    let found = Found::of(&run(ctl(&socket).args(["-t", "0.3", "doctor", "--json", "--config"]).arg(path)));
    found.assert_fails("daemon", "E_TIMEOUT");
    found.assert_fails("state-lock", &format!("process {}", daemon.child.id()));
    assert!(found.one("line-server")["what"].as_str().unwrap().starts_with("not asked"));
}

#[test]
fn an_interface_that_is_not_there_fails() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path(), &["--discover", "multicast:nosuch0"]);
    Found::by(&daemon).assert_fails("multicast", "multicast:nosuch0");
}

#[test]
fn a_job_that_failed_fails() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "20", "--base", "0"]);
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "19"]);
    wait_until("the failure", || daemon.status()["state"] == "failed");
    Found::by(&daemon).assert_fails("job", "the job failed");
}

#[test]
fn a_unit_that_failed_fails_and_no_systemd_is_no_failure() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let examine = |path: &Path| {
        let mut command = Command::new(program());
        command.env("PATH", path).env("XDG_RUNTIME_DIR", at).env_remove("LINESWARM_SOCKET");
        Found::of(&run(command.args(["-i", "nobody-has-this", "doctor", "--json"])))
    };
    let empty = at.join("empty");
    fs::create_dir(&empty).unwrap();
    let found = examine(&empty);
    assert_eq!(found.one("unit")["level"], "ok");
    assert!(found.one("unit")["what"].as_str().unwrap().starts_with("no systemd here"), "{:#}", found.checks);
    let script = "#!/bin/sh\n[ \"$4\" = lineswarmd@nobody-has-this.service ] || exit 1\n\
                  echo LoadState=loaded; echo ActiveState=failed; echo Result=watchdog\n";
    install(at, "systemctl", script);
    examine(at).assert_fails("unit", "failed (watchdog)");
}

/// By another process: a file that this one has written may still be open in a child that another test just forked,
/// and then it cannot be executed.
fn install(at: &Path, name: &str, script: &str) {
    let source = at.join("source");
    fs::write(&source, script).unwrap();
    assert!(Command::new("install").arg("-m755").arg(source).arg(at.join(name)).status().unwrap().success());
}

#[test]
fn the_log_is_shown_from_its_newest_lines_on_and_followed() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path(), &[]);
    let mut tail = ctl(&daemon.socket());
    let mut tail = tail.args(["log", "tail", "--json-line"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut until = |word: &str| -> Value {
        let mut last = 0;
        loop {
            let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            assert!(line["seq"].as_u64().unwrap() > last, "{line}");
            last = line["seq"].as_u64().unwrap();
            if line["message"].as_str().unwrap().contains(word) {
                return line;
            }
        }
    };
    assert_eq!(until("started name=one")["level"], "info");
    ask(&daemon.socket(), "pause");
    until("command=pause ");
    tail.kill().unwrap();
    tail.wait().unwrap();
    let text = ask(&daemon.socket(), "log tail --follow=false").out;
    assert!(text.lines().any(|line| line.contains("Z  info   started name=one")), "{text}");
}
