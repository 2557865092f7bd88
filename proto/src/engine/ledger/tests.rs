//! What a line that comes in does to the ledger.

use super::*;
use std::collections::BTreeSet;

const A: PeerId = PeerId([1; 16]);
const B: PeerId = PeerId([2; 16]);
/// What version 0.1.0 multiplied with, known to everybody: a text that holds it had a fingerprint that said nothing of
/// what stood before.
const OLD_FACTOR: [u8; 8] = 0xff51_afd7_ed55_8ccd_u64.to_le_bytes();

fn key() -> FingerprintKey {
    FingerprintKey::new(1)
}

fn ledger(count: u32) -> Ledger {
    Ledger::new(Some(count), SharedLines::new(), &[], key())
}

fn n(number: u32) -> LineNumber {
    LineNumber(number)
}

fn text(ledger: &Ledger, number: u32) -> Option<Vec<u8>> {
    ledger.lines().get(n(number), <[u8]>::to_vec)
}

#[test]
fn a_file_is_complete_whether_it_counts_from_zero_or_from_one() {
    for base in [0, 1] {
        let mut ledger = ledger(3);
        for number in (base..base + 3).rev() {
            assert!(!ledger.is_complete());
            assert_eq!(ledger.drawn(n(number), b"x"), Arrival::New);
        }
        assert!(ledger.is_complete());
        assert_eq!(ledger.missing().count(), 0);
        ledger.check();
    }
}

#[test]
fn first_hand_beats_hearsay_at_once_and_names_the_peer_that_was_wrong() {
    let mut ledger = ledger(3);
    assert_eq!(ledger.heard(n(1), b"wrong", A), Arrival::New);
    assert!(!ledger.is_first_hand(n(1)));
    assert_eq!(ledger.drawn(n(1), b"right"), Arrival::Corrected(Some(A)));
    assert_eq!(text(&ledger, 1).unwrap(), b"right");
    assert_eq!(ledger.heard(n(1), b"wrong", B), Arrival::Contradiction);
    assert_eq!(text(&ledger, 1).unwrap(), b"right");
    assert_eq!(ledger.drawn(n(1), b"right"), Arrival::Known);
}

#[test]
fn two_hearsay_texts_are_a_conflict_until_the_line_is_drawn() {
    let mut ledger = ledger(1);
    ledger.heard(n(0), b"one", A);
    assert!(ledger.is_complete());
    assert_eq!(ledger.heard(n(0), b"two", B), Arrival::Conflict);
    assert!(!ledger.is_complete());
    assert_eq!(ledger.drawn(n(0), b"one"), Arrival::Corrected(Some(B)));
    assert!(ledger.is_complete());
    assert_eq!(text(&ledger, 0).unwrap(), b"one");
}

#[test]
fn two_first_hand_texts_are_reported_and_the_first_stays() {
    let mut ledger = ledger(1);
    ledger.drawn(n(0), b"one");
    assert_eq!(ledger.two_texts(), None);
    assert_eq!(ledger.drawn(n(0), b"two"), Arrival::TwoTexts);
    assert_eq!(ledger.drawn(n(0), b"three"), Arrival::TwoTexts);
    assert_eq!(text(&ledger, 0).unwrap(), b"one");
    assert_eq!(ledger.two_texts(), Some((n(0), Text::from(&b"one"[..]), Text::from(&b"two"[..]))));
}

#[test]
fn both_ends_held_is_a_conflict_that_a_draw_settles() {
    let mut ledger = ledger(3);
    for number in 0..=3 {
        ledger.heard(n(number), b"x", A);
    }
    assert_eq!(ledger.conflicts(), 1);
    assert!(!ledger.is_complete());
    ledger.drawn(n(3), b"x");
    assert!(ledger.is_complete(), "3 was drawn, so 0 is no line");
    assert_eq!(ledger.heard(n(0), b"x", A), Arrival::Contradiction);
    ledger.check();
}

#[test]
fn a_draw_between_the_ends_settles_nothing_about_them() {
    let mut ledger = ledger(3);
    ledger.heard(n(0), b"x", A);
    ledger.drawn(n(1), b"x");
    assert!(ledger.held().contains(n(0)));
    assert_eq!(ledger.arrivals(), [n(0), n(1)]);
}

#[test]
fn numbers_past_the_file_are_out_of_range_and_go_when_the_count_is_learnt() {
    let mut known = ledger(3);
    assert_eq!(known.drawn(n(4), b"x"), Arrival::OutOfRange);
    assert_eq!(known.heard(n(4), b"x", A), Arrival::OutOfRange);
    let mut unknown = Ledger::new(None, SharedLines::new(), &[], key());
    assert_eq!(unknown.drawn(n(0), b"x"), Arrival::New);
    assert_eq!(unknown.heard(n(9), b"x", A), Arrival::New);
    assert!(!unknown.is_complete());
    assert_eq!(unknown.set_count(1), [n(9)]);
    assert!(unknown.is_complete());
    unknown.check();
}

#[test]
fn a_forgotten_line_can_come_again_and_equal_sets_have_equal_digests() {
    let (mut one, mut two) = (ledger(9), ledger(9));
    one.drawn(n(1), b"a");
    one.drawn(n(2), b"b");
    two.drawn(n(2), b"b");
    assert_ne!(one.digest(), two.digest());
    assert!(one.forget(n(1)));
    assert_eq!(one.digest(), two.digest());
    assert_eq!(one.drawn(n(1), b"c"), Arrival::New);
    assert_eq!(text(&one, 1).unwrap(), b"c");
    one.check();
}

#[test]
fn what_the_journal_gave_back_is_held_with_its_source() {
    let lines = SharedLines::new();
    lines.insert(n(0), b"a");
    lines.insert(n(1), b"b");
    let mut ledger = Ledger::new(Some(2), lines, &[n(1)], key());
    assert!(ledger.is_complete());
    assert_eq!((ledger.first_hand(), ledger.is_first_hand(n(1))), (1, false));
    assert_eq!(ledger.drawn(n(1), b"B"), Arrival::Corrected(None));
    assert_eq!(ledger.first_hand(), 2);
}

#[test]
fn equal_texts_under_two_numbers_are_two_lines() {
    let mut ledger = ledger(2);
    assert_eq!(ledger.drawn(n(0), b""), Arrival::New);
    assert_eq!(ledger.drawn(n(1), b""), Arrival::New);
    assert_eq!(ledger.sha256(), <[u8; 32]>::from(Sha256::digest(b"\n\n")));
}

#[test]
#[cfg_attr(miri, ignore = "thousands of steps: minutes")]
fn a_text_that_is_longer_or_differs_in_a_bit_has_another_fingerprint() {
    let mut lengths = BTreeSet::new();
    for length in 0..=40 {
        let mut text = vec![0; length];
        assert!(lengths.insert(key().fingerprint(&text)), "{length} bytes");
        let mut all = BTreeSet::from([key().fingerprint(&text)]);
        for bit in 0..length * 8 {
            text[bit / 8] = 1 << (bit % 8);
            assert!(all.insert(key().fingerprint(&text)), "{length} bytes, bit {bit}");
            text[bit / 8] = 0;
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of steps: minutes")]
fn each_number_has_a_digest_of_its_own() {
    let digests: BTreeSet<u64> = (0..100_000).map(|number| mix(n(number))).collect();
    assert_eq!(digests.len(), 100_000);
}

#[test]
fn what_is_missing_begins_with_0_unless_the_last_number_is_held() {
    for (held, missing) in
        [(None, vec![0, 1, 2]), (Some(3), vec![1, 2]), (Some(0), vec![1, 2]), (Some(1), vec![0, 2])]
    {
        let mut ledger = ledger(3);
        held.map(|number| ledger.drawn(n(number), b"x"));
        assert_eq!(ledger.missing().collect::<Vec<_>>(), missing.into_iter().map(n).collect::<Vec<_>>());
    }
}

#[test]
fn trust_is_raised_by_the_bytes_and_never_by_a_fingerprint() {
    let ending = |text: &[u8]| [text, &OLD_FACTOR].concat();
    for (right, forged) in [
        (b"the text".to_vec(), b"another!".to_vec()),
        (b"".to_vec(), b"not empty".to_vec()),
        (vec![b'x'; 60_000], vec![b'y'; 60_000]),
        (ending(b"the text"), ending(b"a forged")),
        (ending(b"the text is longer than so"), ending(b"and the other is as long !")),
    ] {
        for equal in [false, true] {
            let mut ledger = ledger(3);
            assert_eq!(ledger.heard(n(1), &forged, A), Arrival::New);
            if equal {
                // As if it had been found by chance, or by somebody who knows the key.
                ledger.fingerprints.put(1, key().fingerprint(&right));
            }
            assert_eq!(ledger.drawn(n(1), &right), Arrival::Corrected(Some(A)));
            assert_eq!(text(&ledger, 1).unwrap(), right);
            assert!(ledger.is_first_hand(n(1)));
            ledger.check();
        }
    }
}

#[test]
fn a_text_with_two_peers_behind_it_is_no_more_than_hearsay() {
    let mut ledger = ledger(3);
    ledger.heard(n(1), b"a forged text", A);
    ledger.heard(n(1), b"a forged text", B);
    assert!(!ledger.is_first_hand(n(1)));
    assert_eq!(ledger.drawn(n(1), b"the right one"), Arrival::Corrected(Some(A)));
}

#[test]
fn the_fingerprints_of_two_processes_say_nothing_of_each_other() {
    let texts: [&[u8]; 4] = [b"", b"a text", &[0; 16], &[b'x'; 1000]];
    for text in texts {
        let all: BTreeSet<_> = (0..100).map(|seed| FingerprintKey::new(seed).fingerprint(text)).collect();
        assert_eq!(all.len(), 100, "{text:?}");
    }
    assert_eq!(format!("{:?}", key()), "FingerprintKey", "a log does not tell it");
}

#[test]
fn a_line_s_sender_is_found_however_many_there_were() {
    let mut ledger = ledger(70_000);
    let peer = |n: u32| PeerId(core::array::from_fn(|at| n.to_le_bytes().get(at).copied().unwrap_or(9)));
    for number in 0..70_000 {
        ledger.heard(n(number), b"x", peer(number));
    }
    assert_eq!(ledger.drawn(n(1), b"y"), Arrival::Corrected(Some(peer(1))));
    assert_eq!(ledger.drawn(n(60_000), b"y"), Arrival::Corrected(Some(peer(60_000))));
    assert_eq!(
        ledger.drawn(n(69_999), b"y"),
        Arrival::Corrected(None),
        "nobody is blamed for another's line"
    );
}
