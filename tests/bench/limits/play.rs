//! `limits play NAME COUNT`: so many times one thing, and nothing else, for valgrind to count. Two runs with different
//! counts tell what one costs, without the start of the process.

use crate::engine::{Node, TEXT, no_clock, scattered};
use lineswarm_proto::{
    line_server::{ConnId, File, Input, LineServer, Output, RateSchedule, Settings},
    time::Moment,
    wire::line::send_lines,
};
use std::{net::Ipv4Addr, process::ExitCode};

/// Lines of the file whose lines are drawn again and again.
const FILE: u32 = 1 << 10;
/// Requests that come together.
const DEPTH: u32 = 512;

/// The name and the count that the arguments ask for.
pub(crate) fn count() -> Option<(String, u32)> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.as_slice() {
        [play, name, count] if play == "play" => Some((name.clone(), count.parse().ok()?)),
        _ => None,
    }
}

pub(crate) fn play((name, count): (String, u32)) -> ExitCode {
    // Lines that are held: the whole file first, in either run.
    let again = |depth| Node::drawing(no_clock, depth, 0).draw(FILE + count, |at| scattered(at, FILE));
    let new = |peers| Node::drawing(no_clock, 64, peers).draw(count, |at| scattered(at, 1 << 20));
    match name.as_str() {
        "draw" => again(DEPTH),
        "alone" => again(1),
        "keep" => new(0),
        "spread" => new(4),
        "join" => assert!(Node::give_to_late_joiner(count) > count as usize * TEXT.len()),
        "serve" => serve(count),
        _ => return ExitCode::from(64),
    }
    ExitCode::SUCCESS
}

fn serve(count: u32) {
    let file = File::from_texts((0..FILE).map(|_| TEXT), 0).unwrap();
    let settings = Settings { rate: RateSchedule::fixed(0.0), ..Settings::default() };
    let mut server = LineServer::new(file, settings, 0);
    let (conn, mut written) = (ConnId(1), 0);
    server.handle(Input::Opened { conn, ip: Ipv4Addr::LOCALHOST.into() }, Moment(1));
    while server.next_output().is_some() {}
    for turn in 0..count / DEPTH {
        server.handle(Input::Bytes { conn, bytes: send_lines(DEPTH) }, Moment(u64::from(turn)));
        while let Some(output) = server.next_output() {
            written += if let Output::Write { bytes, .. } = output { bytes.len() } else { 0 };
        }
    }
    assert!(written >= (count / DEPTH * DEPTH) as usize * TEXT.len());
}
