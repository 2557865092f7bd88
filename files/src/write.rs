//! Files that the programs write where an operator says: whole or not at all, wherever that is possible.
//!
//! Links are followed. A regular file is written beside its place and renamed, with the owner and the permissions of the
//! one that it replaces; where that can't be (the directory is not ours to write, the file is a mount of its own, its
//! owner can't be kept) it is written in place. FIFOs and devices are written to. Directories and sockets are refused.

use crate::{Kind, path::directory_of};
use rustix::{
    fs::{Access, AtFlags, CWD, Gid, Uid, XattrFlags, accessat, fchown, fgetxattr, fremovexattr, fsetxattr},
    io::Errno,
    thread::{CapabilitySet, SecureComputingMode},
};
use std::{
    fs::{self, File, Metadata, Permissions},
    io::{self, BufWriter, IsTerminal, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The most links that lead from one to another.
const LINKS: usize = 40;
const ACL: &str = "system.posix_acl_access";
/// The longest access list that is carried over, in bytes.
const ACL_BYTES: usize = 4096;

/// Why a file can't be written. Says why; [`WriteError::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("{path} is {kind}", path = .path.display())]
    Kind { path: PathBuf, kind: Kind },
    #[error("there is no directory {}", .0.display())]
    NoDirectory(PathBuf),
    #[error("{path} can't be written: {source}", path = .path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl WriteError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        |source| Self::Io { path, source }
    }

    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Kind { kind: Kind::Directory, .. } => "Name a file in it",
            Self::Kind { .. } => "Name a file, a FIFO or a device",
            Self::NoDirectory(_) => "Make it, or name a file elsewhere",
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => "Let this user write there, or name a file elsewhere",
                io::ErrorKind::ReadOnlyFilesystem => {
                    "Name a file on a file system that is writable (a service may write to its own directories, \
                     and to those of ReadWritePaths=)"
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room there",
                _ => "Name a file elsewhere",
            },
        }
    }

    /// Of the system, as far as it said something.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        match self {
            Self::Io { source, .. } => source,
            other => {
                let kind = match other {
                    Self::Kind { kind: Kind::Directory, .. } => io::ErrorKind::IsADirectory,
                    Self::NoDirectory(_) => io::ErrorKind::NotFound,
                    _ => io::ErrorKind::InvalidInput,
                };
                io::Error::new(kind, other.to_string())
            }
        }
    }
}

/// Where a file goes, after all links.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    before: Option<Metadata>,
}

/// Follows links by name, so that one whose end is missing leads to the file to make.
fn place(path: &Path) -> Result<Place, WriteError> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(WriteError::Kind { path: path.into(), kind: Kind::Directory });
    }
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        match fs::symlink_metadata(&path) {
            // The links of /proc lead to what is open there, whatever their text says.
            Ok(facts) if facts.is_symlink() && !path.starts_with("/proc") => {
                let target = fs::read_link(&path).map_err(WriteError::io(&path))?;
                path = directory_of(&path).join(target);
            }
            Ok(_) => {
                let facts = fs::metadata(&path).map_err(WriteError::io(&path))?;
                return match Kind::of(&facts) {
                    kind @ (Kind::Directory | Kind::Socket) => Err(WriteError::Kind { path, kind }),
                    _ => Ok(Place { path, before: Some(facts) }),
                };
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let directory = directory_of(&path);
                return match directory.is_dir() && path.file_name().is_some() {
                    true => Ok(Place { path, before: None }),
                    false => Err(WriteError::NoDirectory(directory.into())),
                };
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(WriteError::NoDirectory(directory_of(&path).into()));
            }
            Err(error) => return Err(WriteError::io(&path)(error)),
        }
    }
    Err(WriteError::io(&path)(Errno::LOOP.into()))
}

/// Where a file goes that is written to `path`: links are followed, and what stands there may be missing.
pub fn end_of_links(path: &Path) -> Result<PathBuf, WriteError> {
    place(path).map(|place| place.path)
}

/// Could it be written now? Nothing is opened or made.
pub fn check(path: &Path) -> Result<(), WriteError> {
    let Place { path, before } = place(path)?;
    let may = |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS);
    let itself = before.as_ref().map(|_| may(&path, Access::WRITE_OK));
    let is_file = before.is_none_or(|facts| Kind::of(&facts) == Kind::File);
    let may_write = match itself {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) if !is_file => Err(error),
        // A directory of ours is enough for a file that was there, too: it is replaced.
        _ => may(directory_of(&path), Access::WRITE_OK | Access::EXEC_OK),
    };
    may_write.map_err(|error| WriteError::io(&path)(error.into()))
}

/// A file that is being written. Dropped before [`Output::finish`], the old one stays (where it is not written in place).
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    to: To,
}

#[derive(Debug)]
enum To {
    /// A new file beside the place.
    Beside(BufWriter<tempfile::NamedTempFile>),
    /// The file itself.
    InPlace(BufWriter<File>),
    /// A FIFO or a device.
    Through(BufWriter<File>),
}

impl Output {
    /// Opens it. A FIFO is waited for until somebody reads it.
    pub fn open(path: &Path) -> Result<Self, WriteError> {
        let Place { path, before } = place(path)?;
        let itself = |truncate: bool| {
            let file = File::options().write(true).truncate(truncate).open(&path);
            file.map(BufWriter::new).map_err(WriteError::io(&path))
        };
        let to = match &before {
            Some(facts) if Kind::of(facts) != Kind::File => To::Through(itself(false)?),
            Some(_) if path.starts_with("/proc") => To::InPlace(itself(true)?),
            before => match beside(&path, before.as_ref()) {
                Ok(new) => To::Beside(BufWriter::new(new)),
                Err(error) if before.is_some() => match itself(true) {
                    Ok(file) => To::InPlace(file),
                    Err(_) => return Err(WriteError::io(&path)(error)),
                },
                Err(error) => return Err(WriteError::io(&path)(error)),
            },
        };
        Ok(Self { path, to })
    }

    /// Where it goes, after all links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// /dev/tty, or /dev/stdout of somebody who looks.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(&self.to, To::Through(file) if file.get_ref().is_terminal())
    }

    /// It is on disk under its name; or an error, and the old file.
    pub fn finish(self) -> Result<(), WriteError> {
        let Self { path, to } = self;
        let done = match to {
            To::Through(mut file) => file.flush(),
            To::InPlace(mut file) => file.flush().and_then(|()| synced(file.get_ref())),
            To::Beside(new) => replace(new, &path),
        };
        done.map_err(WriteError::io(&path))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Beside(file) => file.write(bytes),
            To::InPlace(file) | To::Through(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Beside(file) => file.flush(),
            To::InPlace(file) | To::Through(file) => file.flush(),
        }
    }
}

/// Writes all of `bytes` to `path`.
pub fn whole(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let mut output = Output::open(path)?;
    output.write_all(bytes).map_err(WriteError::io(path))?;
    output.finish()
}

fn replace(new: BufWriter<tempfile::NamedTempFile>, path: &Path) -> io::Result<()> {
    let new = new.into_inner().map_err(io::IntoInnerError::into_error)?;
    synced(new.as_file())?;
    match new.persist(path) {
        Ok(_) => {}
        // A file that is mounted there by itself, as containers do: it can only be written to.
        Err(error) if Errno::from_io_error(&error.error) == Some(Errno::BUSY) => {
            let mut from = File::open(error.file.path())?;
            let mut to = File::options().write(true).truncate(true).open(path)?;
            io::copy(&mut from, &mut to)?;
            return synced(&to);
        }
        Err(error) => return Err(error.error),
    }
    // The file is there: a directory that may not be read, or a file system that can't do it, takes that back no more.
    let _ = File::open(directory_of(path)).and_then(|directory| directory.sync_all());
    Ok(())
}

/// A file system that can't sync has nothing to sync.
fn synced(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::INVAL | Errno::OPNOTSUPP)) => Ok(()),
        result => result,
    }
}

/// A new file in the same directory, that has what `before` has: permissions, owner, group, access list.
fn beside(path: &Path, before: Option<&Metadata>) -> io::Result<tempfile::NamedTempFile> {
    let mode = if before.is_some() { 0o600 } else { 0o666 };
    let new = tempfile::Builder::new()
        .prefix(".lineswarm-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(directory_of(path))?;
    if let Some(before) = before {
        let file = new.as_file();
        let facts = file.metadata()?;
        let differs = (facts.uid(), facts.gid()) != (before.uid(), before.gid());
        if differs && may_chown() {
            let (uid, gid) = (Uid::from_raw(before.uid()), Gid::from_raw(before.gid()));
            // Whether it went well shows below.
            let _ = fchown(file, Some(uid), Some(gid));
        }
        let facts = file.metadata()?;
        let is_kept = (facts.uid(), facts.gid()) == (before.uid(), before.gid());
        let may_write = || accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok();
        if !is_kept && may_write() {
            return Err(Errno::PERM.into());
        }
        file.set_permissions(Permissions::from_mode(before.mode() & 0o777))?;
        copy_acl(path, file);
    }
    Ok(new)
}

/// As far as the file system has access lists. Without this, permissions would be only nearly the same.
fn copy_acl(from: &Path, to: &File) {
    let mut acl = [0; ACL_BYTES];
    let read = File::open(from).ok().and_then(|from| fgetxattr(&from, ACL, &mut acl).ok());
    let _ = match read.and_then(|length| acl.get(..length)).filter(|acl| !acl.is_empty()) {
        Some(acl) => fsetxattr(to, ACL, acl, XattrFlags::empty()),
        None => fremovexattr(to, ACL),
    };
}

/// The sandbox of a service kills who calls chown; there nobody has the capability for it.
fn may_chown() -> bool {
    let has = || rustix::thread::capabilities(None).map(|sets| sets.effective.contains(CapabilitySet::CHOWN));
    let is_free = || matches!(rustix::thread::secure_computing_mode(), Ok(SecureComputingMode::Disabled));
    has().unwrap_or(false) || is_free()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{FileType, Mode, mknodat};
    use std::{io::Read, os::unix::fs::symlink, thread};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn names(at: &Path) -> usize {
        fs::read_dir(at).unwrap().count()
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_keeps_its_mode_and_nothing_is_left_behind() {
        let at = tempfile::tempdir().unwrap();
        let (file, link) = (at.path().join("file"), at.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink("file", &link).unwrap();
        // Modes that a umask would cut, and one that has less than it would leave.
        for bits in [0o666, 0o640, 0o604, 0o600] {
            fs::set_permissions(&file, Permissions::from_mode(bits)).unwrap();
            let mut output = Output::open(&link).unwrap();
            output.write_all(b"new").unwrap();
            assert_ne!(fs::read(&file).unwrap(), b"new");
            output.finish().unwrap();
            assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"new".to_vec(), bits));
            fs::write(&file, "old").unwrap();
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        Output::open(&file).unwrap().write_all(b"given up").unwrap();
        assert_eq!((names(at.path()), fs::read(&file).unwrap()), (2, b"old".to_vec()));
    }

    #[test]
    fn a_link_whose_end_is_missing_leads_to_the_new_file() {
        let at = tempfile::tempdir().unwrap();
        fs::create_dir(at.path().join("there")).unwrap();
        symlink("there/file", at.path().join("second")).unwrap();
        symlink(at.path().join("second"), at.path().join("first")).unwrap();
        check(&at.path().join("first")).unwrap();
        whole(&at.path().join("first"), b"text").unwrap();
        assert_eq!(fs::read(at.path().join("there/file")).unwrap(), b"text");
        symlink("loop", at.path().join("loop")).unwrap();
        assert!(check(&at.path().join("loop")).is_err());
    }

    #[test]
    fn devices_and_fifos_are_written_to_and_stay_what_they_are() {
        let at = tempfile::tempdir().unwrap();
        let (fifo, null) = (at.path().join("fifo"), at.path().join("null"));
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        symlink("/dev/null", &null).unwrap();
        for path in [&fifo, &null, Path::new("/dev/null")] {
            check(path).unwrap();
        }
        whole(&null, b"text").unwrap();
        let reader = {
            let fifo = fifo.clone();
            thread::spawn(move || {
                let mut text = String::new();
                File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
                text
            })
        };
        whole(&fifo, b"text").unwrap();
        assert_eq!(reader.join().unwrap(), "text");
        assert_eq!(Kind::of(&fs::metadata(&fifo).unwrap()), Kind::Fifo);
        assert_eq!(names(at.path()), 2);
    }

    #[test]
    fn directories_sockets_and_places_that_are_not_there_are_refused() {
        let at = tempfile::tempdir().unwrap();
        let path = |name: &str| at.path().join(name);
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        symlink(".", path("directory")).unwrap();
        fs::write(path("file"), "").unwrap();
        for name in ["", "directory", "socket", "no/such", "file/below", "new/"] {
            let error = check(&path(name)).unwrap_err();
            assert!(!error.hint().is_empty(), "{name}");
            assert!(Output::open(&path(name)).is_err(), "{name}");
        }
        assert_eq!(names(at.path()), 3);
    }
}
