//! `make soak`: what must hold for long. The same file downloaded again and again by one swarm that lives through it all, and
//! daemons killed two hundred times in a run. Ends with a page, target/soak/report.html.
//!
//! Arguments: the parts to do. A number is so many downloads by a swarm of its own; `kills` is the kills. Without any:
//! 20 100 1000 kills, about a quarter of an hour. Exit 1 if a part did not hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod downloads;
mod page;
#[path = "../e2e/support/mod.rs"]
mod support;

use downloads::Downloads;
use std::{path::PathBuf, process::ExitCode, time::Duration};
use support::kills::{self, Account, Plan};

/// Two hundred kills in some three minutes; the run ends a little before the last of them.
const KILLS: Plan =
    Plan { kills: 200, lines: 1000, rate: 24, pause: Duration::from_millis(1400), seed: 0x5eed };

/// A part and how it went.
enum Part {
    Downloads(Downloads),
    Kills(Account),
}

fn main() -> ExitCode {
    // `cargo bench` says --bench to every benchmark.
    let mut wanted: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if wanted.is_empty() {
        wanted = ["20", "100", "1000", "kills"].map(String::from).into();
    }
    let out = out();
    std::fs::create_dir_all(&out).unwrap();
    let mut parts = Vec::new();
    for word in &wanted {
        let directory = tempfile::tempdir().unwrap();
        let part = match (word.as_str(), word.parse()) {
            ("kills", _) => Part::Kills(kills::run(directory.path(), KILLS)),
            (_, Ok(count @ 1..=10_000)) => Part::Downloads(downloads::run(directory.path(), count)),
            _ => {
                eprintln!("soak: {word}: a part is a number of downloads from 1 to 10000, or kills");
                return ExitCode::from(64);
            }
        };
        println!("{}", page::sentence(&part));
        if let Part::Downloads(downloads) = &part {
            std::fs::write(out.join(format!("downloads-{word}.csv")), downloads.csv()).unwrap();
        }
        parts.push(part);
    }
    let page_file = out.join("report.html");
    std::fs::write(&page_file, page::page(&parts, &format!("make soak PARTS='{}'", wanted.join(" "))))
        .unwrap();
    println!("{}", page_file.display());
    let held = parts.iter().all(|part| match part {
        Part::Downloads(downloads) => downloads.is_flat(),
        // What did not hold has ended the program.
        Part::Kills(_) => true,
    });
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `soak` beside the directory of the programs.
fn out() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_lineswarmd"));
    program.ancestors().nth(2).unwrap().join("soak")
}
