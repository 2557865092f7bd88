//! The ways that a number can take from one thread to another and back. Each makes two connected ends.
//!
//! Nothing leaves the machine: addresses are of the loopback interface, multicast has a time to live of 0.

use crossbeam_channel::bounded;
use rustix::net::sockopt::set_ip_multicast_if;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A datagram that is not here by now is lost.
const LOST: Duration = Duration::from_secs(2);
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 77, 1);
const BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// What a party holds: it can send a number and wait for one.
pub(super) struct End {
    pub(super) send: Box<dyn FnMut(u64) -> io::Result<()> + Send>,
    pub(super) receive: Box<dyn FnMut() -> io::Result<u64> + Send>,
}

impl fmt::Debug for End {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("End")
    }
}

/// One way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) name: &'static str,
    /// What a transfer costs, in words.
    pub(super) why: &'static str,
    pub(super) connect: fn() -> io::Result<(End, End)>,
}

pub(super) const WAYS: [Way; 7] = [
    Way {
        name: "channel",
        why: "a hand-over in memory; the kernel is only asked to sleep and to wake, after some spinning",
        connect: channel,
    },
    Way {
        name: "pipe",
        why: "two system calls and two copies; the kernel wakes the reader, often at once on its own core",
        connect: pipe,
    },
    Way {
        name: "unix socket",
        why: "as a pipe, plus a message header and locks for each write",
        connect: unix,
    },
    Way {
        name: "tcp",
        why: "the whole stack twice: segments, checks, acknowledgements; Nagle's waiting is off",
        connect: tcp,
    },
    Way { name: "udp", why: "one datagram, routed like any other; nothing acknowledges it", connect: udp },
    Way {
        name: "udp multicast",
        why: "as UDP, plus a copy for each member of the group, found at each datagram",
        connect: multicast,
    },
    Way { name: "udp broadcast", why: "as multicast, to every socket on the port", connect: broadcast },
];

fn end(
    send: impl FnMut(u64) -> io::Result<()> + Send + 'static,
    receive: impl FnMut() -> io::Result<u64> + Send + 'static,
) -> End {
    End { send: Box::new(send), receive: Box::new(receive) }
}

fn channel() -> io::Result<(End, End)> {
    let ((to_b, from_a), (to_a, from_b)) = (bounded(1), bounded(1));
    let gone = || io::Error::from(ErrorKind::BrokenPipe);
    let party = |to: crossbeam_channel::Sender<u64>, from: crossbeam_channel::Receiver<u64>| {
        end(move |number| to.send(number).map_err(|_| gone()), move || from.recv().map_err(|_| gone()))
    };
    Ok((party(to_b, from_b), party(to_a, from_a)))
}

/// Anything with bytes in order; a number is eight of them.
fn stream(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) -> End {
    end(
        move |number: u64| to.write_all(&number.to_ne_bytes()),
        move || {
            let mut bytes = [0; 8];
            from.read_exact(&mut bytes).map(|()| u64::from_ne_bytes(bytes))
        },
    )
}

fn pipe() -> io::Result<(End, End)> {
    let ((from_a, to_b), (from_b, to_a)) = (io::pipe()?, io::pipe()?);
    Ok((stream(from_b, to_b), stream(from_a, to_a)))
}

fn unix() -> io::Result<(End, End)> {
    let (a, b) = UnixStream::pair()?;
    Ok((stream(a.try_clone()?, a), stream(b.try_clone()?, b)))
}

fn tcp() -> io::Result<(End, End)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let a = TcpStream::connect(listener.local_addr()?)?;
    let (b, _) = listener.accept()?;
    a.set_nodelay(true)?;
    b.set_nodelay(true)?;
    Ok((stream(a.try_clone()?, a), stream(b.try_clone()?, b)))
}

fn datagrams(socket: UdpSocket, to: SocketAddr) -> io::Result<End> {
    socket.set_read_timeout(Some(LOST))?;
    let sender = socket.try_clone()?;
    Ok(end(
        move |number: u64| sender.send_to(&number.to_ne_bytes(), to).map(drop),
        move || {
            let mut bytes = [0; 8];
            match socket.recv(&mut bytes)? {
                8 => Ok(u64::from_ne_bytes(bytes)),
                _ => Err(ErrorKind::InvalidData.into()),
            }
        },
    ))
}

/// Two sockets that send to each other's port at one address.
fn two(open: impl Fn() -> io::Result<UdpSocket>) -> io::Result<(End, End)> {
    let (a, b) = (open()?, open()?);
    let (to_a, to_b) = (a.local_addr()?, b.local_addr()?);
    Ok((datagrams(a, to_b)?, datagrams(b, to_a)?))
}

fn udp() -> io::Result<(End, End)> {
    two(|| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))
}

fn multicast() -> io::Result<(End, End)> {
    two(|| {
        let socket = UdpSocket::bind((GROUP, 0))?;
        socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST)?;
        socket.set_multicast_ttl_v4(0)?;
        set_ip_multicast_if(&socket, &Ipv4Addr::LOCALHOST)?;
        Ok(socket)
    })
}

fn broadcast() -> io::Result<(End, End)> {
    two(|| {
        let socket = UdpSocket::bind((BROADCAST, 0))?;
        socket.set_broadcast(true)?;
        Ok(socket)
    })
}
