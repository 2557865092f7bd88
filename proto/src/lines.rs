//! The shared ordered map: line number to text, behind one lock that nobody holds for long.
//!
//! The event loop inserts; the store thread, `dump` and `submit` read in slices of at most
//! [`limits::SLICE_LINES`] lines a lock. Texts are bytes and are never changed in place.
//! Which lines are held, and how sure we are of them, is the ledger's business (`engine::ledger`).

use crate::{ids::LineNumber, limits};
use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc};

/// The text of a line: any bytes but `\n`.
pub type Text = Box<[u8]>;

/// A handle to the map; clones share it.
#[derive(Clone, Debug, Default)]
pub struct SharedLines(Arc<RwLock<BTreeMap<LineNumber, Text>>>);

impl SharedLines {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores `text` under `number` and gives back what stood there before.
    pub fn insert(&self, number: LineNumber, text: Text) -> Option<Text> {
        self.0.write().insert(number, text)
    }

    /// Takes a line out (a conflict, a text that the server called wrong).
    pub fn remove(&self, number: LineNumber) -> Option<Text> {
        self.0.write().remove(&number)
    }

    /// Calls `look` with the text of line `number`, if it is held.
    pub fn get<R>(&self, number: LineNumber, look: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.0.read().get(&number).map(|text| look(text))
    }

    /// How many lines are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.read().len()
    }

    /// No line is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.read().is_empty()
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
        for (seen, (&number, text)) in map.range(from..).enumerate() {
            if seen == limits::SLICE_LINES || !go_on {
                return Some(number);
            }
            go_on = look(number, text);
        }
        None
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
            lines.insert(LineNumber(number), number.to_string().into_bytes().into());
        }
        let mut seen = Vec::new();
        lines.for_each(|number, _| seen.push(number.0));
        assert_eq!(seen, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn a_slice_that_is_told_to_stop_continues_where_it_stopped() {
        let lines = SharedLines::new();
        for number in 1..=3 {
            lines.insert(LineNumber(number), Text::default());
        }
        assert_eq!(lines.slice(LineNumber(0), |_, _| false), Some(LineNumber(2)));
        assert_eq!(lines.slice(LineNumber(3), |_, _| false), None);
    }
}
