//! Lateness is credit: a token bucket, or a window of the clock. Requests follow a schedule a little faster than what
//! was measured from one refusal to another; a refusal says that all credit is used, and costs nothing.

use super::{Kind, Link, Micros, Pace, Role, Sample, spacing::Spacing};

/// How much faster than the measured rate to ask.
const FASTER: f64 = 1.03;
/// Answers in a row, and µs of them, after which the limit may have been raised.
const CLEAN: (u32, Micros) = (24, 250_000.0);
/// By how much each further answer speeds up.
const SPEED_UP: f64 = 1.04;
/// A measurement's least length: µs, and requests.
const MEASURE: (Micros, u32) = (950_000.0, 24);
/// A measurement that ends early because most requests are refused: µs, and requests.
const MEASURE_FALL: (Micros, u32) = (250_000.0, 16);
/// The test for spacing: late by so many periods, then early.
const TEST: (f64, f64) = (1.5, 0.6);

#[derive(Debug)]
pub(super) struct Bucket {
    period: Micros,
    speed: f64,
    due: Micros,
    /// The measurement: since a refusal.
    since: Micros,
    answers: u32,
    requests: u32,
    clean: u32,
    clean_since: Micros,
    /// Refusals in a row, and when the first was sent.
    row: u32,
    row_since: Micros,
    measured: u32,
    exhausted: u32,
    test_after: u32,
    test: Option<Role>,
    /// The late half was answered.
    late_answered: bool,
    spaced: u32,
    window: Window,
}

/// Do silences end a whole number of seconds apart?
#[derive(Debug, Default)]
struct Window {
    end: Micros,
    matches: u32,
}

impl Bucket {
    pub(super) fn new(period: Micros, since: Micros, answers: u32, now: Micros) -> Self {
        Self {
            period: period.max(1.0),
            speed: FASTER,
            due: now,
            since,
            answers,
            requests: answers,
            clean: 0,
            clean_since: now,
            row: 0,
            row_since: now,
            measured: 0,
            exhausted: 0,
            test_after: 4,
            test: None,
            late_answered: false,
            spaced: 0,
            window: Window::default(),
        }
    }

    pub(super) fn next(&self) -> (Micros, Role) {
        (self.due, self.test.unwrap_or(Role::Regular))
    }

    pub(super) fn on_sent(&mut self, role: Role, at: Micros) {
        let step = self.period / self.speed;
        let (share, next) = match role {
            Role::Late => (TEST.1, Some(Role::Early)),
            _ => (1.0, None),
        };
        self.test = next;
        self.due = self.due.max(at - 4.0 * step) + share * step;
        if next.is_some() {
            self.due = at + share * self.period;
        }
    }

    pub(super) fn on_reply(&mut self, sample: &Sample, link: &Link) -> Option<Pace> {
        self.requests += 1;
        match sample.role {
            Role::Late => self.late_answered = sample.answered,
            Role::Early if self.late_answered && !sample.answered => {
                self.spaced += 1;
                self.test_after = self.exhausted + 1;
                if self.spaced >= 3 {
                    return Some(Pace::Spacing(Spacing::hunt(sample, link, false)));
                }
            }
            Role::Early if self.late_answered => self.spaced = 0,
            _ => {}
        }
        if sample.answered {
            self.on_answered(sample)
        } else {
            self.on_refused(sample, link)
        }
        None
    }

    fn on_answered(&mut self, sample: &Sample) {
        if self.row >= 3 {
            self.window.on_end(sample.sent, self.period);
        }
        self.row = 0;
        self.answers += 1;
        if self.clean == 0 {
            self.clean_since = sample.sent;
        }
        self.clean = self.clean.saturating_add(1);
        if self.clean > CLEAN.0 && sample.sent - self.clean_since > CLEAN.1 {
            self.speed = (self.speed * SPEED_UP).min(16.0);
        }
    }

    /// All credit is used.
    fn on_refused(&mut self, sample: &Sample, link: &Link) {
        if self.row == 0 {
            self.row_since = sample.sent;
            self.exhausted += 1;
            if self.exhausted >= self.test_after && self.test.is_none() {
                self.test_after = self.exhausted.saturating_mul(2);
                self.test = Some(Role::Late);
                self.due = sample.now + TEST.0 * self.period;
            }
        }
        self.row += 1;
        if self.speed > 1.3 {
            // It was raised, though by less than was tried.
            self.period *= 1.15 / self.speed;
            (self.since, self.answers, self.requests) = (sample.sent, 0, 0);
        }
        self.speed = FASTER;
        self.clean = 0;
        self.measure(sample.sent);
        if self.row > 6 {
            self.due = self.due.max(sample.now + 0.3 * (sample.sent - self.row_since).min(1e6) - link.rtt);
        }
    }

    fn measure(&mut self, at: Micros) {
        let took = at - self.since;
        let fell =
            2 * self.answers < self.requests && took > MEASURE_FALL.0 && self.requests >= MEASURE_FALL.1;
        let ends = took >= MEASURE.0 && self.requests >= MEASURE.1;
        if self.answers == 0 || !(fell || ends) {
            return;
        }
        let period = took / f64::from(self.answers);
        let near = (period / self.period - 1.0).abs() < 0.1 && self.measured > 0;
        self.period = if near { 0.7 * self.period + 0.3 * period } else { period };
        self.measured = if near { self.measured.saturating_add(1) } else { 1 };
        (self.since, self.answers, self.requests) = (at, 0, 0);
    }

    pub(super) fn debug(&self) -> String {
        format!(
            "B speed {:.2} row {} meas {} req {} ans {} spaced {}",
            self.speed, self.row, self.measured, self.requests, self.answers, self.spaced
        )
    }
    pub(super) fn on_lost(&mut self, now: Micros) {
        (self.since, self.answers, self.requests) = (now, 0, 0);
        (self.row, self.clean, self.test, self.due) = (0, 0, None, now);
    }

    pub(super) fn belief(&self) -> (Option<Micros>, Kind, f64) {
        let kind = if self.window.matches >= 3 { Kind::Window } else { Kind::Bucket };
        (Some(self.period), kind, f64::from(self.measured.min(8)) / 8.0)
    }
}

impl Window {
    fn on_end(&mut self, at: Micros, period: Micros) {
        let seconds = (at - self.end) / 1e6;
        let off = (seconds - seconds.round()).abs() * 1e6;
        let whole = seconds.round() >= 1.0 && off < (4.0 * period).max(20_000.0);
        self.matches = if whole { self.matches.saturating_add(1) } else { self.matches / 2 };
        self.end = at;
    }
}
