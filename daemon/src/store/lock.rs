//! One daemon per state directory: a pid file under an exclusive flock, which ends with the process.

use super::StoreError;
use lineswarm_files::read;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub(super) const FILE: &str = "lineswarmd.pid";

/// Held as long as the store is open.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let create = |source| StoreError::create(&path, source);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o644);
        let mut file =
            read::open(&path, &mut options).map_err(|error| StoreError::opening(&path, error, create))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                // Unreadable or empty: the holder is just starting or stopping.
                let _ = file.take(32).read_to_string(&mut pid);
                let pid = pid.trim();
                let holder = if pid.is_empty() {
                    "which is starting or stopping".into()
                } else {
                    format!("pid {pid}")
                };
                return Err(StoreError::Locked { dir: dir.into(), holder });
            }
            Err(error) => return Err(StoreError::io("lock", &path, error.into())),
        }
        file.set_len(0).map_err(create)?;
        writeln!(file, "{}", std::process::id()).map_err(create)?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A stale pid would only mislead; the lock itself ends with the descriptor.
        let _ = self.0.set_len(0);
    }
}
