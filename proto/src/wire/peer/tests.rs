//! Golden bytes and round trips of every message.

use super::*;
use crate::wire::frame::FrameReader;
use proptest::prelude::*;

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

proptest! {
    #[test]
    fn any_body_reads_or_is_refused(number in any::<u8>(), body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::read(Frame { number, lamport: 0, body: &body }) {
            let mut bytes = Vec::new();
            write(&mut bytes, 0, &message);
            let (mut reader, mut input) = (FrameReader::default(), bytes.as_slice());
            let frame = reader.next(&mut input).unwrap().unwrap();
            prop_assert_eq!(Message::read(frame).unwrap(), message);
        }
    }
}
