//! The same file downloaded again and again by three daemons, each time as a new epoch.

use crate::support::{Daemon, Server, swarm, wait_until};
use serde_json::json;
use std::{path::Path, time::Instant};

const LINES: u32 = 1000;
/// Lines a second for each daemon.
const RATE: u32 = 2000;
/// What all three together may have grown by without a reason, in KiB: between what is kept for long, room that a job gave
/// back does not always fit the next one. Over a thousand downloads a leak would be far more.
const SLACK_KIB: f64 = 1024.0;
/// What is kept, up to a bound, takes so much: an event, and a past run (of which there are at most [`RUNS`]).
const EVENT_KIB: f64 = 0.35;
const RUN_KIB: f64 = 0.4;
const RUNS: usize = 1000;
/// A connection that is just being closed or made, at each of the three.
const PASSING_FILES: usize = 3;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Download {
    /// From the command to the right submit, known to all.
    pub(crate) seconds: f64,
    /// Of all daemons.
    pub(crate) draws: u64,
    /// Afterwards, of all daemons: memory of their own, and open files.
    pub(crate) kib: u64,
    pub(crate) files: usize,
    /// Events that they keep, together.
    pub(crate) events: usize,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Downloads(pub(crate) Vec<Download>);

impl Downloads {
    /// After a tenth of them the daemons have what they need.
    pub(crate) fn warm(&self) -> &Download {
        &self.0[self.0.len() / 10]
    }

    pub(crate) fn last(&self) -> &Download {
        self.0.last().unwrap()
    }

    /// What memory may have grown by since [`Downloads::warm`].
    pub(crate) fn allowed_kib(&self) -> u64 {
        let runs = 3 * (self.0.len().min(RUNS) - (self.0.len() / 10).min(RUNS));
        let events = self.last().events - self.warm().events;
        (SLACK_KIB + events as f64 * EVENT_KIB + runs as f64 * RUN_KIB) as u64
    }

    /// The fewest open files in the second tenth of the downloads, and in the last: what leaks is never closed.
    pub(crate) fn files(&self) -> (usize, usize) {
        let tenth = self.0.len().div_ceil(10);
        let least = |part: &[Download]| part.iter().map(|one| one.files).min().unwrap();
        let early = self.0.get(tenth..2 * tenth).unwrap_or(&self.0);
        (least(early), least(&self.0[self.0.len() - tenth..]))
    }

    pub(crate) fn is_flat(&self) -> bool {
        let (early, late) = self.files();
        self.last().kib <= self.warm().kib + self.allowed_kib() && late <= early + PASSING_FILES
    }

    /// One line each, for other programs.
    pub(crate) fn csv(&self) -> String {
        let line = |(number, one): (usize, &Download)| {
            format!(
                "{},{:.3},{},{},{},{}\n",
                number + 1,
                one.seconds,
                one.draws,
                one.kib,
                one.files,
                one.events
            )
        };
        let lines: String = self.0.iter().enumerate().map(line).collect();
        format!("download,seconds,draws,kib,files,events\n{lines}")
    }

    /// The least, the median and the most of something.
    pub(crate) fn range(&self, of: impl Fn(&Download) -> f64) -> [f64; 3] {
        let mut all: Vec<f64> = self.0.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        [all[0], all[all.len() / 2], all[all.len() - 1]]
    }
}

/// Asserts that each of them ends with the served file at each daemon.
pub(crate) fn run(directory: &Path, count: u32) -> Downloads {
    let (lines, rate) = (LINES.to_string(), RATE.to_string());
    let server = Server::start(directory, &["--lines", &lines, "--rate", &rate, "--max-seconds", "86400"]);
    let options = ["--lines", &lines, "--autostart", "false"];
    let daemons = swarm(directory, &server.address, 3, &options);
    daemons.iter().for_each(|daemon| drop((daemon.wait("peers=2"), daemon.wait("master"))));
    let served = server.served();
    let mut downloads = Downloads::default();
    for number in 1..=count {
        let epoch = daemons[0].status()["epoch"].as_u64().unwrap() + 1;
        let begin = Instant::now();
        daemons[0].client().ask(json!({"cmd": "start", "swarm": true})).unwrap();
        wait_until("the new epoch", || daemons.iter().all(|daemon| daemon.status()["epoch"] == epoch));
        daemons.iter().for_each(|daemon| drop(daemon.wait("submitted")));
        let seconds = begin.elapsed().as_secs_f64();
        for daemon in &daemons {
            daemon.wait("complete");
            assert!(daemon.dump() == served, "download {number}: another file than was served");
        }
        let draws = daemons.iter().map(|daemon| daemon.status()["job"]["draws"].as_u64().unwrap()).sum();
        downloads.0.push(Download {
            seconds,
            draws,
            kib: daemons.iter().map(memory_kib).sum(),
            files: daemons.iter().map(open_files).sum(),
            events: daemons.iter().map(events).sum(),
        });
    }
    let end = server.end();
    assert_eq!((&end["submits"], &end["right_submits"]), (&json!(count), &json!(count)), "{end}");
    downloads
}

/// Memory that is not the program's file.
fn memory_kib(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn events(daemon: &Daemon) -> usize {
    let mut count = 0;
    let asked = json!({"cmd": "events", "since": 0, "follow": false});
    daemon.client().ask_parts(asked, |part| count += part["events"].as_array().unwrap().len()).unwrap();
    count
}

fn open_files(daemon: &Daemon) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", daemon.child.id())).unwrap().count()
}
