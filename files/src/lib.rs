//! How the three programs treat files that an operator names: paths, what stands at them, who else could reach them.
//!
//! Everything here may block, as any file system may: an event loop calls it from a thread of its own. It neither logs
//! nor prints. Invariant: nothing is opened before it is known to be of a kind that may be opened.

pub mod kind;
pub mod path;
pub mod read;
pub mod strangers;
pub mod write;

pub use kind::Kind;
