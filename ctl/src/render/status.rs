//! `status` on one screen: what to look at first stands first.

use super::{Ink, Look, bar, clean, or_dash, span};
use lineswarm_proto::wire::control::{State, Status, Submit, SubmitState};

/// The whole screen.
#[must_use]
pub fn screen(status: &Status, look: Look) -> String {
    let mut text = format!(
        "{}  {}  up {}\n{}\n\n",
        look.paint(Ink::Strong, &clean(&status.name)),
        look.paint(ink_of(status.state), status.state.name()),
        span(status.uptime_s),
        progress(status, look),
    );
    for (label, value) in rows(status, look) {
        text.push_str("  ");
        text.push_str(&look.paint(Ink::Faint, &format!("{label:8}")));
        text.push_str(&format!("  {value}\n"));
    }
    text
}

/// The same in one line, for `watch` into a pipe.
#[must_use]
pub fn line(status: &Status) -> String {
    let job = &status.job;
    format!(
        "{}  {}  {}/{}  rate {}  eta {}  peers {}/{}  master {}  submit {}\n",
        clean(&status.name),
        status.state.name(),
        job.have,
        or_dash(job.lines, |lines| lines.to_string()),
        or_dash(job.rate, |rate| format!("{rate:.1}")),
        or_dash(job.eta_s, span),
        status.peers.connected,
        status.peers.known,
        status.master.as_ref().map_or("-".into(), |master| clean(&master.name).into_owned()),
        submit_state(status.submit.state),
    )
}

pub(crate) fn ink_of(state: State) -> Ink {
    match state {
        State::Complete | State::Submitting | State::Submitted => Ink::Good,
        State::Joining | State::Fetching => Ink::Busy,
        State::Failed => Ink::Bad,
        State::Idle | State::Paused => Ink::Strong,
    }
}

pub(crate) fn submit_state(state: SubmitState) -> &'static str {
    match state {
        SubmitState::None => "none",
        SubmitState::Intent => "intent",
        SubmitState::InDoubt => "in-doubt",
        SubmitState::Done => "done",
        SubmitState::Rejected => "rejected",
    }
}

fn progress(status: &Status, look: Look) -> String {
    let (have, lines) = (status.job.have, status.job.lines.unwrap_or(0));
    let cells = look.paint(ink_of(status.state), &bar(have.into(), lines.into(), 50));
    match lines {
        0 => format!("{cells}  {have} of ? lines"),
        _ => format!("{cells}  {have}/{lines}  {}", percent(have, Some(lines))),
    }
}

/// Rounded down: 100.0 % is said only of the whole.
#[must_use]
pub fn percent(have: u32, lines: Option<u32>) -> String {
    let Some(lines) = lines.filter(|lines| *lines > 0) else { return "- %".into() };
    let tenths = u64::from(have.min(lines)) * 1000 / u64::from(lines);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn rows(status: &Status, look: Look) -> Vec<(&'static str, String)> {
    let (job, pacer) = (&status.job, &status.pacer);
    let limit = or_dash(pacer.limit, |limit| {
        format!("{limit:.1} ({}, {:.0} % sure)", clean(&pacer.kind), pacer.confidence * 100.0)
    });
    let cap = pacer.cap.map(|cap| format!(", capped at {cap:.1}")).unwrap_or_default();
    let mut rows = vec![
        ("server", format!("{}{}", clean(&job.server), times(job.reconnects, ", reconnected"))),
        (
            "rate",
            format!(
                "{} lines/s, limit {limit}, depth {}, round trip {}{cap}",
                or_dash(job.rate, |rate| format!("{rate:.1}")),
                pacer.depth,
                or_dash(pacer.rtt_ms, round_trip)
            ),
        ),
        ("time", format!("{} elapsed, {} to go", or_dash(job.elapsed_s, span), or_dash(job.eta_s, span))),
        (
            "draws",
            format!(
                "{} ({} refused, {} duplicates), {} lines from peers",
                job.draws, job.refusals, job.duplicates, job.from_peers
            ),
        ),
        ("peers", format!("{} of {} connected", status.peers.connected, status.peers.known)),
        (
            "master",
            match &status.master {
                Some(master) => format!(
                    "{}{} (term {})",
                    clean(&master.name),
                    if master.is_self { ", this node" } else { "" },
                    master.term
                ),
                None => "none".into(),
            },
        ),
        ("submit", submit(&status.submit, look)),
        (
            "swarm",
            format!(
                "{}, epoch {}, this node is {}, {}",
                clean(&status.swarm),
                status.epoch,
                status.id.short(),
                status
                    .listen
                    .as_ref()
                    .map_or("not listening".into(), |at| format!("listening on {}", clean(at)))
            ),
        ),
    ];
    if status.unsaved > 0 {
        rows.push(("unsaved", format!("{} lines", status.unsaved)));
    }
    if job.conflicts > 0 {
        let text = format!("{} lines with two texts", job.conflicts);
        rows.push(("conflict", look.paint(Ink::Bad, &text)));
    }
    if let Some(sha256) = &job.sha256 {
        rows.push(("sha256", clean(sha256).into_owned()));
    }
    if let Some(problem) = &status.problem {
        rows.push(("problem", look.paint(Ink::Bad, &clean(problem))));
    }
    rows
}

fn submit(submit: &Submit, look: Look) -> String {
    let ink = match submit.state {
        SubmitState::Done => Ink::Good,
        SubmitState::Rejected | SubmitState::InDoubt => Ink::Bad,
        SubmitState::None | SubmitState::Intent => Ink::Strong,
    };
    let by = submit.by.map(|id| format!(" by {}", id.short())).unwrap_or_default();
    let reply =
        submit.reply.as_ref().map(|reply| format!("\n            {}", clean(reply))).unwrap_or_default();
    format!(
        "{}{by}{}{reply}",
        look.paint(ink, submit_state(submit.state)),
        times(submit.attempts.into(), ", sent from here")
    )
}

/// In microseconds where it is that short.
fn round_trip(ms: f64) -> String {
    if ms < 1.0 { format!("{:.0} µs", ms * 1e3) } else { format!("{ms:.1} ms") }
}

fn times(count: u64, what: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!("{what} once"),
        _ => format!("{what} {count} times"),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;

    pub fn sample() -> Status {
        serde_json::from_value(json!({
            "v": 1, "name": "lab1/alice", "id": "000102030405060708090a0b0c0d0e0f", "swarm": "default",
            "epoch": 1, "state": "fetching", "uptime_s": 61.2,
            "job": {"server": "127.0.0.1:9801", "lines": 1000, "have": 577, "draws": 801, "refusals": 3,
                "duplicates": 20, "from_peers": 300, "conflicts": 0, "rate": 99.71, "eta_s": 9.1,
                "elapsed_s": 6.0, "sha256": null, "reconnects": 0},
            "peers": {"known": 3, "connected": 2},
            "master": {"id": "ff0102030405060708090a0b0c0d0e0f", "name": "lab1/bob", "term": 2, "self": false},
            "submit": {"state": "none", "by": null, "attempts": 0, "reply": null},
            "pacer": {"limit": 100.0, "kind": "spacing", "confidence": 0.95, "rtt_ms": 0.31, "depth": 1, "cap": null},
            "problem": null, "listen": "127.0.0.2:9900", "unsaved": 0
        }))
        .unwrap()
    }

    #[test]
    fn a_running_download_is_one_clear_screen() {
        let golden = "\
lab1/alice  fetching  up 61.2 s
[############################......................]  577/1000  57.7 %

  server    127.0.0.1:9801
  rate      99.7 lines/s, limit 100.0 (spacing, 95 % sure), depth 1, round trip 310 µs
  time      6.0 s elapsed, 9.1 s to go
  draws     801 (3 refused, 20 duplicates), 300 lines from peers
  peers     2 of 3 connected
  master    lab1/bob (term 2)
  submit    none
  swarm     default, epoch 1, this node is 00010203, listening on 127.0.0.2:9900
";
        assert_eq!(screen(&sample(), Look::PLAIN), golden);
    }

    #[test]
    fn what_is_wrong_and_what_the_server_said_is_shown() {
        let mut status = sample();
        status.state = State::Failed;
        status.job.lines = None;
        status.job.conflicts = 2;
        status.job.reconnects = 2;
        status.unsaved = 7;
        status.problem = Some("line 17 has two texts\u{7}".into());
        status.submit = Submit {
            state: SubmitState::Rejected,
            by: Some(status.id),
            attempts: 1,
            reply: Some("SUBMIT SUCCESS: x".into()),
        };
        let text = screen(&status, Look::PLAIN);
        for part in [
            "577 of ? lines",
            "127.0.0.1:9801, reconnected 2 times",
            "submit    rejected by 00010203, sent from here once\n            SUBMIT SUCCESS: x\n",
            "conflict  2 lines with two texts",
            "unsaved   7 lines",
            "problem   line 17 has two texts\\u{7}\n",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_line_of_watch_holds_the_main_figures() {
        assert_eq!(
            line(&sample()),
            "lab1/alice  fetching  577/1000  rate 99.7  eta 9.1 s  peers 2/3  master lab1/bob  submit none\n"
        );
    }
}
