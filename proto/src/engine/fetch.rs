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
    wire::line::{Expect, Reply, ReplyReader},
};
pub use allowance::Allowed;
use smallvec::SmallVec;
use source::{DIAL_PATIENCE, Open, Phase, Source};
use std::{borrow::Cow, net::IpAddr};
pub use tally::Counts;
use tally::Tally;

mod allowance;
mod source;
mod tally;

/// So many lines of one reading are looked up at once.
const AHEAD: usize = 64;

/// See the module.
#[derive(Debug)]
pub struct Fetch {
    sources: Vec<Source>,
    address: String,
    cap: Option<f64>,
    drawing: bool,
    errand: Option<Errand>,
    ended: Option<ErrandEnd>,
    tally: Tally,
    allowance: allowance::Allowance,
    rng: fastrand::Rng,
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
            .map(|bind| Source::new(bind, Pacer::new(share, server.pipeline, rng.u64(..))))
            .collect();
        Self {
            sources,
            address: server.address.clone(),
            cap: server.rate,
            drawing: false,
            errand: None,
            ended: None,
            tally: Tally::default(),
            allowance: Default::default(),
            rng,
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.tally.counts
    }

    /// When the first answer came.
    #[must_use]
    pub fn first_draw(&self) -> Option<Moment> {
        self.tally.first_draw
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

    /// It draws, or tries to.
    #[must_use]
    pub fn is_drawing(&self) -> bool {
        self.drawing
    }

    /// Tries in a row that brought no line.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.sources.iter().map(|source| source.failures).min().unwrap_or(0)
    }

    /// When a connection is tried next, while none stands and one is needed.
    #[must_use]
    pub fn next_try(&self) -> Option<Moment> {
        let wanted = self.drawing || self.errand.is_some();
        let next = |source: &Source| match source.phase {
            Phase::Down { until } => Some(until),
            Phase::Dialling { since, .. } => Some(since),
            Phase::Open(_) => None,
        };
        self.sources.iter().filter_map(next).min().filter(|_| wanted && !self.is_connected())
    }

    /// How the last connection, or the last try, ended.
    #[must_use]
    pub fn last_loss(&self) -> Option<&str> {
        self.sources.first()?.loss.as_deref()
    }

    /// The server does not answer several requests that are under way.
    #[must_use]
    pub fn is_one_at_a_time(&self) -> bool {
        self.sources.iter().any(|source| source.pacer.is_one_at_a_time())
    }

    /// Own answered draws a second, over the last one to two seconds.
    #[must_use]
    pub fn rate(&self, now: Moment) -> Option<f64> {
        self.rates(now).map(|(draws, _)| draws)
    }

    /// Refused requests a second, over the same time.
    #[must_use]
    pub fn refused_rate(&self, now: Moment) -> Option<f64> {
        self.rates(now).map(|(_, refusals)| refusals)
    }

    fn rates(&self, now: Moment) -> Option<(f64, f64)> {
        if self.drawing { self.tally.rates(now) } else { self.tally.first_draw.map(|_| (0.0, 0.0)) }
    }

    /// So many duplicates were to be expected: at each draw, the share of lines that were held then.
    #[must_use]
    pub fn expected_duplicates(&self) -> f64 {
        self.tally.expected_duplicates
    }

    /// How many draws limit and cap have allowed.
    #[must_use]
    pub fn allowed(&self, now: Moment) -> Allowed {
        let mut allowance = self.allowance;
        allowance.run_to(now, self.tally.first_draw, self.limit(), self.cap);
        allowance.total(self.tally.first_draw, self.sources.len(), self.cap)
    }

    fn count_allowance(&mut self, now: Moment) {
        self.allowance.run_to(now, self.tally.first_draw, self.limit(), self.cap);
    }

    /// Draw, or rest.
    pub fn set_drawing(&mut self, drawing: bool, now: Moment) {
        if drawing && !self.drawing {
            self.tally.mark_anew(now);
            self.sources.iter_mut().for_each(|source| source.pacer.on_rest(now));
        }
        if drawing != self.drawing {
            self.count_allowance(now);
            self.allowance.set_drawing(drawing, now);
        }
        self.drawing = drawing;
    }

    /// The operator's cap on all sources together, in lines a second.
    pub fn set_cap(&mut self, cap: Option<f64>, now: Moment) {
        self.count_allowance(now);
        self.cap = cap;
        let share = cap.map(|cap| cap / self.sources.len().max(1) as f64);
        self.sources.iter_mut().for_each(|source| source.pacer.set_cap(share));
    }

    /// Another server, another job: every connection is closed and the counts start anew.
    pub fn start_over(&mut self, address: &str, now: Moment, out: &mut Outbox) {
        self.errand = None;
        self.ended = None;
        self.tally = Tally::default();
        self.tally.mark_anew(now);
        self.allowance = Default::default();
        self.allowance.set_drawing(self.drawing, now);
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

    /// It draws, all its connections stand, and nothing else is to be done on them.
    #[must_use]
    pub fn is_just_drawing(&self) -> bool {
        let stands = |source: &Source| matches!(source.phase, Phase::Open(_));
        self.drawing && self.errand.is_none() && self.ended.is_none() && self.sources.iter().all(stands)
    }

    /// Is this one of its connections?
    #[must_use]
    pub fn owns(&self, conn: ConnId) -> bool {
        self.sources.iter().any(|source| source.conn() == Some(conn))
    }

    /// A connection stands, from `local`.
    pub fn on_opened(&mut self, conn: ConnId, local: IpAddr, now: Moment, out: &mut Outbox) {
        let Some(source) = self.sources.iter_mut().find(|source| source.conn() == Some(conn)) else { return };
        let reader = ReplyReader::new();
        source.phase = Phase::Open(Box::new(Open { conn, reader, heard: now, queued: 0 }));
        source.stood_before = true;
        source.last_local = Some(local);
        out.note(Event::ServerConnected { address: self.address.clone(), source: local.to_string() });
    }

    /// The rival for our address is gone.
    pub fn forget_evictions(&mut self) {
        self.sources.iter_mut().for_each(Source::forget_evictions);
    }

    /// The addresses that it draws from, between two connections too.
    pub fn local_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.sources.iter().filter_map(|source| source.last_local.filter(|_| self.drawing))
    }

    /// The addresses at which the server closed our connections lately, and how often.
    pub fn evictions(&self, now: Moment) -> impl Iterator<Item = (IpAddr, usize)> + '_ {
        self.sources.iter().filter_map(move |source| Some((source.last_local?, source.evictions(now))))
    }

    /// Of what was written, so much is unsent. True if an errand may wait for that.
    pub fn on_drained(&mut self, conn: ConnId, queued: usize) -> bool {
        let open = self.sources.iter_mut().find_map(|source| source.open(conn));
        open.map(|open| open.queued = queued).is_some() && self.errand.is_some()
    }

    /// The connection ended, or could not be made. Who makes room for another client is closed between two replies, so
    /// an end within one is no eviction.
    pub fn on_closed(&mut self, conn: ConnId, why: &str, now: Moment, out: &mut Outbox) {
        let Some(at) = self.sources.iter().position(|source| source.conn() == Some(conn)) else { return };
        if let Some(source) = self.sources.get_mut(at)
            && source.open(conn).is_some_and(|open| !open.reader.is_within_reply())
        {
            source.on_evicted(now);
            source.pacer.on_closed(now);
        }
        self.lose(at, why, now, out);
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
            if drawing {
                let ahead = (source.pacer.outstanding() as usize).min(AHEAD);
                let whole = core::iter::from_fn(|| open.reader.whole_line(&mut bytes));
                let lines: SmallVec<[_; AHEAD]> = whole.take(ahead).collect();
                ledger.look_ahead(&lines);
                let took = lines.iter().try_for_each(|&line| {
                    source.pacer.on_reply(true, now);
                    self.tally.line(line, now, ledger, arrivals)
                });
                if let Err(why) = took {
                    broke = Some(why);
                    break;
                }
                if !lines.is_empty() {
                    source.failures = 0;
                    continue;
                }
            }
            match open.reader.next(&mut bytes, expect) {
                Ok(None) => break,
                Ok(Some(Reply::Refused)) => {
                    source.pacer.on_reply(false, now);
                    self.tally.counts.refusals += 1;
                }
                Ok(Some(Reply::Line { number, text })) => {
                    source.pacer.on_reply(true, now);
                    source.failures = 0;
                    if let Err(why) = self.tally.line((number, text), now, ledger, arrivals) {
                        broke = Some(why);
                        break;
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
        if self.tally.mark_on(now) {
            self.count_allowance(now);
        }
        for at in 0..self.sources.len() {
            self.turn_source(at, now, ledger, out);
        }
    }

    fn turn_source(&mut self, at: usize, now: Moment, ledger: &Ledger, out: &mut Outbox) {
        let errand_waits = at == 0 && self.errand.is_some();
        let wanted = self.drawing || errand_waits;
        let Some(source) = self.sources.get_mut(at) else { return };
        match &source.phase {
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
            Phase::Open(_) => {
                if let Some(silent) = source.silence(now) {
                    let for_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
                    out.note(Event::ServerSilent { for_ms, unanswered: source.pacer.outstanding() });
                    source.pacer.on_silence(now);
                    self.give_up(at, "the line server did not answer", now, out);
                } else if errand_waits {
                    // Draws that are under way are answered first.
                    if source.pacer.outstanding() == 0 {
                        self.turn_errand(now, ledger, out);
                    }
                } else if self.drawing {
                    source.draw(now, out);
                    source.tell_belief(now, out);
                    source.tell_pipeline(out);
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
        let wanted = self.drawing || (at == 0 && self.errand.is_some());
        let Some(source) = self.sources.get_mut(at) else { return };
        let unanswered = source.pacer.outstanding();
        let retry_in = source.on_lost(why, now, &mut self.rng);
        self.tally.counts.reconnects += u64::from(source.stood_before);
        if wanted {
            out.note(Event::ServerLost { why: why.into(), unanswered, retry_in });
        }
    }

    /// When the next turn is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let errand = |at: usize| self.errand.as_ref().filter(|_| at == 0);
        let due = |(at, source): (usize, &Source)| source.deadline(self.drawing, errand(at));
        self.sources.iter().enumerate().filter_map(due).min()
    }
}
