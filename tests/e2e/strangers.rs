//! Who comes to the peer port and means no good: 100,000 random frames without the swarm's key and with it, and a
//! thousand connections that say nothing. Nothing of the job changes, everybody is counted, the log and the memory do
//! not grow with them, and peers and operators are served meanwhile.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

/// The daemon's own seal, so that a stranger with the key can be played.
#[allow(dead_code)]
#[path = "../../daemon/src/net/secure.rs"]
mod secure;

use lineswarm_proto::wire::frame;
use secure::{Keys, Link, Role};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::{Duration, Instant},
};
use support::{Daemon, Server, wait_until};

const KEY: &[u8] = b"a key of thirty-two bytes or so.";
const FRAMES: usize = 100_000;

/// A daemon with a key that has done its job, and what must not change.
struct Victim {
    daemon: Daemon,
    listen: SocketAddr,
    key: String,
    _server: Server,
}

impl Victim {
    fn start(directory: &Path) -> Self {
        let server = Server::start(directory, &["--rate", "0", "--lines", "50"]);
        let path = directory.join("key");
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        file.write_all(KEY).unwrap();
        let key = path.to_str().unwrap().to_owned();
        let args = ["--server", &server.address, "--lines", "50", "--key-file", &key];
        let daemon = Daemon::start(directory, "victim", &args);
        let status = daemon.wait("submitted");
        let listen = status["listen"].as_str().unwrap().parse().unwrap();
        Self { daemon, listen, key, _server: server }
    }

    /// Lines, peers, master and term; and the events, but for what was refused.
    fn essence(&self) -> Value {
        let mut client = self.daemon.client();
        let status = client.ask(json!({"cmd": "status"})).unwrap();
        let mut events = Vec::new();
        let keep = |part: &Value| events.extend(part["events"].as_array().unwrap().iter().cloned());
        client.ask_parts(json!({"cmd": "events"}), keep).unwrap();
        events.retain(|event| event["what"] != "peer-refused");
        // Reckoned at each reading, from the clock as it is then: some microseconds differ.
        events.iter_mut().for_each(|event| drop(event.as_object_mut().unwrap().remove("time")));
        json!({
            "job": [&status["job"]["have"], &status["job"]["sha256"], &status["job"]["conflicts"]],
            "state": status["state"], "peers": status["peers"], "submit": status["submit"],
            "list": client.ask(json!({"cmd": "peers"})).unwrap(),
            "master": client.ask(json!({"cmd": "master"})).unwrap(),
            "events": events,
        })
    }

    fn refused(&self) -> u64 {
        let stats = self.daemon.client().ask(json!({"cmd": "stats"})).unwrap();
        let stats = stats.as_object().unwrap().clone();
        let refused = stats.iter().filter(|(name, _)| name.starts_with("refused."));
        refused.map(|(_, count)| count.as_u64().unwrap()).sum()
    }

    /// In KiB.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.daemon.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Lets `connections` strangers come, each with its share of the frames; `visit` sends them from this address.
    fn endure(&self, connections: usize, mut visit: impl FnMut(&mut fastrand::Rng, TcpStream, usize)) {
        let (before, refused) = (self.essence(), self.refused());
        let (began, mut rng) = (Instant::now(), fastrand::Rng::with_seed(7));
        let mut flat = 0;
        for one in 0..connections {
            visit(&mut rng, connect(self.listen, one % 4), FRAMES / connections);
            if one == connections / 10 {
                flat = self.memory();
            }
        }
        wait_until("all are refused", || self.refused() >= refused + connections as u64);
        assert_eq!(self.essence(), before);
        let grown = self.memory().saturating_sub(flat);
        assert!(grown < 1024, "{grown} KiB more after {connections} strangers than after a tenth of them");
        let log = self.daemon.log();
        let told = log.lines().filter(|line| line.contains("-refused")).count() as u64;
        let minutes = began.elapsed().as_secs() / 60 + 1;
        assert!(
            (1..=4 * minutes).contains(&told),
            "{told} lines about 4 sources in {minutes} minutes:\n{log}"
        );
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// From the n-th address of this test's own.
fn connect(to: SocketAddr, n: usize) -> TcpStream {
    let from = SocketAddr::new(IpAddr::from([127, 0, 9, u8::try_from(n + 1).unwrap()]), 0);
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&from.into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn noise(rng: &mut fastrand::Rng, most: usize) -> Vec<u8> {
    (0..rng.usize(0..=most)).map(|_| rng.u8(..)).collect()
}

/// Sends what the other end takes, and reads until it hangs up. (It may hang up before it has read all.)
fn say_and_leave(mut stream: TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn random_frames_without_the_key_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let victim = Victim::start(directory.path());
    victim.endure(2000, |rng, stream, frames| {
        let mut bytes = match rng.u8(0..8) {
            0 => noise(rng, 8),
            1 => b"LSWM\0\x02\0\0".to_vec(),
            _ => b"LSWM\0\x01\0\0".to_vec(),
        };
        for _ in 0..frames {
            let frame = noise(rng, 100);
            // Now and then the length is another one.
            let length = if rng.u8(0..8) == 0 { rng.u16(..) } else { frame.len() as u16 };
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&frame);
        }
        // Otherwise the daemon would wait for the rest of the last frame, for as long as a handshake may take.
        stream.set_nodelay(true).unwrap();
        let _ = stream.try_clone().unwrap().write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        say_and_leave(stream, &[]);
    });
}

#[test]
fn random_frames_with_the_key_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let victim = Victim::start(directory.path());
    victim.endure(1000, |rng, mut stream, frames| {
        // A new identity each time.
        let keys = Keys::new(std::array::from_fn(|_| rng.u8(..)), Some(KEY)).unwrap();
        let (mut said, mut text, mut came) = (Vec::new(), Vec::new(), [0; 512]);
        let mut link = Link::start(&keys, Role::Dialler, &mut said);
        while link.peer().is_none() {
            stream.write_all(&said).unwrap();
            said.clear();
            let count = stream.read(&mut came).unwrap();
            assert!(count > 0, "the key is right");
            link.receive(&came[..count], &mut text, &mut said).unwrap();
        }
        let mut bytes = Vec::new();
        for _ in 0..frames {
            let (number, lamport, body) = (rng.u8(0..20), rng.u64(..), noise(rng, 100));
            frame::write(&mut bytes, number, lamport, |out| out.extend_from_slice(&body));
            if rng.u8(0..8) == 0 {
                bytes.extend_from_slice(&noise(rng, 20));
            }
        }
        link.seal(&bytes, &mut said).unwrap();
        say_and_leave(stream, &said);
    });
}

#[test]
fn a_thousand_half_open_connections_hold_up_neither_operators_nor_peers() {
    let directory = tempfile::tempdir().unwrap();
    let victim = Victim::start(directory.path());
    // Of 16 sources, some after a proper beginning.
    let half_open: Vec<_> = (0..1000)
        .map(|n| {
            let mut stream = connect(victim.listen, n % 16);
            if n % 2 == 0 {
                let _ = stream.write_all(b"LSWM\0\x01\0\0");
            }
            stream
        })
        .collect();
    let mut client = victim.daemon.client();
    let mut times: Vec<Duration> = (0..201)
        .map(|_| {
            let asked = Instant::now();
            client.ask(json!({"cmd": "status"})).unwrap();
            asked.elapsed()
        })
        .collect();
    times.sort_unstable();
    // `cargo bench --bench links` has the real bound; this machine may be busy.
    assert!(times[100] < Duration::from_millis(250), "{:?}", times[100]);
    let listen = victim.listen.to_string();
    let args = ["--autostart", "false", "--lines", "50", "--key-file", &victim.key, "--peer", &listen];
    let args = [&args[..], &["--server", &victim._server.address]].concat();
    let peer = Daemon::start(directory.path(), "peer", &args);
    peer.wait("peers=1");
    victim.daemon.wait("peers=1");
    drop(half_open);
}
