//! `predict`: how long a download takes, by the formula and by sampling, each checking the other.
//!
//! Nothing is started and nothing is asked; the same seed gives the same figures, on any number of workers.

pub mod model;
pub mod sample;
mod show;

use super::theory;
use crate::args;
use crate::failure::Failure;
use crate::lab::report::charts;
use crate::screen::Screen;
use lineswarm_files::write;
use model::{KNOWN, Model};
use sample::{Summary, sample};
use std::fs;
use std::num::NonZeroUsize;
use std::time::Instant;

/// Packs of a thousand points for each known answer.
const CHECKS: u64 = 4000;
/// A check that is further off than this, in standard errors, is a bug and not luck: one in 16,000.
const FARTHEST: f64 = 4.0;
const BUG: u8 = 70;

/// What was computed.
#[derive(Debug)]
pub struct Prediction {
    pub lines: u32,
    pub rate: f64,
    pub latency_ms: f64,
    pub loss: f64,
    pub runs: u64,
    pub seed: u64,
    pub swarms: Vec<SwarmTime>,
    pub checks: Vec<Check>,
    pub speeds: Vec<Speed>,
}

/// One size of swarm.
#[derive(Debug)]
pub struct SwarmTime {
    pub peers: u32,
    /// By the formula, without latency and loss.
    pub formula_s: f64,
    pub formula_deviation_s: f64,
    pub sampled: Summary,
}

/// A known answer beside what sampling gave.
#[derive(Clone, Debug)]
pub struct Check {
    pub name: String,
    pub known: f64,
    pub sampled: f64,
    pub standard_error: f64,
}

/// The same samples by so many workers.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    pub workers: usize,
    pub seconds: f64,
}

impl Check {
    fn new(name: impl Into<String>, known: f64, sampled: &Summary) -> Self {
        Self { name: name.into(), known, sampled: sampled.mean, standard_error: sampled.standard_error() }
    }

    /// In standard errors; a sample without any spread must hit exactly.
    #[must_use]
    pub fn off(&self) -> f64 {
        let distance = self.sampled - self.known;
        if distance.abs() < 1e-9 * self.known.abs().max(1.0) { 0.0 } else { distance / self.standard_error }
    }

    #[must_use]
    pub fn holds(&self) -> bool {
        self.off().abs() < FARTHEST
    }
}

/// Computes and shows it; 70 if a known answer does not come out, for then no figure can be believed.
pub fn run(args: &args::Predict, screen: &mut Screen) -> Result<u8, Failure> {
    let prediction = predict(args);
    if let Some(out) = &args.out {
        fs::create_dir_all(out).map_err(|source| Failure::Create { path: out.clone(), source })?;
        let path = out.join("predict.svg");
        let chart = charts::prediction(&prediction)?;
        write::whole(&path, chart.as_bytes())?;
        screen.confirm(&format!("{}: the chart", path.display()))?;
    }
    if screen.json {
        screen.object(show::object(&prediction))?;
    } else {
        screen.text(&show::text(&prediction, screen.look))?;
    }
    Ok(if prediction.checks.iter().all(Check::holds) { 0 } else { BUG })
}

fn predict(args: &args::Predict) -> Prediction {
    let here = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let workers = args.workers.unwrap_or(here);
    let model = |peers| Model {
        peers,
        lines: args.lines,
        rate: args.rate,
        latency_s: args.latency / 1000.0,
        loss: args.loss,
    };
    let swarms: Vec<SwarmTime> = args
        .peers
        .iter()
        .map(|&peers| {
            let in_seconds = |draws| theory::seconds(draws, peers, args.rate);
            let model = model(peers);
            SwarmTime {
                peers,
                formula_s: in_seconds(theory::expected_draws(args.lines)),
                formula_deviation_s: in_seconds(theory::deviation(args.lines)),
                sampled: Summary::of(sample(args.runs, args.seed, workers, |rng| model.seconds(rng))),
            }
        })
        .collect();
    let mut checks: Vec<Check> = KNOWN
        .iter()
        .map(|known| {
            let sampled = Summary::of(sample(CHECKS, args.seed, workers, known.sample));
            Check::new(known.name, known.value, &sampled)
        })
        .collect();
    // One peer has neither latency nor loss: what it draws, it holds. So this answer is known for any settings.
    let draws = Model { rate: 1.0, ..model(1) };
    let begin = Instant::now();
    let alone = sample(args.runs, args.seed, NonZeroUsize::MIN, |rng| draws.seconds(rng));
    let mut speeds = vec![Speed { workers: 1, seconds: begin.elapsed().as_secs_f64() }];
    if workers.get() > 1 {
        let begin = Instant::now();
        let together = sample(args.runs, args.seed, workers, |rng| draws.seconds(rng));
        speeds.push(Speed { workers: workers.get(), seconds: begin.elapsed().as_secs_f64() });
        debug_assert_eq!(alone, together);
    }
    let name = format!("N*H(N), N = {}", args.lines);
    checks.push(Check::new(name, theory::expected_draws(args.lines), &Summary::of(alone)));
    Prediction {
        lines: args.lines,
        rate: args.rate,
        latency_ms: args.latency,
        loss: args.loss,
        runs: args.runs,
        seed: args.seed,
        swarms,
        checks,
        speeds,
    }
}
