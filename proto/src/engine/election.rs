//! Term voting: who is master. A pure state machine of its own, so that it can be checked exhaustively.
//!
//! It sends nothing itself: what it wants said is in [`Election::take_said`], and the engine says it only when the
//! ballot (term and vote) that it rests on is stored. It hears of links coming and going as the set of live peers;
//! silence is the links' business. Promises: the term never goes back; one vote a term; master only with a quorum of
//! votes of this term, its own stored one included; under `majority` at most one master a term.

use crate::{
    engine::{
        event::Event,
        settings::{self, Quorum},
        state::Members,
    },
    ids::{PeerId, Term},
    time::Moment,
    wire::peer::{Ask, Round},
};
use core::{
    hash::{Hash, Hasher},
    time::Duration,
};
use std::collections::BTreeSet;

mod quorum;

/// Peers get this long to meet before anybody stands.
const SETTLE: Duration = Duration::from_millis(500);
/// Where those who are heard decide, they get longer: whoever is missed then would elect a master of its own.
const SETTLE_AVAILABLE: Duration = Duration::from_secs(2);
/// Without a master, a node stands after half to all of this; a quarter of it if its priority is above 0, twice if below.
const STAND: Duration = Duration::from_millis(200);
/// After an attempt that failed, after half to all of this.
const AGAIN: Duration = Duration::from_millis(600);

/// Who may vote, as the engine sees it now.
#[derive(Clone, Copy, Debug)]
pub struct Electorate<'a> {
    /// The durable list.
    pub members: &'a Members,
    /// Configured addresses whose id was never learnt: members that can't vote.
    pub anonymous: u32,
    /// Peers whose link lives; without this node.
    pub live: &'a BTreeSet<PeerId>,
    /// There are as many members as are counted: who is not among them is a guest.
    pub full: bool,
}

impl Electorate<'_> {
    fn is_guest(&self, id: PeerId) -> bool {
        self.full && !self.members.expects(id)
    }
}

/// What to tell whom.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// To every live peer.
    Ask(Ask),
    /// To one peer.
    Vote {
        /// To whom.
        to: PeerId,
        /// In answer to which round.
        round: Round,
        /// The voter's term; for a granted pre-vote the term asked for.
        term: Term,
        /// Yes or no.
        granted: bool,
    },
    /// To the operator.
    Note(Event),
}

#[derive(Clone, Debug, PartialEq, Hash)]
enum Role {
    /// `via`: the live peer that says so, the master itself or one that follows it.
    Follower {
        master: PeerId,
        via: PeerId,
    },
    /// No master known.
    Looking,
    /// Asked for pre-votes or votes of `term`.
    Candidate {
        round: Round,
        votes: BTreeSet<PeerId>,
    },
    Master,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Election {
    me: PeerId,
    settings: settings::Election,
    rng: fastrand::Rng,
    term: Term,
    voted_for: Option<PeerId>,
    ballot_changed: bool,
    role: Role,
    stand_at: Moment,
    without_majority: Option<Moment>,
    grace_over: bool,
    said: Vec<Said>,
}

impl Election {
    /// A node that comes up with a stored ballot.
    #[must_use]
    pub fn new(
        me: PeerId,
        settings: settings::Election,
        (term, voted_for): (Term, Option<PeerId>),
        seed: u64,
        now: Moment,
    ) -> Self {
        let mut election = Self {
            me,
            settings,
            rng: fastrand::Rng::with_seed(seed),
            term,
            voted_for,
            ballot_changed: false,
            role: Role::Looking,
            stand_at: now,
            without_majority: None,
            grace_over: false,
            said: Vec::new(),
        };
        let settle = if settings.quorum == Quorum::Available { SETTLE_AVAILABLE } else { SETTLE };
        election.stand_at = now + settle + election.random(election.patience());
        election
    }

    /// The newest term seen, and the vote in it.
    #[must_use]
    pub fn ballot(&self) -> (Term, Option<PeerId>) {
        (self.term, self.voted_for)
    }

    /// Whether the ballot changed since the last call: then it must be stored before anything is said.
    pub fn take_ballot_changed(&mut self) -> bool {
        core::mem::take(&mut self.ballot_changed)
    }

    /// What to say, in order.
    pub fn take_said(&mut self) -> Vec<Said> {
        core::mem::take(&mut self.said)
    }

    /// The newest term seen.
    #[must_use]
    pub fn term(&self) -> Term {
        self.term
    }

    /// The master, as far as known.
    #[must_use]
    pub fn master(&self) -> Option<PeerId> {
        match self.role {
            Role::Follower { master, .. } => Some(master),
            Role::Master => Some(self.me),
            Role::Looking | Role::Candidate { .. } => None,
        }
    }

    /// The master, if this node hears it itself, or is a guest that a member tells of it. Only this is told to others:
    /// two nodes that follow a master that is gone through each other would never look for another.
    #[must_use]
    pub fn heard_master(&self, electorate: Electorate<'_>) -> Option<PeerId> {
        let sure = |via| electorate.is_guest(self.me) && electorate.members.contains(via);
        match self.role {
            Role::Follower { master, via } if master != via && !sure(via) => None,
            _ => self.master(),
        }
    }

    /// This node is the master.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.role == Role::Master
    }

    /// When [`Election::on_time`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let grace =
            self.without_majority.filter(|_| self.waits_for_grace()).map(|since| since + self.settings.grace);
        let stand = match self.role {
            Role::Looking if self.stand_at < Moment(u64::MAX) => Some(self.stand_at),
            Role::Candidate { .. } if !self.awaits_own_vote() => Some(self.stand_at),
            _ => None,
        };
        grace.into_iter().chain(stand).min()
    }

    /// Stands, and its own vote is not stored yet: nobody was asked. (Standing again would only keep the disk busy.)
    fn awaits_own_vote(&self) -> bool {
        matches!(&self.role, Role::Candidate { round: Round::Vote | Round::Transfer, votes } if !votes.contains(&self.me))
    }

    /// The clock has moved, or the electorate changed.
    pub fn on_time(&mut self, now: Moment, electorate: Electorate<'_>) {
        self.watch_majority(now, electorate);
        match &self.role {
            Role::Master => {
                if !self.hears_quorum(electorate) {
                    self.step_down("lost the quorum", now);
                }
            }
            Role::Follower { via, .. } => {
                if !electorate.live.contains(via) {
                    self.look(now, self.patience());
                }
            }
            Role::Looking | Role::Candidate { .. } => {}
        }
        let stands = matches!(self.role, Role::Looking | Role::Candidate { .. }) && !self.awaits_own_vote();
        if !stands || now < self.stand_at {
            return;
        }
        if self.hears_quorum(electorate) {
            self.stand(Round::PreVote, now, electorate);
        } else {
            self.role = Role::Looking;
            self.stand_at = now + self.random(AGAIN);
        }
    }

    /// Asks the others; the first round only asks whether they would.
    fn stand(&mut self, round: Round, now: Moment, electorate: Electorate<'_>) {
        let term = self.term.next();
        if round != Round::PreVote {
            self.term = term;
            self.voted_for = Some(self.me);
            self.ballot_changed = true;
        }
        self.said.push(Said::Note(Event::Candidate { term, pre: round == Round::PreVote }));
        self.stand_at = now + self.random(AGAIN);
        // One's own pre-vote costs nothing; one's own vote counts once it is stored.
        let votes = if round == Round::PreVote { BTreeSet::from([self.me]) } else { BTreeSet::new() };
        self.role = Role::Candidate { round, votes };
        self.said.push(Said::Ask(Ask { round, term, priority: self.settings.priority }));
        self.count_votes(now, electorate);
    }

    /// The operator, through [`crate::wire::peer::Message::Stand`] or here, wants this node to be master.
    pub fn stand_now(&mut self, now: Moment, electorate: Electorate<'_>) {
        // Until it is stored that it stands because of this, another term would only be more to store and to ask for.
        let asked =
            matches!(self.role, Role::Candidate { round: Round::Transfer, .. }) && self.awaits_own_vote();
        if !self.is_master() && !asked && self.hears_quorum(electorate) {
            self.stand(Round::Transfer, now, electorate);
        }
    }

    /// The ballot as it stands now is on disk: this node's own vote counts.
    pub fn on_ballot_stored(&mut self, now: Moment, electorate: Electorate<'_>) {
        let me = self.me;
        if let Role::Candidate { round: Round::Vote | Round::Transfer, votes } = &mut self.role
            && votes.insert(me)
        {
            self.stand_at = now + self.random(AGAIN);
            self.count_votes(now, electorate);
        }
    }

    fn count_votes(&mut self, now: Moment, electorate: Electorate<'_>) {
        let Role::Candidate { round, votes } = &self.role else { return };
        if !self.is_quorum(votes, electorate) {
            return;
        }
        if *round == Round::PreVote {
            self.stand(Round::Vote, now, electorate);
        } else if votes.contains(&self.me) {
            self.role = Role::Master;
            self.said.push(Said::Note(Event::Elected { term: self.term, master: self.me, me: true }));
        }
    }

    /// A candidate asks.
    pub fn on_ask(&mut self, from: PeerId, ask: Ask, now: Moment, electorate: Electorate<'_>) {
        // A peer that serves a live master, or would rather stand itself, does not help to unseat.
        let content = match &self.role {
            Role::Master => true,
            Role::Follower { master, via } => *master != from && electorate.live.contains(via),
            Role::Looking | Role::Candidate { .. } => false,
        };
        let outranks = self.settings.priority > ask.priority && self.hears_quorum(electorate);
        if ask.round == Round::PreVote {
            let granted = ask.term > self.term && !content && !outranks;
            if outranks && !content {
                self.stand_at = self.stand_at.min(now + self.random(self.patience()));
            }
            let term = if granted { ask.term } else { self.term };
            self.said.push(Said::Vote { to: from, round: ask.round, term, granted });
            return;
        }
        let refuses = content && ask.round == Round::Vote;
        if !refuses {
            self.on_term(ask.term, now);
        }
        let free = self.voted_for.is_none_or(|already| already == from);
        let granted = !refuses && ask.term == self.term && free && !self.is_master();
        if granted {
            if self.voted_for.is_none() {
                self.voted_for = Some(from);
                self.ballot_changed = true;
            }
            if self.master().is_none() {
                self.role = Role::Looking;
                self.stand_at = now + self.random(AGAIN);
            }
        }
        self.said.push(Said::Vote { to: from, round: ask.round, term: self.term, granted });
    }

    /// A voter answers.
    pub fn on_vote(
        &mut self,
        from: PeerId,
        (round, term, granted): (Round, Term, bool),
        now: Moment,
        electorate: Electorate<'_>,
    ) {
        let asked = match &self.role {
            Role::Candidate { round: Round::PreVote, .. } => self.term.next(),
            _ => self.term,
        };
        if !granted {
            self.on_term(term, now);
            return;
        }
        if let Role::Candidate { round: ours, votes } = &mut self.role
            && *ours == round
            && term == asked
            && votes.insert(from)
        {
            self.count_votes(now, electorate);
        }
    }

    /// A peer says which term it is in and whom it follows.
    pub fn on_beat(
        &mut self,
        from: PeerId,
        term: Term,
        master: Option<PeerId>,
        now: Moment,
        live: &BTreeSet<PeerId>,
    ) {
        self.on_term(term, now);
        if term < self.term {
            return;
        }
        match (master, &self.role) {
            // Two masters of one term, each elected by its side of a healed partition: the lower id stays.
            (Some(master), Role::Master) => {
                if master == from && from < self.me {
                    self.step_down("another master of the same term has a lower id", now);
                    self.follow(from, from);
                }
            }
            (Some(master), _) if master == self.me => {}
            (Some(master), Role::Follower { master: ours, via }) => {
                let direct = master == from && (*ours != from || *via != from);
                if direct && (from <= *ours || !live.contains(ours)) {
                    self.follow(from, from);
                } else if *via == from && master != *ours {
                    self.follow(master, from);
                }
            }
            (Some(master), Role::Looking | Role::Candidate { .. }) => {
                if master == from || !live.contains(&master) {
                    self.follow(master, from);
                }
            }
            (None, Role::Follower { via, .. }) if *via == from => self.look(now, self.patience()),
            (None, _) => {}
        }
    }

    fn follow(&mut self, master: PeerId, via: PeerId) {
        if self.master() != Some(master) {
            self.said.push(Said::Note(Event::Elected { term: self.term, master, me: false }));
        }
        self.role = Role::Follower { master, via };
    }

    /// A term was seen. A higher one ends whatever this node was in its own.
    pub fn on_term(&mut self, term: Term, now: Moment) {
        if term <= self.term {
            return;
        }
        if self.is_master() {
            self.step_down("a newer term", now);
        }
        self.term = term;
        self.voted_for = None;
        self.ballot_changed = true;
        self.look(now, self.patience());
    }

    /// Somebody was announced, became a member or left. In this term votes may have been given before that was known where
    /// they were given, so a vote that is under way comes to nothing.
    pub fn on_roll(&mut self, now: Moment) {
        if matches!(self.role, Role::Candidate { round: Round::Vote | Round::Transfer, .. }) {
            self.look(now, AGAIN);
        }
    }

    /// This process was held up for long: whatever it led, others lead now.
    pub fn on_stall(&mut self, now: Moment) {
        if self.is_master() {
            self.step_down("was held up", now);
        }
        self.look(now, AGAIN);
        self.without_majority = None;
    }

    /// This node left: it leads nobody and does not stand.
    pub fn rest(&mut self, now: Moment) {
        if self.is_master() {
            self.step_down("left the swarm", now);
        }
        self.role = Role::Looking;
        self.stand_at = Moment(u64::MAX);
    }

    fn step_down(&mut self, why: &'static str, now: Moment) {
        self.said.push(Said::Note(Event::SteppedDown { term: self.term, why }));
        self.look(now, self.patience());
    }

    fn look(&mut self, now: Moment, span: Duration) {
        self.role = Role::Looking;
        self.stand_at = now + self.random(span);
    }

    /// [`STAND`], for this node: the preferred one stands before the others do.
    fn patience(&self) -> Duration {
        match self.settings.priority {
            1.. => STAND / 4,
            0 => STAND,
            _ => STAND * 2,
        }
    }

    /// Half to all of `span`.
    fn random(&mut self, span: Duration) -> Duration {
        span.mul_f64(0.5 + self.rng.f64() / 2.0)
    }

    /// All that it decides by but times and chance, for an exhaustive check to know a state again.
    pub fn digest(&self, into: &mut impl Hasher) {
        (self.term, self.voted_for, &self.role, self.grace_over).hash(into);
    }

    /// What must hold between calls.
    #[cfg(any(test, debug_assertions))]
    pub fn check(&self) {
        if let Role::Master = self.role {
            assert_eq!(self.voted_for, Some(self.me), "a master voted for itself");
        }
        if let Role::Follower { master, via } = self.role {
            assert!(master != self.me && via != self.me, "nobody follows itself");
        }
    }
}

#[cfg(test)]
mod tests;
