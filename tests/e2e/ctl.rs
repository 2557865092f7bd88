//! lineswarmctl from outside: what it asks, what it prints and with what it exits, against a fake daemon.

// clippy.toml frees only functions that are tests themselves, not what they call.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "ctl/demo.rs"]
mod demo;
#[path = "ctl/fake_daemon.rs"]
mod fake_daemon;
#[path = "ctl/hostile.rs"]
mod hostile;
#[path = "support/pty.rs"]
mod pty;
#[path = "ctl/trouble.rs"]
mod trouble;

use fake_daemon::{FakeDaemon, ctl, run, status, three_lines};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

fn ok(value: Value) -> Value {
    json!({ "ok": value })
}

fn error(code: &str) -> Value {
    json!({"error": {"code": code, "what": "it did not work", "why": "a reason", "hint": "a hint"}})
}

#[test]
fn status_is_a_screen_or_the_daemons_own_object() {
    let daemon = FakeDaemon::always(ok(status()));
    let text = daemon.ctl("status");
    assert_eq!(text.exit, 0, "{text:?}");
    assert!(text.out.starts_with("lab1/alice  fetching  up 61.2 s\n[####"), "{}", text.out);
    assert!(text.out.contains("577/1000  57.7 %"));
    assert!(!text.out.contains('\u{1b}'), "no colour in a pipe");
    let object = daemon.ctl("status --json");
    assert_eq!((object.exit, object.json()), (0, status()));
    assert_eq!(object.out.lines().count(), 1);
}

#[test]
fn every_command_asks_what_the_protocol_says_on_the_right_socket() {
    let daemon = FakeDaemon::always(ok(json!({})));
    let table = [
        (
            "start --server a:1 --lines 7 --swarm",
            json!({"cmd": "start", "server": "a:1", "lines": 7, "swarm": true}),
        ),
        ("start", json!({"cmd": "start", "server": null, "lines": null, "swarm": false})),
        ("pause", json!({"cmd": "pause"})),
        ("resume", json!({"cmd": "resume"})),
        ("reset --swarm", json!({"cmd": "reset", "swarm": true})),
        ("save", json!({"cmd": "save"})),
        ("verify", json!({"cmd": "verify"})),
        ("stop", json!({"cmd": "stop"})),
        ("submit --dry-run", json!({"cmd": "submit", "dry_run": true, "force": false, "resolve": false})),
        (
            "submit --dry-run --force --resolve",
            json!({"cmd": "submit", "dry_run": true, "force": true, "resolve": true}),
        ),
        ("elect --to lab1/bob", json!({"cmd": "elect", "to": "lab1/bob"})),
        ("limit --rate 50", json!({"cmd": "limit", "rate": 50.0})),
        ("limit --auto", json!({"cmd": "limit", "rate": null})),
        ("peer add 127.0.0.9:9900", json!({"cmd": "peer-add", "address": "127.0.0.9:9900"})),
        ("peer rm bob --ban", json!({"cmd": "peer-remove", "peer": "bob", "ban": true})),
        ("peer forget bob", json!({"cmd": "peer-forget", "peer": "bob", "absent": false})),
        ("peer forget --absent", json!({"cmd": "peer-forget", "peer": null, "absent": true})),
        ("join a:1 b:2", json!({"cmd": "join", "addresses": ["a:1", "b:2"]})),
        ("leave", json!({"cmd": "leave"})),
        ("log level debug", json!({"cmd": "log-level", "level": "debug"})),
        ("reload", json!({"cmd": "reload"})),
        ("ping", json!({"cmd": "ping"})),
        ("stats", json!({"cmd": "stats"})),
        ("metrics", json!({"cmd": "metrics"})),
        ("why", json!({"cmd": "why"})),
        ("history", json!({"cmd": "history"})),
        ("config show", json!({"cmd": "config"})),
        ("config diff", json!({"cmd": "config"})),
        ("events --since 9 --causal", json!({"cmd": "events", "since": 9, "causal": true, "follow": true})),
    ];
    for (index, (line, mut request)) in table.into_iter().enumerate() {
        request["socket"] = if index < 21 { "control.sock" } else { "status.sock" }.into();
        let answered =
            run(ctl().env("XDG_RUNTIME_DIR", runtime(&daemon)).args(line.split(' ')).args(["-i", "fake"]));
        assert_eq!(answered.exit, 0, "{line}: {answered:?}");
        assert_eq!(daemon.asked().last(), Some(&request), "{line}");
    }
}

/// A runtime directory in which the daemon is the instance `fake`.
fn runtime(daemon: &FakeDaemon) -> std::path::PathBuf {
    let runtime = daemon.directory.join("runtime");
    let instances = runtime.join("lineswarm");
    if !instances.exists() {
        fs::create_dir_all(&instances).unwrap();
        std::os::unix::fs::symlink(&daemon.directory, instances.join("fake")).unwrap();
    }
    runtime
}

#[test]
fn the_socket_comes_from_the_flag_the_environment_or_the_instance() {
    let daemon = FakeDaemon::always(ok(json!({"pong": true})));
    let by_environment = run(ctl().env("LINESWARM_SOCKET", daemon.status_socket()).arg("ping"));
    assert_eq!(by_environment.exit, 0, "{by_environment:?}");
    let flag_wins =
        run(ctl().env("LINESWARM_SOCKET", "/nowhere").arg("ping").arg("-s").arg(daemon.status_socket()));
    assert_eq!(flag_wins.exit, 0, "{flag_wins:?}");
    let by_instance =
        run(ctl().env("XDG_RUNTIME_DIR", runtime(&daemon)).args(["ping", "--instance", "fake"]));
    assert_eq!(by_instance.exit, 0, "{by_instance:?}");
    assert!(by_instance.out.starts_with("lab1/alice: ") && by_instance.out.ends_with(" ms\n"));
    let changes_too = daemon.ctl("pause");
    assert_eq!(changes_too.exit, 0);
    assert_eq!(daemon.asked().last().unwrap()["socket"], "status.sock", "-s names the socket for both");
}

#[test]
fn the_first_daemon_that_answers_is_asked_and_not_the_first_socket_that_exists() {
    let at = tempfile::tempdir().unwrap();
    let (first, second) = (at.path().join("first/odd"), at.path().join("second/lineswarm/odd"));
    fs::create_dir_all(&second).unwrap();
    let _alive = FakeDaemon::in_directory(&second, |_| vec![ok(json!({"pong": true}))]);
    let silent = FakeDaemon::blurting("", false);
    let hung_up = FakeDaemon::blurting("", true);
    let leave = |what: &str| {
        let _ = fs::remove_dir_all(&first);
        fs::create_dir_all(&first).unwrap();
        let socket = first.join("status.sock");
        match what {
            "killed" => drop(std::os::unix::net::UnixListener::bind(socket).unwrap()),
            "file" => fs::write(socket, "").unwrap(),
            "silent" => std::os::unix::fs::symlink(silent.status_socket(), socket).unwrap(),
            _ => std::os::unix::fs::symlink(hung_up.status_socket(), socket).unwrap(),
        }
        // What a change would use must not be another daemon's.
        fs::write(first.join("control.sock"), "").unwrap();
    };
    for left in ["killed", "file", "silent", "hung up"] {
        leave(left);
        for words in [&["-i", "odd", "ping"][..], &["-i", "odd", "pause"], &["--all", "-q", "ping"]] {
            let mut command = ctl();
            command
                .env("RUNTIME_DIRECTORY", at.path().join("first"))
                .env("XDG_RUNTIME_DIR", at.path().join("second"));
            let answered = run(command.args(words));
            assert_eq!(answered.exit, 0, "{left}, {words:?}: {answered:?}");
        }
    }
}

#[test]
fn all_asks_each_instance_and_the_worst_answer_counts() {
    let at = tempfile::tempdir().unwrap();
    let runtime = at.path().join("lineswarm");
    for name in ["one", "two"] {
        fs::create_dir_all(runtime.join(name)).unwrap();
    }
    let _one =
        FakeDaemon::in_directory(&runtime.join("one"), |_| vec![ok(json!({"master": null, "term": 1}))]);
    let _two = FakeDaemon::in_directory(&runtime.join("two"), |_| {
        vec![ok(json!({"master": {"id": "ff", "name": "bob"}, "term": 2, "self": true}))]
    });
    let all = |arguments: &[&str]| run(ctl().env("XDG_RUNTIME_DIR", at.path()).arg("--all").args(arguments));
    let text = all(&["master"]);
    assert_eq!(text.exit, 1);
    assert!(
        text.out.ends_with("== one ==\nno master (term 1)\n== two ==\nbob (ff, this node, term 2)\n"),
        "{text:?}"
    );
    let object = all(&["master", "--json"]);
    let names: Vec<Value> = object
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["instance"].clone())
        .collect();
    assert!(names.ends_with(&[json!("one"), json!("two")]), "{names:?}");
}

#[test]
fn a_dump_is_the_file_byte_for_byte() {
    let daemon = FakeDaemon::answering(|_| three_lines(ok(json!({"count": 3, "complete": true}))));
    let file = b"zero\n a\ttab \n\xff\0a\n";
    assert_eq!(daemon.ctl("dump").bytes, file);
    assert_eq!(daemon.ctl("dump --numbered").bytes, b"0\tzero\n1\t a\ttab \n2\t\xff\0a\n");
    let path = daemon.directory.join("out.txt");
    let to_file = daemon.ctl(&format!("dump -o {}", path.display()));
    assert_eq!(to_file.exit, 0, "{to_file:?}");
    assert_eq!(fs::read(&path).unwrap(), file);
    assert_eq!(to_file.out, format!("{}: 17 bytes\n", path.display()));
    assert_eq!(daemon.ctl(&format!("-q dump -o {}", path.display())).out, "");
    let object = daemon.ctl("dump --json").json();
    assert_eq!(object["lines"][2], json!({"number": 2, "text_b64": "/wBh"}));
    assert_eq!((&object["v"], &object["count"], &object["complete"]), (&json!(1), &json!(3), &json!(true)));
    let saved = daemon.ctl(&format!("dump --json -o {}", path.display())).json();
    assert_eq!((&saved["bytes"], &saved["count"]), (&json!(17), &json!(3)));
    assert_eq!(daemon.ctl("dump -o /no/such/place").exit, 73);
}

#[test]
fn an_incomplete_dump_is_a_negative_answer_and_leaves_the_old_file() {
    let daemon = FakeDaemon::answering(|request| match request["partial"] == true {
        true => three_lines(ok(json!({"count": 3, "complete": false}))),
        false => vec![error("E_INCOMPLETE")],
    });
    let path = daemon.directory.join("out.txt");
    fs::write(&path, "old").unwrap();
    let refused = daemon.ctl(&format!("dump -o {}", path.display()));
    assert_eq!((refused.exit, refused.out.as_str()), (1, ""));
    assert_eq!(
        refused.err,
        "lineswarmctl: it did not work [E_INCOMPLETE]\n  why:  a reason\n  hint: a hint\n"
    );
    assert_eq!(fs::read(&path).unwrap(), b"old");
    let json = daemon.ctl("dump --json");
    assert_eq!((json.exit, json.code().as_str()), (1, "E_INCOMPLETE"));
    assert_eq!(daemon.ctl("dump --partial").exit, 0);
    let left: Vec<_> =
        fs::read_dir(&daemon.directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn lines_are_numbers_and_texts_or_the_missing_numbers() {
    let daemon = FakeDaemon::answering(|request| match request["missing"] == true {
        true => vec![json!({"part": {"numbers": [3, 5]}}), ok(json!({"count": 2}))],
        false => three_lines(ok(json!({"count": 3}))),
    });
    assert_eq!(daemon.ctl("lines --range 0-2").bytes, b"0\tzero\n1\t a\ttab \n2\t\xff\0a\n");
    assert_eq!(daemon.asked().last().unwrap()["to"], 2);
    assert_eq!(daemon.ctl("lines --missing").out, "3\n5\n");
    assert_eq!(daemon.ctl("lines --missing --json").json(), json!({"v": 1, "numbers": [3, 5], "count": 2}));
    let none = FakeDaemon::always(ok(json!({"count": 0})));
    assert_eq!(none.ctl("lines --json").json(), json!({"v": 1, "lines": [], "count": 0}));
}

#[test]
fn get_prints_the_text_alone_and_a_missing_line_is_a_negative_answer() {
    let daemon = FakeDaemon::answering(|request| match request["number"].as_u64() {
        Some(17) => vec![ok(json!({"number": 17, "text_b64": "/wA=", "first_hand": true}))],
        _ => vec![error("E_NO_LINE")],
    });
    assert_eq!(daemon.ctl("get 17").bytes, b"\xff\0\n");
    assert_eq!(daemon.ctl("get 17 --json").json()["first_hand"], true);
    assert_eq!(daemon.ctl("get 18").exit, 1);
    let refused = daemon.ctl("get 18 --json");
    assert_eq!((refused.exit, refused.code().as_str()), (1, "E_NO_LINE"));
}

#[test]
fn negative_answers_exit_1() {
    let none = FakeDaemon::always(ok(json!({"master": null, "term": 3, "self": false})));
    assert_eq!((none.ctl("master").exit, none.ctl("master").out.as_str()), (1, "no master (term 3)\n"));
    assert_eq!(none.ctl("master --json").exit, 1);
    let nobody = FakeDaemon::always(ok(json!({"peers": []})));
    assert_eq!(nobody.ctl("resolve bob").exit, 1);
}

/// Answers `submit` with `{}`; from the third status on, its submit is `verdict`.
fn submitting(verdict: Value) -> FakeDaemon {
    let asked = AtomicU32::new(0);
    FakeDaemon::answering(move |request| {
        if request["cmd"] != "status" {
            return vec![ok(json!({}))];
        }
        let mut status = status();
        if asked.fetch_add(1, Ordering::Relaxed) >= 2 {
            status["submit"] = verdict.clone();
        }
        vec![ok(status)]
    })
}

#[test]
fn submit_waits_for_the_verdict_and_a_wrong_one_exits_65() {
    let verdict =
        |state: &str, reply: &str| json!({"state": state, "by": null, "attempts": 1, "reply": reply});
    let right = submitting(verdict("done", "SUBMIT SUCCESS: x"));
    let answered = right.ctl("submit");
    assert_eq!((answered.exit, answered.out.as_str()), (0, "right: SUBMIT SUCCESS: x\n"), "{answered:?}");
    assert_eq!(right.ctl("submit --json").json()["state"], "done", "it was submitted before");
    let again = right.ctl("-t 0.3 submit --force --json");
    assert_eq!((again.exit, again.code().as_str()), (75, "E_TIMEOUT"), "no new verdict came");
    let wrong = submitting(verdict("rejected", "999, 1"));
    let answered = wrong.ctl("submit --force");
    assert_eq!((answered.exit, answered.out.as_str()), (65, "wrong: 999, 1\n"), "{answered:?}");
    let silent = submitting(status()["submit"].clone()).ctl("-t 0.3 submit");
    assert_eq!(silent.exit, 75);
    assert!(silent.err.contains("lab1/bob is the master and submits"), "{silent:?}");
    let incomplete = FakeDaemon::answering(|request| {
        vec![if request["cmd"] == "status" { ok(status()) } else { error("E_INCOMPLETE") }]
    });
    assert_eq!(incomplete.ctl("submit").exit, 1);
    let dry = FakeDaemon::always(ok(json!({"lines": 1000})));
    assert_eq!(dry.ctl("submit --dry-run").out, "nothing was sent\nlines  1000\n");
}

#[test]
fn counters_metrics_reasons_and_runs_are_readable() {
    let daemon = FakeDaemon::answering(|request| {
        vec![ok(match request["cmd"].as_str().unwrap() {
            "stats" => json!({"draws": 801, "refusals": 3}),
            "metrics" => json!({"text": "# TYPE lineswarm_draws counter\nlineswarm_draws 801\n"}),
            "why" => {
                json!({"sentences": ["It is as fast as the limit allows."],
                    "causes": [{"code": "server-limit", "weight": 0.2, "sentence": "It is as fast as the limit allows."}]})
            }
            "history" => json!({"runs": [{"verdict": "right", "peers": 4, "seconds": 18.8}]}),
            "version" => {
                json!({"program": "lineswarmd", "version": "0.0.9", "control": 1, "wire": 2, "journal": 3})
            }
            _ => json!({"settings": [
                {"section": "node", "key": "name", "value": "lab1/alice", "origin": "--name"},
                {"section": "node", "key": "state-dir", "value": "/x", "origin": "default"}]}),
        })]
    });
    assert_eq!(daemon.ctl("stats").out, "draws     801\nrefusals  3\n");
    assert_eq!(daemon.ctl("metrics").out, "# TYPE lineswarm_draws counter\nlineswarm_draws 801\n");
    assert_eq!(
        daemon.ctl("why").out,
        "It is as fast as the limit allows.\n\nWEIGHT  CAUSE\n   0.2  server-limit\n"
    );
    assert_eq!(
        daemon.ctl("history").out,
        "FINISHED  EPOCH  LINES  PEERS     TIME  DRAWS  PACE  LUCK  CAPPED  VERDICT  SERVER  DREW\n\
         -             -      -      4  18.80 s      -     -     -       -  right    -       -\n"
    );
    assert_eq!(daemon.ctl("config diff").out, "[node]\nname = \"lab1/alice\"  # --name\n");
    let version = daemon.ctl("version");
    assert!(version.out.contains("lineswarmd 0.0.9 (control 1, wire 2, journal 3)\nthe versions differ"));
    assert_eq!(daemon.ctl("version --json").json()["skew"], true);
}

#[test]
fn events_come_as_they_happen_and_end_with_the_reader() {
    let event = |seq: u64| {
        json!({"seq": seq, "lamport": 40 + seq, "t": 1.5, "node": "lab1/alice", "level": "info",
            "what": "link-opened", "fields": {"peer": "lab1/bob"}})
    };
    // No end: the stream goes on until the reader closes it.
    let endless = FakeDaemon::answering(move |_| {
        (1..=20_000).map(|seq| json!({"part": {"events": [event(seq)]}})).collect()
    });
    let socket = endless.status_socket();
    let mut child = ctl()
        .arg("-s")
        .arg(socket)
        .arg("events")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(
        lines.next().unwrap().unwrap(),
        "     1                   +1.500s  L41      lab1/alice  info   link-opened  peer=lab1/bob"
    );
    drop(lines);
    let status = child.wait().unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));

    let known = FakeDaemon::answering(move |_| {
        vec![json!({"part": {"events": [event(1), event(2)]}}), ok(json!({"next": 3}))]
    });
    let json_lines = known.ctl("events --follow=false --json-line");
    let seqs: Vec<_> = json_lines
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].clone())
        .collect();
    assert_eq!(seqs, [1, 2]);

    let merged = FakeDaemon::answering(move |_| {
        vec![
            json!({"part": {"events": [event(1)]}}),
            ok(json!({"next": 2, "silent": ["lab1/bob", "lab1/carol"]})),
        ]
    });
    let shown = merged.ctl("events --follow=false --causal");
    assert_eq!(shown.out.lines().count(), 1);
    assert_eq!(shown.err, "no answer from lab1/bob, lab1/carol: their events are not among these\n");
}

#[test]
fn top_needs_a_terminal_and_names_what_does_not() {
    let daemon = FakeDaemon::always(ok(status()));
    for line in ["top", "top --json", "--json top -t 1"] {
        let answered = daemon.ctl(line);
        assert_eq!(answered.exit, 64, "{answered:?}");
        let said = format!("{}{}", answered.out, answered.err);
        assert!(said.contains("E_USAGE") && said.contains("lineswarmctl watch"), "{said}");
    }
}

#[test]
fn watch_prints_lines_into_a_pipe_and_ends_in_time_or_by_a_signal() {
    let daemon = FakeDaemon::always(ok(status()));
    let timed = daemon.ctl("watch -t 0.1");
    assert_eq!(timed.exit, 0);
    assert!(timed.out.starts_with("lab1/alice  fetching  577/1000  rate 99.7"), "{timed:?}");
    let socket = daemon.status_socket();
    let mut child = ctl().arg("-s").arg(socket).arg("watch").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn wait_sends_its_time_out_and_has_none_of_its_own_accord() {
    let daemon = FakeDaemon::answering(|request| match request["timeout_ms"].is_null() {
        true => vec![ok(status())],
        false => vec![error("E_TIMEOUT")],
    });
    assert_eq!(daemon.ctl("wait --for peers=3").exit, 0);
    assert_eq!(daemon.asked().last().unwrap()["until"], "peers=3");
    let late = daemon.ctl("wait --for complete --timeout 2.5 --json");
    assert_eq!((late.exit, late.code().as_str()), (75, "E_TIMEOUT"));
    assert_eq!(daemon.asked().last().unwrap()["timeout_ms"], 2500);
}

#[test]
fn a_key_is_64_hex_digits_for_the_owner_alone_and_is_never_overwritten() {
    let at = tempfile::tempdir().unwrap();
    let path = at.path().join("swarm.key");
    let gen_key = || run(ctl().args(["key", "gen"]).arg(&path).arg("--json"));
    assert_eq!(gen_key().exit, 0);
    let key = fs::read_to_string(&path).unwrap();
    assert!(key.len() == 65 && key.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = gen_key();
    assert_eq!((again.exit, again.code().as_str()), (73, "E_EXISTS"));
    assert_eq!(fs::read_to_string(&path).unwrap(), key);
}

#[test]
fn completions_come_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(ctl().args(["completion", shell]));
        assert!(script.exit == 0 && script.out.contains("lineswarmctl") && script.out.contains("forget"));
    }
}
