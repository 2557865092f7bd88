//! Lateness is lost for good: a request is answered when enough time has passed since the last answered one, so each
//! is aimed at the shortest gap that is just long enough, the period.
//!
//! The period is found in three steps. A *hunt* tries gaps that grow by a third, without waiting for replies. A *search*
//! halves what the hunt left open. Then, on a short link, the period *rides* on the edge: down a little with each answer,
//! up a little with each refusal, which costs only a round trip. On a long link a refusal costs a whole draw, so regular
//! requests keep clear of the edge and *probes* between them, which are refused for free, tell where it is.

use super::{Kind, Link, Micros, Pace, Role, Sample, bucket::Bucket, edge::Edge, open::Open, price::Price};

/// A hunt's next gap, as a multiple of the last.
const HUNT: f64 = 1.3;
/// The least a hunt's gap grows by.
const HUNT_LEAST: Micros = 60.0;
/// A leap's gap, in periods.
const LEAP: f64 = 0.6;
/// Time between leaps, at least: µs, and periods; but not longer than the third, so that no belief lasts for minutes.
const LEAP_EVERY: (Micros, f64, Micros) = (300_000.0, 16.0, 1_500_000.0);
/// Below this gap there is no limit worth pacing for.
const OPEN: Micros = 40.0;
/// The bucket test: the late half, and the early half, in periods.
const TEST: (f64, f64) = (1.4, 0.7);
/// What a refusal is worth avoiding, in periods.
const PRICE: f64 = 0.003;
/// Answers until the first bucket test; doubled by each that fails.
const FIRST_TEST: u32 = 60;

/// So many refusals in a row say that a period below this is too short, even if their gaps are unknown.
const VAIN: (u32, Micros) = (64, 100_000.0);

#[derive(Debug)]
struct Hunt {
    /// The answer that gaps count from; on a long link a request that is still to be sent.
    base: Option<Micros>,
    tried: Micros,
    /// The longest refused gap.
    refused: Micros,
    /// Answers came sooner than this before: a bucket, or a window.
    saved: Option<Saved>,
}

#[derive(Clone, Copy, Debug)]
struct Saved {
    since: Micros,
    answers: u32,
}

#[derive(Debug)]
pub(super) struct Spacing {
    period: Micros,
    /// What the period moves by; shrinks to the floor.
    step: Micros,
    /// The edge lies within the next few steps.
    search: bool,
    /// Answers since the search began that were not refused first.
    beyond: u32,
    hunt: Option<Hunt>,
    /// Send time of the newest request that is presumed answered.
    anchor: Micros,
    retry: Option<Micros>,
    /// Refusals since the last answer, and the longest gap among them.
    refused: u32,
    longest: Micros,
    /// The draw before was answered well after the period.
    overshot: bool,
    /// Refusals in a row whose gaps are unknown.
    vain: u32,
    answers: u32,
    price: Price,
    edge: Edge,
    // Probing.
    slot: u32,
    probe: Option<Micros>,
    reach: Micros,
    reached: Micros,
    raised: Micros,
    repeat: i32,
    // Leaps and the bucket test.
    leap: bool,
    leap_after: Micros,
    test: Test,
    test_after: u32,
    test_every: u32,
    credit: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    No,
    Late,
    Early,
    Leap,
}

impl Spacing {
    /// The first refusal was seen. `saved`: requests at no longer a gap had been answered before.
    pub(super) fn hunt(sample: &Sample, link: &Link, saved: bool) -> Self {
        let tried = sample.gap.unwrap_or(0.0);
        let saved = saved.then_some(Saved { since: sample.sent, answers: 0 });
        let mut edge = Edge::new();
        edge.learn(tried, false);
        Self {
            period: tried.max(1.0),
            step: 0.0,
            search: false,
            beyond: 0,
            hunt: Some(Hunt {
                base: (!link.is_long()).then_some(sample.sent - tried),
                tried: if link.is_long() { 0.0 } else { sample.now - sample.sent + tried },
                refused: 0.0,
                saved,
            }),
            anchor: sample.sent,
            retry: None,
            refused: 0,
            longest: 0.0,
            overshot: false,
            vain: 0,
            answers: 0,
            slot: 0,
            probe: None,
            reach: 0.0,
            reached: 0.0,
            price: Price::default(),
            edge,
            raised: 0.0,
            repeat: 0,
            leap: false,
            leap_after: 0.0,
            test: Test::No,
            test_after: FIRST_TEST,
            test_every: FIRST_TEST,
            credit: 0,
        }
    }

    fn rides(&self, link: &Link) -> bool {
        link.alone || link.rtt <= (0.03 * self.period).max(250.0) && link.rtt < 0.7 * self.period
    }

    fn floor(&self) -> Micros {
        (0.003 * self.period).max(6.0)
    }

    /// By how much two equal gaps may differ at the server.
    fn noise(&self, link: &Link) -> Micros {
        (1.5 * link.jitter).max(self.floor())
    }

    pub(super) fn next(&self, link: &Link) -> Option<(Micros, Role)> {
        if let Some(hunt) = &self.hunt {
            let Some(base) = hunt.base else { return Some((link.now, Role::Regular)) };
            let gap = (hunt.tried * HUNT).max(hunt.tried + HUNT_LEAST);
            let waits = !link.is_long() && link.under_way > 0;
            return (!waits).then_some((base + gap, Role::Probe));
        }
        if let Some(retry) = self.retry {
            return Some((retry, Role::Regular));
        }
        let (share, role) = match self.test {
            Test::Late => (TEST.0, Role::Late),
            Test::Early => (TEST.1, Role::Early),
            _ if self.leap => (LEAP, Role::Leap),
            _ => (1.0, Role::Regular),
        };
        let at = match self.probe {
            Some(short) if role == Role::Regular => {
                return Some((self.anchor + self.period - short, Role::Probe));
            }
            _ => self.anchor + self.period * share,
        };
        Some((at, role))
    }

    pub(super) fn on_sent(&mut self, role: Role, at: Micros, link: &Link, random: &mut fastrand::Rng) {
        if let Some(hunt) = &mut self.hunt {
            hunt.tried = at - *hunt.base.get_or_insert(at);
            return;
        }
        match role {
            Role::Probe => self.probe = None,
            Role::Leap => self.leap = false,
            Role::Early => self.test = Test::No,
            Role::Regular | Role::Late => {
                self.anchor = at;
                self.retry = None;
                self.plan_slot(role, at, link, random);
            }
        }
    }

    /// What else is sent before the next regular request?
    fn plan_slot(&mut self, role: Role, at: Micros, link: &Link, random: &mut fastrand::Rng) {
        self.slot = self.slot.wrapping_add(1);
        self.probe = None;
        if link.capped > 0.97 * self.period {
            // Nobody may ask faster anyway.
            self.test = Test::No;
        } else if role == Role::Late {
            self.test = Test::Early;
        } else if self.test == Test::Leap {
            self.leap = true;
        } else if !(self.search && self.rides(link)) && at >= self.leap_after {
            self.leap = true;
            self.leap_after = at + (LEAP_EVERY.1 * self.period).clamp(LEAP_EVERY.0, LEAP_EVERY.2) + link.rtt;
        } else if !self.rides(link) {
            let every = if self.reach > 16.0 * self.noise(link) { 1 } else { 3 };
            if self.slot.is_multiple_of(every) {
                self.probe = Some(self.reach.min(0.7 * self.period) * random.f64());
            }
        }
    }

    pub(super) fn on_reply(&mut self, sample: &Sample, link: &Link) -> Option<Pace> {
        let Some(gap) = sample.gap.filter(|_| !sample.vague) else {
            self.on_vague(sample, link);
            return None;
        };
        self.edge.learn(gap, sample.answered);
        if self.hunt.is_some() {
            return self.on_hunted(sample, gap, link);
        }
        match sample.role {
            Role::Leap => return self.on_leap(sample, gap, link),
            Role::Early => self.on_early(sample),
            Role::Probe => self.on_probe(sample, gap, link),
            Role::Late | Role::Regular if self.rides(link) => self.on_ride(sample, gap, link),
            Role::Late | Role::Regular => self.on_regular(sample, gap, link),
        }
        if sample.answered && matches!(sample.role, Role::Regular | Role::Late) {
            self.refused = 0;
            self.longest = 0.0;
            self.answers = self.answers.saturating_add(1);
            if self.answers >= self.test_after && !(self.search && self.rides(link)) {
                self.test = Test::Late;
                self.test_after = self.answers.saturating_add(self.test_every);
                self.test_every = self.test_every.saturating_mul(2);
            }
        }
        None
    }

    /// Nothing is learnt from it; the next request is one period after the latest moment that counts.
    fn on_vague(&mut self, sample: &Sample, link: &Link) {
        let base = link.last_answer.unwrap_or(sample.sent);
        let gap = sample.gap.unwrap_or(0.0);
        if let Some(hunt) = &mut self.hunt {
            if sample.answered {
                let base = (!link.is_long()).then_some(base);
                (hunt.base, hunt.tried, hunt.refused) = (base, sample.now - base.unwrap_or(sample.now), 0.0);
            }
            return;
        }
        (self.refused, self.longest, self.overshot) = (0, 0.0, false);
        self.vain = if sample.answered { 0 } else { self.vain + 1 };
        if self.vain >= VAIN.0 && sample.sent > self.raised && self.period < VAIN.1 {
            (self.period, self.vain, self.raised) = (4.0 * self.period, 0, sample.now);
        }
        if matches!(sample.role, Role::Late | Role::Early | Role::Leap) {
            self.test = Test::No;
        }
        if sample.more {
            return;
        }
        if sample.answered {
            (self.anchor, self.retry) = (base, None);
        } else if sample.role == Role::Regular || sample.role == Role::Late {
            let over = (gap - self.period).max(0.0);
            self.retry = Some((sample.sent + (0.05 * self.period).max(0.45 * over)).max(base + self.period));
        }
    }

    fn on_hunted(&mut self, sample: &Sample, gap: Micros, link: &Link) -> Option<Pace> {
        let hunt = self.hunt.as_mut()?;
        if sample.role != Role::Probe {
            return None;
        }
        if !sample.answered {
            hunt.refused = hunt.refused.max(gap);
            return None;
        }
        if let Some(saved) = &mut hunt.saved {
            saved.answers += 1;
            if saved.answers > 1 {
                return Some(Pace::Bucket(Bucket::new(gap, saved.since, saved.answers, sample.now)));
            }
            (hunt.base, hunt.tried, hunt.refused) = (Some(sample.sent), sample.now - sample.sent, 0.0);
            return None;
        }
        let (short, long) = (hunt.refused.min(gap), gap);
        // Later attempts of a hunt on a long link are under way: some of them were answered too.
        self.anchor = if sample.more { hunt.base.unwrap_or(0.0) + hunt.tried } else { sample.sent };
        self.hunt = None;
        self.leap_after = sample.now + LEAP_EVERY.0;
        self.reach = long - short;
        self.period = long;
        if self.rides(link) {
            self.open_search(short, long, link);
        }
        None
    }

    /// The edge lies between two gaps: look from the shorter one upwards.
    fn open_search(&mut self, short: Micros, long: Micros, link: &Link) {
        let (open, unit) = (long - short, self.floor());
        // A second look costs a round trip: below that there is nothing to search for.
        self.search = open > (8.0 * unit).max(1.5 * link.rtt + 60.0);
        self.period = if self.search { short } else { (short + long) / 2.0 }.max(1.0);
        self.step = (open / 4.0).max(unit);
        self.beyond = 0;
        self.price = Price::default();
    }

    fn on_ride(&mut self, sample: &Sample, gap: Micros, link: &Link) {
        if self.search {
            return self.on_search(sample, gap, link);
        }
        self.step = (self.step * 0.8).max(self.floor());
        let (unit, first) = (self.step, self.refused == 0);
        let share = self.price.share();
        if sample.answered {
            self.price.on_draw(gap.min(self.period + 300.0) + PRICE * self.period * f64::from(self.refused));
        }
        if !sample.answered {
            if first {
                self.period += (1.0 - share) * unit;
            }
            self.on_refused(sample, gap, (0.008 * self.period).min(80.0));
        } else if first {
            // A late wake-up tells nothing of the edge.
            if gap <= self.period + (0.05 * self.period).max(300.0) {
                self.period = (self.period - share * unit).max(1.0);
            }
            self.overshot = false;
        } else {
            let over = self.longest - self.period > (0.02 * self.period).max(200.0);
            if over && self.overshot {
                self.open_search(self.longest, gap, link);
            }
            self.overshot = over;
        }
    }

    fn on_search(&mut self, sample: &Sample, gap: Micros, link: &Link) {
        if !sample.answered {
            self.on_refused(sample, gap, self.step);
        } else if self.refused == 0 {
            // However late it was sent: what was answered can only shorten the period.
            let gap = gap.min(self.period);
            self.period = (gap - 2.0 * self.step).max(0.5 * gap).max(1.0);
            // The edge is not where it was looked for: farther away each time.
            self.beyond += 1;
            if self.beyond > 2 {
                self.step = (1.5 * self.step).min(0.25 * self.period).max(self.floor());
            }
        } else {
            self.open_search(self.longest, gap, link);
        }
    }

    /// Tries again, after a time that grows with what was waited in vain.
    fn on_refused(&mut self, sample: &Sample, gap: Micros, least: Micros) {
        self.refused += 1;
        self.longest = self.longest.max(gap);
        if sample.more {
            return;
        }
        if gap < 0.9 * self.period {
            // A probe shortly before it was answered.
            self.anchor = sample.sent - gap;
        } else {
            let over = (gap - self.period).max(0.0);
            self.retry = Some(sample.sent + least.max(0.45 * over));
        }
    }

    /// A regular request on a long link.
    fn on_regular(&mut self, sample: &Sample, gap: Micros, link: &Link) {
        if sample.answered {
            if self.refused == 0 {
                self.overshot = false;
                if sample.sent > self.raised {
                    self.repeat = 0;
                }
            } else {
                let over = self.longest > 1.02 * self.period;
                if over && self.overshot {
                    self.period = self.longest;
                    self.reach = (gap - self.longest).max(self.floor());
                    self.raised = sample.now;
                    self.overshot = false;
                } else {
                    self.overshot = over;
                }
            }
            return;
        }
        if sample.sent > self.raised && gap > 0.98 * self.period && gap < 1.02 * self.period {
            let raise = self.noise(link) * 4f64.powi(self.repeat.min(3));
            self.period = self.period.max(gap) + raise.min(0.5 * self.period);
            self.repeat += 1;
            self.raised = sample.now;
        }
        self.on_refused(sample, gap, 0.05 * self.period);
    }

    fn on_probe(&mut self, sample: &Sample, gap: Micros, link: &Link) {
        if self.rides(link) {
            return;
        }
        if !sample.answered {
            self.reach = (self.reach * 0.9).max(2.0 * self.noise(link));
            return;
        }
        self.anchor = self.anchor.max(sample.sent);
        let short = self.period - gap;
        if short > 0.0 {
            // Far from the edge straight to it; near it an answer may be luck.
            let noise = self.noise(link);
            self.period -= match short / noise {
                far if far > 8.0 => short - 2.0 * noise,
                far if far > 4.0 => 0.1 * short,
                _ => 0.02 * short,
            };
            // Once a round trip, or the delay of the replies makes it swing.
            if sample.sent > self.reached {
                self.reach = (self.reach * 1.5).min(0.5 * self.period);
                self.reached = sample.now;
            }
        }
    }

    fn on_leap(&mut self, sample: &Sample, gap: Micros, link: &Link) -> Option<Pace> {
        let tested = core::mem::replace(&mut self.test, Test::No) == Test::Leap;
        if sample.answered {
            self.credit = 0;
            if gap < OPEN {
                return Some(Pace::Open(Open::default()));
            }
            if gap < 0.9 * self.period {
                // The limit was raised: again, from there.
                self.period = gap;
                (self.search, self.step) = (self.rides(link), 0.1 * gap);
                self.reach = 0.4 * gap;
                self.anchor = self.anchor.max(sample.sent);
                self.retry = None;
                self.leap = true;
                self.overshot = false;
            }
        } else if tested {
            self.credit += 1;
            self.test_every = FIRST_TEST;
            self.test_after = self.answers + 2;
            if self.credit >= 2 {
                return Some(Pace::Bucket(Bucket::new(self.period, sample.sent, 0, sample.now)));
            }
        }
        None
    }

    /// The early half of the test: answered, the lateness before it was credit, or the limit was raised. A leap tells.
    fn on_early(&mut self, sample: &Sample) {
        if sample.answered {
            self.anchor = self.anchor.max(sample.sent);
            self.test = Test::Leap;
            self.leap = true;
        } else {
            self.credit = 0;
        }
    }

    pub(super) fn on_lost(&mut self, link: &Link) {
        self.anchor = link.last_answer.unwrap_or(link.now);
        if let Some(hunt) = &mut self.hunt {
            (hunt.base, hunt.tried, hunt.refused) = (None, 0.0, 0.0);
        }
        (self.retry, self.probe, self.leap, self.test) = (None, None, false, Test::No);
        (self.refused, self.longest, self.overshot) = (0, 0.0, false);
    }

    /// The gap that the server seems to ask for, as far as its replies have shown it.
    pub(super) fn shown(&self) -> Option<Micros> {
        self.edge.period().filter(|_| self.hunt.is_none())
    }

    pub(super) fn belief(&self) -> (Option<Micros>, Kind, f64) {
        if self.hunt.is_some() {
            return (None, Kind::Unknown, 0.0);
        }
        let sure = f64::from(self.answers.min(200)) / 200.0;
        (Some(self.period), Kind::Spacing, if self.search { sure * 0.5 } else { sure })
    }
}
