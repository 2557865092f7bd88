//! How often to look or to speak: quickly after a start or a loss, then slower and slower.
//!
//! It draws no randomness of its own: whoever steps it brings the jitter.

use lineswarm_proto::time::Moment;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Pace {
    first: Duration,
    slowest: Duration,
    interval: Duration,
    last: Option<Moment>,
    at: Moment,
    eager_until: Moment,
    steps: u32,
}

impl Pace {
    /// Due at once, then after `first`, twice that and so on up to `slowest`.
    pub(super) fn new(first: Duration, slowest: Duration, now: Moment) -> Self {
        Self { first, slowest, interval: first, last: None, at: now, eager_until: now, steps: 0 }
    }

    pub(super) fn deadline(&self) -> Moment {
        self.at
    }

    pub(super) fn is_due(&self, now: Moment) -> bool {
        now >= self.at
    }

    /// How often it was due since the last hurry.
    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    /// It was due, and is again an interval later. While `wanted` within the time of a hurry the interval stays
    /// short. `jitter` is within 0 and 1.
    pub(super) fn step(&mut self, now: Moment, wanted: bool, jitter: f64) {
        if self.steps > 0 && !(wanted && now < self.eager_until) {
            self.interval = (self.interval * 2).min(self.slowest);
        }
        self.steps = self.steps.saturating_add(1);
        self.last = Some(now);
        self.at = now + self.interval.mul_f64(0.75 + jitter / 2.0);
    }

    /// Begins anew, and stays quick for so long if that is wanted.
    pub(super) fn hurry(&mut self, now: Moment, eager: Duration) {
        self.interval = self.first;
        self.steps = 0;
        self.eager_until = now + eager;
        self.soon(now, Duration::ZERO, Duration::ZERO);
    }

    /// Due after `wait` instead of later, but not within `gap` of the last time.
    pub(super) fn soon(&mut self, now: Moment, wait: Duration, gap: Duration) {
        let earliest = self.last.map_or(now, |last| last + gap.max(self.first / 2));
        self.at = self.at.min((now + wait).max(earliest));
    }

    pub(super) fn set_slowest(&mut self, slowest: Duration) {
        self.slowest = slowest;
        self.interval = self.interval.min(slowest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(pace: &mut Pace, count: usize, wanted: bool) -> Vec<u64> {
        let step = |_| {
            let now = pace.deadline();
            assert!(pace.is_due(now));
            pace.step(now, wanted, 0.5);
            now.0 / 1000
        };
        (0..count).map(step).collect()
    }

    fn pace() -> Pace {
        Pace::new(Duration::from_millis(250), Duration::from_secs(30), Moment(0))
    }

    #[test]
    fn it_begins_quickly_and_calms_down() {
        let times = steps(&mut pace(), 12, true);
        assert_eq!(times[..6], [0, 250, 750, 1750, 3750, 7750]);
        assert_eq!(times[11] - times[10], 30_000);
    }

    #[test]
    fn after_a_loss_it_stays_quick_as_long_as_it_is_wanted() {
        let mut pace = pace();
        steps(&mut pace, 12, false);
        let now = pace.deadline() - Duration::from_secs(9);
        pace.hurry(now, Duration::from_secs(10));
        assert_eq!(pace.deadline(), now);
        let times = steps(&mut pace, 50, true);
        let quick = times.iter().filter(|time| **time < now.0 / 1000 + 10_000).count();
        assert!((38..=42).contains(&quick), "{times:?}");
        pace.hurry(pace.deadline(), Duration::from_secs(10));
        let times = steps(&mut pace, 6, false);
        assert_eq!(times[5] - times[0], 7750, "nobody is missing, so it calms down");
    }

    #[test]
    fn whoever_asks_often_is_answered_seldom() {
        let mut pace = pace();
        let second = Duration::from_secs(1);
        let mut spoken = 0;
        for ms in 0..10_000 {
            let now = Moment(ms * 1000);
            pace.soon(now, Duration::from_millis(20), second);
            if pace.is_due(now) {
                pace.step(now, false, 0.5);
                spoken += 1;
            }
        }
        assert!((9..=13).contains(&spoken), "{spoken} in 10 s");
    }
}
