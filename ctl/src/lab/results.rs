//! The measured runs as they stand in `results.json`, and what they say together.
//!
//! The file is a contract (docs/results.schema.json): names are never reused, fields may be added. Everything that is
//! shown, drawn or answered is computed from here, so that a file can be shown again.

use super::machine::{Busy, Machine};
use super::plan::{Conditions, Killed, Outcome, Topology};
use super::theory;
use serde::{Deserialize, Serialize};

/// All of one comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    pub v: u32,
    pub program: String,
    /// What to type to measure it again.
    pub command: String,
    /// Seconds since 1970 when it began.
    pub began: u64,
    pub settings: Settings,
    pub machine: Machine,
    pub theory: Expected,
    pub runs: Vec<Run>,
    /// Runs without a result.
    pub failed: Vec<Failed>,
    /// It was ended before all was measured.
    pub interrupted: bool,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub peers: Vec<u32>,
    pub topologies: Vec<Topology>,
    pub lines: u32,
    pub rate: f64,
    pub runs: u32,
    pub seed: u64,
    pub conditions: Conditions,
}

/// What the arithmetic expects for this number of lines.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// N*H(N)
    pub draws: f64,
    /// Its standard deviation.
    pub deviation: f64,
}

/// One download.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub peers: u32,
    pub topology: Topology,
    pub seed: u64,
    pub lines: u32,
    pub rate: f64,
    pub seconds: f64,
    pub draws: u64,
    /// Null: the server does not tell.
    pub draws_needed: Option<u64>,
    /// At most 1. Null: nobody knows the sequence of draws.
    pub efficiency: Option<f64>,
    /// The share of the allowed draws that were used, of the peers that drew.
    #[serde(default)]
    pub pace: Option<f64>,
    /// N*H(N) by the draws.
    #[serde(default)]
    pub luck: Option<f64>,
    /// What it would have taken with average luck: seconds * luck.
    #[serde(default)]
    pub seconds_corrected: Option<f64>,
    pub right: bool,
    /// Why it is not right, and where its logs are.
    pub faults: Vec<String>,
    pub submits: u64,
    pub refusals: u64,
    pub submitted_by: Option<String>,
    pub reply: Option<String>,
    pub killed: Option<Killed>,
    /// As the efficiency, counting only the peers alive at each moment; null where nobody was killed.
    pub efficiency_of_living: Option<f64>,
    pub busy: Option<Busy>,
    /// Seconds since the fair start, and lines that the best peer then held.
    pub curve: Vec<(f64, u32)>,
}

/// A download that came to nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    pub peers: u32,
    pub topology: Topology,
    pub seed: u64,
    pub what: String,
    pub why: String,
    /// Where its logs are.
    pub kept: Option<String>,
}

/// All runs of one size and topology.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub topology: Topology,
    pub peers: u32,
    pub seconds: Spread,
    /// How many times faster than one peer; nothing where that is not known.
    pub speed_up: Option<f64>,
    pub efficiency: Option<Spread>,
    pub pace: Option<Spread>,
    pub luck: Option<Spread>,
    /// Seconds with average luck.
    pub corrected: Option<Spread>,
    pub efficiency_of_living: Option<Spread>,
    /// Seconds that theory expects on average, and their standard deviation.
    pub floor_s: f64,
    pub deviation_s: f64,
    /// Seconds beyond those that the needed draws take.
    pub lost_s: Option<f64>,
    /// The share of the allowed draws that were made.
    pub rate_used: f64,
    pub busy: Option<Busy>,
    pub runs: usize,
    pub right: usize,
    pub submits: u64,
}

/// Median and range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// Nothing of nothing.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let median = match sorted.len() % 2 {
            0 => f64::midpoint(upper, *sorted.get(middle.checked_sub(1)?)?),
            _ => upper,
        };
        Some(Self { median, least: *sorted.first()?, most: *sorted.last()? })
    }
}

impl Run {
    #[must_use]
    pub fn of(outcome: Outcome, topology: Topology, settings: &Settings, peers: u32, seed: u64) -> Self {
        Self {
            peers,
            topology,
            seed,
            lines: settings.lines,
            rate: settings.rate,
            seconds: outcome.seconds,
            draws: outcome.draws,
            draws_needed: outcome.draws_needed,
            efficiency: outcome.efficiency,
            pace: outcome.pace,
            luck: outcome.luck,
            seconds_corrected: outcome.luck.map(|luck| outcome.seconds * luck),
            right: outcome.is_right(),
            faults: outcome.faults(),
            submits: outcome.submits,
            refusals: outcome.refusals,
            efficiency_of_living: outcome.efficiency_of_living(settings.rate),
            submitted_by: outcome.submitted_by,
            reply: outcome.reply,
            killed: outcome.killed,
            busy: outcome.busy,
            curve: outcome.curve,
        }
    }

    fn in_seconds(&self, draws: u64) -> f64 {
        theory::seconds(draws as f64, self.peers, self.rate)
    }
}

impl Expected {
    #[must_use]
    pub fn of(lines: u32) -> Self {
        Self { draws: theory::expected_draws(lines), deviation: theory::deviation(lines) }
    }
}

impl Results {
    /// Everything was measured and every file was right.
    #[must_use]
    pub fn is_right(&self) -> bool {
        !self.runs.is_empty() && self.failed.is_empty() && self.runs.iter().all(|run| run.right)
    }

    /// One row for each topology and number of peers that has a run, in the order asked for.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let Settings { topologies, peers, .. } = &self.settings;
        let all = topologies.iter().flat_map(|topology| peers.iter().map(move |peers| (*topology, *peers)));
        all.filter_map(|(topology, peers)| self.row(topology, peers)).collect()
    }

    /// The runs of one row.
    pub fn runs_of(&self, topology: Topology, peers: u32) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.topology == topology && run.peers == peers)
    }

    fn row(&self, topology: Topology, peers: u32) -> Option<Row> {
        let runs = || self.runs_of(topology, peers);
        let seconds = Spread::of(runs().map(|run| run.seconds))?;
        let alone = Spread::of(self.runs_of(topology, 1).map(|run| run.seconds));
        let in_seconds = |draws| theory::seconds(draws, peers, self.settings.rate);
        let median = |values: Vec<f64>| Spread::of(values).map(|spread| spread.median);
        let busy = |of: fn(Busy) -> f64| median(runs().filter_map(|run| run.busy).map(of).collect());
        Some(Row {
            topology,
            peers,
            seconds,
            speed_up: alone.map(|alone| alone.median / seconds.median),
            efficiency: Spread::of(runs().filter_map(|run| run.efficiency)),
            pace: Spread::of(runs().filter_map(|run| run.pace)),
            luck: Spread::of(runs().filter_map(|run| run.luck)),
            corrected: Spread::of(runs().filter_map(|run| run.seconds_corrected)),
            efficiency_of_living: Spread::of(runs().filter_map(|run| run.efficiency_of_living)),
            floor_s: in_seconds(self.theory.draws),
            deviation_s: in_seconds(self.theory.deviation),
            lost_s: median(
                runs().filter_map(|run| Some(run.seconds - run.in_seconds(run.draws_needed?))).collect(),
            ),
            rate_used: median(runs().map(|run| run.in_seconds(run.draws) / run.seconds).collect())?,
            busy: busy(|busy| busy.all).zip(busy(|busy| busy.own)).map(|(all, own)| Busy { all, own }),
            runs: runs().count(),
            right: runs().filter(|run| run.right).count(),
            submits: runs().map(|run| run.submits).sum(),
        })
    }

    /// The run of this row whose time is nearest to the median, the one to draw.
    #[must_use]
    pub fn typical(&self, row: &Row) -> Option<&Run> {
        let distance = |run: &&Run| (run.seconds - row.seconds.median).abs();
        self.runs_of(row.topology, row.peers).min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }
}

#[cfg(test)]
#[path = "results/tests.rs"]
pub(super) mod tests;
