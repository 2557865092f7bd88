//! Everything worth telling. The engine emits these; the daemon makes log lines, counters and `events` of them,
//! the simulator its transcript.

use crate::ids::{JobId, LineNumber, PeerId, Term};
pub use crate::level::Level;
use core::time::Duration;
use serde::Serialize;

/// What happened; [`Event::describe`] tells each one's name, level and fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the names and `describe` say it
pub enum Event {
    ServerConnected { address: String, source: String },
    ServerLost { why: String, unanswered: u32, retry_in: Duration },
    ServerSilent { for_ms: u64, unanswered: u32 },
    ServerBroke { why: String },
    LimitBelieved { per_s: Option<f64>, kind: &'static str, confidence: f64 },
    OneAtATime,
    Yielded { to: PeerId },
    JobStarted { job: JobId, server: String },
    Complete { lines: u32, draws: u64, elapsed: Duration, sha256: String },
    RunEnded { draws: u64, nodes: u32, pace: Option<f64>, luck: Option<f64> },
    CountLearnt { lines: u32 },
    Paused,
    Resumed,
    Failed { why: String },
    Conflict { number: LineNumber, peer: PeerId },
    Corrected { number: LineNumber, wrong: Option<PeerId> },
    Contradiction { number: LineNumber, peer: PeerId },
    LinkOpened { peer: PeerId, name: String, address: String },
    LinkClosed { peer: PeerId, name: String, why: String },
    DialFailed { address: String, why: String },
    PeerRefused { peer: PeerId, address: String, why: String },
    MemberJoined { peer: PeerId },
    MemberLeft { peer: PeerId },
    Candidate { term: Term, pre: bool },
    Elected { term: Term, master: PeerId, me: bool },
    SteppedDown { term: Term, why: &'static str },
    NoMajority { heard: u32, members: u32 },
    Grace { heard: u32 },
    IntentSaid { term: Term },
    IntentHeard { term: Term, by: PeerId },
    InDoubt { term: Term, by: PeerId },
    NoIdentity { server: String },
    SubmitSent { lines: u32, attempt: u32 },
    SubmitLost { why: String, sent_all: bool },
    Probed { reply: String },
    Done { by: PeerId, reply: String },
    Rejected { by: PeerId, reply: String },
    Reopened { lines: u32, how: &'static str },
    Stalled { late: Duration },
    BoundReached { what: &'static str, limit: usize },
}

/// Names and values, for log lines and `events`.
pub type Fields = Vec<(&'static str, String)>;

impl Event {
    /// The event's level, its name (kebab case, stable) and its fields.
    #[must_use]
    pub fn describe(&self) -> (Level, &'static str, Fields) {
        use Level::{Debug, Error, Info, Warn};
        let seconds = |span: &Duration| format!("{:.3}", span.as_secs_f64());
        match self {
            Self::ServerConnected { address, source } => {
                (Info, "server-connected", vec![("address", address.clone()), ("source", source.clone())])
            }
            Self::ServerLost { why, unanswered, retry_in } => (
                Warn,
                "server-lost",
                vec![
                    ("why", why.clone()),
                    ("unanswered", unanswered.to_string()),
                    ("retry_in_s", seconds(retry_in)),
                ],
            ),
            Self::ServerSilent { for_ms, unanswered } => (
                Warn,
                "server-silent",
                vec![("for_ms", for_ms.to_string()), ("unanswered", unanswered.to_string())],
            ),
            Self::ServerBroke { why } => (Warn, "server-broke-protocol", vec![("why", why.clone())]),
            Self::LimitBelieved { per_s, kind, confidence } => (
                Debug,
                "limit-believed",
                vec![
                    ("per_s", per_s.map_or("unknown".into(), |rate| format!("{rate:.1}"))),
                    ("kind", (*kind).into()),
                    ("confidence", format!("{confidence:.2}")),
                ],
            ),
            Self::OneAtATime => {
                let why = "the line server does not answer several requests that are under way";
                (Info, "one-at-a-time", vec![("why", why.into())])
            }
            Self::Yielded { to } => {
                let why =
                    "the line server lets one connection of an address live, and that peer draws from ours";
                (Warn, "yielded", vec![("to", to.short()), ("why", why.into())])
            }
            Self::JobStarted { job, server } => (
                Info,
                "job-started",
                vec![
                    ("epoch", job.epoch.to_string()),
                    ("lines", if job.lines == 0 { "auto".into() } else { job.lines.to_string() }),
                    ("label", job.label.clone()),
                    ("server", server.clone()),
                ],
            ),
            Self::Complete { lines, draws, elapsed, sha256 } => (
                Info,
                "complete",
                vec![
                    ("lines", lines.to_string()),
                    ("draws", draws.to_string()),
                    ("elapsed_s", seconds(elapsed)),
                    ("sha256", sha256.clone()),
                ],
            ),
            Self::RunEnded { draws, nodes, pace, luck } => {
                let share =
                    |share: &Option<f64>| share.map_or("unknown".into(), |share| format!("{share:.3}"));
                let fields = vec![
                    ("draws", draws.to_string()),
                    ("nodes", nodes.to_string()),
                    ("pace", share(pace)),
                    ("luck", share(luck)),
                ];
                (Info, "run-ended", fields)
            }
            Self::CountLearnt { lines } => (Info, "count-learnt", vec![("lines", lines.to_string())]),
            Self::Paused => (Info, "paused", vec![]),
            Self::Resumed => (Info, "resumed", vec![]),
            Self::Failed { why } => (Error, "failed", vec![("why", why.clone())]),
            Self::Conflict { number, peer } => {
                (Warn, "conflict", vec![("line", number.to_string()), ("peer", peer.short())])
            }
            Self::Corrected { number, wrong } => (
                Warn,
                "corrected",
                vec![
                    ("line", number.to_string()),
                    ("wrong", wrong.map_or("unknown".into(), |peer| peer.short())),
                ],
            ),
            Self::Contradiction { number, peer } => {
                (Warn, "contradiction", vec![("line", number.to_string()), ("peer", peer.short())])
            }
            Self::LinkOpened { peer, name, address } => (
                Info,
                "link-opened",
                vec![("peer", peer.short()), ("name", name.clone()), ("address", address.clone())],
            ),
            Self::LinkClosed { peer, name, why } => (
                Info,
                "link-closed",
                vec![("peer", peer.short()), ("name", name.clone()), ("why", why.clone())],
            ),
            Self::DialFailed { address, why } => {
                (Debug, "dial-failed", vec![("address", address.clone()), ("why", why.clone())])
            }
            Self::PeerRefused { peer, address, why } => (
                Warn,
                "peer-refused",
                vec![("peer", peer.short()), ("address", address.clone()), ("why", why.clone())],
            ),
            Self::MemberJoined { peer } => (Info, "member-joined", vec![("peer", peer.short())]),
            Self::MemberLeft { peer } => (Info, "member-left", vec![("peer", peer.short())]),
            Self::Candidate { term, pre } => {
                (Debug, "candidate", vec![("term", term.to_string()), ("pre_vote", pre.to_string())])
            }
            Self::Elected { term, master, me } => (
                Info,
                "master-elected",
                vec![("term", term.to_string()), ("master", master.short()), ("self", me.to_string())],
            ),
            Self::SteppedDown { term, why } => {
                (Info, "stepped-down", vec![("term", term.to_string()), ("why", (*why).into())])
            }
            Self::NoMajority { heard, members } => {
                (Warn, "no-majority", vec![("heard", heard.to_string()), ("members", members.to_string())])
            }
            Self::Grace { heard } => (Warn, "grace-over", vec![("heard", heard.to_string())]),
            Self::IntentSaid { term } => (Info, "intent-said", vec![("term", term.to_string())]),
            Self::IntentHeard { term, by } => {
                (Debug, "intent-heard", vec![("term", term.to_string()), ("by", by.short())])
            }
            Self::InDoubt { term, by } => {
                (Warn, "in-doubt", vec![("term", term.to_string()), ("by", by.short())])
            }
            Self::NoIdentity { server } => (
                Warn,
                "no-identity",
                vec![
                    ("server", server.clone()),
                    ("why", "this node is to submit, and server.identity is not set".into()),
                    ("hint", "set it and restart the daemon, or let another node submit (elect --to)".into()),
                ],
            ),
            Self::SubmitSent { lines, attempt } => {
                let level = if *attempt > 1 { Warn } else { Info };
                (level, "submit-sent", vec![("lines", lines.to_string()), ("attempt", attempt.to_string())])
            }
            Self::SubmitLost { why, sent_all } => {
                (Warn, "submit-lost", vec![("why", why.clone()), ("sent_all", sent_all.to_string())])
            }
            Self::Probed { reply } => (Info, "probed", vec![("reply", reply.clone())]),
            Self::Done { by, reply } => (Info, "done", vec![("by", by.short()), ("reply", reply.clone())]),
            Self::Rejected { by, reply } => {
                (Error, "rejected", vec![("by", by.short()), ("reply", reply.clone())])
            }
            Self::Reopened { lines, how } => {
                (Warn, "reopened", vec![("lines", lines.to_string()), ("how", (*how).into())])
            }
            Self::Stalled { late } => (Warn, "stalled", vec![("late_s", seconds(late))]),
            Self::BoundReached { what, limit } => {
                (Warn, "bound-reached", vec![("what", (*what).into()), ("limit", limit.to_string())])
            }
        }
    }
}
