//! A listening TCP socket: who may come in, and how many in one turn.
//!
//! It accepts and sorts by source address; it speaks with nobody. The poll is edge-triggered, so a listener that
//! had to stop (its budget spent, no descriptors left) is asked again by its caller, in the next turn or by a timer.
//! Source addresses are canonical: an IPv4 peer on an IPv6 socket has its IPv4 address.

use std::io;
use std::net::{IpAddr, SocketAddr};

use lineswarm_proto::limits::TURN_ACCEPTS;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the system keeps for us until we accept them.
const BACKLOG: i32 = 128;

/// Why nobody can be listened to at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ListenError {
    #[error("cannot listen on {0}: another program does; choose another port, or port 0 for any")]
    InUse(SocketAddr),
    #[error("cannot listen on {0}: the address is not one of this machine; check swarm.listen")]
    NotHere(SocketAddr),
    #[error(
        "cannot listen on {0}: not permitted; ports below 1024 need CAP_NET_BIND_SERVICE, choose a higher one"
    )]
    NotPermitted(SocketAddr),
    #[error("cannot listen on {0}: this machine does not speak that address family; use another address")]
    FamilyUnavailable(SocketAddr),
    #[error("cannot listen on {address}: {}", io::Error::from_raw_os_error(*.errno))]
    Other { address: SocketAddr, errno: i32 },
}

impl ListenError {
    fn new(address: SocketAddr, error: &io::Error) -> Self {
        match Errno::from_io_error(error) {
            Some(Errno::ADDRINUSE) => Self::InUse(address),
            Some(Errno::ADDRNOTAVAIL) => Self::NotHere(address),
            Some(Errno::ACCESS | Errno::PERM) => Self::NotPermitted(address),
            Some(Errno::AFNOSUPPORT) => Self::FamilyUnavailable(address),
            errno => Self::Other { address, errno: errno.map_or(0, Errno::raw_os_error) },
        }
    }
}

/// One who came.
#[derive(Debug)]
pub(crate) enum Incoming {
    Admitted(TcpStream, SocketAddr),
    /// Closed already, without a byte.
    NotAllowed(SocketAddr),
}

/// Why accepting stopped.
#[derive(Debug)]
pub(crate) enum AcceptEnd {
    /// Nobody waits; the poll will tell of more.
    WouldBlock,
    /// The budget of the turn is spent: ask again in the next turn, the poll will not.
    More,
    /// The system has no descriptor or memory for another: ask again when a connection has ended, or after a second.
    Exhausted(io::Error),
    /// The socket itself is broken: the listener must be made anew.
    Broken(io::Error),
}

#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
}

impl Listener {
    /// `[::]` listens on IPv4 too, whatever the machine's default.
    pub(crate) fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let bind = || {
            let domain = Domain::for_address(address);
            let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            if domain == Domain::IPV6 {
                socket.set_only_v6(false)?;
            }
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            Ok(Self { listener: TcpListener::from_std(socket.into()) })
        };
        bind().map_err(|error: io::Error| ListenError::new(address, &error))
    }

    /// The address bound, with the port that the system chose for port 0.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.listener, token, Interest::READABLE)
    }

    #[cfg(test)]
    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut self.listener)
    }

    /// Accepts until nobody waits or the turn's budget is spent, and appends to `incoming` who came.
    pub(crate) fn accept_turn(
        &mut self,
        allowed: impl Fn(IpAddr) -> bool,
        incoming: &mut Vec<Incoming>,
    ) -> AcceptEnd {
        for _ in 0..TURN_ACCEPTS {
            let (stream, from) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return AcceptEnd::WouldBlock,
                Err(error) => match failure(&error) {
                    Failure::OneConnection => continue,
                    Failure::Exhausted => return AcceptEnd::Exhausted(error),
                    Failure::Broken => return AcceptEnd::Broken(error),
                },
            };
            let from = SocketAddr::new(from.ip().to_canonical(), from.port());
            incoming.push(match allowed(from.ip()) {
                true => Incoming::Admitted(stream, from),
                false => Incoming::NotAllowed(from),
            });
        }
        AcceptEnd::More
    }
}

enum Failure {
    OneConnection,
    Exhausted,
    Broken,
}

/// accept(2) also reports what had befallen the connection it would have given.
fn failure(error: &io::Error) -> Failure {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Failure::Exhausted,
        Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP | Errno::FAULT) | None => {
            Failure::Broken
        }
        Some(_) => Failure::OneConnection,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpStream as StdStream;
    use std::time::Duration;

    use mio::{Events, Poll};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    fn listener(address: &str) -> (Listener, SocketAddr) {
        let listener = Listener::bind(address.parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn connect(address: SocketAddr, count: usize) -> Vec<StdStream> {
        (0..count).map(|_| StdStream::connect(address).unwrap()).collect()
    }

    /// Turns of a loop until so many came: a connect may return a moment before its caller can be accepted.
    fn accept(listener: &mut Listener, count: usize, allowed: impl Fn(IpAddr) -> bool) -> Vec<Incoming> {
        let mut poll = Poll::new().unwrap();
        let mut events = Events::with_capacity(4);
        let mut incoming = Vec::new();
        listener.register(poll.registry(), Token(5)).unwrap();
        while incoming.len() < count {
            let before = incoming.len();
            match listener.accept_turn(&allowed, &mut incoming) {
                AcceptEnd::More => assert_eq!(incoming.len() - before, TURN_ACCEPTS),
                AcceptEnd::WouldBlock if incoming.len() < count => {
                    poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
                    assert!(
                        events.iter().any(|event| event.token() == Token(5)),
                        "the poll tells of callers"
                    );
                }
                AcceptEnd::WouldBlock => {}
                end => panic!("{end:?}"),
            }
        }
        listener.deregister(poll.registry()).unwrap();
        incoming
    }

    #[test]
    fn one_turn_accepts_its_budget_and_says_that_more_wait() {
        let (mut listener, address) = listener("127.0.0.1:0");
        let mut incoming = Vec::new();
        assert!(matches!(listener.accept_turn(|_| true, &mut incoming), AcceptEnd::WouldBlock));
        let clients = connect(address, TURN_ACCEPTS + 50);
        assert!(matches!(listener.accept_turn(|_| true, &mut incoming), AcceptEnd::More));
        assert_eq!(incoming.len(), TURN_ACCEPTS);
        incoming.extend(accept(&mut listener, 50, |_| true));
        assert_eq!(incoming.len(), clients.len());
    }

    #[test]
    fn a_source_that_is_not_allowed_is_closed_without_a_byte() {
        let (mut listener, address) = listener("127.0.0.1:0");
        let mut clients = connect(address, 1);
        let incoming = accept(&mut listener, 1, |ip| ip != IpAddr::from([127, 0, 0, 1]));
        let from = clients[0].local_addr().unwrap();
        assert!(matches!(&incoming[..], [Incoming::NotAllowed(address)] if *address == from));
        assert_eq!(clients[0].read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn an_ipv4_caller_of_an_ipv6_socket_has_its_ipv4_address() {
        let Ok(mut listener) = Listener::bind("[::]:0".parse().unwrap()) else { return };
        let port = listener.local_addr().unwrap().port();
        let _clients = connect(SocketAddr::from(([127, 0, 0, 1], port)), 1);
        let incoming = accept(&mut listener, 1, |ip| ip.is_ipv4());
        assert!(matches!(incoming[..], [Incoming::Admitted(..)]));
    }

    #[test]
    fn what_prevents_listening_is_named() {
        let (_listener, address) = listener("127.0.0.1:0");
        assert_eq!(Listener::bind(address).unwrap_err(), ListenError::InUse(address));
        let elsewhere = "192.0.2.1:0".parse().unwrap();
        assert_eq!(Listener::bind(elsewhere).unwrap_err(), ListenError::NotHere(elsewhere));
        assert!(ListenError::InUse(address).to_string().contains("choose another port"));
    }

    /// In a process of its own, because the limit holds for the whole process.
    #[test]
    fn a_lack_of_descriptors_is_reported_and_passes() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "net::listen::tests::with_few_descriptors"])
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && shown.contains("1 passed"), "{shown}");
    }

    #[test]
    #[ignore = "run by the test above"]
    fn with_few_descriptors() {
        let (mut listener, address) = listener("127.0.0.1:0");
        let clients = connect(address, 3);
        let limit = getrlimit(Resource::Nofile);
        let mut held = Vec::new();
        setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..limit }).unwrap();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            held.push(file);
        }
        let mut incoming = Vec::new();
        assert!(matches!(listener.accept_turn(|_| true, &mut incoming), AcceptEnd::Exhausted(_)));
        assert!(incoming.is_empty());
        held.clear();
        assert_eq!(accept(&mut listener, clients.len(), |_| true).len(), clients.len());
        setrlimit(Resource::Nofile, limit).unwrap();
    }
}
