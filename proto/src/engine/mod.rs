//! The engine: one node of the swarm as a state machine.

pub mod pacer;
pub mod settings;
pub mod state;
