//! The core of lineswarm: everything that decides or encodes.
//!
//! The contract: **no socket, no clock, no thread, no file, no log, no environment and no global randomness.**
//! Raw bytes, the time and a seed are handed in; bytes to write, records to store and events come out. The
//! crate's `clippy.toml` makes a breach of this contract a build failure.
#![deny(missing_docs)]

pub mod bitmap;
pub mod capture;
pub mod checks;
pub mod engine;
pub mod ids;
pub mod level;
pub mod limits;
pub mod line_server;
pub mod lines;
pub mod paged;
pub mod recent;
pub mod theory;
pub mod time;
pub mod visible;
pub mod wire;
