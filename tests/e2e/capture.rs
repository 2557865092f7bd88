//! A run of real daemons captured on one of them, and played again by lineswarmctl: the same happens, or it is told where not.
//!
//! Needs lineswarmctl beside lineswarmd: `cargo build --workspace` first.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use lineswarm_proto::{engine::io::Input, wire::frame};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};
use support::{Daemon, Server, swarm};

fn replay(file: &Path, more: &[&str]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_lineswarmd")).with_file_name("lineswarmctl");
    assert!(program.exists(), "lineswarmctl is not built: cargo build --workspace");
    Command::new(program).arg("replay").arg(file).args(more).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The last line of the transcript as JSON, and the names of the events before it.
fn verdict(output: &Output) -> (Value, Vec<String>) {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap();
    let events = lines.iter().filter_map(|line| Some(line["what"].as_str()?.to_owned())).collect();
    (last["replay"].clone(), events)
}

fn begin(daemon: &Daemon, name: &str) -> PathBuf {
    let told = daemon.client().ask(json!({"cmd": "capture", "to": name})).unwrap();
    PathBuf::from(told["file"].as_str().unwrap())
}

fn end(daemon: &Daemon) -> Value {
    daemon.client().ask(json!({"cmd": "capture"})).unwrap()
}

#[test]
fn a_run_captured_on_one_of_three_daemons_is_played_to_the_same_end() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "500", "--lines", "200"]);
    let mut daemons =
        swarm(directory.path(), &server.address, 3, &["--lines", "200", "--autostart", "false"]);
    let file = begin(&daemons[1], "run");
    daemons.iter().for_each(|daemon| drop(daemon.wait("peers=2")));
    daemons.iter().for_each(|daemon| drop(daemon.wait("master")));
    daemons[0].client().ask(json!({"cmd": "start", "swarm": true})).unwrap();
    for daemon in &daemons {
        daemon.wait("submitted");
        daemon.wait("complete");
        assert_eq!(daemon.dump(), server.served());
    }
    let told = end(&daemons[1]);
    assert_eq!(told["bytes"], std::fs::metadata(&file).unwrap().len());
    // What is told of the run is what is played.
    let mut live = Vec::new();
    let events = json!({"cmd": "events", "since": 0, "follow": false});
    daemons[1]
        .client()
        .ask_parts(events, |part| live.extend(part["events"].as_array().unwrap().clone()))
        .unwrap();
    let sha256 = daemons[1].status()["job"]["sha256"].as_str().unwrap().to_owned();
    assert!(daemons[1].end().success());

    let output = replay(&file, &["--json-line"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let (replayed, played) = verdict(&output);
    assert_eq!((&replayed["same"], &replayed["inputs"]), (&json!(true), &told["inputs"]));
    assert!(said(&output).contains(&sha256));
    let live: Vec<&str> = live.iter().map(|event| event["what"].as_str().unwrap()).collect();
    let recent = &played[played.len().saturating_sub(live.len())..];
    assert!(live.ends_with(&recent.iter().map(String::as_str).collect::<Vec<_>>()), "{live:?}\n{played:?}");
    assert_eq!(verdict(&replay(&file, &["--json"])).0, replayed, "twice the same");

    let text = said(&replay(&file, &["--inputs"]));
    assert!(text.contains("bytes on out-") && text.contains("SENDLINE") && text.contains("same: "), "{text}");

    // With one input altered the engine does something else, and it is told where.
    let bytes = std::fs::read(&file).unwrap();
    let altered = directory.path().join("altered.capture");
    let input = write_altered(&bytes, &altered);
    let output = replay(&altered, &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let (replayed, _) = verdict(&output);
    assert_eq!((&replayed["same"], &replayed["input"]), (&json!(false), &json!(input)), "{replayed}");
    let text = said(&replay(&altered, &[]));
    assert!(text.contains(&format!("DIFFERENT after input {input}")), "{text}");

    // A byte altered on the way, and an end that is missing.
    let damaged = directory.path().join("damaged.capture");
    let mut other = bytes.clone();
    other[bytes.len() / 2] ^= 1;
    for content in [&other[..], &bytes[..bytes.len() - 3], b"nothing of the kind"] {
        std::fs::write(&damaged, content).unwrap();
        let output = replay(&damaged, &["--json"]);
        assert_eq!(output.status.code(), Some(65), "{}", said(&output));
        assert!(said(&output).contains("E_BAD_DATA"));
    }
    assert_eq!(replay(Path::new("/nowhere"), &[]).status.code(), Some(74));
}

/// The line server is reached from another address, and the checksum is as it should be. Gives that input's number.
fn write_altered(bytes: &[u8], to: &Path) -> u64 {
    use lineswarm_proto::capture::HEADER;
    let mut reader = frame::FrameReader::default();
    let mut rest = &bytes[HEADER.len()..];
    let (mut out, mut inputs, mut altered) = (HEADER.to_vec(), 0, 0);
    while let Some(found) = reader.next(&mut rest).unwrap() {
        let (content, _) = found.body.split_last_chunk::<4>().unwrap();
        let mut content = content.to_vec();
        if found.number == 3 {
            inputs += 1;
            let original = content.clone();
            let (digest, mut input): ([u8; 8], Input<'_>) = postcard::from_bytes(&original).unwrap();
            if let Input::Opened { peer: None, address, .. } = &mut input
                && altered == 0
            {
                *address = "192.0.2.9:9".parse().unwrap();
                altered = inputs;
                content = postcard::to_stdvec(&(digest, input)).unwrap();
            }
        }
        let mut sum = crc32fast::Hasher::new();
        sum.update(&[found.number]);
        sum.update(&found.lamport.to_le_bytes());
        sum.update(&content);
        let sum = sum.finalize().to_le_bytes();
        frame::write(&mut out, found.number, found.lamport, |out| {
            out.extend_from_slice(&content);
            out.extend_from_slice(&sum);
        });
    }
    assert!(altered > 0);
    std::fs::write(to, out).unwrap();
    altered
}

#[test]
fn a_capture_may_begin_in_the_middle_of_a_run_and_costs_it_nothing_but_a_moment() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "200", "--lines", "300"]);
    let mut daemons = swarm(directory.path(), &server.address, 3, &["--lines", "300"]);
    support::wait_until("some lines", || daemons[2].status()["job"]["have"].as_u64() > Some(60));
    let before = daemons[2].status();
    let file = begin(&daemons[2], "middle");
    assert_eq!(
        daemons[2].client().ask(json!({"cmd": "capture", "to": "b"})).unwrap_err()["code"],
        "E_CAPTURE"
    );
    let after = daemons[2].status();
    assert!(after["job"]["have"].as_u64() >= before["job"]["have"].as_u64(), "{before}\n{after}");
    assert_eq!((&after["id"], &after["epoch"]), (&before["id"], &before["epoch"]));
    for daemon in &daemons {
        daemon.wait("submitted");
        daemon.wait("complete");
        assert_eq!(daemon.dump(), server.served());
    }
    // It may end with the daemon, too.
    assert!(daemons[2].end().success());
    assert_eq!(server.end()["right_submits"], 1);
    let output = replay(&file, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn a_daemon_that_was_killed_leaves_a_capture_that_plays_up_to_there() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--rate", "0", "--lines", "50"]);
    let mut daemon = Daemon::start(directory.path(), "one", &["--server", &server.address, "--lines", "50"]);
    let file = begin(&daemon, "run");
    daemon.wait("submitted");
    daemon.kill();
    let output = replay(&file, &[]);
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    let text = said(&output);
    assert!(text.contains("submit-sent") && text.contains("its end is missing"), "{text}");
}
