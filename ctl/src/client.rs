//! A client of the control protocol: one Unix stream, one deadline for the whole command.
//!
//! Requests are sent without waiting for the greeting, which is checked before the first reply is believed.
//! Each line that is read is bounded; nothing here prints or decides what to ask.

use crate::accounts;
use crate::failure::Failure;
use crate::place::Place;
use lineswarm_proto::limits;
use lineswarm_proto::wire::control::{Body, Command, ErrorBody, Greeting, Hello, Reply, Request, VERSION};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use serde_json::Value;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A daemon that has not greeted by then is passed over for one that does.
const GREETS_WITHIN: Duration = Duration::from_secs(1);

/// When a command gives up, and after how long that is.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Option<Instant>,
    after: Duration,
}

impl Deadline {
    /// So long from now; None is never.
    #[must_use]
    pub fn after(span: Option<Duration>) -> Self {
        Self {
            at: span.and_then(|span| Instant::now().checked_add(span)),
            after: span.unwrap_or(Duration::MAX),
        }
    }

    /// What is left: None is for ever, an error if nothing is.
    fn left(&self) -> io::Result<Option<Duration>> {
        let Some(at) = self.at else { return Ok(None) };
        match at.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(ErrorKind::TimedOut.into()),
        }
    }
}

/// Reads with what is left of the deadline, so that a daemon that drips cannot stretch it.
#[derive(Debug)]
struct Timed {
    stream: UnixStream,
    deadline: Deadline,
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.deadline.left()?)?;
        self.stream.read(into)
    }
}

impl Write for Timed {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.deadline.left()?)?;
        self.stream.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A connection to one daemon.
#[derive(Debug)]
pub struct Connection {
    path: PathBuf,
    reader: BufReader<Timed>,
    hello: Option<Hello>,
    /// Takes the place of the first deadline once the daemon has greeted.
    after_greeting: Option<Deadline>,
    sent: u64,
}

impl Connection {
    /// Connects to the socket for `command` at a place.
    pub fn to(place: &Place, command: &Command, deadline: Deadline) -> Result<Self, Failure> {
        let path = place.socket(command.is_read());
        Self::open(&path, deadline).map_err(|error| match (error, place.instance()) {
            (Failure::NoSocket { path, .. }, name) => {
                Failure::NoSocket { path, instance: name.map(str::to_owned) }
            }
            (Failure::NoListener { path, .. }, name) => {
                Failure::NoListener { path, instance: name.map(str::to_owned) }
            }
            (other, _) => other,
        })
    }

    /// Connects to a socket.
    pub fn open(path: &Path, deadline: Deadline) -> Result<Self, Failure> {
        let stream = connect(path, deadline).map_err(|error| connect_failure(path, error, deadline))?;
        let reader = BufReader::with_capacity(64 * 1024, Timed { stream, deadline });
        Ok(Self { path: path.into(), reader, hello: None, after_greeting: None, sent: 0 })
    }

    /// A new deadline, for the next command on this connection.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.reader.get_mut().deadline = deadline;
    }

    /// A later deadline for what may take long; the greeting may not.
    pub fn set_deadline_after_greeting(&mut self, deadline: Deadline) {
        self.after_greeting = Some(deadline);
    }

    /// Sends one request and returns its last reply; `on_part` gets the pieces before it.
    pub fn ask(
        &mut self,
        command: Command,
        mut on_part: impl FnMut(Value) -> Result<(), Failure>,
    ) -> Result<Value, Failure> {
        let id = self.send(command)?;
        self.greeting()?;
        loop {
            let line = self.read_line()?;
            let reply: Reply<Value> = serde_json::from_slice(&line).map_err(|error| self.garbage(error))?;
            match reply.body {
                // Sent before our request was read: this connection is refused as a whole.
                Body::Error(error) if reply.id == id || reply.id == 0 => return Err(error.into()),
                _ if reply.id != id => {
                    return Err(self.garbage(format!("reply {} to request {id}", reply.id)));
                }
                Body::Part(part) => on_part(part).map_err(|failure| self.placed(failure))?,
                Body::Ok(value) => return Ok(value),
                Body::Error(error) => return Err(error.into()),
            }
        }
    }

    /// Asks for one value and no pieces.
    pub fn get<T: serde::de::DeserializeOwned>(&mut self, command: Command) -> Result<T, Failure> {
        let value = self.ask(command, |_| Ok(()))?;
        serde_json::from_value(value).map_err(|error| self.garbage(error))
    }

    /// Who the daemon said it is.
    #[must_use]
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// The process that listens, if the system says so.
    #[must_use]
    pub fn daemon_pid(&self) -> Option<u32> {
        let peer = rustix::net::sockopt::socket_peercred(&self.reader.get_ref().stream).ok()?;
        u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
    }

    /// An answer that is not what the protocol says.
    #[must_use]
    pub fn garbage(&self, why: impl ToString) -> Failure {
        Failure::Garbage { path: self.path.clone(), why: why.to_string() }
    }

    /// A failure of whoever looked at an answer, with the place that the answer came from.
    pub fn placed(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Garbage { why, .. } => self.garbage(why),
            other => other,
        }
    }

    fn send(&mut self, command: Command) -> Result<u64, Failure> {
        self.sent += 1;
        let id = self.sent;
        let mut line = serde_json::to_vec(&Request { id, command })
            .map_err(|error| Failure::Io { doing: "writing a request".into(), source: error.into() })?;
        line.push(b'\n');
        match self.reader.get_mut().write_all(&line) {
            // Whoever closes early has often said why before: what it said is read next.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Ok(id)
            }
            other => other.map(|()| id).map_err(|error| self.broken(error)),
        }
    }

    fn greeting(&mut self) -> Result<(), Failure> {
        if self.hello.is_some() {
            return Ok(());
        }
        let line = self.read_line()?;
        // The greeting's shape may change with its version: the versions are looked at first.
        let value: Value = serde_json::from_slice(&line).map_err(|error| self.garbage(error))?;
        if let Some(error) = value.get("error") {
            let error: ErrorBody =
                serde_json::from_value(error.clone()).map_err(|error| self.garbage(error))?;
            return Err(error.into());
        }
        let version = |name: &str| {
            let number = value.pointer(&format!("/hello/{name}")).and_then(Value::as_u64);
            number.map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        };
        if let (Some(min), Some(max)) = (version("min"), version("max"))
            && !(min..=max).contains(&VERSION)
        {
            let program = value.pointer("/hello/program").and_then(Value::as_str).unwrap_or("the daemon");
            return Err(Failure::Version { program: program.into(), min, max });
        }
        let greeting: Greeting =
            serde_json::from_value(value).map_err(|_| self.garbage("it did not greet as lineswarmd does"))?;
        self.hello = Some(greeting.hello);
        if let Some(deadline) = self.after_greeting.take() {
            self.set_deadline(deadline);
        }
        Ok(())
    }

    /// One line without its newline, of at most [`limits::CONTROL_REPLY_BYTES`].
    fn read_line(&mut self) -> Result<Vec<u8>, Failure> {
        let mut line = Vec::new();
        let bound = limits::CONTROL_REPLY_BYTES as u64;
        let read = self.reader.by_ref().take(bound + 1).read_until(b'\n', &mut line);
        match read {
            Err(error) => Err(self.broken(error)),
            Ok(0) => Err(Failure::Closed { path: self.path.clone() }),
            Ok(_) if line.pop_if(|byte| *byte == b'\n').is_some() => Ok(line),
            Ok(count) if count as u64 > bound => {
                Err(self.garbage(format!("a line of more than {bound} bytes")))
            }
            Ok(_) => Err(Failure::Closed { path: self.path.clone() }),
        }
    }

    fn broken(&self, error: io::Error) -> Failure {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                Failure::TimedOut { path: self.path.clone(), after: self.reader.get_ref().deadline.after }
            }
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Failure::Closed { path: self.path.clone() },
            _ => Failure::Connect { path: self.path.clone(), source: error },
        }
    }
}

/// Does a daemon greet there, soon?
#[must_use]
pub fn answers(path: &Path) -> bool {
    let connection = Connection::open(path, Deadline::after(Some(GREETS_WITHIN)));
    let greeted = connection.and_then(|mut connection| connection.greeting());
    // One that speaks another version is there as well.
    matches!(greeted, Ok(()) | Err(Failure::Version { .. } | Failure::Daemon(_)))
}

/// As `UnixStream::connect`, but a daemon that does not accept is waited for no longer than the deadline.
fn connect(path: &Path, deadline: Deadline) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_timeout(&socket, Timeout::Send, deadline.left()?)?;
    rustix::net::connect(&socket, &address)?;
    Ok(UnixStream::from(socket))
}

fn connect_failure(path: &Path, error: io::Error, deadline: Deadline) -> Failure {
    let path = path.to_path_buf();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Failure::NoSocket { path, instance: None },
        ErrorKind::ConnectionRefused => Failure::NoListener { path, instance: None },
        ErrorKind::PermissionDenied => {
            Failure::Permission { owner: accounts::owner_of(&path), me: accounts::me(), path }
        }
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Failure::TimedOut { path, after: deadline.after },
        _ => Failure::Connect { path, source: error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_why_connecting_fails_is_told_apart() {
        let failure = |kind: ErrorKind| {
            connect_failure(Path::new("/nowhere/x.sock"), kind.into(), Deadline::after(None)).exit_code()
        };
        assert_eq!(failure(ErrorKind::NotFound), 69);
        assert_eq!(failure(ErrorKind::ConnectionRefused), 69);
        assert_eq!(failure(ErrorKind::PermissionDenied), 77);
        assert_eq!(failure(ErrorKind::WouldBlock), 75);
        assert_eq!(failure(ErrorKind::InvalidInput), 69);
    }
}
