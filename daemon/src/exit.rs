//! Exit codes, as sysexits.h has them and as all three programs use them; and what ends the daemon with one.

use crate::{
    control::ControlError,
    net::{listen::ListenError, secure::LinkError},
    store::StoreError,
};
use std::{io, process::ExitCode};

/// How the daemon ends. The numbers are a contract with scripts and units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All well.
    Ok = 0,
    /// A command line that cannot be understood.
    Usage = 64,
    /// A fault of the program itself.
    Bug = 70,
    /// A file, directory or lock cannot be had.
    CannotCreate = 73,
    /// Reading or writing failed.
    Io = 74,
    /// Formats or protocols of another version.
    Version = 76,
    /// Not allowed.
    Permission = 77,
    /// The configuration has problems.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the daemon can't run (on).
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("the keys can't be used: {0}")]
    Keys(#[from] LinkError),
    #[error("the swarm key {path} can't be read: {why}; check swarm.key-file")]
    KeyFile { path: String, why: io::Error },
    #[error("the operating system refused what the event loop needs: {0}")]
    System(#[from] io::Error),
}

impl RunError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Store(error) => error.exit(),
            Self::Listen(ListenError::NotPermitted(_)) => Exit::Permission,
            Self::Listen(_) | Self::Control(_) => Exit::CannotCreate,
            Self::KeyFile { .. } | Self::Keys(_) => Exit::Config,
            Self::System(_) => Exit::Io,
        }
    }
}
