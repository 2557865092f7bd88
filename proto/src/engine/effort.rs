//! What the nodes of a swarm have drawn of the present job, and how many draws they were allowed: its pace and its luck.
//!
//! Pace is the share of the allowed draws that were used: what the operators and the network cost. Luck is what chance
//! asks for on average, divided by the draws that it took. Each node counts for itself and tells its peers; nothing here
//! decides anything. Invariant: a node's draws never become fewer, whatever it tells after a restart.

use crate::{
    engine::{Engine, event::Event, fetch::Allowed, say::To},
    ids::PeerId,
    limits, theory,
    time::Moment,
    wire::peer::{ALLOWANCES, Allowance, Message},
};
use core::time::Duration;
use std::collections::BTreeMap;

/// How often an allowance is told while it grows.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Names of nodes that drew which are shown.
const NAMES: usize = 64;

/// What one node has drawn.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// Of its lives before the present one.
    before: Counted,
    now: Counted,
    /// What it drew before this node heard of it is not known.
    is_partial: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counted {
    drawn: u64,
    /// Draws that `allowed` belongs to.
    used: u64,
    /// Zero while it is not known.
    allowed: u64,
    /// An operator's cap held it back.
    capped: bool,
}

impl Counted {
    fn plus(self, other: Self) -> Self {
        Self {
            drawn: self.drawn.saturating_add(other.drawn),
            used: self.used.saturating_add(other.used),
            allowed: self.allowed.saturating_add(other.allowed),
            capped: self.capped || other.capped,
        }
    }
}

impl Account {
    /// A count that falls is that of another life.
    fn on_drawn(&mut self, drawn: u64) {
        if drawn < self.now.drawn {
            self.before = self.before.plus(self.now);
            self.now = Counted::default();
        }
        self.now.drawn = drawn;
    }

    fn all(&self) -> Counted {
        self.before.plus(self.now)
    }
}

/// All nodes together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// Answered requests.
    pub draws: u64,
    /// Nodes that drew at least one line.
    pub nodes: u32,
    /// The share of the allowed draws that were used; none while nobody knows a limit.
    pub pace: Option<f64>,
    /// Nodes that an operator's cap held back.
    pub capped: u32,
    /// Every draw is counted, as far as this node can know.
    pub is_whole: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Effort {
    peers: BTreeMap<PeerId, Account>,
    /// What this node's lines took before it started is not known.
    is_partial: bool,
    /// What was told last, and when.
    told: Option<(Moment, Allowance)>,
    /// What was noted of the finished run.
    noted: Option<Total>,
}

impl Effort {
    /// `partial`: this node held lines of the job when it started, and does not know how many draws they took.
    pub(super) fn new(is_partial: bool) -> Self {
        Self { peers: BTreeMap::new(), is_partial, told: None, noted: None }
    }

    fn peer(&mut self, id: PeerId) -> Option<&mut Account> {
        if self.peers.len() >= limits::MEMBERS && !self.peers.contains_key(&id) {
            return None;
        }
        Some(self.peers.entry(id).or_default())
    }

    /// A heartbeat tells what its sender has drawn.
    pub(super) fn on_drawn(&mut self, id: PeerId, drawn: u64) {
        if drawn > 0 || self.peers.contains_key(&id) {
            self.peer(id).into_iter().for_each(|account| account.on_drawn(drawn));
        }
    }

    pub(super) fn on_allowance(&mut self, id: PeerId, told: &Allowance) {
        let is_new = !self.peers.contains_key(&id);
        let Some(account) = self.peer(id) else { return };
        account.is_partial |= told.partial && (is_new || account.all().drawn == 0);
        account.on_drawn(told.drawn);
        // More than was allowed nobody can draw.
        let allowed = if told.allowed > 0 { told.allowed.max(told.drawn) } else { 0 };
        account.now.used = if allowed > 0 { told.drawn } else { 0 };
        (account.now.allowed, account.now.capped) = (allowed, told.capped);
    }

    fn total(&self, counted: (u64, Allowed)) -> Total {
        let now = own(counted.0, counted.1);
        let mine = Account { now, before: Counted::default(), is_partial: self.is_partial };
        let all = || self.peers.values().chain([&mine]);
        let sum = all().fold(Counted::default(), |sum, account| sum.plus(account.all()));
        let count = |holds: &dyn Fn(&Account) -> bool| {
            u32::try_from(all().filter(|account| holds(account)).count()).unwrap_or(u32::MAX)
        };
        Total {
            draws: sum.drawn,
            nodes: count(&|account| account.all().drawn > 0),
            pace: (sum.allowed > 0 && sum.used > 0).then(|| sum.used as f64 / sum.allowed as f64),
            capped: count(&|account| account.all().capped),
            is_whole: all().all(|account| !account.is_partial),
        }
    }
}

fn own(drawn: u64, allowed: Allowed) -> Counted {
    let draws = allowed.draws.map_or(0, |draws| (draws.ceil() as u64).max(drawn));
    Counted { drawn, used: if draws > 0 { drawn } else { 0 }, allowed: draws, capped: allowed.capped }
}

impl Engine {
    fn own_effort(&self) -> (u64, Allowed) {
        (self.fetch.counts().draws, self.fetch.allowed(self.now))
    }

    /// What the swarm has drawn, as far as this node knows.
    #[must_use]
    pub fn effort(&self) -> Total {
        self.effort.total(self.own_effort())
    }

    /// What chance asks for on average, by the draws of the whole swarm; none before the file is complete, and none where
    /// not every draw is known.
    pub(super) fn luck(&self, total: &Total) -> Option<f64> {
        let lines = self.ledger.count().filter(|_| self.completed.is_some())?;
        let known = total.is_whole && !self.is_crowded() && total.draws >= u64::from(lines);
        known.then(|| theory::expected_draws(lines) / total.draws as f64)
    }

    /// The names of the nodes that drew, in their order; not of more than [`NAMES`].
    pub(super) fn drawers(&self) -> Vec<String> {
        let peers = self.effort.peers.iter().filter(|(_, account)| account.all().drawn > 0);
        let mut names: Vec<String> = peers.map(|(id, _)| self.links.name(*id)).collect();
        if self.fetch.counts().draws > 0 {
            names.push(self.settings.name.clone());
        }
        names.sort();
        names.truncate(NAMES);
        names
    }

    /// Tells the peers, after a heartbeat, what this node was allowed; now and then, and when the file is complete.
    pub(super) fn tell_allowance(&mut self) {
        let (drawn, allowed) = self.own_effort();
        let Counted { allowed, capped, .. } = own(drawn, allowed);
        let new = Allowance { drawn, allowed, capped, partial: self.effort.is_partial };
        let due = self.effort.told.is_none_or(|(at, last)| {
            last != new && (self.completed.is_some() || self.now >= at + TELL_EVERY)
        });
        if !due || drawn == 0 {
            return;
        }
        self.effort.told = Some((self.now, new));
        let able = self.links.iter().filter(|(_, link)| link.established && link.features & ALLOWANCES != 0);
        let able: Vec<_> = able.map(|(conn, _)| conn).collect();
        for conn in able {
            self.say_stored(To::Conn(conn), Message::Allowance(new));
        }
    }

    /// The file is complete here and at every linked peer: the figures of the run stand. They are noted again where a last
    /// message of a peer changes them.
    pub(super) fn note_run(&mut self) {
        let Some(lines) = self.ledger.count().filter(|_| self.completed.is_some()) else { return };
        let epoch = self.durable.job.epoch;
        let mut others = self.links.iter().filter(|(_, link)| link.established && link.epoch == epoch);
        if !others.all(|(_, link)| link.beat.held >= lines) {
            return;
        }
        let total = self.effort();
        if total.draws > 0 && self.effort.noted != Some(total) {
            self.effort.noted = Some(total);
            let luck = self.luck(&total);
            let Total { draws, nodes, pace, .. } = total;
            self.out.note(Event::RunEnded { draws, nodes, pace, luck });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(drawn: u64, allowed: u64) -> Allowance {
        Allowance { drawn, allowed, capped: false, partial: false }
    }

    fn mine(drawn: u64, draws: f64) -> (u64, Allowed) {
        (drawn, Allowed { draws: Some(draws), capped: false })
    }

    #[test]
    fn pace_and_draws_are_those_of_all_that_drew_and_of_nobody_else() {
        let mut effort = Effort::new(false);
        effort.on_drawn(PeerId([1; 16]), 300);
        effort.on_allowance(PeerId([1; 16]), &told(300, 400));
        effort.on_drawn(PeerId([2; 16]), 0);
        let total = effort.total(mine(200, 200.0));
        assert_eq!((total.draws, total.nodes, total.is_whole), (500, 2, true));
        assert_eq!(total.pace, Some(500.0 / 600.0));
    }

    #[test]
    fn no_pace_is_above_one_and_none_is_told_where_no_limit_is_known() {
        let mut effort = Effort::new(false);
        let unknown = (10, Allowed { draws: None, capped: false });
        assert_eq!(effort.total(unknown).pace, None);
        assert_eq!(effort.total(mine(50, 10.0)).pace, Some(1.0), "a burst");
        effort.on_allowance(PeerId([1; 16]), &told(900, 1));
        assert_eq!(effort.total(unknown).pace, Some(1.0), "what peers tell");
        effort.on_allowance(PeerId([1; 16]), &told(u64::MAX, u64::MAX));
        effort.on_allowance(PeerId([2; 16]), &told(u64::MAX, u64::MAX));
        assert_eq!(effort.total(mine(50, 100.0)).pace, Some(1.0));
    }

    #[test]
    fn a_node_that_comes_back_keeps_what_it_had_drawn() {
        let mut effort = Effort::new(false);
        let id = PeerId([1; 16]);
        effort.on_allowance(id, &told(300, 400));
        effort.on_allowance(id, &Allowance { partial: true, ..told(10, 20) });
        let total = effort.total(mine(0, 0.0));
        assert_eq!((total.draws, total.nodes, total.is_whole), (310, 1, true));
        assert_eq!(total.pace, Some(310.0 / 420.0));
        // Who hears of it only now does not know what it drew before.
        let mut late = Effort::new(false);
        late.on_allowance(id, &Allowance { partial: true, ..told(10, 20) });
        assert!(!late.total(mine(0, 0.0)).is_whole);
    }
}
