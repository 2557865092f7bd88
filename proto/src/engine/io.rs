//! What goes into the engine and what comes out. Two enums, and nothing else crosses the boundary but the time.

use crate::{
    engine::{
        event::Event,
        recall::Merged,
        state::{Durable, Ticket},
    },
    ids::{LineNumber, PeerId},
    time::Moment,
    wire::control::{self, Changed, ErrorBody},
};
use core::fmt;
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

/// A connection. The engine numbers those that it dials, the shell those that it accepts; the two never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId(u64);

impl ConnId {
    const DIALLED: u64 = 1 << 63;

    /// The n-th connection that the engine dialled.
    #[must_use]
    pub fn dialled(n: u64) -> Self {
        Self(n | Self::DIALLED)
    }

    /// The n-th connection that the shell accepted.
    #[must_use]
    pub fn accepted(n: u64) -> Self {
        Self(n & !Self::DIALLED)
    }

    /// Did this end dial it?
    #[must_use]
    pub fn is_dialled(self) -> bool {
        self.0 & Self::DIALLED != 0
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_dialled() { "out-" } else { "in-" }, self.0 & !Self::DIALLED)
    }
}

/// What a control client asks the engine to change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // each is a command of docs/control-protocol.md
pub enum Command {
    Start {
        server: Option<String>,
        lines: Option<u32>,
        swarm: bool,
    },
    Pause,
    Resume,
    Reset {
        swarm: bool,
    },
    Submit {
        force: bool,
        resolve: bool,
    },
    Elect {
        to: Option<PeerId>,
    },
    Limit {
        rate: Option<f64>,
    },
    PeerAdd {
        address: String,
    },
    PeerRemove {
        id: PeerId,
        ban: bool,
    },
    PeerForget {
        id: PeerId,
    },

    Join {
        addresses: Vec<String>,
    },
    Leave,
    /// Not a change: what happened in the swarm lately, from this node's event `since` on. [`Effect::Recalled`] ends it.
    Recall {
        since: u64,
    },
    /// Every member that is not linked and that no setting names.
    PeerForgetAbsent,
}

/// Names a command, so that its reply finds the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// What happened outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Input<'a> {
    /// A connection stands: to the line server, or to the peer that the handshake showed.
    Opened {
        /// Which.
        conn: ConnId,
        /// The other node, on a peer link; `None` is the line server.
        peer: Option<PeerId>,
        /// On a peer link the other end's address, to the line server this end's.
        #[serde(with = "as_text")]
        address: SocketAddr,
    },
    /// Bytes came.
    Bytes {
        /// On which connection.
        conn: ConnId,
        /// At any split.
        bytes: &'a [u8],
    },
    /// Of what was written on `conn`, so many bytes are still unsent.
    Drained {
        /// On which connection.
        conn: ConnId,
        /// In bytes.
        queued: usize,
    },
    /// A connection ended, or could not be made. Not said after the engine's own [`Effect::Close`].
    Closed {
        /// Which.
        conn: ConnId,
        /// In words, for people.
        why: &'a str,
    },
    /// The [`crate::engine::Engine::deadline`] has come.
    Deadline,
    /// The state of this ticket, and of all before it, is on disk.
    Stored(Ticket),
    /// An operator's wish.
    Command {
        /// Comes back with the reply.
        request: RequestId,
        /// What to do.
        command: Command,
    },
    /// Discovery found an address.
    Found {
        /// Where.
        #[serde(with = "as_text")]
        address: SocketAddr,
        /// How, for people: "multicast:eth0".
        how: &'a str,
    },
    /// The daemon ends: say bye.
    Stop,
}

/// What shall happen outside.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Effect {
    /// Connect to the line server.
    DialServer {
        /// The new connection's id.
        conn: ConnId,
        /// `host:port`
        address: String,
        /// Connect from this address.
        source: Option<IpAddr>,
    },
    /// Connect to a peer and shake hands.
    DialPeer {
        /// The new connection's id.
        conn: ConnId,
        /// `host:port`
        address: String,
    },
    /// Send bytes, in order, as the other end takes them.
    Write {
        /// On which connection.
        conn: ConnId,
        /// All of them.
        bytes: Cow<'static, [u8]>,
    },
    /// Send what is queued, for a bounded time, then close.
    Close {
        /// Which connection.
        conn: ConnId,
    },
    /// Make the state durable, then say [`Input::Stored`].
    Store {
        /// Comes back.
        ticket: Ticket,
        /// All of it.
        state: Box<Durable>,
    },
    /// Save a line when it suits; its text is in the shared map.
    Keep {
        /// Which line.
        number: LineNumber,
        /// This node drew it.
        first_hand: bool,
    },
    /// A kept line is no longer held.
    Forget {
        /// Which line.
        number: LineNumber,
    },
    /// The answer to a command.
    Reply {
        /// Whose.
        request: RequestId,
        /// Done, with whom else that concerns, or why not.
        result: Result<Changed, ErrorBody>,
    },
    /// The answer to [`Command::Recall`].
    Recalled {
        /// Whose.
        request: RequestId,
        /// The swarm's events.
        merged: Box<Merged>,
    },
    /// Something worth telling happened.
    Note(Stamped),
}

/// An event with its Lamport time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stamped {
    /// Larger than that of everything that could have caused it.
    pub lamport: u64,
    /// What happened.
    pub event: Event,
}

impl Stamped {
    /// As `events` shows it.
    #[must_use]
    pub fn record(&self, seq: u64, now: Moment, node: &str) -> control::Event {
        let (level, what, fields) = self.event.describe();
        control::Event {
            seq,
            lamport: self.lamport,
            t: now.seconds(),
            time: None,
            node: node.into(),
            level: level.to_string(),
            what: what.into(),
            fields: fields.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        }
    }
}

/// An address in full: serde's own form leaves out the scope of a link-local one.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::net::SocketAddr;

    pub(super) fn serialize<S: Serializer>(address: &SocketAddr, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(address)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
        <&str>::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
