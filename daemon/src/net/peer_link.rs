//! A peer's connection: a `Conn` whose bytes pass through a sealed `Link`.
//!
//! It joins the two and decides nothing; who it is and what to say comes from elsewhere, and the deadline of the
//! handshake is kept by `handshakes`. Text that was opened is authentic even when the same turn ends the link.

use std::io;

use lineswarm_proto::ids::PeerId;
use lineswarm_proto::limits::{HANDSHAKE_MS, PEER_TURN_BYTES};
use mio::{Registry, Token};

use super::conn::{Conn, QueueFull, ReadOutcome};
use super::dial::DialError;
use super::resolve::ResolveError;
use super::secure::{Keys, Link, LinkError, Role, sealed_bytes};

/// How a connection ended. The two about the time and number of handshakes are for who keeps `handshakes`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkEnd {
    #[error("the peer closed the link")]
    Closed,
    #[error(transparent)]
    Failed(#[from] LinkError),
    #[error(
        "no handshake within {} s: the peer is overloaded, or something else answers at that address",
        HANDSHAKE_MS / 1000
    )]
    HandshakeTimedOut,
    #[error(
        "more handshakes are under way than may be, this was the oldest; restrict who may connect with `allow`"
    )]
    HandshakeEvicted,
    #[error(transparent)]
    QueueFull(#[from] QueueFull),
    #[error("the line server closed the connection")]
    ServerClosed,
    #[error(transparent)]
    NotFound(#[from] ResolveError),
    #[error(transparent)]
    NotReached(#[from] DialError),
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

impl LinkEnd {
    /// The short name for counters.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Failed(error) => error.reason(),
            Self::HandshakeTimedOut => "handshake-timed-out",
            Self::HandshakeEvicted => "handshake-evicted",
            Self::QueueFull(_) => "queue-full",
            Self::ServerClosed => "server-closed",
            Self::NotFound(_) => "not-found",
            Self::NotReached(error) => error.reason(),
            Self::Io(_) => "io",
        }
    }
}

/// What one turn of reading gave, beside the text.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// The handshake became complete in this turn: whom it proved.
    pub(crate) opened: Option<PeerId>,
    /// There may be more: read again in the next turn without waiting for the poll.
    pub(crate) more: bool,
    /// The link is over, after the text of this turn.
    pub(crate) end: Option<LinkEnd>,
}

#[derive(Debug)]
pub(crate) struct PeerLink {
    conn: Conn,
    link: Link,
}

impl PeerLink {
    /// Says our preamble at once, so that the other side can tell why if this is refused.
    pub(crate) fn start(mut conn: Conn, keys: &Keys, role: Role) -> Result<Self, LinkEnd> {
        let mut out = Vec::new();
        let link = Link::start(keys, role, &mut out);
        conn.queue(&out)?;
        conn.flush()?;
        Ok(Self { conn, link })
    }

    /// Reads what has arrived, within the turn's budget, and appends the opened text. `buf` is scratch space.
    /// To be followed by [`PeerLink::settle`] unless the link ended.
    pub(crate) fn read_turn(&mut self, buf: &mut [u8], text: &mut Vec<u8>) -> Turn {
        let mut turn = Turn::default();
        let (before, mut budget) = (self.link.peer(), PEER_TURN_BYTES);
        while turn.end.is_none() {
            match self.conn.read(buf, &mut budget) {
                ReadOutcome::Bytes(bytes) => {
                    turn.end = self.receive(buf.get(..bytes).unwrap_or_default(), text).err();
                }
                ReadOutcome::WouldBlock => break,
                ReadOutcome::More => {
                    turn.more = true;
                    break;
                }
                ReadOutcome::Eof => {
                    turn.end = Some(self.link.on_end().map_or(LinkEnd::Closed, LinkEnd::Failed))
                }
                ReadOutcome::Err(error) => turn.end = Some(self.on_error(error)),
            }
        }
        turn.opened = self.link.peer().filter(|_| before.is_none());
        turn
    }

    /// Seals and queues; sends nothing before [`PeerLink::settle`].
    pub(crate) fn send(&mut self, text: &[u8]) -> Result<(), LinkEnd> {
        let link = &mut self.link;
        Ok(self.conn.queue_with(sealed_bytes(text.len()), |out| link.seal(text, out))??)
    }

    /// Sends what the system takes, and asks the poll for what is needed next.
    pub(crate) fn settle(&mut self, registry: &Registry, token: Token) -> Result<(), LinkEnd> {
        match self.conn.flush() {
            Ok(()) => Ok(self.conn.arm(registry, token)?),
            Err(error) => Err(self.on_error(error)),
        }
    }

    /// Sealed bytes that wait to be sent.
    pub(crate) fn queued(&self) -> usize {
        self.conn.queued()
    }

    pub(crate) fn peer(&self) -> Option<PeerId> {
        self.link.peer()
    }

    pub(crate) fn conn(&self) -> &Conn {
        &self.conn
    }

    fn receive(&mut self, bytes: &[u8], text: &mut Vec<u8>) -> Result<(), LinkEnd> {
        let mut answer = Vec::new();
        self.link.receive(bytes, text, &mut answer)?;
        Ok(self.conn.queue(&answer)?)
    }

    /// A reset during the handshake means what a close means there.
    fn on_error(&self, error: io::Error) -> LinkEnd {
        let gone = matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe);
        match self.link.on_end() {
            Some(meaning) if gone => LinkEnd::Failed(meaning),
            _ => LinkEnd::Io(error),
        }
    }
}

#[cfg(test)]
#[path = "peer_link/tests.rs"]
mod tests;
