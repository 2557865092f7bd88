//! The runs that this daemon finished: one JSON object a line in `history.jsonl` of the state directory.
//!
//! A convenience for `history`: lines that can't be read are passed over, and a disk that can't be written costs a
//! warning. A later line about the same run (its epoch, server and job) stands for the earlier ones. Invariant: at
//! most [`RUNS`] runs in memory, and at most twice as many lines in the file.

use crate::logging::value;
use lineswarm_proto::{engine::event::Event, wire::control::Status};
use serde::{Deserialize, Serialize};
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// The most runs that are remembered.
pub(crate) const RUNS: usize = 1000;
/// Of a larger file only the end is read.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// One file that was completed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) swarm: String,
    pub(crate) epoch: u64,
    pub(crate) server: String,
    pub(crate) lines: u32,
    /// Nodes that were linked at the end, this one too.
    pub(crate) peers: u32,
    /// The names of those that drew; empty in records of version 0.1.0, which did not know.
    #[serde(default)]
    pub(crate) drew: Vec<String>,
    /// From this node's first draw to the complete file; null if it drew nothing.
    pub(crate) seconds: Option<f64>,
    /// Answered requests of this node.
    pub(crate) draws: u64,
    /// Those of all nodes.
    #[serde(default)]
    pub(crate) swarm_draws: Option<u64>,
    /// The draws of all nodes, by those that limit and cap allowed them; at most 1.
    #[serde(default)]
    pub(crate) pace: Option<f64>,
    /// Nodes that an operator's cap held back; `pace` is of what the cap allowed.
    #[serde(default)]
    pub(crate) capped: u32,
    /// What chance asks for on average, N H(N), by the draws of all nodes.
    #[serde(default)]
    pub(crate) luck: Option<f64>,
    /// complete, right or wrong.
    pub(crate) verdict: String,
    /// The SHA-256 of the file.
    pub(crate) sha256: Option<String>,
    /// Seconds since 1970.
    pub(crate) finished: u64,
}

impl Run {
    fn of(status: &Status, verdict: &str, finished: SystemTime) -> Option<Self> {
        let lines = status.job.lines?;
        let peers = status.peers.connected.saturating_add(1);
        Some(Self {
            swarm: status.swarm.clone(),
            epoch: status.epoch,
            server: status.job.server.clone(),
            lines,
            peers,
            seconds: status.job.elapsed_s,
            draws: status.job.draws,
            drew: status.job.drew.clone(),
            swarm_draws: (status.job.swarm_draws > 0).then_some(status.job.swarm_draws),
            pace: status.job.pace,
            capped: status.job.capped,
            luck: status.job.luck,
            verdict: verdict.into(),
            sha256: status.job.sha256.clone(),
            finished: finished.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.swarm, self.epoch, &self.server, self.lines)
            == (&other.swarm, other.epoch, &other.server, other.lines)
    }

    /// What is known later. A node that finds its complete file at a start has no draws to tell of: the first
    /// account stays. What was right stays right, and what was judged is not merely complete any more.
    fn update(&mut self, later: Self) {
        let judged = self.verdict == "right" || (self.verdict == "wrong" && later.verdict == "complete");
        let verdict = if judged { self.verdict.clone() } else { later.verdict.clone() };
        let knows_more = (later.draws, later.swarm_draws, later.luck.is_some())
            > (self.draws, self.swarm_draws, self.luck.is_some())
            || (later.pace.is_some() && later.pace != self.pace);
        let knows_less = later.draws < self.draws
            || later.swarm_draws < self.swarm_draws
            || (later.luck.is_none() && self.luck.is_some());
        if knows_more && !knows_less {
            *self = later;
        } else {
            self.sha256 = later.sha256.or(self.sha256.take());
        }
        self.verdict = verdict;
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct History {
    path: PathBuf,
    runs: VecDeque<Run>,
    lines_in_file: usize,
}

impl History {
    /// Reads what is there.
    pub(crate) fn open(state_dir: &Path) -> Self {
        let mut history =
            Self { path: state_dir.join("history.jsonl"), runs: VecDeque::new(), lines_in_file: 0 };
        match history.read() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => history.complain(&error),
        }
        history
    }

    fn read(&mut self) -> io::Result<()> {
        let mut file = File::open(&self.path)?;
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(end.saturating_sub(FILE_BYTES)))?;
        let mut text = Vec::new();
        file.take(FILE_BYTES).read_to_end(&mut text)?;
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.lines_in_file += 1;
            if let Ok(run) = serde_json::from_slice(line) {
                self.take_in(run);
            }
        }
        Ok(())
    }

    /// Takes down the runs that an event ends. `status` is as it stands after it.
    pub(crate) fn note(&mut self, event: &Event, status: impl FnOnce() -> Status, now: SystemTime) {
        let verdict = match event {
            Event::Complete { .. } | Event::RunEnded { .. } => "complete",
            Event::Done { .. } => "right",
            Event::Rejected { .. } => "wrong",
            _ => return,
        };
        if let Some(run) = Run::of(&status(), verdict, now) {
            self.record(run);
        }
    }

    fn record(&mut self, run: Run) {
        let before = self.runs.back().cloned();
        self.take_in(run);
        if self.runs.back() == before.as_ref() {
            return;
        }
        if let Err(error) = self.write() {
            self.complain(&error);
        }
    }

    fn take_in(&mut self, run: Run) {
        match self.runs.back_mut() {
            Some(last) if last.is_same(&run) => last.update(run),
            _ => self.runs.push_back(run),
        }
        if self.runs.len() > RUNS {
            self.runs.pop_front();
        }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.lines_in_file >= 2 * RUNS {
            return self.rewrite();
        }
        let Some(last) = self.runs.back() else { return Ok(()) };
        // One write: a line is there as a whole or, after a crash, passed over.
        let mut line = serde_json::to_vec(last)?;
        line.insert(0, b'\n');
        line.push(b'\n');
        let mut file = OpenOptions::new().append(true).create(true).mode(0o640).open(&self.path)?;
        file.write_all(&line)?;
        self.lines_in_file += 1;
        Ok(())
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let mut text = Vec::new();
        for run in &self.runs {
            serde_json::to_writer(&mut text, run)?;
            text.push(b'\n');
        }
        let new = self.path.with_extension("jsonl.new");
        fs::write(&new, &text)?;
        fs::rename(&new, &self.path)?;
        self.lines_in_file = self.runs.len();
        Ok(())
    }

    fn complain(&self, error: &io::Error) {
        log::warn!("history-failed path={} why={}", value(self.path.display()), value(error));
    }

    /// Oldest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(epoch: u64, verdict: &str) -> Run {
        Run {
            swarm: "default".into(),
            epoch,
            server: "127.0.0.1:9801".into(),
            lines: 1000,
            peers: 2,
            seconds: Some(30.0),
            draws: 3700,
            drew: vec!["a".into(), "b".into()],
            swarm_draws: Some(7400),
            pace: Some(0.995),
            capped: 0,
            luck: Some(1.011),
            verdict: verdict.into(),
            sha256: Some("00".repeat(32)),
            finished: 1_700_000_000 + epoch,
        }
    }

    #[test]
    fn runs_come_back_after_a_restart_with_their_latest_verdict() {
        let at = tempfile::tempdir().unwrap();
        let mut history = History::open(at.path());
        history.record(run(1, "complete"));
        history.record(run(1, "right"));
        history.record(run(2, "complete"));
        let found = Run { draws: 0, seconds: None, luck: None, ..run(2, "complete") };
        history.record(found.clone());
        let mut again = History::open(at.path());
        assert_eq!(again.runs().collect::<Vec<_>>(), [&run(1, "right"), &run(2, "complete")]);
        again.record(Run { verdict: "right".into(), ..found });
        assert_eq!(again.runs().last(), Some(&run(2, "right")));
    }

    #[test]
    fn records_of_older_versions_are_read_and_say_nothing_that_they_did_not_know() {
        let at = tempfile::tempdir().unwrap();
        let old = "{\"swarm\":\"default\",\"epoch\":1,\"server\":\"127.0.0.1:9801\",\"lines\":1000,\"peers\":2,\
                   \"seconds\":30.0,\"draws\":3700,\"efficiency\":1.31,\"verdict\":\"right\",\"sha256\":null,\
                   \"finished\":1700000001}\n";
        fs::write(at.path().join("history.jsonl"), old).unwrap();
        let history = History::open(at.path());
        let read = history.runs().next().unwrap();
        assert_eq!((read.draws, read.verdict.as_str()), (3700, "right"));
        assert_eq!((read.swarm_draws, read.pace, read.luck, read.drew.len()), (None, None, None, 0));
        assert!(!serde_json::to_string(read).unwrap().contains("efficiency"));
    }

    #[test]
    fn what_the_peers_tell_of_a_run_after_its_end_is_taken_in() {
        let at = tempfile::tempdir().unwrap();
        let mut history = History::open(at.path());
        history.record(Run { swarm_draws: Some(7380), ..run(1, "complete") });
        history.record(Run { swarm_draws: Some(7380), ..run(1, "right") });
        history.record(run(1, "complete"));
        assert_eq!(History::open(at.path()).runs().collect::<Vec<_>>(), [&run(1, "right")]);
    }

    #[test]
    fn damaged_lines_are_passed_over() {
        let at = tempfile::tempdir().unwrap();
        History::open(at.path()).record(run(1, "right"));
        let mut file = OpenOptions::new().append(true).open(at.path().join("history.jsonl")).unwrap();
        file.write_all(b"\xff\xfe{{{\n{\"epoch\":3").unwrap();
        let mut history = History::open(at.path());
        history.record(run(4, "right"));
        let epochs: Vec<u64> = History::open(at.path()).runs().map(|run| run.epoch).collect();
        assert_eq!(epochs, [1, 4]);
    }

    #[test]
    fn the_file_and_the_memory_stay_bounded() {
        let at = tempfile::tempdir().unwrap();
        let mut history = History::open(at.path());
        for epoch in 0..2 * RUNS as u64 + 100 {
            history.record(run(epoch, "right"));
        }
        let again = History::open(at.path());
        assert_eq!(again.runs.len(), RUNS);
        assert_eq!(again.runs().last().unwrap().epoch, 2 * RUNS as u64 + 99);
        assert!(again.lines_in_file <= 2 * RUNS, "{}", again.lines_in_file);
    }

    #[test]
    fn a_directory_that_is_not_there_costs_nothing_but_the_history() {
        let mut history = History::open(Path::new("/nowhere/at/all"));
        history.record(run(1, "right"));
        assert_eq!(history.runs().count(), 1);
    }
}
