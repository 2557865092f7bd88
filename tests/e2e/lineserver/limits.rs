//! The limiters on a real clock, against `limiter.rs` asked at the same times.

use crate::server::{Client, PATIENCE, Server};
use lineswarm_proto::{
    line_server::{LimiterKind, limiter::Limiter},
    time::Moment,
};
use std::{
    thread,
    time::{Duration, Instant},
};

/// Asks at these times after `start`, in ms. `None` if this machine was too late for one of them to mean anything.
fn script(client: &mut Client, start: Instant, at_ms: &[u64], late: Duration) -> Option<Vec<u64>> {
    let mut answered = Vec::new();
    for &ms in at_ms {
        let due = start + Duration::from_millis(ms);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if client.draw().is_some() {
            answered.push(ms);
        }
        if due.elapsed() > late {
            return None;
        }
    }
    Some(answered)
}

fn expected(kind: LimiterKind, rate: f64, burst: u32, at_ms: &[u64]) -> Vec<u64> {
    let mut limiter = Limiter::new(kind, rate, burst, Moment::ZERO);
    at_ms.iter().copied().filter(|ms| limiter.allows(Moment(ms * 1000))).collect()
}

/// Runs a script until one was kept to, each time on a new connection.
fn answered(server: &Server, at_ms: &[u64], late: Duration, start: impl Fn() -> Instant) -> Vec<u64> {
    for _ in 0..10 {
        let mut client = server.client(1);
        if let Some(answered) = script(&mut client, start(), at_ms, late) {
            return answered;
        }
    }
    panic!("this machine is too slow to keep to {at_ms:?} ms");
}

#[test]
fn spacing_on_a_real_clock_answers_as_its_limiter_does() {
    let server = Server::start(&["--rate", "10"]);
    let at_ms = [0, 50, 150, 200, 300, 350, 440];
    let spaced = answered(&server, &at_ms, Duration::from_millis(35), Instant::now);
    assert_eq!(spaced, expected(LimiterKind::Spacing, 10.0, 1, &at_ms));
    assert_eq!(spaced, [0, 150, 300, 440]);
}

#[test]
fn a_bucket_on_a_real_clock_answers_as_its_limiter_does() {
    let server = Server::start(&["--rate", "10", "--limiter", "bucket", "--burst", "2"]);
    let at_ms = [0, 0, 0, 50, 150, 160, 500, 500, 500];
    let answered = answered(&server, &at_ms, Duration::from_millis(35), Instant::now);
    assert_eq!(answered, expected(LimiterKind::Bucket, 10.0, 2, &at_ms));
    assert_eq!(answered, [0, 0, 150, 500, 500]);
}

#[test]
fn a_window_on_a_real_clock_answers_as_its_limiter_does() {
    let server = Server::start(&["--rate", "3", "--limiter", "window"]);
    // The server's seconds begin where its `t` is whole; a script begins a little later than one of them.
    let zero = || {
        let into = Duration::from_secs_f64(server.event("connect")["t"].as_f64().unwrap().fract());
        Instant::now() + Duration::from_millis(1050) - into
    };
    let at_ms = [0, 0, 100, 200, 700, 1000, 1000, 1500, 1600];
    let times = answered(&server, &at_ms, Duration::from_millis(150), zero);
    assert_eq!(times, expected(LimiterKind::Window, 3.0, 1, &at_ms));
    assert_eq!(times, [0, 0, 100, 1000, 1000, 1500]);
}

#[test]
fn connections_have_their_own_limit_or_share_their_addresss() {
    for (limit_by, answers) in [("conn", [true, true, true]), ("ip", [true, false, true])] {
        let server = Server::start(&["--limit-by", limit_by, "--rate", "0.001"]);
        let clients = [server.client(1), server.client(1), server.client(2)];
        assert_eq!(clients.map(|mut client| client.draw().is_some()), answers, "{limit_by}");
    }
}

#[test]
fn a_refusal_looks_as_asked_for() {
    for (args, refusal) in [(&[][..], ["-1\n", "\n"]), (&["--refusal", "minus"], ["-1\n", "-1\n"])] {
        let server = Server::start(&[&["--rate", "0.001"], args].concat());
        let mut client = server.client(1);
        assert!(client.send(b"SENDLINE\nSENDLINE\n").line().is_some());
        assert_eq!([client.field().unwrap(), client.field().unwrap()], refusal);
        server.terminate();
        assert_eq!(server.event("end")["refusals"], 1);
    }
}

#[test]
fn a_rate_follows_its_schedule() {
    let server = Server::start(&["--rate", "0,0.001@0.3s,0@0.6s"]);
    let mut client = server.client(1);
    let start = Instant::now();
    let mut changes = Vec::new();
    while changes.len() < 2 {
        let answered = client.draw().is_some();
        if answered != (changes.len() % 2 == 0) {
            changes.push(start.elapsed());
        }
        assert!(start.elapsed() < PATIENCE, "{changes:?}");
    }
    // The first answer of a new rate may be one that spacing owes; never before its time.
    assert!(changes[0].as_millis() >= 300 && changes[1].as_millis() >= 600, "{changes:?}");
}
