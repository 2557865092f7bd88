//! Reading a state directory: at the start, and for `verify`. Writes nothing.
//!
//! The state in the slots says of which job the lines in the journal must be; if the journal turns out to hold a newer
//! state of another job, it is read again. So lines of another file never get in, whatever was mixed up on the disk.

use super::journal::{Found, HEADER, MAGIC, Scanner, Tag};
use super::ops::{Kept, Table};
use super::state_file::{self, Slot};
use super::{JOURNAL, NodeKey, STATE, StoreError};
use lineswarm_proto::engine::state::Durable;
use lineswarm_proto::{ids::LineNumber, lines::SharedLines};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What a state directory holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) state: Option<Durable>,
    pub(super) counter: u64,
    pub(super) lines: SharedLines,
    pub(super) kept: Table,
    /// Where the journal ends; 0 if there is none.
    pub(super) end: u64,
    /// The journal or the state file is to be written anew.
    pub(super) damaged: bool,
    pub(super) notes: Vec<String>,
    pub(super) lost_state: bool,
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
    let slots = read_slots(dir)?;
    let state_path = dir.join(STATE);
    let mut newest = None;
    for slot in slots.iter().flatten() {
        match whole_state(slot) {
            Some(state) => newest = newer(newest, Some(state)),
            None if *slot != Slot::Empty => {
                found.damaged = true;
                found
                    .notes
                    .push(format!("{}: one of the two copies of the state is damaged", state_path.display()));
            }
            None => {}
        }
    }
    let tag = |state: &Option<(u64, Durable)>| state.as_ref().map(|(_, state)| Tag::of(&state.job));
    let guess = tag(&newest);
    let mut survey = survey(dir, guess)?;
    newest = newer(newest, survey.newest.take());
    if tag(&newest) != guess {
        survey = self::survey(dir, tag(&newest))?;
    }
    let journal_path = dir.join(JOURNAL);
    let name = journal_path.display();
    for (at, bytes, tail) in &survey.damage {
        let fate =
            if *tail { "cut off at the end" } else { "skipped; lines that stood there are drawn again" };
        found.notes.push(format!("{name}: {bytes} damaged bytes at {at} {fate}"));
    }
    if survey.damages > survey.damage.len() {
        found.notes.push(format!("{name}: {} damaged places in all", survey.damages));
    }
    found.damaged |= survey.damages > 0;
    let Some((counter, state)) = newest else {
        let slots_used = slots.iter().flatten().any(|slot| *slot != Slot::Empty);
        found.lost_state = slots_used || survey.records > 0;
        if found.lost_state {
            found.notes.push(format!(
                "{}: no copy of the state is whole, so votes and submits are forgotten: \
                 this node comes back as a new one, without its lines",
                dir.display()
            ));
        }
        return Ok(found);
    };
    found.end = survey.end;
    if survey.foreign > 0 {
        found.damaged = true;
        found.notes.push(format!("{name}: {} lines of another job are left out", survey.foreign));
    }
    (found.lines, found.kept) = (survey.texts, survey.kept);
    (found.counter, found.state) = (counter, Some(state));
    Ok(found)
}

/// The later of two states.
fn newer(one: Option<(u64, Durable)>, other: Option<(u64, Durable)>) -> Option<(u64, Durable)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.0 < other.0 { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// What a pass over the journal tells.
#[derive(Debug, Default)]
struct Survey {
    newest: Option<(u64, Durable)>,
    /// Whole records.
    records: u64,
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

fn survey(dir: &Path, tag: Option<Tag>) -> Result<Survey, StoreError> {
    let path = dir.join(JOURNAL);
    let mut survey = Survey::default();
    let Some(file) = open(&path)? else { return Ok(survey) };
    let mut scanner = Scanner::new(file);
    while let Some(record) = scanner.next().map_err(|error| StoreError::io("read", &path, error))? {
        survey.records += 1;
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
                if survey.newest.as_ref().is_none_or(|(newest, _)| *newest < counter)
                    && let Ok(state) = postcard::from_bytes(state)
                {
                    survey.newest = Some((counter, state));
                }
            }
            Found::Unknown { .. } => {}
            Found::Damage { at, bytes, tail } => {
                survey.records -= 1;
                survey.damages += 1;
                if survey.damage.len() < NOTES {
                    survey.damage.push((at, bytes, tail));
                }
            }
        }
    }
    survey.end = scanner.position();
    if survey.records == 0 && is_newer(&path)? {
        return Err(StoreError::Newer { path });
    }
    Ok(survey)
}

/// The file has the header of another version.
fn is_newer(path: &Path) -> Result<bool, StoreError> {
    let mut start = Vec::new();
    if let Some(file) = open(path)? {
        file.take(HEADER.len() as u64)
            .read_to_end(&mut start)
            .map_err(|error| StoreError::io("read", path, error))?;
    }
    let version = start.strip_prefix(MAGIC).and_then(|rest| rest.first());
    Ok(version.is_some_and(|version| (b'2'..=b'9').contains(version)))
}

fn open(path: &Path) -> Result<Option<File>, StoreError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path, error)),
    }
}

fn read_slots(dir: &Path) -> Result<Option<[Slot; 2]>, StoreError> {
    let path = dir.join(STATE);
    let Some(file) = open(&path)? else { return Ok(None) };
    state_file::read(&file).map(Some).map_err(|error| StoreError::io("read", &path, error))
}

fn whole_state(slot: &Slot) -> Option<(u64, Durable)> {
    match slot {
        Slot::Whole { counter, state } => Some((*counter, postcard::from_bytes(state).ok()?)),
        Slot::Empty | Slot::Damaged => None,
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
    match read_slots(dir) {
        Ok(slots) => report.slots = slots.iter().flatten().filter_map(whole_state).count() as u64,
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
