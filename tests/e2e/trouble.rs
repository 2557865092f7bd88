//! What goes wrong from outside: each gets a clear message (what, why, hint), no panic, and harms nothing else.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Output,
};
use support::{Client, Daemon, Server, command, command_with, wait_until};

fn run(directory: &Path, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command(directory, "x").args(args).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn lonely(directory: &Path) -> Daemon {
    Daemon::start(directory, "one", &["--autostart", "false"])
}

fn still_well(daemon: &Daemon) {
    assert_eq!(daemon.status()["state"], "idle");
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}

#[test]
fn a_wrong_config_is_told_whole_with_lines_and_hints() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bad.toml");
    std::fs::write(&file, "[server]\naddres = \"x\"\nlines = -4\n[swarm]\ntopology = \"mash\"\n").unwrap();
    let Output { status, stderr, .. } =
        command_with(&file, directory.path(), "x").arg("--check").output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(78));
    for piece in ["bad.toml:2", "address", "bad.toml:3", "bad.toml:5", "mesh"] {
        assert!(said.contains(piece), "{piece} is missing in:\n{said}");
    }
}

#[test]
fn a_port_in_use_is_named_with_its_hint() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said) = run(directory.path(), &["--listen", &address]);
    assert_eq!(code, Some(73), "{said}");
    assert!(said.contains(&address) && said.contains("another program") && said.contains("port 0"), "{said}");
}

#[test]
fn a_missing_state_directory_is_made_and_an_impossible_one_is_named() {
    let directory = tempfile::tempdir().unwrap();
    drop(lonely(directory.path()));
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("state");
    let (code, said) = run(directory.path(), &["--state-dir", inside.to_str().unwrap()]);
    assert_eq!(code, Some(73), "{said}");
    assert!(said.contains(inside.to_str().unwrap()), "{said}");
}

#[test]
fn a_second_daemon_on_the_same_state_directory_is_told_who_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let other = directory.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let state = daemon.directory.join("state");
    let (code, said) = run(&other, &["--state-dir", state.to_str().unwrap()]);
    assert_eq!(code, Some(73), "{said}");
    assert!(said.contains(&daemon.child.id().to_string()), "the pid is named: {said}");
    still_well(&daemon);
}

#[test]
fn without_a_line_server_it_says_so_and_tries_again() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let daemon = Daemon::start(directory.path(), "one", &["--server", &nobody]);
    wait_until("a second try", || daemon.log().matches("server-lost").count() >= 2);
    let log = daemon.log();
    assert!(log.contains("nobody listens") && log.contains("retry_in_s"), "{log}");
    assert_eq!(daemon.status()["job"]["have"], 0);
}

#[test]
fn garbage_on_the_peer_port_is_refused_counted_and_logged_once() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let listen = daemon.status()["listen"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        let mut stream = TcpStream::connect(&listen).unwrap();
        stream.write_all(&[b'x'; 100_000]).ok();
        // Whatever it answers, it closes.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    wait_until("the refusal", || daemon.log().contains("connection-refused"));
    assert_eq!(daemon.log().matches("connection-refused").count(), 1);
    still_well(&daemon);
}

#[test]
fn garbage_on_the_control_socket_gets_an_error_and_the_connection_lives() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let mut client = daemon.client();
    client.send(b"\x00\xff{]garbage\n");
    let reply = client.read().unwrap();
    assert_eq!(reply["error"]["code"], "E_BAD_REQUEST");
    assert!(["what", "why", "hint"].iter().all(|part| reply["error"][part].is_string()));
    assert!(client.ask(json!({"cmd": "ping"})).is_ok());
    still_well(&daemon);
}

#[test]
fn ten_megabytes_without_a_newline_are_cut_short_on_the_control_socket() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let mut client = daemon.client();
    let stream = std::os::unix::net::UnixStream::connect(daemon.socket()).unwrap();
    let mut writer = stream.try_clone().unwrap();
    // The daemon closes early, so the write may fail: that is the point.
    let _ = writer.write_all(&vec![b'a'; 10_000_000]);
    drop(writer);
    assert!(client.ask(json!({"cmd": "ping"})).is_ok());
    let mut long = Client::connect(&daemon.socket());
    long.send(&vec![b'a'; 65_537]);
    assert_eq!(long.read().unwrap()["error"]["code"], "E_TOO_LONG");
    assert_eq!(long.read(), None);
    still_well(&daemon);
}

#[test]
fn ten_megabytes_without_a_newline_from_the_line_server_cost_that_connection_only() {
    let directory = tempfile::tempdir().unwrap();
    let fake = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = fake.local_addr().unwrap().to_string();
    let daemon = Daemon::start(directory.path(), "one", &["--server", &address]);
    let (mut stream, _) = fake.accept().unwrap();
    stream.write_all(b"1\n").unwrap();
    let _ = stream.write_all(&vec![b'a'; 10_000_000]);
    wait_until("the complaint", || daemon.log().contains("server-broke-protocol"));
    assert!(daemon.log().contains("text of more than"), "{}", daemon.log());
    let resident = resident_kib(&daemon);
    assert!(resident < 64 * 1024, "{resident} KiB");
    fake.accept().expect("it tries again");
    assert_eq!(daemon.status()["job"]["have"], 0);
}

fn resident_kib(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_status_socket_only_reads() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let mut client = Client::connect(&daemon.directory.join("status.sock"));
    assert_eq!(client.greeting["hello"]["socket"], "status");
    assert!(client.ask(json!({"cmd": "status"})).is_ok());
    let refused = client.ask(json!({"cmd": "stop"})).unwrap_err();
    assert_eq!(refused["code"], "E_READ_ONLY");
    still_well(&daemon);
}

#[test]
fn every_change_through_a_socket_is_logged_with_who_asked_and_what_was_refused() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    daemon.client().ask(json!({"cmd": "pause"})).unwrap();
    let mut looker = Client::connect(&daemon.directory.join("status.sock"));
    looker.ask(json!({"cmd": "reset"})).unwrap_err();
    looker.ask(json!({"cmd": "ping"})).unwrap();
    let log = daemon.log();
    let pid = format!("pid={}", std::process::id());
    let told = |words: &[&str]| log.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(told(&["control-request socket=control command=pause ", "uid=", &pid]), "{log}");
    assert!(told(&["control-request socket=status command=reset", &pid, "refused=E_READ_ONLY"]), "{log}");
    assert!(!told(&["control-request", "ping"]), "a look is no change: {log}");
}

#[test]
fn it_ends_cleanly_on_sigterm_and_leaves_no_socket() {
    let directory = tempfile::tempdir().unwrap();
    let mut daemon = lonely(directory.path());
    assert!(daemon.end().success());
    assert!(!daemon.socket().exists() && !daemon.directory.join("status.sock").exists());
    assert!(daemon.log().contains("stopped"));
}

#[test]
fn a_peer_with_another_key_gets_nothing_and_both_logs_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let key = |name: &str, byte: u8| {
        use std::os::unix::fs::OpenOptionsExt;
        let path = directory.path().join(name);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        file.write_all(&[byte; 32]).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let one = Daemon::start(directory.path(), "one", &["--autostart", "false", "--key-file", &key("a", 1)]);
    let listen = one.status()["listen"].as_str().unwrap().to_owned();
    let args = ["--autostart", "false", "--key-file", &key("b", 2), "--peer", &listen];
    let two = Daemon::start(directory.path(), "two", &args);
    wait_until("both complaints", || {
        one.log().contains("reason=wrong-key") && two.log().contains("probably another key")
    });
    assert_eq!(one.status()["peers"]["connected"], 0);
    assert_eq!(two.status()["peers"]["connected"], 0);
}

#[test]
fn wrong_lines_of_a_job_are_told_by_the_servers_verdict() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "100"]);
    // 90 distinct numbers will never be 0..=89 of 100 lines: the server sends line 95, which no file of 90 has.
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "90"]);
    wait_until("the complaint", || daemon.log().contains("check server.lines"));
    let status: Value = daemon.status();
    assert_ne!(status["state"], "submitted");
}

#[test]
fn a_reload_takes_over_what_can_change_and_shows_it() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let rate = || {
        let settings = daemon.client().ask(json!({"cmd": "config"})).unwrap();
        let all = settings["settings"].as_array().unwrap().clone();
        all.into_iter().find(|one| one["key"] == "rate").unwrap()["value"].clone()
    };
    let before = rate();
    let nothing = json!({"changed": [], "restart": []});
    assert_eq!(daemon.client().ask(json!({"cmd": "reload"})).unwrap(), nothing);
    let file = daemon.directory.join("empty.toml");
    std::fs::write(&file, "[server]\nrate = 42\nlines = 7\n").unwrap();
    let said = daemon.client().ask(json!({"cmd": "reload"})).unwrap();
    let one = |key: &str, value: Value, was: Value, line: u32| {
        let origin = format!("{}:{line}", file.display());
        json!([{"section": "server", "key": key, "value": value, "was": was, "origin": origin}])
    };
    assert_eq!(said["changed"], one("rate", json!(42.0), json!("auto"), 2));
    assert_eq!(said["restart"], one("lines", json!(7), json!(1000), 3));
    assert_ne!(rate(), before);
    assert_eq!(daemon.status()["pacer"]["cap"], 42.0);
    still_well(&daemon);
}
