//! Where effects gather until the shell takes them, and where Lamport time and the newest events live.
//!
//! It counts the work of a turn too: whatever grows with what peers send, or with how many there are, is charged in units of
//! about a nanosecond. What is over a turn's share waits for the next one ([`limits::READ_WORK`]); the simulator looks
//! that no turn costs more than [`limits::TURN_WORK`].

use crate::{
    engine::{
        event::Event,
        io::{ConnId, Effect, Stamped},
        noted::Noted,
    },
    limits,
    recent::Recent,
    time::Moment,
};
use std::{collections::VecDeque, net::IpAddr};

/// The effects of this turn, in order.
#[derive(Debug)]
pub struct Outbox {
    effects: VecDeque<Effect>,
    dialled: u64,
    lamport: u64,
    recent: Recent<Noted>,
    now: Moment,
    work: u64,
}

/// An event: it is kept, described, logged and counted.
const NOTE_WORK: u64 = 2_000;

impl Outbox {
    /// An outbox whose Lamport time starts at `lamport`, and whose events are numbered from `last_event` on.
    #[must_use]
    pub fn new(lamport: u64, last_event: u64) -> Self {
        Self {
            effects: VecDeque::new(),
            dialled: 0,
            lamport,
            recent: Recent::after(last_event, limits::EVENTS),
            now: Moment::default(),
            work: 0,
        }
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
        self.charge(NOTE_WORK);
        let lamport = self.tick();
        let stamped = Stamped { lamport, event };
        self.recent.push(|seq| Noted { seq, at: self.now, stamped: stamped.clone() });
        self.push(Effect::Note(stamped));
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

    /// A turn begins: what is noted from here on happens now.
    pub fn begin_turn(&mut self, now: Moment) {
        self.now = now;
        self.work = 0;
    }

    /// So much was done.
    pub fn charge(&mut self, work: u64) {
        self.work = self.work.saturating_add(work);
    }

    /// What this turn cost so far.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.work
    }

    /// The newest events.
    #[must_use]
    pub fn recent(&self) -> &Recent<Noted> {
        &self.recent
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
        let mut out = Outbox::new(7, 0);
        out.witness(u64::MAX);
        assert_eq!((out.lamport(), out.tick()), (limits::LAMPORT, limits::LAMPORT + 1));
    }
}
