//! The requests under way: a queue of batches, so that millions of replies a second cost a decrement each.
//! Invariant: `outstanding` is the sum of the batches' counts, and no batch is empty.

use super::{Micros, Role};
use std::collections::VecDeque;

#[derive(Debug)]
struct Batch {
    at: Micros,
    left: u32,
    whole: bool,
    timed: bool,
    role: Role,
}

#[derive(Debug, Default)]
pub(super) struct Flight {
    batches: VecDeque<Batch>,
    pub(super) outstanding: u32,
}

/// The request that a reply belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replied {
    pub(super) sent: Micros,
    pub(super) role: Role,
    /// The first of its batch.
    pub(super) first: bool,
    /// Its round trip may be learnt from.
    pub(super) timed: bool,
}

impl Flight {
    pub(super) fn push(&mut self, at: Micros, count: u32, role: Role) {
        self.batches.push_back(Batch { at, left: count, whole: true, timed: true, role });
        self.outstanding += count;
    }

    pub(super) fn pop(&mut self) -> Option<Replied> {
        let batch = self.batches.front_mut()?;
        let replied = Replied {
            sent: batch.at,
            role: batch.role,
            first: batch.whole,
            timed: batch.whole && batch.timed,
        };
        batch.whole = false;
        batch.left -= 1;
        if batch.left == 0 {
            self.batches.pop_front();
        }
        self.outstanding -= 1;
        Some(replied)
    }

    /// When the next reply's request was sent, if an earlier one of the same batch was replied to.
    pub(super) fn following(&self) -> Option<Micros> {
        self.batches.front().filter(|batch| !batch.whole).map(|batch| batch.at)
    }

    /// The replies to come say nothing of the round trip.
    pub(super) fn forget_timing(&mut self) {
        for batch in &mut self.batches {
            batch.timed = false;
        }
    }
}
