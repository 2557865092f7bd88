//! Where effects gather until the shell takes them, and where Lamport time lives.

use crate::{
    engine::{
        event::Event,
        io::{ConnId, Effect, Stamped},
    },
    limits,
};
use std::{collections::VecDeque, net::IpAddr};

/// The effects of this turn, in order.
#[derive(Debug, Default)]
pub struct Outbox {
    effects: VecDeque<Effect>,
    dialled: u64,
    lamport: u64,
}

impl Outbox {
    /// An outbox whose Lamport time starts at `lamport`.
    #[must_use]
    pub fn new(lamport: u64) -> Self {
        Self { lamport, ..Self::default() }
    }

    /// Adds an effect.
    pub fn push(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    /// Takes the oldest effect.
    pub fn pop(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Nothing waits to be taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    /// Something happened.
    pub fn note(&mut self, event: Event) {
        let lamport = self.tick();
        self.push(Effect::Note(Stamped { lamport, event }));
    }

    /// The time of something that happens now.
    pub fn tick(&mut self) -> u64 {
        self.lamport = self.lamport.saturating_add(1);
        self.lamport
    }

    /// A message came that was sent at `lamport`. No peer can use up the times of all.
    pub fn witness(&mut self, lamport: u64) {
        self.lamport = self.lamport.max(lamport.min(limits::LAMPORT));
    }

    /// The last time given out.
    #[must_use]
    pub fn lamport(&self) -> u64 {
        self.lamport
    }

    /// Dials the line server.
    pub fn dial_server(&mut self, address: &str, source: Option<IpAddr>) -> ConnId {
        let conn = self.next_conn();
        self.push(Effect::DialServer { conn, address: address.into(), source });
        conn
    }

    /// Dials a peer.
    pub fn dial_peer(&mut self, address: &str) -> ConnId {
        let conn = self.next_conn();
        self.push(Effect::DialPeer { conn, address: address.into() });
        conn
    }

    fn next_conn(&mut self) -> ConnId {
        self.dialled += 1;
        ConnId::dialled(self.dialled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_at_the_end_of_time_does_not_take_ours_there() {
        let mut out = Outbox::new(7);
        out.witness(u64::MAX);
        assert_eq!((out.lamport(), out.tick()), (limits::LAMPORT, limits::LAMPORT + 1));
    }
}
