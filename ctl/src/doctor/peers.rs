//! The other nodes: does the daemon reach them?

use super::scene::{Scene, Seen, Settings};
use super::{Check, fail, ok, warn};
use lineswarm_proto::wire::control::Peer;

const NAME: &str = "peers";
/// So many are named; `lineswarmctl peers` has them all.
const NAMED: usize = 5;

pub(super) fn check(scene: &Scene) -> Check {
    match (scene.seen(), scene.settings()) {
        (Some(seen), _) => judge(seen),
        (None, Some(settings)) if !looks_for_some(settings) => ok(NAME, "none are looked for"),
        (None, _) => warn(NAME, "not looked at: only a running daemon links peers", "start it"),
    }
}

fn looks_for_some(settings: &Settings) -> bool {
    !settings.list("swarm.peers").is_empty() || !settings.list("swarm.discover").is_empty()
}

fn judge(seen: &Seen) -> Check {
    let peers = &seen.peers.peers;
    let wanted: Vec<&Peer> = peers.iter().filter(|peer| peer.state != "banned").collect();
    let absent: Vec<&&Peer> = wanted.iter().filter(|peer| peer.state != "linked").collect();
    let linked = wanted.len() - absent.len();
    if let Some(liar) = wanted.iter().find(|peer| peer.contradictions > 0) {
        let what =
            format!("{} sent {} lines that contradict the line server", who(liar), liar.contradictions);
        return warn(NAME, what, "see that it has the same line server: lineswarmctl peers");
    }
    if wanted.is_empty() && looks_for_some(&seen.settings) {
        let hint = "start the others; lineswarmctl status shows where peers are looked for";
        return warn(NAME, "none was found yet", hint);
    }
    if absent.is_empty() {
        return ok(
            NAME,
            if linked == 0 { "none are looked for".into() } else { format!("all {linked} linked") },
        );
    }
    let mut each: Vec<String> = absent.iter().take(NAMED).map(|peer| because(peer)).collect();
    if absent.len() > NAMED {
        each.push(format!("{} more", absent.len() - NAMED));
    }
    let what = format!("{linked} of {} linked; {}", wanted.len(), each.join("; "));
    let hint = "start them, check swarm.peers, the port in the firewall and swarm.allow; one that will not come back: lineswarmctl peer forget ID";
    if linked == 0 { fail(NAME, what, hint) } else { warn(NAME, what, hint) }
}

/// Its name, else its address, else its id.
pub(super) fn who(peer: &Peer) -> String {
    let id = || peer.id.map(|id| id.to_string()).unwrap_or_default();
    if peer.name.is_empty() { peer.address.clone().unwrap_or_else(id) } else { peer.name.clone() }
}

fn because(peer: &Peer) -> String {
    let why = peer.problem.as_deref().unwrap_or("no reason is known yet");
    format!("{} is {}: {why}", who(peer), peer.state)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{Level, daemon::tests::well, scene::tests::settings};
    use super::*;
    use serde_json::json;

    pub(crate) fn peer(name: &str, state: &str, problem: Option<&str>) -> Peer {
        let peer = json!({
            "id": null, "name": name, "address": "127.0.0.9:9900", "state": state, "found": "configured",
            "member": true, "master": false, "have": 0, "rate": null, "rtt_ms": null, "lines_sent": 0,
            "lines_received": 0, "contradictions": 0, "problem": problem
        });
        serde_json::from_value(peer).unwrap()
    }

    fn level(seen: &mut Seen, peers: Vec<Peer>) -> Level {
        seen.peers.peers = peers;
        judge(seen).level
    }

    #[test]
    fn a_node_that_reaches_nobody_fails_and_one_that_misses_some_is_worth_a_look() {
        let mut seen = well();
        assert_eq!(level(&mut seen, vec![]), Level::Ok, "it is alone and means to be");
        seen.settings = settings(&[("swarm.peers", json!(["127.0.0.9:9900"]))]);
        assert_eq!(level(&mut seen, vec![]), Level::Warn);
        let (linked, down) = (peer("bob", "linked", None), peer("", "down", Some("nobody listens")));
        assert_eq!(level(&mut seen, vec![linked.clone()]), Level::Ok);
        assert_eq!(level(&mut seen, vec![linked.clone(), down.clone()]), Level::Warn);
        assert_eq!(level(&mut seen, vec![linked, peer("eve", "banned", None)]), Level::Ok);
        assert_eq!(level(&mut seen, vec![down; 7]), Level::Fail);
        let what = judge(&seen).what;
        assert!(what.starts_with("0 of 7 linked; 127.0.0.9:9900 is down: nobody listens; "), "{what}");
        assert!(what.ends_with("; 2 more"), "{what}");
    }

    #[test]
    fn a_peer_with_other_lines_is_named() {
        let mut seen = well();
        let mut liar = peer("mallory", "linked", None);
        liar.contradictions = 2;
        assert_eq!(level(&mut seen, vec![liar]), Level::Warn);
        assert!(judge(&seen).what.starts_with("mallory sent 2 lines"));
    }
}
