//! What one connection brought in a turn: as it came from the line server, or opened, from a peer.
//!
//! One for all connections, as each is read once a turn and its bytes are handed on at once. It is never cleared byte
//! by byte: at one request outstanding that would cost more than all that is done with the reply.

use super::{
    conn::{Conn, ReadOutcome},
    peer_link::{PeerLink, Turn},
};
use lineswarm_proto::limits::{PEER_TURN_BYTES, RECORD_TEXT_BYTES, TURN_BYTES};

/// See the module.
#[derive(Default)]
pub(crate) struct Inbox {
    raw: Vec<u8>,
    /// With room for a turn's records and the one whose beginning the last turn brought.
    text: Vec<u8>,
    /// The bytes are the first so many of `raw`; else they are `text`.
    plain: Option<usize>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            raw: vec![0; TURN_BYTES],
            text: Vec::with_capacity(PEER_TURN_BYTES + RECORD_TEXT_BYTES),
            plain: None,
        }
    }

    /// What was read last.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.plain.map_or(&self.text, |bytes| self.raw.get(..bytes).unwrap_or_default())
    }

    /// Nothing was read.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.plain = None;
    }

    /// One read, as large as a turn allows.
    pub(crate) fn read(&mut self, server: &mut Conn) -> ReadOutcome {
        let outcome = server.read(&mut self.raw, &mut TURN_BYTES.clone());
        if let ReadOutcome::Bytes(bytes) = outcome {
            self.plain = Some(bytes);
        }
        outcome
    }

    /// What came on a sealed link.
    pub(crate) fn open(&mut self, link: &mut PeerLink) -> Turn {
        link.read_turn(&mut self.raw, &mut self.text)
    }

    /// Throws away what came; true at the end.
    pub(crate) fn drain(&mut self, server: &mut Conn) -> bool {
        let mut budget = TURN_BYTES;
        loop {
            match server.read(&mut self.raw, &mut budget) {
                ReadOutcome::Bytes(_) => {}
                ReadOutcome::WouldBlock | ReadOutcome::More => return false,
                ReadOutcome::Eof | ReadOutcome::Err(_) => return true,
            }
        }
    }
}
