//! What one input made the server do, in order, without an allocation per reply.

use super::{ConnId, Event};

/// What the caller must do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// Send these bytes. Each `Write` is a segment of its own.
    Write {
        /// To whom.
        conn: ConnId,
        /// What.
        bytes: &'a [u8],
    },
    /// Close after what was written; the server has forgotten the connection.
    Close {
        /// Which.
        conn: ConnId,
    },
    /// Tell the operator.
    Event(Event),
}

/// Collects outputs; writes to one connection in a row become one.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    steps: std::collections::VecDeque<Step>,
    bytes: Vec<u8>,
    /// How much of `bytes` was given out.
    given: usize,
    /// The next write must not join the last one.
    sealed: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Write { conn: ConnId, upto: usize },
    Close(ConnId),
    Event(Event),
}

/// More than this is not kept for the next input.
const KEPT_BYTES: usize = 256 * 1024;

impl Outbox {
    pub(super) fn write(&mut self, conn: ConnId, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let end = self.bytes.len();
        match self.steps.back_mut() {
            Some(Step::Write { conn: last, upto }) if *last == conn && !self.sealed => *upto = end,
            _ => self.steps.push_back(Step::Write { conn, upto: end }),
        }
        self.sealed = false;
    }

    /// What follows is a segment of its own.
    pub(super) fn seal(&mut self) {
        self.sealed = true;
    }

    pub(super) fn close(&mut self, conn: ConnId) {
        self.steps.push_back(Step::Close(conn));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.steps.push_back(Step::Event(event));
    }

    /// Bytes not given out yet.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.given
    }

    pub(super) fn is_drained(&self) -> bool {
        self.steps.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<Output<'_>> {
        match self.steps.pop_front() {
            Some(Step::Write { conn, upto }) => {
                let bytes = self.bytes.get(self.given..upto).unwrap_or_default();
                self.given = upto;
                Some(Output::Write { conn, bytes })
            }
            Some(Step::Close(conn)) => Some(Output::Close { conn }),
            Some(Step::Event(event)) => Some(Output::Event(event)),
            None => {
                self.bytes.clear();
                self.bytes.shrink_to(KEPT_BYTES);
                (self.given, self.sealed) = (0, false);
                None
            }
        }
    }
}
