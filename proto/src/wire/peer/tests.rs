//! Golden bytes and round trips of every message.

use super::*;
use crate::wire::frame::FrameReader;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn id(byte: u8) -> PeerId {
    PeerId([byte; 16])
}

fn job() -> JobId {
    JobId { swarm: "s".into(), epoch: 2, lines: 1000, label: "f".into() }
}

fn intent() -> Intent {
    Intent { job: job(), term: Term(3), by: id(1), sha256: [9; 32] }
}

fn outcome() -> Outcome {
    Outcome { intent: intent(), right: true, reply: "ok".into() }
}

fn examples() -> Vec<Message<'static>> {
    let mut members = Members::default();
    members.join(id(1));
    vec![
        Message::Hello(Box::new(Hello {
            features: 0,
            name: "n".into(),
            job: job(),
            server: "h:1".into(),
            listen: Some(SocketAddr::from(([127, 0, 0, 2], 258))),
            term: Term(300),
            members: members.clone(),
            intent: Some(intent()),
            outcome: None,
        })),
        Message::Bye(Bye { reason: ByeReason::Full as u8, text: "full".into() }),
        Message::Lines(vec![(LineNumber(0), b"".as_slice()), (LineNumber(300), b"ab\xff")]),
        Message::Have(&[1, 2]),
        Message::Want(&[]),
        Message::Beat(Beat {
            term: Term(1),
            master: Some(id(2)),
            held: 5,
            digest: 6,
            drawn: 7,
            rate: 1.5,
            interval_ms: 250,
            done: false,
            draws_from: vec![IpAddr::from([127, 0, 0, 3])],
        }),
        Message::Ask(Ask { round: Round::Vote, term: Term(2), priority: -1 }),
        Message::Vote(Box::new(Vote {
            round: Round::PreVote,
            term: Term(2),
            granted: true,
            intent: None,
            outcome: Some(outcome()),
        })),
        Message::Intent(intent()),
        Message::Ack(Term(3)),
        Message::Outcome(outcome()),
        Message::Roster(Roster {
            members,
            known: vec![(id(1), "n".into(), SocketAddr::from(([127, 0, 0, 1], 1)))],
        }),
        Message::NewJob(NewJob { job: job(), server: "h:1".into() }),
        Message::Stand(Term(4)),
        Message::Recall(300),
        Message::Recalled(Recalled {
            number: 300,
            events: vec![Past {
                seq: 1,
                lamport: 200,
                at_ms: 3,
                level: Level::Warn,
                what: "w".into(),
                fields: vec![("n".into(), "v".into())],
            }],
        }),
        Message::Allowance(Allowance { drawn: 7, allowed: 300, capped: true, partial: false }),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One line a message: number and body in hex. A change here is a change of the wire format: take a new number instead.
#[test]
fn the_bytes_of_each_message_are_frozen() {
    let golden: String = examples()
        .iter()
        .map(|message| {
            let mut bytes = Vec::new();
            write(&mut bytes, 7, message);
            format!("{} {}\n", bytes[4], hex(&bytes[13..]))
        })
        .collect();
    assert_eq!(golden, include_str!("golden.txt"));
}

#[test]
fn every_message_reads_back() {
    for message in examples() {
        let mut bytes = Vec::new();
        write(&mut bytes, 42, &message);
        let (mut reader, mut input) = (FrameReader::default(), bytes.as_slice());
        let frame = reader.next(&mut input).unwrap().unwrap();
        assert_eq!(frame.lamport, 42);
        assert_eq!(Message::read(frame).unwrap(), message);
        // One byte more or less is no message.
        let longer = [frame.body, &[0]].concat();
        assert!(Message::read(Frame { body: &longer, ..frame }).is_err());
        if let Some((_, shorter)) = frame.body.split_last() {
            assert!(Message::read(Frame { body: shorter, ..frame }).is_err(), "{message:?}");
        }
    }
}

#[test]
fn a_batch_gathered_line_by_line_is_the_same_message() {
    let lines = vec![(LineNumber(1), b"one".as_slice()), (LineNumber(200), b"two")];
    let (mut whole, mut gathered, mut batch) = (Vec::new(), Vec::new(), Vec::new());
    write(&mut whole, 1, &Message::Lines(lines.clone()));
    for (number, text) in &lines {
        write_line(&mut gathered, *number, text);
    }
    write_lines(&mut batch, 1, lines.len(), &gathered);
    assert_eq!(whole, batch);
}

#[test]
fn a_text_with_a_newline_is_refused() {
    let mut bytes = Vec::new();
    write(&mut bytes, 0, &Message::Lines(vec![(LineNumber(1), b"a\nb")]));
    let (mut reader, mut input) = (FrameReader::default(), bytes.as_slice());
    let frame = reader.next(&mut input).unwrap().unwrap();
    assert_eq!(Message::read(frame), Err(MessageError::BadBody(3)));
}

/// Is it taken by who reads it?
fn is_taken(message: &Message<'_>) -> bool {
    let mut bytes = Vec::new();
    write(&mut bytes, 0, message);
    let (mut reader, mut input) = (FrameReader::default(), bytes.as_slice());
    let frame = reader.next(&mut input).unwrap().unwrap();
    Message::read(frame).is_ok()
}

#[test]
#[cfg_attr(miri, ignore = "megabytes of bodies: minutes")]
fn each_field_may_be_as_long_as_its_bound_and_no_longer() {
    let text = |bytes: usize| "x".repeat(bytes);
    let host = |bytes: usize| {
        let mut host = "x.".repeat(bytes).chars().take(bytes - 3).collect::<String>();
        host.push('x');
        host + ":1"
    };
    let job_with = |swarm: usize, label: usize, lines: u32| JobId {
        swarm: text(swarm),
        label: text(label),
        lines,
        ..job()
    };
    let members = |count: usize| {
        let mut members = Members::default();
        (0..count).for_each(|n| assert!(members.join(PeerId((n as u128).to_le_bytes()))));
        members
    };
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let roster = |count: usize, known: usize, name: usize| {
        let known = vec![(id(1), text(name), address); known];
        Message::Roster(Roster { members: members(count), known })
    };
    let beat = |rate: f32, sources: usize| {
        let beat = examples().into_iter().find_map(|message| match message {
            Message::Beat(beat) => Some(beat),
            _ => None,
        });
        let draws_from = vec![IpAddr::from([127, 0, 0, 3]); sources];
        Message::Beat(Beat { rate, draws_from, ..beat.unwrap() })
    };
    let recalled = |events: usize, bytes: usize| {
        let past = |bytes| Past {
            seq: 1,
            lamport: 1,
            at_ms: 1,
            level: Level::Info,
            what: text(bytes),
            fields: vec![],
        };
        let mut events = vec![past(0); events];
        events[0] = past(bytes);
        Message::Recalled(Recalled { number: 1, events })
    };
    let hello = |change: &dyn Fn(&mut Hello)| {
        let Some(Message::Hello(mut hello)) = examples().into_iter().next() else { unreachable!() };
        change(&mut hello);
        Message::Hello(hello)
    };
    let vote = |intent: Option<Intent>, outcome: Option<Outcome>| {
        Message::Vote(Box::new(Vote { round: Round::Vote, term: Term(1), granted: true, intent, outcome }))
    };
    let intent_with = |label: usize| Intent { job: job_with(1, label, 1), ..intent() };
    let outcome_with =
        |label: usize, reply: usize| Outcome { intent: intent_with(label), reply: text(reply), ..outcome() };
    for more in [0, 1] {
        let name = limits::NAME_BYTES + more;
        let reply = limits::REPLY_BYTES + more;
        let long = vec![b'x'; limits::TEXT_BYTES + more];
        let messages = [
            hello(&|hello| hello.name = text(name)),
            hello(&|hello| hello.server = host(name)),
            hello(&|hello| hello.job = job_with(name, 1, 1)),
            hello(&|hello| hello.members = members(limits::TOLD_MEMBERS + more)),
            hello(&|hello| hello.intent = Some(intent_with(name))),
            hello(&|hello| hello.outcome = Some(outcome_with(1, reply))),
            hello(&|hello| hello.outcome = Some(outcome_with(name, 1))),
            Message::Bye(Bye { reason: 1, text: text(limits::BYE_BYTES + more) }),
            Message::Lines(vec![(LineNumber(1), &long)]),
            vote(Some(intent_with(name)), None),
            vote(None, Some(outcome_with(1, reply))),
            Message::Intent(intent_with(name)),
            Message::Outcome(outcome_with(1, reply)),
            roster(limits::TOLD_MEMBERS + more, 0, 1),
            roster(1, limits::INTRODUCED + more, 1),
            roster(1, 1, name),
            Message::NewJob(NewJob { job: job_with(1, name, 1), server: "h:1".into() }),
            Message::NewJob(NewJob {
                job: job_with(1, 1, limits::LINES + more as u32),
                server: "h:1".into(),
            }),
            Message::NewJob(NewJob { job: job(), server: host(name) }),
            beat(1.0, limits::SOURCES + more),
            recalled(limits::EVENTS + more, 1),
            recalled(1, limits::RECALL_BYTES + more),
        ];
        for (at, message) in messages.iter().enumerate() {
            assert_eq!(is_taken(message), more == 0, "the {at}th, {more} beyond its bound");
        }
    }
    assert!(!is_taken(&beat(f32::NAN, 1)) && !is_taken(&beat(f32::INFINITY, 1)));
}

#[test]
fn each_reason_of_a_bye_has_a_name_and_words_of_its_own() {
    use ByeReason::*;
    let reasons = [
        GoingDown,
        OtherSwarm,
        OtherFile,
        SecondLink,
        Banned,
        Full,
        Broken,
        Contradicts,
        Oneself,
        Leaving,
        Silent,
        TakesNothing,
        ForbiddenServer,
    ];
    let names: BTreeSet<_> = reasons.iter().map(|reason| reason.name()).collect();
    let texts: BTreeSet<_> = reasons.iter().map(|reason| reason.text()).collect();
    assert_eq!((names.len(), texts.len()), (reasons.len(), reasons.len()));
    assert!(reasons.iter().all(|reason| reason.text().len() <= limits::BYE_BYTES));
}

/// What a receiver makes of it that has room for so many bytes of a bitmap, and waits for answers or not.
fn received(message: &Message<'_>, bitmap: usize, waits: bool) -> Result<Option<Vec<u8>>, String> {
    let mut bytes = Vec::new();
    write(&mut bytes, 0, message);
    let (mut reader, mut input) = (FrameReader::default(), bytes.as_slice());
    let frame = reader.next_within(&mut input, |number| room(number, bitmap, waits));
    let frame = frame.map_err(|error| error.to_string())?.unwrap();
    if !is_wanted(&frame) {
        return Ok(None);
    }
    match Message::read(frame).map_err(|error| error.to_string())? {
        Message::Have(bits) | Message::Want(bits) => Ok(Some(bits.to_vec())),
        _ => Ok(Some(Vec::new())),
    }
}

#[test]
#[cfg_attr(miri, ignore = "megabytes of bodies: minutes")]
fn the_largest_of_each_message_that_is_said_has_room() {
    let text = |bytes: usize| "x".repeat(bytes);
    let job = JobId { swarm: text(200), epoch: u64::MAX, lines: limits::LINES, label: text(200) };
    let intent = Intent { job: job.clone(), term: Term(u64::MAX), by: id(255), sha256: [255; 32] };
    let outcome = Outcome { intent: intent.clone(), right: false, reply: text(limits::REPLY_BYTES) };
    let mut members = Members::default();
    (0..limits::TOLD_MEMBERS).for_each(|n| {
        let id = PeerId((n as u128).to_le_bytes());
        (0..10_000).for_each(|_| assert!(members.join(id) && members.leave(id)));
    });
    let address = SocketAddr::from(([0xffff; 8], u16::MAX));
    let past = Past {
        seq: u64::MAX,
        lamport: u64::MAX,
        at_ms: u64::MAX,
        level: Level::Info,
        what: text(12),
        fields: vec![(text(13), text(13)), (text(13), text(13))],
    };
    let longest = vec![b'x'; limits::TEXT_BYTES];
    let short = vec![b'x'; 300];
    let mut lines: Vec<(LineNumber, &[u8])> =
        vec![(LineNumber(limits::LINES), &short); limits::BATCH_BYTES / 300];
    lines.push((LineNumber(limits::LINES), &longest));
    for message in [
        Message::Hello(Box::new(Hello {
            features: u64::MAX,
            name: text(200),
            job: job.clone(),
            server: format!("{}:1", "x.".repeat(99)),
            listen: Some(address),
            term: Term(u64::MAX),
            members: members.clone(),
            intent: Some(intent.clone()),
            outcome: Some(outcome.clone()),
        })),
        Message::Roster(Roster { members, known: vec![(id(255), text(200), address); limits::INTRODUCED] }),
        Message::Recalled(Recalled { number: u32::MAX, events: vec![past; limits::EVENTS] }),
        Message::Vote(Box::new(Vote {
            round: Round::Vote,
            term: Term(u64::MAX),
            granted: true,
            intent: Some(intent),
            outcome: Some(outcome),
        })),
        Message::Lines(lines),
    ] {
        assert!(is_taken(&message), "its bounds hold");
        assert_eq!(received(&message, 5, true), Ok(Some(Vec::new())));
    }
}

#[test]
fn a_bitmap_is_cut_to_the_job_and_an_answer_that_nobody_waits_for_is_passed_over() {
    let bits: Vec<u8> = (0..100_000).map(|n| n as u8).collect();
    for (bitmap, cut) in [(6, 6), (0, 0), (99_999, 99_999), (100_000, 100_000), (1 << 20, 100_000)] {
        for message in [Message::Have(&bits), Message::Want(&bits)] {
            // The length before it may be shorter than there is room for: then a little more is kept.
            let kept = received(&message, bitmap, false).unwrap().unwrap();
            assert!((cut..=cut + 4).contains(&kept.len()), "{} of {bitmap}", kept.len());
            assert_eq!(kept, bits[..kept.len()]);
        }
    }
    let answer = examples().into_iter().find(|message| matches!(message, Message::Recalled(_))).unwrap();
    assert_eq!(received(&answer, 6, false), Ok(None));
    assert_eq!(received(&answer, 6, true), Ok(Some(Vec::new())));
    let large = vec![b'x'; limits::MESSAGE_BYTES];
    assert!(received(&Message::Lines(vec![(LineNumber(1), &large)]), 6, false).is_err());
}

proptest! {
    #[test]
    fn any_body_reads_or_is_refused(number in any::<u8>(), body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::read(Frame { number, lamport: 0, body: &body, whole: true }) {
            let mut bytes = Vec::new();
            write(&mut bytes, 0, &message);
            let (mut reader, mut input) = (FrameReader::default(), bytes.as_slice());
            let frame = reader.next(&mut input).unwrap().unwrap();
            prop_assert_eq!(Message::read(frame).unwrap(), message);
        }
    }
}
