//! What the server remembers of a connection and of an address.

use super::{
    ConnId, Ending, Settings,
    draws::Met,
    limiter::Limiter,
    outbox::Outbox,
    settings::{RateSchedule, Refusal},
    tally::Tally,
};
use crate::time::Moment;
use core::mem::size_of;
use std::{collections::VecDeque, net::IpAddr};

/// An address: it outlives its connections.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) start: Moment,
    /// Lines sent since then.
    pub(super) sent: u64,
    /// Its limiter, where addresses have one.
    pub(super) gate: Gate,
    /// Its connections, the oldest first.
    pub(super) conns: Vec<ConnId>,
}

/// A connection, but for its reader.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: ConnId,
    pub(super) ip: IpAddr,
    pub(super) start: Moment,
    /// Lines sent to it.
    pub(super) sent: u64,
    /// Those of them that its address's session does not count yet.
    pub(super) unbooked: u64,
    /// Its limiter, where connections have one.
    pub(super) gate: Gate,
    /// A SUBMIT under way.
    pub(super) tally: Option<Tally>,
    /// What the latest SUBMIT had wrong.
    pub(super) wrong: Option<Met>,
    /// Replies that leave later, in order.
    pub(super) queue: VecDeque<Planned>,
    /// What those hold in memory, about.
    pub(super) queued_bytes: usize,
    /// Nothing more is read from it; it is closed, for that reason, when `queue` is empty.
    pub(super) ended: Option<Ending>,
    /// It must be closed, for that reason, after what was written.
    pub(super) closing: Option<Ending>,
}

/// A reply that leaves at its time.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) at: Moment,
    pub(super) answer: Answer,
    pub(super) manner: Manner,
}

#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// A line of the file, counted from 0.
    Line(u32),
    Refusal,
    Bytes(Vec<u8>),
}

/// How a reply leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Whole,
    /// The first field, then the rest.
    TwoWrites,
    /// Pieces of so many bytes.
    Pieces(usize),
    /// Half of it, then the end of the connection.
    Cut,
}

impl Planned {
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + if let Answer::Bytes(bytes) = &self.answer { bytes.len() } else { 0 }
    }

    /// Writes the reply. Was it cut?
    pub(super) fn leave(&self, conn: ConnId, file: &super::File, refusal: Refusal, out: &mut Outbox) -> bool {
        let bytes = match &self.answer {
            Answer::Line(index) => file.reply(*index),
            Answer::Refusal => refusal.bytes(),
            Answer::Bytes(bytes) => bytes,
        };
        match self.manner {
            Manner::Whole => out.write(conn, bytes),
            Manner::TwoWrites => {
                let first = memchr::memchr(b'\n', bytes).map_or(0, |end| end + 1);
                let (first, rest) = bytes.split_at_checked(first).unwrap_or((bytes, &[]));
                out.seal();
                out.write(conn, first);
                out.seal();
                out.write(conn, rest);
                out.seal();
            }
            Manner::Pieces(size) => {
                for piece in bytes.chunks(size.max(1)) {
                    out.seal();
                    out.write(conn, piece);
                }
                out.seal();
            }
            Manner::Cut => out.write(conn, bytes.get(..bytes.len() / 2).unwrap_or_default()),
        }
        self.manner == Manner::Cut
    }
}

/// A limiter that follows the rate schedule.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    limiter: Limiter,
    changes: usize,
}

impl Gate {
    pub(super) fn new(settings: &Settings, now: Moment) -> Self {
        let limiter = Limiter::new(settings.limiter, settings.rate.first(), settings.burst, now);
        Self { limiter, changes: 0 }
    }

    /// A request arrives: is it answered? The schedule's times count from `origin`, once there is one.
    pub(super) fn allows(&mut self, schedule: &RateSchedule, origin: Option<Moment>, now: Moment) -> bool {
        while let (Some(origin), Some((at, rate))) = (origin, schedule.change(self.changes)) {
            if origin + at > now {
                break;
            }
            self.limiter.set_rate(rate, origin + at);
            self.changes += 1;
        }
        self.limiter.allows(now)
    }
}
