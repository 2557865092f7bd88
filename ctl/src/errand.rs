//! One command on its way to one daemon: what every room that asks a daemon is handed.
//!
//! It connects and knows the command's patience; it neither asks nor shows. Invariant: a connection made here has the
//! command's deadline.

use crate::args::{Command, Global};
use crate::client::{Connection, Deadline};
use crate::failure::Failure;
use crate::place::Place;
use lineswarm_proto::wire::control::Command as Ask;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub struct Errand<'a> {
    pub command: &'a Command,
    pub ask: Ask,
    pub global: &'a Global,
    pub place: Place,
}

impl Errand<'_> {
    /// How long it may take; what is open-ended has that for its greeting alone.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.limit().unwrap_or(PATIENCE)
    }

    /// A connection with this command's deadline.
    pub fn connect(&self) -> Result<Connection, Failure> {
        if self.command.is_open_ended() {
            let mut connection = Connection::to(&self.place, &self.ask, Deadline::after(Some(PATIENCE)))?;
            connection.set_deadline_after_greeting(Deadline::after(self.limit()));
            return Ok(connection);
        }
        Connection::to(&self.place, &self.ask, Deadline::after(Some(self.patience())))
    }

    /// What the user gave.
    fn limit(&self) -> Option<Duration> {
        self.global.timeout.map(Duration::from_secs_f64)
    }
}
