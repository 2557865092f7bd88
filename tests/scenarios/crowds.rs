//! More nodes than one may be linked to (docs/crowds.md): all get all lines, the file is submitted once, and neither deaths
//! nor partitions change that. `make bench-links` looks at 256 and 1,000 nodes.
#![allow(clippy::unwrap_used)] // the whole file is a test

use core::time::Duration;
use lineswarm_proto::{engine::io::Command, ids::PeerId};
use sim::{Broken, Knows, Plan, World, net::Weather, node::Node, play, world::Action};
use std::collections::BTreeSet;

/// Looking at all nodes takes longer than what happens in between.
const LOOK: Duration = Duration::from_millis(50);
const NODES: usize = 60;
const MAX_PEERS: usize = 10;
/// What follows from [`MAX_PEERS`].
const MEMBERS: usize = 6;

fn crowd(knows: Knows) -> Plan {
    Plan { lines: 200, rate: 10.0, max_peers: MAX_PEERS, knows, busy_disks: false, ..Plan::calm(NODES) }
}

/// Goes on until `is_there`, for at most so many seconds.
fn until(
    world: &mut World,
    within: u64,
    what: &str,
    is_there: impl Fn(&World) -> bool,
) -> Result<(), Broken> {
    let end = world.now() + Duration::from_secs(within);
    while !is_there(world) && world.now() < end {
        world.run_for(LOOK)?;
    }
    world.run_until(Duration::ZERO, what, is_there)
}

fn up(world: &World) -> impl Iterator<Item = &Node> {
    world.nodes().iter().filter(|node| node.engine().is_some())
}

/// Everybody has half of the links that it may have, one leads, and most know.
fn is_linked(world: &World) -> bool {
    let linked = |node: &Node| {
        node.engine().is_some_and(|engine| engine.linked() as usize >= node.settings.swarm.max_peers / 2)
    };
    let know = up(world).filter(|node| node.engine().is_some_and(|engine| engine.master().is_some()));
    world.master().is_some() && up(world).all(linked) && know.count() * 2 > world.nodes().len()
}

fn is_over(world: &World) -> bool {
    world.is_over()
}

/// Whom a node takes for members.
fn members(node: &Node) -> BTreeSet<PeerId> {
    node.engine().map(|engine| engine.durable().members.iter().collect()).unwrap_or_default()
}

/// The members as the master sees them.
fn voters(world: &World) -> Vec<usize> {
    let members =
        world.master().and_then(|master| world.nodes().get(master)).map(members).unwrap_or_default();
    let ids = world.nodes().iter().map(|node| node.settings.id);
    ids.enumerate().filter(|(_, id)| members.contains(id)).map(|(node, _)| node).collect()
}

#[test]
fn a_crowd_submits_once_and_everybody_has_the_file() {
    for (seed, knows) in [Knows::First, Knows::All, Knows::Last].into_iter().enumerate() {
        let world = play(seed as u64, &crowd(knows), |world| {
            // Newcomers are announced a second after they came, and beats are rare once all is done.
            until(world, 30, "all are linked", is_linked)?;
            until(world, 10, "everybody is done", is_over)?;
            world.check_end()
        })
        .unwrap();
        let totals = world.server().totals();
        assert_eq!((totals.submits, totals.right_submits), (1, 1), "{knows:?}");
        let lists: BTreeSet<_> = up(&world).map(members).collect();
        assert_eq!(lists.iter().map(BTreeSet::len).collect::<Vec<_>>(), [MEMBERS], "{knows:?}: one list");
        let most = up(&world).map(|node| node.engine().unwrap().linked()).max();
        assert!(most.unwrap() as usize <= MAX_PEERS, "{knows:?}: {most:?} links");
    }
}

#[test]
fn a_tenth_of_a_crowd_dies_and_the_rest_is_done() {
    let world = play(7, &crowd(Knows::First), |world| {
        until(world, 5, "all are linked", is_linked)?;
        for node in (0..NODES).step_by(10) {
            world.act(Action::Crash { node, power: node % 20 == 0 })?;
        }
        until(world, 40, "everybody else is done", is_over)?;
        until(world, 40, "they are linked anew", is_linked)?;
        world.check_end()
    })
    .unwrap();
    assert_eq!(world.server().totals().right_submits, 1);
}

#[test]
fn a_crowd_that_was_cut_in_two_is_one_again() {
    let world = play(8, &crowd(Knows::First), |world| {
        until(world, 5, "all are linked", is_linked)?;
        let side: Vec<usize> = (0..NODES).step_by(2).collect();
        world.partition(&side);
        world.run_for(Duration::from_secs(8))?;
        world.heal_all()?;
        until(world, 40, "everybody is done", is_over)?;
        until(world, 40, "all are linked", is_linked)?;
        world.check_end()
    })
    .unwrap();
    assert_eq!(world.server().totals().right_submits, 1);
}

#[test]
fn guests_without_a_member_submit_nothing_and_are_done_when_members_are_back() {
    let world = play(9, &crowd(Knows::First), |world| {
        until(world, 5, "all are linked", is_linked)?;
        // Newcomers become members a second after they came.
        until(world, 5, "there are as many members as may be", |world| voters(world).len() == MEMBERS)?;
        let before = voters(world);
        for &node in &before {
            world.act(Action::Crash { node, power: false })?;
        }
        until(world, 30, "the guests have the file", World::is_complete)?;
        // Longer than the grace after which whoever is heard decides.
        world.run_for(Duration::from_secs(20))?;
        assert!(world.submitted().is_empty() && world.master().is_none());
        for &node in &before {
            world.act(Action::Start(node))?;
        }
        until(world, 40, "everybody is done", is_over)?;
        world.check_end()
    })
    .unwrap();
    assert_eq!(world.server().totals().submits, 1);
}

#[test]
fn a_guest_takes_the_place_of_a_member_that_left() {
    play(10, &crowd(Knows::First), |world| {
        until(world, 5, "all are linked", is_linked)?;
        let before = voters(world);
        let leaves = before.iter().copied().find(|node| world.master() != Some(*node)).unwrap_or_default();
        world.act(Action::Command(leaves, Command::Leave))?;
        until(world, 20, "there are as many members as before", |world| {
            let after = voters(world);
            after.len() == MEMBERS && !after.contains(&leaves)
        })
    })
    .unwrap();
}

/// Draws needed / (nodes * rate) / seconds until the right submit was read, with `rate` lines/s for each node, beside what
/// one way of 5 ms would cost.
fn row(nodes: usize, rate: f64) -> (f64, f64) {
    let latency = Duration::from_millis(5);
    let weather = Weather { latency, jitter: Duration::ZERO, split: 0.0, loss: 0.0 };
    let (lines, knows) = (1000, Knows::First);
    let plan = Plan { lines, rate, weather, knows, autostart: false, busy_disks: false, ..Plan::calm(nodes) };
    let mut before = sim::oracle::Traffic::default();
    let world = play(1, &plan, |world| {
        until(world, 60, "all are linked", is_linked)?;
        world.run_for(Duration::from_millis(500))?;
        before = world.traffic();
        world.watch_reach();
        let start = Command::Start { server: None, lines: None, swarm: true };
        world.act(Action::Command(world.master().unwrap_or_default(), start))?;
        until(world, 60, "everybody is done", is_over)
    })
    .unwrap();
    let totals = world.server().totals();
    assert_eq!((totals.submits, totals.right_submits), (1, 1));
    let (needed, all) = (totals.draws_needed.unwrap() as f64, nodes as f64 * rate);
    let efficiency = needed / all / totals.duration().unwrap().as_secs_f64();
    let model = 1.0 / (1.0 + all * latency.as_secs_f64() / needed);
    let each = nodes as f64 * f64::from(lines);
    let copies = (world.traffic().lines - before.lines) as f64 / each;
    let bytes = (world.traffic().bytes - before.bytes) as f64 / each;
    let (mean, most) = world.reach();
    println!(
        "{nodes} nodes 5 ms apart, {rate} lines/s each: efficiency {efficiency:.3}, one hop would be {model:.3}; a line is \
         everywhere after {mean:?}, at most {most:?}; a node gets it {copies:.1} times, {bytes:.0} bytes with all else"
    );
    (efficiency, model)
}

/// Run by `make bench-links`, optimised.
#[test]
#[ignore = "minutes of processor time"]
fn crowds_of_256_and_1000_nodes_beside_the_model() {
    for (nodes, rate, least) in
        [(256, 10.0, 0.95), (256, 100.0, 0.78), (1000, 10.0, 0.85), (1000, 100.0, 0.45)]
    {
        let (efficiency, model) = row(nodes, rate);
        assert!(efficiency > least, "{nodes} nodes at {rate}: {efficiency} of {model}");
    }
}
