//! One download by real daemons from a real line server: a fair start, the run, and the proof.
//!
//! Fair: the clock starts when all peers are connected and a master is elected. Proof: the submitted file, every
//! peer's dump and the master's output equal, byte for byte, what the server wrote down as served. Every process
//! is ended before [`run`] returns, whatever happened.

use super::children::{Process, Programs, stop_all};
use super::server::{Heard, Server};
use super::theory;
use crate::client::{Connection, Deadline};
use crate::data;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::render::status;
use lineswarm_proto::wire::control::{Command as Ask, Job, Status, SubmitState};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Between two looks at every peer.
const LOOK: Duration = Duration::from_millis(100);
/// For the server and the daemons to come up, find each other and elect.
pub const READY: Duration = Duration::from_secs(20);
/// For the last lines, the submit's news and the output file, once the server has the file.
pub const SETTLE: Duration = Duration::from_secs(10);
/// For one answer on a status socket.
const ANSWER: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub peers: u32,
    pub lines: u32,
    /// Lines a second for each connection.
    pub rate: f64,
    /// Of the served file and of the draws.
    pub seed: u64,
    /// For files, sockets and logs; it exists.
    pub directory: PathBuf,
}

impl Plan {
    /// Thrice what theory expects, and time for slow machines.
    pub fn patience(&self) -> Duration {
        let expected = theory::seconds(theory::expected_draws(self.lines), self.peers, self.rate);
        Duration::from_secs_f64((3.0 * expected + 30.0).min(1e7))
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Starting,
    Running,
    Checking,
}

/// What there is to see in the middle of a run.
#[derive(Debug)]
pub struct View<'a> {
    pub phase: Phase,
    /// Of the file.
    pub lines: u32,
    /// Since the fair start.
    pub elapsed: Duration,
    pub peers: &'a [Peer],
}

/// One daemon.
#[derive(Debug)]
pub struct Peer {
    pub name: String,
    /// What it said last.
    pub status: Option<Status>,
    process: Process,
    directory: PathBuf,
    connection: Option<Connection>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// From the first draw at the server to the right submit.
    pub seconds: f64,
    pub draws: u64,
    /// The index of the draw that completed the file, all clients together.
    pub draws_needed: u64,
    pub refusals: u64,
    pub submits: u64,
    /// (draws needed / (peers * rate)) / seconds
    pub efficiency: f64,
    /// The server found the submitted file right.
    pub submit_is_right: bool,
    pub submitted_by: Option<String>,
    pub reply: Option<String>,
    /// The submitter's output file equals the served one.
    pub output_is_same: bool,
    pub peers: Vec<PeerOutcome>,
    /// Seconds since the fair start, and lines that the best peer then held.
    pub curve: Vec<(f64, u32)>,
}

/// One daemon's share.
#[derive(Clone, Debug)]
pub struct PeerOutcome {
    pub name: String,
    pub draws: u64,
    pub refusals: u64,
    pub duplicates: u64,
    pub from_peers: u64,
    /// Its dump equals the served file.
    pub is_same: bool,
}

impl Outcome {
    /// Every proof holds.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.submit_is_right && self.output_is_same && self.peers.iter().all(|peer| peer.is_same)
    }
}

struct Swarm<'a> {
    plan: &'a Plan,
    server: Server,
    peers: Vec<Peer>,
    interrupt: &'a mut Interrupt,
    watch: &'a mut dyn FnMut(&View<'_>),
}

/// Runs the plan; `watch` is called at every look.
pub fn run(
    plan: &Plan,
    programs: &Programs,
    interrupt: &mut Interrupt,
    watch: &mut dyn FnMut(&View<'_>),
) -> Result<Outcome, Failure> {
    let server = Server::start(plan, programs, interrupt)?;
    let mut swarm = Swarm { plan, server, peers: Vec::new(), interrupt, watch };
    let outcome = swarm.start_peers(programs).and_then(|()| swarm.download());
    // All at once; dropping them would end one after the other.
    stop_all(swarm.peers.iter_mut().map(|peer| &mut peer.process).chain([&mut swarm.server.process]));
    outcome
}

/// A rehearsal that went wrong.
pub fn lab(what: &str, why: impl Into<String>) -> Failure {
    Failure::Lab { what: what.into(), why: why.into(), kept: None }
}

impl Swarm<'_> {
    fn start_peers(&mut self, programs: &Programs) -> Result<(), Failure> {
        let addresses = free_addresses(self.plan.peers)?;
        // The machine's own configuration is not the lab's.
        let settings = self.plan.directory.join("lineswarmd.toml");
        fs::write(&settings, "# Everything is set by flags.\n")
            .map_err(|source| Failure::Create { path: settings.clone(), source })?;
        for (number, listen) in (1_u32..).zip(&addresses) {
            let name = format!("demo/peer{number}");
            let directory = self.plan.directory.join(format!("p{number}"));
            fs::create_dir(&directory)
                .map_err(|source| Failure::Create { path: directory.clone(), source })?;
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
                ("--server", self.server.address.to_string()),
                ("--lines", self.plan.lines.to_string()),
                ("--identity", "demo@lineswarm".to_owned()),
                ("--listen", listen.to_string()),
                ("--autostart", "false".to_owned()),
            ] {
                command.arg(flag).arg(value);
            }
            for peer in addresses.iter().filter(|address| *address != listen) {
                command.arg("--peer").arg(peer.to_string());
            }
            command.stdout(Stdio::null());
            let process = Process::start(&name, command, &directory.join("log"))?;
            self.peers.push(Peer { name, status: None, process, directory, connection: None });
        }
        Ok(())
    }

    fn download(&mut self) -> Result<Outcome, Failure> {
        if !self.look_until(Phase::Starting, Instant::now(), READY, |peers, _| are_ready(peers))? {
            return Err(self.too_late("the peers did not all connect and elect one master"));
        }
        let first =
            self.peers.first().ok_or_else(|| lab("nothing to run", "a swarm has at least one peer"))?;
        Connection::open(&first.directory.join("control.sock"), Deadline::after(Some(ANSWER)))?
            .ask(Ask::Start { server: None, lines: None, swarm: true }, |_| Ok(()))?;

        let start = Instant::now();
        let mut curve = vec![(0.0, 0)];
        let (mut submit_is_right, mut end) = (false, None);
        let ended = self.look_until(Phase::Running, start, self.plan.patience(), |peers, heard| {
            let best =
                peers.iter().filter_map(|peer| Some(peer.status.as_ref()?.job.have)).max().unwrap_or(0);
            if curve.last().is_some_and(|(_, have)| *have < best) {
                curve.push((start.elapsed().as_secs_f64(), best));
            }
            for event in heard {
                match event {
                    Heard::Submit { ok, right, wrong } => submit_is_right |= ok && right > 0 && wrong == 0,
                    Heard::End { .. } => end = Some(event),
                    Heard::Listen { .. } | Heard::Other => {}
                }
            }
            end.is_some()
        })?;
        let Some(Heard::End {
            draws,
            refusals,
            draws_needed: Some(draws_needed),
            seconds: Some(seconds),
            submits,
        }) = end.filter(|_| ended)
        else {
            return Err(self.too_late("the swarm did not submit the right file"));
        };
        // Who is not done after this fails the proof below, which says more.
        self.look_until(Phase::Checking, start, SETTLE, |peers, _| are_done(peers))?;

        let served = fs::read(&self.server.served)
            .map_err(Failure::io(format!("reading {}", self.server.served.display())))?;
        let submitter = submitter(&self.peers);
        Ok(Outcome {
            seconds,
            draws,
            draws_needed,
            refusals,
            submits,
            efficiency: theory::seconds(draws_needed as f64, self.plan.peers, self.plan.rate) / seconds,
            submit_is_right,
            submitted_by: submitter.map(|peer| peer.name.clone()),
            reply: submitter.and_then(|peer| peer.status.as_ref()?.submit.reply.clone()),
            output_is_same: submitter
                .is_some_and(|peer| fs::read(peer.output()).is_ok_and(|file| file == served)),
            curve,
            peers: self.peers.iter().map(|peer| peer.outcome(&served)).collect(),
        })
    }

    /// Looks at everything ten times a second until `enough`; false if that takes too long.
    fn look_until(
        &mut self,
        phase: Phase,
        since: Instant,
        patience: Duration,
        mut enough: impl FnMut(&[Peer], Vec<Heard>) -> bool,
    ) -> Result<bool, Failure> {
        let begin = Instant::now();
        loop {
            let look = Instant::now();
            let (heard, may_say_more) = self.server.hear();
            for peer in &mut self.peers {
                peer.look()?;
            }
            let (lines, elapsed) = (self.plan.lines, since.elapsed());
            (self.watch)(&View { phase, lines, elapsed, peers: &self.peers });
            if enough(&self.peers, heard) {
                return Ok(true);
            }
            if !may_say_more && phase != Phase::Checking {
                self.server.process.must_run()?;
            }
            if begin.elapsed() > patience {
                return Ok(false);
            }
            self.interrupt.pause(LOOK.saturating_sub(look.elapsed()))?;
        }
    }

    /// What everybody was doing when time was up.
    fn too_late(&self, what: &str) -> Failure {
        let doing = self.peers.iter().map(|peer| match &peer.status {
            Some(status) => status::line(status).trim_end().to_owned(),
            None => format!("{}  no answer", peer.name),
        });
        lab(what, format!("time was up, with\n        {}", doing.collect::<Vec<_>>().join("\n        ")))
    }
}

impl Peer {
    /// Asks for the status; a daemon that is not up yet has none.
    fn look(&mut self) -> Result<(), Failure> {
        self.process.must_run()?;
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

    fn output(&self) -> PathBuf {
        self.directory.join("file.txt")
    }

    fn outcome(&self, served: &[u8]) -> PeerOutcome {
        let job = self.status.as_ref().map(|status| &status.job);
        let count = |of: fn(&Job) -> u64| job.map_or(0, of);
        PeerOutcome {
            name: self.name.clone(),
            draws: count(|job| job.draws),
            refusals: count(|job| job.refusals),
            duplicates: count(|job| job.duplicates),
            from_peers: count(|job| job.from_peers),
            is_same: self.dump().is_ok_and(|file| file == served),
        }
    }

    fn dump(&self) -> Result<Vec<u8>, Failure> {
        let mut file = Vec::new();
        let mut connection =
            Connection::open(&self.directory.join("status.sock"), Deadline::after(Some(SETTLE)))?;
        data::receive(&mut connection, Ask::Dump { partial: false }, false, |bytes| {
            file.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(file)
    }
}

/// All are linked to all, and all name the same master.
fn are_ready(peers: &[Peer]) -> bool {
    let others = u32::try_from(peers.len()).unwrap_or(u32::MAX).saturating_sub(1);
    let master = |peer: &Peer| peer.status.as_ref()?.master.as_ref().map(|master| master.id);
    let first = peers.first().and_then(master);
    let connected = |peer: &Peer| peer.status.as_ref().is_some_and(|status| status.peers.connected >= others);
    first.is_some() && peers.iter().all(|peer| connected(peer) && master(peer) == first)
}

/// All know that the file was submitted, and the submitter has written it down.
fn are_done(peers: &[Peer]) -> bool {
    let knows = |peer: &Peer| {
        peer.status.as_ref().is_some_and(|status| {
            status.submit.state == SubmitState::Done && Some(status.job.have) == status.job.lines
        })
    };
    peers.iter().all(knows) && submitter(peers).is_some_and(|peer| peer.output().exists())
}

fn submitter(peers: &[Peer]) -> Option<&Peer> {
    let by = peers.iter().find_map(|peer| peer.status.as_ref()?.submit.by)?;
    peers.iter().find(|peer| peer.status.as_ref().is_some_and(|status| status.id == by))
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

#[cfg(test)]
mod tests;
