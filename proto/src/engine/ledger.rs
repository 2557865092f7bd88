//! The ledger: which lines are held, how sure we are of each, and in what order they came.
//!
//! It alone writes the shared map. A line is missing, or held first hand (this node drew it), or held by hearsay
//! (a peer sent it). First hand beats hearsay at once. Two hearsay texts for one number are a conflict that only a
//! draw settles; two first-hand texts mean that the server does not serve one file, and the job fails.
//! Invariants: the bitmap and the map hold the same numbers; what is first hand is held; the arrival log holds each
//! number at least once; the digest is the exclusive or of the held numbers' mixes.

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
    /// The same, of a line of which that is known.
    Disputed,
    /// A line that the file may have or not: how long it is, is not known, and this is far beyond what was drawn.
    Beyond,
    /// Two first-hand texts for one number.
    TwoTexts,
    /// No line of this file can have this number.
    OutOfRange,
}

/// Which of the known peers sent a line, counted from 1; 0: nobody knows any more.
type Sender = u16;

/// The secret of this process by which texts get their fingerprints: no peer can make a text that has the fingerprint
/// of another one.
#[derive(Clone, Copy)]
pub struct FingerprintKey([u64; 2]);

impl FingerprintKey {
    /// From a seed that nobody else knows.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ 0x6669_6e67_6572_7072);
        Self([rng.u64(..), rng.u64(..)])
    }

    /// Tells nearly always whether a line that comes again is the same, without a look into the map. Sixteen bytes at a
    /// time.
    fn fingerprint(self, text: &[u8]) -> u32 {
        let Self([start, factor]) = self;
        let mut hash = start ^ (text.len() as u64);
        let mut step = |chunk: &[u8; 16]| {
            let word = u128::from_le_bytes(*chunk);
            let (low, high) = (word as u64, (word >> 64) as u64);
            let product = u128::from(hash ^ low) * u128::from(high ^ factor);
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
}

impl core::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FingerprintKey")
    }
}

/// See the module.
#[derive(Debug)]
pub struct Ledger {
    key: FingerprintKey,
    lines: SharedLines,
    count: Option<u32>,
    held: Bitmap,
    first_hand: Bitmap,
    /// Of the held lines' texts. Apart from all else, so that of a large file as many as can be are in the processor's
    /// cache: a line that comes again is looked up here alone.
    fingerprints: Paged<u32>,
    /// Of the lines held by hearsay.
    senders: Paged<Sender>,
    peers: Vec<PeerId>,
    /// Where each of them stands there.
    peer_numbers: BTreeMap<PeerId, Sender>,
    arrivals: Vec<LineNumber>,
    digest: u64,
    conflicts: BTreeMap<LineNumber, PeerId>,
    /// The first text drawn that differs from one drawn before.
    second_text: Option<(LineNumber, Text)>,
}

impl Ledger {
    /// Takes over what the journal gave back. `count` is the file's number of lines, if known.
    #[must_use]
    pub fn new(count: Option<u32>, lines: SharedLines, hearsay: &[LineNumber], key: FingerprintKey) -> Self {
        let mut ledger = Self {
            key,
            lines: lines.clone(),
            count,
            held: Bitmap::default(),
            first_hand: Bitmap::default(),
            fingerprints: Paged::default(),
            senders: Paged::default(),
            peers: Vec::new(),
            peer_numbers: BTreeMap::new(),
            arrivals: Vec::new(),
            digest: 0,
            conflicts: BTreeMap::new(),
            second_text: None,
        };
        let hearsay: Bitmap = hearsay.iter().copied().collect();
        lines.for_each(|number, text| {
            ledger.note(number, key.fingerprint(text));
            if !hearsay.contains(number) {
                ledger.first_hand.insert(number);
            }
        });
        ledger
    }

    /// The same lines, if they are to be kept, with nothing known of where they came from; or an empty ledger.
    #[must_use]
    pub fn anew(&self, count: Option<u32>, lines: SharedLines) -> Self {
        Self::new(count, lines, &[], self.key)
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

    /// The highest number about which a peer's word counts: the file's own, or while that is not known one that is not far
    /// beyond what was drawn. (A peer that speaks of others speaks of them again once the number is known.)
    #[must_use]
    pub fn highest(&self) -> u32 {
        let guess = || {
            let drawn = self.first_hand.last().map_or(0, |last| last.0);
            drawn.saturating_mul(4).clamp(limits::UNCOUNTED, limits::LINES)
        };
        self.count.unwrap_or_else(guess)
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
        self.first_hand.contains(number)
    }

    /// The lines that only peers sent.
    #[must_use]
    pub fn hearsay(&self) -> Vec<LineNumber> {
        self.held.iter().filter(|number| !self.is_first_hand(*number)).collect()
    }

    /// How many lines this node drew itself.
    #[must_use]
    pub fn first_hand(&self) -> u32 {
        self.first_hand.count()
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

    /// These are about to be drawn. Of a large file none is in the processor's cache; looked for one after the other,
    /// they come from memory at the same time; a single one would be waited for all the same.
    pub fn look_ahead(&self, lines: &[(LineNumber, &[u8])]) {
        if lines.len() < 2 {
            return;
        }
        let numbers = || lines.iter().map(|(number, _)| *number);
        core::hint::black_box(numbers().fold(0, |sum, number| sum ^ self.fingerprints.get(number.0)));
        self.lines.look_ahead(numbers().filter(|number| !self.is_first_hand(*number)));
    }

    /// This node drew a line.
    pub fn drawn(&mut self, number: LineNumber, text: &[u8]) -> Arrival {
        let fingerprint = self.key.fingerprint(text);
        let same = self.fingerprints.get(number.0) == fingerprint;
        if self.is_first_hand(number) {
            if same {
                return Arrival::Known;
            }
            self.second_text.get_or_insert_with(|| (number, text.into()));
            return Arrival::TwoTexts;
        }
        if !self.in_range(number) {
            return Arrival::OutOfRange;
        }
        let arrival = if !self.held.contains(number) {
            self.keep(number, text, fingerprint);
            Arrival::New
        } else if same && self.holds(number, text) {
            self.conflicts.remove(&number).map_or(Arrival::Confirmed, |peer| Arrival::Corrected(Some(peer)))
        } else {
            self.conflicts.remove(&number);
            self.keep(number, text, fingerprint);
            Arrival::Corrected(self.sender(number))
        };
        self.first_hand.insert(number);
        self.settle_base(number);
        arrival
    }

    /// A peer sent a line.
    pub fn heard(&mut self, number: LineNumber, text: &[u8], from: PeerId) -> Arrival {
        if number.0 > self.highest() {
            return if self.count.is_some() { Arrival::OutOfRange } else { Arrival::Beyond };
        }
        let fingerprint = self.key.fingerprint(text);
        if self.held.contains(number) {
            return match (self.fingerprints.get(number.0) == fingerprint, self.is_first_hand(number)) {
                (true, _) => Arrival::Known,
                (false, true) => Arrival::Contradiction,
                (false, false) if self.conflicts.insert(number, from).is_some() => Arrival::Disputed,
                (false, false) => Arrival::Conflict,
            };
        }
        if let Some(other) = self.other_base(number)
            && self.is_first_hand(other)
        {
            return Arrival::Contradiction;
        }
        self.keep(number, text, fingerprint);
        let sender = self.number_of(from);
        self.senders.put(number.0, sender);
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
        self.first_hand.remove(number);
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

    /// Byte for byte. Asked where trust is raised, once for each line: there a fingerprint does not suffice.
    fn holds(&self, number: LineNumber, text: &[u8]) -> bool {
        self.lines.get(number, |held| held == text) == Some(true)
    }

    fn keep(&mut self, number: LineNumber, text: &[u8], fingerprint: u32) {
        self.lines.insert(number, text);
        self.note(number, fingerprint);
    }

    fn note(&mut self, number: LineNumber, fingerprint: u32) {
        self.fingerprints.put(number.0, fingerprint);
        if self.held.insert(number) {
            self.digest ^= mix(number);
        }
        self.arrivals.push(number);
    }

    /// Who sent the text that was held by hearsay.
    fn sender(&self, number: LineNumber) -> Option<PeerId> {
        self.peers.get(usize::from(self.senders.get(number.0)).checked_sub(1)?).copied()
    }

    /// Beyond as many peers as have numbers nobody is remembered.
    fn number_of(&mut self, peer: PeerId) -> Sender {
        if let Some(&number) = self.peer_numbers.get(&peer) {
            return number;
        }
        let Ok(number) = Sender::try_from(self.peers.len() + 1) else { return 0 };
        self.peers.push(peer);
        self.peer_numbers.insert(peer, number);
        number
    }

    /// What must hold after every call (the module's first paragraph).
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        assert_eq!(self.lines.len(), self.held.count() as usize, "the map and the bitmap hold the same");
        let mut unheld = self.first_hand.clone();
        unheld.subtract(&self.held);
        assert!(unheld.is_empty(), "what is first hand is held");
        assert!(self.arrivals.len() >= self.held.count() as usize, "each held line has arrived");
        assert!(
            self.conflicts.keys().all(|number| self.held.contains(*number)),
            "a conflict is about a held line"
        );
    }
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
