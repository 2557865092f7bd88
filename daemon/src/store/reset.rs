//! `--reset-state`: everything but the node key is moved aside, so that a node starts anew as itself.

use super::{JOURNAL, JOURNAL_NEW, STATE, StoreError, create_dir, lock::Lock, sync_dir};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Moves lines and state into a new `old-<n>` in `dir`. Gives its path, or `None` if there was nothing.
pub(crate) fn reset(dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    create_dir(dir)?;
    let _lock = Lock::take(dir)?;
    move_aside(dir, &[JOURNAL, JOURNAL_NEW, STATE])
}

/// Moves those of `names` that exist into a new `old-<n>`.
pub(super) fn move_aside(dir: &Path, names: &[&str]) -> Result<Option<PathBuf>, StoreError> {
    let exists = |path: &Path| path.symlink_metadata().is_ok();
    let names: Vec<_> = names.iter().filter(|name| exists(&dir.join(name))).collect();
    let aside = (0u64..).map(|n| dir.join(format!("old-{n}"))).find(|path| !exists(path));
    let Some(aside) = aside.filter(|_| !names.is_empty()) else { return Ok(None) };
    let created = DirBuilder::new().mode(0o700).create(&aside);
    created.map_err(|error| StoreError::create(&aside, error))?;
    let moved = || -> io::Result<()> {
        names.iter().try_for_each(|name| fs::rename(dir.join(name), aside.join(name)))?;
        sync_dir(&aside)?;
        sync_dir(dir)
    };
    moved().map_err(|error| StoreError::io("move aside files in", dir, error))?;
    Ok(Some(aside))
}
