//! Reading a state directory: at the start, and for `verify`. Writes nothing.
//!
//! The state in the slots says of which job the lines in the journal must be; if the journal turns out to hold a newer
//! state of another job, it is read again. So lines of another file never get in, whatever was mixed up on the disk.
//!
//! Two rules decide what a state directory is worth (docs/journal-format.md). What a newer version wrote is an error:
//! only a wrong checksum is damage. And a state is known only if no newer one can have been acknowledged.

use super::journal::{Found, Scanner, Tag};
use super::ops::{Kept, Table};
use super::state_file::{self, Slot};
use super::{JOURNAL, JOURNAL_NEW, NodeKey, STATE, StoreError};
use lineswarm_proto::engine::state::Durable;
use lineswarm_proto::{ids::LineNumber, lines::SharedLines};
use serde::Serialize;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What a state directory holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) fate: Fate,
    /// Some if the state is known, and not the one that every node begins with.
    pub(super) state: Option<Durable>,
    pub(super) counter: u64,
    /// Of the newest state in a slot.
    pub(super) in_slot: u64,
    pub(super) lines: SharedLines,
    pub(super) kept: Table,
    /// Where the journal ends; 0 if there is none.
    pub(super) end: u64,
    /// The journal or the state file is to be written again.
    pub(super) damaged: bool,
    pub(super) notes: Vec<String>,
}

/// What became of the newest state that was acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    /// There is no state, nor anything that may have been one.
    #[default]
    Nothing,
    Known,
    /// It can't be told from what is there.
    Lost,
}

impl Contents {
    pub(super) fn hearsay(&self) -> Vec<LineNumber> {
        self.kept.hearsay()
    }
}

/// Notes of one kind that are given one by one.
const NOTES: usize = 8;

/// Reads the journal and the state file of `dir`.
pub(super) fn read(dir: &Path) -> Result<Contents, StoreError> {
    let mut found = Contents::default();
    let slots = Slots::read(dir)?;
    let guess = slots.newest().map(|(_, state)| Tag::of(&state.job));
    let mut survey = survey(dir, guess)?;
    let newest = newer(slots.newest().cloned(), survey.newest.clone());
    let tag = newest.as_ref().map(|(_, state)| Tag::of(&state.job));
    if tag != guess {
        survey = self::survey(dir, tag)?;
    }
    let known = slots.are_sound() || survey.is_sound(&slots);
    match newest.filter(|_| known) {
        Some((counter, state)) => {
            found.fate = Fate::Known;
            (found.counter, found.in_slot) = (counter, slots.newest().map_or(0, |(counter, _)| *counter));
            found.notes = slots.complaints(dir);
            found.notes.extend(survey.complaints(dir, &slots, &state));
            found.damaged = slots.are_damaged() || !found.notes.is_empty();
            found.end = survey.end;
            (found.lines, found.kept) = (survey.texts, survey.kept);
            found.state = (state != Durable::default()).then_some(state);
        }
        None if slots.are_blank() && survey.is_empty() => {}
        None => {
            found.fate = Fate::Lost;
            found.notes = slots.complaints(dir);
            found.notes.extend(survey.damage_notes(dir));
            found.notes.push(format!(
                "{}: no copy of the state is whole, or a newer one may be lost, so that term, vote and submits are unknown",
                dir.display()
            ));
        }
    }
    Ok(found)
}

/// The later of two states.
fn newer(one: Option<(u64, Durable)>, other: Option<(u64, Durable)>) -> Option<(u64, Durable)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.0 < other.0 { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// A state as it is stored. None if it has another shape.
pub(super) fn decoded(payload: &[u8]) -> Option<Durable> {
    postcard::take_from_bytes(payload).ok().filter(|(_, rest)| rest.is_empty()).map(|(state, _)| state)
}

/// What the state file holds.
#[derive(Debug, Default)]
struct Slots {
    whole: Vec<(u64, Durable)>,
    damaged: usize,
    empty: usize,
    strangers: usize,
}

impl Slots {
    fn read(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(STATE);
        let mut slots = Self::default();
        let Some(file) = open(&path)? else { return Ok(Self { empty: 2, ..slots }) };
        for slot in state_file::read(&file).map_err(|error| StoreError::io("read", &path, error))? {
            match slot {
                Slot::Empty => slots.empty += 1,
                Slot::Damaged => slots.damaged += 1,
                Slot::Whole { counter, kind, payload, stranger } => {
                    let state = decoded(&payload).filter(|_| kind == 0).ok_or_else(|| {
                        let what = format!("it has a state of an unknown kind ({kind})");
                        StoreError::Newer { path: path.clone(), what }
                    })?;
                    slots.whole.push((counter, state));
                    slots.strangers += usize::from(stranger);
                }
            }
        }
        Ok(slots)
    }

    fn newest(&self) -> Option<&(u64, Durable)> {
        self.whole.iter().max_by_key(|(counter, _)| *counter)
    }

    /// A state is acknowledged when it is in its slot: then no newer one than these two was, whatever the journal says.
    fn are_sound(&self) -> bool {
        self.whole.len() == 2
    }

    /// Nothing but what a first start writes before it creates the key.
    fn are_blank(&self) -> bool {
        self.damaged == 0 && self.whole.iter().all(|(_, state)| *state == Durable::default())
    }

    fn are_damaged(&self) -> bool {
        self.damaged > 0 || self.strangers > 0 || self.empty > 0
    }

    fn complaints(&self, dir: &Path) -> Vec<String> {
        let path = dir.join(STATE);
        // The first state that 0.1.0 wrote stands alone.
        let only_one_was_written =
            self.whole.len() == 1 && self.newest().is_some_and(|(counter, _)| *counter <= 1);
        match self.damaged + self.strangers + self.empty {
            0 => Vec::new(),
            1 if self.empty == 1 && only_one_was_written => Vec::new(),
            1 => vec![format!("{}: one of the two copies of the state is damaged", path.display())],
            _ if self.empty == 2 => vec![format!("{}: the file is missing, or empty", path.display())],
            _ => vec![format!("{}: both copies of the state are damaged", path.display())],
        }
    }
}

/// What a pass over the journal tells.
#[derive(Debug, Default)]
struct Survey {
    newest: Option<(u64, Durable)>,
    lines: u64,
    /// Of those, lines of another job than was asked for.
    foreign: u64,
    /// Lines of the job that was asked for.
    texts: SharedLines,
    kept: Table,
    states: u64,
    /// (at, bytes, at the end) of the first damaged places.
    damage: Vec<(u64, u64, bool)>,
    damages: usize,
    end: u64,
}

impl Survey {
    fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// A state is in the journal before it is in its slot: then no newer one was acknowledged than the newest here, unless
    /// a record is missing.
    fn is_sound(&self, slots: &Slots) -> bool {
        let newest = self.newest.as_ref();
        self.damages == 0 && newest.is_some_and(|newest| !self.is_stale(newest, slots))
    }

    /// A slot has a later state.
    fn is_stale(&self, newest: &(u64, Durable), slots: &Slots) -> bool {
        // Damaged slots are written again with the same state under two counters.
        slots.newest().is_some_and(|(counter, state)| *counter > newest.0 && *state != newest.1)
    }

    fn complaints(&self, dir: &Path, slots: &Slots, state: &Durable) -> Vec<String> {
        let name = journal_path(dir).display().to_string();
        let mut notes = self.damage_notes(dir);
        match &self.newest {
            Some(newest) if self.damages == 0 && self.is_stale(newest, slots) => {
                notes.push(format!(
                    "{name}: its newest state is older than the one in {STATE}; lines may be missing"
                ));
            }
            None if self.damages == 0 && *state != Durable::default() => {
                notes.push(format!("{name}: it is missing, or has no state; lines may be missing"));
            }
            _ => {}
        }
        if self.foreign > 0 {
            notes.push(format!("{name}: {} lines of another job are left out", self.foreign));
        }
        notes
    }

    fn damage_notes(&self, dir: &Path) -> Vec<String> {
        let name = journal_path(dir).display().to_string();
        let told = self.damage.iter().map(|(at, bytes, tail)| {
            let fate =
                if *tail { "cut off at the end" } else { "skipped; lines that stood there are drawn again" };
            format!("{name}: {bytes} damaged bytes at {at} {fate}")
        });
        let more = (self.damages > self.damage.len())
            .then(|| format!("{name}: {} damaged places in all", self.damages));
        told.chain(more).collect()
    }
}

/// The journal; or the one that was about to take its place, if that is the only one. It was synced before.
fn journal_path(dir: &Path) -> PathBuf {
    let (journal, new) = (dir.join(JOURNAL), dir.join(JOURNAL_NEW));
    if !journal.exists() && new.is_file() { new } else { journal }
}

fn survey(dir: &Path, tag: Option<Tag>) -> Result<Survey, StoreError> {
    let path = journal_path(dir);
    let newer = |what: String| StoreError::Newer { path: path.clone(), what };
    let mut survey = Survey::default();
    let Some(file) = open(&path)? else { return Ok(survey) };
    let mut scanner = Scanner::new(file);
    while let Some(record) = scanner.next().map_err(|error| StoreError::io("read", &path, error))? {
        match record {
            Found::Line { tag: its, number, first_hand, text } => {
                survey.lines += 1;
                if Some(its) == tag {
                    survey.texts.insert(number, text);
                    survey.kept.insert(number, Kept { first_hand, sum: crc32fast::hash(text) });
                } else {
                    survey.foreign += 1;
                }
            }
            Found::State { counter, state, .. } => {
                survey.states += 1;
                if survey.newest.as_ref().is_none_or(|(newest, _)| *newest < counter) {
                    let state =
                        decoded(state).ok_or_else(|| newer("it has a state of an unknown shape".into()))?;
                    survey.newest = Some((counter, state));
                }
            }
            Found::Newer { what } => return Err(newer(what)),
            Found::Damage { at, bytes, tail } => {
                survey.damages += 1;
                if survey.damage.len() < NOTES {
                    survey.damage.push((at, bytes, tail));
                }
            }
        }
    }
    survey.end = scanner.position();
    Ok(survey)
}

fn open(path: &Path) -> Result<Option<File>, StoreError> {
    match lineswarm_files::read::open(path, File::options().read(true)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(StoreError::opening(path, error, |error| StoreError::io("read", path, error))),
    }
}

/// What [`verify`] found in a state directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Line records in the journal; a line may have two.
    pub(crate) lines: u64,
    /// States in the journal.
    pub(crate) states: u64,
    /// Whole copies of the state in its own file.
    pub(crate) slots: u64,
    /// What is wrong; empty if everything is sound.
    pub(crate) problems: Vec<String>,
}

/// Reads everything in `dir` and checks it. With a daemon at work there, [`super::Store::verify`] does it
/// between two writes.
pub(crate) fn verify(dir: &Path) -> Report {
    let mut report = Report::default();
    match survey(dir, None) {
        Ok(survey) => (report.lines, report.states) = (survey.lines, survey.states),
        Err(error) => report.problems.push(error.to_string()),
    }
    match Slots::read(dir) {
        Ok(slots) => report.slots = slots.whole.len() as u64,
        Err(error) => report.problems.push(error.to_string()),
    }
    match read(dir) {
        Ok(contents) => report.problems.extend(contents.notes),
        Err(error) => report.problems.push(error.to_string()),
    }
    match NodeKey::read(dir) {
        Ok(Some(_)) => {}
        Ok(None) => report.problems.push(format!("{}: there is no node key", dir.display())),
        Err(error) => report.problems.push(error.to_string()),
    }
    report.problems.dedup();
    report
}
