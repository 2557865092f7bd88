//! Files that an operator names, before the real programs: of every kind, with every mode, present and gone.
//!
//! Whatever stands at a path, the daemon goes on, says what is wrong with its hint, and ends on SIGTERM.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

#[path = "files/outputs.rs"]
mod outputs;
#[path = "files/paths.rs"]
mod paths;
#[path = "files/reload.rs"]
mod reload;
#[path = "files/secrets.rs"]
mod secrets;

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, Signal, kill_process},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, ExitStatus, Output},
    time::{Duration, Instant},
};
use support::{Daemon, command_with, terminate, wait_until};

/// SIGTERM must end a daemon within a second; a busy machine has more.
const AT_ONCE: Duration = Duration::from_secs(5);

fn lonely(directory: &Path, args: &[&str]) -> Daemon {
    Daemon::start(directory, "one", &[&["--autostart", "false"], args].concat())
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn hang_up(daemon: &Daemon) {
    kill_process(Pid::from_child(&daemon.child), Signal::HUP).unwrap();
}

/// Ends it by SIGTERM, at once.
fn ends_at_once(child: &mut Child) -> ExitStatus {
    let asked = Instant::now();
    terminate(child);
    let mut status = None;
    wait_until("its end", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert!(asked.elapsed() < AT_ONCE, "it took {:?}", asked.elapsed());
    status.unwrap()
}

/// Exit code and words of `lineswarmd --check` with these arguments and everything else in `own`.
fn check(own: &Path, args: &[&str]) -> (i32, String) {
    check_by(&mut command_with(&empty(own), own, "one"), args)
}

fn check_by(command: &mut Command, args: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = command.arg("--check").args(args).output().unwrap();
    let said = [stdout, stderr].concat();
    (status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn empty(own: &Path) -> std::path::PathBuf {
    let config = own.join("empty.toml");
    fs::write(&config, "").unwrap();
    config
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
