//! The model of a download that is sampled, and three answers known beforehand by which the sampling is checked.
//!
//! k peers draw in turn at evenly spaced moments; each draw is one of N lines with equal chance. The drawer holds the
//! line at once, the master after `latency`. A lost message is sent again by TCP: 200 ms later, then after twice as
//! long. The time is that at which the master holds every line; the submit is not in it.

use fastrand::Rng;

/// Linux's least time until a segment is sent again.
pub const RETRANSMIT_S: f64 = 0.2;
/// A message is delivered at last, however unlucky.
const MOST_LOSSES: i32 = 12;

/// What to sample.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    pub peers: u32,
    pub lines: u32,
    pub rate: f64,
    /// One way, between peers.
    pub latency_s: f64,
    /// The chance that a message is lost.
    pub loss: f64,
}

impl Model {
    /// One download, in seconds from just before the first draw.
    #[must_use]
    pub fn seconds(&self, rng: &mut Rng) -> f64 {
        let mut arrival = vec![f64::INFINITY; self.lines as usize];
        let mut missing = self.lines;
        let mut drawn = 0_u64;
        let mut now = 0.0;
        while missing > 0 {
            now = self.draw(&mut drawn, rng, |line, at| match arrival.get_mut(line) {
                Some(known) if known.is_infinite() => {
                    *known = at;
                    missing -= 1;
                }
                Some(known) => *known = known.min(at),
                None => {}
            });
        }
        // While the last messages are under way, the same lines may be drawn again and come sooner.
        let mut late: Vec<(usize, f64)> =
            arrival.into_iter().enumerate().filter(|(_, at)| *at > now).collect();
        let last = |late: &[(usize, f64)]| late.iter().map(|(_, at)| *at).fold(0.0, f64::max);
        let mut complete = last(&late).max(now);
        while now < complete {
            now = self.draw(&mut drawn, rng, |line, at| {
                if let Some((_, known)) = late.iter_mut().find(|(number, _)| *number == line) {
                    *known = known.min(at);
                }
            });
            complete = complete.min(last(&late));
        }
        complete
    }

    /// One draw: which line, and when the master holds it; returns when it was drawn.
    fn draw(&self, drawn: &mut u64, rng: &mut Rng, mut held: impl FnMut(usize, f64)) -> f64 {
        let by_master = drawn.is_multiple_of(u64::from(self.peers));
        *drawn += 1;
        let at = *drawn as f64 / (f64::from(self.peers) * self.rate);
        let line = rng.u32(..self.lines) as usize;
        held(line, if by_master { at } else { at + self.latency_s + self.delay_by_loss(rng) });
        at
    }

    fn delay_by_loss(&self, rng: &mut Rng) -> f64 {
        let mut losses = 0;
        while self.loss > 0.0 && losses < MOST_LOSSES && rng.f64() < self.loss {
            losses += 1;
        }
        RETRANSMIT_S * (2.0_f64.powi(losses) - 1.0)
    }
}

/// A quantity whose value is known, sampled in packs of points.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub name: &'static str,
    pub value: f64,
    pub sample: fn(&mut Rng) -> f64,
}

const POINTS: u32 = 1000;

/// The area of a circle, and the area under 1/x from 1 to 2.
pub const KNOWN: [Known; 2] = [
    Known { name: "pi", value: std::f64::consts::PI, sample: pi },
    Known { name: "ln 2", value: std::f64::consts::LN_2, sample: ln_2 },
];

fn pi(rng: &mut Rng) -> f64 {
    let inside = (0..POINTS).filter(|_| rng.f64().powi(2) + rng.f64().powi(2) < 1.0).count();
    4.0 * inside as f64 / f64::from(POINTS)
}

fn ln_2(rng: &mut Rng) -> f64 {
    (0..POINTS).map(|_| 1.0 / (1.0 + rng.f64())).sum::<f64>() / f64::from(POINTS)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Summary, sample};
    use super::*;
    use crate::lab::theory;
    use std::num::NonZeroUsize;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    fn plain(peers: u32, lines: u32) -> Model {
        Model { peers, lines, rate: 100.0, latency_s: 0.0, loss: 0.0 }
    }

    fn mean(model: Model, runs: u64) -> Summary {
        Summary::of(sample(runs, 3, TWO, |rng| model.seconds(rng)))
    }

    #[test]
    fn pi_and_ln_2_come_out_within_four_standard_errors() {
        for known in KNOWN {
            let summary = Summary::of(sample(2000, 1, TWO, known.sample));
            let off = (summary.mean - known.value) / summary.standard_error();
            assert!(off.abs() < 4.0, "{}: {} is {off} standard errors off", known.name, summary.mean);
            assert!(summary.standard_error() < 0.002);
        }
    }

    #[test]
    fn the_mean_and_the_deviation_of_a_download_are_those_of_the_formula() {
        for (peers, lines) in [(1, 100), (4, 100), (3, 17), (2, 1)] {
            let summary = mean(plain(peers, lines), 4000);
            let in_seconds = |draws| theory::seconds(draws, peers, 100.0);
            let expected = in_seconds(theory::expected_draws(lines));
            let off = (summary.mean - expected).abs();
            assert!(off <= 4.0 * summary.standard_error() + 1e-9, "{peers} {lines}: {}", summary.mean);
            let deviation = in_seconds(theory::deviation(lines));
            assert!((summary.deviation - deviation).abs() <= 0.1 * deviation + 1e-9, "{}", summary.deviation);
        }
    }

    #[test]
    fn latency_costs_at_most_itself_and_loss_costs_more() {
        let at = |latency_s, loss| mean(Model { latency_s, loss, ..plain(4, 100) }, 2000).mean;
        let (none, late, lossy) = (at(0.0, 0.0), at(0.05, 0.0), at(0.05, 0.2));
        assert!(late > none && late <= none + 0.05 + 0.02, "{none} {late}");
        assert!(lossy > late, "{late} {lossy}");
        // Alone, nobody is far away.
        let alone = |latency_s, loss| mean(Model { latency_s, loss, ..plain(1, 100) }, 100).mean;
        assert!((alone(0.0, 0.0) - alone(0.5, 0.5)).abs() < 1e-12);
    }
}
