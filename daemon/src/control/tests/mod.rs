//! The control sockets as clients see them.

mod bounds;
mod changes;
mod reads;
mod stage;
mod streams;
mod waits;

use super::Kind;
use stage::Stage;

/// A complete file of so many short lines.
fn texts(count: u32) -> impl Iterator<Item = (u32, Vec<u8>)> {
    (0..count).map(|number| (number, format!("text {number}").into_bytes()))
}

#[test]
fn the_daemon_speaks_first_and_says_who_it_is_on_which_socket() {
    let mut stage = Stage::new(10, texts(3));
    for kind in [Kind::Status, Kind::Control] {
        let greeting = stage.call(kind).reply(&mut stage);
        assert_eq!(greeting["v"], 1);
        assert_eq!(greeting["hello"]["name"], "lab1/alice");
        assert_eq!(greeting["hello"]["socket"], kind.name());
        assert_eq!((&greeting["hello"]["min"], &greeting["hello"]["max"]), (&1.into(), &1.into()));
    }
}

#[test]
fn versions_are_settled_by_hello() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.call(Kind::Status);
    let greeting = caller.reply(&mut stage);
    let reply = caller.ask(&mut stage, r#"{"id":0,"cmd":"hello","v":1}"#);
    assert_eq!(reply["ok"], greeting);
    assert_eq!(caller.ask_code(&mut stage, r#"{"cmd":"hello","v":2}"#), "E_VERSION");
}

#[test]
fn requests_need_not_wait_for_the_greeting_and_are_answered_in_order() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.call(Kind::Status);
    let requests: String = (1..=500).map(|id| format!("{{\"id\":{id},\"cmd\":\"ping\"}}\n")).collect();
    caller.send(&mut stage, requests);
    assert_eq!(caller.reply(&mut stage)["v"], 1);
    for id in 1..=500 {
        assert_eq!(caller.reply(&mut stage), serde_json::json!({"id": id, "ok": {"pong": true}}));
    }
}

#[test]
fn the_status_socket_changes_nothing_and_names_the_other() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Status);
    let reply = caller.ask(&mut stage, r#"{"id":9,"cmd":"stop"}"#);
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&9.into(), &"E_READ_ONLY".into()));
    let hint = reply["error"]["hint"].as_str().unwrap();
    assert!(hint.contains(stage.path(Kind::Control).to_str().unwrap()), "{hint}");
    assert!(stage.wishes.is_empty());
}

#[test]
fn garbage_is_refused_and_the_connection_stays_usable() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Control);
    for garbage in ["hello", "[]", "{\"cmd\":", "\u{0}\u{1}", "{\"cmd\":\"get\",\"number\":\"x\"}", "null"] {
        assert_eq!(caller.ask_code(&mut stage, garbage), "E_BAD_REQUEST", "{garbage}");
    }
    caller.send(&mut stage, b"\xff\xfe\x00\n\r\n  \n");
    assert_eq!(caller.reply(&mut stage)["error"]["code"], "E_BAD_REQUEST");
    assert_eq!(caller.ask_code(&mut stage, r#"{"cmd":"stauts"}"#), "E_UNKNOWN_COMMAND");
    assert_eq!(caller.ask(&mut stage, "{\"cmd\":\"ping\"}\r")["ok"]["pong"], true);
}

#[test]
fn half_a_line_waits_for_its_other_half() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Status);
    for byte in br#"{"id":1,"cmd":"ping"}"# {
        caller.send(&mut stage, [*byte]);
        caller.assert_silent(&mut stage);
    }
    caller.send(&mut stage, "\n");
    assert_eq!(caller.reply(&mut stage)["id"], 1);
}

#[test]
fn a_client_that_ends_its_side_is_answered_first() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Status);
    caller.send(&mut stage, "{\"id\":1,\"cmd\":\"ping\"}\n{\"id\":2,\"cmd\":\"master\"}");
    caller.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(caller.reply(&mut stage)["id"], 1);
    assert_eq!(caller.reply(&mut stage)["ok"]["master"], serde_json::Value::Null);
    caller.assert_closed(&mut stage);
    assert!(stage.control.clients.is_empty());
}

#[test]
fn nothing_is_due_while_nobody_asks_anything() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Status);
    caller.assert_silent(&mut stage);
    assert!(!stage.control.is_busy() && stage.control.is_flushed());
    assert_eq!(stage.control.deadline(), None);
    assert!(stage.control.awake.is_empty() && stage.control.watchers.is_empty());
}

#[test]
fn socket_files_go_when_the_daemon_does() {
    let mut stage = Stage::new(10, texts(3));
    let mut waiting = stage.greeted(Kind::Status);
    waiting.send(&mut stage, "{\"id\":4,\"cmd\":\"wait\",\"until\":\"complete\"}\n");
    waiting.assert_silent(&mut stage);
    stage.control.close();
    let said = waiting.poll_line().unwrap();
    assert!(said.contains("E_STOPPING") && said.starts_with("{\"id\":4,"), "{said}");
    assert!(!stage.path(Kind::Status).exists() && !stage.path(Kind::Control).exists());
}
