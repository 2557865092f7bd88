//! The line server: reachable, and does it speak the protocol?
//!
//! Many allow one connection an address, so a daemon that runs, even one that does not answer, is not disturbed. If none
//! runs, the name is resolved, and no more: a connection would start the server's session for this address, whose clock
//! counts for the score. With `--ask-server` one is made, from the address that the daemon would draw from, for one
//! SENDLINE.

use super::scene::{Scene, Seen};
use super::{Check, fail, ok, warn};
use lineswarm_proto::wire::line::{Expect, Reply, ReplyError, ReplyReader, SENDLINE};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const NAME: &str = "line-server";

/// Why it gives no line.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("its name can't be resolved: {0}")]
    NoName(io::Error),
    #[error("its name has no address of the family of server.bind")]
    NoAddress,
    #[error("server.bind {0} can't be used: {1}")]
    Bind(IpAddr, io::Error),
    #[error("nobody listens at {0}")]
    Nobody(SocketAddr),
    #[error("{0} can't be reached: {1}")]
    Unreachable(SocketAddr, io::Error),
    #[error("it took the connection and closed it without an answer")]
    Closed,
    #[error("no answer within {} s", .0.as_secs_f64())]
    Silent(Duration),
    #[error(transparent)]
    NoLineServer(#[from] ReplyError),
}

impl Trouble {
    fn hint(&self) -> &'static str {
        match self {
            Self::NoName(_) | Self::NoAddress => {
                "check server.address, and the name service: getent hosts NAME"
            }
            Self::Bind(..) => "name addresses of this machine in server.bind, or none",
            Self::Nobody(_) => "start the line server, or check server.address",
            Self::Unreachable(..) => "check server.address, the route and the firewall",
            Self::Closed => "it may allow one connection an address: see who else draws from here",
            Self::Silent(_) => "check that server.address is a line server, and that it is not overloaded",
            Self::NoLineServer(_) => "check server.address",
        }
    }
}

pub(super) fn check(scene: &Scene) -> Check {
    if let Some(seen) = scene.seen() {
        return as_seen(seen);
    }
    if !scene.is_down() {
        let what = "not asked: a daemon may be drawing, and many servers allow one connection an address";
        return warn(NAME, what, "see the line daemon");
    }
    let Some(settings) = scene.settings() else {
        return warn(NAME, "not asked: its address is not known", scene.hint_of_ignorance());
    };
    let address = settings.text("server.address").to_owned();
    let from = settings.list("server.bind").first().and_then(|ip| ip.parse().ok());
    if !scene.asks_server {
        return match within(&address, scene.patience, move |address| resolve(&address, from)) {
            Ok(to) => warn(
                NAME,
                format!(
                    "{address} was not asked, only its name looked up ({to}): asking starts its session for this address"
                ),
                "lineswarmctl doctor --ask-server asks for one line",
            ),
            Err(trouble) => fail(NAME, format!("{address}: {trouble}"), trouble.hint()),
        };
    }
    let begin = Instant::now();
    judge(&address, ask_within(&address, from, scene.patience), begin.elapsed())
}

/// What it gave when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Line,
    /// Somebody draws from this address, or drew a moment ago.
    Refusal,
}

fn judge(address: &str, answer: Result<Given, Trouble>, took: Duration) -> Check {
    let ms = took.as_secs_f64() * 1e3;
    match answer {
        Ok(Given::Line) => ok(
            NAME,
            format!(
                "{address} gave a line, within {ms:.1} ms; its session for this address has begun with that"
            ),
        ),
        Ok(Given::Refusal) => ok(
            NAME,
            format!(
                "{address} answered within {ms:.1} ms that it was asked too soon: others draw from this address"
            ),
        ),
        Err(trouble) => fail(NAME, format!("{address}: {trouble}"), trouble.hint()),
    }
}

/// What the daemon says; it is connected while it draws, or has no need to be.
fn as_seen(seen: &Seen) -> Check {
    let status = &seen.status;
    let (server, state) = (&status.job.server, &status.line_server);
    if let Some(peer) = &status.standby_for {
        return warn(
            NAME,
            format!(
                "{server}: on standby, as {peer:?} draws from the same address, and the server lets one connection of an address live"
            ),
            "give each daemon an address of its own to draw from: server.bind",
        );
    }
    // Needed, and not there.
    if let Some(next) = state.next_try_s {
        let why = state.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let what = match state.tries {
            0 => format!("{server}, connecting"),
            1 => format!("{server}, not connected{why}; 1 try failed, the next is in {next:.1} s"),
            tries => {
                format!("{server}, not connected{why}; {tries} tries failed, the next is in {next:.1} s")
            }
        };
        let hint = "start the line server, or check server.address; the daemon tries again by itself";
        return if state.tries == 0 {
            warn(NAME, what, "look again in a moment")
        } else {
            fail(NAME, what, hint)
        };
    }
    if !status.job.drawing {
        return ok(NAME, format!("{server}, not needed now: the daemon is {}", status.state.name()));
    }
    let one =
        if state.one_at_a_time { ", asked one request at a time, as it does not answer several" } else { "" };
    match status.job.reconnects {
        0 => ok(NAME, format!("{server}, connected; {} lines drawn{one}", status.job.draws)),
        lost => warn(
            NAME,
            format!(
                "{server}, connected, after the connection was lost {}{one}",
                if lost == 1 { "once".into() } else { format!("{lost} times") }
            ),
            "lineswarmctl log tail says why; others may draw from this address",
        ),
    }
}

/// Resolving a name has no bound of its own.
fn within<T: Send + 'static>(
    address: &str,
    patience: Duration,
    look: impl FnOnce(String) -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let (tell, told) = mpsc::channel();
    let wanted = address.to_owned();
    thread::spawn(move || tell.send(look(wanted)));
    told.recv_timeout(patience).unwrap_or(Err(Trouble::Silent(patience)))
}

fn ask_within(address: &str, from: Option<IpAddr>, patience: Duration) -> Result<Given, Trouble> {
    within(address, patience, move |address| ask(&address, from, patience))
}

/// Its first address of the family that is drawn from.
fn resolve(address: &str, from: Option<IpAddr>) -> Result<SocketAddr, Trouble> {
    let mut found = address.to_socket_addrs().map_err(Trouble::NoName)?;
    found.find(|to| from.is_none_or(|from| from.is_ipv4() == to.is_ipv4())).ok_or(Trouble::NoAddress)
}

fn ask(address: &str, from: Option<IpAddr>, patience: Duration) -> Result<Given, Trouble> {
    let to = resolve(address, from)?;
    let mut stream = connect(to, from, patience)?;
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Trouble::Silent(patience),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Trouble::Closed,
        _ => Trouble::Unreachable(to, error),
    };
    stream.set_read_timeout(Some(patience)).map_err(failed)?;
    stream.write_all(SENDLINE).map_err(failed)?;
    let (mut reader, mut buffer) = (ReplyReader::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).map_err(failed)?;
        let mut bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Err(Trouble::Closed);
        }
        match reader.next(&mut bytes, Expect::Line)? {
            Some(Reply::Line { .. }) => return Ok(Given::Line),
            Some(Reply::Refused) => return Ok(Given::Refusal),
            _ => {}
        }
    }
}

/// From the daemon's own address, with a bound.
fn connect(to: SocketAddr, from: Option<IpAddr>, patience: Duration) -> Result<TcpStream, Trouble> {
    let unreachable = |error: Errno| match error {
        Errno::CONNREFUSED => Trouble::Nobody(to),
        Errno::AGAIN | Errno::INPROGRESS | Errno::TIMEDOUT => Trouble::Silent(patience),
        other => Trouble::Unreachable(to, other.into()),
    };
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    let socket = socket.map_err(unreachable)?;
    if let Some(from) = from {
        let bound = rustix::net::bind(&socket, &SocketAddr::new(from, 0));
        bound.map_err(|error| Trouble::Bind(from, error.into()))?;
    }
    set_socket_timeout(&socket, Timeout::Send, Some(patience)).map_err(unreachable)?;
    rustix::net::connect(&socket, &to).map_err(unreachable)?;
    Ok(TcpStream::from(socket))
}

#[cfg(test)]
mod tests {
    use super::super::{Level, daemon::tests::well};
    use super::*;
    use lineswarm_proto::wire::control::{LineServer, State};
    use std::net::TcpListener;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// What a server that answers so is called.
    fn answer(bytes: &'static [u8], patience: Duration) -> Check {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap().to_string();
        let serving = thread::spawn(move || {
            let (mut stream, from) = server.accept().unwrap();
            let mut request = [0; SENDLINE.len()];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(bytes).unwrap();
            let _ = stream.shutdown(std::net::Shutdown::Write).map(|()| bytes.is_empty());
            (request, from.ip())
        });
        let check = judge(&address, ask_within(&address, Some([127, 0, 0, 9].into()), patience), PATIENCE);
        let (request, from) = serving.join().unwrap();
        assert_eq!((request.as_slice(), from), (SENDLINE, IpAddr::from([127, 0, 0, 9])));
        check
    }

    #[test]
    fn a_line_or_a_refusal_is_an_answer_and_nothing_else_is() {
        assert_eq!(answer(b"7\na text\n", PATIENCE).level, Level::Ok);
        let refused = answer(b"-1\n\n", PATIENCE);
        assert!(refused.level == Level::Ok && refused.what.contains("too soon"), "{refused:?}");
        let garbage = answer(b"HTTP/1.1 400 Bad Request\r\n\r\n", PATIENCE);
        assert_eq!(garbage.level, Level::Fail);
        assert!(garbage.what.contains("where a number is due"), "{garbage:?}");
        let closed = answer(b"", PATIENCE);
        assert!(closed.what.ends_with("closed it without an answer"), "{closed:?}");
    }

    #[test]
    fn silence_nobody_and_a_wrong_name_are_told_apart() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let ask = |address: &str, from: Option<IpAddr>| {
            let check = judge(address, ask_within(address, from, Duration::from_millis(100)), PATIENCE);
            assert_eq!(check.level, Level::Fail);
            check.what
        };
        assert!(ask(&address, None).ends_with("no answer within 0.1 s"));
        drop(silent);
        assert!(ask(&address, None).contains("nobody listens"));
        assert!(ask(&address, Some("::1".parse().unwrap())).contains("no address of the family"));
        assert!(ask(&address, Some([192, 0, 2, 1].into())).contains("server.bind 192.0.2.1"));
        assert!(ask("no-port", None).contains("resolved"));
    }

    #[test]
    fn a_running_daemon_is_believed() {
        let mut seen = well();
        assert_eq!(as_seen(&seen).level, Level::Ok);
        seen.status.job.reconnects = 3;
        assert_eq!(as_seen(&seen).level, Level::Warn);
        seen.status.line_server = LineServer { tries: 3, next_try_s: Some(1.5), ..LineServer::default() };
        let away = as_seen(&seen);
        assert_eq!(away.level, Level::Fail);
        assert!(away.what.ends_with("not connected; 3 tries failed, the next is in 1.5 s"), "{away:?}");
        seen.status.standby_for = Some("lab1/bob".into());
        seen.status.job.drawing = false;
        let standby = as_seen(&seen);
        assert_eq!(standby.level, Level::Warn);
        assert!(standby.what.contains("standby") && standby.hint.unwrap().contains("server.bind"));
        seen.status.standby_for = None;
        seen.status.line_server.next_try_s = None;
        seen.status.state = State::Paused;
        assert_eq!(as_seen(&seen).what, "127.0.0.1:9801, not needed now: the daemon is paused");
    }
}
