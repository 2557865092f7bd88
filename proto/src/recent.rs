//! The newest of what happened, numbered in its order: what `events` and `log` begin with and go on from.
//!
//! It only keeps. Invariant: numbers begin at 1, or after those of a predecessor, and have no gaps, and at most as many are kept as was said at first.

use std::collections::VecDeque;

/// See the module.
#[derive(Debug)]
pub struct Recent<T> {
    kept: VecDeque<T>,
    most: usize,
    next: u64,
}

impl<T> Recent<T> {
    /// Keeps at most `most`.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self::after(0, most)
    }

    /// As [`Recent::new`], but what was numbered up to `last` went before.
    #[must_use]
    pub fn after(last: u64, most: usize) -> Self {
        Self { kept: VecDeque::new(), most, next: last.saturating_add(1) }
    }

    /// Keeps what `make` makes of its number; the oldest goes if there are too many.
    pub fn push(&mut self, make: impl FnOnce(u64) -> T) {
        if self.kept.len() >= self.most {
            self.kept.pop_front();
        }
        self.kept.push_back(make(self.next));
        self.next += 1;
    }

    /// What is kept from number `seq` on, oldest first.
    pub fn since(&self, seq: u64) -> impl DoubleEndedIterator<Item = &T> {
        let skipped = usize::try_from(seq.saturating_sub(self.oldest())).unwrap_or(usize::MAX);
        self.kept.iter().skip(skipped)
    }

    /// The number of the oldest that is kept; [`Recent::next_seq`] if there is none.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.next - self.kept.len() as u64
    }

    /// The number that the next one will have.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gaps_and_only_the_newest_are_kept() {
        let mut recent = Recent::new(3);
        assert_eq!((recent.oldest(), recent.next_seq(), recent.since(0).count()), (1, 1, 0));
        (1..=5).for_each(|_| recent.push(|seq| seq));
        assert_eq!((recent.oldest(), recent.next_seq()), (3, 6));
        for (since, kept) in [(0, vec![3, 4, 5]), (5, vec![5]), (6, vec![]), (u64::MAX, vec![])] {
            assert_eq!(recent.since(since).copied().collect::<Vec<_>>(), kept, "{since}");
        }
    }
}
