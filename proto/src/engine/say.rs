//! Saying: at once, or not before what it rests on is stored.
//!
//! Term, vote, members, INTENT and outcome are durable before they are said. A turn that changes one of them marks the
//! state dirty; what [`Engine::say_stored`] was given waits until the newest state is on disk, in order.

use crate::{
    engine::{
        Engine,
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
        if conns.is_empty() {
            return;
        }
        let mut bytes = Vec::new();
        let lamport = self.out.tick();
        peer::write(&mut bytes, lamport, message);
        for conn in conns {
            if let Some(link) = self.links.get_mut(conn) {
                // A peer that takes nothing gets no more heartbeats: they would only pile up.
                if matches!(message, Message::Beat(_)) && link.queued > limits::PEER_QUEUE_BYTES {
                    continue;
                }
                link.queued += bytes.len();
            }
            self.out.push(Effect::Write { conn, bytes: Cow::Owned(bytes.clone()) });
        }
    }

    /// Says it when the state as it is now is stored; at once if it is already.
    pub(super) fn say_stored(&mut self, to: To, message: Message<'static>) {
        self.sync_ballot();
        let rests_on = self.newest_ticket();
        if rests_on <= self.stored {
            self.say(to, &message);
        } else {
            self.deferred.push_back((rests_on, to, message));
        }
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

    /// The state up to `ticket` is on disk.
    pub(super) fn on_stored(&mut self, ticket: Ticket) {
        self.stored = self.stored.max(ticket);
        while self.deferred.front().is_some_and(|(rests_on, ..)| *rests_on <= self.stored) {
            let Some((_, to, message)) = self.deferred.pop_front() else { break };
            self.say(to, &message);
        }
        if self.ballot_ticket <= self.stored {
            let electorate = electorate!(self);
            self.election.on_ballot_stored(self.now, electorate);
        }
    }
}
