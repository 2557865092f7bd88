//! The world: nodes, network and line server under one agenda. It moves time, hands inputs to engines and does what
//! their effects ask, and lets the oracle look at each step. What can be done *to* a swarm is in `faults`,
//! what can be asked of it in `views`.

mod faults;
mod views;

pub use faults::Action;

use crate::{
    Broken, Plan,
    agenda::{Agenda, Happening},
    causes::Causes,
    net::{End, Heard, Life, Net, Place, WireId},
    node::{Conn, Node},
    oracle::Oracle,
    plan,
    reach::Reach,
    transcript::Transcript,
};
use core::time::Duration;
use lineswarm_proto::{
    engine::{
        io::{ConnId, Effect, Input},
        recall::Merged,
    },
    ids::PeerId,
    line_server::{self, LineServer},
    time::Moment,
};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// A SUBMIT that the server read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// When.
    pub at: Moment,
    /// By which node.
    pub node: usize,
    /// Of the whole file, all of it right.
    pub right: bool,
}

/// See the module.
#[derive(Debug)]
pub struct World {
    pub(crate) plan: Plan,
    pub(crate) agenda: Agenda,
    pub(crate) net: Net,
    pub(crate) nodes: Vec<Node>,
    pub(crate) oracle: Oracle,
    pub(crate) transcript: Transcript,
    pub(crate) rng: fastrand::Rng,
    server: LineServer,
    server_life: u32,
    server_up: bool,
    clients: BTreeSet<WireId>,
    submitted: Vec<Submitted>,
    requests: u64,
    /// Ids whose disk was lost.
    gone: Vec<PeerId>,
    causes: Option<Causes>,
    reach: Option<Reach>,
    recalled: Vec<(usize, Merged)>,
}

impl World {
    /// A swarm whose nodes all start within the first tenth of a second. `told`: with a transcript in text.
    #[must_use]
    pub fn new(seed: u64, plan: &Plan, told: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let file = line_server::File::generate(rng.u64(..), plan.lines, plan.base);
        // A plan with an impossible file has no lines to draw; one empty line stands for it.
        let file = file.or_else(|_| line_server::File::from_texts([""], plan.base));
        let nodes = (0..plan.nodes).map(|node| {
            let id = PeerId(core::array::from_fn(|_| rng.u8(..)));
            let skew = i64::from(plan.skew_ppm);
            let mut node = Node::new(plan.settings(node, id), rng.i64(-skew..=skew));
            node.disk.steady = !plan.busy_disks;
            node
        });
        let nodes: Vec<_> = nodes.collect();
        let file = match file {
            Ok(file) => file,
            Err(never) => unreachable!("{never}"),
        };
        let server = LineServer::new(file, plan.server(rng.u64(..)), 1_700_000_000_000);
        let mut world = Self {
            plan: plan.clone(),
            agenda: Agenda::default(),
            net: Net::new(plan.weather, rng.u64(..)),
            oracle: Oracle::new(plan, server.file().clone(), nodes.len()),
            nodes,
            transcript: Transcript::new(told),
            server,
            server_life: 1,
            server_up: true,
            clients: BTreeSet::new(),
            submitted: Vec::new(),
            requests: 0,
            gone: Vec::new(),
            causes: None,
            reach: None,
            recalled: Vec::new(),
            rng,
        };
        for node in 0..plan.nodes {
            let wait = Duration::from_micros(world.rng.u64(0..100_000));
            world.agenda.plan_in(wait, Happening::Act(Action::Start(node)));
        }
        world
    }

    /// True time since the beginning.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.agenda.now()
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What happened.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What the line server counted.
    #[must_use]
    pub fn server(&self) -> &LineServer {
        &self.server
    }

    /// SUBMITs that were read; those of one line, to learn how many there are, not counted.
    #[must_use]
    pub fn submitted(&self) -> &[Submitted] {
        &self.submitted
    }

    /// The oracle.
    pub fn oracle_mut(&mut self) -> &mut Oracle {
        &mut self.oracle
    }

    /// Goes on until `is_there`, for at most `within`. `what` is the promise.
    pub fn run_until(
        &mut self,
        within: Duration,
        what: &str,
        mut is_there: impl FnMut(&Self) -> bool,
    ) -> Result<(), Broken> {
        let end = self.now() + within;
        while !is_there(self) {
            if !self.step(end)? {
                return Err(Broken(format!("not within {within:?}: {what}{}", self.state())));
            }
        }
        Ok(())
    }

    /// Goes on for so long.
    pub fn run_for(&mut self, span: Duration) -> Result<(), Broken> {
        let end = self.now() + span;
        while self.step(end)? {}
        Ok(())
    }

    /// The next happening before `until`. False if there is none.
    fn step(&mut self, until: Moment) -> Result<bool, Broken> {
        let Some(what) = self.agenda.next(until) else { return Ok(false) };
        self.happen(what)?;
        Ok(true)
    }

    pub(crate) fn happen(&mut self, what: Happening) -> Result<(), Broken> {
        let Some(what) = self.put_by(what) else { return Ok(()) };
        let server = if self.server_up { Life::Lives(self.server_life) } else { Life::Ended };
        let nodes = &self.nodes;
        let lives = |place| match place {
            Place::Server => server,
            Place::Node(node) => nodes.get(node).map_or(Life::Ended, Node::life),
        };
        let (wire, heard) = match what {
            Happening::Wake { node, alarm } => {
                let due = self.nodes.get(node).is_some_and(|node| node.is_due(alarm));
                return if due { self.feed(node, Input::Deadline) } else { Ok(()) };
            }
            Happening::ServerWake => return self.feed_server(line_server::Input::Deadline),
            Happening::Stored { node, life } => {
                if !self.nodes.get(node).is_some_and(|node| node.life == life && node.engine.is_some()) {
                    return Ok(());
                }
                return self.on_stored(node);
            }
            Happening::Flush { node, life } => {
                if let Some(node) =
                    self.nodes.get_mut(node).filter(|node| node.life == life && node.engine.is_some())
                {
                    node.disk.flush();
                }
                return Ok(());
            }
            Happening::Act(action) => return self.act(action),
            Happening::Linger { wire, way } => {
                self.net.on_linger(wire, way, &mut self.agenda);
                return Ok(());
            }
            Happening::Greet { wire, step } => (wire, self.net.on_greet(wire, step, lives, &mut self.agenda)),
            Happening::Arrive { wire, way, piece } => {
                (wire, self.net.on_arrive(wire, way, piece, lives, &mut self.agenda))
            }
            Happening::Drained { wire, way } => (wire, self.net.on_drained(wire, way)),
        };
        self.hear(wire, heard)
    }

    /// What concerns a process that is held up waits for it, as in its system's buffers.
    fn put_by(&mut self, what: Happening) -> Option<Happening> {
        let of = match &what {
            Happening::Stored { node, .. } => Some(*node),
            Happening::Greet { wire, step: 3 }
            | Happening::Drained { wire, way: 0 }
            | Happening::Arrive { wire, way: 1, .. } => self.net.node_at(*wire, 0),
            Happening::Greet { wire, .. }
            | Happening::Drained { wire, .. }
            | Happening::Arrive { wire, .. } => self.net.node_at(*wire, 1),
            _ => None,
        };
        let frozen = of.and_then(|node| self.nodes.get_mut(node)).and_then(|node| node.frozen.as_mut());
        match frozen {
            Some(waiting) => {
                waiting.push_back(what);
                None
            }
            None => Some(what),
        }
    }

    /// Tells an end what it hears.
    fn hear(&mut self, wire: WireId, heard: Heard) -> Result<(), Broken> {
        let end = match &heard {
            Heard::Nothing => return Ok(()),
            Heard::Opened(end, _) | Heard::Bytes(end, _) | Heard::Drained(end, _) | Heard::Closed(end, _) => {
                *end
            }
        };
        match end.place {
            Place::Server => self.server_hears(wire, &heard),
            Place::Node(node) => self.node_hears(node, end, wire, heard),
        }
    }

    fn server_hears(&mut self, wire: WireId, heard: &Heard) -> Result<(), Broken> {
        let conn = line_server::ConnId(wire.0);
        match heard {
            Heard::Opened(_, other) => {
                self.clients.insert(wire);
                self.feed_server(line_server::Input::Opened { conn, ip: ip_of(*other) })
            }
            Heard::Bytes(_, bytes) => self.feed_server(line_server::Input::Bytes { conn, bytes }),
            Heard::Closed(..) => {
                self.clients.remove(&wire);
                self.feed_server(line_server::Input::Ended { conn })?;
                self.feed_server(line_server::Input::Closed { conn })
            }
            Heard::Nothing | Heard::Drained(..) => Ok(()),
        }
    }

    fn node_hears(&mut self, node: usize, end: End, wire: WireId, heard: Heard) -> Result<(), Broken> {
        let conn = end.conn;
        let Some(state) = self.nodes.get_mut(node).filter(|state| state.life == end.life) else {
            return Ok(());
        };
        match heard {
            Heard::Opened(_, other) => {
                let side = usize::from(!conn.is_dialled());
                let peer = match other {
                    Place::Server => None,
                    Place::Node(other) => self.nodes.get(other).map(|other| other.settings.id),
                };
                if let Some(state) = self.nodes.get_mut(node) {
                    state.conns.insert(conn, Conn { wire, side, peer });
                }
                self.feed(node, Input::Opened { conn, peer, address: SocketAddr::new(ip_of(other), 7000) })
            }
            Heard::Bytes(_, bytes) => {
                if let (Some(causes), Some(at)) = (&mut self.causes, state.conns.get(&conn)) {
                    causes.on_heard(node, wire, at.side, bytes.len());
                }
                self.feed(node, Input::Bytes { conn, bytes: &bytes })
            }
            Heard::Drained(_, queued) => self.feed(node, Input::Drained { conn, queued }),
            Heard::Closed(_, why) => {
                state.conns.remove(&conn);
                self.feed(node, Input::Closed { conn, why })
            }
            Heard::Nothing => Ok(()),
        }
    }

    fn on_stored(&mut self, node: usize) -> Result<(), Broken> {
        let now = self.now();
        let Some(state) = self.nodes.get_mut(node) else { return Ok(()) };
        let Some(ticket) = state.disk.on_ready(now) else { return Ok(()) };
        self.oracle.on_disk(node, state)?;
        self.feed(node, Input::Stored(ticket))
    }

    /// One input to one node, and all that follows at once.
    pub(crate) fn feed(&mut self, node: usize, input: Input<'_>) -> Result<(), Broken> {
        let now = self.now();
        self.transcript.digest_number(now.0);
        self.transcript.digest_number(node as u64);
        match &input {
            Input::Bytes { bytes, .. } => self.transcript.digest(bytes),
            Input::Drained { queued, .. } => self.transcript.digest_number(*queued as u64),
            Input::Stored(ticket) => self.transcript.digest_number(ticket.0),
            _ => {}
        }
        let Some(state) = self.nodes.get_mut(node) else { return Ok(()) };
        let effects = state.handle(input, now);
        self.follow(node, effects)
    }

    pub(crate) fn follow(&mut self, node: usize, effects: Vec<Effect>) -> Result<(), Broken> {
        for effect in effects {
            self.do_effect(node, effect)?;
        }
        let now = self.now();
        let Some(state) = self.nodes.get_mut(node) else { return Ok(()) };
        state.disk.flush_later((node, state.life), &mut self.agenda);
        if state.frozen.is_none() {
            state.set_alarm(node, &mut self.rng, &mut self.agenda);
        }
        self.oracle.on_turn(node, state, now)
    }

    fn do_effect(&mut self, node: usize, effect: Effect) -> Result<(), Broken> {
        let now = self.now();
        let Some(state) = self.nodes.get_mut(node) else { return Ok(()) };
        let from = |conn: ConnId, state: &Node| (Place::Node(node), state.life, conn);
        match effect {
            Effect::DialServer { conn, .. } => {
                let wire =
                    self.net.dial(from(conn, state), (Place::Server, self.server_life), &mut self.agenda);
                state.conns.insert(conn, Conn { wire, side: 0, peer: None });
            }
            Effect::DialPeer { conn, address } => {
                let from = from(conn, state);
                let other =
                    plan::node_at(&address).and_then(|to| Some((Place::Node(to), self.nodes.get(to)?.life)));
                let Some(other) = other else {
                    return Err(Broken(format!("node{node} dials {address}, where nobody ever was")));
                };
                let wire = self.net.dial(from, other, &mut self.agenda);
                if let Some(state) = self.nodes.get_mut(node) {
                    state.conns.insert(conn, Conn { wire, side: 0, peer: None });
                }
            }
            Effect::Write { conn, bytes } => {
                let Some(&Conn { wire, side, peer }) = state.conns.get(&conn) else { return Ok(()) };
                match peer {
                    Some(peer) => {
                        self.oracle.on_said(node, state, (wire, peer), &bytes, &mut self.transcript, now)?
                    }
                    None => self.oracle.on_request(node, state, &bytes, &mut self.transcript, now)?,
                }
                if let Some(causes) = &mut self.causes {
                    causes.on_write(node, wire, side, bytes.len());
                }
                self.net.write(wire, side, &bytes, &mut self.agenda);
            }
            Effect::Close { conn } => {
                if let Some(Conn { wire, side, .. }) = state.conns.remove(&conn) {
                    self.net.close(wire, side, &mut self.agenda);
                }
            }
            Effect::Store { ticket, state: durable } => {
                let place = (node, state.life);
                state.disk.store(place, (ticket, durable), &mut self.rng, &mut self.agenda);
            }
            Effect::Keep { number, first_hand } => {
                let Some(lines) = state.engine.as_ref().map(|engine| engine.lines().clone()) else {
                    return Ok(());
                };
                self.oracle.on_keep(node, &lines, number)?;
                if let Some(reach) = &mut self.reach {
                    reach.on_keep(node, number, now);
                }
                state.disk.keep(&lines, number, first_hand);
            }
            Effect::Forget { number } => state.disk.forget(number),
            Effect::Recalled { merged, .. } => {
                self.transcript.tell(now, &state.settings.name, || format!("recalls {:?}", merged.silent));
                if let Some(causes) = &self.causes {
                    causes.check(&merged)?;
                }
                self.recalled.push((node, *merged));
            }
            Effect::Reply { result, .. } => {
                self.transcript.tell(now, &state.settings.name, || format!("replies {result:?}"));
            }
            Effect::Note(stamped) => {
                if let Some(causes) = &mut self.causes {
                    causes.on_note(node, &state.settings.name, &stamped);
                }
                self.transcript.tell(now, &state.settings.name, || {
                    let (level, name, fields) = stamped.event.describe();
                    let fields: String =
                        fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                    format!("{level} {name}{fields}")
                });
            }
        }
        Ok(())
    }

    fn feed_server(&mut self, input: line_server::Input<'_>) -> Result<(), Broken> {
        let now = self.agenda.now();
        self.server.handle(input, now);
        let mut news = Vec::new();
        while let Some(output) = self.server.next_output() {
            match output {
                line_server::Output::Write { conn, bytes } => {
                    self.net.write(WireId(conn.0), 1, bytes, &mut self.agenda)
                }
                line_server::Output::Close { conn } => {
                    self.clients.remove(&WireId(conn.0));
                    self.net.close(WireId(conn.0), 1, &mut self.agenda);
                }
                line_server::Output::Event(line_server::Event::Submitted { ip, outcome, .. }) => {
                    news.push((ip, outcome))
                }
                line_server::Output::Event(_) => {}
            }
        }
        if let Some(at) = self.server.deadline() {
            self.agenda.plan(at, Happening::ServerWake);
        }
        for (ip, outcome) in news {
            let node = plan::node_at(&SocketAddr::new(ip, 7000).to_string()).unwrap_or_default();
            self.transcript.tell(now, "server", || format!("read a submit of node{node}: {outcome:?}"));
            if let Ok(score) = outcome.as_ref()
                && score.lines_read > 1
            {
                let right = score.right(self.plan.lines);
                self.submitted.push(Submitted { at: now, node, right });
                self.oracle.on_submitted(node, right)?;
            }
        }
        Ok(())
    }
}

fn ip_of(place: Place) -> IpAddr {
    match place {
        Place::Server => IpAddr::V4(Ipv4Addr::new(10, 1, 0, 1)),
        Place::Node(node) => {
            let byte = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
            IpAddr::V4(Ipv4Addr::new(10, 0, byte(node / 250), byte(node % 250 + 1)))
        }
    }
}
