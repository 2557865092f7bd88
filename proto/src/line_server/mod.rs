//! The line server as a state machine: what the real one does, to the byte, for rehearsal, tests and simulation.

pub mod limiter;
