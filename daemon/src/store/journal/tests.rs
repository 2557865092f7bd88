use super::*;
use proptest::prelude::*;
use std::io::Write as _;
use std::os::unix::fs::FileExt;

/// A record as the tests compare it: what it says, and which bytes it stands on.
type Entry = (String, std::ops::Range<usize>);

fn tag() -> Tag {
    Tag::of(&JobId { swarm: "s".into(), epoch: 1, lines: 3, label: "l".into() })
}

fn small_journal() -> Vec<u8> {
    let file = tempfile::tempfile().unwrap();
    let mut journal = Appender::new(&file, tag(), 0, 0);
    journal.state(1, b"a state").unwrap();
    journal.line(LineNumber(0), true, b"the first line").unwrap();
    journal.line(LineNumber(1), false, b"").unwrap();
    let end = journal.sync().unwrap();
    let mut journal = Appender::new(&file, tag(), end, end);
    journal.line(LineNumber(2), true, b"a line from the second batch").unwrap();
    journal.state(2, b"another state").unwrap();
    journal.line(LineNumber(999), false, b"-1").unwrap();
    let end = journal.sync().unwrap();
    let mut bytes = vec![0; usize::try_from(end).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// Every record, and how many bytes were damaged.
fn scan(bytes: &[u8]) -> (Vec<Entry>, usize) {
    let mut scanner = Scanner::new(bytes);
    let (mut entries, mut damaged) = (Vec::new(), 0);
    let mut from = if bytes.starts_with(HEADER) { HEADER.len() } else { 0 };
    loop {
        let entry = match scanner.next().unwrap() {
            None => break,
            Some(Found::Damage { bytes, .. }) => {
                damaged += usize::try_from(bytes).unwrap();
                None
            }
            Some(record) => Some(format!("{record:?}")),
        };
        let to = usize::try_from(scanner.position()).unwrap();
        // Damage moves the position too; the next record starts after it.
        if let Some(entry) = entry {
            entries.push((entry, from..to));
        }
        from = to;
    }
    (entries, damaged)
}

#[test]
fn what_was_appended_is_read_back_in_order() {
    let bytes = small_journal();
    let mut scanner = Scanner::new(&bytes[..]);
    assert_eq!(scanner.next().unwrap(), Some(Found::State { tag: tag(), counter: 1, state: b"a state" }));
    let line =
        |number, first_hand, text| Found::Line { tag: tag(), number: LineNumber(number), first_hand, text };
    assert_eq!(scanner.next().unwrap(), Some(line(0, true, b"the first line")));
    assert_eq!(scanner.next().unwrap(), Some(line(1, false, b"")));
    assert_eq!(scanner.next().unwrap(), Some(line(2, true, b"a line from the second batch")));
    assert_eq!(
        scanner.next().unwrap(),
        Some(Found::State { tag: tag(), counter: 2, state: b"another state" })
    );
    assert_eq!(scanner.next().unwrap(), Some(line(999, false, b"-1")));
    assert_eq!(scanner.next().unwrap(), None);
    assert_eq!(scanner.position(), bytes.len() as u64);
}

#[test]
fn any_flipped_byte_costs_the_record_that_it_is_in_and_no_other() {
    let whole = small_journal();
    let (entries, damaged) = scan(&whole);
    assert_eq!((entries.len(), damaged), (6, 0));
    for at in 0..whole.len() {
        for mask in 1..=255 {
            let mut bytes = whole.clone();
            bytes[at] ^= mask;
            let expected: Vec<_> = entries.iter().filter(|(_, range)| !range.contains(&at)).collect();
            let (mut found, damaged) = scan(&bytes);
            if version_of(&bytes).is_some_and(|version| version > 1) {
                // The header has no checksum: its number is believed.
                let (newer, _) = found.remove(0);
                assert!(newer.starts_with("Newer"), "byte {at} ^ {mask:02x}: {newer}");
            }
            assert!(found.iter().eq(expected), "byte {at} ^ {mask:02x}: {found:?}");
            assert!(damaged > 0, "byte {at} ^ {mask:02x}: the damage is reported");
        }
    }
}

#[test]
fn a_journal_cut_at_any_length_keeps_every_record_before_the_cut() {
    let whole = small_journal();
    let (entries, _) = scan(&whole);
    for end in 0..whole.len() {
        let expected: Vec<_> = entries.iter().filter(|(_, range)| range.end <= end).collect();
        let (found, _) = scan(&whole[..end]);
        assert!(found.iter().eq(expected), "cut at {end}: {found:?}");
    }
}

#[test]
fn a_lost_or_repeated_stretch_costs_only_what_it_touches() {
    let whole = small_journal();
    let (entries, _) = scan(&whole);
    for from in HEADER.len()..whole.len() {
        for to in from + 1..=whole.len().min(from + 60) {
            let bytes = [&whole[..from], &whole[to..]].concat();
            let (found, _) = scan(&bytes);
            for (entry, range) in &entries {
                if range.end <= from || range.start >= to {
                    assert!(found.iter().any(|(other, _)| other == entry), "{from}..{to} lost {entry}");
                }
            }
            assert!(found.iter().all(|(entry, _)| entries.iter().any(|(other, _)| other == entry)));
        }
    }
}

#[test]
fn a_text_cannot_imitate_a_record() {
    // The text is a whole record of another line; the record around it is damaged.
    let inner = {
        let file = tempfile::tempfile().unwrap();
        let mut journal = Appender::new(&file, tag(), 0, 0);
        journal.line(LineNumber(7), true, b"planted").unwrap();
        journal.buffer[HEADER.len()..].to_vec()
    };
    assert_eq!(inner[0], b'\n', "no line of the server can hold it");
    let file = tempfile::tempfile().unwrap();
    let mut journal = Appender::new(&file, tag(), 0, 0);
    journal.line(LineNumber(1), true, &inner).unwrap();
    let bytes = journal.buffer;
    let (found, _) = scan(&bytes);
    assert!(found.iter().all(|(entry, _)| entry.starts_with("Newer")), "{found:?}");
}

#[test]
fn a_long_stretch_of_zeros_is_crossed_and_a_longest_line_is_read() {
    let file = tempfile::tempfile().unwrap();
    let text = vec![b'x'; limits::TEXT_BYTES];
    let mut journal = Appender::new(&file, tag(), 0, 0);
    journal.line(LineNumber(0), true, &text).unwrap();
    journal.buffer.extend_from_slice(&vec![0; 300_000]);
    journal.line(LineNumber(1), true, &text).unwrap();
    let bytes = journal.buffer.clone();
    let (found, damaged) = scan(&bytes);
    assert_eq!((found.len(), damaged), (2, 300_000));
    assert!(journal.state(1, &vec![0; PAYLOAD]).is_err(), "a record that could not be read is not written");
}

#[test]
fn a_sync_cuts_what_a_failed_attempt_left_behind() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&[7; 500]).unwrap();
    let mut journal = Appender::new(&file, tag(), 0, 500);
    journal.line(LineNumber(1), true, b"x").unwrap();
    let end = journal.sync().unwrap();
    assert_eq!(file.metadata().unwrap().len(), end);
}

/// Gives one byte at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(1);
        self.0.read(&mut into[..most])
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_scanner_fail_or_give_out_more_than_it_was_given(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        at in any::<prop::sample::Index>(),
    ) {
        let whole = small_journal();
        let at = at.index(whole.len());
        let mixed = [&whole[..at], &bytes[..], &whole[at..]].concat();
        let (found, damaged) = scan(&mixed);
        let known = scan(&whole).0;
        prop_assert!(found.iter().all(|(entry, _)| known.iter().any(|(other, _)| other == entry)));
        prop_assert!(damaged <= mixed.len());
        let mut scanner = Scanner::new(Trickle(&mixed));
        let mut count = 0;
        while let Some(record) = scanner.next().unwrap() {
            count += usize::from(!matches!(record, Found::Damage { .. }));
        }
        prop_assert_eq!(count, found.len());
        prop_assert_eq!(scanner.position(), mixed.len() as u64);
    }
}
