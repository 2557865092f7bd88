//! The configuration: can it be taken, and is it the one in force? The daemon itself reads it, so that nobody else
//! has to know its rules.

use super::scene::{Scene, Seen, Settings, Written};
use super::{Check, fail, ok, warn};

const NAME: &str = "config";

pub(super) fn check(scene: &Scene) -> Check {
    // Without its rights some files can't be read that the service reads.
    let may_look = scene.is_root || !scene.systemd.runs(&scene.place);
    judge(&scene.written, scene.seen(), may_look)
}

fn judge(written: &Written, seen: Option<&Seen>, may_look: bool) -> Check {
    match (written, seen) {
        (Written::Bad(problems), _) if may_look => {
            fail(NAME, problems.replace('\n', "; "), "mend each, then lineswarmctl config check")
        }
        (Written::Bad(problems), _) => warn(
            NAME,
            format!("as this user sees it: {}", problems.replace('\n', "; ")),
            "look with its rights: sudo lineswarmctl doctor",
        ),
        (Written::Good(written), Some(seen)) => match differences(seen, written) {
            names if names.is_empty() => ok(NAME, "without problems, and in force"),
            names => warn(
                NAME,
                format!("the file has another value than the daemon for {}", names.join(", ")),
                "lineswarmctl reload says what that changes and what needs a restart",
            ),
        },
        (Written::Good(_), None) => ok(NAME, "without problems"),
        (Written::Unnamed, Some(_)) => ok(NAME, "the daemon runs with it; its file was not named"),
        (Written::Unnamed, None) => warn(
            NAME,
            "not looked at: a socket was named, which does not say whose",
            "name the daemon with --instance NAME, or its file with --config FILE",
        ),
        (Written::Unknown(why), _) => {
            warn(NAME, format!("not looked at: {why}"), "install lineswarmd beside lineswarmctl")
        }
    }
}

/// Settings of a file that has changed since. Flags and the environment of the daemon are not ours to know.
fn differences<'a>(seen: &'a Seen, written: &Settings) -> Vec<&'a str> {
    let differs = |name: &&String| seen.settings.0.get(*name) != written.0.get(*name);
    seen.from_file.iter().filter(differs).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Level, daemon::tests::well, scene::tests::settings};
    use super::*;
    use serde_json::json;

    #[test]
    fn problems_fail_and_a_changed_file_is_worth_a_look() {
        let bad = Written::Bad("a.toml:2: x: no.\na.toml:3: y: no.".into());
        let failed = judge(&bad, None, true);
        assert_eq!((failed.level, failed.what.as_str()), (Level::Fail, "a.toml:2: x: no.; a.toml:3: y: no."));
        assert_eq!(judge(&bad, None, false).level, Level::Warn, "root may see it otherwise");
        let mut seen = well();
        seen.settings = settings(&[("server.rate", json!(5)), ("node.name", json!("flag"))]);
        seen.from_file = vec!["server.rate".into()];
        let same = Written::Good(settings(&[("server.rate", json!(5)), ("node.name", json!("file"))]));
        assert_eq!(judge(&same, Some(&seen), true).level, Level::Ok);
        let other = judge(&Written::Good(settings(&[("server.rate", json!(6))])), Some(&seen), true);
        assert_eq!(other.level, Level::Warn);
        assert!(other.what.ends_with("for server.rate"), "{other:?}");
        assert_eq!(judge(&Written::Unnamed, None, true).level, Level::Warn);
        assert_eq!(judge(&Written::Unknown("x".into()), None, true).level, Level::Warn);
    }
}
