//! Rates and bounds.

use super::*;
use crate::wire::line::SEND_INCORRECT_LINES;

/// The times in ms, of those in `asked`, that were answered.
fn answered(rehearsal: &mut Rehearsal, conn: u64, asked: &[u64]) -> Vec<u64> {
    asked.iter().copied().filter(|ms| rehearsal.at_ms(*ms).draw(conn).is_some()).collect()
}

#[test]
fn each_limiter_answers_at_its_own_times() {
    let asked = [0, 5, 9, 10, 19, 25, 34, 35, 100, 100, 999, 1000, 1001];
    for (limiter, burst, rate, times) in [
        (LimiterKind::Spacing, 1, 100.0, vec![0, 10, 25, 35, 100, 999]),
        (LimiterKind::Bucket, 2, 100.0, vec![0, 5, 10, 25, 34, 100, 100, 999, 1000]),
        (LimiterKind::Window, 1, 3.0, vec![0, 5, 9, 1000, 1001]),
    ] {
        let rate = RateSchedule::fixed(rate);
        let mut rehearsal = Rehearsal::new(Settings { limiter, burst, rate, ..Settings::default() });
        rehearsal.open(1, 1);
        assert_eq!(answered(&mut rehearsal, 1, &asked), times, "{limiter:?}");
    }
}

#[test]
fn a_refusal_has_the_form_that_was_asked_for() {
    for (refusal, bytes) in [(Refusal::Blank, "-1\n\n"), (Refusal::Minus, "-1\n-1\n")] {
        let mut rehearsal = Rehearsal::new(Settings { refusal, ..Settings::default() });
        rehearsal.open(1, 1).send(1, SENDLINE);
        rehearsal.text(1);
        rehearsal.send(1, SENDLINE);
        assert_eq!((rehearsal.text(1).as_str(), rehearsal.server.totals().refusals), (bytes, 1));
    }
}

#[test]
fn connections_have_their_own_limit_and_addresses_share_one() {
    let asked = |limit_by| {
        let mut rehearsal = Rehearsal::new(Settings { limit_by, ..Settings::default() });
        rehearsal.open(1, 1).open(2, 1).open(3, 2);
        [1, 2, 3].map(|conn| rehearsal.draw(conn).is_some())
    };
    assert_eq!(asked(LimitBy::Conn), [true, true, true]);
    assert_eq!(asked(LimitBy::Ip), [true, false, true]);
}

#[test]
fn an_addresss_limit_outlives_its_connection() {
    let mut rehearsal = Rehearsal::new(Settings { limit_by: LimitBy::Ip, ..Settings::default() });
    rehearsal.open(1, 1).send(1, SENDLINE).close(1).at_ms(9).open(2, 1);
    assert_eq!(answered(&mut rehearsal, 2, &[9, 10]), [10]);
}

#[test]
fn a_schedule_counts_from_the_first_draw() {
    let rate = "100,50@1s,0@2s".parse().unwrap();
    let mut rehearsal = Rehearsal::new(Settings { rate, ..Settings::default() });
    rehearsal.at_ms(5000).open(1, 1);
    assert_eq!(answered(&mut rehearsal, 1, &[5000, 5010, 5990]), [5000, 5010, 5990]);
    assert_eq!(answered(&mut rehearsal, 1, &[6000, 6009, 6010, 6029, 6030]), [6010, 6030]);
    rehearsal.open(2, 2);
    assert_eq!(answered(&mut rehearsal, 2, &[6990, 7000, 7000, 7000]), [6990, 7000, 7000, 7000]);
}

#[test]
#[cfg_attr(miri, ignore = "megabytes of replies: minutes")]
fn replies_that_wait_too_long_stop_the_reading_before_they_fill_the_memory() {
    let mut rehearsal = Rehearsal::new(Settings { latency: Duration::from_millis(10), ..unlimited() });
    rehearsal.open(1, 1).send(1, &SENDLINE.repeat(crate::limits::PIPELINE as usize - 1));
    assert!(rehearsal.server.accepts(ConnId(1)));
    rehearsal.send(1, SENDLINE);
    assert!(!rehearsal.server.accepts(ConnId(1)));
    rehearsal.at_ms(10).deadline();
    assert!(rehearsal.server.accepts(ConnId(1)));
    for _ in 0..100 {
        rehearsal.send(1, &SENDLINE.repeat(10_000));
    }
    assert_eq!(rehearsal.endings(), [(1, Ending::Flooded)]);
}

#[test]
fn one_input_can_not_make_replies_without_end() {
    let file = File::from_texts((0..200).map(|_| "x".repeat(5000)), 0).unwrap();
    let mut rehearsal = Rehearsal::of(file, unlimited());
    let wrong: Vec<(u32, &str)> = (0..200).map(|number| (number, "")).collect();
    rehearsal.open(1, 1).send(1, &submit(&wrong)).send(1, &SEND_INCORRECT_LINES.repeat(1000));
    assert_eq!(rehearsal.endings(), [(1, Ending::Flooded)]);
    let written: usize = rehearsal.written[&1].iter().map(Vec::len).sum();
    assert!(written < crate::limits::REPLIES_BYTES + 2_000_000, "{written}");
}

#[test]
#[cfg_attr(miri, ignore = "a thousand clients: minutes")]
fn a_client_above_the_most_is_turned_away() {
    let most = crate::limits::CLIENTS as u64;
    let mut rehearsal = Rehearsal::new(unlimited());
    for conn in 0..=most {
        rehearsal.open(conn, 1);
    }
    assert_eq!(rehearsal.endings(), [(most, Ending::Crowded)]);
}

#[test]
#[cfg_attr(miri, ignore = "thousands of sessions: minutes")]
fn the_oldest_session_without_a_connection_is_forgotten_first() {
    let mut rehearsal = Rehearsal::new(unlimited());
    let opened = |rehearsal: &mut Rehearsal, conn: u32| {
        let ip = Ipv4Addr::from(0x0a00_0000 + conn).into();
        rehearsal.at_ms(conn.into()).input(Input::Opened { conn: ConnId(conn.into()), ip });
    };
    opened(&mut rehearsal, 0);
    for conn in 1..=u32::try_from(crate::limits::SESSIONS).unwrap() {
        opened(&mut rehearsal, conn);
        rehearsal.close(conn.into());
    }
    rehearsal.send(0, &submit(&[]));
    assert!(rehearsal.text(0).contains(" - 1700000000000, 1700000000000, "));
}

#[test]
fn a_request_line_without_end_closes_the_connection() {
    let mut rehearsal = Rehearsal::new(unlimited());
    rehearsal.open(1, 1).send(1, &[b'x'; crate::limits::REQUEST_BYTES + 1]);
    assert_eq!((rehearsal.text(1).as_str(), rehearsal.endings()), ("", vec![(1, Ending::TooLong)]));
}
