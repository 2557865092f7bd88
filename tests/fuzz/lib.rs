//! What each fuzz target does with its bytes (docs/testing.md). `fuzz/` runs these bodies under libFuzzer, `replay.rs`
//! runs them on stable over the committed corpora.
//!
//! A body returns, or panics: a broken promise is an `assert`. The same bytes always do the same. The daemon is a
//! program without a library, so its modules are taken in by their paths, unchanged.

#![allow(dead_code)] // of the daemon's modules only a part is used here
#![allow(clippy::indexing_slicing)] // here a panic is a finding

#[path = "../../daemon/src/args.rs"]
mod args;
mod bytes;
#[path = "../../daemon/src/config/mod.rs"]
mod config;
mod config_text;
mod control;
mod engine;
#[path = "../../daemon/src/exit.rs"]
mod exit;
mod line_client;
mod line_server;
mod net;
mod peer_frames;
mod seeds;
mod store;

/// A target: its name, what it does, and inputs made of what the programs really say to each other.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As `cargo fuzz run` and `fuzz/corpus` have it.
    pub name: &'static str,
    /// Panics at a broken promise.
    pub run: fn(&[u8]),
    /// (name, bytes)
    pub seeds: fn() -> Vec<(String, Vec<u8>)>,
}

macro_rules! targets {
    ($($name:ident: $run:path,)+) => {
        /// All of them, under the names of `fuzz/fuzz_targets`.
        pub const TARGETS: &[Target] =
            &[$(Target { name: stringify!($name), run: $run, seeds: seeds::$name }),+];
    };
}

targets! {
    line_client: line_client::run,
    line_server: line_server::run,
    peer_frames: peer_frames::run,
    secure: net::run,
    control: control::run,
    config: config_text::run,
    journal: store::run,
    engine: engine::run,
}

/// Does what the target of this name does.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    assert!(target.is_some(), "there is no target {name}");
    target.into_iter().for_each(|target| (target.run)(bytes));
}
