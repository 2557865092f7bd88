//! The line server as a state machine: what the real one does, to the byte, for rehearsal, tests and simulation
//! (docs/line-protocol.md). `lineserver` puts it on a socket, the simulator on a fake network.
//!
//! The caller hands in what happened ([`Input`]) and the time, takes every [`Output`], and comes back at
//! [`LineServer::deadline`]. Same settings, seeds and inputs: same outputs.

mod client;
mod draws;
mod file;
pub mod limiter;
mod outbox;
mod server;
mod settings;
mod tally;
mod text;

pub use draws::nth_draw;
pub use file::File;
pub use limiter::LimiterKind;
pub use outbox::Output;
pub use server::LineServer;
pub use settings::{Chaos, LimitBy, OnePerIp, RateSchedule, Refusal, Settings, Single};

use crate::{
    limits,
    time::Moment,
    wire::line::{Failure, Score},
};
use core::{fmt, time::Duration};
use std::net::IpAddr;

/// A connection, in the caller's count. Not used again before all other numbers were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// What happened. What is said of a connection that the server has closed is ignored.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A client connected.
    Opened {
        /// A new one.
        conn: ConnId,
        /// Its address: the session.
        ip: IpAddr,
    },
    /// Bytes came, in one segment.
    Bytes {
        /// From whom.
        conn: ConnId,
        /// What.
        bytes: &'a [u8],
    },
    /// The client will send no more, but may still read.
    Ended {
        /// Which.
        conn: ConnId,
    },
    /// The connection is gone.
    Closed {
        /// Which.
        conn: ConnId,
    },
    /// [`LineServer::deadline`] has come. A late or needless one does no harm.
    Deadline,
}

/// What the operator may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A client connected (it may be turned away at once).
    Connected {
        /// Its connection.
        conn: ConnId,
        /// Its address.
        ip: IpAddr,
    },
    /// A connection ended.
    Disconnected {
        /// Which.
        conn: ConnId,
        /// The client's address.
        ip: IpAddr,
        /// Lines that it was sent.
        sent: u64,
        /// Why.
        reason: Ending,
    },
    /// The first line was drawn: the clock of the run starts.
    FirstDraw {
        /// By which connection.
        conn: ConnId,
        /// From which address.
        ip: IpAddr,
    },
    /// A SUBMIT was read, or could not be.
    Submitted {
        /// By which connection.
        conn: ConnId,
        /// From which address.
        ip: IpAddr,
        /// What it was told.
        outcome: Box<Result<Score, Failure>>,
    },
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client ended it.
    ByClient,
    /// Another connection of this address was there.
    Rejected,
    /// Another connection of this address came.
    Replaced,
    /// Cut in the middle of a reply, on purpose.
    Cut,
    /// [`limits::CLIENTS`] were there.
    Crowded,
    /// A request line or a text passed its limit.
    TooLong,
    /// [`limits::REPLIES_BYTES`] were waiting for the client.
    Flooded,
    /// Several requests at once, where that is not allowed.
    Several,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByClient => "closed by the client",
            Self::Rejected => "rejected: one connection per address",
            Self::Replaced => "replaced: one connection per address",
            Self::Cut => "cut on purpose",
            Self::Crowded => "too many clients",
            Self::TooLong => "request too long",
            Self::Flooded => "too many unread replies",
            Self::Several => "several requests at once",
        })
    }
}

/// What was counted, over all clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Lines drawn.
    pub draws: u64,
    /// Requests refused.
    pub refusals: u64,
    /// The index of the draw after which every line was sent at least once.
    pub draws_needed: Option<u64>,
    /// When the first line was drawn.
    pub first_draw: Option<Moment>,
    /// SUBMITs, whatever came of them.
    pub submits: u64,
    /// SUBMITs of the right file.
    pub right_submits: u64,
    /// When the first right one was read.
    pub first_right: Option<Moment>,
    /// Lines that were no request, or segments that `single` ignored.
    pub ignored: u64,
}

impl Totals {
    /// From the first draw to the first right submit.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        Some(self.first_right?.since(self.first_draw?))
    }
}

/// What a line server can't be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A rate schedule.
    #[error(
        "{given:?} is no rate: {why}; give lines a second, 0 for no limit, or a schedule like 100,30@7s,300@14s"
    )]
    Rate {
        /// What was given.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A chaos specification.
    #[error(
        "{given:?} is no chaos: {why}; give a list of delay=P:MS, split=P:BYTES, cut=P, silent=P, garbage=P \
         with probabilities P from 0 to 1"
    )]
    Chaos {
        /// What was given.
        given: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file without a line.
    #[error("the file has no lines, so nothing can be drawn; give a file with at least one line")]
    NoLines,
    /// A file of too many lines.
    #[error("the file has more than {} lines; give a shorter one", limits::LINES)]
    TooManyLines,
    /// A line that is too long.
    #[error(
        "line {line} of the file is {bytes} bytes long, above the limit of {}; break it",
        limits::TEXT_BYTES
    )]
    TextTooLong {
        /// Counted from 1.
        line: usize,
        /// Its length.
        bytes: usize,
    },
    /// A text with a line feed.
    #[error("line {line} of the file holds a line feed, which would end it; break it there")]
    LineFeed {
        /// Counted from 1.
        line: usize,
    },
}

#[cfg(test)]
mod tests;
