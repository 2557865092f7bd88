//! The line server protocol (docs/line-protocol.md), both directions, resumable at any split.
