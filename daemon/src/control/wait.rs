//! Answers that come later: `wait`, until it is so, can no longer be so, or took too long.

use super::{Surroundings, answer::Json};
use lineswarm_proto::{engine::Engine, limits, time::Moment, wire::control::ErrorBody};
use std::time::Duration;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Complete,
    Submitted,
    Master,
    Peers(u32),
}

/// Somebody waits.
#[derive(Debug)]
pub(super) struct Wait {
    until: Until,
    began: Moment,
    deadline: Option<Moment>,
}

impl Wait {
    /// `wait`.
    pub(super) fn new(
        around: &Surroundings<'_>,
        until: &str,
        timeout_ms: Option<u64>,
    ) -> Result<Self, ErrorBody> {
        let until = match until {
            "complete" => Until::Complete,
            "submitted" => Until::Submitted,
            "master" => Until::Master,
            _ => match until.strip_prefix("peers=").map(str::parse) {
                Some(Ok(count)) if count as usize <= limits::PEERS => Until::Peers(count),
                Some(Ok(_)) => {
                    return Err(unknown(
                        until,
                        format!("no more than {} peers are linked at once", limits::PEERS),
                    ));
                }
                Some(Err(_)) => return Err(unknown(until, "after peers= a number is expected".into())),
                None => return Err(unknown(until, "nobody waits for such a thing".into())),
            },
        };
        let deadline = timeout_ms.map(|span| around.now + Duration::from_millis(span));
        Ok(Self { until, began: around.now, deadline })
    }

    /// When [`Wait::look`] gives up.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.deadline
    }

    /// The answer, if it is time.
    pub(super) fn look(&self, around: &Surroundings<'_>) -> Option<Result<Json, ErrorBody>> {
        let engine = around.engine;
        let so = match self.until {
            Until::Complete => engine.is_complete(),
            Until::Submitted => engine.is_done_for_good(),
            Until::Master => engine.master().is_some(),
            Until::Peers(count) => engine.linked() >= count,
        };
        if so {
            return Some(Ok(Json::of(&around.status())));
        }
        let ends = matches!(self.until, Until::Complete | Until::Submitted);
        if let (true, Some(why)) = (ends, engine.failure()) {
            return Some(Err(failed(self.what(), why)));
        }
        self.deadline.filter(|deadline| around.now >= *deadline).map(|_| {
            let waited = around.now.since(self.began).as_secs_f64();
            Err(ErrorBody::new(
                "E_TIMEOUT",
                format!("{} within {waited:.1} s", self.what()),
                self.why(engine),
                "wait longer (--timeout), or see what keeps it: lineswarmctl why",
            ))
        })
    }

    fn what(&self) -> String {
        match self.until {
            Until::Complete => "the file was not complete".into(),
            Until::Submitted => "the file was not submitted".into(),
            Until::Master => "there was no master".into(),
            Until::Peers(count) => format!("{count} peers were not linked"),
        }
    }

    fn why(&self, engine: &Engine) -> String {
        let status = engine.status();
        let lines = status.job.lines.map_or("an unknown number of".into(), |lines| lines.to_string());
        match self.until {
            Until::Peers(_) => format!("{} are, of {} known", status.peers.connected, status.peers.known),
            Until::Master => {
                format!("{} peers are linked, of {} known", status.peers.connected, status.peers.known)
            }
            _ => format!("{} of {lines} lines are held", status.job.have),
        }
    }
}

fn unknown(until: &str, why: String) -> ErrorBody {
    let shown: String = until.chars().take(40).collect();
    let hint = "wait for one of complete, submitted, master or peers=N";
    ErrorBody::new("E_BAD_VALUE", format!("{shown:?} can't be waited for"), why, hint)
}

fn failed(what: String, why: &str) -> ErrorBody {
    ErrorBody::new("E_FAILED", what, why, "mend that, then begin anew: lineswarmctl reset --swarm")
}
