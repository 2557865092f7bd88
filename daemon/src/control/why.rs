//! `why`: what keeps the job from going faster, in sentences with numbers, the heaviest cause first.
//!
//! A weight from 0 to 1 says roughly what part of the time a cause costs; 1 is "nothing goes on because of it". They
//! are for ordering: causes overlap, and the weights do not add up to 1.

use lineswarm_proto::theory;
use lineswarm_proto::wire::control::{State, Status, SubmitState};
use serde::Serialize;

/// One reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Cause {
    /// For programs: `no-peers`.
    pub(super) code: &'static str,
    pub(super) sentence: String,
    /// 0 to 1.
    pub(super) weight: f64,
}

/// The answer to `why`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Why {
    pub(super) causes: Vec<Cause>,
    /// The causes' sentences, then what theory says.
    pub(super) sentences: Vec<String>,
}

/// Too few draws to speak of shares.
const FEW_DRAWS: u64 = 20;

/// Why it is not faster.
pub(super) fn why(status: &Status, is_server_connected: bool) -> Why {
    let mut causes = Vec::new();
    let mut add = |code, weight: f64, sentence: String| {
        causes.push(Cause { code, sentence, weight: (weight.clamp(0.0, 1.0) * 1e3).round() / 1e3 });
    };
    match status.state {
        State::Failed => add("failed", 1.0, failed(status)),
        State::Paused => {
            add("paused", 1.0, "Drawing is paused: lineswarmctl resume goes on with it.".into());
        }
        State::Idle => add("idle", 1.0, "The job was not started: lineswarmctl start does.".into()),
        State::Joining | State::Fetching => fetching(status, is_server_connected, &mut add),
        State::Complete | State::Submitting => submitting(status, &mut add),
        State::Submitted => {}
    }
    if status.job.conflicts > 0 {
        let count = status.job.conflicts;
        let sentence = format!(
            "{count} lines have two texts; nothing is submitted until the line server has shown which is right."
        );
        add("conflict", 0.9, sentence);
    }
    causes.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let theory = theory(status);
    let sentences = causes.iter().map(|cause| cause.sentence.clone()).chain(theory).collect();
    Why { causes, sentences }
}

fn failed(status: &Status) -> String {
    let why = status.problem.as_deref().unwrap_or("its cause is in the log");
    format!("The job failed: {why}")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn fetching(status: &Status, is_server_connected: bool, add: &mut impl FnMut(&'static str, f64, String)) {
    let job = &status.job;
    server(status, is_server_connected, add);
    pacing(status, add);
    if job.draws >= FEW_DRAWS {
        let draws = job.draws as f64;
        let asked = draws + job.refusals as f64;
        let refused = job.refusals as f64 / asked;
        if refused > 0.02 {
            add(
                "refusals",
                // A refusal costs a round trip, not a line.
                0.2 * refused,
                format!(
                    "{} of {asked} requests were refused ({}): the server's limit is still being learnt, or \
                     others draw from this node's address too.",
                    job.refusals,
                    percent(refused)
                ),
            );
        }
        if let Some(lines) = job.lines {
            let wasted = job.duplicates as f64 / draws;
            let chance = 1.0 - f64::from(job.have) / theory::draws_until(job.have, lines).max(1.0);
            // Of a few hundred draws the share is off by some percent.
            let excess = wasted - chance;
            if excess > 0.05 + 1.0 / draws.sqrt() {
                add(
                    "duplicates",
                    excess,
                    format!(
                        "{} of {} own draws ({}) gave lines that were held already, and chance alone gives {}: \
                         lines from peers come late.",
                        job.duplicates,
                        job.draws,
                        percent(wasted),
                        percent(chance)
                    ),
                );
            } else {
                add(
                    "chance",
                    0.5 * chance,
                    format!(
                        "{} of {} own draws ({}) gave lines that were held already; with {} of {lines} lines held \
                         chance alone gives {}.",
                        job.duplicates,
                        job.draws,
                        percent(wasted),
                        job.have,
                        percent(chance)
                    ),
                );
            }
        }
    }
    peers(status, add);
}

fn server(status: &Status, is_connected: bool, add: &mut impl FnMut(&'static str, f64, String)) {
    let job = &status.job;
    if !is_connected {
        let why = status.problem.as_ref().map_or_else(String::new, |problem| format!(" ({problem})"));
        add("no-server", 1.0, format!("There is no connection to the line server {}{why}.", job.server));
    }
    if job.reconnects > 0 {
        let sentence = format!("The connection to the line server was lost {} times.", job.reconnects);
        add("reconnects", (job.reconnects as f64 / 20.0).min(0.4), sentence);
    }
    if job.lines.is_none() {
        let sentence =
            "It is not known yet how many lines there are: the master asks the server, or set server.lines.";
        add("no-count", 0.2, sentence.into());
    }
}

/// What the server or the operator allows, against what is drawn.
fn pacing(status: &Status, add: &mut impl FnMut(&'static str, f64, String)) {
    let (pacer, Some(rate)) = (&status.pacer, status.job.rate) else { return };
    if let Some(cap) = pacer.cap.filter(|cap| pacer.limit.is_none_or(|limit| *cap < limit)) {
        let limit = pacer.limit.map_or("more".into(), |limit| format!("{limit:.1}"));
        let weight = pacer.limit.map_or(0.5, |limit| 1.0 - cap / limit);
        let sentence = format!(
            "This node is capped at {cap:.1} lines/s where the server seems to allow {limit}: lineswarmctl limit \
             --auto lifts it."
        );
        add("cap", weight, sentence);
        return;
    }
    let Some(limit) = pacer.limit.filter(|limit| *limit > 0.0) else { return };
    let used = rate / limit;
    if used < 0.9 {
        let sentence = format!(
            "This node draws {rate:.1} lines/s, {} of the {limit:.1} that the server seems to allow ({} limit, \
             round trip {:.1} ms, {} requests outstanding).",
            percent(used),
            pacer.kind,
            pacer.rtt_ms,
            pacer.depth
        );
        add("below-limit", 1.0 - used, sentence);
    } else {
        let sentence = format!(
            "The line server allows this node about {limit:.1} lines/s ({} limit), and {} of that is used: only \
             more peers make it faster.",
            pacer.kind,
            percent(used.min(1.0))
        );
        add("server-limit", 0.4, sentence);
    }
}

fn peers(status: &Status, add: &mut impl FnMut(&'static str, f64, String)) {
    let (known, connected) = (status.peers.known, status.peers.connected);
    if known == 0 {
        let sentence =
            "This node draws alone: each peer with a limit of its own takes its share of the time.";
        add("alone", 0.3, sentence.into());
    } else if connected == 0 {
        let sentence = format!("None of the {known} known peers is linked: lineswarmctl peers says why.");
        add("no-peers", 0.8, sentence);
    } else if connected < known {
        let missing = f64::from(known - connected) / f64::from(known + 1);
        let sentence = format!("{connected} of {known} known peers are linked: lineswarmctl peers says why.");
        add("few-peers", 0.5 * missing, sentence);
    }
}

fn submitting(status: &Status, add: &mut impl FnMut(&'static str, f64, String)) {
    match (status.submit.state, &status.master) {
        (SubmitState::InDoubt, _) => {
            let sentence = "A submit was announced and nobody told how it ended: after a wait it is sent again, or \
                            lineswarmctl submit --resolve does at once.";
            add("in-doubt", 0.9, sentence.into());
        }
        (SubmitState::Rejected, _) => {
            let reply = status.submit.reply.as_deref().unwrap_or("nothing");
            add("rejected", 0.9, format!("The line server judged the file wrong: {reply:?}."));
        }
        (_, None) => {
            let sentence = format!(
                "The file is complete, and there is no master to submit it: {} of {} known peers are linked.",
                status.peers.connected, status.peers.known
            );
            add("no-master", 1.0, sentence);
        }
        (_, Some(master)) if !master.is_self => {
            let sentence = format!(
                "The file is complete here; the master, {:?}, submits when it holds all lines.",
                master.name
            );
            add("master-waits", 0.5, sentence);
        }
        _ => add("submitting", 0.3, "The file is complete and is being submitted.".into()),
    }
}

/// How the job stands against a single node of this rate, and against chance.
fn theory(status: &Status) -> Option<String> {
    let job = &status.job;
    let lines = job.lines?;
    match status.state {
        State::Joining | State::Fetching => {
            let eta = job.eta_s?;
            let left = theory::draws_left(lines.saturating_sub(job.have), lines);
            Some(format!(
                "{} of {lines} lines are held; the rest takes about {left:.0} draws of all nodes together, {eta:.1} s \
                 at the present rate.",
                job.have
            ))
        }
        State::Complete | State::Submitting | State::Submitted => {
            let seconds = job.elapsed_s.filter(|seconds| *seconds > 0.0)?;
            let needed = theory::expected_draws(lines);
            let nodes = f64::from(status.peers.connected) + 1.0;
            let rate = job.draws as f64 / seconds;
            let alone = if rate > 0.0 { needed / rate } else { return None };
            Some(format!(
                "All {lines} lines came in {seconds:.1} s; chance asks for {needed:.0} draws, {alone:.1} s for one \
                 node and {:.1} s for {nodes} at {rate:.1} lines/s each.",
                alone / nodes
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
