//! Answers in many pieces: `lines`, `dump`, `events` and `log`, each a place to go on from.
//!
//! A piece is made only when there is room to send it, so a stream costs the same for a large file as for a small
//! one. Invariant: a piece has at most [`limits::SLICE_LINES`] items, and is closed when it passes [`PIECE_BYTES`].

use super::{Surroundings, answer::Json};
use crate::logging::LogLines;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lineswarm_proto::{
    engine::{noted::Noted, recall::Merged},
    ids::LineNumber,
    limits,
    lines::SharedLines,
    recent::Recent,
    wire::control::{ErrorBody, Event, Line, LogLine},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::json;
use std::{collections::VecDeque, ops::Range};

/// A piece is closed when its texts pass this.
const PIECE_BYTES: usize = 64 * 1024;
/// Numbers looked at for one piece of missing ones.
const SCAN: u32 = 64 * 1024;

/// What a stream gives next.
#[derive(Debug)]
pub(super) enum Step {
    Part(Json),
    /// Nothing yet: ask again after something happened.
    Wait,
    /// Nothing to say, but there is more to look through.
    Again,
    End(Result<Json, ErrorBody>),
}

/// An answer under way.
#[derive(Debug)]
pub(super) enum Stream {
    Held(Held),
    Missing {
        left: Range<u32>,
        sent: u64,
    },
    Events(Follow),
    /// The swarm's; then, to be followed, this node's.
    Merged {
        events: VecDeque<Event>,
        silent: Vec<String>,
        next: u64,
        follow: bool,
    },
    Log(Follow, LogLines),
}

/// The way through what is kept of the newest, and on as more comes.
#[derive(Debug)]
pub(super) struct Follow {
    next: u64,
    /// None: for ever.
    until: Option<u64>,
}

/// Held lines in their order.
#[derive(Debug)]
pub(super) struct Held {
    /// The map that was in force when it was asked: a new job has another one.
    lines: SharedLines,
    from: Option<LineNumber>,
    to: LineNumber,
    sent: u64,
    /// `dump` says how it ended.
    dump: Option<Dump>,
}

#[derive(Debug)]
struct Dump {
    partial: bool,
    /// How many lines a complete file has.
    whole: Option<u64>,
}

#[derive(Serialize)]
struct Lines {
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Numbers {
    numbers: Vec<u32>,
}

/// A piece of what is followed; its list has the name that the protocol gives it.
struct Newest<T> {
    name: &'static str,
    list: Vec<T>,
    /// So many that were asked for are kept no longer.
    lost: u64,
}

impl<T: Serialize> Serialize for Newest<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry(self.name, &self.list)?;
        if self.lost > 0 {
            map.serialize_entry("lost", &self.lost)?;
        }
        map.end()
    }
}

impl Stream {
    /// `lines`: those held from `from` to `to`.
    pub(super) fn lines(around: &Surroundings<'_>, from: Option<LineNumber>, to: Option<LineNumber>) -> Self {
        Self::Held(Held {
            lines: around.engine.lines().clone(),
            from: Some(from.unwrap_or_default()),
            to: to.unwrap_or(LineNumber(u32::MAX)),
            sent: 0,
            dump: None,
        })
    }

    /// `lines` with `missing`.
    pub(super) fn missing(
        around: &Surroundings<'_>,
        from: Option<LineNumber>,
        to: Option<LineNumber>,
    ) -> Result<Self, ErrorBody> {
        let numbers = around.engine.numbers().ok_or_else(|| {
            ErrorBody::new(
                "E_NOT_YET",
                "it can't be said which lines are missing",
                "it is not known yet how many there are",
                "set server.lines, or wait: lineswarmctl wait --for complete",
            )
        })?;
        let from = from.map_or(0, |from| from.0).max(numbers.start);
        let to = to.map_or(u32::MAX, |to| to.0.saturating_add(1)).min(numbers.end);
        Ok(Self::Missing { left: from..to, sent: 0 })
    }

    /// `dump`: the whole file.
    pub(super) fn dump(around: &Surroundings<'_>, partial: bool) -> Result<Self, ErrorBody> {
        let engine = around.engine;
        let held = engine.lines().len() as u64;
        if !partial && !engine.is_complete() {
            let why = match engine.numbers() {
                Some(all) => format!("{held} of {} lines are held", all.len()),
                None => format!("{held} lines are held, and it is not known how many there are"),
            };
            return Err(incomplete(why));
        }
        let whole = engine.is_complete().then_some(held);
        Ok(Self::Held(Held {
            lines: engine.lines().clone(),
            from: Some(LineNumber(0)),
            to: LineNumber(u32::MAX),
            sent: 0,
            dump: Some(Dump { partial, whole }),
        }))
    }

    /// `events` from number `since` on.
    pub(super) fn events(around: &Surroundings<'_>, since: u64, follow: bool) -> Result<Self, ErrorBody> {
        Follow::new(around.engine.recent(), "event", since, follow).map(Self::Events)
    }

    /// `events` with `causal`, gathered.
    pub(super) fn merged(merged: Merged, follow: bool) -> Self {
        let Merged { events, silent, next } = merged;
        Self::Merged { events: events.into(), silent, next, follow }
    }

    /// `log` from number `since` on.
    pub(super) fn log(log: &LogLines, since: u64, follow: bool) -> Result<Self, ErrorBody> {
        let way = Follow::new(&log.lock(), "log line", since, follow)?;
        Ok(Self::Log(way, log.clone()))
    }

    /// Goes on.
    pub(super) fn step(&mut self, around: &Surroundings<'_>) -> Step {
        match self {
            Self::Held(held) => held.step(),
            Self::Missing { left, sent } => {
                let mut numbers = Vec::new();
                let end = left.end.min(left.start.saturating_add(SCAN));
                while left.start < end && numbers.len() < limits::SLICE_LINES {
                    if !around.engine.holds(LineNumber(left.start)) {
                        numbers.push(left.start);
                    }
                    left.start += 1;
                }
                *sent += numbers.len() as u64;
                match (numbers.is_empty(), left.start >= left.end) {
                    (false, _) => Step::Part(Json::of(&Numbers { numbers })),
                    (true, false) => Step::Again,
                    (true, true) => Step::End(Ok(Json::of(&json!({ "count": sent })))),
                }
            }
            Self::Events(way) => {
                let show = |noted: &Noted| timed(noted.record(around.engine.name()), noted, around);
                way.step(around.engine.recent(), "events", show, text_bytes)
            }
            Self::Merged { events, silent, next, follow } => {
                let next_event = || Some(with_own_time(events.pop_front()?, around));
                let list = piece(core::iter::from_fn(next_event), text_bytes);
                if !list.is_empty() {
                    return Step::Part(Json::of(&Newest { name: "events", list, lost: 0 }));
                }
                let (next, silent) = (*next, core::mem::take(silent));
                if !*follow {
                    return Step::End(Ok(Json::of(&json!({ "next": next, "silent": silent }))));
                }
                *self = Self::Events(Follow { next, until: None });
                Step::Part(Json::of(&json!({ "events": [], "silent": silent })))
            }
            Self::Log(way, log) => {
                way.step(&log.lock(), "lines", LogLine::clone, |line: &LogLine| line.message.len())
            }
        }
    }

    /// Does it go on without end, as things happen?
    pub(super) fn follows(&self) -> bool {
        matches!(
            self,
            Self::Events(Follow { until: None, .. })
                | Self::Merged { follow: true, .. }
                | Self::Log(Follow { until: None, .. }, _)
        )
    }
}

impl Follow {
    fn new<T>(recent: &Recent<T>, what: &str, since: u64, follow: bool) -> Result<Self, ErrorBody> {
        let next = recent.next_seq();
        if since > next {
            return Err(ErrorBody::new(
                "E_BAD_VALUE",
                format!("there is no {what} {since}"),
                format!("the next one will be {next}: the daemon may have been restarted since"),
                "ask from the beginning: --since 0",
            ));
        }
        // From 0 on means whatever is kept.
        let from = if since == 0 { recent.oldest() } else { since };
        Ok(Self { next: from, until: (!follow).then_some(next) })
    }

    fn step<T, R: Serialize>(
        &mut self,
        recent: &Recent<T>,
        name: &'static str,
        show: impl Fn(&T) -> R,
        bytes_of: impl Fn(&R) -> usize,
    ) -> Step {
        if self.until.is_some_and(|until| self.next >= until) {
            return Step::End(Ok(Json::of(&json!({ "next": self.next }))));
        }
        let first = self.next.max(recent.oldest());
        let list = piece(recent.since(first).map(show), bytes_of);
        if list.is_empty() {
            return Step::Wait;
        }
        let lost = first - self.next;
        self.next = first + list.len() as u64;
        Step::Part(Json::of(&Newest { name, list, lost }))
    }
}

impl Held {
    fn step(&mut self) -> Step {
        let mut lines = Vec::new();
        if let Some(from) = self.from {
            let (to, mut bytes, mut past) = (self.to, 0, false);
            let next = self.lines.slice(from, |number, text| {
                past = number > to;
                if !past {
                    bytes += text.len();
                    lines.push(line(number, text));
                }
                !past && bytes < PIECE_BYTES
            });
            self.from = next.filter(|_| !past);
        }
        self.sent += lines.len() as u64;
        if !lines.is_empty() {
            return Step::Part(Json::of(&Lines { lines }));
        }
        let Some(Dump { partial, whole }) = self.dump else {
            return Step::End(Ok(Json::of(&json!({ "count": self.sent }))));
        };
        let complete = whole == Some(self.sent);
        Step::End(match complete || partial {
            true => Ok(Json::of(&json!({ "count": self.sent, "complete": complete }))),
            false => Err(incomplete(format!("it was opened again after {} lines were sent", self.sent))),
        })
    }
}

fn timed(event: Event, noted: &Noted, around: &Surroundings<'_>) -> Event {
    Event { time: Some(around.since_1970(noted.at)), ..event }
}

/// Of the swarm's events this node knows when its own were.
fn with_own_time(event: Event, around: &Surroundings<'_>) -> Event {
    let engine = around.engine;
    let same = |noted: &&Noted| noted.seq == event.seq && noted.stamped.lamport == event.lamport;
    let own = engine.recent().since(event.seq).next().filter(same);
    match own.filter(|_| event.node == engine.name()) {
        Some(noted) => timed(event, noted, around),
        None => event,
    }
}

/// A text that is no UTF-8 goes as base64.
pub(super) fn line(number: LineNumber, text: &[u8]) -> Line {
    match std::str::from_utf8(text) {
        Ok(text) => Line { number, text: Some(text.into()), text_b64: None },
        Err(_) => Line { number, text: None, text_b64: Some(STANDARD.encode(text)) },
    }
}

fn incomplete(why: String) -> ErrorBody {
    let hint = "wait for it: lineswarmctl wait --for complete, or take what there is: --partial";
    ErrorBody::new("E_INCOMPLETE", "the file is not complete", why, hint)
}

fn text_bytes(event: &Event) -> usize {
    event.fields.iter().map(|(name, value)| name.len() + value.len()).sum()
}

/// As many as go into one piece.
fn piece<T>(from: impl Iterator<Item = T>, bytes_of: impl Fn(&T) -> usize) -> Vec<T> {
    let (mut piece, mut bytes) = (Vec::new(), 0);
    for one in from {
        bytes += bytes_of(&one);
        piece.push(one);
        if piece.len() >= limits::SLICE_LINES || bytes >= PIECE_BYTES {
            break;
        }
    }
    piece
}
