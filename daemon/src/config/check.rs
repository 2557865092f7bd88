//! What values mean, and whether they go together. Every problem is collected; none hides another.
//!
//! A check that fails puts something harmless in the value's place, so that the rest can be looked at: the
//! result counts only if no problem was found.

use super::{
    Config, Discover, Effective, Environment, ExitWhen, Network, Node, Origin, Problem, Run, SettingsFile,
    Submit, Swarm, Value,
};
use super::{shown, value};
use core::num::NonZeroU32;
use core::time::Duration;
use lineswarm_files::read::ReadError;
use lineswarm_files::strangers::Judge;
use lineswarm_proto::checks::{is_host_name, is_host_port};
use lineswarm_proto::engine::settings::{Election, InDoubt, Quorum, Server, SubmitBy, Topology, is_loopback};
use lineswarm_proto::limits;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// `sun_path` with its closing zero.
const SOCKET_PATH_BYTES: usize = 107;
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const LONGEST_GRACE: Duration = Duration::from_secs(24 * 3600);
/// The most source addresses: each is a connection to the line server.
const BIND: usize = 64;

/// Reads all settings and says what is wrong with them.
pub(super) fn check(
    effective: Vec<Effective>,
    file: SettingsFile,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> Config {
    let unusable = problems.iter().map(|problem| problem.what.clone()).collect();
    let mut checker = Checker { effective: &effective, environment, unusable, problems };
    let node = checker.node();
    let server = checker.server();
    let swarm = checker.swarm();
    let election = checker.election();
    let submit = checker.submit();
    let run = checker.run();
    Config { node, server, swarm, election, submit, run, effective, file, warnings: Vec::new() }
}

struct Checker<'a> {
    effective: &'a [Effective],
    environment: &'a Environment,
    /// Settings that have a problem already.
    unusable: BTreeSet<String>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Checker<'a> {
    fn node(&mut self) -> Node {
        let name = self.name("node", "name");
        if name.split('/').any(str::is_empty) {
            self.problem("node", "name", "a part between slashes is empty", "Write it like lab1/alice");
        }
        let state_dir = PathBuf::from(self.text("node", "state-dir"));
        if state_dir.as_os_str().is_empty() {
            let why = "there is no HOME, XDG_STATE_HOME or STATE_DIRECTORY to derive it from";
            self.problem("node", "state-dir", why, "Name a directory with --state-dir");
        }
        let control_socket = self.socket("control-socket");
        let status_socket = self.socket("status-socket");
        if !status_socket.as_os_str().is_empty() && control_socket == status_socket {
            let why = "it is the control socket's path as well";
            self.problem("node", "status-socket", why, "Give each its own path: only one may be open to all");
        }
        Node { name, state_dir, control_socket, status_socket }
    }

    fn socket(&mut self, key: &str) -> PathBuf {
        let path = self.text("node", key);
        if path.is_empty() {
            let why = "there is no XDG_RUNTIME_DIR, RUNTIME_DIRECTORY or HOME to derive it from";
            self.problem("node", key, why, &format!("Name a path with --{key}"));
        } else if path.ends_with('/') {
            self.problem("node", key, &format!("{path:?} is a directory"), "Name a path in it");
        } else if path.len() > SOCKET_PATH_BYTES {
            let why =
                format!("{path:?} has {} bytes, and a socket's path at most {SOCKET_PATH_BYTES}", path.len());
            self.problem("node", key, &why, "Choose a shorter directory");
        }
        path.into()
    }

    fn server(&mut self) -> Server {
        let address = self.text("server", "address");
        self.host_port("server", "address", address);
        let label = if self.text("server", "label").is_empty() {
            address.to_owned()
        } else {
            self.name("server", "label")
        };
        let identity = self.text("server", "identity");
        let sound =
            identity.split_once('@').is_some_and(|(entry, team)| !entry.is_empty() && !team.is_empty());
        if identity.is_empty() {
            self.needs_identity(address);
        } else if !sound || identity.contains(char::is_control) || identity.len() > limits::NAME_BYTES {
            let why = format!(
                "{identity:?} is not <entry>@<team> on one line of at most {} bytes",
                limits::NAME_BYTES
            );
            self.problem("server", "identity", &why, "Write it like entry@team");
        }
        let lines = self.count_or_auto("lines", limits::LINES);
        let pipeline = self.count_or_auto("pipeline", limits::PIPELINE);
        let rate = match self.value("server", "rate") {
            Some(Value::Number(rate)) => Some(*rate),
            _ => None,
        };
        if rate.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
            self.problem(
                "server",
                "rate",
                "a rate is more than 0 lines a second",
                "Write a number above 0, or \"auto\"",
            );
        }
        let bind = self.bind(address);
        Server { address: address.into(), label, lines, identity: identity.into(), bind, rate, pipeline }
    }

    /// Whoever submits to a server that others use must say who that is.
    fn needs_identity(&mut self, address: &str) {
        if !is_loopback(address) && self.text("submit", "by") != "nobody" {
            let why = format!("it is not set, and what is submitted to {address} is credited to it");
            let hint = "Write identity = \"<entry>@<team>\" in [server], or by = \"nobody\" in [submit]";
            self.problem("server", "identity", &why, hint);
        }
    }

    fn bind(&mut self, server: &str) -> Vec<IpAddr> {
        let mut bind = Vec::new();
        let family = server.parse::<SocketAddr>().ok().map(|server| server.is_ipv4());
        for text in self.list("server", "bind", BIND) {
            let Ok(address) = text.parse::<IpAddr>() else {
                let why = format!("{text:?} is no IP address");
                self.problem("server", "bind", &why, "Write addresses of this machine, such as 127.0.0.2");
                continue;
            };
            if family.is_some_and(|is_v4| is_v4 != address.is_ipv4()) {
                let why = format!("{address} cannot reach {server}: one is IPv4, the other IPv6");
                self.problem("server", "bind", &why, "Write addresses of the same family");
            }
            if bind.contains(&address) {
                let why = format!(
                    "{address} stands there twice, and most servers serve one connection per address"
                );
                self.problem("server", "bind", &why, "Write each address once");
            }
            bind.push(address);
        }
        bind
    }

    fn count_or_auto(&mut self, key: &str, most: u32) -> Option<NonZeroU32> {
        let Some(Value::Whole(count)) = self.value("server", key) else { return None };
        let read = u32::try_from(*count).ok().filter(|count| *count <= most).and_then(NonZeroU32::new);
        if read.is_none() {
            let why = format!("{count} is not within 1 and {most}");
            self.problem("server", key, &why, "Write a number within, or \"auto\"");
        }
        read
    }

    fn swarm(&mut self) -> Swarm {
        let id = self.name("swarm", "id");
        let listen = self.ip_port("listen", "127.0.0.1:9900").unwrap_or(NOBODY);
        let advertise = match self.text("swarm", "advertise") {
            "" => None,
            _ => self.ip_port("advertise", "192.0.2.7:9900"),
        };
        if advertise.is_some_and(|address| address.port() == 0 || address.ip().is_unspecified()) {
            self.problem(
                "swarm",
                "advertise",
                "nobody can dial that",
                "Write the address and port that peers reach",
            );
        }
        let peers = self.list("swarm", "peers", limits::PEERS).to_vec();
        for peer in &peers {
            self.host_port("swarm", "peers", peer);
        }
        let discover = self.discover(listen.port());
        let key_file = match self.text("swarm", "key-file") {
            "" => None,
            path => Some(PathBuf::from(path)),
        };
        if let Some(path) = &key_file {
            self.key_file(path);
        }
        let insecure = self.switch("swarm", "insecure");
        if key_file.is_none() && !insecure && !listen.ip().to_canonical().is_loopback() {
            let why = format!("without a key anybody who reaches {listen} could join and send wrong lines");
            let hint = "Make a key (lineswarmctl key gen) and name it in key-file, listen on 127.0.0.1, or set insecure = true";
            self.problem("swarm", "listen", &why, hint);
        }
        let allow = self.allow();
        let topology = match self.text("swarm", "topology") {
            "star" => Topology::Star,
            "ring" => Topology::Ring,
            _ => Topology::Mesh,
        };
        let max_peers =
            self.whole("swarm", "max-peers", 1, limits::PEERS as i64).and_then(|peers| peers.try_into().ok());
        let max_peers = max_peers.unwrap_or(1);
        Swarm { id, listen, advertise, peers, discover, key_file, allow, topology, max_peers, insecure }
    }

    fn discover(&mut self, own_port: u16) -> Vec<Discover> {
        let mut ways = Vec::new();
        for text in self.list("swarm", "discover", limits::PEERS) {
            let (way, of) = text.split_once(':').map_or((text.as_str(), None), |(way, of)| (way, Some(of)));
            let interface = |name: &str| (1..=15).contains(&name.len()) && !name.contains(['/', ' ']);
            ways.push(match (way, of) {
                ("host", None) => Discover::Host,
                ("multicast", None) => Discover::Multicast(None),
                ("multicast", Some(name)) if interface(name) => Discover::Multicast(Some(name.into())),
                ("dns", Some(of)) if dns(of, own_port).is_some() => {
                    dns(of, own_port).unwrap_or(Discover::Host)
                }
                _ => {
                    let hint = match super::nearest(way, ["host", "multicast", "dns"]) {
                        Some(meant) if meant != way => format!("Did you mean {meant:?}?"),
                        _ => "Write host, multicast, multicast:INTERFACE, dns:NAME or dns:NAME:PORT".into(),
                    };
                    self.problem("swarm", "discover", &format!("{text:?} is no way to find peers"), &hint);
                    continue;
                }
            });
        }
        ways
    }

    fn allow(&mut self) -> Vec<Network> {
        let mut networks = Vec::new();
        for text in self.list("swarm", "allow", limits::PEERS) {
            match text.parse() {
                Ok(network) => networks.push(network),
                Err(why) => {
                    self.problem("swarm", "allow", &format!("{text:?}: {why}"), "Write it like 10.0.0.0/8");
                }
            }
        }
        networks
    }

    fn key_file(&mut self, path: &Path) {
        let shown = shown(path);
        let again = "Make a key with lineswarmctl key gen";
        let cannot_be_read = |error: &dyn std::fmt::Display| {
            (
                format!("{shown} cannot be read: {error}"),
                "Make it with lineswarmctl key gen, readable by this user".to_owned(),
            )
        };
        let (why, hint) = match lineswarm_files::read::regular_file(path, limits::KEY_FILE_BYTES) {
            Err(ReadError::Io(error)) => cannot_be_read(&error),
            Err(ReadError::Kind(kind)) => (format!("{shown} is {kind}"), "Name a regular file".into()),
            Err(ReadError::TooLong(_)) => (format!("{shown} is too long for a key"), again.into()),
            Ok(key) if key.is_empty() => (format!("{shown} is empty"), again.into()),
            Ok(_) => {
                let judge = Judge::here(self.environment.credentials().as_deref());
                match judge.exposure(path) {
                    Ok(None) => return,
                    Ok(Some(exposure)) => (exposure.to_string(), exposure.hint()),
                    Err(error) => cannot_be_read(&error),
                }
            }
        };
        self.problem("swarm", "key-file", &why, &hint);
    }

    fn election(&mut self) -> Election {
        let quorum = match self.text("election", "quorum") {
            "majority" => Quorum::Majority,
            "available" => Quorum::Available,
            _ => Quorum::Grace,
        };
        let grace = value::span(self.text("election", "grace")).unwrap_or_default();
        if grace > LONGEST_GRACE {
            self.problem("election", "grace", "more than a day is no time to wait", "Write a time up to 24h");
        }
        let in_doubt = match self.text("election", "in-doubt") {
            "hold" => InDoubt::Hold,
            _ => InDoubt::Resubmit,
        };
        let priority = self.whole("election", "priority", i64::from(i32::MIN), i64::from(i32::MAX));
        let priority = priority.and_then(|priority| priority.try_into().ok()).unwrap_or_default();
        Election { quorum, grace, in_doubt, priority }
    }

    fn submit(&mut self) -> Submit {
        let by = match self.text("submit", "by") {
            "every-peer" => SubmitBy::EveryPeer,
            "nobody" => SubmitBy::Nobody,
            _ => SubmitBy::Master,
        };
        let output = match self.text("submit", "output") {
            "" => None,
            path => Some(PathBuf::from(path)),
        };
        if let Some(path) = &output
            && let Err(error) = lineswarm_files::write::check(path)
        {
            self.problem("submit", "output", &error.to_string(), error.hint());
        }
        Submit { by, output }
    }

    fn run(&mut self) -> Run {
        let exit_when = match self.text("run", "exit-when") {
            "done" => ExitWhen::Done,
            _ => ExitWhen::Never,
        };
        Run { autostart: self.switch("run", "autostart"), exit_when }
    }

    // What follows reads one value.

    fn entry(&self, section: &str, key: &str) -> Option<&'a Effective> {
        self.effective.iter().find(|its| its.setting.section == section && its.setting.key == key)
    }

    fn value(&self, section: &str, key: &str) -> Option<&'a Value> {
        self.entry(section, key).map(|its| &its.value)
    }

    fn problem(&mut self, section: &str, key: &str, why: &str, hint: &str) {
        if self.unusable.contains(&format!("{section}.{key}")) {
            return;
        }
        let at = self.entry(section, key).map_or(Origin::Default, |its| its.origin.clone());
        self.problems.push(Problem::new(&at, format!("{section}.{key}"), why, hint));
    }

    fn text(&self, section: &str, key: &str) -> &'a str {
        match self.value(section, key) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    fn switch(&self, section: &str, key: &str) -> bool {
        self.value(section, key) == Some(&Value::Switch(true))
    }

    fn list(&mut self, section: &str, key: &str, most: usize) -> &'a [String] {
        let list: &[String] = match self.value(section, key) {
            Some(Value::List(list)) => list,
            _ => &[],
        };
        if list.len() > most {
            let why = format!("{} entries are more than {most}", list.len());
            self.problem(section, key, &why, "Leave some out");
        }
        list.get(..most).unwrap_or(list)
    }

    fn whole(&mut self, section: &str, key: &str, least: i64, most: i64) -> Option<i64> {
        let Some(&Value::Whole(number)) = self.value(section, key) else { return None };
        if !(least..=most).contains(&number) {
            let why = format!("{number} is not within {least} and {most}");
            self.problem(section, key, &why, "Write a number within");
        }
        Some(number)
    }

    /// A name that is shown, compared and sent.
    fn name(&mut self, section: &str, key: &str) -> String {
        let name = self.text(section, key);
        if name.is_empty() || name.len() > limits::NAME_BYTES {
            let why = format!("it has {} bytes, not 1 to {}", name.len(), limits::NAME_BYTES);
            self.problem(section, key, &why, "Write a shorter name, but one");
        } else if name.contains(char::is_control) {
            self.problem(
                section,
                key,
                "it holds control characters",
                "Write it in letters, digits and signs",
            );
        }
        name.into()
    }

    fn host_port(&mut self, section: &str, key: &str, address: &str) {
        if !is_host_port(address) {
            let why = format!("{address:?} is not host:port");
            self.problem(section, key, &why, "Write it like 127.0.0.1:9801, [::1]:9801 or name:9801");
        }
    }

    fn ip_port(&mut self, key: &str, example: &str) -> Option<SocketAddr> {
        let text = self.text("swarm", key);
        let address = text.parse().ok();
        if address.is_none() {
            let why = format!("{text:?} is not IP:port");
            self.problem("swarm", key, &why, &format!("Write it like {example} or [::]:9900"));
        }
        address
    }
}

/// `NAME` or `NAME:PORT`; peers have our own port unless it says another.
fn dns(text: &str, own_port: u16) -> Option<Discover> {
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, port.parse().ok()?),
        None => (text, if own_port == 0 { 9900 } else { own_port }),
    };
    (is_host_name(name) && port != 0).then(|| Discover::Dns { name: name.into(), port })
}
