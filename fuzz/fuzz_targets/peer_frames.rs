//! Frames of peers: decoding, and writing again (docs/testing.md).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lineswarm_fuzz_bodies::run("peer_frames", bytes));
