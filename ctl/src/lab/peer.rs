//! One daemon of a run: started as a user would, asked over its status socket, compared with what was served.
//!
//! It ends with the value that holds it. One that was killed on purpose is never asked again and proves nothing.

use super::children::{Process, Programs};
use super::plan::Plan;
use super::swarm::{ANSWER, SETTLE};
use crate::client::{Connection, Deadline};
use crate::data;
use crate::failure::Failure;
use lineswarm_proto::wire::control::{Command as Ask, Job, Status};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// One daemon.
#[derive(Debug)]
pub struct Peer {
    pub name: String,
    /// What it said last.
    pub status: Option<Status>,
    /// Killed on purpose.
    pub is_killed: bool,
    pub(super) process: Process,
    directory: PathBuf,
    connection: Option<Connection>,
}

/// One daemon's share.
#[derive(Clone, Debug)]
pub struct PeerOutcome {
    pub name: String,
    pub draws: u64,
    pub refusals: u64,
    pub duplicates: u64,
    pub from_peers: u64,
    /// Its dump equals the file.
    pub is_same: bool,
    pub is_killed: bool,
}

/// Starts all daemons of a plan, each with an address of its own and knowing all others.
pub fn start(plan: &Plan, server: &str, programs: &Programs) -> Result<Vec<Peer>, Failure> {
    let addresses = free_addresses(plan.peers)?;
    // The machine's own configuration is not the lab's.
    let settings = plan.directory.join("lineswarmd.toml");
    fs::write(&settings, "# Everything is set by flags.\n")
        .map_err(|source| Failure::Create { path: settings.clone(), source })?;
    let draws_on_loopback = is_loopback(server);
    let mut peers = Vec::new();
    for (number, listen) in (1_u32..).zip(&addresses) {
        let name = format!("{}/peer{number}", plan.group);
        let directory = plan.directory.join(format!("p{number}"));
        fs::create_dir(&directory).map_err(|source| Failure::Create { path: directory.clone(), source })?;
        let mut command = Command::new(&programs.lineswarmd);
        command.arg("--config").arg(&settings).arg("--state-dir").arg(&directory);
        for (flag, file) in [
            ("--control-socket", "control.sock"),
            ("--status-socket", "status.sock"),
            ("--output", "file.txt"),
        ] {
            command.arg(flag).arg(directory.join(file));
        }
        for (flag, value) in [
            ("--name", name.clone()),
            ("--server", server.to_owned()),
            ("--lines", plan.lines.to_string()),
            ("--identity", plan.conditions.identity().to_owned()),
            ("--listen", listen.to_string()),
            ("--topology", plan.conditions.topology.to_string()),
            ("--autostart", "false".to_owned()),
        ] {
            command.arg(flag).arg(value);
        }
        if draws_on_loopback {
            command.arg("--bind").arg(listen.ip().to_string());
        }
        for peer in addresses.iter().filter(|address| *address != listen) {
            command.arg("--peer").arg(peer.to_string());
        }
        command.stdout(Stdio::null());
        let process = Process::start(&name, command, &directory.join("log"))?;
        peers.push(Peer { name, status: None, is_killed: false, process, directory, connection: None });
    }
    Ok(peers)
}

impl Peer {
    /// Asks for the status; a daemon that is not up yet has none.
    pub(super) fn look(&mut self) -> Result<(), Failure> {
        let deadline = Deadline::after(Some(ANSWER));
        let connection = match self.connection.take() {
            Some(mut connection) => {
                connection.set_deadline(deadline);
                Ok(connection)
            }
            None => Connection::open(&self.directory.join("status.sock"), deadline),
        };
        let answer = connection.and_then(|mut connection| {
            let status = connection.get::<Status>(Ask::Status)?;
            Ok((status, connection))
        });
        match answer {
            Ok((status, connection)) => {
                self.status = Some(status);
                self.connection = Some(connection);
                Ok(())
            }
            // Coming up, or dying: then the next look says so.
            Err(
                Failure::NoSocket { .. }
                | Failure::NoListener { .. }
                | Failure::Closed { .. }
                | Failure::TimedOut { .. },
            ) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// Begins a download of the whole swarm.
    pub(super) fn start_swarm(&self) -> Result<(), Failure> {
        Connection::open(&self.directory.join("control.sock"), Deadline::after(Some(ANSWER)))?
            .ask(Ask::Start { server: None, lines: None, swarm: true }, |_| Ok(()))
            .map(drop)
    }

    /// SIGKILL: it can neither save nor say goodbye.
    pub(super) fn kill(&mut self) {
        self.process.kill();
        self.is_killed = true;
        self.connection = None;
    }

    /// Does it call itself the master?
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.status.as_ref().and_then(|status| status.master.as_ref()).is_some_and(|master| master.is_self)
    }

    pub(super) fn output(&self) -> PathBuf {
        self.directory.join("file.txt")
    }

    pub(super) fn outcome(&self, served: &[u8]) -> PeerOutcome {
        let job = self.status.as_ref().map(|status| &status.job);
        let count = |of: fn(&Job) -> u64| job.map_or(0, of);
        PeerOutcome {
            name: self.name.clone(),
            draws: count(|job| job.draws),
            refusals: count(|job| job.refusals),
            duplicates: count(|job| job.duplicates),
            from_peers: count(|job| job.from_peers),
            is_same: !self.is_killed && self.dump().is_ok_and(|file| file == served),
            is_killed: self.is_killed,
        }
    }

    fn dump(&self) -> Result<Vec<u8>, Failure> {
        let mut file = Vec::new();
        let mut connection =
            Connection::open(&self.directory.join("status.sock"), Deadline::after(Some(SETTLE)))?;
        data::receive(&mut connection, Ask::Dump { partial: false }, data::Form::default(), |bytes| {
            file.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(file)
    }
}

/// One free port on a loopback address of its own for each peer. They are all held at once, so they differ; between
/// letting go and the daemon's bind somebody else may take one, and then that daemon says so.
fn free_addresses(count: u32) -> Result<Vec<SocketAddr>, Failure> {
    let bind =
        |number: u32| TcpListener::bind((Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + number), 0));
    let held: Result<Vec<_>, _> = (1..=count).map(bind).collect();
    let addresses = held.and_then(|held| held.iter().map(TcpListener::local_addr).collect());
    addresses.map_err(Failure::io("looking for free ports"))
}

/// Only then can a peer draw from a loopback address of its own.
fn is_loopback(server: &str) -> bool {
    let is_v4_loopback = |address: SocketAddr| matches!(address.ip(), IpAddr::V4(ip) if ip.is_loopback());
    server.to_socket_addrs().is_ok_and(|mut addresses| addresses.next().is_some_and(is_v4_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_gets_a_loopback_address_of_its_own() {
        let addresses = free_addresses(3).unwrap();
        let ips: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(ips, ["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
        assert!(addresses.iter().all(|address| address.port() != 0));
    }

    #[test]
    fn peers_draw_from_addresses_of_their_own_only_where_the_server_is_on_loopback_too() {
        assert!(is_loopback("127.0.0.1:9801"));
        assert!(!is_loopback("192.0.2.1:9801") && !is_loopback("[::1]:9801") && !is_loopback("nothing"));
    }
}
