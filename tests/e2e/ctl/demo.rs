//! The demo when things go wrong: no process and no directory may be left behind, and logs are kept for who must look.
//!
//! The two programs are shell scripts here, which write their process ids down.

use crate::fake_daemon::{lonely, run, script};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const LISTENING: &str = "echo $$ >> $(dirname $0)/pids
echo '{\"t\":0.0,\"ev\":\"listen\",\"addr\":\"127.0.0.1:9\"}'
exec sleep 1000
";

/// A directory with the two programs and a place for temporary files.
fn programs(lineserver: &str, lineswarmd: &str) -> tempfile::TempDir {
    let at = tempfile::tempdir().unwrap();
    script(&at.path().join("lineserver"), lineserver);
    script(&at.path().join("lineswarmd"), lineswarmd);
    fs::create_dir(at.path().join("tmp")).unwrap();
    at
}

fn kept(at: &Path) -> Vec<String> {
    let names = fs::read_dir(at.join("tmp")).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

/// Every process that wrote its id down was ended and waited for.
fn all_ended(at: &Path) -> bool {
    let pids = fs::read_to_string(at.join("pids")).unwrap();
    !pids.is_empty() && pids.lines().all(|pid| !Path::new("/proc").join(pid).exists())
}

fn demo(at: &Path) -> std::process::Command {
    let mut command = lonely(at);
    command.env("TMPDIR", at.join("tmp")).args(["demo", "--peers", "2"]);
    command
}

#[test]
fn a_daemon_that_does_not_start_ends_the_demo_and_its_log_is_kept() {
    let at = programs(LISTENING, "echo '--listen: the address is taken' >&2; exit 78\n");
    let answered = run(demo(at.path()).arg("--json"));
    assert_eq!((answered.exit, answered.code().as_str()), (70, "E_LAB"), "{answered:?}");
    let error = &answered.json()["error"];
    assert!(error["what"].as_str().unwrap().starts_with("demo/peer"), "{error}");
    assert_eq!(error["why"], "it said: --listen: the address is taken");
    let kept = kept(at.path());
    assert_eq!(kept.len(), 1);
    assert!(error["hint"].as_str().unwrap().ends_with(&kept[0]), "{error}");
    assert!(all_ended(at.path()));
}

#[test]
fn a_line_server_that_does_not_start_ends_the_demo_too() {
    let at = programs("echo no >&2; exit 64\n", "exit 0\n");
    let answered = run(&mut demo(at.path()));
    assert_eq!(answered.exit, 70);
    assert!(answered.err.contains("lineserver ended too early") && answered.err.contains("it said: no"));
}

#[test]
fn ctrl_c_ends_every_process_and_removes_the_directory() {
    let at = programs(LISTENING, "echo $$ >> $(dirname $0)/pids; exec sleep 1000\n");
    // As in a terminal: the signal is for the whole group.
    let mut child = demo(at.path()).process_group(0).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let pids = || fs::read_to_string(at.path().join("pids")).unwrap_or_default().lines().count();
    while pids() < 3 && Instant::now() < deadline {
        std::thread::yield_now();
    }
    kill_process_group(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(all_ended(at.path()));
    assert_eq!(kept(at.path()), Vec::<String>::new());
}

#[test]
fn daemons_get_nothing_of_the_callers_settings() {
    let at = programs(LISTENING, "env > $(dirname $0)/environment; exit 1\n");
    let mut command = demo(at.path());
    command.env("LINESWARM_SERVER_ADDRESS", "10.0.0.1:1").env("NOTIFY_SOCKET", "/x").env("OTHER", "kept");
    assert_eq!(run(&mut command).exit, 70);
    let environment = fs::read_to_string(at.path().join("environment")).unwrap();
    assert!(environment.contains("OTHER=kept"));
    assert!(!environment.contains("LINESWARM_") && !environment.contains("NOTIFY_SOCKET"));
}
