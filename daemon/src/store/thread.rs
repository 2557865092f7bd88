//! The store's thread: the only one that writes to the state directory.
//!
//! It sleeps until something is handed in; lines are gathered for a moment and written together, states at once.
//! A failed write changes nothing: `end` stays where the whole part of the journal ends, and the same batch is
//! written again, later. A batch is forgotten only when it is on the disk.

use super::journal::{Appender, Tag};
use super::ops::{Kept, Ops, Table};
use super::recover::Contents;
use super::{Ack, JOURNAL, JOURNAL_NEW, Message, Put, STATE, Shared, StoreError};
use super::{disk, move_journal_aside, recover, state_file};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use lineswarm_proto::engine::state::{Durable, Ticket};
use lineswarm_proto::{ids::JobId, ids::LineNumber, limits, lines::SharedLines};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// Lines are on the disk this long after they were handed in.
const GROUP: Duration = Duration::from_millis(200);
/// After all lines of a journal were written anew, the next group commit waits so many times as long as that took.
const REST: u32 = 20;
/// Waiting times between attempts while the disk fails.
const BACKOFF: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];
/// A journal with more bytes of states than this is written anew with the newest only.
const STATE_BYTES: u64 = 1024 * 1024;

pub(super) struct Writer {
    dir: PathBuf,
    inbox: Receiver<Message>,
    acks: Sender<Ack>,
    shared: Arc<Shared>,
    wake: Box<dyn Fn() + Send>,
    lines: SharedLines,
    /// What the journal holds.
    kept: Table,
    state: Durable,
    counter: u64,
    /// The counter of the state that was written to its slot last.
    in_slot: u64,
    state_file: Option<File>,
    journal: Option<File>,
    /// Where the whole part of the journal ends.
    end: u64,
    /// Bytes of states since the journal was begun.
    state_bytes: u64,
    // What is to be done:
    ops: Ops,
    /// Line operations taken since the last commit.
    taken: usize,
    state_waits: bool,
    /// The state that waits has no number of its own yet: one that another replaces before it is written needs none, so
    /// that states take turns in the slots.
    unnumbered: bool,
    /// Both slots are to be written, as one is damaged.
    heal: bool,
    ticket: Option<Ticket>,
    /// Of the state that was handed in last.
    newest: Option<Ticket>,
    saves: Vec<u64>,
    verifies: Vec<u64>,
    new_journal: bool,
    /// The job whose journal is to be moved aside.
    old_job: Option<JobId>,
    due: Option<Instant>,
    group: Duration,
    trouble: Option<Trouble>,
    acked: bool,
}

/// The disk fails.
struct Trouble {
    what: String,
    backoff: Duration,
}

impl Writer {
    pub(super) fn new(
        dir: &Path,
        contents: Contents,
        inbox: Receiver<Message>,
        acks: Sender<Ack>,
        shared: Arc<Shared>,
        wake: Box<dyn Fn() + Send>,
    ) -> Self {
        let heal = contents.damaged;
        Self {
            dir: dir.into(),
            inbox,
            acks,
            shared,
            wake,
            lines: contents.lines,
            kept: contents.kept,
            state: contents.state.unwrap_or_default(),
            counter: contents.counter,
            in_slot: contents.in_slot,
            state_file: None,
            journal: None,
            end: contents.end,
            state_bytes: 0,
            ops: Ops::default(),
            taken: 0,
            state_waits: heal,
            unnumbered: heal,
            heal,
            ticket: None,
            newest: None,
            saves: Vec::new(),
            verifies: Vec::new(),
            new_journal: heal || contents.end == 0,
            old_job: None,
            due: heal.then(Instant::now),
            group: GROUP,
            trouble: None,
            acked: false,
        }
    }

    /// Works until the event loop closes the store or is gone.
    pub(super) fn run(mut self) -> Result<(), StoreError> {
        loop {
            match self.next_message() {
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return self.finish(),
                Ok(message) => {
                    self.take(message);
                    // A burst is taken as a whole, so that it costs one commit.
                    for _ in 0..limits::STORE_QUEUE {
                        match self.inbox.try_recv() {
                            Ok(Message::Close) => return self.finish(),
                            Ok(message) => self.take(message),
                            Err(_) => break,
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.due.is_some_and(|due| due <= Instant::now()) {
                self.attempt();
            }
            let room = self.shared.wake_for_room.swap(false, Ordering::SeqCst);
            if room || std::mem::take(&mut self.acked) {
                (self.wake)();
            }
        }
    }

    /// The next message, or that a commit is due. A channel's own waiting would first yield the processor some times.
    fn next_message(&self) -> Result<Message, RecvTimeoutError> {
        loop {
            match self.inbox.try_recv() {
                Ok(message) => return Ok(message),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) => {}
            }
            match self.due.map(|due| due.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return Err(RecvTimeoutError::Timeout),
                Some(wait) => thread::park_timeout(wait),
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Lines(since) => self.by(since + self.group),
            Message::Put(put) => self.take_state(*put),
            Message::Save(token) => {
                self.saves.push(token);
                self.due = Some(Instant::now());
            }
            Message::Verify(token) => {
                self.verifies.push(token);
                self.due = Some(Instant::now());
            }
            Message::Close => {}
        }
    }

    /// Takes what was gathered, unless it belongs to a state that is still on its way.
    fn take_gathered(&mut self) {
        let mut gathered = self.shared.gathered.lock();
        if gathered.under == self.newest {
            self.taken = self.taken.saturating_add(gathered.ops.len());
            self.ops.append(&mut gathered.ops);
        }
    }

    fn take_state(&mut self, Put { ticket, state, lines, mut before }: Put) {
        self.taken = self.taken.saturating_add(before.len());
        self.ops.append(&mut before);
        if !same_job(&self.state.job, &state.job) {
            // What belongs to the old job goes into the old journal. If that fails it is given up: nobody
            // reads it again, and the new job must not wait for it.
            if self.commit().is_err() {
                self.ops.clear();
            }
            self.settle_lines();
            // With several new jobs before one could be written, the journal on the disk is of the first.
            self.old_job.get_or_insert(self.state.job.clone());
            self.kept.clear();
            self.new_journal = true;
        }
        self.lines = lines;
        self.state = state;
        self.newest = Some(ticket);
        self.ticket = Some(ticket);
        (self.state_waits, self.unnumbered) = (true, true);
        self.by(Instant::now());
    }

    /// A commit at `at` at the latest; while the disk fails, when its waiting time is over.
    fn by(&mut self, at: Instant) {
        if self.due.is_none_or(|due| at < due && self.trouble.is_none()) {
            self.due = Some(at);
        }
    }

    /// Commits, and reports how that went.
    fn attempt(&mut self) {
        let acked = match self.commit() {
            Ok(()) => {
                self.due = None;
                let recovered = self.trouble.take().map(|_| Ack::Recovered);
                let stored = self.ticket.take().map(Ack::Stored);
                let saved = self.saves.drain(..).map(|token| Ack::Saved(token, Ok(())));
                let acks: Vec<_> = recovered.into_iter().chain(stored).chain(saved).collect();
                self.settle_lines();
                acks
            }
            Err(error) => {
                let what = error.to_string();
                let failed: Vec<_> =
                    self.saves.drain(..).map(|token| Ack::Saved(token, Err(what.clone()))).collect();
                self.on_trouble(what).into_iter().chain(failed).collect()
            }
        };
        let report = (!self.verifies.is_empty()).then(|| recover::verify(&self.dir));
        let verified = self.verifies.drain(..).zip(report.iter().cycle().cloned());
        let verified = verified.map(|(token, report)| Ack::Verified(token, report));
        for ack in acked.into_iter().chain(verified) {
            self.acked = true;
            // The event loop is gone only when the process ends.
            let _ = self.acks.send(ack);
        }
    }

    fn on_trouble(&mut self, what: String) -> Option<Ack> {
        let [first, longest] = BACKOFF;
        let before = self.trouble.take();
        let backoff = before.as_ref().map_or(first, |before| (before.backoff * 2).min(longest));
        let is_news = before.is_none_or(|before| before.what != what);
        self.due = Some(Instant::now() + backoff);
        self.trouble = Some(Trouble { what: what.clone(), backoff });
        is_news.then_some(Ack::Trouble { what })
    }

    fn settle_lines(&mut self) {
        self.shared.unsaved.fetch_sub(std::mem::take(&mut self.taken), Ordering::SeqCst);
    }

    fn finish(mut self) -> Result<(), StoreError> {
        self.commit()
    }

    /// Brings everything that waits to the disk.
    fn commit(&mut self) -> Result<(), StoreError> {
        self.take_gathered();
        if self.ops.is_empty() && !self.state_waits {
            return Ok(());
        }
        if std::mem::take(&mut self.unnumbered) {
            // Never into the slot that has the newest state.
            let step = 2 - (self.counter.abs_diff(self.in_slot) + 1) % 2;
            self.counter = self.counter.saturating_add(step);
        }
        let (journal, slots) = (self.dir.join(JOURNAL), self.dir.join(STATE));
        let state = postcard::to_stdvec(&self.state)
            .map_err(|error| StoreError::io("write", &slots, io::Error::other(error)))?;
        self.write_journal(&state).map_err(|source| StoreError::io("write", &journal, source))?;
        if self.state_waits {
            self.write_state(&slots, &state).map_err(|source| StoreError::io("write", &slots, source))?;
            self.state_waits = false;
        }
        Ok(())
    }

    fn write_journal(&mut self, state: &[u8]) -> io::Result<()> {
        if self.new_journal || self.state_bytes > STATE_BYTES || self.takes_back() {
            self.begin_journal(state)
        } else {
            self.append(state)
        }
    }

    fn write_state(&mut self, path: &Path, state: &[u8]) -> io::Result<()> {
        let file = match self.state_file.take() {
            Some(file) => file,
            None => {
                let file = disk::open(path)?;
                // It may be new: then its name must be on the disk as well.
                disk::sync_dir(&self.dir)?;
                file
            }
        };
        state_file::write(&file, self.counter, state)?;
        if self.heal {
            self.counter = self.counter.saturating_add(1);
            state_file::write(&file, self.counter, state)?;
            self.heal = false;
        }
        self.in_slot = self.counter;
        self.state_file = Some(file);
        Ok(())
    }

    /// A text that the journal holds was changed or taken out: the file must not hold it any longer.
    fn takes_back(&self) -> bool {
        let changed = |(number, before): (LineNumber, Kept)| {
            self.lines.get(number, crc32fast::hash) != Some(before.sum)
        };
        let before = |number| Some((number, self.kept.get(number)?));
        self.ops.forgotten().any(|number| self.kept.get(number).is_some())
            || self.ops.kept().filter_map(before).any(changed)
    }

    fn append(&mut self, state: &[u8]) -> io::Result<()> {
        let file = match self.journal.take() {
            Some(file) => file,
            None => disk::open(&self.dir.join(JOURNAL))?,
        };
        let length = file.metadata()?.len();
        if length < self.end {
            // Somebody removed or cut it. What it held is in the map.
            return self.begin_journal(state);
        }
        let mut journal = Appender::new(&file, Tag::of(&self.state.job), self.end, length);
        if self.state_waits {
            journal.state(self.counter, state)?;
        }
        let written = write_lines(&mut journal, &self.lines, self.ops.kept(), |number, sum| {
            let kept = Kept { first_hand: self.ops.is_first_hand(number), sum };
            (self.kept.get(number) != Some(kept)).then_some(kept)
        })?;
        self.end = journal.sync()?;
        self.group = GROUP;
        self.journal = Some(file);
        if self.state_waits {
            self.state_bytes = self.state_bytes.saturating_add(state.len() as u64);
        }
        written.into_iter().for_each(|(number, kept)| self.kept.insert(number, kept));
        self.ops.clear();
        Ok(())
    }

    /// Writes a journal from the start: for a new job, without damage, without texts that were taken back.
    fn begin_journal(&mut self, state: &[u8]) -> io::Result<()> {
        let begun = Instant::now();
        let again = !self.new_journal;
        let new = self.dir.join(JOURNAL_NEW);
        disk::remove(&new)?;
        let file = disk::open(&new)?;
        let mut journal = Appender::new(&file, Tag::of(&self.state.job), 0, 0);
        journal.state(self.counter, state)?;
        let before = self.kept.numbers().filter(|number| !self.ops.contains(*number));
        let same = write_lines(&mut journal, &self.lines, before, |number, sum| {
            // Another text by now: what becomes of it is on its way to us.
            self.kept.get(number).filter(|before| before.sum == sum)
        })?;
        let changed = write_lines(&mut journal, &self.lines, self.ops.kept(), |number, sum| {
            Some(Kept { first_hand: self.ops.is_first_hand(number), sum })
        })?;
        let mut kept = Table::default();
        same.into_iter().chain(changed).for_each(|(number, line)| kept.insert(number, line));
        let end = journal.sync()?;
        // Its name, too, before the old one loses its own: a power cut may keep later names without earlier ones.
        disk::sync_dir(&self.dir)?;
        if let Some(old) = &self.old_job
            && move_journal_aside(&self.dir, old.epoch)?
        {
            disk::sync_dir(&self.dir)?;
        }
        disk::rename(&new, &self.dir.join(JOURNAL))?;
        disk::sync_dir(&self.dir)?;
        (self.journal, self.end, self.kept) = (Some(file), end, kept);
        (self.new_journal, self.old_job, self.state_bytes) = (false, None, 0);
        self.ops.clear();
        // Whoever makes us write all of a large file again and again must wait for it.
        self.group = if again { GROUP.max(begun.elapsed().saturating_mul(REST)) } else { GROUP };
        Ok(())
    }
}

/// Appends lines, as the map has them now, if `wanted` says so of their checksums; gives what was appended.
fn write_lines(
    journal: &mut Appender<'_>,
    lines: &SharedLines,
    mut numbers: impl Iterator<Item = LineNumber>,
    wanted: impl Fn(LineNumber, u32) -> Option<Kept>,
) -> io::Result<Vec<(LineNumber, Kept)>> {
    let mut written = Vec::new();
    let mut more = true;
    while more {
        let mut result = Ok(());
        more = lines.pick(&mut numbers, |number, text| {
            if let Some(kept) = wanted(number, crc32fast::hash(text)) {
                result = journal.line(number, kept.first_hand, text);
                written.push((number, kept));
            }
            result.is_ok() && !journal.is_full()
        });
        result?;
        // Not under the lock of the map.
        journal.drain()?;
    }
    Ok(written)
}

/// A count of lines that became known makes no new job.
fn same_job(before: &JobId, after: &JobId) -> bool {
    let named = |job: &JobId| (job.swarm.clone(), job.epoch, job.label.clone());
    named(before) == named(after) && (before.lines == after.lines || before.lines == 0)
}

#[cfg(test)]
mod tests;
