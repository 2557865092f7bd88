//! The loop: sockets, signals and the timer in, the line server's outputs out. Decides nothing about replies.
//!
//! Readiness is told once (edge-triggered), so it is remembered per client, and each client is read once a turn:
//! nobody starves. A client whose replies wait is not read.

use crate::{
    Error,
    args::Args,
    clients::{Client, Got},
    report::Report,
    timer::Timer,
};
use lineswarm_proto::{
    limits,
    line_server::{ConnId, File, Input, LineServer, Output, Settings},
    time::Moment,
};
use mio::{Events, Interest, Poll, Token, net::TcpListener};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::{
    collections::BTreeMap,
    io::{self, Read},
    net::ToSocketAddrs,
    os::unix::net::UnixStream,
    time::{Duration, Instant, SystemTime},
};

const LISTENER: Token = Token(0);
const SIGNAL: Token = Token(1);
const TIMER: Token = Token(2);
/// Clients' tokens begin here; they are their connection ids.
const FIRST_CLIENT: u64 = 3;
const LAST_CLIENT: u64 = u32::MAX as u64;

/// Small, so that the replies to one read stay small too.
const READ_BYTES: usize = 8 * 1024;
/// Accepting pauses that long when no descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// At the end, replies that wait are given that long to leave.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Submits,
    MaxSeconds,
    Signal,
}

impl End {
    fn words(self) -> &'static str {
        match self {
            Self::Submits => "submits",
            Self::MaxSeconds => "max-seconds",
            Self::Signal => "signal",
        }
    }
}

pub(crate) struct EventLoop {
    poll: Poll,
    timer: Timer,
    listener: TcpListener,
    /// The other end belongs to the signal handlers.
    signals: mio::net::UnixStream,
    start: Instant,
    server: LineServer,
    clients: BTreeMap<u64, Client>,
    next_client: u64,
    /// Connections may be waiting to be accepted.
    acceptable: bool,
    /// No descriptors were left: accept nothing before this.
    accept_after: Option<Moment>,
    submits: Option<u64>,
    end_at: Option<Moment>,
    /// How often to report what was counted, and when next.
    counts: Option<(Duration, Moment)>,
    report: Report,
}

impl EventLoop {
    /// Listens, and says so.
    pub(crate) fn start(args: &Args, file: File, settings: Settings) -> Result<Self, Error> {
        let system = |what| move |source| Error::System { what, source };
        let unusable = |source| Error::Listen { address: args.listen.clone(), source };
        let address = args.listen.to_socket_addrs().map_err(unusable)?.next();
        let address = address.ok_or_else(|| unusable(io::ErrorKind::AddrNotAvailable.into()))?;
        let mut listener = TcpListener::bind(address).map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;

        let poll = Poll::new().map_err(system("an event queue"))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE).map_err(unusable)?;
        let signals = signals(&poll).map_err(system("signal handlers"))?;
        let timer = Timer::new(poll.registry(), TIMER).map_err(system("a timer"))?;

        let report = if args.events.is_some() { Report::Json } else { Report::Log };
        report.listen(address, file.lines(), file.base(), args.rate.first(), &settings)?;
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let wall_ms = u64::try_from(since_1970.as_millis()).unwrap_or_default();
        Ok(Self {
            poll,
            timer,
            listener,
            signals,
            start: Instant::now(),
            server: LineServer::new(file, settings, wall_ms),
            clients: BTreeMap::new(),
            next_client: FIRST_CLIENT,
            acceptable: true,
            accept_after: None,
            submits: args.submits,
            end_at: args.max_time()?.map(|span| Moment::ZERO + span),
            counts: args.counts_every()?.map(|every| (every, Moment::ZERO + every)),
            report,
        })
    }

    /// Serves until an end is reached.
    pub(crate) fn run(mut self) -> Result<End, Error> {
        let mut events = Events::with_capacity(1024);
        let why = loop {
            if let Some(why) = self.turn(&mut events)? {
                break why;
            }
        };
        self.farewell(&mut events)?;
        self.report.end(why.words(), self.server.totals(), self.now())?;
        Ok(why)
    }

    /// One turn: wait, accept, release what is due, read each client once.
    fn turn(&mut self, events: &mut Events) -> Result<Option<End>, Error> {
        let counts = self.counts.map(|(_, next)| next);
        let wake =
            [self.server.deadline(), self.accept_after, self.end_at, counts].into_iter().flatten().min();
        let signalled = self.wait(events, wake, self.is_busy())?;
        self.accept()?;
        self.release()?;
        self.read_all()?;
        self.count()?;
        let right = self.server.totals().right_submits;
        Ok(if self.submits.is_some_and(|wanted| right >= wanted) {
            Some(End::Submits)
        } else if self.end_at.is_some_and(|end| end <= self.now()) {
            Some(End::MaxSeconds)
        } else {
            signalled.then_some(End::Signal)
        })
    }

    /// Reports what was counted so far, when it is time. Reports that were missed are not made up for.
    fn count(&mut self) -> Result<(), Error> {
        let now = self.now();
        if let Some((every, next)) = &mut self.counts
            && *next <= now
        {
            self.report.counts(self.server.totals(), now)?;
            let planned = *next + *every;
            *next = if planned > now { planned } else { now + *every };
        }
        Ok(())
    }

    /// Lets the replies leave that wait; reads and accepts nothing more.
    fn farewell(&mut self, events: &mut Events) -> Result<(), Error> {
        let until = self.now() + FAREWELL;
        loop {
            self.release()?;
            let waits = self.clients.values().any(|client| client.unsent_bytes() > 0);
            let wake = self.server.deadline();
            if self.now() >= until || (!waits && wake.is_none()) {
                return Ok(());
            }
            self.wait(events, Some(wake.map_or(until, |wake| wake.min(until))), false)?;
        }
    }

    /// Waits for sockets, signals or `wake`; not at all when `busy`. Did a signal come?
    fn wait(&mut self, events: &mut Events, wake: Option<Moment>, busy: bool) -> Result<bool, Error> {
        let now = self.now();
        let system = |what| move |source| Error::System { what, source };
        self.timer.set(wake, now).map_err(system("a timer"))?;
        match self.poll.poll(events, busy.then_some(Duration::ZERO)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(system("waiting")(error)),
            _ => {}
        }
        let (mut signalled, mut gone) = (false, Vec::new());
        for event in events.iter() {
            match event.token() {
                LISTENER => self.acceptable = true,
                SIGNAL => {
                    signalled = true;
                    // The bytes say nothing more.
                    while self.signals.read(&mut [0; 16]).is_ok_and(|count| count > 0) {}
                }
                TIMER => self.timer.rang(),
                Token(token) => {
                    let id = token as u64;
                    let Some(client) = self.clients.get_mut(&id) else { continue };
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        client.on_readable(event.is_read_closed() || event.is_error());
                    }
                    let broken = event.is_writable() && client.flush().is_err();
                    if broken || (client.closing && client.unsent_bytes() == 0) {
                        gone.push(id);
                    }
                }
            }
        }
        self.lose(gone)?;
        Ok(signalled)
    }

    fn accept(&mut self) -> Result<(), Error> {
        if self.accept_after.is_some_and(|after| after > self.now()) {
            return Ok(());
        }
        self.accept_after = None;
        while self.acceptable {
            match self.listener.accept() {
                Ok((stream, address)) => self.welcome(stream, address.ip().to_canonical())?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.acceptable = false,
                Err(error) if is_exhausted(&error) => {
                    eprintln!(
                        "lineserver: a client must wait: {error}; raise the limit on open files (ulimit -n); \
                         trying again"
                    );
                    self.accept_after = Some(self.now() + ACCEPT_PAUSE);
                    break;
                }
                // That connection broke before it was taken.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn welcome(&mut self, mut stream: mio::net::TcpStream, ip: std::net::IpAddr) -> Result<(), Error> {
        let id = self.free_id();
        let token = Token(usize::try_from(id).unwrap_or(usize::MAX));
        let both = Interest::READABLE | Interest::WRITABLE;
        // Those that the server has closed and that do not read their last bytes count too.
        let crowded = self.clients.len() >= 2 * limits::CLIENTS;
        if crowded || self.poll.registry().register(&mut stream, token, both).is_err() {
            return Ok(());
        }
        // Without it replies would wait for acknowledgements; that is slower, not wrong.
        let _ = stream.set_nodelay(true);
        self.clients.insert(id, Client::new(stream));
        self.server.handle(Input::Opened { conn: ConnId(id), ip }, self.now());
        self.carry_out()
    }

    /// One after the other. They are tokens too, so they fit into 32 bits, and after the last the first free one follows.
    fn free_id(&mut self) -> u64 {
        loop {
            let id = self.next_client;
            self.next_client = if id < LAST_CLIENT { id + 1 } else { FIRST_CLIENT };
            if !self.clients.contains_key(&id) {
                return id;
            }
        }
    }

    fn release(&mut self) -> Result<(), Error> {
        if self.server.deadline().is_some_and(|at| at <= self.now()) {
            self.server.handle(Input::Deadline, self.now());
            self.carry_out()?;
        }
        Ok(())
    }

    fn is_busy(&self) -> bool {
        self.clients.iter().any(|(id, client)| client.wants_read() && self.server.accepts(ConnId(*id)))
    }

    /// Reads each client once that has something and may be read.
    fn read_all(&mut self) -> Result<(), Error> {
        let mut buffer = [0; READ_BYTES];
        let mut next = FIRST_CLIENT;
        while let Some((&id, client)) = self.clients.range_mut(next..).next() {
            next = id + 1;
            let conn = ConnId(id);
            if !client.wants_read() || !self.server.accepts(conn) {
                continue;
            }
            let got = client.read(&mut buffer);
            let now = self.now();
            match got {
                Ok(Got::Nothing) => continue,
                Ok(Got::Bytes(count)) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    self.server.handle(Input::Bytes { conn, bytes }, now);
                    self.carry_out()?;
                }
                Ok(Got::End) => {
                    self.server.handle(Input::Ended { conn }, now);
                    self.carry_out()?;
                }
                Err(_) => self.lose(vec![id])?,
            }
        }
        Ok(())
    }

    /// Does what the server wants done.
    fn carry_out(&mut self) -> Result<(), Error> {
        let (now, mut gone) = (self.now(), Vec::new());
        while let Some(output) = self.server.next_output() {
            match output {
                Output::Write { conn, bytes } => {
                    let client = self.clients.get_mut(&conn.0);
                    if client.is_some_and(|client| client.send(bytes).is_err()) {
                        gone.push(conn.0);
                    }
                }
                Output::Close { conn } => {
                    if let Some(client) = self.clients.get_mut(&conn.0) {
                        client.closing = true;
                        if client.unsent_bytes() == 0 {
                            self.clients.remove(&conn.0);
                        }
                    }
                }
                Output::Event(event) => self.report.event(&event, now)?,
            }
        }
        self.lose(gone)
    }

    /// These connections are gone.
    fn lose(&mut self, gone: Vec<u64>) -> Result<(), Error> {
        for id in gone {
            self.clients.remove(&id);
            self.server.handle(Input::Closed { conn: ConnId(id) }, self.now());
            self.carry_out()?;
        }
        Ok(())
    }

    fn now(&self) -> Moment {
        Moment(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// SIGTERM and SIGINT each write a byte that wakes the loop.
fn signals(poll: &Poll) -> io::Result<mio::net::UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    theirs.set_nonblocking(true)?;
    for signal in [SIGTERM, SIGINT] {
        signal_hook::low_level::pipe::register(signal, theirs.try_clone()?)?;
    }
    let mut ours = mio::net::UnixStream::from_std(ours);
    poll.registry().register(&mut ours, SIGNAL, Interest::READABLE)?;
    Ok(ours)
}

/// No descriptor or memory is left for another connection.
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error);
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .into_iter()
        .any(|exhausted| errno == Some(exhausted))
}
