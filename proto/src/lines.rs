//! The shared ordered map: line number to text, behind one lock that nobody holds for long.
//!
//! The event loop inserts; the store thread, `dump` and `submit` read in slices of at most
//! [`limits::SLICE_LINES`] lines a lock. Texts are bytes and are never changed in place.
//! Which lines are held, and how sure we are of them, is the ledger's business (`engine::ledger`).

use crate::{ids::LineNumber, limits, paged::Paged};
use parking_lot::RwLock;
use std::sync::Arc;
use texts::{Place, Texts};

mod texts;

/// The text of a line: any bytes but `\n`.
pub type Text = Box<[u8]>;

/// A handle to the map; clones share it.
#[derive(Clone, Debug, Default)]
pub struct SharedLines(Arc<RwLock<Map>>);

/// Invariant: each place holds a text, and each text has one number; `held` counts them.
#[derive(Debug, Default)]
struct Map {
    places: Paged<Option<Place>>,
    texts: Texts,
    held: usize,
}

impl Map {
    fn get(&self, number: LineNumber) -> Option<&[u8]> {
        self.places.get(number.0).map(|place| self.texts.get(place))
    }

    /// The old text's place is of no more use. Was there one?
    fn put(&mut self, number: LineNumber, place: Option<Place>) -> bool {
        let before = self.places.put(number.0, place);
        self.held += usize::from(place.is_some());
        self.held -= usize::from(before.is_some());
        before.map(|before| self.texts.remove(before)).is_some()
    }
}

impl SharedLines {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores `text` under `number`, in place of what may stand there.
    pub fn insert(&self, number: LineNumber, text: &[u8]) {
        let map = &mut *self.0.write();
        let place = map.texts.add(text);
        map.put(number, Some(place));
    }

    /// Takes a line out (a conflict, a text that the server called wrong). False if it was not held.
    pub fn remove(&self, number: LineNumber) -> bool {
        let map = &mut *self.0.write();
        map.get(number).is_some() && map.put(number, None)
    }

    /// Calls `look` with the text of line `number`, if it is held.
    pub fn get<R>(&self, number: LineNumber, look: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.0.read().get(number).map(look)
    }

    /// These are about to be inserted: where their places go comes into the processor's cache, all at the same time.
    pub fn look_ahead(&self, numbers: impl Iterator<Item = LineNumber>) {
        let map = self.0.read();
        core::hint::black_box(numbers.filter(|number| map.places.get(number.0).is_some()).count());
    }

    /// How many lines are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.read().held
    }

    /// No line is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `look` for held lines from `from` on, in order, at most [`limits::SLICE_LINES`] under one lock.
    /// `look` says whether to go on. Returns the number to continue from, or `None` at the end.
    pub fn slice(
        &self,
        from: LineNumber,
        mut look: impl FnMut(LineNumber, &[u8]) -> bool,
    ) -> Option<LineNumber> {
        let map = self.0.read();
        let mut go_on = true;
        let held = map.places.range(from.0).filter_map(|(number, place)| Some((LineNumber(number), place?)));
        for (seen, (number, place)) in held.enumerate() {
            if seen == limits::SLICE_LINES || !go_on {
                return Some(number);
            }
            go_on = look(number, map.texts.get(place));
        }
        None
    }

    /// Calls `look` for the next of `numbers` that are held, at most [`limits::SLICE_LINES`] under one lock.
    /// `look` says whether to go on under this lock. False when there are no more numbers.
    pub fn pick(
        &self,
        numbers: &mut impl Iterator<Item = LineNumber>,
        mut look: impl FnMut(LineNumber, &[u8]) -> bool,
    ) -> bool {
        let map = self.0.read();
        for _ in 0..limits::SLICE_LINES {
            let Some(number) = numbers.next() else { return false };
            if map.get(number).is_some_and(|text| !look(number, text)) {
                break;
            }
        }
        true
    }

    /// Visits every held line in order, slice by slice.
    pub fn for_each(&self, mut look: impl FnMut(LineNumber, &[u8])) {
        let mut next = Some(LineNumber(0));
        while let Some(from) = next {
            next = self.slice(from, |number, text| {
                look(number, text);
                true
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_visit_every_line_once_and_in_order() {
        let lines = SharedLines::new();
        let count = u32::try_from(limits::SLICE_LINES).unwrap() * 2 + 1;
        for number in (0..count).rev() {
            lines.insert(LineNumber(number), number.to_string().as_bytes());
        }
        let mut seen = Vec::new();
        lines.for_each(|number, text| {
            assert_eq!(text, number.0.to_string().as_bytes());
            seen.push(number.0);
        });
        assert_eq!(seen, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn a_slice_that_is_told_to_stop_continues_where_it_stopped() {
        let lines = SharedLines::new();
        for number in 1..=3 {
            lines.insert(LineNumber(number), b"");
        }
        assert_eq!(lines.slice(LineNumber(0), |_, _| false), Some(LineNumber(2)));
        assert_eq!(lines.slice(LineNumber(3), |_, _| false), None);
    }

    #[test]
    fn numbers_are_picked_a_slice_a_lock_and_those_that_are_not_held_are_passed_over() {
        let lines = SharedLines::new();
        let count = u32::try_from(limits::SLICE_LINES).unwrap() + 10;
        (0..count).step_by(2).for_each(|number| lines.insert(LineNumber(number), b"text"));
        let (mut numbers, mut seen, mut locks) = ((0..count).map(LineNumber), Vec::new(), 1);
        while lines.pick(&mut numbers, |number, _| {
            seen.push(number.0);
            number.0 != 4
        }) {
            locks += 1;
        }
        assert_eq!(seen, (0..count).step_by(2).collect::<Vec<_>>());
        assert_eq!(locks, 3, "one that was told to stop, a full one, and the rest");
    }
}
