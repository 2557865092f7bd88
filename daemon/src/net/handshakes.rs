//! The connections that have not yet proven who they are: how many there may be, and until when.
//!
//! It closes nothing itself: it names the connection that must go. All have the same time, so the oldest is always
//! the next to expire. Invariant: never more than `most` in all and `most_per_source` from one source, so that a flood
//! from one source ends its own connections and not others'.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use lineswarm_proto::limits::{HANDSHAKE_MS, HANDSHAKES, HANDSHAKES_PER_SOURCE};
use lineswarm_proto::time::Moment;

/// `K` is what the caller knows a connection by.
#[derive(Debug)]
pub(crate) struct Handshakes<K> {
    waiting: VecDeque<Waiting<K>>,
    most: usize,
    most_per_source: usize,
}

#[derive(Debug)]
struct Waiting<K> {
    key: K,
    source: IpAddr,
    deadline: Moment,
}

impl<K: Copy + PartialEq> Handshakes<K> {
    /// For connections that others make to us.
    pub(crate) fn incoming() -> Self {
        Self::new(HANDSHAKES, HANDSHAKES_PER_SOURCE)
    }

    /// For those we make: only the whole is bounded, many peers may live at one address.
    pub(crate) fn outgoing() -> Self {
        Self::new(HANDSHAKES, HANDSHAKES)
    }

    fn new(most: usize, most_per_source: usize) -> Self {
        Self { waiting: VecDeque::new(), most, most_per_source }
    }

    /// Notes one more. Returns the one that has to be closed for it: the oldest of the same source if that has
    /// its fill, else the oldest of all if the table is full.
    #[must_use = "the returned connection is no longer watched and must be closed"]
    pub(crate) fn admit(&mut self, key: K, from: IpAddr, now: Moment) -> Option<K> {
        let source = source_of(from);
        let mut same = self.waiting.iter().enumerate().filter(|(_, one)| one.source == source);
        let oldest_of_source = same.next().map(|(at, _)| at);
        let evicted = match oldest_of_source {
            Some(at) if 1 + same.count() >= self.most_per_source => self.waiting.remove(at),
            _ if self.waiting.len() >= self.most => self.waiting.pop_front(),
            _ => None,
        };
        let deadline = now + Duration::from_millis(HANDSHAKE_MS);
        self.waiting.push_back(Waiting { key, source, deadline });
        evicted.map(|one| one.key)
    }

    /// The handshake is complete, or the connection is gone. Harmless for one that is not there.
    pub(crate) fn end(&mut self, key: K) {
        self.waiting.retain(|one| one.key != key);
    }

    /// When the oldest expires.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.waiting.front().map(|one| one.deadline)
    }

    /// Takes out one whose time is over, to be closed. To be asked until `None`.
    #[must_use = "the returned connection is no longer watched and must be closed"]
    pub(crate) fn next_expired(&mut self, now: Moment) -> Option<K> {
        self.waiting.front().filter(|one| one.deadline <= now)?;
        self.waiting.pop_front().map(|one| one.key)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.waiting.len()
    }
}

/// Whoever has one IPv6 address has its whole /64.
fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const NOW: Moment = Moment(1_000_000);

    #[test]
    fn a_flood_from_one_source_ends_its_own_connections() {
        let mut handshakes = Handshakes::new(8, 3);
        assert_eq!(handshakes.admit(0, ip("127.0.0.1"), NOW), None);
        let evicted: Vec<_> = (1..=6).map(|key| handshakes.admit(key, ip("127.0.0.2"), NOW)).collect();
        assert_eq!(evicted, [None, None, None, Some(1), Some(2), Some(3)]);
        assert_eq!(handshakes.len(), 4);
    }

    #[test]
    fn a_full_table_lets_the_oldest_go() {
        let mut handshakes = Handshakes::new(3, 2);
        let evicted: Vec<_> =
            (0..5_u8).map(|n| handshakes.admit(n, IpAddr::from([127, 0, 0, n]), NOW)).collect();
        assert_eq!(evicted, [None, None, None, Some(0), Some(1)]);
        handshakes.end(3);
        handshakes.end(3);
        assert_eq!(handshakes.admit(9, ip("127.0.0.9"), NOW), None);
    }

    #[test]
    fn an_ipv6_network_and_a_mapped_ipv4_address_are_one_source() {
        assert_eq!(source_of(ip("2001:db8::1")), source_of(ip("2001:db8::ffff:1")));
        assert_ne!(source_of(ip("2001:db8::1")), source_of(ip("2001:db8:0:1::1")));
        assert_eq!(source_of(ip("::ffff:127.0.0.1")), ip("127.0.0.1"));
    }

    #[test]
    fn those_whose_time_is_over_are_named_once_and_in_order() {
        let mut handshakes = Handshakes::incoming();
        let time = Duration::from_millis(HANDSHAKE_MS);
        assert_eq!(handshakes.admit('a', ip("127.0.0.1"), NOW), None);
        assert_eq!(handshakes.admit('b', ip("127.0.0.1"), NOW + Duration::from_secs(1)), None);
        assert_eq!(handshakes.deadline(), Some(NOW + time));
        assert_eq!(handshakes.next_expired(Moment(NOW.0) + time - Duration::from_micros(1)), None);
        assert_eq!(handshakes.next_expired(NOW + time), Some('a'));
        assert_eq!(handshakes.next_expired(NOW + time), None);
        handshakes.end('b');
        assert_eq!(handshakes.deadline(), None);
    }
}
