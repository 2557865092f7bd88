//! Text from elsewhere on a terminal: what would steer it or deceive its reader is shown as an escape, whichever command
//! shows it. Into pipes and files the bytes of the file go as they are.

use crate::fake_daemon::{FakeDaemon, ctl, run, status};
use crate::pty::Terminal;
use lineswarm_proto::visible::is_hidden;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// Sets the title, is red, overwrites, reorders, hides, and is an 8-bit control sequence.
const EVIL: &str = "x\u{1b}]0;PWNED\u{7}\u{1b}[31mred\r\nnext\u{8}\u{7f}\u{9b}5m\u{85}\u{202e}txt\u{2066}\u{200b}\u{feff}\u{e0041}";

fn answer(request: &Value) -> Vec<Value> {
    let ok = |value: Value| vec![json!({ "ok": value })];
    let id = "ff0102030405060708090a0b0c0d0e0f";
    let peer = json!({
        "id": id, "name": EVIL, "address": EVIL, "state": EVIL, "found": EVIL, "member": true, "master": true,
        "have": 1, "rate": 1.0, "rtt_ms": 1.0, "lines_sent": 1, "lines_received": 1, "contradictions": 1,
        "problem": EVIL
    });
    match request["cmd"].as_str().unwrap() {
        "status" | "wait" => {
            let mut status = status();
            for text in ["name", "swarm", "problem", "listen"] {
                status[text] = EVIL.into();
            }
            status["job"]["server"] = EVIL.into();
            status["job"]["sha256"] = EVIL.into();
            status["master"]["name"] = EVIL.into();
            status["pacer"]["kind"] = EVIL.into();
            status["submit"] = json!({"state": "rejected", "by": id, "attempts": 1, "reply": EVIL});
            ok(status)
        }
        "peers" => ok(json!({"peers": [peer], "names": {EVIL: [id, id]}})),
        "resolve" => ok(json!({"peers": [peer]})),
        "lines" if request["missing"] == true => {
            vec![json!({"part": {"numbers": [3]}}), json!({"ok": {"count": 1}})]
        }
        "lines" | "dump" => vec![
            json!({"part": {"lines": [{"number": 0, "text": EVIL}, {"number": 1, "text_b64": "/xtj"}]}}),
            json!({"ok": {"count": 2, "complete": true}}),
        ],
        "get" => ok(json!({"number": 0, "text": EVIL, "first_hand": true})),
        "master" => ok(json!({"master": {"id": EVIL, "name": EVIL}, "term": 1, "self": false})),
        "history" => ok(json!({"runs": [{"verdict": EVIL, "server": EVIL, EVIL: EVIL}]})),
        "why" => ok(json!({"sentences": [EVIL], "causes": [{"weight": 1, "code": EVIL}]})),
        "config" => {
            ok(json!({"settings": [{"section": EVIL, "key": EVIL, "value": [EVIL], "origin": EVIL}]}))
        }
        "reload" => {
            let one = json!({"section": EVIL, "key": EVIL, "value": EVIL, "was": EVIL});
            ok(json!({"changed": [one], "restart": [one]}))
        }
        "metrics" => {
            ok(json!({ "text": format!("lineswarm_info{{name=\"{}\"}} 1\n", EVIL.replace('\n', "\\n")) }))
        }
        "events" => {
            let event = json!({"seq": 1, "lamport": 1, "t": 1.0, "node": EVIL, "level": EVIL, "what": EVIL,
                "fields": {EVIL: EVIL}});
            vec![json!({"part": {"events": [event]}}), json!({"ok": {"next": 2, "silent": [EVIL]}})]
        }
        "log" => {
            let line = json!({"seq": 1, "t": 1.0, "level": EVIL, "message": EVIL});
            vec![json!({"part": {"lines": [line]}}), json!({"ok": {"next": 2}})]
        }
        "version" => ok(json!({"program": EVIL, "version": EVIL, "control": 1, "wire": EVIL, "journal": 1})),
        "pause" => vec![json!({"error": {"code": EVIL, "what": EVIL, "why": EVIL, "hint": EVIL}})],
        _ => ok(json!({EVIL: EVIL, "inner": {EVIL: [EVIL]}})),
    }
}

fn asking(daemon: &FakeDaemon, words: &str) -> Command {
    let mut command = ctl();
    command.env("TERM", "xterm").arg("-s").arg(daemon.status_socket()).args(words.split(' '));
    command
}

fn on_terminal(daemon: &FakeDaemon, words: &str) -> String {
    let (_, shown) = Terminal::start(&mut asking(daemon, words), 200, 50).end();
    String::from_utf8(shown).unwrap()
}

#[test]
fn foreign_text_never_steers_a_terminal() {
    let daemon = FakeDaemon::answering(answer);
    for words in [
        "status",
        "peers",
        "resolve x",
        "lines",
        "lines --missing",
        "get 0",
        "dump",
        "dump --numbered",
        "dump -o /dev/stdout",
        "master",
        "history",
        "why",
        "stats",
        "config show",
        "config diff",
        "metrics",
        "events --follow=false",
        "events --follow=false --causal",
        "log tail --follow=false",
        "version",
        "reload",
        "pause",
        "resume",
        "save",
        "elect",
        "limit --auto",
        "wait --for complete",
        "submit --dry-run",
        "status --json",
        "peers --json",
        "get 0 --json",
        "lines --json",
        "events --follow=false --json",
        "pause --json",
        "config show --json",
        "version --json",
    ] {
        let shown = on_terminal(&daemon, words);
        let bad = shown.lines().find(|line| line.contains(is_hidden));
        // The tab after a line's number is ours.
        let bad = bad.filter(|line| line.replace('\t', "").contains(is_hidden));
        assert_eq!(bad, None, "{words}");
        assert!(!shown.is_empty(), "{words}");
        if words.ends_with("--json") {
            serde_json::from_str::<Value>(shown.lines().next().unwrap()).unwrap();
        }
    }
}

#[test]
fn what_redraws_the_screen_shows_foreign_text_as_text() {
    let daemon = FakeDaemon::answering(answer);
    for words in ["watch -t 0.5", "top -t 1"] {
        let shown = on_terminal(&daemon, words);
        // Its own sequences move the cursor: of the foreign ones none may be there.
        for part in ["\u{1b}]0;", "\u{7}", "\u{1b}[31mred", "\u{9b}", "\u{202e}", "\u{200b}", "\u{e0041}"] {
            assert!(!shown.contains(part), "{words}: {part:?} in {shown:?}");
        }
        assert!(shown.contains("PWNED"), "{words}: {shown:?}");
    }
}

#[test]
fn bytes_go_unchanged_into_pipes_and_files_and_raw_to_a_terminal() {
    let daemon = FakeDaemon::answering(answer);
    let file = [EVIL.as_bytes(), b"\n\xff\x1bc\n"].concat();
    assert_eq!(daemon.ctl("dump").bytes, file);
    assert_eq!(daemon.ctl("get 0").bytes, [EVIL.as_bytes(), b"\n"].concat());
    assert_eq!(daemon.ctl("lines").bytes, [b"0\t", EVIL.as_bytes(), b"\n1\t\xff\x1bc\n"].concat());
    let path = daemon.directory.join("out");
    assert_eq!(daemon.ctl(&format!("dump -o {}", path.display())).exit, 0);
    assert_eq!(fs::read(&path).unwrap(), file);
    for words in ["dump --raw", "lines --raw", "get 0 --raw"] {
        let (exit, shown) = Terminal::start(&mut asking(&daemon, words), 80, 24).end();
        assert_eq!((exit, shown), (Some(0), run(&mut asking(&daemon, words)).bytes), "{words}");
    }
    let shown = on_terminal(&daemon, "get 0");
    assert!(shown.starts_with("x\\u{1b}]0;PWNED\\u{7}\\u{1b}[31mred\\r\\nnext"), "{shown}");
}
