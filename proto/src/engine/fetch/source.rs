//! One source address: its connection to the line server, its pacer, and when to try again.

use crate::{
    engine::{
        errand::Errand,
        event::Event,
        io::{ConnId, Effect},
        outbox::Outbox,
        pacer::{Belief, Pacer},
    },
    time::Moment,
    wire::line::{self, ReplyReader},
};
use core::time::Duration;
use std::{borrow::Cow, net::IpAddr};

/// How long a connection may take to stand.
pub(super) const DIAL_PATIENCE: Duration = Duration::from_secs(8);
/// How long the server may be silent with requests outstanding.
const REPLY_PATIENCE: Duration = Duration::from_secs(5);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(2);
/// After this many tries in a row the line server is taken to be gone for longer.
const QUICK_TRIES: u32 = 10;
const SLOW_RETRY: Duration = Duration::from_secs(5);
/// Connections closed by the server within this span are evictions in a row.
const EVICTIONS: Duration = Duration::from_secs(15);
/// So many evictions are remembered.
const EVICTIONS_KEPT: usize = 16;
/// A belief is told again when it changed, but not more often than this.
const TELL_AGAIN: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub(super) struct Source {
    /// The configured source address; `None` is the system's choice.
    pub(super) bind: Option<IpAddr>,
    pub(super) pacer: Pacer,
    pub(super) phase: Phase,
    /// Tries in a row that brought no line.
    pub(super) failures: u32,
    /// How the last of them, or the last connection, ended.
    pub(super) loss: Option<String>,
    pub(super) stood_before: bool,
    told: Option<(Moment, Belief)>,
    /// That it is asked one at a time was told.
    told_one_at_a_time: bool,
    evictions: Vec<Moment>,
    /// This end's address, when a connection stood last.
    pub(super) last_local: Option<IpAddr>,
}

#[derive(Debug)]
pub(super) enum Phase {
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
pub(super) struct Open {
    pub(super) conn: ConnId,
    pub(super) reader: ReplyReader,
    /// The last reply, or the request that ended a time without any outstanding.
    pub(super) heard: Moment,
    /// Bytes written and not yet taken by the system.
    pub(super) queued: usize,
}

impl Source {
    pub(super) fn new(bind: Option<IpAddr>, pacer: Pacer) -> Self {
        Self {
            bind,
            pacer,
            phase: Phase::Down { until: Moment::ZERO },
            failures: 0,
            loss: None,
            stood_before: false,
            told: None,
            told_one_at_a_time: false,
            evictions: Vec::new(),
            last_local: None,
        }
    }

    pub(super) fn conn(&self) -> Option<ConnId> {
        match &self.phase {
            Phase::Down { .. } => None,
            Phase::Dialling { conn, .. } => Some(*conn),
            Phase::Open(open) => Some(open.conn),
        }
    }

    pub(super) fn open(&mut self, conn: ConnId) -> Option<&mut Open> {
        match &mut self.phase {
            Phase::Open(open) if open.conn == conn => Some(open),
            _ => None,
        }
    }

    /// Closes our end without a complaint.
    pub(super) fn hang_up(&mut self, now: Moment, out: &mut Outbox) {
        if let Some(conn) = self.conn() {
            out.push(Effect::Close { conn });
            self.pacer.on_lost(now);
            self.phase = Phase::Down { until: now };
        }
    }

    /// Asks for as many lines as the pacer lets.
    pub(super) fn draw(&mut self, now: Moment, out: &mut Outbox) {
        let Phase::Open(open) = &mut self.phase else { return };
        let due = self.pacer.due(now);
        if due > 0 {
            if self.pacer.outstanding() == 0 {
                open.heard = now;
            }
            // At most as many as the pipeline is deep, so these are all of them.
            let bytes = line::send_lines(due);
            open.queued += bytes.len();
            out.push(Effect::Write { conn: open.conn, bytes: Cow::Borrowed(bytes) });
            self.pacer.on_sent(due, now);
        }
    }

    /// How long the server has been silent, if that is too long.
    pub(super) fn silence(&self, now: Moment) -> Option<Duration> {
        let Phase::Open(open) = &self.phase else { return None };
        let silent = now.since(open.heard);
        (self.pacer.outstanding() > 0 && silent >= self.patience()).then_some(silent)
    }

    fn patience(&self) -> Duration {
        self.pacer.patience().unwrap_or(REPLY_PATIENCE).min(REPLY_PATIENCE)
    }

    /// The connection is gone; returns when to try again.
    pub(super) fn on_lost(&mut self, why: &str, now: Moment, rng: &mut fastrand::Rng) -> Duration {
        self.pacer.on_lost(now);
        let retry_in = retry_after(self.failures, rng);
        self.failures = self.failures.saturating_add(1);
        self.loss = Some(why.into());
        self.phase = Phase::Down { until: now + retry_in };
        retry_in
    }

    /// The server closed a connection that stood.
    pub(super) fn on_evicted(&mut self, now: Moment) {
        self.evictions.retain(|at| now < *at + EVICTIONS);
        if self.evictions.len() < EVICTIONS_KEPT {
            self.evictions.push(now);
        }
    }

    /// How often the server closed our connection lately.
    pub(super) fn evictions(&self, now: Moment) -> usize {
        self.evictions.iter().filter(|at| now < **at + EVICTIONS).count()
    }

    pub(super) fn forget_evictions(&mut self) {
        self.evictions.clear();
    }

    /// Tells what the pacer believes, when it changed.
    pub(super) fn tell_belief(&mut self, now: Moment, out: &mut Outbox) {
        if self.told.as_ref().is_some_and(|(at, _)| now < *at + TELL_AGAIN) {
            return;
        }
        let belief = self.pacer.belief();
        if self.told.as_ref().is_none_or(|(_, before)| differs(before, &belief)) {
            let (per_s, kind, confidence) = (belief.limit, belief.kind.name(), belief.confidence);
            out.note(Event::LimitBelieved { per_s, kind, confidence });
            self.told = Some((now, belief));
        }
    }

    /// Tells, once, that the server is asked one request at a time from now on.
    pub(super) fn tell_pipeline(&mut self, out: &mut Outbox) {
        if self.pacer.is_one_at_a_time() && !self.told_one_at_a_time {
            self.told_one_at_a_time = true;
            out.note(Event::OneAtATime);
        }
    }

    /// When something is due, given what there is to do.
    pub(super) fn deadline(&self, drawing: bool, errand: Option<&Errand>) -> Option<Moment> {
        match &self.phase {
            Phase::Down { until } => (drawing || errand.is_some()).then_some(*until),
            Phase::Dialling { since, .. } => Some(*since + DIAL_PATIENCE),
            Phase::Open(open) => {
                let silence = (self.pacer.outstanding() > 0).then(|| open.heard + self.patience());
                let next = match errand {
                    Some(errand) => errand.deadline(),
                    None if drawing => self.pacer.deadline(),
                    None => None,
                };
                silence.into_iter().chain(next).min()
            }
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

/// Worth an event: another kind of limiter, or a limit that moved by a tenth.
fn differs(before: &Belief, now: &Belief) -> bool {
    let moved = match (before.limit, now.limit) {
        (Some(a), Some(b)) => (a - b).abs() > 0.1 * a.max(b),
        (a, b) => a.is_some() != b.is_some(),
    };
    moved || before.kind != now.kind
}
