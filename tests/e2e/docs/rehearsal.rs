//! A swarm for the commands of a page: a line server and three instances, done with their job, in a directory that
//! stands for the machine. Everything is ended here.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// Where this checkout lies.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A program of ours.
pub(crate) fn program(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_lineswarmctl")).with_file_name(name);
    assert!(program.exists(), "{name} is not built: cargo build --workspace");
    program
}

/// Is there such a program on this machine? Where CI is set, what is missing is a failure.
pub(crate) fn has(name: &str) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&paths).any(|directory| directory.join(name).exists());
    assert!(found || env::var_os("CI").is_none(), "{name} is not installed: apt-get install {name}");
    if !found {
        eprintln!("left out, as {name} is not installed");
    }
    found
}

/// Directories of the machine that pages name; here they are below the rehearsal's own.
const PLACES: [&str; 5] =
    ["/etc/", "/usr/share/doc/lineswarm/", "/run/lineswarm/", "/var/lib/", "/var/backups/"];
const INSTANCES: [&str; 3] = ["default", "1", "alice"];

pub(crate) struct Rehearsal {
    machine: TempDir,
    server: String,
    children: Vec<Child>,
}

impl Rehearsal {
    pub(crate) fn start() -> Self {
        let machine = tempfile::tempdir().unwrap();
        for directory in
            PLACES.map(|place| &place[1..]).into_iter().chain(["home", "tmp", "work", "etc/lineswarm"])
        {
            fs::create_dir_all(machine.path().join(directory)).unwrap();
        }
        let documents = machine.path().join("usr/share/doc/lineswarm");
        for (from, to) in [
            ("etc/lineswarm", "examples"),
            ("etc/lineswarm/examples", "examples"),
            ("systemd/drop-ins", "examples/drop-ins"),
        ] {
            fs::create_dir_all(documents.join(to)).unwrap();
            for entry in fs::read_dir(top().join(from)).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_file() {
                    fs::copy(entry.path(), documents.join(to).join(entry.file_name())).unwrap();
                }
            }
        }
        let mut rehearsal = Self { machine, server: String::new(), children: Vec::new() };
        let options =
            ["--listen", "127.0.0.1:0", "--rate", "4000", "--events", "json", "--max-seconds", "300"];
        let mut server = rehearsal
            .command("lineserver")
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut heard = BufReader::new(server.stdout.take().unwrap());
        rehearsal.children.push(server);
        let mut first = String::new();
        heard.read_line(&mut first).unwrap();
        let first: serde_json::Value = serde_json::from_str(&first).unwrap();
        rehearsal.server = first["addr"].as_str().unwrap().to_owned();
        // It must be read to the end, or the line server would wait for its reader.
        std::thread::spawn(move || heard.lines().map_while(Result::ok).for_each(drop));
        for instance in INSTANCES {
            let mut daemon = rehearsal.command("lineswarmd");
            let daemon = daemon.args(["--instance", instance]).stdout(Stdio::null()).stderr(Stdio::null());
            let daemon = daemon.spawn().unwrap();
            rehearsal.children.push(daemon);
        }
        for instance in INSTANCES {
            rehearsal.await_submit(instance);
        }
        rehearsal
    }

    fn await_submit(&self, instance: &str) {
        let socket = self.machine.path().join(format!("run/lineswarm/{instance}/status.sock"));
        for _ in 0..2000 {
            if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
                break;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
        let wait = ["-i", instance, "-t", "60", "wait", "--for", "submitted"];
        let output = self.command("lineswarmctl").args(wait).output().unwrap();
        assert!(output.status.success(), "{instance}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A program of ours on this machine.
    pub(crate) fn command(&self, name: &str) -> Command {
        self.on_machine(Command::new(program(name)))
    }

    fn on_machine(&self, mut command: Command) -> Command {
        let at = |place: &str| self.machine.path().join(place);
        for (name, _) in
            env::vars().filter(|(name, _)| name.starts_with("LINESWARM_") || name.starts_with("XDG_"))
        {
            command.env_remove(name);
        }
        command
            .current_dir(at("work"))
            .stdin(Stdio::null())
            .env("HOME", at("home"))
            .env("TMPDIR", at("tmp"))
            .env("RUNTIME_DIRECTORY", at("run/lineswarm"))
            .env("STATE_DIRECTORY", at("var/lib/lineswarm"));
        if !self.server.is_empty() {
            command.env("LINESWARM_SERVER_ADDRESS", &self.server);
        }
        command
    }

    /// Runs a script in which `failed LINE CODE` ends everything; says which line that was, and what was printed.
    pub(crate) fn run(&self, script: &str) -> Result<(), String> {
        let directory = program("lineswarmctl").parent().unwrap().to_owned();
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = [directory].into_iter().chain(env::split_paths(&path));
        let before = "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\nset -o pipefail\n\
                      failed() { echo \"FAILED $1 $2\"; exit 1; }\n";
        // A time-out, so that a command that never ends is a failure and no hang.
        let mut bash = Command::new("timeout");
        bash.args(["--kill-after=5", "120", "bash", "-c"]).arg(format!("{before}{}", self.here(script)));
        let output = self.on_machine(bash).env("PATH", env::join_paths(paths).unwrap()).output().unwrap();
        if output.status.success() {
            return Ok(());
        }
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let failed = said.lines().rev().find_map(|line| line.strip_prefix("FAILED ")?.split_once(' '));
        Err(match failed {
            Some((line, code)) => format!("line {line} exits with {code}\n{told}"),
            None => format!("ended with {}\n{said}{told}", output.status),
        })
    }

    /// The script with this machine's places, and with ports that nobody else has.
    fn here(&self, script: &str) -> String {
        let mut script = script.to_owned();
        for place in PLACES {
            let there = format!("{}{place}", self.machine.path().display());
            for before in [" ", "=", ":", "\"", "'", ">"] {
                script = script.replace(&format!("{before}{place}"), &format!("{before}{there}"));
            }
        }
        for port in ["9801", "9802", "9900"] {
            if script.contains(port) {
                let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
                script = script.replace(port, &free.to_string());
            }
        }
        script
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
