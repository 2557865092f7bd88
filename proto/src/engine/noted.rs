//! A node's events as they are kept, with a number, a time and a Lamport time each: what `events` shows, and what peers
//! ask for. Lamport times grow with the numbers.

use crate::{
    engine::io::Stamped,
    limits,
    recent::Recent,
    time::Moment,
    wire::{control, peer::Past},
};

/// An event, and when it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    /// Its number.
    pub seq: u64,
    /// By this node's clock.
    pub at: Moment,
    /// What happened, and its Lamport time.
    pub stamped: Stamped,
}

impl Noted {
    /// As clients see it; `node` is this node's name.
    #[must_use]
    pub fn record(&self, node: &str) -> control::Event {
        self.stamped.record(self.seq, self.at, node)
    }

    /// As peers are told of it.
    #[must_use]
    pub fn past(&self) -> Past {
        let Stamped { lamport, event } = &self.stamped;
        let (level, what, fields) = event.describe();
        Past {
            seq: self.seq,
            lamport: *lamport,
            at_ms: self.at.0 / 1000,
            level,
            what: what.into(),
            fields: fields.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        }
    }
}

/// The newest for a peer, oldest first; as many as a message may have.
pub(super) fn newest(recent: &Recent<Noted>) -> Vec<Past> {
    let mut left = limits::RECALL_BYTES;
    let fitting = recent.since(0).rev().map(Noted::past).map_while(|past| {
        left = left.checked_sub(past.text_bytes())?;
        Some(past)
    });
    let mut newest: Vec<_> = fitting.collect();
    newest.reverse();
    newest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::Event;

    fn noted(count: u64, event: &Event) -> Recent<Noted> {
        let mut recent = Recent::new(limits::EVENTS);
        for lamport in 1..=count {
            let stamped = Stamped { lamport, event: event.clone() };
            recent.push(|seq| Noted { seq, at: Moment(lamport * 1_000_000), stamped });
        }
        recent
    }

    #[test]
    fn a_record_has_the_number_the_times_and_the_level() {
        let most = u64::try_from(limits::EVENTS).unwrap();
        let recent = noted(most + 10, &Event::Paused);
        let last = recent.since(most + 10).next().unwrap().record("lab1/alice");
        assert_eq!(
            (last.seq, last.lamport, last.node.as_str(), last.level.as_str(), last.what.as_str()),
            (most + 10, most + 10, "lab1/alice", "info", "paused")
        );
        assert!((last.t - (most + 10) as f64).abs() < 1e-9);
    }

    #[test]
    fn a_peer_is_told_the_newest_that_fit_into_a_message() {
        let recent = noted(10, &Event::Failed { why: "x".repeat(limits::RECALL_BYTES / 3) });
        let seqs: Vec<u64> = newest(&recent).iter().map(|past| past.seq).collect();
        assert_eq!(seqs, [9, 10]);
        assert_eq!(newest(&noted(5000, &Event::Paused)).len(), limits::EVENTS);
    }
}
