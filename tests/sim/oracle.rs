//! The oracle: a shadow of every node, and the promises that must hold at each step (docs/election.md). It reads what
//! nodes say to each other and to the line server, and compares it with what their disks would give back right now.

use crate::{Broken, Plan, net::WireId, node::Node, transcript::Transcript};
use lineswarm_proto::{
    engine::{
        Engine,
        io::Command,
        settings::{Quorum, SubmitBy},
        state::{Durable, Intent, Outcome},
    },
    ids::{LineNumber, PeerId, Term},
    limits,
    line_server::File,
    lines::SharedLines,
    time::Moment,
    wire::{
        frame::FrameReader,
        peer::{Message, Round},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// Deadlines that a node may have at one moment without getting anywhere.
const SPINS: u32 = 100;

/// See the module.
#[derive(Debug)]
pub struct Oracle {
    file: File,
    /// One master a term: what `majority` promises as long as nobody loses its disk, and with it its vote.
    one_master: bool,
    submit_by: SubmitBy,
    /// A peer may send texts that the server never had.
    pub liars: bool,
    masters: BTreeMap<Term, BTreeSet<PeerId>>,
    shadows: Vec<Shadow>,
    traffic: Traffic,
    dearest: u64,
}

/// What was counted of the nodes' talk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Frames on peer links.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Lines in them.
    pub lines: u64,
}

#[derive(Debug, Default)]
struct Shadow {
    disk: Durable,
    votes: BTreeMap<Term, PeerId>,
    led: Option<Term>,
    lamport: u64,
    readers: BTreeMap<WireId, FrameReader>,
    forced: bool,
    at: Moment,
    turns: u32,
}

macro_rules! promise {
    ($holds:expr, $($what:tt)+) => {
        let holds: bool = $holds;
        if !holds {
            return Err(Broken(format!($($what)+)));
        }
    };
}

impl Oracle {
    pub(crate) fn new(plan: &Plan, file: File, nodes: usize) -> Self {
        Self {
            file,
            one_master: plan.election.quorum == Quorum::Majority,
            submit_by: plan.submit_by,
            liars: false,
            masters: BTreeMap::new(),
            shadows: (0..nodes).map(|_| Shadow::default()).collect(),
            traffic: Traffic::default(),
            dearest: 0,
        }
    }

    /// The most that any turn of any node cost, see [`Engine::work`].
    #[must_use]
    pub fn dearest(&self) -> u64 {
        self.dearest
    }

    /// What was said on peer links so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// A daemon starts: what its disk holds is what it knows.
    pub(crate) fn on_start(&mut self, node: usize, state: &Node) -> Result<(), Broken> {
        let Some(shadow) = self.shadows.get_mut(node) else { return Ok(()) };
        shadow.readers.clear();
        shadow.led = None;
        shadow.forced = false;
        self.on_disk(node, state)?;
        let (Some(engine), Some(disk)) = (state.engine(), state.disk.state()) else { return Ok(()) };
        let knows = engine.durable();
        promise!(
            knows.term == disk.term && knows.voted_for == disk.voted_for,
            "node{node} lost its term or vote at a restart"
        );
        if knows.job == disk.job {
            // Where every peer submits, one that holds all lines announces its submit in its first turn.
            // So it does after one that was rejected.
            let ended = disk.outcome.as_ref().map(|outcome| &outcome.intent) == disk.intent.as_ref();
            let announces = ended && self.submit_by == SubmitBy::EveryPeer;
            promise!(
                (knows.intent == disk.intent || announces) && knows.outcome == disk.outcome,
                "node{node} lost an INTENT or outcome at a restart"
            );
            // One whose file is another than DONE's drops at once what peers sent, if peers lie.
            let done = disk.outcome.as_ref().is_some_and(|outcome| outcome.right);
            let same = engine.lines().len() == state.disk.held();
            promise!(same || (done && self.liars), "node{node} lost lines at a restart");
        }
        Ok(())
    }

    pub(crate) fn on_wipe(&mut self, node: usize) {
        self.one_master = false;
        if let Some(shadow) = self.shadows.get_mut(node) {
            *shadow = Shadow::default();
        }
    }

    pub(crate) fn on_command(&mut self, node: usize, command: &Command) {
        if let (Some(shadow), Command::Submit { force: true, .. }) = (self.shadows.get_mut(node), command) {
            shadow.forced = true;
        }
    }

    /// A state was stored: nothing in it goes back.
    pub(crate) fn on_disk(&mut self, node: usize, state: &Node) -> Result<(), Broken> {
        let (Some(shadow), Some(new)) = (self.shadows.get_mut(node), state.disk.state()) else {
            return Ok(());
        };
        let old = &shadow.disk;
        promise!(new.term >= old.term, "node{node} stored term {} after {}", new.term, old.term);
        promise!(new.lamport_reserved >= old.lamport_reserved, "node{node} took back its Lamport times");
        promise!(new.job.epoch >= old.job.epoch, "node{node} went back to epoch {}", new.job.epoch);
        promise!(new.members.clone().merge(&old.members).is_empty(), "node{node} lost members");
        if let Some(vote) = new.voted_for {
            let first = *shadow.votes.entry(new.term).or_insert(vote);
            promise!(first == vote, "node{node} voted twice in term {}", new.term);
        }
        if old.term == new.term {
            promise!(
                old.voted_for.is_none() || new.voted_for == old.voted_for,
                "node{node} took back its vote of term {}",
                new.term
            );
        }
        if old.job == new.job {
            let term = |durable: &Durable| durable.intent.as_ref().map(|intent| intent.term);
            promise!(
                term(new) >= term(old),
                "node{node} forgot an INTENT: {:?} after {:?}",
                new.intent,
                old.intent
            );
            let done = |durable: &Durable| durable.outcome.as_ref().map(|outcome| outcome.right);
            promise!(
                done(new) >= done(old),
                "node{node} forgot an outcome: {:?} after {:?}",
                new.outcome,
                old.outcome
            );
        }
        shadow.disk = new.clone();
        Ok(())
    }

    /// A node asks for a line to be kept.
    pub(crate) fn on_keep(&self, node: usize, lines: &SharedLines, number: LineNumber) -> Result<(), Broken> {
        let right = self.file.index(number.0).and_then(|index| self.file.text(index));
        let same = lines.get(number, |text| Some(text) == right).unwrap_or(true);
        promise!(same || self.liars, "node{node} holds a text of line {number} that the server never had");
        Ok(())
    }

    /// A node has handled an input.
    pub(crate) fn on_turn(&mut self, node: usize, state: &Node, now: Moment) -> Result<(), Broken> {
        let Some(shadow) = self.shadows.get_mut(node) else { return Ok(()) };
        shadow.turns = if shadow.at == now { shadow.turns + 1 } else { 0 };
        shadow.at = now;
        promise!(
            shadow.turns < SPINS * 100,
            "node{node} spins: {:?}",
            state.engine().and_then(Engine::deadline)
        );
        let work = state.engine().map_or(0, Engine::work);
        self.dearest = self.dearest.max(work);
        promise!(work <= limits::TURN_WORK, "node{node} spends {work} units of work in one turn");
        let leads = state.masters();
        if let Some(term) = leads.filter(|term| shadow.led != Some(*term)) {
            let id = state.settings.id;
            let masters = self.masters.entry(term).or_default();
            promise!(masters.insert(id), "node{node} became master of term {term} twice");
            promise!(masters.len() == 1 || !self.one_master, "term {term} has two masters: {masters:?}");
        }
        shadow.led = leads.or(shadow.led);
        Ok(())
    }

    /// A node writes to the line server.
    pub(crate) fn on_request(
        &mut self,
        node: usize,
        state: &Node,
        bytes: &[u8],
        transcript: &mut Transcript,
        now: Moment,
    ) -> Result<(), Broken> {
        let (Some(shadow), Some(engine)) = (self.shadows.get_mut(node), state.engine()) else {
            return Ok(());
        };
        if !bytes.starts_with(b"SUBMIT\n") {
            return Ok(());
        }
        transcript.tell(now, &state.settings.name, || "-> server: SUBMIT".into());
        if engine.status().job.lines.is_none() {
            let known = engine.durable();
            promise!(
                known.intent.is_none() && known.outcome.is_none(),
                "node{node} probes where a submit is known"
            );
            return Ok(());
        }
        promise!(
            self.submit_by != SubmitBy::Nobody || shadow.forced,
            "node{node} submits, and nobody should"
        );
        promise!(engine.is_complete(), "node{node} submits an incomplete file");
        promise!(!engine.is_done() || shadow.forced, "node{node} submits though it knows that it is DONE");
        let announced = shadow.disk.intent.as_ref().is_some_and(|intent| intent.by == state.settings.id);
        promise!(announced, "node{node} submits without an INTENT on its disk");
        Ok(())
    }

    /// The server read a whole file.
    pub(crate) fn on_submitted(&self, node: usize, right: bool) -> Result<(), Broken> {
        promise!(right || self.liars, "node{node} submitted a wrong file");
        Ok(())
    }

    /// A node says something to a peer: it must be on its disk already.
    pub(crate) fn on_said(
        &mut self,
        node: usize,
        state: &Node,
        (wire, to): (WireId, PeerId),
        mut bytes: &[u8],
        transcript: &mut Transcript,
        now: Moment,
    ) -> Result<(), Broken> {
        let Some(shadow) = self.shadows.get_mut(node) else { return Ok(()) };
        let Shadow { disk, votes, lamport, readers, .. } = shadow;
        let reader = readers.entry(wire).or_default();
        self.traffic.bytes += bytes.len() as u64;
        loop {
            let frame =
                reader.next(&mut bytes).map_err(|error| Broken(format!("node{node} says {error}")))?;
            let Some(frame) = frame else { return Ok(()) };
            promise!(frame.lamport >= *lamport, "node{node}'s Lamport time went back to {}", frame.lamport);
            *lamport = frame.lamport;
            let message = Message::read(frame).map_err(|error| Broken(format!("node{node} says {error}")))?;
            self.traffic.frames += 1;
            if let Message::Lines(lines) = &message {
                self.traffic.lines += lines.len() as u64;
            }
            if !matches!(message, Message::Lines(_) | Message::Beat(_)) {
                transcript
                    .tell(now, &state.settings.name, || format!("-> {}: {}", to.short(), brief(&message)));
            }
            let unstored = unstored(&message, disk, votes, state.settings.id, to);
            promise!(
                unstored.is_none(),
                "node{node} says what it has not stored ({}): {}",
                unstored.unwrap_or_default(),
                brief(&message)
            );
        }
    }

    /// Frames stay in proportion to the time and to what there was to say.
    pub(crate) fn check_traffic(&self, nodes: usize, seconds: f64) -> Result<(), Broken> {
        let (links, lines) = ((nodes * nodes) as f64, f64::from(self.file.lines()));
        let most = links * (40.0 * (seconds + 10.0) + 4.0 * lines);
        let few = (self.traffic.frames as f64) < most;
        promise!(few, "{} frames in {seconds} s", self.traffic.frames);
        Ok(())
    }
}

/// A message for the transcript.
fn brief(message: &Message<'_>) -> String {
    let intent = |intent: &Intent| format!("intent of {} in term {}", intent.by.short(), intent.term);
    let known = |said: Option<&Intent>, outcome: Option<&Outcome>| {
        let outcome =
            outcome.map(|outcome| format!(", right={} of the {}", outcome.right, intent(&outcome.intent)));
        format!("{}{}", said.map(intent).unwrap_or_default(), outcome.unwrap_or_default())
    };
    match message {
        Message::Hello(hello) => {
            let known = known(hello.intent.as_ref(), hello.outcome.as_ref());
            format!(
                "hello epoch={} term={} members={} {known}",
                hello.job.epoch,
                hello.term,
                hello.members.iter().count()
            )
        }
        Message::Vote(vote) => {
            let known = known(vote.intent.as_ref(), vote.outcome.as_ref());
            format!("vote {:?} term={} granted={} {known}", vote.round, vote.term, vote.granted)
        }
        Message::Intent(said) => intent(said),
        Message::Outcome(outcome) => known(None, Some(outcome)),
        Message::Roster(roster) => format!("roster of {} members", roster.members.iter().count()),
        Message::NewJob(new) => format!("new job, epoch {}", new.job.epoch),
        Message::Have(bits) | Message::Want(bits) => {
            let name = if matches!(message, Message::Have(_)) { "have" } else { "want" };
            format!("{name} {} lines", bits.iter().map(|byte| byte.count_ones()).sum::<u32>())
        }
        Message::Recalled(recalled) => format!("recalled {} events", recalled.events.len()),
        other => format!("{other:?}"),
    }
}

/// What of a message is not on the speaker's disk.
fn unstored(
    message: &Message<'_>,
    disk: &Durable,
    votes: &mut BTreeMap<Term, PeerId>,
    me: PeerId,
    to: PeerId,
) -> Option<&'static str> {
    // A vote is kept by the disk that has it, or whose term is a later one: then by no other having been said in its term.
    let mut voted = |term: Term, whom: PeerId| match term < disk.term {
        true => *votes.entry(term).or_insert(whom) == whom,
        false => votes.get(&term) == Some(&whom),
    };
    let intent_of = |term: Term| disk.intent.as_ref().is_some_and(|intent| intent.term >= term);
    let outcome = |right: bool| disk.outcome.as_ref().is_some_and(|ours| ours.right >= right);
    let members =
        |said: &lineswarm_proto::engine::state::Members| disk.members.clone().merge(said).is_empty();
    let checks = match message {
        Message::Hello(hello) => vec![
            (hello.term <= disk.term, "term"),
            (members(&hello.members), "members"),
            (hello.intent.as_ref().is_none_or(|intent| intent_of(intent.term)), "INTENT"),
            (hello.outcome.as_ref().is_none_or(|said| outcome(said.right)), "outcome"),
            (hello.job.epoch <= disk.job.epoch, "job"),
        ],
        Message::Beat(beat) => {
            vec![(beat.term <= disk.term, "term"), (!beat.done || outcome(true), "outcome")]
        }
        Message::Ask(ask) if ask.round != Round::PreVote => {
            vec![(ask.term <= disk.term, "term"), (voted(ask.term, me), "vote")]
        }
        Message::Vote(vote) => {
            let granted = vote.granted && vote.round != Round::PreVote;
            vec![
                (vote.term <= disk.term || vote.round == Round::PreVote, "term"),
                (!granted || voted(vote.term, to), "vote"),
                (vote.intent.as_ref().is_none_or(|intent| intent_of(intent.term)), "INTENT"),
                (vote.outcome.as_ref().is_none_or(|said| outcome(said.right)), "outcome"),
            ]
        }
        Message::Intent(intent) => vec![(intent_of(intent.term), "INTENT")],
        Message::Ack(term) => vec![(intent_of(*term), "INTENT")],
        Message::Outcome(said) => vec![(outcome(said.right), "outcome")],
        Message::Roster(roster) => vec![(members(&roster.members), "members")],
        Message::NewJob(new) => vec![(new.job.epoch <= disk.job.epoch, "job")],
        _ => Vec::new(),
    };
    checks.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
}
