//! What the programs write to stderr: one line for each event, with an RFC 3339 time, in plain words, whatever a line
//! server, a peer or an operator sends.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use lineswarm_proto::visible::is_hidden;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
};
use support::{Daemon, Server, command, free_addresses, wait_until};

const EVIL: &str =
    "x\u{1b}]0;PWNED\u{7}\u{1b}[31m\r2026-01-01T00:00:00.000Z error forged=\"yes\"\u{9b}5m\u{202e}\u{200b}";

/// A line server of two lines that says hostile things wherever it may say anything.
fn hostile_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        listener.incoming().map_while(Result::ok).for_each(|one| drop(thread::spawn(|| serve(one))))
    });
    address
}

fn serve(stream: TcpStream) {
    let mut write = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut draws = 0;
    while let Some(line) = lines.next() {
        let reply = match line.as_str() {
            "SENDLINE" => {
                draws += 1;
                format!("{}\n{EVIL}\n", draws % 2)
            }
            "SUBMIT" => {
                // Identity, count, and two lines of two fields each.
                lines.by_ref().take(6).for_each(drop);
                format!("SUBMIT FAILED: [{EVIL}] - READING ERROR\n")
            }
            _ => continue,
        };
        if write.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

/// Its level and its message.
fn checked(line: &str) -> (&str, &str) {
    assert!(!line.contains(is_hidden), "{line:?}");
    let mut words = line.splitn(3, ' ');
    let (time, level, message) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    assert!(is_time(time), "{line:?}");
    assert!(["error", "warn", "info", "debug"].contains(&level), "{line:?}");
    is_plain(message);
    (level, message)
}

/// `what key=value ...`, and nothing of Rust's own notation outside of quotes.
fn is_plain(message: &str) {
    let what = message.split(' ').next().unwrap();
    assert!(!what.is_empty() && what.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{message:?}");
    let outside = outside_of_quotes(message);
    for sign in ["Some(", "None", "{", "forged"] {
        assert!(!outside.contains(sign), "{message:?}");
    }
}

fn outside_of_quotes(message: &str) -> String {
    let (mut inside, mut escaped, mut outside) = (false, false, String::new());
    for c in message.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => inside = !inside,
            _ if !inside => outside.push(c),
            _ => {}
        }
    }
    assert!(!inside, "{message:?}");
    outside
}

#[test]
fn an_event_is_one_line_in_plain_words_whatever_anybody_sends() {
    let directory = tempfile::tempdir().unwrap();
    let server = hostile_server();
    let addresses = free_addresses(2);
    let start = |at: usize, name: &str, extra: &[&str]| {
        let (own, other) = (addresses[at].to_string(), addresses[1 - at].to_string());
        let args = ["--server", &server, "--lines", "2", "--listen", &own, "--peer", &other];
        Daemon::start(directory.path(), name, &[&args[..], extra].concat())
    };
    let plain = start(0, "plain", &[]);
    // A name may hold what is no control character.
    let odd = start(1, "odd", &["--name", "o\u{202e}d d=\"1\"\u{200b}", "--log-format", "json"]);
    plain.wait("complete");
    odd.wait("complete");
    plain.wait("peers=1");
    let mut client = plain.client();
    for request in [
        json!({"cmd": "elect", "to": EVIL}),
        json!({"cmd": "peer-remove", "peer": "a\nb", "ban": true}),
        json!({"cmd": "log-level", "level": EVIL}),
        json!({"cmd": "start", "server": EVIL, "swarm": true}),
        json!({"cmd": "join", "addresses": ["\u{202e}:1", "b:2"]}),
        json!({"cmd": "capture", "to": "\u{1b}[2J"}),
    ] {
        let _ = client.ask(request);
    }
    kill_process(Pid::from_child(&plain.child), Signal::USR1).unwrap();
    let has = |daemon: &Daemon, parts: &[&str]| {
        daemon.log().lines().any(|line| parts.iter().all(|part| line.contains(part)))
    };
    wait_until("the status in the log", || has(&plain, &[" info state state="]));
    wait_until("the verdict", || has(&plain, &["READING ERROR"]) || has(&odd, &["READING ERROR"]));
    assert!(
        has(&plain, &["control-request", "command=peer-remove ban=true peer=\"a\\nb\""]),
        "{}",
        plain.log()
    );
    assert!(has(&plain, &["command=elect to=\"x\\u{1b}]0;PWNED", "refused="]), "{}", plain.log());

    let log = plain.log();
    assert!(log.lines().count() > 10);
    log.lines().map(checked).for_each(drop);
    for line in odd.log().lines() {
        assert!(!line.contains(is_hidden), "{line:?}");
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(is_time(line["time"].as_str().unwrap()), "{line}");
        assert!(line["t"].as_f64().is_some_and(|t| t > 1e9), "{line}");
        is_plain(line["message"].as_str().unwrap());
    }
    // What `log` keeps is the same.
    let kept = client.ask_parts(json!({"cmd": "log"}), |part| {
        for line in part["lines"].as_array().unwrap() {
            assert!(!line["message"].as_str().unwrap().contains(is_hidden), "{line}");
        }
    });
    kept.unwrap();
}

#[test]
fn in_the_journal_a_line_begins_with_its_priority_and_stays_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let mut daemon = command(directory.path(), "o\u{202e}dd")
        .args(["--server", &hostile_server(), "--lines", "2"])
        .env("JOURNAL_STREAM", "8:1")
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let read = || std::fs::read_to_string(&log).unwrap();
    wait_until("the verdict", || read().contains("READING ERROR"));
    support::terminate(&daemon);
    daemon.wait().unwrap();
    for line in read().lines() {
        assert!(!line.contains(is_hidden), "{line:?}");
        let message = line.get(3..).filter(|_| line.starts_with('<') && line.get(2..3) == Some(">"));
        is_plain(message.unwrap_or_else(|| panic!("{line:?}")));
    }
}

#[test]
fn the_line_servers_log_is_one_line_an_event_too() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_lineserver"))
        .args(["--listen", "127.0.0.1:0", "--lines", "2", "--max-seconds", "60"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let address = first.split("listening on ").nth(1).unwrap().split(": ").next().unwrap().to_owned();
    assert!(first.contains("(spacing)"), "{first}");
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(format!("SUBMIT\n{}\n1\n0\nx\n", EVIL.replace('\n', "")).as_bytes()).unwrap();
    client.read_exact(&mut [0]).unwrap();
    support::terminate(&server);
    let all: Vec<String> = std::iter::once(first).chain(lines).collect();
    server.wait().unwrap();
    assert!(all.iter().any(|line| line.contains("submitted as x\\u{1b}]0;PWNED")), "{all:#?}");
    for line in &all {
        assert!(!line.contains(is_hidden), "{line:?}");
        let since = line.trim_start().split(' ').next().unwrap();
        assert!(since.starts_with('+') && since.ends_with('s'), "the time is since the start: {line}");
    }
}

/// Events for programs: their text has nothing to obey either, and means the same.
#[test]
fn the_line_servers_events_hold_no_control_characters() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--lines", "2"]);
    let mut client = TcpStream::connect(&server.address).unwrap();
    client.write_all(format!("SUBMIT\n{EVIL}\n1\n0\nx\n").as_bytes()).unwrap();
    assert_eq!(server.wait_for("submit")["identity"], EVIL);
}
