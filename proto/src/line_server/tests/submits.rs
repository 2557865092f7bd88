//! What the server says of SUBMITs, sessions, resets and corrections.

use super::*;
use crate::wire::line::{SEND_INCORRECT_LINES, SESSION_RESET};

const WHOLE: [(u32, &str); 3] = [(2, ""), (0, "zero"), (1, "-1")];

#[test]
fn a_right_submit_in_any_order_is_told_with_all_its_counts_and_times() {
    let mut rehearsal = Rehearsal::new(unlimited());
    rehearsal.at_ms(100).open(1, 1).send(1, &SENDLINE.repeat(4)).close(1);
    rehearsal.at_ms(1200).open(2, 1).send(2, &SENDLINE.repeat(3));
    rehearsal.text(2);
    rehearsal.at_ms(2300).send(2, &submit(&WHOLE));
    assert_eq!(
        rehearsal.text(2),
        "SUBMIT SUCCESS: e1@a team - 127.0.0.1 - 3, 0, 3, 7, 3, 3 - 1700000000100, 1700000001200, 1700000002300\n"
    );
    let totals = rehearsal.server.totals();
    assert_eq!((totals.submits, totals.right_submits), (1, 1));
    assert_eq!(totals.duration(), Some(Duration::from_millis(2200)));
    let Some(Event::Submitted { outcome, .. }) = rehearsal.events.last() else { panic!() };
    assert!(outcome.as_ref().as_ref().is_ok_and(|score| score.right(3)));
}

#[test]
fn only_distinct_right_lines_are_correct_and_every_wrong_entry_is_incorrect() {
    let mut rehearsal = Rehearsal::new(unlimited());
    rehearsal.open(1, 1);
    let mut counts = |entries: &[(u32, &str)]| {
        rehearsal.send(1, &submit(entries));
        rehearsal.text(1).split(" - ").nth(2).unwrap().to_owned()
    };
    assert_eq!(counts(&[]), "0, 0, 0, 0, 0, 3");
    assert_eq!(counts(&[(0, "zero")]), "1, 0, 1, 0, 0, 3");
    assert_eq!(counts(&[(0, "zero"); 3]), "1, 0, 3, 0, 0, 3");
    assert_eq!(counts(&[(0, "zero"), (1, "one"), (1, "-1"), (2, ""), (3, "three")]), "3, 2, 5, 0, 0, 3");
    assert_eq!(rehearsal.server.totals().right_submits, 0);
}

#[test]
fn a_submit_may_come_in_pieces_and_requests_around_it_are_answered_in_order() {
    let mut rehearsal = Rehearsal::new(unlimited());
    rehearsal.open(1, 1);
    let bytes = [SESSION_RESET, &submit(&WHOLE), SESSION_RESET].concat();
    bytes.iter().for_each(|byte| {
        rehearsal.send(1, &[*byte]);
    });
    let replies = rehearsal.text(1);
    assert!(replies.starts_with("Ok\nSUBMIT SUCCESS: ") && replies.ends_with("\nOk\n"), "{replies}");
}

#[test]
fn malformed_submits_are_told_as_the_real_server_tells_them() {
    for (bytes, told) in [
        ("SUBMIT\na@b\nall\n", "SUBMIT FAILED: [a@b] - LINESTOREAD PARSING ERROR\n"),
        ("SUBMIT\na@b\n2\n0\nzero\none\n", "SUBMIT FAILED: [a@b] - LINE NUMBER PARSING ERROR\n"),
    ] {
        let mut rehearsal = Rehearsal::new(unlimited());
        rehearsal.open(1, 1).send(1, bytes.as_bytes());
        assert_eq!(rehearsal.text(1), told);
        assert_eq!((rehearsal.server.totals().submits, rehearsal.closed.len()), (1, 0));
        assert!(rehearsal.draw(1).is_some(), "what follows is read as requests");
    }
}

#[test]
fn a_submit_that_does_not_come_whole_is_a_reading_error() {
    let told = "SUBMIT FAILED: [a@b] - READING ERROR\n";
    let mut rehearsal = Rehearsal::new(unlimited());
    rehearsal.open(1, 1).send(1, b"SUBMIT\na@b\n2\n0\nze").end(1);
    assert_eq!((rehearsal.text(1).as_str(), rehearsal.closed.as_slice()), (told, &[1][..]));
    let mut long = b"SUBMIT\na@b\n1\n0\n".to_vec();
    long.resize(long.len() + crate::limits::TEXT_BYTES + 1, b'x');
    let mut rehearsal = Rehearsal::new(Settings { latency: Duration::from_millis(1), ..unlimited() });
    rehearsal.open(1, 1).send(1, &long).send(1, SENDLINE);
    assert!(rehearsal.closed.is_empty());
    rehearsal.at_ms(1).deadline();
    assert_eq!((rehearsal.text(1).as_str(), rehearsal.endings()), (told, vec![(1, Ending::TooLong)]));
}

#[test]
fn a_session_reset_starts_the_clock_and_the_counts_anew() {
    let mut rehearsal = Rehearsal::new(unlimited());
    rehearsal.open(1, 1).send(1, SENDLINE);
    rehearsal.text(1);
    rehearsal.at_ms(500).send(1, SESSION_RESET);
    assert_eq!(rehearsal.text(1), "Ok\n");
    rehearsal.at_ms(600).send(1, &submit(&WHOLE));
    let expected = "3, 0, 3, 0, 1, 3 - 1700000000500, 1700000000000, 1700000000600\n";
    assert!(rehearsal.text(1).ends_with(expected));
}

#[test]
fn incorrect_lines_are_those_of_the_latest_submit() {
    let mut rehearsal = Rehearsal::of(File::from_texts(["a", "b", "c"], 1).unwrap(), unlimited());
    rehearsal.open(1, 1).send(1, SEND_INCORRECT_LINES);
    assert_eq!(rehearsal.text(1), "0\n");
    rehearsal.send(1, &submit(&[(3, "x"), (2, "b"), (1, "y"), (3, "z"), (4, "d"), (0, "o")]));
    assert!(rehearsal.text(1).contains(" - 1, 5, 6, "));
    rehearsal.send(1, SEND_INCORRECT_LINES);
    assert_eq!(rehearsal.text(1), "2\n1\na\n3\nc\n");
    rehearsal.send(1, &submit(&[(1, "a")])).send(1, SEND_INCORRECT_LINES);
    assert!(rehearsal.text(1).ends_with("\n0\n"));
}

#[test]
fn a_tournament_leaves_reset_and_corrections_without_any_reply() {
    let mut rehearsal = Rehearsal::new(Settings { tournament: true, ..unlimited() });
    rehearsal.open(1, 1).send(1, SENDLINE).at_ms(9).send(1, SESSION_RESET).send(1, SEND_INCORRECT_LINES);
    assert_eq!(rehearsal.text(1).lines().count(), 2);
    rehearsal.send(1, &submit(&WHOLE));
    let verdict = rehearsal.text(1);
    assert!(verdict.contains("3, 0, 3, 1, 1, 3 - 1700000000000,"), "the reset did nothing: {verdict}");
}
