//! Commands that go on while the daemon starts, ends and starts again: `wait`, `watch`, `events` and `log tail`.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};
use support::{Daemon, PATIENCE, Server, ctl};

/// `lineswarmctl` under way, and what it prints, line by line.
struct Running {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

fn run(socket: &Path, words: &str) -> Running {
    let mut command = ctl::ctl(socket);
    command.args(words.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (out, err) = (lines_of(child.stdout.take().unwrap()), lines_of(child.stderr.take().unwrap()));
    Running { child, out, err }
}

fn lines_of(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).for_each(|line| drop(send.send(line)));
    });
    receive
}

fn find(lines: &Receiver<String>, part: &str) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left).unwrap_or_else(|_| panic!("no line with {part:?}"));
        if line.contains(part) {
            return line;
        }
    }
}

impl Running {
    fn exit(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < end, "it does not end");
            thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(at: &Path, server: &str) -> Daemon {
    Daemon::start(at, "one", &["--server", server, "--lines", "20"])
}

#[test]
fn wait_waits_for_the_daemon_to_start_whatever_it_waits_for() {
    let at = tempfile::tempdir().unwrap();
    let server = Server::start(at.path(), &["--lines", "20", "--rate", "0"]);
    let socket = at.path().join("one/control.sock");
    let words = [
        "wait complete",
        "wait submitted",
        "wait --for master",
        "wait peers=0 -t 60",
        "wait --for=complete --json",
    ];
    let mut waiting: Vec<Running> = words.iter().map(|words| run(&socket, words)).collect();
    for one in &waiting {
        assert!(find(&one.err, "waiting for the daemon").contains("no daemon at"));
    }
    let _daemon = start(at.path(), &server.address);
    for (one, words) in waiting.iter_mut().zip(words) {
        assert_eq!(one.exit(), Some(0), "{words}");
    }
}

#[test]
fn wait_goes_on_across_a_restart_however_the_daemon_ended() {
    let at = tempfile::tempdir().unwrap();
    // Nothing is drawn before the second start: it takes a server to draw from.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for (number, by_signal) in [true, false].into_iter().enumerate() {
        let own = at.path().join(number.to_string());
        std::fs::create_dir_all(&own).unwrap();
        let mut daemon = start(&own, &address);
        let mut waiting = run(&daemon.socket(), "wait submitted");
        let mut watching = run(&daemon.socket(), "watch");
        let mut events = run(&daemon.socket(), "events");
        let mut log = run(&daemon.socket(), "log tail");
        find(&watching.out, " 0/20 ");
        find(&events.out, "master-elected");
        find(&log.out, "started name=one");
        if by_signal {
            daemon.kill();
        } else {
            daemon.end();
        }
        find(&waiting.err, "waiting for the daemon");
        find(&watching.out, "waiting for it");
        find(&events.err, "the daemon ended; waiting for it");
        find(&log.err, "the daemon ended; waiting for it");
        let server = Server::start(at.path(), &["--lines", "20", "--rate", "0"]);
        let _daemon = start(&own, &server.address);
        assert_eq!(waiting.exit(), Some(0));
        find(&watching.out, "submitted");
        find(&events.out, "done");
        find(&log.out, "started name=one");
        for one in [&mut watching, &mut events, &mut log] {
            assert_eq!(one.child.try_wait().unwrap(), None, "it goes on");
        }
    }
}

#[test]
fn wait_gives_up_with_75_when_its_time_is_over() {
    let at = tempfile::tempdir().unwrap();
    let silent = at.path().join("silent.sock");
    let _silent = std::os::unix::net::UnixListener::bind(&silent).unwrap();
    let dead = at.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    for socket in [&silent, &dead, &at.path().join("none.sock")] {
        let begin = Instant::now();
        let answered = ctl::ask(socket, "wait complete -t 0.5 --json");
        assert_eq!(answered.failure(), (75, "E_TIMEOUT".into()), "{}", socket.display());
        assert!(begin.elapsed() >= Duration::from_millis(500) && begin.elapsed() < Duration::from_secs(20));
    }
    let daemon = start(at.path(), "127.0.0.1:1");
    let answered = ctl::ask(&daemon.socket(), "wait submitted -t 0.3 --json");
    assert_eq!(answered.failure(), (75, "E_TIMEOUT".into()));
}

#[test]
fn wait_for_what_can_no_longer_be_ends_at_once_with_the_reason() {
    let at = tempfile::tempdir().unwrap();
    // Each draw of line 0 is another text: the job fails.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let read = BufReader::new(stream.try_clone().unwrap());
                for (draw, _) in read.lines().map_while(Result::ok).enumerate() {
                    if stream.write_all(format!("0\ntext {draw}\n").as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let daemon = start(at.path(), &address);
    for words in ["wait complete", "wait --for submitted", "wait submitted -t 60"] {
        let answered = ctl::ask(&daemon.socket(), &format!("{words} --json"));
        assert_eq!(answered.failure(), (1, "E_FAILED".into()));
        assert!(answered.json()["error"]["why"].as_str().unwrap().contains("text"), "{answered:?}");
    }
    assert_eq!(ctl::ask(&daemon.socket(), "wait master").exit, 0, "that is so all the same");
}

#[test]
fn what_is_no_matter_of_time_ends_wait_at_once() {
    let at = tempfile::tempdir().unwrap();
    let wrong = at.path().join("x".repeat(200));
    for words in ["wait complete", "wait --for master -t 60"] {
        let answered = ctl::ask(&wrong, words);
        assert_eq!(answered.exit, 69, "{answered:?}");
    }
    let garbage = at.path().join("garbage.sock");
    let listener = std::os::unix::net::UnixListener::bind(&garbage).unwrap();
    thread::spawn(move || {
        listener.incoming().map_while(Result::ok).for_each(|mut one| drop(one.write_all(b"HTTP\n")))
    });
    assert_eq!(ctl::ask(&garbage, "wait complete").exit, 76);
}
