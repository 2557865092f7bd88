//! What `lineswarmctl --json` prints of real daemons keeps docs/control.schema.json, field by field.
//!
//! Needs lineswarmctl beside the daemon: `cargo build --workspace` first.
// Clippy takes only the bodies of `#[test]` functions for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "lab/schema.rs"]
mod schema;
mod support;

use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
};
use support::{Daemon, Server, lineswarmctl, swarm, wait_until};

/// Runs commands and checks what they print.
struct Reader {
    schema: Value,
    checked: BTreeSet<String>,
}

impl Reader {
    fn new() -> Self {
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/control.schema.json");
        let schema = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
        Self { schema, checked: BTreeSet::new() }
    }

    /// Each line that the command prints keeps the definition `name`; the last one comes back.
    fn read(&mut self, socket: &Path, name: &str, line: &str) -> Value {
        let mut command = Command::new(lineswarmctl());
        command.arg("-s").arg(socket).arg("--json").args(line.split(' ')).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for value in &values {
            let faults = schema::faults_of(&self.schema, name, value);
            assert!(faults.is_empty(), "{line}: {faults:#?}\n{value:#}");
        }
        self.checked.insert(name.to_owned());
        values.last().unwrap_or_else(|| panic!("{line} printed nothing")).clone()
    }

    /// All that reads anything.
    fn read_all(&mut self, daemon: &Daemon) {
        let at = daemon.socket();
        let output = format!("dump --partial -o {}", daemon.directory.join("dumped").display());
        for (name, line) in [
            ("ping", "ping"),
            ("version", "version"),
            ("status", "status"),
            ("status", "watch -t 0.1"),
            ("peers", "peers"),
            ("resolve", "resolve peer"),
            ("lines", "lines"),
            ("lines", "lines --range 3-5"),
            ("dump", "dump --partial"),
            ("dump", &output),
            ("master", "master"),
            ("events", "events --follow=false"),
            ("stats", "stats"),
            ("metrics", "metrics"),
            ("why", "why"),
            ("history", "history"),
            ("config", "config show"),
            ("config", "config diff"),
            ("error", "get 4000000"),
            ("error", "wait --for peers=60 -t 0.1"),
            ("error", "no-such-command"),
        ] {
            self.read(&at, name, line);
        }
    }
}

#[test]
fn every_reading_command_keeps_the_schema_before_during_and_after_a_run() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let mut reader = Reader::new();
    let nobody = at.join("no.sock");
    assert_eq!(reader.read(&nobody, "error", "status")["error"]["code"], "E_NO_DAEMON");

    let server = Server::start(at, &["--rate", "300", "--lines", "400"]);
    let daemons = swarm(at, &server.address, 2, &["--lines", "400", "--autostart", "false"]);
    wait_until("the link", || daemons[0].status()["peers"]["connected"] == 1);
    reader.read_all(&daemons[0]);
    for daemon in &daemons {
        reader.read(&daemon.socket(), "lines", "lines --missing");
    }

    daemons[0].client().ask(serde_json::json!({"cmd": "start", "swarm": true})).unwrap();
    wait_until("half of it", || daemons[0].status()["job"]["have"].as_u64().unwrap() > 200);
    reader.read_all(&daemons[0]);
    reader.read(&daemons[0].socket(), "error", "dump");

    assert_eq!(reader.read(&daemons[0].socket(), "status", "wait --for submitted")["state"], "submitted");
    daemons[1].wait("submitted");
    daemons[1].wait("complete");
    for daemon in &daemons {
        reader.read_all(daemon);
        reader.read(&daemon.socket(), "get", "get 17");
        let runs = reader.read(&daemon.socket(), "history", "history");
        assert_eq!(runs["runs"][0]["verdict"], "right", "{runs}");
    }
    let commands = [
        "ping", "version", "status", "peers", "resolve", "lines", "get", "dump", "master", "events", "stats",
        "metrics", "why", "history", "config", "error",
    ];
    assert_eq!(reader.checked, commands.map(str::to_owned).into());
}

#[test]
fn a_text_that_is_no_utf8_keeps_the_schema_too() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let file = at.join("bytes");
    std::fs::write(&file, b"plain\n\xff\xfe\nlast\n").unwrap();
    let server = Server::start(at, &["--rate", "300", "--file", file.to_str().unwrap()]);
    let daemon = Daemon::start(at, "peer0", &["--server", &server.address, "--lines", "3"]);
    daemon.wait("submitted");
    let mut reader = Reader::new();
    assert_eq!(reader.read(&daemon.socket(), "get", "get 1")["text_b64"], "//4=");
    assert_eq!(reader.read(&daemon.socket(), "dump", "dump")["lines"][1]["text_b64"], "//4=");
}
