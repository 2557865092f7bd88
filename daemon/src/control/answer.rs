//! From a command to its answer, out of what the engine shows. Nothing here changes anything.

use super::{
    Desk, Surroundings, Wish, change, lookup, metrics,
    socket::Kind,
    stream::{Stream, line},
    wait::Wait,
    why,
};
use crate::{history::Run, net::secure::WIRE_VERSION, store};
use lineswarm_proto::{
    ids::LineNumber,
    wire::control::{Command, ErrorBody, Greeting, Hello, Line, Master, Peer, VERSION},
};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A value as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Json(String);

impl Json {
    pub(super) fn of(value: &impl Serialize) -> Self {
        // Our own structures have text keys and no failing parts, so this can't fail.
        Self(serde_json::to_string(value).unwrap_or_else(|_| "null".into()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// How a request goes on.
#[derive(Debug)]
pub(super) enum Answer {
    Now(Json),
    /// Piece by piece.
    Stream(Stream),
    /// When something has become so.
    Wait(Wait),
    /// When the event loop has done something.
    Wish(Wish),
    /// When the engine has gathered the swarm's events.
    Recall {
        since: u64,
        follow: bool,
    },
    Save,
    Verify,
}

#[derive(Serialize)]
struct Got {
    #[serde(flatten)]
    line: Line,
    first_hand: bool,
}

#[derive(Serialize)]
struct Peers {
    peers: Vec<Peer>,
}

#[derive(Serialize)]
struct MasterIs {
    master: Option<Master>,
    term: lineswarm_proto::ids::Term,
    #[serde(rename = "self")]
    is_self: bool,
}

#[derive(Serialize)]
struct Runs<'a> {
    runs: Vec<&'a Run>,
}

/// Answers `command`, which came on a socket of this kind.
pub(super) fn answer(
    command: Command,
    kind: Kind,
    desk: &Desk,
    around: &Surroundings<'_>,
) -> Result<Answer, ErrorBody> {
    if kind == Kind::Status && !command.is_read() {
        return Err(read_only(desk));
    }
    let engine = around.engine;
    let json = match command {
        Command::Hello { v } if v != VERSION => return Err(version(v)),
        Command::Hello { .. } => Json::of(&greeting(kind, desk)),
        Command::Ping => Json::of(&json!({ "pong": true })),
        Command::Version => Json::of(&json!({
            "program": desk.program(), "version": desk.version(), "control": VERSION, "wire": WIRE_VERSION,
            "journal": store::JOURNAL_VERSION,
        })),
        Command::Status => Json::of(&around.status()),
        Command::Peers => Json::of(&engine.peers()),
        Command::Resolve { name } => {
            Json::of(&Peers { peers: lookup::resolve(engine, around.listen, &name) })
        }
        Command::Lines { from: Some(from), to: Some(to), .. } if from > to => {
            return Err(ErrorBody::new(
                "E_BAD_VALUE",
                format!("there are no lines from {from} to {to}"),
                "the first is after the last",
                "give the smaller number first",
            ));
        }
        Command::Lines { missing: true, from, to } => {
            return Stream::missing(around, from, to).map(Answer::Stream);
        }
        Command::Lines { from, to, .. } => return Ok(Answer::Stream(Stream::lines(around, from, to))),
        Command::Get { number } => get(around, number)?,
        Command::Dump { partial } => return Stream::dump(around, partial).map(Answer::Stream),
        Command::Master => {
            let master = engine.master();
            let is_self = master.as_ref().is_some_and(|master| master.is_self);
            Json::of(&MasterIs { master, term: engine.term(), is_self })
        }
        Command::Wait { until, timeout_ms } => {
            return Wait::new(around, &until, timeout_ms).map(Answer::Wait);
        }
        Command::Events { since, follow, causal } => {
            let own = Stream::events(around, since, follow)?;
            return Ok(if causal { Answer::Recall { since, follow } } else { Answer::Stream(own) });
        }
        Command::Log { since, follow } => {
            return Stream::log(&desk.log, since, follow).map(Answer::Stream);
        }
        Command::Stats => Json::of(&stats(around)),
        Command::Metrics => Json::of(&json!({ "text": metrics::text(around) })),
        Command::Why => Json::of(&why::why(&around.status(), &why::Facts::of(engine))),
        Command::History => Json::of(&Runs { runs: around.history.runs().collect() }),
        Command::Config => Json::of(&json!({ "settings": desk.settings })),
        other => {
            let answer = change::change(other, around)?;
            return answer.ok_or_else(|| {
                let hint = "report it, with the daemon's log";
                ErrorBody::new("E_BUG", "the command was not carried out", "nobody answers it", hint)
            });
        }
    };
    Ok(Answer::Now(json))
}

/// The first line of every connection.
pub(super) fn greeting(kind: Kind, desk: &Desk) -> Greeting {
    Greeting {
        v: VERSION,
        hello: Hello {
            program: desk.program().into(),
            version: desk.version().into(),
            min: VERSION,
            max: VERSION,
            socket: kind.name().into(),
            name: desk.name.clone(),
        },
    }
}

fn read_only(desk: &Desk) -> ErrorBody {
    ErrorBody::new(
        "E_READ_ONLY",
        "nothing was changed",
        "the status socket serves reads only",
        format!("ask on the control socket, {}", desk.control.display()),
    )
}

fn version(theirs: u32) -> ErrorBody {
    ErrorBody::new(
        "E_VERSION",
        format!("version {theirs} of the control protocol is not spoken here"),
        format!("this daemon speaks version {VERSION}"),
        "use the lineswarmctl that was installed with this daemon",
    )
}

fn get(around: &Surroundings<'_>, number: LineNumber) -> Result<Json, ErrorBody> {
    let engine = around.engine;
    let found = engine.lines().get(number, |text| line(number, text));
    if let Some(line) = found {
        return Ok(Json::of(&Got { line, first_hand: engine.is_first_hand(number) }));
    }
    let what = format!("line {number} is not held");
    Err(match engine.numbers() {
        Some(all) if !all.contains(&number.0) => {
            // Whether a file begins with line 0 or 1 shows only when one of its ends is held.
            let why = format!(
                "the file has {} lines, from {} to {}",
                all.len(),
                all.start,
                all.end.saturating_sub(1)
            );
            ErrorBody::new("E_NO_LINE", what, why, "give a number within the file")
        }
        _ => ErrorBody::new(
            "E_NO_LINE",
            what,
            "it was not drawn yet",
            "wait for it: lineswarmctl wait --for complete",
        ),
    })
}

/// Counters by name: those of the job, then one for each event that came, then those turned away.
fn stats(around: &Surroundings<'_>) -> BTreeMap<String, u64> {
    let status = around.engine.status();
    let job = [
        ("draws", status.job.draws),
        ("refusals", status.job.refusals),
        ("duplicates", status.job.duplicates),
        ("from_peers", status.job.from_peers),
        ("reconnects", status.job.reconnects),
        ("submits", u64::from(status.submit.attempts)),
        ("have", u64::from(status.job.have)),
        ("unsaved", status.unsaved),
    ];
    let job = job.into_iter().map(|(name, count)| (format!("job.{name}"), count));
    let events = around.report.counters().map(|(what, count)| (format!("event.{what}"), count));
    let refused = around.refusals().map(|(reason, count)| (format!("refused.{reason}"), count));
    job.chain(events).chain(refused).collect()
}
