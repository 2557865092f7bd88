//! What is shown of a comparison: charts as SVG, a page, text for a terminal, and the answer in words.
//!
//! Everything is computed from the results; nothing here measures.

pub mod answer;
pub mod charts;
pub mod page;
pub mod text;

use super::results::Results;
use crate::failure::Failure;
use lineswarm_files::write;
use std::path::Path;

/// Times in seconds that a group of the course reported for 1 to 4 peers, at 100 lines a second and 1000 lines.
const COURSE: [f64; 4] = [83.06, 52.07, 44.08, 26.07];
const COURSE_RATE: f64 = 100.0;
const COURSE_LINES: u32 = 1000;

/// Writes the charts, the page and the table as Markdown.
pub fn write(out: &Path, results: &Results) -> Result<(), Failure> {
    let files = [
        ("lines.svg", charts::lines(results)?),
        ("time.svg", charts::time(results)?),
        ("efficiency.svg", charts::efficiency(results)?),
        ("report.html", page::page(results)?),
        ("results.md", text::markdown(results)),
    ];
    for (name, content) in files {
        write::whole(&out.join(name), content.as_bytes())?;
    }
    Ok(())
}

/// The course's points for this comparison, scaled to its rate; none where they would not compare.
fn course(results: &Results) -> Vec<(u32, f64)> {
    if results.settings.lines != COURSE_LINES {
        return Vec::new();
    }
    let scale = COURSE_RATE / results.settings.rate;
    let most = results.settings.peers.last().copied().unwrap_or(0);
    (1..).zip(COURSE).filter(|(peers, _)| *peers <= most).map(|(peers, time)| (peers, time * scale)).collect()
}

/// A time as it is compared with another: two places as long as they mean something.
fn seconds(value: f64) -> String {
    if value < 100.0 { format!("{value:.2} s") } else { crate::render::span(value) }
}
