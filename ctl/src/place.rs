//! Where the daemon's sockets are.
//!
//! A flag beats the environment, which beats the places where a daemon puts them: $RUNTIME_DIRECTORY/NAME,
//! /run/lineswarm/NAME, the user's runtime directory, and the user's state. Where several of these have a socket, the first
//! daemon that answers is meant: a socket may be left from one that was killed. One choice holds for reads and changes.

use crate::args::Global;
use crate::client;
use crate::failure::Failure;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// One daemon to talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This very socket, for everything.
    Socket(PathBuf),
    /// The two sockets of an instance.
    Instance { name: String, directory: PathBuf },
}

impl Place {
    /// The socket for a read or for a change.
    #[must_use]
    pub fn socket(&self, is_read: bool) -> PathBuf {
        match self {
            Self::Socket(path) => path.clone(),
            Self::Instance { directory, .. } => {
                directory.join(if is_read { "status.sock" } else { "control.sock" })
            }
        }
    }

    /// The instance's name, if it is known.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        match self {
            Self::Socket(_) => None,
            Self::Instance { name, .. } => Some(name),
        }
    }
}

/// The directories that hold one directory for each instance.
#[derive(Debug)]
pub struct Roots {
    /// Where to look, in order.
    pub places: Vec<PathBuf>,
    /// Where an instance of this user would be that is nowhere.
    pub own: PathBuf,
}

impl Roots {
    /// Those of this machine and user.
    #[must_use]
    pub fn here() -> Self {
        let uid = rustix::process::geteuid();
        let variable = |name| {
            let value = PathBuf::from(std::env::var_os(name)?);
            value.is_absolute().then_some(value)
        };
        let system = PathBuf::from("/run");
        let session = PathBuf::from(format!("/run/user/{}", uid.as_raw()));
        // Without a runtime directory the sockets stand beside the state.
        let state = || variable("HOME").map(|home| home.join(".local/state"));
        let user = [
            variable("XDG_RUNTIME_DIR"),
            session.is_dir().then_some(session),
            variable("XDG_STATE_HOME").or_else(state),
        ];
        let user: Vec<PathBuf> = user.into_iter().flatten().collect();
        let own = if uid.is_root() { &system } else { user.first().unwrap_or(&system) };
        let own = own.join("lineswarm");
        let mut places = vec![system];
        places.extend(user);
        places.iter_mut().for_each(|place| place.push("lineswarm"));
        // As systemd has it, and whoever wants the sockets elsewhere.
        places.splice(..0, variable("RUNTIME_DIRECTORY"));
        Self { places, own }
    }

    /// The one place that the arguments and `LINESWARM_SOCKET` name.
    #[must_use]
    pub fn one(&self, global: &Global, environment: Option<PathBuf>) -> Place {
        if let Some(socket) = &global.socket {
            return Place::Socket(socket.clone());
        }
        match (&global.instance, environment) {
            (None, Some(socket)) => Place::Socket(socket),
            (name, _) => self.instance(name.as_deref().unwrap_or("default")),
        }
    }

    fn instance(&self, name: &str) -> Place {
        let places: Vec<PathBuf> = self.places.iter().map(|root| root.join(name)).collect();
        let with_socket: Vec<&PathBuf> =
            places.iter().filter(|place| may_exist(&place.join("status.sock"))).collect();
        let several = with_socket.len() > 1;
        let answering = with_socket
            .iter()
            .copied()
            .filter(|_| several)
            .find(|place| client::answers(&place.join("status.sock")));
        let directory = answering
            .or_else(|| with_socket.first().copied())
            .or_else(|| places.iter().find(|place| may_exist(place)))
            .cloned()
            .unwrap_or_else(|| self.own.join(name));
        Place::Instance { name: name.into(), directory }
    }

    /// Each instance that has a socket, by name.
    pub fn all(&self) -> Result<Vec<Place>, Failure> {
        let mut found = BTreeSet::new();
        for root in &self.places {
            for entry in fs::read_dir(root).into_iter().flatten().flatten() {
                let directory = entry.path();
                let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
                if may_exist(&directory.join("status.sock")) || may_exist(&directory.join("control.sock")) {
                    found.insert(name);
                }
            }
        }
        if found.is_empty() {
            return Err(Failure::NoInstance { places: self.places.clone() });
        }
        Ok(found.iter().map(|name| self.instance(name)).collect())
    }
}

/// The place that the arguments and the environment name, as it is now.
#[must_use]
pub fn named(global: &Global) -> Place {
    let environment = std::env::var_os("LINESWARM_SOCKET").filter(|value| !value.is_empty());
    Roots::here().one(global, environment.map(Into::into))
}

/// Only a clear "no" counts: what may not be looked at is there for the error message of connecting to it.
fn may_exist(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(socket: Option<&str>, instance: Option<&str>) -> Global {
        Global {
            socket: socket.map(PathBuf::from),
            instance: instance.map(str::to_owned),
            all: false,
            timeout: None,
            json: false,
            quiet: false,
        }
    }

    fn roots(at: &Path, is_root: bool) -> Roots {
        let (system, user) = (at.join("run"), at.join("user"));
        Roots { own: if is_root { system.clone() } else { user.clone() }, places: vec![system, user] }
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_default() {
        let at = tempfile::tempdir().unwrap();
        let roots = roots(at.path(), false);
        let env = || Some(PathBuf::from("/env.sock"));
        let flag = Place::Socket(PathBuf::from("/flag.sock"));
        assert_eq!(roots.one(&global(Some("/flag.sock"), Some("bob")), env()), flag);
        assert_eq!(roots.one(&global(None, None), env()), Place::Socket(PathBuf::from("/env.sock")));
        assert_eq!(roots.one(&global(None, Some("bob")), env()).instance(), Some("bob"));
        assert_eq!(roots.one(&global(None, None), None).instance(), Some("default"));
    }

    #[test]
    fn an_instance_is_looked_for_in_the_system_first_and_then_with_the_user() {
        let at = tempfile::tempdir().unwrap();
        let socket = |roots: &Roots| roots.instance("a").socket(true);
        let (user, root) = (roots(at.path(), false), roots(at.path(), true));
        assert_eq!(socket(&user), at.path().join("user/a/status.sock"));
        assert_eq!(socket(&root), at.path().join("run/a/status.sock"));
        fs::create_dir_all(at.path().join("run/a")).unwrap();
        assert_eq!(socket(&user), at.path().join("run/a/status.sock"));
        fs::create_dir_all(at.path().join("user/a")).unwrap();
        fs::write(at.path().join("user/a/status.sock"), "").unwrap();
        assert_eq!(socket(&user), at.path().join("user/a/status.sock"));
    }

    #[test]
    fn all_finds_each_instance_with_a_socket_once() {
        let at = tempfile::tempdir().unwrap();
        let roots = roots(at.path(), false);
        assert!(matches!(roots.all(), Err(Failure::NoInstance { .. })));
        for socket in ["run/b/status.sock", "run/a/control.sock", "user/b/status.sock", "user/empty/x"] {
            let path = at.path().join(socket);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let names: Vec<_> = roots.all().unwrap().iter().map(|place| place.socket(false)).collect();
        assert_eq!(names, [at.path().join("run/a/control.sock"), at.path().join("run/b/control.sock")]);
    }
}
