//! Beginning a TCP connection without waiting for it, and learning how it went.
//!
//! One address, one try: which addresses, how often and when is decided elsewhere. The caller keeps the deadline.
//! A chosen source address is bound with SO_REUSEADDR and port 0 (IP_BIND_ADDRESS_NO_PORT is in no safe
//! interface); a clash of ports that this can give is `AddressInUse` and passes with the next try.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::conn::Conn;

/// Why a connection did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DialError {
    #[error("refused: nobody listens at that address and port; check the address, or wait until it runs")]
    Refused,
    #[error("unreachable: there is no route to that address; check the network and the address")]
    Unreachable,
    #[error("no answer in time: the host is down, or a firewall drops the packets")]
    TimedOut,
    #[error("reset: the other side ended the connection at once; its log says why")]
    Reset,
    #[error("every port of the source address is in use towards that address; the next try finds a free one")]
    AddressInUse,
    #[error("the source address is not one of this machine; check `bind`")]
    SourceNotHere,
    #[error(
        "source and destination are of different families; give an IPv4 source for IPv4, an IPv6 one for IPv6"
    )]
    FamilyMismatch,
    #[error("not permitted: a firewall or the unit's IPAddressDeny= forbids it")]
    NotPermitted,
    #[error(
        "forbidden: a peer told of that name, and it leads to this machine, a link or a group; set server.address to it \
         if that is meant"
    )]
    Forbidden,
    #[error("this machine does not speak that address family (IPv6 may be off); use another address")]
    FamilyUnavailable,
    #[error("too many open files; raise LimitNOFILE=")]
    TooManyFiles,
    #[error("{}", io::Error::from_raw_os_error(*.0))]
    Other(i32),
}

impl DialError {
    /// The short name for counters.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Reset => "reset",
            Self::AddressInUse => "address-in-use",
            Self::SourceNotHere => "source-not-here",
            Self::FamilyMismatch => "family-mismatch",
            Self::NotPermitted => "not-permitted",
            Self::Forbidden => "forbidden",
            Self::FamilyUnavailable => "family-unavailable",
            Self::TooManyFiles => "too-many-files",
            Self::Other(_) => "other",
        }
    }
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        let Some(errno) = Errno::from_io_error(&error) else { return Self::Other(0) };
        match errno {
            Errno::CONNREFUSED => Self::Refused,
            Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN | Errno::HOSTDOWN => Self::Unreachable,
            Errno::TIMEDOUT => Self::TimedOut,
            Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE => Self::Reset,
            Errno::ADDRINUSE => Self::AddressInUse,
            Errno::ADDRNOTAVAIL => Self::SourceNotHere,
            Errno::PERM | Errno::ACCESS => Self::NotPermitted,
            Errno::AFNOSUPPORT => Self::FamilyUnavailable,
            Errno::MFILE | Errno::NFILE => Self::TooManyFiles,
            errno => Self::Other(errno.raw_os_error()),
        }
    }
}

/// A connection that is being made.
pub(crate) struct Dial {
    stream: TcpStream,
    to: SocketAddr,
}

/// How far a [`Dial`] is.
#[derive(Debug)]
pub(crate) enum Progress {
    Pending(Dial),
    Connected(Conn),
}

impl Dial {
    /// Begins to connect and registers for WRITABLE, the sign that [`Dial::progress`] is worth asking.
    pub(crate) fn start(
        to: SocketAddr,
        from: Option<IpAddr>,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, DialError> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        if let Some(from) = from {
            if from.is_ipv4() != to.is_ipv4() {
                return Err(DialError::FamilyMismatch);
            }
            socket.set_reuse_address(true)?;
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        match socket.connect(&to.into()) {
            Ok(()) => {}
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INPROGRESS) => {}
            // Here it is the destination's ports: the source was bound before.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::ADDRNOTAVAIL) => {
                return Err(DialError::AddressInUse);
            }
            Err(error) => return Err(error.into()),
        }
        let mut stream = TcpStream::from_std(socket.into());
        registry.register(&mut stream, token, Interest::WRITABLE)?;
        Ok(Self { stream, to })
    }

    pub(crate) fn to(&self) -> SocketAddr {
        self.to
    }

    /// To be asked at each event of the token. A connection that came about is still registered with its token;
    /// `arm` then asks for what it needs.
    pub(crate) fn progress(self, most_queued: usize) -> Result<Progress, DialError> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error.into());
        }
        let peer = match self.stream.peer_addr() {
            Ok(peer) => peer,
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(Progress::Pending(self)),
            Err(error) => return Err(error.into()),
        };
        // A port that nobody listens on may be drawn as our own: TCP then connects us to ourselves.
        if self.stream.local_addr()? == peer {
            return Err(DialError::Refused);
        }
        Ok(Progress::Connected(Conn::tcp(self.stream, most_queued)?.registered(Interest::WRITABLE)))
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("to", &self.to).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use mio::{Events, Poll};

    use super::*;

    fn dial(to: SocketAddr, from: Option<&str>) -> Result<Conn, DialError> {
        let mut poll = Poll::new().unwrap();
        let mut events = Events::with_capacity(8);
        let from = from.map(|from| from.parse().unwrap());
        let mut dial = Dial::start(to, from, poll.registry(), Token(1))?;
        assert_eq!(dial.to(), to);
        loop {
            poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            assert!(!events.is_empty(), "the dial ends by itself");
            dial = match dial.progress(100)? {
                Progress::Connected(mut conn) => {
                    conn.arm(poll.registry(), Token(1)).unwrap();
                    return Ok(conn);
                }
                Progress::Pending(dial) => dial,
            };
        }
    }

    fn listener(address: &str) -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[test]
    fn a_dial_connects_and_has_no_delay() {
        let (listener, address) = listener("127.0.0.1:0");
        let conn = dial(address, None).unwrap();
        assert!(conn.stream().nodelay().unwrap());
        assert_eq!(listener.accept().unwrap().1, conn.stream().local_addr().unwrap());
    }

    #[test]
    fn a_chosen_source_address_is_used_again_and_again() {
        let (listener, address) = listener("127.0.0.1:0");
        for _ in 0..3 {
            let conn = dial(address, Some("127.0.0.77")).unwrap();
            let seen = listener.accept().unwrap().1;
            assert_eq!(seen.ip(), IpAddr::from([127, 0, 0, 77]));
            drop(conn);
        }
    }

    #[test]
    fn ipv6_is_dialled_where_the_machine_has_it() {
        let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
        dial(listener.local_addr().unwrap(), Some("::1")).unwrap();
    }

    #[test]
    fn nobody_listening_is_refused() {
        // Bound, so that nobody else gets the port, but not listening.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        assert_eq!(dial(address, None).unwrap_err(), DialError::Refused);
    }

    #[test]
    fn a_connection_to_oneself_is_nobody_listening() {
        // Source and destination are one address and port: what a dial to a free port may meet by chance.
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), Some(Protocol::TCP)).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let own = socket.local_addr().unwrap();
        let _ = socket.connect(&own);
        let stream = TcpStream::from_std(socket.into());
        let dial = Dial { stream, to: own.as_socket().unwrap() };
        assert_eq!(dial.progress(1).unwrap_err(), DialError::Refused);
    }

    #[test]
    fn a_source_address_of_another_machine_or_family_is_named_as_such() {
        let (_listener, address) = listener("127.0.0.1:0");
        assert_eq!(dial(address, Some("192.0.2.1")).unwrap_err(), DialError::SourceNotHere);
        assert_eq!(dial(address, Some("::1")).unwrap_err(), DialError::FamilyMismatch);
    }

    #[test]
    fn a_source_without_free_ports_is_in_use() {
        assert_eq!(DialError::from(io::Error::from(Errno::ADDRINUSE)), DialError::AddressInUse);
        assert_eq!(DialError::from(io::Error::from(Errno::TIMEDOUT)).reason(), "timed-out");
        assert!(DialError::from(io::Error::from(Errno::IO)).to_string().contains("os error 5"));
    }
}
