//! The table that the bench prints, and the arithmetic of its figures.

use std::time::{Duration, Instant};

/// What must hold for a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing: it is told only.
    None,
}

/// Prints figures, counts missed bars.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// How often each pair of runs is repeated.
    pub(crate) rounds: usize,
    missed: usize,
    table: String,
}

impl Sheet {
    pub(crate) fn new(rounds: usize) -> Self {
        Self { rounds, missed: 0, table: String::new() }
    }

    pub(crate) fn missed(&self) -> usize {
        self.missed
    }

    /// What was printed so far.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    fn print(&mut self, row: &str) {
        println!("{row}");
        self.table.push_str(row);
        self.table.push('\n');
    }

    pub(crate) fn head(&mut self) {
        self.print(&format!(
            "| {:52} | {:>9} | {:>8} | verdict | {:40} |",
            "figure", "measured", "bar", "of"
        ));
        self.print(&format!("|{:-<54}|----------:|---------:|---------|{:-<42}|", "", ""));
    }

    /// One figure; `of` says what it was made of.
    pub(crate) fn figure(&mut self, name: &str, measured: f64, bar: Bar, of: &str) {
        let (bar, good) = match bar {
            Bar::AtLeast(bar) => (format!(">= {bar}"), Some(measured >= bar)),
            Bar::AtMost(bar) => (format!("<= {bar}"), Some(measured <= bar)),
            Bar::None => ("-".into(), None),
        };
        self.missed += usize::from(good == Some(false));
        let verdict = match good {
            Some(true) => "ok",
            Some(false) => "MISS",
            None => "-",
        };
        self.print(&format!("| {name:52} | {measured:9.3} | {bar:>8} | {verdict:7} | {of:40} |"));
    }

    /// What can't be measured here.
    pub(crate) fn skipped(&mut self, name: &str, why: &str) {
        self.print(&format!("| {name:52} | {:>9} | {:>8} | {:7} | {why:40} |", "-", "-", "not run"));
    }
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Measures two things in turn, `rounds` times: the median of the ratios of each pair, and both medians.
pub(crate) fn in_turn(
    rounds: usize,
    mut one: impl FnMut() -> f64,
    mut other: impl FnMut() -> f64,
) -> (f64, f64, f64) {
    let (mut ratios, mut ones, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (a, b) = (one(), other());
        ratios.push(a / b);
        ones.push(a);
        others.push(b);
    }
    (median(ratios), median(ones), median(others))
}

/// In milliseconds.
pub(crate) fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

/// How long it takes, in milliseconds.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = Instant::now();
    let result = work();
    (ms(begun.elapsed()), result)
}
