//! `peers` and `resolve`: one row a node, the same columns always.

use super::table::{Align, columns};
use super::{clean, or_dash};
use lineswarm_proto::wire::control::{Peer, Peers};

/// All rows, then the names that more than one node claims.
#[must_use]
pub fn table(peers: &Peers) -> String {
    let header = [
        ("NAME", Align::Left),
        ("ID", Align::Left),
        ("ADDRESS", Align::Left),
        ("STATE", Align::Left),
        ("ROLE", Align::Left),
        ("HAVE", Align::Right),
        ("RATE", Align::Right),
        ("RTT MS", Align::Right),
        ("SENT", Align::Right),
        ("RECEIVED", Align::Right),
        ("FOUND", Align::Left),
        ("NOTE", Align::Left),
    ];
    let mut text = columns(&header, &peers.peers.iter().map(row).collect::<Vec<_>>());
    for (name, ids) in peers.names.iter().filter(|(_, ids)| ids.len() > 1) {
        let ids: Vec<_> = ids.iter().map(|id| id.short()).collect();
        text.push_str(&format!("name {} is claimed by {}\n", clean(name), ids.join(", ")));
    }
    text
}

fn row(peer: &Peer) -> Vec<String> {
    let role = match (peer.master, peer.member) {
        (true, _) => "master",
        (false, true) => "member",
        (false, false) => "guest",
    };
    let mut notes = Vec::new();
    if peer.contradictions > 0 {
        notes.push(format!("{} wrong lines", peer.contradictions));
    }
    notes.extend(peer.problem.as_ref().map(|problem| clean(problem).into_owned()));
    vec![
        if peer.name.is_empty() { "-".into() } else { clean(&peer.name).into_owned() },
        or_dash(peer.id, |id| id.short()),
        or_dash(peer.address.as_ref(), |address| clean(address).into_owned()),
        clean(&peer.state).into_owned(),
        role.into(),
        peer.have.to_string(),
        or_dash(peer.rate, |rate| format!("{rate:.1}")),
        or_dash(peer.rtt_ms, |ms| format!("{ms:.1}")),
        peer.lines_sent.to_string(),
        peer.lines_received.to_string(),
        clean(&peer.found).into_owned(),
        notes.join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_peer_is_a_row_of_stable_columns() {
        let peers: Peers = serde_json::from_value(json!({
            "peers": [
                {"id": "ff0102030405060708090a0b0c0d0e0f", "name": "lab1/bob", "address": "127.0.0.3:9900",
                 "state": "linked", "found": "configured", "member": true, "master": true, "have": 577,
                 "rate": 99.84, "rtt_ms": 0.22, "lines_sent": 301, "lines_received": 276,
                 "contradictions": 0, "problem": null},
                {"id": null, "name": "", "address": "127.0.0.4:9900", "state": "dialling", "found": "told",
                 "member": false, "master": false, "have": 0, "rate": null, "rtt_ms": null, "lines_sent": 0,
                 "lines_received": 0, "contradictions": 2, "problem": "connection refused"}
            ],
            "names": {"lab1/bob": ["ff0102030405060708090a0b0c0d0e0f", "000102030405060708090a0b0c0d0e0f"]}
        }))
        .unwrap();
        let golden = "\
NAME      ID        ADDRESS         STATE     ROLE    HAVE  RATE  RTT MS  SENT  RECEIVED  FOUND       NOTE
lab1/bob  ff010203  127.0.0.3:9900  linked    master   577  99.8     0.2   301       276  configured
-         -         127.0.0.4:9900  dialling  guest      0     -       -     0         0  told        2 wrong lines, connection refused
name lab1/bob is claimed by ff010203, 00010203
";
        assert_eq!(table(&peers), golden);
    }
}
