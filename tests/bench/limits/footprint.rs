//! What a daemon takes of the machine while it does nothing: memory, wake-ups, the size of its program.

use crate::{
    cost::sleeps,
    gates,
    sheet::{Bar, Sheet, median},
    support::{Server, swarm},
};
use std::{fs, thread, time::Duration};

const MIB: f64 = 1024.0 * 1024.0;

/// Bytes of memory that a process has.
pub(crate) fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}

pub(crate) fn footprint(sheet: &mut Sheet) {
    let mut found = Vec::new();
    let mut of = String::new();
    for _ in 0..sheet.rounds.min(3) {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), &["--rate", "2000"]);
        let daemons = swarm(directory.path(), &server.address, 5, &["--lines", "1000"]);
        daemons.iter().for_each(|daemon| drop(daemon.wait("submitted")));
        for daemon in &daemons {
            found.push(resident(daemon.child.id()) / MIB);
        }
        of = format!("{} threads, {}", threads(daemons[0].child.id()), parts(daemons[0].child.id()));
    }
    sheet.figure("resident MiB, 1000 lines, 4 peers", median(found), Bar::AtMost(4.0), &of);
    let size = fs::metadata(env!("CARGO_BIN_EXE_lineswarmd")).unwrap().len() as f64 / MIB;
    sheet.figure("size of lineswarmd, MiB", size, Bar::AtMost(3.0), "as it was built");
}

/// How many threads it has.
fn threads(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/task")).map_or(0, Iterator::count)
}

/// Of what kinds the memory is.
fn parts(process: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let kib = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    format!("anonymous {} KiB, files {} KiB", kib("RssAnon:"), kib("RssFile:"))
}

/// Of the engine and its map, counted by dhat.
pub(crate) fn allocations(sheet: &mut Sheet) {
    match gates::allocations() {
        Ok(counts) => {
            for gates::Count { name, count, .. } in counts {
                let bar = if name.ends_with("a new line") { Bar::AtMost(1.2) } else { Bar::None };
                sheet.figure(&name, count, bar, "blocks, counted by dhat");
            }
        }
        Err(why) => sheet.skipped("allocations, a new line", &why),
    }
}

pub(crate) fn wakeups(sheet: &mut Sheet) {
    const SPAN: f64 = 60.0;
    let count = |peers: usize, pause: bool| {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), &["--rate", "2000"]);
        let daemons = swarm(directory.path(), &server.address, peers + 1, &["--lines", "1000"]);
        if pause {
            daemons.iter().for_each(|daemon| {
                daemon.client().ask(serde_json::json!({"cmd": "pause"})).unwrap();
            });
        } else {
            daemons.iter().for_each(|daemon| drop(daemon.wait("submitted")));
        }
        // The last lines are on the disk and beats have slowed down.
        thread::sleep(Duration::from_secs(3));
        let all = || daemons.iter().map(|daemon| sleeps(daemon.child.id()).unwrap_or(0)).collect::<Vec<_>>();
        let before = all();
        thread::sleep(Duration::from_secs_f64(SPAN / 2.0));
        let after = all();
        median(
            before.iter().zip(after).map(|(before, after)| (after - before) as f64 / (SPAN / 2.0)).collect(),
        )
    };
    for (name, peers, bar) in [("alone", 0, 0.1), ("8 peers", 8, 1.0)] {
        for (state, pause) in [("done", false), ("paused", true)] {
            let of = "times that a thread went to sleep";
            sheet.figure(
                &format!("wake-ups a second, {state}, {name}"),
                count(peers, pause),
                Bar::AtMost(bar),
                of,
            );
        }
    }
}
