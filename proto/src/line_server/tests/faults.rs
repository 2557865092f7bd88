//! Habits and faults that are switched on; and that all of it can be repeated.

use super::*;
use crate::wire::line::{SEND_INCORRECT_LINES, SESSION_RESET};
use proptest::{collection::vec, prelude::*};

fn with_chaos(spec: &str) -> Settings {
    Settings { chaos: spec.parse().unwrap(), draw_seed: Some(2), ..unlimited() }
}

#[test]
fn single_answers_only_a_segment_that_holds_exactly_one_request() {
    let mut rehearsal = Rehearsal::new(Settings { single: Some(Single::Ignore), ..unlimited() });
    rehearsal.open(1, 1);
    for segment in [&SENDLINE.repeat(2)[..], b"SENDLINE", b"\n", b"SENDLINE\nSESSION RESET\n"] {
        assert_eq!(rehearsal.send(1, segment).text(1), "");
    }
    assert_eq!(rehearsal.server.totals().ignored, 4);
    assert!(rehearsal.draw(1).is_some());
    assert_eq!(rehearsal.send(1, SESSION_RESET).text(1), "Ok\n");
}

#[test]
fn single_still_takes_a_submit_in_any_number_of_segments() {
    let mut rehearsal = Rehearsal::new(Settings { single: Some(Single::Ignore), ..unlimited() });
    rehearsal.open(1, 1);
    let bytes = submit(&[(0, "zero")]);
    bytes.split_inclusive(|byte| *byte == b'\n').for_each(|field| {
        rehearsal.send(1, field);
    });
    assert!(rehearsal.text(1).contains(" - 1, 0, 1, "));
}

#[test]
fn a_server_that_reads_one_request_at_a_time_answers_the_first_or_closes() {
    let two = SENDLINE.repeat(2);
    let with = |single, latency| {
        let settings =
            Settings { single: Some(single), latency: Duration::from_millis(latency), ..unlimited() };
        let mut rehearsal = Rehearsal::new(settings);
        rehearsal.open(1, 1);
        rehearsal
    };
    let mut first = with(Single::First, 0);
    assert_eq!(first.send(1, &two).text(1).lines().count(), 2);
    assert_eq!(first.send(1, SENDLINE).text(1).lines().count(), 2);
    assert_eq!(first.server.totals().ignored, 1);

    let mut busy = with(Single::Busy, 5);
    busy.send(1, SENDLINE).at_ms(3).send(1, SENDLINE).at_ms(5).deadline();
    assert_eq!(busy.text(1).lines().count(), 2);
    busy.at_ms(6).send(1, SENDLINE).at_ms(11).deadline();
    assert_eq!((busy.text(1).lines().count(), busy.server.totals().ignored), (2, 1));

    let mut close = with(Single::Close, 0);
    close.send(1, SENDLINE).send(1, &submit(&[(0, "zero")]));
    assert_eq!(close.endings(), []);
    close.send(1, &two);
    assert_eq!(close.endings(), [(1, Ending::Several)]);
}

#[test]
fn two_writes_part_the_number_from_the_text() {
    let mut rehearsal =
        Rehearsal::new(Settings { two_writes: 1.0, draw_seed: Some(1), ..Settings::default() });
    rehearsal.open(1, 1).send(1, &SENDLINE.repeat(2));
    let number = nth_draw(1, 1, 3);
    let text = ["zero\n", "-1\n", "\n"][number as usize];
    assert_eq!(rehearsal.segments(1), [format!("{number}\n"), text.into(), "-1\n".into(), "\n".into()]);
}

#[test]
fn latency_moves_every_reply_and_keeps_their_order() {
    let mut rehearsal = Rehearsal::new(Settings { latency: Duration::from_micros(1500), ..unlimited() });
    rehearsal.open(1, 1).send(1, &submit(&[])).at_ms(1).send(1, SENDLINE);
    assert_eq!(rehearsal.segments(1), [""; 0]);
    assert_eq!(rehearsal.server.deadline(), Some(Moment(1500)));
    rehearsal.now = Moment(1500);
    assert!(rehearsal.deadline().text(1).starts_with("SUBMIT SUCCESS"));
    assert_eq!(rehearsal.server.deadline(), Some(Moment(2500)));
    rehearsal.now = Moment(2500);
    assert_eq!(rehearsal.deadline().text(1).lines().count(), 2);
    assert_eq!(rehearsal.server.deadline(), None);
}

#[test]
fn a_delayed_reply_holds_up_those_behind_it() {
    let mut rehearsal = Rehearsal::new(with_chaos("delay=1:20"));
    rehearsal.open(1, 1).send(1, SENDLINE).at_ms(1).send(1, &submit(&[]));
    assert_eq!((rehearsal.segments(1).len(), rehearsal.server.deadline()), (0, Some(Moment(20_000))));
    let replies = rehearsal.at_ms(20).deadline().text(1);
    assert!(replies.lines().nth(2).is_some_and(|verdict| verdict.starts_with("SUBMIT")), "{replies}");
}

#[test]
fn a_closed_connection_takes_its_waiting_replies_along() {
    let mut rehearsal = Rehearsal::new(Settings { latency: Duration::from_millis(5), ..unlimited() });
    rehearsal.open(1, 1).send(1, SENDLINE).close(1);
    assert_eq!(rehearsal.server.deadline(), None);
    assert_eq!(rehearsal.at_ms(9).deadline().segments(1), [""; 0]);
}

#[test]
fn split_cuts_a_reply_in_pieces() {
    let mut rehearsal = Rehearsal::of(File::from_texts(["abcdefg"], 0).unwrap(), with_chaos("split=1:4"));
    rehearsal.open(1, 1).send(1, SENDLINE);
    assert_eq!(rehearsal.segments(1), ["0\nab", "cdef", "g\n"]);
}

#[test]
fn cut_ends_the_connection_in_the_middle_of_a_reply_that_nobody_counts_as_seen() {
    let mut rehearsal = Rehearsal::of(File::from_texts(["abcdefg"], 0).unwrap(), with_chaos("cut=1"));
    rehearsal.open(1, 1).send(1, &SENDLINE.repeat(3));
    assert_eq!(rehearsal.segments(1), ["0\nabc"]);
    assert_eq!((rehearsal.closed.as_slice(), rehearsal.endings()), (&[1][..], vec![(1, Ending::Cut)]));
    let totals = rehearsal.server.totals();
    assert_eq!((totals.draws, totals.draws_needed), (1, None));
}

#[test]
fn silent_requests_are_not_looked_at() {
    let mut rehearsal = Rehearsal::new(with_chaos("silent=1"));
    rehearsal.open(1, 1).send(1, &SENDLINE.repeat(3));
    assert_eq!((rehearsal.segments(1).len(), rehearsal.server.totals().draws), (0, 0));
}

#[test]
fn garbage_can_always_be_told() {
    let mut rehearsal = Rehearsal::new(with_chaos("garbage=1"));
    let mut kinds = std::collections::BTreeSet::new();
    for conn in 1..60 {
        rehearsal.open(conn, 1).send(conn, SENDLINE);
        let bytes = rehearsal.text(conn);
        let (mut input, mut reader) = (bytes.as_bytes(), ReplyReader::new());
        kinds.insert(match reader.next(&mut input, Expect::Line) {
            Ok(_) => format!("{} bytes left", input.len()),
            Err(error) => error.to_string(),
        });
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(kinds.contains("14 bytes left"), "{kinds:?}");
}

#[test]
fn a_probability_strikes_about_as_often_as_it_says() {
    let mut rehearsal = Rehearsal::new(with_chaos("silent=0.25"));
    rehearsal.open(1, 1).send(1, &SENDLINE.repeat(4000));
    let draws = rehearsal.server.totals().draws;
    assert!((2850..3150).contains(&draws), "{draws}");
}

/// What a client may do to a server, for random runs.
#[derive(Clone, Debug)]
enum Act {
    Open(u8),
    Send(u64, Vec<u8>),
    End(u64),
    Close(u64),
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let bytes = prop_oneof![
        6 => (1_usize..5).prop_map(|times| SENDLINE.repeat(times)),
        1 => Just(submit(&[(0, "zero"), (1, "one")])),
        1 => Just(SESSION_RESET.to_vec()),
        1 => Just(SEND_INCORRECT_LINES.to_vec()),
        1 => vec(any::<u8>(), 0..30),
    ];
    prop_oneof![
        2 => (1_u8..4).prop_map(Act::Open),
        8 => (0_u64..6, bytes, any::<prop::sample::Index>()).prop_map(|(conn, bytes, cut)| {
            let cut = cut.index(bytes.len() + 1);
            Act::Send(conn, bytes[..cut].to_vec())
        }),
        1 => (0_u64..6).prop_map(Act::End),
        1 => (0_u64..6).prop_map(Act::Close),
        4 => (0_u64..30_000).prop_map(Act::Wait),
    ]
}

fn transcript(settings: &Settings, acts: &[Act]) -> Vec<String> {
    let mut rehearsal = Rehearsal::new(settings.clone());
    let mut opened = 0;
    let mut lines = Vec::new();
    for act in acts {
        match act {
            Act::Open(last) => {
                rehearsal.open(opened, *last);
                opened += 1;
            }
            Act::Send(conn, bytes) => drop(rehearsal.send(*conn, bytes)),
            Act::End(conn) => drop(rehearsal.end(*conn)),
            Act::Close(conn) => drop(rehearsal.close(*conn)),
            Act::Wait(micros) => {
                rehearsal.now.0 += micros;
                rehearsal.deadline();
            }
        }
        let (written, closed) =
            (std::mem::take(&mut rehearsal.written), std::mem::take(&mut rehearsal.closed));
        let events = std::mem::take(&mut rehearsal.events);
        assert!(rehearsal.server.deadline().is_none_or(|at| at > rehearsal.now));
        lines.push(format!("{} {act:?}: {written:?} {closed:?} {events:?}", rehearsal.now));
    }
    lines
}

proptest! {
    #[test]
    fn the_same_seed_and_inputs_give_the_same_transcript(
        acts in vec(act(), 0..60),
        seed in any::<u64>(),
        latency in prop_oneof![Just(0), 0_u64..20_000],
        one_per_ip in prop_oneof![Just(None), Just(Some(OnePerIp::Reject)), Just(Some(OnePerIp::Replace))],
        fixed in any::<bool>(),
    ) {
        let settings = Settings {
            seed,
            draw_seed: fixed.then_some(seed),
            latency: Duration::from_micros(latency),
            one_per_ip,
            two_writes: 0.3,
            chaos: "delay=0.1:10,split=0.1:3,cut=0.02,silent=0.1,garbage=0.1".parse().unwrap(),
            ..Settings::default()
        };
        prop_assert_eq!(transcript(&settings, &acts), transcript(&settings, &acts));
    }
}
