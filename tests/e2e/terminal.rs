//! `top` and `watch` on a real terminal, before a real daemon: what they show, keys, sizes, and that the terminal is
//! afterwards as it was. Needs tmux and lineswarmctl beside the daemon: `make terminal-test` sees to both.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;
#[path = "terminal/tmux.rs"]
mod tmux;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::Path;
use support::{Daemon, Server, free_addresses, lineswarmctl, member, wait_until};
use tmux::Tmux;

const UTF8: &[&str] = &["LC_ALL=C.UTF-8"];

/// A download by two daemons that takes longer than any test here.
fn slow_swarm(directory: &Path) -> (Server, Vec<String>, Vec<Daemon>) {
    let server = Server::start(directory, &["--rate", "25", "--lines", "1000"]);
    let addresses: Vec<String> = free_addresses(2).iter().map(ToString::to_string).collect();
    let daemons = (0..2).map(|at| member(directory, &server.address, &addresses, at, &[])).collect();
    (server, addresses, daemons)
}

/// The command line that shows this daemon by `what`.
fn ctl(daemon: &Daemon, what: &str) -> String {
    format!("{} -s {} {what}", lineswarmctl().display(), daemon.socket().display())
}

/// Types `line`, which then holds the terminal under a process id that is known.
fn start(tmux: &Tmux, directory: &Path, line: &str) {
    let script = directory.join("start.sh");
    let pid = directory.join("pid");
    std::fs::write(&script, format!("echo $$ >{}\nexec {line}\n", pid.display())).unwrap();
    tmux.type_line(&format!("echo was here; stty -a >{}/stty", directory.display()));
    tmux.type_line(&format!("sh {}; echo exit $?", script.display()));
}

fn pid(directory: &Path) -> i32 {
    std::fs::read_to_string(directory.join("pid")).unwrap().trim().parse().unwrap()
}

fn end(directory: &Path, signal: Signal) {
    kill_process(Pid::from_raw(pid(directory)).unwrap(), signal).unwrap();
}

/// The shell is back, on its own screen, with the cursor, echo and line editing that it had.
fn is_as_it_was(tmux: &Tmux, directory: &Path, exit: &str) {
    tmux.wait_for(&["was here", exit]);
    assert_eq!(tmux.fact("alternate_on"), "0");
    assert_eq!(tmux.fact("cursor_flag"), "1");
    let (before, after) = (directory.join("stty"), directory.join("stty-after"));
    tmux.type_line(&format!("stty -a >{} && echo said", after.display()));
    tmux.wait("its settings", |screen| screen.lines().any(|line| line == "said"));
    // The size may have been changed by the test.
    let settings = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(settings(&before), settings(&after));
}

fn state(daemon: &Daemon) -> Value {
    daemon.status()["state"].clone()
}

/// The number before "/1000" in the header.
fn held(screen: &str) -> u32 {
    let before = screen.split("/1000").next().unwrap();
    before.rsplit(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("no count in\n{screen}"))
}

#[test]
#[ignore = "needs tmux: make terminal-test"]
fn top_shows_the_run_takes_keys_and_sizes_and_leaves_the_terminal_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, _, daemons) = slow_swarm(directory.path());
    let tmux = Tmux::start(directory.path(), 80, 24, UTF8);
    start(&tmux, directory.path(), &ctl(&daemons[0], "top"));
    let parts = ["peer0  fetching", "[peers]", "curve", "by chance", "events", "server-connected", "q quit"];
    let screen = tmux.wait_for(&parts);
    assert!(!screen.contains("was here"));
    assert_eq!(tmux.fact("alternate_on"), "1");
    let screen = tmux.wait("the other peer, and its lines", |screen| {
        let row = screen.lines().find(|row| row.contains("peer1 ")).unwrap_or_default();
        row.split_whitespace().any(|word| word.parse::<u32>().is_ok_and(|have| have > 0))
    });
    let first = held(&screen);
    tmux.wait("more lines", |screen| held(screen) > first + 20);
    tmux.wait("the curve", |screen| screen.contains(|c| ('\u{2801}'..='\u{28ff}').contains(&c)));

    tmux.key("p");
    tmux.wait_for(&["peer0  paused"]);
    assert_eq!(state(&daemons[0]), "paused");
    tmux.key("p");
    tmux.wait_for(&["peer0  fetching", "resumed"]);
    assert_eq!(state(&daemons[0]), "fetching");

    for pane in ["[curve]", "[events]", "[peers]"] {
        tmux.key("Tab");
        tmux.wait_for(&[pane]);
    }
    tmux.key("Left");
    tmux.wait_for(&["[events]"]);
    tmux.key("?");
    tmux.wait_for(&["pause drawing, or resume it"]);
    tmux.key("Escape");
    tmux.wait("no help", |screen| !screen.contains("pause drawing"));
    tmux.key("z");
    tmux.wait("events alone", |screen| screen.contains("[events]") && !screen.contains("by chance"));
    tmux.key("z");
    tmux.wait_for(&["by chance", "[events]"]);

    tmux.resize(40, 10);
    let small = tmux.wait("one pane", |screen| {
        screen.contains("[events]") && !screen.contains("curve") && screen.contains("q quit")
    });
    assert!(small.lines().all(|row| row.chars().count() <= 40), "{small}");
    tmux.resize(2, 2);
    tmux.wait("a corner of it", |screen| screen.starts_with("pe\n["));
    tmux.resize(130, 45);
    tmux.wait("the whole", |screen| {
        let wide = screen.lines().any(|row| row.chars().count() == 130);
        wide && screen.lines().count() == 45 && screen.contains("curve") && screen.contains("q quit")
    });
    tmux.resize(80, 24);
    tmux.key("q");
    is_as_it_was(&tmux, directory.path(), "exit 0");
}

#[test]
#[ignore = "needs tmux: make terminal-test"]
fn a_signal_a_key_or_the_end_of_the_time_leaves_the_terminal_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, _, daemons) = slow_swarm(directory.path());
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP] {
        let tmux = Tmux::start(directory.path(), 80, 24, UTF8);
        start(&tmux, directory.path(), &ctl(&daemons[0], "top"));
        tmux.wait_for(&["[peers]"]);
        end(directory.path(), signal);
        is_as_it_was(&tmux, directory.path(), "exit 0");
    }
    for (what, key) in [("top", "C-c"), ("top", "Escape"), ("top -t 1", "?")] {
        let tmux = Tmux::start(directory.path(), 80, 24, UTF8);
        start(&tmux, directory.path(), &ctl(&daemons[0], what));
        tmux.wait_for(&["[peers]"]);
        tmux.key(key);
        is_as_it_was(&tmux, directory.path(), "exit 0");
    }
    // What can't be shown is said on the usual screen.
    let tmux = Tmux::start(directory.path(), 80, 24, UTF8);
    start(&tmux, directory.path(), &ctl(&daemons[0], "top | cat"));
    tmux.wait_for(&["top was not started [E_USAGE]", "its output is no terminal"]);
}

#[test]
#[ignore = "needs tmux: make terminal-test"]
fn top_ends_with_its_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, _, daemons) = slow_swarm(directory.path());
    let top = ctl(&daemons[0], "top");
    // The terminal tells by SIGHUP that it goes; outside its session there is no such signal.
    for line in [top.clone(), format!("setsid -w {top}")] {
        let tmux = Tmux::start(directory.path(), 80, 24, UTF8);
        start(&tmux, directory.path(), &line);
        tmux.wait_for(&["[peers]"]);
        drop(tmux);
        let socket = daemons[0].socket().display().to_string();
        wait_until("its end", || {
            !std::fs::read_dir("/proc").unwrap().flatten().any(|process| {
                // A process that has ended has no command line, even before it is waited for.
                let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).contains(&format!("{socket}\0top"))
            })
        });
    }
}

#[test]
#[ignore = "needs tmux: make terminal-test"]
fn top_outlives_its_daemon_and_shows_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let (server, addresses, mut daemons) = slow_swarm(directory.path());
    let tmux = Tmux::start(directory.path(), 80, 24, UTF8);
    start(&tmux, directory.path(), &ctl(&daemons[0], "top"));
    tmux.wait_for(&["peer0  fetching", "peer1 "]);
    daemons[0].kill();
    tmux.wait_for(&["old news, no daemon at"]);
    daemons[0] = member(directory.path(), &server.address, &addresses, 0, &[]);
    tmux.wait("news", |screen| screen.contains("peer0  fetching") && !screen.contains("old news"));
    tmux.key("q");
    is_as_it_was(&tmux, directory.path(), "exit 0");
}

#[test]
#[ignore = "needs tmux: make terminal-test"]
fn a_terminal_without_utf8_or_colours_gets_none() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, _, daemons) = slow_swarm(directory.path());
    let tmux = Tmux::start(directory.path(), 80, 24, &["LC_ALL=C", "NO_COLOR=1"]);
    start(&tmux, directory.path(), &ctl(&daemons[0], "top"));
    tmux.wait_for(&["[peers]", "+--", "***"]);
    assert!(tmux.screen().is_ascii());
    assert!(!tmux.coloured().contains("\u{1b}[38;5"), "{}", tmux.coloured());
    tmux.key("q");
    is_as_it_was(&tmux, directory.path(), "exit 0");
    let tmux = Tmux::start(directory.path(), 80, 24, UTF8);
    start(&tmux, directory.path(), &ctl(&daemons[0], "top"));
    tmux.wait_for(&["[peers]"]);
    // Green, as the second of 256 colours.
    wait_until("green lines", || tmux.coloured().contains("\u{1b}[38;5;2m"));
    tmux.key("q");
    tmux.wait_for(&["exit 0"]);
}

#[test]
#[ignore = "needs tmux: make terminal-test"]
fn watch_redraws_in_place_in_any_size_and_ends_by_ctrl_c() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, _, daemons) = slow_swarm(directory.path());
    let tmux = Tmux::start(directory.path(), 80, 24, UTF8);
    tmux.type_line(&format!("{}; echo exit $?", ctl(&daemons[0], "watch")));
    let screen = tmux.wait_for(&["peer0  fetching", "/1000", "server  ", "swarm  "]);
    let first = held(&screen);
    let screen = tmux.wait("more lines", |screen| held(screen) > first + 20);
    assert_eq!(screen.matches("fetching").count(), 1, "{screen}");
    for (columns, rows) in [(40, 10), (100, 30)] {
        tmux.resize(columns, rows);
        let now = daemons[0].status()["uptime_s"].as_f64().unwrap();
        let screen = tmux.wait("a newer time, and the beginning", |screen| {
            let first = screen.lines().next().unwrap_or_default();
            let up = first.strip_prefix("peer0  fetching  up ").and_then(|up| up.strip_suffix(" s"));
            up.is_some_and(|up| up.parse::<f64>().is_ok_and(|up| up > now + 1.0))
        });
        assert_eq!(screen.matches("fetching").count(), 1, "{screen}");
        assert!(screen.lines().count() <= rows.into(), "{screen}");
    }
    tmux.key("C-c");
    tmux.wait_for(&["exit 0"]);
    tmux.type_line("echo fine");
    tmux.wait("a shell", |screen| screen.lines().any(|line| line == "fine"));
}
