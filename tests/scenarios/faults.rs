//! Named scenarios: each is a sentence about a swarm to which one thing happens.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // the whole file is a test

use core::time::Duration;
use lineswarm_proto::engine::{
    io::Command,
    settings::{InDoubt, Quorum},
};
use sim::{Broken, Plan, World, chaos::settle, net::Place, play, world::Action};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;
const SEEDS: u64 = 5;

/// Plays a scenario with several seeds; returns the submits of each.
fn scenario(plan: &Plan, run: impl Fn(&mut World) -> Result<(), Broken>) -> Vec<usize> {
    let world = |seed| play(seed, plan, &run).unwrap();
    (0..SEEDS).map(|seed| world(seed).submitted().len()).collect()
}

fn master(world: &mut World) -> Result<usize, Broken> {
    world.run_until(S(30), "a master is elected", World::agrees)?;
    world.master().ok_or_else(|| Broken("no master".into()))
}

/// Until the master has said INTENT, and nothing was sent yet.
fn announcing(world: &mut World) -> Result<usize, Broken> {
    world.run_until(S(60), "a master announces", |world| world.announcing().is_some())?;
    world.announcing().ok_or_else(|| Broken("nobody announces".into()))
}

/// Until the server has read the submit, and nobody knows it yet.
fn submitted(world: &mut World) -> Result<usize, Broken> {
    world.run_until(S(60), "a submit is read", |world| !world.submitted().is_empty())?;
    Ok(world.submitted()[0].node)
}

fn halves(world: &mut World, side: &[usize], span: Duration) {
    world.partition(side);
    for (from, to) in world.cuts() {
        world.later(span, Action::Heal(from, to));
    }
}

#[test]
fn duelling_candidates_end_with_one_master() {
    scenario(&Plan::calm(5).quorum(Quorum::Majority), |world| {
        for node in 0..5 {
            world.later(MS(600), Action::Command(node, Command::Elect { to: None }));
        }
        settle(world)
    });
}

#[test]
fn a_rejoiner_does_not_disturb_a_master() {
    scenario(&Plan { lines: 300, ..Plan::calm(4) }, |world| {
        let first = master(world)?;
        let other = (first + 1) % 4;
        halves(world, &[other], S(3));
        world.run_for(S(6))?;
        assert_eq!(world.master(), Some(first));
        settle(world)
    });
}

#[test]
fn an_old_master_that_returns_follows_the_new_one() {
    scenario(&Plan { lines: 300, ..Plan::calm(3) }, |world| {
        let old = master(world)?;
        halves(world, &[old], S(5));
        world.run_for(S(4))?;
        let new = (0..3).find(|node| *node != old && world.nodes()[*node].masters().is_some());
        world.run_for(S(3))?;
        assert_eq!(world.master(), new);
        settle(world)
    });
}

#[test]
fn a_swarm_cut_in_half_comes_together_again() {
    for (nodes, side) in [(2, vec![0]), (4, vec![0, 1]), (5, vec![1, 4])] {
        for quorum in [Quorum::Majority, Quorum::Grace, Quorum::Available] {
            scenario(&Plan::calm(nodes).quorum(quorum), |world| {
                world.run_for(MS(900))?;
                halves(world, &side, S(20));
                world.run_for(S(21))?;
                settle(world)
            });
        }
    }
}

#[test]
fn a_node_that_hears_but_is_not_heard_keeps_nobody_from_submitting() {
    scenario(&Plan::calm(3), |world| {
        let mute = master(world)?;
        for other in (0..3).filter(|other| *other != mute) {
            world.act(Action::Cut(Place::Node(mute), Place::Node(other)))?;
        }
        world.run_until(S(40), "the others are done", |world| {
            (0..3)
                .filter(|node| *node != mute)
                .all(|node| world.nodes()[node].engine().is_some_and(|engine| engine.is_done()))
        })?;
        settle(world)
    });
}

#[test]
fn a_master_that_dies_before_the_submit_is_replaced() {
    let submits = scenario(&Plan::calm(3), |world| {
        let node = announcing(world)?;
        world.act(Action::Crash { node, power: true })?;
        world.run_until(S(40), "the others submit", |world| !world.submitted().is_empty())?;
        settle(world)
    });
    assert_eq!(submits, [1; SEEDS as usize]);
}

#[test]
fn a_master_that_dies_after_the_submit_costs_one_more_and_none_with_hold() {
    for (in_doubt, most) in [(InDoubt::Resubmit, 2), (InDoubt::Hold, 1)] {
        let mut plan = Plan::calm(3);
        plan.election.in_doubt = in_doubt;
        let submits = scenario(&plan, |world| {
            let node = submitted(world)?;
            world.act(Action::Crash { node, power: false })?;
            world.run_for(S(20))?;
            world.act(Action::Start(node))?;
            for node in 0..3 {
                world.later(S(1), Action::Command(node, Command::Submit { force: false, resolve: false }));
            }
            if in_doubt == InDoubt::Hold { world.run_for(S(20)) } else { settle(world) }
        });
        assert!(submits.iter().all(|submits| *submits <= most), "{in_doubt:?}: {submits:?}");
    }
}

#[test]
fn a_held_intent_is_submitted_when_the_operator_resolves_it() {
    let mut plan = Plan::calm(3);
    plan.election.in_doubt = InDoubt::Hold;
    scenario(&plan, |world| {
        let node = announcing(world)?;
        world.run_until(S(5), "a peer hears of it", |world| {
            let knows = |peer: usize| {
                world.nodes()[peer].engine().is_some_and(|engine| engine.durable().intent.is_some())
            };
            (0..3).any(|peer| peer != node && knows(peer))
        })?;
        world.act(Action::Crash { node, power: false })?;
        world.run_for(S(15))?;
        assert!(world.submitted().is_empty(), "nobody submits by itself");
        let leads = world.master().unwrap_or_default();
        world.act(Action::Command(leads, Command::Submit { force: false, resolve: true }))?;
        settle(world)
    });
}

#[test]
fn restarts_at_any_moment_lose_nothing() {
    for wait in [0, 300, 700, 1_000, 2_000, 4_000] {
        scenario(&Plan::calm(3), |world| {
            world.run_for(MS(wait))?;
            for node in 0..3 {
                world.act(Action::Crash { node, power: node == 1 })?;
                world.later(MS(100 + 150 * node as u64), Action::Start(node));
            }
            world.run_for(S(1))?;
            settle(world)
        });
    }
}

#[test]
fn clocks_that_run_apart_don_t_matter() {
    scenario(&Plan { skew_ppm: 50_000, ..Plan::calm(4) }, settle);
}

#[test]
fn a_flapping_link_does_not_keep_a_swarm_from_ending() {
    scenario(&Plan::calm(3), |world| {
        for _ in 0..30 {
            world.act(Action::Lose(Place::Node(0), Place::Node(1)))?;
            world.run_for(MS(170))?;
        }
        settle(world)
    });
}

#[test]
fn a_master_that_sleeps_for_15_s_before_its_submit_does_not_submit_after_the_others() {
    let submits = scenario(&Plan::calm(3), |world| {
        let node = announcing(world)?;
        world.act(Action::Freeze(node))?;
        world.run_for(S(15))?;
        world.act(Action::Thaw(node))?;
        settle(world)
    });
    assert_eq!(submits, [1; SEEDS as usize]);
}

#[test]
fn a_peer_that_slept_through_a_reset_of_the_swarm_follows() {
    scenario(&Plan::calm(3), |world| {
        world.run_until(S(60), "all are done", World::is_over)?;
        world.act(Action::Crash { node: 2, power: false })?;
        world.run_for(S(1))?;
        world.act(Action::Command(0, Command::Reset { swarm: true }))?;
        world.run_for(S(10))?;
        settle(world)?;
        assert!(
            world
                .nodes()
                .iter()
                .all(|node| node.engine().is_some_and(|engine| engine.durable().job.epoch == 2))
        );
        Ok(())
    });
}

#[test]
fn a_node_that_lost_its_state_comes_back_as_another() {
    scenario(&Plan::calm(4).quorum(Quorum::Majority), |world| {
        master(world)?;
        world.act(Action::Crash { node: 3, power: true })?;
        world.act(Action::Wipe(3))?;
        settle(world)?;
        world.run_for(S(15))?;
        assert!(
            world.nodes().iter().all(|node| node.engine().is_some_and(|engine| engine
                .durable()
                .members
                .iter()
                .count()
                == 4))
        );
        Ok(())
    });
}

#[test]
fn a_late_joiner_gets_the_file_and_the_outcome_and_submits_nothing() {
    let submits = scenario(&Plan::calm(3), |world| {
        world.act(Action::Start(2))?;
        world.act(Action::Crash { node: 2, power: false })?;
        world.run_for(S(20))?;
        settle(world)
    });
    assert_eq!(submits, [1; SEEDS as usize]);
}

#[test]
fn a_server_that_is_gone_for_a_minute_delays_the_submit_but_does_not_prevent_it() {
    let submits = scenario(&Plan::calm(3), |world| {
        announcing(world)?;
        world.act(Action::ServerDown)?;
        world.run_for(S(60))?;
        settle(world)
    });
    assert!(submits.iter().all(|submits| (1..=2).contains(submits)), "{submits:?}");
}

#[test]
fn who_leaves_does_not_count_and_does_not_submit() {
    scenario(&Plan::calm(3).quorum(Quorum::Majority), |world| {
        let leaver = master(world)?;
        world.act(Action::Command(leaver, Command::Leave))?;
        world.run_until(S(60), "the others are done", World::is_over)?;
        assert!(world.submitted().iter().all(|submit| submit.node != leaver));
        Ok(())
    });
}

#[test]
fn an_operator_chooses_the_master() {
    scenario(&Plan { lines: 300, ..Plan::calm(4) }, |world| {
        let first = master(world)?;
        let chosen = (first + 1) % 4;
        let to = Some(world.nodes()[chosen].settings.id);
        world.act(Action::Command(first, Command::Elect { to }))?;
        world.run_until(S(5), "the chosen one leads", |world| {
            world.agrees() && world.master() == Some(chosen)
        })?;
        settle(world)
    });
}
