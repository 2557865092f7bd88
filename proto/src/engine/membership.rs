//! Membership: who counts for a quorum, and what nodes tell each other of others. See docs/election.md.
//!
//! A newcomer is announced, by whoever meets it. It becomes a member once a quorum has stored that it is announced:
//! until then its vote counts for nobody, but nobody has a quorum against it either. So two quorums meet, whatever
//! each of them has heard of, as long as three more things hold. Every change is told on a link before any vote that is
//! said after it; and before that a beat, so that who hears of it is in no older term than who tells. And a candidate
//! that hears of one stands anew, in a later term.

use crate::{
    engine::{
        Engine,
        event::Event,
        io::ConnId,
        links::is_link_local,
        say::To,
        state::{Members, is_majority},
    },
    ids::PeerId,
    wire::peer::{ByeReason, Message, Roster},
};
use std::collections::{BTreeMap, BTreeSet};

/// Who has stored that somebody is announced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Acks(BTreeMap<PeerId, (u32, BTreeSet<PeerId>)>);

impl Acks {
    /// `from` told what it has stored. Returns whose standing changed here.
    pub fn hear(&mut self, members: &mut Members, from: PeerId, told: &Members) -> Vec<PeerId> {
        let changed = members.merge(told);
        for id in told.announced().filter(|id| told.count(*id) == members.count(*id)) {
            self.of(id, members.count(id)).insert(from);
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
    pub fn confirm(&mut self, members: &mut Members, me: PeerId, anonymous: u32) -> Vec<PeerId> {
        let announced: Vec<_> = members.announced().collect();
        let mut confirmed = Vec::new();
        for id in announced {
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

impl Engine {
    /// Configured addresses that have not led to anybody who is expected yet.
    pub(super) fn anonymous(&self) -> u32 {
        electorate!(self).anonymous
    }

    /// Once a turn: newcomers are announced, those that enough nodes have heard of become members, and all is told.
    pub(super) fn turn_members(&mut self) {
        self.resign_if_too_many();
        let now = (self.links.version(), self.election.is_master());
        if self.seen.members != now {
            self.seen.members = now;
            self.seen.announced = true;
            self.found_if_alone();
            for (conn, id) in self.links.established_ids() {
                if !self.left && !self.durable.members.contains(id) {
                    self.meet(id);
                }
                self.tell_news(conn);
            }
        }
        self.seen.announced = self.seen.announced && self.durable.members.announced().next().is_some();
        if (self.left || self.seen.announced) && self.newest_ticket() <= self.stored {
            let (me, anonymous) = (self.settings.id, self.anonymous());
            for id in self.acks.confirm(&mut self.durable.members, me, anonymous) {
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
        self.links.iter_mut().for_each(|(_, link)| {
            link.untold.insert(id);
        });
    }

    /// A peer told what it has stored of members.
    pub(super) fn hear_members(&mut self, from: PeerId, members: &Members) {
        for id in self.acks.hear(&mut self.durable.members, from, members) {
            self.on_standing(id);
        }
    }

    /// A peer told of members, and where some are.
    pub(super) fn on_roster(&mut self, from: PeerId, roster: Roster) {
        self.hear_members(from, &roster.members);
        for (id, name, address) in roster.known {
            if id == self.settings.id || self.links.is_banned(id) {
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

    /// Tells a peer what changed since it was told last, and in which term.
    fn tell_news(&mut self, conn: ConnId) {
        let Some(link) = self.links.get_mut(conn).filter(|link| !link.untold.is_empty()) else { return };
        let untold = core::mem::take(&mut link.untold);
        let known = untold.iter().filter_map(|id| {
            let known = self.links.known().get(id)?;
            // A link-local address means another host, or none, elsewhere.
            let listen = known.listen.filter(|listen| !is_link_local(listen))?;
            Some((*id, known.name.clone(), listen))
        });
        let roster = Roster { members: self.durable.members.of(&untold), known: known.collect() };
        self.beat_to(conn);
        self.say_stored(To::Conn(conn), Message::Roster(roster));
    }
}
