//! A daemon without its network: real control sockets in a temporary directory, a real engine, and a play-acted
//! line server, store and event loop. Time stands still until a test moves it.

use crate::{
    args::Args,
    config::{Config, Environment},
    control::{Control, Kind, Surroundings, Wish},
    history::History,
    logging::LogLines,
    net::discover::Discovery,
    report::Report,
    store,
};
use lineswarm_proto::{
    engine::{
        Engine, Restored,
        io::{ConnId, Effect, Input},
        settings,
        state::Durable,
    },
    ids::{JobId, LineNumber, PeerId},
    lines::SharedLines,
    time::Moment,
};
use mio::{Events, Poll, Token, Waker};
use serde_json::Value;
use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

const FIRST_TOKEN: usize = 16;
/// No test takes as long, unless something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Stage {
    pub(super) at: tempfile::TempDir,
    poll: Poll,
    pub(super) control: Control,
    discovery: Discovery,
    pub(super) engine: Engine,
    pub(super) report: Report,
    pub(super) history: History,
    pub(super) log: LogLines,
    pub(super) now: Moment,
    /// The connections to the line server.
    pub(super) server: Option<ConnId>,
    /// Bytes for peers.
    pub(super) said: VecDeque<(ConnId, Vec<u8>)>,
    pub(super) wishes: Vec<Wish>,
    pub(super) damage: Vec<String>,
}

pub(super) fn settings(name: &str, id: u8, lines: u32) -> settings::Settings {
    settings::Settings {
        name: name.into(),
        id: PeerId([id; 16]),
        server: settings::Server {
            address: "127.0.0.1:9801".into(),
            label: String::new(),
            lines: lines.try_into().ok(),
            identity: "someone@somewhere".into(),
            bind: Vec::new(),
            rate: None,
            pipeline: None,
        },
        swarm: settings::Swarm {
            id: "default".into(),
            advertise: None,
            peers: Vec::new(),
            topology: settings::Topology::Mesh,
            max_peers: 64,
        },
        election: settings::Election {
            quorum: settings::Quorum::Grace,
            grace: Duration::from_secs(10),
            in_doubt: settings::InDoubt::Resubmit,
            priority: 0,
        },
        submit_by: settings::SubmitBy::EveryPeer,
        autostart: false,
    }
}

/// As flags would make it, with its sockets and state in `at`.
pub(super) fn config(name: &str, at: &Path) -> Config {
    let path = |file: &str| at.join(file).into_os_string();
    let line = [
        ("--name", name.into()),
        ("--state-dir", path("state")),
        ("--status-socket", path("status.sock")),
        ("--control-socket", path("control.sock")),
    ];
    let words = line.into_iter().flat_map(|(flag, value)| [flag.into(), value]);
    let args = Args::of(words);
    let environment = Environment { etc: "/nowhere".into(), host: "host".into(), ..Environment::default() };
    Config::load(&args, &environment).unwrap()
}

impl Stage {
    /// A node that holds these lines of a file of `count`.
    pub(super) fn new(count: u32, held: impl IntoIterator<Item = (u32, Vec<u8>)>) -> Self {
        Self::with(settings("lab1/alice", 1, count), held)
    }

    pub(super) fn with(settings: settings::Settings, held: impl IntoIterator<Item = (u32, Vec<u8>)>) -> Self {
        let lines = SharedLines::new();
        for (number, text) in held {
            lines.insert(LineNumber(number), &text);
        }
        let job = JobId {
            swarm: settings.swarm.id.clone(),
            epoch: 1,
            lines: settings.server.lines.map_or(0, u32::from),
            label: settings.server.address.clone(),
        };
        let state = Durable { job, server: settings.server.address.clone(), ..Durable::default() };
        let restored = Restored { state: Some(state), lines, hearsay: Vec::new(), last_event: 0 };
        let at = tempfile::tempdir().unwrap();
        let poll = Poll::new().unwrap();
        let config = config(&settings.name, at.path());
        let log = LogLines::new();
        let control = Control::bind(&config, poll.registry(), FIRST_TOKEN, log.clone()).unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let listen = SocketAddr::from(([127, 0, 0, 1], 9900));
        let discovery = Discovery::start(&config, listen, poll.registry(), 1, &waker, Moment::ZERO).unwrap();
        let mut stage = Self {
            poll,
            control,
            discovery,
            report: Report::default(),
            history: History::open(at.path()),
            log,
            engine: Engine::new(settings, restored, 7, Moment::ZERO),
            now: Moment::ZERO,
            server: None,
            said: VecDeque::new(),
            wishes: Vec::new(),
            damage: Vec::new(),
            at,
        };
        stage.carry_out();
        stage
    }

    pub(super) fn path(&self, kind: Kind) -> PathBuf {
        self.at.path().join(format!("{}.sock", kind.name()))
    }

    pub(super) fn call(&self, kind: Kind) -> Caller {
        Caller::new(&self.path(kind))
    }

    /// As [`Stage::call`], and the greeting was read.
    pub(super) fn greeted(&mut self, kind: Kind) -> Caller {
        let mut caller = self.call(kind);
        let greeting = caller.reply(self);
        assert_eq!(greeting["hello"]["program"], "lineswarmd");
        caller
    }

    /// One turn of the event loop; waits for something to happen, for a short while.
    pub(super) fn turn(&mut self) {
        self.turn_within(if self.control.is_busy() { Duration::ZERO } else { Duration::from_millis(20) });
    }

    fn turn_within(&mut self, patience: Duration) {
        let mut events = Events::with_capacity(64);
        self.poll.poll(&mut events, Some(patience)).unwrap();
        for event in &events {
            self.control.on_ready(event);
        }
        self.turn_control();
    }

    pub(super) fn turn_control(&mut self) {
        let around = Surroundings {
            engine: &self.engine,
            report: &self.report,
            history: &self.history,
            discovery: &self.discovery,
            listen: SocketAddr::from(([127, 0, 0, 1], 9900)),
            unsaved: 3,
            now: self.now,
        };
        self.control.turn(&around);
        while let Some((request, wish)) = self.control.next_wish() {
            self.wishes.push(wish.clone());
            match wish {
                Wish::Command(command) => self.feed(Input::Command { request, command }),
                Wish::Save(token) => self.control.on_saved(token, Ok(())),
                Wish::Verify(token) => {
                    let problems = self.damage.clone();
                    let found = store::Report { lines: 5, states: 1, slots: 2, problems };
                    self.control.on_verified(token, &found);
                }
                Wish::Reload | Wish::LogLevel(_) | Wish::Capture(_) | Wish::Stop => {
                    self.control.on_reply(request, Ok(()))
                }
            }
        }
    }

    pub(super) fn feed(&mut self, input: Input<'_>) {
        self.engine.handle(input, self.now);
        self.carry_out();
    }

    pub(super) fn advance(&mut self, span: Duration) {
        self.now = self.now + span;
        self.feed(Input::Deadline);
    }

    fn carry_out(&mut self) {
        let mut then = VecDeque::new();
        while let Some(effect) = self.engine.next_effect() {
            match effect {
                Effect::Reply { request, result } => {
                    self.control.on_reply(request, result.map(|changed| serde_json::json!(changed)));
                }
                Effect::Recalled { request, merged } => self.control.on_recalled(request, *merged),
                Effect::Note(stamped) => {
                    let engine = &self.engine;
                    self.history.note(&stamped.event, || engine.status(), SystemTime::UNIX_EPOCH);
                    self.report.note(&stamped.event);
                }
                Effect::Write { conn, bytes } if self.server != Some(conn) => {
                    self.said.push_back((conn, bytes.into()));
                }
                other => then.push_back(other),
            }
        }
        for effect in then {
            match effect {
                Effect::Store { ticket, .. } => self.feed(Input::Stored(ticket)),
                Effect::DialServer { conn, .. } => {
                    self.server = Some(conn);
                    let address = SocketAddr::from(([127, 0, 0, 1], 9801));
                    self.feed(Input::Opened { conn, peer: None, address });
                }
                _ => {}
            }
        }
    }
}

/// A control client that never blocks the stage.
pub(super) struct Caller {
    pub(super) stream: UnixStream,
    got: Vec<u8>,
    ended: bool,
}

impl Caller {
    pub(super) fn new(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, got: Vec::new(), ended: false }
    }

    /// Writes all of it, or as much as a daemon takes that hangs up.
    pub(super) fn send(&mut self, stage: &mut Stage, bytes: impl AsRef<[u8]>) {
        let began = Instant::now();
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => stage.turn(),
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return,
                Err(error) => panic!("{error}"),
            }
            assert!(began.elapsed() < PATIENCE, "the daemon does not read");
        }
    }

    /// Reads what is there now.
    pub(super) fn read(&mut self) {
        let mut bytes = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => self.ended = true,
                Ok(count) => self.got.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => self.ended = true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("{error}"),
            }
            if self.ended {
                return;
            }
        }
    }

    /// The next line, if one is there.
    pub(super) fn poll_line(&mut self) -> Option<String> {
        self.read();
        let end = self.got.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.got.drain(..=end).collect();
        line.pop();
        Some(String::from_utf8(line).unwrap())
    }

    pub(super) fn line(&mut self, stage: &mut Stage) -> String {
        let began = Instant::now();
        loop {
            if let Some(line) = self.poll_line() {
                return line;
            }
            assert!(!self.ended, "the daemon hung up");
            assert!(began.elapsed() < PATIENCE, "the daemon does not answer");
            stage.turn();
        }
    }

    pub(super) fn reply(&mut self, stage: &mut Stage) -> Value {
        serde_json::from_str(&self.line(stage)).unwrap()
    }

    pub(super) fn ask(&mut self, stage: &mut Stage, request: &str) -> Value {
        self.send(stage, format!("{request}\n"));
        self.reply(stage)
    }

    /// The code of the error that a request is answered with.
    pub(super) fn ask_code(&mut self, stage: &mut Stage, request: &str) -> String {
        let reply = self.ask(stage, request);
        let error = &reply["error"];
        for field in ["code", "what", "why", "hint"] {
            assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{request}: {reply}");
        }
        error["code"].as_str().unwrap().into()
    }

    /// All parts of an answer and its end.
    pub(super) fn ask_all(&mut self, stage: &mut Stage, request: &str) -> (Vec<Value>, Value) {
        self.send(stage, format!("{request}\n"));
        let mut parts = Vec::new();
        loop {
            let reply = self.reply(stage);
            if reply.get("part").is_none() {
                return (parts, reply);
            }
            parts.push(reply["part"].clone());
        }
    }

    /// Nothing can come any more.
    pub(super) fn assert_closed(&mut self, stage: &mut Stage) {
        let began = Instant::now();
        while !self.ended {
            assert!(began.elapsed() < PATIENCE, "the daemon does not hang up");
            stage.turn();
            self.read();
        }
        assert!(self.got.is_empty(), "{:?}", String::from_utf8_lossy(&self.got));
    }

    /// Nothing has come, though the daemon had its turns. (On a Unix socket what was sent is there at once.)
    pub(super) fn assert_silent(&mut self, stage: &mut Stage) {
        for _ in 0..5 {
            stage.turn_within(Duration::ZERO);
        }
        while stage.control.is_busy() {
            stage.turn_within(Duration::ZERO);
        }
        assert_eq!(self.poll_line(), None);
        assert!(!self.ended, "the daemon hung up");
    }
}
