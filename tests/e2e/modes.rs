//! In every mode of a node `status`, `why` and `doctor` say what is true, and nothing that is not.
//!
//! A row of the table starts a mode with real programs and names what each of the three must say, and what none of them
//! may. Needs lineswarmctl beside the daemon: `cargo build --workspace` first.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::json;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    thread,
};
use support::{Daemon, PATIENCE, Server, ctl::ask, swarm};

/// What must be said by each, and what by none of them.
struct Truth {
    status: &'static [&'static str],
    why: &'static [&'static str],
    doctor: &'static [&'static str],
    never: &'static [&'static str],
}

/// What a node in that mode would not say: figures that nobody measured.
const NEVER: [&str; 5] = ["1000000.0", "NaN", "inf ", "-0.0", "round trip 0.0"];

/// Waits until the daemon says all of it; then, and not before, what it may not say must be absent.
fn tells(mode: &str, daemon: &Daemon, truth: &Truth) {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let said = ["status", "why", "doctor"].map(|what| ask(&daemon.socket(), what).out);
        let wanted = [truth.status, truth.why, truth.doctor];
        let missing: Vec<_> = said
            .iter()
            .zip(wanted)
            .flat_map(|(said, wanted)| wanted.iter().filter(move |part| !said.contains(**part)))
            .collect();
        if missing.is_empty() {
            let all = said.concat();
            for never in truth.never.iter().chain(&NEVER) {
                assert!(!all.contains(never), "{mode}: {never:?} is said\n{all}");
            }
            return;
        }
        let late = std::time::Instant::now() > deadline;
        assert!(!late, "{mode}: {missing:?} is not said\n{}\n{}", said.concat(), daemon.log());
        thread::park_timeout(std::time::Duration::from_millis(30));
    }
}

fn alone(at: &Path, server: &str, more: &[&str]) -> Daemon {
    Daemon::start(at, "one", &[&["--server", server], more].concat())
}

/// It draws, and has for long enough to have figures.
fn has_lines(daemon: &Daemon) {
    support::wait_until("twenty lines", || daemon.status()["job"]["have"].as_u64() >= Some(20));
}

/// A line server that gives lines and says nothing to a submit.
fn silent_to_submits(lines: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut write = stream.try_clone().unwrap();
                let requests = BufReader::new(stream).lines().map_while(Result::ok);
                for (draw, _) in requests.filter(|request| request == "SENDLINE").enumerate() {
                    let number = draw % lines;
                    if write.write_all(format!("{number}\nline {number}\n").as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn what_an_operator_chose_is_told_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let server = Server::start(at, &["--rate", "100"]);
    let daemon = |name: &str, more: &[&str]| {
        let at = at.join(name);
        std::fs::create_dir(&at).unwrap();
        alone(&at, &server.address, more)
    };

    let idle = daemon("idle", &["--autostart", "false"]);
    let truth = Truth {
        status: &["  idle  ", "draws nothing (not started)"],
        why: &["was not started", "lineswarmctl start"],
        doctor: &["it was not started", "hint: start it: lineswarmctl start", "not needed now"],
        never: &["limit ", "not connected", "depth"],
    };
    tells("autostart off", &idle, &truth);

    let paused = daemon("paused", &[]);
    has_lines(&paused);
    paused.client().ask(json!({"cmd": "pause"})).unwrap();
    let truth = Truth {
        status: &["  paused  ", "draws nothing (paused)", "- to go"],
        why: &["Drawing is paused: lineswarmctl resume"],
        doctor: &["paused, ", "hint: go on: lineswarmctl resume", "not needed now: the daemon is paused"],
        never: &["lines/s, limit", "not connected", "draws alone"],
    };
    tells("paused", &paused, &truth);

    // A cap that keeps the node from ever meeting the server's limit.
    let capped = daemon("capped", &["--rate", "40"]);
    has_lines(&capped);
    let truth = Truth {
        status: &["  fetching  ", "capped at 40.0 by the operator"],
        why: &["The operator has capped this node at 40.0 lines/s", "limit --auto lifts the cap"],
        doctor: &["connected; "],
        never: &["limit 1000", "allow more", "reconnected"],
    };
    tells("capped", &capped, &truth);

    let left = daemon("left", &[]);
    left.client().ask(json!({"cmd": "leave"})).unwrap();
    let truth = Truth {
        status: &["none: this node has left the swarm"],
        why: &["has left the swarm", "lineswarmctl join"],
        doctor: &["this node has left the swarm", "hint: link it again: lineswarmctl join"],
        never: &["0 of 0 connected"],
    };
    tells("left", &left, &truth);

    let lonely = daemon("lonely", &[]);
    let truth = Truth {
        status: &["0 of 0 connected", "lines/s, limit "],
        why: &["draws alone"],
        doctor: &["none are looked for", "connected; "],
        never: &["not connected", "None of the 0"],
    };
    tells("no peers", &lonely, &truth);

    let auto = daemon("auto", &["--lines", "auto", "--submit-by", "nobody"]);
    let truth = Truth {
        status: &["of ? lines", "this node does not submit (submit.by = \"nobody\")"],
        why: &["set server.lines", "submit.by is \"nobody\""],
        doctor: &[" of ? lines"],
        never: &["the master asks"],
    };
    tells("nobody, with lines = auto", &auto, &truth);
}

#[test]
fn who_submits_is_told_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let server = Server::start(at, &["--rate", "0", "--lines", "30"]);
    let nobody = alone(at, &server.address, &["--lines", "30", "--submit-by", "nobody"]);
    let truth = Truth {
        status: &["  complete  ", "submit    none, this node does not submit (submit.by = \"nobody\")"],
        why: &["this node does not submit it, as submit.by is \"nobody\"", "submit --force"],
        doctor: &["complete, 30 of 30 lines; this node does not submit, as submit.by is \"nobody\""],
        never: &["is being submitted", "no master", "trying now"],
    };
    tells("submit.by = nobody", &nobody, &truth);
    // What `why` names does what it says.
    assert_eq!(ask(&nobody.socket(), "submit --force").exit, 0);
    nobody.wait("submitted");

    // Nobody answers the submits, so that both nodes stay at it.
    let silent = silent_to_submits(30);
    let other = at.join("every-peer");
    std::fs::create_dir(&other).unwrap();
    let each = swarm(&other, &silent, 2, &["--lines", "30", "--submit-by", "every-peer"]);
    let truth = Truth {
        status: &["this node submits by itself (submit.by = \"every-peer\")"],
        why: &["this node submits it by itself, as submit.by is \"every-peer\""],
        doctor: &["30 of 30 lines; this node submits by itself, as submit.by is \"every-peer\""],
        never: &["the master", "no master to submit"],
    };
    each.iter().for_each(|daemon| tells("submit.by = every-peer", daemon, &truth));

    // One that is complete and paused: it is the pause that holds the submit up.
    let paused = at.join("paused");
    std::fs::create_dir(&paused).unwrap();
    let paused = alone(&paused, &silent, &["--lines", "30"]);
    paused.wait("complete");
    paused.client().ask(json!({"cmd": "pause"})).unwrap();
    let truth = Truth {
        status: &["  paused  ", "100.0 %"],
        why: &["The file is complete, and it is this node that submits it, but it is paused"],
        doctor: &["paused, 30 of 30 lines"],
        never: &["Drawing is paused"],
    };
    tells("complete and paused", &paused, &truth);
}

#[test]
fn an_outage_is_told_with_the_tries_so_far_and_the_time_of_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let never_there = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let early = at.join("early");
    std::fs::create_dir(&early).unwrap();
    let early = alone(&early, &never_there, &[]);
    let server = Server::start(at, &["--rate", "100"]);
    let daemon = alone(at, &server.address, &[]);
    has_lines(&daemon);
    server.end();
    let truth = Truth {
        status: &["not connected: ", " tries failed), next try in "],
        why: &["There is no connection to the line server", " tries have failed, the next one is in "],
        doctor: &["fail  line-server", ", not connected: ", " tries failed, the next is in "],
        never: &["connected; ", "The line server refuses"],
    };
    tells("an outage", &daemon, &truth);
    let truth = Truth {
        status: &[
            "  joining  ",
            "not connected: ",
            " tries failed), next try in ",
            "- lines/s",
            "- elapsed, - to go",
        ],
        why: &["There is no connection to the line server", " tries have failed"],
        doctor: &["fail  line-server", " tries failed, the next is in "],
        never: &["limit 1", "depth 0", "round trip"],
    };
    tells("a server that was never there", &early, &truth);
}

#[test]
fn a_node_on_standby_says_for_whom_and_that_it_draws_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "30", "--one-per-ip", "replace"]);
    let daemons = swarm(directory.path(), &server.address, 2, &[]);
    let mut standby = None;
    support::wait_until("one that leaves the drawing to the other", || {
        standby = daemons.iter().position(|daemon| daemon.status()["standby_for"].is_string());
        standby.is_some()
    });
    let standby = standby.unwrap();
    let truth = Truth {
        status: &["draws nothing (on standby: peer", " draws from the same address)"],
        why: &["This node is on standby and leaves drawing to \"peer", "server.bind"],
        doctor: &["warn  line-server", "on standby, as \"peer", "server.bind"],
        never: &[", connected", "yielded", "no connection", "next try"],
    };
    tells("standby", &daemons[standby], &truth);
    assert_eq!(daemons[standby].status()["job"]["drawing"], false);
    let truth = Truth {
        status: &["lines/s, limit "],
        why: &["\"peer", "adds nothing: linked, and drawing no lines"],
        doctor: &["line-server"],
        never: &["standby", "its limit has fallen"],
    };
    tells("the one that draws", &daemons[1 - standby], &truth);
}

#[test]
fn a_server_that_handles_one_request_at_a_time_is_drawn_from_so_and_that_is_said_once() {
    for single in ["ignore", "first", "busy", "close"] {
        let directory = tempfile::tempdir().unwrap();
        let option = format!("--single={single}");
        let server = Server::start(directory.path(), &["--rate", "0", "--latency", "5", &option]);
        let daemon = alone(directory.path(), &server.address, &[]);
        let truth = Truth {
            status: &["one request at a time (the server does not answer several)"],
            why: &["does not answer several requests that are under way, so it is asked one at a time"],
            doctor: &["asked one request at a time, as it does not answer several"],
            never: &["depth"],
        };
        tells(&option, &daemon, &truth);
        // It goes on at the pace of one for each round trip.
        let drawn = || daemon.status()["job"]["draws"].as_u64().unwrap();
        let before = drawn();
        support::wait_until("a hundred draws", || drawn() >= before + 100);
        assert_eq!(daemon.log().matches("one-at-a-time").count(), 1, "{option}: {}", daemon.log());
    }
}

#[test]
fn a_job_that_failed_says_why_and_nothing_of_drawing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "20"]);
    let daemon = alone(directory.path(), &server.address, &["--lines", "19"]);
    let truth = Truth {
        status: &["  failed  ", "draws nothing (the job failed)", "server.lines"],
        why: &["The job failed: ", "server.lines"],
        doctor: &["fail  job", "server.lines"],
        never: &["no connection", "lines/s, limit", "draws alone"],
    };
    tells("failed", &daemon, &truth);
}

#[test]
fn a_server_without_a_limit_is_not_said_to_have_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "1000000", "--latency", "40"]);
    let daemon = alone(directory.path(), &server.address, &["--lines", "1000000"]);
    let truth = Truth {
        status: &["lines/s, no limit met, depth "],
        why: &["No limit of the line server was met"],
        doctor: &["connected; "],
        never: &["limit -", "seems to allow", "% sure"],
    };
    tells("unlimited", &daemon, &truth);
}
