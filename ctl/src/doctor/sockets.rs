//! The two control sockets: there, with the modes that let the right people in; and whether you are one of them.

use super::scene::Scene;
use super::{Check, Level, fail, ok, warn};
use crate::accounts::{self, Access};
use crate::place::Place;
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

const STATUS: &str = "status-socket";
const CONTROL: &str = "control-socket";
const GROUP: &str = "group";

pub(super) fn check(scene: &Scene) -> Vec<Check> {
    // A socket that was named stands for both, unless the daemon says where they are.
    let paths = match (&scene.place, scene.settings()) {
        (Place::Socket(path), None) => vec![(STATUS, path.clone())],
        _ => vec![(STATUS, scene.socket(true)), (CONTROL, scene.socket(false))],
    };
    let mut checks = Vec::new();
    for (name, path) in &paths {
        let facts = std::fs::metadata(path);
        let check = judge(name, path, &facts, scene.seen().is_some());
        let asked = scene.place.socket(*name == STATUS);
        checks.push(match check {
            found if found.level != Level::Fail && scene.seen().is_none() && asked != *path => warn(
                name,
                format!("lineswarmctl asks at {}, and the settings say {}", asked.display(), path.display()),
                format!("lineswarmctl --socket {}", path.display()),
            ),
            found => found,
        });
    }
    if let Some((_, path)) = paths.iter().find(|(name, _)| *name == CONTROL)
        && let Some(access) = accounts::access_to(path)
    {
        checks.push(membership(&access));
    }
    checks
}

fn judge(name: &'static str, path: &Path, facts: &io::Result<Metadata>, answers: bool) -> Check {
    let shown = path.display();
    let facts = match facts {
        Ok(facts) if !facts.file_type().is_socket() => {
            return fail(
                name,
                format!("{shown} is no socket"),
                format!("move it away, then start the daemon: mv {shown} {shown}.old"),
            );
        }
        Ok(facts) => facts,
        Err(error) if error.kind() == ErrorKind::NotFound && answers => {
            return fail(
                name,
                format!("{shown} is gone, and the daemon runs"),
                "restart the daemon: it makes its sockets at its start",
            );
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return ok(name, format!("{shown} is not there, as no daemon runs"));
        }
        Err(error) => {
            return warn(
                name,
                format!("{shown} can't be looked at: {error}"),
                "look as root: sudo lineswarmctl doctor",
            );
        }
    };
    mode(name, &shown.to_string(), facts.mode() & 0o7777)
}

fn mode(name: &'static str, shown: &str, mode: u32) -> Check {
    let what = format!("{shown}, mode {mode:04o}");
    let restart = "restart the daemon: it makes its sockets with the right mode";
    match (name, mode & 0o777) {
        (CONTROL, bits) if bits & 0o002 != 0 => {
            fail(name, format!("{what}: everybody may change things"), restart)
        }
        (CONTROL, bits) if bits & 0o020 == 0 => {
            warn(name, format!("{what}: its group may not use it"), restart)
        }
        (STATUS, bits) if bits & 0o002 == 0 => warn(name, format!("{what}: not everybody may look"), restart),
        _ => ok(name, what),
    }
}

/// May you change things?
fn membership(access: &Access) -> Check {
    let Access { me, owner, may_write, is_listed } = access;
    if *may_write {
        return ok(GROUP, format!("{me} may change things (group {})", owner.group));
    }
    let what = format!("{me} may look, and not change anything: that takes the group {}", owner.group);
    if *is_listed {
        return warn(GROUP, format!("{what}, of which this session does not know yet"), "log in again");
    }
    if owner.gid == 0 || owner.mode & 0o020 == 0 {
        let owner = &owner.user;
        return warn(
            GROUP,
            format!("{me} may look; only {owner} may change things"),
            format!("sudo -u {owner} lineswarmctl ..."),
        );
    }
    warn(GROUP, what, format!("sudo usermod -aG {} {me}, then log in again", owner.group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::SocketOwner;

    #[test]
    fn each_wrong_mode_is_seen() {
        for (name, bits, level) in [
            (CONTROL, 0o660, Level::Ok),
            (CONTROL, 0o666, Level::Fail),
            (CONTROL, 0o600, Level::Warn),
            (STATUS, 0o666, Level::Ok),
            (STATUS, 0o660, Level::Warn),
        ] {
            assert_eq!(mode(name, "x.sock", bits).level, level, "{name} {bits:o}");
        }
    }

    #[test]
    fn a_file_in_the_way_or_a_socket_that_is_gone_fails() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("control.sock");
        let look = |answers| judge(CONTROL, &path, &std::fs::metadata(&path), answers).level;
        assert_eq!((look(false), look(true)), (Level::Ok, Level::Fail));
        std::fs::write(&path, "").unwrap();
        assert_eq!(look(false), Level::Fail);
        std::fs::remove_file(&path).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_ne!(look(true), Level::Fail);
    }

    #[test]
    fn who_may_only_look_is_told_what_helps() {
        let owner = |gid, mode| SocketOwner { user: "root".into(), group: "lineswarm".into(), gid, mode };
        let hint = |gid, mode, is_listed| {
            let access = Access { me: "eve".into(), owner: owner(gid, mode), may_write: false, is_listed };
            membership(&access).hint.unwrap()
        };
        assert_eq!(hint(99, 0o660, false), "sudo usermod -aG lineswarm eve, then log in again");
        assert_eq!(hint(99, 0o660, true), "log in again");
        assert_eq!(hint(0, 0o660, false), "sudo -u root lineswarmctl ...");
        let mine = Access { me: "root".into(), owner: owner(0, 0o660), may_write: true, is_listed: false };
        assert_eq!(membership(&mine).level, Level::Ok);
    }
}
