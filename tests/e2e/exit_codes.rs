//! Each exit code of lineswarmctl, by a real process, and wherever that can be by a real daemon; and each way in which
//! a connection can fail, told apart by code.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixListener, process::CommandExt},
    path::Path,
    process::Command,
    thread,
};
use support::{
    Daemon, Server,
    ctl::{ask, ctl, program, run},
};

fn lonely(directory: &Path) -> Daemon {
    Daemon::start(directory, "one", &["--autostart", "false"])
}

fn stop(daemon: &Daemon) {
    kill_process(Pid::from_child(&daemon.child), Signal::STOP).unwrap();
}

/// Says these lines to whoever connects, the second once it was asked.
fn speaks(directory: &Path, greeting: &'static str, reply: &'static str) -> std::path::PathBuf {
    let path = directory.join("fake.sock");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = writeln!(stream, "{greeting}");
            let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new());
            let _ = writeln!(stream, "{reply}");
        }
    });
    path
}

#[test]
fn answers_exit_0_and_a_no_exits_1() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let socket = daemon.socket();
    for words in ["status", "ping", "version", "peers", "stats", "log tail --follow=false", "pause"] {
        let answered = ask(&socket, words);
        assert_eq!(answered.exit, 0, "{words}: {answered:?}");
    }
    assert_eq!(ask(&socket, "--json get 7").failure(), (1, "E_NO_LINE".into()));
    assert_eq!(ask(&socket, "--json dump").failure(), (1, "E_INCOMPLETE".into()));
    assert_eq!(ask(&socket, "resolve nobody").exit, 1);
}

#[test]
fn status_alone_exits_3_where_nobody_is_and_4_where_nobody_answers() {
    let directory = tempfile::tempdir().unwrap();
    let mut daemon = lonely(directory.path());
    assert_eq!(ask(&directory.path().join("none.sock"), "status").exit, 3);
    stop(&daemon);
    assert_eq!(ask(&daemon.socket(), "--json -t 0.3 status").failure(), (4, "E_TIMEOUT".into()));
    daemon.kill();
    assert_eq!(ask(&daemon.socket(), "--json status").failure(), (3, "E_NO_LISTENER".into()));
}

#[test]
fn what_cannot_be_meant_exits_64() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    assert_eq!(ask(&daemon.socket(), "--json frobnicate").failure(), (64, "E_USAGE".into()));
    assert_eq!(ask(&daemon.socket(), "--json peer add nowhere").failure(), (64, "E_BAD_VALUE".into()));
}

#[test]
fn a_damaged_journal_exits_65() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "50"]);
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "50"]);
    daemon.wait("submitted");
    assert_eq!(ask(&daemon.socket(), "save").exit, 0);
    assert_eq!(ask(&daemon.socket(), "verify").exit, 0);
    let journal = daemon.directory.join("state/journal");
    let mut bytes = fs::read(&journal).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&journal, bytes).unwrap();
    assert_eq!(ask(&daemon.socket(), "--json verify").failure(), (65, "E_DAMAGED".into()));
}

#[test]
fn nobody_there_exits_69_and_says_whether_a_socket_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let mut daemon = lonely(directory.path());
    let none = directory.path().join("none.sock");
    assert_eq!(ask(&none, "--json ping").failure(), (69, "E_NO_DAEMON".into()));
    daemon.kill();
    let left = ask(&daemon.socket(), "--json ping");
    assert_eq!(left.failure(), (69, "E_NO_LISTENER".into()));
    assert!(left.json()["error"]["why"].as_str().unwrap().contains("nobody listens"));
    assert_eq!(ask(&daemon.socket(), "--json pause").failure().0, 69);
}

#[test]
fn a_fault_of_the_daemon_exits_70() {
    let directory = tempfile::tempdir().unwrap();
    let greeting = r#"{"v":1,"hello":{"program":"lineswarmd","version":"0.1.0","min":1,"max":1,"socket":"control","name":"x"}}"#;
    let reply =
        r#"{"id":1,"error":{"code":"E_BUG","what":"a fault","why":"nobody knows","hint":"report it"}}"#;
    assert_eq!(
        ask(&speaks(directory.path(), greeting, reply), "--json ping").failure(),
        (70, "E_BUG".into())
    );
}

#[test]
fn what_cannot_be_created_exits_73_and_what_cannot_be_written_74() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let socket = daemon.socket();
    let key = directory.path().join("key");
    let generate = format!("--json key gen {}", key.display());
    assert_eq!(ask(&socket, &generate).exit, 0);
    assert_eq!(ask(&socket, &generate).failure(), (73, "E_EXISTS".into()));
    assert_eq!(ask(&socket, "--json dump -o /no/such/place").failure(), (73, "E_CANNOT_CREATE".into()));
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = ctl(&socket);
    let ended = command.arg("ping").stdout(full).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let ended = ended.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(74));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("[E_IO]"));
    for flag in ["--help", "--version", "--print-config"] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut daemon = std::process::Command::new(env!("CARGO_BIN_EXE_lineswarmd"));
        let ended = daemon.arg(flag).stdout(full).output().unwrap();
        assert_eq!(ended.status.code(), Some(74), "{flag}");
        assert!(String::from_utf8(ended.stderr).unwrap().contains("the standard output cannot be written"));
    }
}

#[test]
fn what_may_work_later_exits_75() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let socket = daemon.socket();
    assert_eq!(ask(&socket, "--json -t 0.2 wait --for complete").failure(), (75, "E_TIMEOUT".into()));
    stop(&daemon);
    let silent = ask(&socket, "--json -t 0.3 ping");
    assert_eq!(silent.failure(), (75, "E_TIMEOUT".into()));
    assert!(silent.json()["error"]["what"].as_str().unwrap().contains("0.3 s"), "{silent:?}");
}

#[test]
fn another_version_exits_76() {
    let directory = tempfile::tempdir().unwrap();
    let greeting = r#"{"v":7,"hello":{"program":"lineswarmd","version":"9.0.0","min":5,"max":7}}"#;
    let answered = ask(&speaks(directory.path(), greeting, ""), "--json ping");
    assert_eq!(answered.failure(), (76, "E_VERSION".into()));
    assert!(answered.json()["error"]["why"].as_str().unwrap().contains("5 to 7"));
}

#[test]
fn what_is_not_allowed_exits_77_and_names_the_owner_the_mode_and_the_command_that_helps() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let status = daemon.directory.join("status.sock");
    assert_eq!(ask(&status, "--json pause").failure(), (77, "E_READ_ONLY".into()));

    let socket = daemon.socket();
    let mut command = ctl(&socket);
    if geteuid().is_root() {
        // As somebody else, on the way to a socket that only its owner and group may use. The program comes along:
        // somebody else may not be able to enter the directory in which it was built.
        let copy = directory.path().join("lineswarmctl");
        fs::copy(program(), &copy).unwrap();
        for open in [directory.path(), &daemon.directory, &copy] {
            fs::set_permissions(open, fs::Permissions::from_mode(0o755)).unwrap();
        }
        command = Command::new(copy);
        command.env("NO_COLOR", "1").arg("--socket").arg(&socket).current_dir("/").uid(65_534).gid(65_534);
    } else {
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
    }
    let refused = run(command.args(["--json", "ping"]));
    assert_eq!(refused.failure(), (77, "E_PERMISSION".into()));
    let body = refused.json()["error"].clone();
    let why = body["why"].as_str().unwrap();
    assert!(why.contains("with mode 0") && why.contains("and you are "), "{why}");
    assert!(body["hint"].as_str().unwrap().contains("sudo "), "{body}");
}

#[test]
fn a_bad_configuration_exits_78() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let file = daemon.directory.join("empty.toml");
    assert_eq!(ask(&daemon.socket(), "reload").exit, 0);
    fs::write(&file, "[server]\nrate = -1\n").unwrap();
    assert_eq!(ask(&daemon.socket(), "--json reload").failure(), (78, "E_CONFIG".into()));
    let checked = ask(&daemon.socket(), &format!("config check {}", file.display()));
    assert_eq!(checked.exit, 78);
    assert!(checked.err.contains("empty.toml:2"), "{checked:?}");
}
