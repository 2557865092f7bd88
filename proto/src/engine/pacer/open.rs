//! No limit met: ask as fast as the link carries. One request at a time at first, then the number outstanding doubles
//! each round while that pays, and is topped up in bulk when half of the replies are in.

use super::{Kind, Link, Micros, Pace, Sample, bucket::Bucket, spacing::Spacing};
use crate::limits;

/// Answers at one request outstanding before two are written together.
const ALONE: u32 = 4;
/// What a doubled depth must gain, or it is taken back.
const PAYS: f64 = 1.15;
/// After a doubling that did not pay: rounds until it is tried again; fewer on a long link.
const PAUSE: (u32, u32) = (64, 16);
/// How many rounds what is usual reaches back.
const USUAL: f64 = 8.0;
/// Requests in a round trip that find the rate of a bucket on a long link.
const SOUNDING: f64 = 64.0;

#[derive(Debug)]
pub(super) struct Open {
    depth: u32,
    answers: u32,
    /// The shortest gap that was answered.
    shortest: Micros,
    round: Round,
    /// Replies a µs at half the present depth, or at the present one while nothing deeper is tried.
    before: f64,
    pause: u32,
}

#[derive(Debug, Default)]
struct Round {
    since: Option<Micros>,
    replies: u32,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            depth: 1,
            answers: 0,
            shortest: Micros::INFINITY,
            round: Round::default(),
            before: 0.0,
            pause: 0,
        }
    }
}

impl Open {
    /// In bulk, unless a cap doles the requests out singly.
    pub(super) fn due(&self, outstanding: u32, limit: u32, bulk: bool) -> u32 {
        let depth = self.depth.min(limit);
        if outstanding <= depth / 2 || !bulk { depth.saturating_sub(outstanding) } else { 0 }
    }

    pub(super) fn on_sent(&mut self, at: Micros) {
        self.round.since.get_or_insert(at);
    }

    pub(super) fn on_reply(&mut self, sample: &Sample, link: &Link) -> Option<Pace> {
        if !sample.answered {
            return Some(self.limited(sample, link));
        }
        if let Some(gap) = sample.gap {
            self.shortest = self.shortest.min(gap);
        }
        if sample.vague {
            // It says nothing of what a deeper pipeline brings.
            self.answers = self.answers.saturating_add(1);
            self.round = Round { since: sample.more.then_some(sample.now), replies: 0 };
        } else {
            self.on_answer(sample.now, link);
        }
        None
    }

    /// An answer that tells how many a round brings.
    pub(super) fn on_answer(&mut self, now: Micros, link: &Link) {
        self.answers = self.answers.saturating_add(1);
        self.round.replies += 1;
        // On a long link every round trip is dear, and its second half tells as much.
        let least = if link.is_long() { self.depth } else { self.depth.saturating_mul(2).max(ALONE) };
        if self.round.replies >= least {
            self.end_round(now, link);
        }
    }

    /// Does a deeper pipeline pay?
    fn end_round(&mut self, now: Micros, link: &Link) {
        let took = self.round.since.map_or(1.0, |since| now - since).max(1.0);
        let rate = f64::from(self.round.replies) / took;
        self.round = Round { since: (link.under_way > 0).then_some(now), replies: 0 };
        if link.capped > 0.0 {
            // The cap doles the requests out: as many as it takes to reach it, and no more.
            let needed = (1.5 * link.rtt / link.capped).ceil().max(1.0) as u32;
            self.depth = self.deeper().min(needed);
        } else if link.fixed {
            self.depth = self.deeper();
        } else if self.pause > 0 {
            // What a deeper one has to beat is what this one usually brings.
            self.before += (rate - self.before) / USUAL;
            self.pause -= 1;
            if self.pause == 0 {
                self.depth = self.deeper();
            }
        } else if rate > self.before * PAYS {
            self.before = rate;
            self.depth = self.deeper();
        } else {
            self.depth = (self.depth / 2).max(1);
            self.pause = if link.is_long() { PAUSE.1 } else { PAUSE.0 };
        }
    }

    fn deeper(&self) -> u32 {
        self.depth.saturating_mul(2).min(limits::PIPELINE)
    }

    /// The first refusal. An answer at no longer a gap than the refused one: lateness was credit, it is no spacing.
    fn limited(&self, sample: &Sample, link: &Link) -> Pace {
        let refused = sample.gap.unwrap_or(0.0);
        let saved = self.answers >= ALONE && refused >= self.shortest;
        if saved && link.is_long() {
            return Pace::Bucket(Bucket::new(
                link.rtt / SOUNDING.max(f64::from(self.depth)),
                sample.sent,
                0,
                sample.now,
            ));
        }
        Pace::Spacing(Spacing::hunt(sample, link, saved))
    }

    pub(super) fn on_lost(&mut self) {
        self.round = Round::default();
        self.depth = 1;
        self.before = 0.0;
        self.pause = 0;
    }

    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    pub(super) fn belief(&self) -> (Option<Micros>, Kind, f64) {
        let sure = f64::from(self.answers.min(1000)) / 1000.0;
        (None, if self.answers > 64 { Kind::Unlimited } else { Kind::Unknown }, sure)
    }
}
