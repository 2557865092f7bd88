//! `limits gates`: what is counted, so that it is the same on a busy machine: instructions by callgrind, allocations by
//! dhat, system calls by strace. Each may be a tenth above what gates.txt says; a count a tenth below asks for a new one.
//!
//! `limits gates --update` writes gates.txt anew. Nothing is left out silently: a tool that is missing is an error.

use crate::{
    cost::{Calls, Counting},
    raw,
    speed::{NEVER_DONE, TEXT, even_server},
    support::{Daemon, command, terminate},
};
use std::{
    fmt::Write as _,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What a count may be above the one that is written down.
const ROOM: f64 = 1.1;
/// The same for what is next to nothing, so that a few more in the whole run are none.
const LEAST_ROOM: f64 = 0.005;
/// Two counts of the same thing: their difference has no start of a process in it.
const FEW: u32 = 1 << 13;
const MANY: u32 = 1 << 15;

/// A thing that is counted; see `play`.
const PLAYED: [(&str, &str); 6] = [
    ("draw", "a draw of a known line, depth 512"),
    ("alone", "a draw of a known line, depth 1"),
    ("keep", "a new line"),
    ("spread", "a new line that goes to 4 peers"),
    ("join", "a line that a late joiner lacks, read and sent"),
    ("serve", "a line of lineserver"),
];

/// What was counted.
#[derive(Clone, Debug)]
pub(crate) struct Count {
    pub(crate) name: String,
    pub(crate) count: f64,
    /// What it may be, where it is not the same in each run; else a tenth above what is written down.
    most: Option<f64>,
}

pub(crate) fn gates(update: bool) -> ExitCode {
    let all = || Ok::<_, String>([instructions()?, allocations()?, calls()?].concat());
    let counts = match all() {
        Ok(counts) => counts,
        Err(why) => {
            eprintln!("gates: {why}");
            return ExitCode::FAILURE;
        }
    };
    if update {
        let all = counts.iter().fold(String::new(), |mut all, Count { name, count, most }| {
            let _ = writeln!(all, "{:11.3}  {name}", most.unwrap_or(*count));
            all
        });
        std::fs::write(place(), all).unwrap();
    }
    let before = std::fs::read_to_string(place()).unwrap_or_default();
    let mut bad = 0;
    println!("| {:56} | {:>11} | {:>11} | verdict |", "count", "now", "written down");
    for Count { name, count, most } in &counts {
        let known = before.lines().find_map(|line| {
            let (number, its) = line.trim().split_once("  ")?;
            (its == name).then(|| number.parse::<f64>().ok())?
        });
        let verdict = match known {
            None => "NEW",
            Some(_) if most.is_some_and(|most| *count > most) => "MORE",
            Some(_) if most.is_some() => "ok",
            Some(known) if *count > (known * ROOM).max(known + LEAST_ROOM) => "MORE",
            Some(known) if *count < (known / ROOM).min(known - LEAST_ROOM) => "less",
            Some(_) => "ok",
        };
        bad += usize::from(matches!(verdict, "NEW" | "MORE"));
        let known = known.map_or("-".into(), |known| format!("{known:.3}"));
        println!("| {name:56} | {count:11.3} | {known:>12} | {verdict:7} |");
    }
    if bad > 0 {
        eprintln!("{bad} counts grew by more than a tenth. If that is meant: make gates UPDATE=--update");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn place() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/bench/gates.txt"))
}

/// What valgrind's tool says of this program playing something.
fn valgrind(options: &[&str], name: &str, count: u32) -> Result<String, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let run =
        Command::new("valgrind").args(options).arg(own).args(["play", name, &count.to_string()]).output();
    let run = run.map_err(|error| format!("valgrind does not start: {error}; apt-get install valgrind"))?;
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    if run.status.success() { Ok(said) } else { Err(format!("valgrind failed: {said}")) }
}

/// The number after a word, without its commas.
fn number_after(said: &str, word: &str) -> Result<f64, String> {
    let number = said.split(word).nth(1).and_then(|rest| rest.split_whitespace().next());
    let number = number.and_then(|number| number.replace(',', "").parse().ok());
    number.ok_or_else(|| format!("no number after '{word}' in: {said}"))
}

/// For each of what is played.
fn each(measure: impl Fn(&str, u32) -> Result<f64, String>, what: &str) -> Result<Vec<Count>, String> {
    let one = |(name, words): &(&str, &str)| {
        let (few, many) = (measure(name, FEW)?, measure(name, MANY)?);
        let count = (many - few) / f64::from(MANY - FEW);
        Ok(Count { name: format!("{what}, {words}"), count, most: None })
    };
    PLAYED.iter().map(one).collect()
}

fn instructions() -> Result<Vec<Count>, String> {
    let options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    each(|name, count| number_after(&valgrind(&options, name, count)?, "Collected : "), "instructions")
}

/// Blocks that were allocated for each.
pub(crate) fn allocations() -> Result<Vec<Count>, String> {
    let options = ["--tool=dhat", "--dhat-out-file=/dev/null"];
    let blocks = |name: &str, count| {
        let said = valgrind(&options, name, count)?;
        let total = said.lines().find(|line| line.contains("Total:")).unwrap_or_default().to_owned();
        number_after(&total, " bytes in ")
    };
    each(blocks, "allocations")
}

/// Of a daemon from its start to READY, and for each draw.
fn calls() -> Result<Vec<Count>, String> {
    let how = Calls::best();
    if how == Calls::Sleeps {
        return Err("neither perf nor strace works here: apt-get install strace, and allow ptrace".into());
    }
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut counts = Vec::new();
    let mut add = |name: &str, count, most| {
        counts.push(Count { name: format!("system calls, {name}"), count, most });
    };
    add("start and stop", start_and_stop()?, None);
    let server = raw::Server::start(TEXT);
    for depth in [1, 64, 512] {
        let calls = drawing(how, directory.path(), &server.address, &depth.to_string())?;
        add(&format!("a reply at depth {depth}"), calls.a_reply, None);
    }
    // How often it is refused depends on what else the machine does; a refusal takes less than a line.
    let server = even_server(directory.path(), 100, &["--rate", "100"]);
    let calls = drawing(how, directory.path(), &server.address, "auto")?;
    add("a reply at rate 100", calls.a_reply, Some(8.0));
    Ok(counts)
}

fn start_and_stop() -> Result<f64, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).map_err(|error| error.to_string())?;
    socket.set_read_timeout(Some(crate::support::PATIENCE)).map_err(|error| error.to_string())?;
    let run = || {
        let daemon = command(directory.path(), "counted");
        let summary = directory.path().join("calls");
        let mut strace = Command::new("strace");
        strace.args(["-c", "-f", "-U", "calls,name", "-o"]).arg(&summary).arg(daemon.get_program());
        strace.args(daemon.get_args()).args(["--server", "127.0.0.1:1", "--autostart", "false"]);
        strace.env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = strace.spawn().map_err(|error| format!("strace does not start: {error}"))?;
        let mut word = [0; 4096];
        let ready = loop {
            match socket.recv(&mut word) {
                Ok(count) if word[..count].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") => {
                    break Ok(());
                }
                Ok(_) => {}
                Err(error) => break Err(format!("READY does not come: {error}")),
            }
        };
        // strace ends with what it looks at, and lets it do so.
        daemon_of(&child).map_or_else(|| terminate(&child), end);
        child.wait().map_err(|error| error.to_string())?;
        ready?;
        let table = std::fs::read_to_string(&summary).map_err(|error| error.to_string())?;
        let total = table.lines().find(|line| line.ends_with("total"));
        let total = total.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        total.ok_or_else(|| format!("strace counted nothing: {table}"))
    };
    // The first one makes key and state. Of the others the least: on a busy machine a daemon has done more when it is
    // told to stop.
    run()?;
    (0..3).try_fold(f64::INFINITY, |least, _| Ok(least.min(run()?)))
}

/// The process that strace started.
fn daemon_of(strace: &std::process::Child) -> Option<rustix::process::Pid> {
    let id = strace.id();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
    rustix::process::Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

fn end(process: rustix::process::Pid) {
    let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
}

/// System calls of a daemon that draws.
pub(crate) struct Drawing {
    pub(crate) a_draw: f64,
    /// For each line or refusal.
    a_reply: f64,
}

pub(crate) fn drawing(how: Calls, directory: &Path, server: &str, depth: &str) -> Result<Drawing, String> {
    let options = ["--server", server, "--lines", NEVER_DONE, "--pipeline", depth];
    let name = format!("draws{}", server.rsplit(':').next().unwrap_or_default());
    let daemon = Daemon::start(directory, &format!("{name}-{depth}"), &options);
    thread::sleep(Duration::from_millis(1500));
    let told = || {
        let job = &daemon.status()["job"];
        ["draws", "refusals"].map(|count| job[count].as_f64().unwrap())
    };
    let counting = Counting::start(how, daemon.child.id());
    // strace is there when it has stopped and taken hold of every thread; perf within this time.
    let deadline = Instant::now() + Duration::from_millis(300);
    while !(how == Calls::Strace && is_traced(daemon.child.id())) && Instant::now() < deadline {
        thread::park_timeout(Duration::from_millis(1));
    }
    let before = told();
    thread::sleep(Duration::from_millis(3000));
    let after = told();
    let calls = counting.and_then(Counting::end).ok_or("system calls could not be counted")? as f64;
    let [draws, refusals] = [0, 1].map(|at: usize| after[at] - before[at]);
    Ok(Drawing { a_draw: calls / draws, a_reply: calls / (draws + refusals) })
}

fn is_traced(process: u32) -> bool {
    let traced = |task: PathBuf| {
        let status = std::fs::read_to_string(task.join("status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|id| id.trim() != "0"))
    };
    let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
    tasks.is_ok_and(|tasks| tasks.flatten().all(|task| traced(task.path())))
}
