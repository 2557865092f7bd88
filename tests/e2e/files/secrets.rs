//! Secrets: refused only if a stranger could read or change them, whoever set their modes.

use super::{check, check_by, empty, lonely, mode, set_mode, text};
use crate::support::command_with;
use rustix::process::geteuid;
use std::{
    fs,
    os::unix::{
        fs::{chown, symlink},
        process::CommandExt,
    },
    path::Path,
};

/// Nobody's, and in no file of accounts.
const OTHER: u32 = 987_654;

fn key(path: &Path, mode: u32) {
    fs::write(path, "secret").unwrap();
    set_mode(path, mode);
}

#[test]
fn a_key_is_refused_if_a_stranger_could_read_or_change_it() {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o700);
    let path = directory.path().join("key");
    key(&path, 0o600);
    let with = |path: &Path| check(directory.path(), &["--key-file", text(path)]);
    for mode in [0o600, 0o400] {
        set_mode(&path, mode);
        assert_eq!(with(&path).0, 0, "{mode:o}");
    }
    for mode in [0o644, 0o604, 0o602, 0o666] {
        set_mode(&path, mode);
        let (code, said) = with(&path);
        assert_eq!(code, 78, "{mode:o}: {said}");
        assert!(said.contains(&format!("{mode:04o}")) && said.contains("chmod 600"), "{said}");
    }
    set_mode(&path, 0o600);
    // As Kubernetes links secrets.
    symlink("key", directory.path().join("..data")).unwrap();
    symlink("..data", directory.path().join("link")).unwrap();
    assert_eq!(with(&directory.path().join("link")).0, 0);
    // Where anybody could put another in its place.
    let open = directory.path().join("open");
    fs::create_dir(&open).unwrap();
    key(&open.join("key"), 0o600);
    set_mode(&open, 0o777);
    assert_eq!(with(&open.join("key")), (0, "OK\n".into()), "nobody gets there");
    set_mode(directory.path(), 0o755);
    let (code, said) = with(&open.join("key"));
    assert!(code == 78 && said.contains("everybody") && said.contains("chmod go-w"), "{code}: {said}");
    set_mode(&open, 0o1777);
    assert_eq!(with(&open.join("key")).0, 0, "the sticky bit guards it");
}

#[test]
fn a_key_that_the_service_manager_handed_out_is_taken_with_the_mode_that_it_has() {
    let directory = tempfile::tempdir().unwrap();
    let credentials = directory.path().join("cred");
    fs::create_dir(&credentials).unwrap();
    let path = credentials.join("swarm.key");
    key(&path, 0o600);
    // Named, and by default.
    for (mode, code) in [(0o400, 0), (0o440, 0), (0o660, 0), (0o444, 78)] {
        set_mode(&path, mode);
        for args in [&["--key-file", text(&path)][..], &[]] {
            let mut command = command_with(&empty(directory.path()), directory.path(), "one");
            let (found, said) = check_by(command.env("CREDENTIALS_DIRECTORY", &credentials), args);
            assert_eq!(found, code, "{mode:o} {args:?}: {said}");
        }
    }
}

#[test]
fn roots_files_of_a_group_of_ours_are_taken_and_other_users_files_are_not() {
    if !geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    let config = empty(directory.path());
    let (path, state) = (directory.path().join("key"), directory.path().join("state"));
    fs::create_dir(&state).unwrap();
    chown(&state, Some(OTHER), None).unwrap();
    // Owner and group of the file, its mode, and the exit code.
    for (uid, gid, mode, code) in [
        (0, OTHER, 0o440, 0),
        (0, OTHER, 0o640, 0),
        (OTHER, OTHER, 0o600, 0),
        (OTHER, OTHER, 0o440, 0),
        (0, OTHER, 0o444, 78),
        (0, 0, 0o440, 78),
        (OTHER + 1, OTHER, 0o440, 78),
        (OTHER, OTHER + 1, 0o640, 78),
    ] {
        key(&path, 0o600);
        chown(&path, Some(uid), Some(gid)).unwrap();
        set_mode(&path, mode);
        let mut command = command_with(&config, directory.path(), "one");
        let own = ["--state-dir", text(&state), "--key-file", text(&path)];
        let (found, said) = check_by(command.uid(OTHER).gid(OTHER), &own);
        assert_eq!(found, code, "{uid}:{gid} {mode:o}: {said}");
        fs::remove_file(&path).unwrap();
    }
}

/// What `chmod -R` does, and an orchestrator at each mount.
fn add(directory: &Path, bits: u32) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        set_mode(&entry.path(), mode(&entry.path()) | (bits & !0o111));
    }
    set_mode(directory, mode(directory) | bits);
}

#[test]
fn a_state_directory_whose_modes_somebody_changed_is_closed_again_and_the_check_says_so_before() {
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("one");
    let state = own.join("state");
    let mut starts = 0;
    for bits in [0, 0o070, 0o2070, 0o077] {
        let mut daemon = lonely(directory.path(), &[]);
        let closed = daemon.log().matches("state-closed").count();
        starts += usize::from(bits != 0);
        assert!(daemon.end().success());
        // The log holds all starts; that before this one came after the modes of the turn before.
        assert_eq!(closed, starts.saturating_sub(1), "once a change, not once a file: {}", daemon.log());
        assert_eq!((mode(&state), mode(&state.join("node.key"))), (0o700, 0o600));
        add(&state, bits);
        let (code, said) = check(&own, &[]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(said.contains("takes back") && said.contains("node.key"), bits != 0, "{said}");
        assert_eq!(mode(&state), 0o700 | bits, "a check changes nothing");
    }
    let log = lonely(directory.path(), &[]).log();
    assert!(log.contains("node.key 0666 to 0600") && log.contains("state 0777 to 0700"), "{log}");
}

#[test]
fn a_state_directory_that_is_not_ours_is_judged_by_who_is_behind_it_and_the_check_says_what_the_start_says() {
    if !geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    drop(lonely(directory.path(), &[]));
    let own = directory.path().join("one");
    let state = own.join("state");
    let set = |uid: u32, gid: u32, bits: u32| {
        for entry in fs::read_dir(&state).unwrap().map(Result::unwrap) {
            chown(entry.path(), Some(uid), Some(gid)).unwrap();
            set_mode(&entry.path(), bits & 0o666);
        }
        chown(&state, Some(uid), Some(gid)).unwrap();
        set_mode(&state, bits);
    };
    // Owner, modes, and what a start by another user of the group comes to. User 1 has an account wherever there are any.
    for (uid, bits, code, word) in [
        (OTHER + 1, 0o770, 0, "no account here"),
        (1, 0o770, 77, "its owner"),
        (OTHER + 1, 0o777, 77, "everybody"),
        (OTHER + 1, 0o700, 77, "Permission denied"),
        (0, 0o770, 0, "OK"),
    ] {
        set(uid, OTHER, bits);
        let config = empty(&own);
        let args = ["--status-socket", "/nowhere/s", "--control-socket", "/nowhere/c"];
        let mut command = command_with(&config, &own, "one");
        let (found, said) = check_by(command.uid(OTHER).gid(OTHER), &args);
        assert_eq!(found, code, "{uid} {bits:o}: {said}");
        assert!(said.contains(word), "{uid} {bits:o}: {said}");
        let started = command_with(&config, &own, "one").uid(OTHER).gid(OTHER).args(args).output().unwrap();
        let log = String::from_utf8(started.stderr).unwrap();
        // It comes as far as its sockets.
        let expected = if code == 0 { 73 } else { code };
        assert_eq!(started.status.code(), Some(expected), "{uid} {bits:o}: {log}");
        assert!(code == 0 || log.contains(said.trim_end()), "{said} is not in {log}");
    }
}
