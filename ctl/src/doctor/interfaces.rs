//! The interfaces of LAN discovery: those that are wanted, and those on which it speaks.

use super::scene::Scene;
use super::{Check, fail, ok, warn};
use std::fs;
use std::path::Path;

const NAME: &str = "multicast";
// As linux/if.h has them.
const UP: u32 = 0x1;
const LOOPBACK: u32 = 0x8;
const MULTICAST: u32 = 0x1000;

pub(super) fn check(scene: &Scene) -> Check {
    let Some(settings) = scene.settings() else {
        return warn(NAME, "not looked at: it is not known whether it is wanted", scene.hint_of_ignorance());
    };
    let able = able(Path::new("/sys/class/net"));
    let speaks = scene.seen().map(|seen| seen.status.discover.as_slice());
    judge(&settings.list("swarm.discover"), speaks, &able)
}

/// The interfaces that are up and can multicast; loopback can too, though its flags do not say so.
fn able(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let text = fs::read_to_string(entry.path().join("flags")).unwrap_or_default();
        let flags = u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).unwrap_or(0);
        if flags & UP != 0 && flags & (MULTICAST | LOOPBACK) != 0 {
            names.extend(entry.file_name().to_str().map(str::to_owned));
        }
    }
    names.sort();
    names
}

/// `speaks`: as a running daemon says, `multicast:eth0` and others.
fn judge(wanted: &[&str], speaks: Option<&[String]>, able: &[String]) -> Check {
    let is_wanted = |way: &&&str| **way == "multicast" || way.starts_with("multicast:");
    let wanted: Vec<&str> = wanted.iter().filter(is_wanted).copied().collect();
    if wanted.is_empty() {
        return ok(NAME, "not asked for");
    }
    let there: Vec<String> = match speaks {
        Some(ways) => ways.iter().filter(|way| way.starts_with("multicast:")).cloned().collect(),
        None => able.iter().map(|name| format!("multicast:{name}")).collect(),
    };
    let have =
        |way: &str| if way == "multicast" { !there.is_empty() } else { there.iter().any(|its| its == way) };
    let absent: Vec<&str> = wanted.iter().copied().filter(|way| !have(way)).collect();
    if absent.is_empty() {
        return ok(NAME, there.join(", "));
    }
    let able = if able.is_empty() { "none".into() } else { able.join(", ") };
    fail(
        NAME,
        format!("no interface speaks for {}; up and able: {able}", absent.join(", ")),
        "name an interface that is up and has an address of the family of swarm.listen: multicast:NAME; a listener on \
         loopback is announced on lo only",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn what_is_wanted_must_speak() {
        let (eth0, none) = (["multicast:eth0".to_owned(), "host:/run".to_owned()], [] as [String; 0]);
        let able = ["eth0".to_owned(), "lo".to_owned()];
        let level = |wanted: &[&str], speaks| judge(wanted, speaks, &able).level;
        assert_eq!(level(&["host"], Some(&none)), Level::Ok);
        assert_eq!(level(&["multicast"], Some(&eth0)), Level::Ok);
        assert_eq!(level(&["multicast:eth0"], Some(&eth0)), Level::Ok);
        assert_eq!(level(&["multicast:eth1"], Some(&eth0)), Level::Fail);
        assert_eq!(level(&["multicast"], Some(&none)), Level::Fail);
        assert_eq!(level(&["multicast:eth0"], None), Level::Ok);
        assert_eq!(level(&["multicast:eth1"], None), Level::Fail);
        assert_eq!(judge(&["multicast"], None, &[]).level, Level::Fail);
    }

    #[test]
    fn interfaces_that_are_down_or_cannot_multicast_do_not_count() {
        let at = tempfile::tempdir().unwrap();
        for (name, flags) in
            [("eth0", "0x1003"), ("eth1", "0x1002"), ("lo", "0x9"), ("tun0", "0x91"), ("bad", "x")]
        {
            fs::create_dir(at.path().join(name)).unwrap();
            fs::write(at.path().join(name).join("flags"), format!("{flags}\n")).unwrap();
        }
        assert_eq!(able(at.path()), ["eth0", "lo"]);
    }
}
