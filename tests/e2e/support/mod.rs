//! Real binaries for end-to-end tests: a line server, daemons, and a client of their sockets. Everything started here
//! is ended here, by its own handle; waiting is reading, with a deadline.
#![allow(dead_code)] // each test binary uses its part

pub(crate) mod ctl;
pub(crate) mod kills;

use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here may take, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A line server that a test left behind ends by itself.
const MAX_SECONDS: &str = "900";

/// A line server on a port of its own.
pub(crate) struct Server {
    child: Child,
    events: mpsc::Receiver<Value>,
    pub(crate) address: String,
    pub(crate) file: PathBuf,
}

impl Server {
    /// `extra` are further options; the file that it serves is written to `directory`.
    pub(crate) fn start(directory: &Path, extra: &[&str]) -> Self {
        Self::start_on(directory, "127.0.0.1:0", extra)
    }

    pub(crate) fn start_on(directory: &Path, listen: &str, extra: &[&str]) -> Self {
        let file = directory.join("served.txt");
        let mut child = Command::new(env!("CARGO_BIN_EXE_lineserver"))
            .args(["--listen", listen, "--events", "json", "--write-file"])
            .arg(&file)
            .args(if extra.contains(&"--max-seconds") { &[][..] } else { &["--max-seconds", MAX_SECONDS] })
            .args(extra)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("lineserver starts");
        let events = lines_of(child.stdout.take().unwrap());
        let mut server = Self { child, events, address: String::new(), file };
        server.address = server.wait_for("listen")["addr"].as_str().unwrap().to_owned();
        server
    }

    /// The next event of this kind.
    pub(crate) fn wait_for(&self, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event =
                self.events.recv_timeout(left).unwrap_or_else(|_| panic!("no {kind} from the line server"));
            if event["ev"] == kind {
                return event;
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it told so far is old.
    pub(crate) fn forget_events(&self) {
        while self.events.try_recv().is_ok() {}
    }

    /// Ends the server and gives its last word.
    pub(crate) fn end(mut self) -> Value {
        terminate(&self.child);
        let end = self.wait_for("end");
        self.child.wait().unwrap();
        end
    }

    pub(crate) fn served(&self) -> Vec<u8> {
        std::fs::read(&self.file).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(output: ChildStdout) -> mpsc::Receiver<Value> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let Ok(event) = serde_json::from_str(&line) else { continue };
            if send.send(event).is_err() {
                return;
            }
        }
    });
    receive
}

pub(crate) fn terminate(child: &Child) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), rustix::process::Signal::TERM)
        .unwrap();
}

/// Free ports on loopback, one for each of `count` addresses 127.0.0.x.
pub(crate) fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let held: Vec<_> = (0..count)
        .map(|at| TcpListener::bind((format!("127.0.0.{}", at + 2), 0)).expect("a free port"))
        .collect();
    held.iter().map(|listener| listener.local_addr().unwrap()).collect()
}

/// A daemon with a directory of its own.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) directory: PathBuf,
    pub(crate) log: PathBuf,
}

impl Daemon {
    /// In `directory/name`; `args` come after the usual ones.
    pub(crate) fn start(directory: &Path, name: &str, args: &[&str]) -> Self {
        let daemon = Self::spawn(directory, name, args);
        daemon.wait_until_up();
        daemon
    }

    /// Does not wait for its sockets.
    pub(crate) fn spawn(directory: &Path, name: &str, args: &[&str]) -> Self {
        let own = directory.join(name);
        std::fs::create_dir_all(&own).unwrap();
        let log = own.join("log");
        let child = command(&own, name)
            .args(args)
            .stdout(Stdio::null())
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .expect("lineswarmd starts");
        Self { child, directory: own, log }
    }

    pub(crate) fn wait_until_up(&self) {
        wait_until("the daemon's sockets", || UnixStream::connect(self.socket()).is_ok());
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("control.sock")
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.socket())
    }

    pub(crate) fn status(&self) -> Value {
        self.client().ask(json!({"cmd": "status"})).unwrap()
    }

    /// Blocks until the daemon says so: `complete`, `submitted`, `master`, `peers=N`.
    pub(crate) fn wait(&self, until: &str) -> Value {
        let patience = u64::try_from(PATIENCE.as_millis()).unwrap();
        let answer = self.client().ask(json!({"cmd": "wait", "until": until, "timeout_ms": patience}));
        answer.unwrap_or_else(|error| panic!("{until}: {error}\n{}", self.log()))
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        terminate(&self.child);
        self.child.wait().unwrap()
    }

    /// The file as it holds it.
    pub(crate) fn dump(&self) -> Vec<u8> {
        let mut file = Vec::new();
        let answer = self.client().ask_parts(json!({"cmd": "dump"}), |part| {
            for line in part["lines"].as_array().unwrap() {
                file.extend_from_slice(line["text"].as_str().expect("the served file is text").as_bytes());
                file.push(b'\n');
            }
        });
        answer.unwrap();
        file
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The control tool, which is built beside the daemon.
pub(crate) fn lineswarmctl() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_lineswarmd")).with_file_name("lineswarmctl");
    assert!(program.exists(), "lineswarmctl is not built: cargo build --workspace");
    program
}

/// `lineswarmd` with everything in `own`, and nothing from this process's environment or the machine's files.
pub(crate) fn command(own: &Path, name: &str) -> Command {
    let config = own.join("empty.toml");
    std::fs::write(&config, "").unwrap();
    command_with(&config, own, name)
}

/// The same with a configuration file.
pub(crate) fn command_with(config: &Path, own: &Path, name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lineswarmd"));
    for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("LINESWARM_")) {
        command.env_remove(variable);
    }
    command
        .arg("--config")
        .arg(config)
        .args(["--name", name, "--listen", "127.0.0.1:0", "--log-level", "debug"])
        .arg("--state-dir")
        .arg(own.join("state"))
        .arg("--control-socket")
        .arg(own.join("control.sock"))
        .arg("--status-socket")
        .arg(own.join("status.sock"));
    command
}

/// A client of the control protocol.
pub(crate) struct Client {
    stream: BufReader<UnixStream>,
    pub(crate) greeting: Value,
}

impl Client {
    pub(crate) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("the socket is there");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { stream: BufReader::new(stream), greeting: Value::Null };
        client.greeting = client.read().expect("a greeting");
        client
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// The next reply; `None` at the end of the connection.
    pub(crate) fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))),
        }
    }

    pub(crate) fn ask(&mut self, request: Value) -> Result<Value, Value> {
        self.ask_parts(request, |_| {})
    }

    pub(crate) fn ask_parts(&mut self, request: Value, mut part: impl FnMut(&Value)) -> Result<Value, Value> {
        self.send(format!("{request}\n").as_bytes());
        loop {
            let reply = self.read().expect("a reply");
            if let Some(piece) = reply.get("part") {
                part(piece);
            } else if let Some(error) = reply.get("error") {
                return Err(error.clone());
            } else {
                return Ok(reply["ok"].clone());
            }
        }
    }

    pub(crate) fn read_to_end(&mut self) {
        let _ = self.stream.read_to_end(&mut Vec::new());
    }
}

/// Asks until it holds, with a breath between the questions; fails after [`PATIENCE`].
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// A swarm of `count` daemons that know each other's addresses, started in order.
pub(crate) fn swarm(directory: &Path, server: &str, count: usize, extra: &[&str]) -> Vec<Daemon> {
    let addresses: Vec<String> = free_addresses(count).iter().map(ToString::to_string).collect();
    (0..count).map(|at| member(directory, server, &addresses, at, extra)).collect()
}

/// One daemon of a swarm; can be started later than the others, or again.
pub(crate) fn member(
    directory: &Path,
    server: &str,
    addresses: &[String],
    at: usize,
    extra: &[&str],
) -> Daemon {
    let mut args = vec!["--server", server, "--listen", &addresses[at]];
    for (_, other) in addresses.iter().enumerate().filter(|(other, _)| *other != at) {
        args.extend(["--peer", other]);
    }
    args.extend(extra);
    Daemon::start(directory, &format!("peer{at}"), &args)
}
