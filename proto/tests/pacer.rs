//! The pacer against a model of each limiter, in virtual time: `cargo test -p lineswarm-proto --test pacer -- --nocapture`
//! prints the table that docs/pacing.md shows.
#![expect(clippy::disallowed_macros, reason = "a test may print its table")]

mod pacer {
    pub(crate) mod link;
}

use lineswarm_proto::line_server::limiter::LimiterKind::{self, Bucket, Spacing, Window};
use pacer::link::{Count, Naive, Scene, run, run_client};
use std::time::Duration;

/// A row of the table: what it is called, the scene, and what must hold.
struct Row {
    name: &'static str,
    scene: Scene,
    share: f64,
    price: f64,
}

fn row(name: &'static str, kind: LimiterKind, rate: f64, share: f64, price: f64) -> Row {
    Row { name, scene: Scene::new(kind, rate), share, price }
}

impl Row {
    fn burst(mut self, burst: u32) -> Self {
        self.scene.burst = burst;
        self
    }

    fn latency(mut self, ms: u64) -> Self {
        self.scene.latency = Duration::from_millis(ms);
        self.scene.jitter = Duration::from_micros(100);
        self
    }

    fn rates(mut self) -> Self {
        self.scene.rates = vec![(0.0, 100.0), (7.0, 30.0), (14.0, 300.0)];
        self
    }
}

fn table() -> Vec<Row> {
    vec![
        row("spacing 100", Spacing, 100.0, 0.99, 0.7),
        row("spacing 200", Spacing, 200.0, 0.985, 0.7),
        row("spacing 1000", Spacing, 1000.0, 0.97, 1.0),
        row("bucket 100, burst 10", Bucket, 100.0, 0.995, 0.1).burst(10),
        row("bucket 100, burst 100", Bucket, 100.0, 0.995, 0.1).burst(100),
        row("bucket 1000, burst 10", Bucket, 1000.0, 0.995, 0.1).burst(10),
        row("bucket 1000, burst 100", Bucket, 1000.0, 0.995, 0.1).burst(100),
        row("window 100", Window, 100.0, 0.99, 0.5),
        row("window 1000", Window, 1000.0, 0.99, 0.5),
        row("spacing 100, 50 ms", Spacing, 100.0, 0.97, 0.6).latency(50),
        row("spacing 100, 200 ms", Spacing, 100.0, 0.97, 0.6).latency(200),
        row("bucket 100, burst 10, 50 ms", Bucket, 100.0, 0.85, 2.0).burst(10).latency(50),
        row("bucket 100, burst 10, 200 ms", Bucket, 100.0, 0.85, 2.0).burst(10).latency(200),
        row("window 100, 50 ms", Window, 100.0, 0.85, 2.0).latency(50),
        row("window 100, 200 ms", Window, 100.0, 0.85, 2.0).latency(200),
        row("spacing 100 > 30 > 300, 50 ms", Spacing, 100.0, 0.85, 2.0).rates().latency(50),
        row("spacing 100 > 30 > 300", Spacing, 100.0, 0.94, 1.0).rates(),
        row("bucket 100 > 30 > 300, burst 10", Bucket, 100.0, 0.94, 1.0).rates().burst(10),
        row("window 100 > 30 > 300", Window, 100.0, 0.94, 1.0).rates(),
    ]
}

fn over_seeds(scene: &Scene) -> Vec<Count> {
    (1..=5).map(|seed| run(&Scene { seed, ..scene.clone() })).collect()
}

#[test]
fn every_limiter_gives_what_it_allows_at_few_refusals() {
    let mut missed = Vec::new();
    eprintln!(
        "{:34} {:>6} {:>6}   {:>6} {:>6}   {:>6} {:>6}",
        "limiter", "share", "worst", "price", "worst", ">=", "<="
    );
    for row in table() {
        let counts = over_seeds(&row.scene);
        let mean = |of: &dyn Fn(&Count) -> f64| counts.iter().map(of).sum::<f64>() / counts.len() as f64;
        let shares = |count: &Count| count.share(&row.scene);
        let worst = counts.iter().map(shares).fold(f64::INFINITY, f64::min);
        let dearest = counts.iter().map(Count::price).fold(0.0, f64::max);
        let good = worst >= row.share && dearest <= row.price;
        eprintln!(
            "{:34} {:6.4} {worst:6.4}   {:6.3} {dearest:6.3}   {:6} {:6} {} {:?}",
            row.name,
            mean(&shares),
            mean(&Count::price),
            row.share,
            row.price,
            if good { "" } else { "MISSED" },
            counts[0].belief.map(|b| (b.kind, b.limit.map(f64::round), b.depth)),
        );
        if !good {
            missed.push(row.name);
        }
    }
    assert!(missed.is_empty(), "missed: {missed:?}");
}

#[test]
fn a_client_that_asks_every_two_milliseconds_misses_the_gate() {
    for row in table() {
        let every = Duration::from_millis(2);
        let mut naive = Naive { every, next: lineswarm_proto::time::Moment::ZERO };
        let count = run_client(&row.scene, &mut naive);
        assert!(
            count.share(&row.scene) < row.share || count.price() > row.price,
            "{}: {} {}",
            row.name,
            count.share(&row.scene),
            count.price()
        );
    }
}
