//! The yardstick: how often is the file not submitted, or submitted twice, when something happens around the submit?
//!
//! For 2 to 5 nodes, on a network that loses a tenth of all pieces, one fault strikes within 0.9 s of the moment in
//! which the master announces. Then all heals. [`table`] counts over many seeds, for each quorum and for both ways to
//! treat an INTENT in doubt.

use crate::{Broken, Failure, Plan, World, net::Weather, play, world::Action};
use core::{fmt::Write, time::Duration};
use lineswarm_proto::engine::settings::{InDoubt, Quorum};

/// What happens around the submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Nothing.
    Calm,
    /// The master's process dies, and comes back after 2 s.
    MasterDies,
    /// The master's machine dies, and comes back after 30 s.
    MasterGone,
    /// The master is held up for 15 s.
    MasterStalls,
    /// The nodes are cut in two halves for 6 s; both reach the line server.
    Partition,
    /// The master's connection to the line server breaks.
    ServerLost,
    /// All daemons die at once and start again.
    AllRestart,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Calm,
        Self::MasterDies,
        Self::MasterGone,
        Self::MasterStalls,
        Self::Partition,
        Self::ServerLost,
        Self::AllRestart,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Calm => "nothing",
            Self::MasterDies => "the master dies, back after 2 s",
            Self::MasterGone => "the master dies, back after 30 s",
            Self::MasterStalls => "the master is held up for 15 s",
            Self::Partition => "cut in two for 6 s",
            Self::ServerLost => "the master's server connection breaks",
            Self::AllRestart => "all restart at once",
        }
    }
}

/// What became of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Right submits that the server read.
    pub submits: usize,
}

/// Plays one run of a scenario, until everybody is done (or, with `hold`, in doubt).
pub fn run(
    scenario: Scenario,
    nodes: usize,
    quorum: Quorum,
    in_doubt: InDoubt,
    seed: u64,
) -> Result<Tally, Box<Failure>> {
    let mut plan = Plan { lines: 20, rate: 200.0, ..Plan::calm(nodes) };
    plan.election.quorum = quorum;
    plan.election.in_doubt = in_doubt;
    plan.weather = Weather { loss: 0.1, latency: Duration::from_millis(5), ..Weather::default() };
    let world = play(seed, &plan, |world| {
        let mut rng = fastrand::Rng::with_seed(seed);
        world
            .run_until(Duration::from_secs(60), "a master announces", |world| world.announcing().is_some())?;
        let master = world.announcing().unwrap_or_default();
        world.run_for(Duration::from_millis(rng.u64(0..900)))?;
        strike(world, scenario, master, &mut rng)?;
        let ended = |world: &World| world.is_over() || (in_doubt == InDoubt::Hold && world.is_complete());
        world.run_for(Duration::from_secs(40))?;
        world.run_until(Duration::from_secs(120), "everybody is done", ended)
    })?;
    Ok(Tally { submits: world.submitted().iter().filter(|submit| submit.right).count() })
}

fn strike(
    world: &mut World,
    scenario: Scenario,
    master: usize,
    rng: &mut fastrand::Rng,
) -> Result<(), Broken> {
    let nodes = world.nodes().len();
    let back = |seconds, world: &mut World| world.later(Duration::from_secs(seconds), Action::Start(master));
    match scenario {
        Scenario::Calm => {}
        Scenario::MasterDies => {
            world.act(Action::Crash { node: master, power: false })?;
            back(2, world);
        }
        Scenario::MasterGone => {
            world.act(Action::Crash { node: master, power: true })?;
            back(30, world);
        }
        Scenario::MasterStalls => {
            world.act(Action::Freeze(master))?;
            world.later(Duration::from_secs(15), Action::Thaw(master));
        }
        Scenario::Partition => {
            let mut side: Vec<usize> = (0..nodes).collect();
            rng.shuffle(&mut side);
            side.truncate(nodes / 2);
            world.partition(&side);
            for (from, to) in world.cuts() {
                world.later(Duration::from_secs(6), Action::Heal(from, to));
            }
        }
        Scenario::ServerLost => {
            world.act(Action::Lose(crate::net::Place::Node(master), crate::net::Place::Server))?
        }
        Scenario::AllRestart => {
            for node in 0..nodes {
                world.act(Action::Crash { node, power: rng.bool() })?;
                world.later(Duration::from_millis(rng.u64(100..2_000)), Action::Start(node));
            }
        }
    }
    Ok(())
}

/// One row: of so many runs, those without a right submit and those with more than one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// How many runs.
    pub runs: usize,
    /// No right submit.
    pub none: usize,
    /// More than one.
    pub twice: usize,
}

/// Counts `seeds` runs for each number of nodes from 2 to 5.
pub fn count(scenario: Scenario, quorum: Quorum, in_doubt: InDoubt, seeds: u64) -> Result<Row, Box<Failure>> {
    let mut row = Row::default();
    for nodes in 2..=5 {
        for seed in 0..seeds {
            let tally = run(scenario, nodes, quorum, in_doubt, seed * 8 + nodes as u64)?;
            row.runs += 1;
            row.none += usize::from(tally.submits == 0);
            row.twice += usize::from(tally.submits > 1);
        }
    }
    Ok(row)
}

/// The table of docs/election.md.
pub fn table(seeds: u64) -> Result<String, Box<Failure>> {
    let mut text = String::from(
        "| fault | quorum | in doubt | runs | no submit | more than one |\n|---|---|---|---|---|---|\n",
    );
    for scenario in Scenario::ALL {
        for quorum in [Quorum::Grace, Quorum::Majority, Quorum::Available] {
            for in_doubt in [InDoubt::Resubmit, InDoubt::Hold] {
                let Row { runs, none, twice } = count(scenario, quorum, in_doubt, seeds)?;
                let quorum = format!("{quorum:?}").to_lowercase();
                let doubt = format!("{in_doubt:?}").to_lowercase();
                let title = scenario.title();
                // Writing to a String can't fail.
                let _ = writeln!(text, "| {title} | {quorum} | {doubt} | {runs} | {none} | {twice} |");
            }
        }
    }
    Ok(text)
}
