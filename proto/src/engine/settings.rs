//! What the engine is told at its start: the settings of `lineswarmd.toml` that the core decides by.
//! All values were checked by the daemon's configuration; the engine takes them as they are.

use crate::{ids::PeerId, limits};
use core::{num::NonZeroU32, time::Duration};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// Everything the engine is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// `node.name`, hierarchical ("lab1/alice").
    pub name: String,
    /// This node's identity.
    pub id: PeerId,
    /// `[server]`
    pub server: Server,
    /// `[swarm]`
    pub swarm: Swarm,
    /// `[election]`
    pub election: Election,
    /// `submit.by`
    pub submit_by: SubmitBy,
    /// `run.autostart`
    pub autostart: bool,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// `host:port` as configured; the daemon resolves it.
    pub address: String,
    /// Names the file; the address if none was set.
    pub label: String,
    /// `None` is `"auto"`.
    pub lines: Option<NonZeroU32>,
    /// `<entry>@<team>`, sent with a SUBMIT; empty if none was set: see [`Server::identity_for`].
    pub identity: String,
    /// One connection per source address; empty: one connection, the system's choice.
    pub bind: Vec<IpAddr>,
    /// Cap in lines a second; `None` is `"auto"`.
    pub rate: Option<f64>,
    /// Fixed number of requests outstanding; `None` is `"auto"`.
    pub pipeline: Option<NonZeroU32>,
}

impl Server {
    /// Who submits to the server at `address`: nobody to one elsewhere that does not know who it is for.
    #[must_use]
    pub fn identity_for(&self, address: &str) -> Option<&str> {
        match self.identity.as_str() {
            "" => is_loopback(address).then_some(ANONYMOUS),
            identity => Some(identity),
        }
    }
}

/// Who submits to a server on this machine if nobody said who.
pub const ANONYMOUS: &str = "anonymous@lineswarm";

/// Is this `host:port` on this machine for certain? A name but `localhost` may mean another one tomorrow.
#[must_use]
pub fn is_loopback(address: &str) -> bool {
    if let Ok(address) = address.parse::<SocketAddr>() {
        return address.ip().to_canonical().is_loopback();
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case("localhost")
}

/// `[swarm]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Swarm {
    /// The swarm's name.
    pub id: String,
    /// What to tell peers to dial; `None`: the address that we listen on.
    pub advertise: Option<SocketAddr>,
    /// `host:port` of configured peers.
    pub peers: Vec<String>,
    /// Who sends lines to whom.
    pub topology: Topology,
    /// The most links.
    pub max_peers: usize,
}

impl Swarm {
    /// How many members are counted for a quorum at most: all can be linked, with as many links left for guests.
    #[must_use]
    pub fn voters(&self) -> usize {
        limits::VOTERS.min(self.max_peers / 2 + 1)
    }
}

/// `[election]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Election {
    /// What a master needs.
    pub quorum: Quorum,
    /// How long without a majority until `grace` falls back.
    pub grace: Duration,
    /// What a master does with an INTENT that has no DONE.
    pub in_doubt: InDoubt,
    /// Higher is preferred as master.
    pub priority: i32,
}

/// `swarm.topology`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Topology {
    /// Everybody to everybody.
    #[default]
    Mesh,
    /// Through the master.
    Star,
    /// Each to the next by id.
    Ring,
}

/// `election.quorum`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quorum {
    /// More than half of the members, or exactly half with the lowest.
    Majority,
    /// The same, of the peers now heard.
    Available,
    /// Majority, and after the grace time without one, available.
    #[default]
    Grace,
}

/// `election.in-doubt`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InDoubt {
    /// Submit again after the wait: the server counts the latest.
    #[default]
    Resubmit,
    /// Wait for `submit --resolve`.
    Hold,
}

/// `submit.by`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubmitBy {
    /// The elected master submits for all.
    #[default]
    Master,
    /// Each peer submits its own complete map.
    EveryPeer,
    /// The job ends at complete.
    Nobody,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_on_this_machine_is_submitted_to_by_nobody_in_particular() {
        let server = |identity: &str| Server {
            address: "127.0.0.1:9801".into(),
            label: String::new(),
            lines: None,
            identity: identity.into(),
            bind: Vec::new(),
            rate: None,
            pipeline: None,
        };
        for address in [
            "127.0.0.1:9801",
            "127.3.2.1:1",
            "[::1]:9801",
            "[::ffff:127.0.0.1]:1",
            "localhost:1",
            "LocalHost.:1",
        ] {
            assert_eq!(server("").identity_for(address), Some(ANONYMOUS), "{address}");
            assert_eq!(server("a@b").identity_for(address), Some("a@b"), "{address}");
        }
        for address in [
            "10.0.0.1:9801",
            "[2001:db8::1]:1",
            "0.0.0.0:1",
            "server:1",
            "localhost.example.org:1",
            "127.0.0.1.example:1",
        ] {
            assert_eq!(server("").identity_for(address), None, "{address}");
            assert_eq!(server("a@b").identity_for(address), Some("a@b"), "{address}");
        }
    }
}
