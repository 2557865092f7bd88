//! One node among strangers: everything that reaches its engine is decided by bytes, the fuzzer's. Peers that know the
//! swarm's key and say anything, a line server that answers anything, connections that come and go, crashes, an operator.
//!
//! The shell's side of the contract is kept: connections that exist, time that goes on, acknowledgements of what was
//! stored. The oracle looks at each step: whatever it is told, a node says only what its disk has, takes nothing back,
//! submits only what is whole and announced, and speaks within the bounds of its own protocol.

mod sayings;
mod script;

use crate::{
    Broken, Plan,
    agenda::{Agenda, Happening},
    net::WireId,
    node::Node,
    oracle::Oracle,
    transcript::Transcript,
};
use core::time::Duration;
use lineswarm_proto::{
    engine::{
        io::{ConnId, Effect, Input, RequestId},
        settings::{InDoubt, Quorum, SubmitBy, Topology},
        state::Durable,
    },
    ids::PeerId,
    limits,
    line_server::File,
    time::Moment,
};
use script::Script;
use std::{collections::BTreeMap, net::SocketAddr};

/// Inputs of one script.
const STEPS: usize = 400;
/// Happenings in one wait: a server that was quick and falls silent is asked until as much is under way as may be.
const HAPPENINGS: usize = 3_000 + limits::PIPELINE as usize;
/// Steps from one look at what an operator is shown to the next: it tells of thousands of peers, and takes as long.
const SHOWN: usize = 16;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Far {
    /// Being dialled: the line server, or somebody.
    Dialled {
        server: bool,
    },
    Server,
    Peer(PeerId),
}

#[derive(Debug)]
struct Alone {
    node: Node,
    oracle: Oracle,
    agenda: Agenda,
    rng: fastrand::Rng,
    transcript: Transcript,
    file: File,
    conns: BTreeMap<ConnId, Far>,
    accepted: u64,
    requests: u64,
    ids: [PeerId; 4],
}

/// Plays a script. `told`: what broke comes with its story.
pub fn run(script: &[u8], told: bool) -> Result<(), Broken> {
    let mut script = Script(script);
    let plan = plan(&mut script);
    let mut alone = Alone::new(&plan, &mut script, told);
    let played = alone.play(&mut script);
    played.map_err(|Broken(what)| Broken(format!("{what}\n{}", alone.transcript.text())))
}

fn plan(script: &mut Script<'_>) -> Plan {
    let mut plan = Plan::calm(3);
    plan.lines = 1 + u32::try_from(script.below(6)).unwrap_or_default();
    plan.base = script.byte().into();
    plan.base &= 1;
    plan.election.quorum = script.one_of([Quorum::Grace, Quorum::Majority, Quorum::Available]);
    plan.election.in_doubt = script.one_of([InDoubt::Resubmit, InDoubt::Hold]);
    plan.submit_by = script.one_of([SubmitBy::Master, SubmitBy::EveryPeer, SubmitBy::Nobody]);
    plan.topology = script.one_of([Topology::Mesh, Topology::Star, Topology::Ring]);
    plan.auto = script.byte() % 4 == 3;
    plan
}

impl Alone {
    fn new(plan: &Plan, script: &mut Script<'_>, told: bool) -> Self {
        let ids = [9, 1, 5, 200].map(|byte| PeerId([byte; 16]));
        let [me, ..] = ids;
        let mut settings = plan.settings(0, me);
        if script.flag() {
            settings.swarm.peers.clear();
        }
        let texts = (0..plan.lines).map(|line| format!("text {line}"));
        let file = File::from_texts(texts, plan.base).or_else(|_| File::from_texts([""], 0));
        let file = match file {
            Ok(file) => file,
            Err(never) => unreachable!("{never}"),
        };
        let mut oracle = Oracle::new(plan, file.clone(), 1);
        // Any text may come, from the line server too; and a swarm of which one node is honest may have two masters.
        oracle.liars = true;
        Self {
            node: Node::new(settings, 0),
            oracle,
            agenda: Agenda::default(),
            rng: fastrand::Rng::with_seed(1),
            transcript: Transcript::new(told),
            file,
            conns: BTreeMap::new(),
            accepted: 0,
            requests: 0,
            ids,
        }
    }

    fn now(&self) -> Moment {
        self.agenda.now()
    }

    fn play(&mut self, script: &mut Script<'_>) -> Result<(), Broken> {
        self.start()?;
        for step in 0..STEPS {
            if script.0.is_empty() {
                break;
            }
            self.step(script)?;
            self.check()?;
            if step % SHOWN == 0 {
                self.check_shown()?;
            }
        }
        // Whatever it was told, it does not run hot afterwards.
        self.wait(Duration::from_secs(40))?;
        self.check()?;
        self.check_shown()
    }

    fn start(&mut self) -> Result<(), Broken> {
        let effects = self.node.start(self.rng.u64(..), self.agenda.now());
        self.oracle.on_start(0, &self.node)?;
        self.follow(effects)
    }

    fn step(&mut self, script: &mut Script<'_>) -> Result<(), Broken> {
        let op = script.byte();
        let chosen = |wanted: fn(Far) -> bool, conns: &BTreeMap<ConnId, Far>| {
            let fitting: Vec<_> = conns.iter().filter(|(_, far)| wanted(**far)).collect();
            let at = usize::from(op >> 4) % fitting.len().max(1);
            fitting.get(at).map(|(conn, far)| (**conn, **far))
        };
        let peer = |far| matches!(far, Far::Peer(_));
        match op & 15 {
            0 => self.wait(Duration::from_millis(script.byte().into())),
            1 => self.wait(Duration::from_millis(u64::from(script.byte()) * 100)),
            2 => match chosen(|far| matches!(far, Far::Dialled { .. }), &self.conns) {
                Some((conn, far)) => {
                    let id = self.ids.get(script.below(5)).copied();
                    let id = id.or(self.ids.get(1).copied()).filter(|_| far != Far::Dialled { server: true });
                    self.open(conn, id)
                }
                None => Ok(()),
            },
            3 => {
                self.accepted += 1;
                let id = self.ids.get(script.below(4)).copied();
                self.open(ConnId::accepted(self.accepted), id)
            }
            4 => match chosen(|_| true, &self.conns) {
                Some((conn, _)) => {
                    self.conns.remove(&conn);
                    self.feed(Input::Closed { conn, why: "the fuzzer closed it" })
                }
                None => Ok(()),
            },
            5 => match chosen(|far| !matches!(far, Far::Dialled { .. }), &self.conns) {
                Some((conn, _)) => {
                    let queued = script.byte();
                    self.feed(Input::Drained { conn, queued: usize::from(queued) << (queued % 12) })
                }
                None => Ok(()),
            },
            6 => match chosen(|far| !matches!(far, Far::Dialled { .. }), &self.conns) {
                Some((conn, _)) => self.feed(Input::Bytes { conn, bytes: script.piece() }),
                None => Ok(()),
            },
            7..=10 => match chosen(peer, &self.conns) {
                Some((conn, Far::Peer(id))) => self.say(conn, id, script),
                _ => Ok(()),
            },
            11 | 12 => match chosen(|far| far == Far::Server, &self.conns) {
                Some((conn, _)) => {
                    let bytes = self.reply(script);
                    self.feed(Input::Bytes { conn, bytes: &bytes })
                }
                None => Ok(()),
            },
            13 => {
                let command = self.command(script);
                self.oracle.on_command(0, &command);
                self.requests += 1;
                self.feed(Input::Command { request: RequestId(self.requests), command })
            }
            14 => {
                let address = SocketAddr::from(([10, 0, 0, script.byte() % 8], 7000));
                self.feed(Input::Found { address, how: "multicast:eth0" })
            }
            _ if op == 0xff => self.feed(Input::Stop),
            _ => {
                self.conns.clear();
                self.node.end(true, &mut self.rng);
                self.start()
            }
        }
    }

    fn open(&mut self, conn: ConnId, peer: Option<PeerId>) -> Result<(), Broken> {
        self.conns.insert(conn, peer.map_or(Far::Server, Far::Peer));
        let address = SocketAddr::from(([10, 0, 0, 77], 4000));
        self.feed(Input::Opened { conn, peer, address })
    }

    /// Time goes on; what is due happens.
    fn wait(&mut self, span: Duration) -> Result<(), Broken> {
        let until = self.now() + span;
        for _ in 0..HAPPENINGS {
            match self.agenda.next(until) {
                None => return Ok(()),
                Some(Happening::Wake { alarm, .. }) if self.node.is_due(alarm) => {
                    self.feed(Input::Deadline)?
                }
                Some(Happening::Stored { life, .. }) if life == self.node.life => {
                    let now = self.now();
                    if let Some(ticket) = self.node.disk.on_ready(now) {
                        self.oracle.on_disk(0, &self.node)?;
                        self.feed(Input::Stored(ticket))?;
                    }
                }
                Some(Happening::Flush { life, .. }) if life == self.node.life => self.node.disk.flush(),
                Some(_) => {}
            }
        }
        let due = self.node.engine().and_then(|engine| engine.deadline());
        Err(Broken(format!("{HAPPENINGS} things in {span:?}; next is {due:?}")))
    }

    fn feed(&mut self, input: Input<'_>) -> Result<(), Broken> {
        let now = self.now();
        self.transcript.tell(now, "input", || {
            let mut told = format!("{input:?}");
            if told.len() > 400 {
                told.truncate((0..=400).rev().find(|at| told.is_char_boundary(*at)).unwrap_or_default());
            }
            told
        });
        let effects = self.node.handle(input, now);
        self.follow(effects)
    }

    fn follow(&mut self, effects: Vec<Effect>) -> Result<(), Broken> {
        let now = self.now();
        for effect in effects {
            match effect {
                Effect::DialServer { conn, .. } => {
                    self.conns.insert(conn, Far::Dialled { server: true });
                }
                Effect::DialPeer { conn, .. } => {
                    self.conns.insert(conn, Far::Dialled { server: false });
                }
                Effect::Write { conn, bytes } => match self.conns.get(&conn) {
                    Some(Far::Peer(peer)) => {
                        let wire = WireId(self.conn_number(conn));
                        let Self { oracle, node, transcript, .. } = self;
                        oracle.on_said(0, node, (wire, *peer), &bytes, transcript, now)?;
                    }
                    Some(Far::Server) => {
                        self.oracle.on_request(0, &self.node, &bytes, &mut self.transcript, now)?;
                    }
                    // What waited for the disk may be said to somebody who has gone meanwhile.
                    None => {}
                    Some(far) => return Err(Broken(format!("it writes to {conn}, which is {far:?}"))),
                },
                Effect::Close { conn } => {
                    let was = self.conns.remove(&conn);
                    if was.is_none() {
                        return Err(Broken(format!("it closes {conn}, which is no connection")));
                    }
                }
                Effect::Store { ticket, state } => {
                    let Self { node, rng, agenda, .. } = self;
                    node.disk.store((0, node.life), (ticket, state), rng, agenda);
                }
                Effect::Keep { number, first_hand } => {
                    if let Some(lines) = self.node.engine().map(|engine| engine.lines().clone()) {
                        self.oracle.on_keep(0, &lines, number)?;
                        self.node.disk.keep(&lines, number, first_hand);
                    }
                }
                Effect::Forget { number } => self.node.disk.forget(number),
                Effect::Reply { result, .. } => {
                    self.transcript.tell(now, "reply", || format!("{result:?}"));
                }
                Effect::Recalled { merged, .. } => {
                    let most = limits::EVENTS * (self.ids.len() + 1);
                    promise(merged.events.len() <= most, || format!("{} events", merged.events.len()))?;
                }
                Effect::Note(stamped) => {
                    let (level, name, fields) = stamped.event.describe();
                    self.transcript.tell(now, "note", || format!("{level} {name} {fields:?}"));
                }
            }
        }
        let Self { node, rng, agenda, .. } = self;
        node.disk.flush_later((0, node.life), agenda);
        node.set_alarm(0, rng, agenda);
        self.oracle.on_turn(0, &self.node, now)
    }

    /// Each life's connections have numbers of their own.
    fn conn_number(&self, conn: ConnId) -> u64 {
        let text = conn.to_string();
        let number =
            text.rsplit('-').next().and_then(|digits| digits.parse::<u64>().ok()).unwrap_or_default();
        number << 16 | u64::from(self.node.life) << 1 | u64::from(conn.is_dialled())
    }

    /// What stays within its bounds, whatever came.
    fn check(&self) -> Result<(), Broken> {
        let Some(engine) = self.node.engine() else { return Ok(()) };
        let Durable { job, members, intent, outcome, addresses, .. } = engine.durable();
        let jobs = [Some(job), intent.as_ref().map(|intent| &intent.job)];
        let jobs = jobs.into_iter().chain([outcome.as_ref().map(|outcome| &outcome.intent.job)]).flatten();
        for job in jobs {
            let within = job.swarm.len() <= limits::NAME_BYTES
                && job.label.len() <= limits::NAME_BYTES
                && job.lines <= limits::LINES;
            promise(within, || format!("a job beyond its bounds: {job:?}"))?;
        }
        promise(members.known() <= limits::MEMBERS, || format!("{} members", members.known()))?;
        promise(addresses.len() <= limits::CONTACTS, || format!("{} addresses", addresses.len()))?;
        promise(engine.lines().len() <= limits::LINES as usize, || "too many lines".into())
    }

    fn check_shown(&self) -> Result<(), Broken> {
        let Some(engine) = self.node.engine() else { return Ok(()) };
        let (status, peers) = (engine.status(), engine.peers());
        promise(status.job.have as usize == engine.lines().len(), || {
            format!("{} lines by the ledger, {} in the map", status.job.have, engine.lines().len())
        })?;
        promise(peers.peers.len() <= limits::MEMBERS, || format!("{} peers", peers.peers.len()))?;
        // Members, and others that a peer told of.
        promise(status.peers.known as usize <= 2 * limits::MEMBERS, || {
            format!("{} ids are remembered", status.peers.known)
        })
    }

    // ---- what the strangers say

    fn say(&mut self, conn: ConnId, id: PeerId, script: &mut Script<'_>) -> Result<(), Broken> {
        let mut bytes = Vec::new();
        let many = script.byte();
        // Hellos first, or nothing else would ever be heard.
        for _ in 0..=many % 4 {
            self.message(id, script, &mut bytes);
        }
        let cut = if many & 0x80 == 0 { bytes.len() } else { script.below(bytes.len().min(256)) };
        let (first, second) = bytes.split_at(cut);
        self.feed(Input::Bytes { conn, bytes: first })?;
        if !second.is_empty() && self.conns.contains_key(&conn) {
            self.feed(Input::Bytes { conn, bytes: second })?;
        }
        Ok(())
    }
}

fn promise(holds: bool, what: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(what())) }
}
