//! A daemon that says what the test tells it to: one Unix listener, one thread, a function from a request to lines.
//!
//! Each test has its own directory; dropping the daemon closes the socket's path with it.

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the daemon says first.
pub(crate) const GREETING: &str = r#"{"v":1,"hello":{"program":"lineswarmd","version":"0.1.0","min":1,"max":1,"socket":"status","name":"lab1/alice"}}"#;

type Answer = dyn Fn(&Value) -> Vec<Value> + Send + Sync;

/// A directory with sockets in it, as an instance has.
pub(crate) struct FakeDaemon {
    pub(crate) directory: PathBuf,
    requests: Arc<Mutex<Vec<Value>>>,
    _owned: Option<tempfile::TempDir>,
}

impl FakeDaemon {
    /// Answers each request with `answer`'s bodies, `{"ok":...}` and the like; ids are put in here.
    pub(crate) fn answering(answer: impl Fn(&Value) -> Vec<Value> + Send + Sync + 'static) -> Self {
        let owned = tempfile::tempdir().unwrap();
        let mut daemon = Self::in_directory(owned.path(), answer);
        daemon._owned = Some(owned);
        daemon
    }

    /// One answer to whatever is asked.
    pub(crate) fn always(body: Value) -> Self {
        Self::answering(move |_| vec![body.clone()])
    }

    /// In a directory of the test.
    pub(crate) fn in_directory(
        directory: &Path,
        answer: impl Fn(&Value) -> Vec<Value> + Send + Sync + 'static,
    ) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Answer> = Arc::new(answer);
        for socket in ["status.sock", "control.sock"] {
            let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
            serve(&directory.join(socket), move |stream| converse(stream, socket, &requests, &*answer));
        }
        Self { directory: directory.into(), requests, _owned: None }
    }

    /// Writes these bytes to whoever connects, and then closes or stays silent.
    pub(crate) fn blurting(bytes: impl Into<Vec<u8>>, then_close: bool) -> Self {
        let owned = tempfile::tempdir().unwrap();
        let bytes = bytes.into();
        serve(&owned.path().join("status.sock"), move |mut stream| {
            let _ = stream.write_all(&bytes);
            // Read to the end: the client decides when it is over.
            if !then_close {
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            }
        });
        Self { directory: owned.path().into(), requests: Arc::default(), _owned: Some(owned) }
    }

    pub(crate) fn status_socket(&self) -> PathBuf {
        self.directory.join("status.sock")
    }

    /// Runs `lineswarmctl -s` with this daemon's status socket for everything.
    pub(crate) fn ctl(&self, arguments: &str) -> Answered {
        let socket = self.status_socket();
        run(ctl().arg("-s").arg(socket).args(arguments.split_whitespace()))
    }

    /// What was asked, with the socket it came on as `socket`.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(path: &Path, talk: impl Fn(UnixStream) + Send + Sync + 'static) {
    let listener = UnixListener::bind(path).unwrap();
    let talk = Arc::new(talk);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let talk = Arc::clone(&talk);
            thread::spawn(move || talk(stream));
        }
    });
}

fn converse(stream: UnixStream, socket: &str, requests: &Mutex<Vec<Value>>, answer: &Answer) {
    let mut out = stream.try_clone().unwrap();
    let _ = writeln!(out, "{GREETING}");
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let mut request: Value = serde_json::from_str(&line).unwrap();
        let id = request["id"].clone();
        request.as_object_mut().unwrap().remove("id");
        request["socket"] = socket.into();
        requests.lock().unwrap().push(request.clone());
        for mut body in answer(&request) {
            body["id"] = id.clone();
            if writeln!(out, "{body}").is_err() {
                return;
            }
        }
    }
}

/// The program under test, without the settings of whoever runs the tests.
pub(crate) fn ctl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lineswarmctl"));
    command.env_remove("LINESWARM_SOCKET").env("NO_COLOR", "1");
    command
}

/// The program alone in a directory, with only the system's own programs on PATH.
pub(crate) fn lonely(at: &Path) -> Command {
    let alone = at.join("lineswarmctl");
    if !alone.exists() {
        install(Path::new(env!("CARGO_BIN_EXE_lineswarmctl")), &alone);
    }
    let mut command = Command::new(alone);
    command.env("PATH", "/usr/bin:/bin").env("NO_COLOR", "1");
    command
}

/// A program that stands in for another.
pub(crate) fn script(path: &Path, text: &str) {
    let source = path.with_extension("text");
    fs::write(&source, format!("#!/bin/sh\n{text}")).unwrap();
    install(&source, path);
}

/// By another process: a file that this one has written may still be open in a child that another test just forked,
/// and then it cannot be executed.
fn install(from: &Path, to: &Path) {
    assert!(Command::new("install").arg("-m755").arg(from).arg(to).status().unwrap().success());
}

/// How it ended and what it printed.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) err: String,
}

impl Answered {
    /// Standard output as one JSON object.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The code of the error that was printed as JSON.
    pub(crate) fn code(&self) -> String {
        let value = self.json();
        assert_eq!(value["v"], 1);
        for part in ["what", "why", "hint"] {
            assert!(value["error"][part].as_str().is_some_and(|text| !text.is_empty()), "{part} in {value}");
        }
        value["error"]["code"].as_str().unwrap().into()
    }
}

pub(crate) fn run(command: &mut Command) -> Answered {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Answered {
        exit: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        bytes: stdout,
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// A status as a daemon gives it.
pub(crate) fn status() -> Value {
    json!({
        "v": 1, "name": "lab1/alice", "id": "000102030405060708090a0b0c0d0e0f", "swarm": "default",
        "epoch": 1, "state": "fetching", "uptime_s": 61.2,
        "job": {"server": "127.0.0.1:9801", "lines": 1000, "have": 577, "draws": 801, "refusals": 3,
            "duplicates": 20, "from_peers": 300, "conflicts": 0, "rate": 99.71, "eta_s": 9.1,
            "elapsed_s": 6.0, "sha256": null, "reconnects": 0},
        "peers": {"known": 3, "connected": 2},
        "master": {"id": "ff0102030405060708090a0b0c0d0e0f", "name": "lab1/bob", "term": 2, "self": false},
        "submit": {"state": "none", "by": null, "attempts": 0, "reply": null},
        "pacer": {"limit": 100.0, "kind": "spacing", "confidence": 0.95, "rtt_ms": 0.31, "depth": 1, "cap": null},
        "problem": null, "listen": "127.0.0.2:9900", "unsaved": 0, "from_the_future": [1, 2]
    })
}

/// Two pieces of a file of three lines; the last text is no UTF-8.
pub(crate) fn three_lines(end: Value) -> Vec<Value> {
    vec![
        json!({"part": {"lines": [{"number": 0, "text": "zero"}, {"number": 1, "text": " a\ttab "}]}}),
        json!({"part": {"lines": [{"number": 2, "text_b64": "/wBh"}]}}),
        end,
    ]
}
