//! What load, silence and exhaustion do to the server.

use crate::server::{PATIENCE, Server, lineserver};
use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

#[test]
fn at_least_ten_thousand_lines_a_second_go_to_64_connections() {
    let server = Server::start(&["--rate", "0"]);
    let start = Instant::now();
    thread::scope(|scope| {
        for last in 1..=64 {
            let mut client = server.client(last);
            scope.spawn(move || {
                for _ in 0..20 {
                    client.send(&b"SENDLINE\n".repeat(50));
                    (0..50).for_each(|_| assert!(client.line().is_some()));
                }
            });
        }
    });
    let rate = 64_000.0 / start.elapsed().as_secs_f64();
    assert!(rate >= 10_000.0, "{rate:.0} lines/s");
}

#[test]
fn a_client_that_does_not_read_is_not_read_and_costs_little_memory() {
    const REQUESTS: usize = 400_000;
    let server = Server::start(&["--rate", "0"]);
    let mut client = server.client(1);
    let mut sender = client.stream.try_clone().unwrap();
    sender.set_write_timeout(None).unwrap();
    let writer = thread::spawn(move || sender.write_all(&b"SENDLINE\n".repeat(REQUESTS)));
    // Another client is served all the while.
    let mut other = server.client(2);
    (0..1000).for_each(|_| assert!(other.draw().is_some()));
    for _ in 0..REQUESTS {
        assert!(client.line().is_some());
    }
    writer.join().unwrap().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 * 1024, "{peak} kB");
}

#[test]
fn a_client_that_breaks_off_harms_nobody() {
    let server = Server::start(&["--rate", "0", "--latency", "1"]);
    for _ in 0..20 {
        let mut client = server.client(1);
        client.send(&b"SENDLINE\n".repeat(2000));
        socket2::SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
    for _ in 0..20 {
        server.event("disconnect");
    }
    assert!(server.client(1).draw().is_some());
}

#[test]
fn without_descriptors_new_clients_wait_until_others_leave() {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 24; exec \"$0\" --listen 127.0.0.1:0 --events json --rate 0"]);
    command.arg(lineserver().get_program());
    let server = Server::spawn(command);
    let mut clients: Vec<_> = (0..40).map(|_| server.client(1)).collect();
    assert!(server.error().contains("raise the limit on open files"));
    let mut last = clients.pop().unwrap();
    assert!(clients[0].draw().is_some());
    clients.truncate(2);
    let until = Instant::now() + PATIENCE;
    assert!(last.draw().is_some() && Instant::now() < until);
}
