//! Learns the line server's limit from refusals, and says when the next request may be written.
//!
//! A pure state machine: the caller hands in the time, writes what [`Pacer::due`] allows, and reports every reply in
//! the order of the requests. It never reads a clock and never waits. What a limiter sees are *send* times, so every
//! gap here is one between send times; replies only tell whether the request that was sent then came too early.
//!
//! Four ways to pace, each in its own file: `open` (no limit seen), `spacing` (lateness is lost for good), `bucket`
//! (lateness is credit) and `window` (seconds of the server's clock). Invariant: without a [`Pacer::deadline`] a reply
//! is outstanding, so the machine never stops by itself. docs/pacing.md tells the rules and what they achieve.

mod bucket;
mod cap;
mod edge;
mod flight;
mod open;
mod price;
mod spacing;
mod window;

use crate::{limits, time::Moment};
use bucket::Bucket;
use cap::Cap;
use core::{num::NonZeroU32, time::Duration};
use flight::Flight;
use open::Open;
use spacing::Spacing;
use window::Window;

/// Time and gaps inside the pacer: microseconds, with fractions.
type Micros = f64;

/// How long a server may keep silent while it is not known whether it answers two requests that arrive together.
const UNPROVEN_PATIENCE: Duration = Duration::from_millis(300);
/// From this round trip on, nothing waits for a single reply.
const LONG_TRIP: Micros = 1_000.0;
/// By how much longer than ever a round trip must be, at least, to tell nothing of the limit.
const HELD: Micros = 20_000.0;
/// Replies that came while another request was under way, until that is taken to work.
const OVERLAPPED: u32 = 8;
/// What tells against several requests under way, until one at a time is kept for good: a silence that followed them, and
/// an end of the connection by the server, which has other reasons too.
const STRIKES: u8 = 4;
const SILENCE: u8 = 2;
const CLOSED: u8 = 1;
/// A reply that comes this share of a round trip after a request was sent is no earlier one's.
const OVERTAKEN: f64 = 0.95;

/// The kind of limiter that the server seems to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Too little was seen.
    #[default]
    Unknown,
    /// Nothing was refused so far.
    Unlimited,
    /// A reply at most every 1/R s since the last answer.
    Spacing,
    /// Tokens that flow in at R a second and can be saved.
    Bucket,
    /// R answers in each second of the server's clock.
    Window,
}

impl Kind {
    /// For `status` and events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unlimited => "unlimited",
            Self::Spacing => "spacing",
            Self::Bucket => "bucket",
            Self::Window => "window",
        }
    }
}

/// What the pacer believes, for `status` and events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Belief {
    /// Lines a second that the server seems to allow, as its replies have shown; `None` while they have not.
    pub limit: Option<f64>,
    /// Lines a second that it is asked for at: what the rules work with, which may be a guess or stand at a bound. Never
    /// shown as the server's limit.
    pub aim: Option<f64>,
    /// The kind of limiter.
    pub kind: Kind,
    /// How sure that is, 0..1.
    pub confidence: f64,
    /// The round trip: a running minimum that may rise slowly.
    pub rtt: Duration,
    /// How many requests are kept outstanding at the present pace.
    pub depth: u32,
}

/// What a request was sent for; decides what its reply tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Expected to be answered.
    Regular,
    /// Expected to be refused: a look at a shorter gap.
    Probe,
    /// A look at a much shorter gap: was the limit raised?
    Leap,
    /// The late half of the bucket test.
    Late,
    /// The early half of the bucket test.
    Early,
}

/// One reply, with what the limiter saw of its request.
#[derive(Clone, Copy, Debug)]
struct Sample {
    role: Role,
    answered: bool,
    /// When the request was sent.
    sent: Micros,
    /// Since the send time of the last answered request before it; `None` for the first.
    gap: Option<Micros>,
    now: Micros,
    /// Later requests are under way.
    more: bool,
    /// It was held up on its way, so that nobody knows when the limiter saw it.
    held: bool,
    /// It, or the answer that `gap` counts from, was held up: nobody knows what gap the limiter saw.
    vague: bool,
}

/// What the ways to pace know of the link.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    rtt: Micros,
    /// The mean round trip, and how far from it the round trips are on average.
    usual: Micros,
    jitter: Micros,
    /// The last reply that was held up came in then.
    held_until: Micros,
    last_answer: Option<Micros>,
    /// That answer was held up: `last_answer` is the latest moment at which its request can have arrived.
    last_held: bool,
    now: Micros,
    under_way: u32,
    /// The shortest gap that the cap allows; zero without one.
    capped: Micros,
    /// Only one request may be under way.
    alone: bool,
    /// The operator said how many requests are under way.
    fixed: bool,
}

impl Link {
    fn on_trip(&mut self, sent: Micros, trip: Micros) {
        if self.rtt <= 0.0 {
            (self.rtt, self.usual) = (trip, trip);
        }
        if self.is_held(trip) {
            // Unless that goes on, the link is as it was. What comes in a bunch was held up once.
            if sent > self.held_until {
                self.rtt *= 1.1;
                self.held_until = sent + trip;
            }
            return;
        }
        self.rtt = trip.min(self.rtt * 1.005);
        // One late reply is no habit of the link.
        let off = (trip - self.usual).clamp(-10.0 * self.jitter - 10.0, 10.0 * self.jitter + 10.0);
        self.usual += 0.1 * off;
        self.jitter += 0.05 * (off.abs() - self.jitter);
    }

    /// A round trip that no link makes by itself: a segment was lost and sent again, or the server was busy.
    fn is_held(&self, trip: Micros) -> bool {
        self.rtt > 0.0 && trip > HELD + 1.25 * self.rtt
    }

    /// A refusal is learnt so late that several requests must be under way.
    fn is_long(&self) -> bool {
        self.rtt > LONG_TRIP
    }
}

/// What the server was seen to do with several requests under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Pipelining {
    #[default]
    Unknown,
    /// It answered them when they arrived apart.
    Apart,
    /// It answered two that were written together.
    Together,
}

#[derive(Debug)]
enum Pace {
    Open(Open),
    Spacing(Spacing),
    Bucket(Bucket),
    Window(Window),
}

/// The pacer of one connection to the line server.
#[derive(Debug)]
pub struct Pacer {
    cap: Cap,
    fixed: Option<u32>,
    random: fastrand::Rng,
    flight: Flight,
    pace: Pace,
    link: Link,
    /// By how much this process usually wakes up late.
    late: Micros,
    /// A wait for a deadline is under way, so that its end tells `late`.
    waits: bool,
    strikes: u8,
    pipelining: Pipelining,
    /// Both of two requests that were written together were replied to before anything else was sent. Without that, a
    /// reply may belong to a later request than it seems to, and the one that was never looked at stays outstanding.
    proven: bool,
    /// The shortest round trip: replies that belong to other requests than they seem to make [`Link::rtt`] longer.
    shortest: Micros,
    /// Replies to requests that others were sent after.
    overlapped: u32,
    /// The last reply was a plain answer, not the first of its batch: when it was asked for, and when it came.
    plain: Option<(Micros, Micros)>,
}

impl Pacer {
    /// A pacer that knows nothing. `cap`: answers a second that are never exceeded; `depth`: a fixed number of requests
    /// outstanding; `seed`: for the random part of its probes.
    #[must_use]
    pub fn new(cap: Option<f64>, depth: Option<NonZeroU32>, seed: u64) -> Self {
        Self {
            cap: Cap::new(cap),
            fixed: depth.map(|depth| depth.get().min(limits::PIPELINE)),
            random: fastrand::Rng::with_seed(seed),
            flight: Flight::default(),
            pace: Pace::Open(Open::default()),
            link: Link::default(),
            late: 0.0,
            waits: false,
            strikes: 0,
            pipelining: Pipelining::default(),
            proven: false,
            shortest: Micros::INFINITY,
            overlapped: 0,
            plain: None,
        }
    }

    /// How many requests may be written now. Zero: wait for [`Self::deadline`] or a reply.
    pub fn due(&mut self, now: Moment) -> u32 {
        let now = micros(now);
        let allowed = self.room().min(self.cap.allows(now));
        if allowed == 0 {
            return 0;
        }
        let due = match &self.pace {
            Pace::Open(open) => self.open_due(open).min(allowed),
            _ if self.next().is_some_and(|(at, _)| now >= at.floor()) => self.trial().min(allowed),
            _ => 0,
        };
        if due == 0 {
            self.waits = true;
        }
        due
    }

    /// When [`Self::due`] may become non-zero without a reply; `None`: only a reply can change it.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        if self.room() == 0 {
            return None;
        }
        let at = match &self.pace {
            Pace::Open(open) if self.open_due(open) == 0 => return None,
            Pace::Open(_) => self.cap.next(),
            _ => self.next()?.0.max(self.cap.next()),
        };
        Some(Moment(at.max(0.0).ceil() as u64))
    }

    /// `count` requests were written just now.
    pub fn on_sent(&mut self, count: u32, now: Moment) {
        if count == 0 {
            return;
        }
        let at = micros(now);
        let (planned, role) = match &self.pace {
            Pace::Open(_) => (at, Role::Regular),
            _ => self.next().unwrap_or((at, Role::Probe)),
        };
        if self.waits && !matches!(self.pace, Pace::Open(_)) {
            self.learn_lateness(at - planned);
        }
        self.waits = false;
        self.link.capped = self.cap.period();
        self.link.alone = self.depth_limit() == 1;
        self.link.fixed = self.fixed.is_some();
        self.cap.on_sent(count, at);
        self.flight.push(at, count, role);
        self.link.under_way = self.flight.outstanding;
        match &mut self.pace {
            Pace::Open(open) => open.on_sent(at),
            Pace::Spacing(spacing) => spacing.on_sent(role, at, &self.link, &mut self.random),
            Pace::Bucket(bucket) => bucket.on_sent(role, at),
            Pace::Window(window) => window.on_sent(role, at),
        }
    }

    /// The oldest outstanding request was answered, or refused.
    pub fn on_reply(&mut self, answered: bool, now: Moment) {
        let now = micros(now);
        let repeats = answered
            && self.plain.is_some_and(|(sent, then)| then == now && self.flight.following() == Some(sent));
        let Some(reply) = self.flight.pop() else { return };
        if let (true, Pace::Open(open)) = (repeats, &mut self.pace) {
            // The same again: nothing to learn but that there was one more.
            self.link.under_way = self.flight.outstanding;
            open.on_answer(now, &self.link);
            return;
        }
        self.waits = false;
        let trip = now - reply.sent;
        let held = self.link.is_held(trip);
        if reply.timed {
            self.shortest = self.shortest.min(trip);
            self.link.on_trip(reply.sent, trip);
        }
        self.link.now = now;
        self.link.under_way = self.flight.outstanding;
        let gap = self.link.last_answer.map(|last| reply.sent - last);
        let more = self.flight.outstanding > 0;
        let vague = held || self.link.last_held || gap.is_some_and(|gap| gap < 0.0);
        let sample = Sample { role: reply.role, answered, sent: reply.sent, gap, now, more, held, vague };
        self.learn_pipelining(reply.first, reply.newest);
        self.plain = (answered && !vague && !reply.first).then_some((reply.sent, now));
        if answered {
            self.link.last_answer = Some(if held { now - self.link.rtt } else { reply.sent });
            self.link.last_held = held;
        } else {
            self.cap.refund(reply.sent, now, self.flight.outstanding);
        }
        let turn = match &mut self.pace {
            Pace::Open(open) => open.on_reply(&sample, &self.link),
            Pace::Spacing(spacing) => spacing.on_reply(&sample, &self.link),
            Pace::Bucket(bucket) => bucket.on_reply(&sample, &self.link),
            Pace::Window(window) => window.on_reply(&sample, &self.link),
        };
        if let Some(pace) = turn {
            self.pace = pace;
        }
    }

    /// The connection is gone: what was outstanding is forgotten, what was learnt is kept.
    pub fn on_lost(&mut self, now: Moment) {
        self.flight = Flight::default();
        self.link.under_way = 0;
        self.waits = false;
        self.link.now = micros(now);
        match &mut self.pace {
            Pace::Open(open) => open.on_lost(),
            Pace::Spacing(spacing) => spacing.on_lost(&self.link),
            Pace::Bucket(bucket) => bucket.on_lost(micros(now)),
            Pace::Window(window) => window.on_lost(micros(now)),
        }
    }

    /// How long to wait for the next reply until [`Self::on_silence`] is due: short while it is an open question whether
    /// the server answers two requests that arrive together; `None`: the caller's own patience.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        self.doubtful().then(|| UNPROVEN_PATIENCE + Duration::from_micros(3 * self.link.rtt as u64))
    }

    /// Replies are missing. The connection is of no use any more: as [`Self::on_lost`]; and if two requests had been
    /// written together and that was never answered before, the second time that is taken for the server's way: one
    /// request at a time from then on, for good.
    pub fn on_silence(&mut self, now: Moment) {
        if self.doubtful() {
            self.strikes = self.strikes.saturating_add(SILENCE);
        }
        self.on_lost(now);
    }

    /// The server closed the connection: as [`Self::on_lost`]. With requests under way that it may not like together that
    /// is a hint, and the fourth time it is taken for its way.
    pub fn on_closed(&mut self, now: Moment) {
        if self.doubtful() {
            self.strikes = self.strikes.saturating_add(CLOSED);
        }
        self.on_lost(now);
    }

    /// Nothing was asked for a while, on purpose: what the server saved up or let pass meanwhile tells nothing of its
    /// limit. Replies that are under way still belong to their requests.
    pub fn on_rest(&mut self, now: Moment) {
        self.waits = false;
        self.link.now = micros(now);
        match &mut self.pace {
            // What is outstanding there is deep, and the depth was found for good reasons.
            Pace::Open(_) => {}
            Pace::Spacing(spacing) => spacing.on_lost(&self.link),
            Pace::Bucket(bucket) => bucket.on_lost(micros(now)),
            Pace::Window(window) => window.on_lost(micros(now)),
        }
    }

    /// This process was held up: the timing of what is under way tells nothing.
    pub fn on_stall(&mut self, now: Moment) {
        self.waits = false;
        self.flight.forget_timing();
        self.link.now = micros(now);
    }

    /// Another cap.
    pub fn set_cap(&mut self, cap: Option<f64>) {
        self.cap.set(cap);
    }

    /// What the pacer believes.
    #[must_use]
    pub fn belief(&self) -> Belief {
        let (period, kind, confidence) = match &self.pace {
            Pace::Open(open) => open.belief(),
            Pace::Spacing(spacing) => spacing.belief(),
            Pace::Bucket(bucket) => bucket.belief(),
            Pace::Window(window) => window.belief(),
        };
        let shown = match &self.pace {
            Pace::Open(_) => None,
            Pace::Spacing(spacing) => spacing.shown(),
            Pace::Bucket(bucket) => bucket.shown(),
            Pace::Window(_) => period,
        };
        let depth = match (&self.pace, period) {
            (Pace::Open(open), _) => open.depth(),
            (_, Some(period)) => {
                (self.link.rtt / period).ceil().clamp(1.0, f64::from(limits::PIPELINE)) as u32
            }
            _ => 1,
        };
        Belief {
            limit: shown.map(|period| 1e6 / period),
            aim: period.map(|period| 1e6 / period),
            kind,
            confidence,
            rtt: Duration::from_micros(self.link.rtt as u64),
            depth: depth.min(self.depth_limit()),
        }
    }

    /// The server was seen not to answer several requests that are under way, so that it is asked one at a time.
    #[must_use]
    pub fn is_one_at_a_time(&self) -> bool {
        self.strikes >= STRIKES
    }

    /// Requests written and not yet answered or refused.
    #[must_use]
    pub fn outstanding(&self) -> u32 {
        self.flight.outstanding
    }

    /// When the next request is to be sent in order to leave at the right moment, and what for.
    fn next(&self) -> Option<(Micros, Role)> {
        let (at, role) = match &self.pace {
            Pace::Open(_) => (0.0, Role::Regular),
            Pace::Spacing(spacing) => spacing.next(&self.link)?,
            Pace::Bucket(bucket) => bucket.next(),
            Pace::Window(window) => window.next(),
        };
        Some((at - self.late, role))
    }

    fn learn_pipelining(&mut self, first: bool, newest: bool) {
        if !first {
            self.pipelining = Pipelining::Together;
            self.proven |= newest;
        } else if self.flight.outstanding > 0 {
            self.overlapped = self.overlapped.saturating_add(1);
            if self.overlapped >= OVERLAPPED {
                self.pipelining = self.pipelining.max(Pipelining::Apart);
            }
        }
    }

    /// A request is under way that the server may have found together with others, and may never look at.
    fn doubtful(&self) -> bool {
        let unseen = self.pipelining < Pipelining::Together && self.flight.outstanding > 1;
        unseen || (!self.proven && self.flight.overlapping > 0 && self.is_overtaken())
    }

    /// By the time of the last reply, the newest request should have been replied to as well.
    fn is_overtaken(&self) -> bool {
        let newest = self.flight.newest().unwrap_or(Micros::INFINITY);
        newest + OVERTAKEN * self.shortest <= self.link.now
    }

    /// On a long link two are written at once until that was answered: only then may several be under way.
    fn trial(&self) -> u32 {
        let try_two = self.pipelining == Pipelining::Unknown
            && self.fixed.is_none()
            && self.strikes < STRIKES
            && self.link.is_long();
        if try_two && self.flight.outstanding == 0 { 2 } else { 1 }
    }

    fn open_due(&self, open: &Open) -> u32 {
        open.due(self.flight.outstanding, self.depth_limit(), self.cap.period() <= 0.0)
    }

    fn depth_limit(&self) -> u32 {
        let limit = self.fixed.unwrap_or(limits::PIPELINE);
        if self.strikes >= STRIKES {
            1
        } else if self.pipelining > Pipelining::Unknown
            || self.fixed.is_some()
            || matches!(self.pace, Pace::Open(_))
        {
            limit
        } else {
            // A cap doles them out singly: then two that arrive apart have to do.
            let apart = self.cap.period() > 0.0 && self.link.is_long();
            limit.min(if apart { 2 } else { self.trial() })
        }
    }

    fn room(&self) -> u32 {
        self.depth_limit().saturating_sub(self.flight.outstanding)
    }

    /// The median of how late this process wakes up. Long delays are faults, not habit.
    fn learn_lateness(&mut self, by: Micros) {
        if by < 1000.0 {
            self.late = (self.late + if by > self.late { 2.0 } else { -2.0 }).clamp(0.0, 200.0);
        }
    }
}

fn micros(at: Moment) -> Micros {
    at.0 as Micros
}
