//! Answers in pieces.

use super::{Kind, stage::Stage, texts};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lineswarm_proto::{
    engine::io::{Command, Input, RequestId},
    limits,
};
use serde_json::{Value, json};

/// The file that a `dump` gave.
fn file(parts: &[Value]) -> Vec<(u64, Vec<u8>)> {
    let lines = parts.iter().flat_map(|part| part["lines"].as_array().unwrap());
    let bytes = |line: &Value| match line.get("text") {
        Some(text) => text.as_str().unwrap().as_bytes().to_vec(),
        None => STANDARD.decode(line["text_b64"].as_str().unwrap()).unwrap(),
    };
    lines.map(|line| (line["number"].as_u64().unwrap(), bytes(line))).collect()
}

#[test]
fn a_dump_gives_every_byte_in_bounded_pieces() {
    let odd: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"-1".to_vec(),
        b"\xff\xfe".to_vec(),
        b"\t a \"b\" \\ ".to_vec(),
        b"\x00\x1b[0m".to_vec(),
    ];
    let text = |number: u32| match odd.get(number as usize) {
        Some(text) => text.clone(),
        None => vec![b'x'; (number as usize * 37) % 3000],
    };
    let all: Vec<(u32, Vec<u8>)> = (0..1000).map(|number| (number, text(number))).collect();
    let mut stage = Stage::new(1000, all.clone());
    let mut caller = stage.greeted(Kind::Status);
    let (parts, end) = caller.ask_all(&mut stage, r#"{"id":5,"cmd":"dump"}"#);
    assert_eq!(end, json!({"id": 5, "ok": {"count": 1000, "complete": true}}));
    let expected: Vec<_> = all.into_iter().map(|(number, text)| (u64::from(number), text)).collect();
    assert_eq!(file(&parts), expected);
    for part in &parts {
        assert!(part["lines"].as_array().unwrap().len() <= limits::SLICE_LINES);
        assert!(part.to_string().len() < 128 * 1024);
    }
}

#[test]
fn an_incomplete_file_is_dumped_only_on_demand() {
    let mut stage = Stage::new(10, texts(4));
    let mut caller = stage.greeted(Kind::Status);
    let reply = caller.ask(&mut stage, r#"{"cmd":"dump"}"#);
    assert_eq!(reply["error"]["code"], "E_INCOMPLETE");
    assert!(reply["error"]["why"].as_str().unwrap().contains("4 of 10"), "{reply}");
    let (parts, end) = caller.ask_all(&mut stage, r#"{"cmd":"dump","partial":true}"#);
    assert_eq!(end["ok"], json!({"count": 4, "complete": false}));
    assert_eq!(file(&parts).len(), 4);
    let mut empty = Stage::new(10, []);
    let mut caller = empty.greeted(Kind::Status);
    let (parts, end) = caller.ask_all(&mut empty, r#"{"cmd":"dump","partial":true}"#);
    assert_eq!((parts.len(), &end["ok"]), (0, &json!({"count": 0, "complete": false})));
}

#[test]
fn lines_are_listed_by_range_and_by_their_absence() {
    let mut stage = Stage::new(2000, texts(1000).filter(|(number, _)| number % 2 == 0));
    let mut caller = stage.greeted(Kind::Status);
    let (parts, end) = caller.ask_all(&mut stage, r#"{"cmd":"lines","from":10,"to":20}"#);
    let numbers: Vec<u64> = file(&parts).into_iter().map(|(number, _)| number).collect();
    assert_eq!((numbers, &end["ok"]["count"]), (vec![10, 12, 14, 16, 18, 20], &6.into()));
    let (parts, end) = caller.ask_all(&mut stage, r#"{"cmd":"lines"}"#);
    assert_eq!((file(&parts).len(), &end["ok"]["count"]), (500, &500.into()));

    let (parts, end) = caller.ask_all(&mut stage, r#"{"cmd":"lines","missing":true}"#);
    let numbers: Vec<u64> = parts
        .iter()
        .flat_map(|part| part["numbers"].as_array().unwrap())
        .map(|number| number.as_u64().unwrap())
        .collect();
    let expected: Vec<u64> = (0..2000).filter(|number| *number >= 1000 || number % 2 == 1).collect();
    assert_eq!((numbers, &end["ok"]["count"]), (expected, &1500.into()));
    let (parts, _) = caller.ask_all(&mut stage, r#"{"cmd":"lines","missing":true,"from":998,"to":1001}"#);
    assert_eq!(parts, [json!({"numbers": [999, 1000, 1001]})]);
    assert_eq!(caller.ask_code(&mut stage, r#"{"cmd":"lines","from":2,"to":1}"#), "E_BAD_VALUE");
    let mut unknown = Stage::new(0, texts(3));
    let mut caller = unknown.greeted(Kind::Status);
    assert_eq!(caller.ask_code(&mut unknown, r#"{"cmd":"lines","missing":true}"#), "E_NOT_YET");
}

#[test]
fn a_client_that_never_reads_a_dump_holds_up_nobody_and_gets_it_whole_later() {
    let text = vec![b'y'; 4000];
    let mut stage = Stage::new(2000, (0..2000).map(|number| (number, text.clone())));
    let mut sleeper = stage.greeted(Kind::Status);
    sleeper.send(&mut stage, "{\"id\":1,\"cmd\":\"dump\"}\n{\"id\":2,\"cmd\":\"ping\"}\n");
    let mut caller = stage.greeted(Kind::Status);
    let began = std::time::Instant::now();
    for _ in 0..200 {
        assert!(caller.ask(&mut stage, r#"{"cmd":"ping"}"#).get("ok").is_some());
    }
    assert!(began.elapsed().as_secs() < 20);
    caller.assert_silent(&mut stage);
    assert!(!stage.control.is_busy(), "a stream that waits for its reader costs no turns");
    let most = limits::CONTROL_QUEUE_BYTES + 128 * 1024;
    assert!(stage.control.clients.values().all(|client| client.unsent() <= most));

    let mut parts = Vec::new();
    let end = loop {
        let reply = sleeper.reply(&mut stage);
        match reply.get("part") {
            Some(part) => parts.push(part.clone()),
            None => break reply,
        }
    };
    assert_eq!(end["ok"], json!({"count": 2000, "complete": true}));
    assert!(file(&parts).iter().map(|(number, _)| *number).eq(0..2000));
    assert_eq!(sleeper.reply(&mut stage)["id"], 2);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_dump_is_forgotten() {
    let text = vec![b'y'; 4000];
    let mut stage = Stage::new(2000, (0..2000).map(|number| (number, text.clone())));
    let mut caller = stage.greeted(Kind::Status);
    let pings = "{\"cmd\":\"ping\"}\n".repeat(20_000);
    caller.send(&mut stage, "{\"id\":1,\"cmd\":\"dump\"}\n");
    // More than is read while the dump is under way.
    let _ = std::io::Write::write(&mut &caller.stream, pings.as_bytes());
    stage.turn();
    while stage.control.is_busy() {
        stage.turn();
    }
    assert!(stage.control.clients.values().any(|client| client.unsent() >= limits::CONTROL_QUEUE_BYTES));
    drop(caller);
    let began = std::time::Instant::now();
    while !stage.control.clients.is_empty() {
        stage.turn();
        assert!(began.elapsed().as_secs() < 60, "{:?}", stage.control.clients);
    }
    assert!(!stage.control.is_busy());
}

fn note_something(stage: &mut Stage, times: usize) {
    for _ in 0..times {
        for command in [Command::Pause, Command::Resume] {
            stage.feed(Input::Command { request: RequestId(u64::MAX), command });
        }
    }
}

fn seqs(part: &Value) -> Vec<u64> {
    part["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[test]
fn events_are_given_from_a_number_on() {
    let mut stage = Stage::new(10, texts(3));
    let first = stage.engine.recent().next_seq();
    note_something(&mut stage, 2);
    let mut caller = stage.greeted(Kind::Status);
    let (parts, end) = caller.ask_all(&mut stage, r#"{"cmd":"events"}"#);
    assert_eq!(parts.iter().flat_map(seqs).collect::<Vec<_>>(), (1..first + 4).collect::<Vec<_>>());
    assert_eq!(end["ok"]["next"], first + 4);
    let request = json!({"cmd": "events", "since": first + 3, "causal": true}).to_string();
    let (parts, _) = caller.ask_all(&mut stage, &request);
    let event = &parts[0]["events"][0];
    assert_eq!(
        (&event["what"], &event["level"], &event["node"]),
        (&"resumed".into(), &"info".into(), &"lab1/alice".into())
    );
    let (parts, end) = caller.ask_all(&mut stage, &json!({"cmd": "events", "since": first + 4}).to_string());
    assert_eq!((parts.len(), &end["ok"]["next"]), (0, &(first + 4).into()));
    let late = json!({"cmd": "events", "since": first + 5}).to_string();
    assert_eq!(caller.ask_code(&mut stage, &late), "E_BAD_VALUE");
}

#[test]
fn followers_see_every_event_once_and_later_requests_wait() {
    let mut stage = Stage::new(10, texts(3));
    let first = stage.engine.recent().next_seq();
    let mut caller = stage.greeted(Kind::Status);
    let ask = json!({"id": 1, "cmd": "events", "since": first, "follow": true});
    caller.send(&mut stage, format!("{ask}\n{{\"id\":2,\"cmd\":\"ping\"}}\n"));
    caller.assert_silent(&mut stage);
    let mut next = first;
    for round in 0..50 {
        note_something(&mut stage, 1 + round % 7);
        while next < stage.engine.recent().next_seq() {
            let reply = caller.reply(&mut stage);
            assert!(reply["part"].get("lost").is_none());
            for seq in seqs(&reply["part"]) {
                assert_eq!(seq, next);
                next += 1;
            }
        }
        caller.assert_silent(&mut stage);
    }
    assert!(!stage.control.is_busy(), "nothing to do until something happens");
}

#[test]
fn a_follower_that_missed_events_is_told_how_many() {
    let mut stage = Stage::new(10, texts(3));
    note_something(&mut stage, limits::EVENTS);
    let oldest = stage.engine.recent().oldest();
    let mut caller = stage.greeted(Kind::Status);
    let (parts, _) = caller.ask_all(&mut stage, r#"{"cmd":"events","since":1}"#);
    assert_eq!(parts[0]["lost"], oldest - 1);
    assert_eq!(parts.iter().flat_map(seqs).collect::<Vec<_>>().len(), limits::EVENTS);
    assert!(parts[1..].iter().all(|part| part.get("lost").is_none()));
}

fn messages(part: &Value) -> Vec<String> {
    part["lines"].as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap().into()).collect()
}

#[test]
fn the_log_begins_with_its_newest_lines_and_goes_on() {
    let mut stage = Stage::new(10, []);
    let say = |stage: &Stage, text: &str| stage.log.push(log::Level::Warn, text.into());
    let most = limits::LOG_LINES;
    (0..most + 3).for_each(|at| say(&stage, &format!("old {at}")));
    let mut caller = stage.greeted(Kind::Status);
    let (parts, end) = caller.ask_all(&mut stage, r#"{"cmd":"log"}"#);
    let kept: Vec<String> = parts.iter().flat_map(messages).collect();
    assert_eq!((kept.len(), kept[0].as_str()), (most, "old 3"));
    assert_eq!(end["ok"]["next"], most + 4);
    assert_eq!(parts[0]["lines"][0]["level"], "warn");
    let (parts, _) = caller.ask_all(&mut stage, r#"{"cmd":"log","since":1}"#);
    assert_eq!(parts[0]["lost"], 3);
    let late = json!({"cmd": "log", "since": most + 5}).to_string();
    assert_eq!(caller.ask_code(&mut stage, &late), "E_BAD_VALUE");

    let ask = json!({"id": 7, "cmd": "log", "since": most + 4, "follow": true});
    caller.send(&mut stage, format!("{ask}\n"));
    caller.assert_silent(&mut stage);
    assert!(!stage.control.is_busy(), "nothing was said");
    say(&stage, "new");
    assert!(stage.control.is_busy(), "a line is shown though nothing else happens");
    let reply = caller.reply(&mut stage);
    assert_eq!((&reply["id"], messages(&reply["part"])), (&json!(7), vec!["new".to_owned()]));
}
