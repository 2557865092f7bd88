//! What stands at a path.

use std::{
    fmt,
    fs::{FileType, Metadata},
    os::unix::fs::FileTypeExt,
};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Fifo,
    Socket,
    CharacterDevice,
    BlockDevice,
    Link,
}

impl Kind {
    #[must_use]
    pub fn of(facts: &Metadata) -> Self {
        Self::of_type(facts.file_type())
    }

    #[must_use]
    pub fn of_type(kind: FileType) -> Self {
        match kind {
            kind if kind.is_dir() => Self::Directory,
            kind if kind.is_fifo() => Self::Fifo,
            kind if kind.is_socket() => Self::Socket,
            kind if kind.is_char_device() => Self::CharacterDevice,
            kind if kind.is_block_device() => Self::BlockDevice,
            kind if kind.is_symlink() => Self::Link,
            _ => Self::File,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::CharacterDevice => "a character device",
            Self::BlockDevice => "a block device",
            Self::Link => "a symbolic link",
        })
    }
}
