//! One control connection: lines in, answers out, in the order of the requests.
//!
//! Everything is done in turns: at most one answer is under way, and a client that reads slowly is asked less and
//! less, until it reads. Invariant: unsent replies stay below [`limits::CONTROL_QUEUE_BYTES`] and one longest reply.

use super::{
    Desk, Surroundings, Wish, Wishes,
    answer::{Answer, Json, answer, greeting},
    request::{self, Inbox, TooLong},
    socket::Kind,
    stream::{Step, Stream},
    wait::Wait,
};
use crate::{
    logging::value,
    net::conn::{Conn, ReadOutcome},
};
use lineswarm_proto::{
    engine::{
        io::{Command as Order, RequestId},
        recall::Merged,
    },
    limits,
    time::Moment,
    visible::quoted,
    wire::control::{Command, ErrorBody, Request},
};
use mio::{Registry, Token, event::Event, net::UnixStream};
use rustix::net::UCred;
use serde_json::Value;

/// With more than this unsent, a client has one request answered a turn.
const FAIR_BYTES: usize = 16 * 1024;
/// The longest command that the log shows.
const AUDIT_CHARS: usize = 400;
/// Pieces of a stream made in one turn.
const TURN_PIECES: usize = 4;

/// What is under way for a client.
#[derive(Debug)]
enum Running {
    Stream(Stream),
    Wait(Wait),
    /// The event loop, the engine or the store has it.
    Asked(RequestId),
    /// The engine gathers events; this node's are to be followed, or not.
    Recalling(RequestId, bool),
    /// It has answered.
    Told(Result<Json, ErrorBody>),
}

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is more to do at once.
    Again,
    /// Something must happen first: on the socket, or (`looks`) in the engine.
    Rest { looks: bool },
    /// The connection is over.
    Over,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Client {
    conn: Conn<UnixStream>,
    pub(super) kind: Kind,
    token: Token,
    peer: Option<UCred>,
    inbox: Inbox,
    /// The id of the request that is under way, and what it is.
    running: Option<(u64, Running)>,
    /// The poll said so, and it was not read to the end since.
    readable: bool,
    /// Nothing more will come.
    ended: bool,
    /// Nobody is there to read.
    gone: bool,
    /// Nothing more is taken: what is queued leaves, and that is the end.
    closing: bool,
    /// It went no further because too much is unsent.
    choked: bool,
}

impl Client {
    /// Takes over an accepted connection and greets it; nothing is sent before the first turn.
    pub(super) fn new(stream: UnixStream, kind: Kind, token: Token, desk: &Desk) -> Self {
        let peer = rustix::net::sockopt::socket_peercred(&stream).ok();
        let most = limits::CONTROL_QUEUE_BYTES + limits::CONTROL_REPLY_BYTES;
        let mut client = Self {
            conn: Conn::new(stream, most),
            kind,
            token,
            peer,
            inbox: Inbox::default(),
            running: None,
            readable: true,
            ended: false,
            gone: false,
            closing: false,
            choked: false,
        };
        client.say(Json::of(&greeting(kind, desk)).text());
        client
    }

    pub(super) fn on_ready(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.gone |= event.is_write_closed() || event.is_error();
    }

    /// The request that the event loop was given for this client.
    pub(super) fn asked(&self) -> Option<RequestId> {
        match self.running {
            Some((_, Running::Asked(request) | Running::Recalling(request, _))) => Some(request),
            _ => None,
        }
    }

    /// What was asked of the event loop is done, or not.
    pub(super) fn on_reply(&mut self, result: Result<Json, ErrorBody>) {
        if let Some((_, running @ (Running::Asked(_) | Running::Recalling(..)))) = &mut self.running {
            *running = Running::Told(result);
        }
    }

    /// The swarm's events were gathered.
    pub(super) fn on_recalled(&mut self, merged: Merged) {
        if let Some((_, running)) = &mut self.running
            && let Running::Recalling(_, follow) = *running
        {
            *running = Running::Stream(Stream::merged(merged, follow));
        }
    }

    /// When what it waits for gives up.
    pub(super) fn deadline(&self) -> Option<Moment> {
        match &self.running {
            Some((_, Running::Wait(wait))) => wait.deadline(),
            _ => None,
        }
    }

    /// Bytes of replies that the client has not taken.
    pub(super) fn unsent(&self) -> usize {
        if self.gone { 0 } else { self.conn.queued() }
    }

    /// The daemon ends: whoever waits is told.
    pub(super) fn say_goodbye(&mut self, desk: &Desk) {
        if let Some((id, _)) = self.running.take() {
            let what = "the answer will not come";
            let hint = "ask again when it runs";
            let why = format!("{} {:?} is stopping", desk.program(), desk.name);
            self.end(id, Err(ErrorBody::new("E_STOPPING", what, why, hint)));
        }
        // One try: the process does not outlive it.
        let _ = self.conn.flush();
    }

    /// Goes on with everything that can go on.
    pub(super) fn turn(
        &mut self,
        desk: &Desk,
        around: &Surroundings<'_>,
        scratch: &mut [u8],
        wishes: &mut Wishes,
        registry: &Registry,
    ) -> Turn {
        self.choked = false;
        let mut more = self.work(desk, around, scratch, wishes);
        if !self.gone && self.conn.settle(registry, self.token).is_err() {
            // A client may send a command and leave: what it sent is read to its end.
            (self.gone, self.readable, more) = (true, true, true);
        }
        more |= self.choked && self.unsent() < limits::CONTROL_QUEUE_BYTES;
        let sent = self.unsent() == 0;
        let answered = self.closing || (self.ended && self.running.is_none() && !more);
        match (sent && answered, more) {
            (true, _) => Turn::Over,
            (false, true) => Turn::Again,
            (false, false) => Turn::Rest { looks: self.looks() },
        }
    }

    /// Does what is under way depend on what happens to the engine?
    fn looks(&self) -> bool {
        match &self.running {
            Some((_, Running::Stream(stream))) => stream.follows(),
            Some((_, Running::Wait(_))) => true,
            _ => false,
        }
    }

    /// True if there is more to do without waiting for anything.
    fn work(
        &mut self,
        desk: &Desk,
        around: &Surroundings<'_>,
        scratch: &mut [u8],
        wishes: &mut Wishes,
    ) -> bool {
        let mut budget = limits::TURN_BYTES;
        loop {
            if self.closing {
                return false;
            }
            let (goes_on, more) = self.go_on(around);
            if goes_on {
                // Whether somebody left shows only in reading.
                self.read(scratch, &mut budget);
                return more;
            }
            if self.unsent() >= limits::CONTROL_QUEUE_BYTES {
                self.choked = true;
                return false;
            }
            match self.inbox.next_line(self.ended) {
                Err(TooLong) => {
                    let what = "the request was not read";
                    let why = format!("a line has more than {} bytes", limits::CONTROL_REQUEST_BYTES);
                    let hint = "send one JSON object a line; the connection is closed";
                    self.end(0, Err(ErrorBody::new("E_TOO_LONG", what, why, hint)));
                    self.closing = true;
                    return false;
                }
                Ok(Some(line)) => {
                    let blank = line.iter().all(u8::is_ascii_whitespace);
                    let parsed = request::parse(line);
                    if !blank {
                        self.serve(parsed, desk, around, wishes);
                        if self.running.is_none() && self.unsent() > FAIR_BYTES {
                            return true;
                        }
                    }
                }
                Ok(None) if self.ended => return false,
                Ok(None) => match self.read(scratch, &mut budget) {
                    Read::Some => {}
                    Read::Nothing => return false,
                    Read::Later => return true,
                },
            }
        }
    }

    fn serve(
        &mut self,
        parsed: Result<Request, (u64, ErrorBody)>,
        desk: &Desk,
        around: &Surroundings<'_>,
        wishes: &mut Wishes,
    ) {
        let Request { id, command } = match parsed {
            Ok(request) => request,
            Err((id, error)) => return self.end(id, Err(error)),
        };
        let change = (!command.is_read()).then(|| words(&command));
        let answered = answer(command, self.kind, desk, around);
        if let Some(change) = change {
            self.audit(&change, &answered);
        }
        let token = wishes.next_token();
        let mut ask = |wish| Running::Asked(wishes.push(self.token, wish));
        let running = match answered {
            Ok(Answer::Now(json)) => return self.end(id, Ok(json)),
            Err(error) => return self.end(id, Err(error)),
            Ok(Answer::Stream(stream)) => Running::Stream(stream),
            Ok(Answer::Wait(wait)) => Running::Wait(wait),
            Ok(Answer::Wish(wish)) => ask(wish),
            Ok(Answer::Recall { since, follow }) => {
                let wish = Wish::Command(Order::Recall { since });
                Running::Recalling(wishes.push(self.token, wish), follow)
            }
            Ok(Answer::Save) => ask(Wish::Save(token)),
            Ok(Answer::Verify) => ask(Wish::Verify(token)),
        };
        self.running = Some((id, running));
    }

    /// Who changed what; the status socket's attempts too.
    fn audit(&self, change: &str, answered: &Result<Answer, ErrorBody>) {
        let who = self.peer.map_or_else(String::new, |peer| {
            format!(" uid={} pid={}", peer.uid.as_raw(), peer.pid.as_raw_nonzero())
        });
        let refused =
            answered.as_ref().err().map_or_else(String::new, |error| format!(" refused={}", error.code));
        let socket = self.kind.name();
        log::info!(target: "lineswarm::audit", "control-request socket={socket} command={change}{who}{refused}");
    }

    /// Goes on with what is under way. Is there still something, and is there more of it at once?
    fn go_on(&mut self, around: &Surroundings<'_>) -> (bool, bool) {
        let Some((id, running)) = self.running.take() else { return (false, false) };
        let (running, more) = match running {
            // Nobody is there to hear it.
            Running::Wait(_) | Running::Stream(_) if self.gone => return (false, false),
            Running::Asked(_) | Running::Recalling(..) => (running, false),
            Running::Told(result) => {
                self.end(id, result);
                return (false, false);
            }
            Running::Wait(wait) => match wait.look(around) {
                Some(result) => {
                    self.end(id, result);
                    return (false, false);
                }
                None => (Running::Wait(wait), false),
            },
            Running::Stream(mut stream) => match self.pour(id, &mut stream, around) {
                Poured::Ended => return (false, false),
                Poured::Paused => (Running::Stream(stream), false),
                Poured::More => (Running::Stream(stream), true),
            },
        };
        self.running = Some((id, running));
        (true, more)
    }

    fn pour(&mut self, id: u64, stream: &mut Stream, around: &Surroundings<'_>) -> Poured {
        for _ in 0..TURN_PIECES {
            if self.unsent() >= limits::CONTROL_QUEUE_BYTES {
                self.choked = true;
                return Poured::Paused;
            }
            match stream.step(around) {
                Step::Part(json) => self.say(&reply(id, "part", &json)),
                Step::Again => {}
                Step::Wait => return Poured::Paused,
                Step::End(result) => {
                    self.end(id, result);
                    return Poured::Ended;
                }
            }
        }
        Poured::More
    }

    fn end(&mut self, id: u64, result: Result<Json, ErrorBody>) {
        let line = match &result {
            Ok(json) if json.text().len() < limits::CONTROL_REPLY_BYTES - 100 => reply(id, "ok", json),
            Ok(_) => {
                let what = "the answer was not sent";
                let why = format!("it has more than {} bytes", limits::CONTROL_REPLY_BYTES);
                let error = ErrorBody::new("E_TOO_LONG", what, why, "ask for less at once");
                reply(id, "error", &Json::of(&error))
            }
            Err(error) => reply(id, "error", &Json::of(error)),
        };
        self.say(&line);
    }

    fn say(&mut self, line: &str) {
        if self.gone {
            return;
        }
        let queued = self.conn.queue_with(line.len() + 1, |out| {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        });
        if let Err(full) = queued {
            log::debug!("control-closed why={}", value(full));
            self.closing = true;
            self.gone = true;
        }
    }

    fn read(&mut self, scratch: &mut [u8], budget: &mut usize) -> Read {
        if self.ended || !self.readable || self.inbox.is_full() {
            return Read::Nothing;
        }
        match self.conn.read(scratch, budget) {
            ReadOutcome::Bytes(count) => {
                self.inbox.push(scratch.get(..count).unwrap_or_default());
                Read::Some
            }
            ReadOutcome::WouldBlock => {
                self.readable = false;
                // Who can't be answered has nothing more to ask.
                self.ended = self.gone;
                Read::Nothing
            }
            ReadOutcome::More => Read::Later,
            ReadOutcome::Eof => {
                self.ended = true;
                // What came without a newline may be a request too.
                Read::Some
            }
            ReadOutcome::Err(_) => {
                (self.ended, self.gone) = (true, true);
                Read::Some
            }
        }
    }
}

#[derive(Debug)]
enum Poured {
    Ended,
    /// There is no room, or nothing to say yet.
    Paused,
    More,
}

#[derive(Debug)]
enum Read {
    Some,
    Nothing,
    /// The turn's budget is spent.
    Later,
}

/// `{"id":7,"ok":...}`: the same as `Reply` of the protocol, around JSON that is written already.
fn reply(id: u64, kind: &str, json: &Json) -> String {
    format!("{{\"id\":{id},\"{kind}\":{}}}", json.text())
}

/// To a client for whom there is no room: said once, without waiting.
pub(super) fn turn_away(mut stream: UnixStream) {
    let error = ErrorBody::new(
        "E_BUSY",
        "the connection was refused",
        format!("{} clients are connected to this socket already", limits::CONTROL_CLIENTS),
        "try again, and end clients that wait or follow",
    );
    let line = reply(0, "error", &Json::of(&error)) + "\n";
    // A fresh socket has room for a line; whoever left meanwhile needs none.
    let _ = std::io::Write::write(&mut stream, line.as_bytes());
}
/// A request as a line of the log has it: `elect to=b`. What was not given is left out.
fn words(command: &Command) -> String {
    // A request was read from JSON, so it can be written as that.
    let Ok(Value::Object(mut fields)) = serde_json::to_value(command) else { return String::new() };
    let mut words = match fields.remove("cmd") {
        Some(Value::String(name)) => name,
        _ => String::new(),
    };
    for (name, field) in fields {
        let shown = match field {
            Value::Null | Value::Bool(false) => continue,
            Value::String(text) => quoted(&text).into_owned(),
            Value::Array(list) => {
                quoted(&list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")).into_owned()
            }
            other => other.to_string(),
        };
        words.push_str(&format!(" {name}={shown}"));
    }
    if let Some((end, _)) = words.char_indices().nth(AUDIT_CHARS) {
        words.truncate(end);
        words.push_str("...");
    }
    words
}
