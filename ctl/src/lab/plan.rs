//! What a run of the lab is asked to do, and what came of it. Values only; nothing is started here.

use super::machine::Busy;
use super::peer::PeerOutcome;
use super::theory;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The first part of the daemons' names.
    pub group: &'static str,
    pub peers: u32,
    pub lines: u32,
    /// Lines a second for each connection.
    pub rate: f64,
    /// Of the served file and of the draws.
    pub seed: u64,
    /// For files, sockets and logs; it exists.
    pub directory: PathBuf,
    pub conditions: Conditions,
}

/// What may be unlike the plain case. The default is the plain case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    pub topology: Topology,
    /// Every reply of the line server leaves so much later.
    pub latency_ms: f64,
    /// What the line server does with a second connection from one address.
    pub one_per_ip: Option<OnePerIp>,
    /// SIGKILL for the master when the swarm holds so many percent of the lines.
    pub kill_master_at: Option<f64>,
    /// A line server that runs already, instead of one of our own.
    pub server: Option<String>,
    /// Who submits.
    pub identity: Option<String>,
    /// Ask one daemon at a look, in turn: many daemons are measured without being disturbed.
    #[serde(skip)]
    pub sparing: bool,
}

/// Who sends lines to whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topology {
    #[default]
    Mesh,
    Star,
    Ring,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnePerIp {
    Reject,
    Replace,
}

impl fmt::Display for Topology {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Mesh => "mesh",
            Self::Star => "star",
            Self::Ring => "ring",
        })
    }
}

impl fmt::Display for OnePerIp {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Reject => "reject",
            Self::Replace => "replace",
        })
    }
}

impl Conditions {
    #[must_use]
    pub fn identity(&self) -> &str {
        self.identity.as_deref().unwrap_or("demo@lineswarm")
    }
}

impl Plan {
    /// Thrice what theory expects, and time for slow machines and for an election after a kill.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let expected = theory::seconds(theory::expected_draws(self.lines), self.peers, self.rate);
        Duration::from_secs_f64((3.0 * expected + 45.0).min(1e7))
    }

    /// The master is only killed where somebody remains.
    #[must_use]
    pub fn kill_at(&self) -> Option<u32> {
        let share = self.conditions.kill_master_at.filter(|_| self.peers > 1)? / 100.0;
        Some((share * f64::from(self.lines)).ceil() as u32)
    }
}

/// A kill on purpose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Killed {
    pub name: String,
    /// Since the fair start.
    pub at_s: f64,
    /// Lines that the swarm then held.
    pub have: u32,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// From the first draw at the server to the right submit.
    pub seconds: f64,
    pub draws: u64,
    /// The index of the draw that completed the file, all clients together; a server that is not ours does not tell.
    pub draws_needed: Option<u64>,
    pub refusals: u64,
    pub submits: u64,
    /// (draws needed / (peers * rate)) / seconds, at most 1: the first draw of each peer costs no time, and in a run of a
    /// few draws that makes more.
    pub efficiency: Option<f64>,
    /// Draws by those that were allowed to the peers that drew.
    pub pace: Option<f64>,
    /// N*H(N) by the draws.
    pub luck: Option<f64>,
    pub killed: Option<Killed>,
    /// The server found the submitted file right.
    pub submit_is_right: bool,
    pub submitted_by: Option<String>,
    pub reply: Option<String>,
    /// The submitter's output file equals the served one.
    pub output_is_same: bool,
    pub peers: Vec<PeerOutcome>,
    /// Seconds since the fair start, and lines that the best peer then held.
    pub curve: Vec<(f64, u32)>,
    /// How busy the machine was during the run.
    pub busy: Option<Busy>,
}

impl Outcome {
    /// Every proof holds.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.faults().is_empty()
    }

    /// Each proof that does not hold, in words.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !self.submit_is_right {
            faults.push("the submit was not right".to_owned());
        }
        if !self.output_is_same {
            faults.push("the submitter's output file is missing or another".to_owned());
        }
        let others = self.peers.iter().filter(|peer| !peer.is_same && !peer.is_killed);
        faults.extend(others.map(|peer| format!("the dump of {} is incomplete or another", peer.name)));
        faults
    }

    /// The draws that a limit of `rate` for each allowed to the peers that drew, as long as they lived. The first one of each
    /// costs no time.
    #[must_use]
    pub fn allowed(&self, rate: f64) -> f64 {
        let lived = |peer: &PeerOutcome| match &self.killed {
            Some(killed) if peer.is_killed => killed.at_s.min(self.seconds),
            _ => self.seconds,
        };
        let drew = self.peers.iter().filter(|peer| peer.draws > 0);
        drew.map(|peer| 1.0 + rate * lived(peer)).sum::<f64>().max(self.draws as f64)
    }

    /// As the efficiency, but counting only the peers that were alive at each moment.
    #[must_use]
    pub fn efficiency_of_living(&self, rate: f64) -> Option<f64> {
        let Killed { at_s, .. } = self.killed.as_ref()?;
        let peers = self.peers.len() as f64;
        let possible = rate * (peers * at_s + (peers - 1.0) * (self.seconds - at_s).max(0.0));
        Some((self.draws_needed? as f64 / possible).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let peer = |is_killed: bool| PeerOutcome {
            name: "p".into(),
            draws: 1,
            refusals: 0,
            duplicates: 0,
            from_peers: 0,
            is_same: !is_killed,
            is_killed,
        };
        Outcome {
            seconds: 10.0,
            draws: 1600,
            draws_needed: Some(1500),
            refusals: 0,
            submits: 1,
            efficiency: Some(0.75),
            pace: None,
            luck: None,
            killed: Some(Killed { name: "p".into(), at_s: 5.0, have: 500 }),
            submit_is_right: true,
            submitted_by: None,
            reply: None,
            output_is_same: true,
            peers: vec![peer(true), peer(false)],
            curve: Vec::new(),
            busy: None,
        }
    }

    #[test]
    fn after_a_kill_only_the_living_must_hold_the_file_and_only_they_count() {
        let outcome = outcome();
        assert!(outcome.is_right());
        // Two peers for 5 s and one for 5 s at 100 lines/s could draw 1500.
        assert_eq!(outcome.efficiency_of_living(100.0), Some(1.0));
        assert_eq!(outcome.allowed(100.0), 1600.0, "no less than was drawn");
        assert_eq!(outcome.allowed(200.0), 2.0 + 200.0 * 15.0);
    }

    #[test]
    fn the_last_peer_is_never_killed() {
        let conditions = Conditions { kill_master_at: Some(50.0), ..Conditions::default() };
        let plan = |peers| Plan {
            group: "lab",
            peers,
            lines: 101,
            rate: 1.0,
            seed: 1,
            directory: PathBuf::new(),
            conditions: conditions.clone(),
        };
        assert_eq!((plan(1).kill_at(), plan(2).kill_at()), (None, Some(51)));
    }
}
