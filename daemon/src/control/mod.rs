//! The control protocol's daemon side (docs/control-protocol.md): two Unix sockets and their clients.
//!
//! It answers out of what the engine shows, and never changes anything itself: what clients want changed leaves as a
//! [`Wish`] for the event loop, and its outcome comes back with [`Control::on_reply`]. The poll's news are only taken
//! down; all work is done in [`Control::turn`]. Invariant: no client's silence, flood or garbage holds up another,
//! and clients, requests and unsent replies are bounded.

mod answer;
mod change;
mod client;
mod lookup;
mod metrics;
mod request;
mod socket;
mod stream;
#[cfg(test)]
mod tests;
mod wait;
mod why;

use crate::{
    config::{Config, Effective},
    history::History,
    logging::{LogLines, value},
    net::discover::Discovery,
    report::Report,
    store,
};
use answer::Json;
use client::{Client, Turn};
use lineswarm_proto::{
    engine::{
        Engine,
        io::{Command, RequestId},
        recall::Merged,
    },
    limits,
    time::Moment,
    wire::control::{ErrorBody, Status},
};
use mio::{Interest, Registry, Token, event::Event};
use serde::Serialize;
use serde_json::{Value, json};
use socket::Socket;
pub(crate) use socket::{ControlError, Kind};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Accepting goes on after so long when the system had no descriptor left.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// What answers are made of; borrowed for one turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) report: &'a Report,
    pub(crate) history: &'a History,
    /// Where peers reach this node.
    pub(crate) listen: SocketAddr,
    pub(crate) discovery: &'a Discovery,
    pub(crate) unsaved: usize,
    pub(crate) now: Moment,
}

impl Surroundings<'_> {
    /// How many were turned away, by reason: before their handshake was complete, and after it.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.report.refusals().chain(self.engine.refusals())
    }

    /// When that was, in seconds since 1970 by the wall clock as it is now: at the start it may not have been set yet.
    pub(crate) fn since_1970(&self, at: Moment) -> f64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.saturating_sub(self.now.since(at)).as_secs_f64()
    }

    /// The engine's status with what only the shell knows.
    pub(crate) fn status(&self) -> Status {
        let mut status = self.engine.status();
        status.uptime_s = self.now.seconds();
        status.listen = Some(self.listen.to_string());
        status.discover = self.discovery.ways();
        status.unsaved = self.unsaved as u64;
        status.problem = status.problem.or_else(|| self.report.last_problem(status.job.conflicts));
        status.reload_problem = self.report.reload_problem().map(str::to_owned);
        status
    }
}

/// What the event loop is to do for a client, and then to answer with [`Control::on_reply`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    Command(Command),
    /// Answered by [`Control::on_saved`] with this token.
    Save(u64),
    /// Answered by [`Control::on_verified`] with this token.
    Verify(u64),
    Reload,
    LogLevel(log::LevelFilter),
    /// To a file of this name, or no longer.
    Capture(Option<String>),
    Stop,
}

/// A setting and where it comes from, for `config` and `reload`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Setting {
    pub(crate) section: String,
    pub(crate) key: String,
    pub(crate) value: Value,
    /// default, a file and its line, an environment variable or a flag.
    pub(crate) origin: String,
}

impl Setting {
    /// Lists and numbers as such, not as their text in the file.
    pub(crate) fn of(effective: &Effective) -> Self {
        use crate::config::Value as Given;
        let value = match &effective.value {
            Given::Text(text) => json!(text),
            Given::List(list) => json!(list),
            Given::Whole(number) => json!(number),
            Given::Number(number) => json!(number),
            Given::Switch(on) => json!(on),
            Given::Auto => json!("auto"),
        };
        Self {
            section: effective.setting.section.into(),
            key: effective.setting.key.into(),
            value,
            origin: effective.origin.to_string(),
        }
    }
}

/// Who the daemon is to its clients.
#[derive(Debug)]
struct Desk {
    name: String,
    /// The control socket's path, for those who ask too much of the other.
    control: PathBuf,
    settings: Vec<Setting>,
    log: LogLines,
}

impl Desk {
    fn program(&self) -> &'static str {
        "lineswarmd"
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// Wishes that were not taken yet, and whose answers are awaited.
#[derive(Debug, Default)]
struct Wishes {
    last: u64,
    queue: VecDeque<(RequestId, Wish)>,
    asked: BTreeMap<RequestId, Token>,
}

impl Wishes {
    /// What the next wish will be called.
    fn next_token(&self) -> u64 {
        self.last + 1
    }

    fn push(&mut self, client: Token, wish: Wish) -> RequestId {
        self.last += 1;
        let request = RequestId(self.last);
        self.queue.push_back((request, wish));
        self.asked.insert(request, client);
        request
    }
}

/// A listening socket and whether somebody may wait there.
#[derive(Debug)]
struct Door {
    socket: Socket,
    token: Token,
    knocked: bool,
    again_at: Option<Moment>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Control {
    registry: Registry,
    desk: Desk,
    doors: [Door; 2],
    /// Clients' tokens begin here, and are used again.
    first_client: usize,
    clients: BTreeMap<Token, Client>,
    /// Clients with something to do at once.
    awake: BTreeSet<Token>,
    /// Clients that wait for something to happen in the engine.
    watchers: BTreeSet<Token>,
    wishes: Wishes,
    /// The next log line when watchers last looked.
    log_seen: u64,
    scratch: Vec<u8>,
}

impl Control {
    /// Listens on both sockets. Its tokens are `first_token` and the few hundred after it.
    pub(crate) fn bind(
        config: &Config,
        registry: &Registry,
        first_token: usize,
        log: LogLines,
    ) -> Result<Self, ControlError> {
        let (status, control) = (&config.node.status_socket, &config.node.control_socket);
        if status == control {
            return Err(ControlError::Same { path: control.into() });
        }
        let poll = |why| ControlError::Poll { path: control.into(), why };
        let door = |kind, path: &Path, token| {
            let mut socket = Socket::bind(kind, path)?;
            registry.register(&mut socket.listener, token, Interest::READABLE).map_err(poll)?;
            Ok(Door { socket, token, knocked: false, again_at: None })
        };
        Ok(Self {
            registry: registry.try_clone().map_err(poll)?,
            desk: Desk {
                name: config.node.name.clone(),
                control: control.into(),
                settings: settings(config),
                log,
            },
            doors: [
                door(Kind::Status, status, Token(first_token))?,
                door(Kind::Control, control, Token(first_token + 1))?,
            ],
            first_client: first_token + 2,
            clients: BTreeMap::new(),
            awake: BTreeSet::new(),
            watchers: BTreeSet::new(),
            wishes: Wishes::default(),
            log_seen: 0,
            scratch: vec![0; 4 * 1024],
        })
    }

    /// Takes down what the poll said about one of these tokens.
    pub(crate) fn on_ready(&mut self, event: &Event) {
        if let Some(door) = self.doors.iter_mut().find(|door| door.token == event.token()) {
            door.knocked = true;
        } else if let Some(client) = self.clients.get_mut(&event.token()) {
            client.on_ready(event);
            self.awake.insert(event.token());
        }
    }

    /// Once a turn of the loop, after the engine's effects were carried out.
    pub(crate) fn turn(&mut self, around: &Surroundings<'_>) {
        for kind in [Kind::Status, Kind::Control] {
            self.accept(kind, around.now);
        }
        if self.awake.is_empty() && self.watchers.is_empty() {
            return;
        }
        let mut now = std::mem::take(&mut self.awake);
        now.extend(&self.watchers);
        for token in now {
            let Self { desk, clients, scratch, wishes, registry, .. } = self;
            let Some(client) = clients.get_mut(&token) else { continue };
            let turn = client.turn(desk, around, scratch, wishes, registry);
            self.watchers.remove(&token);
            match turn {
                Turn::Again => drop(self.awake.insert(token)),
                Turn::Rest { looks: true } => drop(self.watchers.insert(token)),
                Turn::Rest { looks: false } => {}
                Turn::Over => self.drop_client(token),
            }
        }
        // Lines of this turn are seen with the next: one that serving a watcher brought about must not wake it.
        self.log_seen = self.desk.log.lock().next_seq();
    }

    fn drop_client(&mut self, token: Token) {
        if let Some(request) = self.clients.remove(&token).and_then(|client| client.asked()) {
            self.wishes.asked.remove(&request);
        }
    }

    fn accept(&mut self, kind: Kind, now: Moment) {
        let Self { doors, clients, awake, first_client, desk, .. } = self;
        let Some(door) = doors.iter_mut().find(|door| door.socket.kind == kind) else { return };
        if door.again_at.is_some_and(|at| now >= at) {
            (door.knocked, door.again_at) = (true, None);
        }
        if !door.knocked {
            return;
        }
        door.knocked = false;
        let mut inside = clients.values().filter(|client| client.kind == kind).count();
        for _ in 0..limits::TURN_ACCEPTS {
            match door.socket.listener.accept() {
                Ok((stream, _)) if inside >= limits::CONTROL_CLIENTS => client::turn_away(stream),
                Ok((stream, _)) => {
                    let free = (*first_client..).map(Token).find(|token| !clients.contains_key(token));
                    let Some(token) = free else { return };
                    clients.insert(token, Client::new(stream, kind, token, desk));
                    awake.insert(token);
                    inside += 1;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
                    ) => {}
                Err(error) => {
                    log::warn!("control-accept-paused why={} hint=\"raise LimitNOFILE=\"", value(&error));
                    door.again_at = Some(now + ACCEPT_AGAIN);
                    return;
                }
            }
        }
        door.knocked = true;
    }

    /// There is more to do without waiting: turn again at once.
    pub(crate) fn is_busy(&self) -> bool {
        !self.awake.is_empty()
            || self.doors.iter().any(|door| door.knocked)
            || (!self.watchers.is_empty() && self.log_seen != self.desk.log.lock().next_seq())
    }

    /// Everything that was answered has left.
    pub(crate) fn is_flushed(&self) -> bool {
        self.awake.is_empty() && self.clients.values().all(|client| client.unsent() == 0)
    }

    /// When [`Control::turn`] has something to do though nothing happened.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let waits = self.watchers.iter().filter_map(|token| self.clients.get(token)?.deadline());
        waits.chain(self.doors.iter().filter_map(|door| door.again_at)).min()
    }

    /// What a client wants done, oldest first.
    pub(crate) fn next_wish(&mut self) -> Option<(RequestId, Wish)> {
        self.wishes.queue.pop_front()
    }

    /// How a wish ended; `Ok(())` or an object with more to say. The client hears of it in the next turn.
    pub(crate) fn on_reply(&mut self, request: RequestId, result: Result<impl Into<Value>, ErrorBody>) {
        let Some(token) = self.wishes.asked.remove(&request) else { return };
        let result = result.map(|value| match value.into() {
            Value::Null => Json::of(&json!({})),
            value => Json::of(&value),
        });
        if let Some(client) = self.clients.get_mut(&token) {
            client.on_reply(result);
            self.awake.insert(token);
        }
    }

    /// What happened in the swarm, as the engine gathered it.
    pub(crate) fn on_recalled(&mut self, request: RequestId, merged: Merged) {
        let Some(token) = self.wishes.asked.remove(&request) else { return };
        if let Some(client) = self.clients.get_mut(&token) {
            client.on_recalled(merged);
            self.awake.insert(token);
        }
    }

    /// The store has everything on disk that was handed to it before [`Wish::Save`], or says what the disk says.
    pub(crate) fn on_saved(&mut self, token: u64, result: Result<(), String>) {
        let result = result.map_err(|why| {
            let hint =
                "do what the disk needs: the daemon keeps everything in memory and tries again by itself";
            ErrorBody::new("E_IO", "not everything is saved", why, hint)
        });
        self.on_reply(RequestId(token), result);
    }

    /// What the store found on disk.
    pub(crate) fn on_verified(&mut self, token: u64, found: &store::Report) {
        let result = match found.problems.as_slice() {
            [] => Ok(json!({ "lines": found.lines, "states": found.states, "slots": found.slots })),
            problems => Err(ErrorBody::new(
                "E_DAMAGED",
                "the journal is not as it was written",
                problems.join("; "),
                "nothing is lost while the daemon runs; look after the disk, then restart: what is damaged is drawn again",
            )),
        };
        self.on_reply(RequestId(token), result);
    }

    /// The configuration was read again.
    pub(crate) fn on_reloaded(&mut self, config: &Config) {
        self.desk.settings = settings(config);
    }

    /// The daemon ends: clients that wait are told, all are closed, and the socket files go with the listeners.
    pub(crate) fn close(&mut self) {
        for client in self.clients.values_mut() {
            client.say_goodbye(&self.desk);
        }
        self.clients.clear();
        self.awake.clear();
        self.watchers.clear();
        self.wishes = Wishes::default();
        for door in &mut self.doors {
            door.socket.remove();
        }
    }
}

fn settings(config: &Config) -> Vec<Setting> {
    config.effective().iter().map(Setting::of).collect()
}
