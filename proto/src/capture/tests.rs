use super::{replay::*, *};
use crate::{
    engine::{
        Engine,
        io::{Command, ConnId, RequestId},
        settings::{Election, Quorum, Server, SubmitBy, Swarm, Topology},
    },
    ids::PeerId,
    lines::SharedLines,
};
use core::time::Duration;
use proptest::prelude::*;

const LINES: u32 = 6;

fn settings() -> Settings {
    Settings {
        name: "lab/one".into(),
        id: PeerId([7; 16]),
        server: Server {
            address: "server:5000".into(),
            label: String::new(),
            lines: core::num::NonZeroU32::new(LINES),
            identity: "entry@team".into(),
            bind: Vec::new(),
            rate: Some(50.0),
            pipeline: None,
        },
        swarm: Swarm {
            id: "default".into(),
            advertise: "[fe80::1%3]:9900".parse().ok(),
            peers: vec!["127.0.0.9:9900".into()],
            topology: Topology::Mesh,
            max_peers: 8,
        },
        election: Election {
            quorum: Quorum::Available,
            grace: Duration::from_secs(1),
            in_doubt: crate::engine::settings::InDoubt::Hold,
            priority: 3,
        },
        submit_by: SubmitBy::EveryPeer,
        autostart: true,
    }
}

/// An engine, its recorder, and what answers both as a world would.
struct Life {
    engine: Engine,
    recorder: Recorder,
    bytes: Vec<u8>,
    now: Moment,
    drawn: u32,
    submits: u32,
}

impl Life {
    fn begin(settings: Settings, restored: Restored, seed: u64, now: Moment) -> Self {
        let (recorder, mut bytes) = (Recorder::default(), Vec::new());
        recorder.start(&mut bytes, &Start::new("0.0.0", &settings, &restored, seed), now);
        restored.lines.for_each(|number, text| {
            recorder.line(&mut bytes, number, restored.hearsay.contains(&number), text, now);
        });
        let engine = Engine::new(settings, restored, seed, now);
        let mut life = Self { engine, recorder, bytes, now, drawn: 0, submits: 0 };
        life.carry_out();
        life
    }

    fn tell(&mut self, input: &Input<'_>) {
        self.recorder.input(&mut self.bytes, input, self.now);
        self.engine.handle(input.clone(), self.now);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        let mut effects = Vec::new();
        while let Some(effect) = self.engine.next_effect() {
            self.recorder.effect(&effect);
            effects.push(effect);
        }
        for effect in effects {
            let address = "127.0.0.1:4000".parse().unwrap();
            match effect {
                Effect::DialServer { conn, .. } => self.tell(&Input::Opened { conn, peer: None, address }),
                Effect::DialPeer { conn, .. } => self.tell(&Input::Closed { conn, why: "nobody listens" }),
                Effect::Store { ticket, .. } => self.tell(&Input::Stored(ticket)),
                Effect::Write { conn, bytes } => self.answer(conn, &bytes),
                _ => {}
            }
        }
    }

    /// A line server that sends its lines in order, and finds each submit right.
    fn answer(&mut self, conn: ConnId, request: &[u8]) {
        let request = String::from_utf8_lossy(request).into_owned();
        let mut reply = String::new();
        for _ in 0..request.matches("SENDLINE").count() {
            reply += &format!("{}\ntext {}\n", self.drawn % LINES, self.drawn % LINES);
            self.drawn += 1;
        }
        if request.contains("SUBMIT") {
            self.submits += 1;
            reply += "SUBMIT SUCCESS: entry@team - 127.0.0.1 - 6, 0, 6, 6, 6, 6 - 1, 2, 3\n";
        }
        if !reply.is_empty() {
            let (head, tail) = reply.as_bytes().split_at(reply.len() / 2);
            self.tell(&Input::Bytes { conn, bytes: head });
            self.tell(&Input::Bytes { conn, bytes: tail });
            self.tell(&Input::Drained { conn, queued: 0 });
        }
    }

    fn until_done(&mut self) {
        for _ in 0..1000 {
            if self.submits > 0 {
                return;
            }
            let (at, _) = self.engine.deadline().unwrap();
            self.now = self.now.max(at);
            self.tell(&Input::Deadline);
        }
        panic!("it was never submitted: {:?}", self.engine.status());
    }

    fn end(mut self) -> Vec<u8> {
        self.recorder.end(&mut self.bytes, "asked to", self.now);
        self.bytes
    }
}

/// A whole run with one of each kind of input but `Stop`, some after a moment that is not round.
fn capture() -> Vec<u8> {
    let restored = Restored { lines: SharedLines::new(), ..Restored::default() };
    restored.lines.insert(LineNumber(0), b"text 0");
    restored.lines.insert(LineNumber(3), b"text 3");
    let restored = Restored { hearsay: vec![LineNumber(3)], ..restored };
    let mut life = Life::begin(settings(), restored, 99, Moment(1_234_567));
    life.tell(&Input::Found { address: "[fe80::2%7]:9900".parse().unwrap(), how: "multicast:eth0" });
    life.tell(&Input::Command { request: RequestId(4), command: Command::Limit { rate: Some(12.5) } });
    life.until_done();
    life.end()
}

fn play(bytes: &[u8], pieces: usize) -> (Result<Verdict, Damage>, Vec<String>) {
    let mut seen = Vec::new();
    let mut replay = Replay::default();
    let mut see = |at: Moment, what: Seen<'_>| {
        if let Seen::Effect(Effect::Note(stamped)) = what {
            seen.push(format!("{at} {}", stamped.record(0, at, "n").what));
        }
    };
    let fed = bytes.chunks(pieces.max(1)).try_for_each(|piece| replay.feed(piece, &mut see));
    let verdict = fed.and_then(|()| match replay.difference().cloned() {
        Some(difference) => Ok(Verdict::Different(difference)),
        None => replay.finish(),
    });
    (verdict, seen)
}

#[test]
fn a_capture_is_the_same_again_at_every_split() {
    let bytes = capture();
    let (verdict, seen) = play(&bytes, bytes.len());
    assert_eq!(verdict, Ok(Verdict::Same));
    assert!(seen.iter().any(|line| line.contains("complete")), "{seen:?}");
    assert!(seen.iter().any(|line| line.contains("done")), "{seen:?}");
    for pieces in [1, 7, 64, 1000] {
        assert_eq!(play(&bytes, pieces), (Ok(Verdict::Same), seen.clone()));
    }
}

#[test]
fn an_engine_that_goes_on_in_the_middle_is_captured_from_there() {
    let mut life = Life::begin(settings(), Restored::default(), 1, Moment::ZERO);
    for _ in 0..3 {
        life.now = life.engine.deadline().unwrap().0;
        life.tell(&Input::Deadline);
    }
    life.tell(&Input::Command { request: RequestId(1), command: Command::Limit { rate: Some(40.0) } });
    let joined = Command::Join { addresses: vec!["127.0.0.8:1".into()] };
    life.tell(&Input::Command { request: RequestId(2), command: joined });
    let (settings, restored) = life.engine.successor();
    assert_eq!(settings.server.rate, Some(40.0));
    assert_eq!(settings.swarm.peers, ["127.0.0.9:9900", "127.0.0.8:1"]);
    let held = restored.lines.len();
    assert!(held > 0 && held < LINES as usize);
    let mut next = Life::begin(settings, restored, 2, life.now);
    assert_eq!(next.engine.status().job.have as usize, held);
    next.drawn = life.drawn;
    next.until_done();
    assert_eq!(play(&next.end(), 4096).0, Ok(Verdict::Same));
}

#[test]
#[cfg_attr(miri, ignore = "thousands of replays: hours")]
fn one_altered_byte_anywhere_is_damage_and_never_a_panic() {
    let bytes = capture();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let verdict = play(&damaged, 512).0;
            assert!(verdict.is_err(), "byte {at} of {}: {verdict:?}", bytes.len());
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of replays: hours")]
fn a_capture_cut_short_anywhere_is_told_and_one_with_more_behind_its_end_too() {
    let bytes = capture();
    for at in 0..bytes.len() {
        assert_eq!(play(&bytes[..at], 512).0, Err(Damage::CutShort), "{at}");
    }
    for more in [&b"x"[..], &bytes[HEADER.len()..HEADER.len() + 40], &bytes[HEADER.len()..]] {
        assert!(play(&[&bytes, more].concat(), 512).0.is_err());
    }
}

/// The capture with one input made another by `alter`, its checksum as it should be.
fn altered(bytes: &[u8], alter: impl Fn(&mut Input<'_>) -> bool) -> (u64, Vec<u8>) {
    let mut reader = frame::FrameReader::default();
    let mut rest = &bytes[HEADER.len()..];
    let (mut out, mut inputs, mut changed) = (HEADER.to_vec(), 0, 0);
    while let Some(found) = reader.next(&mut rest).unwrap() {
        let (content, _) = found.body.split_last_chunk::<CHECKSUM>().unwrap();
        let mut content = content.to_vec();
        if found.number == number::INPUT {
            inputs += 1;
            let original = content.clone();
            let mut told: Told<'_> = body(&original).unwrap();
            if changed == 0 && alter(&mut told.input) {
                changed = inputs;
                content = postcard::to_stdvec(&told).unwrap();
            }
        }
        let sum = checksum(found.number, Moment(found.lamport), &content);
        frame::write(&mut out, found.number, found.lamport, |out| {
            out.extend_from_slice(&content);
            out.extend_from_slice(&sum);
        });
    }
    (changed, out)
}

#[test]
fn another_input_is_a_difference_and_it_is_told_after_which() {
    let bytes = capture();
    assert_eq!(altered(&bytes, |_| false), (0, bytes.clone()), "nothing else is altered");
    let (changed, silent) = altered(&bytes, |input| match input {
        Input::Closed { why, .. } => {
            *why = "another reason";
            true
        }
        _ => false,
    });
    assert!(changed > 0);
    match play(&silent, 512).0 {
        Ok(Verdict::Different(difference)) => assert_eq!(difference.input, changed),
        other => panic!("{other:?}"),
    }
    let (_, slower) = altered(&bytes, |input| match input {
        Input::Command { command: Command::Limit { rate }, .. } => {
            *rate = Some(1.0);
            true
        }
        _ => false,
    });
    assert!(matches!(play(&slower, 512).0, Ok(Verdict::Different(_))));
}

#[test]
fn an_end_fits_into_the_room_that_is_kept_for_it() {
    let mut out = Vec::new();
    Recorder::default().end(&mut out, &"\u{10ffff}".repeat(500), Moment(u64::MAX));
    assert!(out.len() <= END_BYTES, "{}", out.len());
}

proptest! {
    #[test]
    fn garbage_is_damage(bytes in proptest::collection::vec(any::<u8>(), 0..400), headed in any::<bool>()) {
        let bytes = if headed { [HEADER, &bytes].concat() } else { bytes };
        prop_assert!(play(&bytes, 50).0.is_err());
    }
}

#[test]
fn a_capture_of_a_newer_version_is_told_from_damage_however_it_is_read() {
    for (version, size) in [("2", 1), ("10", 3), ("300", 64)] {
        let bytes = format!("lineswarm-capture {version}\nand so on");
        let mut replay = Replay::default();
        let played = bytes.as_bytes().chunks(size).try_for_each(|piece| replay.feed(piece, &mut |_, _| {}));
        assert!(matches!(played, Err(Damage::Newer(found)) if found > 1), "{version}: {played:?}");
    }
    for damaged in ["lineswarm-capture x\n", "lineswarm-capture \n", "something else altogether"] {
        let played = Replay::default().feed(damaged.as_bytes(), &mut |_, _| {});
        assert_eq!(played, Err(Damage::Header), "{damaged}");
    }
}
