//! What `--reset-state` and the loss of the state have in common: key, lines and state are moved aside, and the node
//! comes back as another one.
//!
//! Invariant: the key goes first, and for good before anything else. A node that has its key has the state that belongs
//! to it, or comes back as another node, wherever a crash cuts this short.

use super::{JOURNAL, JOURNAL_NEW, STATE, StoreError, create_dir, disk, lock::Lock, node_key};
use std::io;
use std::path::{Path, PathBuf};

/// Moves key, lines and state into a new `old-<n>` in `dir`. Gives its path, or `None` if there was nothing.
pub(crate) fn reset(dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    create_dir(dir)?;
    let _lock = Lock::take(dir)?;
    move_aside(dir)
}

/// The same, with the lock held.
pub(super) fn move_aside(dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    let names = [node_key::FILE, JOURNAL, JOURNAL_NEW, STATE];
    let aside = (0u64..).map(|n| dir.join(format!("old-{n}"))).find(|path| !exists(path));
    let Some(aside) = aside.filter(|_| names.iter().any(|name| exists(&dir.join(name)))) else {
        return Ok(None);
    };
    disk::create_dir(&aside).map_err(|error| StoreError::create(&aside, error))?;
    let sync = || disk::sync_dir(&aside).and_then(|()| disk::sync_dir(dir));
    let moved = || -> io::Result<()> {
        // A file must not vanish with a directory that a crash forgets.
        disk::sync_dir(dir)?;
        for name in names.into_iter().filter(|name| exists(&dir.join(name))) {
            disk::rename(&dir.join(name), &aside.join(name))?;
            if name == node_key::FILE {
                sync()?;
            }
        }
        sync()
    };
    moved().map_err(|error| StoreError::io("move aside files in", dir, error))?;
    Ok(Some(aside))
}
