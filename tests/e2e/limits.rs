//! What a flood, loiterers and endless jobs cost a daemon: bounded memory and descriptors, and it answers afterwards.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use socket2::{Domain, SockAddr, Socket, Type};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
};
use support::{Client, Daemon, PATIENCE, Server, wait_until};

/// As many descriptors as this test may have.
fn many_descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let now = getrlimit(Resource::Nofile).current.unwrap_or(1 << 20);
    usize::try_from(now).unwrap()
}

/// A line of /proc/<pid>/status, in KiB.
fn kib(daemon: &Daemon, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn descriptors(daemon: &Daemon) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", daemon.child.id())).unwrap().count()
}

fn peaked_below(daemon: &Daemon, mib: u64) {
    let peak = kib(daemon, "VmHWM:");
    println!("peak {peak} KiB, {} descriptors", descriptors(daemon));
    assert!(peak < mib * 1024, "{peak} KiB at the peak");
}

fn lonely(directory: &Path) -> Daemon {
    let daemon = Daemon::start(directory, "one", &["--autostart", "false"]);
    // From then on the files of the store are open.
    daemon.client().ask(json!({"cmd": "save"})).unwrap();
    daemon
}

/// Another daemon can still link with it.
fn takes_a_peer(directory: &Path, daemon: &Daemon) {
    let listen = daemon.status()["listen"].as_str().unwrap().to_owned();
    let other = Daemon::start(directory, "other", &["--autostart", "false", "--peer", &listen]);
    other.wait("peers=1");
    daemon.wait("peers=1");
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}

/// From one of many addresses, so that not only the bound for one source is met.
fn connect(to: SocketAddr, from: usize) -> Option<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let own = SocketAddr::from(([127, 0, 1, u8::try_from(from % 200).unwrap() + 1], 0));
    socket.bind(&SockAddr::from(own)).ok()?;
    socket.connect_timeout(&SockAddr::from(to), PATIENCE).ok()?;
    Some(socket.into())
}

#[test]
fn ten_thousand_peers_that_are_none_cost_little_and_lock_nobody_out() {
    // This end's descriptors and, at worst, as many in flight.
    let held = 10_000.min(many_descriptors().saturating_sub(200));
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let listen: SocketAddr = daemon.status()["listen"].as_str().unwrap().parse().unwrap();
    let mut streams = std::collections::VecDeque::new();
    let mut most = 0;
    for n in 0..10_000 {
        if let Some(mut stream) = connect(listen, n) {
            let says = [&b""[..], b"LSWM\0\x01\0\0", b"GET / HTTP/1.1\r\n\r\n", b"LSWM\0\x01\0\0\x01\xff"];
            let _ = stream.write(says[n % 4]);
            streams.push_back(stream);
        }
        if streams.len() > held {
            streams.pop_front();
        }
        if n % 500 == 0 {
            most = most.max(descriptors(&daemon));
            assert_eq!(daemon.status()["state"], "idle");
        }
    }
    assert!(most < 256 + 100, "{most} descriptors");
    peaked_below(&daemon, 48);
    // The loiterers are still connected, as far as they know.
    takes_a_peer(directory.path(), &daemon);
}

#[test]
fn whoever_dawdles_in_a_handshake_is_closed_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let listen: SocketAddr = daemon.status()["listen"].as_str().unwrap().parse().unwrap();
    let before = descriptors(&daemon);
    let mut streams: Vec<TcpStream> = (0..200).filter_map(|n| connect(listen, n)).collect();
    for (n, stream) in streams.iter_mut().enumerate() {
        // Each has come to another byte; none comes further.
        let _ = stream.write(&b"LSWM\0\x01\0\0\0\x30zzzzzzzz"[..n % 18]);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    for stream in &mut streams {
        let mut rest = Vec::new();
        // Its preamble, and then the end: by the daemon's deadline, not by ours.
        if let Err(error) = stream.read_to_end(&mut rest) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "it is still open");
        }
    }
    wait_until("the descriptors", || descriptors(&daemon) <= before);
    peaked_below(&daemon, 32);
    takes_a_peer(directory.path(), &daemon);
}

/// So many clients of a socket: those that were let in, and how many were told that it is busy.
fn crowd(socket: &Path, count: usize) -> (Vec<BufReader<UnixStream>>, usize) {
    let (mut clients, mut refused) = (Vec::new(), 0);
    for _ in 0..count {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = BufReader::new(stream);
        let mut first = String::new();
        client.read_line(&mut first).unwrap();
        if first.contains("E_BUSY") {
            refused += 1;
            assert_eq!(client.read_line(&mut first).unwrap(), 0, "and closed");
        } else {
            assert!(first.contains("hello"), "{first}");
            clients.push(client);
        }
    }
    (clients, refused)
}

#[test]
fn of_a_thousand_clients_a_bounded_number_is_served_and_the_rest_is_told() {
    many_descriptors();
    let directory = tempfile::tempdir().unwrap();
    let daemon = lonely(directory.path());
    let (mut clients, refused) = crowd(&daemon.socket(), 1000);
    assert_eq!((clients.len(), refused), (256, 744));
    for client in &mut clients {
        client.get_mut().write_all(b"{\"cmd\":\"ping\"}\n").unwrap();
    }
    for client in &mut clients {
        let mut reply = String::new();
        client.read_line(&mut reply).unwrap();
        assert!(reply.contains("pong"), "{reply}");
    }
    // The other socket has its own bound.
    let mut reader = Client::connect(&daemon.directory.join("status.sock"));
    assert!(reader.ask(json!({"cmd": "status"})).is_ok());
    drop(clients);
    wait_until("room", || crowd(&daemon.socket(), 1).1 == 0);
    peaked_below(&daemon, 32);
}

#[test]
fn clients_that_dawdle_or_never_read_cost_bounded_memory_and_keep_the_other_socket_free() {
    many_descriptors();
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "1000"]);
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "1000"]);
    daemon.wait("submitted");
    for (dawdling, other) in [("status.sock", "control.sock"), ("control.sock", "status.sock")] {
        let (mut clients, _) = crowd(&daemon.directory.join(dawdling), 256);
        for (n, client) in clients.iter_mut().enumerate() {
            client.get_mut().set_nonblocking(true).unwrap();
            // A request that never ends, and answers that nobody reads: a third of a megabyte each.
            let half = vec![b' '; 60_000];
            let flood = b"{\"cmd\":\"dump\"}\n".repeat(1000);
            let _ = client.get_mut().write(if n % 2 == 0 { &half } else { &flood });
        }
        let mut free = Client::connect(&daemon.directory.join(other));
        for _ in 0..50 {
            assert!(free.ask(json!({"cmd": "status"})).is_ok());
        }
    }
    peaked_below(&daemon, 96);
    assert_eq!(daemon.dump(), server.served());
}

#[test]
fn one_job_after_the_other_leaves_memory_and_descriptors_as_they_were() {
    let jobs: usize = std::env::var("JOBS").map_or(30, |text| text.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "100"]);
    let daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "100"]);
    let mut client = daemon.client();
    let mut after = Vec::new();
    for job in 0..jobs {
        daemon.wait("submitted");
        assert_eq!(daemon.status()["epoch"], job + 1);
        after.push((kib(&daemon, "VmRSS:"), descriptors(&daemon)));
        client.ask(json!({"cmd": "reset"})).unwrap();
        client.ask(json!({"cmd": "resume"})).unwrap();
    }
    // The lists of events and runs fill up to their bounds at first.
    // A client that has just gone may still have its descriptor: so the most of some early ones, the least of the last.
    let some = |from: usize| after[from..from + 3].iter().copied();
    let early = some(jobs / 3).fold((0, 0), |most, one| (one.0.max(most.0), one.1.max(most.1)));
    let late =
        some(jobs - 3).fold((u64::MAX, usize::MAX), |least, one| (one.0.min(least.0), one.1.min(least.1)));
    println!(
        "{jobs} jobs: {} KiB and {} descriptors after {}, {} KiB and {} at the end",
        early.0,
        early.1,
        jobs / 3 + 1,
        late.0,
        late.1
    );
    assert!(late.0 <= early.0 + 1024, "memory grew from {} to {} KiB", early.0, late.0);
    // On a busy machine the last three clients may all have one still.
    wait_until("as few descriptors as there were early", || descriptors(&daemon) <= early.1);
    let old = std::fs::read_dir(daemon.directory.join("state")).unwrap().count();
    assert!(old < 12, "{old} files in the state directory");
    drop(client);
}
