//! What flipped, cut, lost and mixed up files cost.

use super::*;
use crate::store::recover::verify;

#[test]
fn a_flipped_byte_in_the_journal_costs_its_own_line_only_and_never_reads_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let written = texts(&small_store(dir.path(), 5).lines);
    let path = dir.path().join(JOURNAL);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        fs::write(&path, &bytes).unwrap();
        let found = recover::read(dir.path()).unwrap();
        assert_eq!(found.state, Some(state(1, 5)), "byte {at}");
        let read = texts(&found.lines);
        assert!(read.len() + 1 >= written.len(), "byte {at}: {read:?}");
        assert!(read.iter().all(|(number, text)| written.get(number) == Some(text)), "byte {at}: {read:?}");
        assert!(found.hearsay().iter().all(|number| number.0 % 3 == 0), "byte {at}");
        assert_eq!(found.notes.len(), 1, "byte {at}: the log says so");
    }
}

#[test]
fn a_journal_cut_at_any_length_keeps_its_beginning_and_the_newest_state() {
    let dir = tempfile::tempdir().unwrap();
    let written = texts(&small_store(dir.path(), 5).lines);
    let path = dir.path().join(JOURNAL);
    let whole = fs::read(&path).unwrap();
    let mut before = 0;
    for end in 0..=whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let found = recover::read(dir.path()).unwrap();
        assert_eq!(found.state, Some(state(1, 5)), "cut at {end}");
        let read = texts(&found.lines);
        assert!(read.iter().eq(written.iter().take(read.len())), "cut at {end}: {read:?}");
        assert!(read.len() >= before);
        before = read.len();
    }
    assert_eq!(before, written.len());
}

#[test]
fn a_damaged_journal_is_written_anew_and_the_next_start_has_nothing_to_say() {
    let dir = tempfile::tempdir().unwrap();
    small_store(dir.path(), 9);
    let path = dir.path().join(JOURNAL);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes.truncate(bytes.len() - 3);
    fs::write(&path, &bytes).unwrap();
    let (mut opened, recovered) = open(dir.path());
    assert!(recovered.notes.len() >= 2, "{:?}", recovered.notes);
    assert!(recovered.lines.len() >= 7 && recovered.lines.len() < 9);
    // The lines that were drawn again.
    for number in 0..9 {
        hold(&mut opened, &recovered.lines, number, &format!("text {number}"), true);
    }
    opened.store.close().unwrap();
    let (opened, healed) = open(dir.path());
    assert_eq!((healed.lines.len(), healed.notes.len(), healed.hearsay.len()), (9, 0, 0));
    opened.store.close().unwrap();
}

#[test]
fn either_copy_of_the_state_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    small_store(dir.path(), 3);
    let (journal, slots) = (dir.path().join(JOURNAL), dir.path().join(STATE));
    let (whole_journal, whole_slots) = (fs::read(&journal).unwrap(), fs::read(&slots).unwrap());
    fs::remove_file(&slots).unwrap();
    assert_eq!(recover::read(dir.path()).unwrap().state, Some(state(1, 5)), "from the journal");
    fs::write(&slots, vec![0xff; whole_slots.len()]).unwrap();
    let found = recover::read(dir.path()).unwrap();
    assert_eq!((found.state, found.notes.len()), (Some(state(1, 5)), 1), "from the journal");
    fs::write(&slots, &whole_slots).unwrap();
    fs::remove_file(&journal).unwrap();
    assert_eq!(recover::read(dir.path()).unwrap().state, Some(state(1, 5)), "from the slots");
    fs::write(&journal, &whole_journal).unwrap();
    // Both slots are healed by the next start.
    fs::write(&slots, vec![0xff; whole_slots.len()]).unwrap();
    let (mut opened, recovered) = open(dir.path());
    opened.put(1, &state(1, 6), &recovered.lines);
    opened.store.close().unwrap();
    let report = verify(dir.path());
    assert_eq!((report.slots, report.lines, report.problems), (2, 3, Vec::new()));
}

#[test]
fn a_node_whose_state_is_lost_comes_back_as_another_one_and_keeps_the_remains() {
    let dir = tempfile::tempdir().unwrap();
    let before = small_store(dir.path(), 3);
    for name in [JOURNAL, STATE] {
        let path = dir.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        // One byte in every ten: no record survives.
        bytes.iter_mut().step_by(10).for_each(|byte| *byte ^= 0x55);
        fs::write(&path, bytes).unwrap();
    }
    let (mut opened, recovered) = open(dir.path());
    assert_eq!(recovered.reborn, Some(Reborn::StateLost(Some(before.key.id()))));
    assert!(recovered.state.is_none() && recovered.lines.is_empty());
    assert_ne!(recovered.key.id(), before.key.id());
    assert!(!recovered.notes.is_empty());
    let aside = dir.path().join("old-0");
    assert!([JOURNAL, STATE, node_key::FILE].iter().all(|name| aside.join(name).exists()));
    opened.put(1, &state(2, 1), &recovered.lines);
    opened.store.close().unwrap();
    let (opened, again) = open(dir.path());
    assert!(again.reborn.is_none() && again.notes.is_empty());
    assert_eq!((again.state, again.key), (Some(state(2, 1)), recovered.key));
    opened.store.close().unwrap();
}

#[test]
fn lines_of_another_job_are_never_read_whatever_was_mixed_up() {
    let dir = tempfile::tempdir().unwrap();
    small_store(dir.path(), 3);
    let foreign = fs::read(dir.path().join(JOURNAL)).unwrap();
    let (mut opened, _) = open(dir.path());
    opened.put(1, &state(9, 9), &SharedLines::new());
    opened.store.close().unwrap();
    fs::write(dir.path().join(JOURNAL), foreign).unwrap();
    let found = recover::read(dir.path()).unwrap();
    assert_eq!(found.state, Some(state(9, 9)));
    assert!(found.lines.is_empty() && found.notes.iter().any(|note| note.contains("another job")));
}

#[test]
fn a_journal_that_was_whole_but_not_yet_renamed_counts() {
    let dir = tempfile::tempdir().unwrap();
    small_store(dir.path(), 4);
    // Killed between moving the old journal aside and renaming the new one.
    fs::rename(dir.path().join(JOURNAL), dir.path().join(JOURNAL_NEW)).unwrap();
    let (opened, recovered) = open(dir.path());
    assert_eq!(recovered.lines.len(), 4);
    opened.store.close().unwrap();
    // Killed before that: the old one counts, and the unfinished one is removed.
    fs::write(dir.path().join(JOURNAL_NEW), b"unfinished").unwrap();
    let (opened, recovered) = open(dir.path());
    assert_eq!((recovered.lines.len(), recovered.notes.len()), (4, 0));
    opened.store.close().unwrap();
    assert!(!dir.path().join(JOURNAL_NEW).exists());
}

#[test]
fn verify_tells_sound_from_damaged() {
    let dir = tempfile::tempdir().unwrap();
    small_store(dir.path(), 3);
    let (mut opened, _) = open(dir.path());
    opened.store.verify(8);
    let Ack::Verified(8, report) = opened.ack() else { panic!("another ack") };
    assert_eq!((report.lines, report.problems), (3, Vec::new()));
    opened.store.close().unwrap();
    let path = dir.path().join(JOURNAL);
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    let report = verify(dir.path());
    assert_eq!(report.problems.len(), 1, "{report:?}");
}
