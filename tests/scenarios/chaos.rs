//! Mixed chaos, seed after seed. `SEEDS=N` plays that many, `LINESWARM_SEED=0x...` plays one and tells it.

use sim::{chaos, wanted_seed};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

#[test]
fn whatever_happens_the_swarm_keeps_its_promises() {
    if let Some(seed) = wanted_seed() {
        chaos::run(seed).unwrap();
        return;
    }
    let seeds = std::env::var("SEEDS").map_or(300, |text| text.parse().unwrap());
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    if let Err(failure) = chaos::run(seed) {
                        next.store(seeds, Ordering::Relaxed);
                        panic!("{failure:?}");
                    }
                }
            });
        }
    });
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 1000..1005 {
        let hash = || chaos::run(seed).unwrap().transcript().hash();
        assert_eq!(hash(), hash(), "seed {seed:#x}");
    }
}
