//! `why`: what keeps the job from going faster, in sentences with numbers, the heaviest cause first.
//!
//! A weight from 0 to 1 says roughly what part of the time a cause costs; 1 is "nothing goes on because of it". They
//! are for ordering: causes overlap, and the weights do not add up to 1.

use lineswarm_proto::engine::Engine;
use lineswarm_proto::theory;
use lineswarm_proto::wire::control::{LineServer, Peer, State, Status, SubmitMode, SubmitState};
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

/// What is known beside the status.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Facts {
    /// The other nodes.
    pub(super) peers: Vec<Peer>,
    /// Linked peers that draw from this node's address too.
    pub(super) same_address: Vec<String>,
    /// Refused requests a second, over the last seconds.
    pub(super) refused_rate: f64,
    /// So many duplicates were to be expected of the own draws.
    pub(super) expected_duplicates: f64,
}

impl Facts {
    pub(super) fn of(engine: &Engine) -> Self {
        Self {
            peers: engine.peers().peers,
            same_address: engine.neighbours_of_address(),
            refused_rate: engine.refused_rate().unwrap_or(0.0),
            expected_duplicates: engine.expected_duplicates(),
        }
    }

    fn linked(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().filter(|peer| peer.state == "linked")
    }
}

/// Too few draws to speak of shares.
const FEW_DRAWS: u64 = 20;
/// A pacer at the server's limit is refused about as often as it is answered; this share of refusals is too much.
const MANY_REFUSALS: f64 = 0.6;
/// What a lost connection costs, about: the wait before the next try, and its handshakes.
const LOSS_SECONDS: f64 = 0.1;
/// The weight of what is as good as it gets. What could be mended weighs more.
const NORMAL: f64 = 0.2;
/// The least weight of what could be mended and costs something.
const MENDABLE: f64 = 0.26;
/// Names in a sentence.
const NAMES: usize = 5;

/// Why it is not faster.
pub(super) fn why(status: &Status, facts: &Facts) -> Why {
    let mut causes = Vec::new();
    let mut add = |code, weight: f64, sentence: String| {
        causes.push(Cause { code, sentence, weight: (weight.clamp(0.0, 1.0) * 1e3).round() / 1e3 });
    };
    if status.left {
        let sentence =
            "This node has left the swarm, so that it works alone: lineswarmctl join ADDR links it again.";
        add("left", 0.95, sentence.into());
    }
    match status.state {
        State::Failed => add("failed", 1.0, failed(status)),
        State::Paused => add("paused", 1.0, paused(status)),
        State::Idle => add("idle", 1.0, idle(status)),
        State::Joining | State::Fetching => fetching(status, facts, &mut add),
        State::Complete | State::Submitting => submitting(status, facts, &mut add),
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

/// The whole file is held.
fn is_complete(status: &Status) -> bool {
    status.job.lines.is_some_and(|lines| status.job.have >= lines) && status.job.conflicts == 0
}

/// This node would submit the complete file now.
fn is_to_submit(status: &Status) -> bool {
    let unsubmitted = status.submit.state != SubmitState::Done;
    let is_master = status.master.as_ref().is_some_and(|master| master.is_self);
    unsubmitted
        && match status.submit.mode {
            SubmitMode::Master => is_master,
            SubmitMode::EveryPeer => true,
            SubmitMode::Nobody => false,
        }
}

fn paused(status: &Status) -> String {
    match (is_complete(status), is_to_submit(status)) {
        (false, _) => "Drawing is paused: lineswarmctl resume goes on with it.".into(),
        (true, true) => {
            "The file is complete, and it is this node that submits it, but it is paused: lineswarmctl resume goes on."
                .into()
        }
        (true, false) => "This node is paused; the file is complete, so there is nothing left to draw.".into(),
    }
}

fn idle(status: &Status) -> String {
    match (is_complete(status), is_to_submit(status)) {
        (true, true) => {
            "The file is complete, and it is this node that submits it, but its job was not started: lineswarmctl \
             start does."
                .into()
        }
        _ => "The job was not started (run.autostart is off): lineswarmctl start does.".into(),
    }
}

/// In microseconds where it is that short.
fn round_trip(ms: Option<f64>) -> String {
    match ms {
        None => "unknown length".into(),
        Some(ms) if ms < 1.0 => format!("{:.0} µs", ms * 1e3),
        Some(ms) => format!("{ms:.1} ms"),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn fetching(status: &Status, facts: &Facts, add: &mut impl FnMut(&'static str, f64, String)) {
    let job = &status.job;
    if let Some(peer) = &status.standby_for {
        let sentence = format!(
            "This node is on standby and leaves drawing to {peer:?}: the line server lets one connection of an address \
             live, and both draw from the same. An address of its own would help: server.bind."
        );
        add("shared-address", 0.9, sentence);
    } else if job.drawing {
        server(status, facts, add);
    }
    if job.lines.is_none() {
        let who = match status.submit.mode {
            SubmitMode::Master => "the master asks the server, or set server.lines",
            SubmitMode::EveryPeer => "this node asks the server, or set server.lines",
            SubmitMode::Nobody => {
                "the server is asked by a submit, and submit.by is \"nobody\", so set server.lines"
            }
        };
        let weight = if status.submit.mode == SubmitMode::Nobody { 0.7 } else { NORMAL };
        add("no-count", weight, format!("It is not known yet how many lines there are: {who}."));
    }
    if let Some(lines) = job.lines.filter(|_| job.draws >= FEW_DRAWS) {
        duplicates(status, facts, lines, add);
    }
    peers(status, facts, add);
}

/// The connection, then how much of what it allows is used, and what takes the rest.
fn server(status: &Status, facts: &Facts, add: &mut impl FnMut(&'static str, f64, String)) {
    let (job, pacer) = (&status.job, &status.pacer);
    let is_connected = status.line_server.connected;
    if !is_connected {
        add("no-server", 1.0, outage(&job.server, &status.line_server));
    }
    let rate = job.rate.unwrap_or(0.0);
    let limit = pacer.limit.filter(|limit| *limit > 0.0);
    // Of what server and operator allow.
    let allowed = limit.map(|limit| pacer.cap.map_or(limit, |cap| limit.min(cap)));
    let unused = allowed.map_or(0.0, |allowed| 1.0 - rate / allowed);
    // Enough to be worth an explanation.
    let is_slow = unused > 0.1;

    let lost = job.elapsed_s.map_or(0.0, |elapsed| job.reconnects as f64 * LOSS_SECONDS / elapsed.max(1.0));
    let losses_explain = is_connected && job.reconnects > 2 && lost > 0.05;
    if job.reconnects > 0 {
        let sentence = format!("The connection to the line server was lost {}.", times(job.reconnects));
        let weight = if losses_explain { lost.max(unused).max(MENDABLE) } else { lost.min(NORMAL) };
        add("reconnects", weight, sentence);
    }

    let asked = rate + facts.refused_rate;
    let refused = if asked > 0.0 { facts.refused_rate / asked } else { 0.0 };
    // Where the limit is used up, refusals are how it was found, and cost nothing.
    let is_dear = is_slow || limit.is_none() || !facts.same_address.is_empty();
    let refusals_explain = is_connected
        && is_dear
        && job.draws.saturating_add(job.refusals) >= FEW_DRAWS
        && refused > MANY_REFUSALS
        && !losses_explain;
    if refusals_explain {
        let guess = match facts.same_address.as_slice() {
            [] => {
                "its limit has fallen and is being learnt, or others draw from this node's address".to_owned()
            }
            names => format!("the same address is drawn from by {}, and may have one limit", quoted(names)),
        };
        let sentence = format!(
            "The line server refuses {} of the requests, {:.1} a second: {guess}.",
            percent(refused),
            facts.refused_rate
        );
        add("refusals", refused, sentence);
    }

    if let Some(cap) = pacer.cap.filter(|cap| limit.is_none_or(|limit| *cap < limit)) {
        let weight = limit.map_or(0.5, |limit| 1.0 - cap / limit);
        let server = match limit {
            Some(limit) => format!("the server seems to allow {limit:.1}"),
            None => "what the server allows is not known, as the cap comes first".into(),
        };
        let sentence = format!(
            "The operator has capped this node at {cap:.1} lines/s; {server}. lineswarmctl limit --auto lifts the cap."
        );
        add("cap", weight.max(MENDABLE), sentence);
        return;
    }
    if !is_connected || job.draws < FEW_DRAWS {
        return;
    }
    if status.line_server.one_at_a_time {
        let sentence = format!(
            "The line server does not answer several requests that are under way, so it is asked one at a time: a line \
             takes at least the round trip of {}.",
            round_trip(pacer.rtt_ms)
        );
        add("one-at-a-time", if is_slow { unused } else { NORMAL / 2.0 }, sentence);
    }
    let Some(limit) = limit else {
        if job.refusals > 0 {
            let sentence = "The line server refuses requests that come too soon; how many it allows is still being learnt.";
            add("learning", NORMAL, sentence.into());
            return;
        }
        let sentence = format!(
            "No limit of the line server was met: each request takes a round trip of {}, and {} {} outstanding.",
            round_trip(pacer.rtt_ms),
            pacer.depth,
            if pacer.depth == 1 { "is" } else { "are" }
        );
        add("round-trip", NORMAL, sentence);
        return;
    };
    if !is_slow {
        let sentence = format!(
            "The line server allows this node about {limit:.1} lines/s ({} limit), and {} of that is used: only \
             more peers make it faster.",
            pacer.kind,
            percent((1.0 - unused).min(1.0))
        );
        add("server-limit", NORMAL, sentence);
    } else if !losses_explain && !refusals_explain {
        let sentence = format!(
            "This node draws {rate:.1} lines/s, {} of the {limit:.1} that the server seems to allow ({} limit, \
             round trip {}, {} requests outstanding).",
            percent(1.0 - unused),
            pacer.kind,
            round_trip(pacer.rtt_ms),
            pacer.depth
        );
        add("below-limit", unused, sentence);
    }
}

/// Own draws of lines that were held already: by chance, or more than that.
fn duplicates(status: &Status, facts: &Facts, lines: u32, add: &mut impl FnMut(&'static str, f64, String)) {
    let job = &status.job;
    let draws = job.draws as f64;
    let (wasted, chance) = (job.duplicates as f64 / draws, facts.expected_duplicates / draws);
    let excess = wasted - chance;
    let counted = format!(
        "{} of {} own draws ({}) gave lines that were held already",
        job.duplicates,
        job.draws,
        percent(wasted)
    );
    // Four standard deviations of the fairest of coins.
    if excess > 0.05 + 2.0 / draws.sqrt() {
        let sentence = format!(
            "{counted}, and chance alone gives {}: the line server gives some lines more often than others.",
            percent(chance)
        );
        add("duplicates", excess.max(MENDABLE), sentence);
    } else {
        let held = f64::from(job.have) / f64::from(lines.max(1));
        let sentence = format!(
            "{counted}, as chance has it ({}); with {} of {lines} lines held {} of the draws do.",
            percent(chance),
            job.have,
            percent((1e3 * held).floor() / 1e3)
        );
        // Beyond four fifths of the file chance costs more than the server's limit.
        add("chance", held / 4.0, sentence);
    }
}

/// Those who are missing, those who do nothing, and lines that come too late.
fn peers(status: &Status, facts: &Facts, add: &mut impl FnMut(&'static str, f64, String)) {
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
        add("few-peers", MENDABLE + 0.5 * missing, sentence);
    }
    // In its first seconds nobody has drawn anything.
    if !status.job.elapsed_s.is_some_and(|elapsed| elapsed > 3.0) {
        return;
    }
    let busy = facts.linked().filter_map(|peer| peer.rate).fold(status.job.rate.unwrap_or(0.0), f64::max);
    let is_idle = |peer: &&Peer| peer.rate.unwrap_or(0.0) < 0.02 * busy;
    let idle: Vec<String> = facts.linked().filter(is_idle).map(name_of).collect();
    if !idle.is_empty() {
        let share = idle.len() as f64 / f64::from(connected + 1);
        let sentence = format!(
            "{} {} nothing: linked, and drawing no lines; lineswarmctl why there says why not.",
            quoted(&idle),
            if idle.len() == 1 { "adds" } else { "add" }
        );
        add("idle-peers", MENDABLE + 0.5 * share, sentence);
    }
    let received: u64 = facts.linked().map(|peer| peer.lines_received).sum();
    let late = received.saturating_sub(status.job.from_peers);
    let share = late as f64 / received.max(1) as f64;
    if received > 100 && share > 0.1 {
        let sentence = format!(
            "{late} of {received} lines from peers ({}) were drawn here before they came: links are slow against \
             the draws.",
            percent(share)
        );
        add("late-lines", share, sentence);
    }
}

fn name_of(peer: &Peer) -> String {
    let id = || peer.id.map_or_else(|| "unknown".into(), |id| id.short());
    if peer.name.is_empty() { id() } else { peer.name.clone() }
}

fn quoted(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(NAMES).map(|name| format!("{name:?}")).collect();
    let more = names.len().saturating_sub(NAMES);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn times(count: u64) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

/// No connection to the line server: why, how often it was tried, and when it is tried again.
fn outage(server: &str, state: &LineServer) -> String {
    let why = state.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    let next = match state.next_try_s {
        Some(seconds) if seconds >= 0.1 => format!("the next one is in {seconds:.1} s"),
        _ => "one is under way".into(),
    };
    match state.tries {
        0 => format!("There is no connection to the line server {server} yet; {next}."),
        1 => format!("There is no connection to the line server {server}{why}: 1 try has failed, {next}."),
        tries => {
            format!(
                "There is no connection to the line server {server}{why}: {tries} tries have failed, {next}."
            )
        }
    }
}

fn submitting(status: &Status, facts: &Facts, add: &mut impl FnMut(&'static str, f64, String)) {
    let submit = &status.submit;
    match submit.state {
        SubmitState::InDoubt => {
            let sentence = "A submit was announced and nobody told how it ended: after a wait it is sent again, or \
                            lineswarmctl submit --resolve does at once.";
            return add("in-doubt", 0.9, sentence.into());
        }
        SubmitState::Rejected => {
            let reply = submit.reply.as_deref().unwrap_or("nothing");
            return add("rejected", 0.9, format!("The line server judged the file wrong: {reply:?}."));
        }
        _ => {}
    }
    if is_to_submit(status) && !status.line_server.connected && status.line_server.tries > 0 {
        let outage = outage(&status.job.server, &status.line_server);
        return add("no-server", 1.0, format!("The file is complete and is to be submitted. {outage}"));
    }
    match (submit.mode, &status.master) {
        (SubmitMode::Nobody, _) if submit.state == SubmitState::None => {
            let sentence = "The file is complete, and this node does not submit it, as submit.by is \"nobody\"; \
                            lineswarmctl submit --force does it once.";
            add("not-submitted", NORMAL, sentence.into());
        }
        (SubmitMode::EveryPeer, _) => {
            let sentence =
                "The file is complete, and this node submits it by itself, as submit.by is \"every-peer\".";
            add("submitting", 0.3, sentence.into());
        }
        (SubmitMode::Master, None) => {
            let sentence = format!(
                "The file is complete, and there is no master to submit it: {} of {} known peers are linked.",
                status.peers.connected, status.peers.known
            );
            add("no-master", 1.0, sentence);
        }
        (SubmitMode::Master, Some(master)) if !master.is_self => {
            let have = facts.linked().find(|peer| peer.id == Some(master.id)).map(|peer| peer.have);
            let name = &master.name;
            let sentence = match (have, status.job.lines) {
                (Some(have), Some(lines)) if have < lines => format!(
                    "The file is complete here; the master, {name:?}, holds {have} of {lines} lines and submits when it \
                     holds all."
                ),
                (Some(_), _) => format!(
                    "The file is complete here and at the master, {name:?}, which is to submit it; lineswarmctl why there \
                     says what it waits for."
                ),
                (None, _) => format!(
                    "The file is complete here; the master, {name:?}, is to submit it, and is not linked to this node."
                ),
            };
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
            let draws = job.swarm_draws;
            let took = job.elapsed_s.filter(|seconds| *seconds > 0.0 && draws > 0)?;
            let nodes = match job.drew.len() {
                1 => "1 node".into(),
                nodes => format!("{nodes} nodes"),
            };
            let needed = theory::expected_draws(lines);
            let luck = match job.luck {
                Some(luck) => format!("chance asks for {needed:.0} on average (luck {luck:.3})"),
                None => format!("not all of them are known here; chance asks for {needed:.0} on average"),
            };
            let of = if job.capped > 0 { "the server and the operators' caps" } else { "the server" };
            let pace =
                job.pace.map(|pace| format!(" Of the draws that {of} allowed, {} were used.", percent(pace)));
            Some(format!(
                "All {lines} lines came in {took:.1} s, by {draws} draws of {nodes}; {luck}.{}",
                pace.unwrap_or_default()
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
