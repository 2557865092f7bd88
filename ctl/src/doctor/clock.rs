//! Time: is the clock right, as far as can be seen, and does the daemon get the time it needs?
//!
//! Nothing that a swarm decides depends on the clock: logs and history do.

use super::scene::{Scene, Seen};
use super::{Check, ok, warn};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const NAME: &str = "clock";
const LAG: &str = "lag";
/// The year 2025: no release is older.
const RELEASED: Duration = Duration::from_secs(1_735_689_600);
/// An answer that takes longer means a machine without time for us.
const SLOW: Duration = Duration::from_secs(1);

pub(super) fn check(scene: &Scene) -> Vec<Check> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut checks = vec![judge(now, is_synchronised())];
    checks.extend(scene.seen().map(lag));
    checks
}

/// None: nobody here says.
fn is_synchronised() -> Option<bool> {
    // Written by systemd-timesyncd when it has set the clock.
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Some(true);
    }
    let output =
        Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output().ok()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn judge(now: Duration, synchronised: Option<bool>) -> Check {
    let hint = "synchronise it (timedatectl set-ntp true); only the times in logs and history depend on it";
    match synchronised {
        _ if now < RELEASED => warn(NAME, "it stands before this program was written", hint),
        Some(true) => ok(NAME, "synchronised"),
        Some(false) => warn(NAME, "not synchronised", hint),
        None => ok(NAME, "whether it is synchronised can't be seen here"),
    }
}

fn lag(seen: &Seen) -> Check {
    let stalled = seen.count("event.stalled");
    let hint = "look for what takes the processor or the memory, or whether the machine was suspended";
    if seen.took >= SLOW {
        return warn(LAG, format!("the daemon took {:.1} s to answer", seen.took.as_secs_f64()), hint);
    }
    if stalled > 0 {
        return warn(LAG, format!("the daemon was woken late by more than a second {stalled} times"), hint);
    }
    ok(LAG, "the daemon was never woken late by more than a second")
}

#[cfg(test)]
mod tests {
    use super::super::{Level, daemon::tests::well};
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_or_free_is_worth_a_look() {
        assert_eq!(judge(RELEASED, Some(true)).level, Level::Ok);
        assert_eq!(judge(RELEASED, None).level, Level::Ok);
        assert_eq!(judge(RELEASED, Some(false)).level, Level::Warn);
        assert_eq!(judge(Duration::ZERO, Some(true)).level, Level::Warn);
    }

    #[test]
    fn a_daemon_that_is_starved_of_time_is_noticed() {
        let mut seen = well();
        assert_eq!(lag(&seen).level, Level::Ok);
        seen.counters.insert("event.stalled".into(), 2);
        assert_eq!(lag(&seen).level, Level::Warn);
        seen.took = SLOW;
        assert!(lag(&seen).what.contains("took 1.0 s"));
    }
}
