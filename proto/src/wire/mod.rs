//! The wire formats. Each is documented in docs/ before it is coded: line-protocol.md, peer-protocol.md,
//! control-protocol.md.

pub mod control;
pub mod frame;
pub mod line;
pub mod peer;
