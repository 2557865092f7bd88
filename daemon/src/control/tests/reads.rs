//! Answers that show what there is.

use super::{
    Kind,
    stage::{Stage, settings},
    texts,
};
use lineswarm_proto::{
    engine::io::{ConnId, Input},
    ids::PeerId,
    wire::control::{Peers, Status},
};
use serde_json::json;
use std::{net::SocketAddr, time::Duration};

#[test]
fn status_has_what_the_engine_and_the_shell_know() {
    let mut stage = Stage::new(10, texts(3));
    stage.advance(Duration::from_secs(5));
    stage.report.set_trouble(Some("disk full".into()));
    let mut caller = stage.greeted(Kind::Status);
    let reply = caller.ask(&mut stage, r#"{"cmd":"status"}"#);
    let status: Status = serde_json::from_value(reply["ok"].clone()).unwrap();
    assert_eq!((status.job.have, status.job.lines, status.unsaved), (3, Some(10), 3));
    assert_eq!(status.listen.as_deref(), Some("127.0.0.1:9900"));
    assert_eq!(status.problem.as_deref(), Some("disk full"));
    assert!((status.uptime_s - 5.0).abs() < 1e-9);
}

#[test]
fn every_read_is_answered() {
    let mut stage = Stage::new(10, texts(10));
    let mut caller = stage.greeted(Kind::Status);
    for (command, field) in [
        ("ping", "pong"),
        ("version", "journal"),
        ("status", "job"),
        ("peers", "names"),
        ("master", "term"),
        ("stats", "job.draws"),
        ("metrics", "text"),
        ("why", "sentences"),
        ("history", "runs"),
        ("config", "settings"),
    ] {
        let reply = caller.ask(&mut stage, &format!("{{\"id\":1,\"cmd\":\"{command}\"}}"));
        assert!(reply["ok"].get(field).is_some(), "{command}: {reply}");
    }
    let reply = caller.ask(&mut stage, r#"{"cmd":"config"}"#);
    let settings = reply["ok"]["settings"].as_array().unwrap();
    let named = json!({"section": "node", "key": "name", "value": "lab1/alice", "origin": "--name"});
    assert!(settings.contains(&named), "{settings:?}");
    let lines = json!({"section": "server", "key": "lines", "value": 1000, "origin": "default"});
    assert!(settings.contains(&lines), "{settings:?}");
    let peers = json!({"section": "swarm", "key": "peers", "value": [], "origin": "default"});
    assert!(settings.contains(&peers), "{settings:?}");
    let reply = caller.ask(&mut stage, r#"{"cmd":"master"}"#);
    assert_eq!(reply["ok"], json!({"master": null, "term": 0, "self": false}));
    let reply = caller.ask(&mut stage, r#"{"cmd":"history"}"#);
    assert_eq!(reply["ok"]["runs"][0]["lines"], 10, "{reply}");
}

#[test]
fn metrics_are_prometheus_text() {
    let mut stage = Stage::new(10, texts(4));
    let mut caller = stage.greeted(Kind::Control);
    assert!(caller.ask(&mut stage, r#"{"cmd":"limit","rate":50.5}"#).get("ok").is_some());
    let reply = caller.ask(&mut stage, r#"{"cmd":"metrics"}"#);
    let text = reply["ok"]["text"].as_str().unwrap();
    for line in [
        "lineswarm_have 4",
        "lineswarm_lines 10",
        "lineswarm_draws_total 0",
        "lineswarm_cap 50.5",
        "lineswarm_state{state=\"idle\"} 1",
        "lineswarm_state{state=\"fetching\"} 0",
        "lineswarm_is_master 0",
    ] {
        assert!(text.lines().any(|have| have == line), "{line} in {text}");
    }
    let mut typed = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(typed.insert(rest.split(' ').next().unwrap()), "twice: {line}");
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(typed.contains(name), "{line} has a type");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
        }
    }
}

#[test]
fn one_line_is_got_by_its_number() {
    let mut stage = Stage::new(10, [(3, b"three".to_vec()), (4, b"\xff\x00".to_vec())]);
    let mut caller = stage.greeted(Kind::Status);
    let reply = caller.ask(&mut stage, r#"{"id":1,"cmd":"get","number":3}"#);
    assert_eq!(reply, json!({"id": 1, "ok": {"number": 3, "text": "three", "first_hand": true}}));
    let reply = caller.ask(&mut stage, r#"{"cmd":"get","number":4}"#);
    assert_eq!(reply["ok"], json!({"number": 4, "text_b64": "/wA=", "first_hand": true}));
    assert_eq!(caller.ask_code(&mut stage, r#"{"cmd":"get","number":5}"#), "E_NO_LINE");
    let reply = caller.ask(&mut stage, r#"{"cmd":"get","number":11}"#);
    assert_eq!(reply["error"]["code"], "E_NO_LINE");
    assert!(reply["error"]["why"].as_str().unwrap().contains("10 lines"), "{reply}");
}

/// Links two nodes, each with an engine of its own, and lets them talk until both are silent.
fn link(stage: &mut Stage, other: &mut Stage, conn: u64, ids: (u8, u8)) {
    let conn = ConnId::accepted(conn);
    let address = SocketAddr::from(([127, 0, 0, 2], 9900));
    stage.feed(Input::Opened { conn, peer: Some(PeerId([ids.1; 16])), address });
    other.feed(Input::Opened { conn, peer: Some(PeerId([ids.0; 16])), address });
    loop {
        let (one, two) = (stage.said.pop_front(), other.said.pop_front());
        if one.is_none() && two.is_none() {
            return;
        }
        if let Some((to, bytes)) = one.filter(|(to, _)| *to == conn) {
            other.feed(Input::Bytes { conn: to, bytes: &bytes });
        }
        if let Some((to, bytes)) = two {
            stage.feed(Input::Bytes { conn: to, bytes: &bytes });
        }
    }
}

#[test]
fn names_prefixes_and_ids_find_peers_and_doubtful_ones_are_listed() {
    let mut stage = Stage::new(10, texts(3));
    for (id, name) in [(0xab, "lab1/bob"), (0xcd, "lab1/bob"), (0xce, "lab2/eve")] {
        let mut other = Stage::with(settings(name, id, 10), texts(1));
        link(&mut stage, &mut other, u64::from(id), (1, id));
    }
    let mut caller = stage.greeted(Kind::Control);
    let peers = caller.ask(&mut stage, r#"{"cmd":"peers"}"#);
    let peers: Peers = serde_json::from_value(peers["ok"].clone()).unwrap();
    assert_eq!(peers.peers.len(), 3, "{peers:?}");
    assert_eq!(peers.names["lab1/bob"].len(), 2);
    let mut count = |name: &str| {
        let reply = caller.ask(&mut stage, &json!({"cmd": "resolve", "name": name}).to_string());
        reply["ok"]["peers"].as_array().unwrap().len()
    };
    assert_eq!(count("lab2/eve"), 1);
    assert_eq!(count("lab1/"), 3, "the node itself is there too");
    assert_eq!(count("lab1/bob"), 2);
    assert_eq!((count("bob"), count("eve"), count("ob")), (2, 1, 0), "the last part is enough, and whole");
    assert_eq!(count("CDCDC"), 1);
    assert_eq!(count(&"ab".repeat(16)), 1);
    assert_eq!(count("nobody"), 0);
    assert_eq!(count(""), 4);

    let reply = caller.ask(&mut stage, r#"{"cmd":"elect","to":"lab1/bob"}"#);
    assert_eq!(reply["error"]["code"], "E_AMBIGUOUS");
    let why = reply["error"]["why"].as_str().unwrap();
    assert!(why.contains(&"ab".repeat(16)) && why.contains(&"cd".repeat(16)), "{why}");
    assert_eq!(caller.ask_code(&mut stage, r#"{"cmd":"elect","to":"lab9"}"#), "E_NO_PEER");
    assert_eq!(caller.ask_code(&mut stage, r#"{"cmd":"elect","to":""}"#), "E_BAD_VALUE");
    assert!(caller.ask(&mut stage, r#"{"cmd":"elect","to":"lab2"}"#).get("ok").is_some());
    assert!(caller.ask(&mut stage, r#"{"cmd":"elect","to":"lab1/alice"}"#).get("ok").is_some());

    let mut waiting = stage.greeted(Kind::Status);
    assert!(waiting.ask(&mut stage, r#"{"cmd":"wait","until":"peers=3"}"#).get("ok").is_some());
    waiting.send(&mut stage, "{\"cmd\":\"wait\",\"until\":\"peers=4\"}\n");
    waiting.assert_silent(&mut stage);
    let mut other = Stage::with(settings("late", 0x77, 10), texts(1));
    link(&mut stage, &mut other, 9, (1, 0x77));
    assert_eq!(waiting.reply(&mut stage)["ok"]["peers"]["connected"], 4);
}
