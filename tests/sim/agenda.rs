//! What happens when. Two things of the same moment happen in the order in which they were planned, so that a run
//! depends on nothing but its seed.

use crate::{net::WireId, world::Action};
use core::time::Duration;
use lineswarm_proto::time::Moment;
use std::collections::BTreeMap;

/// One of the two directions of a wire: from that end to the other.
pub(crate) type Way = usize;

/// What a wire carries.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// The n-th of its direction.
    Bytes(u64, Vec<u8>),
    /// The n-th and last.
    End(u64),
    /// The connection is no more, whatever was under way.
    Reset(&'static str),
    /// What waits may go on.
    Again,
}

/// Something that will happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A node's deadline, unless it was set anew since.
    Wake { node: usize, alarm: u64 },
    /// The line server's.
    ServerWake,
    /// A connection being made takes its next step.
    Greet { wire: WireId, step: u8 },
    /// A piece reaches the other end.
    Arrive { wire: WireId, way: Way, piece: Piece },
    /// A writer learns how much of what it wrote is unsent.
    Drained { wire: WireId, way: Way },
    /// A closed end has had its time to send what was queued.
    Linger { wire: WireId, way: Way },
    /// A node's disk has finished a state.
    Stored { node: usize, life: u32 },
    /// A node's disk writes its lines.
    Flush { node: usize, life: u32 },
    /// A fault, its end, or an operator.
    Act(Action),
}

/// The future, in order.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    now: Moment,
    planned: u64,
    future: BTreeMap<(Moment, u64), Happening>,
}

impl Agenda {
    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    pub(crate) fn plan(&mut self, at: Moment, what: Happening) {
        self.planned += 1;
        self.future.insert((at.max(self.now), self.planned), what);
    }

    pub(crate) fn plan_in(&mut self, wait: Duration, what: Happening) {
        self.plan(self.now + wait, what);
    }

    /// The next happening, if it is due by `until`; time moves to it, or to `until`.
    pub(crate) fn next(&mut self, until: Moment) -> Option<Happening> {
        let entry = self.future.first_entry().filter(|entry| entry.key().0 <= until);
        let Some(entry) = entry else {
            self.now = self.now.max(until);
            return None;
        };
        let ((at, _), what) = entry.remove_entry();
        self.now = at;
        Some(what)
    }
}
