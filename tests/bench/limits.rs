//! `make bench-limits`: what the products cost beside the least that could do the same work, and against the clock.
//!
//! Each figure is a count, or the ratio of two things that ran in turn, several times, so that a busy machine slows both.
//! Beside the daemon stands a raw client that keeps so many requests outstanding and only counts line feeds; beside
//! `lineserver` a raw server that says one canned line. docs/performance.md tells what each figure means.
//!
//! Arguments: words that a part's name must hold one of; `--rounds N`; `--let-sleep` lets the processors sleep, which
//! root's runs keep from it; `--strict` exits with 1 if a bar is missed; `--write PAGE` puts the table between the markers
//! of a page. Or `gates [--update]`: counts only, see `gates`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "draws/cost.rs"]
#[allow(dead_code)]
mod cost;
#[path = "limits/engine.rs"]
mod engine;
#[path = "limits/footprint.rs"]
mod footprint;
#[path = "limits/gates.rs"]
mod gates;
#[path = "limits/growth.rs"]
mod growth;
#[path = "limits/latency.rs"]
mod latency;
#[path = "limits/million.rs"]
mod million;
#[path = "limits/play.rs"]
mod play;
#[path = "limits/raw.rs"]
mod raw;
#[path = "limits/sheet.rs"]
mod sheet;
#[path = "limits/speed.rs"]
mod speed;
#[path = "limits/starts.rs"]
mod starts;
#[path = "../e2e/support/mod.rs"]
mod support;

use sheet::Sheet;
use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

type Part = (&'static str, fn(&mut Sheet));

/// The parts, in the order in which they run.
const PARTS: &[Part] = &[
    ("draws", speed::draws),
    ("server", speed::server),
    ("calls", speed::calls),
    ("allocations", footprint::allocations),
    ("million", million::million),
    ("starts", starts::starts),
    ("restart", starts::restart),
    ("footprint", footprint::footprint),
    ("wakeups", footprint::wakeups),
    ("submit", latency::submit),
    ("control", latency::control),
    ("growth", growth::growth),
];

/// Cargo's directories of libraries, which every program that is started here would search first.
const SEARCHED: &str = "LD_LIBRARY_PATH";

fn main() -> ExitCode {
    if let Some(count) = play::count() {
        // What valgrind counts.
        return play::play(count);
    }
    if std::env::var_os(SEARCHED).is_some() {
        let own = std::env::current_exe().unwrap();
        let error = Command::new(own).args(std::env::args_os().skip(1)).env_remove(SEARCHED).exec();
        return refuse(&format!("the benchmark does not start again: {error}"));
    }
    let awake = cost::Awake::hold(std::env::args().any(|word| word == "--let-sleep"));
    if std::env::args().any(|word| word == "gates") {
        return gates::gates(std::env::args().any(|word| word == "--update"));
    }
    let mut words = Vec::new();
    let (mut strict, mut rounds, mut page) = (false, 5, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // `cargo bench` says so to every benchmark.
            "--bench" | "--let-sleep" => {}
            "--strict" => strict = true,
            "--rounds" => match arguments.next().and_then(|word| word.parse().ok()) {
                Some(number) if number > 0 => rounds = number,
                _ => return refuse("--rounds needs a whole number"),
            },
            "--write" => page = arguments.next().map(PathBuf::from),
            option if option.starts_with('-') => {
                return refuse(&format!(
                    "{option}: there are --rounds N, --let-sleep, --strict, --write PAGE, and words of parts' names"
                ));
            }
            _ => words.push(argument),
        }
    }
    if page.is_some() && !words.is_empty() {
        return refuse("--write puts down the whole table: without words of parts' names");
    }
    let mut sheet = Sheet::new(rounds);
    let (machine, awake, load) = (machine(), awake.words(), cost::load());
    let before = format!("{machine}; {awake}; {rounds} rounds; load average before: {load}");
    println!("{before}");
    sheet.head();
    for (name, part) in PARTS {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            part(&mut sheet);
        }
    }
    let after = format!("Load average after: {}; {} bars missed", cost::load(), sheet.missed());
    println!("{after}");
    if let Some(page) = page
        && let Err(error) = write(&page, &format!("{before}.\n\n{}\n{after}.\n", sheet.table()))
    {
        return refuse(&format!("{}: {error}", page.display()));
    }
    if strict && sheet.missed() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Where this runs.
fn machine() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("an unknown processor");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{cores} cores of {model}, Linux {}", kernel.trim())
}

/// Puts the table between the markers of a page.
fn write(page: &Path, table: &str) -> std::io::Result<()> {
    let text = fs::read_to_string(page)?;
    let markers = ("<!-- limits begins -->\n", "<!-- limits ends -->");
    let parts =
        text.split_once(markers.0).and_then(|(head, rest)| Some((head, rest.split_once(markers.1)?.1)));
    let Some((head, tail)) = parts else {
        return Err(std::io::Error::other("the markers of the table are missing"));
    };
    fs::write(page, [head, markers.0, table, markers.1, tail].concat())
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("limits: {why}");
    ExitCode::from(64)
}
