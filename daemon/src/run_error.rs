//! What ends the daemon, and with which exit code.

use crate::{
    control::ControlError,
    exit::Exit,
    net::{listen::ListenError, secure::LinkError},
    store::StoreError,
};
use lineswarm_files::read::ReadError;
use std::io;

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
    KeyFile { path: String, why: ReadError },
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
