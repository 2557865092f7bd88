//! The main job with real binaries: daemons draw, share, elect, submit; and what is left goes on when one dies.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::{Value, json};
use support::{Daemon, Server, free_addresses, member, swarm};

/// All hold the served file, and the server saw exactly one submit, a right one.
fn all_is_well(server: Server, daemons: &[Daemon]) {
    for daemon in daemons {
        daemon.wait("submitted");
        daemon.wait("complete");
        assert_eq!(daemon.dump(), server.served());
    }
    let end = server.end();
    assert_eq!((&end["submits"], &end["right_submits"]), (&json!(1), &json!(1)), "{end}");
}

/// Of the events that it keeps, in their order.
fn lamport_times(daemon: &Daemon) -> Vec<u64> {
    let mut times = Vec::new();
    let keep = |part: &Value| {
        times.extend(
            part["events"].as_array().unwrap().iter().map(|event| event["lamport"].as_u64().unwrap()),
        );
    };
    daemon.client().ask_parts(json!({"cmd": "events"}), keep).unwrap();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    times
}

#[test]
fn one_to_four_daemons_finish_with_exactly_one_right_submit() {
    for count in 1..=4 {
        let directory = tempfile::tempdir().unwrap();
        let server =
            Server::start(directory.path(), &["--rate", "2000", "--draw-seed", "191", "--lines", "1000"]);
        let daemons = swarm(directory.path(), &server.address, count, &[]);
        all_is_well(server, &daemons);
    }
}

#[test]
fn a_server_that_counts_from_one_and_says_minus_one_twice_is_no_matter() {
    let directory = tempfile::tempdir().unwrap();
    let options = [
        "--rate",
        "2000",
        "--lines",
        "300",
        "--base",
        "1",
        "--refusal",
        "minus",
        "--two-writes",
        "0.5",
        "--limiter",
        "window",
    ];
    let server = Server::start(directory.path(), &options);
    let daemons = swarm(directory.path(), &server.address, 2, &["--lines", "300"]);
    all_is_well(server, &daemons);
}

#[test]
fn the_number_of_lines_is_learnt_by_the_master_with_one_probe() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "2000", "--lines", "250"]);
    let daemons = swarm(directory.path(), &server.address, 2, &["--lines", "auto"]);
    for daemon in &daemons {
        daemon.wait("submitted");
        assert_eq!(daemon.dump(), server.served());
        assert_eq!(daemon.status()["job"]["lines"], 250);
    }
    let end = server.end();
    assert_eq!(
        (&end["submits"], &end["right_submits"]),
        (&json!(2), &json!(1)),
        "one probe and one submit: {end}"
    );
}

#[test]
fn daemons_that_come_before_the_line_server_wait_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let address = free_addresses(1)[0].to_string();
    let daemons = swarm(directory.path(), &address, 2, &["--lines", "200"]);
    daemons.iter().for_each(|daemon| drop(daemon.wait("master")));
    assert_eq!(daemons[0].status()["job"]["have"], 0);
    let server = Server::start_on(directory.path(), &address, &["--rate", "2000", "--lines", "200"]);
    all_is_well(server, &daemons);
}

#[test]
fn a_late_joiner_gets_every_line_without_drawing_any() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "5000", "--lines", "500"]);
    let addresses: Vec<String> = free_addresses(2).iter().map(ToString::to_string).collect();
    let first = member(
        directory.path(),
        &server.address,
        &addresses,
        0,
        &["--lines", "500", "--quorum", "available"],
    );
    first.wait("submitted");
    let second =
        member(directory.path(), &server.address, &addresses, 1, &["--lines", "500", "--autostart", "false"]);
    second.wait("complete");
    let status = second.status();
    assert_eq!((&status["job"]["draws"], &status["job"]["from_peers"]), (&json!(0), &json!(500)));
    all_is_well(server, &[first, second]);
}

#[test]
fn killing_one_of_four_leaves_the_rest_to_finish_and_submit() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "500", "--lines", "500"]);
    let mut daemons = swarm(directory.path(), &server.address, 4, &["--lines", "500"]);
    daemons.iter().for_each(|daemon| drop(daemon.wait("peers=3")));
    let master = daemons[0].wait("master")["master"]["id"].clone();
    let at = daemons.iter().position(|daemon| daemon.status()["id"] != master).unwrap();
    daemons.remove(at).kill();
    all_is_well(server, &daemons);
}

#[test]
fn killing_the_master_leaves_the_rest_to_elect_another_and_submit() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "500", "--lines", "500"]);
    let mut daemons = swarm(directory.path(), &server.address, 4, &["--lines", "500"]);
    daemons.iter().for_each(|daemon| drop(daemon.wait("peers=3")));
    let master = daemons[0].wait("master")["master"]["id"].clone();
    let at = daemons.iter().position(|daemon| daemon.status()["id"] == master).unwrap();
    daemons.remove(at).kill();
    all_is_well(server, &daemons);
}

#[test]
fn a_killed_daemon_resumes_with_what_it_had_stored() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "400"]);
    let mut daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "400"]);
    daemon.wait("submitted");
    daemon.client().ask(json!({"cmd": "save"})).unwrap();
    let before = lamport_times(&daemon);
    daemon.kill();
    let again = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "400"]);
    let status = again.wait("submitted");
    assert_eq!(status["job"]["draws"], 0);
    assert_eq!(again.dump(), server.served());
    assert!(lamport_times(&again).first() > before.last(), "Lamport time goes on in the next life");
    let end = server.end();
    assert_eq!(end["submits"], 1);
}

#[test]
fn daemons_end_by_themselves_when_all_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "2000", "--lines", "300"]);
    let output = directory.path().join("file.txt");
    let args = [
        "--server",
        &server.address,
        "--lines",
        "300",
        "--exit-when",
        "done",
        "--output",
        output.to_str().unwrap(),
    ];
    let mut daemon = Daemon::spawn(directory.path(), "one", &args);
    assert!(daemon.child.wait().unwrap().success());
    assert_eq!(std::fs::read(output).unwrap(), server.served());
}

#[test]
fn of_daemons_that_share_an_address_one_draws_where_one_connection_lives() {
    for habit in ["reject", "replace"] {
        let directory = tempfile::tempdir().unwrap();
        let options = ["--rate", "100", "--lines", "200", "--one-per-ip", habit];
        let server = Server::start(directory.path(), &options);
        let daemons = swarm(directory.path(), &server.address, 2, &["--lines", "200"]);
        all_is_well(server, &daemons);
        let ids: Vec<_> =
            daemons.iter().map(|daemon| daemon.status()["id"].as_str().unwrap().to_owned()).collect();
        let yielded: Vec<bool> = daemons.iter().map(|daemon| daemon.log().contains("yielded")).collect();
        if habit == "replace" {
            assert_eq!(yielded, [ids[0] > ids[1], ids[1] > ids[0]], "the lower id draws");
        } else {
            assert_ne!(yielded[0], yielded[1], "who came first draws");
        }
    }
}

#[test]
fn the_swarm_s_events_are_told_by_any_peer_with_each_effect_after_its_cause() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "2000", "--lines", "200"]);
    let daemons = swarm(directory.path(), &server.address, 3, &["--lines", "200"]);
    daemons.iter().for_each(|daemon| drop(daemon.wait("peers=2")));
    daemons.iter().for_each(|daemon| drop(daemon.wait("submitted")));
    let names = ["peer0", "peer1", "peer2"];
    let led = |daemon: &Daemon| daemon.wait("master")["master"]["name"].as_str().unwrap().to_owned();
    let old = names.iter().position(|name| led(&daemons[0]) == *name).unwrap();
    let (new, third) = ((old + 1) % 3, (old + 2) % 3);
    daemons[old].client().ask(json!({"cmd": "elect", "to": names[new]})).unwrap();
    support::wait_until("the other one leads", || daemons.iter().all(|daemon| led(daemon) == names[new]));
    for asked in &daemons {
        let mut events: Vec<Value> = Vec::new();
        let keep = |part: &Value| events.extend(part["events"].as_array().unwrap().iter().cloned());
        let end = asked.client().ask_parts(json!({"cmd": "events", "causal": true}), keep).unwrap();
        assert_eq!(end["silent"], json!([]));
        let times: Vec<_> = events.iter().map(|event| event["lamport"].as_u64().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        let last = |node: usize, what: &str| {
            let is_it = |event: &Value| event["node"] == names[node] && event["what"] == what;
            events.iter().rposition(is_it).unwrap_or_else(|| panic!("no {what} of peer{node} in {events:#?}"))
        };
        let elected = last(new, "master-elected");
        assert!(last(new, "candidate") < elected, "it stood, then it was elected");
        assert!(last(old, "master-elected") > elected && last(third, "master-elected") > elected);
        let done = last(old, "submit-sent").min(last(old, "intent-said"));
        assert!(done < last(new, "done") && done < last(third, "done"), "it was sent, then they heard of it");
    }
    // One that does not answer is named, after a second.
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&daemons[third].child),
        rustix::process::Signal::STOP,
    )
    .unwrap();
    let asked = std::time::Instant::now();
    let end = daemons[old].client().ask(json!({"cmd": "events", "causal": true})).unwrap();
    assert_eq!(end["silent"], json!([names[third]]));
    assert!(asked.elapsed() < std::time::Duration::from_secs(10));
}
