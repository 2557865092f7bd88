//! Everything that can go wrong for a user of this tool, and the exit code of each.
//!
//! One enum for the room. Each variant carries the data, [`Failure::body`] says what, why and the hint, and
//! [`exit_code`] is the only table from error codes to exit codes, for our own and for the daemon's.

use crate::accounts::{Me, SocketOwner};
use lineswarm_files::write::WriteError;
use lineswarm_proto::wire::control::ErrorBody;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("no socket")]
    NoSocket { path: PathBuf, instance: Option<String> },
    #[error("no listener")]
    NoListener { path: PathBuf, instance: Option<String> },
    #[error("no instance")]
    NoInstance { places: Vec<PathBuf> },
    #[error("permission denied")]
    Permission { path: PathBuf, owner: Option<SocketOwner>, me: Me },
    #[error("cannot connect")]
    Connect { path: PathBuf, source: io::Error },
    #[error("another protocol version")]
    Version { program: String, min: u32, max: u32 },
    #[error("no answer in time")]
    TimedOut { path: PathBuf, after: Duration },
    #[error("no lineswarmd speaks there")]
    Garbage { path: PathBuf, why: String },
    #[error("the connection was closed")]
    Closed { path: PathBuf },
    #[error(transparent)]
    Daemon(#[from] ErrorBody),
    #[error("cannot create a file")]
    Create { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Unwritable(#[from] WriteError),
    #[error("it is there already")]
    Exists { path: PathBuf },
    #[error("input or output failed")]
    Io { doing: String, source: io::Error },
    #[error("a program is missing")]
    NoProgram { name: &'static str, beside: Option<PathBuf> },
    #[error("the rehearsal failed")]
    Lab { what: String, why: String, kept: Option<PathBuf> },
    #[error("interrupted")]
    Interrupted,
    #[error("the reader of our output went away")]
    ClosedPipe,
}

/// The answer was no.
pub const NEGATIVE: u8 = 1;
/// By convention of shells: 128 and the number of SIGINT.
pub const INTERRUPTED: u8 = 130;

/// The exit code for an error code. An unknown one is a negative answer of a newer daemon.
#[must_use]
pub fn exit_code(code: &str) -> u8 {
    match code {
        "E_USAGE" | "E_BAD_REQUEST" | "E_BAD_VALUE" => 64,
        "E_REJECTED" | "E_WRONG" | "E_CONFLICT" | "E_DAMAGED" | "E_BAD_DATA" => 65,
        "E_NO_DAEMON" | "E_NO_LISTENER" | "E_CLOSED" | "E_NO_PROGRAM" => 69,
        "E_BUG" | "E_LAB" => 70,
        "E_CANNOT_CREATE" | "E_EXISTS" => 73,
        "E_IO" => 74,
        "E_TIMEOUT" | "E_BUSY" | "E_RATE" | "E_NOT_YET" | "E_STOPPING" => 75,
        "E_VERSION" | "E_PROTOCOL" | "E_TOO_LONG" | "E_UNKNOWN_COMMAND" => 76,
        "E_PERMISSION" | "E_READ_ONLY" => 77,
        "E_CONFIG" => 78,
        "E_INTERRUPTED" => INTERRUPTED,
        _ => NEGATIVE,
    }
}

impl Failure {
    /// What the program ends with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            other => exit_code(&other.body().code),
        }
    }

    /// For reading and writing local files.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// A piece that is not what the protocol says; the connection that it came on fills in its path.
    pub fn garbled(why: impl ToString) -> Self {
        Self::Garbage { path: PathBuf::new(), why: why.to_string() }
    }

    /// Code, what, why and hint.
    #[must_use]
    pub fn body(&self) -> ErrorBody {
        match self {
            Self::NoSocket { path, instance } => ErrorBody::new(
                "E_NO_DAEMON",
                format!("no daemon at {}", path.display()),
                "there is no such socket: the daemon is not running, or uses another one",
                start_it(instance.as_deref()),
            ),
            Self::NoListener { path, instance } => ErrorBody::new(
                "E_NO_LISTENER",
                format!("no daemon at {}", path.display()),
                "the socket is there, but nobody listens: the daemon ended without cleaning up",
                start_it(instance.as_deref()),
            ),
            Self::NoInstance { places } => ErrorBody::new(
                "E_NO_DAEMON",
                "no instance was found",
                format!("no socket under {}", list(places)),
                start_it(None),
            ),
            Self::Permission { path, owner, me } => permission(path, owner.as_ref(), me),
            Self::Connect { path, source } => ErrorBody::new(
                "E_NO_DAEMON",
                format!("cannot connect to {}", path.display()),
                source.to_string(),
                "name the daemon's socket with --socket",
            ),
            Self::Version { program, min, max } => ErrorBody::new(
                "E_VERSION",
                format!("{program} speaks another control protocol"),
                format!(
                    "it speaks versions {min} to {max}, this lineswarmctl speaks {}",
                    lineswarm_proto::wire::control::VERSION
                ),
                "install the lineswarmctl that came with the daemon, or restart an upgraded daemon",
            ),
            Self::TimedOut { path, after } => ErrorBody::new(
                "E_TIMEOUT",
                format!("no answer within {} s", after.as_secs_f64()),
                format!("the daemon at {} is busy, stopped, or the command takes longer", path.display()),
                "try again with a longer --timeout; look at the daemon's log if that does not help",
            ),
            Self::Garbage { path, why } => ErrorBody::new(
                "E_PROTOCOL",
                format!("what answers at {} is no lineswarmd that can be understood", path.display()),
                why,
                "check the path given with --socket; if it is the daemon's, compare lineswarmctl version",
            ),
            Self::Closed { path } => ErrorBody::new(
                "E_CLOSED",
                "the daemon closed the connection before it answered",
                format!("the daemon at {} ended or was restarted meanwhile", path.display()),
                "try again; look at the daemon's log if it happens again",
            ),
            Self::Daemon(body) => body.clone(),
            Self::Create { path, source } => ErrorBody::new(
                "E_CANNOT_CREATE",
                format!("cannot create {}", path.display()),
                source.to_string(),
                "name a place that exists and that you may write to",
            ),
            Self::Unwritable(error) => {
                // What could not be begun, against what failed on the way.
                let (code, what) = match error {
                    WriteError::Io { source, path } if !is_refusal(source) => {
                        ("E_IO", format!("writing {} failed", path.display()))
                    }
                    WriteError::Io { path, .. }
                    | WriteError::Kind { path, .. }
                    | WriteError::NoDirectory(path) => {
                        ("E_CANNOT_CREATE", format!("cannot write {}", path.display()))
                    }
                };
                ErrorBody::new(code, what, error.to_string(), lower(error.hint()))
            }
            Self::Exists { path } => ErrorBody::new(
                "E_EXISTS",
                format!("{} is there already", path.display()),
                "a key is never overwritten: peers that use it would be locked out",
                "name another file, or remove this one first",
            ),
            Self::Io { doing, source } => ErrorBody::new(
                "E_IO",
                format!("{doing} failed"),
                source.to_string(),
                "check the disk and the path, then try again",
            ),
            Self::NoProgram { name, beside } => ErrorBody::new(
                "E_NO_PROGRAM",
                format!("{name} was not found"),
                match beside {
                    Some(place) => format!("it is neither in {} nor on PATH", place.display()),
                    None => "it is not on PATH".to_owned(),
                },
                format!("install {name} beside lineswarmctl (from source: cargo build --workspace)"),
            ),
            Self::Lab { what, why, kept } => ErrorBody::new(
                "E_LAB",
                what,
                why,
                match kept {
                    Some(place) => format!("read the logs in {}", place.display()),
                    None => "run it again with --keep and read the logs".to_owned(),
                },
            ),
            Self::Interrupted => {
                ErrorBody::new("E_INTERRUPTED", "interrupted", "a signal asked to end", "run it again")
            }
            Self::ClosedPipe => ErrorBody::new("E_IO", "the reader went away", "closed pipe", "none needed"),
        }
    }
}

/// The system does not let us, as against: it tried.
fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), NotADirectory | NotFound | PermissionDenied | ReadOnlyFilesystem)
}

fn lower(hint: &str) -> String {
    let mut rest = hint.chars();
    rest.next().map(|first| first.to_lowercase().chain(rest).collect()).unwrap_or_default()
}

fn start_it(instance: Option<&str>) -> String {
    let name = instance.unwrap_or("default");
    // The plain unit is the instance `default`.
    let (unit, by_hand) = match name {
        "default" => (String::new(), String::new()),
        name => (format!("@{name}"), format!(" --instance {name}")),
    };
    format!(
        "start it (systemctl start lineswarmd{unit}, or lineswarmd{by_hand}), or name its socket with --socket"
    )
}

fn list(places: &[PathBuf]) -> String {
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    places.join(" or ")
}

/// Who owns the socket, who asks, and which command helps.
fn permission(path: &Path, owner: Option<&SocketOwner>, me: &Me) -> ErrorBody {
    let (why, hint) = match owner {
        Some(owner) => {
            let why = format!(
                "it belongs to {}:{} with mode {:04o}, and you are {}",
                owner.user, owner.group, owner.mode, me.user
            );
            let group_may_write = owner.mode & 0o020 != 0 && owner.gid != 0;
            let hint = if group_may_write {
                format!("join the group: sudo usermod -aG {} {}, then log in again", owner.group, me.user)
            } else {
                format!("run it as the owner: sudo -u {} lineswarmctl ...", owner.user)
            };
            (why, hint)
        }
        None => (
            format!("a directory on the way is closed to you ({})", me.user),
            "run it as the daemon's user or as root: sudo lineswarmctl ...".to_owned(),
        ),
    };
    ErrorBody::new("E_PERMISSION", format!("no access to {}", path.display()), why, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(mode: u32, gid: u32) -> SocketOwner {
        SocketOwner { user: "lineswarm".into(), group: "lineswarm".into(), gid, mode }
    }

    #[test]
    fn a_closed_socket_names_its_owner_its_mode_who_asks_and_the_command_that_helps() {
        let path = PathBuf::from("/run/lineswarm/default/control.sock");
        let me = Me { user: "eve".into() };
        let body =
            Failure::Permission { path: path.clone(), owner: Some(owner(0o660, 99)), me: me.clone() }.body();
        assert_eq!(body.code, "E_PERMISSION");
        assert_eq!(body.why, "it belongs to lineswarm:lineswarm with mode 0660, and you are eve");
        assert_eq!(body.hint, "join the group: sudo usermod -aG lineswarm eve, then log in again");
        let private =
            Failure::Permission { path: path.clone(), owner: Some(owner(0o600, 99)), me: me.clone() };
        assert_eq!(private.body().hint, "run it as the owner: sudo -u lineswarm lineswarmctl ...");
        let hidden = Failure::Permission { path, owner: None, me };
        assert!(hidden.body().why.contains("directory"));
        assert_eq!(hidden.exit_code(), 77);
    }

    #[test]
    fn each_code_has_its_exit_code_and_an_unknown_one_is_a_negative_answer() {
        for (code, exit) in [
            ("E_NO_LINE", 1),
            ("E_INCOMPLETE", 1),
            ("E_FROM_THE_FUTURE", 1),
            ("E_BAD_REQUEST", 64),
            ("E_REJECTED", 65),
            ("E_NO_DAEMON", 69),
            ("E_NO_LISTENER", 69),
            ("E_BUG", 70),
            ("E_EXISTS", 73),
            ("E_IO", 74),
            ("E_TIMEOUT", 75),
            ("E_BUSY", 75),
            ("E_VERSION", 76),
            ("E_READ_ONLY", 77),
            ("E_CONFIG", 78),
        ] {
            assert_eq!(exit_code(code), exit, "{code}");
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        assert_eq!(Failure::ClosedPipe.exit_code(), 0);
    }
}
