//! Chaos: a random swarm, then random faults with random ends, then quiet, in which everything must come right.
//!
//! The grammar is a list of faults with weights; each ends by itself after a while, and all end before the quiet.

use crate::{Broken, Failure, Knows, Plan, World, net::Place, net::Weather, play, world::Action};
use core::time::Duration;
use lineswarm_proto::{
    engine::{io::Command, settings::Quorum, settings::Topology},
    line_server::LimiterKind,
};

/// After the last fault every node must be done within this: a silent peer is noticed after four heartbeats, which
/// are 15 s apart after DONE, and then there may be a grace time.
const QUIET: Duration = Duration::from_secs(120);

/// Names the chance by which nodes leave and join, in some runs. It is a chance of its own, so that the rest of a run
/// does not depend on it.
const OPERATORS: u64 = 0x6c65_6176_6500;

/// Names the chance by which the nodes are told of different addresses; see [`OPERATORS`].
const KNOWERS: u64 = 0x6c61_7374_0009;

/// Names the chance by which there are more nodes than one may be linked to; see [`OPERATORS`].
const CROWDS: u64 = 0x6372_6f77_6400;

/// A random plan.
#[must_use]
pub fn plan(seed: u64) -> Plan {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x0070_6c61_6e00);
    let mut plan = Plan::calm(rng.usize(1..=5));
    plan.lines = rng.u32(8..=80);
    plan.base = rng.u32(0..=1);
    plan.rate = any(&mut rng, [50.0, 100.0, 200.0]);
    plan.limiter = any(&mut rng, [LimiterKind::Spacing, LimiterKind::Bucket, LimiterKind::Window]);
    plan.weather = weather(&mut rng);
    plan.knows = if rng.u8(0..4) == 0 { Knows::First } else { Knows::All };
    plan.election.quorum = any(&mut rng, [Quorum::Majority, Quorum::Available, Quorum::Grace, Quorum::Grace]);
    plan.topology = any(&mut rng, [Topology::Mesh, Topology::Mesh, Topology::Star, Topology::Ring]);
    plan.auto = rng.u8(0..5) == 0;
    plan.skew_ppm = any(&mut rng, [0, 100, 20_000]);
    plan.tournament = rng.bool();
    if fastrand::Rng::with_seed(seed ^ KNOWERS).u8(0..6) == 0 {
        plan.knows = Knows::Last;
    }
    let mut crowds = fastrand::Rng::with_seed(seed ^ CROWDS);
    if crowds.u8(0..6) == 0 {
        (plan.nodes, plan.max_peers) = (crowds.usize(6..=9), crowds.usize(4..=6));
    }
    plan
}

fn weather(rng: &mut fastrand::Rng) -> Weather {
    let latency = Duration::from_micros(any(rng, [100, 1_000, 20_000, 80_000]));
    Weather {
        latency,
        jitter: latency.mul_f64(rng.f64()),
        split: any(rng, [0.0, 0.2, 0.9]),
        loss: any(rng, [0.0, 0.0, 0.02, 0.1]),
    }
}

fn any<T: Copy, const N: usize>(rng: &mut fastrand::Rng, of: [T; N]) -> T {
    let at = rng.usize(0..N);
    let [first, ..] = of.as_slice() else { unreachable!("there is something to choose from") };
    *of.get(at).unwrap_or(first)
}

/// Some time, below one of these bounds in ms.
fn span(rng: &mut fastrand::Rng, bounds: [u64; 3]) -> Duration {
    let bound = any(rng, bounds);
    Duration::from_millis(rng.u64(0..bound))
}

/// Plays one seed of mixed chaos.
pub fn run(seed: u64) -> Result<World, Box<Failure>> {
    play(seed, &plan(seed), |world| {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x6368_616f_7300);
        let mut operators = fastrand::Rng::with_seed(seed ^ OPERATORS);
        let restless = operators.u8(0..5) == 0;
        let faults = rng.usize(0..=12);
        for _ in 0..faults {
            let wait = span(&mut rng, [100, 1_500, 6_000]);
            world.run_for(wait)?;
            if restless && operators.u8(0..4) == 0 {
                leave(world, &mut operators)?;
            }
            strike(world, &mut rng)?;
        }
        settle(world)
    })
}

/// A node leaves, and joins again a while later.
fn leave(world: &mut World, rng: &mut fastrand::Rng) -> Result<(), Broken> {
    let node = rng.usize(0..world.nodes().len());
    world.act(Action::Command(node, Command::Leave))?;
    world.later(span(rng, [300, 3_000, 20_000]), world.join(node));
    Ok(())
}

/// Ends all faults; then, within a bounded time, everybody is done and agrees on one master, and stays so.
pub fn settle(world: &mut World) -> Result<(), Broken> {
    world.heal_all()?;
    world.forget_the_gone(Duration::from_secs(10));
    let settled = |world: &World| world.is_over() && world.agrees();
    world.run_until(QUIET, "all are done and agree on one master", settled)?;
    world.check_end()
}

/// One random fault, with its end.
fn strike(world: &mut World, rng: &mut fastrand::Rng) -> Result<(), Broken> {
    let nodes = world.nodes().len();
    let node = rng.usize(0..nodes);
    let other = rng.usize(0..nodes);
    let (a, b) = (Place::Node(node), Place::Node(other));
    let span = span(rng, [300, 3_000, 20_000]);
    match rng.u8(0..100) {
        0..20 => {
            world.act(Action::Crash { node, power: rng.bool() })?;
            world.later(span, Action::Start(node));
        }
        20..35 => {
            world.act(Action::Freeze(node))?;
            world.later(span, Action::Thaw(node));
        }
        35..50 => {
            world.act(Action::Cut(a, b))?;
            world.later(span, Action::Heal(a, b));
            if rng.bool() {
                world.act(Action::Cut(b, a))?;
                world.later(span, Action::Heal(b, a));
            }
        }
        50..60 => {
            let side: Vec<usize> = (0..nodes).filter(|_| rng.bool()).collect();
            world.partition(&side);
            for (from, to) in world.cuts() {
                world.later(span, Action::Heal(from, to));
            }
        }
        60..68 => world.act(Action::Lose(a, if rng.bool() { b } else { Place::Server }))?,
        68..73 => {
            world.act(Action::SlowDisk(node, span.min(Duration::from_secs(2))))?;
            world.later(span, Action::SlowDisk(node, Duration::ZERO));
        }
        73..78 => {
            world.act(Action::ServerDown)?;
            world.later(span, Action::ServerUp);
        }
        78..82 => {
            world.act(Action::Cut(a, Place::Server))?;
            world.act(Action::Cut(Place::Server, a))?;
            world.later(span, Action::Heal(a, Place::Server));
            world.later(span, Action::Heal(Place::Server, a));
        }
        82..86 => world.act(Action::Weather(weather(rng)))?,
        86..89 => {
            world.act(Action::Crash { node, power: rng.bool() })?;
            world.act(Action::Wipe(node))?;
            world.later(span, Action::Start(node));
        }
        89..92 => {
            for node in 0..nodes {
                world.act(Action::Crash { node, power: rng.bool() })?;
                world.later(span.mul_f64(rng.f64()), Action::Start(node));
            }
        }
        92..95 => {
            let to = world.nodes().get(other).map(|other| other.settings.id);
            world.act(Action::Command(node, Command::Elect { to }))?;
        }
        95..98 => {
            world.act(Action::Command(node, Command::Pause))?;
            world.later(span, Action::Command(node, Command::Resume));
        }
        _ => world.act(Action::Command(node, Command::Reset { swarm: rng.bool() }))?,
    }
    Ok(())
}
