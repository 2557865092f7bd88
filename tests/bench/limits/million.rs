//! A file of a million lines: the time beside the raw client's for as many draws, with one daemon and with two, the
//! memory and the journal beside the texts, and what a stop and a start with all of them cost.

use crate::{
    footprint, raw,
    sheet::{Bar, Sheet, median, timed},
    speed::{TEXT, even_server},
    support::{Daemon, Server, swarm},
};
use serde_json::json;
use std::{path::Path, time::Duration};

const LINES: u32 = 1_000_000;
/// Longer than a million lines take on a busy machine; a server lives for 120 s.
const PATIENCE: Duration = Duration::from_secs(100);
/// Requests outstanding at the raw client.
const DEPTH: usize = 512;

/// Daemons that know each other and have not begun.
fn ready(directory: &Path, server: &Server, count: usize) -> Vec<Daemon> {
    let lines = LINES.to_string();
    let options = ["--lines", &lines, "--autostart", "false", "--submit-by", "nobody"];
    let daemons = swarm(directory, &server.address, count, &options);
    daemons.iter().for_each(|daemon| drop(daemon.wait(&format!("peers={}", count - 1))));
    daemons
}

/// Seconds until all of them hold all lines.
fn complete(daemons: &[Daemon]) -> f64 {
    let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
    let (took, ()) = timed(|| {
        for daemon in daemons {
            daemon.client().ask(json!({"cmd": "start"})).unwrap();
        }
        for daemon in daemons {
            let wait = json!({"cmd": "wait", "until": "complete", "timeout_ms": patience});
            daemon.client().ask(wait).unwrap();
        }
    });
    took / 1000.0
}

fn draws(daemons: &[Daemon]) -> u64 {
    daemons.iter().map(|daemon| daemon.status()["job"]["draws"].as_u64().unwrap()).sum()
}

pub(crate) fn million(sheet: &mut Sheet) {
    let payload = f64::from(LINES) * TEXT as f64;
    let (mut against_raw, mut against_one) = (Vec::new(), Vec::new());
    let (mut memory, mut journal, mut starts, mut seconds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..sheet.rounds.min(3) {
        let directory = tempfile::tempdir().unwrap();
        let server = even_server(directory.path(), LINES, &["--rate", "0"]);
        let mut daemons = ready(&directory.path().join("one"), &server, 1);
        let one = complete(&daemons);
        let drawn = draws(&daemons);
        memory.push(footprint::resident(daemons[0].child.id()) / payload);
        daemons[0].client().ask(json!({"cmd": "save"})).unwrap();
        let file = daemons[0].directory.join("state/journal");
        journal.push(std::fs::metadata(file).unwrap().len() as f64 / payload);
        daemons[0].end();
        let lines = LINES.to_string();
        let options = ["--server", &server.address, "--lines", &lines, "--submit-by", "nobody"];
        let (start, again) = timed(|| Daemon::start(&directory.path().join("one"), "peer0", &options));
        assert_eq!(again.status()["job"]["have"], LINES);
        starts.push(start / 1000.0);
        drop(again);
        drop(daemons);
        let (raw, ()) = timed(|| raw::Client::start(&server.address, DEPTH, drawn).wait());
        against_raw.push(one / (raw / 1000.0));
        drop(server);
        let server = even_server(directory.path(), LINES, &["--rate", "0"]);
        let daemons = ready(&directory.path().join("two"), &server, 2);
        against_one.push(complete(&daemons) / one);
        seconds.push(one);
    }
    let of = format!("{:.1} s, {LINES} lines, about 14.4 million draws", median(seconds));
    sheet.figure("a million lines, 1 daemon / as many raw draws", median(against_raw), Bar::AtMost(3.0), &of);
    sheet.figure(
        "the same, 2 daemons / 1 daemon",
        median(against_one),
        Bar::None,
        "all programs on the same cores",
    );
    sheet.figure(
        "memory for a million lines / their texts",
        median(memory),
        Bar::AtMost(1.9),
        "resident, all texts 80 bytes",
    );
    sheet.figure("journal of a million lines / their texts", median(journal), Bar::AtMost(1.3), "bytes");
    sheet.figure(
        "start with a million lines, s",
        median(starts),
        Bar::AtMost(2.0),
        "until its sockets answer",
    );
}
