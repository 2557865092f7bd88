//! Who may use what is stored. The directory is the daemon's alone (0700), and so is all that it holds.
//!
//! Others change modes: Kubernetes opens a volume to the pod's group on each mount, people run `chmod -R`. What is ours
//! is closed again, and told of; the node's key is refused only if a stranger could read or change it even so. [`check`]
//! says the same without touching anything. Invariant: nothing here makes anything more open than it was.

use super::{JOURNAL, JOURNAL_NEW, STATE, StoreError, lock, node_key};
use lineswarm_files::{
    Kind,
    strangers::{self, Judge},
};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What a start has to say about a state directory that it uses all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// `node.key 0660 to 0600`: modes that were, or would be, taken back.
    pub(crate) closed: Vec<String>,
    /// What is left open, and why it is used.
    pub(crate) open: Vec<String>,
}

/// Takes back the modes that somebody else gave, as far as the files are ours.
pub(super) fn close(dir: &Path) -> Result<Notes, StoreError> {
    let mut notes = Notes::default();
    for (path, left) in ours(dir)? {
        // A file system may not know modes, or not let us: what that comes to is judged below.
        if let Ok(Some((before, after))) = strangers::close(&path, left) {
            notes.closed.push(closed(dir, &path, before, after));
        }
    }
    judge(dir, &mut notes, |_| false)?;
    Ok(notes)
}

/// What a start in `dir` would say about it: an error that it would end with, or notes.
pub(crate) fn check(dir: &Path) -> Result<Notes, StoreError> {
    may_be_used(dir)?;
    let mut notes = Notes::default();
    if !dir.is_dir() {
        return Ok(notes);
    }
    let to_close = ours(dir)?;
    for (path, left) in &to_close {
        let Ok(facts) = fs::symlink_metadata(path) else { continue };
        let (before, after) = (facts.mode() & 0o7777, strangers::closed(facts.mode() & 0o7777, *left));
        if before != after {
            notes.closed.push(closed(dir, path, before, after));
        }
    }
    judge(dir, &mut notes, |path| to_close.iter().any(|(its, _)| its == path))?;
    Ok(notes)
}

fn closed(dir: &Path, path: &Path, before: u32, after: u32) -> String {
    let name = path.strip_prefix(dir).ok().filter(|name| !name.as_os_str().is_empty());
    format!("{} {before:04o} to {after:04o}", name.unwrap_or(dir).display())
}

/// The directory and what it holds that this process's user owns, with the rights of others that may stay.
fn ours(dir: &Path) -> Result<Vec<(PathBuf, u32)>, StoreError> {
    let me = rustix::process::geteuid().as_raw();
    let read = |error| StoreError::io("read", dir, error);
    let mut found = Vec::new();
    let facts = fs::metadata(dir).map_err(read)?;
    // Who else may look into it is the operator's to say: what it holds is closed. Who may write could replace that.
    if facts.uid() == me && facts.mode() & 0o022 != 0 {
        found.push((dir.to_path_buf(), 0));
    }
    for entry in fs::read_dir(dir).map_err(read)? {
        let entry = entry.map_err(read)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let Ok(facts) = entry.metadata() else { continue };
        if facts.uid() != me || facts.is_symlink() || !(facts.is_file() || facts.is_dir()) {
            continue;
        }
        let is_closed = [node_key::FILE, STATE].contains(&&*name)
            || name.starts_with(JOURNAL)
            || name.ends_with(crate::capture::SUFFIX)
            // Of what was moved aside.
            || facts.is_dir();
        found.push((path, if is_closed { 0 } else { 0o055 }));
    }
    found.sort();
    Ok(found)
}

/// Refuses a key that a stranger has. `will_be_closed`: a start would do that first.
fn judge(dir: &Path, notes: &mut Notes, will_be_closed: impl Fn(&Path) -> bool) -> Result<(), StoreError> {
    let judge = Judge::here(None);
    let path = dir.join(node_key::FILE);
    let facts = match fs::metadata(&path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io("read", &path, error)),
    };
    is_regular(&path, &facts)?;
    if will_be_closed(&path) {
        return Ok(());
    }
    let shown = path.display();
    let found = match judge.foreign_owner(facts.uid()) {
        // Of a container that had another user, on the same volume: nobody is behind that number here.
        Some(owner) if judge.is_nobody(facts.uid()) => {
            notes.open.push(format!("{shown} belongs to {owner}, who has no account here"));
            judge.as_if_owned(&path)
        }
        _ => judge.of_file(&path),
    };
    let exposure = found.map_err(|error| StoreError::io("read", &path, error))?;
    let Some(exposure) = exposure else { return Ok(()) };
    if judge.is_reachable(&path).is_ok_and(|reachable| !reachable) {
        notes
            .open
            .push(format!("{exposure}, and the file system keeps it so; only a directory above is closed"));
        return Ok(());
    }
    Err(StoreError::KeyExposed { path, why: exposure.to_string(), hint: exposure.hint() })
}

/// Would a start find what it needs, and may it use it?
fn may_be_used(dir: &Path) -> Result<(), StoreError> {
    let may =
        |path: &Path, access: Access| accessat(CWD, path, access, AtFlags::EACCESS).map_err(io::Error::from);
    let enter = Access::WRITE_OK | Access::EXEC_OK;
    match fs::metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = dir.ancestors().skip(1).map(|above| match above.as_os_str().is_empty() {
                true => Path::new("."),
                false => above,
            });
            let above = above.into_iter().find(|above| above.exists()).unwrap_or(Path::new("/"));
            let made =
                if above.is_dir() { may(above, enter) } else { Err(io::ErrorKind::NotADirectory.into()) };
            return made.map_err(|error| StoreError::create(dir, error));
        }
        Err(error) => return Err(StoreError::create(dir, error)),
        Ok(facts) if !facts.is_dir() => {
            return Err(StoreError::create(dir, io::ErrorKind::AlreadyExists.into()));
        }
        Ok(_) => {}
    }
    for (name, access, is_made) in [
        (lock::FILE, Access::READ_OK | Access::WRITE_OK, true),
        (node_key::FILE, Access::READ_OK, true),
        (JOURNAL_NEW, Access::READ_OK, false),
        (JOURNAL, Access::READ_OK, false),
        (STATE, Access::READ_OK, false),
    ] {
        let path = dir.join(name);
        let failed = |error| match name {
            lock::FILE => StoreError::create(&path, error),
            _ => StoreError::io("read", &path, error),
        };
        match fs::metadata(&path) {
            Ok(facts) => {
                is_regular(&path, &facts)?;
                may(&path, access).map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_made => {
                may(dir, enter).map_err(|error| StoreError::create(&path, error))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

fn is_regular(path: &Path, facts: &Metadata) -> Result<(), StoreError> {
    match Kind::of(facts) {
        Kind::File => Ok(()),
        kind => Err(StoreError::Kind { path: path.into(), kind }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn modes_that_somebody_else_gave_are_taken_back_and_the_check_says_so_before() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("state");
        fs::create_dir(&dir).unwrap();
        for name in ["node.key", "journal", "state", "lineswarmd.pid", "history.jsonl", "run-1.capture"] {
            fs::write(dir.join(name), "").unwrap();
        }
        let open = |bits| {
            for entry in fs::read_dir(&dir).unwrap() {
                set(&entry.unwrap().path(), bits & !0o111);
            }
            set(&dir, bits);
        };
        for bits in [0o770, 0o777, 0o2770] {
            open(bits);
            let said = check(&dir).unwrap();
            assert_eq!(mode(&dir), bits, "it only looks");
            let done = close(&dir).unwrap();
            assert_eq!((said, mode(&dir)), (done.clone(), 0o700), "{bits:o}");
            assert_eq!(done.closed.len(), 7, "{done:?}");
            for name in ["node.key", "journal", "state", "run-1.capture"] {
                assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
            }
            assert_eq!(mode(&dir.join("history.jsonl")) & 0o022, 0);
            assert_eq!(close(&dir).unwrap(), Notes::default(), "once");
        }
        set(&dir, 0o750);
        assert_eq!(close(&dir).unwrap(), Notes::default(), "who may look in is the operator's to say");
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_never_opened() {
        let top = tempfile::tempdir().unwrap();
        for name in ["node.key", "journal", "state", "lineswarmd.pid"] {
            let dir = top.path().join(format!("of-{name}"));
            fs::create_dir_all(&dir).unwrap();
            let (file, bits) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
            rustix::fs::mknodat(CWD, dir.join(name), file, bits, 0).unwrap();
            let said = check(&dir).unwrap_err().to_string();
            assert!(said.contains(name) && said.contains("a FIFO"), "{said}");
            let opened = crate::store::Store::open(&dir, || ()).map(drop).unwrap_err().to_string();
            assert_eq!(opened, said);
        }
    }
}
