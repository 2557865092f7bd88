//! Events, one a line: number, time, node, level, what, details; and log lines: time, level, message.

use super::{Ink, Look, clean};
use lineswarm_proto::wire::control::{Event, LogLine};

/// One event on one line.
#[must_use]
pub fn line(event: &Event, look: Look) -> String {
    let mut text = format!(
        "{:>6}  {:>10.3}  L{:<6}  {}  {}  {}",
        event.seq,
        event.t,
        event.lamport,
        clean(&event.node),
        level(&event.level, look),
        clean(&event.what)
    );
    for (name, value) in &event.fields {
        let value = clean(value);
        if value.is_empty() || value.contains(' ') {
            text.push_str(&format!("  {}=\"{value}\"", clean(name)));
        } else {
            text.push_str(&format!("  {}={value}", clean(name)));
        }
    }
    text.push('\n');
    text
}

/// One line of the log on one line.
#[must_use]
pub fn log_line(line: &LogLine, look: Look) -> String {
    format!("{}  {}  {}\n", utc(line.t), level(&line.level, look), clean(&line.message))
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

/// 2026-11-21T10:44:01.123Z of seconds since 1970.
fn utc(seconds: f64) -> String {
    let ms = (seconds.max(0.0) * 1e3).round() as u64;
    let (days, ms) = (ms / 86_400_000, ms % 86_400_000);
    // Years from March on, in cycles of 400: leap days come last.
    let since_0 = days + 719_468;
    let (era, day) = (since_0 / 146_097, since_0 % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march = (5 * day + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    format!(
        "{:04}-{month:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        era * 400 + year + u64::from(month <= 2),
        day - (153 * march + 2) / 5 + 1,
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_has_its_time_and_cannot_steer_the_terminal() {
        let line =
            LogLine { seq: 1, t: 951_782_399.999_6, level: "warn".into(), message: "a\nb\u{1b}".into() };
        assert_eq!(log_line(&line, Look::PLAIN), "2000-02-29T00:00:00.000Z  warn   a\\nb\\u{1b}\n");
        let dates = [(0.0, "1970-01-01T00:00:00.000Z"), (1_795_344_241.5, "2026-11-22T10:44:01.500Z")];
        dates.iter().for_each(|(seconds, text)| assert_eq!(utc(*seconds), *text));
    }

    #[test]
    fn an_event_is_one_line_with_its_details() {
        let event = Event {
            seq: 7,
            lamport: 42,
            t: 1.2346,
            node: "lab1/alice".into(),
            level: "info".into(),
            what: "link-opened".into(),
            fields: [("peer".into(), "lab1/bob".into()), ("why".into(), "it came\nback".into())].into(),
        };
        assert_eq!(
            line(&event, Look::PLAIN),
            "     7       1.235  L42      lab1/alice  info   link-opened  peer=lab1/bob  why=\"it came\\nback\"\n"
        );
    }
}
