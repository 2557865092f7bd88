//! Replies of a line server, as a client of it takes them (docs/testing.md).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lineswarm_fuzz_bodies::run("line_client", bytes));
