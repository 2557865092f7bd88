//! The simulator (see docs/testing.md).
