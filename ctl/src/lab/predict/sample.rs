//! The Monte Carlo engine: independent samples of anything, by any number of worker threads.
//!
//! Seeds are handed out in batches over a channel, in order, and results are put back in order: the samples depend on
//! the seed alone, never on the number of workers or on who was faster. No clock, no global randomness.

use crossbeam_channel::bounded;
use fastrand::Rng;
use std::num::NonZeroUsize;
use std::thread;

/// Samples for one seed: few enough to spread well, enough to make a message worth its price.
const BATCH: u64 = 32;

/// `count` samples of `draw`.
pub fn sample(
    count: u64,
    seed: u64,
    workers: NonZeroUsize,
    draw: impl Fn(&mut Rng) -> f64 + Sync,
) -> Vec<f64> {
    let mut batches: Vec<(u64, Vec<f64>)> = Vec::new();
    thread::scope(|scope| {
        // A worker that takes longer holds up nobody; the queue is short, so seeds are made as they are needed.
        let (hand_out, seeds) = bounded::<(u64, u64, u64)>(2 * workers.get());
        let (deliver, results) = bounded(2 * workers.get());
        for _ in 0..workers.get() {
            let (seeds, deliver, draw) = (seeds.clone(), deliver.clone(), &draw);
            scope.spawn(move || {
                for (index, seed, size) in seeds {
                    let mut rng = Rng::with_seed(seed);
                    let batch: Vec<f64> = (0..size).map(|_| draw(&mut rng)).collect();
                    if deliver.send((index, batch)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(deliver);
        scope.spawn(move || {
            let mut source = Rng::with_seed(seed);
            for index in 0..count.div_ceil(BATCH) {
                let size = BATCH.min(count - index * BATCH);
                if hand_out.send((index, source.u64(..), size)).is_err() {
                    return;
                }
            }
        });
        batches.extend(results);
    });
    batches.sort_unstable_by_key(|(index, _)| *index);
    batches.into_iter().flat_map(|(_, batch)| batch).collect()
}

/// What samples say together.
#[derive(Clone, Debug)]
pub struct Summary {
    sorted: Vec<f64>,
    pub mean: f64,
    /// Of one sample.
    pub deviation: f64,
}

impl Summary {
    #[must_use]
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_unstable_by(f64::total_cmp);
        let count = samples.len().max(1) as f64;
        let mean = samples.iter().sum::<f64>() / count;
        let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
        Self { sorted: samples, mean, deviation: (squares / (count - 1.0).max(1.0)).sqrt() }
    }

    /// Of the mean.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        self.deviation / (self.sorted.len().max(1) as f64).sqrt()
    }

    /// Below which the share `q` of the samples lies, between neighbours as a straight line.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        let place = q.clamp(0.0, 1.0) * self.sorted.len().saturating_sub(1) as f64;
        let at = |place: f64| self.sorted.get(place as usize).copied().unwrap_or(f64::NAN);
        let (below, above) = (at(place.floor()), at(place.ceil()));
        below + (above - below) * place.fract()
    }

    /// In order.
    #[must_use]
    pub fn samples(&self) -> &[f64] {
        &self.sorted
    }

    /// How many samples lie in each of `bins` equal parts of `from..to`.
    #[must_use]
    pub fn histogram(&self, from: f64, to: f64, bins: usize) -> Vec<usize> {
        let mut counts = vec![0; bins];
        for sample in &self.sorted {
            let place = ((sample - from) / (to - from) * bins as f64) as usize;
            if *sample >= from
                && let Some(count) = counts.get_mut(place)
            {
                *count += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    #[test]
    fn samples_are_the_same_for_any_number_of_workers() {
        let draw = |rng: &mut Rng| rng.f64();
        let one = sample(1000, 7, workers(1), draw);
        assert_eq!(one.len(), 1000);
        for count in [2, 3, 8] {
            assert_eq!(sample(1000, 7, workers(count), draw), one, "{count} workers");
        }
        assert_ne!(sample(1000, 8, workers(2), draw), one);
        assert!(sample(0, 7, workers(2), draw).is_empty());
    }

    #[test]
    fn a_summary_of_one_to_five() {
        let summary = Summary::of(vec![5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!((summary.mean, summary.quantile(0.5), summary.quantile(0.125)), (3.0, 3.0, 1.5));
        assert!((summary.deviation - 2.5_f64.sqrt()).abs() < 1e-12);
        assert!((summary.standard_error() - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(summary.histogram(1.0, 6.0, 5), [1, 1, 1, 1, 1]);
        assert_eq!(summary.histogram(2.0, 4.0, 1), [2]);
    }
}
