//! `make bench`: how much of what a line server allows the daemon draws, and what that costs. A real `lineserver` counts,
//! over 20 s after the first 2 s; real daemons draw; a naive client that asks every 2 ms shows what is not good enough.
//!
//! Arguments: words that a row's name must hold one of; `naive` for the naive client; `--seconds N` for shorter samples;
//! `--let-sleep` lets the processors sleep between two requests, which root's runs keep from it; `--strict` exits with 1 if
//! a bar is missed. The gate for CI is the same table in virtual time (proto/tests/pacer.rs).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "draws/client.rs"]
mod client;
#[path = "draws/cost.rs"]
mod cost;
#[path = "../e2e/support/mod.rs"]
mod support;
#[path = "draws/table.rs"]
mod table;

use client::Naive;
use cost::{Awake, Calls, Counting, processor_seconds};
use serde_json::Value;
use std::process::ExitCode;
use support::Server;
use table::{ROWS, Row};

/// Seconds after the first draw that do not count.
const WARM_UP: f64 = 2.0;
/// Processor time in a row that is to be frugal, as a share of one core; and system calls for each useful draw.
const PROCESSOR: f64 = 0.015;
const CALLS: f64 = 8.0;

/// What is to be done.
struct Plan {
    words: Vec<String>,
    seconds: f64,
    sleep: bool,
    strict: bool,
}

impl Plan {
    fn read() -> Result<Self, String> {
        let mut plan = Self { words: Vec::new(), seconds: 20.0, sleep: false, strict: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // `cargo bench` says so to every benchmark.
                "--bench" => {}
                "--strict" => plan.strict = true,
                "--let-sleep" => plan.sleep = true,
                "--seconds" => {
                    let seconds = arguments.next().and_then(|word| word.parse().ok());
                    plan.seconds =
                        seconds.filter(|seconds| *seconds > 0.0).ok_or("--seconds needs a number")?;
                }
                option if option.starts_with('-') => {
                    return Err(format!(
                        "{option}: there are --seconds N, --let-sleep, --strict, and words of row names"
                    ));
                }
                _ => plan.words.push(argument),
            }
        }
        Ok(plan)
    }

    fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }
}

/// What was counted in one run of one row.
struct Measured {
    share: f64,
    price: f64,
    /// Of one daemon, as a share of one core.
    processor: Option<f64>,
    calls: Option<f64>,
}

fn main() -> ExitCode {
    let plan = match Plan::read() {
        Ok(plan) => plan,
        Err(why) => {
            eprintln!("draws: {why}");
            return ExitCode::from(64);
        }
    };
    let how = Calls::best();
    let awake = Awake::hold(plan.sleep);
    println!("{} s after the first {WARM_UP} s; {}; {}", plan.seconds, how.words(), awake.words());
    println!("load average before: {}", cost::load());
    println!(
        "| {:26} | who      | useful |  bar  | refused |  bar  | processor | calls | verdict |",
        "line server"
    );
    println!("|{:-<28}|----------|--------|-------|---------|-------|-----------|-------|---------|", "");
    let mut missed = 0;
    for row in ROWS.iter().filter(|row| plan.wants(row.name)) {
        for &daemons in row.daemons {
            missed += u32::from(!drawn_by_daemons(row, daemons, plan.seconds, how));
        }
    }
    // With one row asked for by name, its naive client needs no second word.
    let naive = plan.words.is_empty() || plan.words.iter().any(|word| word == "naive");
    for row in ROWS.iter().filter(|_| naive) {
        missed += u32::from(!drawn_naively(row, plan.seconds));
    }
    println!("load average after: {}; {missed} bars missed", cost::load());
    if plan.strict && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// One run with real daemons. True if every bar was reached.
fn drawn_by_daemons(row: &Row, count: usize, seconds: f64, how: Calls) -> bool {
    // What counts system calls costs time itself: it has a run of its own.
    let free = how == Calls::Sleeps;
    let mut measured = with_daemons(row, count, seconds, free.then_some(how));
    if !free && row.frugal && count == 1 {
        measured.calls = with_daemons(row, count, seconds.min(5.0), Some(how)).calls;
    }
    let frugal = row.frugal && count == 1;
    let cheap = !frugal
        || measured.processor.is_none_or(|share| share <= PROCESSOR)
            && measured.calls.is_none_or(|calls| how == Calls::Sleeps || calls <= CALLS);
    let good = measured.share >= row.share && measured.price <= row.price && cheap;
    let who = if count == 1 { "1 daemon".to_owned() } else { format!("{count} d'ns") };
    say(row, &who, &measured, if good { "ok" } else { "MISS" });
    good
}

fn with_daemons(row: &Row, count: usize, seconds: f64, how: Option<Calls>) -> Measured {
    let directory = tempfile::tempdir().unwrap();
    let server = start_server(row, directory.path());
    let daemons = client::daemons(directory.path(), &server.address, count);
    let first = daemons.first().map_or(0, client::Daemon::id);
    measure(row, &server, count, seconds, how.map(|how| (how, first)), Some(first))
}

/// The naive client must miss a bar, or the bars are worth nothing.
fn drawn_naively(row: &Row, seconds: f64) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let server = start_server(row, directory.path());
    let _naive = Naive::start(&server.address);
    let measured = measure(row, &server, 1, seconds, None, None);
    let misses = measured.share < row.share || measured.price > row.price;
    say(row, "naive", &measured, if misses { "ok: misses" } else { "MISS: passes" });
    misses
}

fn start_server(row: &Row, directory: &std::path::Path) -> Server {
    let mut options = row.options();
    options.extend(["--counts-every".to_owned(), "0.05".to_owned()]);
    Server::start(directory, &options.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Counts what the server counted between two of its reports.
fn measure(
    row: &Row,
    server: &Server,
    clients: usize,
    seconds: f64,
    calls: Option<(Calls, u32)>,
    process: Option<u32>,
) -> Measured {
    let first = server.wait_for("first_draw")["t"].as_f64().unwrap();
    let begin = counts_after(server, first + WARM_UP);
    let before = process.and_then(processor_seconds);
    let counting = calls.and_then(|(how, process)| Counting::start(how, process));
    let end = counts_after(server, begin.t + seconds);
    let counted = counting.and_then(Counting::end);
    let after = process.and_then(processor_seconds);

    let useful = end.draws - begin.draws;
    let allowed = clients as f64 * row.allowed(begin.t - first, end.t - first);
    let mine = useful / clients as f64;
    Measured {
        share: useful / allowed,
        price: (end.refusals - begin.refusals) / useful.max(1.0),
        processor: before.zip(after).map(|(before, after)| (after - before) / (end.t - begin.t)),
        calls: counted.map(|count| count as f64 / mine.max(1.0)),
    }
}

struct Counts {
    t: f64,
    draws: f64,
    refusals: f64,
}

fn counts_after(server: &Server, moment: f64) -> Counts {
    let number = |counts: &Value, field: &str| counts[field].as_f64().unwrap();
    loop {
        let counts = server.wait_for("counts");
        if number(&counts, "t") >= moment {
            let (t, draws) = (number(&counts, "t"), number(&counts, "draws"));
            return Counts { t, draws, refusals: number(&counts, "refusals") };
        }
    }
}

fn say(row: &Row, who: &str, measured: &Measured, verdict: &str) {
    let or_none = |shown: Option<String>| shown.unwrap_or_else(|| "-".to_owned());
    println!(
        "| {:26} | {who:8} | {:6.3} | {:5.3} | {:7.3} | {:5.1} | {:>9} | {:>5} | {verdict} |",
        row.name,
        measured.share,
        row.share,
        measured.price,
        row.price,
        or_none(measured.processor.map(|share| format!("{:.2} %", 100.0 * share))),
        or_none(measured.calls.map(|calls| format!("{calls:.1}"))),
    );
}
