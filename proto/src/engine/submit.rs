//! The submit: announced, acknowledged, sent, judged. See docs/election.md.
//!
//! Nothing is submitted while a conflict is open or the map has a hole, so every submitted file is the right one as far
//! as anybody can know; INTENT and its acknowledgements only limit how often it is sent. The master stores INTENT
//! before it says it, counts acknowledgements, checks that it still leads, submits, reads the verdict, stores DONE and
//! says it. An INTENT without an outcome is in doubt.

use crate::{
    engine::{
        Engine,
        errand::{Errand, ErrandEnd, Task},
        event::Event,
        io::{ConnId, Effect},
        say::To,
        settings::{InDoubt, SubmitBy},
        state::{Intent, Outcome, Ticket},
    },
    ids::{LineNumber, PeerId, Term},
    lines::Text,
    time::Moment,
    wire::{control::SubmitState, line::Verdict, peer::Message},
};
use core::time::Duration;
use std::collections::BTreeSet;

/// How long live peers may take to acknowledge an INTENT beyond the quorum: two heartbeats.
const ACK_PATIENCE: Duration = Duration::from_millis(500);
/// How long a DONE may take to turn up before an INTENT without one is acted on, if whoever announced is linked.
const DOUBT: Duration = Duration::from_secs(3);
/// Submits that the server could not read, in a row, before the job is given up.
const UNREADABLE: u32 = 3;
/// With `lines = "auto"` peers get this long to tell the number of lines before the master asks the server.
const PROBE_AFTER: Duration = Duration::from_secs(1);

/// How far this node's own submit is.
#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Idle,
    /// INTENT is being stored (until `stored` is reached), then acknowledged.
    Announcing {
        term: Term,
        ticket: Ticket,
        said_at: Option<Moment>,
        acks: BTreeSet<PeerId>,
    },
    /// The errand is with the line server.
    Sending,
    /// An INTENT without outcome, since then.
    InDoubt {
        since: Moment,
    },
    /// Asking which lines were wrong.
    Correcting,
    /// One line is submitted to learn how many there are.
    Probing,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Submit {
    phase: Phase,
    /// The state that holds the newest outcome.
    outcome_in: Ticket,
    attempts: u32,
    unreadable: u32,
    forced: bool,
    resolved: bool,
    /// That nobody here may submit to this server was noted.
    nameless: bool,
    born: Moment,
}

impl Submit {
    /// Nothing announced yet.
    #[must_use]
    pub(super) fn new(now: Moment) -> Self {
        let (phase, outcome_in) = (Phase::Idle, Ticket(0));
        let (forced, resolved, nameless) = (false, false, false);
        Self { phase, outcome_in, attempts: 0, unreadable: 0, forced, resolved, nameless, born: now }
    }

    /// SUBMITs of the whole file that this node sent.
    #[must_use]
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// This node announces, sends or corrects.
    #[must_use]
    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::InDoubt { .. })
    }

    /// A peer has the INTENT of `term` on disk.
    pub(super) fn on_ack(&mut self, from: PeerId, term: Term) {
        if let Phase::Announcing { term: announced, acks, said_at: Some(_), .. } = &mut self.phase
            && *announced == term
        {
            acks.insert(from);
        }
    }

    /// This process was held up: what was agreed may be stale.
    pub(super) fn on_stall(&mut self) {
        if matches!(self.phase, Phase::Announcing { .. }) {
            self.phase = Phase::Idle;
        }
    }
}

impl Engine {
    /// The right file was submitted, as far as this node must care.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.durable.outcome.as_ref().is_some_and(|outcome| outcome.right)
    }

    /// The same, and no crash can make this node forget it: only then it is shown.
    #[must_use]
    pub fn is_done_for_good(&self) -> bool {
        self.is_done() && self.submit.outcome_in <= self.stored
    }

    /// An INTENT whose end nobody told.
    fn doubtful_intent(&self) -> Option<&Intent> {
        let ended = self.durable.outcome.as_ref().map(|outcome| &outcome.intent);
        self.durable.intent.as_ref().filter(|intent| ended != Some(*intent))
    }

    /// Somebody announced a submit, or it ended.
    fn is_submit_known(&self) -> bool {
        self.durable.intent.is_some() || self.durable.outcome.is_some()
    }

    /// `submit.state` of `status`.
    pub(super) fn submit_state(&self) -> SubmitState {
        let rejected = self.durable.outcome.as_ref().is_some_and(|outcome| !outcome.right);
        match (self.is_done_for_good(), self.doubtful_intent(), &self.submit.phase) {
            (true, ..) => SubmitState::Done,
            _ if self.is_done() => SubmitState::Intent,
            (_, _, Phase::InDoubt { .. }) => SubmitState::InDoubt,
            (_, Some(_), _) => SubmitState::Intent,
            _ if rejected => SubmitState::Rejected,
            _ => SubmitState::None,
        }
    }

    /// A peer announces a submit.
    pub(super) fn on_intent(&mut self, conn: ConnId, from: PeerId, intent: Intent) {
        self.election.on_term(intent.term, self.now);
        self.sync_ballot();
        if intent.job != self.durable.job || intent.by != from {
            return;
        }
        if self.is_done() {
            if let Some(outcome) = self.durable.outcome.clone() {
                self.say_stored(To::Conn(conn), Message::Outcome(outcome));
            }
            return;
        }
        // Who submits alone, or never, keeps no announcement, so it acknowledges none.
        if intent.term < self.election.term() || self.settings.submit_by != SubmitBy::Master {
            return;
        }
        self.out.note(Event::IntentHeard { term: intent.term, by: from });
        let term = intent.term;
        self.learn(Some(intent), None);
        self.say_stored(To::Conn(conn), Message::Ack(term));
    }

    /// A peer tells how a submit ended.
    pub(super) fn on_outcome(&mut self, outcome: Outcome) {
        self.learn(None, Some(outcome));
    }

    /// Takes over what peers know of submits. Neither an INTENT of a newer term nor a DONE ever goes back.
    pub(super) fn learn(&mut self, intent: Option<Intent>, outcome: Option<Outcome>) {
        if let Some(intent) = intent.filter(|intent| intent.job == self.durable.job) {
            let newer = self.durable.intent.as_ref().is_none_or(|ours| {
                (intent.term, core::cmp::Reverse(intent.by)) > (ours.term, core::cmp::Reverse(ours.by))
            });
            if newer && self.settings.submit_by == SubmitBy::Master {
                self.durable.intent = Some(intent);
                self.dirty = true;
            }
        }
        if let Some(outcome) = outcome.filter(|outcome| outcome.intent.job == self.durable.job) {
            let newer = match &self.durable.outcome {
                None => true,
                Some(ours) => !ours.right && (outcome.right || outcome.intent.term > ours.intent.term),
            };
            if newer && self.settings.submit_by == SubmitBy::Master {
                self.set_outcome(outcome);
            }
        }
    }

    fn set_outcome(&mut self, outcome: Outcome) {
        let (by, reply) = (outcome.intent.by, outcome.reply.clone());
        self.out.note(if outcome.right { Event::Done { by, reply } } else { Event::Rejected { by, reply } });
        if outcome.right && self.fetch.call_back() {
            self.submit.phase = Phase::Idle;
        }
        self.durable.outcome = Some(outcome.clone());
        self.dirty = true;
        self.submit.outcome_in = self.newest_ticket();
        self.compare_with_done();
        if self.settings.submit_by == SubmitBy::Master {
            self.say_stored(To::All, Message::Outcome(outcome));
        }
        self.beat_all();
    }

    /// Once a turn: goes on with the submit as far as it can.
    pub(super) fn turn_submit(&mut self) {
        if let Some(end) = self.fetch.take_end() {
            self.on_errand_end(end);
        }
        // A probe replaces whatever was submitted before: it is only for a file of which nobody knows anything.
        let needless = self.ledger.count().is_some() || self.is_submit_known();
        if needless && self.submit.phase == Phase::Probing && self.fetch.call_back() {
            self.submit.phase = Phase::Idle;
        }
        let leads = match self.settings.submit_by {
            SubmitBy::Master => self.election.is_master() && !self.left,
            SubmitBy::EveryPeer => true,
            SubmitBy::Nobody => false,
        } || self.submit.forced;
        let near = self.ledger.is_complete() || self.ledger.count().is_none();
        if !leads || (near && !self.may_submit()) {
            self.stand_back();
            return;
        }
        if !self.started || (self.paused && !self.submit.forced) {
            return;
        }
        if self.ledger.count().is_none() {
            self.probe_if_due();
        }
        match &self.submit.phase {
            Phase::Idle => {
                let wanted = self.ledger.is_complete() && (!self.is_done() || self.submit.forced);
                if !wanted || self.failed.is_some() {
                    return;
                }
                match self.doubtful_intent() {
                    Some(intent) if !self.submit.forced && !self.submit.resolved => {
                        self.out.note(Event::InDoubt { term: intent.term, by: intent.by });
                        self.submit.phase = Phase::InDoubt { since: self.now };
                    }
                    _ => self.announce(),
                }
            }
            Phase::InDoubt { since } => {
                let waited = self.now >= *since + self.doubt();
                if self.is_done() {
                    self.submit.phase = Phase::Idle;
                } else if self.submit.resolved
                    || (waited && self.settings.election.in_doubt == InDoubt::Resubmit)
                {
                    self.announce();
                }
            }
            Phase::Announcing { .. } => self.send_if_agreed(),
            // A peer told another text before the first byte was sent: the server decides first.
            Phase::Sending if !self.ledger.is_complete() && self.fetch.call_back() => {
                self.submit.phase = Phase::Idle;
            }
            // Another master's INTENT came before the first byte was sent: that one is waited for.
            Phase::Sending if !self.submit.forced && !self.is_announced() && self.fetch.call_back() => {
                self.submit.phase = Phase::Idle;
            }
            Phase::Sending | Phase::Correcting | Phase::Probing => {}
        }
    }

    /// A job can lead to another server than the one that was configured: nobody is credited there by accident.
    fn may_submit(&mut self) -> bool {
        let server = &self.durable.server;
        let may = self.settings.server.identity_for(server).is_some();
        let due = self.ledger.is_complete() || self.now >= self.submit.born + PROBE_AFTER;
        if !may && due && self.started && !self.is_done() && !self.submit.nameless {
            self.submit.nameless = true;
            self.out.note(Event::NoIdentity { server: self.durable.server.clone() });
        }
        may
    }

    /// Whoever announced and can't be heard may be cut off and DONE: it gets the grace time to come back.
    fn doubt(&self) -> Duration {
        let live = self.links.live();
        let absent =
            |id: PeerId| id != self.settings.id && !live.contains(&id) && self.durable.members.contains(id);
        let waits = self.doubtful_intent().is_some_and(|intent| absent(intent.by));
        if waits { self.settings.election.grace.max(DOUBT) } else { DOUBT }
    }

    /// The newest INTENT is this node's own.
    fn is_announced(&self) -> bool {
        self.durable.intent.as_ref().is_some_and(|intent| intent.by == self.settings.id)
    }

    /// This node does not lead (any more): what nobody saw yet is taken back.
    fn stand_back(&mut self) {
        match self.submit.phase {
            Phase::Announcing { .. } | Phase::InDoubt { .. } => self.submit.phase = Phase::Idle,
            Phase::Sending | Phase::Probing if self.fetch.call_back() => self.submit.phase = Phase::Idle,
            _ => {}
        }
    }

    fn announce(&mut self) {
        if !self.ledger.is_complete() {
            self.submit.phase = Phase::Idle;
            return;
        }
        self.submit.resolved = false;
        let term = self.election.term();
        let intent = Intent {
            job: self.durable.job.clone(),
            term,
            by: self.settings.id,
            sha256: self.ledger.sha256(),
        };
        self.durable.intent = Some(intent);
        self.dirty = true;
        self.out.note(Event::IntentSaid { term });
        let acks = BTreeSet::from([self.settings.id]);
        self.submit.phase = Phase::Announcing { term, ticket: self.newest_ticket(), said_at: None, acks };
    }

    /// Sends the submit once INTENT is stored here and acknowledged by a quorum, and by all live peers or long enough ago.
    fn send_if_agreed(&mut self) {
        let Phase::Announcing { ticket, said_at, acks, .. } = &mut self.submit.phase else { return };
        if *ticket > self.stored {
            return;
        }
        let alone = self.settings.submit_by == SubmitBy::EveryPeer || self.submit.forced;
        let Some(since) = *said_at else {
            self.say_intent();
            self.send_if_agreed();
            return;
        };
        let acks = acks.clone();
        let electorate = electorate!(self);
        let all = electorate.live.iter().all(|peer| acks.contains(peer));
        let agreed = self.election.is_quorum(&acks, electorate) && (all || self.now >= since + ACK_PATIENCE);
        let term = self.election.term();
        let current =
            self.is_announced() && self.durable.intent.as_ref().is_some_and(|intent| intent.term == term);
        if !alone && !current {
            self.submit.phase = Phase::Idle;
        } else if alone || agreed {
            let count = self.ledger.held().count();
            self.submit.attempts += 1;
            self.submit.phase = Phase::Sending;
            self.out.note(Event::SubmitSent { lines: count, attempt: self.submit.attempts });
            let identity = self.identity();
            self.fetch.send_on(Errand::new(Task::Submit { identity, count }));
        } else if self.now >= since + ACK_PATIENCE {
            self.say_intent();
        }
    }

    /// Says INTENT to every peer that has not acknowledged it: for the first time, or because its link was replaced.
    fn say_intent(&mut self) {
        let Phase::Announcing { said_at, acks, .. } = &mut self.submit.phase else { return };
        *said_at = Some(self.now);
        let waited_for: Vec<_> = self.links.live().difference(acks).copied().collect();
        let alone = self.settings.submit_by == SubmitBy::EveryPeer || self.submit.forced;
        let Some(intent) = self.durable.intent.clone().filter(|_| !alone) else { return };
        for peer in waited_for {
            self.say(To::Peer(peer), &Message::Intent(intent.clone()));
        }
    }

    /// Nobody knows how many lines there are: the master asks the server by submitting one.
    fn probe_if_due(&mut self) {
        let due = self.now >= self.submit.born + PROBE_AFTER && self.submit.phase == Phase::Idle;
        if due && !self.is_submit_known() && !self.ledger.held().is_empty() {
            self.submit.phase = Phase::Probing;
            let identity = self.identity();
            self.fetch.send_on(Errand::new(Task::Submit { identity, count: 1 }));
        }
    }

    /// Never empty where [`Engine::may_submit`].
    fn identity(&self) -> String {
        self.settings.server.identity_for(&self.durable.server).unwrap_or_default().into()
    }

    fn on_errand_end(&mut self, end: ErrandEnd) {
        let phase = core::mem::replace(&mut self.submit.phase, Phase::Idle);
        match (end, phase) {
            (ErrandEnd::Verdict(verdict), Phase::Probing) => self.on_probed(&verdict),
            (ErrandEnd::Verdict(verdict), _) => self.on_verdict(&verdict),
            (ErrandEnd::Lost { why, .. }, Phase::Probing) => {
                self.submit.born = self.now;
                self.out.note(Event::SubmitLost { why, sent_all: false });
            }
            (ErrandEnd::Lost { why, sent_all }, _) => {
                self.out.note(Event::SubmitLost { why, sent_all });
                self.submit.forced = false;
                // What the server can't have read whole did not count: nothing is in doubt but the acknowledgements' age.
                self.submit.resolved = !sent_all;
            }
            (ErrandEnd::Corrections(lines), Phase::Correcting) => self.correct(lines),
            (ErrandEnd::NoAnswer, Phase::Correcting) => self.reopen(),
            (ErrandEnd::Corrections(_) | ErrandEnd::NoAnswer | ErrandEnd::ResetDone, _) => {}
        }
    }

    fn on_probed(&mut self, verdict: &Verdict) {
        self.out.note(Event::Probed { reply: verdict.raw.clone() });
        let count = verdict.outcome.as_ref().ok().and_then(|score| u32::try_from(score.max_lines).ok());
        match count.filter(|count| (1..=crate::limits::LINES).contains(count)) {
            Some(_) if self.ledger.count().is_some() => {}
            Some(count) => {
                self.learn_count(count);
                self.tell_job();
            }
            None => self.submit.born = self.now,
        }
    }

    fn on_verdict(&mut self, verdict: &Verdict) {
        self.submit.forced = false;
        let Some(intent) = self.durable.intent.clone() else { return };
        let lines = self.durable.job.lines;
        let score = match &verdict.outcome {
            Ok(score) => score,
            Err(_) => {
                let why = format!("the line server could not read the submit: {}", verdict.raw);
                self.out.note(Event::SubmitLost { why: why.clone(), sent_all: false });
                self.submit.unreadable += 1;
                self.submit.resolved = true;
                if self.submit.unreadable >= UNREADABLE {
                    self.fail(why);
                }
                return;
            }
        };
        self.submit.unreadable = 0;
        let right = verdict.right(lines) && score.max_lines == u64::from(lines);
        let max_lines = score.max_lines;
        self.set_outcome(Outcome { intent, right, reply: verdict.raw.clone() });
        if right {
            return;
        }
        if max_lines != u64::from(lines) {
            self.fail(format!(
                "the line server's file has {max_lines} lines, not {lines}; set server.lines to {max_lines} and start anew"
            ));
            return;
        }
        self.submit.phase = Phase::Correcting;
        self.fetch.send_on(Errand::new(Task::AskCorrections));
    }

    /// The server told what it would have had instead.
    fn correct(&mut self, lines: Vec<(LineNumber, Text)>) {
        if lines.is_empty() {
            self.reopen();
            return;
        }
        let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        for (number, text) in lines {
            self.ledger.forget(number);
            let arrival = self.ledger.drawn(number, &text);
            self.on_arrival(number, arrival);
        }
        self.out.note(Event::Reopened { lines: count, how: "the server told the right texts" });
    }

    /// The file that counts may be another than what is held here: then some hearsay is wrong.
    pub(super) fn compare_with_done(&mut self) {
        let done = self.durable.outcome.as_ref().filter(|outcome| outcome.right && self.ledger.is_complete());
        if done.is_some_and(|done| done.intent.sha256 != self.ledger.sha256())
            && !self.ledger.hearsay().is_empty()
        {
            self.reopen();
        }
    }

    /// The server says that lines are wrong but not which: hearsay is dropped and drawn first hand.
    fn reopen(&mut self) {
        let hearsay = self.ledger.hearsay();
        if hearsay.is_empty() {
            self.fail(
                "the line server calls lines wrong that it sent itself; is it one file? try reset --swarm"
                    .into(),
            );
            return;
        }
        for &number in &hearsay {
            self.ledger.forget(number);
            self.out.push(Effect::Forget { number });
        }
        let lines = u32::try_from(hearsay.len()).unwrap_or(u32::MAX);
        self.reopened = true;
        self.out.note(Event::Reopened { lines, how: "hearsay is drawn first hand" });
    }

    /// The operator wants a submit now.
    pub(super) fn submit_now(&mut self, force: bool, resolve: bool) {
        self.submit.resolved |= resolve;
        self.submit.forced |= force;
    }

    /// When [`Engine::turn_submit`] has something to do.
    pub(super) fn submit_deadline(&self) -> Option<Moment> {
        match &self.submit.phase {
            Phase::Announcing { said_at, .. } => {
                said_at.map(|since| since + ACK_PATIENCE).filter(|at| *at > self.now)
            }
            Phase::InDoubt { since } if self.settings.election.in_doubt == InDoubt::Resubmit => {
                Some(*since + self.doubt()).filter(|at| *at > self.now)
            }
            Phase::Idle if self.ledger.count().is_none() && self.election.is_master() && self.started => {
                Some(self.submit.born + PROBE_AFTER).filter(|at| *at > self.now)
            }
            _ => None,
        }
    }
}
