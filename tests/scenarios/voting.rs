//! The voting core, checked exhaustively. `make voting` looks at more states, and prints how many.

use sim::voting::{Bounds, explore};

#[test]
fn no_order_of_events_gives_a_term_two_masters_or_loses_a_vote() {
    let seen = explore(Bounds { peers: 3, terms: 2, states: 20_000 }).unwrap();
    assert!(seen.led > 0, "a check without a master checks little: {seen:?}");
}

#[test]
#[ignore = "takes minutes: make voting"]
fn no_order_of_events_within_a_million_states_breaks_a_promise() {
    let states = std::env::var("STATES").map_or(2_000_000, |text| text.parse().unwrap());
    for (peers, terms) in [(2, 2), (3, 1), (3, 2)] {
        let seen = explore(Bounds { peers, terms, states }).unwrap();
        println!("{peers} peers, {terms} terms: {seen:?}");
    }
}
