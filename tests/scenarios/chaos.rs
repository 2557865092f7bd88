//! Mixed chaos, seed after seed. `SEEDS=N` plays that many, `FROM=M` begins there, `LINESWARM_SEED=0x...` plays one
//! and tells it.

#![allow(clippy::unwrap_used)] // the whole file is a test

use sim::{chaos, wanted_seed};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// Failures after which a run of many seeds ends.
const ENOUGH: usize = 10;

#[test]
fn whatever_happens_the_swarm_keeps_its_promises() {
    if let Some(seed) = wanted_seed() {
        chaos::run(seed).unwrap();
        return;
    }
    let from = number("FROM", 0);
    let seeds = from..from + number("SEEDS", 300);
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || failures.lock().unwrap().len() >= ENOUGH {
                        break;
                    }
                    if let Err(failure) = chaos::run(seed) {
                        println!("seed {seed:#x}: {}", failure.broken);
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    if let Some(first) = failures.iter().min_by_key(|failure| failure.seed) {
        panic!("{} seeds failed; the first:\n{first:?}", failures.len());
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 1000..1005 {
        let hash = || chaos::run(seed).unwrap().transcript().hash();
        assert_eq!(hash(), hash(), "seed {seed:#x}");
    }
}
