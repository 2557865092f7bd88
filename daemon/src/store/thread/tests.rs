use super::super::ops::Op;
use super::*;
use crate::store::{Rouse, Store};
use std::fs::{self, OpenOptions};

fn writer(dir: &Path) -> (Writer, Receiver<Ack>) {
    let (_, inbox) = crossbeam_channel::bounded(1);
    let (acks, reports) = crossbeam_channel::unbounded();
    let contents = recover::read(dir).unwrap();
    (Writer::new(dir, contents, inbox, acks, Arc::default(), Box::new(|| ())), reports)
}

fn put(writer: &mut Writer, term: u64) {
    let mut state = writer.state.clone();
    state.term.0 = term;
    let lines = writer.lines.clone();
    writer.shared.gathered.lock().under = Some(Ticket(term));
    writer.take_state(Put { ticket: Ticket(term), state, lines, before: Ops::default() });
}

fn keep(writer: &mut Writer, number: LineNumber, first_hand: bool) {
    writer.shared.gathered.lock().ops.insert(number, Op::Keep { first_hand });
    writer.shared.unsaved.fetch_add(1, Ordering::SeqCst);
    writer.take(Message::Lines(Instant::now()));
}

#[test]
fn on_a_full_disk_nothing_is_acknowledged_and_the_same_batch_is_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, acks) = writer(dir.path());
    put(&mut writer, 1);
    writer.attempt();
    assert_eq!(acks.try_recv(), Ok(Ack::Stored(Ticket(1))));
    let end = writer.end;
    writer.lines.insert(LineNumber(4), b"four");
    keep(&mut writer, LineNumber(4), true);
    put(&mut writer, 2);
    // A full disk, as a slot of the state sees it; and a journal whose tail an attempt left behind.
    writer.state_file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
    writer.attempt();
    let Ok(Ack::Trouble { what }) = acks.try_recv() else { panic!("no trouble") };
    assert!(what.contains("No space"), "{what}");
    assert!(writer.state_file.is_none(), "the next attempt opens it anew");
    assert!(writer.due > Some(Instant::now()));
    put(&mut writer, 3);
    assert!(writer.due > Some(Instant::now()), "a new state does not hammer on a disk that fails");
    writer.attempt();
    assert_eq!(acks.try_recv(), Ok(Ack::Recovered));
    assert_eq!(acks.try_recv(), Ok(Ack::Stored(Ticket(3))));
    assert!(writer.end > end && writer.due.is_none() && acks.is_empty());
    let found = recover::read(dir.path()).unwrap();
    assert_eq!(found.state.map(|state| state.term.0), Some(3));
    assert_eq!((found.lines.len(), found.notes.len()), (1, 0));
}

#[test]
fn trouble_is_told_once_and_attempts_become_rarer() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(JOURNAL_NEW)).unwrap();
    let (mut writer, acks) = writer(dir.path());
    put(&mut writer, 1);
    for _ in 0..10 {
        writer.attempt();
    }
    assert_eq!(acks.len(), 1);
    assert_eq!(writer.trouble.map(|trouble| trouble.backoff), Some(Duration::from_secs(30)));
}

#[test]
fn a_journal_full_of_states_is_written_anew_with_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _acks) = writer(dir.path());
    put(&mut writer, 1);
    writer.commit().unwrap();
    for term in 2..20 {
        put(&mut writer, term);
        writer.commit().unwrap();
    }
    let long = writer.end;
    writer.state_bytes = STATE_BYTES + 1;
    put(&mut writer, 20);
    writer.commit().unwrap();
    assert!(writer.end < long);
    assert_eq!(recover::read(dir.path()).unwrap().state.map(|state| state.term.0), Some(20));
}

#[test]
fn a_journal_that_somebody_removed_is_written_again_from_the_map() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _acks) = writer(dir.path());
    put(&mut writer, 1);
    for number in 0..3 {
        writer.lines.insert(LineNumber(number), b"text");
        keep(&mut writer, LineNumber(number), true);
    }
    writer.commit().unwrap();
    fs::write(dir.path().join(JOURNAL), b"").unwrap();
    put(&mut writer, 2);
    writer.commit().unwrap();
    assert_eq!(recover::read(dir.path()).unwrap().lines.len(), 3);
}

#[test]
fn the_same_line_again_costs_no_record() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _acks) = writer(dir.path());
    writer.lines.insert(LineNumber(1), b"text");
    put(&mut writer, 1);
    for first_hand in [false, false, true, true] {
        keep(&mut writer, LineNumber(1), first_hand);
        writer.commit().unwrap();
    }
    assert_eq!(recover::verify(dir.path()).lines, 2);
}

#[test]
fn lines_wait_no_longer_than_a_group_after_a_first_journal_and_after_a_slow_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _acks) = writer(dir.path());
    put(&mut writer, 1);
    writer.attempt();
    assert_eq!(writer.group, GROUP, "the first journal had nothing to write again");
    let handed_in = Instant::now();
    // The thread hears of it late.
    writer.take(Message::Lines(handed_in));
    assert_eq!(writer.due, Some(handed_in + GROUP));
    // A journal written again makes the next group wait, and only that.
    writer.group = 50 * GROUP;
    writer.lines.insert(LineNumber(4), b"four"[..].into());
    keep(&mut writer, LineNumber(4), true);
    writer.attempt();
    assert_eq!(writer.group, GROUP);
}

/// A store whose channel has room for one message, and whose thread begins when it is told to.
fn slow_store(dir: &Path) -> (Store, Sender<()>) {
    let (channel, inbox) = crossbeam_channel::bounded(1);
    let (ack_sender, acks) = crossbeam_channel::unbounded();
    let (go, gate) = crossbeam_channel::bounded::<()>(1);
    let shared = Arc::<Shared>::default();
    let contents = recover::read(dir).unwrap();
    let writer = Writer::new(dir, contents, inbox, ack_sender, Arc::clone(&shared), Box::new(|| ()));
    let thread = std::thread::spawn(move || {
        gate.recv().unwrap();
        writer.run()
    });
    let (rouse, tickets) = (Rouse(thread.thread().clone()), (0, 0));
    let store = Store { channel, rouse, outbox: [].into(), acks, tickets, shared, thread, is_closing: false };
    (store, go)
}

#[test]
fn lines_of_a_new_job_that_waits_for_room_are_not_taken_for_the_old_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, go) = slow_store(dir.path());
    let state = |epoch, term| {
        let mut state = Durable::default();
        (state.job.epoch, state.term.0) = (epoch, term);
        state
    };
    let (old, new) = (SharedLines::new(), SharedLines::new());
    store.put(Ticket(1), state(1, 1), &old);
    old.insert(LineNumber(1), b"of the old job"[..].into());
    store.keep(LineNumber(1), true);
    store.put(Ticket(2), state(2, 1), &new);
    new.insert(LineNumber(5), b"of the new job"[..].into());
    store.keep(LineNumber(5), true);
    // A newer state takes the place of the one that waits; the line stays with its job.
    store.put(Ticket(3), state(2, 2), &new);
    store.keep(LineNumber(6), true);
    store.forget(LineNumber(6));
    assert_eq!(store.unsaved(), 3);
    go.send(()).unwrap();
    let shared = Arc::clone(&store.shared);
    store.close().unwrap();
    let found = recover::read(dir.path()).unwrap();
    assert_eq!(found.state.map(|state| (state.job.epoch, state.term.0)), Some((2, 2)));
    assert_eq!(found.lines.get(LineNumber(5), <[u8]>::to_vec), Some(b"of the new job".to_vec()));
    assert_eq!(found.lines.len(), 1);
    assert_eq!(shared.gathered.lock().ops.len(), 0);
}
