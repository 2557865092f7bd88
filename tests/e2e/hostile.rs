//! A hostile peer as a program: it has the swarm's key and a proper handshake, and then says what is well formed and
//! extreme. Daemon and operator are served meanwhile, its memory stays in proportion to the job, its job comes out right.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

/// The daemon's own seal, so that a peer with the key can be played.
#[allow(dead_code)]
#[path = "../../daemon/src/net/secure.rs"]
mod secure;

use lineswarm_proto::{
    engine::state::{Intent, Members, Outcome},
    ids::{JobId, LineNumber, PeerId, Term},
    limits,
    wire::peer::{self, Ask, Beat, Hello, Message, NewJob, Roster, Round},
};
use secure::{Keys, Link, Role};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::{Duration, Instant},
};
use support::{Daemon, Server, swarm, terminate, wait_until};

const LINES: u32 = 40;

/// One that has said hello, if it was let.
struct Hostile {
    stream: TcpStream,
    link: Link,
}

impl Hostile {
    fn come(daemon: &Daemon, rng: &mut fastrand::Rng) -> Self {
        let status = daemon.status();
        let listen: SocketAddr = status["listen"].as_str().unwrap().parse().unwrap();
        let mut stream = TcpStream::connect(listen).unwrap();
        stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let keys = Keys::new(std::array::from_fn(|_| rng.u8(..)), None).unwrap();
        let (mut said, mut text, mut came) = (Vec::new(), Vec::new(), [0; 512]);
        let mut link = Link::start(&keys, Role::Dialler, &mut said);
        while link.peer().is_none() {
            stream.write_all(&said).unwrap();
            said.clear();
            let count = stream.read(&mut came).unwrap();
            assert!(count > 0, "there is no key");
            link.receive(&came[..count], &mut text, &mut said).unwrap();
        }
        stream.write_all(&said).unwrap();
        let mut hostile = Self { stream, link };
        let hello = Hello {
            features: u64::MAX,
            name: "hostile".into(),
            job: job(daemon),
            server: status["job"]["server"].as_str().unwrap().into(),
            listen: None,
            term: Term(0),
            members: Members::default(),
            intent: None,
            outcome: None,
        };
        // It promises to be silent for long, so that it is not closed for that.
        hostile.say(&[Message::Hello(Box::new(hello)), beat(false)]);
        hostile
    }

    /// Says it, as far as the other end takes it. It may have hung up.
    fn say(&mut self, messages: &[Message<'_>]) {
        let mut bytes = Vec::new();
        messages.iter().for_each(|message| peer::write(&mut bytes, 1, message));
        self.say_bytes(&bytes);
    }

    fn say_bytes(&mut self, bytes: &[u8]) {
        let mut sealed = Vec::new();
        self.link.seal(bytes, &mut sealed).unwrap();
        let _ = self.stream.write_all(&sealed);
    }
}

fn job(daemon: &Daemon) -> JobId {
    let status = daemon.status();
    JobId {
        swarm: "default".into(),
        epoch: status["epoch"].as_u64().unwrap(),
        lines: LINES,
        label: status["job"]["server"].as_str().unwrap().into(),
    }
}

fn beat(done: bool) -> Message<'static> {
    Message::Beat(Beat {
        term: Term(0),
        master: None,
        held: u32::MAX,
        digest: 1,
        drawn: u64::MAX,
        rate: f32::MAX,
        interval_ms: u32::MAX,
        done,
        draws_from: Vec::new(),
    })
}

/// In KiB.
fn memory(daemon: &Daemon) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn done(directory: &Path, server: &Server) -> Daemon {
    let lines = LINES.to_string();
    let daemon = Daemon::start(directory, "victim", &["--server", &server.address, "--lines", &lines]);
    daemon.wait("submitted");
    daemon
}

#[test]
fn no_message_of_a_peer_holds_up_the_daemon_however_many_lines_it_names() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "40"]);
    let mut daemon = done(directory.path(), &server);
    let mut rng = fastrand::Rng::with_seed(1);
    let all = vec![255; limits::LINES as usize / 8];
    let some = &all[..500_000];
    for messages in [
        vec![Message::Want(some)],
        vec![Message::Want(&all); 3],
        vec![Message::Want(&[255; 5]); 5_000],
        vec![Message::Have(&all), Message::Have(&[]), Message::Want(&all)],
        vec![beat(false); 5_000],
        (1..5_000)
            .map(|term| Message::Ask(Ask { round: Round::PreVote, term: Term(term), priority: 1 }))
            .collect(),
        vec![Message::Recall(1); 2_000],
    ] {
        let mut hostile = Hostile::come(&daemon, &mut rng);
        hostile.say(&messages);
        let asked = Instant::now();
        assert_eq!(daemon.status()["state"], "submitted");
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    }
    let mut hostile = Hostile::come(&daemon, &mut rng);
    hostile.say(&vec![Message::Want(&all); 8]);
    let told = Instant::now();
    terminate(&daemon.child);
    assert!(daemon.child.wait().unwrap().success());
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
}

#[test]
fn eighty_links_cost_memory_by_the_job_and_not_by_the_protocol() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "40"]);
    let daemon = done(directory.path(), &server);
    let mut rng = fastrand::Rng::with_seed(2);
    let all = vec![255; limits::LINES as usize / 8];
    let before = memory(&daemon);
    for kind in 0..3 {
        let links: Vec<Hostile> = (0..80)
            .map(|_| {
                let mut hostile = Hostile::come(&daemon, &mut rng);
                match kind {
                    0 => hostile.say(&[Message::Have(&all)]),
                    1 => {
                        // A frame that is announced, and half of it.
                        let mut frame = Vec::new();
                        peer::write(&mut frame, 1, &Message::Want(&all));
                        hostile.say_bytes(&frame[..frame.len() / 2]);
                    }
                    // Nobody reads what is asked for.
                    _ => hostile.say(&vec![Message::Want(&[255; 5]); 500]),
                }
                hostile
            })
            .collect();
        if kind < 2 {
            wait_until("all are linked", || daemon.status()["peers"]["connected"] == 80);
        }
        // What was sent is read when a client is answered that came later.
        assert_eq!(daemon.status()["state"], "submitted");
        let grown = memory(&daemon).saturating_sub(before);
        println!("{kind}: {grown} KiB for 80 links");
        assert!(grown < 32 * 1024, "{grown} KiB more for 80 links, way {kind}");
        drop(links);
        wait_until("they are gone", || daemon.status()["peers"]["connected"] == 0);
    }
    assert_eq!(daemon.dump(), server.served());
}

/// Well formed and extreme, by the seed.
fn sayings(daemon: &Daemon, rng: &mut fastrand::Rng, bits: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let job = job(daemon);
    for _ in 0..rng.usize(1..200) {
        let term = Term(rng.u64(0..4));
        let number = LineNumber(*rng.choice(&[0, 1, 39, 40, u32::MAX]).unwrap());
        let intent = Intent { job: job.clone(), term, by: PeerId([9; 16]), sha256: [rng.u8(..); 32] };
        let message = match rng.u8(0..10) {
            0 => Message::Have(&bits[..rng.usize(..bits.len())]),
            1 => Message::Want(&bits[..rng.usize(..bits.len())]),
            2 => Message::Lines(vec![(number, b"not this".as_slice()); rng.usize(0..3)]),
            3 => beat(false),
            4 => Message::Ask(Ask { round: Round::PreVote, term, priority: i32::MIN }),
            5 => Message::Intent(intent),
            6 => Message::Outcome(Outcome { intent, right: false, reply: "no".into() }),
            7 => Message::Recall(rng.u32(..)),
            8 => Message::Roster(Roster {
                members: Members::default(),
                known: vec![(PeerId([rng.u8(..); 16]), "told".into(), ([127, 0, 0, 1], 1).into())],
            }),
            _ => Message::NewJob(NewJob { job: JobId { epoch: 0, ..job.clone() }, server: "h:1".into() }),
        };
        peer::write(&mut bytes, rng.u64(..), &message);
    }
    bytes
}

#[test]
fn a_swarm_with_hostile_peers_among_it_submits_the_right_file() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "20", "--lines", "40"]);
    let mut daemons = swarm(directory.path(), &server.address, 3, &["--lines", "40"]);
    let mut rng = fastrand::Rng::with_seed(3);
    let bits = vec![255; 1 << 20];
    for round in 0..12 {
        let daemon = &daemons[round % 3];
        let said = sayings(daemon, &mut rng, &bits);
        Hostile::come(daemon, &mut rng).say_bytes(&said);
    }
    for daemon in &daemons {
        daemon.wait("submitted");
        // A conflict that a hostile peer opened here ends with the next draw of that line.
        wait_until("no open conflict", || !daemon.status()["job"]["sha256"].is_null());
        assert_eq!(daemon.dump(), server.served());
        assert!(memory(daemon) < 64 * 1024, "{} KiB", memory(daemon));
        assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
        assert!(daemon.client().ask(json!({"cmd": "status"})).is_ok());
    }
    for daemon in &mut daemons {
        let told = Instant::now();
        assert!(daemon.end().success());
        assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
    }
}
