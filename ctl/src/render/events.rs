//! Events, one a line: number, time, node, level, what, details.

use super::{Ink, Look, clean};
use lineswarm_proto::wire::control::Event;

/// One event on one line.
#[must_use]
pub fn line(event: &Event, look: Look) -> String {
    let ink = match event.level.as_str() {
        "error" => Ink::Bad,
        "warn" => Ink::Busy,
        "info" => Ink::Strong,
        _ => Ink::Faint,
    };
    let mut text = format!(
        "{:>6}  {:>10.3}  L{:<6}  {}  {}  {}",
        event.seq,
        event.t,
        event.lamport,
        clean(&event.node),
        look.paint(ink, &format!("{:5}", clean(&event.level))),
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

#[cfg(test)]
mod tests {
    use super::*;

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
