//! `make bench-links`: what one sealed link carries between two threads over TCP on loopback, with the daemon's own
//! connection, seal and codec; and how long `status` takes while a thousand half-open connections sit at the peer port.
//!
//! Each figure is the best of three, so that other programs count as little as may be. Beside the wall clock stands what
//! the processor time of the busier thread alone would allow: on a machine with two free cores the two are equal.
//! `--strict` exits with 1 if a bar is missed by the wall clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "links/net.rs"]
mod net;
#[path = "../e2e/support/mod.rs"]
mod support;

use lineswarm_proto::{
    ids::LineNumber,
    limits::{BATCH_BYTES, CONN_QUEUE_BYTES, PEER_QUEUE_BYTES, TURN_BYTES},
    wire::{
        frame::FrameReader,
        peer::{self, Message},
    },
};
use mio::{Events, Poll, Token, net::TcpStream};
use net::{conn::Conn, peer_link::PeerLink, secure::Keys, secure::Role};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    process::ExitCode,
    time::{Duration, Instant},
};
use support::{Daemon, Server};

const KEY: Option<&[u8]> = Some(b"swarm key");
const MESSAGE_BYTES: usize = 32 * 1024;
const MESSAGES: usize = 16 * 1024;
const LINES: usize = 4_000_000;
const LINE_BYTES: usize = 80;
const RUNS: usize = 3;
const HALF_OPEN: usize = 1000;
const CALLS: usize = 501;

/// One end of a link, with a poll of its own.
struct End {
    poll: Poll,
    events: Events,
    link: PeerLink,
    scratch: Vec<u8>,
    text: Vec<u8>,
}

impl End {
    fn new(stream: std::net::TcpStream, role: Role) -> Self {
        stream.set_nonblocking(true).unwrap();
        let keys = Keys::new([if role == Role::Dialler { 1 } else { 2 }; 32], KEY).unwrap();
        let conn = Conn::tcp(TcpStream::from_std(stream), CONN_QUEUE_BYTES).unwrap();
        let link = PeerLink::start(conn, &keys, role).unwrap();
        let mut end = Self {
            poll: Poll::new().unwrap(),
            events: Events::with_capacity(16),
            link,
            scratch: vec![0; TURN_BYTES],
            text: Vec::new(),
        };
        end.link.settle(end.poll.registry(), Token(0)).unwrap();
        while end.link.peer().is_none() {
            end.read();
        }
        end
    }

    fn wait(&mut self) {
        self.poll.poll(&mut self.events, Some(Duration::from_secs(20))).unwrap();
        assert!(!self.events.is_empty(), "the other end goes on");
    }

    /// What came in one turn is in `text`; false at the end, when nothing came.
    fn read(&mut self) -> bool {
        self.text.clear();
        let turn = self.link.read_turn(&mut self.scratch, &mut self.text);
        if turn.end.is_some() {
            return !self.text.is_empty();
        }
        self.link.settle(self.poll.registry(), Token(0)).unwrap();
        if !turn.more && turn.opened.is_none() && self.text.is_empty() {
            self.wait();
        }
        true
    }

    /// As the daemon does: queue up to the core's bound, send, wait.
    fn send(&mut self, message: &[u8]) {
        self.link.send(message).unwrap();
        self.link.settle(self.poll.registry(), Token(0)).unwrap();
        while self.link.queued() > PEER_QUEUE_BYTES {
            self.wait();
            self.link.settle(self.poll.registry(), Token(0)).unwrap();
        }
    }

    fn finish(mut self) {
        while self.link.queued() > 0 {
            self.wait();
            self.link.settle(self.poll.registry(), Token(0)).unwrap();
        }
        self.link.conn().stream().shutdown(std::net::Shutdown::Write).unwrap();
    }
}

fn processor() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Seconds by the clock, and of the busier thread's processor: the least of some runs each.
fn between_two_threads(send: impl Fn(&mut End) + Sync, receive: impl Fn(&mut End) + Sync) -> (f64, f64) {
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..RUNS {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let mut end = End::new(std::net::TcpStream::connect(address).unwrap(), Role::Dialler);
                let began = processor();
                send(&mut end);
                end.finish();
                processor() - began
            });
            let mut end = End::new(listener.accept().unwrap().0, Role::Listener);
            let (began, clock) = (processor(), Instant::now());
            receive(&mut end);
            let (wall, busy) = (clock.elapsed().as_secs_f64(), processor() - began);
            let busier = busy.max(sender.join().unwrap());
            best = (best.0.min(wall), best.1.min(busier));
        });
    }
    best
}

fn throughput() -> (f64, f64) {
    let message = vec![b'x'; MESSAGE_BYTES];
    between_two_threads(
        |end| (0..MESSAGES).for_each(|_| end.send(&message)),
        |end| {
            // The first of it may have come with the end of the handshake.
            let mut left = MESSAGES * MESSAGE_BYTES - end.text.len();
            while left > 0 {
                assert!(end.read());
                left -= end.text.len();
            }
        },
    )
}

/// As the core makes batches and reads them.
fn lines() -> (f64, f64) {
    let text = [b'x'; LINE_BYTES];
    between_two_threads(
        |end| {
            let (mut batch, mut bytes, mut sent) = (Vec::new(), Vec::new(), 0);
            while sent < LINES {
                let mut count = 0;
                while batch.len() < BATCH_BYTES && sent < LINES {
                    peer::write_line(&mut batch, LineNumber(sent as u32), &text);
                    (count, sent) = (count + 1, sent + 1);
                }
                peer::write_lines(&mut bytes, sent as u64, count, &batch);
                end.send(&bytes);
                batch.clear();
                bytes.clear();
            }
        },
        |end| {
            let (mut reader, mut next) = (FrameReader::default(), 0);
            while next < LINES {
                assert!(!end.text.is_empty() || end.read());
                let mut input = end.text.as_slice();
                while let Some(frame) = reader.next(&mut input).unwrap() {
                    let Ok(Message::Lines(lines)) = Message::read(frame) else { panic!("lines") };
                    for (number, text) in lines {
                        assert!(number.0 as usize == next && text.len() == LINE_BYTES);
                        next += 1;
                    }
                }
                end.text.clear();
            }
        },
    )
}

/// The median of `status`, in ms, with so many half-open connections of 16 sources at the peer port.
fn status_ms(half_open: usize) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "1000"]);
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address]);
    let status = daemon.wait("submitted");
    let listen: SocketAddr = status["listen"].as_str().unwrap().parse().unwrap();
    let crowd: Vec<_> = (0..half_open)
        .map(|n| {
            let from = SocketAddr::new(IpAddr::from([127, 0, 9, u8::try_from(n % 16 + 1).unwrap()]), 0);
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.bind(&from.into()).unwrap();
            socket.connect(&listen.into()).unwrap();
            socket
        })
        .collect();
    let mut client = daemon.client();
    let mut times: Vec<_> = (0..CALLS)
        .map(|_| {
            let asked = Instant::now();
            client.ask(json!({"cmd": "status"})).unwrap();
            asked.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    drop(crowd);
    times.sort_unstable_by(f64::total_cmp);
    times[CALLS / 2]
}

fn main() -> ExitCode {
    let strict = std::env::args().any(|argument| argument == "--strict");
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load {}", load.split(' ').next().unwrap_or("unknown"));
    let mut missed = false;
    let mut tell = |what: &str, unit: &str, amount: f64, (wall, busy): (f64, f64), bar: f64| {
        let (by_clock, by_processor) = (amount / wall, amount / busy);
        println!("{what:30} {by_clock:>12.0} {unit:8} by processor {by_processor:>12.0}   bar {bar}");
        missed |= by_clock < bar;
    };
    let megabytes = (MESSAGES * MESSAGE_BYTES) as f64 / 1e6;
    tell("one link, messages of 32 KiB", "MB/s", megabytes, throughput(), 100.0);
    tell("one link, lines of 80 bytes", "lines/s", LINES as f64, lines(), 500_000.0);
    let (calm, crowded) = (status_ms(0), status_ms(HALF_OPEN));
    println!("status, median: {calm:.3} ms; with {HALF_OPEN} half-open connections {crowded:.3} ms   bar 10");
    missed |= crowded > 10.0;
    ExitCode::from(u8::from(strict && missed))
}
