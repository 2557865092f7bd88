//! Named scenarios about who belongs to the swarm, who is preferred, and who tells something wrong.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // the whole file is a test

use core::time::Duration;
use lineswarm_proto::{
    engine::{event::Event, io::Command, noted::Noted, settings::Quorum},
    ids::LineNumber,
};
use sim::{Broken, Plan, World, chaos::settle, play, world::Action};

const MS: fn(u64) -> Duration = Duration::from_millis;
const S: fn(u64) -> Duration = Duration::from_secs;

/// Plays a scenario with several seeds.
fn scenario(plan: &Plan, run: impl Fn(&mut World) -> Result<(), Broken>) -> Vec<World> {
    (0..5).map(|seed| play(seed, plan, &run).unwrap()).collect()
}

fn master(world: &mut World) -> Result<usize, Broken> {
    world.run_until(S(30), "a master is elected", World::agrees)?;
    world.master().ok_or_else(|| Broken("no master".into()))
}

/// A node restarts with a text on its disk that the server never had.
fn forge(world: &mut World, node: usize, number: u32, text: &'static str) -> Result<(), Broken> {
    world.act(Action::Crash { node, power: false })?;
    world.act(Action::Forge(node, LineNumber(number), text))?;
    world.act(Action::Start(node))
}

#[test]
fn lines_that_the_server_calls_wrong_are_corrected_and_submitted_again() {
    for tournament in [false, true] {
        let mut rejected = 0;
        let worlds = scenario(&Plan { tournament, ..Plan::calm(3) }, |world| {
            let nearly = |world: &World| {
                let held = |node: &sim::node::Node| node.engine().map(|engine| engine.lines().len());
                world.nodes().iter().all(|node| held(node) >= Some(57))
            };
            world.run_until(S(20), "nearly all lines are held", nearly)?;
            for node in 0..3 {
                forge(world, node, 1, "a forged text")?;
            }
            settle(world)
        });
        for world in worlds {
            let (last, earlier) = world.submitted().split_last().unwrap();
            assert!(last.right, "the last submit counts");
            rejected += earlier.iter().filter(|submit| !submit.right).count();
        }
        assert!(rejected > 0, "no run had a wrong submit, which is what this is about");
    }
}

#[test]
fn two_peers_that_tell_different_texts_are_both_overruled_by_the_server() {
    scenario(&Plan::calm(4), |world| {
        world.run_for(MS(200))?;
        forge(world, 2, 5, "one forged text")?;
        forge(world, 3, 5, "another forged text")?;
        settle(world)
    });
}

#[test]
fn two_swarms_that_know_each_other_s_addresses_do_their_own_work() {
    let worlds = scenario(&Plan { swarms: 2, ..Plan::calm(6) }, |world| {
        world.run_until(S(60), "all are done", World::is_over)?;
        world.run_for(S(5))?;
        world.check_end()
    });
    for world in worlds {
        let mut by: Vec<_> = world.submitted().iter().map(|submit| submit.node % 2).collect();
        by.sort_unstable();
        assert_eq!(by, [0, 1], "each swarm submits once");
        for swarm in 0..2 {
            let of_it = world.nodes().iter().skip(swarm).step_by(2);
            assert_eq!(of_it.filter(|node| node.masters().is_some()).count(), 1);
        }
    }
}

#[test]
fn forgetting_the_dead_during_an_election_lets_the_living_elect() {
    scenario(&Plan { lines: 200, ..Plan::calm(4).quorum(Quorum::Majority) }, |world| {
        let first = master(world)?;
        let dead = [first, (first + 1) % 4];
        for node in dead {
            world.act(Action::Crash { node, power: true })?;
        }
        world.run_for(MS(1_200))?;
        for node in (0..4).filter(|node| !dead.contains(node)) {
            for id in dead.map(|node| world.nodes()[node].settings.id) {
                world.act(Action::Command(node, Command::PeerForget { id }))?;
            }
        }
        world.run_until(S(60), "the living are done", World::is_over)?;
        assert_eq!(world.submitted().len(), 1);
        settle(world)
    });
}

#[test]
fn a_node_may_leave_and_join_during_an_election() {
    for wait in [0, 100, 1_100, 1_300] {
        scenario(&Plan { lines: 200, ..Plan::calm(4).quorum(Quorum::Majority) }, |world| {
            let first = master(world)?;
            let guest = (first + 1) % 4;
            world.act(Action::Crash { node: first, power: true })?;
            world.run_for(MS(wait))?;
            world.act(Action::Command(guest, Command::Leave))?;
            world.run_for(MS(300))?;
            world.act(world.join(guest))?;
            world.run_until(S(60), "those who live are done", World::is_over)?;
            settle(world)
        });
    }
}

#[test]
fn the_only_node_of_a_swarm_may_leave_and_join() {
    scenario(&Plan { lines: 200, ..Plan::calm(1).quorum(Quorum::Majority) }, |world| {
        master(world)?;
        world.act(Action::Command(0, Command::Leave))?;
        world.run_for(S(15))?;
        assert!(world.submitted().is_empty(), "who left submits nothing");
        world.act(world.join(0))?;
        settle(world)
    });
}

#[test]
fn a_master_without_an_identity_submits_nothing_and_another_one_does_once_it_is_elected() {
    for auto in [false, true] {
        let plan = Plan { nameless: 2, preferred: Some(0), auto, ..Plan::calm(3) };
        let worlds = scenario(&plan, |world| {
            let first = master(world)?;
            world.run_for(S(60))?;
            if first == 2 {
                return settle(world);
            }
            assert!(world.submitted().is_empty() && (auto || world.is_complete()), "nobody said who submits");
            let engine = world.nodes()[first].engine().unwrap();
            let told = |noted: &&Noted| matches!(noted.stamped.event, Event::NoIdentity { .. });
            assert_eq!(engine.recent().since(0).filter(told).count(), 1, "it is told once");
            let id = world.nodes()[2].engine().unwrap().status().id;
            world.act(Action::Command(first, Command::Elect { to: Some(id) }))?;
            settle(world)
        });
        for world in worlds {
            assert!(world.submitted().iter().all(|submit| submit.node == 2));
        }
    }
}

#[test]
fn a_preferred_node_does_not_unseat_but_takes_over_sooner_than_others() {
    let plan = Plan { preferred: Some(2), lines: 400, ..Plan::calm(3) };
    let mut led = 0;
    for seed in 0..20 {
        play(seed, &plan, |world| {
            led += usize::from(master(world)? == 2);
            world.act(Action::Crash { node: 2, power: false })?;
            world.run_until(S(10), "another leads", |world| world.agrees() && world.master() != Some(2))?;
            let other = world.master();
            world.act(Action::Start(2))?;
            world.run_for(S(2))?;
            assert_eq!(world.master(), other, "who came back does not unseat");
            settle(world)
        })
        .unwrap();
    }
    println!("the preferred one of three led in {led} of 20 runs");
    assert!(led > 10, "the preferred one of three led in {led} of 20 runs");
}

#[test]
fn a_line_of_a_new_job_never_comes_before_the_news_of_the_job() {
    scenario(&Plan { rate: 1000.0, ..Plan::calm(4) }, |world| {
        master(world)?;
        world.run_until(S(60), "all are done", World::is_over)?;
        let reset = Action::Command(0, Command::Reset { swarm: true });
        for _ in 0..3 {
            world.act(reset.clone())?;
            world.run_for(S(10))?;
        }
        world.run_until(S(60), "all are done again", World::is_over)?;
        world.run_for(S(1))?;
        // What was said to a peer that was not at this job yet would have been sent in vain.
        let engines: Vec<_> = world.nodes().iter().filter_map(|node| node.engine()).collect();
        let mut links = 0;
        for (from, to) in engines.iter().flat_map(|from| engines.iter().map(move |to| (from, to))) {
            let peer = |of: &lineswarm_proto::engine::Engine, id| {
                of.peers().peers.into_iter().find(|peer| peer.id == Some(id))
            };
            let (ours, theirs) = (from.status().id, to.status().id);
            if let (Some(sent), Some(received)) = (peer(from, theirs), peer(to, ours)) {
                assert_eq!(sent.lines_sent, received.lines_received);
                links += 1;
            }
        }
        assert_eq!(links, 12, "each of four to the three others");
        Ok(())
    });
}

/// What this node's operator asks for; returns whether it was done. All others are down or cut off, or were never there.
fn epoch_after(world: &mut World, node: usize, command: Command) -> Result<u64, Broken> {
    world.act(Action::Command(node, command))?;
    world.run_for(MS(500))?;
    Ok(world.nodes()[node].engine().map_or(0, |engine| engine.durable().job.epoch))
}

#[test]
fn a_command_for_one_node_never_becomes_one_for_all_by_who_happens_to_be_linked() {
    let commands = [
        Command::Reset { swarm: false },
        Command::Start { server: Some("other:5000".into()), lines: None, swarm: false },
        Command::Start { server: None, lines: Some(999), swarm: false },
    ];
    for command in commands {
        for gone in [vec![], vec![1], vec![1, 2]] {
            scenario(&Plan::calm(3), |world| {
                world.run_until(S(60), "all are done", World::is_over)?;
                for node in &gone {
                    world.act(Action::Crash { node: *node, power: false })?;
                }
                world.run_for(S(2))?;
                assert_eq!(epoch_after(world, 0, command.clone())?, 1, "{command:?} without {gone:?}");
                for node in &gone {
                    world.act(Action::Start(*node))?;
                }
                settle(world)?;
                assert_eq!(world.submitted().len(), 1, "nobody followed: {command:?} without {gone:?}");
                Ok(())
            });
        }
    }
    // Others that are configured and were never met would follow too; who is alone need not say that it means all.
    scenario(&Plan::calm(2), |world| {
        world.run_for(S(1))?;
        world.act(Action::Crash { node: 1, power: true })?;
        assert_eq!(epoch_after(world, 0, Command::Reset { swarm: false })?, 1);
        assert_eq!(epoch_after(world, 0, Command::Reset { swarm: true })?, 2);
        Ok(())
    });
    scenario(&Plan::calm(1), |world| {
        world.run_for(S(5))?;
        assert_eq!(epoch_after(world, 0, Command::Reset { swarm: false })?, 2);
        Ok(())
    });
}

#[test]
fn members_that_are_gone_are_forgotten_by_one_command_and_those_that_are_here_stay() {
    let plan = Plan { knows: sim::Knows::First, lines: 100, ..Plan::calm(5).quorum(Quorum::Majority) };
    scenario(&plan, |world| {
        world.run_until(S(60), "all are done", World::is_over)?;
        let members = |world: &World, node: usize| {
            world.nodes()[node].engine().map_or(0, |engine| engine.durable().members.iter().count())
        };
        world.run_until(S(60), "all are members", |world| members(world, 0) == 5)?;
        for node in [2, 3, 4] {
            world.act(Action::Crash { node, power: false })?;
        }
        world.run_for(S(60))?;
        assert_eq!(world.master(), None, "two of five are no majority");
        world.act(Action::Command(0, Command::PeerForgetAbsent))?;
        world.run_until(S(60), "the others elect", |world| world.master().is_some())?;
        assert_eq!(members(world, 0), 2);
        Ok(())
    });
}
