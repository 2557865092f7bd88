//! Two ends of a sealed link with an attacker between them (docs/testing.md).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lineswarm_fuzz_bodies::run("secure", bytes));
