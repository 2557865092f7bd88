//! What is measured: the rows, and what must hold for each.

/// One line server, and so many clients of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Options of `lineserver`.
    limiter: &'static str,
    burst: u32,
    /// The rate from each second after the first draw on.
    rates: &'static [(f64, f64)],
    latency_ms: u32,
    /// At least this share of what is allowed, and at most so many refusals for each useful draw.
    pub(crate) share: f64,
    pub(crate) price: f64,
    /// How many daemons, one after the other.
    pub(crate) daemons: &'static [usize],
    /// The bars on processor and system calls hold here too.
    pub(crate) frugal: bool,
}

const STEADY_100: &[(f64, f64)] = &[(0.0, 100.0)];
const STEADY_1000: &[(f64, f64)] = &[(0.0, 1000.0)];
const CHANGES: &[(f64, f64)] = &[(0.0, 100.0), (7.0, 30.0), (14.0, 300.0)];
const BOTH: &[usize] = &[1, 4];
const ONE: &[usize] = &[1];

impl Row {
    const fn new(name: &'static str, limiter: &'static str, share: f64, price: f64) -> Self {
        let rates = STEADY_100;
        Self { name, limiter, burst: 1, rates, latency_ms: 0, share, price, daemons: ONE, frugal: false }
    }

    const fn frugal(self) -> Self {
        Self { frugal: true, ..self }
    }

    const fn also_four(self) -> Self {
        Self { daemons: BOTH, ..self }
    }

    const fn fast(self) -> Self {
        Self { rates: STEADY_1000, ..self }
    }

    const fn changes(self) -> Self {
        Self { rates: CHANGES, ..self }
    }

    const fn burst(self, burst: u32) -> Self {
        Self { burst, ..self }
    }

    const fn latency(self, latency_ms: u32) -> Self {
        Self { latency_ms, ..self }
    }

    /// The options of the line server.
    pub(crate) fn options(&self) -> Vec<String> {
        let rate: Vec<String> = self
            .rates
            .iter()
            .map(|(from, rate)| if *from > 0.0 { format!("{rate}@{from}s") } else { rate.to_string() })
            .collect();
        [
            ("--limiter", self.limiter.to_owned()),
            ("--burst", self.burst.to_string()),
            ("--rate", rate.join(",")),
            ("--latency", self.latency_ms.to_string()),
            ("--lines", "20000".to_owned()),
        ]
        .into_iter()
        .flat_map(|(option, value)| [option.to_owned(), value])
        .collect()
    }

    /// How many answers one client is allowed from second `from` to second `to` after the first draw.
    pub(crate) fn allowed(&self, from: f64, to: f64) -> f64 {
        let ends = self.rates.iter().skip(1).map(|(at, _)| *at).chain([f64::INFINITY]);
        self.rates
            .iter()
            .zip(ends)
            .map(|((start, rate), end)| rate * (to.min(end) - from.max(*start)).max(0.0))
            .sum()
    }
}

/// All rows; docs/pacing.md has the same in virtual time.
pub(crate) const ROWS: &[Row] = &[
    Row::new("spacing-100", "spacing", 0.99, 0.7).also_four().frugal(),
    Row::new("spacing-1000", "spacing", 0.97, 1.0).fast().also_four(),
    Row::new("bucket-100-burst-10", "bucket", 0.995, 0.1).burst(10).also_four().frugal(),
    Row::new("bucket-100-burst-100", "bucket", 0.995, 0.1).burst(100).frugal(),
    Row::new("bucket-1000-burst-10", "bucket", 0.995, 0.1).burst(10).fast().also_four(),
    Row::new("bucket-1000-burst-100", "bucket", 0.995, 0.1).burst(100).fast(),
    Row::new("window-100", "window", 0.99, 0.5).also_four().frugal(),
    Row::new("window-1000", "window", 0.99, 0.5).fast().also_four(),
    Row::new("spacing-100-latency-50", "spacing", 0.97, 0.6).latency(50).also_four(),
    Row::new("spacing-100-latency-200", "spacing", 0.97, 0.6).latency(200).also_four(),
    Row::new("bucket-100-latency-50", "bucket", 0.85, 2.0).burst(10).latency(50),
    Row::new("window-100-latency-50", "window", 0.85, 2.0).latency(50),
    Row::new("changes-latency-50", "spacing", 0.85, 2.0).changes().latency(50),
    Row::new("changes", "spacing", 0.94, 1.0).changes().also_four(),
];
