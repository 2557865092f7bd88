//! A node that can't know whom it voted for, and files of a newer version.

use super::*;
use crate::exit::Exit;
use std::os::unix::fs::FileExt;

/// What may have become of a file.
type Loss = (&'static str, fn(&Path));

const LOSSES: [Loss; 6] = [
    ("whole", |_| {}),
    ("missing", |path| fs::remove_file(path).unwrap()),
    ("empty", |path| fs::write(path, b"").unwrap()),
    ("zeros", |path| fs::write(path, vec![0; fs::metadata(path).unwrap().len() as usize]).unwrap()),
    ("half zeros", |path| {
        let half = fs::metadata(path).unwrap().len() / 2;
        fs::OpenOptions::new()
            .write(true)
            .open(path)
            .unwrap()
            .write_all_at(&vec![0; half as usize], half)
            .unwrap();
    }),
    ("noise", |path| fs::write(path, vec![0xa5; fs::metadata(path).unwrap().len() as usize]).unwrap()),
];

/// A store that has voted in term 9.
fn voted(dir: &Path) -> PeerId {
    let recovered = small_store(dir, 6);
    let (mut opened, _) = open(dir);
    for term in 6..=9 {
        opened.put(term, &state(1, term), &recovered.lines);
    }
    opened.store.close().unwrap();
    recovered.key.id()
}

#[test]
fn a_node_that_cannot_know_whom_it_voted_for_comes_back_as_another_whatever_was_lost() {
    let mut reborn = 0;
    for (of_journal, lose_journal) in LOSSES {
        for (of_state, lose_state) in LOSSES {
            let case = format!("journal {of_journal}, state {of_state}");
            let dir = tempfile::tempdir().unwrap();
            let id = voted(dir.path());
            lose_journal(&dir.path().join(JOURNAL));
            lose_state(&dir.path().join(STATE));
            let (opened, found) = open(dir.path());
            if found.key.id() == id {
                let state = found.state.expect(&case);
                assert_eq!((state.term, state.voted_for), (Term(9), Some(PeerId([3; 16]))), "{case}");
                assert_eq!(found.notes.is_empty(), of_journal == "whole" && of_state == "whole", "{case}");
            } else {
                reborn += 1;
                assert_eq!(found.reborn, Some(Reborn::StateLost(Some(id))), "{case}");
                assert!(found.state.is_none() && found.lines.is_empty(), "{case}");
                assert!(dir.path().join("old-0").join(node_key::FILE).exists(), "{case}");
            }
            opened.store.close().unwrap();
            // And so it stays.
            let key = found.key;
            let (opened, again) = open(dir.path());
            assert_eq!((again.key, again.reborn), (key, None), "{case}");
            opened.store.close().unwrap();
        }
    }
    assert_eq!(reborn, 25, "one whole copy is enough, two halves are not");
}

#[test]
fn an_older_copy_is_not_taken_for_the_newest_state() {
    // The newest slot is damaged, and the journal ends before that state: whole records, but not all of them.
    let dir = tempfile::tempdir().unwrap();
    small_store(dir.path(), 3);
    let (journal, slots) = (dir.path().join(JOURNAL), dir.path().join(STATE));
    let older = fs::read(&journal).unwrap();
    let id = voted(dir.path());
    fs::write(&journal, &older).unwrap();
    let whole = fs::read(&slots).unwrap();
    // Both slots are whole, so the newest state is in one of them.
    let found = recover::read(dir.path()).unwrap();
    assert_eq!(found.state.map(|state| state.term), Some(Term(9)));
    assert!(found.notes.iter().any(|note| note.contains("older")), "{:?}", found.notes);
    // With either of them gone a newer state may have been there.
    for slot in 0..2 {
        let mut bytes = whole.clone();
        bytes[slot * 128 * 1024 + 40] ^= 1;
        fs::write(&slots, bytes).unwrap();
        assert_eq!(recover::read(dir.path()).unwrap().fate, Fate::Lost, "slot {slot}");
    }
    let (opened, found) = open(dir.path());
    assert_ne!(found.key.id(), id);
    opened.store.close().unwrap();
}

#[test]
fn a_node_without_its_key_keeps_its_lines_and_submits_and_no_vote() {
    let dir = tempfile::tempdir().unwrap();
    let id = voted(dir.path());
    fs::remove_file(dir.path().join(node_key::FILE)).unwrap();
    let (opened, found) = open(dir.path());
    assert_ne!(found.key.id(), id);
    assert_eq!(found.reborn, Some(Reborn::KeyLost));
    let state = found.state.unwrap();
    assert_eq!((state.term, state.voted_for, state.members), (Term(9), None, Members::default()));
    assert_eq!(found.lines.len(), 6);
    opened.store.close().unwrap();
    let (opened, again) = open(dir.path());
    assert_eq!((again.key, again.reborn, again.lines.len()), (found.key, None, 6));
    opened.store.close().unwrap();
}

#[test]
fn a_reset_moves_the_key_too_so_that_another_node_begins() {
    let dir = tempfile::tempdir().unwrap();
    let id = voted(dir.path());
    assert_eq!(reset(dir.path()).unwrap(), Some(dir.path().join("old-0")));
    assert_eq!(reset(dir.path()).unwrap(), None);
    for name in [node_key::FILE, JOURNAL, STATE] {
        assert!(dir.path().join("old-0").join(name).exists(), "{name}");
    }
    let (opened, found) = open(dir.path());
    assert!(found.state.is_none() && found.lines.is_empty() && found.reborn.is_none());
    assert_ne!(found.key.id(), id);
    opened.store.close().unwrap();
}

#[test]
fn a_first_start_that_was_cut_short_is_a_first_start_again() {
    let dir = tempfile::tempdir().unwrap();
    let (opened, first) = open(dir.path());
    opened.store.close().unwrap();
    // The state's first copies are there, nothing else was said: the same node.
    let (opened, again) = open(dir.path());
    assert_eq!((again.key, again.reborn, again.notes.len()), (first.key, None, 0));
    opened.store.close().unwrap();
    for keep_state in [true, false] {
        fs::remove_file(dir.path().join(node_key::FILE)).unwrap();
        if !keep_state {
            fs::remove_file(dir.path().join(STATE)).unwrap();
        }
        let (opened, again) = open(dir.path());
        assert!(again.state.is_none() && again.reborn.is_none() && again.notes.is_empty());
        opened.store.close().unwrap();
    }
}

/// Everything in `dir`, but for the lock.
fn bytes_of(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files = files.filter(|name| name != "lineswarmd.pid");
    files.map(|name| (name.clone(), fs::read(dir.join(name)).unwrap_or_default())).collect()
}

/// A record with a right checksum, as a later version might write it.
fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let head = [&b"tag!"[..], &(payload.len() as u32).to_le_bytes(), &[kind]].concat();
    let mut sum = crc32fast::Hasher::new();
    sum.update(&head);
    sum.update(payload);
    [b"\n\xf5LR", &head[..], &sum.finalize().to_le_bytes(), payload].concat()
}

/// A slot with a right checksum.
fn slot(counter: u64, kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32 | u32::from(kind) << 24).to_le_bytes();
    let mut sum = crc32fast::Hasher::new();
    [&counter.to_le_bytes()[..], &length, payload].iter().for_each(|part| sum.update(part));
    [b"lsw-slot", &counter.to_le_bytes()[..], &length, &sum.finalize().to_le_bytes(), payload].concat()
}

#[test]
fn what_a_newer_version_wrote_is_refused_and_left_untouched() {
    let encoded = |state: &Durable, more: &[u8]| [&postcard::to_stdvec(state).unwrap()[..], more].concat();
    let (same, more) = (encoded(&state(1, 7), b""), encoded(&state(1, 7), b"\x01"));
    let counted = |state: &[u8]| [&99u64.to_le_bytes()[..], state].concat();
    let append = |bytes: Vec<u8>| {
        move |dir: &Path| {
            let journal = fs::OpenOptions::new().write(true).open(dir.join(JOURNAL)).unwrap();
            journal.write_all_at(&bytes, journal.metadata().unwrap().len()).unwrap();
        }
    };
    let header = |version: &'static str| {
        move |dir: &Path| {
            let old = fs::read(dir.join(JOURNAL)).unwrap();
            let new = [format!("lineswarm-journal {version}\n").as_bytes(), &old[20..]].concat();
            fs::write(dir.join(JOURNAL), new).unwrap();
        }
    };
    let put = |bytes: Vec<u8>, at: u64| {
        move |dir: &Path| {
            let file = fs::OpenOptions::new().write(true).open(dir.join(STATE)).unwrap();
            file.write_all_at(&bytes, at * 128 * 1024).unwrap();
        }
    };
    type Case<'a> = (&'a str, Box<dyn Fn(&Path)>);
    let cases: Vec<Case<'_>> = vec![
        ("journal 2", Box::new(header("2"))),
        ("journal 10", Box::new(header("10"))),
        ("journal 18446744073709551616", Box::new(header("18446744073709551616"))),
        (
            "a journal of nothing else",
            Box::new(|dir| fs::write(dir.join(JOURNAL), b"lineswarm-journal 3\n").unwrap()),
        ),
        ("a record of kind 3", Box::new(append(record(3, b"news")))),
        ("a large record of kind 9", Box::new(append(record(9, &vec![7; 600_000])))),
        ("a state with more in it", Box::new(append(record(2, &counted(&more))))),
        ("a state of another shape", Box::new(append(record(2, &counted(b"\xff\xff"))))),
        ("a line with another flag", Box::new(append(record(1, b"\x01\x00\x00\x00\x02text")))),
        ("a slot with more in it", Box::new(put(slot(98, 0, &more), 0))),
        ("a slot of another shape", Box::new(put(slot(99, 0, b"\xff\xff"), 1))),
        ("a slot of kind 1", Box::new(put(slot(99, 1, &same), 1))),
        (
            "only journal.new, and newer",
            Box::new(|dir| {
                fs::remove_file(dir.join(JOURNAL)).unwrap();
                fs::write(dir.join(JOURNAL_NEW), b"lineswarm-journal 2\nand so on").unwrap();
            }),
        ),
        (
            "no key, and newer",
            Box::new(|dir| {
                fs::remove_file(dir.join(node_key::FILE)).unwrap();
                fs::write(dir.join(JOURNAL), b"lineswarm-journal 2\nand so on").unwrap();
            }),
        ),
    ];
    for (case, make_newer) in cases {
        let dir = tempfile::tempdir().unwrap();
        voted(dir.path());
        make_newer(dir.path());
        let before = bytes_of(dir.path());
        let error = Store::open(dir.path(), || {}).expect_err(case);
        assert!(matches!(error, StoreError::Newer { .. }), "{case}: {error}");
        assert_eq!(error.exit(), Exit::Version, "{case}");
        assert!(error.to_string().contains("--reset-state"), "{case}: {error}");
        assert_eq!(bytes_of(dir.path()), before, "{case}");
        assert!(!recover::verify(dir.path()).problems.is_empty(), "{case}");
    }
}

#[test]
fn only_a_broken_checksum_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    voted(dir.path());
    let path = dir.path().join(JOURNAL);
    let whole = fs::read(&path).unwrap();
    let strange = record(3, b"news");
    for at in 4..strange.len() {
        let mut torn = strange.clone();
        torn[at] ^= 0x40;
        fs::write(&path, [&whole[..], &torn].concat()).unwrap();
        let found = recover::read(dir.path()).unwrap();
        assert_eq!((found.fate, found.notes.len()), (Fate::Known, 1), "byte {at}: {:?}", found.notes);
    }
    // A slot at the wrong place, or under another magic, is the state that it is.
    fs::write(&path, &whole).unwrap();
    let slots = dir.path().join(STATE);
    let mut bytes = fs::read(&slots).unwrap();
    bytes[5] ^= 1;
    fs::write(&slots, &bytes).unwrap();
    let found = recover::read(dir.path()).unwrap();
    assert_eq!((found.state.map(|state| state.term), found.notes.len()), (Some(Term(9)), 1));
}

/// The shape of the stored state. A change of it takes a new kind (docs/journal-format.md), and the old kind stays readable.
#[test]
fn the_bytes_of_a_stored_state_are_frozen() {
    use lineswarm_proto::engine::state::{Intent, Outcome};
    let job = JobId { swarm: "s".into(), epoch: 3, lines: 5, label: "l".into() };
    let intent = Intent { job: job.clone(), term: Term(2), by: PeerId([1; 16]), sha256: [2; 32] };
    let outcome = Outcome { intent: intent.clone(), right: true, reply: "r".into() };
    let mut state = Durable {
        job,
        server: "h:1".into(),
        term: Term(300),
        voted_for: Some(PeerId([3; 16])),
        addresses: [("a:2".into(), PeerId([4; 16]))].into(),
        intent: Some(intent),
        outcome: Some(outcome),
        lamport_reserved: 1 << 20,
        ..Durable::default()
    };
    state.members.join(PeerId([5; 16]));
    let bytes = postcard::to_stdvec(&state).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, include_str!("state.golden").trim());
    assert_eq!(recover::decoded(&bytes), Some(state));
}
