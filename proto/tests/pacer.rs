//! The pacer against a model of each limiter, in virtual time. The table that docs/pacing.md shows is printed by
//! `cargo test -p lineswarm-proto --test pacer -- --nocapture every_limiter`; `cargo test ... -- --ignored` runs it
//! over many more seeds.
#![expect(clippy::disallowed_macros, reason = "a test may print its table")]

mod pacer {
    mod beliefs;
    pub(crate) mod link;
    pub(crate) mod properties;
    mod trace;
}

use lineswarm_proto::{
    engine::pacer::Kind,
    line_server::{
        Single,
        limiter::LimiterKind::{self, Bucket, Spacing, Window},
    },
    time::Moment,
};
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
        self.scene = self.scene.latency(ms);
        self
    }

    fn changes(mut self) -> Self {
        self.scene.rates = vec![(0.0, 100.0), (7.0, 30.0), (14.0, 300.0)];
        self
    }

    /// Prints the row; true if it holds for every seed.
    fn holds(&self, seeds: u64) -> bool {
        let counts: Vec<Count> = (1..=seeds).map(|seed| run(&Scene { seed, ..self.scene.clone() })).collect();
        let mean = |of: &dyn Fn(&Count) -> f64| counts.iter().map(of).sum::<f64>() / counts.len() as f64;
        let share = |count: &Count| count.share(&self.scene);
        let worst = counts.iter().map(share).fold(f64::INFINITY, f64::min);
        let dearest = counts.iter().map(Count::price).fold(0.0, f64::max);
        let good = worst >= self.share && dearest <= self.price;
        eprintln!(
            "| {:30} | {:6.3} | {worst:6.3} | {:6.3} | {:7.3} | {dearest:7.3} | {:6} |{}",
            self.name,
            mean(&share),
            self.share,
            mean(&Count::price),
            self.price,
            if good { "" } else { " MISSED" }
        );
        good
    }
}

fn table() -> Vec<Row> {
    vec![
        row("spacing 100", Spacing, 100.0, 0.99, 0.7),
        row("spacing 200", Spacing, 200.0, 0.99, 0.7),
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
        row("spacing 100>30>300, 50 ms", Spacing, 100.0, 0.85, 2.0).changes().latency(50),
        row("spacing 100>30>300", Spacing, 100.0, 0.94, 1.0).changes(),
        row("bucket 100>30>300, burst 10", Bucket, 100.0, 0.94, 1.0).changes().burst(10),
        row("window 100>30>300", Window, 100.0, 0.94, 1.0).changes(),
    ]
}

fn check_table(seeds: u64) {
    eprintln!("| limiter, one-way latency        |  share |  worst |  >=    | refusals |   worst | <=     |");
    let missed: Vec<_> = table().iter().filter(|row| !row.holds(seeds)).map(|row| row.name).collect();
    assert!(missed.is_empty(), "missed: {missed:?}");
}

#[test]
fn every_limiter_gives_what_it_allows_at_few_refusals() {
    check_table(5);
}

#[test]
#[ignore = "a minute in a debug build"]
fn every_limiter_gives_what_it_allows_for_a_hundred_seeds() {
    check_table(100);
}

#[test]
fn a_client_that_asks_every_two_milliseconds_misses_the_gate() {
    for row in table() {
        let mut naive = Naive { every: Duration::from_millis(2), next: Moment::ZERO };
        let count = run_client(&row.scene, &mut naive);
        let (share, price) = (count.share(&row.scene), count.price());
        assert!(share < row.share || price > row.price, "{}: {share} at {price}", row.name);
    }
}

#[test]
fn learning_wastes_less_than_five_draws_of_the_first_second() {
    for (rate, steady) in [(50.0, 0.99), (100.0, 0.99), (200.0, 0.99), (1000.0, 0.97)] {
        for seed in 1..=10 {
            let scene = Scene { from: 0.0, seed, ..Scene::new(Spacing, rate) };
            let first = Scene { seconds: 1.0, ..scene.clone() };
            let useful = run(&first).useful as f64;
            assert!(useful >= rate * steady - 5.0, "{useful} of {rate} in the first second, seed {seed}");
            let whole = Scene { seconds: 18.0, ..scene };
            let share = run(&whole).share(&whole);
            assert!(share >= steady, "{share} of {rate}/s in 18 s, seed {seed}");
        }
    }
}

#[test]
fn a_changed_limit_is_found_again_within_two_seconds() {
    for kind in [Spacing, Bucket, Window] {
        for (before, after) in [(100.0, 30.0), (30.0, 300.0), (300.0, 100.0), (100.0, 1000.0)] {
            for seed in 1..=5 {
                let rates = vec![(0.0, before), (8.0, after)];
                let base = Scene::new(kind, before);
                let scene = Scene { rates, burst: 10, seconds: 15.0, from: 10.0, seed, ..base };
                let count = run(&scene);
                let share = count.share(&scene);
                let found = count.belief.and_then(|belief| belief.limit).unwrap_or(0.0);
                assert!(share > 0.96, "{kind:?} {before} to {after}: {share}, seed {seed}");
                assert!((found / after - 1.0).abs() < 0.15, "{kind:?} {before} to {after}: believes {found}");
            }
        }
    }
}

#[test]
fn the_kind_of_limiter_is_named() {
    let named = |scene: Scene| run(&scene).belief.map(|belief| belief.kind);
    assert_eq!(named(Scene::new(Spacing, 100.0)), Some(Kind::Spacing));
    assert_eq!(named(Scene { burst: 10, ..Scene::new(Bucket, 100.0) }), Some(Kind::Bucket));
    assert_eq!(named(Scene::new(Window, 100.0)), Some(Kind::Window));
    assert_eq!(named(Scene { seconds: 0.02, from: 0.0, ..Scene::new(Spacing, 0.0) }), Some(Kind::Unlimited));
}

#[test]
fn an_unlimited_server_is_asked_as_deep_as_it_pays() {
    for (latency, seconds) in [(0, 0.02), (1, 0.1), (20, 1.0), (100, 4.0)] {
        let scene = Scene { seconds, from: 0.0, ..Scene::new(Spacing, 0.0).latency(latency) };
        let count = run(&scene);
        assert_eq!(count.deepest, 4096, "{latency} ms");
        assert!(count.useful > 10_000 && count.refused == 0, "{latency} ms: {}", count.useful);
        assert!(count.wakeups * 20 < count.useful, "{latency} ms: {} wake-ups", count.wakeups);
    }
}

#[test]
fn a_long_link_needs_a_round_trip_of_requests_under_way() {
    for (latency, most) in [(50, 22), (200, 82)] {
        let count = run(&Scene::new(Spacing, 100.0).latency(latency));
        let depth = count.belief.map_or(0, |belief| belief.depth);
        assert!(depth >= latency as u32 / 5 && depth <= most, "{latency} ms: {depth}");
    }
}

#[test]
fn a_cap_is_reached_and_never_exceeded() {
    for (rate, cap) in [(0.0, 50.0), (0.0, 1000.0), (1000.0, 70.0), (100.0, 99.0), (100.0, 1000.0)] {
        for latency in [0, 30] {
            let seconds = 20.0;
            let base = Scene::new(Spacing, rate).latency(latency);
            let scene = Scene { cap: Some(cap), seconds, ..base };
            let count = run(&scene);
            let reachable = if rate > 0.0 { rate.min(cap) } else { cap };
            let share = count.useful as f64 / (reachable * (seconds - scene.from));
            assert!(
                share > 0.96 && share < 1.01,
                "cap {cap} of {rate}, {latency} ms: {share} {:?} {}",
                count.belief,
                count.price()
            );
            pacer::properties::assert_capped(&count, cap, &scene);
        }
    }
}

#[test]
fn a_server_that_answers_one_request_a_segment_is_asked_one_at_a_time() {
    for (rate, latency, least) in [(0.0, 0, 10_000), (100.0, 0, 950), (100.0, 2, 850), (0.0, 20, 150)] {
        let single = Some(Single::Ignore);
        let scene = Scene { single, seconds: 10.0, from: 0.0, ..Scene::new(Spacing, rate).latency(latency) };
        let count = run(&scene);
        assert!(count.useful >= least, "{rate}/s, {latency} ms: {}", count.useful);
        assert!(count.deepest <= 2, "{rate}/s, {latency} ms: {} under way", count.deepest);
    }
}

#[test]
fn whatever_a_server_makes_of_several_requests_it_is_soon_asked_one_at_a_time() {
    let links = [(0.0, 0), (0.0, 1), (0.0, 20), (500.0, 20), (100.0, 50), (30.0, 5), (10.0, 200)];
    for single in [Single::Ignore, Single::First, Single::Busy] {
        for (rate, latency) in links {
            for seed in 1..=5 {
                let base = Scene::new(Spacing, rate).latency(latency);
                let scene = Scene { single: Some(single), seconds: 20.0, from: 0.0, seed, ..base };
                let useful = run(&scene).useful as f64;
                let trip = 2.0 * latency as f64 / 1e3 + 0.0005;
                let possible = 20.0 / trip.max(if rate > 0.0 { 1.0 / rate } else { 0.0 });
                assert!(
                    useful > 0.6 * possible,
                    "{single:?}, {rate}/s, {latency} ms, seed {seed}: {useful} of {possible}"
                );
            }
        }
    }
}

#[test]
fn a_process_that_wakes_up_late_slows_down_by_its_own_lateness_only() {
    for (rate, seed) in
        [100.0, 1000.0, 5000.0].into_iter().flat_map(|rate| (1..=5).map(move |seed| (rate, seed)))
    {
        let late = Duration::from_millis(40);
        let scene = Scene { late, seed, ..Scene::new(Spacing, rate) };
        let useful = run(&scene).useful as f64 / 20.0;
        let expected = 1.0 / (1.0 / rate + late.as_secs_f64() / 2.0);
        assert!(useful > 0.5 * expected, "{rate}, seed {seed}: {useful} a second of {expected}");
    }
}

#[test]
fn a_lost_connection_costs_no_more_than_its_own_time() {
    for kind in [Spacing, Bucket, Window] {
        for latency in [0, 50] {
            let losses = (3..20).map(f64::from).collect();
            let scene = Scene { losses, burst: 5, ..Scene::new(kind, 100.0).latency(latency) };
            let share = run(&scene).share(&scene);
            let lost = if latency == 0 { 0.04 } else { 0.25 };
            assert!(share > 1.0 - lost, "{kind:?}, {latency} ms: {share}");
        }
    }
}

/// One segment in ten is lost and sent again, each way, so that replies come 200-400 ms late and in bunches. What the
/// limiter saw of them is unknown, and no belief that they leave behind may outlast them.
#[test]
fn a_path_that_loses_segments_teaches_nothing_wrong() {
    let share = |scene: &Scene, (from, seconds): (f64, f64)| {
        let scene = Scene { from, seconds, ..scene.clone() };
        run(&scene).share(&scene)
    };
    for (kind, latency, least) in [
        (Spacing, 0, 0.95),
        (Spacing, 5, 0.9),
        (Spacing, 50, 0.7),
        (Window, 0, 0.95),
        (Window, 5, 0.9),
        (Bucket, 0, 0.5),
    ] {
        for seed in 1..=20 {
            let base = Scene::new(kind, 100.0).latency(latency);
            let scene = Scene { lossy: Some((0.1, 30.0)), burst: 5, seed, ..base };
            let after = share(&scene, (32.0, 42.0));
            assert!(after > least, "{kind:?}, {latency} ms, seed {seed}: {after} after the losses");
        }
    }
}
