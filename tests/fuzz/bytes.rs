//! Decisions out of bytes, from the front; when the bytes are used up every decision is 0.

use core::ops::Range;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn short(&mut self) -> usize {
        usize::from(self.byte()) | usize::from(self.byte()) << 8
    }

    /// One of these; small ranges only.
    pub(crate) fn within(&mut self, range: Range<usize>) -> usize {
        range.start + usize::from(self.byte()) % range.len().max(1)
    }

    /// So many bytes, or what is left.
    pub(crate) fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A piece whose length stands in its first byte.
    pub(crate) fn piece(&mut self) -> &'a [u8] {
        let length = self.byte();
        self.take(length.into())
    }
}

/// `whole` in pieces whose sizes follow from `seed`; 0 is one piece.
pub(crate) fn pieces(whole: &[u8], seed: u8) -> Vec<&[u8]> {
    if seed == 0 {
        return vec![whole];
    }
    let mut rng = fastrand::Rng::with_seed(seed.into());
    let (mut rest, mut pieces) = (whole, Vec::new());
    while !rest.is_empty() {
        // Mostly small ones, as splits in the middle of a field matter most.
        let most = if rng.u8(0..4) == 0 { 4096 } else { 9 };
        let (piece, later) = rest.split_at(rng.usize(1..=most).min(rest.len()));
        pieces.push(piece);
        rest = later;
    }
    pieces
}
