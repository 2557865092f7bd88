//! What a real daemon makes of a state directory that lost something, or that a newer version wrote.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use support::{Daemon, Server, command, wait_until};

const LINES: &str = "40";

/// A node that is alone, has elected itself and holds some lines; then it was killed. Gives its id.
fn voted(directory: &Path, server: &Server) -> String {
    let mut daemon = start(directory, server);
    daemon.wait("master");
    let id = daemon.status()["id"].as_str().unwrap().to_owned();
    wait_until("lines on the disk", || daemon.status()["unsaved"] == 0 && have(&daemon) > 0);
    daemon.kill();
    id
}

fn start(directory: &Path, server: &Server) -> Daemon {
    Daemon::start(directory, "one", &["--server", &server.address, "--lines", LINES])
}

fn have(daemon: &Daemon) -> u64 {
    daemon.status()["job"]["have"].as_u64().unwrap()
}

fn state_dir(directory: &Path) -> PathBuf {
    directory.join("one/state")
}

/// All files of the state directory but the lock.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(state_dir(directory)).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file() && !path.ends_with("lineswarmd.pid"));
    files.map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// Starts and must end at once; gives exit code and what it said.
fn refused(directory: &Path) -> (Option<i32>, String) {
    let output = command(&directory.join("one"), "one").output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_node_that_cannot_know_whom_it_voted_for_comes_back_as_another_node() {
    let lose = |path: &Path, what: &str| {
        let length = fs::metadata(path).unwrap().len() as usize;
        match what {
            "zeros" => fs::write(path, vec![0; length]).unwrap(),
            "empty" => fs::write(path, b"").unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
    };
    for what in ["zeros", "empty", "missing"] {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), &["--lines", LINES, "--rate", "20"]);
        let id = voted(directory.path(), &server);
        lose(&state_dir(directory.path()).join("journal"), what);
        lose(&state_dir(directory.path()).join("state"), what);
        let mut daemon = start(directory.path(), &server);
        let status = daemon.status();
        assert_ne!(status["id"], id.as_str(), "{what}");
        assert!(daemon.log().contains(&format!("peer forget {id}")), "{what}: {}", daemon.log());
        // It is a node as any other.
        daemon.wait("master");
        daemon.end();
        let again = start(directory.path(), &server);
        assert_eq!(again.status()["id"], status["id"], "{what}");
    }
}

#[test]
fn what_is_left_whole_keeps_the_node_and_is_told() {
    for name in ["journal", "state"] {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), &["--lines", LINES, "--rate", "20"]);
        let id = voted(directory.path(), &server);
        fs::remove_file(state_dir(directory.path()).join(name)).unwrap();
        let daemon = start(directory.path(), &server);
        assert_eq!(daemon.status()["id"], id.as_str(), "{name}");
        assert!(daemon.log().contains("journal-salvaged"), "{name}: {}", daemon.log());
        daemon.wait("master");
        assert!(daemon.status()["master"]["term"].as_u64() >= Some(2), "{name}");
    }
}

#[test]
fn a_reset_and_a_key_that_was_taken_away_make_another_node() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &["--lines", LINES, "--rate", "20"]);
    let id = voted(directory.path(), &server);
    fs::remove_file(state_dir(directory.path()).join("node.key")).unwrap();
    let mut daemon = start(directory.path(), &server);
    let second = daemon.status()["id"].clone();
    assert!(second != id.as_str() && have(&daemon) > 0, "it keeps its lines");
    assert!(daemon.log().contains("key-lost"), "{}", daemon.log());
    // Nobody is left that it would have to wait for.
    daemon.wait("master");
    daemon.end();
    let args = ["--server", &server.address, "--lines", LINES, "--reset-state", "--autostart", "false"];
    let daemon = Daemon::start(directory.path(), "one", &args);
    assert!(daemon.status()["id"] != second && have(&daemon) == 0);
    assert!(state_dir(directory.path()).join("old-0/node.key").exists());
}

#[test]
fn what_a_newer_version_wrote_ends_the_start_with_76_and_stays_as_it_is() {
    let header = |version: &str, journal: &[u8]| {
        [format!("lineswarm-journal {version}\n").as_bytes(), &journal[20..]].concat()
    };
    type Make<'a> = (&'a str, Box<dyn Fn(&Path)>);
    let journals = ["2", "10", "300"].map(|version| -> Make<'_> {
        (
            version,
            Box::new(move |dir| {
                let path = dir.join("journal");
                let newer = header(version, &fs::read(&path).unwrap());
                fs::write(path, newer).unwrap();
            }),
        )
    });
    let record: Make<'_> = (
        "a record",
        Box::new(|dir| {
            let path = dir.join("journal");
            // Kind 7, four bytes, and their checksum.
            let head = b"abcd\x04\x00\x00\x00\x07";
            let sum = crc32fast::hash(&[&head[..], b"news"].concat()).to_le_bytes();
            let newer = [&fs::read(&path).unwrap()[..], b"\n\xf5LR", head, &sum, b"news"].concat();
            fs::write(path, newer).unwrap();
        }),
    );
    let slot: Make<'_> = (
        "a slot",
        Box::new(|dir| {
            let counted = [&1000_u64.to_le_bytes()[..], &4_u32.to_le_bytes(), b"\xff\xff\xff\xff"];
            let sum = crc32fast::hash(&counted.concat()).to_le_bytes();
            let slot = [b"lsw-slot", counted[0], counted[1], &sum, counted[2]].concat();
            let path = dir.join("state");
            let mut file = fs::read(&path).unwrap();
            file[..slot.len()].copy_from_slice(&slot);
            fs::write(path, file).unwrap();
        }),
    );
    for (case, make_newer) in journals.into_iter().chain([record, slot]) {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), &["--lines", LINES, "--rate", "20"]);
        let id = voted(directory.path(), &server);
        let whole = contents(directory.path());
        make_newer(&state_dir(directory.path()));
        let before = contents(directory.path());
        let (exit, said) = refused(directory.path());
        assert_eq!(exit, Some(76), "{case}: {said}");
        assert!(said.contains("newer lineswarmd") && said.contains("--reset-state"), "{case}: {said}");
        assert_eq!(contents(directory.path()), before, "{case}");
        // With the newer version gone, all is as it was.
        whole.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        assert_eq!(start(directory.path(), &server).status()["id"], id.as_str(), "{case}");
    }
}
