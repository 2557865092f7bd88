//! Both ends of a link on real sockets, in one poll.

use std::io::{Read, Write};
use std::time::Duration;

use lineswarm_proto::limits::CONN_QUEUE_BYTES;
use mio::net::TcpStream;
use mio::{Events, Poll};

use super::*;
use crate::net::dial::{Dial, Progress};
use crate::net::listen::{Incoming, Listener};

fn keys(private: u8, key_file: &[u8]) -> Keys {
    Keys::new([private; 32], Some(key_file)).unwrap()
}

const DIALLER: usize = 0;
const LISTENER: usize = 1;

/// What became of one end.
#[derive(Default)]
struct End {
    link: Option<PeerLink>,
    text: Vec<u8>,
    opened: Option<PeerId>,
    end: Option<LinkEnd>,
    turns: usize,
}

struct Pair {
    poll: Poll,
    ends: [End; 2],
}

impl Pair {
    fn new(dialler: &Keys, listener: &Keys) -> Self {
        let mut poll = Poll::new().unwrap();
        let mut events = Events::with_capacity(8);
        let mut socket = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.register(poll.registry(), Token(LISTENER)).unwrap();
        let to = socket.local_addr().unwrap();
        let (mut incoming, mut connected) = (Vec::new(), None);
        let mut dialling = Some(Dial::start(to, None, poll.registry(), Token(DIALLER)).unwrap());
        while connected.is_none() || incoming.is_empty() {
            poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            assert!(!events.is_empty());
            socket.accept_turn(|_| true, &mut incoming);
            match dialling.take().map(|dial| dial.progress(CONN_QUEUE_BYTES).unwrap()) {
                Some(Progress::Connected(conn)) => connected = Some(conn),
                Some(Progress::Pending(dial)) => dialling = Some(dial),
                None => {}
            }
        }
        let Some(Incoming::Admitted(stream, _)) = incoming.pop() else { panic!("the dialler is connected") };
        let accepted = Conn::tcp(stream, CONN_QUEUE_BYTES).unwrap();
        let links = [(connected.unwrap(), dialler, Role::Dialler), (accepted, listener, Role::Listener)];
        let mut token = 0;
        let ends = links.map(|(conn, keys, role)| {
            let mut link = PeerLink::start(conn, keys, role).unwrap();
            link.settle(poll.registry(), Token(token)).unwrap();
            token += 1;
            End { link: Some(link), ..End::default() }
        });
        Self { poll, ends }
    }

    /// Turns of an event loop until `done`: reads what came, comes back where more is, drops links that end.
    fn run_until(&mut self, done: impl Fn(&[End; 2]) -> bool) {
        let mut events = Events::with_capacity(8);
        let mut again = [false; 2];
        let mut buf = [0; 4096];
        while !done(&self.ends) {
            let wait = if again.contains(&true) { Duration::ZERO } else { Duration::from_secs(20) };
            self.poll.poll(&mut events, Some(wait)).unwrap();
            assert!(!events.is_empty() || again.contains(&true), "nothing happens any more");
            let mut ready = std::mem::take(&mut again);
            events.iter().for_each(|event| ready[event.token().0] = true);
            for (at, end) in self.ends.iter_mut().enumerate().filter(|(at, _)| ready[*at]) {
                let Some(link) = &mut end.link else { continue };
                let mut turn = link.read_turn(&mut buf, &mut end.text);
                end.turns += 1;
                again[at] = turn.more;
                end.opened = end.opened.or(turn.opened);
                if turn.end.is_none() {
                    turn.end = link.settle(self.poll.registry(), Token(at)).err();
                }
                if turn.end.is_some() {
                    end.end = turn.end;
                    end.link = None;
                }
            }
        }
    }

    fn send(&mut self, from: usize, text: &[u8]) -> Result<(), LinkEnd> {
        let link = self.ends[from].link.as_mut().unwrap();
        link.send(text)?;
        link.settle(self.poll.registry(), Token(from))
    }
}

fn reason(end: &End) -> Option<&'static str> {
    end.end.as_ref().map(LinkEnd::reason)
}

#[test]
fn two_peers_prove_themselves_and_pass_more_than_the_sockets_hold() {
    let (dialler, listener) = (keys(1, b"key"), keys(2, b"key"));
    let mut pair = Pair::new(&dialler, &listener);
    pair.run_until(|ends| ends.iter().all(|end| end.opened.is_some()));
    assert_eq!(pair.ends[DIALLER].opened, Some(listener.id()));
    assert_eq!(pair.ends[LISTENER].opened, Some(dialler.id()));
    assert_eq!(pair.ends[LISTENER].link.as_ref().unwrap().peer(), Some(dialler.id()));
    let text: Vec<u8> = (0..4_000_000_u32).map(|n| (n % 253) as u8).collect();
    pair.send(DIALLER, &text).unwrap();
    pair.send(LISTENER, &text).unwrap();
    pair.run_until(|ends| ends.iter().all(|end| end.text.len() >= text.len()));
    assert!(pair.ends.iter().all(|end| end.text == text));
    assert!(
        pair.ends.iter().all(|end| end.turns > text.len() / (PEER_TURN_BYTES + 1)),
        "in turns of a budget"
    );
    assert!(pair.ends.iter().all(|end| end.link.as_ref().unwrap().queued() == 0));
    pair.ends[DIALLER].link = None;
    pair.run_until(|ends| ends[LISTENER].end.is_some());
    assert_eq!(reason(&pair.ends[LISTENER]), Some("closed"));
}

#[test]
fn with_another_key_each_side_learns_what_it_may() {
    let mut pair = Pair::new(&keys(1, b"key"), &keys(2, b"another key"));
    pair.run_until(|ends| ends.iter().all(|end| end.end.is_some()));
    assert_eq!(reason(&pair.ends[LISTENER]), Some("wrong-key"));
    assert_eq!(reason(&pair.ends[DIALLER]), Some("closed-in-handshake"));
}

/// The near end of a connection whose far end is a plain socket.
fn against_a_socket(role: Role) -> (PeerLink, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let far = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let near = listener.accept().unwrap().0;
    near.set_nonblocking(true).unwrap();
    let conn = Conn::tcp(TcpStream::from_std(near), CONN_QUEUE_BYTES).unwrap();
    (PeerLink::start(conn, &keys(1, b"key"), role).unwrap(), far)
}

/// Waits until the poll says that something came, and reads it.
fn turn_of(link: &mut PeerLink, poll: &mut Poll) -> Turn {
    link.settle(poll.registry(), Token(0)).unwrap();
    let mut events = Events::with_capacity(4);
    poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
    assert!(!events.is_empty());
    link.read_turn(&mut [0; 100], &mut Vec::new())
}

#[test]
fn another_version_reads_ours_before_the_close() {
    let (mut link, mut far) = against_a_socket(Role::Listener);
    far.write_all(b"LSWM\0\x07\0\0").unwrap();
    let turn = turn_of(&mut link, &mut Poll::new().unwrap());
    let error = LinkError::Version { theirs: 7, ours: 1 };
    assert!(matches!(turn.end, Some(LinkEnd::Failed(found)) if found == error));
    drop(link);
    let mut heard = Vec::new();
    far.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"LSWM\0\x01\0\0");
}

#[test]
fn a_reset_during_the_handshake_means_what_a_close_means() {
    let (mut link, far) = against_a_socket(Role::Dialler);
    let far = socket2::Socket::from(far);
    far.set_linger(Some(Duration::ZERO)).unwrap();
    let mut poll = Poll::new().unwrap();
    link.settle(poll.registry(), Token(0)).unwrap();
    drop(far);
    let turn = turn_of(&mut link, &mut poll);
    assert!(matches!(turn.end, Some(LinkEnd::Failed(LinkError::ClosedEarly))));
}

#[test]
fn a_peer_that_reads_nothing_fills_its_queue_and_no_more() {
    let mut pair = Pair::new(&keys(1, b"key"), &keys(2, b"key"));
    pair.run_until(|ends| ends.iter().all(|end| end.opened.is_some()));
    let text = vec![0; 1 << 20];
    let end = (0..64).find_map(|_| pair.send(DIALLER, &text).err());
    assert!(matches!(end, Some(LinkEnd::QueueFull(_))));
    assert!(pair.ends[DIALLER].link.as_ref().unwrap().queued() <= CONN_QUEUE_BYTES);
}
