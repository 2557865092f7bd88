//! What is shown as the server's limit: what its replies have shown, and nothing else. A cap that keeps the pacer away
//! from the limit, saved-up credit, a rest, a guess of the rules, a bound: none of them is ever told as a belief.

use super::link::{Client, Scene, run_client};
use lineswarm_proto::{
    engine::pacer::{Belief, Pacer},
    line_server::limiter::LimiterKind::{self, Bucket, Spacing, Window},
    time::Moment,
};
use std::time::Duration;

/// A pacer whose belief is looked at before every request.
struct Watched {
    pacer: Pacer,
    start: Option<Moment>,
    /// From these seconds on, another cap.
    caps: Vec<(f64, Option<f64>)>,
    /// It rests between these seconds.
    rests: Vec<(f64, f64)>,
    resting: bool,
    least: f64,
    most: f64,
    known_for: u32,
    asked: u32,
}

impl Watched {
    fn new(caps: &[(f64, Option<f64>)], rests: &[(f64, f64)]) -> Self {
        let first = caps.first().filter(|(at, _)| *at == 0.0).and_then(|(_, cap)| *cap);
        Self {
            pacer: Pacer::new(first, None, 7),
            start: None,
            caps: caps.to_vec(),
            rests: rests.to_vec(),
            resting: false,
            least: f64::INFINITY,
            most: 0.0,
            known_for: 0,
            asked: 0,
        }
    }

    fn seconds(&self, now: Moment) -> f64 {
        self.start.map_or(0.0, |start| now.since(start).as_secs_f64())
    }

    fn rest(&self, now: Moment) -> Option<f64> {
        let now = self.seconds(now);
        self.rests.iter().find(|(from, to)| (*from..*to).contains(&now)).map(|(_, to)| *to)
    }
}

impl Client for Watched {
    fn due(&mut self, now: Moment) -> u32 {
        self.start.get_or_insert(now);
        while let Some((_, cap)) = self.caps.first().copied().filter(|(at, _)| *at <= self.seconds(now)) {
            self.caps.remove(0);
            self.pacer.set_cap(cap);
        }
        let rests = self.rest(now).is_some();
        if self.resting && !rests {
            self.pacer.on_rest(now);
        }
        self.resting = rests;
        if let Some(limit) = self.pacer.belief().limit {
            self.least = self.least.min(limit);
            self.most = self.most.max(limit);
            self.known_for += 1;
        }
        self.asked += 1;
        if rests { 0 } else { self.pacer.due(now) }
    }
    fn deadline(&self) -> Option<Moment> {
        // As the runner knows no rest: a look every now and then.
        if self.resting {
            let start = self.start.unwrap_or_default();
            return self.rests.iter().map(|(_, to)| start + Duration::from_secs_f64(*to)).min();
        }
        self.pacer.deadline()
    }
    fn on_sent(&mut self, count: u32, now: Moment) {
        self.pacer.on_sent(count, now);
    }
    fn on_reply(&mut self, answered: bool, now: Moment) {
        self.pacer.on_reply(answered, now);
    }
    fn on_lost(&mut self, now: Moment) {
        self.pacer.on_lost(now);
    }
    fn on_silence(&mut self, now: Moment) {
        self.pacer.on_silence(now);
    }
    fn patience(&self) -> Option<Duration> {
        self.pacer.patience()
    }
    fn outstanding(&self) -> u32 {
        self.pacer.outstanding()
    }
    fn belief(&self) -> Option<Belief> {
        Some(self.pacer.belief())
    }
}

/// Runs it; the least and the most that was ever shown, and how often something was.
fn shown(scene: &Scene, caps: &[(f64, Option<f64>)], rests: &[(f64, f64)]) -> (f64, f64, f64) {
    let mut watched = Watched::new(caps, rests);
    run_client(scene, &mut watched);
    (watched.least, watched.most, f64::from(watched.known_for) / f64::from(watched.asked))
}

fn scene(kind: LimiterKind, rate: f64, burst: u32, latency: u64, seed: u64) -> Scene {
    Scene { burst, seconds: 12.0, from: 0.0, seed, ..Scene::new(kind, rate).latency(latency) }
}

#[test]
fn a_bound_a_guess_or_a_cap_is_never_shown_as_the_servers_limit() {
    let limiters = [
        (Spacing, 100.0, 1),
        (Spacing, 20.0, 1),
        (Bucket, 100.0, 1),
        (Bucket, 100.0, 50),
        (Window, 100.0, 1),
    ];
    for (kind, rate, burst) in limiters {
        for latency in [0, 2, 40] {
            for seed in 1..=5 {
                // Capped from the start, in the first moments, later, for a while; and without a cap.
                for caps in [
                    vec![],
                    vec![(0.0, Some(0.4 * rate))],
                    vec![(0.0, Some(0.93 * rate))],
                    vec![(0.03, Some(0.15 * rate))],
                    vec![(0.06, Some(0.75 * rate))],
                    vec![(0.2, Some(0.5 * rate))],
                    vec![(3.0, Some(0.3 * rate)), (8.0, None)],
                    vec![(1.0, Some(1e6))],
                ] {
                    let (least, most, _) = shown(&scene(kind, rate, burst, latency, seed), &caps, &[]);
                    let far = most > 1.35 * rate || least < 0.65 * rate;
                    assert!(
                        !far,
                        "{kind:?} {rate}/s, burst {burst}, {latency} ms, caps {caps:?}, seed {seed}: {least} to {most}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_rest_teaches_nothing_of_the_limit() {
    for (kind, burst) in [(Spacing, 1), (Bucket, 1), (Bucket, 20), (Bucket, 200), (Window, 1)] {
        for latency in [0, 30] {
            for (from, to) in [(3.0, 7.0), (4.5, 5.2), (2.0, 9.5)] {
                let scene = scene(kind, 100.0, burst, latency, 1);
                let (least, most, known) = shown(&scene, &[], &[(from, to)]);
                let what = format!(
                    "{kind:?}, burst {burst}, {latency} ms, rests from {from} to {to}: {least} to {most}"
                );
                assert!(most < 140.0 && least > 70.0, "{what}");
                assert!(known > 0.3, "{what}: known for {known} of the time");
            }
        }
    }
}

#[test]
fn a_server_without_a_limit_is_never_said_to_have_one() {
    for latency in [0, 1, 20] {
        for cap in [None, Some(50.0), Some(3000.0)] {
            let scene = Scene { seconds: 0.5, ..scene(Spacing, 0.0, 1, latency, 1) };
            let (_, most, known) = shown(&scene, &[(0.0, cap)], &[]);
            assert!(known == 0.0, "{latency} ms, cap {cap:?}: {most}");
        }
    }
}

#[test]
fn a_limit_that_is_met_is_shown_as_it_is() {
    for (kind, rate, burst) in
        [(Spacing, 100.0, 1), (Spacing, 1000.0, 1), (Bucket, 100.0, 10), (Window, 100.0, 1)]
    {
        for latency in [0, 30] {
            for seed in 1..=5 {
                let mut watched = Watched::new(&[], &[]);
                run_client(&scene(kind, rate, burst, latency, seed), &mut watched);
                let limit = watched.pacer.belief().limit.unwrap_or(0.0);
                let off = (limit / rate - 1.0).abs();
                assert!(off < 0.1, "{kind:?} {rate}/s, {latency} ms, seed {seed}: {limit}");
            }
        }
    }
}

/// The limiter sees each request some milliseconds later than it was sent, now more, now less.
#[test]
fn a_limit_stands_still_on_a_busy_machine() {
    for (rate, jitter_ms) in [(100.0, 1), (100.0, 3), (20.0, 8), (1000.0, 0)] {
        for seed in 1..=5 {
            let jitter = Duration::from_micros(jitter_ms * 1000 + 50);
            let scene = Scene { jitter, seconds: 30.0, ..scene(Spacing, rate, 1, 0, seed) };
            let (least, most, known) = shown(&scene, &[], &[]);
            let what = format!("{rate}/s, {jitter_ms} ms, seed {seed}: {least} to {most}, known for {known}");
            assert!(least > 0.65 * rate && most < 1.35 * rate && known > 0.9, "{what}");
        }
    }
}
