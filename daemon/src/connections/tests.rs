use super::*;
use crate::net::secure::Keys;
use mio::{Events, Poll};
use rustix::net::sockopt::set_socket_linger;
use std::{io::Write as _, net::TcpListener};

const FIRST: usize = 10;

/// Connections, the poll that they are in, and where their server listens.
struct Stage {
    poll: Poll,
    connections: Connections,
    listener: TcpListener,
}

impl Stage {
    fn new() -> Self {
        let poll = Poll::new().unwrap();
        let registry = poll.registry().try_clone().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let connections = Connections::new(registry, waker, Keys::new([7; 32], None).unwrap(), FIRST);
        Self { poll, connections, listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    /// Waits for what the poll has to tell.
    fn turn(&mut self) {
        let mut events = Events::with_capacity(8);
        self.poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
        assert!(!events.is_empty(), "nothing happened");
        events.iter().for_each(|event| self.connections.on_ready(event, Moment::ZERO));
        self.connections.settle(&mut Vec::new());
    }

    /// All news of one turn, the bytes as they came.
    fn news(&mut self) -> Vec<String> {
        let mut inbox = Inbox::new();
        self.connections.start_turn();
        core::iter::from_fn(|| {
            Some(match self.connections.next_news(&mut inbox)? {
                News::Bytes { .. } => String::from_utf8_lossy(inbox.bytes()).into_owned(),
                News::Opened { .. } => "opened".into(),
                News::Closed { .. } => "closed".into(),
                News::Refused { reason, .. } => reason.into(),
            })
        })
        .collect()
    }
}

#[test]
fn what_the_server_sent_before_it_reset_the_connection_is_read_though_writing_fails_first() {
    let mut stage = Stage::new();
    let (conn, name) = (ConnId::dialled(1), stage.listener.local_addr().unwrap().to_string());
    stage.connections.dial_server(conn, &name, None);
    let mut far = stage.listener.accept().unwrap().0;
    stage.turn();
    assert_eq!(stage.news(), ["opened"]);

    far.write_all(b"0\nze").unwrap();
    set_socket_linger(&far, Some(Duration::ZERO)).unwrap();
    drop(far);
    // Both have arrived, once the poll tells of the reset; but something is written before anything is read.
    while !stage.connections.entries[&conn].ending {
        stage.turn();
    }
    stage.connections.write(conn, b"SENDLINE\n");
    stage.connections.settle(&mut Vec::new());
    assert!(stage.connections.entries[&conn].failed.is_some() && stage.connections.is_busy());
    assert_eq!(stage.news(), ["0\nze"]);
    assert_eq!(stage.news(), ["closed"]);
    assert!(!stage.connections.is_busy());
}

#[test]
fn tokens_that_are_used_up_start_over_with_the_first_that_is_free() {
    let mut stage = Stage::new();
    let connections = &mut stage.connections;
    let mut enter = |conn: u64, next: usize| {
        connections.next_token = next;
        connections.enter(ConnId::dialled(conn), Purpose::Peer, "", Socket::Resolving).0
    };
    assert_eq!(enter(1, FIRST), FIRST);
    assert_eq!(enter(2, usize::MAX), usize::MAX);
    // What follows the last one is the first, and that is taken; of 32 bits too.
    assert_eq!(enter(3, usize::MAX), FIRST + 1);
    assert_eq!(enter(4, FIRST), FIRST + 2);
}

#[test]
fn a_name_that_a_peer_told_leads_to_this_machine_only_if_the_own_setting_does() {
    for (own, why) in [
        ("192.0.2.1:9801", "forbidden"),
        ("server.example:9801", "forbidden"),
        ("[2001:db8::1]:9801", "forbidden"),
        ("127.0.0.1:9801", "refused"),
        ("localhost:1", "refused"),
    ] {
        let mut stage = Stage::new();
        stage.connections.set_own_server(own);
        // Nobody listens there.
        let name = if own == "localhost:1" { own } else { "localhost:2" };
        stage.connections.dial_server(ConnId::dialled(1), name, None);
        let mut inbox = Inbox::new();
        let told = loop {
            stage.connections.on_resolved();
            match stage.connections.next_news(&mut inbox) {
                Some(News::Closed { why, .. }) => break why,
                Some(other) => panic!("{other:?}"),
                None if matches!(
                    stage.connections.entries[&ConnId::dialled(1)].socket,
                    Socket::Resolving
                ) =>
                {
                    std::thread::park_timeout(Duration::from_millis(2));
                }
                None => stage.turn(),
            }
        };
        assert!(told.contains(why), "{own}: {told}");
    }
}
