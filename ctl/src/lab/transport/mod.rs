//! `bench transport`: how often a number can go from one party to another, by each way that a program could take.
//!
//! Two threads; each adds one to what it receives and sends it back, so every transfer waits for the one before. That
//! measures the delay of a hand-over, not how much data fits through.

mod ways;

use crate::args;
use crate::failure::Failure;
use crate::render::table::{Align, columns};
use crate::render::{Ink, Look};
use crate::screen::Screen;
use serde_json::{Value, json};
use std::io;
use std::thread;
use std::time::Instant;
use ways::{End, WAYS, Way};

const RUNS: usize = 3;
/// What a group of the course measured between two processes in Python, in transfers a second.
const COURSE: [(&str, f64); 2] = [("queue", 3479.0), ("socket", 11431.0)];

/// One way's figures.
#[derive(Debug)]
struct Measured {
    way: Way,
    /// One-way transfers a second, from the slowest run to the fastest; or why it did not work.
    rates: Result<Vec<f64>, String>,
}

impl Measured {
    fn median(&self) -> Option<f64> {
        let rates = self.rates.as_ref().ok()?;
        rates.get(rates.len() / 2).copied()
    }
}

pub fn run(args: &args::Transport, screen: &mut Screen) -> Result<u8, Failure> {
    let measured: Vec<Measured> =
        WAYS.iter().map(|way| Measured { way: *way, rates: measure(way, args.count) }).collect();
    if screen.json {
        screen.object(object(args.count, &measured))?;
    } else {
        screen.text(&text(args.count, &measured, screen.look))?;
    }
    Ok(if measured.iter().any(|one| one.rates.is_ok()) { 0 } else { 1 })
}

fn measure(way: &Way, rounds: u64) -> Result<Vec<f64>, String> {
    let once = || {
        let (a, b) = (way.connect)()?;
        rate(a, b, rounds)
    };
    let mut rates: Vec<f64> =
        (0..RUNS).map(|_| once()).collect::<io::Result<_>>().map_err(|error| error.to_string())?;
    rates.sort_by(f64::total_cmp);
    Ok(rates)
}

/// Transfers a second: each round is one there and one back.
fn rate(mut a: End, mut b: End, rounds: u64) -> io::Result<f64> {
    thread::scope(|scope| {
        let echo = scope.spawn(move || {
            for _ in 0..rounds {
                let number = (b.receive)()?;
                (b.send)(number + 1)?;
            }
            Ok::<(), io::Error>(())
        });
        let begin = Instant::now();
        let mut number = 0;
        for _ in 0..rounds {
            (a.send)(number + 1)?;
            number = (a.receive)()?;
        }
        let seconds = begin.elapsed().as_secs_f64();
        echo.join().map_err(|_| io::Error::other("the other party failed"))??;
        if number == 2 * rounds {
            Ok(number as f64 / seconds)
        } else {
            Err(io::Error::other(format!("{number} came back instead of {}", 2 * rounds)))
        }
    })
}

fn text(rounds: u64, measured: &[Measured], look: Look) -> String {
    let mut text = look.paint(Ink::Strong, "One-way transfers a second between two threads");
    text.push_str(&format!(", {rounds} rounds there and back, {RUNS} runs\n\n"));
    let right = |title| (title, Align::Right);
    let header = [
        ("WAY", Align::Left),
        right("MEDIAN"),
        right("LEAST"),
        right("MOST"),
        ("A TRANSFER IS", Align::Left),
    ];
    let mut rows: Vec<Vec<String>> = measured
        .iter()
        .map(|one| {
            let at = |rate: Option<&f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.0}"));
            let rates = one.rates.as_deref().unwrap_or_default();
            let why =
                one.rates.as_ref().err().map_or_else(|| one.way.why.into(), |e| format!("not here: {e}"));
            vec![one.way.name.into(), at(one.median().as_ref()), at(rates.first()), at(rates.last()), why]
        })
        .collect();
    rows.extend(COURSE.map(|(name, rate)| {
        let why = "the course's own figure, between two Python processes".to_owned();
        vec![format!("course: {name}"), format!("{rate:.0}"), "-".into(), "-".into(), why]
    }));
    text.push_str(&columns(&header, &rows));
    text.push_str(&format!("\n{}\n", conclusion(measured)));
    text
}

/// What the figures say, in words.
fn conclusion(measured: &[Measured]) -> String {
    let mut sorted: Vec<(&str, f64)> =
        measured.iter().filter_map(|one| Some((one.way.name, one.median()?))).collect();
    sorted.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let (Some((fastest, most)), Some((slowest, least))) = (sorted.first(), sorted.last()) else {
        return "No way worked here.".into();
    };
    format!(
        "Fastest is {fastest} with {most:.0}/s ({:.1} us a transfer), slowest {slowest} with {least:.0}/s \
({:.1} us): {:.1} times.\nEach transfer waits for the one before and wakes the other thread; that, and not the copying of \
eight\nbytes, is most of the time. None is what a download waits for: at 100 lines a second a line takes as\nlong as {:.0} \
of the slowest transfers.",
        1e6 / most,
        1e6 / least,
        most / least,
        least / 100.0
    )
}

fn object(rounds: u64, measured: &[Measured]) -> Value {
    let one = |one: &Measured| {
        json!({
            "way": one.way.name, "median": one.median(), "rates": one.rates.as_ref().ok(),
            "error": one.rates.as_ref().err(),
        })
    };
    let course: Vec<Value> = COURSE.iter().map(|(name, rate)| json!({"way": name, "median": rate})).collect();
    json!({
        "v": 1, "rounds": rounds, "runs": RUNS, "transfers_per_s": measured.iter().map(one).collect::<Vec<_>>(),
        "course": course,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_brings_each_number_back_and_the_sum_is_right() {
        for way in WAYS {
            let rates = measure(&way, 50).unwrap_or_else(|error| panic!("{}: {error}", way.name));
            assert_eq!(rates.len(), RUNS);
            assert!(rates.iter().all(|rate| *rate > 0.0), "{}: {rates:?}", way.name);
        }
    }

    #[test]
    fn a_party_that_goes_away_is_an_error_and_no_hang() {
        let (a, b) = (WAYS[1].connect)().unwrap();
        drop(b);
        let (c, _) = (WAYS[1].connect)().unwrap();
        assert!(rate(a, c, 3).is_err());
    }
}
