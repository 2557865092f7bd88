//! The durable store: what a node must not forget, in its state directory (docs/journal-format.md).
//!
//! The event loop hands in line numbers and states and never waits; one thread writes, and answers with
//! [`Ack`]s. Lines gather in a shared map, so that the thread is woken once for a group of them. A state is
//! acknowledged only when it is on the disk. While the disk fails the store says so, serves from memory and tries
//! again. Invariant: nothing wrong is ever read back, and damage costs what it touches.

mod access;
mod disk;
mod error;
mod journal;
mod lock;
mod node_key;
mod ops;
mod recover;
mod reset;
mod state_file;
mod thread;

pub(crate) use access::{Notes, check};
use crossbeam_channel::{Receiver, Sender, TrySendError};
pub(crate) use error::StoreError;
pub(crate) use journal::JOURNAL_VERSION;
use lineswarm_proto::engine::state::{Durable, Members, Ticket};
use lineswarm_proto::{
    ids::{LineNumber, PeerId},
    limits,
    lines::SharedLines,
};
pub(crate) use node_key::NodeKey;
use ops::{Op, Ops};
use parking_lot::Mutex;
pub(crate) use recover::Report;
use recover::{Contents, Fate};
pub(crate) use reset::reset;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Instant;

/// What a start finds.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The newest state; none at a node's first start, and when it was lost.
    pub(crate) state: Option<Durable>,
    /// The lines of `state.job`.
    pub(crate) lines: SharedLines,
    /// Those of them that came from peers.
    pub(crate) hearsay: Vec<LineNumber>,
    /// What was damaged and what became of it, for the log.
    pub(crate) notes: Vec<String>,
    /// Who this node is.
    pub(crate) key: NodeKey,
    /// `key` is a new one, though this is no first start.
    pub(crate) reborn: Option<Reborn>,
    /// What was found about modes and owners.
    pub(crate) access: Notes,
}

/// Why this is another node than before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reborn {
    /// Nobody knows any more what the node with this id voted and submitted, if its key was there.
    StateLost(Option<PeerId>),
    /// Its lines and what it knew of submits are kept.
    KeyLost,
}

/// What the store's thread reports.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ack {
    /// This state and all before it are on the disk.
    Stored(Ticket),
    /// All that was handed in before [`Store::save`] is on the disk, or why it is not: then it goes on being tried.
    Saved(u64, Result<(), String>),
    /// Writing fails. It is tried again, and nothing is lost as long as the daemon runs.
    Trouble { what: String },
    /// Writing works again, and everything is on the disk.
    Recovered,
    /// What [`Store::verify`] found.
    Verified(u64, Report),
}

/// What the event loop sends to the thread.
#[derive(Debug)]
enum Message {
    /// [`Shared::gathered`] was empty and is no longer, since then. The thread may have been busy meanwhile.
    Lines(Instant),
    Put(Box<Put>),
    Save(u64),
    Verify(u64),
    Close,
}

#[derive(Debug)]
struct Put {
    ticket: Ticket,
    state: Durable,
    lines: SharedLines,
    /// What was gathered before it, so under the job of the state before.
    before: Ops,
}

/// Line operations that the thread has not taken yet.
#[derive(Debug, Default)]
struct Gathered {
    /// The newest state when they were handed in: it says which job's journal they belong to.
    under: Option<Ticket>,
    ops: Ops,
}

/// What both sides look at.
#[derive(Debug, Default)]
struct Shared {
    gathered: Mutex<Gathered>,
    /// Line operations that are not yet on the disk.
    unsaved: AtomicUsize,
    /// The channel was full: the thread wakes the event loop when there is room.
    wake_for_room: AtomicBool,
}

/// Wakes the thread, which sleeps beside its channel, not in it.
#[derive(Debug)]
struct Rouse(Thread);

impl Drop for Rouse {
    fn drop(&mut self) {
        self.0.unpark();
    }
}

/// The event loop's end of the store.
#[derive(Debug)]
pub(crate) struct Store {
    channel: Sender<Message>,
    /// Below the channel, so that the thread learns when that is gone.
    rouse: Rouse,
    /// What found the channel full, in order.
    outbox: VecDeque<Message>,
    acks: Receiver<Ack>,
    /// Tickets up to here belong to an engine that is gone, and to there were handed in.
    tickets: (u64, u64),
    shared: Arc<Shared>,
    thread: JoinHandle<Result<(), StoreError>>,
    is_closing: bool,
}

impl Store {
    /// Takes the state directory (made if it is missing) and reads what it holds. `wake` is called from the
    /// store's thread when [`Store::next_ack`] has something.
    pub(crate) fn open(
        dir: &Path,
        wake: impl Fn() + Send + 'static,
    ) -> Result<(Self, Recovered), StoreError> {
        create_dir(dir)?;
        let lock = lock::Lock::take(dir)?;
        let access = access::close(dir)?;
        // All is read before anything is changed: what is refused must not cost anything.
        let key = NodeKey::read(dir)?;
        let contents = recover::read(dir)?;
        let (key, contents, reborn) = match (key, contents.fate) {
            (Some(key), Fate::Known) => {
                finish_rename(dir)?;
                (key, contents, None)
            }
            (None, Fate::Nothing) => {
                let (key, contents) = begin(dir, contents)?;
                (key, contents, None)
            }
            (None, Fate::Known) => {
                finish_rename(dir)?;
                // A first start that was cut short had no key yet.
                let reborn = contents.state.is_some().then_some(Reborn::KeyLost);
                let (key, contents) = begin(dir, contents)?;
                (key, contents, reborn)
            }
            (key, Fate::Lost | Fate::Nothing) => {
                reset::move_aside(dir)?;
                let nothing = Contents { notes: contents.notes, ..Contents::default() };
                let (new, contents) = begin(dir, nothing)?;
                (new, contents, Some(Reborn::StateLost(key.map(|key| key.id()))))
            }
        };
        let recovered = Recovered {
            state: contents.state.clone(),
            lines: contents.lines.clone(),
            hearsay: contents.hearsay(),
            notes: contents.notes.clone(),
            key,
            reborn,
            access,
        };
        let (channel, inbox) = crossbeam_channel::bounded(limits::STORE_QUEUE);
        let (ack_sender, acks) = crossbeam_channel::unbounded();
        let shared = Arc::new(Shared::default());
        let writer =
            thread::Writer::new(dir, contents, inbox, ack_sender, Arc::clone(&shared), Box::new(wake));
        // The thread holds the lock, so that whoever has it writes, and nobody waits for the disk to give it back.
        let run = move || {
            let result = writer.run();
            drop(lock);
            result
        };
        let thread =
            std::thread::Builder::new().name("store".into()).spawn(run).map_err(StoreError::Thread)?;
        let rouse = Rouse(thread.thread().clone());
        let (outbox, tickets) = (VecDeque::new(), (0, 0));
        Ok((Self { channel, rouse, outbox, acks, tickets, shared, thread, is_closing: false }, recovered))
    }

    /// Line `number` is held: its text, as it stands in the map when it is written, is on the disk soon.
    pub(crate) fn keep(&mut self, number: LineNumber, first_hand: bool) {
        self.line(number, Op::Keep { first_hand });
    }

    /// Line `number` is no longer held.
    pub(crate) fn forget(&mut self, number: LineNumber) {
        self.line(number, Op::Forget);
    }

    /// Stores `state` at once; `Ack::Stored(ticket)` says that it is on the disk. `lines` is the map of
    /// `state.job`; with another job than before, a new journal is started.
    pub(crate) fn put(&mut self, ticket: Ticket, state: Durable, lines: &SharedLines) {
        let ticket = Ticket(self.tickets.0.saturating_add(ticket.0));
        self.tickets.1 = ticket.0;
        self.send_outbox();
        let mut gathered = self.shared.gathered.lock();
        gathered.under = Some(ticket);
        let last = self.outbox.iter_mut().rev().find_map(|message| match message {
            Message::Put(waiting) => Some(waiting),
            _ => None,
        });
        if let Some(waiting) = last
            && waiting.state.job == state.job
        {
            // A newer state of the same job takes the place of one that still waits. What was gathered between the two
            // stays where it is: what goes with the message is of the job before.
            (waiting.ticket, waiting.state) = (ticket, state);
            return;
        }
        let before = std::mem::take(&mut gathered.ops);
        drop(gathered);
        self.send(Message::Put(Box::new(Put { ticket, state, lines: lines.clone(), before })));
    }

    /// Everything handed in so far goes to the disk now; `Ack::Saved(token, ...)` says whether it is there.
    pub(crate) fn save(&mut self, token: u64) {
        self.send_outbox();
        self.send(Message::Save(token));
    }

    /// The same, and then all files are read and checked; `Ack::Verified(token, ...)` says what was found.
    pub(crate) fn verify(&mut self, token: u64) {
        self.send_outbox();
        self.send(Message::Verify(token));
    }

    /// The next report of the store's thread. To be called until `None` after each wake-up.
    pub(crate) fn next_ack(&mut self) -> Option<Ack> {
        self.send_outbox();
        loop {
            match self.acks.try_recv().ok()? {
                Ack::Stored(Ticket(old)) if old <= self.tickets.0 => {}
                Ack::Stored(Ticket(ours)) => return Some(Ack::Stored(Ticket(ours - self.tickets.0))),
                other => return Some(other),
            }
        }
    }

    /// Another engine begins, whose tickets count from 1 again: nobody waits for earlier ones.
    pub(crate) fn number_anew(&mut self) {
        self.tickets.0 = self.tickets.1;
    }

    /// How many lines were kept or forgotten since they were last on the disk.
    pub(crate) fn unsaved(&self) -> usize {
        self.shared.unsaved.load(Ordering::SeqCst)
    }

    /// From here on everything that was handed in goes to the disk, and then the thread ends.
    pub(crate) fn begin_close(&mut self) {
        self.is_closing = true;
        self.send(Message::Close);
    }

    /// To be asked again and again after [`Store::begin_close`]: would [`Store::close`] return at once?
    pub(crate) fn is_finished(&mut self) -> bool {
        // What found the channel full is sent as soon as there is room.
        self.send_outbox();
        self.thread.is_finished()
    }

    /// Waits until everything is on the disk and the thread has ended. An error says what could not be saved.
    pub(crate) fn close(mut self) -> Result<(), StoreError> {
        if !self.is_closing {
            self.outbox.push_back(Message::Close);
        }
        for message in self.outbox.drain(..) {
            // A thread that has ended already says why below.
            if self.channel.send(message).is_err() {
                break;
            }
            self.rouse.0.unpark();
        }
        self.thread.join().map_err(|_| StoreError::Gone)?
    }

    /// Why it can't be waited for.
    pub(crate) fn stuck(&self, dir: &Path) -> StoreError {
        StoreError::Stuck { dir: dir.into(), unsaved: self.unsaved() }
    }

    fn line(&mut self, number: LineNumber, op: Op) {
        let mut gathered = self.shared.gathered.lock();
        let first = gathered.ops.is_empty();
        if gathered.ops.insert(number, op) {
            self.shared.unsaved.fetch_add(1, Ordering::SeqCst);
        }
        drop(gathered);
        if first && !self.outbox.iter().any(|waiting| matches!(waiting, Message::Lines(_))) {
            self.send(Message::Lines(Instant::now()));
        }
    }

    /// Sends now, or as soon as there is room: never waits, never overtakes.
    fn send(&mut self, message: Message) {
        self.outbox.push_back(message);
        self.send_outbox();
    }

    fn send_outbox(&mut self) {
        let mut told = false;
        while let Some(message) = self.outbox.pop_front() {
            let Err(refused) = self.channel.try_send(message) else {
                self.rouse.0.unpark();
                continue;
            };
            let full = matches!(refused, TrySendError::Full(_));
            self.outbox.push_front(refused.into_inner());
            // Once more after telling: the thread may have emptied the channel in between.
            if told || !full {
                return;
            }
            told = true;
            self.shared.wake_for_room.store(true, Ordering::SeqCst);
        }
    }
}

const JOURNAL: &str = "journal";
const JOURNAL_NEW: &str = "journal.new";
const STATE: &str = "state";
/// Journals of earlier jobs that are kept.
const OLD_JOURNALS: usize = 3;

/// Creates `dir` where it is missing, for good: each name is synced before anything is created below it.
fn create_dir(dir: &Path) -> Result<(), StoreError> {
    let missing: Vec<_> =
        dir.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    for path in missing.into_iter().rev() {
        match disk::create_dir(path) {
            // It is there: another process was faster, or `dir` ends with `..`.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            result => result.map_err(|error| StoreError::create(path, error))?,
        }
        sync_parent(path).map_err(|error| StoreError::io("sync the parent of", path, error))?;
    }
    if dir.is_dir() { Ok(()) } else { Err(StoreError::create(dir, io::ErrorKind::NotADirectory.into())) }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match disk::sync_dir(parent) {
        // Who may create names there, but not list them, can't sync it either; nor can some file systems.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// A node begins: both copies of its state are on the disk before its key is. So where a key is, a state was, and a key
/// alone never votes again. Of a state whose key is gone it keeps what every node may know, and nothing that binds a voter.
fn begin(dir: &Path, mut contents: Contents) -> Result<(NodeKey, Contents), StoreError> {
    if let Some(state) = &mut contents.state {
        (state.voted_for, state.members) = (None, Members::default());
        state.addresses.clear();
        // The journal has the state of the node before.
        contents.damaged = true;
    }
    let path = dir.join(STATE);
    (|| {
        let state = contents.state.clone().unwrap_or_default();
        let state = postcard::to_stdvec(&state).map_err(io::Error::other)?;
        // The directory may be older than its name on the disk.
        sync_parent(dir)?;
        let file = disk::open(&path)?;
        disk::sync_dir(dir)?;
        for _ in 0..2 {
            contents.counter = contents.counter.saturating_add(1);
            state_file::write(&file, contents.counter, &state)?;
            contents.in_slot = contents.counter;
        }
        Ok(())
    })()
    .map_err(|error| StoreError::io("write", &path, error))?;
    Ok((NodeKey::create(dir)?, contents))
}

/// A new journal is whole and synced before the old one is moved aside: if only it is there, it counts.
fn finish_rename(dir: &Path) -> Result<(), StoreError> {
    let (new, journal) = (dir.join(JOURNAL_NEW), dir.join(JOURNAL));
    if !new.is_file() {
        return Ok(());
    }
    if journal.exists() {
        disk::remove(&new).map(|_| ()).map_err(|error| StoreError::io("remove", &new, error))
    } else {
        let renamed = disk::rename(&new, &journal).and_then(|()| disk::sync_dir(dir));
        renamed.map_err(|error| StoreError::io("rename", &new, error))
    }
}

/// Gives the journal another name, and removes the oldest ones. False if there is none.
fn move_journal_aside(dir: &Path, epoch: u64) -> io::Result<bool> {
    // (n, path) of those that were moved aside before.
    let mut old = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| name.strip_prefix("journal.old-"));
        if let Some(n) = name.and_then(|rest| rest.rsplit_once('-')?.1.parse::<u64>().ok()) {
            old.push((n, entry.path()));
        }
    }
    old.sort();
    let n = old.last().map_or(0, |(n, _)| n.saturating_add(1));
    match disk::rename(&dir.join(JOURNAL), &dir.join(format!("journal.old-{epoch}-{n}"))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        result => result?,
    }
    let surplus = (old.len() + 1).saturating_sub(OLD_JOURNALS);
    for (_, path) in old.iter().take(surplus) {
        // One old journal too many is no reason to fail.
        let _ = disk::remove(path);
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
