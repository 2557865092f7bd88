//! The daemon's configuration: gathered from flags, environment, file and defaults, then checked as a whole.
//!
//! [`Config::load`] gives a configuration that can be run, or every problem at once, each with its hint. It keeps
//! where each value came from. Invariant: a `Config` has passed every check.

mod check;
mod file;
mod host;
mod network;
mod places;
mod table;
mod value;
mod variables;

use crate::args::Args;
use lineswarm_files::path::expand_setting;
use lineswarm_files::read::ReadError;
use lineswarm_proto::engine::settings::{self, SubmitBy, Topology};
use lineswarm_proto::ids::PeerId;
use lineswarm_proto::limits;
pub(crate) use network::Network;
pub(crate) use places::Environment;
use places::Instance;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
pub(crate) use table::{Kind, SETTINGS, Setting, nearest};
pub(crate) use value::Value;

/// A configuration without problems.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) node: Node,
    /// As the engine takes it; the label is filled in.
    pub(crate) server: settings::Server,
    pub(crate) swarm: Swarm,
    pub(crate) election: settings::Election,
    pub(crate) submit: Submit,
    pub(crate) run: Run,
    effective: Vec<Effective>,
    /// What was passed over, as log lines.
    pub(crate) warnings: Vec<String>,
    file: SettingsFile,
}

/// What a configuration's file was like when it was read, to see whether it is still one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SettingsFile {
    is_there: bool,
    /// How many settings stand in it.
    settings: usize,
}

/// `[node]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) state_dir: PathBuf,
    pub(crate) control_socket: PathBuf,
    pub(crate) status_socket: PathBuf,
}

/// `[swarm]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swarm {
    pub(crate) id: String,
    pub(crate) listen: SocketAddr,
    /// `None`: the address that we listen on.
    pub(crate) advertise: Option<SocketAddr>,
    /// `host:port`
    pub(crate) peers: Vec<String>,
    pub(crate) discover: Vec<Discover>,
    /// Readable, private and not empty when it was checked.
    pub(crate) key_file: Option<PathBuf>,
    /// Empty: everybody.
    pub(crate) allow: Vec<Network>,
    pub(crate) topology: Topology,
    pub(crate) max_peers: usize,
    pub(crate) insecure: bool,
}

impl Swarm {
    /// May a peer at this address come in, or be dialled because it was found?
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        self.allow.is_empty() || self.allow.iter().any(|network| network.contains(address))
    }
}

/// One entry of `swarm.discover`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Discover {
    /// Instances on this host, through their runtime directories.
    Host,
    /// LAN multicast, on every interface or on one.
    Multicast(Option<String>),
    /// The A and AAAA records of a name; peers listen on this port.
    Dns { name: String, port: u16 },
}

/// `[submit]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Submit {
    pub(crate) by: SubmitBy,
    pub(crate) output: Option<PathBuf>,
}

/// `[run]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) autostart: bool,
    pub(crate) exit_when: ExitWhen,
}

/// `run.exit-when`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitWhen {
    Never,
    /// Submitted, the own map complete, and what peers still need pushed.
    Done,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// Path and line, counted from 1.
    File(PathBuf, usize),
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// What a reload may change while the daemon runs; [`Config::take_changeable`] takes it over.
pub(crate) const CHANGEABLE: [(&str, &str); 4] =
    [("server", "rate"), ("swarm", "peers"), ("swarm", "allow"), ("run", "exit-when")];

/// A setting's value in force.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effective {
    pub(crate) setting: &'static Setting,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) at: Origin,
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) hint: String,
}

impl Problem {
    fn new(at: &Origin, what: impl Into<String>, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { at: at.clone(), what: what.into(), why: why.into(), hint: hint.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, what, why, hint } = self;
        let end = if hint.ends_with(['?', '.']) { "" } else { "." };
        write!(f, "{at}: {what}: {why}. {hint}{end}")
    }
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub(crate) struct ConfigError {
    pub(crate) problems: Vec<Problem>,
}

impl Config {
    /// Gathers and checks, at a start.
    pub(crate) fn load(args: &Args, environment: &Environment) -> Result<Self, ConfigError> {
        Self::gathered(args, environment, None)
    }

    /// The same for a reload, while the configuration `self` is in force. What protected it must still be there: a file
    /// that is gone or emptied, or a key that is no longer handed out, is a problem, and never "no protection".
    pub(crate) fn load_again(&self, args: &Args, environment: &Environment) -> Result<Self, ConfigError> {
        Self::gathered(args, environment, Some(self))
    }

    fn gathered(args: &Args, environment: &Environment, before: Option<&Self>) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let instance = Instance {
            name: args.instance.clone().unwrap_or_else(|| "default".into()),
            named: args.instance.is_some(),
        };
        let (path, text) = read_file(args, environment, &instance, before, &mut problems);
        let is_there = text.is_some();
        let placed = text.map(|text| file::read(&path, &text, &mut problems)).unwrap_or_default();
        let file = SettingsFile { is_there, settings: placed.len() };
        if problems.is_empty()
            && let Some(emptied) = before.and_then(|before| before.file.emptied(file, &path))
        {
            problems.push(emptied);
        }
        let set = gather(placed, args, environment, &mut problems);
        let mut effective = with_defaults(set, environment, &instance);
        whole_paths(&mut effective, environment, &mut problems);
        let warnings = variables::judge(environment, &mut problems);
        let checked = Self { warnings, ..check::check(effective, file, environment, &mut problems) };
        if let Some(before) = before {
            problems.extend(before.key_gone(&checked));
        }
        if problems.is_empty() {
            Ok(checked)
        } else {
            // In the order of the file.
            problems.sort_by_key(|problem| match problem.at {
                Origin::File(_, line) => line,
                _ => usize::MAX,
            });
            Err(ConfigError { problems })
        }
    }

    /// The key was handed to the service, and is no longer.
    fn key_gone(&self, now: &Self) -> Option<Problem> {
        let (before, is_gone) = (self.swarm.key_file.as_ref()?, now.swarm.key_file.is_none());
        let entry = now.effective.iter().find(|its| its.setting.name() == "swarm.key-file")?;
        (is_gone && entry.origin == Origin::Default).then(|| {
            let why = format!("{} is no longer there", before.display());
            let hint = "Put the key back; to go on without one, restart the daemon";
            Problem::new(&entry.origin, entry.setting.name(), why, hint)
        })
    }

    /// What the engine is told.
    pub(crate) fn settings(&self, id: PeerId) -> settings::Settings {
        let Swarm { id: swarm, advertise, peers, topology, max_peers, .. } = self.swarm.clone();
        settings::Settings {
            name: self.node.name.clone(),
            id,
            server: self.server.clone(),
            swarm: settings::Swarm { id: swarm, advertise, peers, topology, max_peers },
            election: self.election,
            submit_by: self.submit.by,
            autostart: self.run.autostart,
        }
    }

    /// Every setting with its value and origin, for `config show`.
    pub(crate) fn effective(&self) -> &[Effective] {
        &self.effective
    }

    /// The settings that `other` has another value for, for `config diff` and reload: (ours, theirs).
    pub(crate) fn differences<'a>(&'a self, other: &'a Self) -> Vec<(&'a Effective, &'a Effective)> {
        let pairs = self.effective.iter().zip(&other.effective);
        pairs.filter(|(ours, theirs)| ours.value != theirs.value).collect()
    }

    /// Takes over from `new` what may change while the daemon runs.
    pub(crate) fn take_changeable(&mut self, new: Self) {
        self.server.rate = new.server.rate;
        self.swarm.peers = new.swarm.peers;
        self.swarm.allow = new.swarm.allow;
        self.run.exit_when = new.run.exit_when;
        for (ours, theirs) in self.effective.iter_mut().zip(new.effective) {
            if CHANGEABLE.contains(&(ours.setting.section, ours.setting.key)) {
                *ours = theirs;
            }
        }
    }

    /// The whole configuration as a file that reads back to the same.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for Effective { setting, value, origin } in &self.effective {
            if setting.section != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                text += &format!("{gap}[{}]\n", setting.section);
                section = setting.section;
            }
            let from = match origin {
                Origin::Default => String::new(),
                // A comment ends with its line.
                other => format!("  # {}", other.to_string().replace(char::is_control, "?")),
            };
            text += &format!("{} = {value}{from}\n", setting.key);
        }
        text
    }
}

impl SettingsFile {
    /// `now` has no setting, and this had some. Comments alone are as empty as nothing.
    fn emptied(self, now: Self, path: &Path) -> Option<Problem> {
        (now.is_there && now.settings == 0 && self.settings > 0).then(|| {
            let why = match self.settings {
                1 => "no setting stands in it any more".to_owned(),
                count => format!("none of its {count} settings stands in it any more"),
            };
            let hint = "Write them again; to run on defaults, restart the daemon";
            Problem::new(&Origin::File(path.into(), 1), FILE, why, hint)
        })
    }
}

const FILE: &str = "the configuration file";

/// The configuration file's path and text; a file that was not asked for need not exist, unless it did.
fn read_file(
    args: &Args,
    environment: &Environment,
    instance: &Instance,
    before: Option<&Config>,
    problems: &mut Vec<Problem>,
) -> (PathBuf, Option<String>) {
    let path = args.config.clone().unwrap_or_else(|| environment.file_of(&instance.name));
    let read = match before {
        // There is nothing else to do yet: a file may be a pipe that somebody still writes to.
        None => lineswarm_files::read::anything(&path, limits::CONFIG_BYTES),
        Some(_) => lineswarm_files::read::regular_file(&path, limits::CONFIG_BYTES),
    };
    let was_there = before.is_some_and(|before| before.file.is_there);
    let (why, hint) = match read {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => return (path, Some(text)),
            Err(_) => ("it is not UTF-8".into(), "Write it in UTF-8"),
        },
        Err(error) if error.is_not_found() && args.config.is_none() && !was_there => return (path, None),
        Err(error) if error.is_not_found() && was_there => {
            ("it is no longer there".into(), "Put it back; to run on defaults, restart the daemon")
        }
        Err(error @ ReadError::Kind(_)) if before.is_some() => {
            (error.to_string(), "Put a regular file there; other files can be read at a start only")
        }
        Err(error) => {
            (error.to_string(), "Name a readable file with --config, or leave it out to run on defaults")
        }
    };
    problems.push(Problem::new(&Origin::File(path.clone(), 1), FILE, why, hint));
    (path, None)
}

/// Paths as the process takes them: `~/` expanded, and from the root on.
fn whole_paths(effective: &mut [Effective], environment: &Environment, problems: &mut Vec<Problem>) {
    let home = environment.home();
    for Effective { setting, value, origin } in effective {
        let Value::Text(text) = value else { continue };
        if setting.kind != Kind::Path || text.is_empty() {
            continue;
        }
        let path = match expand_setting(Path::new(&*text), home.as_deref()) {
            Ok(path) => path,
            Err(error) => {
                problems.push(Problem::new(origin, setting.name(), error.to_string(), error.hint()));
                continue;
            }
        };
        // Services are started there, and nobody means the root directory by a relative path.
        if path.is_relative() && environment.directory == Path::new("/") && matches!(origin, Origin::File(..))
        {
            let why = format!("{text:?} is relative, and the daemon was started in the directory /");
            problems.push(Problem::new(
                origin,
                setting.name(),
                why,
                "Write the whole path, or one that begins with ~/",
            ));
            continue;
        }
        // A working directory that is no text can't be a part of one: then the path stays relative.
        let whole = environment.directory.join(path.strip_prefix(".").unwrap_or(&path));
        if let Some(whole) = whole.to_str() {
            *text = whole.to_owned();
        }
    }
}

/// What the user set, the stronger source after the weaker.
fn gather(
    placed: Vec<file::Placed>,
    args: &Args,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> Vec<Effective> {
    let mut set: Vec<_> =
        placed.into_iter().map(|(setting, value, origin)| Effective { setting, value, origin }).collect();
    let mut read = |setting: &'static Setting, words: &[String], origin: Origin| match value::from_words(
        setting.kind,
        words,
    ) {
        Ok(value) => set.push(Effective { setting, value, origin }),
        Err(mismatch) => problems.push(Problem::new(&origin, setting.name(), mismatch.why, mismatch.hint)),
    };
    for setting in SETTINGS {
        let name = setting.variable();
        if let Some(word) = environment.get(&name) {
            read(setting, &[word.to_owned()], Origin::Environment(name));
        }
    }
    for (setting, words) in &args.settings {
        read(setting, words, Origin::Flag(setting.flag().into()));
    }
    set
}

/// One value for each setting, in the table's order.
fn with_defaults(set: Vec<Effective>, environment: &Environment, instance: &Instance) -> Vec<Effective> {
    let chosen = |wanted: &Setting| set.iter().rev().find(|its| its.setting == wanted).cloned();
    let server = table::find("server", "address").map(|setting| match chosen(setting) {
        Some(Effective { value: Value::Text(address), .. }) => address,
        _ => setting.default.to_owned(),
    });
    let server = server.unwrap_or_default();
    let fill = |setting: &'static Setting| {
        chosen(setting).unwrap_or_else(|| {
            let word = places::default(setting, environment, instance, &server);
            let word = word.unwrap_or_else(|| setting.default.to_owned());
            // That every default of the table is of its kind is tested.
            let value = value::from_words(setting.kind, &[word]).unwrap_or(Value::Auto);
            Effective { setting, value, origin: Origin::Default }
        })
    };
    SETTINGS.iter().map(fill).collect()
}

/// May `name` be an instance? It becomes a part of paths.
pub(crate) fn is_instance_name(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(sound) && !name.starts_with('.')
}

/// The file's name, for messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
