//! A line server's faults: each is told with its reason, counted, costs a bounded delay, and loses no line.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
};
use support::{Daemon, Server, swarm, wait_until};

/// All hold the served file, and the server saw exactly one submit, a right one.
fn all_is_well(server: Server, daemons: &[Daemon]) {
    for daemon in daemons {
        daemon.wait("submitted");
        daemon.wait("complete");
        assert_eq!(daemon.dump(), server.served());
        assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
    }
    let end = server.end();
    assert_eq!((&end["submits"], &end["right_submits"]), (&json!(1), &json!(1)), "{end}");
}

/// A line server of this test's own: it says what the test wants.
struct Fake {
    listener: TcpListener,
    address: String,
}

impl Fake {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self { listener, address }
    }

    fn accept(&self) -> Drawer {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
        Drawer { stream: BufReader::new(stream) }
    }
}

/// A daemon's connection, seen from the line server.
struct Drawer {
    stream: BufReader<TcpStream>,
}

impl Drawer {
    /// The next field that the daemon sent; `None` at the end.
    fn field(&mut self) -> Option<String> {
        let mut field = String::new();
        let read = self.stream.read_line(&mut field).ok()?;
        (read > 0).then(|| field.trim_end_matches('\n').to_owned())
    }

    fn say(&mut self, bytes: &[u8]) {
        // The daemon may have closed: then it has read enough.
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// Waits for one request, and answers it with these bytes.
    fn answer(&mut self, bytes: &[u8]) {
        assert_eq!(self.field().as_deref(), Some("SENDLINE"));
        self.say(bytes);
    }

    /// Gives these lines in turn, and takes a submit of as many.
    fn serve(&mut self, lines: &[&str]) {
        let mut next = 0;
        while let Some(request) = self.field() {
            if request == "SENDLINE" {
                let at = next % lines.len();
                self.say(format!("{at}\n{}\n", lines[at]).as_bytes());
                next += 1;
            } else if request == "SUBMIT" {
                let (identity, count) = (self.field().unwrap(), self.field().unwrap());
                (0..2 * count.parse::<usize>().unwrap()).for_each(|_| drop(self.field()));
                let verdict =
                    format!("SUBMIT SUCCESS: {identity} - 127.0.0.1 - 3, 0, 3, 3, 3, 3 - 1, 2, 3\n");
                return self.say(verdict.as_bytes());
            }
        }
        panic!("the daemon closed before it submitted");
    }
}

const THREE: [&str; 3] = ["zero", "one", "two"];

fn of_three(directory: &Path, fake: &Fake) -> Daemon {
    Daemon::start(directory, "one", &["--server", &fake.address, "--lines", "3"])
}

/// How often this event came.
fn counted(daemon: &Daemon, event: &str) -> u64 {
    let stats = daemon.client().ask(json!({"cmd": "stats"})).unwrap();
    stats[format!("event.{event}")].as_u64().unwrap_or(0)
}

#[test]
fn a_thousand_lines_through_chaos_end_right_with_one_submit() {
    let directory = tempfile::tempdir().unwrap();
    let chaos = "cut=0.01,split=0.3:7,silent=0.001,garbage=0.001";
    let options =
        ["--rate", "2000", "--lines", "1000", "--chaos", chaos, "--two-writes", "0.5", "--seed", "7"];
    let server = Server::start(directory.path(), &options);
    let daemons = swarm(directory.path(), &server.address, 4, &[]);
    all_is_well(server, &daemons);
    for daemon in &daemons {
        let log = daemon.log();
        assert!(!log.contains("yielded"), "a fault was taken for room that another client needs:\n{log}");
    }
}

#[test]
fn whatever_spoils_a_reply_is_told_and_costs_that_connection_only() {
    let faults: [(&[u8], &str, &str); 7] = [
        (b"1\non", "server-lost", "closed"),
        (b"1", "server-lost", "closed"),
        (b"seven\nfield\n", "server-broke-protocol", "where a number is due"),
        (b"99999999999\nfar\n", "server-broke-protocol", "99999999999"),
        (b"4\nfour\n", "server-broke-protocol", "line 4 of a file of 3 lines"),
        (b"1\none\na third field\n", "server-broke-protocol", "nobody had asked for"),
        (b"\xff\xfe\n\n", "server-broke-protocol", "where a number is due"),
    ];
    for (reply, event, why) in faults {
        let directory = tempfile::tempdir().unwrap();
        let fake = Fake::new();
        let daemon = of_three(directory.path(), &fake);
        let mut first = fake.accept();
        first.answer(reply);
        let _ = first.stream.get_mut().shutdown(std::net::Shutdown::Write);
        let mut second = fake.accept();
        second.serve(&THREE);
        daemon.wait("submitted");
        assert_eq!(daemon.dump(), b"zero\none\ntwo\n");
        let log = daemon.log();
        let told = log.lines().any(|line| line.contains(event) && line.contains(why));
        assert!(told, "{event} ... {why} for {reply:?} is missing in:\n{log}");
        assert_eq!(counted(&daemon, event), 1, "{reply:?}");
        assert_eq!(daemon.status()["job"]["reconnects"], 1, "{reply:?}");
    }
}

#[test]
fn a_line_with_two_texts_fails_the_job_and_shows_both() {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new();
    let daemon = of_three(directory.path(), &fake);
    let mut drawer = fake.accept();
    drawer.answer(b"0\nzero\n");
    drawer.answer(b"0\nnought \x1b[2J\n");
    wait_until("the failure", || daemon.status()["state"] == "failed");
    let shown = daemon.status()["problem"].as_str().unwrap().to_owned();
    assert!(shown.contains(r#"line 0, "zero" (4 bytes) and "nought \x1b[2J" (11 bytes)"#), "{shown}");
    assert_eq!(counted(&daemon, "failed"), 1);
    let refused = daemon.client().ask(json!({"cmd": "wait", "until": "complete"})).unwrap_err();
    assert_eq!(refused["code"], "E_FAILED");
}

#[test]
fn both_line_0_and_line_n_fail_the_job_instead_of_drawing_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let fake = Fake::new();
    let daemon = of_three(directory.path(), &fake);
    let mut drawer = fake.accept();
    drawer.answer(b"0\nzero\n");
    drawer.answer(b"3\nthree\n");
    wait_until("the failure", || daemon.status()["state"] == "failed");
    let shown = daemon.status()["problem"].as_str().unwrap().to_owned();
    assert!(shown.contains("line 0 and line 3") && shown.contains("server.lines"), "{shown}");
    assert_eq!(daemon.status()["submit"]["attempts"], 0);
}

#[test]
fn long_texts_empty_ones_and_bytes_that_are_no_text_come_through_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let mut file: Vec<u8> = Vec::new();
    for text in
        [vec![b'x'; 9000], b"\xff\xfe\x80 no UTF-8 \xc3".to_vec(), vec![], b"-1".to_vec(), b"7".to_vec()]
    {
        file.extend(text);
        file.push(b'\n');
    }
    let (source, output) = (directory.path().join("source"), directory.path().join("output"));
    std::fs::write(&source, &file).unwrap();
    let server = Server::start(
        directory.path(),
        &["--rate", "500", "--file", source.to_str().unwrap(), "--two-writes", "0.5"],
    );
    let output_option = ["--lines", "5", "--exit-when", "done", "--output", output.to_str().unwrap()];
    let mut args = vec!["--server", &server.address];
    args.extend(output_option);
    let mut daemon = Daemon::spawn(directory.path(), "one", &args);
    assert!(daemon.child.wait().unwrap().success(), "{}", daemon.log());
    assert_eq!(std::fs::read(output).unwrap(), file);
    let end = server.end();
    assert_eq!((&end["submits"], &end["right_submits"]), (&json!(1), &json!(1)), "{end}");
}

#[test]
fn a_server_that_answers_one_request_a_segment_is_drawn_from_one_by_one() {
    for rate in ["0", "500"] {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(
            directory.path(),
            &["--rate", rate, "--lines", "100", "--single", "--latency", "2"],
        );
        let daemons = swarm(directory.path(), &server.address, 2, &["--lines", "100"]);
        all_is_well(server, &daemons);
        for daemon in &daemons {
            assert!(counted(daemon, "server-silent") <= 2, "{}", daemon.log());
        }
    }
}

#[test]
fn a_tournament_that_never_answers_a_session_reset_costs_two_seconds() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "1000", "--lines", "100", "--tournament"]);
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "100"]);
    daemon.wait("submitted");
    let before = daemon.status()["epoch"].as_u64();
    daemon.client().ask(json!({"cmd": "reset", "swarm": true})).unwrap();
    wait_until("the new epoch", || daemon.status()["epoch"].as_u64() > before);
    daemon.wait("submitted");
    assert_eq!(daemon.dump(), server.served());
    assert!(daemon.log().contains("did not answer"), "{}", daemon.log());
    let end = server.end();
    assert_eq!((&end["submits"], &end["right_submits"]), (&json!(2), &json!(2)), "one for each epoch: {end}");
}

#[test]
fn a_stranger_on_our_address_delays_but_does_not_end_the_job() {
    let directory = tempfile::tempdir().unwrap();
    let options = ["--rate", "1000", "--lines", "100", "--one-per-ip", "reject"];
    let server = Server::start(directory.path(), &options);
    let stranger = TcpStream::connect(&server.address).unwrap();
    server.wait_for("connect");
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "100"]);
    wait_until("two tries", || counted(&daemon, "server-lost") >= 2);
    assert_eq!(daemon.status()["job"]["have"], 0);
    drop(stranger);
    all_is_well(server, &[daemon]);
}

#[test]
fn each_source_address_draws_at_a_rate_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let options = ["--rate", "200", "--limit-by", "ip", "--lines", "300", "--one-per-ip", "reject"];
    let server = Server::start(directory.path(), &options);
    let binds = ["127.0.0.7", "127.0.0.8", "127.0.0.9"];
    let mut args = vec!["--lines", "300", "--server", &server.address];
    binds.iter().for_each(|bind| args.extend(["--bind", bind]));
    let daemon = Daemon::start(directory.path(), "one", &args);
    let sources: BTreeSet<String> =
        (0..3).map(|_| server.wait_for("connect")["ip"].as_str().unwrap().to_owned()).collect();
    assert_eq!(sources.iter().map(String::as_str).collect::<Vec<_>>(), binds);
    let status: Value = daemon.wait("complete");
    let job = &status["job"];
    let rate = job["draws"].as_f64().unwrap() / job["elapsed_s"].as_f64().unwrap();
    assert!(rate > 250.0, "three sources draw faster than one may: {rate}");
    all_is_well(server, &[daemon]);
}
