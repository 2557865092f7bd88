//! The voting core, checked exhaustively and far. `make voting` looks at more states, and prints how many.
#![allow(clippy::unwrap_used, clippy::panic)] // the whole file is a test

use sim::voting::{Bounds, Seen, explore, wander};

const STAY: Bounds = Bounds { peers: 3, joining: false, terms: 2, states: 20_000 };
const JOIN: Bounds = Bounds { joining: true, ..STAY };
/// Further away there are later terms, and one peer more.
const FAR: Bounds = Bounds { peers: 4, terms: 30, ..JOIN };
/// Steps of a random way.
const LENGTH: usize = 120;

fn see(what: &str, seen: Result<Seen, String>) {
    let seen = seen.unwrap_or_else(|way| panic!("{way}"));
    println!("{what}: {seen:?}");
    assert!(seen.led > 0, "a check without a master checks little: {seen:?}");
}

fn wanted(default: usize) -> usize {
    std::env::var("STATES").map_or(default, |text| text.parse().unwrap())
}

#[test]
fn no_order_of_events_gives_a_term_two_masters_or_loses_a_vote() {
    see("3 members, every way", explore(STAY));
    see("3 peers, one a member, every way", explore(JOIN));
}

#[test]
fn no_far_way_gives_a_term_two_masters_or_loses_a_vote() {
    for (peers, seed) in [(3, 2), (4, 3)] {
        let bounds = Bounds { states: wanted(100_000), peers, ..FAR };
        see(&format!("{peers} peers, one a member, far ways"), wander(bounds, seed, LENGTH));
    }
}

#[test]
#[ignore = "takes minutes: make voting"]
fn no_order_of_events_within_a_million_states_breaks_a_promise() {
    let states = wanted(1_200_000);
    see("3 members, every way", explore(Bounds { states: states.min(300_000), ..STAY }));
    see("3 peers, one a member, every way", explore(Bounds { states, ..JOIN }));
}
