//! Requests that change something.

use super::{Kind, stage::Stage, texts};
use crate::control::Wish;
use lineswarm_proto::engine::io::Command;
use serde_json::json;

#[test]
fn changes_reach_the_engine_and_their_outcome_comes_back() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Control);
    for request in [
        r#"{"id":1,"cmd":"start"}"#,
        r#"{"id":1,"cmd":"pause"}"#,
        r#"{"id":1,"cmd":"resume"}"#,
        r#"{"id":1,"cmd":"limit","rate":25.5}"#,
        r#"{"id":1,"cmd":"limit"}"#,
        r#"{"id":1,"cmd":"peer-add","address":"[::1]:9900"}"#,
        r#"{"id":1,"cmd":"join","addresses":["a.example:1","127.0.0.9:65535"]}"#,
        r#"{"id":1,"cmd":"elect"}"#,
        r#"{"id":1,"cmd":"leave"}"#,
        r#"{"id":1,"cmd":"start","server":"127.0.0.1:9802","lines":20,"swarm":true}"#,
        r#"{"id":1,"cmd":"reset","swarm":true}"#,
        r#"{"id":1,"cmd":"save"}"#,
        r#"{"id":1,"cmd":"reload"}"#,
        r#"{"id":1,"cmd":"log-level","level":"debug"}"#,
        r#"{"id":1,"cmd":"capture","to":"run-1"}"#,
        r#"{"id":1,"cmd":"capture"}"#,
        r#"{"id":1,"cmd":"stop"}"#,
    ] {
        assert_eq!(caller.ask(&mut stage, request), json!({"id": 1, "ok": {}}), "{request}");
    }
    assert_eq!(stage.wishes.len(), 17);
    assert_eq!(stage.wishes[3], Wish::Command(Command::Limit { rate: Some(25.5) }));
    assert_eq!(stage.wishes[13], Wish::LogLevel(log::LevelFilter::Debug));
    assert_eq!(stage.wishes[14], Wish::Capture(Some("run-1".into())));
    assert_eq!(stage.wishes[15], Wish::Capture(None));
    assert_eq!(stage.wishes[16], Wish::Stop);
    assert_eq!(stage.engine.status().job.lines, Some(20));
}

#[test]
fn the_engines_refusal_is_passed_on() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Control);
    assert_eq!(
        caller.ask_code(&mut stage, r#"{"cmd":"start"}"#.replace("start", "elect\",\"to\":\"cd").as_str()),
        "E_NO_PEER"
    );
    let unknown = json!({"cmd": "elect", "to": "cd".repeat(16)}).to_string();
    assert_eq!(caller.ask_code(&mut stage, &unknown), "E_NO_PEER");
    assert_eq!(stage.wishes.len(), 1, "a whole id is left to the engine");
}

#[test]
fn values_that_can_mean_nothing_are_refused_before_anybody_hears_of_them() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Control);
    for request in [
        r#"{"cmd":"limit","rate":0}"#,
        r#"{"cmd":"limit","rate":-3}"#,
        r#"{"cmd":"start","lines":0}"#,
        r#"{"cmd":"start","lines":4000000000}"#,
        r#"{"cmd":"start","server":"nowhere"}"#,
        r#"{"cmd":"peer-add","address":"127.0.0.1"}"#,
        r#"{"cmd":"peer-add","address":"127.0.0.1:0"}"#,
        r#"{"cmd":"peer-add","address":":9900"}"#,
        r#"{"cmd":"peer-add","address":"::1:9900"}"#,
        r#"{"cmd":"peer-add","address":"a b:1"}"#,
        r#"{"cmd":"join","addresses":[]}"#,
        r#"{"cmd":"log-level","level":"loud"}"#,
        r#"{"cmd":"capture","to":""}"#,
        r#"{"cmd":"capture","to":"../journal"}"#,
        r#"{"cmd":"capture","to":".hidden"}"#,
    ] {
        assert_eq!(caller.ask_code(&mut stage, request), "E_BAD_VALUE", "{request}");
    }
    let long = json!({"cmd": "peer-add", "address": format!("{}:1", "a".repeat(5000))}).to_string();
    assert_eq!(caller.ask_code(&mut stage, &long), "E_BAD_VALUE");
    assert!(stage.wishes.is_empty());
}

#[test]
fn verify_tells_what_the_store_found() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Control);
    let reply = caller.ask(&mut stage, r#"{"cmd":"verify"}"#);
    assert_eq!(reply["ok"], json!({"lines": 5, "states": 1, "slots": 2}));
    stage.damage = vec!["record 7 has another checksum".into()];
    let reply = caller.ask(&mut stage, r#"{"cmd":"verify"}"#);
    assert_eq!(
        (&reply["error"]["code"], &reply["error"]["why"]),
        (&"E_DAMAGED".into(), &stage.damage[0].clone().into())
    );
}

#[test]
fn a_client_that_commands_and_leaves_is_obeyed() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.call(Kind::Control);
    caller.send(
        &mut stage,
        "{\"cmd\":\"save\"}\n{\"cmd\":\"pause\"}\n{\"cmd\":\"dump\",\"partial\":true}\n{\"cmd\":\"stop\"}",
    );
    drop(caller);
    let began = std::time::Instant::now();
    while stage.wishes.len() < 3 || !stage.control.clients.is_empty() {
        stage.turn();
        assert!(began.elapsed().as_secs() < 60, "{:?}", stage.wishes);
    }
    assert_eq!(stage.wishes[1..], [Wish::Command(Command::Pause), Wish::Stop]);
    assert!(stage.control.wishes.asked.is_empty());
}

#[test]
fn a_reply_to_a_client_that_left_goes_nowhere() {
    let mut stage = Stage::new(10, texts(3));
    stage.control.on_reply(lineswarm_proto::engine::io::RequestId(u64::MAX), Ok(()));
    stage.control.on_saved(17, Ok(()));
    assert!(!stage.control.is_busy());
}
