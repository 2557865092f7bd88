//! From the start of the process to READY, beside other daemons; a stop with lines that are not saved yet.

use crate::{
    sheet::{Bar, Sheet, median, ms, timed},
    speed::even_server,
    support::{Daemon, PATIENCE, command, terminate},
};
use serde_json::json;
use std::{
    ffi::OsString,
    fs::DirBuilder,
    os::unix::{
        fs::DirBuilderExt,
        net::{UnixDatagram, UnixStream},
    },
    path::{Path, PathBuf},
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
    let answers = || {
        UnixStream::connect(socket).is_ok()
            || UnixDatagram::unbound().is_ok_and(|own| own.connect(socket).is_ok())
    };
    while !answers() {
        assert!(begun.elapsed() < PATIENCE, "{} does not come", socket.display());
        thread::park_timeout(Duration::from_micros(50));
    }
    ms(begun.elapsed())
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
    let own = directory.join("again");
    for (name, package, program) in
        [("bird", "bird2", bird as fn(&Path) -> Option<Other>), ("chronyd", "chrony", chronyd)]
    {
        let figure = format!("start of the daemon / of {name}");
        let Some(other) = program(directory) else {
            sheet.skipped(&figure, &format!("apt-get install {package}"));
            continue;
        };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(until_it_answers(command(&own, "again").args(quiet), &own.join("status.sock")));
            let mut command = Command::new(&other.program);
            theirs.push(until_it_answers(command.args(&other.arguments), &other.socket));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let of = format!("{ours:.2} against {theirs:.2} ms until a socket answers");
        sheet.figure(&figure, ours / theirs, Bar::AtMost(1.0), &of);
    }
}

/// Another daemon that does next to nothing yet, and its control socket.
struct Other {
    program: PathBuf,
    arguments: Vec<OsString>,
    socket: PathBuf,
}

/// In the path, or where administrators' programs are.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    places.map(|place| place.join(program)).find(|program| program.exists())
}

fn bird(directory: &Path) -> Option<Other> {
    let program = find("bird")?;
    let (config, socket) = (directory.join("bird.conf"), directory.join("bird.ctl"));
    std::fs::write(&config, "router id 127.0.0.1;\nprotocol device {}\n").unwrap();
    let arguments = ["-f".into(), "-c".into(), config.into(), "-s".into(), socket.clone().into()].into();
    Some(Other { program, arguments, socket })
}

/// It leaves the clock alone.
fn chronyd(directory: &Path) -> Option<Other> {
    let program = find("chronyd")?;
    // It wants a directory that nobody else may look into.
    let own = directory.join("chrony");
    DirBuilder::new().recursive(true).mode(0o700).create(&own).unwrap();
    let (config, socket) = (own.join("chrony.conf"), own.join("chronyd.sock"));
    let settings = format!(
        "port 0\ncmdport 0\nbindcmdaddress {}\npidfile {}\n",
        socket.display(),
        own.join("pid").display()
    );
    std::fs::write(&config, settings).unwrap();
    let user = ["-d", "-x", "-u", "root", "-f"].map(OsString::from);
    let arguments = user.into_iter().chain([config.into()]).collect();
    Some(Other { program, arguments, socket })
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
