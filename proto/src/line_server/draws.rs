//! Which line is drawn next. The fixed sequence is part of the protocol's documentation and never changes.

use crate::limits;

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The line, counted from 0, of the `n`-th answered draw (from 1) of a file of `lines` lines.
#[must_use]
pub fn nth_draw(seed: u64, n: u64, lines: u32) -> u32 {
    scale(mix(seed.wrapping_add(n.wrapping_mul(GOLDEN))), lines)
}

/// SplitMix64's mixing function.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number below `bound` out of 64 random bits.
fn scale(bits: u64, bound: u32) -> u32 {
    u32::try_from((u128::from(bits) * u128::from(bound)) >> 64).unwrap_or_default()
}

/// SplitMix64 as a generator: what makes the file, so that a seed always makes the same one.
#[derive(Clone, Debug)]
pub(super) struct SplitMix {
    seed: u64,
    n: u64,
}

impl SplitMix {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, n: 0 }
    }

    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.n = self.n.wrapping_add(1);
        nth_draw(self.seed, self.n, bound)
    }
}

/// Draws line after line, for all clients together.
#[derive(Clone, Debug)]
pub(super) enum Draws {
    /// The n-th draw is a function of n.
    Fixed(SplitMix),
    /// From a seeded generator.
    Random(fastrand::Rng),
}

impl Draws {
    /// A line of a file of `lines` lines, counted from 0.
    pub(super) fn draw(&mut self, lines: u32) -> u32 {
        match self {
            Self::Fixed(sequence) => sequence.below(lines),
            Self::Random(rng) => rng.u32(0..lines.max(1)),
        }
    }
}

/// Which lines of the file were met.
#[derive(Clone, Debug)]
pub(super) struct Met {
    words: Vec<u64>,
    lines: u32,
    count: u32,
}

impl Met {
    pub(super) fn none_of(lines: u32) -> Self {
        debug_assert!(lines <= limits::LINES);
        Self { words: vec![0; (lines as usize).div_ceil(64)], lines, count: 0 }
    }

    /// Marks `line`: was it new?
    pub(super) fn insert(&mut self, line: u32) -> bool {
        let Some(word) = self.words.get_mut(line as usize / 64) else { return false };
        let bit = 1 << (line % 64);
        let new = *word & bit == 0;
        *word |= bit;
        self.count += u32::from(new);
        new
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn is_full(&self) -> bool {
        self.count == self.lines
    }

    /// The lines that were met, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        (0..self.lines).filter(|line| {
            self.words.get(*line as usize / 64).is_some_and(|word| word & (1 << (line % 64)) != 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_never_changes() {
        // SplitMix64 seeded with 0 begins with these (its reference implementation).
        assert_eq!(mix(GOLDEN), 0xE220_A839_7B1D_CDAF);
        assert_eq!(mix(GOLDEN.wrapping_mul(2)), 0x6E78_9E6A_A1B9_65F4);
        let drawn: Vec<u32> = (1..=8).map(|n| nth_draw(7, n, 1000)).collect();
        assert_eq!(drawn, [389, 16, 900, 582, 452, 249, 467, 328]);
    }

    #[test]
    fn every_line_is_drawn_about_as_often_as_chance_has_it() {
        let mut met = Met::none_of(1000);
        let needed = (1..).find(|n| met.insert(nth_draw(1, *n, 1000)) && met.is_full()).unwrap();
        assert!((3700..13_000).contains(&needed), "{needed}");
        assert_eq!((met.count(), met.iter().count()), (1000, 1000));
    }

    #[test]
    fn a_file_of_one_line_draws_that_line() {
        assert_eq!((nth_draw(3, 1, 1), SplitMix::new(9).below(1)), (0, 0));
        assert_eq!(Draws::Random(fastrand::Rng::with_seed(1)).draw(1), 0);
    }
}
