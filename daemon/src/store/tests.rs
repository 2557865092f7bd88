use super::*;
use crossbeam_channel::RecvTimeoutError;
use lineswarm_proto::ids::{JobId, PeerId, Term};
use std::collections::BTreeMap;
use std::time::Duration;

mod crash;
#[path = "../../../tests/crash/disk.rs"]
pub(super) mod crash_disk;
mod damage;
mod lost;

/// A store whose acks can be waited for.
struct Opened {
    store: Store,
    woken: Receiver<()>,
}

fn open(dir: &Path) -> (Opened, Recovered) {
    let (wake, woken) = crossbeam_channel::unbounded();
    let (store, recovered) = Store::open(dir, move || {
        let _ = wake.send(());
    })
    .unwrap();
    (Opened { store, woken }, recovered)
}

impl Opened {
    fn ack(&mut self) -> Ack {
        loop {
            if let Some(ack) = self.store.next_ack() {
                return ack;
            }
            match self.woken.recv_timeout(Duration::from_secs(60)) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => panic!("no ack within a minute"),
                Err(RecvTimeoutError::Disconnected) => panic!("the store's thread is gone"),
            }
        }
    }

    fn put(&mut self, ticket: u64, state: &Durable, lines: &SharedLines) {
        self.store.put(Ticket(ticket), state.clone(), lines);
        assert_eq!(self.ack(), Ack::Stored(Ticket(ticket)));
    }
}

fn state(epoch: u64, term: u64) -> Durable {
    let job = JobId { swarm: "test".into(), epoch, lines: 1000, label: "file".into() };
    Durable { job, term: Term(term), voted_for: Some(PeerId([3; 16])), ..Durable::default() }
}

fn hold(opened: &mut Opened, lines: &SharedLines, number: u32, text: &str, first_hand: bool) {
    lines.insert(LineNumber(number), text.as_bytes());
    opened.store.keep(LineNumber(number), first_hand);
}

fn texts(lines: &SharedLines) -> BTreeMap<u32, String> {
    let mut texts = BTreeMap::new();
    lines.for_each(|number, text| {
        texts.insert(number.0, String::from_utf8(text.to_vec()).unwrap());
    });
    texts
}

fn text(number: u32) -> String {
    format!("line {number}: {}", "word ".repeat(number as usize % 70))
}

/// A closed store with a state and some lines, two of them hearsay.
fn small_store(dir: &Path, count: u32) -> Recovered {
    let (mut opened, recovered) = open(dir);
    opened.put(1, &state(1, 4), &recovered.lines);
    for number in 0..count {
        hold(&mut opened, &recovered.lines, number, &format!("text {number}"), number % 3 != 0);
    }
    opened.put(2, &state(1, 5), &recovered.lines);
    opened.store.close().unwrap();
    recovered
}

#[test]
fn a_thousand_lines_come_back_after_a_restart_with_who_said_them() {
    let dir = tempfile::tempdir().unwrap();
    let (mut opened, first) = open(dir.path());
    assert!(
        first.state.is_none() && first.lines.is_empty() && first.notes.is_empty() && first.reborn.is_none()
    );
    opened.put(1, &state(1, 1), &first.lines);
    for number in 0..1000 {
        hold(&mut opened, &first.lines, number, &text(number), number % 4 == 0);
    }
    opened.store.save(77);
    assert_eq!(opened.ack(), Ack::Saved(77, Ok(())));
    assert_eq!(opened.store.unsaved(), 0);
    // A peer's line is drawn by this node too.
    hold(&mut opened, &first.lines, 1, &text(1), true);
    opened.store.close().unwrap();

    let (opened, again) = open(dir.path());
    assert_eq!(again.state, Some(state(1, 1)));
    assert_eq!(again.key, first.key);
    assert_eq!(texts(&again.lines), (0..1000).map(|number| (number, text(number))).collect());
    let hearsay: Vec<_> = (2..1000).filter(|number| number % 4 != 0).map(LineNumber).collect();
    assert_eq!(again.hearsay, hearsay);
    assert_eq!(again.notes, Vec::<String>::new());
    opened.store.close().unwrap();
}

#[test]
fn lines_reach_the_disk_without_being_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (mut opened, recovered) = open(dir.path());
    opened.put(1, &state(1, 1), &recovered.lines);
    hold(&mut opened, &recovered.lines, 5, "five", true);
    let begun = std::time::Instant::now();
    while opened.store.unsaved() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the group commit never came");
        std::thread::yield_now();
    }
    assert_eq!(texts(&recover::read(dir.path()).unwrap().lines), BTreeMap::from([(5, "five".into())]));
    opened.store.close().unwrap();
}

#[test]
fn a_second_daemon_is_told_who_holds_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (opened, _) = open(dir.path());
    let error = Store::open(dir.path(), || {}).unwrap_err();
    assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
    assert_eq!(error.exit(), crate::exit::Exit::CannotCreate);
    assert!(reset(dir.path()).is_err(), "nor is anything reset under a running daemon");
    opened.store.close().unwrap();
    open(dir.path()).0.store.close().unwrap();
}

#[test]
fn a_new_job_moves_the_old_journal_aside_with_the_lines_that_still_waited() {
    let dir = tempfile::tempdir().unwrap();
    let (mut opened, recovered) = open(dir.path());
    opened.put(1, &state(1, 1), &recovered.lines);
    hold(&mut opened, &recovered.lines, 1, "of the old file", true);
    let new_lines = SharedLines::new();
    opened.store.put(Ticket(2), state(2, 1), &new_lines);
    hold(&mut opened, &new_lines, 1, "of the new file", false);
    assert_eq!(opened.ack(), Ack::Stored(Ticket(2)));
    opened.store.close().unwrap();
    let found = recover::read(dir.path()).unwrap();
    assert_eq!(texts(&found.lines), BTreeMap::from([(1, "of the new file".into())]));
    // The old one is whole: put back, it is the old job again.
    fs::rename(dir.path().join("journal.old-1-0"), dir.path().join(JOURNAL)).unwrap();
    fs::remove_file(dir.path().join(STATE)).unwrap();
    let found = recover::read(dir.path()).unwrap();
    assert_eq!(found.state.map(|state| state.job.epoch), Some(1));
    assert_eq!(texts(&found.lines), BTreeMap::from([(1, "of the old file".into())]));
}

#[test]
fn only_the_newest_old_journals_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (mut opened, recovered) = open(dir.path());
    for epoch in 1..=7 {
        opened.put(epoch, &state(epoch, 1), &recovered.lines);
    }
    opened.store.close().unwrap();
    let names =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut old: Vec<_> = names.filter(|name| name.starts_with("journal.old-")).collect();
    old.sort();
    assert_eq!(old, ["journal.old-4-3", "journal.old-5-4", "journal.old-6-5"]);
}

#[test]
fn a_count_of_lines_that_becomes_known_keeps_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (mut opened, recovered) = open(dir.path());
    let mut unknown = state(1, 1);
    unknown.job.lines = 0;
    opened.put(1, &unknown, &recovered.lines);
    hold(&mut opened, &recovered.lines, 3, "three", true);
    opened.put(2, &state(1, 1), &recovered.lines);
    opened.store.close().unwrap();
    assert_eq!(recover::read(dir.path()).unwrap().lines.len(), 1);
    assert!(!dir.path().join("journal.old-1-0").exists());
}

#[test]
fn a_text_that_was_taken_back_is_nowhere_in_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (mut opened, recovered) = open(dir.path());
    let lines = &recovered.lines;
    opened.put(1, &state(1, 1), lines);
    hold(&mut opened, lines, 1, "rumour", false);
    hold(&mut opened, lines, 2, "refuted", true);
    hold(&mut opened, lines, 3, "stays", true);
    opened.store.save(1);
    assert_eq!(opened.ack(), Ack::Saved(1, Ok(())));
    hold(&mut opened, lines, 1, "the truth", true);
    lines.remove(LineNumber(2));
    opened.store.forget(LineNumber(2));
    opened.store.save(2);
    assert_eq!(opened.ack(), Ack::Saved(2, Ok(())));
    let bytes = fs::read(dir.path().join(JOURNAL)).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!holds("rumour") && !holds("refuted") && holds("the truth") && holds("stays"));
    hold(&mut opened, lines, 4, "four", false);
    opened.store.close().unwrap();
    let found = recover::read(dir.path()).unwrap();
    let expected =
        [(1, "the truth"), (3, "stays"), (4, "four")].map(|(number, text)| (number, text.to_string()));
    assert_eq!(texts(&found.lines), BTreeMap::from(expected));
    assert_eq!(found.hearsay(), [LineNumber(4)]);
}

#[test]
fn a_full_channel_blocks_nobody_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // While the gate is shut the store's thread stands in `wake`.
    let gate = Arc::new(gate::Gate::default());
    let thread_gate = Arc::clone(&gate);
    let (mut store, recovered) = Store::open(dir.path(), move || thread_gate.pass()).unwrap();
    let (lines, next_lines) = (&recovered.lines, SharedLines::new());
    store.put(Ticket(1), state(1, 1), lines);
    gate.wait_for_visitor();
    let count = 1000;
    for number in 0..count {
        lines.insert(LineNumber(number), text(number).as_bytes());
        store.keep(LineNumber(number), true);
    }
    lines.remove(LineNumber(7));
    store.forget(LineNumber(7));
    let last = limits::STORE_QUEUE as u64 + 50;
    for term in 2..last {
        store.put(Ticket(term), state(1, term), lines);
        store.keep(LineNumber(8), true);
    }
    assert!(!store.outbox.is_empty(), "the channel is full");
    assert!(store.outbox.len() < 6, "what waits is merged");
    assert!(store.unsaved() >= count as usize);
    store.put(Ticket(last), state(2, last), &next_lines);
    next_lines.insert(LineNumber(1), b"next");
    store.keep(LineNumber(1), true);
    store.save(5);
    gate.open();
    let mut acks = Vec::new();
    let begun = std::time::Instant::now();
    while !acks.contains(&Ack::Saved(5, Ok(()))) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{acks:?}");
        acks.extend(store.next_ack());
        std::thread::yield_now();
    }
    assert!(acks.contains(&Ack::Stored(Ticket(last))), "{acks:?}");
    assert_eq!(store.unsaved(), 0);
    store.close().unwrap();
    assert_eq!(texts(&recover::read(dir.path()).unwrap().lines), BTreeMap::from([(1, "next".into())]));
    fs::remove_file(dir.path().join(STATE)).unwrap();
    fs::rename(dir.path().join("journal.old-1-0"), dir.path().join(JOURNAL)).unwrap();
    let old = recover::read(dir.path()).unwrap();
    assert_eq!(old.lines.len(), count as usize - 1);
    assert_eq!(old.state, Some(state(1, last - 1)));
}

mod gate {
    use std::sync::{Condvar, Mutex};

    /// A gate that is shut until it is opened once.
    #[derive(Debug, Default)]
    pub(super) struct Gate {
        /// (somebody stands before it, it is open)
        state: Mutex<(bool, bool)>,
        changed: Condvar,
    }

    impl Gate {
        pub(super) fn pass(&self) {
            let mut state = self.state.lock().unwrap();
            state.0 = true;
            self.changed.notify_all();
            drop(self.changed.wait_while(state, |state| !state.1).unwrap());
        }

        pub(super) fn wait_for_visitor(&self) {
            drop(self.changed.wait_while(self.state.lock().unwrap(), |state| !state.0).unwrap());
        }

        pub(super) fn open(&self) {
            self.state.lock().unwrap().1 = true;
            self.changed.notify_all();
        }
    }
}

#[test]
fn while_the_disk_fails_the_store_says_so_once_and_catches_up_when_it_works_again() {
    let dir = tempfile::tempdir().unwrap();
    // The new journal cannot be made while a directory has its name.
    let in_the_way = dir.path().join(JOURNAL_NEW);
    fs::create_dir(&in_the_way).unwrap();
    let (mut opened, recovered) = open(dir.path());
    opened.store.put(Ticket(1), state(1, 1), &recovered.lines);
    hold(&mut opened, &recovered.lines, 1, "one", true);
    assert!(matches!(opened.ack(), Ack::Trouble { .. }));
    assert!(opened.store.unsaved() > 0);
    opened.store.save(3);
    let Ack::Saved(3, Err(why)) = opened.ack() else { panic!("it is not saved") };
    assert!(why.contains("journal"), "{why}");
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(opened.ack(), Ack::Recovered);
    assert_eq!(opened.ack(), Ack::Stored(Ticket(1)));
    opened.store.close().unwrap();
    assert_eq!(recover::read(dir.path()).unwrap().lines.len(), 1);
}

#[test]
fn a_store_that_cannot_save_says_so_when_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(JOURNAL_NEW)).unwrap();
    let (mut opened, recovered) = open(dir.path());
    opened.store.put(Ticket(1), state(1, 1), &recovered.lines);
    assert!(matches!(opened.store.close(), Err(StoreError::Io { .. })));
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = Store::open(&file.join("state"), || {}).unwrap_err();
    assert!(error.to_string().contains("file/state"), "{error}");
    assert_eq!(error.exit(), crate::exit::Exit::CannotCreate);
    let (opened, _) = open(&dir.path().join("a/b"));
    use std::os::unix::fs::MetadataExt;
    assert_eq!(fs::metadata(dir.path().join("a/b")).unwrap().mode() & 0o7777, 0o700);
    opened.store.close().unwrap();
}

#[test]
fn what_is_stored_is_its_owners_alone() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let state_dir = dir.path().join("state");
    let (mut opened, _) = open(&state_dir);
    opened.put(1, &state(1, 1), &SharedLines::new());
    opened.store.close().unwrap();
    for file in [JOURNAL, STATE, node_key::FILE] {
        let mode = fs::metadata(state_dir.join(file)).unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o600, "{file}");
    }
}

#[test]
fn another_engine_never_hears_of_the_tickets_of_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let (mut opened, recovered) = open(dir.path());
    opened.put(1, &state(1, 1), &recovered.lines);
    opened.store.put(Ticket(2), state(1, 2), &recovered.lines);
    opened.store.number_anew();
    opened.put(1, &state(1, 3), &recovered.lines);
    opened.put(2, &state(1, 4), &recovered.lines);
    opened.store.number_anew();
    opened.put(1, &state(1, 5), &recovered.lines);
    assert_eq!(opened.store.next_ack(), None);
}

#[test]
fn a_store_that_is_dropped_ends_its_thread_though_nothing_is_due() {
    let dir = tempfile::tempdir().unwrap();
    let (mut opened, Recovered { lines, .. }) = open(dir.path());
    opened.put(1, &state(1, 1), &lines);
    let Opened { store, woken } = opened;
    drop(store);
    // The thread's end of it goes when the thread has ended.
    while woken.recv_timeout(Duration::from_secs(60)).is_ok() {}
    assert_eq!(woken.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected));
}
