//! Defaults that depend on who runs the daemon and as which instance: names, directories, sockets, addresses.
//!
//! Nothing here is decided by the file: what the user sets goes before all of it.

use super::host::node_name;
use super::table::Setting;
use lineswarm_files::path::usable_home;
use lineswarm_proto::engine::settings::is_loopback;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What the process was started with. Handed in, so that tests can have another one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) variables: BTreeMap<String, String>,
    /// The names of variables that are not UTF-8: no path or setting is made of them.
    pub(crate) unreadable: Vec<String>,
    pub(crate) uid: u32,
    /// The host's name, as the kernel has it.
    pub(crate) host: String,
    pub(crate) machine_id: Option<String>,
    /// Where `lineswarm/NAME.toml` is looked for.
    pub(crate) etc: PathBuf,
    /// The working directory, from which relative paths go on.
    pub(crate) directory: PathBuf,
}

impl Environment {
    /// This process's own.
    pub(crate) fn of_process() -> Self {
        let (mut variables, mut unreadable) = (BTreeMap::new(), Vec::new());
        for (name, value) in std::env::vars_os() {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => drop(variables.insert(name, value)),
                (Ok(name), Err(_)) => unreadable.push(name),
                (Err(name), _) => unreadable.push(name.to_string_lossy().into_owned()),
            }
        }
        Self {
            variables,
            unreadable,
            uid: rustix::process::geteuid().as_raw(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            machine_id: std::fs::read_to_string("/etc/machine-id").ok(),
            etc: "/etc".into(),
            // Without one, relative paths stay what they are.
            directory: std::env::current_dir().unwrap_or_default(),
        }
    }

    /// What a leading `~` stands for.
    pub(super) fn home(&self) -> Option<PathBuf> {
        usable_home(self.variables.get("HOME")?.as_ref())
    }

    /// Where the service manager put what it handed to this service.
    pub(crate) fn credentials(&self) -> Option<PathBuf> {
        self.path("CREDENTIALS_DIRECTORY")
    }

    /// The file that an instance reads when none is named.
    pub(crate) fn file_of(&self, instance: &str) -> PathBuf {
        self.etc.join("lineswarm").join(format!("{instance}.toml"))
    }

    /// An absolute path in a variable; others are ignored, as XDG demands.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = Path::new(self.get(name)?);
        path.is_absolute().then(|| path.into())
    }

    /// The directory that systemd made for this service.
    fn of_service(&self, name: &str, instance: &str) -> Option<PathBuf> {
        let paths = || self.get(name).into_iter().flat_map(|all| all.split(':')).map(Path::new);
        let is_own = |path: &&Path| path.file_name().is_some_and(|last| last == instance);
        match paths().filter(|path| path.is_absolute()).find(is_own) {
            Some(own) => Some(own.into()),
            None => paths().find(|path| path.is_absolute()).map(|path| path.join(instance)),
        }
    }

    /// A secret that the service manager gave to this service.
    fn credential(&self, name: &str) -> Option<PathBuf> {
        let path = self.credentials()?.join(name);
        path.is_file().then_some(path)
    }

    fn is_system(&self) -> bool {
        self.uid == 0
    }

    fn state_dir(&self, instance: &str) -> Option<PathBuf> {
        let own = Path::new("lineswarm").join(instance);
        self.of_service("STATE_DIRECTORY", instance).or_else(|| {
            let base = if self.is_system() {
                Some("/var/lib".into())
            } else {
                self.path("XDG_STATE_HOME").or_else(|| Some(self.path("HOME")?.join(".local/state")))
            };
            Some(base?.join(own))
        })
    }

    /// Without a runtime directory the sockets stand in the state directory, which is as private.
    fn runtime_dir(&self, instance: &str) -> Option<PathBuf> {
        let own = Path::new("lineswarm").join(instance);
        self.of_service("RUNTIME_DIRECTORY", instance).or_else(|| {
            let base = if self.is_system() {
                Some("/run".into())
            } else {
                self.path("XDG_RUNTIME_DIR").or_else(|| {
                    let made = PathBuf::from(format!("/run/user/{}", self.uid));
                    made.metadata().is_ok_and(|its| its.is_dir() && its.uid() == self.uid).then_some(made)
                })
            };
            base.map(|base| base.join(own)).or_else(|| self.state_dir(instance))
        })
    }
}

/// The instance: one of several daemons on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) name: String,
    /// `--instance` was given.
    pub(crate) named: bool,
}

/// The default of `setting`, where it depends on more than the table. `server` is the line server's address.
pub(crate) fn default(
    setting: &Setting,
    environment: &Environment,
    instance: &Instance,
    server: &str,
) -> Option<String> {
    let name = &instance.name;
    let shown = |path: Option<PathBuf>| Some(path.map_or(String::new(), |path| path.display().to_string()));
    let socket = |file| shown(environment.runtime_dir(name).map(|dir| dir.join(file)));
    match (setting.section, setting.key) {
        ("node", "name") => {
            let host = node_name(&environment.host, environment.machine_id.as_deref());
            Some(if instance.named { format!("{host}/{name}") } else { host })
        }
        ("node", "state-dir") => shown(environment.state_dir(name)),
        ("node", "control-socket") => socket("control.sock"),
        ("node", "status-socket") => socket("status.sock"),
        ("swarm", "key-file") => environment.credential("swarm.key").map(|path| path.display().to_string()),
        ("swarm", "listen") if instance.named => Some("127.0.0.1:0".into()),
        ("swarm", "discover") if instance.named => Some("host".into()),
        ("server", "bind") if instance.named && is_loopback_v4(server) => Some(own_address(name).to_string()),
        _ => None,
    }
}

fn is_loopback_v4(server: &str) -> bool {
    let is_v6 = server.parse::<SocketAddr>().is_ok_and(|address| address.is_ipv6());
    is_loopback(server) && !is_v6
}

/// An address that instances with other names probably do not have; names that differ in their last
/// character never do.
fn own_address(name: &str) -> Ipv4Addr {
    let hash = name.bytes().fold(0u32, |hash, byte| (hash * 25 + u32::from(byte)) % 253);
    // 127.0.0.0, .1 and .255 are left out.
    Ipv4Addr::new(127, 0, 0, u8::try_from(hash + 2).unwrap_or(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn environment(uid: u32, variables: &[(&str, &str)]) -> Environment {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Environment { variables, uid, etc: "/nowhere".into(), ..Environment::default() }
    }

    fn places(environment: &Environment, instance: &str) -> (String, String) {
        let state = environment.state_dir(instance).unwrap_or_default();
        let runtime = environment.runtime_dir(instance).unwrap_or_default();
        (state.display().to_string(), runtime.display().to_string())
    }

    fn pair(state: &str, runtime: &str) -> (String, String) {
        (state.into(), runtime.into())
    }

    #[test]
    fn root_lives_in_var_lib_and_run() {
        assert_eq!(
            places(&environment(0, &[("HOME", "/root")]), "a"),
            pair("/var/lib/lineswarm/a", "/run/lineswarm/a")
        );
    }

    #[test]
    fn a_service_lives_in_the_directories_that_systemd_made() {
        let dirs =
            [("STATE_DIRECTORY", "/var/lib/lineswarm"), ("RUNTIME_DIRECTORY", "/run/lineswarm/a:/run/x")];
        assert_eq!(places(&environment(990, &dirs), "a"), pair("/var/lib/lineswarm/a", "/run/lineswarm/a"));
    }

    #[test]
    fn the_swarm_key_is_the_credential_of_the_service_if_there_is_one() {
        let credentials = tempfile::tempdir().unwrap();
        let path = credentials.path().to_str().unwrap();
        let environment = environment(990, &[("CREDENTIALS_DIRECTORY", path)]);
        assert_eq!(environment.credential("swarm.key"), None);
        std::fs::write(credentials.path().join("swarm.key"), "secret").unwrap();
        assert_eq!(environment.credential("swarm.key"), Some(credentials.path().join("swarm.key")));
    }

    #[test]
    fn other_users_live_where_xdg_says_with_fallbacks() {
        let most = u32::MAX - 7;
        let xdg = [("XDG_STATE_HOME", "/s"), ("XDG_RUNTIME_DIR", "/r"), ("HOME", "/h")];
        assert_eq!(places(&environment(most, &xdg), "a"), pair("/s/lineswarm/a", "/r/lineswarm/a"));
        let relative = [("XDG_STATE_HOME", "s"), ("HOME", "/h")];
        let home = "/h/.local/state/lineswarm/a";
        assert_eq!(places(&environment(most, &relative), "a"), pair(home, home));
        assert_eq!(places(&environment(most, &[]), "a"), pair("", ""));
    }

    #[test]
    fn neighbouring_instances_draw_from_different_addresses() {
        for names in
            [(0..10).map(|n| format!("peer{n}")).collect::<Vec<_>>(), ('a'..='z').map(String::from).collect()]
        {
            let addresses: BTreeSet<_> = names.iter().map(|name| own_address(name)).collect();
            assert_eq!(addresses.len(), names.len());
            assert!(addresses.iter().all(|address| (2..=254).contains(&address.octets()[3])));
        }
        assert!(is_loopback_v4("127.0.0.1:9801") && is_loopback_v4("localhost:9801"));
        assert!(
            !is_loopback_v4("10.0.0.1:9801")
                && !is_loopback_v4("[::1]:9801")
                && !is_loopback_v4("server:9801")
        );
    }
}
