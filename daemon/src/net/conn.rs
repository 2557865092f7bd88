//! A non-blocking connection with a bounded buffer of bytes to send.
//!
//! For the line server, control clients and, inside `peer_link`, for peers. It knows nothing of what the bytes
//! mean. The poll is edge-triggered: a reader goes on until `WouldBlock`, or until its budget for the turn is spent
//! and then comes back by itself. Invariant: WRITABLE is asked for exactly while bytes are queued.

use std::fmt;
use std::io::{self, Read, Write};

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

/// Sent bytes are moved out of the buffer's front when there are this many.
const COMPACT_BYTES: usize = 64 * 1024;
/// An emptied buffer above this goes back to the allocator.
const KEEP_BYTES: usize = 16 * 1024;

/// What one read gave.
#[derive(Debug)]
pub(crate) enum ReadOutcome {
    Bytes(usize),
    /// Everything that had arrived has been read; the poll will tell of more.
    WouldBlock,
    /// The budget is spent, there may be more: read again in the next turn without waiting for the poll.
    More,
    Eof,
    Err(io::Error),
}

/// The queue of unsent bytes would pass its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{queued} bytes wait to be sent and {most} may: the other side reads too slowly, the connection is closed"
)]
pub(crate) struct QueueFull {
    pub(crate) queued: usize,
    pub(crate) most: usize,
}

pub(crate) struct Conn<S = TcpStream> {
    stream: S,
    out: Vec<u8>,
    /// How much of `out` the system has taken.
    sent: usize,
    most_queued: usize,
    interest: Option<Interest>,
}

impl Conn<TcpStream> {
    /// Small messages are not held back (TCP_NODELAY); the loop joins what belongs together.
    pub(crate) fn tcp(stream: TcpStream, most_queued: usize) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::new(stream, most_queued))
    }
}

impl<S: Read + Write> Conn<S> {
    pub(crate) fn new(stream: S, most_queued: usize) -> Self {
        Self { stream, out: Vec::new(), sent: 0, most_queued, interest: None }
    }

    pub(crate) fn stream(&self) -> &S {
        &self.stream
    }

    /// Bytes queued and not yet taken by the system.
    pub(crate) fn queued(&self) -> usize {
        self.out.len().saturating_sub(self.sent)
    }

    /// Queues all of `bytes` or, if the bound would be passed, none. Sends nothing yet.
    pub(crate) fn queue(&mut self, bytes: &[u8]) -> Result<(), QueueFull> {
        self.queue_with(bytes.len(), |out| out.extend_from_slice(bytes))
    }

    /// Queues what `write` appends, `bytes` of them at most; spares a copy where bytes are made.
    pub(crate) fn queue_with<T>(
        &mut self,
        bytes: usize,
        write: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> Result<T, QueueFull> {
        let queued = self.queued();
        if queued.saturating_add(bytes) > self.most_queued {
            return Err(QueueFull { queued, most: self.most_queued });
        }
        if self.sent >= COMPACT_BYTES {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
        Ok(write(&mut self.out))
    }

    /// Sends until the queue is empty or the system takes no more.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => self.sent += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.sent = 0;
        if self.out.capacity() > KEEP_BYTES {
            self.out = Vec::new();
        }
        self.out.clear();
        Ok(())
    }

    /// One read into `buf`. `budget` is what this connection may still read in this turn; it is counted down.
    pub(crate) fn read(&mut self, buf: &mut [u8], budget: &mut usize) -> ReadOutcome {
        let room = buf.len().min(*budget);
        if room == 0 {
            return ReadOutcome::More;
        }
        loop {
            return match self.stream.read(buf.get_mut(..room).unwrap_or_default()) {
                Ok(0) => ReadOutcome::Eof,
                Ok(bytes) => {
                    *budget -= bytes.min(*budget);
                    ReadOutcome::Bytes(bytes)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ReadOutcome::WouldBlock,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => ReadOutcome::Err(error),
            };
        }
    }
}

impl<S: Read + Write + Source> Conn<S> {
    /// What ends every turn that queued, read or opened: send what the system takes, wait for the rest.
    pub(crate) fn settle(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.flush()?;
        self.arm(registry, token)
    }

    /// Asks the poll for what this connection needs now. Costs a system call only when that has changed.
    pub(crate) fn arm(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let wanted = match self.queued() {
            0 => Interest::READABLE,
            _ => Interest::READABLE | Interest::WRITABLE,
        };
        match self.interest {
            Some(interest) if interest == wanted => return Ok(()),
            Some(_) => registry.reregister(&mut self.stream, token, wanted)?,
            None => registry.register(&mut self.stream, token, wanted)?,
        }
        self.interest = Some(wanted);
        Ok(())
    }

    /// For a stream that the poll already knows, with this interest (a dialled one).
    pub(crate) fn registered(mut self, interest: Interest) -> Self {
        self.interest = Some(interest);
        self
    }
}

impl<S> fmt::Debug for Conn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("unsent", &self.out.len().saturating_sub(self.sent))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::event::Event;
    use mio::{Events, Poll};

    use super::*;

    /// Takes at most `takes` bytes per write, then blocks `every` other time.
    #[derive(Default)]
    struct Slow {
        takes: usize,
        blocked: bool,
        taken: Vec<u8>,
        gives: Vec<u8>,
    }

    impl Write for Slow {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.blocked = !self.blocked;
            if self.blocked {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let bytes = self.takes.min(buf.len());
            self.taken.extend_from_slice(&buf[..bytes]);
            Ok(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Slow {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let bytes = buf.len().min(self.gives.len());
            buf[..bytes].copy_from_slice(&self.gives[..bytes]);
            self.gives.drain(..bytes);
            Ok(bytes)
        }
    }

    #[test]
    fn partial_writes_lose_and_repeat_nothing() {
        let mut conn = Conn::new(Slow { takes: 7_001, ..Slow::default() }, usize::MAX);
        let mut all = Vec::new();
        for n in 0..100_u8 {
            let bytes = vec![n; 5_000];
            all.extend_from_slice(&bytes);
            conn.queue(&bytes).unwrap();
            conn.flush().unwrap();
        }
        while conn.queued() > 0 {
            conn.flush().unwrap();
        }
        assert_eq!(conn.stream.taken, all);
        assert!(conn.out.capacity() <= KEEP_BYTES, "the memory of a burst is given back");
    }

    #[test]
    fn the_queue_takes_all_of_a_message_or_refuses_it() {
        let mut conn = Conn::new(Slow::default(), 10);
        conn.queue(b"12345678").unwrap();
        assert_eq!(conn.queue(b"abc"), Err(QueueFull { queued: 8, most: 10 }));
        assert_eq!(conn.queue(b"ab"), Ok(()));
        assert_eq!(conn.queued(), 10);
    }

    #[test]
    fn a_flood_is_read_within_the_budget_and_the_rest_is_announced() {
        let mut conn = Conn::new(Slow { gives: vec![1; 100], ..Slow::default() }, 0);
        let (mut buf, mut budget) = ([0; 40], 70);
        assert!(matches!(conn.read(&mut buf, &mut budget), ReadOutcome::Bytes(40)));
        assert!(matches!(conn.read(&mut buf, &mut budget), ReadOutcome::Bytes(30)));
        assert!(matches!(conn.read(&mut buf, &mut budget), ReadOutcome::More));
        budget = 1000;
        assert!(matches!(conn.read(&mut buf, &mut budget), ReadOutcome::Bytes(30)));
        assert!(matches!(conn.read(&mut buf, &mut budget), ReadOutcome::Eof));
    }

    #[test]
    fn writable_is_asked_for_only_while_bytes_are_queued() {
        let mut poll = Poll::new().unwrap();
        let mut events = Events::with_capacity(8);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        near.set_nonblocking(true).unwrap();
        let mut far = listener.accept().unwrap().0;
        let mut conn = Conn::tcp(TcpStream::from_std(near), usize::MAX).unwrap();
        assert!(conn.stream().nodelay().unwrap());

        conn.arm(poll.registry(), Token(3)).unwrap();
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty(), "an idle connection wakes nobody");

        // More than both sockets' buffers hold, so that some stays queued.
        let bytes: Vec<u8> = (0..16_u32 << 20).map(|n| (n % 251) as u8).collect();
        conn.queue(&bytes).unwrap();
        conn.settle(poll.registry(), Token(3)).unwrap();
        assert!(conn.queued() > 0);
        let wanted = bytes.len();
        let reader = std::thread::spawn(move || {
            let mut got = vec![0; wanted];
            far.read_exact(&mut got).unwrap();
            (got, far)
        });
        while conn.queued() > 0 {
            poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            assert!(events.iter().any(Event::is_writable), "the other side reads, so we may write");
            conn.settle(poll.registry(), Token(3)).unwrap();
        }
        let (got, far) = reader.join().unwrap();
        assert!(got == bytes);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(!events.iter().any(Event::is_writable));

        drop(far);
        poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
        assert!(matches!(conn.read(&mut [0; 10], &mut 10), ReadOutcome::Eof));
    }
}
