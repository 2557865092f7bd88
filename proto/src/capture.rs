//! Captures (docs/capture-format.md): all that an engine is told, as bytes, so that it can be told again.
//!
//! [`Recorder`] makes records of inputs and keeps a digest of effects; [`replay`] puts records through an engine and
//! compares. Neither knows a file. Invariant: what is read is byte for byte what was written, or its checksum lies.

pub mod replay;
#[cfg(test)]
mod tests;

use crate::{
    engine::{
        Restored,
        io::{Effect, Input},
        settings::Settings,
        state::Durable,
    },
    ids::LineNumber,
    time::Moment,
    wire::frame,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// The first line of every capture.
pub const HEADER: &[u8] = b"lineswarm-capture 1\n";
/// What an end takes at most: room that is kept for it.
pub const END_BYTES: usize = 512;
const CHECKSUM: usize = 4;

/// The records' numbers.
mod number {
    pub(super) const START: u8 = 1;
    pub(super) const LINE: u8 = 2;
    pub(super) const INPUT: u8 = 3;
    pub(super) const END: u8 = 4;
}

/// What an engine is made of, but for its lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The version of the program that recorded.
    pub program: String,
    /// What the engine was told.
    pub settings: Settings,
    /// All its randomness.
    pub seed: u64,
    /// What the store had.
    pub state: Option<Durable>,
    /// The number of the last event before.
    pub last_event: u64,
    /// How many lines follow.
    pub lines: u32,
}

/// A line that the store had.
#[derive(Debug, Serialize, Deserialize)]
struct Line<'a> {
    number: LineNumber,
    hearsay: bool,
    text: &'a [u8],
}

/// An input, and what came of all before it.
#[derive(Debug, Serialize, Deserialize)]
struct Told<'a> {
    so_far: Mark,
    #[serde(borrow)]
    input: Input<'a>,
}

/// The last record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    so_far: Mark,
    /// Why nothing follows.
    pub why: String,
}

/// What a digest comes to: equal for equal effects.
pub type Mark = [u8; 8];

/// SHA-256 over effects, in order.
#[derive(Clone, Debug, Default)]
struct Effects {
    sum: Sha256,
    count: u64,
    scratch: Vec<u8>,
}

impl Effects {
    fn add(&mut self, effect: &Effect) {
        let mut bytes = core::mem::take(&mut self.scratch);
        bytes.clear();
        // Into memory it can't fail.
        if let Ok(bytes) = postcard::to_extend(effect, bytes) {
            self.sum.update(&bytes);
            self.scratch = bytes;
        }
        self.count += 1;
    }

    fn mark(&self) -> Mark {
        self.sum.clone().finalize().first_chunk().copied().unwrap_or_default()
    }
}

/// Makes the records of one engine's life. Each call that takes `out` appends one record to it.
#[derive(Debug, Default)]
pub struct Recorder {
    effects: Effects,
}

impl Recorder {
    /// The first line and the start.
    pub fn start(&self, out: &mut Vec<u8>, start: &Start, now: Moment) {
        out.extend_from_slice(HEADER);
        record(out, number::START, now, start);
    }

    /// A line of those that the start counted.
    pub fn line(&self, out: &mut Vec<u8>, number: LineNumber, hearsay: bool, text: &[u8], now: Moment) {
        record(out, number::LINE, now, &Line { number, hearsay, text });
    }

    /// What the engine is about to hear.
    pub fn input(&self, out: &mut Vec<u8>, input: &Input<'_>, now: Moment) {
        record(out, number::INPUT, now, &Told { so_far: self.effects.mark(), input: input.clone() });
    }

    /// What the engine did then.
    pub fn effect(&mut self, effect: &Effect) {
        self.effects.add(effect);
    }

    /// Nothing follows; `why` is short.
    pub fn end(&self, out: &mut Vec<u8>, why: &str, now: Moment) {
        let why = why.chars().take(100).collect();
        record(out, number::END, now, &End { so_far: self.effects.mark(), why });
    }
}

impl Start {
    /// What an engine is made of.
    #[must_use]
    pub fn new(program: &str, settings: &Settings, restored: &Restored, seed: u64) -> Self {
        Self {
            program: program.into(),
            settings: settings.clone(),
            seed,
            state: restored.state.clone(),
            last_event: restored.last_event,
            lines: u32::try_from(restored.lines.len()).unwrap_or(u32::MAX),
        }
    }
}

fn record(out: &mut Vec<u8>, number: u8, now: Moment, body: &impl Serialize) {
    frame::write(out, number, now.0, |out| {
        let start = out.len();
        // Into memory it can't fail, and a record without a body would not read back.
        if let Ok(whole) = postcard::to_extend(body, core::mem::take(out)) {
            *out = whole;
        }
        let sum = checksum(number, now, out.get(start..).unwrap_or_default());
        out.extend_from_slice(&sum);
    });
}

fn checksum(number: u8, now: Moment, body: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&[number]);
    sum.update(&now.0.to_le_bytes());
    sum.update(body);
    sum.finalize().to_le_bytes()
}

/// A body of which every byte is meant.
fn body<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

/// The same, owned.
fn owned<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    body(bytes)
}
