//! Peers that are turned away: each is counted, and told of once a minute and source, so that nobody who holds the
//! swarm's key can fill the log, the events or the memory.

use crate::{
    engine::{
        Engine,
        event::Event,
        io::{ConnId, Effect},
        say::To,
    },
    ids::PeerId,
    time::Moment,
    wire::peer::{Bye, ByeReason, Message},
};
use core::time::Duration;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

const QUIET: Duration = Duration::from_secs(60);
/// Sources that were told of are remembered up to this number; beyond it the oldest may be told of again.
const SOURCES: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Refused {
    told: BTreeMap<IpAddr, Moment>,
    counts: BTreeMap<&'static str, u64>,
}

impl Refused {
    /// Counts one; true if it is to be told of.
    fn count(&mut self, source: IpAddr, reason: &'static str, now: Moment) -> bool {
        *self.counts.entry(reason).or_default() += 1;
        let source = source.to_canonical();
        if self.told.get(&source).is_some_and(|last| now < *last + QUIET) {
            return false;
        }
        if self.told.len() >= SOURCES {
            let oldest = self.told.iter().min_by_key(|(_, at)| **at).map(|(&source, _)| source);
            oldest.and_then(|oldest| self.told.remove(&oldest));
        }
        self.told.insert(source, now);
        true
    }
}

impl Engine {
    /// Says why, and closes.
    pub(super) fn refuse(&mut self, conn: ConnId, id: PeerId, reason: ByeReason) {
        self.refuse_because(conn, id, reason, reason.text());
    }

    /// The same, and our log says more than the peer is told.
    pub(super) fn refuse_because(&mut self, conn: ConnId, id: PeerId, reason: ByeReason, why: &str) {
        let from = self.links.get(conn).map(|link| link.remote);
        self.turn_away(conn, (id, from), reason, why);
    }

    /// `from` is where the link comes from, if that is known.
    pub(super) fn turn_away(
        &mut self,
        conn: ConnId,
        (id, from): (PeerId, Option<SocketAddr>),
        reason: ByeReason,
        why: &str,
    ) {
        let bye = Bye { reason: reason as u8, text: reason.text().into() };
        self.say(To::Conn(conn), &Message::Bye(bye));
        self.out.push(Effect::Close { conn });
        if matches!(reason, ByeReason::OtherSwarm | ByeReason::OtherFile) {
            self.on_stranger(id);
        }
        if !matches!(reason, ByeReason::SecondLink | ByeReason::GoingDown | ByeReason::Leaving) {
            self.links.put_off(id, reason.text(), reason != ByeReason::Silent, self.now);
            if let Some(known) = self.links.acquaintance(id) {
                known.problem = Some(reason.text().into());
            }
            if let (true, Some(from)) = (reason != ByeReason::Oneself, from) {
                self.note_refused(id, from, reason.name(), why);
            }
        }
        self.unlink(conn, reason.text());
    }

    /// One of two would not have the other.
    pub(super) fn note_refused(&mut self, id: PeerId, from: SocketAddr, reason: &'static str, why: &str) {
        if self.refused.count(from.ip(), reason, self.now) {
            self.out.note(Event::PeerRefused { peer: id, address: from.to_string(), why: why.into() });
        }
    }

    /// How many peers were turned away, or turned this node away, by reason.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.refused.counts.iter().map(|(&reason, &count)| (reason, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_each_source_is_told_of_once_a_minute() {
        let mut refused = Refused::default();
        let ip = |n: u16| IpAddr::from([10, 0, n.to_be_bytes()[0], n.to_be_bytes()[1]]);
        let told = (0..1000).filter(|ms| refused.count(ip(1), "broken", Moment(ms * 1000))).count();
        assert_eq!(told, 1);
        assert!(refused.count(ip(2), "full", Moment(5)));
        assert!(refused.count(ip(1), "broken", Moment(60_000_000)));
        assert_eq!(refused.counts.into_iter().collect::<Vec<_>>(), [("broken", 1001), ("full", 1)]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "thousands of sources: minutes")]
    fn many_sources_cost_no_more_memory() {
        let mut refused = Refused::default();
        for n in 0..5000_u16 {
            let ip = IpAddr::from([10, 0, n.to_be_bytes()[0], n.to_be_bytes()[1]]);
            assert!(refused.count(ip, "broken", Moment(u64::from(n))));
        }
        assert_eq!(refused.told.len(), SOURCES);
    }
}
