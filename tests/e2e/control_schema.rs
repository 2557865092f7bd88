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
        let values = printed(socket, line);
        values.iter().for_each(|value| self.check(name, line, value));
        values.last().unwrap_or_else(|| panic!("{line} printed nothing")).clone()
    }

    /// What `replay` prints: the events, then how it went.
    fn replay(&mut self, capture: &Path) {
        let line = format!("replay {}", capture.display());
        let values = printed(capture, &line);
        let (last, events) = values.split_last().unwrap();
        events.iter().for_each(|event| self.check("events", &line, event));
        self.check("replayed", &line, last);
        assert!(!events.is_empty() && last["replay"]["same"] == true, "{last}");
    }

    fn check(&mut self, name: &str, line: &str, value: &Value) {
        let faults = schema::faults_of(&self.schema, name, value);
        assert!(faults.is_empty(), "{line}: {faults:#?}\n{value:#}");
        self.checked.insert(name.to_owned());
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
            ("events", "events --causal --follow=false"),
            ("log", "log tail --follow=false"),
            ("doctor", "doctor"),
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

fn printed(socket: &Path, line: &str) -> Vec<Value> {
    let mut command = Command::new(lineswarmctl());
    command.arg("-s").arg(socket).arg("--json").args(line.split(' ')).stdin(Stdio::null());
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
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
    daemons[0].client().ask(serde_json::json!({"cmd": "capture", "to": "all"})).unwrap();
    daemons[0].client().ask(serde_json::json!({"cmd": "capture"})).unwrap();
    let capture = daemons[0].directory.join("state/all.capture");
    reader.replay(&capture);
    let commands = [
        "ping", "version", "status", "peers", "resolve", "lines", "get", "dump", "master", "events", "stats",
        "metrics", "why", "history", "config", "error", "log", "doctor", "replayed",
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

/// Run by `make metrics-test`, which says where promtool is.
#[test]
#[ignore = "needs Prometheus' promtool"]
fn promtool_finds_no_fault_with_the_metrics() {
    let promtool = std::env::var("PROMTOOL").expect("make metrics-test says where it is");
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let server = Server::start(at, &["--rate", "300", "--lines", "100"]);
    let daemons = swarm(at, &server.address, 2, &["--lines", "100"]);
    for daemon in &daemons {
        for moment in ["peers=1", "submitted"] {
            daemon.wait(moment);
            let metrics = Command::new(lineswarmctl()).arg("-s").arg(daemon.socket()).arg("metrics").output();
            let file = at.join("metrics");
            std::fs::write(&file, metrics.unwrap().stdout).unwrap();
            let text = std::fs::File::open(&file).unwrap();
            let check = Command::new(&promtool).args(["check", "metrics"]).stdin(text).output().unwrap();
            let said = [check.stdout, check.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(check.status.success() && said.trim().is_empty(), "{said}");
        }
    }
}
