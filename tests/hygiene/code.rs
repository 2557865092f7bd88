//! Rules of the code: how long, what imports what, who talks, how a module opens, what is left to do.

use crate::tree::{File, top};

/// About 500 lines is a good size; a file that is one cohesive thing may be longer, but not without end.
const LONGEST: usize = 800;
const LONGEST_WITH_TESTS: usize = 500;
/// Not written by hand, or the words of others.
const NOT_COUNTED: [&str; 3] = ["Cargo.lock", "LICENSE-APACHE", ".svg"];

pub(crate) fn length(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| !NOT_COUNTED.iter().any(|ending| file.is(ending))) {
        let lines = file.text.lines().count();
        let made = file.path.contains("corpus/") || file.is_in("etc/completions/");
        if lines > LONGEST && !made {
            complaints.push(format!("{} has {lines} lines, more than {LONGEST}", file.path));
        }
        let inline = file.text.lines().any(|line| line == "mod tests {");
        if lines > LONGEST_WITH_TESTS && inline && file.is(".rs") {
            complaints.push(format!("{} has {lines} lines: move its tests to a sibling file", file.path));
        }
    }
    complaints
}

/// Which packages a room's manifest may not name.
const NOT_LINKED: [(&str, &[&str]); 4] = [
    ("files/Cargo.toml", &["lineswarmd", "lineswarmctl", "lineswarm-proto", "lineswarm-tests"]),
    ("proto/Cargo.toml", &["lineswarmd", "lineswarmctl", "lineswarm-tests"]),
    ("ctl/Cargo.toml", &["lineswarmd", "lineswarm-tests"]),
    ("daemon/Cargo.toml", &["lineswarmctl", "lineswarm-tests"]),
];
/// Which of proto's rooms a part of proto may not use.
const NOT_USED: [(&str, &[&str]); 3] = [
    ("proto/src/wire", &["engine", "line_server"]),
    ("proto/src/engine", &["line_server"]),
    ("proto/src/line_server", &["engine"]),
];

pub(crate) fn imports(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (manifest, packages) in NOT_LINKED {
        let Some(file) = files.iter().find(|file| file.path == manifest) else {
            complaints.push(format!("{manifest} is missing"));
            continue;
        };
        for package in packages {
            // A [[test]] or [[bin]] of that name is no dependency.
            let named = |line: &str| {
                line.starts_with(&format!("{package}.")) || line.starts_with(&format!("{package} ="))
            };
            if file.text.lines().any(named) {
                complaints.push(format!("{manifest} depends on {package}, which lies above or beside it"));
            }
        }
    }
    for file in files.iter().filter(|file| file.is(".rs") && !file.is_test()) {
        let room = file.path.split('/').next().unwrap_or_default();
        let source = format!("{room}/src/");
        if !file.is_in(&source) {
            continue;
        }
        for (number, line) in file.product_lines() {
            let taken =
                line.contains("#[path") || line.contains("include!(") || line.contains("include_str!(");
            // Texts of docs/ are nobody's room; golden texts are compared in tests only.
            let common = line.contains("../docs/") || line.contains("../tests/golden.rs");
            if taken && line.contains("../../") && !common {
                complaints.push(format!("{}:{number} takes a file of another room: {line}", file.path));
            }
            for (_, rooms) in NOT_USED.iter().filter(|(part, _)| file.is_in(part)) {
                // What is said and stored alike (INTENT, members, outcome) is plain data, and lies with the engine.
                let line = &line.replace("engine::state::", "");
                let uses = |room: &&&str| {
                    line.contains(&format!("crate::{room}"))
                        || line.trim_start().starts_with(&format!("{room}::"))
                };
                if let Some(room) = rooms.iter().find(uses) {
                    complaints.push(format!("{}:{number} uses crate::{room}: {line}", file.path));
                }
            }
        }
    }
    complaints
}

const LOGGING: [&str; 6] =
    ["log::error!", "log::warn!", "log::info!", "log::debug!", "log::trace!", "log::log!"];
const PRINTING: [&str; 4] = ["println!(", "print!(", "eprintln!(", "eprint!("];
/// In these nobody logs: the core emits events, the tool prints, and the daemon's lower rooms return errors.
const SILENT: [&str; 10] = [
    "proto/",
    "files/",
    "ctl/",
    "daemon/src/bin/",
    "daemon/src/config/",
    "daemon/src/store/",
    "daemon/src/connections.rs",
    "daemon/src/args.rs",
    "daemon/src/clock.rs",
    "daemon/src/net/",
];
/// But for these.
const SPEAKING: [&str; 1] = ["daemon/src/net/discover/"];
/// Only these print, before there is a log or after it: the programs' own first and last words.
const PRINTERS: [&str; 3] =
    ["daemon/src/main.rs", "daemon/src/bin/lineserver/main.rs", "daemon/src/bin/lineserver/event_loop.rs"];

pub(crate) fn talk(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is(".rs") && !file.is_test() && file.path.contains("/src/")) {
        let may_log =
            !SILENT.iter().any(|room| file.is_in(room)) || SPEAKING.iter().any(|room| file.is_in(room));
        let may_print = PRINTERS.contains(&file.path.as_str());
        for (number, line) in file.product_lines().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if !may_log && LOGGING.iter().any(|call| line.contains(call)) {
                complaints.push(format!("{}:{number} logs, and may not: {line}", file.path));
            }
            if !may_print && PRINTING.iter().any(|call| line.contains(call)) {
                complaints.push(format!("{}:{number} prints, and may not: {line}", file.path));
            }
        }
    }
    complaints
}

pub(crate) fn openings(files: &[File]) -> Vec<String> {
    let modules =
        files.iter().filter(|file| file.is(".rs") && !file.is("/tests.rs") && !file.is("/build.rs"));
    modules
        .filter(|file| !file.path.contains("/tests/") && !file.text.starts_with("//!"))
        .map(|file| format!("{} does not begin with //! and what it is for", file.path))
        .collect()
}

const LIMITS: &str = "docs/known-limits.md";

pub(crate) fn markers(files: &[File]) -> Vec<String> {
    // Not written out, or they would be found here.
    let words = [["TO", "DO"], ["FIX", "ME"], ["X", "XX"], ["HA", "CK"]].map(|parts| parts.concat());
    let limits = files.iter().find(|file| file.path == LIMITS).map_or("", |file| file.text.as_str());
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path != LIMITS && !file.is("Cargo.lock")) {
        for (number, line) in (1..).zip(file.text.lines()) {
            let mut said = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if said.any(|word| words.iter().any(|marker| marker == word)) && !limits.contains(&file.path) {
                complaints.push(format!("{}:{number} is not in {LIMITS}: {line}", file.path));
            }
        }
    }
    complaints
}

/// The one registry that a lock file may name: what a mirror's address would betray is nobody's business.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(crate) fn machines(files: &[File]) -> Vec<String> {
    let checkout = top().display().to_string();
    let homes = [["/ho", "me/"], ["/Us", "ers/"], ["/ro", "ot/."]].map(|parts| parts.concat());
    let mut complaints = Vec::new();
    for file in files {
        for (number, line) in (1..).zip(file.text.lines()) {
            let home = homes.iter().any(|home| line.contains(home.as_str()) && !is_example(line));
            let lies_here = checkout.len() > 4 && line.contains(&checkout);
            let registry = line.contains("registry+") && !line.contains(REGISTRY) && file.is("Cargo.lock");
            let host = ["jfrog", "artifactory", "npmjs", "pypi."].iter().any(|host| line.contains(host));
            if home || lies_here || registry || (host && !file.is("hygiene/code.rs")) {
                complaints.push(format!("{}:{number} names a machine of its author: {line}", file.path));
            }
        }
    }
    complaints
}

/// Users who are nobody: those of tests.
fn is_example(line: &str) -> bool {
    line.contains("/member/") || line.contains("alice:x:")
}
