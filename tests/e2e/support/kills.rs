//! A run whose daemons are killed (kill -9) at random moments, one after the other, and started again each time.
//!
//! What each kill must leave: every line that `status` had shown as saved at its last look, and every one that it had shown
//! at all [`DURABLE`] before, in the journal and not from a peer; a term that is no older; and in the end one file, the
//! right one, submitted once.

use super::{Daemon, Server, free_addresses, member};
use serde_json::{Value, json};
use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Lines are on the disk this long after they came: 200 ms, and some for timers. On a machine that is too busy for its
/// timers, as much later as our own were (see [`Account::late`]).
const DURABLE: Duration = Duration::from_millis(250);
/// Between two looks.
const GLANCE: Duration = Duration::from_millis(10);
const PEERS: usize = 3;

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kills: u32,
    pub(crate) lines: u32,
    /// Lines a second for each daemon.
    pub(crate) rate: u32,
    /// The longest time between a start and the next kill.
    pub(crate) pause: Duration,
    pub(crate) seed: u64,
}

/// How it went, where there is no one right way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) kills: u32,
    /// Kills of a master.
    pub(crate) masters: u32,
    /// Kills after the file was submitted.
    pub(crate) after: u32,
    /// Kills whose lines needed more than [`DURABLE`], as the machine was late by at least that much itself.
    pub(crate) late: u32,
    /// Kills that came long enough after a look at the victim to compare with it.
    pub(crate) compared: u32,
    /// Lines that were on the disk all told, of those that were to be.
    pub(crate) resumed: u64,
    pub(crate) promised: u64,
    pub(crate) submits: u64,
    /// A master died between its submit and the news of it, and another submit was by design.
    pub(crate) in_doubt: bool,
    pub(crate) seconds: f64,
}

/// What a look at a daemon showed.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    have: u64,
    /// Of those, on the disk.
    saved: u64,
    term: u64,
    master: bool,
    submitted: bool,
}

impl Look {
    fn at(daemon: &Daemon) -> Self {
        let at = Instant::now();
        let mut client = daemon.client();
        let status = client.ask(json!({"cmd": "status"})).unwrap();
        let master = client.ask(json!({"cmd": "master"})).unwrap();
        Self {
            at,
            have: status["job"]["have"].as_u64().unwrap(),
            saved: status["job"]["have"]
                .as_u64()
                .unwrap()
                .saturating_sub(status["unsaved"].as_u64().unwrap()),
            term: master["term"].as_u64().unwrap(),
            master: master["self"] == Value::Bool(true),
            submitted: status["state"] == "submitted",
        }
    }
}

/// Runs it in `directory` and asserts what must hold.
pub(crate) fn run(directory: &Path, plan: Plan) -> Account {
    let lines = plan.lines.to_string();
    let options = ["--rate", &plan.rate.to_string(), "--lines", &lines, "--max-seconds", "600"];
    let server = Server::start(directory, &options);
    let addresses: Vec<String> = free_addresses(PEERS).iter().map(ToString::to_string).collect();
    let start = |at| member(directory, &server.address, &addresses, at, &["--lines", &lines]);
    let mut daemons: Vec<Daemon> = (0..PEERS).map(start).collect();
    let mut rng = fastrand::Rng::with_seed(plan.seed);
    let mut account = Account::default();
    // What each must still have, whatever comes.
    let mut least = [(0, 0); PEERS];
    let begin = Instant::now();
    for kill in 1..=plan.kills {
        let victim = rng.usize(..PEERS);
        let moment = Instant::now() + plan.pause.mul_f64(rng.f64());
        let mut looks = vec![Look::at(&daemons[victim])];
        let mut lateness = Duration::ZERO;
        while Instant::now() < moment {
            let before = Instant::now();
            thread::park_timeout(GLANCE.min(moment.saturating_duration_since(before)));
            looks.push(Look::at(&daemons[victim]));
            lateness = lateness.max(before.elapsed().saturating_sub(GLANCE));
        }
        let killed = Instant::now();
        daemons[victim].kill();
        let shown = |age: Duration| looks.iter().rev().find(|look| killed.duration_since(look.at) > age);
        let hoped = shown(DURABLE).map_or(0, |look| look.have);
        if let Some(look) = shown(DURABLE + lateness) {
            least[victim] = (look.have.max(least[victim].0), look.term.max(least[victim].1));
            account.compared += 1;
        }
        if let Some(last) = looks.last() {
            least[victim].0 = last.saved.max(least[victim].0);
            account.masters += u32::from(last.master);
            account.after += u32::from(last.submitted);
        }
        let told = daemons[victim].log().len();
        daemons[victim] = start(victim);
        // Its sockets are there before it says what it found; an answer comes after.
        let term = Look::at(&daemons[victim]).term;
        let resumed = resumed(daemons[victim].log().get(told..).unwrap());
        let (have_before, term_before) = least[victim];
        assert!(
            resumed >= have_before,
            "kill {kill}, of {victim}, {lateness:?} late: {have_before} lines were shown, {resumed} came back\n{}",
            daemons[victim].log()
        );
        assert!(term >= term_before, "kill {kill}, of {victim}: term {term_before}, then {term}");
        least[victim] = (resumed, term);
        account.late += u32::from(resumed < hoped);
        account.resumed += resumed;
        account.promised += have_before;
        account.kills += 1;
    }
    for daemon in &daemons {
        daemon.wait("submitted");
        daemon.wait("complete");
        assert!(daemon.dump() == server.served(), "another file than was served");
    }
    account.seconds = begin.elapsed().as_secs_f64();
    let logs: Vec<String> = daemons.iter().map(Daemon::log).collect();
    assert!(!logs.iter().any(|log| log.contains("panicked") || log.contains("journal-salvaged what=\"line")));
    account.in_doubt = logs.iter().any(|log| log.contains("in-doubt"));
    let end = server.end();
    account.submits = end["submits"].as_u64().unwrap();
    assert_eq!(end["submits"], end["right_submits"], "a wrong submit: {end}");
    assert!(
        account.submits == 1 || account.in_doubt,
        "{} submits, and none was in doubt: {end}",
        account.submits
    );
    account
}

/// How many lines a start found on the disk, by its log.
pub(crate) fn resumed(log: &str) -> u64 {
    let told = log
        .lines()
        .rev()
        .find_map(|line| line.split_once("resumed lines=")?.1.split(' ').next()?.parse().ok());
    told.unwrap_or(0)
}
