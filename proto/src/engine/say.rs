//! Saying: at once, or not before what it rests on is stored.
//!
//! Term, vote, members, INTENT and outcome are durable before they are said. A turn that changes one of them marks the
//! state dirty; what [`Engine::say_stored`] was given waits until the newest state is on disk, in order.

use crate::{
    bitmap::bytes_up_to,
    engine::{
        Engine, LAMPORT_BLOCK,
        io::{ConnId, Effect},
        state::Ticket,
    },
    ids::PeerId,
    limits,
    time::Moment,
    wire::peer::{self, ByeReason, Message},
};
use std::borrow::Cow;

/// To whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// One link, established or not.
    Conn(ConnId),
    /// One peer, if it is linked.
    Peer(PeerId),
    /// Every established link.
    All,
}

/// A message on a link, beside its bytes.
const SAY_WORK: u64 = 300;

impl Engine {
    /// What may be queued on one link: lines, as much again of other messages, one longest, and two bitmaps of the job.
    fn queue_bound(&self) -> usize {
        let bitmap = bytes_up_to(self.ledger.highest());
        2 * limits::queue_bytes(self.links.len()) + limits::MESSAGE_BYTES + 2 * bitmap
    }

    /// Ends links whose other end takes too little of what it is sent.
    pub(super) fn end_overfull(&mut self) {
        while let Some(conn) = self.overfull.pop_first() {
            if let Some(id) = self.links.get(conn).map(|link| link.id) {
                self.refuse(conn, id, ByeReason::TakesNothing);
            }
        }
    }

    /// Says it now.
    pub(super) fn say(&mut self, to: To, message: &Message<'_>) {
        let conns = match to {
            To::Conn(conn) => vec![conn],
            To::Peer(id) => self.links.conn_of(id).into_iter().collect(),
            To::All => self.links.established(),
        };
        // A Lamport time that is not reserved on disk might be said again in the next life. That concerns the moments
        // after the start and after a peer's much later time; what is dropped then is said again as after any loss.
        if conns.is_empty() || !self.has_reserved() {
            return;
        }
        let mut bytes = Vec::new();
        let lamport = self.out.tick();
        peer::write(&mut bytes, lamport, message);
        let most = self.queue_bound();
        self.out.charge(bytes.len() as u64);
        for conn in conns {
            self.out.charge(SAY_WORK + bytes.len() as u64 / 4);
            if let Some(link) = self.links.get_mut(conn) {
                // A peer that takes nothing gets no more heartbeats: they would only pile up.
                if to == To::All
                    && matches!(message, Message::Beat(_))
                    && link.queued > limits::PEER_QUEUE_BYTES
                {
                    continue;
                }
                link.queued += bytes.len();
                if link.queued > most {
                    self.overfull.insert(conn);
                }
                if let Message::NewJob(new) = message {
                    link.told = (new.job.epoch, new.job.lines);
                    self.unserved = true;
                }
            }
            self.out.push(Effect::Write { conn, bytes: Cow::Owned(bytes.clone()) });
        }
    }

    /// Says it when the state as it is now is stored; at once if it is already.
    pub(super) fn say_stored(&mut self, to: To, message: Message<'static>) {
        self.sync_ballot();
        let rests_on = self.newest_ticket();
        if rests_on <= self.stored && self.deferred.is_empty() && self.has_reserved() {
            self.say(to, &message);
        } else {
            let links = if to == To::All { self.links.len() as u64 } else { 1 };
            self.out.charge(links * SAY_WORK);
            if to == To::All && matches!(message, Message::Outcome(_)) {
                // What is known now says more than what was known then.
                self.deferred
                    .retain(|(_, to, before)| *to != To::All || !matches!(before, Message::Outcome(_)));
            }
            self.deferred.push_back((rests_on, to, message));
        }
    }

    /// A new job begins: of what waits to be said, nothing tells of the old one's submit any more. The disk forgets it too.
    pub(super) fn unsay_submit(&mut self) {
        self.deferred.retain_mut(|(_, _, message)| match message {
            Message::Intent(_) | Message::Ack(_) | Message::Outcome(_) => false,
            Message::Beat(beat) => {
                beat.done = false;
                true
            }
            Message::Vote(vote) => {
                (vote.intent, vote.outcome) = (None, None);
                true
            }
            _ => true,
        });
    }

    /// The ticket under which the state as it is now is, or will be, stored.
    pub(super) fn newest_ticket(&self) -> Ticket {
        Ticket(self.issued.0 + u64::from(self.dirty))
    }

    /// Asks for the state to be stored, if it changed.
    pub(super) fn store_if_dirty(&mut self) {
        if self.dirty {
            self.issued = self.newest_ticket();
            self.dirty = false;
            let mut state = Box::new(self.durable.clone());
            state.fit();
            self.out.push(Effect::Store { ticket: self.issued, state });
        }
    }

    /// Makes sure that the disk reserves more Lamport times than will be used soon.
    pub(super) fn reserve_lamport(&mut self) {
        if self.out.lamport() + LAMPORT_BLOCK / 4 > self.durable.lamport_reserved {
            self.durable.lamport_reserved = self.out.lamport().saturating_add(LAMPORT_BLOCK);
            self.dirty = true;
            (self.reserved.1, self.reserved.2) = (self.newest_ticket(), self.durable.lamport_reserved);
        }
    }

    /// The next Lamport times are reserved on disk.
    pub(super) fn has_reserved(&self) -> bool {
        self.out.lamport() < self.reserved.0
    }

    /// The state up to `ticket` is on disk.
    pub(super) fn on_stored(&mut self, ticket: Ticket) {
        self.stored = self.stored.max(ticket);
        if self.reserved.1 <= self.stored {
            self.reserved.0 = self.reserved.2;
        }
        self.say_deferred();
        if self.ballot_ticket <= self.stored {
            let electorate = electorate!(self);
            self.election.on_ballot_stored(self.now, electorate);
        }
    }

    /// Says what waited for the disk and need not any more; what is too much for one turn, in the next.
    pub(super) fn say_deferred(&mut self) {
        while self.is_deferral_over() && self.out.work() < limits::READ_WORK {
            let Some((_, to, message)) = self.deferred.pop_front() else { break };
            self.say(to, &message);
        }
    }

    fn is_deferral_over(&self) -> bool {
        self.has_reserved() && self.deferred.front().is_some_and(|(on, ..)| *on <= self.stored)
    }

    /// When [`Engine::say_deferred`] has something to do: at once, in a turn of its own.
    pub(super) fn deferred_deadline(&self) -> Option<Moment> {
        self.is_deferral_over().then_some(self.now)
    }
}
