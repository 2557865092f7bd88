//! Does the daemon answer, is it of our release, and what does it say is wrong itself?

use super::scene::{Scene, Seen};
use super::{Check, fail, ok, warn};
use lineswarm_proto::wire::control::{State, Status, SubmitMode, SubmitState};

const NAME: &str = "daemon";
const JOB: &str = "job";

pub(super) fn check(scene: &Scene) -> Check {
    match &scene.daemon {
        Ok(seen) => answers(seen, env!("CARGO_PKG_VERSION")),
        Err(failure) => {
            let body = failure.body();
            fail(NAME, format!("{} [{}]: {}", body.what, body.code, body.why), body.hint)
        }
    }
}

fn answers(seen: &Seen, ours: &str) -> Check {
    let (name, theirs, took) = (&seen.status.name, &seen.version, seen.took.as_secs_f64() * 1e3);
    let up = crate::render::span(seen.status.uptime_s);
    let what = format!("{name:?}, version {theirs}, up {up}, answered in {took:.1} ms");
    if theirs != ours {
        return warn(NAME, format!("{what}; lineswarmctl is {ours}"), "restart the daemon after an upgrade");
    }
    ok(NAME, what)
}

/// What stands still, and the newest problem that nothing has ended.
pub(super) fn job(scene: &Scene) -> Option<Check> {
    scene.seen().map(state)
}

fn state(seen: &Seen) -> Check {
    let status = &seen.status;
    let lines = status.job.lines.map_or("?".into(), |lines| lines.to_string());
    let what = format!("{}, {} of {lines} lines{}", status.state.name(), status.job.have, submits(status));
    let problem = status.problem.as_deref();
    match (status.state, problem) {
        (State::Failed, problem) => fail(
            JOB,
            format!("the job failed: {}", problem.unwrap_or("the log has the cause")),
            "mend that, then begin anew: lineswarmctl reset --swarm",
        ),
        _ if status.left => warn(
            JOB,
            format!("{what}; this node has left the swarm"),
            "link it again: lineswarmctl join ADDR",
        ),
        (_, Some(problem)) => {
            warn(JOB, format!("{what}; {problem}"), "lineswarmctl why, and lineswarmctl log tail, say more")
        }
        (State::Paused, None) => warn(JOB, what, "go on: lineswarmctl resume"),
        (State::Idle, None) => {
            warn(JOB, format!("{what}; it was not started"), "start it: lineswarmctl start")
        }
        (_, None) => ok(JOB, what),
    }
}

/// Of a complete file: who submits it, where that is not the master.
fn submits(status: &Status) -> &'static str {
    match (status.state, status.submit.mode, status.submit.state) {
        (State::Complete, SubmitMode::Nobody, SubmitState::None) => {
            "; this node does not submit, as submit.by is \"nobody\""
        }
        (State::Complete | State::Submitting, SubmitMode::EveryPeer, _) => {
            "; this node submits by itself, as submit.by is \"every-peer\""
        }
        _ => "",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Level;
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    /// A daemon without problems.
    pub(crate) fn well() -> Seen {
        let status = json!({
            "v": 1, "name": "lab1/alice", "id": "000102030405060708090a0b0c0d0e0f", "swarm": "default", "epoch": 1,
            "state": "fetching", "uptime_s": 61.2,
            "job": {"server": "127.0.0.1:9801", "lines": 1000, "have": 577, "draws": 801, "refusals": 3,
                "duplicates": 20, "from_peers": 300, "conflicts": 0, "rate": 99.7, "eta_s": 9.1, "elapsed_s": 6.0,
                "sha256": null, "reconnects": 0},
            "peers": {"known": 0, "connected": 0}, "master": null,
            "submit": {"state": "none", "by": null, "attempts": 0, "reply": null},
            "line_server": {"connected": true, "tries": 0, "next_try_s": null, "why": null, "one_at_a_time": false},
            "pacer": {"limit": 100.0, "kind": "spacing", "confidence": 0.9, "rtt_ms": 0.3, "depth": 1, "cap": null},
            "problem": null, "listen": "127.0.0.2:9900", "unsaved": 0
        });
        Seen {
            version: "0.1.0".into(),
            pid: Some(7),
            took: Duration::from_millis(1),
            status: serde_json::from_value::<Status>(status).unwrap(),
            peers: Default::default(),
            counters: Default::default(),
            settings: Default::default(),
            from_file: Vec::new(),
        }
    }

    #[test]
    fn another_release_is_worth_a_look() {
        assert_eq!(answers(&well(), "0.1.0").level, Level::Ok);
        assert_eq!(answers(&well(), "0.2.0").level, Level::Warn);
    }

    #[test]
    fn a_failed_job_fails_and_a_problem_is_worth_a_look() {
        let mut seen = well();
        assert_eq!(state(&seen).level, Level::Ok);
        seen.status.problem = Some("server-lost: gone".into());
        assert_eq!(state(&seen).level, Level::Warn);
        seen.status.state = State::Failed;
        let failed = state(&seen);
        assert_eq!((failed.level, failed.what.as_str()), (Level::Fail, "the job failed: server-lost: gone"));
    }
}
