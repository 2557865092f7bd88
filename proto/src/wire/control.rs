//! Control messages (docs/control-protocol.md).
