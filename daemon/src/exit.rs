//! Exit codes, as sysexits.h has them and as all three programs use them.

use std::process::ExitCode;

/// How the daemon ends. The numbers are a contract with scripts and units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All well.
    Ok = 0,
    /// A command line that cannot be understood.
    Usage = 64,
    /// A fault of the program itself.
    Bug = 70,
    /// A file, directory or lock cannot be had.
    CannotCreate = 73,
    /// Reading or writing failed.
    Io = 74,
    /// Formats or protocols of another version.
    Version = 76,
    /// Not allowed.
    Permission = 77,
    /// The configuration has problems.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
