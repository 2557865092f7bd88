//! Answers that come later.

use super::{
    Kind,
    stage::{Stage, settings},
    texts,
};
use lineswarm_proto::{
    engine::{io::Input, settings::SubmitBy},
    time::Moment,
};
use serde_json::json;
use std::time::Duration;

const RIGHT: &str = "SUBMIT SUCCESS: a@b - 127.0.0.1 - 3, 0, 3, 9, 9, 3 - 1, 2, 3\n";

#[test]
fn what_holds_already_is_answered_at_once() {
    let mut stage = Stage::new(3, texts(3));
    let mut caller = stage.greeted(Kind::Status);
    for until in ["complete", "peers=0"] {
        let request = json!({"id": 3, "cmd": "wait", "until": until, "timeout_ms": 0}).to_string();
        assert_eq!(caller.ask(&mut stage, &request)["ok"]["name"], "lab1/alice");
    }
}

#[test]
fn a_wait_times_out_when_it_said_and_says_how_far_it_came() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Status);
    let request = json!({"id": 3, "cmd": "wait", "until": "complete", "timeout_ms": 1500});
    caller.send(&mut stage, format!("{request}\n{{\"id\":4,\"cmd\":\"ping\"}}\n"));
    caller.assert_silent(&mut stage);
    assert_eq!(stage.control.deadline(), Some(Moment(1_500_000)));
    stage.now = Moment(1_499_999);
    caller.assert_silent(&mut stage);
    stage.now = Moment(1_500_000);
    let reply = caller.reply(&mut stage);
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&3.into(), &"E_TIMEOUT".into()));
    assert_eq!(reply["error"]["why"], "3 of 10 lines are held");
    assert_eq!(reply["error"]["what"], "the file was not complete within 1.5 s");
    assert_eq!(caller.reply(&mut stage)["id"], 4);
    assert_eq!(stage.control.deadline(), None);
}

#[test]
fn only_known_things_can_be_waited_for() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Status);
    for until in ["", "godot", "peers", "peers=", "peers=-1", "peers=x", "peers=99999999", "Complete"] {
        let request = json!({"cmd": "wait", "until": until}).to_string();
        assert_eq!(caller.ask_code(&mut stage, &request), "E_BAD_VALUE", "{until}");
    }
}

#[test]
fn a_wait_ends_when_the_last_line_was_drawn() {
    let mut stage = Stage::new(3, texts(2));
    let mut caller = stage.greeted(Kind::Control);
    assert!(caller.ask(&mut stage, r#"{"cmd":"start"}"#).get("ok").is_some());
    caller.send(&mut stage, "{\"cmd\":\"wait\",\"until\":\"complete\"}\n");
    caller.assert_silent(&mut stage);
    let conn = stage.server.unwrap();
    stage.feed(Input::Bytes { conn, bytes: b"2\ntwo\n" });
    let reply = caller.reply(&mut stage);
    assert_eq!(reply["ok"]["job"]["have"], 3, "{reply}");
    assert!(reply["ok"]["job"]["sha256"].is_string());
}

#[test]
fn a_wait_for_a_master_ends_with_the_election() {
    let mut stage = Stage::with(settings("a", 1, 3).with_master(), texts(2));
    let mut caller = stage.greeted(Kind::Control);
    caller.send(&mut stage, "{\"cmd\":\"wait\",\"until\":\"master\"}\n");
    caller.assert_silent(&mut stage);
    for _ in 0..100 {
        stage.advance(Duration::from_millis(200));
    }
    assert_eq!(caller.reply(&mut stage)["ok"]["master"]["self"], true);
    assert_eq!(caller.ask(&mut stage, r#"{"cmd":"master"}"#)["ok"]["self"], true);
}

trait WithMaster {
    fn with_master(self) -> Self;
}

impl WithMaster for lineswarm_proto::engine::settings::Settings {
    fn with_master(self) -> Self {
        Self { submit_by: SubmitBy::Master, ..self }
    }
}

#[test]
fn a_submit_is_passed_on_and_its_verdict_can_be_waited_for() {
    let mut stage = Stage::new(3, texts(3));
    let mut caller = stage.greeted(Kind::Control);
    assert_eq!(caller.ask_code(&mut stage, r#"{"cmd":"submit"}"#), "E_NOT_YET");
    for request in [r#"{"cmd":"start"}"#, r#"{"cmd":"submit"}"#] {
        assert!(caller.ask(&mut stage, request).get("ok").is_some());
    }
    caller.send(&mut stage, "{\"id\":8,\"cmd\":\"wait\",\"until\":\"submitted\"}\n");
    caller.assert_silent(&mut stage);
    let conn = stage.server.unwrap();
    stage.feed(Input::Bytes { conn, bytes: RIGHT.as_bytes() });
    let reply = caller.reply(&mut stage);
    assert_eq!((&reply["id"], &reply["ok"]["submit"]["state"]), (&8.into(), &"done".into()), "{reply}");
    let history = caller.ask(&mut stage, r#"{"cmd":"history"}"#);
    assert_eq!(history["ok"]["runs"][0]["verdict"], "right");
}

#[test]
fn a_wait_ends_in_an_error_when_the_job_fails() {
    let mut stage = Stage::new(3, texts(2));
    let mut caller = stage.greeted(Kind::Control);
    assert!(caller.ask(&mut stage, r#"{"cmd":"start"}"#).get("ok").is_some());
    caller.send(&mut stage, "{\"id\":8,\"cmd\":\"wait\",\"until\":\"complete\"}\n");
    caller.assert_silent(&mut stage);
    let conn = stage.server.unwrap();
    stage.feed(Input::Bytes { conn, bytes: b"1\nanother text\n" });
    let reply = caller.reply(&mut stage);
    assert_eq!(reply["error"]["code"], "E_FAILED", "{reply}");
    assert!(reply["error"]["why"].as_str().unwrap().contains("line 1"), "{reply}");
}

#[test]
fn a_dry_run_sends_nothing() {
    let mut stage = Stage::new(3, texts(3));
    let mut caller = stage.greeted(Kind::Control);
    let reply = caller.ask(&mut stage, r#"{"cmd":"submit","dry_run":true}"#);
    assert_eq!(
        (&reply["ok"]["lines"], &reply["ok"]["submit"]["attempts"]),
        (&3.into(), &0.into()),
        "{reply}"
    );
    assert!(stage.wishes.is_empty());
    let mut less = Stage::new(3, texts(2));
    let mut caller = less.greeted(Kind::Control);
    assert_eq!(caller.ask_code(&mut less, r#"{"cmd":"submit","dry_run":true}"#), "E_INCOMPLETE");
    assert_eq!(caller.ask_code(&mut less, r#"{"cmd":"submit"}"#), "E_INCOMPLETE");
}
