//! Drawing lines: one [`Source`] for each configured source address, each with its connection and its pacer.
//!
//! It connects, keeps the pacer's number of requests outstanding, matches replies in order, and runs one errand at a
//! time (a submit, its corrections, a session reset) on the first source, between draws. Whatever the server does
//! costs a bounded delay. It decides neither whether to draw nor what to submit: the engine tells it.

use crate::{
    engine::{
        errand::{Errand, ErrandEnd},
        event::Event,
        io::{ConnId, Effect},
        ledger::{Arrival, Ledger},
        outbox::Outbox,
        pacer::{Belief, Pacer},
        settings,
    },
    ids::LineNumber,
    time::Moment,
    wire::line::{self, Expect, Reply, ReplyReader},
};
use core::time::Duration;
use std::{borrow::Cow, net::IpAddr};

/// How long a connection may take to stand.
const DIAL_PATIENCE: Duration = Duration::from_secs(8);
/// How long the server may be silent with requests outstanding.
const REPLY_PATIENCE: Duration = Duration::from_secs(5);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(2);
/// After this many tries in a row the line server is taken to be gone for longer.
const QUICK_TRIES: u32 = 10;
const SLOW_RETRY: Duration = Duration::from_secs(5);
/// The rate shown is that of the last one to two of these.
const RATE_SPAN: Duration = Duration::from_secs(1);

/// What was counted since the start of the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answered requests.
    pub draws: u64,
    /// Refused requests.
    pub refusals: u64,
    /// Answers with a line that was held already.
    pub duplicates: u64,
    /// Connections lost, or that could not be made after the first stood.
    pub reconnects: u64,
    /// Replies that broke the protocol.
    pub broken: u64,
    /// Times that the server was silent for too long.
    pub silences: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Fetch {
    sources: Vec<Source>,
    address: String,
    cap: Option<f64>,
    drawing: bool,
    errand: Option<Errand>,
    ended: Option<ErrandEnd>,
    counts: Counts,
    first_draw: Option<Moment>,
    marks: [(Moment, u64); 2],
    rng: fastrand::Rng,
}

#[derive(Debug)]
struct Source {
    bind: Option<IpAddr>,
    pacer: Pacer,
    phase: Phase,
    failures: u32,
    stood_before: bool,
    believed: Option<Belief>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing to do, or waiting to try again.
    Down {
        until: Moment,
    },
    Dialling {
        conn: ConnId,
        since: Moment,
    },
    Open(Box<Open>),
}

#[derive(Debug)]
struct Open {
    conn: ConnId,
    reader: ReplyReader,
    /// The last reply, or the request that ended a time without any outstanding.
    heard: Moment,
    /// Bytes written and not yet taken by the system.
    queued: usize,
}

impl Fetch {
    /// One source per configured address; nothing is dialled yet.
    #[must_use]
    pub fn new(server: &settings::Server, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let binds: Vec<_> =
            if server.bind.is_empty() { vec![None] } else { server.bind.iter().copied().map(Some).collect() };
        let share = server.rate.map(|rate| rate / binds.len() as f64);
        let sources = binds
            .into_iter()
            .map(|bind| Source {
                bind,
                pacer: Pacer::new(share, server.pipeline, rng.u64(..)),
                phase: Phase::Down { until: Moment::ZERO },
                failures: 0,
                stood_before: false,
                believed: None,
            })
            .collect();
        Self {
            sources,
            address: server.address.clone(),
            cap: server.rate,
            drawing: false,
            errand: None,
            ended: None,
            counts: Counts::default(),
            first_draw: None,
            marks: [(Moment::ZERO, 0); 2],
            rng,
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// When the first answer came.
    #[must_use]
    pub fn first_draw(&self) -> Option<Moment> {
        self.first_draw
    }

    /// What the first source's pacer believes.
    #[must_use]
    pub fn belief(&self) -> Option<Belief> {
        self.sources.first().map(|source| source.pacer.belief())
    }

    /// Lines a second that the server seems to allow all sources together.
    #[must_use]
    pub fn limit(&self) -> Option<f64> {
        self.sources.iter().map(|source| source.pacer.belief().limit).sum()
    }

    /// The operator's cap, in lines a second.
    #[must_use]
    pub fn cap(&self) -> Option<f64> {
        self.cap
    }

    /// The line server's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A connection to the line server stands.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.sources.iter().any(|source| matches!(source.phase, Phase::Open(_)))
    }

    /// Own answered draws a second, over the last one to two seconds.
    #[must_use]
    pub fn rate(&self, now: Moment) -> Option<f64> {
        let [(since, draws), _] = self.marks;
        self.first_draw?;
        let span = now.since(since).as_secs_f64();
        if !self.drawing || span > 10.0 * RATE_SPAN.as_secs_f64() {
            return Some(0.0);
        }
        (span > 0.05).then(|| (self.counts.draws - draws) as f64 / span)
    }

    /// Draw, or rest.
    pub fn set_drawing(&mut self, drawing: bool, now: Moment) {
        if drawing && !self.drawing {
            self.marks = [(now, self.counts.draws); 2];
        }
        self.drawing = drawing;
    }

    /// The operator's cap on all sources together, in lines a second.
    pub fn set_cap(&mut self, cap: Option<f64>) {
        self.cap = cap;
        let share = cap.map(|cap| cap / self.sources.len().max(1) as f64);
        self.sources.iter_mut().for_each(|source| source.pacer.set_cap(share));
    }

    /// Another server, another job: every connection is closed and the counts start anew.
    pub fn start_over(&mut self, address: &str, now: Moment, out: &mut Outbox) {
        self.errand = None;
        self.ended = None;
        self.counts = Counts::default();
        self.first_draw = None;
        self.marks = [(now, 0); 2];
        self.address = address.to_owned();
        for source in &mut self.sources {
            source.hang_up(now, out);
            source.phase = Phase::Down { until: now };
            source.failures = 0;
        }
    }

    /// Closes every connection; the next turn dials anew if there is something to do.
    pub fn hang_up(&mut self, now: Moment, out: &mut Outbox) {
        self.sources.iter_mut().for_each(|source| source.hang_up(now, out));
    }

    /// Gives it an errand, in place of any before.
    pub fn send_on(&mut self, errand: Errand) {
        self.errand = Some(errand);
        self.ended = None;
    }

    /// Takes back an errand of which nothing was said yet. False if it has begun.
    pub fn call_back(&mut self) -> bool {
        let waiting = self.errand.as_ref().is_none_or(|errand| !errand.has_begun());
        if waiting {
            self.errand = None;
        }
        waiting
    }

    /// How the errand ended, once.
    pub fn take_end(&mut self) -> Option<ErrandEnd> {
        self.ended.take()
    }

    /// An errand is under way or waits.
    #[must_use]
    pub fn has_errand(&self) -> bool {
        self.errand.is_some()
    }

    /// Is this one of its connections?
    #[must_use]
    pub fn owns(&self, conn: ConnId) -> bool {
        self.sources.iter().any(|source| source.conn() == Some(conn))
    }

    /// A connection stands.
    pub fn on_opened(&mut self, conn: ConnId, now: Moment, out: &mut Outbox) {
        let Some(source) = self.sources.iter_mut().find(|source| source.conn() == Some(conn)) else { return };
        source.phase =
            Phase::Open(Box::new(Open { conn, reader: ReplyReader::new(), heard: now, queued: 0 }));
        source.stood_before = true;
        let from = source.bind.map_or_else(|| "auto".into(), |ip| ip.to_string());
        out.note(Event::ServerConnected { address: self.address.clone(), source: from });
    }

    /// Of what was written, so much is unsent.
    pub fn on_drained(&mut self, conn: ConnId, queued: usize) {
        if let Some(open) = self.sources.iter_mut().find_map(|source| source.open(conn)) {
            open.queued = queued;
        }
    }

    /// The connection ended, or could not be made.
    pub fn on_closed(&mut self, conn: ConnId, why: &str, now: Moment, out: &mut Outbox) {
        if let Some(at) = self.sources.iter().position(|source| source.conn() == Some(conn)) {
            self.lose(at, why, now, out);
        }
    }

    /// Reads replies. Lines go straight to the ledger; all that is not a plain duplicate is told in `arrivals`.
    pub fn on_bytes(
        &mut self,
        conn: ConnId,
        mut bytes: &[u8],
        now: Moment,
        ledger: &mut Ledger,
        arrivals: &mut Vec<(LineNumber, Arrival)>,
        out: &mut Outbox,
    ) {
        let Some(at) = self.sources.iter().position(|source| source.conn() == Some(conn)) else { return };
        let Some(source) = self.sources.get_mut(at) else { return };
        let Phase::Open(open) = &mut source.phase else { return };
        open.heard = now;
        let mut broke = None;
        loop {
            let errand =
                if at == 0 { self.errand.as_mut().filter(|errand| errand.has_begun()) } else { None };
            let drawing = source.pacer.outstanding() > 0;
            let expect = match (&errand, drawing) {
                (_, true) => Expect::Line,
                (Some(errand), false) => errand.expects(),
                (None, false) => {
                    if !bytes.is_empty() {
                        broke = Some("the line server sent bytes that nobody had asked for".to_owned());
                    }
                    break;
                }
            };
            match open.reader.next(&mut bytes, expect) {
                Ok(None) => break,
                Ok(Some(Reply::Refused)) => {
                    source.pacer.on_reply(false, now);
                    self.counts.refusals += 1;
                }
                Ok(Some(Reply::Line { number, text })) => {
                    source.pacer.on_reply(true, now);
                    source.failures = 0;
                    self.counts.draws += 1;
                    self.first_draw.get_or_insert(now);
                    match ledger.drawn(number, text) {
                        Arrival::Known => self.counts.duplicates += 1,
                        Arrival::OutOfRange => {
                            broke = Some(format!(
                                "the line server sent line {number} of a file of {} lines (check server.lines)",
                                ledger.count().unwrap_or(0)
                            ));
                            break;
                        }
                        arrival => {
                            if !matches!(arrival, Arrival::New) {
                                self.counts.duplicates += 1;
                            }
                            arrivals.push((number, arrival));
                        }
                    }
                }
                Ok(Some(reply)) => {
                    if let Some(end) = errand.and_then(|errand| errand.on_reply(reply, now)) {
                        self.errand = None;
                        self.ended = Some(end);
                    }
                }
                Err(error) => {
                    broke = Some(error.to_string());
                    break;
                }
            }
        }
        if let Some(why) = broke {
            self.counts.broken += 1;
            out.note(Event::ServerBroke { why: why.clone() });
            self.give_up(at, &why, now, out);
        }
    }

    /// This process was held up: silences start anew.
    pub fn on_stall(&mut self, now: Moment) {
        for source in &mut self.sources {
            source.pacer.on_stall(now);
            match &mut source.phase {
                Phase::Open(open) => open.heard = now,
                Phase::Dialling { since, .. } => *since = now,
                Phase::Down { .. } => {}
            }
        }
        if let Some(errand) = &mut self.errand {
            errand.on_stall(now);
        }
    }

    /// Does all that is due: dials, asks for lines, goes on with the errand.
    pub fn turn(&mut self, now: Moment, ledger: &Ledger, out: &mut Outbox) {
        if now.since(self.marks[1].0) >= RATE_SPAN {
            self.marks = [self.marks[1], (now, self.counts.draws)];
        }
        for at in 0..self.sources.len() {
            self.turn_source(at, now, ledger, out);
        }
    }

    fn turn_source(&mut self, at: usize, now: Moment, ledger: &Ledger, out: &mut Outbox) {
        let errand_waits = at == 0 && self.errand.is_some();
        let wanted = self.drawing || errand_waits;
        let Some(source) = self.sources.get_mut(at) else { return };
        match &mut source.phase {
            Phase::Down { until } => {
                if wanted && now >= *until {
                    let conn = out.dial_server(&self.address, source.bind);
                    source.phase = Phase::Dialling { conn, since: now };
                }
            }
            Phase::Dialling { since, .. } => {
                if now >= *since + DIAL_PATIENCE {
                    self.give_up(at, "no connection within 8 s", now, out);
                }
            }
            Phase::Open(open) => {
                let outstanding = source.pacer.outstanding();
                if outstanding > 0 {
                    let patience = source.pacer.patience().unwrap_or(REPLY_PATIENCE).min(REPLY_PATIENCE);
                    let silent = now.since(open.heard);
                    if silent >= patience {
                        let for_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
                        out.note(Event::ServerSilent { for_ms, unanswered: outstanding });
                        self.counts.silences += 1;
                        source.pacer.on_silence(now);
                        self.give_up(at, "the line server did not answer", now, out);
                        return;
                    }
                } else if errand_waits {
                    self.turn_errand(now, ledger, out);
                    return;
                }
                if self.drawing && !errand_waits {
                    let due = source.pacer.due(now);
                    if due > 0 {
                        if outstanding == 0 {
                            open.heard = now;
                        }
                        let bytes = requests(due);
                        open.queued += bytes.len();
                        out.push(Effect::Write { conn: open.conn, bytes });
                        source.pacer.on_sent(due, now);
                    }
                }
                let belief = source.pacer.belief();
                if source.believed.as_ref().is_none_or(|before| differs(before, &belief)) {
                    let kind = belief.kind.name();
                    out.note(Event::LimitBelieved {
                        per_s: belief.limit,
                        kind,
                        confidence: belief.confidence,
                    });
                    source.believed = Some(belief);
                }
            }
        }
    }

    fn turn_errand(&mut self, now: Moment, ledger: &Ledger, out: &mut Outbox) {
        let Some(Source { phase: Phase::Open(open), .. }) = self.sources.first_mut() else { return };
        let Some(errand) = &mut self.errand else { return };
        while let Some(bytes) = errand.next_bytes(ledger, open.queued, now) {
            open.queued += bytes.len();
            out.push(Effect::Write { conn: open.conn, bytes: Cow::Owned(bytes) });
        }
        if let Some(end) = errand.on_time(now) {
            self.errand = None;
            self.ended = Some(end);
            self.give_up(0, "the line server did not answer", now, out);
        }
    }

    /// Closes our end, then as if the other had.
    fn give_up(&mut self, at: usize, why: &str, now: Moment, out: &mut Outbox) {
        if let Some(conn) = self.sources.get(at).and_then(Source::conn) {
            out.push(Effect::Close { conn });
        }
        self.lose(at, why, now, out);
    }

    fn lose(&mut self, at: usize, why: &str, now: Moment, out: &mut Outbox) {
        if at == 0
            && let Some(end) = self.errand.as_mut().and_then(|errand| errand.on_lost(why))
        {
            self.errand = None;
            self.ended = Some(end);
        }
        let Some(source) = self.sources.get_mut(at) else { return };
        let unanswered = source.pacer.outstanding();
        source.pacer.on_lost(now);
        let retry_in = retry_after(source.failures, &mut self.rng);
        source.failures = source.failures.saturating_add(1);
        source.phase = Phase::Down { until: now + retry_in };
        self.counts.reconnects += u64::from(source.stood_before);
        out.note(Event::ServerLost { why: why.into(), unanswered, retry_in });
    }

    /// When the next turn is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.sources.iter().enumerate().filter_map(|(at, source)| self.source_deadline(at, source)).min()
    }

    fn source_deadline(&self, at: usize, source: &Source) -> Option<Moment> {
        let errand = self.errand.as_ref().filter(|_| at == 0);
        match &source.phase {
            Phase::Down { until } => (self.drawing || errand.is_some()).then_some(*until),
            Phase::Dialling { since, .. } => Some(*since + DIAL_PATIENCE),
            Phase::Open(open) => {
                let patience = source.pacer.patience().unwrap_or(REPLY_PATIENCE).min(REPLY_PATIENCE);
                let silence = (source.pacer.outstanding() > 0).then(|| open.heard + patience);
                let next = match errand {
                    Some(errand) => errand.deadline(),
                    None if self.drawing => source.pacer.deadline(),
                    None => None,
                };
                silence.into_iter().chain(next).min()
            }
        }
    }
}

impl Source {
    fn conn(&self) -> Option<ConnId> {
        match &self.phase {
            Phase::Down { .. } => None,
            Phase::Dialling { conn, .. } => Some(*conn),
            Phase::Open(open) => Some(open.conn),
        }
    }

    fn open(&mut self, conn: ConnId) -> Option<&mut Open> {
        match &mut self.phase {
            Phase::Open(open) if open.conn == conn => Some(open),
            _ => None,
        }
    }

    fn hang_up(&mut self, now: Moment, out: &mut Outbox) {
        if let Some(conn) = self.conn() {
            out.push(Effect::Close { conn });
            self.pacer.on_lost(now);
            self.phase = Phase::Down { until: now };
        }
    }
}

/// Doubles from 100 ms to 2 s for ten tries, then 5 s; half of it is random, so that many clients don't come at once.
fn retry_after(failures: u32, rng: &mut fastrand::Rng) -> Duration {
    let whole = if failures >= QUICK_TRIES {
        SLOW_RETRY
    } else {
        FIRST_RETRY.saturating_mul(1 << failures.min(8)).min(LONGEST_RETRY)
    };
    whole.mul_f64(0.5 + rng.f64() / 2.0)
}

/// `count` times `SENDLINE\n`; one, the usual count under a limit, without an allocation.
fn requests(count: u32) -> Cow<'static, [u8]> {
    if count == 1 { Cow::Borrowed(line::SENDLINE) } else { Cow::Owned(line::SENDLINE.repeat(count as usize)) }
}

/// Worth an event: another kind of limiter, or a limit that moved by a tenth.
fn differs(before: &Belief, now: &Belief) -> bool {
    let moved = match (before.limit, now.limit) {
        (Some(a), Some(b)) => (a - b).abs() > 0.1 * a.max(b),
        (a, b) => a.is_some() != b.is_some(),
    };
    moved || before.kind != now.kind
}
