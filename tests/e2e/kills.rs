//! Daemons that die without warning, again and again, and all at once: what they had is there when they come back.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use lineswarm_proto::theory;
use std::time::Duration;
use support::{
    Daemon, Server, free_addresses,
    kills::{Plan, resumed, run},
    member, wait_until,
};

/// `make soak` has two hundred.
#[test]
fn twenty_kills_at_random_moments_lose_no_line_no_term_and_no_submit() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan { kills: 20, lines: 300, rate: 120, pause: Duration::from_millis(600), seed: 7 };
    let account = run(directory.path(), plan);
    assert_eq!(account.kills, 20);
    assert!(account.compared > 0 && account.promised > 0, "{account:?}");
    println!("{account:?}");
}

#[test]
fn a_swarm_whose_daemons_all_died_at_once_goes_on_from_what_it_had() {
    const LINES: u32 = 200;
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "200", "--lines", "200", "--draw-seed", "3"]);
    let addresses: Vec<String> = free_addresses(3).iter().map(ToString::to_string).collect();
    let start = |at| member(directory.path(), &server.address, &addresses, at, &["--lines", "200"]);
    let mut daemons: Vec<Daemon> = (0..3).map(start).collect();
    let have = |daemon: &Daemon| daemon.status()["job"]["have"].as_u64().unwrap();
    wait_until("most lines", || daemons.iter().all(|daemon| have(daemon) >= 160));
    // What they have now is on the disk before all die; what comes meanwhile is not waited for.
    daemons.iter().for_each(|daemon| drop(daemon.client().ask(serde_json::json!({"cmd": "save"})).unwrap()));
    daemons.iter_mut().for_each(Daemon::kill);
    let told: Vec<usize> = daemons.iter().map(|daemon| daemon.log().len()).collect();
    let daemons: Vec<Daemon> = (0..3).map(start).collect();
    // An answer comes after the log line that is looked for.
    daemons.iter().for_each(|daemon| drop(daemon.status()));
    let found = daemons.iter().zip(told).map(|(daemon, told)| resumed(&daemon.log()[told..]));
    let found: Vec<u32> = found.map(|lines| lines.try_into().unwrap()).collect();
    assert!(found.iter().all(|lines| *lines >= 160), "{found:?}");

    for daemon in &daemons {
        daemon.wait("submitted");
        daemon.wait("complete");
        assert!(daemon.dump() == server.served());
    }
    let draws: u64 = daemons.iter().map(|daemon| daemon.status()["job"]["draws"].as_u64().unwrap()).sum();
    // Six deviations of luck: one run in thousands needs more.
    let missing = LINES - found.iter().max().unwrap();
    let most = theory::draws_left(missing, LINES) + 6.0 * theory::deviation(LINES);
    assert!((draws as f64) <= most, "{draws} draws for {missing} missing lines, at most {most:.0} are luck");
    let end = server.end();
    assert_eq!((&end["submits"], &end["right_submits"]), (&1.into(), &1.into()), "{end}");
}
