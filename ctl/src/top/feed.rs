//! News of one daemon, each second, from a thread of its own; and what the user wants of it.
//!
//! A daemon that went away is looked for again and again: restarting it is no reason to start `top` anew. Both queues
//! are bounded; the thread ends with the program, or when nobody reads its news any more.

use crate::client::{Connection, Deadline};
use crate::failure::Failure;
use crate::place::Place;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use lineswarm_proto::wire::control::{Command as Ask, ErrorBody, Event, Peers, Status};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

const EACH: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);
/// News that wait for a glance at them.
const QUEUE: usize = 16;

/// What one look gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub status: Status,
    pub peers: Peers,
    /// Those since the look before.
    pub events: Vec<Event>,
}

/// What the thread has to say.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Seen(Box<Snapshot>),
    /// No look was possible.
    Lost(ErrorBody),
    /// What was asked for was done, or not.
    Done(Result<(), ErrorBody>),
}

/// See the module.
#[derive(Debug)]
pub struct Feed {
    place: Place,
    connection: Option<Connection>,
    /// The first event that was not seen yet.
    next: u64,
    /// The daemon's uptime when it was seen last: a smaller one is another run, whose events have numbers of their own.
    uptime_s: f64,
}

impl Feed {
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self { place, connection: None, next: 0, uptime_s: 0.0 }
    }

    /// Asks once.
    pub fn look(&mut self) -> Result<Snapshot, Failure> {
        let seen = self.try_look();
        if seen.is_err() {
            self.connection = None;
        }
        seen
    }

    fn try_look(&mut self) -> Result<Snapshot, Failure> {
        let deadline = Deadline::after(Some(PATIENCE));
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::to(&self.place, &Ask::Status, deadline)?),
        };
        connection.set_deadline(deadline);
        let status: Status = connection.get(Ask::Status)?;
        let peers: Peers = connection.get(Ask::Peers)?;
        if status.uptime_s < self.uptime_s {
            self.next = 0;
        }
        self.uptime_s = status.uptime_s;
        let mut events = Vec::new();
        let ask = Ask::Events { since: self.next, follow: false, causal: false };
        let end = connection.ask(ask, |part| {
            for event in part.get("events").and_then(Value::as_array).into_iter().flatten() {
                events.push(Event::deserialize(event).map_err(Failure::garbled)?);
            }
            Ok(())
        })?;
        self.next = end.get("next").and_then(Value::as_u64).unwrap_or(self.next);
        Ok(Snapshot { status, peers, events })
    }

    /// A change, on a connection of its own: the sockets may differ.
    fn change(&self, command: Ask) -> Result<(), Failure> {
        let mut connection = Connection::to(&self.place, &command, Deadline::after(Some(PATIENCE)))?;
        connection.ask(command, |_| Ok(())).map(|_| ())
    }

    /// Goes on in a thread: wishes go in, news come out.
    pub fn run(mut self) -> (Sender<Ask>, Receiver<News>) {
        let (wish, wishes) = bounded::<Ask>(1);
        let (tell, news) = bounded(QUEUE);
        std::thread::spawn(move || {
            loop {
                let told = match wishes.recv_timeout(EACH) {
                    Ok(command) => {
                        let done = self.change(command).map_err(|failure| failure.body());
                        // What it did is seen at once.
                        tell.send(News::Done(done)).and_then(|()| tell.send(self.news()))
                    }
                    Err(RecvTimeoutError::Timeout) => tell.send(self.news()),
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                if told.is_err() {
                    return;
                }
            }
        });
        (wish, news)
    }

    fn news(&mut self) -> News {
        match self.look() {
            Ok(seen) => News::Seen(Box::new(seen)),
            Err(failure) => News::Lost(failure.body()),
        }
    }
}
