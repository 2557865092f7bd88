//! The lab: a whole swarm on one machine, to rehearse and to measure.
//!
//! `children` owns processes, `swarm` runs one download from a fair start to its proof, `theory` says what to expect,
//! `demo` shows it. Nothing here decides what daemons do; it starts them as a user would.

pub mod children;
pub mod demo;
pub mod server;
pub mod swarm;
pub mod theory;
