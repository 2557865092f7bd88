//! What kind of swarm, network and server a run has.

use crate::net::Weather;
use core::{num::NonZeroU32, time::Duration};
use lineswarm_proto::{
    engine::settings::{self, Election, InDoubt, Quorum, Settings, SubmitBy, Swarm, Topology},
    ids::PeerId,
    line_server::{self, LimiterKind, RateSchedule},
};

/// Whose addresses are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knows {
    /// Everybody's, one's own too.
    All,
    /// The first node's; the others are introduced.
    First,
    /// The last node knows everybody's, the others only the last one's.
    Last,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many nodes.
    pub nodes: usize,
    /// Lines of the file.
    pub lines: u32,
    /// The number of its first line.
    pub base: u32,
    /// Lines a second for each connection.
    pub rate: f64,
    /// Which limiter.
    pub limiter: LimiterKind,
    /// The network.
    pub weather: Weather,
    /// Who knows whom.
    pub knows: Knows,
    /// `[election]`, but for the priority.
    pub election: Election,
    /// The node with the higher `election.priority`.
    pub preferred: Option<usize>,
    /// Each n-th node belongs to a swarm of its own, though all know all addresses.
    pub swarms: usize,
    /// `submit.by`
    pub submit_by: SubmitBy,
    /// So many nodes, from the first on, have no `server.identity`.
    pub nameless: usize,
    /// `swarm.topology`
    pub topology: Topology,
    /// `swarm.max-peers`
    pub max_peers: usize,
    /// `server.lines` is "auto".
    pub auto: bool,
    /// Clocks run this much too fast or too slow, at most, in millionths.
    pub skew_ppm: u32,
    /// No request but SENDLINE and SUBMIT is answered.
    pub tournament: bool,
    /// `run.autostart`
    pub autostart: bool,
    /// Now and then a disk is busy with something else for a while.
    pub busy_disks: bool,
}

impl Plan {
    /// A quiet swarm with the default settings and a small file.
    #[must_use]
    pub fn calm(nodes: usize) -> Self {
        Self {
            nodes,
            lines: 60,
            base: 0,
            rate: 100.0,
            limiter: LimiterKind::Spacing,
            weather: Weather::default(),
            knows: Knows::All,
            election: Election {
                quorum: Quorum::Grace,
                grace: Duration::from_secs(10),
                in_doubt: InDoubt::Resubmit,
                priority: 0,
            },
            preferred: None,
            swarms: 1,
            submit_by: SubmitBy::Master,
            nameless: 0,
            topology: Topology::Mesh,
            max_peers: 64,
            auto: false,
            skew_ppm: 0,
            tournament: false,
            autostart: true,
            busy_disks: true,
        }
    }

    /// The same with another quorum.
    #[must_use]
    pub fn quorum(mut self, quorum: Quorum) -> Self {
        self.election.quorum = quorum;
        self
    }

    pub(crate) fn server(&self, seed: u64) -> line_server::Settings {
        line_server::Settings {
            rate: RateSchedule::fixed(self.rate),
            limiter: self.limiter,
            burst: 20,
            draw_seed: Some(seed),
            tournament: self.tournament,
            ..line_server::Settings::default()
        }
    }

    /// The addresses that a node is told of.
    pub(crate) fn peers(&self, node: usize) -> Vec<String> {
        let last = self.nodes.saturating_sub(1);
        match self.knows {
            Knows::First => vec![address(0)],
            Knows::Last if node != last => vec![address(last)],
            Knows::All | Knows::Last => (0..self.nodes).map(address).collect(),
        }
    }

    pub(crate) fn settings(&self, node: usize, id: PeerId) -> Settings {
        Settings {
            name: format!("node{node}"),
            id,
            server: settings::Server {
                address: SERVER.into(),
                label: String::new(),
                lines: NonZeroU32::new(self.lines).filter(|_| !self.auto),
                identity: if node < self.nameless { String::new() } else { "entry@team".into() },
                bind: Vec::new(),
                rate: None,
                pipeline: None,
            },
            swarm: Swarm {
                id: format!("swarm{}", node % self.swarms.max(1)),
                advertise: address(node).parse().ok(),
                peers: self.peers(node),
                topology: self.topology,
                max_peers: self.max_peers,
            },
            election: Election { priority: i32::from(self.preferred == Some(node)), ..self.election },
            submit_by: self.submit_by,
            autostart: self.autostart,
        }
    }
}

/// Where the line server is dialled.
pub const SERVER: &str = "server:5000";

/// Where a node is dialled.
#[must_use]
pub fn address(node: usize) -> String {
    format!("10.0.{}.{}:7000", node / 250, node % 250 + 1)
}

/// Who is dialled at `address`.
pub(crate) fn node_at(address: &str) -> Option<usize> {
    let mut parts = address.strip_suffix(":7000")?.rsplit('.');
    let low: usize = parts.next()?.parse().ok()?;
    let high: usize = parts.next()?.parse().ok()?;
    (high * 250 + low).checked_sub(1)
}
