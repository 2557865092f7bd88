//! The lab: a whole swarm on one machine, to rehearse and to measure.
//!
//! `children` owns processes, `swarm` runs one `plan` from a fair start to its proof, `theory` says what to expect,
//! `demo` shows it. `compare` measures how the time falls with peers, `predict` computes it by sampling, `transport`
//! measures what moves data between two parties; `report` draws. Nothing here decides what daemons do.

pub mod children;
pub mod compare;
pub mod demo;
pub mod machine;
pub mod peer;
pub mod plan;
pub mod predict;
pub mod report;
pub mod results;
pub mod server;
pub mod swarm;
pub use lineswarm_proto::theory;
pub mod transport;
