//! The voting core alone, exhaustively: every order of every event, breadth first, up to a term and a number of states.
//!
//! A message that was said stays on the network for ever and may arrive at any time, any number of times, or never: that
//! is loss, duplication, delay and reordering at once. A disk writes ballots in order, and a crash keeps any number of
//! those under way. Whom a peer hears is chosen anew at each step, and timers fire whenever they like.

use core::hash::{Hash, Hasher};
use lineswarm_proto::{
    engine::{
        election::{Election, Electorate, Said},
        settings::{self, InDoubt, Quorum},
        state::Members,
    },
    ids::{PeerId, Term},
    time::Moment,
    wire::peer::{Ask, Round},
};
use std::{
    collections::{BTreeSet, HashMap, VecDeque, hash_map::DefaultHasher},
    fmt::Write,
};

type Ballot = (Term, Option<PeerId>);

/// How far to look.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// All of them members from the beginning.
    pub peers: u8,
    /// States of a later term are not looked at.
    pub terms: u64,
    /// Distinct states.
    pub states: usize,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Distinct states.
    pub states: usize,
    /// Ways from one to another, or to itself.
    pub steps: u64,
    /// States in which somebody leads.
    pub led: usize,
    /// The longest of the shortest ways to a state.
    pub depth: usize,
    /// No state within the bound on terms is missing.
    pub all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Message {
    Ask { from: PeerId, round: Round, term: Term },
    Vote { from: PeerId, to: PeerId, round: Round, term: Term, granted: bool },
    Beat { from: PeerId, term: Term, master: Option<PeerId> },
}

#[derive(Clone, Debug)]
struct Peer {
    election: Election,
    now: Moment,
    disk: Ballot,
    /// Under way to the disk, in order, each with what waits for it to be said.
    writes: VecDeque<(Ballot, Vec<Message>)>,
}

#[derive(Clone, Debug)]
struct State {
    peers: Vec<Peer>,
    net: BTreeSet<Message>,
    /// Who led which term.
    led: BTreeSet<(Term, PeerId)>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Timer,
    Stored,
    Elect,
    Stall,
    Arrives(Message),
    /// That many writes under way survive.
    Crash(usize),
}

/// One event at one peer, which hears the peers of the bit set.
type Step = (usize, u8, Event);

fn id(peer: usize) -> PeerId {
    PeerId([u8::try_from(peer + 1).unwrap_or(u8::MAX); 16])
}

fn newborn(me: PeerId, ballot: Ballot, now: Moment) -> Election {
    let grace = core::time::Duration::ZERO;
    let settings =
        settings::Election { quorum: Quorum::Majority, grace, in_doubt: InDoubt::Hold, priority: 0 };
    Election::new(me, settings, ballot, 1, now)
}

impl State {
    fn new(peers: u8) -> Self {
        let disk = (Term(0), None);
        let peer = |n| Peer {
            election: newborn(id(n), disk, Moment::ZERO),
            now: Moment::ZERO,
            disk,
            writes: VecDeque::new(),
        };
        Self {
            peers: (0..usize::from(peers)).map(peer).collect(),
            net: BTreeSet::new(),
            led: BTreeSet::new(),
        }
    }

    fn digest(&self) -> u64 {
        let mut into = DefaultHasher::new();
        for peer in &self.peers {
            peer.election.digest(&mut into);
            (peer.disk, &peer.writes).hash(&mut into);
        }
        (&self.net, &self.led).hash(&mut into);
        into.finish()
    }

    fn term(&self) -> Term {
        self.peers.iter().map(|peer| peer.election.term()).max().unwrap_or_default()
    }

    /// Everything that may happen next.
    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (n, peer) in self.peers.iter().enumerate() {
            steps.extend((0..=peer.writes.len()).map(|kept| (n, 0, Event::Crash(kept))));
            let mut events = vec![Event::Timer, Event::Elect, Event::Stall];
            if !peer.writes.is_empty() {
                events.push(Event::Stored);
            }
            let me = id(n);
            events.extend(self.net.iter().filter(|message| message.reaches(me)).copied().map(Event::Arrives));
            let others = (0..1_u8 << self.peers.len()).filter(|heard| heard & 1 << n == 0);
            steps.extend(others.flat_map(|heard| events.iter().map(move |event| (n, heard, *event))));
        }
        steps
    }

    /// The state after one step; an error is a broken promise.
    fn after(&self, members: &Members, (n, heard, event): Step) -> Result<Self, String> {
        let mut next = self.clone();
        let live = (0..self.peers.len()).filter(|other| heard & 1 << other != 0).map(id).collect();
        let electorate = Electorate { members, anonymous: 0, live: &live };
        let Some(peer) = next.peers.get_mut(n) else { return Ok(next) };
        let said = peer.meet(id(n), event, electorate)?;
        if peer.election.is_master() {
            next.led.insert((peer.election.term(), id(n)));
        }
        next.net.extend(said);
        next.check()?;
        Ok(next)
    }

    /// What this check is for.
    fn check(&self) -> Result<(), String> {
        for ((term, one), (next, other)) in self.led.iter().zip(self.led.iter().skip(1)) {
            if term == next {
                return Err(format!("term {term} has two masters, {} and {}", one.short(), other.short()));
            }
        }
        for message in &self.net {
            let (voter, vote) = match *message {
                Message::Ask { from, round, term } if round != Round::PreVote => (from, (term, from)),
                Message::Vote { from, to, round, term, granted: true } if round != Round::PreVote => {
                    (from, (term, to))
                }
                _ => continue,
            };
            let disk =
                self.peers.iter().enumerate().find(|(n, _)| id(*n) == voter).map(|(_, peer)| peer.disk);
            let kept = disk
                .is_some_and(|(term, vote_of)| term > vote.0 || (term, vote_of) == (vote.0, Some(vote.1)));
            if !kept {
                return Err(format!("a vote was said that the disk does not hold: {message:?}, {disk:?}"));
            }
        }
        Ok(())
    }
}

impl Peer {
    /// One input and the turn after it, as the engine does it. Returns what is said now.
    fn meet(&mut self, me: PeerId, event: Event, electorate: Electorate<'_>) -> Result<Vec<Message>, String> {
        let mut said = Vec::new();
        match event {
            Event::Crash(kept) => {
                for _ in 0..kept {
                    self.write()?;
                }
                self.writes.clear();
                self.election = newborn(me, self.disk, self.now);
                return Ok(said);
            }
            Event::Timer => self.now = self.election.deadline().unwrap_or(self.now).max(self.now),
            Event::Stored => {
                said = self.write()?;
                if self.writes.is_empty() {
                    self.election.on_ballot_stored(self.now, electorate);
                }
            }
            Event::Elect => self.election.stand_now(self.now, electorate),
            Event::Stall => self.election.on_stall(self.now),
            Event::Arrives(Message::Ask { from, round, term }) => {
                self.election.on_ask(from, Ask { round, term, priority: 0 }, self.now, electorate);
            }
            Event::Arrives(Message::Vote { from, round, term, granted, .. }) => {
                self.election.on_vote(from, (round, term, granted), self.now, electorate);
            }
            Event::Arrives(Message::Beat { from, term, master }) => {
                self.election.on_beat(from, term, master, self.now, electorate);
            }
        }
        self.election.on_time(self.now, electorate);
        if self.election.take_ballot_changed() {
            self.writes.push_back((self.election.ballot(), Vec::new()));
        }
        let term = self.election.term();
        let beat = Message::Beat { from: me, term, master: self.election.heard_master() };
        let news = self.election.take_said().into_iter().filter_map(|news| match news {
            Said::Ask(ask) => Some(Message::Ask { from: me, round: ask.round, term: ask.term }),
            Said::Vote { to, round, term, granted } => {
                Some(Message::Vote { from: me, to, round, term, granted })
            }
            Said::Note(_) => None,
        });
        let waiting = self.writes.back_mut().map_or(&mut said, |(_, waiting)| waiting);
        for message in news.chain([beat]) {
            if !waiting.contains(&message) {
                waiting.push(message);
            }
        }
        Ok(said)
    }

    /// The next write reaches the disk. Returns what waited for it.
    fn write(&mut self) -> Result<Vec<Message>, String> {
        let Some((new, waiting)) = self.writes.pop_front() else { return Ok(Vec::new()) };
        let old = core::mem::replace(&mut self.disk, new);
        let kept = new.0 > old.0 || (new.0 == old.0 && (old.1.is_none() || new.1 == old.1));
        if kept { Ok(waiting) } else { Err(format!("a stored ballot {old:?} became {new:?}")) }
    }
}

impl Message {
    fn reaches(&self, peer: PeerId) -> bool {
        match *self {
            Self::Ask { from, .. } | Self::Beat { from, .. } => from != peer,
            Self::Vote { to, .. } => to == peer,
        }
    }
}

/// Looks at every state within the bounds, nearest first. An error tells the way to a broken promise.
pub fn explore(bounds: Bounds) -> Result<Seen, String> {
    let mut members = Members::default();
    (0..usize::from(bounds.peers)).for_each(|peer| {
        members.join(id(peer));
    });
    let first = State::new(bounds.peers);
    let mut known: HashMap<u64, Option<(u64, Step)>> = HashMap::from([(first.digest(), None)]);
    let mut layer = vec![first];
    let mut seen = Seen { states: 1, all: true, ..Seen::default() };
    while !layer.is_empty() && seen.states < bounds.states {
        let mut next_layer = Vec::new();
        for state in layer {
            let from = state.digest();
            for step in state.steps() {
                seen.steps += 1;
                let next = state.after(&members, step).map_err(|why| tell(&why, &known, from, step))?;
                if next.term() > Term(bounds.terms) {
                    continue;
                }
                let digest = next.digest();
                if known.contains_key(&digest) {
                    continue;
                }
                if seen.states >= bounds.states {
                    seen.all = false;
                    break;
                }
                known.insert(digest, Some((from, step)));
                seen.states += 1;
                seen.led += usize::from(next.peers.iter().any(|peer| peer.election.is_master()));
                next_layer.push(next);
            }
        }
        layer = next_layer;
        seen.depth += 1;
    }
    Ok(seen)
}

/// The way to a broken promise, step by step.
fn tell(why: &str, known: &HashMap<u64, Option<(u64, Step)>>, from: u64, last: Step) -> String {
    let mut steps = vec![last];
    let mut at = from;
    while let Some(Some((before, step))) = known.get(&at) {
        steps.push(*step);
        at = *before;
    }
    let mut text = format!("{why}, after");
    for (peer, heard, event) in steps.into_iter().rev() {
        // Writing to a String can't fail.
        let _ = write!(text, "\n  peer {} (hears {heard:#05b}): {event:?}", peer + 1);
    }
    text
}
