//! `limits play NAME COUNT`: so many times one thing, and nothing else, for valgrind to count. Two runs with different
//! counts tell what one costs, without the start of the process.

use crate::engine::{Node, scattered};
use std::process::ExitCode;

/// Lines of the file whose lines are drawn again and again.
const FILE: u32 = 1 << 10;

/// The name and the count that the arguments ask for.
pub(crate) fn count() -> Option<(String, u32)> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.as_slice() {
        [play, name, count] if play == "play" => Some((name.clone(), count.parse().ok()?)),
        _ => None,
    }
}

pub(crate) fn play((name, count): (String, u32)) -> ExitCode {
    let (depth, peers) = match name.as_str() {
        "draw" | "keep" => (512, 0),
        "alone" => (1, 0),
        "spread" => (64, 4),
        _ => return ExitCode::from(64),
    };
    let mut node = Node::drawing(depth, peers);
    match name.as_str() {
        // Lines that are held: the whole file first, in either run.
        "draw" | "alone" => node.draw(FILE + count, |at| scattered(at, FILE)),
        _ => node.draw(count, |at| scattered(at, 1 << 20)),
    }
    ExitCode::SUCCESS
}
