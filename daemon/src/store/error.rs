//! What can go wrong with the state directory: each says what, why and the hint.

use crate::exit::Exit;
use lineswarm_files::{Kind, read::ReadError};
use std::io;
use std::path::{Path, PathBuf};

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(
        "cannot use the state directory {dir}: another lineswarmd ({holder}) uses it. \
         Stop that one, or give this one a directory of its own with --state-dir or --instance"
    )]
    Locked { dir: PathBuf, holder: String },
    #[error("cannot create {path}: {source}. {hint}", hint = hint(source))]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot {doing} {path}: {source}. {hint}", hint = hint(source))]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot use {path}: it is {kind}, not a regular file. Move it away")]
    Kind { path: PathBuf, kind: Kind },
    #[error("cannot use the node key {path}: {why}. {hint}; or move it away to come back as a new node")]
    KeyExposed { path: PathBuf, why: String, hint: String },
    #[error(
        "cannot use the node key {path}: {why}. Restore it from a copy, or move it away to come back as a new node"
    )]
    KeyDamaged { path: PathBuf, why: &'static str },
    #[error(
        "cannot make a node key: the system gives no random numbers. Check /dev/urandom and getrandom(2)"
    )]
    KeyMaking,
    #[error(
        "cannot read {path}: it was written by a newer lineswarmd: {what}. Nothing was changed. \
         Install that version again, or start as another node with --reset-state"
    )]
    Newer { path: PathBuf, what: String },
    #[error("cannot start the store's thread: {0}. Raise the limit on tasks (ulimit -u, TasksMax=)")]
    Thread(io::Error),
    #[error(
        "the state directory {dir} does not answer: {unsaved} lines and perhaps the newest state are not saved. \
         Look after its file system; what is missing is drawn again, or comes from the peers"
    )]
    Stuck { dir: PathBuf, unsaved: usize },
    #[error(
        "the store's thread ended before its work was done. This is a bug in lineswarmd: please report it"
    )]
    Gone,
}

impl StoreError {
    pub(super) fn create(path: &Path, source: io::Error) -> Self {
        Self::Create { path: path.into(), source }
    }

    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.into(), source }
    }

    /// From opening a file that must be a regular one; `otherwise` is for what the system says.
    pub(super) fn opening(path: &Path, error: ReadError, otherwise: impl FnOnce(io::Error) -> Self) -> Self {
        match error {
            ReadError::Kind(kind) => Self::Kind { path: path.into(), kind },
            ReadError::Io(source) => otherwise(source),
            long @ ReadError::TooLong(_) => otherwise(io::Error::other(long)),
        }
    }

    /// What the process ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Io { source, .. } | Self::Create { source, .. }
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Exit::Permission
            }
            Self::Locked { .. } | Self::Create { .. } | Self::Kind { .. } | Self::Thread(_) => {
                Exit::CannotCreate
            }
            Self::Io { .. } | Self::Stuck { .. } | Self::KeyDamaged { .. } | Self::KeyMaking => Exit::Io,
            Self::KeyExposed { .. } => Exit::Permission,
            Self::Newer { .. } => Exit::Version,
            Self::Gone => Exit::Bug,
        }
    }
}

/// What to do about an error of the system.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "Give this user the right to it, or choose another directory with --state-dir"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "Mount it writable, or choose a directory on another file system with --state-dir"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space there",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => {
            "Move away what stands there, or choose another directory with --state-dir"
        }
        _ => "Check the disk (dmesg, smartctl), or choose another directory with --state-dir",
    }
}
