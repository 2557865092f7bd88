//! A set of line numbers, a bit each. Grows as needed, never past [`limits::LINES`].
//!
//! What is done with two sets costs as much as the shorter one has words, and what is read from bytes as much as there are
//! bytes: a peer that sends little makes little work, however long the file is.

use crate::{ids::LineNumber, limits};
use core::ops::Range;

/// Lines in a word.
const WORD: u32 = u64::BITS;

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

    /// The lowest number in the set that is not below `from`.
    #[must_use]
    pub fn next(&self, from: LineNumber) -> Option<LineNumber> {
        let (first, _) = place(from);
        let mut words = self.words.get(first..)?.iter().zip(from.0 / WORD..);
        // Of the first word only what is not below.
        let (bits, word) = words.next().map(|(bits, word)| (bits & (u64::MAX << (from.0 % WORD)), word))?;
        let (bits, word) = if bits != 0 {
            (bits, word)
        } else {
            words.find(|(bits, _)| **bits != 0).map(|(bits, word)| (*bits, word))?
        };
        Some(LineNumber(word * WORD + bits.trailing_zeros()))
    }

    /// The highest number in the set.
    #[must_use]
    pub fn last(&self) -> Option<LineNumber> {
        let (word, bits) = self.words.iter().enumerate().rev().find(|(_, bits)| **bits != 0)?;
        Some(LineNumber(u32::try_from(word).ok()? * 64 + 63 - bits.leading_zeros()))
    }

    /// How many words it has: what it costs to go through it.
    #[must_use]
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Takes `other`'s numbers out of this set.
    pub fn subtract(&mut self, other: &Self) {
        self.change(other, |ours, theirs| ours & !theirs);
    }

    /// Leaves only numbers that are in `other` too.
    pub fn intersect(&mut self, other: &Self) {
        let gone = self.words.drain(self.words.len().min(other.words.len())..);
        self.count -= gone.map(u64::count_ones).sum::<u32>();
        self.change(other, |ours, theirs| ours & theirs);
    }

    /// Adds `other`'s numbers to this set.
    pub fn unite(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.change(other, |ours, theirs| ours | theirs);
    }

    fn change(&mut self, other: &Self, to: impl Fn(u64, u64) -> u64) {
        for (ours, theirs) in self.words.iter_mut().zip(&other.words) {
            let before = core::mem::replace(ours, to(*ours, *theirs));
            self.count = self.count + ours.count_ones() - before.count_ones();
        }
    }

    /// Takes out all numbers above `last`.
    pub fn truncate(&mut self, last: u32) {
        let (word, _) = place(LineNumber(last));
        if word >= self.words.len() {
            return;
        }
        self.words.truncate(word + 1);
        if let Some(bits) = self.words.last_mut() {
            *bits &= u64::MAX >> (WORD - 1 - last % WORD);
        }
        self.count = self.words.iter().map(|bits| bits.count_ones()).sum();
    }

    /// Of the given words: adds to this set and to `both` what `from` has, and neither this set nor `not`.
    pub fn pick(&mut self, words: Range<usize>, from: &Self, not: &Self, mut both: [&mut Self; 2]) {
        let word = |of: &Self, at: usize| of.words.get(at).copied().unwrap_or_default();
        for at in words.start..words.end.min(from.words.len()) {
            let bits = word(from, at) & !word(not, at) & !word(self, at);
            if bits != 0 {
                self.put(at, bits);
                both.iter_mut().for_each(|set| set.put(at, bits));
            }
        }
    }

    /// Of the given words: takes out of this set, and of `all`, what `of` lacks.
    pub fn drop_missing(&mut self, words: Range<usize>, of: &Self, all: &mut Self) {
        for at in words.start..words.end.min(self.words.len()) {
            let Some(bits) = self.words.get_mut(at) else { return };
            let gone = *bits & !of.words.get(at).copied().unwrap_or_default();
            *bits &= !gone;
            self.count -= gone.count_ones();
            if let Some(bits) = all.words.get_mut(at) {
                all.count -= (*bits & gone).count_ones();
                *bits &= !gone;
            }
        }
    }

    fn put(&mut self, at: usize, bits: u64) {
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        if let Some(word) = self.words.get_mut(at) {
            self.count += (bits & !*word).count_ones();
            *word |= bits;
        }
    }

    /// The wire form: bit n mod 8 of byte n/8, without trailing zero bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.words.len() * 8);
        self.words.iter().for_each(|bits| bytes.extend_from_slice(&bits.to_le_bytes()));
        bytes.truncate(bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1));
        bytes
    }

    /// Reads the wire form, up to the number `last`: what is said of lines that the file cannot have is not kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], last: u32) -> Self {
        let bytes = bytes.get(..bytes_up_to(last)).unwrap_or(bytes);
        let (whole, rest) = bytes.as_chunks::<8>();
        let mut words: Vec<u64> = whole.iter().map(|word| u64::from_le_bytes(*word)).collect();
        if !rest.is_empty() {
            let mut word = [0; 8];
            word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            words.push(u64::from_le_bytes(word));
        }
        let mut bitmap = Self { words, count: 0 };
        bitmap.count = bitmap.words.iter().map(|bits| bits.count_ones()).sum();
        bitmap.truncate(last);
        bitmap
    }
}

/// How many bytes the wire form has at most if `last` is the highest number.
#[must_use]
pub fn bytes_up_to(last: u32) -> usize {
    last as usize / 8 + 1
}

/// Lines that wait to be sent, lowest first. Taking all of them costs as much as there are lines and words, together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineQueue {
    lines: Bitmap,
    /// None is below.
    from: LineNumber,
}

impl LineQueue {
    /// Adds lines.
    pub fn add(&mut self, lines: &Bitmap) {
        if let Some(first) = lines.next(LineNumber(0)) {
            self.from = self.from.min(first);
            self.lines.unite(lines);
        }
    }

    /// Takes the lowest.
    pub fn pop(&mut self) -> Option<LineNumber> {
        let number = self.lines.next(self.from);
        match number {
            Some(number) => {
                self.lines.remove(number);
                self.from = number;
            }
            None => self.clear(),
        }
        number
    }

    /// No line waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Nothing is to be sent any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Lines above `last` are not to be sent any more.
    pub fn truncate(&mut self, last: u32) {
        self.lines.truncate(last);
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
            for from in [0, 1, 63, 64, 700, 1999, 2000, 3000] {
                prop_assert_eq!(x.next(LineNumber(from)).map(|n| n.0), a.range(from..).next().copied());
            }
            prop_assert_eq!(x.last().map(|n| n.0), a.last().copied());
            let (mut both, mut rest, mut common) = (x.clone(), x.clone(), x.clone());
            both.unite(&y);
            rest.subtract(&y);
            common.intersect(&y);
            prop_assert_eq!(back(&common), a.intersection(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(common.count() as usize, back(&common).len());
            prop_assert_eq!(back(&both), a.union(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(back(&rest), a.difference(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(both.count() as usize, back(&both).len());
            prop_assert_eq!(rest.count() as usize, back(&rest).len());
            prop_assert_eq!(back(&Bitmap::from_bytes(&x.to_bytes(), 2000)), a.clone());
            for last in [0, 7, 8, 63, 64, 500, 1998] {
                let below: BTreeSet<u32> = a.range(..=last).copied().collect();
                let (read, mut cut) = (Bitmap::from_bytes(&x.to_bytes(), last), x.clone());
                cut.truncate(last);
                prop_assert_eq!(back(&read), below.clone());
                prop_assert_eq!((back(&cut), cut.count()), (below, read.count()));
                prop_assert!(read.words() <= last as usize / 64 + 1, "no longer than the file");
            }
        }

        #[test]
        fn what_is_picked_in_parts_is_what_is_lacking(
            [theirs, held, elsewhere, asked] in proptest::array::uniform4(
                proptest::collection::btree_set(0u32..2000, 0..200),
            ),
            part in 1usize..40,
        ) {
            let set = |numbers: &BTreeSet<u32>| numbers.iter().map(|&n| LineNumber(n)).collect::<Bitmap>();
            let back = |bitmap: &Bitmap| bitmap.iter().map(|n| n.0).collect::<BTreeSet<_>>();
            let asked: BTreeSet<u32> = asked.difference(&elsewhere).copied().collect();
            let (mut all, mut link, mut new) = (set(&(&asked | &elsewhere)), set(&asked), Bitmap::default());
            let mut also = Bitmap::default();
            for from in (0..40).step_by(part) {
                link.drop_missing(from..from + part, &set(&theirs), &mut all);
                all.pick(from..from + part, &set(&theirs), &set(&held), [&mut new, &mut also]);
            }
            prop_assert_eq!(&new, &also);
            let left: BTreeSet<u32> = asked.intersection(&theirs).copied().collect();
            let lacking: BTreeSet<u32> =
                theirs.iter().filter(|n| !held.contains(n) && !elsewhere.contains(n) && !left.contains(n)).copied().collect();
            prop_assert_eq!((back(&link), link.count() as usize), (left.clone(), left.len()));
            prop_assert_eq!((back(&new), new.count() as usize), (lacking.clone(), lacking.len()));
            prop_assert_eq!(back(&all), &(&left | &elsewhere) | &lacking);
            prop_assert_eq!(all.count() as usize, back(&all).len());
        }

        #[test]
        fn a_queue_gives_each_line_once_lowest_first(
            adds in proptest::collection::vec((proptest::collection::btree_set(0u32..2000, 0..50), 0usize..60), 1..8),
        ) {
            let (mut queue, mut waiting) = (LineQueue::default(), BTreeSet::new());
            for (lines, takes) in adds {
                queue.add(&lines.iter().map(|&n| LineNumber(n)).collect());
                waiting.extend(lines);
                for _ in 0..takes {
                    prop_assert_eq!(queue.pop().map(|n| n.0), waiting.pop_first());
                    prop_assert_eq!(queue.is_empty(), waiting.is_empty());
                }
            }
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
    }

    #[test]
    #[cfg_attr(miri, ignore = "millions of lines: hours")]
    fn millions_of_lines_are_taken_in_a_time_that_grows_with_their_number_alone() {
        // One by one from the first word on it would take minutes.
        for lines in [0..4_000_000, 3_999_990..4_000_000] {
            let all: Bitmap = lines.clone().map(LineNumber).collect();
            let mut queue = LineQueue::default();
            queue.add(&all);
            assert!(lines.map(LineNumber).all(|number| queue.pop() == Some(number)));
            assert!(queue.is_empty() && queue.pop().is_none());
        }
    }

    #[test]
    fn what_is_said_of_lines_that_the_file_cannot_have_is_not_kept() {
        for (bytes, last, count) in
            [(vec![255; 2 << 20], 40, 41), (vec![255; 1], 0, 1), (vec![0; 100_000], 70, 0)]
        {
            let bitmap = Bitmap::from_bytes(&bytes, last);
            assert_eq!((bitmap.count(), bitmap.words() <= 2), (count, true));
            assert!(bitmap.words.capacity() <= 4, "nor is there room for it");
        }
    }
}
