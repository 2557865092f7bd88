//! The daemon's network edge: sockets, names and the sealing of peer links.
//!
//! It moves bytes and reports what happened; it decides nothing about lines, elections or retries. Nothing here
//! blocks the event loop: sockets are non-blocking, names are looked up in a thread of their own. Every buffer
//! and table is bounded by `lineswarm_proto::limits`.

pub(crate) mod conn;
pub(crate) mod dial;
pub(crate) mod discover;
pub(crate) mod handshakes;
pub(crate) mod inbox;
pub(crate) mod listen;
pub(crate) mod peer_link;
pub(crate) mod resolve;
pub(crate) mod secure;
