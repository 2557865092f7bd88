//! From what an operator writes to peers: an id, the beginning of one, a name, its last part ("alice" for "lab1/alice"),
//! or the beginning of one ("lab1/").

use lineswarm_proto::{
    engine::Engine,
    ids::PeerId,
    wire::control::{ErrorBody, Peer},
};
use std::net::SocketAddr;

/// Fewer digits could be a name as well as an id.
const ID_DIGITS: usize = 4;

/// All that `name` may mean, the node itself too; whoever is meant exactly hides the others.
pub(super) fn resolve(engine: &Engine, listen: SocketAddr, name: &str) -> Vec<Peer> {
    let mut all = engine.peers().peers;
    all.push(itself(engine, listen));
    let wanted = name.to_ascii_lowercase();
    let id = |peer: &Peer| peer.id.map(|id| id.to_string()).unwrap_or_default();
    let is_id = wanted.len() >= ID_DIGITS && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    let exact = |peer: &Peer| peer.name == name || id(peer) == wanted;
    let last_part = |peer: &Peer| peer.id.is_some() && peer.name.rsplit('/').next() == Some(name);
    let begins = |peer: &Peer| {
        peer.id.is_some() && (peer.name.starts_with(name) || (is_id && id(peer).starts_with(&wanted)))
    };
    if !name.is_empty() && all.iter().any(exact) {
        all.retain(exact);
    } else if !name.is_empty() && all.iter().any(last_part) {
        all.retain(last_part);
    } else {
        all.retain(begins);
    }
    all
}

/// The one peer that `name` means.
pub(super) fn one(engine: &Engine, listen: SocketAddr, name: &str) -> Result<PeerId, ErrorBody> {
    let what = format!("nothing was done about {:?}", name.chars().take(80).collect::<String>());
    if name.is_empty() {
        let hint = "give an id or a name: see lineswarmctl peers";
        return Err(ErrorBody::new("E_BAD_VALUE", what, "the name is empty", hint));
    }
    let peers = resolve(engine, listen, name);
    let ids: Vec<PeerId> = peers.iter().filter_map(|peer| peer.id).collect();
    match (ids.as_slice(), name.to_ascii_lowercase().parse()) {
        ([id], _) => Ok(*id),
        // The engine may know of an id that it does not show, or is to keep it out for good.
        ([], Ok(id)) => Ok(id),
        ([], Err(_)) => {
            let hint = "see lineswarmctl peers";
            Err(ErrorBody::new("E_NO_PEER", what, "no peer has such a name or id", hint))
        }
        _ => {
            let shown = peers.iter().filter_map(|peer| Some(format!("{} ({})", peer.id?, peer.name)));
            let shown: Vec<String> = shown.take(10).collect();
            let why = format!("{} peers are meant: {}", ids.len(), shown.join(", "));
            Err(ErrorBody::new("E_AMBIGUOUS", what, why, "give the whole id of one of them"))
        }
    }
}

/// This node, as another one would see it.
fn itself(engine: &Engine, listen: SocketAddr) -> Peer {
    let status = engine.status();
    Peer {
        id: Some(status.id),
        name: status.name,
        address: Some(listen.to_string()),
        state: "self".into(),
        found: "self".into(),
        member: engine.durable().members.contains(status.id),
        master: status.master.is_some_and(|master| master.is_self),
        have: status.job.have,
        rate: status.job.rate,
        rtt_ms: None,
        lines_sent: 0,
        lines_received: status.job.from_peers,
        contradictions: 0,
        problem: None,
    }
}
