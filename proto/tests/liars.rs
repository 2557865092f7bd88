//! A peer that holds the swarm's key and lies: what it can't do, and where that ends.
#![allow(clippy::unwrap_used, clippy::panic)] // the whole file is a test

use lineswarm_proto::{
    engine::{
        Engine, Restored,
        io::{ConnId, Effect, Input},
        settings::{Election, InDoubt, Quorum, Server, Settings, SubmitBy, Swarm, Topology},
        state::{Durable, Members},
    },
    ids::{JobId, LineNumber, PeerId, Term},
    limits,
    lines::SharedLines,
    time::Moment,
    wire::{
        frame::FrameReader,
        peer::{self, ByeReason, Hello, Message},
    },
};
use std::{num::NonZeroU32, time::Duration};

const HONEST: PeerId = PeerId([1; 16]);
const LIAR: PeerId = PeerId([2; 16]);

fn job() -> JobId {
    JobId { swarm: "test".into(), epoch: 1, lines: 10, label: "file".into() }
}

/// A node that drew lines 0 to 4 itself.
fn engine() -> Engine {
    let lines = SharedLines::new();
    for number in 0..5 {
        lines.insert(LineNumber(number), format!("line {number}").as_bytes());
    }
    let settings = Settings {
        name: "honest".into(),
        id: HONEST,
        server: Server {
            address: "127.0.0.1:1".into(),
            label: "file".into(),
            lines: NonZeroU32::new(10),
            identity: "entry@team".into(),
            bind: Vec::new(),
            rate: None,
            pipeline: None,
        },
        swarm: Swarm {
            id: "test".into(),
            advertise: None,
            peers: Vec::new(),
            topology: Topology::Mesh,
            max_peers: 64,
        },
        election: Election {
            quorum: Quorum::Grace,
            grace: Duration::from_secs(10),
            in_doubt: InDoubt::Resubmit,
            priority: 0,
        },
        submit_by: SubmitBy::Master,
        autostart: true,
    };
    let state = Durable { job: job(), ..Durable::default() };
    let restored = Restored { state: Some(state), lines, hearsay: Vec::new(), last_event: 0 };
    Engine::new(settings, restored, 1, Moment::ZERO)
}

/// Hands it in and takes what comes of it; everything is stored at once. Gives why `conn` was told goodbye.
fn feed(engine: &mut Engine, input: Option<Input<'_>>, conn: ConnId) -> Option<u8> {
    let mut inputs: Vec<Input<'_>> = input.into_iter().collect();
    let (mut written, mut closed) = (Vec::new(), false);
    loop {
        if let Some(input) = inputs.pop() {
            engine.handle(input, Moment::ZERO);
        }
        while let Some(effect) = engine.next_effect() {
            match effect {
                Effect::Store { ticket, .. } => inputs.push(Input::Stored(ticket)),
                Effect::Write { conn: to, bytes } if to == conn => written.extend_from_slice(&bytes),
                Effect::Close { conn: of } => closed |= of == conn,
                _ => {}
            }
        }
        if inputs.is_empty() {
            break;
        }
    }
    let (mut reader, mut bytes) = (FrameReader::default(), &written[..]);
    let mut reason = None;
    while let Some(frame) = reader.next(&mut bytes).unwrap() {
        if let Ok(Message::Bye(bye)) = Message::read(frame) {
            reason = Some(bye.reason);
        }
    }
    assert_eq!(reason.is_some(), closed, "who is told goodbye is closed, and the other way round");
    reason
}

fn say(engine: &mut Engine, conn: ConnId, message: &Message<'_>) -> Option<u8> {
    let mut bytes = Vec::new();
    peer::write(&mut bytes, 1, message);
    feed(engine, Some(Input::Bytes { conn, bytes: &bytes }), conn)
}

fn link(engine: &mut Engine, n: u64) -> (ConnId, Option<u8>) {
    let conn = ConnId::accepted(n);
    let address = "127.0.0.9:9".parse().unwrap();
    let refused = feed(engine, Some(Input::Opened { conn, peer: Some(LIAR), address }), conn);
    let hello = Hello {
        features: 0,
        name: "liar".into(),
        job: job(),
        server: "127.0.0.1:1".into(),
        listen: None,
        term: Term(0),
        members: Members::default(),
        intent: None,
        outcome: None,
    };
    (conn, refused.or_else(|| say(engine, conn, &Message::Hello(Box::new(hello)))))
}

#[test]
fn a_peer_whose_lines_contradict_the_server_three_times_is_dropped_and_stays_out() {
    let mut engine = engine();
    feed(&mut engine, None, ConnId::accepted(0));
    let (conn, refused) = link(&mut engine, 1);
    assert_eq!(refused, None);
    for number in 0..limits::CONTRADICTIONS {
        let last = number + 1 == limits::CONTRADICTIONS;
        let lie = Message::Lines(vec![(LineNumber(number), b"a lie".as_slice())]);
        let reason = say(&mut engine, conn, &lie);
        assert_eq!(reason, last.then_some(ByeReason::Contradicts as u8), "after line {number}");
    }
    for number in 0..limits::CONTRADICTIONS {
        let text = engine.lines().get(LineNumber(number), <[u8]>::to_vec).unwrap();
        assert_eq!(text, format!("line {number}").as_bytes(), "what was drawn stands");
    }
    assert_eq!(link(&mut engine, 2).1, Some(ByeReason::Banned as u8), "it may not come back");
}

#[test]
fn a_line_that_the_file_cannot_have_is_a_contradiction_too_and_is_not_kept() {
    let mut engine = engine();
    feed(&mut engine, None, ConnId::accepted(0));
    let (conn, _) = link(&mut engine, 1);
    let lies: Vec<_> = (11..14).map(|number| (LineNumber(number), b"beyond".as_slice())).collect();
    assert_eq!(say(&mut engine, conn, &Message::Lines(lies)), Some(ByeReason::Contradicts as u8));
    assert_eq!(engine.lines().len(), 5);
}

#[test]
fn what_a_peer_says_of_a_job_is_checked_like_the_operators_own_settings() {
    let new = |server: &str, change: &dyn Fn(&mut JobId)| {
        let mut job = JobId { epoch: 2, ..job() };
        change(&mut job);
        Message::NewJob(lineswarm_proto::wire::peer::NewJob { job, server: server.into() })
    };
    let same = |_: &mut JobId| {};
    let long = "x".repeat(limits::NAME_BYTES + 1);
    let broken = [
        new("", &same),
        new("\n", &same),
        new("host:99999", &same),
        new("host:0", &same),
        new("ho st:1", &same),
        new(&format!("{long}:1"), &same),
        new("host:1", &|job| job.label = "\u{1b}[31m".into()),
        new("host:1", &|job| job.label = String::new()),
        new("host:1", &|job| job.lines = 1_000_000_000),
        new("host:1", &|job| job.epoch = u64::MAX),
    ];
    for message in broken {
        let mut engine = engine();
        feed(&mut engine, None, ConnId::accepted(0));
        let (conn, _) = link(&mut engine, 1);
        assert_eq!(say(&mut engine, conn, &message), Some(ByeReason::Broken as u8), "{message:?}");
        assert_eq!((engine.durable().job.epoch, engine.durable().server.as_str()), (1, "127.0.0.1:1"));
    }
    // Its own server is on loopback, so others there may be; no link and no group.
    for server in ["169.254.169.254:80", "[fe80::1]:80", "224.0.0.1:80", "255.255.255.255:1"] {
        let mut engine = engine();
        feed(&mut engine, None, ConnId::accepted(0));
        let (conn, _) = link(&mut engine, 1);
        let reason = say(&mut engine, conn, &new(server, &same));
        assert_eq!(reason, Some(ByeReason::ForbiddenServer as u8), "{server}");
        assert_eq!(engine.durable().job.epoch, 1);
    }
    let mut engine = engine();
    feed(&mut engine, None, ConnId::accepted(0));
    let (conn, _) = link(&mut engine, 1);
    assert_eq!(say(&mut engine, conn, &new("127.0.0.9:7", &same)), None);
    assert_eq!((engine.durable().job.epoch, engine.durable().server.as_str()), (2, "127.0.0.9:7"));
}
