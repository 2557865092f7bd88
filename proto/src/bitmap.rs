//! A set of line numbers, a bit each. Grows as needed, never past [`limits::LINES`].

use crate::{ids::LineNumber, limits};

/// A growing bitmap with its population count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    count: u32,
}

impl Bitmap {
    /// Is `number` in the set?
    #[must_use]
    pub fn contains(&self, number: LineNumber) -> bool {
        let (word, mask) = place(number);
        self.words.get(word).is_some_and(|bits| bits & mask != 0)
    }

    /// Adds `number`. False if it was there, or is past [`limits::LINES`].
    pub fn insert(&mut self, number: LineNumber) -> bool {
        if number.0 > limits::LINES {
            return false;
        }
        let (word, mask) = place(number);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        match self.words.get_mut(word) {
            Some(bits) if *bits & mask == 0 => {
                *bits |= mask;
                self.count += 1;
                true
            }
            _ => false,
        }
    }

    /// Takes `number` out. False if it was not there.
    pub fn remove(&mut self, number: LineNumber) -> bool {
        let (word, mask) = place(number);
        match self.words.get_mut(word) {
            Some(bits) if *bits & mask != 0 => {
                *bits &= !mask;
                self.count -= 1;
                true
            }
            _ => false,
        }
    }

    /// Empties the set.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many numbers are in the set.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = LineNumber> + '_ {
        self.words
            .iter()
            .zip(0u32..)
            .flat_map(|(&bits, word)| Ones(bits).map(move |bit| LineNumber(word * 64 + bit)))
    }

    /// The lowest number in the set.
    #[must_use]
    pub fn first(&self) -> Option<LineNumber> {
        self.iter().next()
    }

    /// The highest number in the set.
    #[must_use]
    pub fn last(&self) -> Option<LineNumber> {
        let (word, bits) = self.words.iter().enumerate().rev().find(|(_, bits)| **bits != 0)?;
        Some(LineNumber(u32::try_from(word).ok()? * 64 + 63 - bits.leading_zeros()))
    }

    /// Takes `other`'s numbers out of this set.
    pub fn subtract(&mut self, other: &Self) {
        for (ours, theirs) in self.words.iter_mut().zip(&other.words) {
            *ours &= !theirs;
        }
        self.recount();
    }

    /// Adds `other`'s numbers to this set.
    pub fn unite(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (ours, theirs) in self.words.iter_mut().zip(&other.words) {
            *ours |= theirs;
        }
        self.recount();
    }

    fn recount(&mut self) {
        self.count = self.words.iter().map(|bits| bits.count_ones()).sum();
    }

    /// The wire form: bit n mod 8 of byte n/8, without trailing zero bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        bytes.truncate(bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
        bytes
    }

    /// Reads the wire form. `None` if it holds a number past [`limits::LINES`].
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let words = bytes
            .chunks(8)
            .map(|chunk| {
                let mut word = [0; 8];
                word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
                u64::from_le_bytes(word)
            })
            .collect();
        let mut bitmap = Self { words, count: 0 };
        bitmap.recount();
        bitmap.last().is_none_or(|last| last.0 <= limits::LINES).then_some(bitmap)
    }
}

impl FromIterator<LineNumber> for Bitmap {
    fn from_iter<I: IntoIterator<Item = LineNumber>>(numbers: I) -> Self {
        let mut bitmap = Self::default();
        for number in numbers {
            bitmap.insert(number);
        }
        bitmap
    }
}

fn place(number: LineNumber) -> (usize, u64) {
    (number.0 as usize / 64, 1 << (number.0 % 64))
}

/// The positions of the set bits of a word.
struct Ones(u64);

impl Iterator for Ones {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set_of_numbers(a in proptest::collection::btree_set(0u32..2000, 0..200),
                                  b in proptest::collection::btree_set(0u32..2000, 0..200)) {
            let set = |numbers: &BTreeSet<u32>| numbers.iter().map(|&n| LineNumber(n)).collect::<Bitmap>();
            let back = |bitmap: &Bitmap| bitmap.iter().map(|n| n.0).collect::<BTreeSet<_>>();
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(back(&x), a.clone());
            prop_assert_eq!(x.count() as usize, a.len());
            prop_assert_eq!(x.first().map(|n| n.0), a.first().copied());
            prop_assert_eq!(x.last().map(|n| n.0), a.last().copied());
            let (mut both, mut rest) = (x.clone(), x.clone());
            both.unite(&y);
            rest.subtract(&y);
            prop_assert_eq!(back(&both), a.union(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(back(&rest), a.difference(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(both.count() as usize, back(&both).len());
            prop_assert_eq!(rest.count() as usize, back(&rest).len());
            prop_assert_eq!(back(&Bitmap::from_bytes(&x.to_bytes()).unwrap()), a);
        }

        #[test]
        fn it_says_whether_anything_changed(steps in proptest::collection::vec((0u32..100, any::<bool>()), 0..200)) {
            let (mut bitmap, mut numbers) = (Bitmap::default(), BTreeSet::new());
            for (number, comes) in steps {
                let line = LineNumber(number);
                if comes {
                    prop_assert_eq!(bitmap.insert(line), numbers.insert(number));
                } else {
                    prop_assert_eq!(bitmap.remove(line), numbers.remove(&number));
                }
                prop_assert_eq!(bitmap.contains(line), comes);
                prop_assert_eq!(bitmap.count() as usize, numbers.len());
                prop_assert_eq!(bitmap.is_empty(), numbers.is_empty());
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "megabytes of bits: minutes")]
    fn numbers_past_the_limit_stay_out() {
        let mut bitmap = Bitmap::default();
        assert!(!bitmap.insert(LineNumber(limits::LINES + 1)));
        assert!(bitmap.insert(LineNumber(limits::LINES)));
        assert!(Bitmap::from_bytes(&vec![255; limits::LINES as usize / 8 + 2]).is_none());
    }
}
