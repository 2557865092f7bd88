//! What one connection brought in a turn: as it came from the line server, or opened, from a peer.
//!
//! One for all connections, as each is read once a turn and its bytes are handed on at once. It is never cleared byte
//! by byte: at one request outstanding that would cost more than all that is done with the reply.

use super::{
    conn::{Conn, ReadOutcome},
    peer_link::{PeerLink, Turn},
};
use lineswarm_proto::limits::{PEER_TURN_BYTES, TURN_BYTES};

/// Room at first: what comes at a limited rate is shorter.
const FIRST_BYTES: usize = 4 * 1024;

/// See the module.
#[derive(Default)]
pub(crate) struct Inbox {
    /// Twice as long after it was full.
    raw: Vec<u8>,
    text: Vec<u8>,
    /// The bytes are the first so many of `raw`; else they are `text`.
    plain: Option<usize>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { raw: vec![0; FIRST_BYTES], text: Vec::new(), plain: None }
    }

    /// What was read last.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.plain.map_or(&self.text, |bytes| self.raw.get(..bytes).unwrap_or_default())
    }

    /// What was read is done with. If it took all the room, the next may need more.
    pub(crate) fn clear(&mut self) {
        if self.plain.is_some_and(|bytes| bytes == self.raw.len()) {
            self.grow(TURN_BYTES);
        }
        self.text.clear();
        self.plain = None;
    }

    /// One read; true if it left room, so that nothing more has come.
    pub(crate) fn read(&mut self, server: &mut Conn) -> (ReadOutcome, bool) {
        let outcome = server.read(&mut self.raw, &mut TURN_BYTES.clone());
        if let ReadOutcome::Bytes(bytes) = outcome {
            self.plain = Some(bytes);
            return (outcome, bytes < self.raw.len());
        }
        (outcome, false)
    }

    /// What came on a sealed link.
    pub(crate) fn open(&mut self, link: &mut PeerLink) -> Turn {
        let turn = link.read_turn(&mut self.raw, &mut self.text);
        if self.text.len() >= self.raw.len() {
            self.grow(PEER_TURN_BYTES);
        }
        turn
    }

    fn grow(&mut self, most: usize) {
        let bytes = self.raw.len();
        self.raw.resize((2 * bytes).min(most).max(bytes), 0);
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
