//! How the event loop hands lines and states to the store's thread (`daemon/src/store/mod.rs`, `thread.rs`), as a model of
//! the same steps under shuttle: the gathered map under its lock, the bounded channel with its markers, states that
//! replace each other while they wait for room. Shuttle tries orders of the two threads at random, repeatably.
//!
//! Promised, in every order: nobody waits for ever; a line that was handed in under a job is on that job's disk when the
//! store is closed, on no other's, and `unsaved` is 0; a state is acknowledged in order, after the lines before it.
//!
//! The model has the rules and not the files. Where a rule changes there, it must change here.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used)]

use shuttle::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel},
    },
    thread,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Messages that the channel holds; small, so that it is often full.
const QUEUE: usize = 2;

type Line = u32;
type Job = u32;
type Ticket = u64;

enum Message {
    /// The gathered map was empty and is no longer.
    Lines,
    Put {
        ticket: Ticket,
        job: Job,
        before: BTreeSet<Line>,
    },
    Close,
}

#[derive(Default)]
struct Gathered {
    under: Option<Ticket>,
    lines: BTreeSet<Line>,
}

#[derive(Default)]
struct Shared {
    gathered: Mutex<Gathered>,
    unsaved: AtomicUsize,
}

/// The event loop's end.
struct Store {
    channel: SyncSender<Message>,
    outbox: VecDeque<Message>,
    shared: Arc<Shared>,
    /// What waited for room joins with what replaces it. The store once did so; `the_model_finds_it` shows.
    joins_what_waits: bool,
}

impl Store {
    fn keep(&mut self, line: Line) {
        let mut gathered = self.shared.gathered.lock().unwrap();
        let first = gathered.lines.is_empty();
        if gathered.lines.insert(line) {
            self.shared.unsaved.fetch_add(1, Ordering::SeqCst);
        }
        drop(gathered);
        if first && !self.outbox.iter().any(|waiting| matches!(waiting, Message::Lines)) {
            self.outbox.push_back(Message::Lines);
            self.send_outbox();
        }
    }

    fn put(&mut self, ticket: Ticket, job: Job) {
        self.send_outbox();
        let mut gathered = self.shared.gathered.lock().unwrap();
        gathered.under = Some(ticket);
        let last = self.outbox.iter_mut().rev().find_map(|message| match message {
            Message::Put { ticket, job, before } => Some((ticket, job, before)),
            _ => None,
        });
        if let Some((waits, its, before)) = last
            && *its == job
        {
            *waits = ticket;
            if self.joins_what_waits {
                before.append(&mut gathered.lines);
            }
            return;
        }
        let before = std::mem::take(&mut gathered.lines);
        drop(gathered);
        self.outbox.push_back(Message::Put { ticket, job, before });
        self.send_outbox();
    }

    fn send_outbox(&mut self) {
        while let Some(message) = self.outbox.pop_front() {
            match self.channel.try_send(message) {
                Ok(()) => {}
                Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                    self.outbox.push_front(message);
                    return;
                }
            }
        }
    }

    fn close(mut self) {
        self.outbox.push_back(Message::Close);
        for message in self.outbox.drain(..) {
            self.channel.send(message).unwrap();
        }
    }
}

/// The thread's end, with its disk.
struct Writer {
    inbox: Receiver<Message>,
    shared: Arc<Shared>,
    /// What each job's journal holds.
    disk: BTreeMap<Job, BTreeSet<Line>>,
    acks: Vec<Ticket>,
    job: Job,
    newest: Option<Ticket>,
    ticket: Option<Ticket>,
    lines: BTreeSet<Line>,
    taken: usize,
    due: bool,
}

impl Writer {
    fn run(mut self) -> Self {
        loop {
            // With something due it waits no longer than until then: it may find nothing, and commits.
            let message = if self.due {
                match self.inbox.try_recv() {
                    Ok(message) => Some(message),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => Some(Message::Close),
                }
            } else {
                Some(self.inbox.recv().unwrap_or(Message::Close))
            };
            match message {
                None => {
                    self.commit();
                    self.settle();
                    self.due = false;
                }
                Some(Message::Lines) => self.due = true,
                Some(Message::Put { ticket, job, before }) => self.take_state(ticket, job, before),
                Some(Message::Close) => {
                    self.commit();
                    self.settle();
                    return self;
                }
            }
        }
    }

    fn take_state(&mut self, ticket: Ticket, job: Job, mut before: BTreeSet<Line>) {
        self.taken += before.len();
        self.lines.append(&mut before);
        if job != self.job {
            self.commit();
            self.settle();
        }
        (self.job, self.newest, self.ticket) = (job, Some(ticket), Some(ticket));
        self.due = true;
    }

    fn commit(&mut self) {
        let mut gathered = self.shared.gathered.lock().unwrap();
        if gathered.under == self.newest {
            self.taken += gathered.lines.len();
            self.lines.append(&mut gathered.lines);
        }
        drop(gathered);
        self.disk.entry(self.job).or_default().append(&mut self.lines);
        self.acks.extend(self.ticket.take());
    }

    fn settle(&mut self) {
        self.shared.unsaved.fetch_sub(std::mem::take(&mut self.taken), Ordering::SeqCst);
    }
}

/// One life of a store: lines and states of three jobs, in an order that is chosen here.
fn life(joins_what_waits: bool) {
    use shuttle::rand::{Rng, thread_rng};
    let (channel, inbox) = sync_channel(QUEUE);
    let shared = Arc::new(Shared::default());
    let writer = Writer {
        inbox,
        shared: Arc::clone(&shared),
        disk: BTreeMap::new(),
        acks: Vec::new(),
        job: 0,
        newest: None,
        ticket: None,
        lines: BTreeSet::new(),
        taken: 0,
        due: false,
    };
    let thread = thread::spawn(move || writer.run());
    let mut store = Store { channel, outbox: VecDeque::new(), shared: Arc::clone(&shared), joins_what_waits };
    let (mut job, mut ticket) = (0, 0);
    let mut handed_in: BTreeMap<Job, BTreeSet<Line>> = BTreeMap::new();
    for line in 0..12 {
        match thread_rng().gen_range(0..4) {
            0 => {
                job += u32::from(job < 2 && thread_rng().gen_range(0..2) == 0);
                ticket += 1;
                store.put(ticket, job);
            }
            1 => store.send_outbox(),
            _ => {
                // A number of its job alone: what is found elsewhere was mixed up.
                let line = job * 100 + line;
                handed_in.entry(job).or_default().insert(line);
                store.keep(line);
            }
        }
    }
    store.close();
    let writer = thread.join().unwrap();
    let disk: BTreeMap<_, _> = writer.disk.into_iter().filter(|(_, lines)| !lines.is_empty()).collect();
    assert_eq!(disk, handed_in, "each line is on the disk of its job");
    assert_eq!(shared.unsaved.load(Ordering::SeqCst), 0, "and counted so");
    assert!(writer.acks.is_sorted_by(|a, b| a < b), "acknowledged in order: {:?}", writer.acks);
    assert_eq!(writer.acks.last().copied().unwrap_or_default(), ticket, "and all of them");
}

#[test]
fn in_no_order_is_a_line_lost_or_mixed_up_or_anybody_left_waiting() {
    shuttle::check_random(|| life(false), 5_000);
    shuttle::check_pct(|| life(false), 2_000, 3);
}

#[test]
#[should_panic(expected = "each line is on the disk of its job")]
fn the_model_finds_what_was_once_wrong() {
    // It ends at the first that is found, mostly within a few hundred.
    shuttle::check_random(|| life(true), 200_000);
}
