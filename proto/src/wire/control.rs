//! The control protocol's messages (docs/control-protocol.md): one JSON object a line.
//!
//! Only shapes live here; the daemon fills them and the control tool shows them. Fields are a contract:
//! they may be added, never renamed or given another meaning.

use crate::ids::{LineNumber, PeerId, Term};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the protocol that this code speaks.
pub const VERSION: u32 = 1;

/// The first line of every connection, from the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// [`VERSION`].
    pub v: u32,
    /// Who speaks.
    pub hello: Hello,
}

/// Who the daemon is and which versions it speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// "lineswarmd".
    pub program: String,
    /// The program's version.
    pub version: String,
    /// The oldest protocol version understood.
    pub min: u32,
    /// The newest protocol version understood.
    pub max: u32,
    /// "status" or "control".
    pub socket: String,
    /// The node's name.
    pub name: String,
}

/// What a change says beside that it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Who goes over to the new job now, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<Vec<String>>,
    /// Who goes over to it once it is linked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_later: Option<Vec<String>>,
    /// Who is no member any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<Vec<String>>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Comes back with each reply.
    #[serde(default)]
    pub id: u64,
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
}

/// What a client may ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cmd", rename_all = "kebab-case")]
#[allow(missing_docs)] // each is described in docs/control-protocol.md
pub enum Command {
    Hello {
        v: u32,
    },
    Ping,
    Version,
    Status,
    Peers,
    Resolve {
        name: String,
    },
    Lines {
        #[serde(default)]
        missing: bool,
        #[serde(default)]
        from: Option<LineNumber>,
        #[serde(default)]
        to: Option<LineNumber>,
    },
    Get {
        number: LineNumber,
    },
    Dump {
        #[serde(default)]
        partial: bool,
    },
    Master,
    Wait {
        until: String,
        #[serde(default)]
        timeout_ms: Option<u64>,
    },
    Events {
        #[serde(default)]
        since: u64,
        #[serde(default)]
        follow: bool,
        #[serde(default)]
        causal: bool,
    },
    Log {
        #[serde(default)]
        since: u64,
        #[serde(default)]
        follow: bool,
    },
    Stats,
    Metrics,
    Why,
    History,
    Config,
    Start {
        #[serde(default)]
        server: Option<String>,
        #[serde(default)]
        lines: Option<u32>,
        #[serde(default)]
        swarm: bool,
    },
    Pause,
    Resume,
    Reset {
        #[serde(default)]
        swarm: bool,
    },
    Save,
    Verify,
    Stop,
    Submit {
        #[serde(default)]
        dry_run: bool,
        #[serde(default)]
        force: bool,
        #[serde(default)]
        resolve: bool,
    },
    Elect {
        #[serde(default)]
        to: Option<String>,
    },
    Limit {
        #[serde(default)]
        rate: Option<f64>,
    },
    PeerAdd {
        address: String,
    },
    PeerRemove {
        // Not "id", which is the request's own.
        #[serde(rename = "peer")]
        id: String,
        #[serde(default)]
        ban: bool,
    },
    PeerForget {
        #[serde(default, rename = "peer")]
        id: Option<String>,
        #[serde(default)]
        absent: bool,
    },
    Join {
        addresses: Vec<String>,
    },
    Leave,
    LogLevel {
        level: String,
    },
    Reload,
    Capture {
        #[serde(default)]
        to: Option<String>,
    },
}

impl Command {
    /// May this be asked on the status socket?
    #[must_use]
    pub fn is_read(&self) -> bool {
        match self {
            Self::Hello { .. }
            | Self::Ping
            | Self::Version
            | Self::Status
            | Self::Peers
            | Self::Resolve { .. }
            | Self::Lines { .. }
            | Self::Get { .. }
            | Self::Dump { .. }
            | Self::Master
            | Self::Wait { .. }
            | Self::Events { .. }
            | Self::Log { .. }
            | Self::Stats
            | Self::Metrics
            | Self::Why
            | Self::History
            | Self::Config => true,
            Self::Start { .. }
            | Self::Pause
            | Self::Resume
            | Self::Reset { .. }
            | Self::Save
            | Self::Verify
            | Self::Stop
            | Self::Submit { .. }
            | Self::Elect { .. }
            | Self::Limit { .. }
            | Self::PeerAdd { .. }
            | Self::PeerRemove { .. }
            | Self::PeerForget { .. }
            | Self::Join { .. }
            | Self::Leave
            | Self::LogLevel { .. }
            | Self::Reload
            | Self::Capture { .. } => false,
        }
    }
}

/// A reply line, generic over what it carries: the daemon writes typed values, a client may read `serde_json::Value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply<T> {
    /// The request's.
    #[serde(default)]
    pub id: u64,
    /// What is said.
    #[serde(flatten)]
    pub body: Body<T>,
}

/// A piece of the answer, its end, or a refusal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body<T> {
    /// More follows.
    Part(T),
    /// The end.
    Ok(T),
    /// It was not done.
    Error(ErrorBody),
}

/// What, why and the hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{what}: {why} ({hint})")]
pub struct ErrorBody {
    /// For programs: `E_NO_DAEMON`.
    pub code: String,
    /// What did not work.
    pub what: String,
    /// Why it did not.
    pub why: String,
    /// What to do about it.
    pub hint: String,
}

impl ErrorBody {
    /// All four at once.
    #[must_use]
    pub fn new(code: &str, what: impl Into<String>, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: code.into(), what: what.into(), why: why.into(), hint: hint.into() }
    }
}

/// `status --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Status {
    pub v: u32,
    pub name: String,
    pub id: PeerId,
    pub swarm: String,
    pub epoch: u64,
    pub state: State,
    /// Seconds since the daemon started.
    pub uptime_s: f64,
    pub job: Job,
    pub peers: PeerCounts,
    pub master: Option<Master>,
    pub submit: Submit,
    /// The connection to the line server.
    #[serde(default)]
    pub line_server: LineServer,
    /// The peer that this node leaves the drawing to: both draw from one address, and the server lets one connection of
    /// an address live.
    #[serde(default)]
    pub standby_for: Option<String>,
    /// This node has left the swarm (`leave`).
    #[serde(default)]
    pub left: bool,
    /// What the pacer believes of the server's limit.
    pub pacer: Pacer,
    /// The last problem that is worth a look, if any.
    pub problem: Option<String>,
    /// Why the last reload failed, until one works: the configuration of before is in force.
    #[serde(default)]
    pub reload_problem: Option<String>,
    /// Where peers can reach this node.
    pub listen: Option<String>,
    /// Where peers are looked for now: `host:/run/lineswarm`, `multicast:eth0`, `dns:NAME`.
    #[serde(default)]
    pub discover: Vec<String>,
    /// Lines held that are not on disk yet.
    pub unsaved: u64,
}

/// What the daemon is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum State {
    Idle,
    Joining,
    Fetching,
    Complete,
    Submitting,
    Submitted,
    Paused,
    Failed,
}

impl State {
    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Joining => "joining",
            Self::Fetching => "fetching",
            Self::Complete => "complete",
            Self::Submitting => "submitting",
            Self::Submitted => "submitted",
            Self::Paused => "paused",
            Self::Failed => "failed",
        }
    }
}

/// The job as one node sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Job {
    pub server: String,
    /// Null while it is not known.
    pub lines: Option<u32>,
    pub have: u32,
    /// Answered requests of this node.
    pub draws: u64,
    pub refusals: u64,
    /// Own draws of lines that were held already.
    pub duplicates: u64,
    /// New lines that came from peers.
    pub from_peers: u64,
    /// Lines with two texts, open.
    pub conflicts: u32,
    /// Own draws a second, over the last seconds; null before the first.
    pub rate: Option<f64>,
    /// Expected seconds to completion; null while it can't be said, 0 when complete.
    pub eta_s: Option<f64>,
    /// Since the first draw, up to completion; null before.
    pub elapsed_s: Option<f64>,
    /// Of the complete file, 64 hex digits.
    pub sha256: Option<String>,
    /// Times that the connection to the server was lost.
    pub reconnects: u64,
    /// Answered requests of all nodes, as far as this one knows.
    #[serde(default)]
    pub swarm_draws: u64,
    /// The names of the nodes that drew, of at most 64 of them.
    #[serde(default)]
    pub drew: Vec<String>,
    /// The draws of all nodes, by those that limit and cap allowed them; null while no limit is known.
    #[serde(default)]
    pub pace: Option<f64>,
    /// Nodes that an operator's cap held back.
    #[serde(default)]
    pub capped: u32,
    /// N·H(N) by the draws of all nodes; null until the file is complete, and where not every draw is known.
    #[serde(default)]
    pub luck: Option<f64>,
    /// This node draws, or tries to.
    #[serde(default = "yes")]
    pub drawing: bool,
}

/// What a daemon does that does not say otherwise.
fn yes() -> bool {
    true
}

/// The connection to the line server; of several source addresses, the best one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LineServer {
    pub connected: bool,
    /// Tries in a row that brought no line.
    pub tries: u32,
    /// Seconds until the next try; null while connected, or if no connection is needed.
    pub next_try_s: Option<f64>,
    /// How the last connection, or the last try, ended.
    pub why: Option<String>,
    /// It was seen not to answer several requests that are under way, so that it is asked one at a time.
    pub one_at_a_time: bool,
}

/// Other nodes; this one is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PeerCounts {
    pub known: u32,
    pub connected: u32,
}

/// The elected master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Master {
    pub id: PeerId,
    pub name: String,
    pub term: Term,
    /// This node is the master.
    #[serde(rename = "self")]
    pub is_self: bool,
}

/// The submit as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Submit {
    pub state: SubmitState,
    pub by: Option<PeerId>,
    /// The setting `submit.by` of this node.
    #[serde(default)]
    pub mode: SubmitMode,
    /// SUBMITs sent by this node.
    pub attempts: u32,
    /// The server's reply as text.
    pub reply: Option<String>,
}

/// How far the submit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum SubmitState {
    None,
    Intent,
    InDoubt,
    Done,
    Rejected,
}

/// Who submits, by the setting `submit.by`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum SubmitMode {
    #[default]
    Master,
    EveryPeer,
    Nobody,
}

impl SubmitMode {
    /// As in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::EveryPeer => "every-peer",
            Self::Nobody => "nobody",
        }
    }
}

/// What the pacer believes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Pacer {
    /// Lines a second that the server seems to allow, as its replies have shown; null while they have not.
    pub limit: Option<f64>,
    /// unknown, unlimited, spacing, bucket or window.
    pub kind: String,
    /// 0 to 1.
    pub confidence: f64,
    /// To the line server; null before its first reply.
    pub rtt_ms: Option<f64>,
    /// Requests kept outstanding.
    pub depth: u32,
    /// The operator's cap in lines a second.
    pub cap: Option<f64>,
}

/// One other node, in `peers`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Peer {
    /// Null until a handshake gave it.
    pub id: Option<PeerId>,
    pub name: String,
    pub address: Option<String>,
    /// linked, dialling, down, banned.
    pub state: String,
    /// How it was found: configured, told, accepted, host, multicast:IF, dns:NAME.
    pub found: String,
    /// Counts for the quorum.
    pub member: bool,
    pub master: bool,
    /// Lines that it holds, as far as known.
    pub have: u32,
    /// Its own draws a second, as it says.
    pub rate: Option<f64>,
    pub rtt_ms: Option<f64>,
    pub lines_sent: u64,
    pub lines_received: u64,
    /// Lines of it that contradicted what was drawn first hand.
    pub contradictions: u32,
    /// Why the last link ended, if it did.
    pub problem: Option<String>,
}

/// `peers`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Peers {
    pub peers: Vec<Peer>,
    /// Which ids claim a name.
    pub names: BTreeMap<String, Vec<PeerId>>,
}

/// One line; exactly one of the two texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Line {
    pub number: LineNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_b64: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Event {
    /// Grows by one with each event of this daemon's run.
    pub seq: u64,
    /// Lamport time.
    pub lamport: u64,
    /// Seconds since the node's daemon started.
    pub t: f64,
    /// Seconds since 1970, by the clock of the daemon that answers; missing for events of other nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    pub node: String,
    /// error, warn, info, debug or trace.
    pub level: String,
    /// "link-opened".
    pub what: String,
    /// Its details.
    pub fields: BTreeMap<String, String>,
}

/// A line of the daemon's log, in `log`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Grows by one with each line of this daemon's run.
    pub seq: u64,
    /// Seconds since 1970, by the daemon's clock.
    pub t: f64,
    /// error, warn, info, debug or trace.
    pub level: String,
    /// `what key=value ...`; a long one is cut, and ends with "...".
    pub message: String,
}

#[cfg(test)]
mod tests;
