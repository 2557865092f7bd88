//! The server itself: connections, sessions, and what each request does.
//!
//! Invariants: a connection with planned replies stands in `waiting` once, with the time of its first one;
//! replies of one connection leave in the order of its requests; the memory of a client is bounded by
//! [`limits::REPLIES_BYTES`] and one reply.

use super::{
    ConnId, Ending, Event, File, Input, LimitBy, OnePerIp, Output, Settings, Single, Totals,
    client::{Answer, Client, Gate, Manner, Planned, Session},
    draws::{Draws, Met, SplitMix},
    outbox::Outbox,
    tally::Tally,
};
use crate::{
    ids::LineNumber,
    limits,
    time::Moment,
    wire::line::{
        Failure, RESET_DONE, Request, RequestError, RequestReader, SEND_INCORRECT_LINES, SENDLINE,
        SESSION_RESET, Score, corrections_head, failure, line_entry, success,
    },
};
use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// A line server. Drain [`LineServer::next_output`] after each [`LineServer::handle`].
#[derive(Clone, Debug)]
pub struct LineServer {
    conns: BTreeMap<ConnId, Conn>,
    shop: Shop,
}

#[derive(Clone, Debug)]
struct Conn {
    reader: RequestReader,
    client: Client,
}

/// Everything but the connections, so that one of them and all of this can be changed together.
#[derive(Clone, Debug)]
struct Shop {
    file: File,
    settings: Settings,
    /// Every reply leaves at once and whole.
    is_calm: bool,
    wall_ms: u64,
    draws: Draws,
    chance: fastrand::Rng,
    met: Met,
    sessions: BTreeMap<IpAddr, Session>,
    waiting: BTreeSet<(Moment, ConnId)>,
    totals: Totals,
    out: Outbox,
}

impl LineServer {
    /// A server of `file`; `wall_ms` is the wall clock at [`Moment::ZERO`], in ms since 1970.
    #[must_use]
    pub fn new(file: File, settings: Settings, wall_ms: u64) -> Self {
        let draws = match settings.draw_seed {
            Some(seed) => Draws::Fixed(SplitMix::new(seed)),
            None => Draws::Random(fastrand::Rng::with_seed(settings.seed)),
        };
        let chance = fastrand::Rng::with_seed(settings.seed.wrapping_add(1));
        let met = Met::none_of(file.lines());
        let shop = Shop {
            file,
            is_calm: settings.is_calm(),
            settings,
            wall_ms,
            draws,
            chance,
            met,
            sessions: BTreeMap::new(),
            waiting: BTreeSet::new(),
            totals: Totals::default(),
            out: Outbox::default(),
        };
        Self { conns: BTreeMap::new(), shop }
    }

    /// Something happened. All outputs of the input before must have been taken.
    pub fn handle(&mut self, input: Input<'_>, now: Moment) {
        debug_assert!(self.shop.out.is_drained(), "outputs of the last input were not taken");
        match input {
            Input::Opened { conn, ip } => self.on_opened(conn, ip, now),
            Input::Bytes { conn, bytes } => self.on_bytes(conn, bytes, now),
            Input::Ended { conn } => self.on_ended(conn, now),
            Input::Closed { conn } => self.forget(conn, Ending::ByClient),
            Input::Deadline => {}
        }
        self.release(now);
        self.check_invariants();
    }

    /// What to do next for the last input; `None` when it is done.
    pub fn next_output(&mut self) -> Option<Output<'_>> {
        self.shop.out.next()
    }

    /// When [`Input::Deadline`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.shop.waiting.first().map(|(at, _)| *at)
    }

    /// More may be read from this connection. While not, leave its bytes where they are: it will be so after
    /// some of its replies have left.
    #[must_use]
    pub fn accepts(&self, conn: ConnId) -> bool {
        self.conns.get(&conn).is_none_or(|conn| conn.client.queue.len() < limits::PIPELINE as usize)
    }

    /// What was counted so far.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.shop.totals
    }

    /// The file that it serves.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.shop.file
    }

    fn on_opened(&mut self, id: ConnId, ip: IpAddr, now: Moment) {
        let shop = &mut self.shop;
        shop.out.event(Event::Connected { conn: id, ip });
        let here = shop.sessions.get(&ip).map(|session| session.conns.clone()).unwrap_or_default();
        let turned_away = match shop.settings.one_per_ip {
            Some(OnePerIp::Reject) if !here.is_empty() => Some(Ending::Rejected),
            _ if self.conns.len() >= limits::CLIENTS => Some(Ending::Crowded),
            _ => None,
        };
        if let Some(reason) = turned_away {
            shop.out.close(id);
            shop.out.event(Event::Disconnected { conn: id, ip, sent: 0, reason });
            return;
        }
        let gate = Gate::new(&shop.settings, now);
        shop.session(ip, &gate, now).conns.push(id);
        if shop.settings.one_per_ip == Some(OnePerIp::Replace) {
            for old in here {
                self.close(old, Ending::Replaced);
            }
        }
        let client = Client {
            id,
            ip,
            start: now,
            sent: 0,
            unbooked: 0,
            gate,
            tally: None,
            wrong: None,
            queue: std::collections::VecDeque::new(),
            queued_bytes: 0,
            ended: None,
            closing: None,
        };
        self.conns.insert(id, Conn { reader: RequestReader::new(), client });
    }

    fn on_bytes(&mut self, id: ConnId, bytes: &[u8], now: Moment) {
        let Some(Conn { reader, client }) = self.conns.get_mut(&id) else { return };
        let shop = &mut self.shop;
        let mut input = bytes;
        if let Some(single) = shop.settings.single.filter(|_| !reader.is_within_submit()) {
            let first = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            let several = first < bytes.len() && !is_one_request(bytes);
            match single {
                Single::Ignore if !is_one_request(bytes) => input = &[],
                Single::Busy if !client.queue.is_empty() => input = &[],
                Single::First | Single::Busy if several => input = bytes.get(..first).unwrap_or(bytes),
                Single::Close if several => client.closing = Some(Ending::Several),
                _ => {}
            }
            shop.totals.ignored += u64::from(input.len() < bytes.len());
        }
        while client.closing.is_none() && client.ended.is_none() {
            if shop.out.len() + client.queued_bytes > limits::REPLIES_BYTES {
                client.closing = Some(Ending::Flooded);
                break;
            }
            match reader.next(&mut input) {
                Ok(None) => break,
                Ok(Some(request)) => shop.serve(client, &request, now),
                Err(error) => {
                    if error == RequestError::TextTooLong {
                        shop.on_malformed(client, reader.end(), now);
                    }
                    client.ended = Some(Ending::TooLong);
                }
            }
        }
        shop.book(client);
        self.close_if_due(id);
    }

    fn on_ended(&mut self, id: ConnId, now: Moment) {
        let Some(Conn { reader, client }) = self.conns.get_mut(&id) else { return };
        self.shop.on_malformed(client, reader.end(), now);
        client.ended = Some(Ending::ByClient);
        self.close_if_due(id);
    }

    /// Lets every reply leave whose time has come.
    fn release(&mut self, now: Moment) {
        while let Some(id) = self.shop.waiting.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id) {
            self.shop.waiting.pop_first();
            let Some(Conn { client, .. }) = self.conns.get_mut(&id) else { continue };
            while client.closing.is_none() && client.queue.front().is_some_and(|first| first.at <= now) {
                let Some(planned) = client.queue.pop_front() else { break };
                client.queued_bytes = client.queued_bytes.saturating_sub(planned.memory());
                self.shop.leave(client, &planned);
            }
            if let Some(first) = client.queue.front().filter(|_| client.closing.is_none()) {
                self.shop.waiting.insert((first.at, id));
            }
            self.close_if_due(id);
        }
    }

    fn close_if_due(&mut self, id: ConnId) {
        let Some(Conn { client, .. }) = self.conns.get(&id) else { return };
        let said_all = client.ended.filter(|_| client.queue.is_empty());
        if let Some(reason) = client.closing.or(said_all) {
            self.close(id, reason);
        }
    }

    fn close(&mut self, id: ConnId, reason: Ending) {
        self.shop.out.close(id);
        self.forget(id, reason);
    }

    fn forget(&mut self, id: ConnId, reason: Ending) {
        let Some(Conn { client, .. }) = self.conns.remove(&id) else { return };
        if let Some(first) = client.queue.front() {
            self.shop.waiting.remove(&(first.at, id));
        }
        if let Some(session) = self.shop.sessions.get_mut(&client.ip) {
            session.conns.retain(|conn| *conn != id);
        }
        self.shop.out.event(Event::Disconnected { conn: id, ip: client.ip, sent: client.sent, reason });
    }

    fn check_invariants(&self) {
        debug_assert!(self.shop.waiting.iter().all(|(at, id)| {
            self.conns.get(id).and_then(|conn| conn.client.queue.front()).is_some_and(|first| first.at == *at)
        }));
        debug_assert_eq!(
            self.shop.waiting.len(),
            self.conns.values().filter(|conn| !conn.client.queue.is_empty()).count()
        );
        debug_assert!(self.conns.len() <= limits::CLIENTS && self.shop.sessions.len() <= limits::SESSIONS);
    }
}

impl Shop {
    /// The session of `ip`; a new one may push out the oldest that has no connection.
    fn session(&mut self, ip: IpAddr, gate: &Gate, now: Moment) -> &mut Session {
        if self.sessions.len() >= limits::SESSIONS && !self.sessions.contains_key(&ip) {
            let idle = self.sessions.iter().filter(|(_, session)| session.conns.is_empty());
            if let Some(oldest) = idle.min_by_key(|(_, session)| session.start).map(|(ip, _)| *ip) {
                self.sessions.remove(&oldest);
            }
        }
        self.sessions.entry(ip).or_insert_with(|| Session {
            start: now,
            sent: 0,
            gate: gate.clone(),
            conns: Vec::new(),
        })
    }

    fn serve(&mut self, client: &mut Client, request: &Request<'_>, now: Moment) {
        match *request {
            Request::SendLine => self.on_send_line(client, now),
            Request::Submit { identity, count } => {
                let identity = String::from_utf8_lossy(identity).into_owned();
                client.tally = Some(Tally::new(identity, self.file.lines()));
                if count == 0 {
                    self.on_submitted(client, now);
                }
            }
            Request::Entry { number, text, left } => {
                if let Some(tally) = &mut client.tally {
                    tally.entry(&self.file, number, text);
                }
                if left == 0 {
                    self.on_submitted(client, now);
                }
            }
            Request::Malformed(ref failure) => self.on_malformed(client, Some(failure.clone()), now),
            Request::SessionReset | Request::SendIncorrectLines if self.settings.tournament => {}
            Request::SessionReset => {
                self.book(client);
                if let Some(session) = self.sessions.get_mut(&client.ip) {
                    (session.start, session.sent) = (now, 0);
                }
                self.reply(client, RESET_DONE.to_vec(), now);
            }
            Request::SendIncorrectLines => {
                let mut bytes = Vec::new();
                corrections_head(client.wrong.as_ref().map_or(0, Met::count), &mut bytes);
                for index in client.wrong.iter().flat_map(Met::iter) {
                    let text = self.file.text(index).unwrap_or_default();
                    line_entry(LineNumber(self.file.base() + index), text, &mut bytes);
                }
                self.reply(client, bytes, now);
            }
            Request::Unknown => self.totals.ignored += 1,
        }
    }

    fn on_send_line(&mut self, client: &mut Client, now: Moment) {
        let chaos = self.settings.chaos;
        if self.strikes(chaos.silent) {
            return;
        }
        let gate = match self.settings.limit_by {
            LimitBy::Conn => Some(&mut client.gate),
            LimitBy::Ip => self.sessions.get_mut(&client.ip).map(|session| &mut session.gate),
        };
        let Some(gate) = gate else { return };
        let allowed = gate.allows(&self.settings.rate, self.totals.first_draw, now);
        if self.is_calm && client.queue.is_empty() {
            // What follows would come to the same.
            if allowed {
                let index = self.draw(client, Manner::Whole, now);
                self.out.write(client.id, self.file.reply(index));
            } else {
                self.totals.refusals += 1;
                self.out.write(client.id, self.settings.refusal.bytes());
            }
            return;
        }
        let manner = self.manner();
        let extra = if self.strikes(chaos.delay.0) { chaos.delay.1 } else { Duration::ZERO };
        let answer = if !allowed {
            self.totals.refusals += 1;
            Answer::Refusal
        } else if self.strikes(chaos.garbage) {
            match self.chance.u8(0..3) {
                0 => Answer::Bytes(b"no number\nat all\n".to_vec()),
                1 => Answer::Bytes(b"4294967295\nout of range\n".to_vec()),
                _ => {
                    let index = self.draw(client, manner, now);
                    Answer::Bytes([self.file.reply(index), b"a third field\n"].concat())
                }
            }
        } else {
            Answer::Line(self.draw(client, manner, now))
        };
        self.plan(client, answer, manner, extra, now);
    }

    /// The next line for this client, counted.
    fn draw(&mut self, client: &mut Client, manner: Manner, now: Moment) -> u32 {
        let index = self.draws.draw(self.file.lines());
        if self.totals.first_draw.is_none() {
            self.totals.first_draw = Some(now);
            self.out.event(Event::FirstDraw { conn: client.id, ip: client.ip });
        }
        self.totals.draws += 1;
        client.sent += 1;
        client.unbooked += 1;
        // A line that is cut is drawn, but nobody gets it whole.
        if manner != Manner::Cut && self.met.insert(index) && self.met.is_full() {
            self.totals.draws_needed = Some(self.totals.draws);
        }
        index
    }

    /// What was sent to the client counts for its address too.
    fn book(&mut self, client: &mut Client) {
        if let Some(session) = self.sessions.get_mut(&client.ip) {
            session.sent += core::mem::take(&mut client.unbooked);
        }
    }

    fn on_submitted(&mut self, client: &mut Client, now: Moment) {
        let Some(tally) = client.tally.take() else { return };
        self.book(client);
        let session = self.sessions.get(&client.ip);
        let score = Score {
            ip: client.ip.to_string(),
            correct: tally.correct(),
            incorrect: tally.incorrect,
            lines_read: tally.read,
            sent_in_session: session.map_or(client.sent, |session| session.sent),
            sent_in_connection: client.sent,
            max_lines: self.file.lines().into(),
            session_start: self.wall(session.map_or(client.start, |session| session.start)),
            connection_start: self.wall(client.start),
            submitted: self.wall(now),
            identity: tally.identity.clone(),
        };
        client.wrong = Some(tally.wrong());
        self.totals.submits += 1;
        if score.right(self.file.lines()) {
            self.totals.right_submits += 1;
            self.totals.first_right.get_or_insert(now);
        }
        let mut bytes = Vec::new();
        success(&score, &mut bytes);
        self.reply(client, bytes, now);
        self.out.event(Event::Submitted { conn: client.id, ip: client.ip, outcome: Box::new(Ok(score)) });
    }

    fn on_malformed(&mut self, client: &mut Client, malformed: Option<Failure>, now: Moment) {
        let Some(malformed) = malformed else { return };
        client.tally = None;
        self.totals.submits += 1;
        let mut bytes = Vec::new();
        failure(&malformed, &mut bytes);
        self.reply(client, bytes, now);
        let outcome = Box::new(Err(malformed));
        self.out.event(Event::Submitted { conn: client.id, ip: client.ip, outcome });
    }

    /// A reply to anything but SENDLINE: no faults.
    fn reply(&mut self, client: &mut Client, bytes: Vec<u8>, now: Moment) {
        self.plan(client, Answer::Bytes(bytes), Manner::Whole, Duration::ZERO, now);
    }

    fn plan(&mut self, client: &mut Client, answer: Answer, manner: Manner, extra: Duration, now: Moment) {
        let due = now + self.settings.latency + extra;
        let at = client.queue.back().map_or(due, |last| last.at.max(due));
        let planned = Planned { at, answer, manner };
        if client.queue.is_empty() {
            if at <= now {
                return self.leave(client, &planned);
            }
            self.waiting.insert((at, client.id));
        }
        client.queued_bytes += planned.memory();
        client.queue.push_back(planned);
    }

    fn leave(&mut self, client: &mut Client, planned: &Planned) {
        if planned.leave(client.id, &self.file, self.settings.refusal, &mut self.out) {
            client.closing = Some(Ending::Cut);
        }
    }

    fn manner(&mut self) -> Manner {
        let chaos = self.settings.chaos;
        if self.strikes(chaos.cut) {
            Manner::Cut
        } else if self.strikes(chaos.split.0) {
            Manner::Pieces(chaos.split.1)
        } else if self.strikes(self.settings.two_writes) {
            Manner::TwoWrites
        } else {
            Manner::Whole
        }
    }

    fn strikes(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.chance.f64() < probability
    }

    fn wall(&self, at: Moment) -> u64 {
        self.wall_ms + at.0 / 1000
    }
}

/// The whole segment is one request; a SUBMIT may go on in it.
fn is_one_request(bytes: &[u8]) -> bool {
    [SENDLINE, SESSION_RESET, SEND_INCORRECT_LINES].contains(&bytes) || bytes.starts_with(b"SUBMIT\n")
}
