//! Counts a SUBMIT while it comes in. Nothing of it is kept but one bit a line.

use super::{File, draws::Met};

/// A SUBMIT under way.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) identity: String,
    pub(super) read: u64,
    pub(super) incorrect: u64,
    right: Met,
    wrong: Met,
}

impl Tally {
    pub(super) fn new(identity: String, lines: u32) -> Self {
        Self { identity, read: 0, incorrect: 0, right: Met::none_of(lines), wrong: Met::none_of(lines) }
    }

    /// One entry: right, wrong, or of a number that the file has not.
    pub(super) fn entry(&mut self, file: &File, number: u32, text: &[u8]) {
        self.read += 1;
        let index = file.index(number);
        if let Some(index) = index.filter(|index| file.text(*index) == Some(text)) {
            self.right.insert(index);
            return;
        }
        self.incorrect += 1;
        if let Some(index) = index {
            self.wrong.insert(index);
        }
    }

    /// Distinct lines that came with their right text.
    pub(super) fn correct(&self) -> u64 {
        self.right.count().into()
    }

    /// The lines that came with a wrong text.
    pub(super) fn wrong(self) -> Met {
        self.wrong
    }
}
