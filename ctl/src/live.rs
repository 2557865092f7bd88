//! What goes on: `watch`, `events`, `log tail`, `wait` and `submit`.
//!
//! They end by Ctrl-C, by what they wait for, or by the time that the user gave.

use crate::client::Deadline;
use crate::errand::Errand;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
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
/// What the daemon may be late with its own time-out.
const GRACE: Duration = Duration::from_secs(1);

/// The status each second: redrawn on a terminal, a line each otherwise.
pub fn watch(errand: &Errand<'_>, screen: &mut Screen) -> Result<u8, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let end =
        errand.global.timeout.and_then(|limit| Instant::now().checked_add(Duration::from_secs_f64(limit)));
    let on_terminal = std::io::stdout().is_terminal();
    let mut connection = errand.connect()?;
    loop {
        let begin = Instant::now();
        connection.set_deadline(Deadline::after(Some(5 * EACH)));
        let answer = connection.ask(Ask::Status, |_| Ok(()))?;
        if screen.json {
            screen.object(answer)?;
        } else {
            let status = Status::deserialize(&answer).map_err(|error| connection.garbage(error))?;
            if on_terminal {
                screen.text(&redrawn(&status::screen(&status, screen.look), rows()))?;
            } else {
                screen.text(&status::line(&status))?;
            }
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
    let mut connection = errand.connect()?;
    let answer = connection.ask(errand.ask.clone(), |part| {
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
    })?;
    tell_silent(&answer)?;
    Ok(0)
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

/// Ends when it is so, with 75 if that takes too long.
pub fn wait(errand: &Errand<'_>, until: &str, screen: &mut Screen) -> Result<u8, Failure> {
    let limit = errand.global.timeout.map(Duration::from_secs_f64);
    let timeout_ms = limit.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
    let mut connection = errand.connect()?;
    connection.set_deadline_after_greeting(Deadline::after(limit.map(|limit| limit + GRACE)));
    let answer = connection.ask(Ask::Wait { until: until.into(), timeout_ms }, |_| Ok(()))?;
    if screen.json {
        screen.object(answer)?;
    } else if let Ok(status) = Status::deserialize(&answer) {
        screen.confirm(status::line(&status).trim_end())?;
    } else {
        screen.confirm(until)?;
    }
    Ok(0)
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
