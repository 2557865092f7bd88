//! The state directory: there, private, writable by the daemon, with room, and held by the daemon that answers.
//!
//! The lock is only looked at: taking it, even for a moment, could turn a starting daemon away.

use super::scene::Scene;
use super::{Check, fail, ok, warn};
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};
use rustix::process::{Pid, test_kill_process};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const NAME: &str = "state-dir";
const SPACE: &str = "state-space";
const LOCK: &str = "state-lock";
/// The store says "disk full" soon below this.
const FEW_BYTES: u64 = 1024 * 1024;
const LITTLE_ROOM: u64 = 64 * 1024 * 1024;

pub(super) fn check(scene: &Scene) -> Vec<Check> {
    let Some(path) = scene.path("node.state-dir") else {
        return vec![warn(NAME, "not looked at: it is not known which it is", scene.hint_of_ignorance())];
    };
    let mut checks = vec![directory(&path, scene)];
    if let Ok(room) = statvfs(existing(&path)) {
        let nodes = (room.f_files > 0).then_some(room.f_favail);
        checks.push(space(room.f_bavail.saturating_mul(room.f_frsize), nodes));
    }
    match fs::read_to_string(path.join("lineswarmd.pid")) {
        Ok(text) => checks.push(lock(text.trim().parse().ok(), is_daemon, scene.seen().map(|seen| seen.pid))),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => checks.push(warn(
            LOCK,
            format!("who holds it can't be seen: {error}"),
            "look as root: sudo lineswarmctl doctor",
        )),
    }
    checks
}

/// The path itself, or what it would be made in.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|path| path.exists()).unwrap_or(path)
}

fn directory(path: &Path, scene: &Scene) -> Check {
    let shown = path.display();
    let facts = match fs::metadata(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return match scene.seen() {
                Some(_) => fail(
                    NAME,
                    format!("{shown} is gone, and the daemon runs: nothing is stored any more"),
                    "restart the daemon: it makes it anew, and draws again what is lost",
                ),
                None => ok(NAME, format!("{shown} is not there yet; the first start makes it")),
            };
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return ok(NAME, format!("{shown} is closed to you, as it should be (sudo shows more)"));
        }
        Err(error) => {
            return fail(NAME, format!("{shown}: {error}"), "name another directory: node.state-dir");
        }
    };
    if !facts.is_dir() {
        return fail(
            NAME,
            format!("{shown} is no directory"),
            "move it away, or name another one: node.state-dir",
        );
    }
    let read_only = statvfs(path).is_ok_and(|room| room.f_flag.contains(StatVfsMountFlags::RDONLY));
    // The daemon's user owns its sockets. Without a daemon it is whoever asks, unless systemd gives the directory away.
    let writer = scene.seen().and_then(|_| fs::metadata(scene.socket(true)).ok()).map(|facts| facts.uid());
    let may_write = match writer {
        Some(uid) => uid == 0 || (uid == facts.uid() && facts.mode() & 0o300 == 0o300),
        None => scene.systemd.runs(&scene.place) || access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
    };
    judge(&shown.to_string(), facts.mode() & 0o7777, read_only, may_write)
}

fn judge(shown: &str, mode: u32, is_read_only: bool, may_write: bool) -> Check {
    if is_read_only {
        return fail(
            NAME,
            format!("{shown} is on a file system that is mounted read-only"),
            "mount it writable, or set node.state-dir",
        );
    }
    if !may_write {
        return fail(
            NAME,
            format!("the daemon may not write to {shown} (mode {mode:04o})"),
            format!("give it to the daemon's user: chown -R USER {shown}; chmod 700 {shown}"),
        );
    }
    if mode & 0o077 != 0 {
        return warn(
            NAME,
            format!("{shown} is open to others (mode {mode:04o})"),
            format!("chmod 700 {shown}"),
        );
    }
    ok(NAME, format!("{shown}, mode {mode:04o}, writable"))
}

fn space(free: u64, nodes: Option<u64>) -> Check {
    let mib = free as f64 / (1024.0 * 1024.0);
    let hint = "free some space, or move node.state-dir; lines not on disk are drawn again after a restart";
    match nodes {
        _ if free < FEW_BYTES => fail(SPACE, format!("the disk is full: {mib:.1} MiB free"), hint),
        Some(0) => fail(SPACE, "the disk has no inode left", hint),
        _ if free < LITTLE_ROOM => warn(SPACE, format!("{mib:.1} MiB free"), hint),
        _ => ok(SPACE, format!("{mib:.0} MiB free")),
    }
}

/// `daemon`: the process that answers, as far as the socket shows it.
fn lock(holder: Option<u32>, lives: impl Fn(u32) -> bool, daemon: Option<Option<u32>>) -> Check {
    match (holder.filter(|pid| lives(*pid)), daemon) {
        (Some(pid), Some(Some(daemon))) if pid != daemon => fail(
            LOCK,
            format!("process {pid} holds it, and process {daemon} answers at the socket"),
            format!("give each daemon a node.state-dir of its own, or end one of them: kill {pid}"),
        ),
        (Some(pid), Some(_)) => ok(LOCK, format!("held by the daemon, process {pid}")),
        (Some(pid), None) => fail(
            LOCK,
            format!("process {pid} holds it, and does not answer at the socket"),
            format!("if it hangs, end it: kill {pid}; if it has another socket, name that with --socket"),
        ),
        (None, Some(_)) => ok(LOCK, "the daemon holds it; its process can't be seen from here"),
        (None, None) => ok(LOCK, "nobody holds it"),
    }
}

/// A process with this id, unless it is visibly another program that was given the id since.
fn is_daemon(pid: u32) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let lives = id.is_some_and(|id| !matches!(test_kill_process(id), Err(rustix::io::Errno::SRCH)));
    lives && name.is_none_or(|name| name.trim() == "lineswarmd")
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_directory_must_be_writable_and_should_be_private() {
        assert_eq!(judge("d", 0o700, false, true).level, Level::Ok);
        assert_eq!(judge("d", 0o755, false, true).level, Level::Warn);
        assert_eq!(judge("d", 0o500, false, false).level, Level::Fail);
        assert_eq!(judge("d", 0o700, true, true).level, Level::Fail);
    }

    #[test]
    fn a_full_disk_fails_before_it_is_full() {
        assert_eq!(space(FEW_BYTES - 1, None).level, Level::Fail);
        assert_eq!(space(u64::MAX, Some(0)).level, Level::Fail);
        assert_eq!(space(LITTLE_ROOM - 1, Some(9)).level, Level::Warn);
        assert_eq!(space(LITTLE_ROOM, Some(9)).level, Level::Ok);
    }

    #[test]
    fn the_lock_belongs_to_whom_answers() {
        let level = |holder, lives: bool, daemon| lock(holder, |_| lives, daemon).level;
        assert_eq!(level(Some(7), true, Some(Some(7))), Level::Ok);
        assert_eq!(level(Some(7), true, Some(Some(8))), Level::Fail);
        assert_eq!(level(Some(7), true, None), Level::Fail, "it hangs");
        assert_eq!(level(Some(7), false, None), Level::Ok, "it crashed");
        assert_eq!(level(None, false, None), Level::Ok);
        assert!(!is_daemon(u32::MAX) && !is_daemon(std::process::id()));
    }
}
