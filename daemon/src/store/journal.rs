//! The journal's records (docs/journal-format.md): encoding them, and finding them again in a file that
//! may be damaged anywhere.
//!
//! Invariant: what [`Scanner`] gives out as a record is byte for byte what was appended, or its CRC-32 lies;
//! damage costs the records that it touches and no other. Memory stays within one record.

use super::disk;
use lineswarm_proto::{ids::JobId, ids::LineNumber, limits};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};

/// The version of the format, as in [`HEADER`].
pub(crate) const JOURNAL_VERSION: u32 = 1;
pub(super) const HEADER: &[u8] = b"lineswarm-journal 1\n";
/// How every version's header starts. The version follows as a decimal number, and a newline.
const MAGIC: &[u8] = b"lineswarm-journal ";
/// The digits of a version that are looked at.
const DIGITS: usize = 20;
const MARKER: [u8; 4] = [b'\n', 0xf5, b'L', b'R'];
const HEAD: usize = 4 + 4 + 4 + 1 + 4;
const LINE: u8 = 1;
const STATE: u8 = 2;
/// The longest payload that this version writes: the longest line, or the largest state with its counter.
const PAYLOAD: usize = max(limits::TEXT_BYTES + 5, limits::STATE_BYTES + 8);
/// The longest payload of any version: a longer one is damage, not news.
const PAYLOAD_EVER: usize = 1024 * 1024;
const _: () = assert!(PAYLOAD <= PAYLOAD_EVER);
/// Appended records are written when they pass this many bytes.
const WRITE: usize = 16 * 1024;
/// So much is read at once.
const READ: usize = 64 * 1024;

/// Says of which job a record is, so that the lines of two files are never mixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tag([u8; 4]);

impl Tag {
    /// The count of lines stays out: it may become known in the middle of a job.
    pub(super) fn of(job: &JobId) -> Self {
        let name = postcard::to_stdvec(&(&job.swarm, job.epoch, &job.label)).unwrap_or_default();
        let digest = Sha256::digest(name);
        Self(digest.first_chunk().copied().unwrap_or_default())
    }
}

/// Appends records at the end of the whole part of a file. Nothing counts before [`Appender::sync`].
#[derive(Debug)]
pub(super) struct Appender<'a> {
    file: &'a File,
    tag: Tag,
    end: u64,
    /// How long the file was.
    length: u64,
    buffer: Vec<u8>,
}

impl<'a> Appender<'a> {
    /// `end` is where the whole part of the file ends, which has `length` bytes; 0 writes a header first.
    pub(super) fn new(file: &'a File, tag: Tag, end: u64, length: u64) -> Self {
        let buffer = if end == 0 { HEADER.to_vec() } else { Vec::new() };
        Self { file, tag, end, length, buffer }
    }

    /// Writes nothing to the file, as the shared map is locked by the caller: [`Appender::drain`] does.
    pub(super) fn line(&mut self, number: LineNumber, first_hand: bool, text: &[u8]) -> io::Result<()> {
        self.record(LINE, &[&number.0.to_le_bytes(), &[u8::from(first_hand)], text])
    }

    /// `state` is postcard.
    pub(super) fn state(&mut self, counter: u64, state: &[u8]) -> io::Result<()> {
        self.record(STATE, &[&counter.to_le_bytes(), state])
    }

    fn record(&mut self, kind: u8, payload: &[&[u8]]) -> io::Result<()> {
        let length = payload.iter().map(|part| part.len()).sum::<usize>();
        let length = u32::try_from(length)
            .ok()
            .filter(|&length| length as usize <= PAYLOAD)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the record is too long"))?;
        let mut sum = crc32fast::Hasher::new();
        let head: [&[u8]; 3] = [&self.tag.0, &length.to_le_bytes(), &[kind]];
        head.iter().chain(payload).for_each(|part| sum.update(part));
        self.buffer.extend_from_slice(&MARKER);
        head.iter().for_each(|part| self.buffer.extend_from_slice(part));
        self.buffer.extend_from_slice(&sum.finalize().to_le_bytes());
        payload.iter().for_each(|part| self.buffer.extend_from_slice(part));
        Ok(())
    }

    /// What was appended is worth a call.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= WRITE
    }

    /// Writes what was appended, if it is worth a call.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        if self.is_full() { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        disk::write_at(self.file, &self.buffer, self.end)?;
        self.end = self.end.saturating_add(self.buffer.len() as u64);
        self.buffer.clear();
        Ok(())
    }

    /// Brings all to the disk, cuts what an earlier failed attempt left behind, and gives the new end.
    pub(super) fn sync(mut self) -> io::Result<u64> {
        self.flush()?;
        if self.length > self.end {
            disk::set_len(self.file, self.end)?;
        }
        disk::sync(self.file)?;
        Ok(self.end)
    }
}

/// What stands next in a journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Line {
        tag: Tag,
        number: LineNumber,
        first_hand: bool,
        text: &'a [u8],
    },
    State {
        tag: Tag,
        counter: u64,
        state: &'a [u8],
    },
    /// Of a newer version: a header with a greater number, or a record that has its checksum and means nothing here.
    Newer {
        what: String,
    },
    /// `bytes` that are part of no whole record; `tail` if the file ends with them.
    Damage {
        at: u64,
        bytes: u64,
        tail: bool,
    },
}

/// Reads a journal record by record, whatever its bytes.
#[derive(Debug)]
pub(super) struct Scanner<R> {
    from: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are done with.
    done: usize,
    /// Where in the file `done` is.
    at: u64,
    header_whole: Option<bool>,
}

impl<R: Read> Scanner<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, buffer: Vec::new(), done: 0, at: 0, header_whole: None }
    }

    /// Where the last record that was given out ends.
    pub(super) fn position(&self) -> u64 {
        self.at
    }

    /// The next record or stretch of damage; `None` at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<Option<Found<'_>>> {
        if self.header_whole.is_none() {
            let start = self.ahead(MAGIC.len() + DIGITS + 1)?;
            let (whole, version) = (start.starts_with(HEADER), version_of(start));
            self.header_whole = Some(whole);
            if whole {
                self.consume(HEADER.len());
            } else if let Some(version) = version.filter(|version| *version > u64::from(JOURNAL_VERSION)) {
                return Ok(Some(Found::Newer { what: format!("its format has the number {version}") }));
            }
        }
        let mut damaged = 0u64;
        let start = self.at;
        let length = loop {
            if let Some(length) = self.record_length()? {
                break length;
            }
            let skipped = self.skip_to_marker()?;
            if skipped == 0 {
                let tail = Found::Damage { at: start, bytes: damaged, tail: true };
                return Ok((damaged > 0).then_some(tail));
            }
            damaged = damaged.saturating_add(skipped as u64);
        };
        if damaged > 0 {
            return Ok(Some(Found::Damage { at: start, bytes: damaged, tail: false }));
        }
        self.consume(length);
        let record = self.buffer.get(self.done.saturating_sub(length)..self.done).unwrap_or_default();
        Ok(Some(understood(record).unwrap_or_else(|| {
            let kind = record.get(12).copied().unwrap_or_default();
            Found::Newer { what: format!("it has a record of an unknown kind ({kind}) at byte {start}") }
        })))
    }

    /// The length of the whole record that starts here, if one does.
    fn record_length(&mut self) -> io::Result<Option<usize>> {
        let Some(length) = self.ahead(HEAD)?.get(8..12).and_then(|bytes| bytes.try_into().ok()) else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(length) as usize;
        if length > PAYLOAD_EVER || !self.ahead(MARKER.len())?.starts_with(&MARKER) {
            return Ok(None);
        }
        let record = self.ahead(HEAD + length)?;
        let (Some(head), Some(sum), Some(payload)) =
            (record.get(4..13), record.get(13..HEAD), record.get(HEAD..HEAD + length))
        else {
            return Ok(None);
        };
        let mut crc = crc32fast::Hasher::new();
        crc.update(head);
        crc.update(payload);
        Ok((crc.finalize().to_le_bytes() == sum).then_some(HEAD + length))
    }

    /// Skips at least one byte, up to the next place where a record may start. 0 at the end of the file.
    fn skip_to_marker(&mut self) -> io::Result<usize> {
        let ahead = self.ahead(READ)?;
        let rest = ahead.get(1..).unwrap_or_default();
        let skip = match rest.windows(MARKER.len()).position(|window| window == MARKER) {
            Some(at) => at + 1,
            // The last bytes may be the start of a marker whose end is not read yet.
            None if ahead.len() >= READ => ahead.len() - MARKER.len() + 1,
            None => ahead.len(),
        };
        self.consume(skip);
        Ok(skip)
    }

    fn consume(&mut self, bytes: usize) {
        self.done = self.done.saturating_add(bytes).min(self.buffer.len());
        self.at = self.at.saturating_add(bytes as u64);
    }

    /// What comes next: at least `bytes`, unless the file ends before.
    fn ahead(&mut self, bytes: usize) -> io::Result<&[u8]> {
        if self.buffer.len().saturating_sub(self.done) < bytes {
            self.buffer.drain(..self.done);
            self.done = 0;
            let missing = bytes.saturating_sub(self.buffer.len()).max(READ) as u64;
            self.from.by_ref().take(missing).read_to_end(&mut self.buffer)?;
        }
        Ok(self.buffer.get(self.done..).unwrap_or_default())
    }
}

/// The version that a header names.
fn version_of(start: &[u8]) -> Option<u64> {
    let digits = start.strip_prefix(MAGIC)?;
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = std::str::from_utf8(digits.get(..count)?).ok().filter(|digits| !digits.is_empty())?;
    Some(digits.parse().unwrap_or(u64::MAX))
}

const fn max(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

/// Takes a whole record apart. None if this version does not understand it.
fn understood(record: &[u8]) -> Option<Found<'_>> {
    let tag = Tag(record.get(4..8)?.try_into().ok()?);
    let payload = record.get(HEAD..)?;
    match *record.get(12)? {
        LINE => {
            let (number, rest) = payload.split_first_chunk()?;
            let (&flag, text) = rest.split_first()?;
            let number = LineNumber(u32::from_le_bytes(*number));
            let sound = number.0 <= limits::LINES
                && flag <= 1
                && text.len() <= limits::TEXT_BYTES
                && !text.contains(&b'\n');
            sound.then_some(Found::Line { tag, number, first_hand: flag == 1, text })
        }
        STATE => {
            let (counter, state) = payload.split_first_chunk()?;
            Some(Found::State { tag, counter: u64::from_le_bytes(*counter), state })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
