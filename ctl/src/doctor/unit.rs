//! The systemd unit of this instance: installed, enabled, running. A machine without systemd has none, and that is fine.

use super::scene::Scene;
use super::{Check, fail, ok, warn};
use crate::place::Place;
use std::path::Path;
use std::process::Command;

const NAME: &str = "unit";

/// What systemd says.
#[derive(Debug)]
pub(super) enum Systemd {
    /// There is none, or it does not answer.
    Absent(String),
    /// Nobody said which instance it is.
    Unnamed,
    Unit(Unit),
}

/// As `systemctl show` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    name: String,
    load: String,
    file: String,
    active: String,
    result: String,
    condition: String,
    restarts: u64,
    is_stale: bool,
}

impl Systemd {
    /// Is the daemon at this place the service's?
    pub(super) fn runs(&self, place: &Place) -> bool {
        let Self::Unit(unit) = self else { return false };
        let at_home =
            matches!(place, Place::Instance { directory, .. } if directory.starts_with("/run/lineswarm"));
        unit.load == "loaded" && (at_home || unit.active == "active" || unit.file.starts_with("enabled"))
    }
}

/// Asks systemd; `--property` alone, so that it reads the same in every language.
pub(super) fn look(instance: Option<&str>) -> Systemd {
    let Some(instance) = instance else { return Systemd::Unnamed };
    let name = match instance {
        "default" => "lineswarmd.service".to_owned(),
        other => format!("lineswarmd@{other}.service"),
    };
    let properties =
        "--property=LoadState,UnitFileState,ActiveState,Result,ConditionResult,NRestarts,NeedDaemonReload";
    match Command::new("systemctl").args(["show", "--no-pager", properties, &name]).output() {
        Ok(output) if output.status.success() => {
            Systemd::Unit(Unit::read(&name, &String::from_utf8_lossy(&output.stdout)))
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Systemd::Absent(said.lines().next().unwrap_or("systemctl failed").trim().to_owned())
        }
        Err(error) => Systemd::Absent(format!("systemctl can't be run: {error}")),
    }
}

impl Unit {
    fn read(name: &str, text: &str) -> Self {
        let mut unit = Self { name: name.into(), ..Self::default() };
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match key {
                "LoadState" => unit.load = value.into(),
                "UnitFileState" => unit.file = value.into(),
                "ActiveState" => unit.active = value.into(),
                "Result" => unit.result = value.into(),
                "ConditionResult" => unit.condition = value.into(),
                "NRestarts" => unit.restarts = value.parse().unwrap_or(0),
                "NeedDaemonReload" => unit.is_stale = value == "yes",
                _ => {}
            }
        }
        unit
    }
}

pub(super) fn check(scene: &Scene) -> Check {
    match &scene.systemd {
        Systemd::Absent(why) => ok(NAME, format!("no systemd here ({why})")),
        Systemd::Unnamed => ok(NAME, "not looked for: a socket was named, not an instance"),
        Systemd::Unit(unit) => {
            let is_configured = Path::new("/etc/lineswarm/default.toml").exists();
            judge(unit, scene.seen().is_some(), is_configured)
        }
    }
}

fn judge(unit: &Unit, answers: bool, is_configured: bool) -> Check {
    let Unit { name, load, file, active, result, restarts, .. } = unit;
    let log = format!("journalctl -u {name} -n 30 says why");
    match (load.as_str(), active.as_str()) {
        ("not-found", _) if answers => {
            ok(NAME, format!("{name} is not installed; the daemon runs without it"))
        }
        ("not-found", _) => {
            warn(NAME, format!("{name} is not installed"), "install the package, or start lineswarmd by hand")
        }
        ("loaded", "failed") => fail(
            NAME,
            format!("{name} failed ({result})"),
            format!("{log}; then systemctl reset-failed {name} && systemctl start {name}"),
        ),
        ("loaded", "active" | "reloading") if !answers => {
            fail(NAME, format!("{name} is {active}, and no daemon answers at its socket"), log)
        }
        ("loaded", "activating" | "deactivating") => warn(NAME, format!("{name} is {active}"), log),
        ("loaded", "active" | "reloading") if unit.is_stale => {
            let hint = format!("systemctl daemon-reload && systemctl restart {name}");
            warn(NAME, format!("{name} is {active}, and its file has changed since"), hint)
        }
        ("loaded", "active" | "reloading") if *restarts > 0 => {
            warn(NAME, format!("{name} is {active}, restarted {restarts} times after a crash or hang"), log)
        }
        ("loaded", "active" | "reloading") if !file.starts_with("enabled") => warn(
            NAME,
            format!("{name} is {active}, and not enabled: it does not start at boot"),
            format!("systemctl enable {name}"),
        ),
        ("loaded", "active" | "reloading") => ok(NAME, format!("{name} is {active} and {file}")),
        ("loaded", _) if answers => warn(
            NAME,
            format!("{name} is {active}; a daemon runs without it"),
            format!("to have systemd look after it: stop that one, then systemctl start {name}"),
        ),
        ("loaded", _) if unit.condition == "no" && name == "lineswarmd.service" && !is_configured => warn(
            NAME,
            format!("{name} is skipped: there is no /etc/lineswarm/default.toml"),
            "cp /usr/share/doc/lineswarm/examples/default.toml /etc/lineswarm/, edit it, then systemctl start lineswarmd",
        ),
        ("loaded", _) => warn(NAME, format!("{name} is {active}"), format!("systemctl start {name}")),
        _ => fail(
            NAME,
            format!("{name} can't be loaded ({load})"),
            format!("systemctl status {name} says why"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn unit(text: &str) -> Unit {
        Unit::read("lineswarmd.service", &text.replace(' ', "\n"))
    }

    #[test]
    fn a_unit_is_judged_by_what_systemd_says() {
        let running = "LoadState=loaded UnitFileState=enabled ActiveState=active Result=success NRestarts=0";
        for (text, answers, level, word) in [
            (running.to_owned(), true, Level::Ok, "active and enabled"),
            (running.to_owned(), false, Level::Fail, "no daemon answers"),
            (running.replace("NRestarts=0", "NRestarts=4"), true, Level::Warn, "restarted 4 times"),
            (running.replace("=enabled", "=disabled"), true, Level::Warn, "not enabled"),
            (format!("{running} NeedDaemonReload=yes"), true, Level::Warn, "changed since"),
            (
                "LoadState=loaded ActiveState=failed Result=watchdog".into(),
                false,
                Level::Fail,
                "failed (watchdog)",
            ),
            ("LoadState=bad-setting ActiveState=inactive".into(), false, Level::Fail, "bad-setting"),
            ("LoadState=not-found ActiveState=inactive".into(), true, Level::Ok, "without it"),
            ("LoadState=not-found ActiveState=inactive".into(), false, Level::Warn, "not installed"),
            ("LoadState=loaded ActiveState=inactive".into(), true, Level::Warn, "a daemon runs without it"),
            (
                "LoadState=loaded ActiveState=inactive ConditionResult=no".into(),
                false,
                Level::Warn,
                "skipped",
            ),
            ("LoadState=loaded ActiveState=inactive".into(), false, Level::Warn, "inactive"),
            ("LoadState=loaded ActiveState=activating".into(), false, Level::Warn, "activating"),
        ] {
            let check = judge(&unit(&text), answers, false);
            assert_eq!(check.level, level, "{text}: {check:?}");
            assert!(check.what.contains(word), "{text}: {check:?}");
        }
    }
}
