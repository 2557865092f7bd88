//! A node's disk: one queue, written in order. A state is on disk once it was acknowledged, or a crash happened to find
//! it written; lines follow within 200 ms, or before the next state. A crash keeps a random part of the queue's front.

use crate::agenda::{Agenda, Happening};
use core::time::Duration;
use lineswarm_proto::{
    engine::{
        Restored,
        state::{Durable, Ticket},
    },
    ids::{JobId, LineNumber},
    lines::SharedLines,
    time::Moment,
};
use std::collections::{BTreeMap, VecDeque};

/// Lines wait at most this long for others to be written with.
const LAZY: Duration = Duration::from_millis(200);

#[derive(Debug)]
enum Work {
    State { ready: Moment, ticket: Ticket, state: Box<Durable> },
    Keep { lines: SharedLines, number: LineNumber, first_hand: bool },
    Forget { number: LineNumber },
}

/// See the module.
#[derive(Debug, Default)]
pub struct Disk {
    state: Option<Durable>,
    lines: BTreeMap<LineNumber, (Vec<u8>, bool)>,
    queue: VecDeque<Work>,
    busy_until: Moment,
    flushing: bool,
    /// Every state takes that much longer.
    pub slow: Duration,
    /// It is never busy with anything else.
    pub steady: bool,
}

impl Disk {
    /// What survives a crash now.
    #[must_use]
    pub fn state(&self) -> Option<&Durable> {
        self.state.as_ref()
    }

    /// How many lines survive a crash now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn store(
        &mut self,
        (node, life): (usize, u32),
        (ticket, state): (Ticket, Box<Durable>),
        rng: &mut fastrand::Rng,
        agenda: &mut Agenda,
    ) {
        // Mostly a few milliseconds, now and then a disk that is busy with something else.
        let micros =
            if rng.u8(..) < 8 && !self.steady { rng.u64(20_000..300_000) } else { rng.u64(100..8_000) };
        let ready = agenda.now().max(self.busy_until) + Duration::from_micros(micros) + self.slow;
        self.busy_until = ready;
        self.queue.push_back(Work::State { ready, ticket, state });
        agenda.plan(ready, Happening::Stored { node, life });
    }

    pub(crate) fn keep(&mut self, lines: &SharedLines, number: LineNumber, first_hand: bool) {
        self.queue.push_back(Work::Keep { lines: lines.clone(), number, first_hand });
    }

    pub(crate) fn forget(&mut self, number: LineNumber) {
        self.queue.push_back(Work::Forget { number });
    }

    /// Plans the writing of lines, if any wait and none is planned.
    pub(crate) fn flush_later(&mut self, (node, life): (usize, u32), agenda: &mut Agenda) {
        if !self.flushing && !self.queue.is_empty() {
            self.flushing = true;
            agenda.plan_in(LAZY, Happening::Flush { node, life });
        }
    }

    /// The states that are ready, and all before them, are on disk. Returns the newest one's ticket.
    pub(crate) fn on_ready(&mut self, now: Moment) -> Option<Ticket> {
        let mut newest = None;
        let ready = |work: &Work| matches!(work, Work::State { ready, .. } if *ready <= now);
        while self.queue.iter().any(ready) {
            newest = self.write_one().or(newest);
        }
        newest
    }

    /// Writes lines, up to the first state that is not ready.
    pub(crate) fn flush(&mut self) {
        self.flushing = false;
        while self.queue.front().is_some_and(|work| !matches!(work, Work::State { .. })) {
            self.write_one();
        }
    }

    fn write_one(&mut self) -> Option<Ticket> {
        match self.queue.pop_front()? {
            Work::State { ticket, state, .. } => {
                if self.state.as_ref().is_none_or(|before| differs(&before.job, &state.job)) {
                    self.lines.clear();
                }
                self.state = Some(*state);
                return Some(ticket);
            }
            Work::Keep { lines, number, first_hand } => {
                if let Some(text) = lines.get(number, <[u8]>::to_vec) {
                    self.lines.insert(number, (text, first_hand));
                }
            }
            Work::Forget { number } => {
                self.lines.remove(&number);
            }
        }
        None
    }

    /// The power goes. What was under way may have been written or not, in order.
    pub(crate) fn crash(&mut self, rng: &mut fastrand::Rng) {
        for _ in 0..rng.usize(..=self.queue.len()) {
            self.write_one();
        }
        self.queue.clear();
        self.busy_until = Moment::ZERO;
        self.flushing = false;
    }

    /// Somebody writes a text into the journal, as if a peer had sent it.
    pub(crate) fn forge(&mut self, number: LineNumber, text: Vec<u8>) {
        self.lines.insert(number, (text, false));
    }

    /// What a daemon that starts now reads back.
    pub(crate) fn restored(&self) -> Restored {
        let lines = SharedLines::new();
        for (&number, (text, _)) in &self.lines {
            lines.insert(number, text);
        }
        let hearsay = self.lines.iter().filter(|(_, (_, first_hand))| !first_hand);
        Restored {
            state: self.state.clone(),
            lines,
            hearsay: hearsay.map(|(&number, _)| number).collect(),
            last_event: 0,
        }
    }
}

/// Another journal file: the number of lines may be learnt later, the rest names the job.
fn differs(a: &JobId, b: &JobId) -> bool {
    (&a.swarm, a.epoch, &a.label) != (&b.swarm, b.epoch, &b.label)
}
