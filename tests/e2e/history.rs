//! Pace and luck apart: of the whole swarm's draws, and of the nodes that really drew.
//!
//! Needs lineswarmctl beside the daemon: `cargo build --workspace` first.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::Value;
use support::{Daemon, Server, ctl::ask, free_addresses, member, wait_until};

const LINES: &str = "150";

/// N·H(N) of 150 lines.
const EXPECTED: f64 = 838.677;

/// The only run of a daemon and its status, once the figures of both are the same: the last peer has told of its draws.
fn run(daemon: &Daemon) -> (Value, Value) {
    let (mut run, mut status) = (Value::Null, Value::Null);
    wait_until("the run's record", || {
        let answer = ask(&daemon.socket(), "history --json").json();
        run = answer["runs"][0].clone();
        status = daemon.status();
        let job = &status["job"];
        // A master that was not started submits nothing: then complete is the end.
        (run["verdict"] == "right" || run["verdict"] == "complete")
            && run["luck"].is_number()
            && (&run["swarm_draws"], &run["pace"]) == (&job["swarm_draws"], &job["pace"])
    });
    (run, status)
}

/// What it is; options of three nodes; who draws; how many a cap holds back.
type Row = (&'static str, [&'static [&'static str]; 3], &'static [&'static str], u64);

#[test]
fn pace_and_luck_are_of_all_draws_and_of_those_that_drew_whatever_holds_the_others_back() {
    let rows: [Row; 3] = [
        ("all draw", [&[], &[], &[]], &["peer0", "peer1", "peer2"], 0),
        ("one only follows", [&[], &["--autostart", "false"], &[]], &["peer0", "peer2"], 0),
        (
            "one is capped and one follows",
            [&["--rate", "50"], &[], &["--autostart", "false"]],
            &["peer0", "peer1"],
            1,
        ),
    ];
    for (name, options, drew, capped) in rows {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), &["--rate", "150", "--lines", LINES, "--seed", "5"]);
        let addresses: Vec<String> = free_addresses(3).iter().map(ToString::to_string).collect();
        let start = |at: usize| {
            let more = [&["--lines", LINES], options[at]].concat();
            member(directory.path(), &server.address, &addresses, at, &more)
        };
        let daemons: Vec<Daemon> = (0..3).map(start).collect();
        let runs: Vec<(Value, Value)> = daemons.iter().map(run).collect();
        let text = ask(&daemons[0].socket(), "history").out;
        let draws = server.end()["draws"].as_f64().unwrap();
        for (run, status) in &runs {
            assert_eq!(run["drew"], serde_json::json!(drew), "{name}: {run}");
            assert_eq!(run["peers"], 3, "{name}: {run}");
            assert_eq!(run["capped"], capped, "{name}: {run}");
            assert!(run.get("efficiency").is_none(), "{name}: {run}");
            // A request may still have been answered when the file was complete already.
            let counted = run["swarm_draws"].as_f64().unwrap();
            assert!(counted <= draws && counted >= draws - 5.0, "{name}: {counted} of {draws}");
            let luck = run["luck"].as_f64().unwrap();
            assert!((luck - EXPECTED / counted).abs() < 1e-3, "{name}: {run}");
            let pace = run["pace"].as_f64().unwrap();
            assert!(pace > 0.6 && pace <= 1.0, "{name}: {run}");
            assert_eq!(status["job"]["swarm_draws"], run["swarm_draws"], "{name}");
            assert_eq!(
                (&status["job"]["luck"], &status["job"]["pace"]),
                (&run["luck"], &run["pace"]),
                "{name}"
            );
            let own = status["job"]["draws"].as_u64().unwrap();
            assert_eq!(run["seconds"].is_null(), own == 0, "{name}: who drew nothing took no time: {run}");
        }
        let (header, row) = text.split_once('\n').unwrap();
        for column in ["FINISHED", "PEERS", "TIME", "DRAWS", "PACE", "LUCK", "VERDICT", "DREW"] {
            assert!(header.contains(column), "{text}");
        }
        assert!(
            !header.contains("EFFICIENCY") && row.contains('T') && row.contains(&drew.join(", ")),
            "{text}"
        );
        let verdict = row.find("right").or(row.find("complete"));
        assert!(verdict.is_some() && header.find("VERDICT") == verdict, "{text}");
    }
}

#[test]
fn luck_is_told_of_a_complete_file_only_and_not_where_draws_are_missing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "150", "--lines", LINES]);
    let start = || Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", LINES]);
    let mut daemon = start();
    wait_until("a pace", || daemon.status()["job"]["pace"].is_number());
    assert!(daemon.status()["job"]["luck"].is_null());
    wait_until("lines on the disk", || {
        let status = daemon.status();
        status["job"]["have"].as_u64().unwrap() >= 20 + status["unsaved"].as_u64().unwrap()
    });
    daemon.kill();
    // What these lines took is not known any more.
    let daemon = start();
    daemon.wait("submitted");
    let status = daemon.status();
    assert!(status["job"]["luck"].is_null() && status["job"]["pace"].as_f64().unwrap() <= 1.0, "{status}");
    let text = ask(&daemon.socket(), "history").out;
    assert!(text.contains("right"), "{text}");
}

#[test]
fn without_a_limit_there_is_no_pace_and_luck_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", LINES]);
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", LINES]);
    let (run, _) = run(&daemon);
    assert!(run["pace"].is_null(), "{run}");
    assert!(
        (run["luck"].as_f64().unwrap() - EXPECTED / run["swarm_draws"].as_f64().unwrap()).abs() < 1e-3,
        "{run}"
    );
}
