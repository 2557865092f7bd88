//! Draws a second: the daemon beside the raw client, `lineserver` beside the raw server; system calls for each draw.

use crate::{
    cost::Calls,
    gates, raw,
    sheet::{Bar, Sheet, median},
    support::{Daemon, Server},
};
use serde_json::json;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Bytes of text in each line, where all have the same length.
pub(crate) const TEXT: usize = 80;
/// More lines than any file here has: the daemon draws on, whatever it holds.
pub(crate) const NEVER_DONE: &str = "16000000";
/// One run of one of the two.
const SPAN: f64 = 0.3;

/// A file of `lines` different lines of [`TEXT`] bytes.
pub(crate) fn even_file(directory: &Path, lines: u32) -> PathBuf {
    let mut texts = String::new();
    for number in 0..lines {
        let _ = writeln!(texts, "{:x<TEXT$}", format!("{:08}", number.wrapping_mul(2_654_435_761)));
    }
    let path = directory.join("even.txt");
    std::fs::write(&path, texts).unwrap();
    path
}

/// A server of `lines` even lines with these further options; its counts come each 50 ms.
pub(crate) fn even_server(directory: &Path, lines: u32, options: &[&str]) -> Server {
    let file = even_file(directory, lines);
    let mut all = vec!["--file", file.to_str().unwrap(), "--counts-every", "0.05"];
    all.extend(options);
    Server::start(directory, &all)
}

/// What was drawn from a server, and what that took.
#[derive(Clone, Copy, Debug)]
struct Drawn {
    /// Draws a second.
    rate: f64,
    /// Nanoseconds of a processor for each draw: of the client, and of the server.
    client: f64,
    server: f64,
}

impl Drawn {
    /// Nanoseconds for each draw if nothing else ran: one request after the other, or both sides at once.
    fn cost(&self, depth: usize) -> f64 {
        if depth == 1 { self.client + self.server } else { self.client.max(self.server) }
    }
}

/// Draws from now on, as the server counts them; `task` is the client's process, or its thread.
fn counted(server: &Server, task: &Path, span: f64) -> Drawn {
    // What was reported before now is old.
    server.forget_events();
    let own = all_threads(server.id());
    let read = || {
        let counts = server.wait_for("counts");
        let number = |field: &str| counts[field].as_f64().unwrap();
        [number("t"), number("draws"), spent(task), spent(&own)]
    };
    let first = read();
    let mut last = first;
    while last[0] < first[0] + span {
        last = read();
    }
    let [t, draws, client, server] = [0, 1, 2, 3].map(|at: usize| last[at] - first[at]);
    Drawn { rate: draws / t, client: client / draws, server: server / draws }
}

/// Where the kernel tells of all threads of a process.
fn all_threads(process: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{process}/task"))
}

/// Nanoseconds on a processor: of a thread, or of all in a directory of threads.
fn spent(task: &Path) -> f64 {
    let of = |path: &Path| -> f64 {
        let stat = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        stat.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0.0)
    };
    if !task.ends_with("task") {
        return of(task);
    }
    std::fs::read_dir(task).unwrap().flatten().map(|entry| of(&entry.path())).sum()
}

/// A daemon that draws, and rests when it is told to.
struct Drawing {
    daemon: Daemon,
}

impl Drawing {
    fn start(directory: &Path, server: &Server, depth: usize) -> Self {
        let depth = depth.to_string();
        let options = ["--server", &server.address, "--lines", NEVER_DONE, "--pipeline", &depth];
        let daemon = Daemon::start(directory, &format!("depth{depth}"), &options);
        let drawing = Self { daemon };
        // It keeps each line once, then only draws.
        thread::sleep(Duration::from_secs(1));
        drawing.tell("pause");
        drawing
    }

    fn tell(&self, what: &str) {
        self.daemon.client().ask(json!({"cmd": what})).unwrap();
    }
}

pub(crate) fn draws(sheet: &mut Sheet) {
    let directory = tempfile::tempdir().unwrap();
    let server = even_server(directory.path(), 20_000, &["--rate", "0"]);
    for (depth, bar) in [(1, 0.90), (64, 0.60), (512, 0.50)] {
        let drawing = Drawing::start(directory.path(), &server, depth);
        let task = all_threads(drawing.daemon.child.id());
        let all: Vec<(Drawn, Drawn)> = (0..sheet.rounds * 3)
            .map(|_| {
                drawing.tell("resume");
                let daemon = counted(&server, &task, SPAN);
                drawing.tell("pause");
                let client = raw::Client::start(&server.address, depth, u64::MAX);
                (daemon, counted(&server, &client.task, SPAN))
            })
            .collect();
        let of = |what: &dyn Fn(&(Drawn, Drawn)) -> f64| median(all.iter().map(what).collect());
        let name = format!("draws of a daemon / a raw client, depth {depth}");
        let rates =
            format!("{:.0} against {:.0} draws/s", of(&|(ours, _)| ours.rate), of(&|(_, raw)| raw.rate));
        sheet.figure(&name, of(&|(ours, raw)| ours.rate / raw.rate), Bar::AtLeast(bar), &rates);
        let costs = format!(
            "{:.0} and {:.0} ns against {:.0} and {:.0} ns",
            of(&|(ours, _)| ours.client),
            of(&|(ours, _)| ours.server),
            of(&|(_, raw)| raw.client),
            of(&|(_, raw)| raw.server)
        );
        let share = of(&|(ours, raw)| raw.cost(depth) / ours.cost(depth));
        sheet.figure("  the same by processor time, client and server", share, Bar::AtLeast(bar), &costs);
    }
}

/// What a server gave, and what that took.
struct Served {
    /// Lines a second.
    rate: f64,
    /// Nanoseconds of a processor for each line.
    cost: f64,
}

pub(crate) fn server(sheet: &mut Sheet) {
    let directory = tempfile::tempdir().unwrap();
    let lineserver = even_server(directory.path(), 1000, &["--rate", "0"]);
    let raw_server = raw::Server::start(TEXT);
    let against = |address: &str, task: &Path, depth| {
        let client = raw::Client::start(address, depth, u64::MAX);
        thread::sleep(Duration::from_millis(50));
        let (begun, before, cost) = (Instant::now(), client.replies(), spent(task));
        thread::sleep(Duration::from_secs_f64(SPAN));
        let replies = (client.replies() - before) as f64;
        Served { rate: replies / begun.elapsed().as_secs_f64(), cost: (spent(task) - cost) / replies }
    };
    for (depth, bar) in [(1, Bar::None), (64, Bar::None), (512, Bar::AtLeast(0.50))] {
        let mut all = Vec::new();
        for _ in 0..sheet.rounds * 3 {
            let ours = against(&lineserver.address, &all_threads(lineserver.id()), depth);
            all.push((ours, against(&raw_server.address, &raw_server.task, depth)));
        }
        let of = |what: &dyn Fn(&(Served, Served)) -> f64| median(all.iter().map(what).collect());
        let rates =
            format!("{:.0} against {:.0} lines/s", of(&|(ours, _)| ours.rate), of(&|(_, raw)| raw.rate));
        let name = format!("lines of lineserver / a raw server, depth {depth}");
        sheet.figure(&name, of(&|(ours, raw)| ours.rate / raw.rate), bar, &rates);
        let costs = format!("{:.0} against {:.0} ns", of(&|(ours, _)| ours.cost), of(&|(_, raw)| raw.cost));
        let share = of(&|(ours, raw)| raw.cost / ours.cost);
        sheet.figure("  the same by processor time of the server", share, bar, &costs);
    }
}

pub(crate) fn calls(sheet: &mut Sheet) {
    let how = Calls::best();
    for (name, rate, depth, bar) in
        [("rate 100", "100", "auto", 8.0), ("no limit, depth 512", "0", "512", 0.05)]
    {
        let name = format!("system calls / draw, {name}");
        if how == Calls::Sleeps {
            sheet.skipped(&name, "neither perf nor strace works here");
            continue;
        }
        let one = |_| {
            let directory = tempfile::tempdir().unwrap();
            let server = even_server(directory.path(), 20_000, &["--rate", rate]);
            gates::drawing(how, directory.path(), &server.address, depth).unwrap().a_draw
        };
        let found = (0..sheet.rounds.min(3)).map(one).collect();
        sheet.figure(&name, median(found), Bar::AtMost(bar), how.words());
    }
}
