//! The committed corpora, replayed: what a fuzzer once reached, or broke, is reached on stable by every `make test`.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use lineswarm_fuzz_bodies::{TARGETS, Target};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
};

/// A corpus is for the next fuzzer to begin with, not a store of everything.
const FILES: usize = 120;
const BYTES: u64 = 512 * 1024;

fn corpus(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target.name)
}

fn inputs(target: &Target) -> Vec<PathBuf> {
    let entries = fs::read_dir(corpus(target)).unwrap_or_else(|error| panic!("{}: {error}", target.name));
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    inputs
}

#[test]
fn every_input_of_every_corpus_keeps_its_promises() {
    thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(move || {
                for path in inputs(target) {
                    let bytes = fs::read(&path).unwrap();
                    let kept = catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes)));
                    assert!(kept.is_ok(), "{} does it", path.display());
                }
            });
        }
    });
}

#[test]
fn the_corpora_are_small_and_hold_what_the_programs_really_say() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(corpus(target)).unwrap();
            for (name, bytes) in &seeds {
                fs::write(corpus(target).join(format!("seed-{name}")), bytes).unwrap();
            }
        }
        for (name, bytes) in seeds {
            let path = corpus(target).join(format!("seed-{name}"));
            let same = fs::read(&path).is_ok_and(|stored| stored == bytes);
            assert!(same, "{} is not up to date: run this test with UPDATE=1", path.display());
        }
        let inputs = inputs(target);
        let bytes: u64 = inputs.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert!(
            inputs.len() <= FILES && bytes <= BYTES,
            "{}: {} files, {bytes} bytes",
            target.name,
            inputs.len()
        );
    }
}
