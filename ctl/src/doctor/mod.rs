//! `doctor`: what is wrong here, and the hint of each. One line for each check: ok, warn or fail.
//!
//! Each group of checks is a module that looks at the machine and then judges what it saw with a pure function. It
//! changes nothing, and works without a daemon. Invariant: a line that is not ok has a hint.

mod clock;
mod config;
mod daemon;
mod interfaces;
mod key;
mod peers;
mod scene;
mod server;
mod sockets;
mod state;
mod unit;

use crate::errand::Errand;
use crate::failure::{Failure, NEGATIVE};
use crate::render::{Ink, clean};
use crate::screen::Screen;
use scene::Scene;
use serde::Serialize;
use serde_json::json;
use std::path::Path;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Ok,
    /// It works, or could not be looked at; worth a look.
    Warn,
    /// Something does not work.
    Fail,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    level: Level,
    what: String,
    /// Null only if nothing is wrong.
    hint: Option<String>,
}

fn ok(name: &'static str, what: impl Into<String>) -> Check {
    Check { name, level: Level::Ok, what: what.into(), hint: None }
}

fn warn(name: &'static str, what: impl Into<String>, hint: impl Into<String>) -> Check {
    Check { name, level: Level::Warn, what: what.into(), hint: Some(hint.into()) }
}

fn fail(name: &'static str, what: impl Into<String>, hint: impl Into<String>) -> Check {
    Check { name, level: Level::Fail, what: what.into(), hint: Some(hint.into()) }
}

/// Everything that is checked, in the order in which one thing depends on another.
fn examine(scene: &Scene) -> Vec<Check> {
    let mut checks = vec![unit::check(scene), daemon::check(scene)];
    checks.extend(sockets::check(scene));
    checks.push(config::check(scene));
    checks.extend(state::check(scene));
    checks.push(server::check(scene));
    checks.push(peers::check(scene));
    checks.push(key::check(scene));
    checks.push(interfaces::check(scene));
    checks.extend(clock::check(scene));
    checks.extend(daemon::job(scene));
    checks
}

/// Looks and shows; 1 if something failed.
pub fn run(
    errand: &Errand<'_>,
    file: Option<&Path>,
    asks_server: bool,
    screen: &mut Screen,
) -> Result<u8, Failure> {
    let checks = examine(&Scene::look(errand, file, asks_server));
    let count = |level| checks.iter().filter(|check| check.level == level).count();
    let exit = if count(Level::Fail) > 0 { NEGATIVE } else { 0 };
    if screen.json {
        screen.object(json!({ "v": 1, "checks": checks }))?;
        return Ok(exit);
    }
    let quiet = screen.quiet;
    for check in checks.iter().filter(|check| !quiet || check.level != Level::Ok) {
        let (word, ink) = match check.level {
            Level::Ok => ("ok  ", Ink::Good),
            Level::Warn => ("warn", Ink::Busy),
            Level::Fail => ("fail", Ink::Bad),
        };
        let word = screen.look.paint(ink, word);
        screen.text(&format!("{word}  {:14}  {}\n", check.name, clean(&check.what)))?;
        if let Some(hint) = &check.hint {
            screen.text(&format!("      {:14}  hint: {}\n", "", clean(hint)))?;
        }
    }
    let (ok, warn, fail) = (count(Level::Ok), count(Level::Warn), count(Level::Fail));
    screen.confirm(&format!("{ok} ok, {warn} to look at, {fail} failed"))?;
    Ok(exit)
}
