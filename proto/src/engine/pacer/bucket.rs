//! Lateness is credit: a token bucket. Requests follow a schedule a little faster than what
//! was measured from one refusal to another; a refusal says that all credit is used, and costs nothing.

use super::{Kind, Link, Micros, Pace, Role, Sample, open::Open, spacing::Spacing, window::Window};
use crate::limits;

/// How much faster than the measured rate to ask.
const FASTER: f64 = 1.04;
/// Answers in a row, and µs of them, after which the limit may have been raised.
const CLEAN: (u32, Micros) = (12, 200_000.0);
/// By how much each further answer speeds up.
const SPEED_UP: f64 = 0.12;
/// The speed is doubled in this time at the earliest.
const DOUBLED: Micros = 20_000.0;
/// On a slow server so long is enough, without so many answers.
const CLEAN_SLOW: Micros = 1_000_000.0;
/// From this speed on it is not spent credit that was refused at last, but a raised limit.
const RAISED: f64 = 2.0;
/// A measurement's least length: µs, and requests.
const MEASURE: (Micros, u32) = (950_000.0, 24);
/// A measurement that ends early because most requests are refused: µs, and requests.
const MEASURE_FALL: (Micros, u32) = (250_000.0, 16);
/// A silence that no bucket makes.
const SILENT: Micros = 80_000.0;
/// The longest step while refusals go on.
const LONGEST_STEP: Micros = 25_000.0;
/// At this speed the period itself is taken to be shorter.
const FASTEST: f64 = 16.0;
/// The test for spacing: late by so many periods, then early.
const TEST: (f64, f64) = (1.5, 0.6);

#[derive(Debug)]
pub(super) struct Bucket {
    period: Micros,
    /// What was measured last; none while the period is a guess.
    known: Option<Micros>,
    /// The period if the limit was not raised after all; zero once that is settled.
    before: Micros,
    speed: f64,
    due: Micros,
    /// The schedule is faster than this process: no use in speeding up.
    behind: bool,
    /// The measurement: since a refusal.
    since: Micros,
    answers: u32,
    requests: u32,
    clean: u32,
    clean_since: Micros,
    /// Refusals in a row, and when the first and the last of them were sent.
    row: u32,
    row_since: Micros,
    row_last: Micros,
    /// The measurement has to start anew when credit is next used up.
    void: bool,
    /// The period was set then; requests sent since, and how many were answered.
    changed: Micros,
    fresh: (u32, u32),
    measured: u32,
    exhausted: u32,
    test_after: u32,
    test: Option<Role>,
    /// The late half was answered.
    late_answered: bool,
    spaced: u32,
    /// The last silence's length, while the answers after it are looked at.
    silence: Option<Micros>,
    /// Answers since the last refusals ended, and when they ended.
    burst: u32,
    resumed: Micros,
}

impl Bucket {
    pub(super) fn new(period: Micros, since: Micros, answers: u32, now: Micros) -> Self {
        Self {
            period: period.max(1.0),
            known: None,
            before: 0.0,
            speed: FASTER,
            due: now,
            behind: false,
            since,
            answers,
            requests: answers,
            clean: 0,
            clean_since: now,
            row: 0,
            row_since: now,
            row_last: now,
            void: true,
            changed: now,
            fresh: (0, 0),
            measured: 0,
            exhausted: 0,
            test_after: 4,
            test: None,
            late_answered: false,
            spaced: 0,
            silence: None,
            burst: 0,
            resumed: now,
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
        self.behind = at - self.due > 2.0 * step;
        self.due = self.due.max(at - 4.0 * step) + share * step;
        if next.is_some() {
            self.due = at + share * self.period;
        }
    }

    pub(super) fn on_reply(&mut self, sample: &Sample, link: &Link) -> Option<Pace> {
        if sample.held {
            // What came in a bunch found less credit than what is due.
            (self.void, self.row, self.clean) = (true, 0, 0);
            (self.silence, self.burst, self.late_answered) = (None, 0, false);
            return None;
        }
        self.requests += 1;
        if sample.sent > self.changed {
            self.fresh = (self.fresh.0 + 1, self.fresh.1 + u32::from(sample.answered));
        }
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
            self.on_answered(sample, link);
            let open = self.period < (link.rtt / f64::from(limits::PIPELINE)).clamp(1.0, 40.0);
            return open.then(|| Pace::Open(Open::default()));
        }
        if let Some(window) = self.looks_like_a_window(sample, link) {
            return Some(Pace::Window(window));
        }
        self.on_refused(sample, link);
        None
    }

    /// A silence, and then several answers much closer together than it was long.
    fn looks_like_a_window(&self, sample: &Sample, link: &Link) -> Option<Window> {
        let silence = self.silence.filter(|_| self.row == 0 && self.burst >= 3)?;
        let between = (sample.sent - self.resumed) / f64::from(self.burst);
        (between < 0.25 * silence).then(|| Window::new(self.resumed, self.burst, sample, link))
    }

    fn on_answered(&mut self, sample: &Sample, link: &Link) {
        if self.row > 0 {
            let silence = self.row_last - self.row_since;
            self.silence = (silence > SILENT.max(4.0 * self.period / self.speed)).then_some(silence);
            (self.burst, self.resumed) = (0, sample.sent);
            self.row = 0;
            self.measure(sample);
        }
        self.burst = self.burst.saturating_add(1);
        self.answers += 1;
        if self.clean == 0 {
            self.clean_since = sample.sent;
        }
        self.clean = self.clean.saturating_add(1);
        let streak = sample.sent - self.clean_since;
        let many = self.clean > CLEAN.0 || (self.clean > 2 && streak > CLEAN_SLOW);
        if many && !self.behind && streak > CLEAN.1 {
            // Not more than doubled in a round trip: what is too fast is learnt that late.
            let twice = 0.7 * self.period / (self.speed * link.rtt.max(DOUBLED));
            self.speed *= 1.0 + SPEED_UP.min(twice);
            if self.speed > FASTEST {
                self.period *= FASTER / self.speed;
                (self.speed, self.clean, self.void) = (FASTER, 0, true);
            }
        }
    }

    /// All credit is used.
    fn on_refused(&mut self, sample: &Sample, link: &Link) {
        if self.row == 0 {
            self.row_since = sample.sent;
            self.exhausted += 1;
            let sure = self.measured > 1 && !self.void && self.before <= 0.0;
            if sure && self.exhausted >= self.test_after && self.test.is_none() {
                self.test_after = self.exhausted.saturating_mul(2);
                self.test = Some(Role::Late);
                self.due = sample.now + TEST.0 * self.period;
            }
        }
        self.row += 1;
        self.row_last = sample.sent;
        if self.speed > FASTER {
            // Credit was left unused before, so that the measurement is void.
            let stale = if link.is_long() { 2.0 } else { 1.0 };
            if self.speed > RAISED * stale {
                // From one moment without credit to the next: what it is if the limit stayed as it was.
                self.before = (sample.sent - self.clean_since) / f64::from(self.clean.max(1));
                self.period *= 1.15 * stale / self.speed;
            } else {
                self.period /= FASTER;
            }
            self.restart(sample);
            self.void = true;
        }
        self.speed = FASTER;
        self.clean = 0;
        if self.before > 0.0 && self.fresh.0 >= MEASURE_FALL.1 {
            // It was much credit after all.
            if 2 * self.fresh.1 < self.fresh.0 {
                self.period = self.before;
                self.restart(sample);
                self.void = true;
            }
            self.before = 0.0;
        }
        if self.row > 6 {
            self.due = self
                .due
                .max(sample.now + (0.3 * (sample.sent - self.row_since)).min(LONGEST_STEP) - link.rtt);
        }
    }

    /// A new measurement, from a moment without credit on.
    fn restart(&mut self, sample: &Sample) {
        (self.since, self.answers, self.requests) = (sample.sent, 0, 0);
        (self.changed, self.fresh) = (sample.now, (0, 0));
    }

    fn measure(&mut self, sample: &Sample) {
        let took = sample.sent - self.since;
        let fell = 2 * self.fresh.1 < self.fresh.0 && took > MEASURE_FALL.0 && self.fresh.0 >= MEASURE_FALL.1;
        let ends = took >= MEASURE.0 && self.requests >= MEASURE.1;
        if self.void {
            self.restart(sample);
            self.void = false;
        }
        if self.answers == 0 || !(fell || ends) {
            return;
        }
        let period = took / f64::from(self.answers);
        let near = (period / self.period - 1.0).abs() < 0.1 && self.measured > 0;
        self.period = if near { 0.7 * self.period + 0.3 * period } else { period };
        self.known = Some(self.period);
        self.measured = if near { self.measured.saturating_add(1) } else { 1 };
        self.restart(sample);
    }

    pub(super) fn on_lost(&mut self, now: Micros) {
        (self.since, self.answers, self.requests) = (now, 0, 0);
        (self.row, self.clean, self.test, self.due) = (0, 0, None, now);
        self.speed = FASTER;
        (self.changed, self.fresh, self.before, self.void) = (now, (0, 0), 0.0, true);
        // Answers after the silence may have been lost on their way.
        (self.silence, self.burst, self.late_answered) = (None, 0, false);
    }

    /// A token's time, as it was measured.
    pub(super) fn shown(&self) -> Option<Micros> {
        self.known
    }

    pub(super) fn belief(&self) -> (Option<Micros>, Kind, f64) {
        (Some(self.period), Kind::Bucket, f64::from(self.measured.min(8)) / 8.0)
    }
}
