//! A reload: what can't be read leaves the old configuration in force, is told, and holds up nothing.

use super::{ends_at_once, fifo, hang_up, lonely};
use crate::support::{Daemon, command_with, ctl::ask, wait_until};
use serde_json::{Value, json};
use std::{fs, io::Write, os::unix::fs::symlink, os::unix::net::UnixListener, path::Path, process::Stdio};

const PROTECTED: &str = "[swarm]\nallow = [\"10.0.0.0/8\"]\n";

/// A daemon whose configuration is `cfg.toml` in `directory`.
fn protected(directory: &Path) -> Daemon {
    let config = directory.join("cfg.toml");
    fs::write(&config, PROTECTED).unwrap();
    let own = directory.join("one");
    fs::create_dir_all(&own).unwrap();
    let log = own.join("log");
    let child = command_with(&config, &own, "one")
        .args(["--autostart", "false"])
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let daemon = Daemon { child, directory: own, log };
    daemon.wait_until_up();
    daemon
}

fn allowed(daemon: &Daemon) -> Value {
    let settings = daemon.client().ask(json!({"cmd": "config"})).unwrap();
    let all = settings["settings"].as_array().unwrap();
    all.iter().find(|one| one["key"] == "allow").unwrap()["value"].clone()
}

#[test]
fn a_reload_never_fails_open() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = protected(directory.path());
    let config = directory.path().join("cfg.toml");
    let replaced = |what: &str, by: &dyn Fn()| {
        fs::remove_file(&config).unwrap();
        by();
        let refused = ask(&daemon.socket(), "--json reload");
        assert_eq!(refused.failure(), (78, "E_CONFIG".into()), "{what}: {refused:?}");
        assert_eq!(allowed(&daemon), json!(["10.0.0.0/8"]), "{what}");
        let status = daemon.status();
        let problem = status["reload_problem"].as_str().unwrap().to_owned();
        assert!(problem.contains("cfg.toml:1"), "{what}: {problem}");
        assert!(status["problem"].as_str().unwrap().starts_with("reload-failed"), "{what}: {status}");
        let shown = ask(&daemon.socket(), "status");
        assert!(shown.out.contains("the old configuration stays in force"), "{what}: {shown:?}");
        // And with a good one all is well again.
        let _ = fs::remove_dir(&config);
        let _ = fs::remove_file(&config);
        fs::write(&config, PROTECTED).unwrap();
        assert_eq!(ask(&daemon.socket(), "reload").exit, 0, "{what}");
        let status = daemon.status();
        assert_eq!((&status["reload_problem"], &status["problem"]), (&Value::Null, &Value::Null), "{what}");
    };
    let write = |bytes: &'static [u8]| {
        let config = config.clone();
        move || fs::write(&config, bytes).unwrap()
    };
    replaced("gone", &|| ());
    replaced("emptied", &write(b""));
    replaced("all commented out", &write(b"#[swarm]\n#allow = [\"10.0.0.0/8\"]\n"));
    replaced("not UTF-8", &write(b"[swarm]\nallow = [\"\xff\"]\n"));
    replaced("half written", &write(b"[swarm\n"));
    replaced("a directory", &|| fs::create_dir(&config).unwrap());
    replaced("a link to nowhere", &|| symlink("nowhere", &config).unwrap());
    replaced("a link to /dev/null", &|| symlink("/dev/null", &config).unwrap());
    fs::remove_file(&config).unwrap();
    fs::write(&config, "[swarm]\nallow = [\"10.0.0.0/8\", \"192.168.0.0/16\"]\n").unwrap();
    assert_eq!(ask(&daemon.socket(), "reload").exit, 0);
    assert_eq!(allowed(&daemon), json!(["10.0.0.0/8", "192.168.0.0/16"]));
}

#[test]
fn whatever_stands_in_the_configurations_place_holds_up_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("cfg.toml");
    let endless = |config: &Path| fs::File::create(config).unwrap().set_len(10 << 30).unwrap();
    let socket = |config: &Path| drop(UnixListener::bind(config).unwrap());
    let zeros = |config: &Path| symlink("/dev/zero", config).unwrap();
    for (what, put, why) in [
        ("a FIFO", &fifo as &dyn Fn(&Path), "a FIFO"),
        ("a socket", &socket, "a socket"),
        ("a device", &zeros, "a character device"),
        ("10 GiB", &endless, "longer than"),
    ] {
        let mut daemon = protected(directory.path());
        fs::remove_file(&config).unwrap();
        put(&config);
        hang_up(&daemon);
        wait_until("the complaint", || daemon.log().contains("reload-failed"));
        assert!(daemon.log().contains(why), "{what}: {}", daemon.log());
        assert_eq!(ask(&daemon.socket(), "reload").exit, 78, "{what}");
        assert_eq!(daemon.status()["state"], "idle", "{what}");
        assert!(ends_at_once(&mut daemon.child).success(), "{what}");
        fs::remove_file(&config).unwrap();
    }
}

#[test]
fn reloads_that_are_asked_for_at_once_are_all_answered() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = protected(directory.path());
    let mut clients: Vec<_> = (0..20).map(|_| daemon.client()).collect();
    for client in &mut clients {
        client.send(b"{\"id\":7,\"cmd\":\"reload\"}\n");
    }
    for client in &mut clients {
        assert_eq!(client.read().unwrap(), json!({"id": 7, "ok": {"changed": [], "restart": []}}));
    }
}

#[test]
fn a_configuration_that_is_a_pipe_is_waited_for_at_the_start_and_sigterm_ends_the_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    fifo(&pipe);
    let mut waiting = command_with(&pipe, directory.path(), "one").stderr(Stdio::null()).spawn().unwrap();
    // It has opened the pipe when a writer finds a reader.
    let writes = || fs::File::options().write(true).open(&pipe).unwrap();
    let held = writes();
    assert!(!ends_at_once(&mut waiting).success());
    drop(held);
    let child = command_with(&pipe, directory.path(), "one")
        .args(["--autostart", "false"])
        .stderr(fs::File::create(directory.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let log = directory.path().join("log");
    let mut daemon = Daemon { child, directory: directory.path().into(), log };
    let mut writer = writes();
    writer.write_all(PROTECTED.as_bytes()).unwrap();
    drop(writer);
    daemon.wait_until_up();
    assert_eq!(allowed(&daemon), json!(["10.0.0.0/8"]));
    hang_up(&daemon);
    wait_until("the complaint", || daemon.log().contains("it is a FIFO"));
    assert!(ends_at_once(&mut daemon.child).success());
}

#[test]
fn an_empty_configuration_stays_one() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path(), &[]);
    assert_eq!(ask(&daemon.socket(), "reload").exit, 0);
    assert_eq!(daemon.status()["reload_problem"], Value::Null);
}
