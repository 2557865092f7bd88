//! Every TCP connection of the daemon: to the line server, and sealed links to peers.
//!
//! It maps the engine's connections to sockets and tokens, and carries bytes both ways. It decides nothing: whom to
//! dial and what to say comes from the engine. Reading and writing are separate steps of a turn, so that the loop can
//! hand what was read to the engine, and what the engine writes in many pieces leaves in one.

use crate::net::{
    conn::{Conn, ReadOutcome},
    dial::{Dial, DialError, Progress},
    handshakes::Handshakes,
    inbox::Inbox,
    peer_link::{LinkEnd, PeerLink},
    resolve::{Asked, Resolver},
    secure::{Keys, Role},
};
use lineswarm_proto::{
    checks::may_connect, engine::io::ConnId, ids::PeerId, limits::CONN_QUEUE_BYTES, time::Moment,
};
use mio::{Registry, Token, Waker, event::Event, net::TcpStream};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// A connection that is being closed may take this long to send what is queued and to hear the other end's close.
const LINGER: Duration = Duration::from_millis(500);

/// What a connection has to tell the engine.
#[derive(Debug)]
pub(crate) enum News {
    Opened {
        conn: ConnId,
        peer: Option<PeerId>,
        address: SocketAddr,
    },
    /// They are in the inbox that was handed in.
    Bytes {
        conn: ConnId,
    },
    Closed {
        conn: ConnId,
        why: String,
    },
    /// Somebody came and did not prove to be a peer; `reason` is short, for counters.
    Refused {
        from: String,
        why: String,
        reason: &'static str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Server { source: Option<IpAddr> },
    Peer,
}

enum Socket {
    /// The resolver has the name.
    Resolving,
    Dialling {
        dial: Dial,
        others: VecDeque<SocketAddr>,
    },
    Server(Conn),
    Peer(Box<PeerLink>),
    /// Closed by the engine: what is queued leaves, what comes is thrown away.
    Closing(Box<Socket>),
}

struct Entry {
    token: Token,
    purpose: Purpose,
    name: String,
    socket: Socket,
    /// The poll said that the other end sends no more: read to the end.
    ending: bool,
    /// Nothing more can be sent; what the other end sent before is still to be read.
    failed: Option<LinkEnd>,
}

/// See the module.
pub(crate) struct Connections {
    registry: Registry,
    keys: Keys,
    resolver: Resolver,
    /// The line server of this node's own settings.
    own_server: String,
    entries: BTreeMap<ConnId, Entry>,
    tokens: BTreeMap<Token, ConnId>,
    first_token: usize,
    next_token: usize,
    accepted: u64,
    outgoing: Handshakes<ConnId>,
    incoming: Handshakes<ConnId>,
    /// To be read in the next turn, and in this one: each connection once a turn, so that a flood starves nobody.
    again: BTreeSet<ConnId>,
    reading: BTreeSet<ConnId>,
    touched: BTreeSet<ConnId>,
    /// Until when they may take.
    closing: BTreeMap<ConnId, Moment>,
    news: VecDeque<News>,
}

impl Connections {
    /// Tokens from `first_token` on are its own.
    pub(crate) fn new(registry: Registry, waker: Arc<Waker>, keys: Keys, first_token: usize) -> Self {
        Self {
            registry,
            keys,
            resolver: Resolver::new(waker),
            own_server: String::new(),
            entries: BTreeMap::new(),
            tokens: BTreeMap::new(),
            first_token,
            next_token: first_token,
            accepted: 0,
            outgoing: Handshakes::outgoing(),
            incoming: Handshakes::incoming(),
            again: BTreeSet::new(),
            reading: BTreeSet::new(),
            touched: BTreeSet::new(),
            closing: BTreeMap::new(),
            news: VecDeque::new(),
        }
    }

    fn enter(&mut self, conn: ConnId, purpose: Purpose, name: &str, socket: Socket) -> Token {
        let token = self.free_token();
        self.tokens.insert(token, conn);
        self.entries
            .insert(conn, Entry { token, purpose, name: name.into(), socket, ending: false, failed: None });
        token
    }

    /// One after the other, so that an event that was already under way does not reach the next connection; after the
    /// last one (32 bits are used up by 12 connections a second in 8 years) the first that is free again.
    fn free_token(&mut self) -> Token {
        loop {
            let token = Token(self.next_token);
            self.next_token = self.next_token.checked_add(1).unwrap_or(self.first_token);
            if !self.tokens.contains_key(&token) {
                return token;
            }
        }
    }

    fn remove(&mut self, conn: ConnId) -> Option<Entry> {
        let entry = self.entries.remove(&conn)?;
        self.tokens.remove(&entry.token);
        self.outgoing.end(conn);
        self.incoming.end(conn);
        self.again.remove(&conn);
        self.reading.remove(&conn);
        self.touched.remove(&conn);
        self.closing.remove(&conn);
        Some(entry)
    }

    /// The connection is over, though the engine did not close it.
    fn lose(&mut self, conn: ConnId, why: impl Into<LinkEnd>) {
        let why = why.into();
        let Some(entry) = self.remove(conn) else { return };
        match entry.socket {
            Socket::Closing(_) => {}
            Socket::Peer(link) if link.peer().is_none() && !conn.is_dialled() => self
                .news
                .push_back(News::Refused { from: entry.name, why: why.to_string(), reason: why.reason() }),
            _ => self.news.push_back(News::Closed { conn, why: why.to_string() }),
        }
    }

    /// Whose connections these were is gone: all end at once, and nothing is told of them.
    pub(crate) fn drop_all(&mut self) {
        self.settle(&mut Vec::new());
        let all: Vec<ConnId> = self.entries.keys().copied().collect();
        for conn in all {
            self.remove(conn);
        }
        self.news.clear();
    }

    // ---- what the engine asks for

    /// The line server of this node's own settings: a name that a peer told may lead to loopback, a link or a group only
    /// if that one does.
    pub(crate) fn set_own_server(&mut self, address: &str) {
        self.own_server = address.to_owned();
    }

    pub(crate) fn dial_server(&mut self, conn: ConnId, name: &str, source: Option<IpAddr>) {
        self.dial(conn, name, Purpose::Server { source });
    }

    pub(crate) fn dial_peer(&mut self, conn: ConnId, name: &str) {
        self.dial(conn, name, Purpose::Peer);
    }

    fn dial(&mut self, conn: ConnId, name: &str, purpose: Purpose) {
        self.enter(conn, purpose, name, Socket::Resolving);
        match self.resolver.ask(name) {
            Ok(Asked::Known(address)) => self.connect(conn, VecDeque::from([address])),
            Ok(Asked::Later) => {}
            Err(error) => self.lose(conn, error),
        }
    }

    fn connect(&mut self, conn: ConnId, mut addresses: VecDeque<SocketAddr>) {
        let Some(entry) = self.entries.get_mut(&conn) else { return };
        let source = match entry.purpose {
            Purpose::Server { source } => source,
            Purpose::Peer => None,
        };
        let mut why = LinkEnd::from(io::Error::from(io::ErrorKind::NotFound));
        while let Some(address) = addresses.pop_front() {
            match Dial::start(address, source, &self.registry, entry.token) {
                Ok(dial) => {
                    entry.socket = Socket::Dialling { dial, others: addresses };
                    return;
                }
                Err(error) => why = error.into(),
            }
        }
        self.lose(conn, why);
    }

    /// Queues bytes; they leave with the turn's [`Connections::settle`].
    pub(crate) fn write(&mut self, conn: ConnId, bytes: &[u8]) {
        let Some(entry) = self.entries.get_mut(&conn) else { return };
        let result = match &mut entry.socket {
            Socket::Server(server) => server.queue(bytes).map_err(LinkEnd::from),
            Socket::Peer(link) => link.send(bytes),
            Socket::Resolving | Socket::Dialling { .. } | Socket::Closing(_) => Ok(()),
        };
        self.touched.insert(conn);
        if let Err(end) = result {
            self.lose(conn, end);
        }
    }

    /// Ends a connection politely: what is queued leaves first.
    pub(crate) fn close(&mut self, conn: ConnId, now: Moment) {
        let Some(mut entry) = self.remove(conn) else { return };
        if matches!(entry.socket, Socket::Resolving | Socket::Dialling { .. } | Socket::Closing(_)) {
            return;
        }
        entry.socket = Socket::Closing(Box::new(entry.socket));
        self.tokens.insert(entry.token, conn);
        self.entries.insert(conn, entry);
        self.touched.insert(conn);
        self.closing.insert(conn, now + LINGER);
    }

    // ---- what the poll reports

    /// Somebody came.
    pub(crate) fn accept(&mut self, stream: TcpStream, from: SocketAddr, now: Moment) {
        self.accepted += 1;
        let conn = ConnId::accepted(self.accepted);
        let link = Conn::tcp(stream, CONN_QUEUE_BYTES)
            .map_err(LinkEnd::from)
            .and_then(|tcp| PeerLink::start(tcp, &self.keys, Role::Listener));
        let Ok(link) = link else { return };
        self.enter(conn, Purpose::Peer, &from.to_string(), Socket::Peer(Box::new(link)));
        self.touched.insert(conn);
        if let Some(evicted) = self.incoming.admit(conn, from.ip(), now) {
            self.lose(evicted, LinkEnd::HandshakeEvicted);
        }
    }

    /// The poll reports a token.
    pub(crate) fn on_ready(&mut self, event: &Event, now: Moment) {
        let Some(&conn) = self.tokens.get(&event.token()) else { return };
        let Some(entry) = self.entries.get_mut(&conn) else { return };
        if matches!(entry.socket, Socket::Dialling { .. }) {
            self.touched.insert(conn);
            self.on_dialled(conn, now);
            return;
        }
        entry.ending |= event.is_read_closed() || event.is_error();
        if event.is_readable() || entry.ending {
            self.again.insert(conn);
        }
        if event.is_writable() {
            self.touched.insert(conn);
        }
    }

    fn on_dialled(&mut self, conn: ConnId, now: Moment) {
        let Some(entry) = self.entries.get_mut(&conn) else { return };
        let Socket::Dialling { dial, others } = core::mem::replace(&mut entry.socket, Socket::Resolving)
        else {
            return;
        };
        let address = dial.to();
        match dial.progress(CONN_QUEUE_BYTES) {
            Ok(Progress::Pending(dial)) => entry.socket = Socket::Dialling { dial, others },
            Ok(Progress::Connected(tcp)) => match entry.purpose {
                Purpose::Server { .. } => {
                    // The engine wants to know from where it draws.
                    let address = tcp.stream().local_addr().unwrap_or(address);
                    entry.socket = Socket::Server(tcp);
                    self.news.push_back(News::Opened { conn, peer: None, address });
                }
                Purpose::Peer => match PeerLink::start(tcp, &self.keys, Role::Dialler) {
                    Ok(link) => {
                        entry.socket = Socket::Peer(Box::new(link));
                        if let Some(evicted) = self.outgoing.admit(conn, address.ip(), now) {
                            self.lose(evicted, LinkEnd::HandshakeEvicted);
                        }
                    }
                    Err(end) => self.lose(conn, end),
                },
            },
            Err(error) if others.is_empty() => self.lose(conn, error),
            Err(_) => self.connect(conn, others),
        }
    }

    /// The resolver has answers.
    pub(crate) fn on_resolved(&mut self) {
        while let Some(answer) = self.resolver.next_answer() {
            let waiting = self
                .entries
                .iter()
                .filter(|(_, entry)| matches!(entry.socket, Socket::Resolving) && entry.name == answer.name);
            let waiting: Vec<ConnId> = waiting.map(|(&conn, _)| conn).collect();
            for conn in waiting {
                match &answer.addresses {
                    Ok(addresses) => {
                        let own = &self.own_server;
                        let told = !own.is_empty() && *own != answer.name;
                        let is_server = |entry: &Entry| matches!(entry.purpose, Purpose::Server { .. });
                        let guarded = told && self.entries.get(&conn).is_some_and(is_server);
                        let allowed = |address: &&SocketAddr| !guarded || may_connect(own, address.ip());
                        let allowed: VecDeque<_> = addresses.iter().filter(allowed).copied().collect();
                        match allowed.is_empty() {
                            true => self.lose(conn, DialError::Forbidden),
                            false => self.connect(conn, allowed),
                        }
                    }
                    Err(error) => self.lose(conn, error.clone()),
                }
            }
        }
    }

    /// A turn begins: what has something to read is read once in it.
    pub(crate) fn start_turn(&mut self) {
        // All that the turn before was to read was read.
        core::mem::swap(&mut self.reading, &mut self.again);
    }

    /// The next connection's news; `inbox` holds what came on it. `None`: all was told.
    pub(crate) fn next_news(&mut self, inbox: &mut Inbox) -> Option<News> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Some(news);
            }
            let conn = self.reading.pop_first()?;
            if self.read(conn, inbox) {
                return Some(News::Bytes { conn });
            }
        }
    }

    /// True if bytes came. Other news is queued, before or after the bytes as it belongs.
    fn read(&mut self, conn: ConnId, inbox: &mut Inbox) -> bool {
        inbox.clear();
        let Some(entry) = self.entries.get_mut(&conn) else { return false };
        match &mut entry.socket {
            Socket::Server(server) => {
                let (outcome, emptied) = inbox.read(server);
                match outcome {
                    // What comes later is a new edge.
                    ReadOutcome::Bytes(_) if emptied && !entry.ending => true,
                    ReadOutcome::Bytes(_) | ReadOutcome::More => {
                        self.again.insert(conn);
                        true
                    }
                    ReadOutcome::WouldBlock => {
                        if let Some(end) = entry.failed.take() {
                            self.lose(conn, end);
                        }
                        false
                    }
                    ReadOutcome::Eof => {
                        self.lose(conn, LinkEnd::ServerClosed);
                        false
                    }
                    ReadOutcome::Err(error) => {
                        self.lose(conn, LinkEnd::Io(error));
                        false
                    }
                }
            }
            Socket::Peer(link) => {
                let turn = inbox.open(link);
                // What was read may have an answer of the handshake.
                self.touched.insert(conn);
                if let Some(peer) = turn.opened {
                    self.outgoing.end(conn);
                    self.incoming.end(conn);
                    let address = link.conn().stream().peer_addr();
                    let address = address.unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
                    self.news.push_back(News::Opened { conn, peer: Some(peer), address });
                    // The engine hears of the link before its first bytes.
                    if !inbox.bytes().is_empty() {
                        self.news.push_back(News::Bytes { conn });
                    }
                }
                if turn.more {
                    self.again.insert(conn);
                }
                let told = turn.opened.is_some();
                if let Some(end) = turn.end.or_else(|| entry.failed.take_if(|_| !turn.more)) {
                    let had_bytes = !inbox.bytes().is_empty() && !told;
                    if had_bytes {
                        self.news.push_back(News::Bytes { conn });
                    }
                    self.lose(conn, end);
                    return false;
                }
                !told && !inbox.bytes().is_empty()
            }
            Socket::Closing(socket) => {
                let ended = match socket.as_mut() {
                    Socket::Server(tcp) => inbox.drain(tcp),
                    Socket::Peer(link) => inbox.open(link).end.is_some(),
                    _ => true,
                };
                inbox.clear();
                if ended {
                    self.remove(conn);
                }
                false
            }
            Socket::Resolving | Socket::Dialling { .. } => false,
        }
    }

    /// Sends what was queued in this turn; calls `drained` for each connection with what is still queued.
    pub(crate) fn settle(&mut self, drained: &mut Vec<(ConnId, usize)>) {
        while let Some(conn) = self.touched.pop_first() {
            let Some(entry) = self.entries.get_mut(&conn) else { continue };
            let result = match &mut entry.socket {
                Socket::Server(server) => server
                    .settle(&self.registry, entry.token)
                    .map_err(LinkEnd::from)
                    .map(|()| server.queued()),
                Socket::Peer(link) => link.settle(&self.registry, entry.token).map(|()| link.queued()),
                Socket::Closing(socket) => {
                    let done = match socket.as_mut() {
                        Socket::Server(_) => true,
                        Socket::Peer(link) => {
                            let failed = link.settle(&self.registry, entry.token).is_err();
                            if !failed && link.queued() == 0 {
                                // The other end reads to our end and closes; only then is the socket let go.
                                let _ = link.conn().stream().shutdown(std::net::Shutdown::Write);
                            }
                            failed
                        }
                        _ => true,
                    };
                    if done {
                        self.remove(conn);
                    }
                    continue;
                }
                Socket::Resolving | Socket::Dialling { .. } => continue,
            };
            match result {
                Ok(queued) => drained.push((conn, queued)),
                Err(end) => {
                    (entry.ending, entry.failed) = (true, Some(end));
                    self.again.insert(conn);
                }
            }
        }
    }

    /// Something is left to do without waiting for the poll.
    pub(crate) fn is_busy(&self) -> bool {
        !(self.again.is_empty() && self.touched.is_empty() && self.news.is_empty())
    }

    /// Every queued byte has left.
    pub(crate) fn is_flushed(&self) -> bool {
        self.entries.values().all(|entry| match &entry.socket {
            _ if entry.failed.is_some() => true,
            Socket::Peer(link) => link.queued() == 0,
            Socket::Closing(socket) => match socket.as_ref() {
                Socket::Peer(link) => link.queued() == 0,
                _ => true,
            },
            _ => true,
        })
    }

    /// When [`Connections::on_time`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let closing = self.closing.values().copied();
        closing.chain(self.outgoing.deadline()).chain(self.incoming.deadline()).min()
    }

    /// Handshakes and polite closings that took too long end.
    pub(crate) fn on_time(&mut self, now: Moment) {
        while let Some(conn) = self.outgoing.next_expired(now).or_else(|| self.incoming.next_expired(now)) {
            self.lose(conn, LinkEnd::HandshakeTimedOut);
        }
        let over = self.closing.iter().filter(|(_, until)| now >= **until);
        let over: Vec<ConnId> = over.map(|(&conn, _)| conn).collect();
        for conn in over {
            self.remove(conn);
        }
    }
}

#[cfg(test)]
mod tests;
