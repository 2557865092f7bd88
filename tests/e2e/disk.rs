//! The state directory's disk fails under a running daemon: nothing is lost, everything is said, and it goes on by
//! itself. Errors come from the C library's calls (disk/faulty.c, built with the compiler that Rust links with); as
//! root also from a real file system that is too small or read-only (`make disk-test`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/mod.rs"]
mod support;

use serde_json::json;
use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use support::{Daemon, PATIENCE, Server, command, wait_until};

const LINES: [&str; 2] = ["--lines", "300"];

/// A daemon of 300 lines whose disk fails while `orders` holds the number of an error.
fn on_a_faulty_disk(directory: &Path, server: &Server, orders: &Path) -> Daemon {
    let library = directory.join("faulty.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/e2e/disk/faulty.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(built.expect("a C compiler").success());
    let own = directory.join("one");
    std::fs::create_dir_all(&own).unwrap();
    let log = own.join("log");
    let child = command(&own, "one")
        .args(["--server", &server.address])
        .args(LINES)
        .env("LD_PRELOAD", library)
        .env("FAULTY_DISK", orders)
        .stdout(Stdio::null())
        .stderr(std::fs::File::options().create(true).append(true).open(&log).unwrap())
        .spawn()
        .unwrap();
    let daemon = Daemon { child, directory: own, log };
    wait_until("the daemon's socket", || UnixStream::connect(daemon.socket()).is_ok());
    daemon
}

fn problem(daemon: &Daemon) -> String {
    daemon.status()["problem"].as_str().unwrap_or_default().to_owned()
}

/// Submitted; and after kill -9 and a new start nothing has to be drawn again.
fn all_is_kept(mut daemon: Daemon, directory: &Path, server: Server) {
    daemon.wait("submitted");
    wait_until("the end of the trouble", || problem(&daemon).is_empty());
    wait_until("everything on disk", || daemon.status()["unsaved"] == 0);
    daemon.kill();
    let again = Daemon::start(directory, "one", &[&["--server", &server.address][..], &LINES[..]].concat());
    let status = again.wait("submitted");
    assert_eq!(status["job"]["draws"], 0, "{}", again.log());
    assert_eq!(again.dump(), server.served());
    assert_eq!(server.end()["submits"], 1, "{}", again.log());
}

fn through(error: i32, says: &str, hint: &str) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let server = Server::start(directory, &["--rate", "500", "--lines", "300"]);
    let orders = directory.join("orders");
    let daemon = on_a_faulty_disk(directory, &server, &orders);
    wait_until("some lines", || daemon.status()["job"]["have"].as_u64() > Some(20));
    std::fs::write(&orders, error.to_string()).unwrap();
    wait_until("the trouble", || !problem(&daemon).is_empty());
    let told = problem(&daemon);
    assert!(told.contains("/state/") && told.contains(says) && told.contains(hint), "{told}");
    assert!(daemon.log().contains("store-failed"), "{}", daemon.log());
    let refused = daemon.client().ask(json!({"cmd": "save"})).unwrap_err();
    assert_eq!(refused["code"], "E_IO", "{refused}");
    // It goes on drawing, serves what it has, and submits nothing that a crash could make it forget.
    daemon.wait("complete");
    assert_eq!(daemon.dump(), server.served());
    assert_eq!(daemon.status()["submit"]["attempts"], 0);
    std::fs::remove_file(&orders).unwrap();
    all_is_kept(daemon, directory, server);
}

#[test]
fn a_full_disk_is_told_and_when_there_is_space_again_nothing_was_lost() {
    through(28, "No space left", "Free some space");
}

#[test]
fn a_disk_that_fails_is_told_and_when_it_works_again_nothing_was_lost() {
    through(5, "Input/output error", "Check the disk");
}

#[test]
fn a_file_system_that_becomes_read_only_is_told_and_when_it_is_writable_nothing_was_lost() {
    through(30, "Read-only file system", "Mount it writable");
}

#[test]
fn a_daemon_that_cannot_save_at_its_end_says_so_with_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let server = Server::start(directory, &["--rate", "500", "--lines", "300"]);
    let orders = directory.join("orders");
    let mut daemon = on_a_faulty_disk(directory, &server, &orders);
    wait_until("some lines", || daemon.status()["job"]["have"].as_u64() > Some(20));
    std::fs::write(&orders, "28").unwrap();
    wait_until("the trouble", || !problem(&daemon).is_empty());
    assert_eq!(daemon.end().code(), Some(74), "{}", daemon.log());
    assert!(daemon.log().contains("No space left"), "{}", daemon.log());
}

/// A file system of its own, in memory.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: PathBuf, options: &str) -> Self {
        std::fs::create_dir_all(&at).unwrap();
        mount(&["-t", "tmpfs", "-o", options, "tmpfs"], &at);
        Self(at)
    }

    fn remount(&self, options: &str) {
        mount(&["-o", &format!("remount,{options}")], &self.0);
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], at: &Path) {
    let status = Command::new("mount").args(arguments).arg(at).status().expect("mount(8)");
    assert!(status.success(), "mount {arguments:?}: are you root?");
}

#[test]
#[ignore = "needs root: make disk-test"]
fn a_file_system_that_is_too_small_is_told_and_with_more_room_it_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let disk = Mounted::new(directory.join("one/state"), "size=24k");
    let server = Server::start(directory, &["--rate", "500", "--lines", "300"]);
    let mut all = vec!["--server", &server.address];
    all.extend(LINES);
    let daemon = Daemon::start(directory, "one", &all);
    wait_until("the trouble", || problem(&daemon).contains("No space left"));
    daemon.wait("complete");
    assert_eq!(daemon.status()["submit"]["attempts"], 0);
    disk.remount("size=1m");
    all_is_kept(daemon, directory, server);
}

#[test]
#[ignore = "needs root: make disk-test"]
fn a_read_only_state_directory_is_named_with_its_hint() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let disk = Mounted::new(directory.join("one/state"), "size=1m");
    disk.remount("ro");
    let mut daemon = Daemon::spawn(directory, "one", &["--server", "127.0.0.1:1"]);
    let deadline = Instant::now() + PATIENCE;
    let code = loop {
        if let Some(status) = daemon.child.try_wait().unwrap() {
            break status.code();
        }
        assert!(Instant::now() < deadline, "it runs: {}", daemon.log());
        thread::park_timeout(Duration::from_millis(5));
    };
    let log = daemon.log();
    assert!(matches!(code, Some(73 | 74)), "{code:?}: {log}");
    assert!(
        log.contains("Read-only") && log.contains("/state") && log.contains("Mount it writable"),
        "{log}"
    );
    disk.remount("rw");
    drop(Daemon::start(directory, "one", &["--server", "127.0.0.1:1"]));
}
