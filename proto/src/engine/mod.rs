//! The engine: one node of the swarm as a state machine.

pub mod event;
pub mod io;
pub mod ledger;
pub mod pacer;
pub mod settings;
pub mod state;
