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
    /// The server may have found these requests together with others.
    overlaps: bool,
    role: Role,
}

#[derive(Debug, Default)]
pub(super) struct Flight {
    batches: VecDeque<Batch>,
    pub(super) outstanding: u32,
    /// Of these, so many were sent together, or while others were under way.
    pub(super) overlapping: u32,
}

/// The request that a reply belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Replied {
    pub(super) sent: Micros,
    pub(super) role: Role,
    /// The first of its batch.
    pub(super) first: bool,
    /// Nothing was sent after its batch, so that the reply can't belong to a later request.
    pub(super) newest: bool,
    /// Its round trip may be learnt from.
    pub(super) timed: bool,
}

impl Flight {
    pub(super) fn push(&mut self, at: Micros, count: u32, role: Role) {
        let overlaps = self.outstanding > 0 || count > 1;
        self.batches.push_back(Batch { at, left: count, whole: true, timed: true, overlaps, role });
        self.outstanding += count;
        self.overlapping += if overlaps { count } else { 0 };
    }

    pub(super) fn pop(&mut self) -> Option<Replied> {
        let newest = self.batches.len() == 1;
        let batch = self.batches.front_mut()?;
        let replied = Replied {
            sent: batch.at,
            role: batch.role,
            first: batch.whole,
            newest,
            timed: batch.whole && batch.timed,
        };
        batch.whole = false;
        batch.left -= 1;
        self.overlapping -= u32::from(batch.overlaps);
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

    /// When the newest of them was sent.
    pub(super) fn newest(&self) -> Option<Micros> {
        self.batches.back().map(|batch| batch.at)
    }

    /// The replies to come say nothing of the round trip.
    pub(super) fn forget_timing(&mut self) {
        for batch in &mut self.batches {
            batch.timed = false;
        }
    }
}
