//! The event loop: one thread, one poll. It waits, hands what happened to the engine, carries out what the engine
//! wants, and waits again. It decides nothing about lines, peers or masters.
//!
//! Order within a turn: sockets and acknowledgements first, then deadlines, so that a late process sees what came
//! before it counts silence; writes leave once, at the end. Start order is `start`, stop order is `stop`, reversed.

use crate::{
    args::Args,
    background::Wake,
    capture::{self, Capture},
    clock::{Clock, Timer},
    config::{Config, ExitWhen},
    connections::{Connections, News},
    control::{Control, Surroundings, Wish},
    exit::Exit,
    history::History,
    logging::{LogLines, value},
    net::{
        discover::Discovery,
        inbox::Inbox,
        listen::{AcceptEnd, Incoming, Listener},
        secure::Keys,
    },
    notify::Notify,
    output::Output,
    refusals::Refusals,
    reload::{self, Reloads},
    report::Report,
    run_error::RunError,
    signals::{Signal, Signals},
    store::{Ack, Recovered, Store},
};
use lineswarm_files::read;
use lineswarm_proto::{
    engine::{
        Engine, Restored,
        event::Event,
        io::{Command, ConnId, Effect, Input, RequestId},
    },
    limits,
    time::Moment,
    wire::control::{ErrorBody, State},
};
use mio::{Events, Poll, Token, Waker};
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

const WAKER: Token = Token(0);
const TIMER: Token = Token(1);
const SIGNALS: Token = Token(2);
const LISTENER: Token = Token(3);
/// The control sockets and their clients have tokens from here on, discovery and connections from theirs on. All fit
/// into 32 bits. Connections start over when theirs are used up; an interface that comes and goes every second needs
/// 30 years for those of discovery.
const CONTROL: usize = 16;
const DISCOVERY: usize = 1 << 16;
const CONNECTIONS: usize = 1 << 30;
/// Whose wish it is when it is no client's.
const NOBODY: RequestId = RequestId(u64::MAX);
/// After the system ran out of descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
/// How long the last bytes to peers may take at the end.
const FAREWELL: Duration = Duration::from_millis(300);
/// How long files may take to be written at the end, after a `stop` or when the job is done.
const SETTLING: Duration = Duration::from_secs(30);
/// After SIGTERM everything is over within a second; what a slow disk has not taken by then is drawn again.
const AFTER_SIGNAL: Duration = Duration::from_millis(700);
/// How often it is looked whether a thread has ended, which wakes nobody.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long an output that is given up may take to clear away what it has written.
const GIVING_UP: Duration = Duration::from_millis(50);

/// Everything that runs. Fields in the order of their start.
pub(crate) struct EventLoop {
    args: Args,
    config: Config,
    clock: Clock,
    poll: Poll,
    timer: Timer,
    signals: Signals,
    store: Store,
    listener: Listener,
    listen_address: SocketAddr,
    accept_again: Option<Moment>,
    accept_more: bool,
    control: Control,
    discovery: Discovery,
    connections: Connections,
    engine: Engine,
    capture: Capture,
    report: Report,
    history: History,
    refusals: Refusals,
    output: Output,
    reloads: Reloads,
    notify: Notify,
    inbox: Inbox,
    drained: Vec<(ConnId, usize)>,
    now: Moment,
    ending: bool,
    /// A signal said that it is to end at once.
    ends_by: Option<Moment>,
}

impl EventLoop {
    /// Brings everything up; when it returns, all sockets listen.
    pub(crate) fn start(args: Args, config: Config, log: LogLines) -> Result<Self, RunError> {
        let clock = Clock::start();
        let poll = Poll::new()?;
        let registry = poll.registry();
        let waker = Arc::new(Waker::new(registry, WAKER)?);
        let timer = Timer::new(clock, registry, TIMER)?;
        let signals = Signals::new(registry, SIGNALS)?;
        let wake: Wake = {
            let waker = Arc::clone(&waker);
            Arc::new(move || drop(waker.wake()))
        };
        let store_wake = Arc::clone(&wake);
        let (store, recovered) = Store::open(&config.node.state_dir, move || store_wake())?;
        let keys = keys(&config, &recovered)?;
        let mut listener = Listener::bind(config.swarm.listen)?;
        let listen_address = listener.local_addr()?;
        listener.register(registry, LISTENER)?;
        let control = Control::bind(&config, registry, CONTROL, log)?;
        let discovery = Discovery::start(&config, listen_address, registry, DISCOVERY, &waker, clock.now())?;
        let mut connections = Connections::new(registry.try_clone()?, waker, keys, CONNECTIONS);
        connections.set_own_server(&config.server.address);
        Report::start(&recovered, &config.node.state_dir);
        let Recovered { state, lines, hearsay, key, .. } = recovered;
        let restored = Restored { state, lines, hearsay, last_event: 0 };
        let mut settings = config.settings(key.id());
        settings.swarm.advertise.get_or_insert(listen_address);
        let now = clock.now();
        let engine = Engine::new(settings, restored, seed()?, now);
        let capture = Capture::new(&config.node.state_dir);
        let history = History::open(&config.node.state_dir);
        let output = Output::new(config.submit.output.clone(), Arc::clone(&wake));
        Ok(Self {
            args,
            config,
            clock,
            poll,
            timer,
            signals,
            store,
            listener,
            listen_address,
            accept_again: None,
            accept_more: false,
            control,
            discovery,
            connections,
            engine,
            capture,
            report: Report::default(),
            history,
            refusals: Refusals::default(),
            output,
            reloads: Reloads::new(wake),
            notify: Notify::new(),
            inbox: Inbox::new(),
            drained: Vec::new(),
            now,
            ending: false,
            ends_by: None,
        })
    }

    /// Turns until a signal, a `stop` or `exit-when` ends it.
    pub(crate) fn run(mut self) -> Result<Exit, RunError> {
        log::info!(
            "started name={} id={} listen={} server={}",
            value(&self.config.node.name),
            self.engine.status().id,
            self.listen_address,
            value(&self.config.server.address)
        );
        self.notify.ready();
        self.carry_out();
        let mut events = Events::with_capacity(256);
        while !self.ending {
            self.wait(&mut events)?;
            self.now = self.clock.now();
            for event in &events {
                self.on_event(event)?;
            }
            self.turn();
        }
        self.stop()
    }

    fn wait(&mut self, events: &mut Events) -> Result<(), RunError> {
        let busy = self.connections.is_busy()
            || self.control.is_busy()
            || self.discovery.is_busy()
            || self.accept_more;
        let deadline = [
            self.engine.deadline().map(|(at, _)| at),
            self.connections.deadline(),
            self.control.deadline(),
            self.discovery.deadline(),
            self.notify.deadline(),
            self.accept_again,
        ]
        .into_iter()
        .flatten()
        .min();
        let patience = match deadline {
            _ if busy => Some(Duration::ZERO),
            Some(at) => self.timer.set(at, self.now)?,
            None => None,
        };
        poll_once(&mut self.poll, events, patience)
    }

    fn on_event(&mut self, event: &mio::event::Event) -> Result<(), RunError> {
        match event.token() {
            WAKER => {
                self.on_store_acks();
                self.connections.on_resolved();
                self.on_reloaded();
            }
            TIMER => self.timer.on_fired(),
            SIGNALS => {
                for signal in self.signals.take() {
                    match signal {
                        Signal::End => {
                            self.ending = true;
                            self.ends_by.get_or_insert(self.now + AFTER_SIGNAL);
                        }
                        Signal::Reload => self.begin_reload(None),
                        Signal::Tell => log::info!("{}", Report::state(&self.engine.status())),
                    }
                }
            }
            LISTENER => self.accept()?,
            Token(token) if token >= CONNECTIONS => self.connections.on_ready(event, self.now),
            token if token.0 >= DISCOVERY => self.discovery.on_ready(token),
            _ => self.control.on_ready(event),
        }
        Ok(())
    }

    /// All that follows from what the poll reported.
    fn turn(&mut self) {
        if (self.accept_more || self.accept_again.is_some_and(|at| self.now >= at))
            && let Err(error) = self.accept()
        {
            log::error!("listener-broken why={} hint=\"restart the daemon\"", value(error));
        }
        self.connections.start_turn();
        let mut inbox = core::mem::take(&mut self.inbox);
        while let Some(news) = self.connections.next_news(&mut inbox) {
            match news {
                News::Opened { conn, peer, address } => self.feed(Input::Opened { conn, peer, address }),
                News::Bytes { conn } => self.feed(Input::Bytes { conn, bytes: inbox.bytes() }),
                News::Closed { conn, why } => self.feed(Input::Closed { conn, why: &why }),
                News::Refused { from, why, reason } => {
                    self.refusals.note(&from, &why, reason, self.now, &mut self.report);
                }
            }
        }
        self.inbox = inbox;
        self.connections.on_time(self.now);
        self.turn_discovery();
        if self.engine.deadline().is_some_and(|(at, _)| self.now >= at) {
            self.feed(Input::Deadline);
        }
        // After everything that clients may wait for.
        self.turn_control();
        self.connections.settle(&mut self.drained);
        while let Some((conn, queued)) = self.drained.pop() {
            self.feed(Input::Drained { conn, queued });
        }
        self.notify.turn(self.now, || {
            let mut status = self.engine.status();
            status.problem = status.problem.or_else(|| self.report.last_problem(status.job.conflicts));
            status
        });
        if self.config.run.exit_when == ExitWhen::Done
            && self.engine.is_over()
            && self.connections.is_flushed()
            && !self.output.is_busy()
        {
            self.ending = true;
        }
    }

    /// One input, and everything that the engine wants for it.
    fn feed(&mut self, input: Input<'_>) {
        if let Some(event) = self.capture.input(&input, self.now) {
            self.engine.note(event);
            self.carry_out();
        }
        self.engine.handle(input, self.now);
        self.carry_out();
    }

    /// The engine's wishes, one by one.
    fn carry_out(&mut self) {
        while let Some(effect) = self.engine.next_effect() {
            self.capture.effect(&effect);
            match effect {
                Effect::DialServer { conn, address, source } => {
                    self.connections.dial_server(conn, &address, source);
                }
                Effect::DialPeer { conn, address } => self.connections.dial_peer(conn, &address),
                Effect::Write { conn, bytes } => self.connections.write(conn, &bytes),
                Effect::Close { conn } => self.connections.close(conn, self.now),
                Effect::Store { ticket, state } => self.store.put(ticket, *state, self.engine.lines()),
                Effect::Keep { number, first_hand } => self.store.keep(number, first_hand),
                Effect::Forget { number } => self.store.forget(number),
                Effect::Reply { request, result } => {
                    self.control.on_reply(request, result.map(|changed| serde_json::json!(changed)));
                }
                Effect::Recalled { request, merged } => self.control.on_recalled(request, *merged),
                Effect::Note(stamped) => {
                    if matches!(stamped.event, Event::Complete { .. }) {
                        self.output.write(self.engine.lines());
                    }
                    self.discovery.note(&stamped.event, self.now);
                    self.history.note(&stamped.event, || self.engine.status(), SystemTime::now());
                    self.report.note(&stamped.event);
                }
            }
        }
    }

    fn on_store_acks(&mut self) {
        while let Some(ack) = self.store.next_ack() {
            match ack {
                Ack::Stored(ticket) => self.feed(Input::Stored(ticket)),
                Ack::Saved(token, result) => self.control.on_saved(token, result),
                Ack::Verified(token, found) => self.control.on_verified(token, &found),
                Ack::Trouble { what } => {
                    log::error!("store-failed what={}", value(&what));
                    self.report.set_trouble(Some(what));
                }
                Ack::Recovered => {
                    log::info!("store-recovered");
                    self.report.set_trouble(None);
                }
            }
        }
    }

    fn accept(&mut self) -> Result<(), RunError> {
        self.accept_more = false;
        self.accept_again = None;
        let mut incoming = Vec::new();
        let end = self.listener.accept_turn(|ip| self.config.swarm.allows(ip), &mut incoming);
        for one in incoming {
            match one {
                Incoming::Admitted(stream, from) => self.connections.accept(stream, from, self.now),
                Incoming::NotAllowed(from) => {
                    let why = "its network is not in swarm.allow";
                    self.refusals.note(&from.to_string(), why, "not-allowed", self.now, &mut self.report);
                }
            }
        }
        match end {
            AcceptEnd::WouldBlock => {}
            AcceptEnd::More => self.accept_more = true,
            AcceptEnd::Exhausted(error) => {
                log::warn!("accept-paused why={} hint=\"raise LimitNOFILE=\"", value(&error));
                self.accept_again = Some(self.now + ACCEPT_AGAIN);
            }
            AcceptEnd::Broken(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Addresses that were found, to the engine.
    fn turn_discovery(&mut self) {
        self.discovery.turn(self.now, &|| self.engine.has_absent_peers());
        while let Some(found) = self.discovery.next_found() {
            if !self.config.swarm.allows(found.address.ip()) {
                self.report.count_refusal("found-not-allowed");
                continue;
            }
            self.feed(Input::Found { address: found.address, how: &found.how });
        }
        for reason in self.discovery.take_ignored() {
            self.report.count_refusal(reason);
        }
    }

    fn turn_control(&mut self) {
        let around = Surroundings {
            engine: &self.engine,
            report: &self.report,
            history: &self.history,
            listen: self.listen_address,
            discovery: &self.discovery,
            unsaved: self.store.unsaved(),
            now: self.now,
        };
        self.control.turn(&around);
        while let Some((request, wish)) = self.control.next_wish() {
            match wish {
                Wish::Command(command) => self.feed(Input::Command { request, command }),
                Wish::Save(token) => self.store.save(token),
                Wish::Verify(token) => self.store.verify(token),
                Wish::Reload => self.begin_reload(Some(request)),
                Wish::LogLevel(level) => {
                    log::set_max_level(level);
                    self.control.on_reply(request, Ok(()));
                }
                Wish::Capture(to) => {
                    let result = match to {
                        Some(name) => self.begin_capture(&name),
                        None => self.capture.end("asked to", self.now),
                    };
                    self.control.on_reply(request, result);
                }
                Wish::Stop => {
                    self.control.on_reply(request, Ok(()));
                    self.ending = true;
                }
            }
        }
    }

    /// The engine starts anew, as after a kill and a restart, so that a capture has all of its life.
    fn begin_capture(&mut self, name: &str) -> Result<serde_json::Value, ErrorBody> {
        let state = self.engine.status().state;
        if state == State::Submitting {
            return Err(capture::not_now());
        }
        let seed = seed().map_err(|error| capture::no_seed(&error))?;
        let (settings, restored) = self.engine.successor();
        let answer = self.capture.begin(name, &settings, &restored, seed, self.now)?;
        self.connections.drop_all();
        self.store.number_anew();
        self.engine = Engine::new(settings, restored, seed, self.now);
        self.carry_out();
        if state == State::Paused {
            self.feed(Input::Command { request: NOBODY, command: Command::Pause });
        }
        self.discovery.hurry(self.now);
        Ok(answer)
    }

    /// The configuration is read again, in its own time.
    fn begin_reload(&mut self, request: Option<RequestId>) {
        self.notify.reloading();
        self.reloads.begin(request, &self.args, &self.config);
    }

    /// It was read: what can change is taken over, and whoever asked is answered.
    fn on_reloaded(&mut self) {
        while let Some((read, asked)) = self.reloads.next_read() {
            self.notify.ready();
            self.discovery.hurry(self.now);
            let answer = match read {
                Ok(new) => {
                    self.report.set_reload_problem(None);
                    let (said, commands) = reload::take_over(new, &mut self.config);
                    self.control.on_reloaded(&self.config);
                    for command in commands {
                        self.feed(Input::Command { request: NOBODY, command });
                    }
                    Ok(said)
                }
                Err(error) => {
                    log::error!(
                        "reload-failed why={} hint=\"the old configuration stays in force\"",
                        value(&error)
                    );
                    self.report.set_reload_problem(Some(error.to_string().replace('\n', "; ")));
                    Err(reload::failure(&error))
                }
            };
            for request in asked {
                self.control.on_reply(request, answer.clone());
            }
        }
        if self.reloads.begin_next(&self.args, &self.config) {
            self.notify.reloading();
        }
    }

    /// Everything down, in the reverse order of the start.
    fn stop(mut self) -> Result<Exit, RunError> {
        self.notify.stopping();
        self.now = self.clock.now();
        self.feed(Input::Stop);
        self.farewell()?;
        // Without one there is nothing to end; one that fails was told of.
        let _ = self.capture.end("the daemon ended", self.now);
        self.control.close();
        self.store.begin_close();
        let is_whole = self.settle_files()?;
        if !is_whole {
            // What hangs must not be waited for, and dropping it would.
            let error = self.store.stuck(&self.config.node.state_dir);
            std::mem::forget(self);
            return Err(error.into());
        }
        self.store.close()?;
        log::info!("stopped");
        Ok(Exit::Ok)
    }

    /// Files are written to their end, for a bounded time. False if the store is not at its end then.
    fn settle_files(&mut self) -> Result<bool, RunError> {
        let mut until = self.ends_by.unwrap_or_else(|| self.clock.now() + SETTLING);
        let mut events = Events::with_capacity(64);
        loop {
            self.now = self.clock.now();
            let (store, output) = (self.store.is_finished(), !self.output.is_busy());
            if (store && output) || self.now >= until {
                if !output && !self.output.give_up(Instant::now() + GIVING_UP) {
                    log::error!(
                        "output-abandoned why=\"it is not read, or its file system does not answer\" \
                         hint=\"get the file by lineswarmctl dump -o after the next start\""
                    );
                }
                return Ok(self.store.is_finished());
            }
            let next = (self.now + LOOK_AGAIN).min(until);
            let patience = self.timer.set(next, self.now)?;
            poll_once(&mut self.poll, &mut events, patience)?;
            for event in &events {
                match event.token() {
                    TIMER => self.timer.on_fired(),
                    SIGNALS if self.signals.take().contains(&Signal::End) => {
                        until = until.min(self.clock.now() + AFTER_SIGNAL);
                    }
                    _ => {}
                }
            }
        }
    }

    /// The last bytes leave, for a bounded time.
    fn farewell(&mut self) -> Result<(), RunError> {
        let until = self.clock.now() + FAREWELL;
        let mut events = Events::with_capacity(64);
        loop {
            self.connections.settle(&mut Vec::new());
            self.turn_control();
            self.now = self.clock.now();
            if (self.connections.is_flushed() && self.control.is_flushed()) || self.now >= until {
                return Ok(());
            }
            let patience = self.timer.set(until, self.now)?;
            poll_once(&mut self.poll, &mut events, patience)?;
            for event in &events {
                match event.token() {
                    Token(token) if token >= CONNECTIONS => self.connections.on_ready(event, self.now),
                    TIMER => self.timer.on_fired(),
                    SIGNALS if self.signals.take().contains(&Signal::End) => {
                        self.ends_by.get_or_insert(self.clock.now() + AFTER_SIGNAL);
                    }
                    Token(token) if token >= CONTROL => self.control.on_ready(event),
                    _ => {}
                }
            }
        }
    }
}

/// A signal that cuts the waiting short is told by its own pipe.
fn poll_once(poll: &mut Poll, events: &mut Events, patience: Option<Duration>) -> Result<(), RunError> {
    match poll.poll(events, patience) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error.into()),
        _ => Ok(()),
    }
}

fn seed() -> io::Result<u64> {
    let mut seed = [0; 8];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    Ok(u64::from_le_bytes(seed))
}

fn keys(config: &Config, recovered: &Recovered) -> Result<Keys, RunError> {
    let swarm_key = match &config.swarm.key_file {
        Some(path) => Some(
            read::regular_file(path, limits::KEY_FILE_BYTES)
                .map_err(|why| RunError::KeyFile { path: path.display().to_string(), why })?,
        ),
        None => None,
    };
    Ok(Keys::new(*recovered.key.private(), swarm_key.as_deref())?)
}
