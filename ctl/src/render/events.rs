//! Events, one a line: number, time (`+1.500s`: since that node's start), Lamport time, node, level, what, details; and log lines: time, level, message.

use super::{Ink, Look, clean};
use lineswarm_proto::time::rfc3339;
use lineswarm_proto::visible::quoted;
use lineswarm_proto::wire::control::{Event, LogLine};

/// One event on one line.
#[must_use]
pub fn line(event: &Event, look: Look) -> String {
    let mut text = format!(
        "{:>6}  {:>24}  L{:<6}  {}  {}  {}",
        event.seq,
        when(event),
        event.lamport,
        clean(&event.node),
        level(&event.level, look),
        clean(&event.what)
    );
    for (name, value) in &event.fields {
        text.push_str(&format!("  {}={}", clean(name), quoted(value)));
    }
    text.push('\n');
    text
}

/// Of another node's event only the time since its start is known.
fn when(event: &Event) -> String {
    event.time.map_or_else(|| format!("+{:.3}s", event.t), rfc3339)
}

/// The same where there is little room: `10:44:01Z`.
#[cfg(feature = "top")]
pub(crate) fn time_of_day(event: &Event) -> String {
    match event.time.map(rfc3339) {
        Some(time) => format!("{}Z", time.get(11..19).unwrap_or_default()),
        None => format!("+{:.1}s", event.t),
    }
}

/// One line of the log on one line.
#[must_use]
pub fn log_line(line: &LogLine, look: Look) -> String {
    format!("{}  {}  {}\n", rfc3339(line.t), level(&line.level, look), clean(&line.message))
}

fn level(level: &str, look: Look) -> String {
    let ink = match level {
        "error" => Ink::Bad,
        "warn" => Ink::Busy,
        "info" => Ink::Strong,
        _ => Ink::Faint,
    };
    look.paint(ink, &format!("{:5}", clean(level)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_has_its_time_and_cannot_steer_the_terminal() {
        let line =
            LogLine { seq: 1, t: 951_782_399.999_6, level: "warn".into(), message: "a\nb\u{1b}".into() };
        assert_eq!(log_line(&line, Look::PLAIN), "2000-02-29T00:00:00.000Z  warn   a\\nb\\u{1b}\n");
    }

    #[test]
    fn an_event_is_one_line_with_its_details() {
        let event = Event {
            seq: 7,
            lamport: 42,
            t: 1.2346,
            time: Some(1_795_344_241.5),
            node: "lab1/alice".into(),
            level: "info".into(),
            what: "link-opened".into(),
            fields: [("peer".into(), "lab1/bob".into()), ("why".into(), "it came\nback".into())].into(),
        };
        assert_eq!(
            line(&event, Look::PLAIN),
            "     7  2026-11-22T10:44:01.500Z  L42      lab1/alice  info   link-opened  peer=lab1/bob  why=\"it came\\nback\"\n"
        );
        let elsewhere = Event { time: None, ..event };
        assert!(line(&elsewhere, Look::PLAIN).starts_with("     7                   +1.235s  L42 "));
    }
}
