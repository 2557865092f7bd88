//! From the start of the process to READY, beside other daemons; a stop with lines that are not saved yet.

use crate::{
    sheet::{Bar, Sheet, median, ms, timed},
    speed::even_server,
    support::{Daemon, PATIENCE, command, terminate},
};
use serde_json::json;
use std::{
    os::unix::net::{UnixDatagram, UnixStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A process that is ended when it is no longer looked at.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Milliseconds from the start of the process until it says READY, as systemd hears it.
fn until_ready(directory: &Path, name: &str, options: &[&str]) -> f64 {
    let path = directory.join(format!("{name}.notify"));
    let _ = std::fs::remove_file(&path);
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let own = directory.join(name);
    std::fs::create_dir_all(&own).unwrap();
    let mut command = command(&own, name);
    command.args(options).env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut daemon = Started(command.spawn().unwrap());
    let mut word = [0; 4096];
    loop {
        let count = socket.recv(&mut word).expect("READY comes");
        if word[..count].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
            let took = ms(begun.elapsed());
            terminate(&daemon.0);
            daemon.0.wait().unwrap();
            return took;
        }
    }
}

/// Milliseconds until a program's socket takes a client.
fn until_it_answers(command: &mut Command, socket: &Path) -> f64 {
    let _ = std::fs::remove_file(socket);
    let begun = Instant::now();
    let _child = Started(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    while UnixStream::connect(socket).is_err() {
        assert!(begun.elapsed() < PATIENCE, "{} does not come", socket.display());
        thread::park_timeout(Duration::from_micros(50));
    }
    ms(begun.elapsed())
}

fn is_installed(program: &str) -> bool {
    Path::new(program).exists()
}

pub(crate) fn starts(sheet: &mut Sheet) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut run = 0;
    let mut fresh = || {
        run += 1;
        format!("fresh{run}")
    };
    let quiet = ["--server", "127.0.0.1:1"];
    let rounds = sheet.rounds * 3;
    let kept = directory.join("first");
    std::fs::create_dir_all(&kept).unwrap();
    let found = (0..rounds).map(|_| until_ready(directory, &fresh(), &quiet)).collect();
    sheet.figure(
        "start to READY, ms, an empty directory",
        median(found),
        Bar::AtMost(5.0),
        "key and state are made",
    );
    until_ready(directory, "again", &quiet);
    let found = (0..rounds).map(|_| until_ready(directory, "again", &quiet)).collect();
    sheet.figure("start to READY, ms, a state without lines", median(found), Bar::AtMost(5.0), "");
    let (bird, socket) = ("/usr/sbin/bird", directory.join("bird.ctl"));
    if is_installed(bird) {
        let config = directory.join("bird.conf");
        std::fs::write(&config, "router id 127.0.0.1;\nprotocol device {}\n").unwrap();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let own = directory.join("again");
            let socket_of_ours = own.join("status.sock");
            ours.push(until_it_answers(command(&own, "again").args(quiet), &socket_of_ours));
            let mut bird = Command::new(bird);
            bird.arg("-f").arg("-c").arg(&config).arg("-s").arg(&socket);
            theirs.push(until_it_answers(&mut bird, &socket));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let of = format!("{ours:.2} against {theirs:.2} ms until a socket answers");
        sheet.figure("start of the daemon / of bird", ours / theirs, Bar::AtMost(1.0), &of);
    } else {
        sheet.skipped("start of the daemon / of bird", "apt-get install bird2");
    }
}

pub(crate) fn restart(sheet: &mut Sheet) {
    let directory = tempfile::tempdir().unwrap();
    let server = even_server(directory.path(), 1000, &["--rate", "0"]);
    let options = ["--server", &server.address, "--lines", "1000", "--submit-by", "nobody"];
    let mut stops = Vec::new();
    for run in 0..sheet.rounds * 3 {
        let waiting = [&options[..], &["--autostart", "false"]].concat();
        let mut daemon = Daemon::start(directory.path(), &format!("stop{run}"), &waiting);
        daemon.client().ask(json!({"cmd": "start"})).unwrap();
        daemon.wait("complete");
        let (took, _) = timed(|| daemon.end());
        stops.push(took);
    }
    sheet.figure(
        "stop with 1000 unsaved lines, ms",
        median(stops),
        Bar::AtMost(10.0),
        "SIGTERM to the end of the process",
    );
    let (mut empty, mut full) = (Vec::new(), Vec::new());
    let idle = ["--server", "127.0.0.1:1", "--lines", "1000", "--submit-by", "nobody"];
    until_ready(directory.path(), "empty", &idle);
    for _ in 0..sheet.rounds * 3 {
        empty.push(until_ready(directory.path(), "empty", &idle));
        full.push(until_ready(directory.path(), "stop0", &options));
    }
    let of = format!("{:.2} against {:.2} ms", median(full.clone()), median(empty.clone()));
    let more = full.iter().zip(&empty).map(|(full, empty)| full - empty).collect();
    sheet.figure("start to READY with 1000 lines, ms more than empty", median(more), Bar::AtMost(10.0), &of);
}
