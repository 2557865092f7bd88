//! A state directory with any journal and any state file: bytes as they are, or whole records with right checksums between
//! bytes of damage.
//!
//! Promised: every byte of a journal is part of a record or of damage, once and in order, however the file is read; a
//! record that is given out has a right checksum; what is read back holds nothing that cannot be written again.

#[path = "../../daemon/src/store/disk.rs"]
mod disk;
#[path = "../../daemon/src/store/error.rs"]
mod error;
#[path = "../../daemon/src/store/journal.rs"]
mod journal;
#[path = "../../daemon/src/store/node_key.rs"]
mod node_key;
#[path = "../../daemon/src/store/ops.rs"]
mod ops;
#[path = "../../daemon/src/store/recover.rs"]
mod recover;
#[path = "../../daemon/src/store/state_file.rs"]
mod state_file;

use crate::bytes::Bytes;
use error::StoreError;
use journal::{Appender, Found, HEADER, Scanner, Tag};
use lineswarm_proto::{
    engine::state::Durable,
    ids::{JobId, LineNumber},
    limits,
};
use node_key::NodeKey;
use std::{fs, io::Read, path::Path};

// As in daemon/src/store/mod.rs, which starts threads and is left out.
const JOURNAL: &str = "journal";
const JOURNAL_NEW: &str = "journal.new";
const STATE: &str = "state";

const MARKER: [u8; 4] = [b'\n', 0xf5, b'L', b'R'];
const HEAD: usize = 17;
const SLOT: usize = 128 * 1024;

fn durable(number: u8) -> Durable {
    let job = JobId { swarm: "s".into(), epoch: u64::from(number % 3), lines: 100, label: "f".into() };
    Durable { job, server: "h:1".into(), ..Durable::default() }
}

/// The tag of a job, as the appender writes it.
fn tag_of(number: u8) -> [u8; 4] {
    use sha2::{Digest, Sha256};
    let job = durable(number).job;
    let name = postcard::to_stdvec(&(&job.swarm, job.epoch, &job.label)).unwrap_or_default();
    Sha256::digest(name).first_chunk().copied().unwrap_or_default()
}

fn record(tag: [u8; 4], kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let summed = [&tag[..], &length, &[kind]].concat();
    let mut sum = crc32fast::Hasher::new();
    sum.update(&summed);
    sum.update(payload);
    [&MARKER[..], &summed, &sum.finalize().to_le_bytes(), payload].concat()
}

/// Records and damage, as `bytes` wish.
pub(crate) fn made(mut bytes: Bytes<'_>) -> Vec<u8> {
    let mut journal = if bytes.flag() { HEADER.to_vec() } else { Vec::new() };
    while !bytes.is_empty() {
        let (what, number) = (bytes.byte(), bytes.byte());
        let whole = match what % 6 {
            0 | 1 => {
                let text = bytes.piece();
                record(tag_of(what), 1, &[&u32::from(number).to_le_bytes()[..], &[what >> 7], text].concat())
            }
            2 => {
                let state = postcard::to_stdvec(&durable(number)).unwrap_or_default();
                record(tag_of(number), 2, &[&u64::from(what).to_le_bytes()[..], &state].concat())
            }
            3 => record(tag_of(what), number, bytes.piece()),
            4 => record(tag_of(what), number % 3, &vec![what; bytes.short() * 2]),
            _ => bytes.piece().to_vec(),
        };
        // Some are torn.
        let kept = if what >= 0xf0 { whole.len() * usize::from(number) / 256 } else { whole.len() };
        journal.extend_from_slice(whole.get(..kept).unwrap_or_default());
    }
    journal
}

/// Gives a few bytes at a time.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = into.len().min(7);
        self.0.read(into.get_mut(..most).unwrap_or_default())
    }
}

/// What a journal holds, in words that outlive the scanner.
fn scan(from: impl Read, bytes: &[u8]) -> Vec<String> {
    let mut scanner = Scanner::new(from);
    let mut at = if bytes.starts_with(HEADER) { HEADER.len() } else { 0 };
    let mut story = Vec::new();
    loop {
        let found = scanner.next().map(|found| {
            found.map(|found| {
                (
                    format!("{found:?}"),
                    matches!(found, Found::Damage { .. }),
                    match found {
                        Found::Damage { at, bytes, .. } => Some((at, bytes)),
                        _ => None,
                    },
                )
            })
        });
        let Ok(Some((found, is_damage, place))) = found else { break };
        let end = usize::try_from(scanner.position()).unwrap_or(usize::MAX);
        if end == 0 && story.is_empty() {
            // A header with a greater number: nothing is taken yet.
            story.push(found);
            continue;
        }
        let piece = bytes.get(at..end).unwrap_or_default();
        assert!(!piece.is_empty(), "every piece takes the scanner on");
        if let Some((from, length)) = place {
            assert_eq!((from as usize, length as usize), (at, piece.len()), "damage says where it is");
        }
        if !is_damage {
            let tag = piece.get(4..8).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
            let kind = piece.get(12).copied().unwrap_or_default();
            assert_eq!(piece, record(tag, kind, piece.get(HEAD..).unwrap_or_default()), "a whole record");
        }
        at = end;
        story.push(found);
    }
    assert_eq!(at, bytes.len(), "nothing is left out");
    story
}

/// What was read back, written as the store's thread writes it, reads back to the same without damage.
fn is_lasting(found: &recover::Contents, dir: &Path) -> std::io::Result<()> {
    let Some(state) = &found.state else { return Ok(()) };
    let file = fs::File::create(dir.join(JOURNAL))?;
    let mut journal = Appender::new(&file, Tag::of(&state.job), 0, 0);
    let bytes = postcard::to_stdvec(state).map_err(std::io::Error::other)?;
    journal.state(found.counter, &bytes)?;
    for (number, kept) in all_kept(found) {
        let text = found.lines.get(number, <[u8]>::to_vec).unwrap_or_default();
        assert!(number.0 <= limits::LINES && text.len() <= limits::TEXT_BYTES && !text.contains(&b'\n'));
        assert_eq!(crc32fast::hash(&text), kept.sum);
        journal.line(number, kept.first_hand, &text)?;
    }
    let end = journal.sync()?;
    let _ = fs::remove_file(dir.join(STATE));
    let slots = disk::open(&dir.join(STATE))?;
    for later in 1..=2 {
        state_file::write(&slots, found.counter.saturating_add(later), &bytes)?;
    }
    let again = recover::read(dir).map_err(std::io::Error::other)?;
    assert_eq!((&again.state, again.end), (&found.state, end));
    assert_eq!(all_kept(&again), all_kept(found));
    assert!(
        again.fate == recover::Fate::Known && !again.damaged && again.notes.is_empty(),
        "{:?}",
        again.notes
    );
    Ok(())
}

pub(crate) fn run(bytes: &[u8]) {
    thread_local! {
        // In memory where there is such a place: syncing to a disk would be all that is done.
        static PLACE: Option<tempfile::TempDir> =
            tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).ok();
    }
    let mut bytes = Bytes(bytes);
    let (way, slots) = (bytes.byte(), bytes.piece());
    let journal = if way & 1 == 1 { bytes.0.to_vec() } else { made(bytes) };
    let story = scan(journal.as_slice(), &journal);
    assert_eq!(story, scan(Slow(&journal), &journal), "however it is read");
    let Some(dir) = PLACE.with(|place| place.as_ref().map(|place| place.path().to_owned())) else { return };
    let written =
        fs::write(dir.join(JOURNAL), &journal).and_then(|()| fs::write(dir.join(STATE), state(way, slots)));
    assert!(written.is_ok(), "{written:?}");
    match recover::read(&dir) {
        Ok(found) => {
            assert!(found.state.is_some() || found.lines.is_empty());
            assert!(found.kept.numbers().eq(numbers(&found)), "a line is kept or it is not");
            let lasting = is_lasting(&found, &dir);
            assert!(lasting.is_ok(), "{lasting:?}");
        }
        Err(error) => assert!(matches!(error, StoreError::Newer { .. }), "{error}"),
    }
}

fn all_kept(found: &recover::Contents) -> Vec<(LineNumber, ops::Kept)> {
    found.kept.numbers().filter_map(|number| Some((number, found.kept.get(number)?))).collect()
}

fn numbers(found: &recover::Contents) -> Vec<LineNumber> {
    let mut numbers = Vec::new();
    found.lines.for_each(|number, _| numbers.push(number));
    numbers
}

/// A state file: nothing, bytes as they are, or slots whose checksums are right.
fn state(way: u8, bytes: &[u8]) -> Vec<u8> {
    let slot = |counter: u8, state: &[u8]| {
        let (counter, length) = (u64::from(counter).to_le_bytes(), (state.len() as u32).to_le_bytes());
        let mut sum = crc32fast::Hasher::new();
        [&counter[..], &length, state].iter().for_each(|part| sum.update(part));
        let mut slot = [b"lsw-slot", &counter[..], &length, &sum.finalize().to_le_bytes(), state].concat();
        slot.resize(SLOT, 0);
        slot
    };
    let mut bytes = Bytes(bytes);
    match way >> 1 & 3 {
        0 => Vec::new(),
        1 => bytes.0.to_vec(),
        2 => {
            let state = postcard::to_stdvec(&durable(bytes.byte())).unwrap_or_default();
            let mut file = slot(bytes.byte() & 0xfe, &state);
            file.extend_from_slice(bytes.0);
            file
        }
        _ => [slot(bytes.byte(), bytes.piece()), slot(bytes.byte(), bytes.0)].concat(),
    }
}
