//! What happened, told two ways: a log line and a counter; and what of it an operator should know while it lasts.
//!
//! The engine's events and the shell's own refusals and troubles come in; nothing here decides. (What `events` shows
//! is the engine's own.)

use crate::{
    logging::value,
    store::{Reborn, Recovered},
};
use lineswarm_proto::{
    engine::event::{Event as Happened, Fields, Level},
    limits,
    visible::quoted,
    wire::control::Status,
};
use std::{collections::BTreeMap, fmt::Write, path::Path};

/// What log lines of events are filtered by.
const TARGET: &str = "lineswarm";

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Report {
    counters: BTreeMap<&'static str, u64>,
    refusals: BTreeMap<&'static str, u64>,
    problem: Option<Problem>,
    trouble: Option<String>,
    reload_problem: Option<String>,
}

/// The newest warning or error that nothing has ended yet.
#[derive(Debug)]
struct Problem {
    what: &'static str,
    text: String,
}

impl Report {
    /// What a start found, to the log.
    pub(crate) fn start(found: &Recovered, state_dir: &Path) {
        if !found.access.closed.is_empty() {
            log::warn!(
                "state-closed directory={} changed={} why=\"others could have read or changed it\" \
                 hint=\"nothing is to be done if the platform does that at each start (Kubernetes: \
                 fsGroupChangePolicy: OnRootMismatch spares it)\"",
                value(state_dir.display()),
                value(found.access.closed.join(", "))
            );
        }
        for note in &found.access.open {
            log::warn!(
                "state-open what={} hint=\"give the directory to the daemon's user: chown -R\"",
                value(note)
            );
        }
        for note in &found.notes {
            log::warn!("journal-salvaged what={}", value(note));
        }
        let directory = value(state_dir.display());
        match &found.reborn {
            Some(Reborn::StateLost(before)) => {
                let before = before.map_or_else(|| "its old id".into(), |id| id.to_string());
                log::error!(
                    "state-lost directory={directory} why=\"term and vote can't be read back, so this node has a new \
                     id and draws all lines again; what was there is in old-N\" hint=\"on a member: lineswarmctl peer \
                     forget {before}\""
                );
            }
            Some(Reborn::KeyLost) => log::error!(
                "key-lost directory={directory} why=\"node.key was not there, so this node has a new id; it keeps its \
                 lines\" hint=\"on a member: lineswarmctl peer forget the old id, or put the key back from a copy\""
            ),
            None => {}
        }
        if !found.lines.is_empty() {
            log::info!("resumed lines={} bound={}", found.lines.len(), limits::LINES);
        }
    }

    /// One of the engine's events.
    pub(crate) fn note(&mut self, event: &Happened) {
        let (level, what, fields) = event.describe();
        if log::log_enabled!(target: TARGET, log_level(level)) {
            log::log!(target: TARGET, log_level(level), "{}", line(what, &fields));
        }
        *self.counters.entry(what).or_default() += 1;
        self.weigh(event, level, what, &fields);
    }

    /// Somebody who came was turned away; `reason` is short.
    pub(crate) fn count_refusal(&mut self, reason: &'static str) {
        *self.refusals.entry(reason).or_default() += 1;
    }

    /// The store can't write, or can again.
    pub(crate) fn set_trouble(&mut self, trouble: Option<String>) {
        self.trouble = trouble;
    }

    /// Why the last reload failed; `None` when one has worked.
    pub(crate) fn set_reload_problem(&mut self, problem: Option<String>) {
        self.reload_problem = problem;
    }

    /// See [`Report::set_reload_problem`].
    pub(crate) fn reload_problem(&self) -> Option<&str> {
        self.reload_problem.as_deref()
    }

    /// How often each event came that did.
    pub(crate) fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counters.iter().map(|(&what, &count)| (what, count))
    }

    /// How many were turned away, by reason.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.refusals.iter().map(|(&reason, &count)| (reason, count))
    }

    /// What an operator should know of, while it lasts.
    /// `conflicts` are still open.
    pub(crate) fn last_problem(&self, conflicts: u32) -> Option<String> {
        let reload = || {
            let why = self.reload_problem.as_deref()?;
            Some(format!("reload-failed, the old configuration stays in force: {why}"))
        };
        let lasts = |problem: &&Problem| problem.what != "conflict" || conflicts > 0;
        let event = || self.problem.as_ref().filter(lasts).map(|problem| problem.text.clone());
        self.trouble.clone().or_else(event).or_else(reload)
    }

    /// What SIGUSR1 asks for: the status on one line.
    pub(crate) fn state(status: &Status) -> String {
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        let (job, peers) = (&status.job, &status.peers);
        let fields = vec![
            ("state", status.state.name().to_owned()),
            ("server", job.server.clone()),
            ("have", job.have.to_string()),
            ("lines", or_dash(job.lines.map(|lines| lines.to_string()))),
            ("draws", job.draws.to_string()),
            ("refusals", job.refusals.to_string()),
            ("rate", or_dash(job.rate.map(|rate| format!("{rate:.1}")))),
            ("eta_s", or_dash(job.eta_s.map(|eta| format!("{eta:.1}")))),
            ("connected", peers.connected.to_string()),
            ("known", peers.known.to_string()),
            ("epoch", status.epoch.to_string()),
            ("master", or_dash(status.master.as_ref().map(|master| master.name.clone()))),
            ("problem", or_dash(status.problem.clone())),
        ];
        line("state", &fields)
    }

    fn weigh(&mut self, event: &Happened, level: Level, what: &'static str, fields: &Fields) {
        if self.problem.as_ref().is_some_and(|problem| ends(event, problem.what)) {
            self.problem = None;
        }
        // These report a repair, and a state that `status` tells by itself as long as it lasts.
        let repaired =
            matches!(event, Happened::Corrected { .. } | Happened::Stalled { .. } | Happened::Yielded { .. });
        if level <= Level::Warn && !repaired {
            self.problem = Some(Problem { what, text: sentence(what, fields) });
        }
    }
}

/// Is the problem of the event `what` over with `event`?
fn ends(event: &Happened, what: &str) -> bool {
    match event {
        Happened::JobStarted { .. } => true,
        Happened::ServerConnected { .. } => what.starts_with("server-"),
        Happened::Elected { .. } => matches!(what, "no-majority" | "grace-over"),
        Happened::Done { .. } => what != "failed",
        Happened::Complete { .. } => matches!(what, "conflict" | "reopened") || what.starts_with("server-"),
        _ => false,
    }
}

fn log_level(level: Level) -> log::Level {
    match level {
        Level::Error => log::Level::Error,
        Level::Warn => log::Level::Warn,
        Level::Info => log::Level::Info,
        Level::Debug => log::Level::Debug,
    }
}

/// `what key=value key="a value"`: values come from other machines, so nothing in them can end the line or begin a field.
fn line(what: &str, fields: &Fields) -> String {
    let mut line = String::from(what);
    for (name, value) in fields {
        // Writing to a String can't fail.
        let _ = write!(line, " {name}={}", quoted(value));
    }
    line
}

/// `server-lost: connection refused (unanswered 1, retry_in_s 0.500)`
fn sentence(what: &str, fields: &Fields) -> String {
    let why = fields.iter().find(|(name, _)| *name == "why").map(|(_, why)| why.as_str());
    let others: Vec<String> = fields
        .iter()
        .filter(|(name, _)| *name != "why")
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    match (why, others.is_empty()) {
        (Some(why), true) => format!("{what}: {why}"),
        (Some(why), false) => format!("{what}: {why} ({})", others.join(", ")),
        (None, true) => what.into(),
        (None, false) => format!("{what}: {}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lineswarm_proto::ids::{LineNumber, PeerId};
    use std::time::Duration;

    fn lost(why: &str) -> Happened {
        Happened::ServerLost { why: why.into(), unanswered: 1, retry_in: Duration::from_millis(500) }
    }

    fn connected() -> Happened {
        Happened::ServerConnected { address: "127.0.0.1:9801".into(), source: "any".into() }
    }

    #[test]
    fn a_value_can_neither_end_its_line_nor_begin_a_field() {
        let fields = vec![
            ("plain", "127.0.0.1:9801".into()),
            ("blank", "a b".into()),
            ("empty", String::new()),
            ("evil", "x\nerror level=\"high\"".into()),
        ];
        assert_eq!(
            line("it", &fields),
            r#"it plain=127.0.0.1:9801 blank="a b" empty="" evil="x\nerror level=\"high\"""#
        );
    }

    #[test]
    fn a_problem_is_shown_until_it_is_over() {
        let mut report = Report::default();
        assert_eq!(report.last_problem(1), None);
        report.note(&lost("connection refused"));
        assert_eq!(
            report.last_problem(1).unwrap(),
            "server-lost: connection refused (unanswered 1, retry_in_s 0.500)"
        );
        report.note(&Happened::Paused);
        assert!(report.last_problem(1).is_some());
        report.note(&connected());
        assert_eq!(report.last_problem(1), None);

        report.note(&Happened::Conflict { number: LineNumber(7), peer: PeerId([1; 16]) });
        report.note(&connected());
        assert_eq!(report.last_problem(1).unwrap(), "conflict: line 7, peer 01010101");
        report.note(&Happened::Corrected { number: LineNumber(7), wrong: None });
        assert!(report.last_problem(1).unwrap().starts_with("conflict"), "a repair is no problem");
        assert_eq!(report.last_problem(0), None, "no conflict is open any more");
    }

    #[test]
    fn a_store_that_cannot_write_comes_before_everything_else() {
        let mut report = Report::default();
        report.note(&lost("gone"));
        report.set_trouble(Some("disk full".into()));
        assert_eq!(report.last_problem(1).unwrap(), "disk full");
        report.set_trouble(None);
        assert!(report.last_problem(1).unwrap().starts_with("server-lost"));
        report.count_refusal("wrong-key");
        report.count_refusal("wrong-key");
        assert_eq!(report.refusals().collect::<Vec<_>>(), [("wrong-key", 2)]);
    }
}
