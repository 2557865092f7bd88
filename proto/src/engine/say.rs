//! Saying: at once, or not before what it rests on is stored.
//!
//! Term, vote, members, INTENT and outcome are durable before they are said. A turn that changes one of them marks the
//! state dirty; what [`Engine::say_stored`] was given waits until the newest state is on disk, in order.

use crate::{
    engine::{
        Engine, LAMPORT_BLOCK,
        io::{ConnId, Effect},
        state::Ticket,
    },
    ids::PeerId,
    limits,
    wire::peer::{self, Message},
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

impl Engine {
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
        for conn in conns {
            if let Some(link) = self.links.get_mut(conn) {
                // A peer that takes nothing gets no more heartbeats: they would only pile up.
                if to == To::All
                    && matches!(message, Message::Beat(_))
                    && link.queued > limits::PEER_QUEUE_BYTES
                {
                    continue;
                }
                link.queued += bytes.len();
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
            let state = Box::new(self.durable.clone());
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
        while self.has_reserved() && self.deferred.front().is_some_and(|(on, ..)| *on <= self.stored) {
            let Some((_, to, message)) = self.deferred.pop_front() else { break };
            self.say(to, &message);
        }
        if self.ballot_ticket <= self.stored {
            let electorate = electorate!(self);
            self.election.on_ballot_stored(self.now, electorate);
        }
    }
}
