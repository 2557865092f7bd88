//! Inputs made of what the programs really say to each other (its golden vectors and documents among it), for the fuzzer
//! to begin with. `UPDATE=1 cargo test -p lineswarm-fuzz-bodies` writes them into `fuzz/corpus`.

use lineswarm_proto::{
    ids::LineNumber,
    wire::line::{REFUSAL_BLANK, REFUSAL_MINUS, SENDLINE, corrections_head, line_entry, submit_head},
};

type Seeds = Vec<(String, Vec<u8>)>;

fn named<const N: usize>(seeds: [(&str, Vec<u8>); N]) -> Seeds {
    seeds.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

fn entry(number: u32, text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    line_entry(LineNumber(number), text, &mut bytes);
    bytes
}

/// (kinds, stream) as the target takes them, with no split and with one.
pub(crate) fn line_client() -> Seeds {
    let with = |kinds: &[u8], stream: &[u8]| [&[kinds.len() as u8], kinds, &[3], stream].concat();
    let lines =
        [entry(17, b"the line"), REFUSAL_BLANK.to_vec(), entry(0, b""), REFUSAL_MINUS.to_vec()].concat();
    let verdict = "SUBMIT SUCCESS: 2023JCS2542@asap team - 1 - 10.0.0.2 - 1000, 0, 1000, 7600, 7600, 1000 - 1700000000000, 1700000000001, 1700000000002\n";
    let failed = "SUBMIT FAILED: [e@t] - LINE NUMBER PARSING ERROR\n";
    let mut corrections = Vec::new();
    corrections_head(2, &mut corrections);
    corrections.extend([entry(4, b"four"), entry(16_000_000, b"far")].concat());
    named([
        ("lines", with(&[0], &lines)),
        ("verdict", with(&[1], verdict.as_bytes())),
        ("failed", with(&[1, 1, 1], failed.repeat(3).as_bytes())),
        ("reset", with(&[2, 0], &[b"Ok\n", lines.as_slice()].concat())),
        ("corrections", with(&[3, 0], &[corrections, lines].concat())),
    ])
}

/// Habits, limiter, base; then openings, requests and waits as the target decodes them.
pub(crate) fn line_server() -> Seeds {
    let mut submit = Vec::new();
    submit_head("entry@a team", 2, &mut submit);
    submit.extend([entry(0, b"zero"), entry(2, b"wrong")].concat());
    submit.extend_from_slice(b"SEND INCORRECT LINES\nSESSION RESET\nHELLO\n");
    submit.extend_from_slice(SENDLINE);
    let said = |what: &[u8]| [&[5, what.len() as u8], what].concat();
    let plain = [vec![0, 0, 0, 0, 2, 4, 3, 5, 0], said(&submit), vec![7, 0]].concat();
    let limited = vec![0x41, 0x12, 1, 0, 0x40, 2, 9, 10, 200, 1, 50, 3, 3, 2, 1, 255, 7, 1, 2, 1];
    let faulty = vec![0x80, 2, 1, 1, 1, 1, 1, 1, 0, 0, 2, 60, 1, 200, 2, 60, 1, 200, 7, 0];
    let chosen = vec![0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 1, 9];
    named([("plain", plain), ("limited", limited), ("faulty", faulty), ("one-per-ip", chosen)])
}

/// Each golden message alone, and all of them in one stream.
pub(crate) fn peer_frames() -> Seeds {
    let golden = include_str!("../../proto/src/wire/peer/golden.txt");
    let hex = |text: &str| -> Vec<u8> {
        let digits = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        (0..text.len()).step_by(2).filter_map(digits).collect()
    };
    let mut seeds = Seeds::new();
    let mut stream = vec![1, 5];
    for (number, body) in golden.lines().filter_map(|line| line.split_once(' ')) {
        let (number, body) = (number.parse::<u8>().unwrap_or_default(), hex(body));
        lineswarm_proto::wire::frame::write(&mut stream, number, 7, |out| out.extend_from_slice(&body));
        let made = [&[0, 0, number, 7, body.len() as u8, (body.len() >> 8) as u8], body.as_slice()].concat();
        seeds.push((format!("message-{number}"), made));
    }
    seeds.push(("stream".into(), stream));
    seeds
}

/// A handshake and some text in each direction: all honest, split, changed, replayed, with another key, from a stranger.
pub(crate) fn secure() -> Seeds {
    // Deliver all to the listener, to the dialler, to the listener, to the dialler; seal a little on both sides.
    let honest = [2, 3, 2, 3, 12, 100, 0, 13, 0, 4, 2, 3];
    let with = |way: u8, split: u8, script: &[u8]| [&[way, split], script].concat();
    let document = include_str!("../../docs/peer-links.md");
    let message = |what: &str| -> Vec<u8> {
        let row = document.lines().find(|line| line.starts_with(&format!("| {what} |"))).unwrap_or_default();
        let text = row.split('`').rev().nth(1).unwrap_or_default().to_owned();
        let digits = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        (0..text.len()).step_by(2).filter_map(digits).collect()
    };
    let mut preamble = b"LSWM\0\x01\0\0".to_vec();
    preamble.extend_from_slice(&[0, 48]);
    preamble.extend(message("message 1"));
    named([
        ("honest", with(0, 0, &honest)),
        ("split", with(0, 9, &honest)),
        ("another-key", with(1, 0, &honest)),
        ("stranger", with(2, 0, &preamble)),
        ("changed", with(0, 0, &[&honest[..8], &[5, 30, 0, 1, 3]].concat())),
        ("replayed", with(0, 3, &[&honest[..8], &[9, 9, 3]].concat())),
        ("next-key", with(0, 0, &[&honest[..4], &[0xff, 3, 2, 0xff]].concat())),
    ])
}

/// The examples of docs/control-protocol.md, one of each command, and replies.
pub(crate) fn control() -> Seeds {
    let document = include_str!("../../docs/control-protocol.md");
    let examples: String =
        document.lines().filter(|line| line.starts_with('{')).map(|line| format!("{line}\n")).collect();
    let requests = concat!(
        r#"{"cmd":"hello","v":1}"#,
        "\n",
        r#"{"id":2,"cmd":"resolve","name":"alice"}"#,
        "\n",
        r#"{"id":3,"cmd":"lines","missing":true,"from":1,"to":9}"#,
        "\n",
        r#"{"cmd":"dump","partial":true}"#,
        "\n",
        r#"{"cmd":"wait","until":"peers=3","timeout_ms":null}"#,
        "\n",
        r#"{"cmd":"events","since":7,"follow":true}"#,
        "\n",
        r#"{"cmd":"start","server":"h:1","lines":5,"swarm":true}"#,
        "\n",
        r#"{"cmd":"submit","force":true}"#,
        "\n",
        r#"{"cmd":"limit","rate":1.5e2}"#,
        "\n",
        r#"{"cmd":"peer-remove","peer":"bob","ban":true}"#,
        "\n",
        r#"{"cmd":"join","addresses":["a:1","b:2"]}"#,
        "\n",
        r#"{"cmd":"capture","to":null}"#,
        "\n",
        "{\"cmd\":\"stauts\"}"
    );
    let event = r#"{"seq":1,"lamport":9,"t":0.5,"node":"a","level":"info","what":"link-opened","fields":{"peer":"b"}}"#;
    let status = r#"{"id":1,"ok":{"v":1,"name":"a","id":"00000000000000000000000000000000","swarm":"s","epoch":1,"state":"idle","uptime_s":0.1,"job":{"server":"h:1","lines":null,"have":0,"draws":0,"refusals":0,"duplicates":0,"from_peers":0,"conflicts":0,"rate":null,"eta_s":null,"elapsed_s":null,"sha256":null,"reconnects":0},"peers":{"known":0,"connected":0},"master":null,"submit":{"state":"none","by":null,"attempts":0,"reply":null},"pacer":{"limit":null,"kind":"unknown","confidence":0.0,"rtt_ms":0.0,"depth":0,"cap":null},"problem":null,"listen":null,"unsaved":0}}"#;
    let replies = format!("{examples}{event}\n{status}\n");
    let with = |replies: u8, text: &str| [&[replies, 5], text.as_bytes()].concat();
    named([
        ("requests", with(0, requests)),
        ("examples", with(0, &examples)),
        ("status", with(1, status)),
        ("replies", with(1, &replies)),
    ])
}

/// The configuration that is shipped, and one with mistakes.
pub(crate) fn config() -> Seeds {
    let shipped = include_str!("../../etc/lineswarm/default.toml");
    let used: String = shipped
        .lines()
        .map(|line| match line.strip_prefix('#') {
            // Settings that are shown as comments, but for those that name files of the machine.
            Some(rest) if rest.contains(" = ") && !rest.starts_with("  ") => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let wrong = "[server]\naddres = \"x\"\nlines = -4\nbind = [\"127.0.0.2\", \"127.0.0.2\"]\n[swarm]\ntopology = \"mash\"\ndiscover = [\"dns:a.b:1\", \"multicast:\"]\n[elction]\n";
    named([("shipped", shipped.into()), ("used", used.into_bytes()), ("wrong", wrong.into())])
}

/// Ways to make records, states and damage, as the target decodes them.
pub(crate) fn journal() -> Seeds {
    let text = |number: u8, text: &[u8]| [&[0, number, text.len() as u8], text].concat();
    let calm = [&[4, 2, 1, 2][..], &[1, 2, 0], &text(1, b"one"), &text(2, b"")].concat();
    let torn = [&calm[..], &[0xf0, 200, 4], b"torn"].concat();
    let foreign = [&calm[..], &[2, 1, 1, 7, 5], b"other", &[8, 2]].concat();
    let damaged = [&calm[..], &[5, 0, 9], b"\n\xf5LR\x00\x00\xff\xff\xff", &text(3, b"three")].concat();
    let raw = [&[1, 0][..], b"lineswarm-journal 1\n\n\xf5LR"].concat();
    let newer = [&[1, 0][..], b"lineswarm-journal 2\n"].concat();
    named([
        ("calm", calm),
        ("torn", torn),
        ("foreign", foreign),
        ("damaged", damaged),
        ("raw", raw),
        ("newer", newer),
    ])
}

/// A plan; then connections, talk and time, as `tests/sim/hostile.rs` decodes them.
pub(crate) fn engine() -> Seeds {
    let plan = [2, 0, 0, 0, 0, 0, 0, 1];
    let server = [1, 2, 2, 11, 3, 0, 0, 1, 0, 2, 0, 3, 0, 1, 5, 11, 0, 0, 6, 1, 2];
    // A peer that comes and greets with the same job, then says lines, beats and votes.
    let hello = [7, 0, 0, 12, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 9];
    let lines = [7, 0, 0x13, 12, 4, 0, 0, 7, 0, 7, 12, 4, 1, 3, 0, 0, 0, 20];
    let votes = [7, 0, 9, 12, 5, 0, 1, 5, 1, 4, 7, 0, 8, 12, 5, 1, 5, 1, 3];
    let talk = [&plan[..], &[3, 1, 0, 100], &hello, &lines, &votes, &[1, 40]].concat();
    let alone = [&plan[..], &server, &[1, 40], &[15], &server, &[1, 9]].concat();
    let operator =
        [&plan[..], &[13, 0, 0, 0, 1, 5, 13, 0, 0, 3, 1, 13, 0, 0, 2, 13, 0, 1, 4, 1, 1, 13, 0, 0, 11, 1, 3]]
            .concat();
    named([("talk", talk), ("alone", alone), ("operator", operator)])
}
