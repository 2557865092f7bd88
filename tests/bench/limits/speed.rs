//! Draws a second: the daemon beside the raw client, `lineserver` beside the raw server; system calls for each draw.

use crate::{
    cost::{Calls, Counting},
    raw,
    sheet::{Bar, Sheet, in_turn, median},
    support::{Daemon, Server},
};
use serde_json::{Value, json};
use std::{fmt::Write as _, path::Path, path::PathBuf, thread, time::Duration};

/// Bytes of text in each line, where all have the same length.
pub(crate) const TEXT: usize = 80;
/// More lines than any file here has: the daemon draws on, whatever it holds.
const NEVER_DONE: &str = "16000000";
/// One run of one of the two.
const SPAN: f64 = 0.7;

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

/// Draws a second that the server counts, from now on.
fn counted(server: &Server, span: f64) -> f64 {
    let (mut first, mut last) = (None, (0.0, 0.0));
    // What was reported before now is old.
    server.forget_events();
    let read = |counts: &Value| (counts["t"].as_f64().unwrap(), counts["draws"].as_f64().unwrap());
    while first.is_none_or(|(t, _)| last.0 < t + span) {
        last = read(&server.wait_for("counts"));
        first.get_or_insert(last);
    }
    let (t, draws) = first.unwrap();
    (last.1 - draws) / (last.0 - t)
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
        let (share, daemon, raw) = in_turn(
            sheet.rounds,
            || {
                drawing.tell("resume");
                let draws = counted(&server, SPAN);
                drawing.tell("pause");
                draws
            },
            || {
                let _client = raw::Client::start(&server.address, depth, u64::MAX);
                counted(&server, SPAN)
            },
        );
        let of = format!("{daemon:.0} against {raw:.0} draws/s");
        sheet.figure(
            &format!("draws of a daemon / a raw client, depth {depth}"),
            share,
            Bar::AtLeast(bar),
            &of,
        );
    }
}

pub(crate) fn server(sheet: &mut Sheet) {
    let directory = tempfile::tempdir().unwrap();
    let lineserver = even_server(directory.path(), 1000, &["--rate", "0"]);
    let raw_server = raw::Server::start(TEXT);
    let against = |address: &str, depth| {
        let client = raw::Client::start(address, depth, u64::MAX);
        thread::sleep(Duration::from_millis(50));
        let before = client.replies();
        thread::sleep(Duration::from_secs_f64(SPAN));
        (client.replies() - before) as f64 / SPAN
    };
    for depth in [1, 64, 512] {
        let (share, ours, raw) = in_turn(
            sheet.rounds,
            || against(&lineserver.address, depth),
            || against(&raw_server.address.to_string(), depth),
        );
        let of = format!("{ours:.0} against {raw:.0} lines/s");
        let name = format!("lines of lineserver / a raw server, depth {depth}");
        sheet.figure(&name, share, if depth == 512 { Bar::AtLeast(0.50) } else { Bar::None }, &of);
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
        let mut found = Vec::new();
        for _ in 0..sheet.rounds.min(3) {
            let directory = tempfile::tempdir().unwrap();
            let server = even_server(directory.path(), 20_000, &["--rate", rate]);
            let options = ["--server", &server.address, "--lines", NEVER_DONE, "--pipeline", depth];
            let daemon = Daemon::start(directory.path(), "daemon", &options);
            thread::sleep(Duration::from_millis(1500));
            let draws = || daemon.status()["job"]["draws"].as_f64().unwrap();
            let counting = Counting::start(how, daemon.child.id());
            thread::sleep(Duration::from_millis(300));
            let before = draws();
            thread::sleep(Duration::from_millis(4000));
            let drawn = draws() - before;
            let counted = counting.and_then(Counting::end);
            // The count began a little before and ended a little after: what it says is a bound from above.
            found.extend(counted.map(|calls| calls as f64 / drawn));
        }
        sheet.figure(&name, median(found), Bar::AtMost(bar), how.words());
    }
}
