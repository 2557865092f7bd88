//! What too much of anything does.

use super::{
    Kind,
    stage::{Caller, Stage},
    texts,
};
use lineswarm_proto::limits;

#[test]
fn a_line_of_ten_megabytes_ends_its_connection_and_nothing_else() {
    let mut stage = Stage::new(10, texts(3));
    let mut other = stage.greeted(Kind::Status);
    let mut caller = stage.greeted(Kind::Status);
    caller.send(&mut stage, vec![b'x'; 10 << 20]);
    assert_eq!(caller.reply(&mut stage)["error"]["code"], "E_TOO_LONG");
    caller.assert_closed(&mut stage);
    assert!(other.ask(&mut stage, r#"{"cmd":"ping"}"#).get("ok").is_some());
}

#[test]
fn the_longest_request_is_answered() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Status);
    let request = r#"{"id":1,"cmd":"ping"}"#;
    let padded = format!("{request}{}", " ".repeat(limits::CONTROL_REQUEST_BYTES - request.len()));
    assert_eq!(caller.ask(&mut stage, &padded)["id"], 1);
    assert_eq!(caller.ask_code(&mut stage, &format!("{padded} ")), "E_TOO_LONG");
    caller.assert_closed(&mut stage);
}

#[test]
fn random_bytes_never_break_anything() {
    let mut stage = Stage::new(10, texts(3));
    let mut random = 7_u64;
    let mut bytes = vec![0_u8; 60_000];
    for byte in &mut bytes {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (random >> 56) as u8;
    }
    let mut caller = stage.greeted(Kind::Control);
    for chunk in bytes.chunks(997) {
        caller.send(&mut stage, chunk);
        while let Some(line) = caller.poll_line() {
            assert!(line.contains("E_BAD_REQUEST"), "{line}");
        }
    }
    caller.send(&mut stage, "\n{\"id\":77,\"cmd\":\"ping\"}\n");
    while !caller.line(&mut stage).starts_with("{\"id\":77,\"ok\"") {}
    assert!(stage.wishes.is_empty());
}

#[test]
fn a_hundred_clients_are_served_at_once() {
    let mut stage = Stage::new(100, texts(100));
    let mut callers: Vec<Caller> = (0..100).map(|_| stage.call(Kind::Status)).collect();
    for (id, caller) in callers.iter_mut().enumerate() {
        caller.send(
            &mut stage,
            format!("{{\"id\":{id},\"cmd\":\"status\"}}\n{{\"id\":{id},\"cmd\":\"dump\"}}\n"),
        );
    }
    for (id, caller) in callers.iter_mut().enumerate() {
        assert!(caller.reply(&mut stage).get("hello").is_some());
        assert_eq!(caller.reply(&mut stage)["id"], id);
        assert_eq!(caller.reply(&mut stage)["part"]["lines"].as_array().unwrap().len(), 100);
        assert_eq!(caller.reply(&mut stage)["ok"]["count"], 100);
    }
    assert!(!stage.control.is_busy());
}

#[test]
fn one_client_too_many_is_told_so_and_a_place_is_free_again_later() {
    let mut stage = Stage::new(10, texts(3));
    let mut inside: Vec<Caller> = Vec::new();
    for _ in 0..limits::CONTROL_CLIENTS {
        inside.push(stage.greeted(Kind::Status));
    }
    let mut late = stage.call(Kind::Status);
    let reply = late.reply(&mut stage);
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&0.into(), &"E_BUSY".into()));
    late.assert_closed(&mut stage);
    stage.greeted(Kind::Control);
    assert!(inside[0].ask(&mut stage, r#"{"cmd":"ping"}"#).get("ok").is_some());
    drop(inside.pop());
    stage.turn();
    stage.turn();
    stage.greeted(Kind::Status);
    drop(inside);
    while !stage.control.clients.is_empty() {
        stage.turn();
    }
}

#[test]
fn a_flood_of_requests_that_nobody_reads_the_answers_of_is_stopped_by_the_bound() {
    let mut stage = Stage::new(10, texts(3));
    let mut flooder = stage.greeted(Kind::Status);
    let requests = "{\"cmd\":\"metrics\"}\n".repeat(1000);
    // As much as fits before the daemon stops reading.
    loop {
        match std::io::Write::write(&mut &flooder.stream, requests.as_bytes()) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                for _ in 0..200 {
                    stage.turn();
                }
                if !stage.control.is_busy() {
                    break;
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    let most = limits::CONTROL_QUEUE_BYTES + 64 * 1024;
    let unsent = stage.control.clients.values().map(|client| client.unsent()).max().unwrap();
    assert!(unsent >= limits::CONTROL_QUEUE_BYTES && unsent <= most, "{unsent}");
    let mut other = stage.greeted(Kind::Status);
    assert!(other.ask(&mut stage, r#"{"cmd":"ping"}"#).get("ok").is_some());
    // Once it reads, everything is answered, and in order.
    for _ in 0..500 {
        assert!(flooder.reply(&mut stage)["ok"]["text"].is_string());
    }
}

#[test]
fn a_client_that_stops_listening_but_goes_on_sending_costs_no_turns() {
    let mut stage = Stage::new(10, texts(3));
    let mut caller = stage.greeted(Kind::Control);
    caller.stream.shutdown(std::net::Shutdown::Read).unwrap();
    caller.send(&mut stage, "{\"cmd\":\"ping\"}\n{\"cmd\":\"save\"}\n");
    let began = std::time::Instant::now();
    while !stage.control.clients.is_empty() {
        stage.turn();
        assert!(began.elapsed().as_secs() < 60, "{:?}", stage.control.clients);
    }
    assert!(!stage.control.is_busy());
    assert_eq!(stage.wishes.len(), 1);
}
