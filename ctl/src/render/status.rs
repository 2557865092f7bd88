//! `status` on one screen: what to look at first stands first.

use super::{Ink, Look, bar, clean, or_dash, span};
use lineswarm_proto::wire::control::{Job, LineServer, State, Status, Submit, SubmitMode, SubmitState};

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
    let job = &status.job;
    let mut rows = vec![
        ("server", server(status, look)),
        ("rate", rate(status)),
        ("time", format!("{} elapsed, {} to go", or_dash(job.elapsed_s, span), or_dash(job.eta_s, span))),
        (
            "draws",
            format!(
                "{} ({} refused, {} duplicates), {} lines from peers",
                job.draws, job.refusals, job.duplicates, job.from_peers
            ),
        ),
        ("pace", pace(job)),
        (
            "peers",
            match status.left {
                true => look.paint(Ink::Bad, "none: this node has left the swarm"),
                false => format!("{} of {} connected", status.peers.connected, status.peers.known),
            },
        ),
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
    if let Some(problem) = &status.reload_problem {
        let text = format!("failed, the old configuration stays in force: {}", clean(problem));
        rows.push(("reload", look.paint(Ink::Bad, &text)));
    }
    // Said above, if it is that.
    if let Some(problem) = status.problem.as_ref().filter(|problem| !problem.starts_with("reload-failed")) {
        rows.push(("problem", look.paint(Ink::Bad, &clean(problem))));
    }
    rows
}

/// What the whole swarm draws, of what it is allowed; then how lucky it was.
fn pace(job: &Job) -> String {
    let nodes = match job.drew.len() {
        1 => "1 node".into(),
        nodes => format!("{nodes} nodes"),
    };
    let capped = match job.capped {
        0 => "",
        1 => ", 1 node capped",
        _ => ", several nodes capped",
    };
    let pace = or_dash(job.pace, |pace| format!("{pace:.3} of what is allowed{capped}"));
    let luck = job.luck.map(|luck| format!(", luck {luck:.3}")).unwrap_or_default();
    format!("{pace}{luck}, {} draws of {nodes}", job.swarm_draws)
}

fn server(status: &Status, look: Look) -> String {
    let LineServer { connected, tries, next_try_s, why, .. } = &status.line_server;
    let mut text = format!("{}{}", clean(&status.job.server), times(status.job.reconnects, ", reconnected"));
    if let (false, Some(next)) = (connected, next_try_s) {
        let next = if *next < 0.1 { "trying now".into() } else { format!("next try in {}", span(*next)) };
        let why = why.as_ref().map(|why| format!(": {}", clean(why))).unwrap_or_default();
        let tries = match tries {
            0 => String::new(),
            1 => " (1 try failed)".into(),
            tries => format!(" ({tries} tries failed)"),
        };
        text.push_str(&look.paint(Ink::Bad, &format!(", not connected{why}{tries}, {next}")));
    }
    text
}

/// What is drawn of what is allowed, or why nothing is. A limit that was not met is not told.
fn rate(status: &Status) -> String {
    let (job, pacer) = (&status.job, &status.pacer);
    let idle = match (&status.standby_for, status.state) {
        _ if job.drawing => None,
        (_, State::Paused) => Some("paused".into()),
        (_, State::Idle) => Some("not started".into()),
        (_, State::Failed) => Some("the job failed".into()),
        (Some(peer), _) => Some(format!("on standby: {} draws from the same address", clean(peer))),
        (None, State::Complete | State::Submitting | State::Submitted) => Some("all lines are held".into()),
        (None, State::Joining | State::Fetching) => Some("the peers have the rest".into()),
    };
    let mut text = match idle {
        Some(why) => format!("draws nothing ({why})"),
        None => format!("{} lines/s", or_dash(job.rate, |rate| format!("{rate:.1}"))),
    };
    match pacer.limit {
        Some(limit) => text.push_str(&format!(
            ", limit {limit:.1} ({}, {:.0} % sure)",
            clean(&pacer.kind),
            pacer.confidence * 100.0
        )),
        None if job.drawing && pacer.kind == "unlimited" => text.push_str(", no limit met"),
        None if job.drawing => text.push_str(", limit not known yet"),
        None => {}
    }
    if job.drawing {
        text.push_str(&match status.line_server.one_at_a_time {
            true => ", one request at a time (the server does not answer several)".into(),
            false => format!(", depth {}", pacer.depth),
        });
    }
    if let Some(ms) = pacer.rtt_ms {
        text.push_str(&format!(", round trip {}", round_trip(ms)));
    }
    if let Some(cap) = pacer.cap {
        text.push_str(&format!(", capped at {cap:.1} by the operator"));
    }
    text
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
    let mode = match (submit.mode, submit.state) {
        (SubmitMode::Master, _) | (_, SubmitState::Done) => "",
        (SubmitMode::EveryPeer, _) => ", this node submits by itself (submit.by = \"every-peer\")",
        (SubmitMode::Nobody, _) => ", this node does not submit (submit.by = \"nobody\")",
    };
    format!(
        "{}{by}{mode}{}{reply}",
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
                "elapsed_s": 6.0, "sha256": null, "reconnects": 0, "swarm_draws": 3204, "pace": 0.9951,
                "drew": ["lab1/alice", "lab1/bob", "lab1/carol", "lab1/dave"]},
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
  pace      0.995 of what is allowed, 3204 draws of 4 nodes
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
        status.reload_problem = Some("x.toml:1: it is gone".into());
        status.submit = Submit {
            state: SubmitState::Rejected,
            by: Some(status.id),
            mode: SubmitMode::Master,
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
            "reload    failed, the old configuration stays in force: x.toml:1: it is gone\n",
            "problem   line 17 has two texts\\u{7}\n",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn what_is_not_known_or_not_so_is_not_told() {
        type Change<'a> = &'a dyn Fn(&mut Status);
        let rate = |change: Change<'_>| {
            let mut status = sample();
            change(&mut status);
            rate(&status)
        };
        let cases: [(Change<'_>, &str); 8] = [
            (
                &|status| (status.job.rate, status.pacer.limit, status.pacer.rtt_ms) = (None, None, None),
                "- lines/s, limit not known yet, depth 1",
            ),
            (
                &|status| (status.pacer.limit, status.pacer.kind) = (None, "unlimited".into()),
                "99.7 lines/s, no limit met, depth 1, round trip 310 µs",
            ),
            (
                &|status| {
                    (status.pacer.limit, status.pacer.cap, status.job.rate) = (None, Some(50.0), Some(50.0));
                },
                "50.0 lines/s, limit not known yet, depth 1, round trip 310 µs, capped at 50.0 by the operator",
            ),
            (
                &|status| status.line_server.one_at_a_time = true,
                "99.7 lines/s, limit 100.0 (spacing, 95 % sure), one request at a time (the server does not answer \
                 several), round trip 310 µs",
            ),
            (
                &|status| (status.job.drawing, status.state) = (false, State::Paused),
                "draws nothing (paused), limit 100.0 (spacing, 95 % sure), round trip 310 µs",
            ),
            (
                &|status| {
                    (status.job.drawing, status.standby_for) = (false, Some("lab1/bob".into()));
                    (status.pacer.limit, status.pacer.rtt_ms) = (None, Some(12.25));
                },
                "draws nothing (on standby: lab1/bob draws from the same address), round trip 12.2 ms",
            ),
            (
                &|status| {
                    (status.job.drawing, status.state) = (false, State::Idle);
                    (status.pacer.limit, status.pacer.rtt_ms) = (None, None);
                },
                "draws nothing (not started)",
            ),
            (
                &|status| {
                    (status.job.drawing, status.state) = (false, State::Submitted);
                    (status.pacer.limit, status.pacer.rtt_ms) = (None, None);
                },
                "draws nothing (all lines are held)",
            ),
        ];
        for (change, told) in cases {
            assert_eq!(rate(change), told);
        }
    }

    #[test]
    fn an_outage_is_told_with_its_tries_and_the_next_one() {
        let mut status = sample();
        let text = |status: &Status| server(status, Look::PLAIN);
        assert_eq!(text(&status), "127.0.0.1:9801");
        status.line_server = LineServer { next_try_s: Some(0.0), ..LineServer::default() };
        assert_eq!(text(&status), "127.0.0.1:9801, not connected, trying now");
        status.line_server.tries = 7;
        status.line_server.next_try_s = Some(4.24);
        status.line_server.why = Some("connection refused".into());
        let told = "127.0.0.1:9801, not connected: connection refused (7 tries failed), next try in 4.2 s";
        assert_eq!(text(&status), told);
        status.line_server.next_try_s = None;
        assert_eq!(text(&status), "127.0.0.1:9801", "no connection is needed");
    }

    #[test]
    fn a_line_of_watch_holds_the_main_figures() {
        assert_eq!(
            line(&sample()),
            "lab1/alice  fetching  577/1000  rate 99.7  eta 9.1 s  peers 2/3  master lab1/bob  submit none\n"
        );
    }
}
