//! What the checks look at: the daemon's own answers where there is one, and the settings that it has or would have.
//!
//! The daemon is asked once, over one connection. Invariant: nothing here judges, and what could not be had is None.

use super::unit::{self, Systemd};
use crate::client::Connection;
use crate::errand::Errand;
use crate::failure::Failure;
use crate::lab::children;
use crate::place::Place;
use lineswarm_proto::wire::control::{Command as Ask, Peers, Status};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// See the module.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) place: Place,
    /// What the daemon says, or why it can't be asked.
    pub(super) daemon: Result<Box<Seen>, Failure>,
    pub(super) systemd: Systemd,
    /// What the file, the environment and the defaults come to now.
    pub(super) written: Written,
    pub(super) is_root: bool,
    pub(super) patience: Duration,
    /// The line server may be asked for a line.
    pub(super) asks_server: bool,
}

/// What a running daemon sees.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) version: String,
    pub(super) pid: Option<u32>,
    /// From connecting to its first answer.
    pub(super) took: Duration,
    pub(super) status: Status,
    pub(super) peers: Peers,
    pub(super) counters: BTreeMap<String, u64>,
    pub(super) settings: Settings,
    /// Settings that came from a file, by `section.key`.
    pub(super) from_file: Vec<String>,
}

/// What `lineswarmd --print-config` comes to.
#[derive(Debug)]
pub(super) enum Written {
    Good(Settings),
    /// Every problem, a line each.
    Bad(String),
    /// Nobody said which configuration it is.
    Unnamed,
    /// It can't be found out.
    Unknown(String),
}

/// Values by `section.key`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Settings(pub(super) BTreeMap<String, Value>);

impl Settings {
    /// Empty if it is not set.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let list = self.0.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }
}

impl Scene {
    pub(super) fn look(errand: &Errand<'_>, file: Option<&Path>, asks_server: bool) -> Self {
        let place = errand.place.clone();
        // Of the unit and of the configuration file; none if only a socket was named.
        let instance = place.instance();
        let daemon = Seen::ask(errand).map(Box::new);
        let systemd = unit::look(instance);
        let is_root = rustix::process::geteuid().is_root();
        let written = match (instance, file) {
            (None, None) => Written::Unnamed,
            _ => written(instance, file, systemd.runs(&place)),
        };
        let patience = errand.patience();
        Self { place, daemon, systemd, written, is_root, patience, asks_server }
    }

    pub(super) fn seen(&self) -> Option<&Seen> {
        self.daemon.as_deref().ok()
    }

    /// Nobody is there, as against: somebody does not answer.
    pub(super) fn is_down(&self) -> bool {
        matches!(self.daemon, Err(Failure::NoSocket { .. } | Failure::NoListener { .. }))
    }

    /// Those in force, else those that the next start would have.
    pub(super) fn settings(&self) -> Option<&Settings> {
        match (&self.daemon, &self.written) {
            (Ok(seen), _) => Some(&seen.settings),
            (Err(_), Written::Good(settings)) => Some(settings),
            (Err(_), _) => None,
        }
    }

    /// By the settings if they are known, else where it was asked.
    pub(super) fn socket(&self, is_read: bool) -> PathBuf {
        let name = if is_read { "node.status-socket" } else { "node.control-socket" };
        let path = self.settings().map(|settings| settings.text(name)).filter(|path| !path.is_empty());
        path.map_or_else(|| self.place.socket(is_read), PathBuf::from)
    }

    /// A path among the settings that is set.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.settings().map(|settings| settings.text(name)).filter(|path| !path.is_empty()).map(Into::into)
    }

    /// For a line that depends on what is not known; `name` is what could not be looked at.
    pub(super) fn hint_of_ignorance(&self) -> String {
        match self.written {
            Written::Unnamed => "name the daemon with --instance NAME, or its file with --config FILE".into(),
            _ => "see the line config".into(),
        }
    }
}

impl Seen {
    fn ask(errand: &Errand<'_>) -> Result<Self, Failure> {
        let begin = Instant::now();
        let mut connection = errand.connect()?;
        let status = connection.get(Ask::Status)?;
        let took = begin.elapsed();
        let settings: Value = connection.get(Ask::Config)?;
        let list = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (mut values, mut from_file) = (BTreeMap::new(), Vec::new());
        for one in list(&settings, "settings") {
            let name = format!("{}.{}", text(&one, "section"), text(&one, "key"));
            if text(&one, "origin").starts_with('/') {
                from_file.push(name.clone());
            }
            values.insert(name, one.get("value").cloned().unwrap_or(Value::Null));
        }
        Ok(Self {
            version: connection.hello().map(|hello| hello.version.clone()).unwrap_or_default(),
            pid: connection.daemon_pid(),
            took,
            status,
            peers: connection.get(Ask::Peers)?,
            counters: counters(&mut connection)?,
            settings: Settings(values),
            from_file,
        })
    }

    /// How often something happened since the daemon's start.
    pub(super) fn count(&self, name: &str) -> u64 {
        self.counters.get(name).copied().unwrap_or(0)
    }
}

fn counters(connection: &mut Connection) -> Result<BTreeMap<String, u64>, Failure> {
    connection.get(Ask::Stats)
}

/// The daemon itself reads and checks its configuration, as the service or as whoever asks.
fn written(instance: Option<&str>, file: Option<&Path>, as_service: bool) -> Written {
    let program = match children::find("lineswarmd") {
        Ok(program) => program,
        Err(failure) => return Written::Unknown(failure.body().why),
    };
    let mut command = Command::new(&program);
    command.arg("--print-config");
    if let Some(file) = file {
        command.arg("--config").arg(file);
    }
    let name = instance.unwrap_or("default");
    // The plain unit gives no name.
    if name != "default" {
        command.args(["--instance", name]);
    }
    if as_service {
        for (variable, _) in std::env::vars_os() {
            if variable.to_str().is_some_and(|text| text.starts_with("LINESWARM_")) {
                command.env_remove(variable);
            }
        }
        command.env("STATE_DIRECTORY", format!("/var/lib/lineswarm/{name}"));
        command.env("RUNTIME_DIRECTORY", format!("/run/lineswarm/{name}"));
        // Where systemd takes the key from.
        command.env("CREDENTIALS_DIRECTORY", "/etc/credstore");
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return Written::Unknown(format!("{} can't be run: {error}", program.display())),
    };
    match output.status.code() {
        Some(0) => match read(&String::from_utf8_lossy(&output.stdout)) {
            Ok(settings) => Written::Good(settings),
            Err(error) => Written::Unknown(format!("{} prints what is no TOML: {error}", program.display())),
        },
        Some(78) => Written::Bad(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        _ => Written::Unknown(format!("{} ended with {}", program.display(), output.status)),
    }
}

fn read(text: &str) -> Result<Settings, toml::de::Error> {
    let sections: BTreeMap<String, Map<String, Value>> = toml::from_str(text)?;
    let flat = sections.into_iter().flat_map(|(section, keys)| {
        keys.into_iter().map(move |(key, value)| (format!("{section}.{key}"), value))
    });
    Ok(Settings(flat.collect()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// Settings as a test wants them.
    pub(crate) fn settings(values: &[(&str, Value)]) -> Settings {
        Settings(values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn a_printed_configuration_is_read_back() {
        let read =
            read("[node]\nname = \"a\"  # --name\n[swarm]\npeers = [\"b:1\"]\ninsecure = true\n").unwrap();
        let same = settings(&[
            ("node.name", json!("a")),
            ("swarm.peers", json!(["b:1"])),
            ("swarm.insecure", json!(true)),
        ]);
        assert_eq!(read, same);
        assert_eq!((read.text("node.name"), read.list("swarm.peers")), ("a", vec!["b:1"]));
        assert!(read.is_on("swarm.insecure") && read.text("swarm.peers").is_empty());
    }
}
