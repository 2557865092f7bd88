//! A node in memory and in virtual time: the engine with a line server that answers at once, and with peers that only
//! listen. What runs here is the engine alone, so that its cost can be timed, or counted by valgrind.

use lineswarm_proto::{
    engine::{
        Engine, Restored,
        io::{ConnId, Effect, Input},
        settings::{self, Settings},
        state::{Durable, Ticket},
    },
    ids::{LineNumber, PeerId},
    lines::SharedLines,
    time::Moment,
    wire::line::line_entry,
};
use std::{collections::VecDeque, net::SocketAddr, num::NonZeroU32, time::Duration};

pub(crate) const TEXT: [u8; 80] = [b'x'; 80];
const SERVER: &str = "127.0.0.1:9";

/// What the world answers to an effect.
enum Answer {
    Opened(ConnId),
    Drained(ConnId),
    Stored(Ticket),
}

/// Tells how long the engine took. Where valgrind counts there is no time, and some clocks don't work.
type Clock = fn() -> Duration;

pub(crate) fn no_clock() -> Duration {
    Duration::ZERO
}

/// Of this thread: what else runs does not count.
pub(crate) fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap()
}

/// A node, and what it said.
pub(crate) struct Node {
    clock: Clock,
    engine: Engine,
    now: Moment,
    server: Option<ConnId>,
    /// Requests that the server has not answered.
    asked: usize,
    said: Vec<(ConnId, Vec<u8>)>,
    /// Processor time inside the engine.
    pub(crate) spent: Duration,
}

impl Node {
    fn new(clock: Clock, at: u8, draws: bool, depth: u32) -> Self {
        Self::with(Restored::default(), clock, at, draws, depth)
    }

    fn with(restored: Restored, clock: Clock, at: u8, draws: bool, depth: u32) -> Self {
        let engine = Engine::new(settings(at, draws, depth), restored, u64::from(at), Moment(1));
        let (said, spent) = (Vec::new(), Duration::ZERO);
        let mut node = Self { clock, engine, now: Moment(1), server: None, asked: 0, said, spent };
        node.settle();
        node
    }

    /// One that draws with so many requests outstanding, linked to `peers` that only listen.
    pub(crate) fn drawing(clock: Clock, depth: u32, peers: u8) -> Self {
        let mut node = Self::new(clock, 0, true, depth);
        let mut others: Vec<_> =
            (1..=peers).map(|at| (link(at), Self::new(no_clock, at, false, 1))).collect();
        for (at, (conn, other)) in (1..).zip(&mut others) {
            node.feed(Input::Opened { conn: *conn, peer: Some(id(at)), address: address() });
            other.feed(Input::Opened { conn: *conn, peer: Some(id(0)), address: address() });
        }
        // Greetings, until nobody has anything to say.
        loop {
            let said = std::mem::take(&mut node.said);
            let mut quiet = said.is_empty();
            for (conn, bytes) in said {
                let other = others.iter_mut().find(|(its, _)| *its == conn);
                other.unwrap().1.feed(Input::Bytes { conn, bytes: &bytes });
            }
            for (conn, other) in &mut others {
                for (_, bytes) in std::mem::take(&mut other.said) {
                    quiet = false;
                    node.feed(Input::Bytes { conn: *conn, bytes: &bytes });
                }
            }
            if quiet {
                assert_eq!(node.engine.status().peers.connected, u32::from(peers));
                node.spent = Duration::ZERO;
                return node;
            }
        }
    }

    /// One that holds so many lines, and gives all of them to a peer that has none. Returns the bytes that it sent.
    pub(crate) fn give_to_late_joiner(count: u32) -> usize {
        let lines = SharedLines::new();
        (0..count).for_each(|number| lines.insert(LineNumber(number), &TEXT));
        let state = Durable {
            job: Self::new(no_clock, 0, false, 1).engine.durable().job.clone(),
            ..Durable::default()
        };
        let restored = Restored { state: Some(state), lines, ..Restored::default() };
        let mut node = Self::with(restored, no_clock, 0, false, 1);
        let mut joiner = Self::new(no_clock, 1, false, 1);
        let conn = link(1);
        node.feed(Input::Opened { conn, peer: Some(id(1)), address: address() });
        joiner.feed(Input::Opened { conn, peer: Some(id(0)), address: address() });
        let mut sent = 0;
        loop {
            let mut quiet = true;
            for (_, bytes) in std::mem::take(&mut node.said) {
                quiet = false;
                sent += bytes.len();
                // What it asks for is all that matters of it.
                if sent < 1 << 16 {
                    joiner.feed(Input::Bytes { conn, bytes: &bytes });
                }
            }
            for (_, bytes) in std::mem::take(&mut joiner.said) {
                quiet = false;
                node.feed(Input::Bytes { conn, bytes: &bytes });
            }
            if quiet {
                return sent;
            }
        }
    }

    /// Answers what was asked, so many times in all, with the lines that `number` gives.
    pub(crate) fn draw(&mut self, count: u32, mut number: impl FnMut(u32) -> u32) {
        let mut bytes = Vec::new();
        let mut drawn = 0;
        while drawn < count {
            bytes.clear();
            for _ in 0..std::mem::take(&mut self.asked).min((count - drawn) as usize) {
                line_entry(LineNumber(number(drawn)), &TEXT, &mut bytes);
                drawn += 1;
            }
            let conn = self.server.expect("it has dialled");
            self.feed(Input::Bytes { conn, bytes: &bytes });
            self.said.clear();
        }
    }

    fn feed(&mut self, input: Input<'_>) {
        self.now = self.now + Duration::from_micros(1);
        let begun = (self.clock)();
        self.engine.handle(input, self.now);
        self.spent += (self.clock)() - begun;
        self.settle();
    }

    /// Takes its effects, and answers them, until there are none.
    fn settle(&mut self) {
        let mut answers = VecDeque::new();
        loop {
            let begun = (self.clock)();
            while let Some(effect) = self.engine.next_effect() {
                match effect {
                    Effect::DialServer { conn, .. } => {
                        self.server = Some(conn);
                        answers.push_back(Answer::Opened(conn));
                    }
                    Effect::Write { conn, bytes } if self.server == Some(conn) => {
                        self.asked += memchr::memchr_iter(b'\n', &bytes).count();
                        answers.push_back(Answer::Drained(conn));
                    }
                    Effect::Write { conn, bytes } => {
                        self.said.push((conn, bytes.into_owned()));
                        answers.push_back(Answer::Drained(conn));
                    }
                    Effect::Store { ticket, .. } => answers.push_back(Answer::Stored(ticket)),
                    _ => {}
                }
            }
            let Some(answer) = answers.pop_front() else {
                // What one turn did not come to, the next one does.
                if self.engine.deadline().is_some_and(|(at, _)| at <= self.now) {
                    self.engine.handle(Input::Deadline, self.now);
                    continue;
                }
                self.spent += (self.clock)() - begun;
                return;
            };
            let input = match answer {
                Answer::Opened(conn) => Input::Opened { conn, peer: None, address: address() },
                Answer::Drained(conn) => Input::Drained { conn, queued: 0 },
                Answer::Stored(ticket) => Input::Stored(ticket),
            };
            self.engine.handle(input, self.now);
            self.spent += (self.clock)() - begun;
        }
    }
}

/// A different order of `0..count` for which no table is needed; `count` is a power of two.
pub(crate) fn scattered(at: u32, count: u32) -> u32 {
    at.wrapping_mul(2_654_435_761).wrapping_add(12345) & (count - 1)
}

fn id(at: u8) -> PeerId {
    PeerId([at; 16])
}

fn link(at: u8) -> ConnId {
    ConnId::accepted(u64::from(at))
}

fn address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9))
}

fn settings(at: u8, draws: bool, depth: u32) -> Settings {
    Settings {
        name: format!("node{at}"),
        id: id(at),
        server: settings::Server {
            address: SERVER.into(),
            label: SERVER.into(),
            lines: NonZeroU32::new(16_000_000),
            identity: "entry@team".into(),
            bind: Vec::new(),
            rate: None,
            pipeline: NonZeroU32::new(depth),
        },
        swarm: settings::Swarm {
            id: "bench".into(),
            advertise: None,
            peers: Vec::new(),
            topology: settings::Topology::Mesh,
            max_peers: 1000,
        },
        election: settings::Election {
            quorum: settings::Quorum::Majority,
            grace: Duration::from_secs(10),
            in_doubt: settings::InDoubt::Hold,
            priority: 0,
        },
        submit_by: settings::SubmitBy::Nobody,
        autostart: draws,
    }
}
