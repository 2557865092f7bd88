//! Reading small files that an operator names, without waiting for ever and without end.

use crate::Kind;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it is {0}, not a regular file")]
    Kind(Kind),
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
}

impl ReadError {
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Opens a regular file; anything else is an error at once, where opening it could wait for ever.
pub fn open(path: &Path, options: &mut OpenOptions) -> Result<File, ReadError> {
    // Before it is opened, as opening a device may do something.
    match fs::metadata(path) {
        Ok(facts) => regular(&facts)?,
        // With `create` it may be missing; else opening says so.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let file = options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0)).open(path)?;
    // It may have been replaced in between.
    regular(&file.metadata()?)?;
    Ok(file)
}

fn regular(facts: &fs::Metadata) -> Result<(), ReadError> {
    match Kind::of(facts) {
        Kind::File => Ok(()),
        other => Err(ReadError::Kind(other)),
    }
}

/// The whole of a regular file of at most `most` bytes.
pub fn regular_file(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    all_of(open(path, OpenOptions::new().read(true))?, most)
}

/// The same of whatever can be read, for a program that has nothing else to do: a FIFO is waited for.
pub fn anything(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let facts = fs::metadata(path)?;
    match Kind::of(&facts) {
        kind @ (Kind::Directory | Kind::Socket) => Err(ReadError::Kind(kind)),
        _ => all_of(File::open(path)?, most),
    }
}

fn all_of(file: File, most: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(ReadError::TooLong(most)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    #[test]
    fn what_is_no_regular_file_is_refused_without_waiting() {
        let at = tempfile::tempdir().unwrap();
        let path = |name: &str| at.path().join(name);
        mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        std::os::unix::fs::symlink(path("fifo"), path("link")).unwrap();
        for (name, kind) in [
            ("fifo", Kind::Fifo),
            ("socket", Kind::Socket),
            ("link", Kind::Fifo),
            (".", Kind::Directory),
            ("/dev/null", Kind::CharacterDevice),
        ] {
            match regular_file(&path(name), 100) {
                Err(ReadError::Kind(found)) => assert_eq!(found, kind, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert!(regular_file(&path("none"), 100).unwrap_err().is_not_found());
    }

    #[test]
    fn what_is_longer_than_it_may_be_is_not_read_to_its_end() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("sparse");
        File::create(&path).unwrap().set_len(10 << 30).unwrap();
        assert!(matches!(regular_file(&path, 1000), Err(ReadError::TooLong(1000))));
        assert!(matches!(anything(Path::new("/dev/zero"), 1000), Err(ReadError::TooLong(1000))));
        assert_eq!(anything(Path::new("/dev/null"), 1000).unwrap(), b"");
        fs::write(&path, [7; 1000]).unwrap();
        assert_eq!(regular_file(&path, 1000).unwrap().len(), 1000);
    }
}
