//! Requests at the control socket (docs/testing.md).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lineswarm_fuzz_bodies::run("control", bytes));
