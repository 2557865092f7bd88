//! The two socket files: who may connect is settled when they are bound, and nothing is chmod-ed after.
//!
//! A file that a dead daemon left is replaced, one that somebody answers on is not, and neither is anything that is
//! no socket. Invariant: only a file that this process made is ever removed at the end.

use crate::logging::value;
use lineswarm_proto::wire::control::Greeting;
use mio::net::{UnixListener, UnixStream};
use parking_lot::Mutex;
use rustix::{fs::Mode, process::umask};
use std::{
    fs,
    io::{self, BufRead, BufReader, ErrorKind, Read},
    os::unix::{
        self,
        fs::{DirBuilderExt, FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
    time::Duration,
};

/// The group that may use the control socket.
const GROUP: &str = "lineswarm";
/// How long a daemon that holds a socket may take to say who it is.
const PATIENCE: Duration = Duration::from_millis(500);
/// The longest path that a socket address holds, without its closing zero.
const PATH_BYTES: usize = 107;

/// The process has one umask: two that change it would restore each other's.
static UMASK: Mutex<()> = Mutex::new(());

/// Which of the two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads only, for everybody.
    Status,
    /// Everything, for the owner and the group.
    Control,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Control => "control",
        }
    }

    /// What the file's mode of 0777 is short of: 0666 and 0660 remain.
    fn mask(self) -> Mode {
        match self {
            Self::Status => Mode::from_raw_mode(0o111),
            Self::Control => Mode::from_raw_mode(0o117),
        }
    }
}

/// Why there is no control socket: what, why and the hint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    #[error(
        "cannot listen on {path}: {holder} answers there. Stop it, or give this one a name of its own \
         (--instance), or another node.{kind}-socket"
    )]
    Held { path: PathBuf, kind: &'static str, holder: String },
    #[error(
        "cannot listen on {path}: there is a file that is no socket. Move it away, or choose another \
         node.{kind}-socket"
    )]
    InTheWay { path: PathBuf, kind: &'static str },
    #[error(
        "cannot listen on {path}: the path has {} bytes and a socket's may have {PATH_BYTES}. Choose a \
         shorter node.{kind}-socket", path.as_os_str().len()
    )]
    TooLong { path: PathBuf, kind: &'static str },
    #[error("cannot listen on {path}: it is the status socket too. Choose another node.control-socket")]
    Same { path: PathBuf },
    #[error(
        "cannot listen on {path}: its directory can't be made ({why}). Make it, and let this user write there, \
         or choose another node.{kind}-socket"
    )]
    Directory { path: PathBuf, kind: &'static str, why: io::Error },
    #[error(
        "cannot listen on {path}: {why}. Let this user write into its directory, or choose another \
         node.{kind}-socket"
    )]
    Bind { path: PathBuf, kind: &'static str, why: io::Error },
    #[error("cannot listen on {path}: the operating system refused what the event loop needs ({why})")]
    Poll { path: PathBuf, why: io::Error },
}

/// A bound socket; dropping it removes its file.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    pub(super) kind: Kind,
    path: PathBuf,
    /// Device and inode of the file that was made.
    made: Option<(u64, u64)>,
}

impl Socket {
    /// Binds. The process's umask changes for a moment: other threads should not make files meanwhile.
    pub(super) fn bind(kind: Kind, path: &Path) -> Result<Self, ControlError> {
        let name = kind.name();
        if path.as_os_str().len() > PATH_BYTES {
            return Err(ControlError::TooLong { path: path.into(), kind: name });
        }
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(directory);
            made.map_err(|why| ControlError::Directory { path: path.into(), kind: name, why })?;
        }
        make_room(kind, path)?;
        let bound = {
            let _one_at_a_time = UMASK.lock();
            let before = umask(kind.mask());
            let bound = UnixListener::bind(path);
            umask(before);
            bound
        };
        let listener = bound.map_err(|why| ControlError::Bind { path: path.into(), kind: name, why })?;
        // A service of that group has it already, and its sandbox kills who calls chown.
        if let (Kind::Control, Some(group)) = (kind, group_id(GROUP))
            && fs::symlink_metadata(path).is_ok_and(|facts| facts.gid() != group)
            && let Err(error) = unix::fs::lchown(path, None, Some(group))
        {
            log::debug!("socket-group path={} group={GROUP} why={}", value(path.display()), value(error));
        }
        Ok(Self { listener, kind, path: path.into(), made: identity(path) })
    }
}

impl Socket {
    /// Takes the file away, unless somebody else's has taken its place.
    pub(super) fn remove(&mut self) {
        let made = self.made.take();
        if made.is_some() && identity(&self.path) == made {
            // If it can't be removed, the next start finds that nobody answers and replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.remove();
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let facts = fs::symlink_metadata(path).ok()?;
    Some((facts.dev(), facts.ino()))
}

/// Removes what a dead daemon left.
fn make_room(kind: Kind, path: &Path) -> Result<(), ControlError> {
    let name = kind.name();
    let bind = |why| ControlError::Bind { path: path.into(), kind: name, why };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(bind(error)),
        Ok(facts) if !facts.file_type().is_socket() => {
            return Err(ControlError::InTheWay { path: path.into(), kind: name });
        }
        Ok(_) => {}
    }
    // mio's connect does not wait: a daemon that hangs with a full queue must not make us hang.
    let held = |holder| Err(ControlError::Held { path: path.into(), kind: name, holder });
    match UnixStream::connect(path) {
        Ok(stream) => held(holder(stream)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            held("a daemon that is too busy to say who".into())
        }
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(bind(error)),
            _ => Ok(()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(bind(error)),
    }
}

/// Who answers, as far as it can be learnt: `lineswarmd "lab1/alice" (pid 17)`.
fn holder(stream: UnixStream) -> String {
    let pid = rustix::net::sockopt::socket_peercred(&stream)
        .map(|peer| format!(" (pid {})", peer.pid.as_raw_nonzero()))
        .unwrap_or_default();
    let greeting = || -> Option<Greeting> {
        let stream = std::os::unix::net::UnixStream::from(stream);
        stream.set_nonblocking(false).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut line = Vec::new();
        BufReader::new(stream.take(4096)).read_until(b'\n', &mut line).ok()?;
        serde_json::from_slice(&line).ok()
    };
    match greeting() {
        Some(Greeting { hello, .. }) => format!("{} {:?}{pid}", hello.program, hello.name),
        None => format!("another program{pid}"),
    }
}

/// Looks in /etc/group only: a group from a name service is not found, and the socket keeps the daemon's own.
fn group_id(name: &str) -> Option<u32> {
    group_in(&fs::read_to_string("/etc/group").ok()?, name)
}

fn group_in(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn sockets_are_born_with_their_modes_and_go_with_their_owner() {
        let at = tempfile::tempdir().unwrap();
        let (status, control) = (at.path().join("a/b/status.sock"), at.path().join("control.sock"));
        let bound =
            (Socket::bind(Kind::Status, &status).unwrap(), Socket::bind(Kind::Control, &control).unwrap());
        assert_eq!((mode(&status), mode(&control)), (0o666, 0o660));
        drop(bound);
        assert!(!status.exists() && !control.exists());
    }

    #[test]
    fn a_socket_that_nobody_answers_on_is_replaced() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("s");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let socket = Socket::bind(Kind::Status, &path).unwrap();
        std::os::unix::net::UnixStream::connect(&path).unwrap();
        drop(socket);
    }

    #[test]
    fn a_socket_that_somebody_answers_on_stays_and_the_error_says_who() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("s");
        let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let greeter = std::thread::spawn(move || {
            let (mut stream, _) = other.accept().unwrap();
            let greeting = br#"{"v":1,"hello":{"program":"lineswarmd","version":"0","min":1,"max":1,"socket":"status","name":"lab1/bob"}}"#;
            io::Write::write_all(&mut stream, greeting).unwrap();
            io::Write::write_all(&mut stream, b"\n").unwrap();
            other
        });
        let said = Socket::bind(Kind::Status, &path).unwrap_err().to_string();
        assert!(said.contains("lineswarmd \"lab1/bob\" (pid "), "{said}");
        assert!(said.contains("node.status-socket"), "{said}");
        let other = greeter.join().unwrap();
        assert!(path.exists());
        // One that does not speak at all is held too.
        let said = Socket::bind(Kind::Control, &path).unwrap_err().to_string();
        assert!(said.contains("another program (pid "), "{said}");
        drop(other);
    }

    #[test]
    fn files_and_directories_are_never_removed() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("precious");
        fs::write(&path, "data").unwrap();
        assert!(matches!(Socket::bind(Kind::Control, &path), Err(ControlError::InTheWay { .. })));
        assert!(matches!(Socket::bind(Kind::Control, at.path()), Err(ControlError::InTheWay { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"data");
        let below = path.join("s");
        assert!(matches!(Socket::bind(Kind::Status, &below), Err(ControlError::Directory { .. })));
        let long = at.path().join("x".repeat(PATH_BYTES));
        assert!(matches!(Socket::bind(Kind::Status, &long), Err(ControlError::TooLong { .. })));
    }

    #[test]
    fn a_file_that_took_our_place_is_left_alone() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("s");
        let ours = Socket::bind(Kind::Status, &path).unwrap();
        fs::remove_file(&path).unwrap();
        let theirs = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(ours);
        assert!(path.exists());
        drop(theirs);
    }

    #[test]
    fn a_group_is_found_by_its_name() {
        let text = "root:x:0:\nbroken\nlineswarm:x:971:alice\nlineswarmer:x:5:\n";
        assert_eq!(group_in(text, "lineswarm"), Some(971));
        assert_eq!(group_in(text, "nobody"), None);
    }
}
