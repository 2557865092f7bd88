//! `metrics`: what the node is and counts, in Prometheus' text format.

use super::Surroundings;
use lineswarm_proto::wire::control::{State, SubmitState};
use std::fmt::Write;

const STATES: [(State, &str); 8] = [
    (State::Idle, "idle"),
    (State::Joining, "joining"),
    (State::Fetching, "fetching"),
    (State::Complete, "complete"),
    (State::Submitting, "submitting"),
    (State::Submitted, "submitted"),
    (State::Paused, "paused"),
    (State::Failed, "failed"),
];
const SUBMIT_STATES: [(SubmitState, &str); 5] = [
    (SubmitState::None, "none"),
    (SubmitState::Intent, "intent"),
    (SubmitState::InDoubt, "in-doubt"),
    (SubmitState::Done, "done"),
    (SubmitState::Rejected, "rejected"),
];

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String can't fail.
        let _ = write!(self.0, "# HELP lineswarm_{name} {help}\n# TYPE lineswarm_{name} {kind}\n");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into() {
            self.family(name, "gauge", help);
            let _ = writeln!(self.0, "lineswarm_{name} {value}");
        }
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", help);
        let _ = writeln!(self.0, "lineswarm_{name} {value}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let _ = writeln!(self.0, "lineswarm_{name}{{{}}} {value}", labels.join(","));
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The whole page.
pub(super) fn text(around: &Surroundings<'_>) -> String {
    let status = around.status();
    let (job, pacer) = (&status.job, &status.pacer);
    let mut page = Page::default();
    page.family("info", "gauge", "Who this node is.");
    let id = status.id.to_string();
    let labels = [
        ("name", status.name.as_str()),
        ("id", id.as_str()),
        ("swarm", status.swarm.as_str()),
        ("server", job.server.as_str()),
        ("version", env!("CARGO_PKG_VERSION")),
    ];
    page.sample("info", &labels, 1);
    page.family("state", "gauge", "1 for the state that the node is in.");
    for (state, name) in STATES {
        page.sample("state", &[("state", name)], u64::from(state == status.state));
    }
    page.family("submit_state", "gauge", "1 for how far the submit is.");
    for (state, name) in SUBMIT_STATES {
        page.sample("submit_state", &[("state", name)], u64::from(state == status.submit.state));
    }
    page.gauge("uptime_seconds", "Since the daemon started.", status.uptime_s);
    page.gauge("epoch", "Of the job.", status.epoch as f64);
    page.gauge("lines", "Lines that the file has, once that is known.", job.lines.map(f64::from));
    page.gauge("have", "Lines that are held.", f64::from(job.have));
    page.gauge("unsaved", "Lines that are held and not yet on disk.", status.unsaved as f64);
    page.gauge("conflicts", "Lines with two texts, open.", f64::from(job.conflicts));
    page.counter("draws_total", "Answered requests of this node.", job.draws);
    page.counter("refusals_total", "Requests that the line server refused.", job.refusals);
    page.counter("duplicates_total", "Own draws of lines that were held already.", job.duplicates);
    page.counter("from_peers_total", "New lines that came from peers.", job.from_peers);
    page.counter("reconnects_total", "Times that the line server was lost.", job.reconnects);
    page.counter("submits_total", "Submits that this node sent.", u64::from(status.submit.attempts));
    page.gauge("rate", "Own draws a second, over the last seconds.", job.rate);
    page.gauge("eta_seconds", "Expected time to completion.", job.eta_s);
    page.gauge("elapsed_seconds", "Since the first draw, up to completion.", job.elapsed_s);
    page.gauge("limit", "Lines a second that the server seems to allow.", pacer.limit);
    page.gauge("limit_confidence", "How sure that is, 0 to 1.", pacer.confidence);
    page.gauge("cap", "The operator's cap in lines a second.", pacer.cap);
    page.gauge("server_rtt_seconds", "Round trip to the line server.", pacer.rtt_ms.map(|ms| ms / 1e3));
    page.gauge("depth", "Requests kept outstanding.", f64::from(pacer.depth));
    page.gauge("peers_known", "Other nodes that were heard of.", f64::from(status.peers.known));
    page.gauge("peers_connected", "Other nodes that are linked.", f64::from(status.peers.connected));
    let is_master = status.master.as_ref().is_some_and(|master| master.is_self);
    page.gauge("is_master", "1 on the elected master.", f64::from(u8::from(is_master)));
    page.gauge("has_master", "1 where a master is known.", f64::from(u8::from(status.master.is_some())));
    page.gauge("term", "The newest election term seen.", around.engine.term().0 as f64);
    page.gauge(
        "problem",
        "1 while something deserves a look.",
        f64::from(u8::from(status.problem.is_some())),
    );
    page.family("events_total", "counter", "Events by name.");
    for (what, count) in around.report.counters() {
        page.sample("events_total", &[("event", what)], count);
    }
    page.family("refused_total", "counter", "Connections turned away, by reason.");
    for (reason, count) in around.refusals() {
        page.sample("refused_total", &[("reason", reason)], count);
    }
    page.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_elsewhere_cannot_break_a_sample() {
        let mut page = Page::default();
        page.sample("info", &[("name", "a\"b\\c\nd")], 1);
        assert_eq!(page.0, "lineswarm_info{name=\"a\\\"b\\\\c\\nd\"} 1\n");
    }
}
