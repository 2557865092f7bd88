//! The daemon's own connection and seal, so that what is measured is what runs. Nothing but paths stands here.
#![allow(dead_code, unused_imports)] // the bench needs a part of it, and none of its tests

#[path = "../../../daemon/src/net/conn.rs"]
pub(crate) mod conn;
#[path = "../../../daemon/src/net/dial.rs"]
pub(crate) mod dial;
#[path = "../../../daemon/src/net/listen.rs"]
pub(crate) mod listen;
#[path = "../../../daemon/src/net/peer_link.rs"]
pub(crate) mod peer_link;
#[path = "../../../daemon/src/net/resolve.rs"]
pub(crate) mod resolve;
#[path = "../../../daemon/src/net/secure.rs"]
pub(crate) mod secure;
