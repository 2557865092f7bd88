//! How many draws the server's limit, as it is believed, and the operator's cap have allowed so far.
//!
//! It counts while the node draws, from its first answer on: an outage counts, a pause does not. A time in which the limit
//! was not known yet is counted by the first one that is known after it.

use crate::time::Moment;

/// What was allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Allowed {
    /// Draws; none while nothing limits them.
    pub draws: Option<f64>,
    /// The cap was lower than what the server allows.
    pub capped: bool,
}

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowance {
    /// Counted up to then; none while the node does not draw.
    since: Option<Moment>,
    draws: f64,
    /// Seconds without a known limit.
    unknown: f64,
    /// The last known rate.
    rate: Option<f64>,
    capped: bool,
}

impl Allowance {
    /// Goes on from now, or rests.
    pub(super) fn set_drawing(&mut self, drawing: bool, now: Moment) {
        self.since = drawing.then_some(now);
    }

    /// Up to now, with this limit and cap. Nothing counts before the `first` answer.
    pub(super) fn run_to(
        &mut self,
        now: Moment,
        first: Option<Moment>,
        limit: Option<f64>,
        cap: Option<f64>,
    ) {
        let Some(since) = self.since else { return };
        self.since = Some(now);
        let Some(first) = first else { return };
        let seconds = now.since(since.max(first)).as_secs_f64();
        let Some(limit) = limit else {
            self.unknown += seconds;
            return;
        };
        let rate = cap.map_or(limit, |cap| cap.min(limit));
        self.draws += (seconds + self.unknown) * rate;
        (self.unknown, self.rate) = (0.0, Some(rate));
        self.capped |= cap.is_some_and(|cap| cap < limit);
    }

    /// `sources` first answers cost no time.
    pub(super) fn total(&self, first: Option<Moment>, sources: usize, cap: Option<f64>) -> Allowed {
        let (Some(_), Some(rate)) = (first, self.rate.or(cap)) else { return Allowed::default() };
        let draws = self.draws + self.unknown * rate + sources as f64;
        Allowed { draws: Some(draws), capped: self.capped || self.rate.is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    fn at(seconds: u64) -> Moment {
        Moment(seconds * S)
    }

    #[test]
    fn what_is_allowed_is_the_lower_of_limit_and_cap_over_the_time_of_drawing() {
        let first = Some(at(10));
        let mut allowance = Allowance::default();
        allowance.set_drawing(true, at(0));
        allowance.run_to(at(12), first, None, None);
        assert_eq!(allowance.total(first, 1, None), Allowed::default(), "no limit was met");
        allowance.run_to(at(20), first, Some(100.0), None);
        assert_eq!(allowance.total(first, 1, None).draws, Some(1001.0));
        allowance.run_to(at(30), first, Some(100.0), Some(50.0));
        assert_eq!(allowance.total(first, 1, None), Allowed { draws: Some(1501.0), capped: true });
        allowance.set_drawing(false, at(30));
        allowance.run_to(at(99), first, Some(100.0), None);
        assert_eq!(allowance.total(first, 1, None).draws, Some(1501.0), "a pause allows nothing");
    }

    #[test]
    fn a_cap_that_hides_the_limit_is_what_was_allowed_and_one_above_it_is_not() {
        let first = Some(at(0));
        let mut hidden = Allowance::default();
        hidden.set_drawing(true, at(0));
        hidden.run_to(at(10), first, None, Some(50.0));
        assert_eq!(hidden.total(first, 1, Some(50.0)), Allowed { draws: Some(501.0), capped: true });
        let mut high = hidden;
        high.run_to(at(11), first, Some(40.0), Some(50.0));
        assert_eq!(high.total(first, 1, Some(50.0)), Allowed { draws: Some(441.0), capped: false });
    }
}
