//! What can be asked of a world as a whole.

use super::World;
use crate::{Broken, causes::Causes, net::Place, node::Node, oracle::Traffic, reach::Reach};
use core::time::Duration;
use lineswarm_proto::engine::recall::Merged;

impl World {
    /// The one node that leads, if it is one.
    #[must_use]
    pub fn master(&self) -> Option<usize> {
        let mut masters = self.nodes.iter().enumerate().filter(|(_, node)| node.masters().is_some());
        let first = masters.next()?.0;
        masters.next().is_none().then_some(first)
    }

    /// All nodes that are up agree on one of them as master.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let mut named = self
            .nodes
            .iter()
            .filter(|node| !node.left)
            .filter_map(Node::engine)
            .map(|engine| engine.master().map(|master| (master.id, master.term)));
        let Some(Some(first)) = named.next() else { return false };
        self.master().is_some() && named.all(|other| other == Some(first))
    }

    /// Every node that is up is done: submitted, complete, nothing owed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.nodes.iter().filter(|node| !node.left).filter_map(Node::engine).all(|engine| engine.is_over())
    }

    /// The master that has an INTENT of its own.
    #[must_use]
    pub fn announcing(&self) -> Option<usize> {
        self.nodes.iter().position(|node| {
            let intent = node.engine().and_then(|engine| engine.durable().intent.as_ref());
            node.masters().is_some() && intent.is_some_and(|intent| intent.by == node.settings.id)
        })
    }

    /// Every node that is up holds the whole file.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.nodes.iter().filter_map(Node::engine).all(|engine| engine.is_complete())
    }

    /// From here on each merged list of events is checked against what could have caused what.
    pub fn watch_causes(&mut self) {
        self.causes = Some(Causes::new(self.nodes.len()));
    }

    /// From here on it is noted when lines reach nodes.
    pub fn watch_reach(&mut self) {
        self.reach = Some(Reach::default());
    }

    /// How long lines took from their first draw to the last node: on average, and at most.
    #[must_use]
    pub fn reach(&self) -> (Duration, Duration) {
        self.reach.as_ref().map(Reach::times).unwrap_or_default()
    }

    /// What was said on peer links so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.oracle.traffic()
    }

    /// The most that any turn of any node cost, in the engine's units of work.
    #[must_use]
    pub fn dearest_turn(&self) -> u64 {
        self.oracle.dearest()
    }

    /// The swarm's events as nodes gathered them, oldest question first: who asked, and what it got.
    #[must_use]
    pub fn recalled(&self) -> &[(usize, Merged)] {
        &self.recalled
    }

    /// Paths that are cut.
    #[must_use]
    pub fn cuts(&self) -> Vec<(Place, Place)> {
        self.net.cuts()
    }

    /// What must be true once all is over: everybody holds the right file, and said no more than there was to say.
    pub fn check_end(&self) -> Result<(), Broken> {
        for (n, node) in self.nodes.iter().enumerate() {
            let Some(engine) = node.engine() else { continue };
            let mut held = Vec::new();
            engine.lines().for_each(|_, text| held.extend([text, b"\n"].concat()));
            let file: Vec<u8> = self.server.file().contents().flatten().copied().collect();
            if held != file {
                return Err(Broken(format!("node{n} ends with another file")));
            }
        }
        self.oracle.check_traffic(self.nodes.len(), self.now().seconds())
    }

    /// Each node in a line.
    pub(super) fn state(&self) -> String {
        let tell = |(n, node): (usize, &Node)| match node.engine() {
            None => format!("\n  node{n}: down"),
            Some(engine) => {
                let status = engine.status();
                format!(
                    "\n  node{n} {}: {:?}, {:?} lines, submit {:?}, master {:?}, {} linked{}",
                    status.id.short(),
                    status.state,
                    status.job.have,
                    status.submit.state,
                    status.master.map(|master| (master.name, master.term.0)),
                    status.peers.connected,
                    if node.frozen.is_some() { ", held up" } else { "" },
                )
            }
        };
        self.nodes.iter().enumerate().map(tell).collect()
    }
}
