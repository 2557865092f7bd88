//! One download by real daemons from a real line server: a fair start, the run, and the proof.
//!
//! Fair: the clock starts when all peers are connected and a master is elected. Proof: the submitted file, every
//! peer's dump and the master's output equal, byte for byte, what the server wrote down as served (of a server that
//! is not ours: each other). Every process is ended before [`run`] returns, whatever happened.

use super::children::{Programs, stop_all};
use super::machine::{Busy, CpuTime};
use super::peer::{self, Peer};
use super::plan::{Killed, Outcome, Plan};
use super::server::{Heard, Server};
use super::theory;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::render::status;
use lineswarm_proto::wire::control::SubmitState;
use std::fs;
use std::time::{Duration, Instant};

/// Between two looks at the peers; shorter where a run is short, so that its curve has enough points.
const LOOK: Duration = Duration::from_millis(100);
const SHORT_LOOK: Duration = Duration::from_millis(25);
/// For the server and the daemons to come up, find each other and elect.
pub const READY: Duration = Duration::from_secs(20);
/// For the last lines, the submit's news and the output file, once the server has the file.
pub const SETTLE: Duration = Duration::from_secs(10);
/// For one answer on a status socket.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

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

struct Swarm<'a> {
    plan: &'a Plan,
    server: Server,
    peers: Vec<Peer>,
    /// Whose turn it is to be asked.
    turn: usize,
    killed: Option<Killed>,
    interrupt: &'a mut Interrupt,
    watch: &'a mut dyn FnMut(&View<'_>),
}

/// What was noticed while it ran.
#[derive(Debug, Default)]
struct Noticed {
    curve: Vec<(f64, u32)>,
    submit_is_right: bool,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    draws: u64,
    refusals: u64,
    draws_needed: Option<u64>,
    seconds: f64,
    submits: u64,
}

/// Runs the plan; `watch` is called at every look.
pub fn run(
    plan: &Plan,
    programs: &Programs,
    interrupt: &mut Interrupt,
    watch: &mut dyn FnMut(&View<'_>),
) -> Result<Outcome, Failure> {
    let server = Server::start(plan, programs, interrupt)?;
    let peers = peer::start(plan, &server.address, programs)?;
    let mut swarm = Swarm { plan, server, peers, turn: 0, killed: None, interrupt, watch };
    let outcome = swarm.download();
    // All at once; dropping them would end one after the other.
    let Swarm { peers, server, .. } = &mut swarm;
    stop_all(peers.iter_mut().map(|peer| &mut peer.process).chain(server.process.as_mut()));
    outcome
}

/// A rehearsal that went wrong.
pub fn lab(what: &str, why: impl Into<String>) -> Failure {
    Failure::Lab { what: what.into(), why: why.into(), kept: None }
}

impl Swarm<'_> {
    fn download(&mut self) -> Result<Outcome, Failure> {
        if !self.look_until(Phase::Starting, Instant::now(), READY, |peers, _| are_ready(peers))? {
            return Err(self.too_late("the peers did not all connect and elect one master"));
        }
        let first = self.peers.first();
        first.ok_or_else(|| lab("nothing to run", "a swarm has at least one peer"))?.start_swarm()?;

        let (start, cpu) = (Instant::now(), self.cpu_time());
        let mut noticed = Noticed { curve: vec![(0.0, 0)], ..Noticed::default() };
        let is_ours = self.server.process.is_some();
        self.look_until(Phase::Running, start, self.plan.patience(), |peers, heard| {
            noticed.look(start.elapsed().as_secs_f64(), peers, heard, is_ours);
            noticed.end.is_some()
        })?;
        let busy = cpu.zip(self.cpu_time()).and_then(|(before, after)| before.busy_until(after));
        let Some(end) = noticed.end else {
            return Err(self.too_late("the swarm did not submit the right file"));
        };
        // Who is not done after this fails the proof below, which says more.
        self.look_until(Phase::Checking, start, SETTLE, |peers, _| are_done(peers))?;
        self.outcome(end, noticed, busy)
    }

    fn cpu_time(&mut self) -> Option<CpuTime> {
        let processes =
            self.peers.iter_mut().map(|peer| &mut peer.process).chain(self.server.process.as_mut());
        CpuTime::now(processes.filter_map(|process| process.id()))
    }

    fn outcome(&mut self, end: End, noticed: Noticed, busy: Option<Busy>) -> Result<Outcome, Failure> {
        let submitter = submitter(&self.peers);
        let output = submitter.and_then(|peer| fs::read(peer.output()).ok());
        let served = match &self.server.served {
            Some(path) => fs::read(path).map_err(Failure::io(format!("reading {}", path.display())))?,
            None => output.clone().unwrap_or_default(),
        };
        let floor = |draws: u64| theory::seconds(draws as f64, self.plan.peers, self.plan.rate);
        let mut outcome = Outcome {
            seconds: end.seconds,
            draws: end.draws,
            draws_needed: end.draws_needed,
            refusals: end.refusals,
            submits: end.submits,
            efficiency: end.draws_needed.map(|draws| (floor(draws) / end.seconds).min(1.0)),
            pace: None,
            luck: (end.draws > 0).then(|| theory::expected_draws(self.plan.lines) / end.draws as f64),
            killed: self.killed.take(),
            submit_is_right: noticed.submit_is_right,
            submitted_by: submitter.map(|peer| peer.name.clone()),
            reply: submitter.and_then(|peer| peer.status.as_ref()?.submit.reply.clone()),
            output_is_same: output.is_some_and(|file| file == served && !served.is_empty()),
            curve: noticed.curve,
            peers: self.peers.iter().map(|peer| peer.outcome(&served)).collect(),
            busy,
        };
        // Of a server that is not ours only the daemons know what it allows.
        let told = self.peers.iter().filter_map(|peer| peer.status.as_ref());
        outcome.pace = match self.plan.conditions.server {
            None => Some(end.draws as f64 / outcome.allowed(self.plan.rate)),
            Some(_) => told.max_by_key(|status| status.job.swarm_draws).and_then(|status| status.job.pace),
        };
        Ok(outcome)
    }

    /// Looks at everything, again and again, until `enough`; false if that takes too long.
    fn look_until(
        &mut self,
        phase: Phase,
        since: Instant,
        patience: Duration,
        mut enough: impl FnMut(&[Peer], Vec<Heard>) -> bool,
    ) -> Result<bool, Failure> {
        let begin = Instant::now();
        let pause = self.pause(phase);
        loop {
            let look = Instant::now();
            let (heard, may_say_more) = self.server.hear();
            self.look_at_peers(phase)?;
            if phase == Phase::Running {
                self.kill_if_due(since);
            }
            let (lines, elapsed) = (self.plan.lines, since.elapsed());
            (self.watch)(&View { phase, lines, elapsed, peers: &self.peers });
            if enough(&self.peers, heard) {
                return Ok(true);
            }
            if let (false, Phase::Starting | Phase::Running, Some(process)) =
                (may_say_more, phase, &mut self.server.process)
            {
                process.must_run()?;
            }
            if begin.elapsed() > patience {
                return Ok(false);
            }
            self.interrupt.pause(pause.saturating_sub(look.elapsed()))?;
        }
    }

    fn pause(&self, phase: Phase) -> Duration {
        let expected =
            theory::seconds(theory::expected_draws(self.plan.lines), self.plan.peers, self.plan.rate);
        let fine = Duration::from_secs_f64((expected / 60.0).min(1.0));
        match phase {
            Phase::Running if self.plan.conditions.sparing => fine.clamp(SHORT_LOOK, LOOK),
            _ => LOOK,
        }
    }

    fn look_at_peers(&mut self, phase: Phase) -> Result<(), Failure> {
        for peer in self.peers.iter_mut().filter(|peer| !peer.is_killed) {
            peer.process.must_run()?;
        }
        let one_only = phase == Phase::Running && self.plan.conditions.sparing;
        self.turn += 1;
        let turn = self.turn.checked_rem(self.peers.len()).unwrap_or(0);
        for (number, peer) in self.peers.iter_mut().enumerate() {
            if !peer.is_killed && (!one_only || number == turn) {
                peer.look()?;
            }
        }
        Ok(())
    }

    /// Whoever calls itself master dies without warning, once.
    fn kill_if_due(&mut self, since: Instant) {
        let Some(at) = self.plan.kill_at().filter(|_| self.killed.is_none()) else { return };
        let have = most_lines(&self.peers);
        if have < at {
            return;
        }
        if let Some(master) = self.peers.iter_mut().find(|peer| peer.is_master()) {
            master.kill();
            let at_s = since.elapsed().as_secs_f64();
            self.killed = Some(Killed { name: master.name.clone(), at_s, have });
        }
    }

    /// What everybody was doing when time was up.
    fn too_late(&self, what: &str) -> Failure {
        let doing = self.peers.iter().map(|peer| match &peer.status {
            _ if peer.is_killed => format!("{}  killed", peer.name),
            Some(status) => status::line(status).trim_end().to_owned(),
            None => format!("{}  no answer", peer.name),
        });
        lab(what, format!("time was up, with\n        {}", doing.collect::<Vec<_>>().join("\n        ")))
    }
}

impl Noticed {
    fn look(&mut self, at: f64, peers: &[Peer], heard: Vec<Heard>, server_is_ours: bool) {
        let best = most_lines(peers);
        if self.curve.last().is_some_and(|(_, have)| *have < best) {
            self.curve.push((at, best));
        }
        for event in heard {
            match event {
                Heard::Submit { ok, right, wrong } => {
                    self.submit_is_right |= ok && right > 0 && wrong == 0;
                }
                Heard::End { draws, refusals, draws_needed, seconds: Some(seconds), submits } => {
                    self.end = Some(End { draws, refusals, draws_needed, seconds, submits });
                }
                Heard::End { .. } | Heard::Listen { .. } | Heard::Other => {}
            }
        }
        // A server that is not ours tells nothing: the daemons' word is all there is.
        if !server_is_ours && are_done(peers) {
            let jobs = || peers.iter().filter_map(|peer| Some(&peer.status.as_ref()?.job));
            let attempts =
                peers.iter().filter_map(|peer| Some(u64::from(peer.status.as_ref()?.submit.attempts)));
            self.submit_is_right = true;
            self.end = Some(End {
                draws: jobs().map(|job| job.draws).sum(),
                refusals: jobs().map(|job| job.refusals).sum(),
                draws_needed: None,
                seconds: at,
                submits: attempts.sum(),
            });
        }
    }
}

fn living(peers: &[Peer]) -> impl Iterator<Item = &Peer> {
    peers.iter().filter(|peer| !peer.is_killed)
}

fn most_lines(peers: &[Peer]) -> u32 {
    living(peers).filter_map(|peer| Some(peer.status.as_ref()?.job.have)).max().unwrap_or(0)
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
    living(peers).all(knows) && submitter(peers).is_some_and(|peer| peer.output().exists())
}

fn submitter(peers: &[Peer]) -> Option<&Peer> {
    let by = living(peers).find_map(|peer| peer.status.as_ref()?.submit.by)?;
    peers.iter().find(|peer| peer.status.as_ref().is_some_and(|status| status.id == by))
}
