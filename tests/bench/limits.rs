//! `make bench-limits`: what the products cost beside the least that could do the same work, and against the clock.
//!
//! Each figure is a count, or the ratio of two things that ran in turn, several times, so that a busy machine slows both.
//! Beside the daemon stands a raw client that keeps so many requests outstanding and only counts line feeds; beside
//! `lineserver` a raw server that says one canned line. docs/performance.md tells what each figure means.
//!
//! Arguments: words that a part's name must hold one of; `--rounds N`; `--strict` exits with 1 if a bar is missed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "draws/cost.rs"]
#[allow(dead_code)]
mod cost;
#[path = "limits/engine.rs"]
mod engine;
#[path = "limits/footprint.rs"]
mod footprint;
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
use std::process::ExitCode;

type Part = (&'static str, fn(&mut Sheet));

/// The parts, in the order in which they run.
const PARTS: &[Part] = &[
    ("draws", speed::draws),
    ("server", speed::server),
    ("calls", speed::calls),
    ("million", million::million),
    ("starts", starts::starts),
    ("restart", starts::restart),
    ("footprint", footprint::footprint),
    ("wakeups", footprint::wakeups),
    ("submit", latency::submit),
    ("control", latency::control),
    ("growth", growth::growth),
];

fn main() -> ExitCode {
    if let Some(count) = play::count() {
        // What valgrind counts (tests/bench/gates.sh).
        return play::play(count);
    }
    let mut words = Vec::new();
    let (mut strict, mut rounds) = (false, 5);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // `cargo bench` says so to every benchmark.
            "--bench" => {}
            "--strict" => strict = true,
            "--rounds" => match arguments.next().and_then(|word| word.parse().ok()) {
                Some(number) if number > 0 => rounds = number,
                _ => return refuse("--rounds needs a whole number"),
            },
            option if option.starts_with('-') => {
                return refuse(&format!(
                    "{option}: there are --rounds N, --strict, and words of parts' names"
                ));
            }
            _ => words.push(argument),
        }
    }
    let mut sheet = Sheet::new(rounds);
    println!("{rounds} rounds; load average before: {}", cost::load());
    Sheet::head();
    for (name, part) in PARTS {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            part(&mut sheet);
        }
    }
    println!("load average after: {}; {} bars missed", cost::load(), sheet.missed());
    if strict && sheet.missed() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("limits: {why}");
    ExitCode::from(64)
}
