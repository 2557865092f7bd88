use super::*;
use crate::pages::golden;
use lineswarm_proto::{
    ids::PeerId,
    wire::control::{Job, Master, Pacer, PeerCounts, Submit, VERSION},
};
use std::{collections::BTreeSet, fmt::Write, path::Path};

/// A node in the middle of a healthy run of four.
fn healthy() -> Status {
    Status {
        v: VERSION,
        name: "lab1/alice".into(),
        id: PeerId([1; 16]),
        swarm: "default".into(),
        epoch: 1,
        state: State::Fetching,
        uptime_s: 6.0,
        job: Job {
            server: "127.0.0.1:9801".into(),
            lines: Some(1000),
            have: 577,
            draws: 430,
            refusals: 200,
            duplicates: 142,
            from_peers: 289,
            conflicts: 0,
            rate: Some(99.0),
            eta_s: Some(16.5),
            elapsed_s: Some(4.4),
            sha256: None,
            reconnects: 0,
            swarm_draws: 1700,
            drew: ["alice", "bob", "carol", "dave"].map(Into::into).to_vec(),
            pace: Some(0.991),
            capped: 0,
            luck: None,
            drawing: true,
        },
        peers: PeerCounts { known: 3, connected: 3 },
        master: Some(Master {
            id: PeerId([2; 16]),
            name: "lab1/bob".into(),
            term: lineswarm_proto::ids::Term(2),
            is_self: false,
        }),
        submit: Submit {
            state: SubmitState::None,
            by: None,
            mode: SubmitMode::Master,
            attempts: 0,
            reply: None,
        },
        line_server: LineServer { connected: true, ..LineServer::default() },
        standby_for: None,
        left: false,
        pacer: Pacer {
            limit: Some(100.0),
            kind: "spacing".into(),
            confidence: 0.9,
            rtt_ms: Some(1.0),
            depth: 1,
            cap: None,
        },
        problem: None,
        reload_problem: None,
        listen: None,
        discover: Vec::new(),
        unsaved: 0,
    }
}

fn peer(name: &str, rate: f64) -> Peer {
    Peer {
        id: Some(PeerId([7; 16])),
        name: name.into(),
        address: None,
        state: "linked".into(),
        found: "configured".into(),
        member: true,
        master: false,
        have: 570,
        rate: Some(rate),
        rtt_ms: None,
        lines_sent: 280,
        lines_received: 97,
        contradictions: 0,
        problem: None,
    }
}

fn facts() -> Facts {
    let master = Peer { id: Some(PeerId([2; 16])), ..peer("lab1/bob", 98.0) };
    Facts {
        peers: vec![master, peer("lab1/carol", 99.5), peer("", 97.0)],
        same_address: Vec::new(),
        refused_rate: 45.0,
        expected_duplicates: 141.4,
    }
}

/// Something changed in a healthy run.
fn scene(change: impl FnOnce(&mut Status, &mut Facts)) -> (Status, Facts) {
    let (mut status, mut facts) = (healthy(), facts());
    change(&mut status, &mut facts);
    (status, facts)
}

fn complete(change: impl FnOnce(&mut Status)) -> (Status, Facts) {
    scene(|status, _| {
        (status.state, status.job.have, status.job.eta_s) = (State::Complete, 1000, Some(0.0));
        (status.job.draws, status.job.elapsed_s) = (1870, Some(18.7));
        (status.job.swarm_draws, status.job.luck) = (7480, Some(1.0007));
        change(status);
    })
}

/// Each code with a run in which it is the heaviest cause.
fn scenes() -> Vec<(&'static str, (Status, Facts))> {
    vec![
        ("server-limit", scene(|_, _| {})),
        (
            "failed",
            scene(|status, _| {
                (status.state, status.problem) = (State::Failed, Some("line 7 has two texts".into()));
            }),
        ),
        ("paused", scene(|status, _| status.state = State::Paused)),
        ("idle", scene(|status, _| status.state = State::Idle)),
        (
            "no-server",
            scene(|status, _| {
                let why = Some("connection refused".into());
                let tries = 7;
                status.line_server =
                    LineServer { tries, next_try_s: Some(4.2), why, ..LineServer::default() };
                status.problem = Some("server-lost: connection refused".into());
                (status.job.reconnects, status.job.rate) = (900, Some(0.0));
            }),
        ),
        ("reconnects", scene(|status, _| (status.job.reconnects, status.job.rate) = (20, Some(55.0)))),
        (
            "no-count",
            scene(|status, facts| {
                (status.job.lines, status.job.eta_s, status.job.draws, status.pacer.limit) =
                    (None, None, 3, None);
                facts.refused_rate = 0.0;
            }),
        ),
        ("cap", scene(|status, _| (status.pacer.cap, status.job.rate) = (Some(20.0), Some(20.0)))),
        ("learning", scene(|status, _| status.pacer.limit = None)),
        (
            "one-at-a-time",
            scene(|status, _| {
                (status.pacer.rtt_ms, status.job.rate) = (Some(40.0), Some(24.8));
                status.line_server.one_at_a_time = true;
            }),
        ),
        ("left", scene(|status, _| (status.left, status.peers.connected) = (true, 0))),
        ("below-limit", scene(|status, _| status.job.rate = Some(30.0))),
        (
            "round-trip",
            scene(|status, _| {
                (status.pacer.limit, status.pacer.rtt_ms, status.job.rate) = (None, Some(31.0), Some(32.0));
                status.job.refusals = 0;
            }),
        ),
        (
            "refusals",
            scene(|status, facts| {
                status.job.rate = Some(20.0);
                (facts.refused_rate, facts.same_address) = (80.0, vec!["lab1/bob".into(), "lab1/eve".into()]);
            }),
        ),
        ("duplicates", scene(|status, _| status.job.duplicates = 280)),
        (
            "chance",
            scene(|status, facts| {
                (status.job.have, status.job.draws, status.job.duplicates) = (950, 750, 495);
                facts.expected_duplicates = 493.0;
            }),
        ),
        (
            "shared-address",
            scene(|status, _| {
                status.standby_for = Some("lab1/bob".into());
                (status.line_server.connected, status.job.drawing) = (false, false);
                status.job.rate = Some(0.0);
            }),
        ),
        (
            "alone",
            scene(|status, facts| {
                status.peers = PeerCounts { known: 0, connected: 0 };
                facts.peers.clear();
            }),
        ),
        (
            "no-peers",
            scene(|status, facts| {
                status.peers.connected = 0;
                facts.peers.clear();
            }),
        ),
        (
            "few-peers",
            scene(|status, facts| {
                status.peers.connected = 2;
                facts.peers.pop();
            }),
        ),
        ("idle-peers", scene(|_, facts| facts.peers[2] = peer("", 0.0))),
        ("late-lines", scene(|_, facts| facts.peers.iter_mut().for_each(|peer| peer.lines_received = 160))),
        ("in-doubt", complete(|status| status.submit.state = SubmitState::InDoubt)),
        (
            "rejected",
            complete(|status| {
                (status.submit.state, status.submit.reply) = (SubmitState::Rejected, Some("999, 1".into()));
            }),
        ),
        ("no-master", complete(|status| (status.master, status.peers.connected) = (None, 1))),
        ("master-waits", complete(|_| {})),
        ("not-submitted", complete(|status| status.submit.mode = SubmitMode::Nobody)),
        (
            "submitting",
            complete(|status| {
                status.state = State::Submitting;
                status.master.as_mut().unwrap().is_self = true;
            }),
        ),
        ("conflict", complete(|status| status.job.conflicts = 2)),
        ("", complete(|status| status.state = State::Submitted)),
    ]
}

#[test]
fn each_cause_is_named_first_where_it_weighs_most_in_these_words() {
    let mut text = String::new();
    for (code, (status, facts)) in scenes() {
        let why = why(&status, &facts);
        assert_eq!(why.causes.first().map_or("", |cause| cause.code), code, "{why:?}");
        writeln!(text, "== {}", if code.is_empty() { "nothing" } else { code }).unwrap();
        for cause in &why.causes {
            writeln!(text, "{:5.3}  {}: {}", cause.weight, cause.code, cause.sentence).unwrap();
        }
        for sentence in why.sentences.iter().skip(why.causes.len()) {
            writeln!(text, "theory: {sentence}").unwrap();
        }
    }
    golden::is_kept("daemon/src/control/why/golden.txt", &text);
}

#[test]
fn every_code_that_the_schema_knows_has_its_scene_and_no_other_is_said() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/control.schema.json");
    let schema: serde_json::Value = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    let known = schema.pointer("/$defs/cause/properties/code/enum").unwrap().as_array().unwrap();
    let known: BTreeSet<_> = known.iter().map(|code| code.as_str().unwrap()).collect();
    let said: BTreeSet<_> =
        scenes().into_iter().map(|(code, _)| code).filter(|code| !code.is_empty()).collect();
    assert_eq!(known, said);
}

#[test]
fn weights_stay_within_0_and_1_and_the_heaviest_comes_first() {
    let (status, facts) = scene(|status, facts| {
        (status.job.reconnects, status.job.refusals, status.peers.connected) = (u64::MAX, u64::MAX, 0);
        (status.job.elapsed_s, status.job.rate) = (Some(0.0), Some(f64::INFINITY));
        (facts.refused_rate, facts.peers[0].rate) = (f64::INFINITY, Some(f64::NAN));
    });
    let why = why(&status, &facts);
    assert!(why.causes.is_sorted_by(|a, b| a.weight >= b.weight), "{why:?}");
    assert!(why.causes.iter().all(|cause| (0.0..=1.0).contains(&cause.weight)), "{why:?}");
}

#[test]
fn a_node_that_came_late_or_again_draws_many_duplicates_by_chance_alone() {
    // It got 900 lines from the journal or from peers before its first draw.
    let (status, facts) = scene(|status, facts| {
        (status.job.have, status.job.draws, status.job.duplicates) = (925, 250, 228);
        facts.expected_duplicates = 227.0;
    });
    let codes: Vec<_> = why(&status, &facts).causes.into_iter().map(|cause| cause.code).collect();
    assert!(codes.contains(&"chance") && !codes.contains(&"duplicates"), "{codes:?}");
}

#[test]
fn half_of_the_requests_refused_is_how_a_limit_is_kept_and_no_cause() {
    let (status, facts) = scene(|_, facts| facts.refused_rate = 99.0);
    let codes: Vec<_> = why(&status, &facts).causes.into_iter().map(|cause| cause.code).collect();
    assert_eq!(codes, ["server-limit", "chance"]);
}
