mod faults;
mod limits;
mod submits;

use super::*;
use crate::{
    ids::LineNumber,
    wire::line::{Expect, Reply, ReplyReader, SENDLINE, line_entry, submit_head},
};
use std::{collections::BTreeMap, net::Ipv4Addr};

const WALL_MS: u64 = 1_700_000_000_000;

/// A server and what it did: bytes for each connection, in segments, and events.
struct Rehearsal {
    server: LineServer,
    written: BTreeMap<u64, Vec<Vec<u8>>>,
    closed: Vec<u64>,
    events: Vec<Event>,
    now: Moment,
}

fn ip(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

/// Nothing limits the rate.
fn unlimited() -> Settings {
    Settings { rate: RateSchedule::fixed(0.0), ..Settings::default() }
}

impl Rehearsal {
    /// A server of three lines.
    fn new(settings: Settings) -> Self {
        Self::of(File::from_texts(["zero", "-1", ""], 0).unwrap(), settings)
    }

    fn of(file: File, settings: Settings) -> Self {
        Self {
            server: LineServer::new(file, settings, WALL_MS),
            written: BTreeMap::new(),
            closed: Vec::new(),
            events: Vec::new(),
            now: Moment::ZERO,
        }
    }

    fn at_ms(&mut self, ms: u64) -> &mut Self {
        self.now = Moment(ms * 1000);
        self
    }

    fn input(&mut self, input: Input<'_>) {
        self.server.handle(input, self.now);
        while let Some(output) = self.server.next_output() {
            match output {
                Output::Write { conn, bytes } => self.written.entry(conn.0).or_default().push(bytes.to_vec()),
                Output::Close { conn } => self.closed.push(conn.0),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    fn open(&mut self, conn: u64, last: u8) -> &mut Self {
        self.input(Input::Opened { conn: ConnId(conn), ip: ip(last) });
        self
    }

    fn send(&mut self, conn: u64, bytes: &[u8]) -> &mut Self {
        self.input(Input::Bytes { conn: ConnId(conn), bytes });
        self
    }

    fn end(&mut self, conn: u64) -> &mut Self {
        self.input(Input::Ended { conn: ConnId(conn) });
        self
    }

    fn close(&mut self, conn: u64) -> &mut Self {
        self.input(Input::Closed { conn: ConnId(conn) });
        self
    }

    fn deadline(&mut self) -> &mut Self {
        self.input(Input::Deadline);
        self
    }

    /// The segments written to `conn` since the last look.
    fn segments(&mut self, conn: u64) -> Vec<String> {
        let segments = self.written.remove(&conn).unwrap_or_default();
        segments.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
    }

    fn text(&mut self, conn: u64) -> String {
        self.segments(conn).concat()
    }

    /// One line is asked for: which one came?
    fn draw(&mut self, conn: u64) -> Option<u32> {
        self.send(conn, SENDLINE);
        let bytes = self.text(conn);
        match ReplyReader::new().next(&mut bytes.as_bytes(), Expect::Line).unwrap() {
            Some(Reply::Line { number, .. }) => Some(number.0),
            Some(Reply::Refused) | None => None,
            other => panic!("{other:?}"),
        }
    }

    fn endings(&self) -> Vec<(u64, Ending)> {
        let ending = |event: &Event| match event {
            Event::Disconnected { conn, reason, .. } => Some((conn.0, *reason)),
            _ => None,
        };
        self.events.iter().filter_map(ending).collect()
    }
}

fn submit(entries: &[(u32, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    submit_head("e1@a team", u32::try_from(entries.len()).unwrap(), &mut bytes);
    for (number, text) in entries {
        line_entry(LineNumber(*number), text.as_bytes(), &mut bytes);
    }
    bytes
}

#[test]
fn outstanding_requests_are_answered_in_order_and_in_one_segment() {
    let mut rehearsal = Rehearsal::new(Settings { draw_seed: Some(1), ..unlimited() });
    rehearsal.open(1, 1).send(1, &SENDLINE.repeat(5));
    let lines = ["0\nzero\n", "1\n-1\n", "2\n\n"];
    let expected: String = (1..=5).map(|n| lines[nth_draw(1, n, 3) as usize]).collect();
    assert_eq!(rehearsal.segments(1), [expected]);
    assert_eq!(rehearsal.server.totals().draws, 5);
}

#[test]
fn the_nth_draw_is_the_same_whoever_asks_and_refusals_do_not_count() {
    let settings = Settings { draw_seed: Some(9), ..Settings::default() };
    let file = File::generate(1, 50, 1).unwrap();
    let mut rehearsal = Rehearsal::of(file, settings);
    rehearsal.open(1, 1).open(2, 2);
    let mut drawn = Vec::new();
    for step in 0..200 {
        let conn = 1 + step * 7 % 5 % 2;
        drawn.extend(rehearsal.at_ms(step * 4).draw(conn));
    }
    let expected: Vec<u32> = (1..=drawn.len() as u64).map(|n| 1 + nth_draw(9, n, 50)).collect();
    assert_eq!(drawn, expected);
    assert!(rehearsal.server.totals().refusals > 20);
}

#[test]
fn without_a_draw_seed_the_seed_decides() {
    let drawn = |seed| {
        let mut rehearsal =
            Rehearsal::of(File::generate(1, 100, 0).unwrap(), Settings { seed, ..unlimited() });
        rehearsal.open(1, 1);
        (0..50).map(|_| rehearsal.draw(1).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(drawn(5), drawn(5));
    assert_ne!(drawn(5), drawn(6));
}

#[test]
fn the_draw_that_completed_the_file_is_remembered() {
    let mut rehearsal = Rehearsal::new(Settings { draw_seed: Some(4), ..unlimited() });
    rehearsal.open(1, 1).open(2, 2);
    let mut seen = std::collections::BTreeSet::new();
    let needed = (1..100).find(|n| seen.insert(nth_draw(4, *n, 3)) && seen.len() == 3).unwrap();
    for draw in 1..=needed + 5 {
        assert_eq!(rehearsal.server.totals().draws_needed, (draw > needed).then_some(needed));
        rehearsal.draw(1 + draw % 2);
    }
}

#[test]
fn the_first_draw_is_an_event_and_happens_once() {
    let mut rehearsal = Rehearsal::new(unlimited());
    rehearsal.open(1, 7).at_ms(30).send(1, SENDLINE).send(1, SENDLINE);
    assert_eq!(
        rehearsal.events,
        [Event::Connected { conn: ConnId(1), ip: ip(7) }, Event::FirstDraw { conn: ConnId(1), ip: ip(7) }]
    );
    assert_eq!(rehearsal.server.totals().first_draw, Some(Moment(30_000)));
}

#[test]
fn one_connection_per_address_rejects_the_new_one() {
    let one_per_ip = Some(OnePerIp::Reject);
    let mut rehearsal = Rehearsal::new(Settings { one_per_ip, ..unlimited() });
    rehearsal.open(1, 1).open(2, 1).open(3, 2);
    assert_eq!((rehearsal.closed.as_slice(), rehearsal.endings()), (&[2][..], vec![(2, Ending::Rejected)]));
    assert!(rehearsal.draw(1).is_some() && rehearsal.draw(3).is_some());
    assert_eq!(rehearsal.draw(2), None);
    rehearsal.close(1).open(4, 1);
    assert!(rehearsal.draw(4).is_some());
}

#[test]
fn one_connection_per_address_replaces_the_old_one() {
    let one_per_ip = Some(OnePerIp::Replace);
    let mut rehearsal = Rehearsal::new(Settings { one_per_ip, ..unlimited() });
    rehearsal.open(1, 1).open(2, 1);
    assert_eq!((rehearsal.closed.as_slice(), rehearsal.endings()), (&[1][..], vec![(1, Ending::Replaced)]));
    assert!(rehearsal.draw(2).is_some());
    assert_eq!(rehearsal.draw(1), None);
}

#[test]
fn lines_that_are_no_request_are_counted_and_not_answered() {
    let mut rehearsal = Rehearsal::new(unlimited());
    rehearsal.open(1, 1).send(1, b"\nHELO\nsendline\n").send(1, SENDLINE);
    assert_eq!(rehearsal.server.totals().ignored, 3);
    assert_eq!(rehearsal.text(1).lines().count(), 2);
}

#[test]
fn who_ends_its_sending_side_still_gets_its_replies() {
    let mut rehearsal = Rehearsal::new(Settings { latency: Duration::from_millis(5), ..unlimited() });
    rehearsal.open(1, 1).send(1, SENDLINE).end(1);
    assert!(rehearsal.closed.is_empty());
    rehearsal.at_ms(5).deadline();
    assert_eq!(rehearsal.segments(1).len(), 1);
    assert_eq!((rehearsal.closed.as_slice(), rehearsal.endings()), (&[1][..], vec![(1, Ending::ByClient)]));
}
