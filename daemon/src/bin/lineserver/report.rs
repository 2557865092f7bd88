//! What the operator reads: JSON objects on standard output, or a short log on standard error, whose lines begin with the
//! time since the start (`+1.500s`). What clients sent steers no terminal.

use crate::Error;
use lineswarm_proto::{
    line_server::{Event, Settings, Totals},
    time::Moment,
    visible::{visible, visible_json},
    wire::line::{Failure, Score},
};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    net::SocketAddr,
};

/// Where reports go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Json,
    Log,
}

impl Report {
    /// The server listens.
    pub(crate) fn listen(
        self,
        addr: SocketAddr,
        lines: u32,
        base: u32,
        rate: f64,
        settings: &Settings,
    ) -> Result<(), Error> {
        let Settings { seed, limiter, .. } = settings;
        self.put(
            Moment::ZERO,
            || format!("listening on {addr}: {lines} lines from {base}, rate {rate} ({}), seed {seed}", limiter.name()),
            || json!({"ev": "listen", "addr": addr, "lines": lines, "base": base, "rate": rate, "seed": seed}),
        )
    }

    /// Something happened to a client.
    pub(crate) fn event(self, event: &Event, now: Moment) -> Result<(), Error> {
        match event {
            Event::Connected { conn, ip } => self.put(
                now,
                || format!("{ip} connected (#{})", conn.0),
                || json!({"ev": "connect", "conn": conn.0, "ip": ip}),
            ),
            Event::Disconnected { conn, ip, sent, reason } => self.put(
                now,
                || format!("{ip} disconnected (#{}), {sent} lines sent: {reason}", conn.0),
                || {
                    let reason = reason.to_string();
                    json!({"ev": "disconnect", "conn": conn.0, "ip": ip, "sent": sent, "reason": reason})
                },
            ),
            Event::FirstDraw { conn, ip } => self.put(
                now,
                || format!("{ip} drew the first line (#{})", conn.0),
                || json!({"ev": "first_draw", "conn": conn.0, "ip": ip}),
            ),
            Event::Submitted { conn, ip, outcome } => {
                let judged = Judged::of(outcome);
                self.put(
                    now,
                    || format!("{ip} submitted as {} (#{}): {}", judged.identity, conn.0, judged.words()),
                    || {
                        json!({
                            "ev": "submit", "conn": conn.0, "ip": ip, "identity": judged.identity,
                            "ok": judged.reason.is_none(), "right": judged.right, "wrong": judged.wrong,
                            "reason": judged.reason,
                        })
                    },
                )
            }
        }
    }

    /// So much was counted so far.
    pub(crate) fn counts(self, totals: &Totals, now: Moment) -> Result<(), Error> {
        let Totals { draws, refusals, .. } = totals;
        self.put(
            now,
            || format!("{draws} draws, {refusals} refusals so far"),
            || json!({"ev": "counts", "draws": draws, "refusals": refusals}),
        )
    }

    /// The server ends.
    pub(crate) fn end(self, why: &str, totals: &Totals, now: Moment) -> Result<(), Error> {
        let Totals { draws, refusals, draws_needed, submits, right_submits, ignored, .. } = totals;
        let seconds = totals.duration().map(|span| span.as_secs_f64());
        self.put(
            now,
            || {
                let or_none = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
                format!(
                    "end ({why}): {draws} draws (needed: {}), {refusals} refusals, {right_submits} of {submits} \
                     submits right, seconds to the first right one: {}",
                    or_none(draws_needed.map(|needed| needed.to_string())),
                    or_none(seconds.map(|seconds| format!("{seconds:.3}"))),
                )
            },
            || {
                json!({
                    "ev": "end", "reason": why, "draws": draws, "refusals": refusals, "draws_needed": draws_needed,
                    "seconds": seconds, "submits": submits, "right_submits": right_submits, "ignored": ignored,
                })
            },
        )
    }

    fn put(
        self,
        now: Moment,
        words: impl FnOnce() -> String,
        fields: impl FnOnce() -> Value,
    ) -> Result<(), Error> {
        match self {
            Self::Log => {
                // A closed standard error must not end the server.
                let _ =
                    writeln!(io::stderr(), "{:>11} {}", format!("+{:.3}s", now.seconds()), visible(&words()));
                Ok(())
            }
            Self::Json => {
                let mut object = fields();
                if let Some(fields) = object.as_object_mut() {
                    fields.insert("t".to_owned(), json!(now.seconds()));
                }
                let mut out = io::stdout().lock();
                writeln!(out, "{}", visible_json(&object.to_string()))
                    .and_then(|()| out.flush())
                    .map_err(Error::Report)
            }
        }
    }
}

/// A submit, as the operator sees it: `reason` says why it is not the right file.
struct Judged<'a> {
    identity: &'a str,
    right: u64,
    wrong: u64,
    reason: Option<String>,
}

impl<'a> Judged<'a> {
    fn of(outcome: &'a Result<Score, Failure>) -> Self {
        match outcome {
            Err(failure) => Self {
                identity: &failure.identity,
                right: 0,
                wrong: 0,
                reason: Some(failure.reason.to_string()),
            },
            Ok(score) => {
                let (right, wrong) = (score.correct, score.incorrect);
                let reason = if wrong > 0 {
                    Some(format!("{wrong} lines wrong"))
                } else if right < score.max_lines {
                    Some(format!("{right} of {} lines", score.max_lines))
                } else {
                    None
                };
                Self { identity: &score.identity, right, wrong, reason }
            }
        }
    }

    fn words(&self) -> String {
        self.reason.as_ref().map_or("right".to_owned(), |reason| format!("not right, {reason}"))
    }
}
