//! The pages, tried: every command of README.md and docs/*.md is run as it stands there, with a swarm to talk to; every
//! shipped configuration is checked by the daemon; every metric that a page names is one that the daemon gives.
//!
//! Needs lineswarmd and lineserver beside lineswarmctl: `cargo build --workspace` first.

// clippy.toml frees only functions that are tests themselves, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "docs/left_out.rs"]
mod left_out;
#[path = "docs/page.rs"]
mod page;
#[path = "docs/rehearsal.rs"]
mod rehearsal;

use left_out::{LEFT_OUT, SHORTER};
use page::{Page, command_names, flags, pages};
use rehearsal::{Rehearsal, program, top};
use std::{collections::BTreeSet, fs, process::Command};

/// Runs a page's commands; gives what went wrong, and which entries of the lists were of use.
fn try_out(page: &Page, used: &mut BTreeSet<&'static str>) -> Option<String> {
    let commands: Vec<_> =
        page.commands().into_iter().filter(|(_, command)| !is_left_out(command, used)).collect();
    if commands.is_empty() {
        return None;
    }
    let mut script = String::new();
    for (line, command) in commands {
        let mut shorter = command;
        for (long, short, _) in SHORTER {
            if shorter.contains(long) {
                used.insert(long);
                shorter = shorter.replace(long, short);
            }
        }
        // In a group of its own, so that `a && b` counts as failed when `a` does.
        script += &format!("{{\n{shorter}\n}} || failed {line} $?\n");
    }
    Rehearsal::start().run(&script).err().map(|why| format!("{}: {why}", page.path))
}

fn is_left_out(command: &str, used: &mut BTreeSet<&'static str>) -> bool {
    let Some((beginning, _)) = LEFT_OUT.iter().find(|(beginning, _)| command.starts_with(beginning)) else {
        return command.contains("socat ") && !rehearsal::has("socat");
    };
    used.insert(beginning);
    true
}

#[test]
fn every_command_of_every_page_works() {
    let mut used = BTreeSet::new();
    let complaints: Vec<String> = pages().iter().filter_map(|page| try_out(page, &mut used)).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    let lists =
        LEFT_OUT.iter().map(|(beginning, _)| *beginning).chain(SHORTER.iter().map(|(long, ..)| *long));
    let stale: Vec<_> = lists.filter(|entry| !used.contains(entry)).collect();
    assert!(stale.is_empty(), "no page has these any more, so left_out.rs need not: {stale:?}");
}

#[test]
fn a_command_that_fails_is_told_with_its_page_and_line() {
    let page = |commands: &str| Page {
        path: "docs/made-up.md".into(),
        text: format!("# Made up\n```sh\n{commands}\n```\n"),
    };
    let tried = |commands: &str| try_out(&page(commands), &mut BTreeSet::new());
    assert_eq!(
        tried("lineswarmctl ping   # a comment\n# another\nlineswarmctl -i 1 status | grep submitted"),
        None
    );
    for (commands, place) in [
        ("lineswarmctl ping\nlineswarmctl stauts", "docs/made-up.md: line 4 exits with 64"),
        (
            "lineswarmctl ping &&\\\n  lineswarmctl get 5000 && lineswarmctl ping",
            "docs/made-up.md: line 3 exits with 1",
        ),
        ("lineswarmd --check --shoe-size 42", "docs/made-up.md: line 3 exits with 64"),
        ("lineserver --limiter 7", "docs/made-up.md: line 3 exits with 64"),
        ("nosuchprogram", "docs/made-up.md: line 3 exits with 127"),
    ] {
        let complaint = tried(commands).expect(commands);
        assert!(complaint.starts_with(place), "{complaint}");
    }
}

#[test]
fn every_command_and_flag_that_a_sentence_names_exists() {
    let help = |program_name: &str, command: &str| {
        let words = command.split(' ').filter(|word| !word.is_empty());
        let output = Command::new(program(program_name)).args(words).arg("--help").output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let mut complaints = Vec::new();
    for page in pages() {
        for (line, said) in page.said() {
            let mut words = said.split(' ');
            let name = words.next().unwrap_or_default();
            if !["lineswarmctl", "lineswarmd", "lineserver"].contains(&name) {
                continue;
            }
            let command = if name == "lineswarmctl" { command_names(&said) } else { String::new() };
            match help(name, &command) {
                None => complaints.push(format!("{}:{line}: there is no `{name} {command}`", page.path)),
                Some(help) => {
                    let unknown = flags(&said).filter(|flag| !help.contains(flag.as_str()));
                    complaints
                        .extend(unknown.map(|flag| format!("{}:{line}: `{said}` has no {flag}", page.path)));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_shipped_configuration_passes_the_daemons_check() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("swarm.key");
    let made = Command::new(program("lineswarmctl")).args(["key", "gen"]).arg(&key).status().unwrap();
    assert!(made.success());
    let etc = top().join("etc/lineswarm");
    let examples = fs::read_dir(etc.join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = examples.chain([etc.join("default.toml")]).collect();
    assert!(files.len() >= 6, "{files:?}");
    for file in files {
        let mut check = Command::new(program("lineswarmd"));
        check.arg("--check").arg("--config").arg(&file);
        // The key is what the user makes first.
        if fs::read_to_string(&file).unwrap().lines().any(|line| line.starts_with("key-file")) {
            let without = check.output().unwrap();
            assert_eq!(without.status.code(), Some(78), "{}: a missing key is noticed", file.display());
            check.arg("--key-file").arg(&key);
        }
        let output = check.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), output.stdout.as_slice()),
            (Some(0), &b"OK\n"[..]),
            "{}: {said}",
            file.display()
        );
    }
}

/// Not the crate, and not the beginning of a file's name.
fn is_metric(word: &str) -> bool {
    word.strip_prefix("lineswarm_").is_some_and(|rest| !rest.is_empty() && rest != "proto")
}

#[test]
fn every_metric_and_event_that_a_page_names_is_given() {
    let rehearsal = Rehearsal::start();
    let output = rehearsal.command("lineswarmctl").arg("metrics").output().unwrap();
    let given = String::from_utf8(output.stdout).unwrap();
    let events = fs::read_to_string(top().join("proto/src/engine/event.rs")).unwrap();
    let mut complaints = Vec::new();
    for page in pages() {
        for name in page.words().filter(|word| is_metric(word)) {
            let family = format!("# TYPE {name} ");
            if !given.contains(&family) {
                complaints.push(format!("{}: the daemon gives no metric {name}", page.path));
            }
        }
        for event in page.text.split("event=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            if !event.split('|').all(|event| events.contains(&format!("{event:?}"))) {
                complaints.push(format!("{}: there is no event {event}", page.path));
            }
        }
    }
    assert!(given.contains("lineswarm_have 1000\n"), "{given}");
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
