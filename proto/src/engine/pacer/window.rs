//! So many answers in each second of the server's clock. Where its seconds begin was seen at the end of a silence. In
//! each, ask faster than the known rate until a refusal: the answers up to there *are* the rate, so a changed limit is
//! known within a second. Then keep silent until the next second begins, but for one look whether it is a window at all.
//!
//! Seconds are told apart by send times, so that replies may be as late as they like.

use super::{Kind, Link, Micros, Pace, Role, Sample, bucket::Bucket};

/// A second of the server's clock.
const WINDOW: Micros = 1e6;
/// How much faster than the known rate to ask.
/// On a long link what is asked too much is learnt late.
const FASTER: (f64, f64) = (40.0, 1.25);
/// When the known rate was reached without a refusal, each further answer speeds up by this.
const SPEED_UP: f64 = 1.08;
/// A second's beginning is looked for this much earlier each time.
const EARLIER: Micros = 1_000.0;
/// An answer so shortly before the expected beginning is that beginning.
const NEAR: f64 = 0.94;
/// Seconds that did not behave as a window, until it is taken for a bucket.
const STRIKES: u32 = 3;

#[derive(Debug)]
pub(super) struct Window {
    /// When a second began, as send times see it.
    phase: Micros,
    /// Answers a second.
    rate: f64,
    /// Which second since `phase`, the answers in it, and whether it had a refusal.
    second: f64,
    answers: u32,
    exhausted: bool,
    /// Some of its answers may never have been heard of.
    partial: bool,
    /// Refusals before the second's first answer.
    early: u32,
    speed: f64,
    due: Micros,
    look: bool,
    strikes: u32,
    measured: u32,
}

fn faster(link: &Link) -> f64 {
    if link.is_long() { FASTER.1 } else { FASTER.0 }
}

impl Window {
    /// `answers` came between the end of a silence and the refusal `sample`.
    pub(super) fn new(began: Micros, answers: u32, sample: &Sample, link: &Link) -> Self {
        let mut window = Self {
            phase: began,
            rate: f64::from(answers),
            second: ((sample.sent - began) / WINDOW).floor(),
            answers,
            exhausted: false,
            partial: false,
            early: 0,
            speed: faster(link),
            due: sample.now,
            look: false,
            strikes: 0,
            measured: 0,
        };
        window.exhaust(sample);
        window
    }

    pub(super) fn next(&self) -> (Micros, Role) {
        (self.due, if self.look { Role::Probe } else { Role::Regular })
    }

    pub(super) fn on_sent(&mut self, role: Role, at: Micros) {
        if role == Role::Probe {
            self.look = false;
            self.due = self.beginning_after(at);
        } else {
            let step = WINDOW / (self.rate * self.speed).max(1.0);
            self.due = self.due.max(at - 4.0 * step) + step;
        }
    }

    fn beginning_after(&self, at: Micros) -> Micros {
        self.phase + (((at - self.phase) / WINDOW).floor() + 1.0) * WINDOW
    }

    pub(super) fn on_reply(&mut self, sample: &Sample, link: &Link) -> Option<Pace> {
        let seconds = (sample.sent - self.phase) / WINDOW;
        if seconds.floor() > self.second {
            self.rate = self.rate.max(f64::from(self.answers));
            (self.second, self.answers, self.exhausted, self.early) = (seconds.floor(), 0, false, 0);
            self.partial = false;
            self.speed = faster(link);
        }
        if sample.held {
            // It may have arrived in another second.
            self.partial = true;
            return None;
        }
        match (sample.answered, self.exhausted) {
            (true, true) if seconds.fract() > NEAR => self.begin(sample.sent, link),
            (true, true) => {
                self.strikes += 1;
                self.exhausted = false;
                self.due = self.due.min(sample.now);
            }
            (true, false) if self.answers == 0 && self.early > 0 => self.begin(sample.sent, link),
            (true, false) if self.answers == 0 => {
                self.phase -= EARLIER;
                self.second = ((sample.sent - self.phase) / WINDOW).floor();
            }
            (false, false) if self.answers == 0 && !self.partial => {
                self.early += 1;
                if !sample.more {
                    self.due = sample.now + (0.3 * seconds.fract() * WINDOW).max(EARLIER);
                }
                self.strikes += u32::from(seconds.fract() > 0.25);
            }
            (false, false) => self.exhaust(sample),
            _ => {}
        }
        if sample.answered {
            self.answers += 1;
            if f64::from(self.answers) > self.rate {
                self.speed *= SPEED_UP;
            }
        }
        (self.strikes >= STRIKES)
            .then(|| Pace::Bucket(Bucket::new(WINDOW / self.rate.max(1.0), sample.sent, 0, sample.now)))
    }

    /// A second began with the request sent then.
    fn begin(&mut self, sent: Micros, link: &Link) {
        (self.phase, self.second, self.answers) = (sent, 0.0, 0);
        (self.exhausted, self.partial) = (false, false);
        (self.early, self.speed) = (0, faster(link));
    }

    /// The second's answers are used up.
    fn exhaust(&mut self, sample: &Sample) {
        self.exhausted = true;
        if !self.partial {
            self.rate = f64::from(self.answers.max(1));
        }
        self.measured = self.measured.saturating_add(1);
        if self.measured.is_multiple_of(8) {
            self.strikes = 0;
        }
        let beginning = self.beginning_after(sample.sent);
        if sample.now < beginning {
            self.look = true;
            self.due = sample.now + 0.4 * (beginning - sample.now);
        }
    }

    pub(super) fn on_lost(&mut self, now: Micros) {
        (self.look, self.due) = (false, now);
        (self.partial, self.exhausted, self.answers, self.early) = (true, false, 0, 0);
    }

    pub(super) fn belief(&self) -> (Option<Micros>, Kind, f64) {
        (Some(WINDOW / self.rate.max(1.0)), Kind::Window, f64::from(self.measured.min(5)) / 5.0)
    }
}
