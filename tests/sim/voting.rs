//! The voting core alone, with the member list: every order of every event, breadth first ([`explore`]), or far along
//! random ways ([`wander`]).
//!
//! A message that was said stays on the network for ever and may arrive at any time, any number of times, or never: that
//! is loss, duplication, delay and reordering at once; only that a vote arrives after what its voter had told of
//! members, as on one link. A disk writes in order, and a crash keeps any number of the writes under way. Whom a peer
//! hears is chosen anew at each step, and timers fire whenever they like.

use core::hash::{Hash, Hasher};
use lineswarm_proto::{
    engine::{
        election::{Election, Electorate, Said},
        membership::Acks,
        settings::{self, InDoubt, Quorum},
        state::Members,
    },
    ids::{PeerId, Term},
    time::Moment,
    wire::peer::{Ask, Round},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque, hash_map::DefaultHasher},
    fmt::Write,
};

mod chance;

type Ballot = (Term, Option<PeerId>);
/// A member list: the count of each peer.
type Roll = [u8; 4];
/// Where peers join, this one is the only member first; there are lower and higher ids.
const FOUNDER: usize = 1;
/// A peer, in what is kept by the million.
type Who = u8;

/// How far to look.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At most 4.
    pub peers: u8,
    /// One is a member from the beginning, the others meet, join, leave; or else all are members and stay so.
    pub joining: bool,
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
    Ask {
        from: Who,
        round: Round,
        term: Term,
    },
    /// With what its voter had told before.
    Vote {
        from: Who,
        to: Who,
        round: Round,
        term: Term,
        granted: bool,
        told: Roll,
    },
    Beat {
        from: Who,
        term: Term,
        master: Option<Who>,
    },
    Roster {
        from: Who,
        term: Term,
        told: Roll,
    },
}

#[derive(Clone, Debug)]
struct Peer {
    election: Election,
    now: Moment,
    members: Members,
    acks: Acks,
    left: bool,
    disk: (Ballot, Roll),
    /// Under way to the disk, in order, each with what waits for it to be said.
    writes: VecDeque<((Ballot, Roll), Vec<Message>)>,
}

#[derive(Clone, Debug)]
struct State {
    peers: Vec<Peer>,
    /// In order.
    net: Vec<Message>,
    /// Who led which term.
    led: BTreeSet<(Term, PeerId)>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Timer,
    Stored,
    Elect,
    Stall,
    /// A link to this peer stands.
    Meet(Who),
    Leave,
    /// There are too many members: it is a guest from now on, and goes on.
    Resign,
    Join,
    Arrives(Message),
    /// That many writes under way survive.
    Crash(usize),
}

/// One event at one peer, which hears the peers of the bit set.
type Step = (usize, u8, Event);

fn id(peer: usize) -> PeerId {
    PeerId([u8::try_from(peer + 1).unwrap_or(u8::MAX); 16])
}

fn who(id: PeerId) -> Who {
    let [first, ..] = id.0;
    first.saturating_sub(1)
}

fn members(roll: Roll) -> Members {
    let mut members = Members::default();
    for (peer, count) in roll.into_iter().enumerate() {
        for _ in 0..count {
            let id = id(peer);
            let _ = if members.contains(id) {
                members.leave(id)
            } else {
                members.announce(id) || members.join(id)
            };
        }
    }
    members
}

fn roll(members: &Members) -> Roll {
    core::array::from_fn(|peer| u8::try_from(members.count(id(peer))).unwrap_or(u8::MAX))
}

fn newborn(me: PeerId, ballot: Ballot, now: Moment) -> Election {
    let grace = core::time::Duration::ZERO;
    let settings =
        settings::Election { quorum: Quorum::Majority, grace, in_doubt: InDoubt::Hold, priority: 0 };
    Election::new(me, settings, ballot, 1, now)
}

fn electorate<'a>(members: &'a Members, live: &'a BTreeSet<PeerId>) -> Electorate<'a> {
    Electorate { members, anonymous: 0, live, full: false }
}

impl State {
    fn new(bounds: Bounds) -> Self {
        let peers = usize::from(bounds.peers);
        let first =
            core::array::from_fn(|n| if n == FOUNDER || (n < peers && !bounds.joining) { 2 } else { 0 });
        let disk = ((Term(0), None), first);
        let peer = |n| Peer {
            election: newborn(id(n), disk.0, Moment::ZERO),
            now: Moment::ZERO,
            members: members(first),
            acks: Acks::default(),
            left: false,
            disk,
            writes: VecDeque::new(),
        };
        Self { peers: (0..peers).map(peer).collect(), net: Vec::new(), led: BTreeSet::new() }
    }

    fn digest(&self) -> u64 {
        let mut into = DefaultHasher::new();
        for peer in &self.peers {
            peer.election.digest(&mut into);
            (&peer.members, &peer.acks, peer.left, peer.disk, &peer.writes).hash(&mut into);
        }
        (&self.net, &self.led).hash(&mut into);
        into.finish()
    }

    fn term(&self) -> Term {
        self.peers.iter().map(|peer| peer.election.term()).max().unwrap_or_default()
    }

    /// Everything that may happen next.
    fn steps(&self, joining: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        for (n, peer) in self.peers.iter().enumerate() {
            steps.extend((0..=peer.writes.len()).map(|kept| (n, 0, Event::Crash(kept))));
            let mut events = vec![Event::Timer, Event::Elect, Event::Stall];
            if !peer.writes.is_empty() {
                events.push(Event::Stored);
            }
            if joining {
                let others =
                    (0..self.peers.len()).filter(|other| *other != n && !peer.members.expects(id(*other)));
                events.extend(others.map(|other| Event::Meet(who(id(other)))));
                let leaves = [Event::Leave, Event::Resign];
                events.extend(if peer.left { &[Event::Join][..] } else { &leaves });
            }
            events.extend(self.arrivals(n).map(Event::Arrives));
            let others = (0..1_u8 << self.peers.len()).filter(|heard| heard & 1 << n == 0);
            steps.extend(others.flat_map(|heard| events.iter().map(move |event| (n, heard, *event))));
        }
        steps
    }

    /// What may arrive at a peer now.
    fn arrivals(&self, n: usize) -> impl Iterator<Item = Message> + '_ {
        let known = self.peers.get(n).map(|peer| roll(&peer.members)).unwrap_or_default();
        let heard = move |told: &Roll| told.iter().zip(known).all(|(told, known)| *told <= known);
        self.net.iter().copied().filter(move |message| match message {
            Message::Ask { from, .. } | Message::Beat { from, .. } | Message::Roster { from, .. } => {
                *from != who(id(n))
            }
            Message::Vote { to, told, .. } => *to == who(id(n)) && heard(told),
        })
    }

    /// The state after one step; an error is a broken promise.
    fn after(&self, (n, heard, event): Step) -> Result<Self, String> {
        let mut next = self.clone();
        let live = (0..self.peers.len()).filter(|other| heard & 1 << other != 0).map(id).collect();
        let Some(peer) = next.peers.get_mut(n) else { return Ok(next) };
        let said = peer.meet(id(n), event, &live)?;
        if peer.election.is_master() {
            next.led.insert((peer.election.term(), id(n)));
        }
        for message in said {
            if let Err(at) = next.net.binary_search(&message) {
                next.net.insert(at, message);
            }
        }
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
                Message::Ask { from, round, term } if round != Round::PreVote => {
                    (from, (term, id(from.into())))
                }
                Message::Vote { from, to, round, term, granted: true, .. } if round != Round::PreVote => {
                    (from, (term, id(to.into())))
                }
                _ => continue,
            };
            let disk = self.peers.get(usize::from(voter)).map(|peer| peer.disk.0);
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
    fn meet(&mut self, me: PeerId, event: Event, live: &BTreeSet<PeerId>) -> Result<Vec<Message>, String> {
        if let Event::Crash(kept) = event {
            for _ in 0..kept {
                self.write()?;
            }
            self.writes.clear();
            self.election = newborn(me, self.disk.0, self.now);
            (self.members, self.acks, self.left) = (members(self.disk.1), Acks::default(), false);
            return Ok(Vec::new());
        }
        let before = roll(&self.members);
        let said = self.react(me, event, live)?;
        if self.writes.is_empty() && roll(&self.members) == before {
            self.acks.confirm(&mut self.members, me, 0, |_| true);
        }
        if roll(&self.members) != before {
            self.election.on_roll(self.now);
        }
        if self.left {
            self.election.rest(self.now);
        }
        self.election.on_time(self.now, electorate(&self.members, live));
        Ok(self.speak(me, before, said))
    }

    fn react(&mut self, me: PeerId, event: Event, live: &BTreeSet<PeerId>) -> Result<Vec<Message>, String> {
        let mut said = Vec::new();
        let Self { election, members, now, .. } = self;
        let electorate = electorate(members, live);
        match event {
            Event::Crash(_) => {}
            Event::Timer => *now = election.deadline().unwrap_or(*now).max(*now),
            Event::Stored => {
                said = self.write()?;
                if self.disk.0 == self.election.ballot() {
                    self.election.on_ballot_stored(self.now, self::electorate(&self.members, live));
                }
            }
            Event::Elect => election.stand_now(*now, electorate),
            Event::Stall => election.on_stall(*now),
            Event::Meet(other) => {
                let _ = !self.left && self.members.announce(id(other.into()));
            }
            Event::Leave | Event::Resign => {
                self.left = matches!(event, Event::Leave);
                self.members.leave(me);
            }
            Event::Join => {
                self.left = false;
                self.election.on_stall(self.now);
            }
            Event::Arrives(_) if self.left => {}
            Event::Arrives(Message::Ask { from, round, term }) => {
                election.on_ask(id(from.into()), Ask { round, term, priority: 0 }, *now, electorate);
            }
            Event::Arrives(Message::Vote { from, round, term, granted, .. }) => {
                election.on_vote(id(from.into()), (round, term, granted), *now, electorate);
            }
            Event::Arrives(Message::Beat { from, term, master }) => {
                let master = master.map(|master| id(master.into()));
                election.on_beat(id(from.into()), term, master, *now, electorate.live);
            }
            Event::Arrives(Message::Roster { from, term, told }) => {
                self.election.on_term(term, self.now);
                self.acks.hear(&mut self.members, id(from.into()), &self::members(told));
            }
        }
        Ok(said)
    }

    /// What changed goes to the disk; what there is to say waits for it.
    fn speak(&mut self, me: PeerId, before: Roll, mut said: Vec<Message>) -> Vec<Message> {
        let told = roll(&self.members);
        if self.election.take_ballot_changed() | (told != before) {
            self.writes.push_back(((self.election.ballot(), told), Vec::new()));
        }
        let (from, term) = (who(me), self.election.term());
        let roster = (told != before).then_some(Message::Roster { from, term, told });
        // Where nobody is a guest, whom it hears does not matter.
        let nobody = BTreeSet::new();
        let master = self.election.heard_master(electorate(&self.members, &nobody)).map(who);
        let beat = Message::Beat { from, term, master };
        let news = self.election.take_said().into_iter().filter_map(|news| match news {
            Said::Ask(ask) => Some(Message::Ask { from, round: ask.round, term: ask.term }),
            Said::Vote { to, round, term, granted } => {
                Some(Message::Vote { from, to: who(to), round, term, granted, told })
            }
            Said::Note(_) => None,
        });
        let waiting = self.writes.back_mut().map_or(&mut said, |(_, waiting)| waiting);
        for message in roster.into_iter().chain(news).chain([beat]) {
            if !waiting.contains(&message) {
                waiting.push(message);
            }
        }
        said
    }

    /// The next write reaches the disk. Returns what waited for it.
    fn write(&mut self) -> Result<Vec<Message>, String> {
        let Some((disk, waiting)) = self.writes.pop_front() else { return Ok(Vec::new()) };
        let (old, new) = (core::mem::replace(&mut self.disk, disk).0, disk.0);
        let kept = new.0 > old.0 || (new.0 == old.0 && (old.1.is_none() || new.1 == old.1));
        if kept { Ok(waiting) } else { Err(format!("a stored ballot {old:?} became {new:?}")) }
    }
}

/// Looks at every state within the bounds, nearest first. An error tells the way to a broken promise.
pub fn explore(bounds: Bounds) -> Result<Seen, String> {
    let first = State::new(bounds);
    let mut known: HashMap<u64, Option<(u64, Step)>> = HashMap::from([(first.digest(), None)]);
    let mut layer = vec![first];
    let mut seen = Seen { states: 1, all: true, ..Seen::default() };
    while !layer.is_empty() && seen.states < bounds.states {
        let mut next_layer = Vec::new();
        for state in layer {
            let from = state.digest();
            for step in state.steps(bounds.joining) {
                seen.steps += 1;
                let next = state.after(step).map_err(|why| trace(&why, &known, from, step))?;
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

/// Goes random ways, each of so many steps, until it has seen enough states. An error tells the way to a broken promise.
pub fn wander(bounds: Bounds, seed: u64, length: usize) -> Result<Seen, String> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut known = HashSet::new();
    let mut seen = Seen { depth: length, ..Seen::default() };
    while known.len() < bounds.states {
        let mut state = State::new(bounds);
        let (mut way, mut news) = (Vec::new(), Vec::new());
        while way.len() < length {
            let step = state.any_step(bounds.joining, &mut news, &mut rng);
            way.push(step);
            let next = state.after(step).map_err(|why| tell(&why, &way))?;
            if next.term() > Term(bounds.terms) {
                break;
            }
            let said = next.net.iter().filter(|said| state.net.binary_search(said).is_err());
            let to = 0..next.peers.len();
            news.extend(said.flat_map(|said| to.clone().map(move |to| (to, *said))));
            state = next;
            seen.steps += 1;
            if known.insert(state.digest()) {
                seen.states += 1;
                seen.led += usize::from(state.peers.iter().any(|peer| peer.election.is_master()));
            }
        }
    }
    Ok(seen)
}

/// The way to a state, step by step.
fn trace(why: &str, known: &HashMap<u64, Option<(u64, Step)>>, from: u64, last: Step) -> String {
    let mut steps = vec![last];
    let mut at = from;
    while let Some(Some((before, step))) = known.get(&at) {
        steps.push(*step);
        at = *before;
    }
    steps.reverse();
    tell(why, &steps)
}

fn tell(why: &str, steps: &[Step]) -> String {
    let mut text = format!("{why}, after");
    for (peer, heard, event) in steps {
        // Writing to a String can't fail.
        let _ = write!(text, "\n  peer {} (hears {heard:#06b}): {event:?}", peer + 1);
    }
    text
}
