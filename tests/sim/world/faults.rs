//! What can be done to a swarm: crashes, stalls, cuts, slow disks, a server that goes, and an operator's commands.

use super::World;
use crate::{
    Broken,
    agenda::Happening,
    disk::Disk,
    net::{Place, Weather},
    plan,
};
use core::time::Duration;
use lineswarm_proto::{
    engine::io::{Command, Input, RequestId},
    ids::{LineNumber, PeerId},
    line_server,
};
use std::collections::VecDeque;

/// Something that is done to the swarm, now or later.
#[derive(Clone, Debug)]
pub enum Action {
    /// A daemon starts, with what its disk has.
    Start(usize),
    /// A daemon is killed; `power`: its machine too, so that nobody is told.
    Crash {
        /// Which.
        node: usize,
        /// See above.
        power: bool,
    },
    /// A node that is down loses its disk, and with it its key: it will come back with another id.
    Wipe(usize),
    /// A node that is down finds a text on its disk, as if from a peer, that the server never had.
    Forge(usize, LineNumber, &'static str),
    /// A process is held up (SIGSTOP, suspend).
    Freeze(usize),
    /// It goes on.
    Thaw(usize),
    /// Nothing gets from one place to the other.
    Cut(Place, Place),
    /// It does again.
    Heal(Place, Place),
    /// Every connection between two places breaks.
    Lose(Place, Place),
    /// Every state that this node stores takes so much longer.
    SlowDisk(usize, Duration),
    /// The line server goes, with all connections.
    ServerDown,
    /// It is back.
    ServerUp,
    /// The network changes.
    Weather(Weather),
    /// An operator's wish.
    Command(usize, Command),
}

impl World {
    /// Does it now.
    pub fn act(&mut self, action: Action) -> Result<(), Broken> {
        let now = self.now();
        self.transcript.tell(now, "world", || format!("{action:?}"));
        match action {
            Action::Start(node) => return self.start(node),
            Action::Crash { node, power } => self.crash(node, power),
            Action::Wipe(node) => {
                let id = PeerId(core::array::from_fn(|_| self.rng.u8(..)));
                if let Some(state) = self.nodes.get_mut(node).filter(|state| state.engine.is_none()) {
                    state.disk = Disk::default();
                    self.gone.push(core::mem::replace(&mut state.settings.id, id));
                    self.oracle.on_wipe(node);
                }
            }
            Action::Forge(node, number, text) => {
                if let Some(state) = self.nodes.get_mut(node).filter(|state| state.engine.is_none()) {
                    state.disk.forge(number, text.into());
                    self.oracle.liars = true;
                }
            }
            Action::Freeze(node) => {
                if let Some(state) = self.nodes.get_mut(node).filter(|state| state.runs()) {
                    state.frozen = Some(VecDeque::new());
                }
            }
            Action::Thaw(node) => return self.thaw(node),
            Action::Cut(from, to) => self.net.cut(from, to),
            Action::Heal(from, to) => self.net.heal(from, to, &mut self.agenda),
            Action::Lose(a, b) => self.net.lose(a, b, &mut self.agenda),
            Action::SlowDisk(node, slow) => {
                if let Some(state) = self.nodes.get_mut(node) {
                    state.disk.slow = slow;
                }
            }
            Action::ServerDown => return self.server_down(),
            Action::ServerUp => self.server_up = true,
            Action::Weather(weather) => self.net.weather = weather,
            Action::Command(node, command) => return self.command(node, command),
        }
        Ok(())
    }

    /// Does it after `wait`.
    pub fn later(&mut self, wait: Duration, action: Action) {
        self.agenda.plan_in(wait, Happening::Act(action));
    }

    /// Cuts every path between `side` and the other nodes; the server stays with both.
    pub fn partition(&mut self, side: &[usize]) {
        for a in 0..self.nodes.len() {
            for b in 0..self.nodes.len() {
                if side.contains(&a) != side.contains(&b) {
                    self.net.cut(Place::Node(a), Place::Node(b));
                }
            }
        }
    }

    /// Ends every fault: nothing is cut, everybody runs.
    pub fn heal_all(&mut self) -> Result<(), Broken> {
        self.act(Action::ServerUp)?;
        self.act(Action::Weather(Weather { loss: 0.0, ..self.plan.weather }))?;
        for (from, to) in self.net.cuts() {
            self.act(Action::Heal(from, to))?;
        }
        for node in 0..self.nodes.len() {
            self.act(Action::SlowDisk(node, Duration::ZERO))?;
            self.act(Action::Thaw(node))?;
            self.act(Action::Start(node))?;
            self.act(Action::Command(node, Command::Resume))?;
            if self.nodes.get(node).is_some_and(|node| node.wandered) {
                self.act(self.join(node))?;
            }
        }
        Ok(())
    }

    /// The operator of a swarm under `majority` tells it which ids will never come back, once its nodes have met.
    pub fn forget_the_gone(&mut self, wait: Duration) {
        for id in self.gone.clone() {
            for node in 0..self.nodes.len() {
                self.later(wait, Action::Command(node, Command::PeerForget { id }));
            }
        }
    }

    /// Whoever left comes back, by the addresses of all.
    #[must_use]
    pub fn join(&self, node: usize) -> Action {
        let addresses = (0..self.nodes.len()).map(plan::address).collect();
        Action::Command(node, Command::Join { addresses })
    }

    fn start(&mut self, node: usize) -> Result<(), Broken> {
        let (seed, now) = (self.rng.u64(..), self.now());
        let Some(state) = self.nodes.get_mut(node).filter(|state| state.engine.is_none()) else {
            return Ok(());
        };
        let effects = state.start(seed, now);
        self.oracle.on_start(node, state)?;
        self.follow(node, effects)
    }

    fn crash(&mut self, node: usize, power: bool) {
        let Some(state) = self.nodes.get_mut(node).filter(|state| state.engine.is_some()) else { return };
        state.end(power, &mut self.rng);
        self.net.drop_place(Place::Node(node), power, &mut self.agenda);
    }

    fn thaw(&mut self, node: usize) -> Result<(), Broken> {
        let waiting = self.nodes.get_mut(node).and_then(|state| state.frozen.take());
        let Some(waiting) = waiting else { return Ok(()) };
        for what in waiting {
            self.happen(what)?;
        }
        self.follow(node, Vec::new())
    }

    fn server_down(&mut self) -> Result<(), Broken> {
        self.server_up = false;
        self.server_life += 1;
        self.net.drop_place(Place::Server, false, &mut self.agenda);
        for wire in core::mem::take(&mut self.clients) {
            let conn = line_server::ConnId(wire.0);
            self.feed_server(line_server::Input::Ended { conn })?;
            self.feed_server(line_server::Input::Closed { conn })?;
        }
        Ok(())
    }

    fn command(&mut self, node: usize, command: Command) -> Result<(), Broken> {
        let Some(state) = self.nodes.get_mut(node).filter(|state| state.runs()) else { return Ok(()) };
        match &command {
            Command::Leave => (state.left, state.wandered) = (true, true),
            Command::Join { .. } => state.left = false,
            _ => {}
        }
        self.oracle.on_command(node, &command);
        self.requests += 1;
        self.feed(node, Input::Command { request: RequestId(self.requests), command })
    }
}
