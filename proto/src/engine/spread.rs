//! Spreading lines: new ones are pushed to the neighbours, batched once a turn; what is missing after a join, a
//! reconnect or a partition is found by comparing bitmaps and asked for once.
//!
//! The arrival log is the queue of every link: a link has a cursor into it and a bound on unsent bytes, so a slow peer
//! costs neither memory nor others' time. A line crosses a link once, in either direction, unless a `Want` asks again.

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

impl Engine {
    /// Lines came from a peer.
    pub(super) fn on_lines(&mut self, conn: ConnId, from: PeerId, lines: &[(LineNumber, &[u8])]) {
        // After a submit that the server called wrong, only what is drawn here counts.
        let lines = if self.reopened { &[] } else { lines };
        for &(number, text) in lines {
            let arrival = self.ledger.heard(number, text, from);
            let Some(link) = self.links.get_mut(conn) else { return };
            link.lines_received += 1;
            let asked = link.asked.remove(number);
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
                Arrival::Conflict => self.out.note(Event::Conflict { number, peer: from }),
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

    /// A peer told what it holds.
    pub(super) fn on_have(&mut self, conn: ConnId, bitmap: Bitmap) {
        if let Some(link) = self.links.get_mut(conn) {
            let mut in_vain = link.asked.clone();
            in_vain.subtract(&bitmap);
            link.asked.subtract(&in_vain);
            link.theirs = bitmap;
        }
        self.unserved = true;
        self.want_missing();
    }

    /// A peer asks for lines. One that is not held (any more) is answered with what is.
    pub(super) fn on_want(&mut self, conn: ConnId, bitmap: Bitmap) {
        let mut in_vain = bitmap.clone();
        in_vain.subtract(self.ledger.held());
        if let Some(link) = self.links.get_mut(conn) {
            link.theirs.subtract(&bitmap);
            link.owed.unite(&bitmap);
            link.repaired.1 = Duration::ZERO;
        }
        self.unserved = true;
        if !in_vain.is_empty() {
            self.compare(conn);
        }
    }

    /// Asks for every line that some neighbour holds and that nobody was asked for yet.
    pub(super) fn want_missing(&mut self) {
        if self.reopened {
            return;
        }
        let mut asked = Bitmap::default();
        for (_, link) in self.links.iter_mut() {
            if !link.asked.is_empty() && self.now >= link.asked_at + ASK_AGAIN {
                // It may not have them any more; its next bitmap will tell.
                link.theirs.subtract(&link.asked);
                link.asked.clear();
            }
            asked.unite(&link.asked);
        }
        let mut wants = Vec::new();
        for (conn, link) in self.links.iter_mut().filter(|(_, link)| link.neighbour) {
            let mut want = link.theirs.clone();
            want.subtract(self.ledger.held());
            want.subtract(&asked);
            if !want.is_empty() {
                asked.unite(&want);
                link.asked.unite(&want);
                link.asked_at = self.now;
                self.ask_again_at.get_or_insert(self.now + ASK_AGAIN);
                wants.push((conn, want.to_bytes()));
            }
        }
        for (conn, want) in wants {
            self.say(To::Conn(conn), &Message::Want(&want));
        }
    }

    /// Once a turn: new neighbours are greeted with a bitmap, every neighbour gets its new lines.
    pub(super) fn turn_spread(&mut self) {
        if self.ask_again_at.is_some_and(|at| self.now >= at) {
            self.want_missing();
        }
        if self.has_reserved() {
            self.serve_neighbours();
        }
        if self.ask_again_at.is_some() {
            let asked = self.links.iter().filter(|(_, link)| !link.asked.is_empty());
            self.ask_again_at = asked.map(|(_, link)| link.asked_at + ASK_AGAIN).min();
        }
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
            mesh && link.neighbour && link.cursor == end && link.owed.is_empty() && link.differed < 2
        };
        let due = self.links.iter().filter(|(_, link)| link.established && !idle(link));
        let due: Vec<ConnId> = due.map(|(conn, _)| conn).collect();
        let mut batch = Batch::default();
        for conn in due {
            let Some(link) = self.links.get(conn) else { continue };
            // Both ends know that the other is at this job: ours is told once it is stored, lines would come before it.
            if link.epoch != self.durable.job.epoch || link.told.0 != link.epoch {
                continue;
            }
            if !self.is_neighbour(link.id) {
                if let Some(link) = self.links.get_mut(conn) {
                    link.neighbour = false;
                    link.asked.clear();
                    link.owed.clear();
                }
                continue;
            }
            if self.must_compare(link) {
                self.compare(conn);
            }
            self.push_lines(conn, &mut batch);
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
        let quiet = link.asked.is_empty() && link.owed.is_empty() && self.now >= since + wait;
        !link.neighbour || (link.differed >= 2 && quiet)
    }

    /// Sends the bitmap of what is held; what came before needs no push then.
    fn compare(&mut self, conn: ConnId) {
        let (have, now) = (self.ledger.held().to_bytes(), self.now);
        let end = self.ledger.arrivals().len();
        let mut told_before = false;
        if let Some(link) = self.links.get_mut(conn) {
            if !link.neighbour {
                link.cursor = end;
                link.neighbour = true;
                told_before = !link.theirs.is_empty();
            }
            link.differed = 0;
            link.repaired = (now, (link.repaired.1 * 2).clamp(REPAIR.0, REPAIR.1));
        }
        self.say(To::Conn(conn), &Message::Have(&have));
        if told_before {
            self.want_missing();
        }
    }

    /// Fills the link's queue up to its bound, first with what was asked for.
    fn push_lines(&mut self, conn: ConnId, batch: &mut Batch) {
        let Some(id) = self.links.get(conn).map(|link| link.id) else { return };
        let unasked = self.pushes_to(id);
        let first_hand_only = self.settings.swarm.topology == Topology::Mesh && !self.relays_to(id);
        let Some(link) = self.links.get_mut(conn) else { return };
        let end = self.ledger.arrivals().len();
        if !unasked {
            link.cursor = end;
        }
        while link.queued < limits::PEER_QUEUE_BYTES && (link.cursor < end || !link.owed.is_empty()) {
            batch.gather(link, &self.ledger, first_hand_only);
            let (count, lines) = (batch.numbers.len(), &batch.lines);
            if count == 0 {
                continue;
            }
            let mut bytes = Vec::with_capacity((lines.len() + 16).next_power_of_two().max(BATCH_ROOM));
            peer::write_lines(&mut bytes, self.out.tick(), count, lines);
            link.queued += bytes.len();
            link.lines_sent += count as u64;
            self.out.push(Effect::Write { conn, bytes: Cow::Owned(bytes) });
        }
    }

    /// Everything that peers still need from this node is handed to their connections.
    pub(super) fn is_all_pushed(&self) -> bool {
        let end = self.ledger.arrivals().len();
        self.links.iter().all(|(_, link)| {
            !link.neighbour || (link.queued == 0 && link.owed.is_empty() && link.cursor >= end)
        })
    }

    /// When [`Engine::turn_spread`] has something to do.
    pub(super) fn spread_deadline(&self) -> Option<Moment> {
        self.ask_again_at
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

impl Batch {
    fn gather(&mut self, link: &mut Link, ledger: &Ledger, first_hand_only: bool) {
        match self.of {
            Some((from, to, only)) if (from, only) == (link.cursor, first_hand_only) && self.suits(link) => {
                link.cursor = to;
                self.numbers.iter().for_each(|number| {
                    link.theirs.insert(*number);
                });
            }
            _ => self.gather_anew(link, ledger, first_hand_only),
        }
    }

    fn suits(&self, link: &Link) -> bool {
        link.owed.is_empty() && !self.numbers.iter().any(|number| link.theirs.contains(*number))
    }

    fn gather_anew(&mut self, link: &mut Link, ledger: &Ledger, first_hand_only: bool) {
        self.numbers.clear();
        self.lines.clear();
        self.lines.reserve(BATCH_ROOM);
        let (from, mut alike) = (link.cursor, link.owed.is_empty());
        while self.lines.len() < limits::BATCH_BYTES {
            let number = if let Some(number) = link.owed.first() {
                link.owed.remove(number);
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
    }
}

#[cfg(test)]
mod tests;
