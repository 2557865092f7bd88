//! A swarm in one thread and without a clock: the real engine and the real line server, on simulated disks and wires,
//! with every fault that a network, a machine or an operator can make. See docs/testing.md.
//!
//! Everything follows from one seed. An [`oracle::Oracle`] looks at every step and ends the run at the first broken
//! promise; [`play`] then plays the same seed again to tell the whole story.

mod agenda;
mod causes;
pub mod chaos;
pub mod disk;
pub mod hostile;
pub mod net;
pub mod node;
pub mod oracle;
pub mod plan;
mod reach;
pub mod transcript;
pub mod voting;
pub mod world;
pub mod yardstick;

pub use plan::{Knows, Plan};
pub use world::World;

use core::fmt;

/// A promise that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// [`Broken`], with the seed and the story; its `Debug` is the message that a failed test shows.
#[derive(Clone)]
pub struct Failure {
    /// Plays it again.
    pub seed: u64,
    /// What did not hold.
    pub broken: Broken,
    /// The transcript.
    pub story: String,
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, broken, story } = self;
        let lines: Vec<&str> = story.lines().collect();
        let whole = std::env::var_os("LINESWARM_SEED").is_some();
        let skipped = if whole { 0 } else { lines.len().saturating_sub(120) };
        writeln!(f, "seed {seed:#x}: {broken}")?;
        writeln!(f, "({skipped} lines before these; all of them with LINESWARM_SEED={seed:#x})")?;
        lines.iter().skip(skipped).try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// The seed that `LINESWARM_SEED` asks for, if it does: hexadecimal after `0x`, decimal otherwise.
#[must_use]
pub fn wanted_seed() -> Option<u64> {
    let text = std::env::var("LINESWARM_SEED").ok()?;
    text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
}

/// Plays a run; one that breaks a promise is played again, to be told.
pub fn play(
    seed: u64,
    plan: &Plan,
    mut run: impl FnMut(&mut World) -> Result<(), Broken>,
) -> Result<World, Box<Failure>> {
    let told = wanted_seed().is_some();
    let mut world = World::new(seed, plan, told);
    match run(&mut world) {
        Ok(()) => {
            if told {
                println!("{}", world.transcript().text());
            }
            Ok(world)
        }
        Err(broken) => {
            let mut again = World::new(seed, plan, true);
            let same = run(&mut again);
            let broken = if same.as_ref() == Err(&broken) {
                broken
            } else {
                Broken(format!(
                    "{broken}; and played again it was {same:?}: the run does not follow from its seed"
                ))
            };
            Err(Box::new(Failure { seed, broken, story: again.transcript().text().to_owned() }))
        }
    }
}
