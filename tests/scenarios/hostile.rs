//! One honest node among strangers with the swarm's key and a line server that answers anything, seed after seed: the
//! oracle of `sim` looks at each step, and no turn costs more than its bound. `HOSTILE=N` plays that many seeds.
#![allow(clippy::unwrap_used, clippy::panic)] // the whole file is a test

use sim::{hostile, wanted_seed};

#[test]
fn whatever_strangers_say_a_node_keeps_its_promises_and_its_time() {
    let seeds = std::env::var("HOSTILE").map_or(400, |text| text.parse().unwrap());
    let wanted = wanted_seed();
    for seed in wanted.map_or(0..seeds, |seed| seed..seed + 1) {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x686f_7374_696c_6500);
        let script: Vec<u8> = (0..rng.usize(200..4_000)).map(|_| rng.u8(..)).collect();
        if let Err(broken) = hostile::run(&script, false) {
            let told = hostile::run(&script, true);
            panic!("seed {seed:#x}: {broken}\n{told:?}");
        }
    }
}
