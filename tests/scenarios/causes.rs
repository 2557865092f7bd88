//! The swarm's events in one list: no effect before its cause, whatever happens meanwhile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // the whole file is a test

use core::time::Duration;
use lineswarm_proto::{engine::io::Command, ids::PeerId};
use sim::{Broken, Plan, World, chaos, net::Place, play, world::Action};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;

fn ask(world: &mut World, node: usize) -> Result<(), Broken> {
    world.act(Action::Command(node, Command::Recall { since: 0 }))
}

/// Crashes, cuts, freezes and elections, and in between questions to anybody.
fn trouble(world: &mut World, rng: &mut fastrand::Rng, nodes: usize) -> Result<(), Broken> {
    for _ in 0..25 {
        world.run_for(MS(rng.u64(1..400)))?;
        let (node, other) = (rng.usize(0..nodes), rng.usize(0..nodes));
        if !world.nodes()[node].runs() {
            continue;
        }
        match rng.u8(0..10) {
            0 => {
                world.act(Action::Crash { node, power: rng.bool() })?;
                world.run_for(MS(rng.u64(1..2000)))?;
                world.act(Action::Start(node))?;
            }
            1 if node != other => {
                world.act(Action::Cut(Place::Node(node), Place::Node(other)))?;
                world.run_for(MS(rng.u64(1..3000)))?;
                ask(world, node)?;
                world.run_for(MS(rng.u64(1..1500)))?;
                world.act(Action::Heal(Place::Node(node), Place::Node(other)))?;
            }
            2 => {
                world.act(Action::Freeze(node))?;
                ask(world, other)?;
                world.run_for(MS(rng.u64(1..3000)))?;
                world.act(Action::Thaw(node))?;
            }
            3 | 4 => {
                let to: Option<PeerId> = rng.bool().then(|| world.nodes()[other].settings.id);
                world.act(Action::Command(node, Command::Elect { to }))?;
            }
            _ => ask(world, node)?,
        }
    }
    world.run_for(S(3))
}

#[test]
fn no_effect_stands_before_its_cause_whatever_happens() {
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(60);
    let (mut lists, mut events, mut partial) = (0, 0, 0);
    for seed in 0..seeds {
        let mut plan = chaos::plan(seed);
        plan.nodes = plan.nodes.max(2);
        let world = play(seed, &plan, |world| {
            let mut rng = fastrand::Rng::with_seed(seed ^ 0x0063_6175_7365);
            world.watch_causes();
            trouble(world, &mut rng, plan.nodes)
        })
        .unwrap();
        lists += world.recalled().len();
        events += world.recalled().iter().map(|(_, merged)| merged.events.len()).sum::<usize>();
        partial += world.recalled().iter().filter(|(_, merged)| !merged.silent.is_empty()).count();
    }
    println!("{lists} lists of {events} events in all, {partial} of them without somebody");
    assert!(lists as u64 >= 5 * seeds && events > 20 * lists && partial > 0);
}

#[test]
fn an_election_that_was_asked_for_stands_before_its_effects_on_every_node() {
    for seed in 0..10 {
        let world = play(seed, &Plan::calm(3), |world| {
            world.watch_causes();
            world.run_until(S(30), "a master is elected", World::agrees)?;
            let (old, to) = (world.master().unwrap(), (world.master().unwrap() + 1) % 3);
            let id = world.nodes()[to].settings.id;
            world.act(Action::Command(old, Command::Elect { to: Some(id) }))?;
            world.run_until(S(30), "the other one leads", |world| {
                world.agrees() && world.master() == Some(to)
            })?;
            let third = (old + 2) % 3;
            ask(world, third)?;
            world.run_for(S(2))?;
            let (who, merged) = &world.recalled()[0];
            assert_eq!((*who, merged.silent.as_slice()), (third, [].as_slice()));
            let at = |node: usize, what: &str, own: &str| {
                let name = format!("node{node}");
                merged.events.iter().rposition(|event| {
                    let is_own = event.fields.get("self").is_none_or(|told| told == own);
                    event.node == name && event.what == what && is_own
                })
            };
            let elected = at(to, "master-elected", "true").unwrap();
            let stood = at(to, "candidate", "").unwrap();
            assert!(stood < elected);
            for follower in [old, third] {
                assert!(at(follower, "master-elected", "false").unwrap() > elected, "{:#?}", merged.events);
            }
            Ok(())
        });
        world.unwrap();
    }
}

#[test]
fn who_does_not_answer_is_named_and_costs_no_more_than_a_second() {
    let world = play(7, &Plan::calm(4), |world| {
        world.run_until(S(30), "a master is elected", World::agrees)?;
        world.run_for(S(1))?;
        world.act(Action::Freeze(2))?;
        ask(world, 0)?;
        world.run_for(MS(950))?;
        assert!(world.recalled().is_empty(), "it waits");
        world.run_for(MS(100))
    })
    .unwrap();
    let (_, merged) = &world.recalled()[0];
    assert_eq!(merged.silent, ["node2"]);
    for node in ["node0", "node1", "node3"] {
        assert!(merged.events.iter().any(|event| event.node == node));
    }
    assert!(!merged.events.iter().any(|event| event.node == "node2"));
}
