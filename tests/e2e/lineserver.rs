//! The `lineserver` binary from outside: every option, every event, its ends and its bounds.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "lineserver/bounds.rs"]
mod bounds;
#[path = "lineserver/limits.rs"]
mod limits;
#[path = "lineserver/server.rs"]
mod server;

use lineswarm_proto::line_server::{File, nth_draw};
use serde_json::Value;
use server::{PATIENCE, Server, lineserver};
use std::{net::Shutdown, process::Stdio, time::Instant};

/// The whole served file, of a server that was told to write it.
fn served(dir: &tempfile::TempDir) -> Vec<String> {
    let text = std::fs::read_to_string(dir.path().join("served")).unwrap();
    text.strip_suffix('\n').unwrap().split('\n').map(str::to_owned).collect()
}

#[test]
fn a_made_up_file_is_served_as_written_and_a_right_submit_ends_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("served");
    let mut server = Server::start(&[
        "--lines",
        "40",
        "--base",
        "1",
        "--seed",
        "7",
        "--draw-seed",
        "3",
        "--rate",
        "0",
        "--submits",
        "2",
        "--write-file",
        path.to_str().unwrap(),
    ]);
    let file = served(&dir);
    assert_eq!(
        std::fs::read(&path).unwrap(),
        File::generate(7, 40, 1).unwrap().contents().collect::<Vec<_>>().concat()
    );
    assert_eq!(
        (&server.listen["lines"], &server.listen["base"], &server.listen["seed"]),
        (&40.into(), &1.into(), &7.into())
    );

    let mut client = server.client(5);
    assert_eq!(server.event("connect")["ip"], "127.0.0.5");
    let mut seen = std::collections::BTreeSet::new();
    let mut needed = 0;
    for draw in 1..=400_u64 {
        let (number, text) = client.draw().unwrap();
        assert_eq!(number, 1 + nth_draw(3, draw, 40));
        assert_eq!(text, file[number as usize - 1]);
        if seen.insert(number) && seen.len() == 40 {
            needed = draw;
        }
    }
    assert_eq!(server.event("first_draw")["ip"], "127.0.0.5");

    let lines = || file.iter().enumerate().map(|(index, text)| (index + 1, text.as_str()));
    let verdict = client.submit(lines().take(3));
    assert!(
        verdict.starts_with("SUBMIT SUCCESS: 2023JCS2542@asap - 127.0.0.5 - 3, 0, 3, 400, 400, 40 - "),
        "{verdict}"
    );
    let probe = server.event("submit");
    assert_eq!((&probe["ok"], &probe["right"], &probe["wrong"]), (&false.into(), &3.into(), &0.into()));
    assert_eq!((&probe["reason"], &probe["identity"]), (&"3 of 40 lines".into(), &"2023JCS2542@asap".into()));

    for _ in 0..2 {
        assert!(client.submit(lines()).contains(" - 40, 0, 40, 400, 400, 40 - "));
        let right = server.event("submit");
        assert_eq!(
            (&right["ok"], &right["right"], &right["reason"]),
            (&true.into(), &40.into(), &Value::Null)
        );
        assert_eq!(right["ip"], "127.0.0.5");
    }
    let end = server.event("end");
    assert_eq!(
        (&end["draws"], &end["refusals"], &end["draws_needed"]),
        (&400.into(), &0.into(), &needed.into())
    );
    assert_eq!(
        (&end["submits"], &end["right_submits"], &end["reason"]),
        (&3.into(), &2.into(), &"submits".into())
    );
    assert!(end["seconds"].as_f64().unwrap() > 0.0 && end["t"].as_f64() >= end["seconds"].as_f64());
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn lines_of_a_file_are_served_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, " a\n\n12\n-1\nlast").unwrap();
    let given = path.to_str().unwrap();
    let written = dir.path().join("served");
    let served_as = |args: &[&str]| {
        let server = Server::start(
            &[&["--file", given, "--rate", "0", "--write-file", written.to_str().unwrap()], args].concat(),
        );
        let mut client = server.client(1);
        for _ in 0..50 {
            let (number, text) = client.draw().unwrap();
            assert_eq!(text, [" a", "", "12", "-1", "last"][number as usize]);
        }
        served(&dir)
    };
    assert_eq!(served_as(&[]), [" a", "", "12", "-1", "last"]);
    assert_eq!(served_as(&["--lines", "2"]), [" a", ""]);
}

#[test]
fn the_same_seed_draws_the_same_lines() {
    let draws = |seed: &str| {
        let server = Server::start(&["--seed", seed, "--rate", "0"]);
        let mut client = server.client(1);
        (0..20).map(|_| client.draw().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(draws("11"), draws("11"));
    assert_ne!(draws("11"), draws("12"));
}

#[test]
fn without_a_seed_the_file_is_the_same_and_the_draws_are_not() {
    let draws = || {
        let server = Server::start(&["--rate", "0", "--lines", "5000"]);
        let mut client = server.client(1);
        (0..20).map(|_| client.draw().unwrap()).collect::<Vec<_>>()
    };
    let (first, second, file) = (draws(), draws(), File::generate(1, 5000, 0).unwrap());
    assert_ne!(first, second);
    for (number, text) in first.iter().chain(&second) {
        assert_eq!(file.text(*number), Some(text.as_bytes()));
    }
}

#[test]
fn a_second_connection_of_an_address_is_rejected_or_replaces_the_first() {
    let server = Server::start(&["--one-per-ip", "reject", "--rate", "0"]);
    let (mut first, mut second, mut other) = (server.client(1), server.client(1), server.client(2));
    assert_eq!(second.field(), None);
    assert!(first.draw().is_some() && other.draw().is_some());
    assert_eq!(server.event("disconnect")["reason"], "rejected: one connection per address");

    let server = Server::start(&["--one-per-ip", "replace", "--rate", "0"]);
    let mut first = server.client(1);
    assert!(first.draw().is_some());
    let (mut second, mut other) = (server.client(1), server.client(2));
    assert!(second.draw().is_some() && other.draw().is_some());
    assert_eq!(first.field(), None);
    let gone = server.event("disconnect");
    assert_eq!((&gone["reason"], &gone["sent"]), (&"replaced: one connection per address".into(), &1.into()));
}

#[test]
fn a_session_outlives_its_connections_and_a_reset_starts_it_anew() {
    let server = Server::start(&["--rate", "0", "--lines", "3"]);
    let mut client = server.client(1);
    client.draw();
    drop(client);
    server.event("disconnect");
    let mut client = server.client(1);
    client.draw();
    assert!(client.submit([].into_iter()).contains(" - 0, 0, 0, 2, 1, 3 - "));
    assert_eq!(client.send(b"SESSION RESET\n").field().unwrap(), "Ok\n");
    assert!(client.submit([(0, "wrong")].into_iter()).contains(" - 0, 1, 1, 0, 1, 3 - "));
    assert_eq!(server.event("submit")["reason"], "0 of 3 lines");
    assert_eq!(server.event("submit")["reason"], "1 lines wrong");
    let right = File::generate(1, 3, 0).unwrap();
    assert_eq!(client.send(b"SEND INCORRECT LINES\n").field().unwrap(), "1\n");
    assert_eq!(client.line(), Some((0, String::from_utf8(right.text(0).unwrap().to_vec()).unwrap())));
}

#[test]
fn a_malformed_submit_is_an_event_with_its_reason() {
    let server = Server::start(&[]);
    let told = server.client(1).send(b"SUBMIT\na@b c\nmany\n").field().unwrap();
    assert_eq!(told, "SUBMIT FAILED: [a@b c] - LINESTOREAD PARSING ERROR\n");
    let event = server.event("submit");
    assert_eq!((&event["ok"], &event["reason"]), (&false.into(), &"LINESTOREAD PARSING ERROR".into()));
    let mut client = server.client(1);
    client.send(b"SUBMIT\na@b c\n2\n0\n").stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"SUBMIT FAILED: [a@b c] - READING ERROR\n");
}

#[test]
fn a_tournament_never_replies_to_reset_and_corrections() {
    let server = Server::start(&["--tournament", "--rate", "0"]);
    let mut client = server.client(1);
    client.send(b"SESSION RESET\nSEND INCORRECT LINES\nSENDLINE\n");
    assert!(client.line().is_some());
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"");
}

#[test]
fn single_ignores_a_segment_of_two_requests() {
    let server = Server::start(&["--single", "--rate", "0"]);
    let mut client = server.client(1);
    client.send(b"SENDLINE\nSENDLINE\n").stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"");
    assert!(server.client(1).draw().is_some());
    server.terminate();
    let end = server.event("end");
    assert_eq!((&end["draws"], &end["ignored"]), (&1.into(), &1.into()));
}

#[test]
fn latency_holds_each_reply_back() {
    let server = Server::start(&["--latency", "40.5", "--rate", "0"]);
    let mut client = server.client(1);
    let sent = Instant::now();
    client.send(&b"SENDLINE\n".repeat(3));
    for _ in 0..3 {
        assert!(client.line().is_some());
        assert!(sent.elapsed().as_micros() >= 40_500);
    }
    assert!(sent.elapsed().as_millis() < 3 * 40, "outstanding requests wait together");
}

#[test]
fn two_writes_let_a_reader_see_the_number_alone() {
    use std::io::Read;
    let server = Server::start(&["--two-writes", "1", "--rate", "0"]);
    let mut client = server.client(1);
    let (until, mut buffer) = (Instant::now() + PATIENCE, [0; 4096]);
    let (mut alone, mut fields) = (false, 0);
    while !alone {
        assert!(Instant::now() < until, "number and text always came together");
        if fields % 2 == 0 {
            client.send(b"SENDLINE\n");
        }
        let count = client.stream.read(&mut buffer).unwrap();
        fields += buffer[..count].iter().filter(|byte| **byte == b'\n').count();
        alone = fields % 2 == 1;
    }
}

#[test]
fn chaos_cuts_a_reply_in_the_middle() {
    let server = Server::start(&["--chaos", "cut=1", "--rate", "0"]);
    let mut client = server.client(1);
    client.send(b"SENDLINE\n");
    let rest = client.rest();
    assert!(
        !rest.is_empty() && !rest.ends_with(b"\n") || rest.iter().filter(|byte| **byte == b'\n').count() < 2
    );
    assert_eq!(server.event("disconnect")["reason"], "cut on purpose");
}

#[test]
fn the_time_is_up_with_and_without_submits_to_wait_for() {
    let mut server = Server::start(&["--max-seconds", "0.2"]);
    let end = server.event("end");
    assert_eq!(
        (&end["reason"], &end["seconds"], &end["draws_needed"]),
        (&"max-seconds".into(), &Value::Null, &Value::Null)
    );
    assert!(end["t"].as_f64().unwrap() >= 0.2);
    assert_eq!(server.exit().code(), Some(0));
    let mut server = Server::start(&["--max-seconds", "0.1", "--submits", "1"]);
    assert_eq!(server.exit().code(), Some(75));
}

#[test]
fn a_signal_ends_the_server_cleanly() {
    let mut server = Server::start(&["--latency", "100", "--rate", "0"]);
    let mut client = server.client(1);
    client.send(b"SENDLINE\n");
    server.event("first_draw");
    server.terminate();
    assert!(client.line().is_some(), "what was promised still leaves");
    assert_eq!(server.event("end")["reason"], "signal");
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn without_events_the_first_line_of_the_log_says_the_address() {
    let output = lineserver()
        .args(["--listen", "127.0.0.1:0", "--max-seconds", "0"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    let (_, address) = log.lines().next().unwrap().split_once("listening on 127.0.0.1:").unwrap();
    assert_ne!(address.split(':').next().unwrap().parse(), Ok(0_u16));
    assert!(log.lines().nth(1).unwrap().contains("end (max-seconds)"), "{log}");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

#[test]
fn a_reader_of_events_that_goes_away_ends_the_server() {
    let mut command = lineserver();
    command.args(["--listen", "127.0.0.1:0", "--events", "json", "--max-seconds", "0.1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(74));
    assert!(String::from_utf8(output.stderr).unwrap().contains("events can't be written"));
}

#[test]
fn an_address_that_is_taken_is_told_with_a_hint() {
    let server = Server::start(&[]);
    let output = lineserver().args(["--listen", &server.addr.to_string()]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(74));
    assert!(said.contains("in use") && said.contains("give a free address"), "{said}");
}

#[test]
fn bad_options_are_told_with_a_hint_and_their_own_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let (short, empty) = (dir.path().join("short"), dir.path().join("empty"));
    std::fs::write(&short, "one\n").unwrap();
    std::fs::write(&empty, "").unwrap();
    let (short, empty) = (short.to_str().unwrap(), empty.to_str().unwrap());
    for (args, code, told) in [
        (&["--rate", "fast"][..], 64, "give lines a second"),
        (&["--chaos", "burn=1"], 64, "there is no such fault"),
        (&["--limiter", "none"], 64, "possible values: spacing, bucket, window"),
        (&["--limit-by", "peer"], 64, "possible values: conn, ip"),
        (&["--refusal", "no"], 64, "possible values: blank, minus"),
        (&["--one-per-ip", "both"], 64, "possible values: reject, replace"),
        (&["--events", "xml"], 64, "possible values: json"),
        (&["--base", "2"], 64, "0..=1"),
        (&["--lines", "0"], 64, "1..=16000000"),
        (&["--burst", "0"], 64, "not in 1.."),
        (&["--submits", "0"], 64, "not in 1.."),
        (&["--two-writes", "2"], 64, "give a number from 0 to 1"),
        (&["--latency=-1"], 64, "is no span of time"),
        (&["--max-seconds", "nan"], 64, "is no span of time"),
        (&["--limiter", "window", "--rate", "0.5"], 64, "give a --rate of at least 1"),
        (&["--lins", "3"], 64, "a similar argument exists: '--lines'"),
        (&["--file", empty], 65, "give a file with at least one line"),
        (&["--file", short, "--lines", "2"], 65, "has 1 lines, not 2"),
        (&["--file", "/nowhere"], 74, "give a readable file"),
        (&["--write-file", "/nowhere/file"], 73, "writable directory"),
    ] {
        let output = lineserver().args(["--listen", "127.0.0.1:0"]).args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(told), "{args:?}: {said}");
    }
}

#[test]
fn what_was_counted_is_reported_every_so_often_if_asked_for() {
    let server = Server::start(&["--rate", "1", "--counts-every", "0.02"]);
    let first = server.event("counts");
    assert_eq!((&first["draws"], &first["refusals"]), (&0.into(), &0.into()));
    let mut client = server.client(2);
    client.draw().unwrap();
    assert!(client.draw().is_none(), "one a second");
    let counted = loop {
        let counts = server.event("counts");
        if counts["refusals"] == 1 {
            break counts;
        }
    };
    assert_eq!(counted["draws"], 1);
    assert!(counted["t"].as_f64() > first["t"].as_f64());
}
