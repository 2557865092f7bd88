//! A peer that holds the swarm's key and wants all of a node's time or memory: what its messages cost is counted, for small
//! jobs and large ones, for peers that read and peers that do not. No input costs more than a share of a turn, what is
//! left over is done in the turns that follow, and ends; and what is queued for a peer has a bound.
// The whole file is a test; what each costs is printed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_macros)]

use lineswarm_proto::{
    bitmap::Bitmap,
    engine::{
        Engine, Restored,
        io::{ConnId, Effect, Input},
        settings::{Election, InDoubt, Quorum, Server, Settings, SubmitBy, Swarm, Topology},
        state::{Durable, Intent, Members, Outcome, Ticket},
    },
    ids::{JobId, LineNumber, PeerId, Term},
    limits,
    lines::SharedLines,
    time::Moment,
    wire::peer::{self, Ask, Beat, Hello, Message, NewJob, Roster, Round, Vote},
};
use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, time::Duration};

const TEXT: &[u8] = b"a text of forty bytes, as many lines have";

/// What the shell reads of a peer in one turn at most, opened: its share, and one record that had begun before.
const READ: usize = limits::PEER_TURN_BYTES + 64 * 1024;
/// Turns without an input until nothing is left to do.
const TURNS: usize = 20_000;

fn id(n: u32) -> PeerId {
    PeerId(core::array::from_fn(|at| n.to_be_bytes().get(at).copied().unwrap_or(1)))
}

fn job(lines: u32) -> JobId {
    JobId { swarm: "test".into(), epoch: 1, lines, label: "file".into() }
}

fn settings(lines: u32) -> Settings {
    Settings {
        name: "honest".into(),
        id: id(0),
        server: Server {
            address: "127.0.0.1:1".into(),
            label: "file".into(),
            lines: NonZeroU32::new(lines),
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
        autostart: false,
    }
}

/// An honest node, its disk and its connections.
struct Node {
    engine: Engine,
    now: Moment,
    /// The disk takes everything at once.
    stores: bool,
    stored: Vec<Ticket>,
    /// Peers take everything at once.
    reads: bool,
    queued: BTreeMap<ConnId, usize>,
    written: usize,
    closed: usize,
    /// The dearest turn.
    dearest: u64,
}

impl Node {
    /// That holds all lines of a job of so many, or of one whose length is not known.
    fn new(lines: u32, held: u32) -> Self {
        let texts = SharedLines::new();
        for number in 0..held {
            texts.insert(LineNumber(number), TEXT);
        }
        let state = Durable { job: job(lines), ..Durable::default() };
        let restored = Restored { state: Some(state), lines: texts, hearsay: Vec::new(), last_event: 0 };
        let engine = Engine::new(settings(lines), restored, 1, Moment::ZERO);
        let mut node = Self {
            engine,
            now: Moment::ZERO,
            stores: true,
            stored: Vec::new(),
            reads: true,
            queued: BTreeMap::new(),
            written: 0,
            closed: 0,
            dearest: 0,
        };
        node.follow();
        node.settle();
        node
    }

    fn links(lines: u32, held: u32, count: u32) -> (Self, Vec<ConnId>) {
        let mut node = Self::new(lines, held);
        let conns = (1..=count).map(|n| node.link(n, job(lines))).collect();
        node.settle();
        (node, conns)
    }

    fn link(&mut self, n: u32, job: JobId) -> ConnId {
        let conn = ConnId::accepted(n.into());
        self.queued.insert(conn, 0);
        self.feed(Input::Opened { conn, peer: Some(id(n)), address: ([10, 0, 0, 9], 9).into() });
        let hello = Hello {
            features: 1,
            name: format!("greedy{n}"),
            job,
            server: "127.0.0.1:1".into(),
            listen: None,
            term: Term(0),
            members: Members::default(),
            intent: None,
            outcome: None,
        };
        self.say(conn, &[Message::Hello(Box::new(hello))]);
        conn
    }

    fn feed(&mut self, input: Input<'_>) {
        self.engine.handle(input, self.now);
        self.dearest = self.dearest.max(self.engine.work());
        self.follow();
    }

    fn follow(&mut self) {
        while let Some(effect) = self.engine.next_effect() {
            match effect {
                Effect::Store { ticket, .. } => self.stored.push(ticket),
                Effect::Write { conn, bytes } => {
                    self.written += bytes.len();
                    if let Some(queued) = self.queued.get_mut(&conn) {
                        *queued += bytes.len();
                    }
                }
                Effect::Close { conn } => self.closed += usize::from(self.queued.remove(&conn).is_some()),
                _ => {}
            }
        }
    }

    /// What follows without any input: the disk, connections that drain, turns that go on. All ends by itself.
    fn settle(&mut self) {
        for _ in 0..TURNS {
            if let Some(ticket) = self.stored.pop().filter(|_| self.stores) {
                self.feed(Input::Stored(ticket));
                continue;
            }
            let drained = self.queued.iter().find(|(_, queued)| **queued > 0).map(|(conn, _)| *conn);
            if let Some(conn) = drained.filter(|_| self.reads) {
                self.queued.insert(conn, 0);
                self.feed(Input::Drained { conn, queued: 0 });
                continue;
            }
            if self.engine.deadline().is_none_or(|(at, _)| at > self.now) {
                return;
            }
            self.feed(Input::Deadline);
        }
        panic!("it goes on and on: {:?}", self.engine.deadline());
    }

    /// As the shell hands it in, a share a turn.
    fn say(&mut self, conn: ConnId, messages: &[Message<'_>]) {
        let mut bytes = Vec::new();
        messages.iter().for_each(|message| peer::write(&mut bytes, 1, message));
        for piece in bytes.chunks(READ) {
            if self.queued.contains_key(&conn) {
                self.feed(Input::Bytes { conn, bytes: piece });
                // The loop comes round once before it reads again.
                if self.engine.deadline().is_some_and(|(at, _)| at <= self.now) {
                    self.feed(Input::Deadline);
                }
            }
        }
    }

    fn longest_queue(&self) -> usize {
        self.queued.values().copied().max().unwrap_or_default()
    }
}

fn beat(done: bool) -> Message<'static> {
    Message::Beat(Beat {
        term: Term(0),
        master: None,
        held: u32::MAX,
        digest: 7,
        drawn: u64::MAX,
        rate: 1e30,
        interval_ms: u32::MAX,
        done,
        draws_from: Vec::new(),
    })
}

fn members(count: u32, changes: u32) -> Members {
    let mut members = Members::default();
    for n in 0..count {
        let id = PeerId(core::array::from_fn(|at| n.to_be_bytes().get(at).copied().unwrap_or(99)));
        for _ in 0..changes {
            let _ = members.join(id) || members.leave(id);
        }
    }
    members
}

fn rejected(lines: u32, term: u64) -> Outcome {
    let intent = Intent { job: job(lines), term: Term(term), by: id(3), sha256: [7; 32] };
    Outcome { intent, right: false, reply: "x".repeat(limits::REPLY_BYTES) }
}

fn again(times: usize, messages: &[Message<'static>]) -> Vec<Message<'static>> {
    (0..times).flat_map(|_| messages.to_vec()).collect()
}

/// Everything that a peer can say to make work, each a few times as much as the shell hands in at once.
fn demands(lines: u32) -> Vec<(&'static str, Vec<Message<'static>>)> {
    let all: &'static [u8] = vec![255; limits::LINES as usize / 8].leak();
    let some: &'static [u8] = vec![255; 4_000_000 / 8].leak();
    let last: &'static [u8] = Bitmap::from_iter([LineNumber(lines)]).to_bytes().leak();
    let many = |message: &dyn Fn(u64) -> Message<'static>, count: u64| (1..=count).map(message).collect();
    let epoch =
        |epoch: u64| Message::NewJob(NewJob { job: JobId { epoch, ..job(lines) }, server: "h:1".into() });
    let address = |n: u64| SocketAddr::from(([10, 1, (n >> 8) as u8, n as u8], 7));
    vec![
        ("all of 16 million lines are wanted", vec![Message::Want(all)]),
        ("4 million lines are wanted, again and again", vec![Message::Want(some); 8]),
        ("the first line is wanted, again and again", vec![Message::Want(&[1]); 5_000]),
        ("a line that is not there is wanted, again and again", vec![Message::Want(last); 200]),
        ("nothing is wanted, again and again", vec![Message::Want(&[]); 5_000]),
        ("it holds all of 16 million lines", vec![Message::Have(all); 2]),
        (
            "it holds all, and then nothing, again and again",
            again(8, &[Message::Have(some), Message::Have(&[])]),
        ),
        ("it holds nothing, again and again", vec![Message::Have(&[]); 5_000]),
        (
            "it compares, and asks for more",
            again(500, &[beat(false), beat(false), Message::Want(&[1]), Message::Have(&[])]),
        ),
        ("the same line", vec![Message::Lines(vec![(LineNumber(1), TEXT); 2_000]); 4]),
        ("no lines", vec![Message::Lines(Vec::new()); 10_000]),
        (
            "empty lines, each once",
            (5..20)
                .map(|n| {
                    Message::Lines(
                        (n * 25_000..(n + 1) * 25_000).map(|n| (LineNumber(n), b"".as_slice())).collect(),
                    )
                })
                .collect(),
        ),
        (
            "two texts for each line",
            (5..20)
                .map(|n| {
                    Message::Lines(
                        (n * 12_000..(n + 1) * 12_000)
                            .flat_map(|n| [(LineNumber(n), b"".as_slice()), (LineNumber(n), b"x")])
                            .collect(),
                    )
                })
                .collect(),
        ),
        (
            "wrong lines, each once",
            vec![Message::Lines((0..20_000).map(|n| (LineNumber(n), b"".as_slice())).collect()); 4],
        ),
        ("heartbeats", vec![beat(false); 3_000]),
        ("heartbeats of one that does not know DONE", vec![beat(false); 3_000]),
        (
            "it stands in ever higher terms",
            many(&|n| Message::Ask(Ask { round: Round::Transfer, term: Term(n), priority: 1 }), 5_000),
        ),
        (
            "it asks whether it may stand",
            many(&|n| Message::Ask(Ask { round: Round::PreVote, term: Term(n), priority: i32::MAX }), 5_000),
        ),
        ("it wants others to stand", many(&|n| Message::Stand(Term(n)), 5_000)),
        (
            "it refuses its vote in ever higher terms",
            many(
                &|n| {
                    let outcome = Some(rejected(lines, n));
                    let (round, granted, intent) = (Round::Vote, false, None);
                    Message::Vote(Box::new(Vote { round, term: Term(n), granted, intent, outcome }))
                },
                60,
            ),
        ),
        ("submits that were rejected", many(&|n| Message::Outcome(rejected(lines, n)), 60)),
        ("submits that are announced", many(&|n| Message::Intent(rejected(lines, n).intent), 2_000)),
        ("it acknowledges", many(&|n| Message::Ack(Term(n)), 5_000)),
        (
            "a thousand members",
            vec![Message::Roster(Roster { members: members(1_024, 1), known: Vec::new() })],
        ),
        (
            "members that come and go",
            many(&|n| Message::Roster(Roster { members: members(1_000, n as u32), known: Vec::new() }), 12),
        ),
        (
            "thousands of addresses",
            many(
                &|n| {
                    let known = (0..64)
                        .map(|m| (id(1_000 + (n * 64 + m) as u32), "x".repeat(200), address(n * 64 + m)));
                    Message::Roster(Roster { members: Members::default(), known: known.collect() })
                },
                64,
            ),
        ),
        ("it asks for events", many(&|n| Message::Recall(n as u32), 2_000)),
        ("a new job, again and again", many(&|n| epoch(n + 1), 2_000)),
        ("a new job, and the old one, again and again", many(&|n| epoch(2 - n % 2), 2_000)),
    ]
}

#[test]
fn no_input_of_a_peer_costs_more_than_a_share_of_a_turn() {
    for (lines, held, count) in
        [(40, 40, 1), (40, 20, 64), (500_000, 500_000, 1), (500_000, 100, 64), (0, 100, 2)]
    {
        for (what, messages) in demands(lines) {
            for (stores, reads) in [(true, true), (true, false), (false, true)] {
                let (mut node, conns) = Node::links(lines, held, count);
                (node.stores, node.reads) = (stores, reads);
                (node.dearest, node.written) = (0, 0);
                node.say(conns[0], &messages);
                node.settle();
                let case = format!("{what}: {lines} lines, {count} links, disk {stores}, reads {reads}");
                println!(
                    "{:>9} units, {:>9} bytes, {:>8} queued: {case}",
                    node.dearest,
                    node.written,
                    node.longest_queue()
                );
                assert!(node.dearest <= limits::TURN_WORK, "{} units in one turn: {case}", node.dearest);
                let queue =
                    2 * limits::queue_bytes(node.queued.len()) + limits::MESSAGE_BYTES + lines as usize / 4;
                assert!(
                    node.longest_queue() <= queue + 64 * 1024,
                    "{} bytes are queued: {case}",
                    node.longest_queue()
                );
            }
        }
    }
}

#[test]
fn a_short_visit_makes_nobody_a_member_however_many_come_at_once() {
    for (count, stays_ms) in [(31, 30), (60, 300), (3, 900)] {
        let (mut node, conns) = Node::links(40, 40, count);
        let expected =
            |node: &Node| (1..=count).filter(|n| node.engine.durable().members.expects(id(*n))).count();
        node.now = node.now + Duration::from_millis(stays_ms);
        for conn in &conns {
            node.say(*conn, &[beat(false)]);
        }
        assert_eq!(expected(&node), 0, "{count} that stayed {stays_ms} ms");
        for conn in conns {
            node.feed(Input::Closed { conn, why: "gone" });
        }
        node.settle();
        assert_eq!(expected(&node), 0, "{count} that went");
    }
}
