//! How near a swarm comes to the fastest time that its draws allow, in virtual time: every message takes 5 ms, nothing
//! else takes any. What a real machine adds is measured by `lineswarmctl compare` (docs/scaling.md).
#![allow(clippy::unwrap_used)] // the whole file is a test

use core::time::Duration;
use lineswarm_proto::engine::{io::Command, settings::Topology};
use sim::{Plan, World, net::Weather, play, world::Action};

/// Two that differ by less are the same.
const EQUAL: f64 = 0.004;

/// The mean over these seeds of draws needed / (peers * rate) / seconds, from the first draw to the right submit.
fn efficiency(nodes: usize, topology: Topology, seeds: u64) -> f64 {
    let weather =
        Weather { latency: Duration::from_millis(5), jitter: Duration::ZERO, split: 0.0, loss: 0.0 };
    let plan =
        Plan { lines: 1000, weather, topology, autostart: false, busy_disks: false, ..Plan::calm(nodes) };
    let runs = (0..seeds).map(|seed| {
        let world = play(seed, &plan, |world| {
            let linked = |world: &World| {
                let count = |node: &sim::node::Node| node.engine().map_or(0, |engine| engine.linked());
                world.agrees() && world.nodes().iter().all(|node| count(node) as usize == nodes - 1)
            };
            world.run_until(Duration::from_secs(60), "all are linked and follow one master", linked)?;
            world.run_for(Duration::from_secs(1))?;
            let start = Command::Start { server: None, lines: None, swarm: true };
            world.act(Action::Command(world.master().unwrap_or_default(), start))?;
            world.run_until(Duration::from_secs(60), "everybody is done", World::is_over)
        })
        .unwrap();
        let totals = world.server().totals();
        assert_eq!((totals.submits, totals.right_submits), (1, 1));
        totals.draws_needed.unwrap() as f64
            / (nodes as f64 * plan.rate)
            / totals.duration().unwrap().as_secs_f64()
    });
    runs.sum::<f64>() / seeds as f64
}

fn row(nodes: usize, seeds: u64) -> [f64; 3] {
    let row = [Topology::Mesh, Topology::Star, Topology::Ring].map(|way| efficiency(nodes, way, seeds));
    let [mesh, star, ring] = row;
    println!("{nodes} peers 5 ms apart, 100 lines/s each: mesh {mesh:.3}, star {star:.3}, ring {ring:.3}");
    row
}

#[test]
fn sixteen_peers_five_milliseconds_apart_lose_less_than_three_percent_and_nothing_beats_a_mesh() {
    let [mesh, star, ring] = row(16, 3);
    assert!(mesh >= 0.97 && mesh + EQUAL >= star.max(ring), "{mesh} {star} {ring}");
}

/// Run by `make bench-links`, optimised.
#[test]
#[ignore = "minutes of processor time"]
fn sixty_four_peers_five_milliseconds_apart_lose_less_than_ten_percent() {
    let [mesh, star, ring] = row(64, 2);
    assert!(mesh >= 0.90 && mesh + EQUAL >= star.max(ring), "{mesh} {star} {ring}");
}
