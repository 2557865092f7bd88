//! The ledger: which lines are held, how sure we are of each, and in what order they came.
//!
//! It alone writes the shared map. A line is missing, or held first hand (this node drew it), or held by hearsay
//! (a peer sent it). First hand beats hearsay at once. Two hearsay texts for one number are a conflict that only a
//! draw settles; two first-hand texts mean that the server does not serve one file, and the job fails.
//! Invariants: the bitmap and the map hold the same numbers; the arrival log holds each of them at least once; the
//! digest is the exclusive or of the held numbers' mixes.

use crate::{
    bitmap::Bitmap,
    ids::{LineNumber, PeerId},
    limits,
    lines::{SharedLines, Text},
    paged::Paged,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What became of a line that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It was missing.
    New,
    /// It was held, with the same text.
    Known,
    /// It was held by hearsay only; now it is first hand, with the same text.
    Confirmed,
    /// First hand replaced a hearsay text that was wrong; the peer that had sent that one, if still known.
    Corrected(Option<PeerId>),
    /// A peer's text differs from ours, which is first hand: the peer is wrong.
    Contradiction,
    /// A peer's text differs from another peer's: open until the line is drawn.
    Conflict,
    /// Two first-hand texts for one number.
    TwoTexts,
    /// No line of this file can have this number.
    OutOfRange,
}

/// Where a line came from: nowhere, first hand, or from the n-th known peer, counted from [`PEERS`].
type Source = u16;
const MISSING: Source = 0;
const FIRST_HAND: Source = 1;
const PEERS: usize = 2;

/// What is known of a number: one look tells whether a line that comes again is the same.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    print: u32,
    source: Source,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Ledger {
    lines: SharedLines,
    count: Option<u32>,
    held: Bitmap,
    entries: Paged<Entry>,
    peers: Vec<PeerId>,
    arrivals: Vec<LineNumber>,
    digest: u64,
    conflicts: BTreeMap<LineNumber, PeerId>,
    first_hand: u32,
    /// The first text drawn that differs from one drawn before.
    second_text: Option<(LineNumber, Text)>,
}

impl Ledger {
    /// Takes over what the journal gave back. `count` is the file's number of lines, if known.
    #[must_use]
    pub fn new(count: Option<u32>, lines: SharedLines, hearsay: &[LineNumber]) -> Self {
        let mut ledger = Self { lines: lines.clone(), count, ..Self::default() };
        let hearsay: Bitmap = hearsay.iter().copied().collect();
        lines.for_each(|number, text| {
            let source = if hearsay.contains(number) { Source::MAX } else { FIRST_HAND };
            ledger.note(number, print(text), source);
        });
        ledger
    }

    /// The shared map.
    #[must_use]
    pub fn lines(&self) -> &SharedLines {
        &self.lines
    }

    /// The file's number of lines, if known.
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        self.count
    }

    /// Now it is known how many lines the file has. Lines past it are dropped; returns them.
    pub fn set_count(&mut self, count: u32) -> Vec<LineNumber> {
        self.count = Some(count);
        let past: Vec<LineNumber> = self.held.iter().filter(|number| number.0 > count).collect();
        for &number in &past {
            self.forget(number);
        }
        past
    }

    /// Which numbers are held.
    #[must_use]
    pub fn held(&self) -> &Bitmap {
        &self.held
    }

    /// Changes with every change of the set of held numbers; equal sets have equal digests.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The numbers in the order in which they came.
    #[must_use]
    pub fn arrivals(&self) -> &[LineNumber] {
        &self.arrivals
    }

    /// Was this line drawn by this node?
    #[must_use]
    pub fn is_first_hand(&self, number: LineNumber) -> bool {
        self.entry(number).source == FIRST_HAND
    }

    /// The lines that only peers sent.
    #[must_use]
    pub fn hearsay(&self) -> Vec<LineNumber> {
        self.held.iter().filter(|number| !self.is_first_hand(*number)).collect()
    }

    /// How many lines this node drew itself.
    #[must_use]
    pub fn first_hand(&self) -> u32 {
        self.first_hand
    }

    /// Lines with two texts, undecided.
    #[must_use]
    pub fn conflicts(&self) -> u32 {
        let base = u32::from(self.base_conflict());
        u32::try_from(self.conflicts.len()).unwrap_or(u32::MAX).saturating_add(base)
    }

    /// The lines that [`Ledger::conflicts`] counts.
    pub fn conflicting(&self) -> impl Iterator<Item = LineNumber> + '_ {
        self.conflicts.keys().copied()
    }

    /// The line of which two texts were drawn, the one that is held, and the other.
    #[must_use]
    pub fn two_texts(&self) -> Option<(LineNumber, Text, Text)> {
        let (number, second) = self.second_text.as_ref()?;
        let held = self.lines.get(*number, |text| Text::from(text))?;
        Some((*number, held, second.clone()))
    }

    /// Both 0 and N were drawn: that is no file of N lines.
    #[must_use]
    pub fn has_both_ends(&self) -> bool {
        let ends = self.count.map(|count| [LineNumber(0), LineNumber(count)]);
        ends.is_some_and(|ends| ends.into_iter().all(|end| self.is_first_hand(end)))
    }

    /// Both 0 and N are held, so it is not known from where the server counts.
    fn base_conflict(&self) -> bool {
        self.count
            .is_some_and(|count| self.held.contains(LineNumber(0)) && self.held.contains(LineNumber(count)))
    }

    /// All lines are held: all of 0..N-1 or all of 1..N, and no conflict is open.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.count.is_some_and(|count| self.held.count() == count) && self.conflicts() == 0
    }

    /// Which numbers are missing, as far as the base is known (from 0 unless N is held).
    pub fn missing(&self) -> impl Iterator<Item = LineNumber> + '_ {
        let count = self.count.unwrap_or(0);
        let base = u32::from(self.held.contains(LineNumber(count)) && !self.held.contains(LineNumber(0)));
        (base..count.saturating_add(base)).map(LineNumber).filter(|number| !self.held.contains(*number))
    }

    /// This node drew a line.
    pub fn drawn(&mut self, number: LineNumber, text: &[u8]) -> Arrival {
        let (print, known) = (print(text), self.entry(number));
        if known.source == FIRST_HAND && known.print == print {
            return Arrival::Known;
        }
        if !self.in_range(number) {
            return Arrival::OutOfRange;
        }
        if known.source == MISSING {
            self.keep(number, text, print, FIRST_HAND);
            self.settle_base(number);
            return Arrival::New;
        }
        match (known.source == FIRST_HAND, known.print == print) {
            (true, _) => {
                self.second_text.get_or_insert_with(|| (number, text.into()));
                Arrival::TwoTexts
            }
            (false, true) => {
                let wrong = self.conflicts.remove(&number);
                self.learn(number, print, FIRST_HAND);
                self.settle_base(number);
                wrong.map_or(Arrival::Confirmed, |peer| Arrival::Corrected(Some(peer)))
            }
            (false, false) => {
                self.conflicts.remove(&number);
                let wrong = self.peer(known.source);
                self.keep(number, text, print, FIRST_HAND);
                self.settle_base(number);
                Arrival::Corrected(wrong)
            }
        }
    }

    /// A peer sent a line.
    pub fn heard(&mut self, number: LineNumber, text: &[u8], from: PeerId) -> Arrival {
        if !self.in_range(number) {
            return Arrival::OutOfRange;
        }
        let print = print(text);
        let known = self.entry(number);
        if known.source != MISSING {
            return match (known.print == print, known.source == FIRST_HAND) {
                (true, _) => Arrival::Known,
                (false, true) => Arrival::Contradiction,
                (false, false) => {
                    self.conflicts.insert(number, from);
                    Arrival::Conflict
                }
            };
        }
        if let Some(other) = self.other_base(number)
            && self.is_first_hand(other)
        {
            return Arrival::Contradiction;
        }
        let source = self.source_of(from);
        self.keep(number, text, print, source);
        Arrival::New
    }

    /// Takes a line out, to be drawn anew. False if it was not held.
    pub fn forget(&mut self, number: LineNumber) -> bool {
        if !self.held.remove(number) {
            return false;
        }
        self.lines.remove(number);
        self.conflicts.remove(&number);
        self.digest ^= mix(number);
        let before = self.entries.put(number.0, Entry::default());
        self.first_hand -= u32::from(before.source == FIRST_HAND);
        true
    }

    /// SHA-256 of the file: each text followed by `\n`, in order.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.lines.for_each(|_, text| {
            hash.update(text);
            hash.update(b"\n");
        });
        hash.finalize().into()
    }

    fn in_range(&self, number: LineNumber) -> bool {
        number.0 <= self.count.unwrap_or(limits::LINES)
    }

    /// The number at the other end of the file that excludes `number`: 0 and N can't both be lines.
    fn other_base(&self, number: LineNumber) -> Option<LineNumber> {
        let count = self.count?;
        let other = LineNumber(if number.0 == 0 { count } else { 0 });
        ((number.0 == 0 || number.0 == count) && self.held.contains(other)).then_some(other)
    }

    /// A first-hand line 0 or N shows that a hearsay line at the other end is wrong.
    fn settle_base(&mut self, drawn: LineNumber) {
        if let Some(other) = self.other_base(drawn)
            && !self.is_first_hand(other)
        {
            self.forget(other);
        }
    }

    fn keep(&mut self, number: LineNumber, text: &[u8], print: u32, source: Source) {
        self.lines.insert(number, text);
        self.note(number, print, source);
    }

    fn note(&mut self, number: LineNumber, print: u32, source: Source) {
        self.learn(number, print, source);
        if self.held.insert(number) {
            self.digest ^= mix(number);
        }
        self.arrivals.push(number);
    }

    fn learn(&mut self, number: LineNumber, print: u32, source: Source) {
        self.entries.put(number.0, Entry { print, source });
        self.first_hand += u32::from(source == FIRST_HAND);
    }

    fn entry(&self, number: LineNumber) -> Entry {
        self.entries.get(number.0)
    }

    fn peer(&self, source: Source) -> Option<PeerId> {
        self.peers.get(usize::from(source).checked_sub(PEERS)?).copied()
    }

    fn source_of(&mut self, peer: PeerId) -> Source {
        let at = self.peers.iter().position(|known| *known == peer).unwrap_or_else(|| {
            if self.peers.len() < usize::from(Source::MAX) - PEERS {
                self.peers.push(peer);
            }
            self.peers.len() - 1
        });
        Source::try_from(at + PEERS).unwrap_or(Source::MAX)
    }

    /// What must hold after every call (the module's first paragraph).
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        assert_eq!(self.lines.len(), self.held.count() as usize, "the map and the bitmap hold the same");
        assert!(self.arrivals.len() >= self.held.count() as usize, "each held line has arrived");
        assert!(
            self.conflicts.keys().all(|number| self.held.contains(*number)),
            "a conflict is about a held line"
        );
    }
}

/// A fingerprint of a text: tells whether a line that comes again is the same without looking into the map.
/// Sixteen bytes at a time; no defence against a forger, who could as well send the forged text first.
fn print(text: &[u8]) -> u32 {
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64 ^ (text.len() as u64);
    let mut step = |chunk: &[u8; 16]| {
        let word = u128::from_le_bytes(*chunk);
        let (low, high) = (word as u64, (word >> 64) as u64);
        let product = u128::from(hash ^ low) * u128::from(high ^ 0xff51_afd7_ed55_8ccd);
        hash = product as u64 ^ (product >> 64) as u64;
    };
    let (chunks, rest) = text.as_chunks();
    chunks.iter().for_each(&mut step);
    match text.last_chunk() {
        _ if rest.is_empty() => {}
        // Some bytes twice.
        Some(last) => step(last),
        None => {
            let mut last = [0; 16];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            step(&last);
        }
    }
    (hash ^ (hash >> 32)) as u32
}

/// SplitMix64's finalizer: spreads a number over 64 bits for the digest.
fn mix(number: LineNumber) -> u64 {
    let mut z = u64::from(number.0).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
