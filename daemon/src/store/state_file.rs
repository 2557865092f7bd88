//! The second copy of the newest state: two slots, written in turn (docs/journal-format.md).
//!
//! Invariant: while one slot is written, the other holds the state before, whole.

use super::disk;
use lineswarm_proto::limits;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const MAGIC: &[u8; 8] = b"lsw-slot";
const HEAD: usize = 8 + 8 + 4 + 4;
const SLOT: u64 = 128 * 1024;
const _: () = assert!((HEAD + limits::STATE_BYTES) as u64 <= SLOT);
/// The upper byte of the length is the kind of the payload, the others are its length.
const KIND_BITS: u32 = 24;

/// What a slot was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Zeros, or beyond the end of the file.
    Empty,
    Damaged,
    /// A whole payload.
    Whole {
        counter: u64,
        /// 0 is a state as postcard; others are of newer versions.
        kind: u8,
        payload: Vec<u8>,
        /// The magic is another one, or the place. Only the checksum tells damage, so the payload counts.
        stranger: bool,
    },
}

/// Writes `state` into its slot, and brings it to the disk.
pub(super) fn write(file: &File, counter: u64, state: &[u8]) -> io::Result<()> {
    let length = u32::try_from(state.len())
        .ok()
        .filter(|&length| length as usize <= limits::STATE_BYTES)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the state does not fit its slot"))?;
    let mut slot = Vec::with_capacity(HEAD + state.len());
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&counter.to_le_bytes());
    slot.extend_from_slice(&length.to_le_bytes());
    slot.extend_from_slice(&checksum(counter, length, state));
    slot.extend_from_slice(state);
    disk::write_at(file, &slot, (counter % 2) * SLOT)?;
    disk::sync(file)
}

/// Both slots.
pub(super) fn read(file: &File) -> io::Result<[Slot; 2]> {
    Ok([read_slot(file, 0)?, read_slot(file, 1)?])
}

fn read_slot(file: &File, index: u64) -> io::Result<Slot> {
    let mut head = [0; HEAD];
    let got = read_up_to(file, &mut head, index * SLOT)?;
    if head.iter().all(|&byte| byte == 0) {
        return Ok(Slot::Empty);
    }
    let Some((counter, length, sum, stranger)) = (|| {
        let (magic, rest) = head.split_first_chunk::<8>()?;
        let (counter, rest) = rest.split_first_chunk::<8>()?;
        let (length, sum) = rest.split_first_chunk::<4>()?;
        let (counter, length) = (u64::from_le_bytes(*counter), u32::from_le_bytes(*length));
        let stranger = magic != MAGIC || counter % 2 != index;
        Some((counter, length, sum, stranger)).filter(|_| got == HEAD)
    })() else {
        return Ok(Slot::Damaged);
    };
    let (kind, bytes) = ((length >> KIND_BITS) as u8, length as usize & ((1 << KIND_BITS) - 1));
    if bytes as u64 > SLOT {
        return Ok(Slot::Damaged);
    }
    let mut payload = vec![0; bytes];
    let whole = read_up_to(file, &mut payload, index * SLOT + HEAD as u64)? == bytes
        && checksum(counter, length, &payload) == sum;
    Ok(if whole { Slot::Whole { counter, kind, payload, stranger } } else { Slot::Damaged })
}

fn checksum(counter: u64, length: u32, state: &[u8]) -> [u8; 4] {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&counter.to_le_bytes());
    crc.update(&length.to_le_bytes());
    crc.update(state);
    crc.finalize().to_le_bytes()
}

fn read_up_to(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    let mut got = 0;
    while let Some(rest) = into.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + got as u64) {
            Ok(0) => break,
            Ok(bytes) => got += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_states() -> (File, Vec<u8>) {
        let file = tempfile::tempfile().unwrap();
        write(&file, 6, b"the state before").unwrap();
        write(&file, 7, b"the newest state").unwrap();
        let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        (file, bytes)
    }

    fn whole(counter: u64, state: &[u8]) -> Slot {
        Slot::Whole { counter, kind: 0, payload: state.to_vec(), stranger: false }
    }

    #[test]
    fn states_take_turns_in_the_two_slots() {
        let (file, _) = two_states();
        assert_eq!(read(&file).unwrap(), [whole(6, b"the state before"), whole(7, b"the newest state")]);
        write(&file, 8, b"short").unwrap();
        assert_eq!(read(&file).unwrap(), [whole(8, b"short"), whole(7, b"the newest state")]);
        assert_eq!(read(&tempfile::tempfile().unwrap()).unwrap(), [Slot::Empty, Slot::Empty]);
    }

    #[test]
    fn a_flipped_byte_costs_its_own_slot_only() {
        let (file, bytes) = two_states();
        let second = usize::try_from(SLOT).unwrap();
        let written = (0..HEAD + 16).chain(second..second + HEAD + 16);
        for at in written {
            for mask in [0x01, 0x80, 0xff] {
                file.write_all_at(&[bytes[at] ^ mask], at as u64).unwrap();
                let slots = read(&file).unwrap();
                let (hit, other) = if at < second { (0, 1) } else { (1, 0) };
                let in_magic = at % second < MAGIC.len();
                let found = &slots[hit];
                assert_eq!(matches!(found, Slot::Whole { stranger: true, .. }), in_magic, "byte {at}");
                assert_eq!(*found == Slot::Damaged, !in_magic, "byte {at}");
                assert!(matches!(slots[other], Slot::Whole { stranger: false, .. }), "byte {at}");
                file.write_all_at(&[bytes[at]], at as u64).unwrap();
            }
        }
    }

    #[test]
    fn a_write_that_was_cut_off_leaves_the_state_before() {
        let (file, bytes) = two_states();
        for end in (usize::try_from(SLOT).unwrap()..bytes.len()).rev() {
            file.set_len(end as u64).unwrap();
            let [before, newest] = read(&file).unwrap();
            assert_eq!(before, whole(6, b"the state before"));
            assert!(!matches!(newest, Slot::Whole { .. }), "cut at {end}");
        }
    }

    #[test]
    fn a_state_that_does_not_fit_its_slot_is_an_error_and_changes_nothing() {
        let (file, _) = two_states();
        let before = read(&file).unwrap();
        assert!(write(&file, 8, &vec![1; 128 * 1024]).is_err());
        assert_eq!(read(&file).unwrap(), before);
    }
}
