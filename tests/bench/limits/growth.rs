//! What a line and a peer cost the engine as there are more of them: each may cost a little more, not a multiple.

use crate::{
    engine::{Node, processor_time, scattered},
    sheet::{Bar, Sheet, median},
};

const DEPTH: u32 = 512;

/// Nanoseconds of the engine for each of `lines` new lines.
fn keep(lines: u32) -> f64 {
    // A small file is kept as often as it takes to see its time; each time in memory of its own, as a daemon has it, which
    // the system gives out page by page.
    let times = ((1 << 17) / lines).max(1);
    let nodes = (0..times).map(|_| {
        let mut node = Node::drawing(processor_time, DEPTH, 0);
        node.draw(lines, |at| scattered(at, lines));
        node
    });
    let nodes: Vec<Node> = nodes.collect();
    1e9 * nodes.iter().map(|node| node.spent.as_secs_f64()).sum::<f64>() / f64::from(times * lines)
}

/// Nanoseconds of the engine for each draw of a line that it holds.
fn again(lines: u32) -> f64 {
    const DRAWS: u32 = 1 << 20;
    let mut node = Node::drawing(processor_time, DEPTH, 0);
    node.draw(lines, |at| scattered(at, lines));
    let before = node.spent;
    node.draw(DRAWS, |at| scattered(at, lines));
    1e9 * (node.spent - before).as_secs_f64() / f64::from(DRAWS)
}

/// Nanoseconds of the engine for each line and peer.
fn spread(peers: u8) -> f64 {
    const LINES: u32 = 1 << 14;
    let run = |peers| {
        let mut node = Node::drawing(processor_time, 64, peers);
        node.draw(LINES, |at| scattered(at, LINES));
        node.spent.as_secs_f64()
    };
    1e9 * (run(peers) - run(0)) / f64::from(LINES) / f64::from(peers)
}

pub(crate) fn growth(sheet: &mut Sheet) {
    let mut row = |name: &str, measure: fn(u32) -> f64, few: u32, many: u32| {
        let (mut ratios, mut ends) = (Vec::new(), (0.0, 0.0));
        for _ in 0..sheet.rounds {
            ends = (measure(few), measure(many));
            ratios.push(ends.1 / ends.0);
        }
        let of = format!("{:.0} ns of {few}, {:.0} ns of {many}", ends.0, ends.1);
        sheet.figure(name, median(ratios), Bar::AtMost(1.5), &of);
    };
    row("a new line of 2^20 / of 2^10", keep, 1 << 10, 1 << 20);
    row("a known line of 2^20 / of 2^10", again, 1 << 10, 1 << 20);
    row("a line to each of 64 peers / of 2", |peers| spread(peers as u8), 2, 64);
}
