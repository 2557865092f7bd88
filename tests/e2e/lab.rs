//! The lab from outside: comparisons by real daemons, predictions, the bench; and that nothing is left behind.
//!
//! Needs lineswarmd and lineserver beside lineswarmctl: `cargo build --workspace` first.

// clippy.toml frees only functions that are tests themselves, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "lab/schema.rs"]
mod schema;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One swarm at a time: they share the machine's processors and the loopback addresses.
static MACHINE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// lineswarmctl with its temporary files in `at`.
fn ctl(at: &Path, line: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_lineswarmctl"));
    for name in ["lineswarmd", "lineserver"] {
        assert!(program.with_file_name(name).exists(), "{name} is not built: cargo build --workspace");
    }
    let temporary = at.join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let mut command = Command::new(program);
    command.args(line.split(' ')).current_dir(at).env("TMPDIR", temporary).stdin(Stdio::null());
    command
}

fn run(at: &Path, line: &str) -> Output {
    ctl(at, line).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn results(at: &Path) -> Value {
    serde_json::from_slice(&fs::read(at.join("out/results.json")).unwrap()).unwrap()
}

fn keeps_the_schema(results: &Value) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/results.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    assert_eq!(schema::faults(&schema, results), Vec::<String>::new());
}

/// No process has a file of `at` on its command line, and no directory of a run is there.
fn nothing_is_left(at: &Path) {
    let name = at.join("tmp").display().to_string();
    let mine = std::process::id().to_string();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let is_ours = String::from_utf8_lossy(&line).contains(&name);
        assert!(!is_ours || entry.file_name() == *mine, "left: {}", String::from_utf8_lossy(&line));
    }
    let kept: Vec<_> = fs::read_dir(at.join("tmp")).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(kept.is_empty(), "{kept:?}");
}

#[test]
fn a_comparison_is_right_its_file_keeps_the_schema_and_its_charts_and_page_are_there() {
    let _alone = alone();
    let at = tempfile::tempdir().unwrap();
    let output = run(at.path(), "compare --peers 1,3 --lines 120 --rate 300 --runs 2 --seed 5 --out out");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let results = results(at.path());
    keeps_the_schema(&results);
    let runs = results["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4);
    for run in runs {
        assert_eq!(run["right"], true);
        let efficiency = run["efficiency"].as_f64().unwrap();
        assert!(efficiency > 0.0 && efficiency <= 1.0, "{run}");
        let by_hand = run["draws_needed"].as_f64().unwrap()
            / (run["peers"].as_f64().unwrap() * 300.0)
            / run["seconds"].as_f64().unwrap();
        assert!((efficiency - by_hand.min(1.0)).abs() < 1e-9);
        let of = |name: &str| run[name].as_f64().unwrap();
        let allowed = of("peers") * (1.0 + 300.0 * of("seconds"));
        assert!((of("pace") - of("draws") / allowed.max(of("draws"))).abs() < 1e-9, "{run}");
        // N*H(N) of 120 lines.
        assert!((of("luck") - 644.264 / of("draws")).abs() < 1e-4, "{run}");
        assert!((of("seconds_corrected") - of("seconds") * of("luck")).abs() < 1e-9, "{run}");
        let curve = run["curve"].as_array().unwrap();
        assert!(curve.windows(2).all(|pair| pair[0][0].as_f64() <= pair[1][0].as_f64()), "time goes on");
        assert!(curve.windows(2).all(|pair| pair[0][1].as_u64() < pair[1][1].as_u64()), "lines are gained");
    }
    // The same seed needs the same draws, however many peers there are.
    let needed = |seed: u64| -> Vec<&Value> {
        runs.iter().filter(|run| run["seed"] == seed).map(|run| &run["draws_needed"]).collect()
    };
    assert!(needed(5)[0] == needed(5)[1] && needed(6)[0] == needed(6)[1]);
    for name in ["lines.svg", "time.svg", "efficiency.svg", "report.html", "results.md"] {
        assert!(fs::metadata(at.path().join("out").join(name)).unwrap().len() > 500, "{name}");
    }
    assert!(text(&output).contains("Does the time fall linearly"));
    nothing_is_left(at.path());
}

#[test]
fn no_efficiency_and_no_pace_is_above_one_however_short_the_run() {
    let _alone = alone();
    let at = tempfile::tempdir().unwrap();
    for line in
        ["demo --lines 5 --rate 4 --seed 1", "demo --lines 3 --rate 2 --peers 2", "demo --lines 12 --rate 40"]
    {
        let output = run(at.path(), &format!("{line} --json"));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        for name in ["efficiency", "pace"] {
            let share = printed[name].as_f64().unwrap();
            assert!(share > 0.0 && share <= 1.0, "{line}: {name} {share}");
        }
        assert!(printed["luck"].as_f64().unwrap() > 0.0, "{line}");
    }
}

#[test]
fn a_master_that_is_killed_halfway_costs_time_and_not_the_file() {
    let _alone = alone();
    let at = tempfile::tempdir().unwrap();
    let line = "compare --peers 1,3 --lines 150 --rate 150 --runs 1 --kill-master-at 60 --out out";
    let output = run(at.path(), line);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let results = results(at.path());
    keeps_the_schema(&results);
    let (one, three) = (&results["runs"][0], &results["runs"][1]);
    assert!(one["killed"].is_null(), "the last peer is not killed");
    assert!(three["killed"]["have"].as_u64().unwrap() >= 90, "{three}");
    assert_ne!(three["killed"]["name"], three["submitted_by"]);
    assert!(three["efficiency_of_living"].as_f64() >= three["efficiency"].as_f64());
    nothing_is_left(at.path());
}

#[test]
fn peers_have_addresses_of_their_own_so_one_connection_for_each_is_enough() {
    let _alone = alone();
    let at = tempfile::tempdir().unwrap();
    let line = "compare --peers 3 --lines 60 --rate 200 --runs 1 --one-per-ip --latency 2 --topology star --out out --json";
    let output = run(at.path(), line);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    keeps_the_schema(&printed);
    assert_eq!(printed["settings"]["conditions"]["one_per_ip"], "reject");
    assert_eq!(printed["runs"][0]["topology"], "star");
    nothing_is_left(at.path());
}

#[test]
fn an_interrupt_ends_every_child_and_keeps_what_was_measured() {
    let _alone = alone();
    let at = tempfile::tempdir().unwrap();
    let line = "compare --peers 1,2 --lines 20 --rate 100 --runs 1000 --out out";
    let mut child = ctl(at.path(), line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let measured = || -> usize {
        let file = fs::read(at.path().join("out/results.json")).unwrap_or_default();
        let results: Value = serde_json::from_slice(&file).unwrap_or_default();
        results["runs"].as_array().map_or(0, Vec::len)
    };
    while measured() < 2 {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "no two runs in time");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let results = results(at.path());
    keeps_the_schema(&results);
    assert_eq!(results["interrupted"], true);
    assert!(results["runs"].as_array().unwrap().len() >= 2);
    let page = fs::read_to_string(at.path().join("out/report.html")).unwrap();
    assert!(page.contains("interrupted before all was measured"));
    nothing_is_left(at.path());
}

#[test]
fn a_prediction_is_the_same_for_any_number_of_workers_and_its_known_answers_come_out() {
    let at = tempfile::tempdir().unwrap();
    let of = |workers: u32| {
        let line = format!(
            "predict --peers 1,4 --lines 50 --runs 300 --latency 20 --loss 0.1 --workers {workers} --out out --json -q"
        );
        let output = run(at.path(), &line);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let (one, three) = (of(1), of(3));
    assert_eq!(one["predict"], three["predict"]);
    assert_eq!(one["checks"], three["checks"]);
    assert!(one["checks"].as_array().unwrap().iter().all(|check| check["holds"] == true));
    assert_eq!(three["workers"].as_array().unwrap().len(), 2);
    assert!(fs::read_to_string(at.path().join("out/predict.svg")).unwrap().contains("4 peers"));
}

#[test]
fn the_bench_has_a_figure_for_each_way() {
    let at = tempfile::tempdir().unwrap();
    let output = run(at.path(), "bench transport --count 100 --json");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ways = printed["transfers_per_s"].as_array().unwrap();
    assert_eq!(ways.len(), 7);
    assert!(ways.iter().all(|way| way["median"].as_f64().unwrap() > 0.0), "{printed}");
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_starts() {
    let at = tempfile::tempdir().unwrap();
    for line in [
        "compare",
        "compare --peers 0 --out out",
        "compare --peers 1 --topology tree --out out",
        "compare --peers 1 --kill-master-at 101 --out out",
        "compare --server 127.0.0.1:1 --latency 5 --out out",
        "predict --loss 1.5",
        "bench transport --count 0",
    ] {
        assert_eq!(run(at.path(), line).status.code(), Some(64), "{line}");
    }
    fs::write(at.path().join("file"), "").unwrap();
    assert_eq!(run(at.path(), "compare --peers 1 --out file/out").status.code(), Some(73));
}
