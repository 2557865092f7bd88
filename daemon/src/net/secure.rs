//! A sealed peer link as a state machine: received bytes in, opened text and bytes to send out.
//!
//! No socket, no clock: the caller moves the bytes and keeps the deadline of the handshake. The bytes are
//! described in `docs/peer-links.md`. Received bytes may be split anywhere. Nothing received is believed before
//! it is authenticated, an error ends the link for good, and at most one unfinished piece (65,537 bytes) is kept.

use std::fmt;

use lineswarm_proto::ids::PeerId;
use lineswarm_proto::limits::{HANDSHAKE_BYTES, RECORD_TEXT_BYTES, RECORDS_PER_KEY};
use sha2::{Digest, Sha256};
use snow::params::DHChoice;
use snow::resolvers::{BoxedCryptoResolver, CryptoResolver, DefaultResolver};
use snow::{Builder, HandshakeState, TransportState};
use zeroize::Zeroizing;

pub(crate) const WIRE_VERSION: u16 = 1;
const MAGIC: [u8; 4] = *b"LSWM";
const PREAMBLE_BYTES: usize = 8;
const LENGTH_BYTES: usize = 2;
const TAG_BYTES: usize = 16;
const NOISE: &str = "Noise_XXpsk0_25519_AESGCM_SHA256";
/// An emptied buffer above this goes back to the allocator.
const KEEP_BYTES: usize = 4 * 1024;

/// Why a link ended, or could not begin. Says what, why and the hint, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("not a lineswarm peer: its first bytes are another protocol's; check the address and port")]
    NotLineswarm,
    #[error("the peer speaks wire version {theirs}, this daemon {ours}; run the same release on both")]
    Version { theirs: u16, ours: u16 },
    #[error(
        "the peer has another swarm key, or one of the two has none; give both the same key file (swarm.key-file)"
    )]
    WrongKey,
    #[error(
        "a handshake message of {bytes} bytes, more than {HANDSHAKE_BYTES}; the peer is broken or hostile"
    )]
    HandshakeTooLong { bytes: usize },
    #[error(
        "a handshake message does not open: it was changed on the way, replayed, or its sender lacks the swarm key; \
         the peer is dialled again"
    )]
    HandshakeDamaged,
    #[error(
        "a sealed record does not open: it was changed, repeated or left out on the way; the link is made anew"
    )]
    Damaged,
    #[error(
        "the peer closed the connection before it said anything: it is no lineswarm peer, it is full, or its `allow` \
         leaves this address out; its log says which"
    )]
    ClosedEarly,
    #[error(
        "closed during the handshake, probably another key; compare swarm.key-file on both, its log says more"
    )]
    ClosedInHandshake,
    #[error("the dialling peer gave up during the handshake; its log says why")]
    DiallerGone,
    #[error(
        "the connection ended inside a record: the peer died or the network cut it; the link is made anew"
    )]
    CutShort,
    #[error("the handshake is not complete, nothing can be sent yet; this is a bug, please report it")]
    NotOpen,
    #[error("the link has already ended; this is a bug, please report it")]
    Over,
    #[error("the system gives no random numbers for a key; check that getrandom(2) is permitted")]
    NoRandomness,
    #[error("the cryptographic library refused its task; this is a bug, please report it")]
    Library,
}

impl LinkError {
    /// The short name for counters and for `docs/peer-links.md`.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::NotLineswarm => "not-lineswarm",
            Self::Version { .. } => "version",
            Self::WrongKey => "wrong-key",
            Self::HandshakeTooLong { .. } => "handshake-too-long",
            Self::HandshakeDamaged => "handshake-damaged",
            Self::Damaged => "damaged",
            Self::ClosedEarly => "closed-early",
            Self::ClosedInHandshake => "closed-in-handshake",
            Self::DiallerGone => "dialler-gone",
            Self::CutShort => "cut-short",
            Self::NotOpen => "not-open",
            Self::Over => "over",
            Self::NoRandomness => "no-randomness",
            Self::Library => "library",
        }
    }

    /// For what snow refuses while we speak: the peer has no part in it.
    fn ours(error: &snow::Error) -> Self {
        match error {
            snow::Error::Rng => Self::NoRandomness,
            _ => Self::Library,
        }
    }
}

/// What a node is (its static key pair) and where it belongs (the swarm's key).
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) private: Zeroizing<[u8; 32]>,
    pub(crate) public: [u8; 32],
    pub(crate) psk: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// `key_file` is the content of the swarm's key file, byte for byte; without one the swarm is open.
    pub(crate) fn new(private: [u8; 32], key_file: Option<&[u8]>) -> Result<Self, LinkError> {
        let private = Zeroizing::new(private);
        let mut pair = DefaultResolver.resolve_dh(&DHChoice::Curve25519).ok_or(LinkError::Library)?;
        pair.set(private.as_slice());
        let public = pair.pubkey().try_into().map_err(|_| LinkError::Library)?;
        let psk = match key_file {
            Some(key) => Sha256::new().chain_update(b"lineswarm swarm key 1\0").chain_update(key),
            None => Sha256::new().chain_update(b"lineswarm open swarm 1\0"),
        };
        Ok(Self { private, public, psk: Zeroizing::new(psk.finalize().into()) })
    }

    pub(crate) fn id(&self) -> PeerId {
        PeerId::of_key(&self.public)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("id", &self.id()).finish_non_exhaustive()
    }
}

/// Who opened the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Dialler,
    Listener,
}

/// One end of a sealed link.
pub(crate) struct Link {
    role: Role,
    state: State,
    /// The beginning of a piece (preamble, handshake message, record) whose end has not arrived.
    partial: Vec<u8>,
    peer: Option<PeerId>,
}

enum State {
    /// Waiting for the peer's preamble. Small: a connection that says nothing costs no cryptography.
    Preamble {
        keys: Box<Keys>,
        resolver: BoxedCryptoResolver,
    },
    /// `answered`: as listener, the first message has been accepted and answered.
    Handshake {
        noise: Box<HandshakeState>,
        answered: bool,
    },
    Open(Box<TransportState>),
    Over,
}

impl Link {
    /// Begins a link; what is put into `out` is to be sent at once, before the link is ever closed.
    pub(crate) fn start(keys: &Keys, role: Role, out: &mut Vec<u8>) -> Self {
        Self::start_with(keys, role, Box::new(DefaultResolver), out)
    }

    /// As [`Link::start`], with the source of randomness handed in.
    pub(crate) fn start_with(
        keys: &Keys,
        role: Role,
        resolver: BoxedCryptoResolver,
        out: &mut Vec<u8>,
    ) -> Self {
        out.extend_from_slice(&preamble());
        let state = State::Preamble { keys: Box::new(keys.clone()), resolver };
        Self { role, state, partial: Vec::new(), peer: None }
    }

    /// Takes received bytes, split anywhere; appends opened text to `text` and bytes to send to `out`. Consumes all.
    /// After an error the link is over; text appended before it is authentic.
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        text: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkError> {
        let result = self.take_pieces(bytes, text, out);
        if result.is_err() {
            self.state = State::Over;
            self.partial = Vec::new();
        }
        result
    }

    /// Seals `text` into as many records as it needs, appended to `out`.
    pub(crate) fn seal(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), LinkError> {
        let noise = match &mut self.state {
            State::Open(noise) => noise,
            State::Over => return Err(LinkError::Over),
            State::Preamble { .. } | State::Handshake { .. } => return Err(LinkError::NotOpen),
        };
        for part in text.chunks(RECORD_TEXT_BYTES) {
            let length = part.len() + TAG_BYTES;
            out.extend_from_slice(&u16::try_from(length).map_err(|_| LinkError::Library)?.to_be_bytes());
            let start = out.len();
            out.resize(start + length, 0);
            let sealed = out.get_mut(start..).unwrap_or_default();
            noise.write_message(part, sealed).map_err(|error| LinkError::ours(&error))?;
            if noise.sending_nonce().is_multiple_of(RECORDS_PER_KEY) {
                noise.rekey_outgoing();
            }
        }
        Ok(())
    }

    /// The peer's proven identity, once the handshake is complete.
    pub(crate) fn peer(&self) -> Option<PeerId> {
        self.peer
    }

    /// What it means that the connection ends now; `None` is a clean end.
    pub(crate) fn on_end(&self) -> Option<LinkError> {
        match (&self.state, self.role) {
            (State::Preamble { .. }, _) => Some(LinkError::ClosedEarly),
            (State::Handshake { .. }, Role::Dialler) => Some(LinkError::ClosedInHandshake),
            (State::Handshake { .. }, Role::Listener) => Some(LinkError::DiallerGone),
            (State::Open(_), _) if !self.partial.is_empty() => Some(LinkError::CutShort),
            (State::Open(_) | State::Over, _) => None,
        }
    }

    fn take_pieces(
        &mut self,
        mut bytes: &[u8],
        text: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), LinkError> {
        while !bytes.is_empty() {
            if self.partial.is_empty() {
                let wanted = self.state.piece_bytes(bytes)?;
                let Some((piece, rest)) = bytes.split_at_checked(wanted) else {
                    self.partial.extend_from_slice(bytes);
                    return Ok(());
                };
                self.on_piece(piece, text, out)?;
                bytes = rest;
                continue;
            }
            let missing = self.state.piece_bytes(&self.partial)?.saturating_sub(self.partial.len());
            let (more, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
            self.partial.extend_from_slice(more);
            bytes = rest;
            // Asked again: only now the length may be known, or the magic be wrong.
            if self.partial.len() >= self.state.piece_bytes(&self.partial)? {
                let mut piece = std::mem::take(&mut self.partial);
                self.on_piece(&piece, text, out)?;
                if piece.capacity() <= KEEP_BYTES {
                    piece.clear();
                    self.partial = piece;
                }
            }
        }
        Ok(())
    }

    /// Every way out with an error leaves the state `Over`.
    fn on_piece(&mut self, piece: &[u8], text: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), LinkError> {
        let body = piece.get(LENGTH_BYTES..).unwrap_or_default();
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Preamble { keys, resolver } => self.on_preamble(piece, &keys, resolver, out)?,
            State::Handshake { noise, answered } => self.on_handshake(noise, answered, body, out)?,
            State::Open(mut noise) => {
                open_record(&mut noise, body, text)?;
                State::Open(noise)
            }
            State::Over => return Err(LinkError::Over),
        };
        Ok(())
    }

    fn on_preamble(
        &self,
        theirs: &[u8],
        keys: &Keys,
        resolver: BoxedCryptoResolver,
        out: &mut Vec<u8>,
    ) -> Result<State, LinkError> {
        let version = theirs.get(MAGIC.len()..).and_then(leading_u16).ok_or(LinkError::NotLineswarm)?;
        if version != WIRE_VERSION {
            return Err(LinkError::Version { theirs: version, ours: WIRE_VERSION });
        }
        let prologue = match self.role {
            Role::Dialler => [&preamble(), theirs].concat(),
            Role::Listener => [theirs, &preamble()].concat(),
        };
        let build = |resolver| {
            let builder = Builder::with_resolver(NOISE.parse()?, resolver)
                .local_private_key(keys.private.as_slice())?
                .psk(0, &keys.psk)?
                .prologue(&prologue)?;
            match self.role {
                Role::Dialler => builder.build_initiator(),
                Role::Listener => builder.build_responder(),
            }
        };
        let mut noise = Box::new(build(resolver).map_err(|error| LinkError::ours(&error))?);
        if self.role == Role::Dialler {
            say(&mut noise, out)?;
        }
        Ok(State::Handshake { noise, answered: false })
    }

    fn on_handshake(
        &mut self,
        mut noise: Box<HandshakeState>,
        answered: bool,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<State, LinkError> {
        let mut payload = [0; HANDSHAKE_BYTES];
        noise.read_message(message, &mut payload).map_err(|error| match error {
            snow::Error::Decrypt if self.role == Role::Listener && !answered => LinkError::WrongKey,
            _ => LinkError::HandshakeDamaged,
        })?;
        if !noise.is_handshake_finished() {
            say(&mut noise, out)?;
        }
        if !noise.is_handshake_finished() {
            return Ok(State::Handshake { noise, answered: true });
        }
        let noise = noise.into_transport_mode().map_err(|error| LinkError::ours(&error))?;
        self.peer = noise.get_remote_static().and_then(<[u8]>::first_chunk).map(PeerId::of_key);
        Ok(State::Open(Box::new(noise)))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("role", &self.role).field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl State {
    /// How long the piece that begins with `start` is, as far as `start` tells: at least up to its length field.
    fn piece_bytes(&self, start: &[u8]) -> Result<usize, LinkError> {
        let length = leading_u16(start).map(usize::from);
        match (self, length) {
            (Self::Over, _) => Err(LinkError::Over),
            (Self::Preamble { .. }, _) if start.iter().zip(MAGIC).any(|(a, b)| *a != b) => {
                Err(LinkError::NotLineswarm)
            }
            (Self::Preamble { .. }, _) => Ok(PREAMBLE_BYTES),
            (_, None) => Ok(LENGTH_BYTES),
            (Self::Handshake { .. }, Some(bytes)) if bytes > HANDSHAKE_BYTES => {
                Err(LinkError::HandshakeTooLong { bytes })
            }
            (Self::Open(_), Some(bytes)) if bytes < TAG_BYTES => Err(LinkError::Damaged),
            (Self::Handshake { .. } | Self::Open(_), Some(bytes)) => Ok(LENGTH_BYTES + bytes),
        }
    }
}

/// What [`Link::seal`] makes of that much text.
pub(crate) fn sealed_bytes(text: usize) -> usize {
    text + text.div_ceil(RECORD_TEXT_BYTES) * (LENGTH_BYTES + TAG_BYTES)
}

fn preamble() -> [u8; PREAMBLE_BYTES] {
    let [a, b, c, d] = MAGIC;
    let [high, low] = WIRE_VERSION.to_be_bytes();
    [a, b, c, d, high, low, 0, 0]
}

fn leading_u16(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|two| u16::from_be_bytes(*two))
}

/// Writes our next handshake message, framed.
fn say(noise: &mut HandshakeState, out: &mut Vec<u8>) -> Result<(), LinkError> {
    let mut message = [0; HANDSHAKE_BYTES];
    let bytes = noise.write_message(&[], &mut message).map_err(|error| LinkError::ours(&error))?;
    out.extend_from_slice(&u16::try_from(bytes).map_err(|_| LinkError::Library)?.to_be_bytes());
    out.extend_from_slice(message.get(..bytes).unwrap_or_default());
    Ok(())
}

/// Appends the record's text, or nothing if it does not open.
fn open_record(noise: &mut TransportState, record: &[u8], text: &mut Vec<u8>) -> Result<(), LinkError> {
    let start = text.len();
    text.resize(start + record.len().saturating_sub(TAG_BYTES), 0);
    let room = text.get_mut(start..).unwrap_or_default();
    if noise.read_message(record, room).is_err() {
        text.truncate(start); // what the library left there is nobody's text
        return Err(LinkError::Damaged);
    }
    if noise.receiving_nonce().is_multiple_of(RECORDS_PER_KEY) {
        noise.rekey_incoming();
    }
    Ok(())
}

#[cfg(test)]
#[path = "secure/tests.rs"]
mod tests;
