//! Swarms to which nothing happens.

use core::time::Duration;
use sim::{Plan, play};

#[test]
fn a_calm_swarm_submits_once() {
    for nodes in [1, 2, 4] {
        for seed in 0..5 {
            let plan = Plan { lines: 300, ..Plan::calm(nodes) };
            let world = play(seed, &plan, |world| {
                world.run_until(Duration::from_secs(60), "everybody is done", sim::World::is_over)?;
                world.run_for(Duration::from_secs(60))
            })
            .unwrap();
            let totals = world.server().totals();
            assert_eq!((totals.submits, totals.right_submits), (1, 1), "{nodes} nodes, seed {seed}");
            let seconds = totals.duration().unwrap().as_secs_f64();
            let needed = totals.draws_needed.unwrap() as f64;
            println!(
                "{nodes} nodes, seed {seed}: {seconds:.2} s, {} draws of {needed} needed, efficiency {:.3}",
                totals.draws,
                needed / (nodes as f64 * plan.rate) / seconds
            );
        }
    }
}
