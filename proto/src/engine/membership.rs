//! Membership: who counts for a quorum, and what nodes tell each other of others. See docs/election.md.
//!
//! A newcomer is announced, by whoever meets it. It becomes a member once a quorum has stored that it is announced:
//! until then its vote counts for nobody, but nobody has a quorum against it either. So two quorums meet, whatever
//! each of them has heard of, as long as three more things hold. Every change is told on a link before any vote that is
//! said after it; and before that a beat, so that who hears of it is in no older term than who tells. And a candidate
//! that hears of one stands anew, in a later term.

use crate::{
    checks,
    engine::{
        Engine,
        event::Event,
        io::ConnId,
        links::is_link_local,
        say::To,
        state::{Members, is_majority},
    },
    ids::PeerId,
    limits,
    time::Moment,
    wire::peer::{ByeReason, Message, Roster},
};
use core::{ops::Bound, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

/// Who has stored that somebody is announced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Acks(BTreeMap<PeerId, (u32, BTreeSet<PeerId>)>);

/// Of so many newcomers at once it is remembered who has stored that they are announced.
const MOST_ACKED: usize = 2 * limits::VOTERS;

impl Acks {
    /// `from` told what it has stored. Returns whose standing changed here.
    pub fn hear(&mut self, members: &mut Members, from: PeerId, told: &Members) -> Vec<PeerId> {
        let changed = members.merge(told);
        // Who does not count for a quorum need not be remembered.
        if members.expects(from) {
            for id in told.announced().filter(|id| told.count(*id) == members.count(*id)) {
                if self.0.len() < MOST_ACKED || self.0.contains_key(&id) {
                    self.of(id, members.count(id)).insert(from);
                }
            }
        }
        self.0.retain(|id, (count, _)| members.count(*id) == *count);
        changed
    }

    fn of(&mut self, id: PeerId, count: u32) -> &mut BTreeSet<PeerId> {
        let (of, acks) = self.0.entry(id).or_default();
        if *of != count {
            (*of, *acks) = (count, BTreeSet::new());
        }
        acks
    }

    /// Whoever is announced, and known to be by a quorum, becomes a member; all of `members` is stored here. Returns who.
    /// Of those only that are `here`: somebody who went is not to be waited for.
    pub fn confirm(
        &mut self,
        members: &mut Members,
        me: PeerId,
        anonymous: u32,
        here: impl Fn(PeerId) -> bool,
    ) -> Vec<PeerId> {
        let announced: Vec<_> = members.announced().filter(|id| here(*id)).collect();
        let mut confirmed = Vec::new();
        for id in announced {
            if self.0.len() >= MOST_ACKED && !self.0.contains_key(&id) {
                continue;
            }
            let acks = self.of(id, members.count(id));
            acks.insert(me);
            if is_majority(|id| acks.contains(id), members.roll(), anonymous) {
                members.join(id);
                self.0.remove(&id);
                confirmed.push(id);
            }
        }
        confirmed
    }
}

/// Whose standing changed, in the order of their last changes: a link was told of those up to some number, and is to be
/// told of the rest. Each id stands there once, so that it is bounded by how many are known.
#[derive(Debug, Default)]
pub(super) struct News {
    newest: u64,
    order: BTreeMap<u64, PeerId>,
    places: BTreeMap<PeerId, u64>,
    /// Some link may have to be told.
    untold: bool,
    /// Which link the next turn begins with, as this one's share is used up.
    first: Option<ConnId>,
    /// When a newcomer has stayed long enough to be announced.
    stays_until: Option<Moment>,
}

/// A newcomer that no setting names is announced after it was linked, and answered, for so long.
const STAY: Duration = Duration::from_secs(1);

impl News {
    fn add(&mut self, id: PeerId) {
        self.newest += 1;
        if let Some(before) = self.places.insert(id, self.newest) {
            self.order.remove(&before);
        }
        self.order.insert(self.newest, id);
    }

    /// The number of the last change.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    fn since(&self, told: u64) -> impl Iterator<Item = PeerId> + '_ {
        self.order.range((Bound::Excluded(told), Bound::Unbounded)).map(|(_, id)| *id)
    }
}

/// What telling of members may cost in one turn, see `engine::outbox`.
const TELL_WORK: u64 = 300_000;
/// One id in a list that is merged or told.
const ID_WORK: u64 = 150;

impl Engine {
    /// Configured addresses that have not led to anybody who is expected yet.
    pub(super) fn anonymous(&self) -> u32 {
        electorate!(self).anonymous
    }

    /// Once a turn: newcomers are announced, those that enough nodes have heard of become members, and all is told.
    pub(super) fn turn_members(&mut self) {
        self.resign_if_too_many();
        let now = (self.links.version(), self.election.is_master());
        if self.seen.members != now || self.news.stays_until.is_some_and(|at| self.now >= at) {
            self.seen.members = now;
            self.news.stays_until = None;
            self.seen.announced = true;
            self.found_if_alone();
            for (_, id) in self.links.established_ids() {
                if !self.left && !self.durable.members.contains(id) {
                    self.meet(id);
                }
            }
            self.news.untold = true;
        }
        self.tell_all_news();
        self.seen.announced = self.seen.announced && self.durable.members.announced().next().is_some();
        if (self.left || self.seen.announced) && self.newest_ticket() <= self.stored {
            let (me, anonymous) = (self.settings.id, self.anonymous());
            let live = self.links.live();
            let here = |id: PeerId| id == me || live.contains(&id);
            for id in self.acks.confirm(&mut self.durable.members, me, anonymous, here) {
                self.out.note(Event::MemberJoined { peer: id });
                self.on_standing(id);
            }
            if self.left && !self.links.is_empty() {
                self.beat_all();
                self.bye_all(ByeReason::Leaving);
            }
        }
    }

    /// Who was told of no peer founds a swarm, anew if all have left it. Everybody else is announced by a peer: a newcomer
    /// that counted itself in could be a majority in its own eyes only.
    fn found_if_alone(&mut self) {
        let me = self.settings.id;
        if self.durable.members.iter().next().is_none() && !self.left && !self.links.is_told_of_peers() {
            self.durable.members.join(me);
            self.on_standing(me);
        }
    }

    /// A linked node is no member. It is one at once if there is none to ask: a newcomer knows only where it was told to
    /// join, and so does everybody if all have left.
    fn meet(&mut self, id: PeerId) {
        let members = &mut self.durable.members;
        let none_to_ask = members.iter().next().is_none() && self.links.is_configured(id);
        let joined = none_to_ask && members.join(id);
        if !joined && !members.expects(id) && !self.links.is_configured(id) {
            // A visit makes nobody a member: it stays a while first, and answers.
            let since = self.links.iter().find(|(_, link)| link.id == id && link.established);
            let stays = since.map_or(self.now, |(_, link)| link.since + STAY);
            if self.now < stays {
                let earliest = self.news.stays_until.map_or(stays, |at| at.min(stays));
                self.news.stays_until = Some(earliest);
                return;
            }
        }
        let announced = !joined && self.has_place() && self.durable.members.announce(id);
        if joined {
            self.out.note(Event::MemberJoined { peer: id });
        }
        if joined || announced {
            self.on_standing(id);
        }
    }

    /// The standing of `id` changed: it is stored, and told to all.
    pub(super) fn on_standing(&mut self, id: PeerId) {
        self.dirty = true;
        self.links.stir();
        self.election.on_roll(self.now);
        self.news.add(id);
        self.news.untold = true;
        self.out.charge(ID_WORK);
    }

    /// A peer told what it has stored of members.
    pub(super) fn hear_members(&mut self, from: PeerId, members: &Members) {
        self.out.charge(members.known() as u64 * ID_WORK);
        for id in self.acks.hear(&mut self.durable.members, from, members) {
            self.on_standing(id);
        }
    }

    /// A peer told of members, and where some are.
    pub(super) fn on_roster(&mut self, from: PeerId, roster: Roster) {
        self.hear_members(from, &roster.members);
        let each = ID_WORK + self.links.contacts().len() as u64 * 5;
        self.out.charge(roster.known.len() as u64 * each + self.links.known().len() as u64);
        let teller = self.links.iter().find(|(_, link)| link.id == from).map(|(_, link)| link.remote.ip());
        for (id, name, address) in roster.known {
            let sound = teller.is_some_and(|teller| checks::may_dial(teller, address));
            if !sound || id == self.settings.id || self.links.is_banned(id) {
                continue;
            }
            let known = self.links.remember(id);
            if known.name.is_empty() {
                known.name = name;
                known.listen = Some(address);
                known.found = "told".into();
            }
            self.links.add_contact(&address.to_string(), "told", Some(id), self.now);
        }
        self.links.count_known();
    }

    /// Tells the new peer of the others, and the others of it.
    pub(super) fn introduce(&mut self, id: PeerId) {
        self.links.stir();
        let mut others = self.links.live().clone();
        let crowded = self.is_crowded();
        if crowded {
            // Members are to be linked to each other. The others have met enough already.
            others.extend(self.durable.members.roll().map(|(id, _)| id));
        }
        others.remove(&id);
        for (_, link) in self.links.iter_mut().filter(|(_, link)| link.established) {
            if link.id == id {
                link.untold.extend(&others);
            } else if !crowded {
                link.untold.insert(id);
            }
        }
    }

    /// Tells every link what changed since it was told last; those that are one too many in this turn, in the next.
    fn tell_all_news(&mut self) {
        if !core::mem::take(&mut self.news.untold) {
            return;
        }
        let mut conns = self.links.established();
        let first = self.news.first.take().and_then(|first| conns.iter().position(|conn| *conn >= first));
        conns.rotate_left(first.unwrap_or_default());
        let until = self.out.work() + TELL_WORK;
        for conn in conns {
            if self.out.work() >= until {
                (self.news.first, self.news.untold) = (Some(conn), true);
                return;
            }
            self.tell_news(conn);
        }
    }

    /// When the rest is to be told: in a turn of its own.
    pub(super) fn news_deadline(&self) -> Option<Moment> {
        self.news.untold.then_some(self.now).into_iter().chain(self.news.stays_until).min()
    }

    /// Who is about to get a vote, or to be asked for one, has heard all that is known here of members before.
    pub(super) fn tell_news_first(&mut self, to: To) {
        if self.news.untold {
            let conns = match to {
                To::Conn(conn) => vec![conn],
                To::Peer(id) => self.links.conn_of(id).into_iter().collect(),
                To::All => self.links.established(),
            };
            conns.into_iter().for_each(|conn| self.tell_news(conn));
        }
    }

    /// Tells a peer what changed since it was told last, and in which term.
    fn tell_news(&mut self, conn: ConnId) {
        let newest = self.news.newest();
        let Some(link) = self.links.get_mut(conn).filter(|link| link.established) else { return };
        if link.untold.is_empty() && link.told_news == newest {
            return;
        }
        let mut untold = core::mem::take(&mut link.untold);
        untold.extend(self.news.since(core::mem::replace(&mut link.told_news, newest)));
        self.out.charge(untold.len() as u64 * ID_WORK);
        let known = untold.iter().filter_map(|id| {
            let known = self.links.known().get(id)?;
            // A link-local address means another host, or none, elsewhere.
            let listen = known.listen.filter(|listen| !is_link_local(listen))?;
            Some((*id, known.name.clone(), listen))
        });
        let known: Vec<_> = known.collect();
        let members = self.durable.members.of(&untold).in_parts(limits::TOLD_MEMBERS);
        self.beat_to(conn);
        self.tell(conn, members, &known);
    }

    /// All of it one after the other: no vote may come between.
    pub(super) fn tell(
        &mut self,
        conn: ConnId,
        members: impl IntoIterator<Item = Members>,
        known: &[(PeerId, String, SocketAddr)],
    ) {
        let (mut members, mut known) = (members.into_iter(), known.chunks(limits::INTRODUCED));
        loop {
            let (of, known) = (members.next(), known.next());
            if of.is_none() && known.is_none() {
                break;
            }
            let known = known.map_or_else(Vec::new, <[_]>::to_vec);
            let roster = Roster { members: of.unwrap_or_default(), known };
            self.say_stored(To::Conn(conn), Message::Roster(roster));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> PeerId {
        PeerId([n; 16])
    }

    #[test]
    fn who_changes_again_and_again_stands_among_the_news_once_and_last() {
        let mut news = News::default();
        (1..=4).chain([2, 2, 1]).for_each(|n| news.add(id(n)));
        assert_eq!(news.since(0).collect::<Vec<_>>(), [3, 4, 2, 1].map(id));
        assert_eq!(news.since(4).collect::<Vec<_>>(), [2, 1].map(id));
        assert_eq!(news.since(news.newest()).count(), 0);
        assert_eq!((news.order.len(), news.places.len()), (4, 4));
    }

    #[test]
    fn whoever_comes_and_acknowledges_costs_no_memory_unless_it_counts() {
        let mut acks = Acks::default();
        let mut members = Members::default();
        members.join(id(1));
        let mut told = Members::default();
        let stranger =
            |n: u16| PeerId(core::array::from_fn(|at| n.to_le_bytes().get(at).copied().unwrap_or(7)));
        (0..1000).for_each(|n| assert!(told.announce(stranger(n))));
        for n in 2..200 {
            acks.hear(&mut members, id(n), &told);
        }
        assert!(acks.0.is_empty());
        acks.hear(&mut members, id(1), &told);
        assert_eq!(acks.0.len(), MOST_ACKED);
    }
}
