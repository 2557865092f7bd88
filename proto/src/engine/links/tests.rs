use super::*;
use crate::{
    engine::{event::Event, io::Effect, outbox::Outbox},
    limits,
};

fn at(ms: u64) -> Moment {
    Moment(ms * 1000)
}

fn address(n: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], n))
}

struct Table {
    links: Links,
    out: Outbox,
}

impl Table {
    fn new() -> Self {
        Self { links: Links::new(7), out: Outbox::new(0, 0) }
    }

    fn found(&mut self, n: u16, ms: u64) {
        self.links.on_found(address(n), "multicast:eth0", at(ms), &mut self.out);
    }

    /// What is dialled, and what is given up, at this time.
    fn turn(&mut self, ms: u64) -> (Vec<ConnId>, Vec<ConnId>) {
        self.links.dial_due(at(ms), ROOM, &Members::default(), &mut self.out);
        let (mut dialled, mut closed) = (Vec::new(), Vec::new());
        while let Some(effect) = self.out.pop() {
            match effect {
                Effect::DialPeer { conn, .. } => dialled.push(conn),
                Effect::Close { conn } => closed.push(conn),
                other => panic!("{other:?}"),
            }
        }
        (dialled, closed)
    }

    fn dial(&mut self, ms: u64) -> ConnId {
        let (dialled, closed) = self.turn(ms);
        assert_eq!((dialled.len(), closed.len()), (1, 0));
        dialled[0]
    }

    fn idle(&mut self, ms: u64) {
        assert_eq!(self.turn(ms), (vec![], vec![]), "at {ms} ms");
    }

    fn link(&mut self, conn: ConnId, id: PeerId, ms: u64) {
        self.links.on_dialled(conn, id, at(ms));
        self.links.open(conn, Link::new(id, address(1), at(ms)));
    }
}

const BOB: PeerId = PeerId([2; 16]);
const ROOM: Room = Room { any: 8, members: 8 };

#[test]
fn a_found_address_is_dialled_at_once_and_a_sign_of_life_ends_the_wait_after_a_failure() {
    let mut table = Table::new();
    table.found(1, 0);
    let conn = table.dial(0);
    table.links.on_dial_failed(conn, "refused", at(1000));
    let mut last = at(1000);
    for _ in 0..8 {
        last = table.links.dial_deadline(ROOM, &Members::default()).unwrap();
        table.links.dial_due(last, ROOM, &Members::default(), &mut table.out);
        let Some(Effect::DialPeer { conn, .. }) = table.out.pop() else { panic!("no dial") };
        table.links.on_dial_failed(conn, "refused", last);
    }
    let ms = last.0 / 1000 + 700;
    assert!(
        table.links.dial_deadline(ROOM, &Members::default()).unwrap() > at(ms + 5000),
        "it waits longer and longer"
    );
    table.found(1, ms);
    table.dial(ms);
}

#[test]
fn a_sign_of_life_cuts_a_dial_into_the_dark_short_but_only_once() {
    let mut table = Table::new();
    table.found(1, 0);
    let dark = table.dial(0);
    table.found(1, 300);
    table.idle(300);
    assert_eq!(table.links.dial_deadline(ROOM, &Members::default()), Some(at(500)));
    let (dialled, closed) = table.turn(500);
    assert_eq!((dialled.len(), closed), (1, vec![dark]));
    table.found(1, 1100);
    table.idle(1100);
    assert_eq!(
        table.links.dial_deadline(ROOM, &Members::default()),
        Some(at(8500)),
        "the new dial has all its time"
    );
}

#[test]
fn an_address_that_is_oneself_is_never_dialled_again_however_often_it_is_found() {
    let mut table = Table::new();
    table.found(1, 0);
    let conn = table.dial(0);
    let (address, _) = table.links.on_dialled(conn, PeerId([1; 16]), at(10)).unwrap();
    table.links.never_dial(&address);
    for ms in 1..100 {
        table.found(1, ms * 10_000);
        table.idle(ms * 10_000);
    }
    assert_eq!(table.links.dial_deadline(ROOM, &Members::default()), None);
}

#[test]
fn a_link_without_a_hello_yet_is_not_dialled_a_second_time() {
    let mut table = Table::new();
    table.found(1, 0);
    let conn = table.dial(0);
    table.link(conn, BOB, 10);
    table.found(1, 700);
    table.idle(700);
    assert_eq!(table.links.dial_deadline(ROOM, &Members::default()), None);
}

#[test]
fn a_peer_that_does_not_fit_is_dialled_less_and_less_though_it_answers_each_time() {
    let mut table = Table::new();
    table.found(1, 0);
    let (mut ms, mut last) = (0, 0);
    for _ in 0..8 {
        let conn = table.dial(ms);
        table.link(conn, BOB, ms);
        table.links.put_off(BOB, "another file", true, at(ms));
        table.links.close(conn);
        table.found(1, ms);
        last = ms;
        ms = table.links.dial_deadline(ROOM, &Members::default()).unwrap().0 / 1000 + 1;
    }
    assert!(ms - last >= 2500, "{} ms", ms - last);
}

#[test]
fn what_is_no_longer_found_goes_but_not_while_a_peer_is_linked_there() {
    let mut table = Table::new();
    table.found(1, 0);
    let conn = table.dial(0);
    table.link(conn, BOB, 10);
    table.links.establish(conn);
    let day = 24 * 3_600_000;
    table.idle(day);
    assert_eq!(table.links.contacts().len(), 1);
    table.links.close(conn);
    let conn = table.dial(day + 1);
    table.links.on_dial_failed(conn, "refused", at(day + 1));
    table.links.dial_due(at(day + 20 * 60_000), ROOM, &Members::default(), &mut table.out);
    assert!(table.links.contacts().is_empty());
}

#[test]
fn an_address_is_kept_for_a_while_after_the_last_word_of_the_peer_that_was_linked_there() {
    let mut table = Table::new();
    table.found(1, 0);
    let conn = table.dial(0);
    table.link(conn, BOB, 10);
    table.links.establish(conn);
    table.idle(20);
    // Nothing changes for a day, so nothing is looked at, but the peer goes on talking.
    let day = 24 * 3_600_000;
    table.links.get_mut(conn).unwrap().heard = at(day);
    table.links.close(conn);
    table.dial(day + 1);
}

#[test]
fn found_addresses_are_bounded_and_leave_room_for_configured_ones() {
    let mut table = Table::new();
    for n in 0..limits::FOUND + 50 {
        table.found(n as u16 + 1, 0);
    }
    let told: Vec<_> = core::iter::from_fn(|| table.out.pop()).collect();
    assert!(matches!(&told[..], [Effect::Note(note)] if matches!(note.event, Event::BoundReached { .. })));
    assert_eq!(table.links.contacts().len(), limits::FOUND);
    assert!(table.links.add_contact("peer.example:9900", CONFIGURED, None, at(0)));
}

#[test]
fn nothing_is_due_while_all_dials_allowed_are_under_way() {
    let mut table = Table::new();
    for n in 0..20 {
        table.found(n + 1, 0);
    }
    assert_eq!(table.turn(0).0.len(), 8);
    assert_eq!(table.links.dial_deadline(ROOM, &Members::default()), Some(at(8000)));
}

#[test]
fn how_a_peer_was_found_is_discovery_rather_than_that_it_came_first() {
    let mut table = Table::new();
    table.links.remember(BOB).found = "accepted".into();
    assert_eq!(table.links.found(BOB), "accepted");
    table.links.add_contact(&address(1).to_string(), "accepted", Some(BOB), at(0));
    table.found(1, 5);
    assert_eq!(table.links.found(BOB), "multicast:eth0");
    table.links.add_contact(&address(1).to_string(), CONFIGURED, None, at(9));
    assert_eq!(table.links.found(BOB), CONFIGURED);
}

#[test]
fn a_peer_that_listens_on_all_addresses_listens_where_its_link_comes_from() {
    let listener = |remote: &str, told: &str| {
        let link = Link::new(BOB, remote.parse().unwrap(), at(0));
        link.listener(told.parse().unwrap()).to_string()
    };
    assert_eq!(listener("10.0.0.1:33000", "0.0.0.0:9900"), "10.0.0.1:9900");
    assert_eq!(listener("[::ffff:10.0.0.1]:33000", "[::]:9900"), "10.0.0.1:9900");
    assert_eq!(listener("[fe80::1%4]:33000", "[::]:9900"), "[fe80::1%4]:9900");
    assert_eq!(listener("10.0.0.1:33000", "192.0.2.7:9900"), "192.0.2.7:9900");
    assert!(is_link_local(&"[fe80::1%4]:9900".parse().unwrap()) && !is_link_local(&address(1)));
}

#[test]
#[cfg_attr(miri, ignore = "thousands of acquaintances: minutes")]
fn of_too_many_acquaintances_those_with_a_link_are_kept() {
    let mut table = Table::new();
    let first = PeerId([0; 16]);
    table.links.open(ConnId::accepted(1), Link::new(first, address(1), at(0)));
    table.links.remember(first).name = "linked".into();
    for n in 0..5_000_u16 {
        table.links.remember(PeerId(core::array::from_fn(|at| [1, (n >> 8) as u8, n as u8][at % 3])));
    }
    assert_eq!(table.links.known().len(), limits::MEMBERS);
    assert_eq!(table.links.name(first), "linked");
}

#[test]
fn an_announced_address_that_never_answers_as_a_peer_is_dialled_ever_less_often() {
    let mut table = Table::new();
    let mut dials = Vec::new();
    // Announced four times a second for ten minutes, and every handshake fails at once.
    for ms in (0..600_000).step_by(250) {
        table.found(1, ms);
        let (dialled, _) = table.turn(ms);
        for conn in dialled {
            table.links.on_dial_failed(conn, "closed during the handshake", at(ms));
            dials.push(ms);
        }
    }
    assert!((12..=30).contains(&dials.len()), "{dials:?}");
    let last = &dials[dials.len() - 2..];
    assert!((25_000..=60_500).contains(&(last[1] - last[0])), "{dials:?}");
}

#[test]
fn an_address_where_a_peer_was_linked_once_is_dialled_at_each_sign_of_life() {
    let mut table = Table::new();
    table.found(1, 0);
    let conn = table.dial(0);
    table.link(conn, BOB, 0);
    table.links.close(conn);
    for ms in (10_000..200_000).step_by(10_000) {
        table.found(1, ms);
        let conn = table.dial(ms);
        table.links.on_dial_failed(conn, "timed out", at(ms + 5000));
    }
}
