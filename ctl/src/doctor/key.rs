//! The swarm's key: private, the one that the daemon has, and the one that the others have.
//!
//! Every byte of the file is the key, a newline at its end too. Only who may read it sees its fingerprint, and that is
//! short: enough to compare by eye, too little to guess a key from.

use super::scene::{Scene, Seen, Settings};
use super::{Check, fail, ok, peers, warn};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

const NAME: &str = "key";
/// The daemon takes no longer one.
const MOST_BYTES: u64 = 4096;
/// What the reasons of refused links name, whichever side refused.
const KEY_SETTING: &str = "swarm.key-file";

pub(super) fn check(scene: &Scene) -> Check {
    let Some(settings) = scene.settings() else {
        return warn(NAME, "not looked at: it is not known which it is", scene.hint_of_ignorance());
    };
    let file = match settings.text(KEY_SETTING) {
        "" => Ok(without(settings)),
        path => look(Path::new(path), scene.seen().map(|seen| seen.status.uptime_s)),
    };
    match (scene.seen().and_then(disagreement), file) {
        (Some(disagreement), Ok(file)) => {
            Check { what: format!("{}; {}", disagreement.what, file.what), ..disagreement }
        }
        (_, Err(bad)) => bad,
        (None, Ok(file)) => file,
    }
}

/// Links that did not come about because the keys differ.
fn disagreement(seen: &Seen) -> Option<Check> {
    let hint = "give all peers the same file and restart those that had another: lineswarmctl doctor there shows its \
                fingerprint; every byte counts, a newline at the end too";
    let about_keys = |problem: &Option<String>| problem.as_ref().is_some_and(|why| why.contains(KEY_SETTING));
    let with_another: Vec<String> = seen
        .peers
        .peers
        .iter()
        .filter(|peer| peer.state != "linked" && about_keys(&peer.problem))
        .map(peers::who)
        .collect();
    if !with_another.is_empty() {
        return Some(fail(NAME, format!("another key than ours: {}", with_another.join(", ")), hint));
    }
    let refused = seen.count("refused.wrong-key");
    let what = format!("{refused} handshakes with another key were refused since the start");
    match (refused, seen.status.peers.connected) {
        (0, _) => None,
        (_, 0) => Some(fail(NAME, what, hint)),
        _ => Some(warn(NAME, what, hint)),
    }
}

/// No key file: who can join?
fn without(settings: &Settings) -> Check {
    if settings.is_on("swarm.insecure") {
        return warn(
            NAME,
            "none, and swarm.insecure: whoever reaches the port may join and send wrong lines",
            "lineswarmctl key gen FILE, and name it in swarm.key-file on every peer",
        );
    }
    ok(NAME, "none: peers are on this machine only")
}

/// A file that can't be used is an error.
fn look(path: &Path, uptime_s: Option<f64>) -> Result<Check, Check> {
    let shown = path.display();
    let bad = |what: String, hint: String| Err(fail(NAME, what, hint));
    let facts = match fs::metadata(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Ok(ok(
                NAME,
                format!("{shown} is closed to you, as it should be (sudo shows its fingerprint)"),
            ));
        }
        Err(error) => {
            return bad(
                format!("{shown}: {error}"),
                format!("lineswarmctl key gen {shown}, or copy the swarm's"),
            );
        }
    };
    let mode = facts.mode() & 0o7777;
    if !facts.is_file() {
        return bad(format!("{shown} is no file"), format!("name a file in {KEY_SETTING}"));
    }
    if mode & 0o077 != 0 {
        return bad(format!("{shown} is open to others (mode {mode:04o})"), format!("chmod 600 {shown}"));
    }
    if facts.len() == 0 || facts.len() > MOST_BYTES {
        return bad(
            format!("{shown} has {} bytes", facts.len()),
            "make one with lineswarmctl key gen".into(),
        );
    }
    let Ok(key) = fs::read(path) else {
        return Ok(ok(NAME, format!("{shown}, mode {mode:04o}, closed to you, as it should be")));
    };
    let what = format!("{shown}, mode {mode:04o}, {}", described(&key));
    let now = SystemTime::now();
    let start = uptime_s.and_then(|up| now.checked_sub(Duration::from_secs_f64(up.max(0.0))));
    let newer = facts.modified().is_ok_and(|at| start.is_some_and(|start| at > start));
    if newer && !path.starts_with("/run/credentials") {
        let hint = "restart the daemon if the key is another one: it is read at the start only";
        return Ok(warn(NAME, format!("{what}, written after the daemon started"), hint));
    }
    Ok(ok(NAME, what))
}

/// Its fingerprint, and the one that it would have without the newline that an editor adds.
fn described(key: &[u8]) -> String {
    let print = format!("{} bytes, fingerprint {}", key.len(), fingerprint(key));
    match key.strip_suffix(b"\n") {
        Some(bare) => format!("{print} (without the newline at its end it would be {})", fingerprint(bare)),
        None => print,
    }
}

fn fingerprint(key: &[u8]) -> String {
    let digest = Sha256::new().chain_update(b"lineswarm key fingerprint 1\0").chain_update(key).finalize();
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Level, daemon::tests::well, scene::tests::settings};
    use super::*;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    fn file(at: &Path, bytes: &[u8], mode: u32) -> PathBuf {
        let path = at.join("key");
        // One without write permission can be replaced by its owner, but not written to.
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_key_must_be_there_private_and_neither_empty_nor_long() {
        let at = tempfile::tempdir().unwrap();
        let level =
            |bytes: &[u8], mode| look(&file(at.path(), bytes, mode), None).unwrap_or_else(|bad| bad).level;
        assert_eq!(level(b"secret", 0o600), Level::Ok);
        assert_eq!(level(b"secret", 0o400), Level::Ok);
        assert_eq!(level(b"secret", 0o640), Level::Fail);
        assert_eq!(level(b"", 0o600), Level::Fail);
        assert_eq!(level(&[0; 4097], 0o600), Level::Fail);
        assert_eq!(look(&at.path().join("none"), None).unwrap_err().level, Level::Fail);
        assert_eq!(look(at.path(), None).unwrap_err().level, Level::Fail);
        let fresh = look(&file(at.path(), b"secret", 0o600), Some(3600.0)).unwrap();
        assert_eq!(fresh.level, Level::Warn, "the daemon has the old one: {fresh:?}");
    }

    #[test]
    fn a_newline_is_a_part_of_the_key_and_its_absence_is_hinted_at() {
        let (bare, ended) = (described(b"secret"), described(b"secret\n"));
        assert!(ended.starts_with("7 bytes, fingerprint ") && !bare.contains("newline"));
        assert!(ended.contains(&fingerprint(b"secret")) && ended.contains(&fingerprint(b"secret\n")));
        assert_eq!(fingerprint(b"secret").len(), 8);
    }

    #[test]
    fn refused_handshakes_and_peers_with_another_key_fail() {
        let mut seen = well();
        assert_eq!(disagreement(&seen), None);
        seen.counters.insert("refused.wrong-key".into(), 3);
        assert_eq!(disagreement(&seen).unwrap().level, Level::Fail);
        seen.status.peers.connected = 1;
        assert_eq!(disagreement(&seen).unwrap().level, Level::Warn, "those who belong here are linked");
        let why = "closed during the handshake, probably another key; compare swarm.key-file on both";
        seen.peers.peers = vec![peers::tests::peer("bob", "dialling", Some(why))];
        let failed = disagreement(&seen).unwrap();
        assert_eq!((failed.level, failed.what.as_str()), (Level::Fail, "another key than ours: bob"));
    }

    #[test]
    fn a_swarm_that_is_open_to_all_is_worth_a_look() {
        assert_eq!(without(&settings(&[])).level, Level::Ok);
        assert_eq!(without(&settings(&[("swarm.insecure", json!(true))])).level, Level::Warn);
    }
}
