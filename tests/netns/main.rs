//! Daemons on five hosts of a LAN: found by multicast, parted, healed, on a bad cable. Needs root, iproute2 and
//! nftables; `make netns-test` runs it. Nobody is told an address.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../e2e/support/mod.rs"]
mod support;

mod lan;

use lan::{Lan, missing};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};
use support::{Client, Daemon, wait_until};

const ALL: u64 = 1000;
/// How long a partition lasts here.
const APART: Duration = Duration::from_secs(10);

fn clients(daemons: &[Daemon]) -> Vec<Client> {
    let up = |daemon: &Daemon| std::os::unix::net::UnixStream::connect(daemon.socket()).is_ok();
    wait_until("the daemons' sockets", || daemons.iter().all(up));
    daemons.iter().map(Daemon::client).collect()
}

fn connected(client: &mut Client) -> u64 {
    client.ask(json!({"cmd": "status"})).unwrap()["peers"]["connected"].as_u64().unwrap()
}

fn all_linked(clients: &mut [Client]) -> bool {
    let others = clients.len() as u64 - 1;
    clients.iter_mut().all(|client| connected(client) == others)
}

/// Everything that anybody holds.
fn held_by_any(clients: &mut [Client]) -> BTreeSet<u64> {
    let missing: Vec<_> = clients.iter_mut().map(missing).collect();
    (0..ALL).filter(|number| missing.iter().any(|missing| !missing.contains(number))).collect()
}

/// Five hosts that draw are linked, and parted by `part`. They go on apart; `heal` ends that, and it is measured until
/// everybody holds what anybody held, which may take so many seconds.
fn parted_and_healed(part: impl Fn(&Lan), heal: impl Fn(&Lan), seconds: u64) {
    let lan = Lan::new(5);
    let _server = lan.server(&["--rate", "40"]);
    let daemons = lan.daemons(&[]);
    let mut clients = clients(&daemons);
    wait_until("all linked", || all_linked(&mut clients));
    part(&lan);
    thread::park_timeout(APART);
    let before: Vec<_> = clients.iter_mut().map(|client| ALL - missing(client).len() as u64).collect();
    let held = held_by_any(&mut clients);
    assert!(before.iter().any(|count| *count + 20 < held.len() as u64), "they differ: {before:?}");
    let start = Instant::now();
    heal(&lan);
    wait_until("everybody holds what anybody held", || {
        clients.iter_mut().all(|client| missing(client).is_disjoint(&held))
    });
    let equal = start.elapsed();
    wait_until("all linked again", || all_linked(&mut clients));
    println!(
        "held {before:?} of {}; equal after {equal:?}, all linked after {:?}",
        held.len(),
        start.elapsed()
    );
    assert!(equal < Duration::from_secs(seconds), "{equal:?}\n{}", logs(&daemons));
}

fn logs(daemons: &[Daemon]) -> String {
    daemons.iter().map(|daemon| format!("---- {}\n{}", daemon.log.display(), daemon.log())).collect()
}

#[test]
#[ignore = "needs root; make netns-test"]
fn five_hosts_find_each_other_by_multicast_within_two_seconds() {
    let lan = Lan::new(5);
    let start = Instant::now();
    let daemons = lan.daemons(&["--autostart", "false"]);
    let mut clients = clients(&daemons);
    wait_until("all linked", || all_linked(&mut clients));
    let linked = start.elapsed();
    println!("five hosts linked {linked:?} after the first daemon was started");
    assert!(linked < Duration::from_secs(2), "{linked:?}\n{}", logs(&daemons));
    for client in &mut clients {
        let status = client.ask(json!({"cmd": "status"})).unwrap();
        assert_eq!(status["discover"], json!(["multicast:eth0"]));
    }
    // Whoever was dialled before it heard of the dialler hears of it with the next announcement.
    wait_until("everybody was found", || {
        clients.iter_mut().all(|client| {
            let peers = client.ask(json!({"cmd": "peers"})).unwrap();
            let peers = peers["peers"].as_array().unwrap();
            let found = |peer: &Value| peer["found"] == "multicast:eth0" && peer["state"] == "linked";
            peers.len() == 4 && peers.iter().all(found)
        })
    });
}

#[test]
#[ignore = "needs root; make netns-test"]
fn hosts_without_ipv4_find_each_other_at_their_link_local_addresses() {
    let lan = Lan::new(3);
    lan.take_ipv4_away();
    let daemons = lan.daemons(&["--autostart", "false", "--listen", "[::]:9900"]);
    let mut clients = clients(&daemons);
    wait_until("all linked", || all_linked(&mut clients));
    for client in &mut clients {
        let peers = client.ask(json!({"cmd": "peers"})).unwrap();
        for peer in peers["peers"].as_array().unwrap() {
            let address = peer["address"].as_str().unwrap();
            assert!(address.starts_with("[fe80::") && address.ends_with("]:9900"), "{peer}");
            assert!(address.contains('%'), "{peer}");
        }
    }
}

#[test]
#[ignore = "needs root; make netns-test"]
fn a_group_that_was_parted_is_equal_within_a_second_of_the_return() {
    parted_and_healed(|lan| lan.part(&[4, 5]), Lan::heal, 1);
}

#[test]
#[ignore = "needs root; make netns-test"]
fn a_host_whose_cable_was_out_is_equal_within_a_second_of_the_return() {
    parted_and_healed(|lan| lan.plug(4, "down"), |lan| lan.plug(4, "up"), 1);
}

#[test]
#[ignore = "needs root; make netns-test"]
fn a_cable_that_loses_thirty_percent_only_slows() {
    let lan = Lan::new(5);
    let server = lan.server(&["--rate", "200"]);
    lan.lose(3, 30);
    let start = Instant::now();
    let daemons = lan.daemons(&[]);
    let _ = clients(&daemons);
    for daemon in &daemons {
        daemon.wait("submitted");
        println!("{} knows the verdict after {:?}", daemon.directory.display(), start.elapsed());
    }
    for daemon in &daemons {
        daemon.wait("complete");
        assert!(daemon.dump() == server.served(), "{}", daemon.log());
    }
    println!("all five are complete after {:?}", start.elapsed());
    assert_eq!(server.end(), [true], "{}", logs(&daemons));
}

#[test]
#[ignore = "needs root; make netns-test"]
fn a_host_that_hears_but_is_not_heard_has_everything_soon_after_its_return() {
    parted_and_healed(|lan| lan.mute(2), Lan::heal, 5);
}

#[test]
#[ignore = "needs root; make netns-test"]
fn a_host_whose_links_are_reset_again_and_again_loses_nothing() {
    let lan = Lan::new(5);
    let server = lan.server(&["--rate", "150"]);
    let daemons = lan.daemons(&[]);
    let mut clients = clients(&daemons);
    wait_until("all linked", || all_linked(&mut clients));
    let mut times = 0;
    while times < 5 && missing(&mut clients[0]).len() > 100 {
        let before = ALL as usize - missing(&mut clients[0]).len();
        lan.reset(4);
        wait_until("the links of host 4 are gone", || connected(&mut clients[3]) == 0);
        lan.spare(4);
        wait_until("all linked again", || all_linked(&mut clients));
        wait_until("it goes on", || ALL as usize - missing(&mut clients[3]).len() > before);
        times += 1;
    }
    for daemon in &daemons {
        daemon.wait("submitted");
        daemon.wait("complete");
        assert!(daemon.dump() == server.served(), "{}", daemon.log());
    }
    println!("all links of one host were reset {times} times");
    assert!(times > 0);
    assert_eq!(server.end(), [true], "{}", logs(&daemons));
}

#[test]
#[ignore = "needs root; make netns-test"]
fn hosts_fifty_milliseconds_apart_draw_far_faster_than_one_by_one() {
    let lan = Lan::slow(5, 50);
    let server = lan.server(&["--rate", "100"]);
    let daemons = lan.daemons(&["--autostart", "false"]);
    let mut clients = clients(&daemons);
    wait_until("all linked", || all_linked(&mut clients));
    let start = Instant::now();
    clients[0].ask(json!({"cmd": "start", "swarm": true})).unwrap();
    for daemon in &daemons {
        daemon.wait("submitted");
        daemon.wait("complete");
        assert!(daemon.dump() == server.served(), "{}", daemon.log());
    }
    let draws: u64 = clients
        .iter_mut()
        .map(|client| client.ask(json!({"cmd": "status"})).unwrap()["job"]["draws"].as_u64().unwrap())
        .sum();
    let rate = draws as f64 / start.elapsed().as_secs_f64();
    println!("{draws} draws in {:?}: {:.2} of the limit", start.elapsed(), rate / 500.0);
    // With one request at a time each of the five would have ten lines a second.
    assert!(rate > 3.0 * 50.0, "{rate}");
    assert_eq!(server.end(), [true], "{}", logs(&daemons));
}
