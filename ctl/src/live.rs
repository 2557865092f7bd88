//! What goes on: `watch`, `events`, `log tail`, `wait` and `submit`.
//!
//! They end by Ctrl-C, by what they wait for, or by the time that the user gave. A daemon that restarts meanwhile is
//! waited for.

use crate::client::{Connection, Deadline};
use crate::errand::Errand;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::place::{self, Place};
use crate::render::{Look, clean, status};
use crate::screen::Screen;
use lineswarm_proto::wire::control::{Command as Ask, ErrorBody, State, Status, SubmitState};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const EACH: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(50);
/// The exit code for a submit that the line server found wrong.
const WRONG: u8 = 65;
/// A daemon that has not greeted by then hangs, or restarts.
const GREETING: Duration = Duration::from_secs(5);
/// Between two looks for a daemon that is not there.
const AGAIN: Duration = Duration::from_millis(100);
/// What the daemon may be late with its own time-out.
const GRACE: Duration = Duration::from_secs(1);

/// The status each second: redrawn on a terminal, a line each otherwise.
pub fn watch(errand: &Errand<'_>, screen: &mut Screen) -> Result<u8, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let end =
        errand.global.timeout.and_then(|limit| Instant::now().checked_add(Duration::from_secs_f64(limit)));
    let on_terminal = std::io::stdout().is_terminal();
    let mut connection = Some(errand.connect()?);
    loop {
        let begin = Instant::now();
        let looked = match connection.take() {
            Some(known) => look(known),
            None => Connection::to(&errand.place, &Ask::Status, Deadline::after(Some(EACH))).and_then(look),
        };
        match looked {
            Ok((answer, known)) => {
                if screen.json {
                    screen.object(answer)?;
                } else {
                    let status = Status::deserialize(&answer).map_err(|error| known.garbage(error))?;
                    if on_terminal {
                        screen.text(&redrawn(&status::screen(&status, screen.look), rows()))?;
                    } else {
                        screen.text(&status::line(&status))?;
                    }
                }
                connection = Some(known);
            }
            // It may come back.
            Err(failure) if is_absent(&failure) => absent(&failure, on_terminal, screen)?,
            Err(failure) => return Err(failure),
        }
        screen.flush()?;
        if end.is_some_and(|end| Instant::now() >= end) {
            return Ok(0);
        }
        match interrupt.pause(EACH.saturating_sub(begin.elapsed())) {
            Err(Failure::Interrupted) => return Ok(0),
            other => other?,
        }
    }
}

fn look(mut connection: Connection) -> Result<(Value, Connection), Failure> {
    connection.set_deadline(Deadline::after(Some(5 * EACH)));
    let answer = connection.ask(Ask::Status, |_| Ok(()))?;
    Ok((answer, connection))
}

fn absent(failure: &Failure, on_terminal: bool, screen: &mut Screen) -> Result<(), Failure> {
    let body = failure.body();
    if screen.json {
        return screen.object(json!({ "v": 1, "error": body }));
    }
    let text = format!("{}; waiting for it\n", clean(&body.what));
    screen.text(&if on_terminal { redrawn(&text, rows()) } else { text })
}

/// Home, each line up to its end, then what is below: no flicker. Nothing wraps and the last row stays empty, so that
/// a small terminal shows the beginning instead of scrolling.
fn redrawn(text: &str, rows: usize) -> String {
    let lines: String =
        text.lines().take(rows.saturating_sub(1)).map(|line| format!("{line}\u{1b}[K\n")).collect();
    format!("\u{1b}[?7l\u{1b}[H{lines}\u{1b}[J\u{1b}[?7h")
}

/// Of the terminal, as they are now.
fn rows() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    size.ok().filter(|size| size.ws_row > 0).map_or(24, |size| size.ws_row.into())
}

/// Events or log lines as they come: those in the list `name` of each piece.
pub fn follow<T: DeserializeOwned>(
    errand: &Errand<'_>,
    name: &str,
    json_line: bool,
    line: impl Fn(&T, Look) -> String,
    screen: &mut Screen,
) -> Result<u8, Failure> {
    let as_json = screen.json || json_line;
    let end =
        errand.global.timeout.and_then(|limit| Instant::now().checked_add(Duration::from_secs_f64(limit)));
    let show = |part: Value, screen: &mut Screen| {
        tell_silent(&part)?;
        for value in part.get(name).and_then(Value::as_array).into_iter().flatten() {
            if as_json {
                screen.object(value.clone())?;
            } else {
                let one = T::deserialize(value).map_err(Failure::garbled)?;
                screen.text(&line(&one, screen.look))?;
            }
        }
        screen.flush()
    };
    let mut ask = errand.ask.clone();
    let mut connection = errand.connect()?;
    loop {
        match connection.ask(ask.clone(), |part| show(part, screen)) {
            Ok(answer) => return tell_silent(&answer).map(|()| 0),
            Err(failure) if errand.command.is_open_ended() && is_ended(&failure) => {
                screen.note("the daemon ended; waiting for it")?;
                connection = again(errand, end)?;
                screen.note("the daemon is back, and numbers from 1 on")?;
            }
            Err(failure) => return Err(failure),
        }
        // Of another run everything is new.
        if let Ask::Events { since, .. } | Ask::Log { since, .. } = &mut ask {
            *since = 0;
        }
    }
}

/// It ended while we listened: it said so, or is gone.
fn is_ended(failure: &Failure) -> bool {
    match failure {
        Failure::Closed { .. } => true,
        Failure::Daemon(body) => body.code == "E_STOPPING",
        _ => false,
    }
}

/// Connects to the next daemon there.
fn again(errand: &Errand<'_>, end: Option<Instant>) -> Result<Connection, Failure> {
    loop {
        match errand.connect() {
            Ok(mut connection) => {
                connection.set_deadline_after_greeting(Deadline::after(
                    end.map(|end| end.saturating_duration_since(Instant::now())),
                ));
                return Ok(connection);
            }
            Err(failure) if !is_absent(&failure) || end.is_some_and(|end| Instant::now() >= end) => {
                return Err(failure);
            }
            Err(_) => std::thread::sleep(AGAIN),
        }
    }
}

/// Names the peers whose events are not among those of the swarm.
fn tell_silent(answer: &Value) -> Result<(), Failure> {
    let names = answer.get("silent").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<_> = names.filter_map(Value::as_str).map(|name| clean(name).into_owned()).collect();
    if names.is_empty() {
        return Ok(());
    }
    writeln!(std::io::stderr(), "no answer from {}: their events are not among these", names.join(", "))
        .map_err(Failure::io("writing to stderr"))
}

/// Ends when it is so, with 75 if that takes too long, and with 1 if it can no longer be so. A daemon that is not up
/// yet, or restarts meanwhile, is waited for as well.
pub fn wait(errand: &Errand<'_>, until: &str, screen: &mut Screen) -> Result<u8, Failure> {
    let limit = errand.global.timeout.map(Duration::from_secs_f64);
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    let mut place = errand.place.clone();
    let mut is_told = false;
    let mut left = limit;
    let answer = loop {
        let failure = match ask_to_wait(&place, until, left) {
            Ok(answer) => break answer,
            Err(failure) => failure,
        };
        if !is_absent(&failure) {
            return Err(failure);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return Err(came_too_late(until, limit.unwrap_or_default(), &failure));
        }
        if !std::mem::replace(&mut is_told, true) {
            screen.note(&format!("waiting for the daemon: {}", failure.body().what))?;
        }
        std::thread::sleep(left.map_or(AGAIN, |left| left.min(AGAIN)));
        left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if !errand.global.all {
            place = place::named(errand.global);
        }
    };
    if screen.json {
        screen.object(answer)?;
    } else if let Ok(status) = Status::deserialize(&answer) {
        screen.confirm(status::line(&status).trim_end())?;
    } else {
        screen.confirm(until)?;
    }
    Ok(0)
}

/// One daemon, up to its end or ours.
fn ask_to_wait(place: &Place, until: &str, left: Option<Duration>) -> Result<Value, Failure> {
    let timeout_ms = left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
    let ask = Ask::Wait { until: until.into(), timeout_ms };
    let greeting = left.map_or(GREETING, |left| left.min(GREETING));
    let mut connection = Connection::to(place, &ask, Deadline::after(Some(greeting)))?;
    connection.set_deadline_after_greeting(Deadline::after(left.map(|left| left + GRACE)));
    connection.ask(ask, |_| Ok(()))
}

/// It is not up yet, or no longer: it may come.
fn is_absent(failure: &Failure) -> bool {
    match failure {
        Failure::NoSocket { .. }
        | Failure::NoListener { .. }
        | Failure::NoInstance { .. }
        | Failure::Closed { .. }
        | Failure::TimedOut { .. } => true,
        Failure::Daemon(body) => matches!(body.code.as_str(), "E_STOPPING" | "E_BUSY"),
        _ => false,
    }
}

fn came_too_late(until: &str, limit: Duration, failure: &Failure) -> Failure {
    let body = failure.body();
    Failure::Daemon(ErrorBody::new(
        "E_TIMEOUT",
        format!("no daemon said that it is so within {} s: {until}", limit.as_secs_f64()),
        format!("{}: {}", body.what, body.why),
        body.hint,
    ))
}

/// The daemon submits in its own time; this looks until there is a verdict: 0 for right, 65 for wrong.
pub fn submit(errand: &Errand<'_>, force: bool, screen: &mut Screen) -> Result<u8, Failure> {
    let mut connection = errand.connect()?;
    let before: Status = connection.get(Ask::Status)?;
    connection.ask(errand.ask.clone(), |_| Ok(()))?;
    let status = loop {
        let now: Status = connection
            .get(Ask::Status)
            .map_err(|failure| if timed_out(&failure) { no_verdict(&before) } else { failure })?;
        if is_judged(&before, &now, force) {
            break now;
        }
        std::thread::sleep(GLANCE);
    };
    let right = status.submit.state == SubmitState::Done;
    if screen.json {
        screen.object(json!(status.submit))?;
    } else {
        screen.confirm(&format!(
            "{}: {}",
            if right { "right" } else { "wrong" },
            clean(status.problem.as_ref().or(status.submit.reply.as_ref()).map_or("", String::as_str))
        ))?;
    }
    Ok(if right { 0 } else { WRONG })
}

/// A forced submit is judged by a reply of its own, any other by whichever of the swarm's.
fn is_judged(before: &Status, now: &Status, force: bool) -> bool {
    let is_new = now.submit.attempts > before.submit.attempts && now.submit.reply != before.submit.reply;
    match now.submit.state {
        _ if now.state == State::Failed => true,
        SubmitState::Done => is_new || !force,
        SubmitState::Rejected => is_new || now.submit.reply != before.submit.reply,
        SubmitState::None | SubmitState::Intent | SubmitState::InDoubt => false,
    }
}

fn timed_out(failure: &Failure) -> bool {
    matches!(failure, Failure::TimedOut { .. })
}

fn no_verdict(before: &Status) -> Failure {
    Failure::Daemon(ErrorBody::new(
        "E_TIMEOUT",
        "the line server has not judged a submit yet",
        match (before.submit.state, &before.master) {
            (SubmitState::InDoubt, _) => "an earlier submit is in doubt, and the daemon holds back".into(),
            (_, Some(master)) if !master.is_self => format!("{} is the master and submits", master.name),
            (_, None) => "no master is elected, and only a master submits".into(),
            _ => format!("the daemon is {}", before.state.name()),
        },
        "lineswarmctl wait --for submitted; submit --resolve ends a doubt, submit --force submits from this node",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_terminal_gets_the_beginning_and_never_scrolls() {
        let text = redrawn("a\nb\nc\n", 3);
        assert_eq!(text, "\u{1b}[?7l\u{1b}[Ha\u{1b}[K\nb\u{1b}[K\n\u{1b}[J\u{1b}[?7h");
        assert_eq!(redrawn("a\nb\n", 1).matches('\n').count(), 0);
        assert_eq!(redrawn("a\nb\n", 80).matches('\n').count(), 2);
    }
}
