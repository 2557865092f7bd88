//! Each way in which a daemon cannot be reached, understood or waited for, and its exit code.

use crate::fake_daemon::{FakeDaemon, GREETING, ctl, lonely, run, script, status};
use serde_json::json;
use std::fs;
use std::os::unix::net::UnixListener;

#[test]
fn without_a_socket_there_is_no_daemon() {
    let at = tempfile::tempdir().unwrap();
    let ask = |command: &str, json: bool| {
        let flags: &[&str] = if json { &["--json"] } else { &[] };
        run(ctl().arg("-s").arg(at.path().join("no.sock")).arg(command).args(flags))
    };
    let text = ask("ping", false);
    assert_eq!((text.exit, text.out.as_str()), (69, ""));
    for part in ["lineswarmctl: no daemon at /", "no.sock [E_NO_DAEMON]\n", "  why:  ", "  hint: start it"] {
        assert!(text.err.contains(part), "{part} in {}", text.err);
    }
    let object = ask("ping", true);
    assert_eq!((object.exit, object.code().as_str(), object.err.as_str()), (69, "E_NO_DAEMON", ""));
    assert_eq!(ask("status", false).exit, 3);
    assert_eq!((ask("status", true).exit, ask("status", true).code().as_str()), (3, "E_NO_DAEMON"));
    assert!(ask("version", false).out.starts_with("lineswarmctl 0."), "ours is known without a daemon");
}

#[test]
fn a_socket_without_a_listener_says_so() {
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join("dead.sock");
    drop(UnixListener::bind(&path).unwrap());
    let answered = run(ctl().arg("-s").arg(&path).args(["pause", "--json"]));
    assert_eq!((answered.exit, answered.code().as_str()), (69, "E_NO_LISTENER"));
    assert!(answered.json()["error"]["why"].as_str().unwrap().contains("nobody listens"));
    assert_eq!(run(ctl().arg("-s").arg(&path).arg("status")).exit, 3);
}

#[test]
fn an_instance_that_does_not_run_is_named_in_the_hint() {
    let at = tempfile::tempdir().unwrap();
    let answered = run(ctl().env("XDG_RUNTIME_DIR", at.path()).args(["-i", "nobody-has-this", "ping"]));
    assert_eq!(answered.exit, 69);
    assert!(answered.err.contains("systemctl start lineswarmd@nobody-has-this"), "{}", answered.err);
}

#[test]
fn another_version_of_the_protocol_is_told_before_anything_else() {
    let daemon =
        FakeDaemon::blurting("{\"v\":7,\"hello\":{\"program\":\"lineswarmd\",\"min\":5,\"max\":7}}\n", false);
    let answered = daemon.ctl("ping --json");
    assert_eq!((answered.exit, answered.code().as_str()), (76, "E_VERSION"));
    assert!(answered.json()["error"]["why"].as_str().unwrap().contains("versions 5 to 7"));
    assert_eq!(daemon.ctl("status").exit, 4);
}

#[test]
fn a_daemon_that_is_silent_ends_with_a_time_out() {
    for bytes in [String::new(), format!("{GREETING}\n")] {
        let daemon = FakeDaemon::blurting(bytes, false);
        let answered = daemon.ctl("-t 0.2 ping --json");
        assert_eq!((answered.exit, answered.code().as_str()), (75, "E_TIMEOUT"));
        assert_eq!(daemon.ctl("-t 0.2 status").exit, 4);
    }
}

#[test]
fn a_daemon_that_accepts_nobody_ends_with_a_time_out() {
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join("full.sock");
    let socket =
        rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    // A backlog of 0 holds one.
    let _waiting = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let answered = run(ctl().arg("-s").arg(&path).args(["-t", "0.2", "ping"]));
    assert_eq!(answered.exit, 75, "{answered:?}");
}

#[test]
fn a_drip_does_not_stretch_the_deadline() {
    // A megabyte without a newline, and then nothing.
    let daemon = FakeDaemon::blurting(vec![b' '; 1024 * 1024], false);
    assert_eq!(daemon.ctl("-t 0.3 ping").exit, 75);
}

#[test]
fn garbage_is_not_believed() {
    let greeted = |reply: &str| format!("{GREETING}\n{reply}\n");
    for bytes in [
        "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(),
        "{}\n".to_owned(),
        "{\"v\":1}\n".to_owned(),
        "\n".to_owned(),
        greeted("nonsense"),
        greeted("{\"id\":9,\"ok\":{}}"),
        greeted("{\"id\":1}"),
        greeted("{\"id\":1,\"ok\":{\"number\":1,\"text\":\"x\",\"text_b64\":\"eA==\"}}"),
        greeted("{\"id\":1,\"ok\":{\"number\":1,\"text_b64\":\"*\"}}"),
    ] {
        let daemon = FakeDaemon::blurting(bytes.clone(), false);
        let answered = daemon.ctl("get 1");
        assert_eq!(answered.exit, 76, "{bytes}: {answered:?}");
        assert!(
            answered.err.contains("[E_PROTOCOL]") && answered.err.contains("status.sock"),
            "{answered:?}"
        );
    }
}

#[test]
fn a_dump_out_of_order_or_cut_short_is_not_believed_and_no_file_is_written() {
    let part = |number: u32| json!({"part": {"lines": [{"number": number, "text": "x"}]}});
    for bodies in [
        vec![part(1), part(1), json!({"ok": {"count": 2}})],
        vec![part(1), part(0), json!({"ok": {"count": 2}})],
        vec![part(0), json!({"ok": {"count": 2}})],
        vec![json!({"part": {"lines": [{"number": 0}]}}), json!({"ok": {"count": 1}})],
    ] {
        let daemon = FakeDaemon::answering(move |_| bodies.clone());
        let path = daemon.directory.join("out");
        assert_eq!(daemon.ctl(&format!("dump -o {}", path.display())).exit, 76);
        assert!(!path.exists());
    }
}

#[test]
fn a_line_without_end_is_cut_at_the_bound() {
    let daemon = FakeDaemon::blurting(vec![b'x'; 5 * 1024 * 1024], false);
    let answered = daemon.ctl("ping --json");
    assert_eq!((answered.exit, answered.code().as_str()), (76, "E_PROTOCOL"));
    assert!(answered.json()["error"]["why"].as_str().unwrap().contains("more than 4194304 bytes"));
}

#[test]
fn a_daemon_that_hangs_up_or_is_busy_is_told_apart() {
    let hung_up = FakeDaemon::blurting(format!("{GREETING}\n{{\"id\":1,\"par"), true).ctl("ping --json");
    assert_eq!((hung_up.exit, hung_up.code().as_str()), (69, "E_CLOSED"));
    let busy = FakeDaemon::blurting(
        "{\"id\":0,\"error\":{\"code\":\"E_BUSY\",\"what\":\"w\",\"why\":\"y\",\"hint\":\"c\"}}\n",
        true,
    );
    let answered = busy.ctl("ping --json");
    assert_eq!((answered.exit, answered.code().as_str()), (75, "E_BUSY"));
}

#[test]
fn errors_of_the_daemon_have_their_exit_codes() {
    for (code, exit) in [
        ("E_READ_ONLY", 77),
        ("E_TIMEOUT", 75),
        ("E_BAD_REQUEST", 64),
        ("E_CONFIG", 78),
        ("E_IO", 74),
        ("E_BUG", 70),
        ("E_SOMETHING_NEW", 1),
    ] {
        let body = json!({"error": {"code": code, "what": "w\u{1b}[2J", "why": "y", "hint": "c"}});
        let daemon = FakeDaemon::always(body);
        assert_eq!(daemon.ctl("pause").exit, exit, "{code}");
        assert!(!daemon.ctl("pause").err.contains('\u{1b}'), "a daemon cannot steer the terminal");
        assert_eq!(daemon.ctl("status").exit, 4);
    }
}

#[test]
fn a_wrong_usage_exits_64_and_help_0() {
    for line in [
        "",
        "frobnicate",
        "get",
        "get x",
        "wait --for money",
        "limit",
        "status --frob",
        "peer",
        "--all -i x ping",
    ] {
        let answered = run(ctl().args(line.split_whitespace()));
        assert_eq!((answered.exit, answered.out.as_str()), (64, ""), "{line}");
        assert!(!answered.err.is_empty(), "{line}");
    }
    let json = run(ctl().args(["statsu", "--json"]));
    assert_eq!((json.exit, json.code().as_str(), json.err.as_str()), (64, "E_USAGE", ""));
    assert!(json.json()["error"]["hint"].as_str().unwrap().contains("stat"), "{}", json.out);
    for line in ["--help", "-h", "help", "demo --help", "--version", "-V"] {
        let answered = run(ctl().args(line.split(' ')));
        assert_eq!((answered.exit, answered.err.as_str()), (0, ""), "{line}");
    }
    assert_eq!(run(ctl().arg("-V")).out, format!("lineswarmctl {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_closed_output_is_a_quiet_end_and_a_full_disk_is_not() {
    let daemon = FakeDaemon::always(json!({"ok": status()}));
    let with_output = |output: fs::File| {
        let mut command = ctl();
        command.arg("-s").arg(daemon.status_socket()).arg("status").stdout(output);
        let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let ended = child.wait_with_output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    };
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    assert_eq!(with_output(fs::File::from(std::os::fd::OwnedFd::from(write))), (Some(0), String::new()));
    let (exit, errors) = with_output(fs::File::options().write(true).open("/dev/full").unwrap());
    assert_eq!(exit, Some(4), "{errors}");
    assert!(errors.contains("[E_IO]"), "{errors}");
}

#[test]
fn programs_that_are_not_installed_are_named() {
    let at = tempfile::tempdir().unwrap();
    for arguments in [["demo", "--json"], ["config", "check"]] {
        let answered = run(lonely(at.path()).args(arguments));
        assert_eq!(answered.exit, 69, "{answered:?}");
        assert!((answered.out + &answered.err).contains("lineswarmd was not found"));
    }
}

#[test]
fn config_check_passes_on_what_the_daemon_says_and_its_exit_code() {
    let at = tempfile::tempdir().unwrap();
    script(&at.path().join("lineswarmd"), "echo \"$@\"\necho a.toml:3: no such key >&2\nexit 78\n");
    let answered = run(lonely(at.path()).args(["config", "check", "a.toml", "-i", "bob"]));
    assert_eq!(answered.exit, 78);
    assert_eq!(answered.out, "--check --config a.toml --instance bob\n");
    assert_eq!(answered.err, "a.toml:3: no such key\n");
}
