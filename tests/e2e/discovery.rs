//! Daemons that are told of no peer: instances of one host, and the addresses of a name.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use serde_json::{Value, json};
use std::path::Path;
use support::{Daemon, Server, free_addresses, wait_until};

fn instance(directory: &Path, name: &str, server: &str, extra: &[&str]) -> Daemon {
    let args = [&["--discover", "host", "--server", server], extra].concat();
    Daemon::start(directory, name, &args)
}

fn peers(daemon: &Daemon) -> Vec<Value> {
    daemon.client().ask(json!({"cmd": "peers"})).unwrap()["peers"].as_array().unwrap().clone()
}

#[test]
fn instances_of_one_host_find_each_other_and_do_the_job_together() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "1000", "--lines", "500"]);
    let more = ["--lines", "500"];
    let daemons: Vec<_> = ["alice", "bob", "carol", "dave"]
        .iter()
        .map(|name| instance(directory.path(), name, &server.address, &more))
        .collect();
    for daemon in &daemons {
        daemon.wait("peers=3");
        daemon.wait("submitted");
        daemon.wait("complete");
        assert!(daemon.dump() == server.served());
        let directory = directory.path().canonicalize().unwrap();
        assert_eq!(daemon.status()["discover"], json!([format!("host:{}", directory.display())]));
    }
    wait_until("everybody is found", || {
        daemons.iter().all(|daemon| peers(daemon).iter().all(|peer| peer["found"] == "host"))
    });
    let end = server.end();
    assert_eq!((&end["submits"], &end["right_submits"]), (&json!(1), &json!(1)), "{end}");
}

#[test]
fn an_instance_that_was_killed_is_found_again_at_its_new_port() {
    let directory = tempfile::tempdir().unwrap();
    let idle = ["--autostart", "false"];
    let alice = instance(directory.path(), "alice", "127.0.0.1:1", &idle);
    let mut bob = instance(directory.path(), "bob", "127.0.0.1:1", &idle);
    alice.wait("peers=1");
    bob.kill();
    wait_until("the link is gone", || alice.status()["peers"]["connected"] == 0);
    let bob = instance(directory.path(), "bob", "127.0.0.1:1", &idle);
    alice.wait("peers=1");
    bob.wait("peers=1");
}

#[test]
fn instances_of_another_swarm_leave_each_other_alone() {
    let directory = tempfile::tempdir().unwrap();
    let idle = |swarm| ["--autostart", "false", "--swarm", swarm];
    let one = instance(directory.path(), "one", "127.0.0.1:1", &idle("red"));
    let two = instance(directory.path(), "two", "127.0.0.1:1", &idle("blue"));
    let three = instance(directory.path(), "three", "127.0.0.1:1", &idle("red"));
    one.wait("peers=1");
    three.wait("peers=1");
    assert!(peers(&two).is_empty(), "{:?}", peers(&two));
}

#[test]
fn the_addresses_of_a_name_are_dialled_and_the_one_that_is_oneself_only_once() {
    let directory = tempfile::tempdir().unwrap();
    let address = free_addresses(1)[0];
    let name = format!("dns:localhost:{}", address.port());
    let listen = format!("127.0.0.1:{}", address.port());
    let idle = ["--autostart", "false", "--server", "127.0.0.1:1"];
    let one = Daemon::start(
        directory.path(),
        "one",
        &[&idle[..], &["--listen", &listen, "--discover", &name]].concat(),
    );
    let two = Daemon::start(directory.path(), "two", &[&idle[..], &["--discover", &name]].concat());
    one.wait("peers=1");
    two.wait("peers=1");
    assert_eq!(peers(&two)[0]["found"], "dns:localhost");
    wait_until("it knows itself", || !peers(&one).iter().any(|peer| peer["address"] == listen.as_str()));
}

#[test]
fn an_instance_that_allow_leaves_out_is_not_dialled_though_it_was_found() {
    let directory = tempfile::tempdir().unwrap();
    let one = instance(directory.path(), "one", "127.0.0.1:1", &["--autostart", "false"]);
    let strict = ["--autostart", "false", "--allow", "10.0.0.0/8"];
    let two = instance(directory.path(), "two", "127.0.0.1:1", &strict);
    let count = |reason: &str| {
        let stats = two.client().ask(json!({"cmd": "stats"})).unwrap();
        stats[format!("refused.{reason}")].as_u64().unwrap_or_default()
    };
    wait_until("it is found, and comes itself", || {
        count("found-not-allowed") > 0 && count("not-allowed") > 0
    });
    assert!(peers(&two).is_empty() && !two.log().contains("dial-failed"), "{}", two.log());
    assert_eq!(one.status()["peers"]["connected"], 0);
}
