//! What power cuts leave of a store's life, opened again (`tests/crash/disk.rs` says what may be left).
//!
//! A life from a seed: jobs, terms, votes, members, INTENT, DONE, lines that come, change and go, restarts, resets, and
//! damage of every kind between them. Its calls are recorded, with what was promised by then. Then the store is opened on
//! what a power cut could leave after any call. Promised, whatever is left:
//! - the same id, unless it was being reset or had lost its state; and under one id nothing that was acknowledged goes back;
//! - lines that were saved, with their texts; never a text that was taken back, or of another job;
//! - whatever was damaged is told of; a second start finds nothing to repair.
//!
//! `make test` opens 500 of them, `make crash-test` 5,000; the same seed is the same life, but for the order in which its
//! two threads meet.

use super::crash_disk::{Disk, Op, Tree, fingerprint, make, random};
use super::*;
use crate::store::disk::{self, recorder};
use lineswarm_proto::engine::state::{Intent, Outcome};
use std::collections::BTreeSet;

/// What somebody knows after so many calls.
#[derive(Debug)]
enum Mark {
    /// A start as this node ended well.
    Born(PeerId),
    /// This state was handed in.
    Put(PeerId, Box<Durable>),
    /// All states handed in so far are acknowledged.
    Stored,
    /// What is to become of a line of a job.
    Line(String, u32, Option<String>),
    /// The lines of a job as a start found them.
    Found(String, BTreeMap<u32, String>),
    /// All lines handed in so far are on the disk.
    Saved,
    /// Something was damaged or reset: another node may come back, and lines may be lost.
    Unsteady,
}

#[derive(Debug)]
struct Life {
    ops: Vec<Op>,
    /// With the number of calls that were made before.
    marks: Vec<(usize, Mark)>,
}

/// One that is being lived.
struct Living<'a> {
    root: &'a Path,
    marks: Vec<(usize, Mark)>,
    draw: &'a mut dyn FnMut(u64) -> u64,
    ticket: u64,
}

fn place() -> tempfile::TempDir {
    // In memory where there is such a place: syncing to a disk would be all that is done.
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl Life {
    fn of(seed: u64) -> Self {
        let root = place();
        recorder::watch(root.path());
        let mut bits = random(seed);
        let mut draw = |below| bits() % below;
        let mut living = Living { root: root.path(), marks: Vec::new(), draw: &mut draw, ticket: 0 };
        for _ in 0..5 {
            living.session();
            living.between();
        }
        living.session();
        let marks = living.marks;
        Self { ops: recorder::unwatch(root.path()), marks }
    }
}

impl Living<'_> {
    fn mark(&mut self, mark: Mark) {
        self.marks.push((recorder::count(self.root), mark));
    }

    fn dir(&self) -> std::path::PathBuf {
        self.root.join("var/state")
    }

    /// From a start to a stop, or a kill.
    fn session(&mut self) {
        let (mut opened, found) = open(&self.dir());
        let id = found.key.id();
        let mut state = found.state.clone().unwrap_or_default();
        self.mark(Mark::Put(id, Box::new(state.clone())));
        self.mark(Mark::Stored);
        self.mark(Mark::Found(state.job.label.clone(), texts(&found.lines)));
        self.mark(Mark::Born(id));
        let mut lines = found.lines;
        if found.state.is_none() {
            // As the engine does: a state before anything else.
            state.job.label = format!("file {}", (self.draw)(1 << 40));
            self.put(&mut opened, id, &state, &lines);
        }
        for _ in 0..(self.draw)(12) {
            match (self.draw)(10) {
                0 => {
                    state.job.epoch += 1;
                    state.job.label = format!("file {}", (self.draw)(1 << 40));
                    (state.intent, state.outcome) = (None, None);
                    lines = SharedLines::new();
                }
                1 => {
                    let intent = Intent { job: state.job.clone(), term: state.term, by: id, sha256: [7; 32] };
                    state.outcome = state.intent.take().map(|intent| Outcome {
                        intent,
                        right: true,
                        reply: "SUBMIT SUCCESS".repeat(40),
                    });
                    state.intent = Some(intent);
                }
                2 => {
                    let member = PeerId([(self.draw)(200) as u8; 16]);
                    state.members.announce(member);
                    state.members.join(member);
                }
                3..=5 => {
                    state.term = Term(state.term.0 + 1);
                    state.voted_for = Some(PeerId([(self.draw)(5) as u8; 16]));
                }
                _ => {
                    for _ in 0..(self.draw)(20) {
                        self.line(&mut opened, &lines, &state.job.label);
                    }
                    if (self.draw)(2) == 0 {
                        opened.store.save(1);
                        while opened.ack() != Ack::Saved(1, Ok(())) {}
                        self.mark(Mark::Saved);
                        self.mark(Mark::Stored);
                    }
                    continue;
                }
            }
            state.lamport_reserved += 1 << 20;
            self.put(&mut opened, id, &state, &lines);
        }
        opened.store.close().unwrap();
        self.mark(Mark::Saved);
        self.mark(Mark::Stored);
    }

    fn put(&mut self, opened: &mut Opened, id: PeerId, state: &Durable, lines: &SharedLines) {
        self.ticket += 1;
        self.mark(Mark::Put(id, Box::new(state.clone())));
        opened.store.put(Ticket(self.ticket), state.clone(), lines);
        if (self.draw)(3) > 0 {
            while opened.ack() != Ack::Stored(Ticket(self.ticket)) {}
            self.mark(Mark::Stored);
        }
    }

    /// A line comes, gets another text, or goes.
    fn line(&mut self, opened: &mut Opened, lines: &SharedLines, job: &str) {
        let number = (self.draw)(60) as u32;
        let held = lines.get(LineNumber(number), |_| ()).is_some();
        if held && (self.draw)(4) == 0 {
            self.mark(Mark::Line(job.into(), number, None));
            lines.remove(LineNumber(number));
            opened.store.forget(LineNumber(number));
        } else {
            let long = if (self.draw)(10) == 0 { 3_000 } else { 30 };
            let text = format!("{job} {} ", (self.draw)(1 << 40)).repeat(long / 15);
            self.mark(Mark::Line(job.into(), number, Some(text.clone())));
            hold(opened, lines, number, &text, (self.draw)(2) == 0);
        }
    }

    /// What befalls a directory between two starts.
    fn between(&mut self) {
        let dir = self.dir();
        let what = (self.draw)(10);
        if what < 9 && what > 2 {
            self.mark(Mark::Unsteady);
        }
        match what {
            0..=2 | 9 => {}
            3 => {
                reset(&dir).unwrap();
            }
            4 => {
                disk::remove(&dir.join(node_key::FILE)).unwrap();
                disk::sync_dir(&dir).unwrap();
            }
            5 => self.damage(JOURNAL),
            6 => self.damage(STATE),
            _ => {
                // Both: nobody knows what was voted.
                for name in [JOURNAL, STATE] {
                    let file = disk::open(&dir.join(name)).unwrap();
                    disk::set_len(&file, if what == 7 { 0 } else { 100 }).unwrap();
                    disk::sync(&file).unwrap();
                }
            }
        }
    }

    /// Some bytes of a file are others, for good.
    fn damage(&mut self, name: &str) {
        let file = disk::open(&self.dir().join(name)).unwrap();
        let length = file.metadata().unwrap().len();
        let at = (self.draw)(length.max(1));
        disk::write_at(&file, &[0xa5; 40], at).unwrap();
        disk::sync(&file).unwrap();
    }
}

/// What is known of a life after so many calls.
#[derive(Debug, Default)]
struct Known {
    /// The newest node.
    id: Option<PeerId>,
    /// All nodes before it.
    gone: BTreeSet<PeerId>,
    steady: bool,
    /// The states of each node, from the last one that was acknowledged on.
    states: BTreeMap<PeerId, Vec<Durable>>,
    /// What may be held of each line, from the last that is on the disk on; and every text that it ever had.
    lines: BTreeMap<(String, u32), Vec<Option<String>>>,
    texts: BTreeMap<(String, u32), BTreeSet<String>>,
}

impl Known {
    fn after(life: &Life, calls: usize) -> Self {
        let mut known = Self::default();
        // What was handed in may be on the disk by then, what was acknowledged must be.
        for (at, mark) in &life.marks {
            let promised = *at <= calls;
            match mark {
                Mark::Born(id) if promised => {
                    if known.id != Some(*id) {
                        known.gone.extend(known.id.replace(*id));
                    }
                    known.steady = true;
                }
                Mark::Put(id, state) => known.states.entry(*id).or_default().push((**state).clone()),
                Mark::Stored if promised => {
                    known.states.values_mut().for_each(|states| drop(states.drain(..states.len() - 1)));
                }
                Mark::Found(job, found) if promised => {
                    for ((_, number), texts) in known.lines.iter_mut().filter(|((of, _), _)| of == job) {
                        *texts = vec![found.get(number).cloned()];
                    }
                }
                Mark::Line(job, number, text) => {
                    let place = (job.clone(), *number);
                    known.lines.entry(place.clone()).or_insert_with(|| vec![None]).push(text.clone());
                    known.texts.entry(place).or_default().extend(text.clone());
                }
                Mark::Saved if promised => {
                    known.lines.values_mut().for_each(|texts| drop(texts.drain(..texts.len() - 1)));
                }
                Mark::Unsteady => {
                    known.steady &= !promised;
                    known.lines.values_mut().for_each(|texts| texts.push(None));
                }
                _ => {}
            }
        }
        known
    }
}

/// Opens what is left, and checks all that was promised.
fn check(tree: &Tree, known: &Known, story: &str) {
    let root = place();
    make(tree, root.path());
    let dir = root.path().join("var/state");
    let files = |name: &str| fs::read(dir.join(name)).ok();
    let before = (files(node_key::FILE), files(JOURNAL).or_else(|| files(JOURNAL_NEW)), files(STATE));
    let (opened, found) = open(&dir);
    opened.store.close().unwrap();
    let id = found.key.id();
    let again = |what: &str| format!("{what}: {story}, found {id} {:?} {:?}", found.reborn, found.notes);
    assert!(!known.gone.contains(&id), "{}", again("a node came back that was gone"));
    if known.steady {
        assert_eq!(Some(id), known.id, "{}", again("it forgot who it is"));
        assert_eq!(found.reborn, None, "{}", again("it says so without reason"));
    }
    let state = found.state.clone().unwrap_or_default();
    if let Some(states) = known.states.get(&id) {
        assert!(states.contains(&state), "{}, {state:?} of {states:#?}", again("a state went back"));
    }
    let texts = texts(&found.lines);
    let job = &state.job.label;
    for (number, text) in &texts {
        let ever = known.texts.get(&(job.clone(), *number));
        assert!(ever.is_some_and(|ever| ever.contains(text)), "{}", again("a text from nowhere"));
    }
    if Some(id) == known.id {
        for ((_, number), allowed) in known.lines.iter().filter(|((of, _), _)| of == job) {
            assert!(
                allowed.contains(&texts.get(number).cloned()),
                "{}, line {number}",
                again("a line went back")
            );
        }
    }
    if before.0.is_some() && found.notes.is_empty() && found.reborn.is_none() {
        let journal = (before.1.unwrap_or_default(), files(JOURNAL).unwrap_or_default());
        assert!(journal.1.starts_with(&journal.0), "{}", again("the journal was repaired in silence"));
        assert_eq!(before.2, files(STATE), "{}", again("the state was repaired in silence"));
    }
    let (opened, second) = open(&dir);
    opened.store.close().unwrap();
    assert_eq!((second.key.id(), &second.state), (id, &found.state), "{}", again("the second start"));
    assert_eq!(
        (second.notes.len(), second.reborn),
        (0, None),
        "{} {:?}",
        again("the second start"),
        second.notes
    );
    assert!(self::texts(&second.lines) == texts, "{}", again("the second start's lines"));
}

#[test]
fn whatever_a_power_cut_leaves_nothing_that_was_promised_goes_back() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let wanted = number("CRASH_STATES").unwrap_or(500) as usize;
    let first = number("LINESWARM_SEED").unwrap_or(1);
    let lives = (wanted / 250).max(2);
    let seen = std::sync::Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for seeds in [0, 1] {
            let seen = &seen;
            scope.spawn(move || {
                for seed in (first..first + lives as u64).filter(|seed| seed % 2 == seeds) {
                    visit(&Life::of(seed), seed, wanted / lives, seen);
                }
            });
        }
    });
    let count = seen.into_inner().unwrap().len();
    println!("{count} different states of {lives} lives, each opened twice");
    assert!(count >= wanted, "{count} different states, {wanted} were wanted");
}

/// Opens so many different states of a life.
fn visit(life: &Life, seed: u64, wanted: usize, seen: &std::sync::Mutex<BTreeSet<u64>>) {
    // The disk after each call, and how many crashes it has had until then.
    let (mut disk, mut total) = (Disk::default(), 0);
    let mut moments = Vec::new();
    for (call, op) in life.ops.iter().enumerate() {
        disk.apply(op);
        moments.push((call + 1, total, disk.clone()));
        total += disk.crashes();
    }
    let (mut bits, mut here) = (random(seed ^ 0x5eed), 0);
    for _ in 0..20 * wanted {
        if here >= wanted {
            break;
        }
        let chosen = (bits() % total as u64) as usize;
        let moment = moments.partition_point(|(_, before, _)| *before <= chosen) - 1;
        let (calls, before, disk) = &moments[moment];
        let tree = disk.crash(chosen - before, &mut bits);
        if seen.lock().unwrap().insert(fingerprint(&tree)) {
            here += 1;
            let story =
                format!("seed {seed}, after call {calls} of {}, crash {}", life.ops.len(), chosen - before);
            check(&tree, &Known::after(life, *calls), &story);
        }
    }
}
