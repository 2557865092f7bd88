//! What holds for every limiter, rate, latency, jitter and fault: no deadlock, no busy loop, a sane share of what is
//! allowed, at a bounded price, and never more than the cap.

use super::link::{Count, Scene, run};
use lineswarm_proto::line_server::{Single, limiter::LimiterKind};
use proptest::prelude::*;
use std::time::Duration;

/// In no stretch of time, however short or long, are there more answers than the cap allows, plus what a late
/// wake-up may make up for and what the link's jitter pushes together.
pub(crate) fn assert_capped(count: &Count, cap: f64, scene: &Scene) {
    let slack = 4.0 + cap * (2.0 * 0.005 + scene.jitter.as_secs_f64());
    // The answers' times against a straight line of slope `cap`: the rise from any point to a later one is bounded.
    let mut lowest = f64::INFINITY;
    for (number, &at) in count.answered_at.iter().enumerate() {
        let above = number as f64 - cap * at as f64 / 1e6;
        lowest = lowest.min(above);
        assert!(above - lowest <= slack, "{} more than {cap}/s allows", above - lowest);
    }
}

fn scenes() -> impl Strategy<Value = Scene> {
    let kinds = prop_oneof![Just(LimiterKind::Spacing), Just(LimiterKind::Bucket), Just(LimiterKind::Window)];
    let rate = prop_oneof![10.0..100.0f64, 100.0..1000.0f64];
    let link = (prop_oneof![Just(0u64), 0..20u64, 20..200u64], 0..200u64);
    let faults = (prop::collection::vec(0.0..12.0f64, 0..3), prop_oneof![Just(0u32), 300..5000u32]);
    (kinds, rate, 1..100u32, link, faults, any::<u64>()).prop_map(
        |(kind, rate, burst, (latency, jitter), (mut losses, hiccup_every), seed)| {
            losses.sort_by(f64::total_cmp);
            let jitter = Duration::from_micros(jitter);
            let base = Scene::new(kind, rate);
            let latency = Duration::from_millis(latency);
            Scene { burst, latency, jitter, losses, hiccup_every, seed, seconds: 14.0, from: 4.0, ..base }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_limiter_gives_a_sane_share_without_deadlock_or_busy_loop(scene in scenes()) {
        let count = run(&scene);
        prop_assert!(!count.idle, "nothing under way and no deadline");
        // On the longest links some seconds are gone until what a loss hid is learnt again.
        let least = 0.6 - 0.1 * scene.losses.len() as f64;
        prop_assert!(count.share(&scene) > least, "share {}", count.share(&scene));
        prop_assert!(count.price() < 5.0, "{} refusals for each answer", count.price());
        let asked = count.asked as f64;
        prop_assert!((count.wakeups as f64) < 4.0 * asked + 200.0, "{} wake-ups for {asked}", count.wakeups);
    }

    #[test]
    fn any_change_of_the_limit_is_survived(
        scene in scenes(),
        rates in prop::collection::vec((0.2..5.0f64, 5.0..2000.0f64), 1..6),
        single in prop_oneof![Just(None), Just(Some(Single::Ignore)), Just(Some(Single::First)), Just(Some(Single::Busy))],
    ) {
        let mut at = 0.0;
        let mut changes = scene.rates.clone();
        changes.extend(rates.iter().map(|&(after, rate)| {
            at += after;
            (at, rate)
        }));
        let count = run(&Scene { rates: changes, single, ..scene });
        prop_assert!(!count.idle, "nothing under way and no deadline");
        prop_assert!(count.useful > 0);
    }

    #[test]
    fn no_stretch_of_time_exceeds_the_cap(scene in scenes(), cap in 5.0..2000.0f64) {
        let count = run(&Scene { cap: Some(cap), ..scene.clone() });
        prop_assert!(!count.idle);
        assert_capped(&count, cap, &scene);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let scene = Scene { seconds: 5.0, ..Scene::new(LimiterKind::Spacing, 300.0).latency(20) };
    let (one, other) = (run(&scene), run(&scene));
    assert_eq!((one.answered_at, one.refused), (other.answered_at, other.refused));
}

/// A connection is lost before its first reply came: when the limiter last answered is not known, so no gap is.
#[test]
fn a_loss_of_the_first_request_makes_no_flood() {
    let losses = vec![0.004_803_227];
    let slow = Scene::new(LimiterKind::Spacing, 26.04);
    let latency = Duration::from_millis(6);
    let jitter = Duration::ZERO;
    let scene = Scene { latency, jitter, losses, hiccup_every: 0, seed: 0, seconds: 14.0, from: 4.0, ..slow };
    let count = run(&scene);
    assert!(count.share(&scene) > 0.9, "share {}", count.share(&scene));
    assert!(count.price() < 5.0, "{} refusals for each answer", count.price());
}

/// A connection is lost while the answers of a window's second come in: they are not all of that second.
#[test]
fn a_loss_within_a_second_of_a_window_does_not_make_it_small() {
    let losses = vec![4.003_539_302_584_8];
    let window = Scene { seed: 690_703_116_968_151_754, ..Scene::new(LimiterKind::Window, 74.26) };
    let latency = Duration::from_millis(188);
    let jitter = Duration::ZERO;
    let scene = Scene { latency, jitter, losses, hiccup_every: 0, seconds: 14.0, from: 4.0, ..window };
    let count = run(&scene);
    assert!(count.share(&scene) > 0.6, "share {}", count.share(&scene));
}
