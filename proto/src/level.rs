//! How much something that happened matters.

use core::fmt;
use serde::{Deserialize, Serialize};

/// How much an event matters. Peers tell each other of it by its place here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// The operator must act.
    Error,
    /// Degraded, but it goes on.
    Warn,
    /// A dozen a run.
    Info,
    /// Per connection.
    Debug,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        })
    }
}
