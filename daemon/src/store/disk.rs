//! Every change of the state directory, one function for each system call: nothing else in the store changes it,
//! but for the modes that `access` takes back.
//!
//! What was written may be lost, torn or reordered by a power cut until it is synced, names in a directory too
//! (docs/journal-format.md). Tests record the calls here, and open the store on what a power cut could leave of them.

use lineswarm_files::read::ReadError;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

#[cfg(test)]
#[path = "tests/recorder.rs"]
pub(super) mod recorder;

/// Opens a file for reading and writing, and creates it if it is missing.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).create(true).truncate(false);
    let file = lineswarm_files::read::open(path, &mut options).map_err(|error| match error {
        ReadError::Io(error) => error,
        other => io::Error::other(other),
    })?;
    #[cfg(test)]
    recorder::opened(path, &file);
    Ok(file)
}

/// The same for a file that must not exist.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    #[cfg(test)]
    recorder::opened(path, &file);
    Ok(file)
}

/// Writes all of `bytes` at the offset `at`.
pub(super) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    file.write_all_at(bytes, at)?;
    #[cfg(test)]
    recorder::written(file, bytes, at);
    Ok(())
}

pub(super) fn set_len(file: &File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    #[cfg(test)]
    recorder::cut(file, length);
    Ok(())
}

/// Brings the content of a file, and its length, to the disk.
pub(super) fn sync(file: &File) -> io::Result<()> {
    rustix::fs::fdatasync(file)?;
    #[cfg(test)]
    recorder::synced(file);
    Ok(())
}

/// Brings the names in a directory to the disk.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()?;
    #[cfg(test)]
    recorder::synced_dir(dir);
    Ok(())
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    #[cfg(test)]
    recorder::renamed(from, to);
    Ok(())
}

/// False if there is no such file.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        result => result?,
    }
    #[cfg(test)]
    recorder::removed(path);
    Ok(true)
}

/// Creates one directory, for its owner alone.
pub(super) fn create_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)?;
    #[cfg(test)]
    recorder::created_dir(dir);
    Ok(())
}
