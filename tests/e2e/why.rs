//! `why` before real daemons: each cause is provoked, and named first.
//!
//! What needs a slow network or a wrong submit is in the golden texts beside daemon/src/control/why.rs only.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
};
use support::{Daemon, Server, free_addresses, member, swarm, wait_until};

fn why(daemon: &Daemon) -> Value {
    daemon.client().ask(json!({"cmd": "why"})).unwrap()
}

/// Waits until the heaviest cause is this one, and gives its sentence.
fn first(daemon: &Daemon, code: &str) -> String {
    let mut last = Value::Null;
    let named = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_until(code, || {
            last = why(daemon);
            last["causes"][0]["code"] == code
        });
    }));
    assert!(named.is_ok(), "{code} is not first in {last:#}\n{}", daemon.status());
    assert_eq!(last["sentences"][0], last["causes"][0]["sentence"]);
    last["sentences"][0].as_str().unwrap().to_owned()
}

fn names(sentence: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| sentence.contains(part)), "{parts:?} in {sentence}");
}

fn ask(daemon: &Daemon, request: Value) {
    daemon.client().ask(request).unwrap();
}

/// A daemon alone with a server.
fn pair(at: &Path, server: &[&str], daemon: &[&str]) -> (Server, Daemon) {
    let server = Server::start(at, server);
    let daemon = Daemon::start(at, "peer0", &[&["--server", server.address.as_str()], daemon].concat());
    (server, daemon)
}

/// A line server of the test's own: `answer` gets each request and the number of draws before it, and says what is
/// sent back; nothing closes the connection.
fn fake(answer: impl Fn(&str, usize) -> Option<String> + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            thread::spawn(move || serve(stream, answer));
        }
    });
    address
}

fn serve(stream: TcpStream, answer: impl Fn(&str, usize) -> Option<String>) {
    let mut draws = 0;
    let mut write = stream.try_clone().unwrap();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let Some(reply) = answer(&line, draws) else { return };
        draws += usize::from(line == "SENDLINE");
        if write.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// Lines of a file of `of` lines, one after the other.
fn in_turn(request: &str, draws: usize, of: usize) -> String {
    let number = draws % of;
    if request == "SENDLINE" { format!("{number}\nline {number}\n") } else { String::new() }
}

#[test]
fn the_operators_own_doing_comes_first() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, daemon) = pair(directory.path(), &["--rate", "50"], &["--autostart", "false"]);
    names(&first(&daemon, "idle"), &["lineswarmctl start"]);
    ask(&daemon, json!({"cmd": "start"}));
    names(&first(&daemon, "alone"), &["draws alone"]);
    ask(&daemon, json!({"cmd": "limit", "rate": 10}));
    names(&first(&daemon, "cap"), &["capped this node at 10.0 lines/s", "limit --auto"]);
    ask(&daemon, json!({"cmd": "limit", "rate": null}));
    first(&daemon, "alone");
    ask(&daemon, json!({"cmd": "pause"}));
    names(&first(&daemon, "paused"), &["lineswarmctl resume"]);
}

#[test]
fn a_cap_in_the_settings_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, daemon) = pair(directory.path(), &["--rate", "100"], &["--rate", "10"]);
    names(&first(&daemon, "cap"), &["capped this node at 10.0 lines/s"]);
}

#[test]
fn a_server_that_is_away_and_one_that_cuts_connections_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let (server, daemon) = pair(directory.path(), &["--rate", "100", "--chaos", "cut=0.1"], &[]);
    names(&first(&daemon, "reconnects"), &["was lost", "times"]);
    let address = server.address.clone();
    server.end();
    names(&first(&daemon, "no-server"), &[&address, "failed"]);
}

#[test]
fn a_limit_that_two_nodes_of_one_address_share_is_named_where_it_hurts() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "50", "--limit-by", "ip"]);
    let daemons = swarm(directory.path(), &server.address, 2, &[]);
    // Which of them starves is not said; that one names the other.
    let mut starved = None;
    wait_until("refusals", || {
        let is_refused = |daemon: &Daemon| why(daemon)["causes"][0]["code"] == "refusals";
        starved = daemons.iter().position(is_refused);
        starved.is_some()
    });
    let starved = starved.unwrap();
    let sentence = first(&daemons[starved], "refusals");
    names(&sentence, &["refuses", &format!("\"peer{}\"", 1 - starved)]);
}

#[test]
fn a_server_that_refuses_what_it_used_to_allow_is_named_with_the_share() {
    let directory = tempfile::tempdir().unwrap();
    // After the 60th line it refuses everything.
    let address =
        fake(|request, draws| Some(if draws < 60 { in_turn(request, draws, 1000) } else { "-1\n\n".into() }));
    let daemon = Daemon::start(directory.path(), "peer0", &["--server", &address]);
    names(
        &first(&daemon, "refusals"),
        &["refuses 100.0 % of the requests", "others draw from this node's address"],
    );
}

#[test]
fn a_node_that_leaves_its_address_to_another_says_to_whom() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "30", "--one-per-ip", "replace"]);
    let daemons = swarm(directory.path(), &server.address, 2, &[]);
    let mut yielding = None;
    wait_until("one that yields", || {
        yielding = daemons.iter().position(|daemon| why(daemon)["causes"][0]["code"] == "shared-address");
        yielding.is_some()
    });
    let yielding = yielding.unwrap();
    let other = 1 - yielding;
    names(&first(&daemons[yielding], "shared-address"), &[&format!("\"peer{other}\""), "server.bind"]);
    names(&first(&daemons[other], "idle-peers"), &[&format!("\"peer{yielding}\" adds nothing")]);
}

#[test]
fn peers_that_are_missing_or_add_nothing_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "30"]);
    let addresses: Vec<String> = free_addresses(3).iter().map(ToString::to_string).collect();
    let peer = |at, extra: &[&str]| member(directory.path(), &server.address, &addresses, at, extra);
    let first_one = peer(0, &[]);
    names(&first(&first_one, "no-peers"), &["None of the 2 known peers is linked"]);
    let second = peer(1, &[]);
    names(&first(&first_one, "few-peers"), &["1 of 2 known peers"]);
    let third = peer(2, &["--autostart", "false"]);
    names(&first(&first_one, "idle-peers"), &["\"peer2\" adds nothing"]);
    names(&first(&second, "idle-peers"), &["\"peer2\" adds nothing"]);
    ask(&third, json!({"cmd": "start"}));
    // Nothing is left to mend: what the server allows, and near the end of the file what chance does.
    names(&first(&first_one, "server-limit"), &["only more peers make it faster"]);
    names(&first(&first_one, "chance"), &["as chance has it"]);
    let have = first_one.status()["job"]["have"].as_u64().unwrap();
    assert!(have >= 800, "{have}");
}

#[test]
fn a_server_that_is_far_and_one_that_has_favourites_are_told_from_chance() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--latency", "60", "--single"]);
    let daemons = swarm(directory.path(), &server.address, 2, &[]);
    names(&first(&daemons[0], "round-trip"), &["No limit", "round trip of 6"]);
    // Nine of ten draws give one of the first five lines.
    let address = fake(|request, draws| {
        let number = if draws % 10 == 0 { draws / 10 % 1000 } else { draws % 5 };
        Some(if request == "SENDLINE" { format!("{number}\nline {number}\n") } else { String::new() })
    });
    let other = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(other.path(), "peer0", &["--server", &address, "--rate", "400"]);
    wait_until("draws", || daemon.status()["job"]["draws"].as_u64().unwrap() > 500);
    names(&first(&daemon, "duplicates"), &["gives some lines more often than others"]);
}

#[test]
fn what_holds_up_a_complete_file_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let swarm_of_two = ["--quorum", "majority", "--lines", "20", "--peer", "127.0.0.9:9"];
    let (_server, daemon) = pair(at, &["--rate", "500", "--lines", "20"], &swarm_of_two);
    daemon.wait("complete");
    names(&first(&daemon, "no-master"), &["no master", "0 of 1 known peers"]);

    // It takes the submit and says nothing, for longer than anybody here waits.
    let silent = fake(|request, draws| Some(in_turn(request, draws, 20)));
    let daemon = Daemon::start(at, "silent", &["--server", &silent, "--lines", "20"]);
    first(&daemon, "submitting");

    // It takes the submit and is gone.
    let gone = fake(|request, draws| (request != "SUBMIT").then(|| in_turn(request, draws, 20)));
    let daemon = Daemon::start(at, "gone", &["--server", &gone, "--lines", "20", "--in-doubt", "hold"]);
    names(&first(&daemon, "in-doubt"), &["submit --resolve"]);
}

#[test]
fn a_server_that_contradicts_itself_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let address = fake(|request, draws| {
        let text = if draws < 30 { "a text" } else { "another" };
        Some(if request == "SENDLINE" { format!("7\n{text}\n") } else { String::new() })
    });
    let daemon = Daemon::start(directory.path(), "peer0", &["--server", &address]);
    names(&first(&daemon, "failed"), &["7"]);
}
