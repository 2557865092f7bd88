//! The three rate limiters that a line server may have. Which one the real server has is not known.

use crate::time::Moment;
use core::time::Duration;

/// The kind of limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimiterKind {
    /// A request is answered when at least 1/R has passed since the last *answered* one. A refusal moves nothing.
    Spacing,
    /// Tokens flow in at R a second, up to `burst`; an answer takes one.
    Bucket,
    /// R answers in each second of the clock.
    Window,
}

impl LimiterKind {
    /// As `--limiter` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spacing => "spacing",
            Self::Bucket => "bucket",
            Self::Window => "window",
        }
    }
}

/// Decides request by request. `rate` 0 is unlimited.
#[derive(Clone, Debug)]
pub struct Limiter {
    kind: LimiterKind,
    rate: f64,
    burst: f64,
    last_answer: Option<Moment>,
    tokens: f64,
    filled: Moment,
    second: u64,
    in_second: f64,
}

impl Limiter {
    /// A limiter that has answered nothing yet; a bucket starts full.
    #[must_use]
    pub fn new(kind: LimiterKind, rate: f64, burst: u32, now: Moment) -> Self {
        let burst = f64::from(burst.max(1));
        Self { kind, rate, burst, last_answer: None, tokens: burst, filled: now, second: 0, in_second: 0.0 }
    }

    /// Another rate from now on (answers a second; 0 is unlimited).
    pub fn set_rate(&mut self, rate: f64, now: Moment) {
        self.fill(now);
        self.rate = rate;
    }

    /// A request arrives: is it answered?
    pub fn allows(&mut self, now: Moment) -> bool {
        if self.rate <= 0.0 {
            return true;
        }
        match self.kind {
            LimiterKind::Spacing => {
                let gap = Duration::try_from_secs_f64(1.0 / self.rate).unwrap_or(Duration::MAX);
                let allowed = self.last_answer.is_none_or(|last| now >= last + gap);
                if allowed {
                    self.last_answer = Some(now);
                }
                allowed
            }
            LimiterKind::Bucket => {
                self.fill(now);
                let allowed = self.tokens >= 1.0 - 1e-9;
                if allowed {
                    self.tokens -= 1.0;
                }
                allowed
            }
            LimiterKind::Window => {
                let second = now.0 / 1_000_000;
                if second != self.second {
                    (self.second, self.in_second) = (second, 0.0);
                }
                let allowed = self.in_second + 1.0 <= self.rate + 1e-9;
                if allowed {
                    self.in_second += 1.0;
                }
                allowed
            }
        }
    }

    fn fill(&mut self, now: Moment) {
        self.tokens = (self.tokens + now.since(self.filled).as_secs_f64() * self.rate).min(self.burst);
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(limiter: &mut Limiter, at_ms: &[u64]) -> Vec<u64> {
        at_ms.iter().copied().filter(|ms| limiter.allows(Moment(ms * 1000))).collect()
    }

    #[test]
    fn spacing_counts_from_the_last_answer_and_a_refusal_moves_nothing() {
        let mut limiter = Limiter::new(LimiterKind::Spacing, 100.0, 1, Moment::ZERO);
        assert_eq!(answered(&mut limiter, &[0, 5, 9, 10, 19, 25, 34, 35]), [0, 10, 25, 35]);
    }

    #[test]
    fn a_bucket_starts_full_and_keeps_what_was_not_used_up_to_its_burst() {
        let mut limiter = Limiter::new(LimiterKind::Bucket, 100.0, 2, Moment::ZERO);
        assert_eq!(answered(&mut limiter, &[0, 0, 0, 10, 11, 20, 100, 100, 100]), [0, 0, 10, 20, 100, 100]);
    }

    #[test]
    fn a_window_answers_r_times_in_each_second_of_the_clock() {
        let mut limiter = Limiter::new(LimiterKind::Window, 2.0, 1, Moment::ZERO);
        assert_eq!(answered(&mut limiter, &[0, 1, 2, 999, 1000, 1001, 1002]), [0, 1, 1000, 1001]);
    }

    #[test]
    fn a_changed_rate_holds_from_that_moment_on() {
        let mut limiter = Limiter::new(LimiterKind::Spacing, 100.0, 1, Moment::ZERO);
        assert_eq!(answered(&mut limiter, &[0, 10]), [0, 10]);
        limiter.set_rate(50.0, Moment(10_000));
        assert_eq!(answered(&mut limiter, &[20, 30, 40, 50]), [30, 50]);
        limiter.set_rate(0.0, Moment(50_000));
        assert_eq!(answered(&mut limiter, &[50, 50]), [50, 50]);
    }
}
