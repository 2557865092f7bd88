//! Spreading lines: new ones are pushed to the neighbours, batched once a turn; what is missing after a join, a
//! reconnect or a partition is found by comparing bitmaps and asked for once.
//!
//! The arrival log is the queue of every link: a link has a cursor into it and a bound on unsent bytes, so a slow peer
//! costs neither memory nor others' time. A line crosses a link once, in either direction, unless a `Want` asks again.
//! What peers say of lines that the job cannot have is not kept, and what there is to do for all of them is done a share
//! a turn, so that neither a large file nor a peer that asks for everything holds up the loop.

use crate::{
    bitmap::Bitmap,
    engine::{
        Engine,
        event::Event,
        io::{ConnId, Effect},
        ledger::{Arrival, Ledger},
        links::Link,
        say::To,
        settings::Topology,
    },
    ids::{LineNumber, PeerId},
    limits,
    time::Moment,
    wire::peer::{self, ByeReason, Message},
};
use core::{ops::Bound, time::Duration};
use std::borrow::Cow;

/// A line that was asked for and did not come is asked for again, elsewhere if possible.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// Bitmaps go out at most this often when digests differ; doubling while nothing comes of it.
const REPAIR: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(16));

/// Room for a batch, doubled as it grows: of pieces of all lengths that lines have, the allocator would keep some each.
const BATCH_ROOM: usize = 2048;

/// A line that comes or goes, as work.
const LINE_WORK: u64 = 60;

/// What was asked of all links together, and what is left for the next turn.
#[derive(Debug, Default)]
pub(super) struct Spread {
    /// Each line is asked of one link at a time.
    asked: Bitmap,
    /// Some link is searched for lines to ask for.
    searching: bool,
    /// Which link the next turn begins with, so that all get their share.
    first: Option<ConnId>,
    /// This turn's share is used up, and something is left to do.
    more: bool,
}

impl Spread {
    /// What was asked of this link is not awaited any more.
    pub(super) fn forget(&mut self, link: &mut Link) {
        self.asked.subtract(&link.asked);
        link.asked.clear();
        link.search = None;
    }
}

/// How far a link was searched for lines to ask for: one after the other would take long, all at once too.
#[derive(Debug, Default)]
pub struct Search {
    at: usize,
    /// Found, and not asked for yet.
    want: Bitmap,
}

impl Engine {
    /// Lines came from a peer.
    pub(super) fn on_lines(&mut self, conn: ConnId, from: PeerId, lines: &[(LineNumber, &[u8])]) {
        // After a submit that the server called wrong, only what is drawn here counts.
        let lines = if self.reopened { &[] } else { lines };
        let mut conflicts = 0;
        for &(number, text) in lines {
            self.out.charge(LINE_WORK + text.len() as u64 / 8);
            let arrival = self.ledger.heard(number, text, from);
            let Some(link) = self.links.get_mut(conn) else { break };
            link.lines_received += 1;
            let asked = link.asked.remove(number) && self.spread.asked.remove(number);
            if asked {
                link.asked_at = self.now;
            }
            if matches!(arrival, Arrival::New | Arrival::Known) {
                link.theirs.insert(number);
            }
            match arrival {
                Arrival::New => {
                    self.from_peers += 1;
                    // Lines that come by themselves make digests differ too, and need no repair.
                    if asked {
                        link.repaired.1 = Duration::ZERO;
                    }
                    self.out.push(Effect::Keep { number, first_hand: false });
                }
                // One event for all of a batch: a peer that sends nothing else must not fill the log.
                Arrival::Conflict => {
                    conflicts += 1;
                    if conflicts == 1 {
                        self.out.note(Event::Conflict { number, peer: from });
                    }
                }
                Arrival::Contradiction | Arrival::OutOfRange => self.contradicts(number, from),
                _ => {}
            }
        }
    }

    /// A peer sent, or had sent, a line that contradicts the server.
    pub(super) fn contradicts(&mut self, number: LineNumber, peer: PeerId) {
        self.out.note(Event::Contradiction { number, peer });
        let known = self.links.remember(peer);
        known.contradictions += 1;
        if known.contradictions >= limits::CONTRADICTIONS
            && let Some(conn) = self.links.any_conn_of(peer)
        {
            self.links.ban(peer);
            self.refuse(conn, peer, ByeReason::Contradicts);
        }
    }

    /// A peer told what it holds, of lines that the job can have. What it was asked for and does not hold is found out
    /// by the search.
    pub(super) fn on_have(&mut self, conn: ConnId, bitmap: Bitmap) {
        self.out.charge(bitmap.words() as u64);
        if let Some(link) = self.links.get_mut(conn) {
            link.theirs = bitmap;
        }
        self.unserved = true;
        self.search_link(conn);
    }

    /// A peer asks for lines. One that is not held (any more) is answered with what is.
    pub(super) fn on_want(&mut self, conn: ConnId, mut bitmap: Bitmap) {
        self.out.charge(4 * bitmap.words() as u64);
        let all = bitmap.count();
        let Some(link) = self.links.get_mut(conn) else { return };
        link.theirs.subtract(&bitmap);
        bitmap.intersect(self.ledger.held());
        link.in_vain |= bitmap.count() < all;
        link.owed.add(&bitmap);
        link.repaired.1 = Duration::ZERO;
        self.unserved = true;
    }

    /// Asks for every line that some neighbour holds and that nobody was asked for yet, from this turn on.
    pub(super) fn want_missing(&mut self) {
        for (_, link) in self.links.iter_mut().filter(|(_, link)| link.neighbour) {
            link.search.get_or_insert_default().at = 0;
        }
        self.spread.searching = true;
    }

    fn search_link(&mut self, conn: ConnId) {
        if let Some(link) = self.links.get_mut(conn) {
            link.search.get_or_insert_default().at = 0;
        }
        self.spread.searching = true;
    }

    /// What was asked of this link is not awaited any more.
    pub(super) fn forget_asked(&mut self, link: &mut Link) {
        self.out.charge(link.asked.words() as u64);
        self.spread.forget(link);
    }

    /// Another job, or another number of lines: nothing is awaited.
    pub(super) fn start_spread_over(&mut self) {
        self.spread = Spread::default();
        self.links.start_over();
    }

    /// The file has so many lines: nothing was said of others.
    pub(super) fn cut_spread(&mut self, count: u32) {
        self.spread.asked.truncate(count);
        for (_, link) in self.links.iter_mut() {
            link.theirs.truncate(count);
            link.asked.truncate(count);
            link.owed.truncate(count);
            if let Some(search) = &mut link.search {
                search.want.truncate(count);
            }
        }
    }

    /// Once a turn: new neighbours are greeted with a bitmap, every neighbour gets its new lines.
    pub(super) fn turn_spread(&mut self) {
        self.spread.more = false;
        if self.ask_again_at.is_some_and(|at| self.now >= at) {
            self.ask_again();
        }
        if self.has_reserved() {
            self.serve_neighbours();
            self.search();
        }
    }

    /// What was asked for long ago and did not come is asked for again, elsewhere if possible.
    fn ask_again(&mut self) {
        for (_, link) in self.links.iter_mut() {
            if !link.asked.is_empty() && self.now >= link.asked_at + ASK_AGAIN {
                self.out.charge(3 * link.asked.words() as u64);
                // It may not have them any more; its next bitmap will tell.
                link.theirs.subtract(&link.asked);
                self.spread.forget(link);
            }
        }
        let asked = self.links.iter().filter(|(_, link)| !link.asked.is_empty());
        self.ask_again_at = asked.map(|(_, link)| link.asked_at + ASK_AGAIN).min();
        self.want_missing();
    }

    /// Goes through the links' bitmaps for lines to ask for, as far as a turn's share goes.
    fn search(&mut self) {
        if !core::mem::take(&mut self.spread.searching) {
            return;
        }
        let mut left = limits::TURN_WORDS;
        let (mut wants, mut freed) = (Vec::new(), false);
        for conn in self.in_turn(|link| link.neighbour && link.search.is_some()) {
            if left == 0 {
                self.put_off_spread(conn);
                self.spread.searching = true;
                break;
            }
            let Some(link) = self.links.get_mut(conn) else { continue };
            let Some(Search { at, mut want }) = link.search.take() else { continue };
            if self.reopened {
                continue;
            }
            let (end, asked) = (link.theirs.words().max(link.asked.words()), link.asked.count());
            let to = end.min(at + left);
            link.asked.drop_missing(at..to, &link.theirs, &mut self.spread.asked);
            freed |= link.asked.count() < asked;
            let asked = link.asked.count();
            let both = [&mut want, &mut link.asked];
            self.spread.asked.pick(at..to, &link.theirs, self.ledger.held(), both);
            if link.asked.count() > asked {
                link.asked_at = self.now;
                self.ask_again_at.get_or_insert(self.now + ASK_AGAIN);
            }
            let gone_through = to.saturating_sub(at);
            self.out.charge(2 * gone_through as u64);
            left = left.saturating_sub(gone_through.max(1));
            if to < end {
                link.search = Some(Search { at: to, want });
                self.put_off_spread(conn);
                self.spread.searching = true;
            } else if !want.is_empty() {
                wants.push((conn, want.to_bytes()));
            }
        }
        for (conn, want) in wants {
            self.say(To::Conn(conn), &Message::Want(&want));
        }
        if freed {
            // Others may have what this one has not.
            self.want_missing();
            self.spread.more = true;
        }
    }

    /// These links, beginning with the one that the last turn did not come to.
    fn in_turn(&self, is_meant: impl Fn(&Link) -> bool) -> Vec<ConnId> {
        let mut conns: Vec<_> =
            self.links.iter().filter(|(_, link)| is_meant(link)).map(|(conn, _)| conn).collect();
        let first = self.spread.first.and_then(|first| conns.iter().position(|conn| *conn >= first));
        conns.rotate_left(first.unwrap_or_default());
        conns
    }

    /// This link, and what comes after it, is for the next turn.
    fn put_off_spread(&mut self, conn: ConnId) {
        (self.spread.first, self.spread.more) = (Some(conn), true);
    }

    fn serve_neighbours(&mut self) {
        // On a mesh a neighbour stays one, so those that need nothing need not be looked at closely.
        let (mesh, end) = (self.settings.swarm.topology == Topology::Mesh, self.ledger.arrivals().len());
        let seen = (self.links.version(), end);
        if mesh && !core::mem::take(&mut self.unserved) && self.seen.spread == seen {
            return;
        }
        self.seen.spread = seen;
        let idle = |link: &Link| {
            let quiet = link.differed < 2 && !link.in_vain;
            mesh && link.neighbour && link.cursor == end && link.owed.is_empty() && quiet
        };
        let until = self.out.work() + limits::SERVE_WORK;
        let mut batch = Batch::default();
        for conn in self.in_turn(|link| link.established && !idle(link)) {
            let Some(link) = self.links.get(conn) else { continue };
            // Both ends know that the other is at this job: ours is told once it is stored, lines would come before it.
            if link.epoch != self.durable.job.epoch || link.told.0 != link.epoch {
                continue;
            }
            if self.out.work() >= until {
                self.put_off_spread(conn);
                self.unserved = true;
                break;
            }
            if !self.is_neighbour(link.id) {
                if let Some(link) = self.links.get_mut(conn) {
                    link.neighbour = false;
                    link.owed.clear();
                    self.spread.forget(link);
                }
                continue;
            }
            if self.must_compare(link) {
                self.compare(conn);
            }
            if !self.push_lines(conn, &mut batch, until) {
                self.put_off_spread(conn);
                self.unserved = true;
                break;
            }
        }
    }

    fn is_neighbour(&self, id: PeerId) -> bool {
        match self.settings.swarm.topology {
            Topology::Mesh => true,
            Topology::Star => self.election.is_master() || self.election.master() == Some(id),
            Topology::Ring => {
                // The next live id, around the corner if need be; and the one before, which has this node next.
                let (me, live) = (self.settings.id, self.links.live());
                let next =
                    live.range((Bound::Excluded(me), Bound::Unbounded)).next().or_else(|| live.first());
                let before = live.range(..me).next_back().or_else(|| live.last());
                next == Some(&id) || before == Some(&id)
            }
        }
    }

    /// Does this link get lines unasked? (On a ring only the next; the one before is for repair.)
    fn pushes_to(&self, id: PeerId) -> bool {
        if self.settings.swarm.topology != Topology::Ring {
            return true;
        }
        let (me, live) = (self.settings.id, self.links.live());
        live.range((Bound::Excluded(me), Bound::Unbounded)).next().or_else(|| live.first()) == Some(&id)
    }

    fn must_compare(&self, link: &Link) -> bool {
        let (since, wait) = link.repaired;
        // As often as it may: a peer could ask for nothing else.
        let rested = self.now >= since + REPAIR.0;
        let quiet = link.asked.is_empty() && link.owed.is_empty() && self.now >= since + wait;
        let differs = link.differed >= 2 && quiet;
        (!link.neighbour && (rested || !link.compared)) || (rested && (differs || link.in_vain))
    }

    /// Sends the bitmap of what is held; what came before needs no push then.
    fn compare(&mut self, conn: ConnId) {
        let (have, now) = (self.ledger.held().to_bytes(), self.now);
        self.out.charge(self.ledger.held().words() as u64);
        let end = self.ledger.arrivals().len();
        if let Some(link) = self.links.get_mut(conn) {
            if !link.neighbour {
                link.cursor = end;
                link.neighbour = true;
                if !link.theirs.is_empty() {
                    link.search.get_or_insert_default().at = 0;
                    self.spread.searching = true;
                }
            }
            (link.differed, link.in_vain, link.compared) = (0, false, true);
            link.repaired = (now, (link.repaired.1 * 2).clamp(REPAIR.0, REPAIR.1));
        }
        self.say(To::Conn(conn), &Message::Have(&have));
    }

    /// Fills the link's queue up to its bound, first with what was asked for. False: the turn's share is used up before.
    fn push_lines(&mut self, conn: ConnId, batch: &mut Batch, until: u64) -> bool {
        let Some(id) = self.links.get(conn).map(|link| link.id) else { return true };
        let unasked = self.pushes_to(id);
        let first_hand_only = self.settings.swarm.topology == Topology::Mesh && !self.relays_to(id);
        let most = limits::queue_bytes(self.links.len());
        let Some(link) = self.links.get_mut(conn) else { return true };
        let end = self.ledger.arrivals().len();
        if !unasked {
            link.cursor = end;
        }
        while link.queued < most && (link.cursor < end || !link.owed.is_empty()) {
            if self.out.work() >= until {
                return false;
            }
            let looked_at = batch.gather(link, &self.ledger, first_hand_only);
            let (count, lines) = (batch.numbers.len(), &batch.lines);
            self.out.charge(looked_at as u64 * LINE_WORK / 2 + lines.len() as u64 / 4);
            if count == 0 {
                continue;
            }
            let mut bytes = Vec::with_capacity((lines.len() + 16).next_power_of_two().max(BATCH_ROOM));
            peer::write_lines(&mut bytes, self.out.tick(), count, lines);
            link.queued += bytes.len();
            link.lines_sent += count as u64;
            self.out.push(Effect::Write { conn, bytes: Cow::Owned(bytes) });
        }
        true
    }

    /// Everything that peers still need from this node is handed to their connections.
    pub(super) fn is_all_pushed(&self) -> bool {
        let end = self.ledger.arrivals().len();
        self.links.iter().all(|(_, link)| {
            !link.neighbour || (link.queued == 0 && link.owed.is_empty() && link.cursor >= end)
        })
    }

    /// When [`Engine::turn_spread`] has something to do: at once, in a turn of its own, what this one did not come to.
    pub(super) fn spread_deadline(&self) -> Option<Moment> {
        self.ask_again_at.into_iter().chain(self.spread.more.then_some(self.now)).min()
    }
}

/// Lines for one link: those that it asked for, then new ones. Where all are linked to all, only what was drawn here is
/// new to others; and then the next link mostly lacks just the same ones.
#[derive(Debug, Default)]
struct Batch {
    numbers: Vec<LineNumber>,
    /// Them with their texts, as they are sent.
    lines: Vec<u8>,
    /// The part of the arrival log that they are of, and whether only first-hand ones were taken; none if the link lacked
    /// other lines than another would.
    of: Option<(usize, usize, bool)>,
}

/// Entries of the arrival log that are gone through for one batch, beside those that are in it.
const BATCH_LOOKED_AT: usize = 4096;

impl Batch {
    /// Returns how many lines were looked at.
    fn gather(&mut self, link: &mut Link, ledger: &Ledger, first_hand_only: bool) -> usize {
        match self.of {
            Some((from, to, only)) if (from, only) == (link.cursor, first_hand_only) && self.suits(link) => {
                link.cursor = to;
                self.numbers.iter().for_each(|number| {
                    link.theirs.insert(*number);
                });
                self.numbers.len() / 4
            }
            _ => self.gather_anew(link, ledger, first_hand_only),
        }
    }

    fn suits(&self, link: &Link) -> bool {
        link.owed.is_empty() && !self.numbers.iter().any(|number| link.theirs.contains(*number))
    }

    fn gather_anew(&mut self, link: &mut Link, ledger: &Ledger, first_hand_only: bool) -> usize {
        self.numbers.clear();
        self.lines.clear();
        self.lines.reserve(BATCH_ROOM);
        let (from, mut alike, mut looked_at) = (link.cursor, link.owed.is_empty(), 0);
        while self.lines.len() < limits::BATCH_BYTES && looked_at < BATCH_LOOKED_AT {
            looked_at += 1;
            let number = if let Some(number) = link.owed.pop() {
                number
            } else {
                let Some(&number) = ledger.arrivals().get(link.cursor) else { break };
                link.cursor += 1;
                if first_hand_only && !ledger.is_first_hand(number) {
                    continue;
                }
                if link.theirs.contains(number) {
                    alike = false;
                    continue;
                }
                number
            };
            let lines = &mut self.lines;
            if ledger.lines().get(number, |text| peer::write_line(lines, number, text)).is_some() {
                link.theirs.insert(number);
                self.numbers.push(number);
            }
        }
        self.of = alike.then_some((from, link.cursor, first_hand_only));
        looked_at
    }
}

#[cfg(test)]
mod tests;
