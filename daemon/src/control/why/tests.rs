use super::*;
use lineswarm_proto::{
    ids::PeerId,
    wire::control::{Job, Master, Pacer, PeerCounts, Submit, VERSION},
};

/// A node in the middle of a healthy run of four.
fn healthy() -> Status {
    Status {
        v: VERSION,
        name: "lab1/alice".into(),
        id: PeerId([1; 16]),
        swarm: "default".into(),
        epoch: 1,
        state: State::Fetching,
        uptime_s: 3.0,
        job: Job {
            server: "127.0.0.1:9801".into(),
            lines: Some(1000),
            have: 577,
            draws: 215,
            refusals: 1,
            duplicates: 71,
            from_peers: 433,
            conflicts: 0,
            rate: Some(99.0),
            eta_s: Some(16.5),
            elapsed_s: Some(2.2),
            sha256: None,
            reconnects: 0,
        },
        peers: PeerCounts { known: 3, connected: 3 },
        master: Some(Master {
            id: PeerId([2; 16]),
            name: "lab1/bob".into(),
            term: lineswarm_proto::ids::Term(2),
            is_self: false,
        }),
        submit: Submit { state: SubmitState::None, by: None, attempts: 0, reply: None },
        pacer: Pacer {
            limit: Some(100.0),
            kind: "spacing".into(),
            confidence: 0.9,
            rtt_ms: 1.0,
            depth: 1,
            cap: None,
        },
        problem: None,
        listen: None,
        discover: Vec::new(),
        unsaved: 0,
    }
}

fn codes(status: &Status, connected: bool) -> Vec<&'static str> {
    why(status, connected).causes.into_iter().map(|cause| cause.code).collect()
}

#[test]
fn a_healthy_run_is_bound_by_the_server_and_by_chance_alone() {
    let why = why(&healthy(), true);
    let codes: Vec<_> = why.causes.iter().map(|cause| cause.code).collect();
    assert_eq!(codes, ["server-limit", "chance"], "{why:?}");
    assert!(why.sentences[0].contains("100.0 lines/s") && why.sentences[0].contains("99.0 %"), "{why:?}");
    assert!(
        why.sentences[1].contains("33.0 %") && why.sentences[1].contains("chance alone gives 32.9 %"),
        "{why:?}"
    );
    assert_eq!(why.sentences.len(), 3);
    assert!(why.sentences[2].starts_with("577 of 1000 lines are held"), "{why:?}");
}

#[test]
fn the_heaviest_cause_comes_first_and_weights_stay_within_0_and_1() {
    let mut status = healthy();
    status.job.reconnects = 900;
    status.job.refusals = 5000;
    status.peers.connected = 0;
    status.problem = Some("server-lost: connection refused".into());
    let why = why(&status, false);
    assert_eq!(why.causes[0].code, "no-server");
    assert!(why.sentences[0].contains("(server-lost: connection refused)"), "{why:?}");
    assert!(why.causes.is_sorted_by(|a, b| a.weight >= b.weight));
    assert!(why.causes.iter().all(|cause| (0.0..=1.0).contains(&cause.weight)));
    let codes: Vec<_> = why.causes.iter().map(|cause| cause.code).collect();
    for code in ["refusals", "no-peers", "reconnects"] {
        assert!(codes.contains(&code), "{codes:?}");
    }
}

#[test]
fn a_state_that_stands_still_is_the_cause() {
    for (state, code) in [(State::Paused, "paused"), (State::Idle, "idle"), (State::Failed, "failed")] {
        assert_eq!(codes(&Status { state, ..healthy() }, true), [code]);
    }
    let complete = Status { state: State::Complete, master: None, ..healthy() };
    assert_eq!(codes(&complete, true), ["no-master"]);
    let mut doubtful = Status { state: State::Complete, ..healthy() };
    doubtful.submit.state = SubmitState::InDoubt;
    assert_eq!(codes(&doubtful, true), ["in-doubt"]);
    doubtful.job.conflicts = 2;
    assert_eq!(codes(&doubtful, true), ["in-doubt", "conflict"]);
}

#[test]
fn what_is_lost_to_late_peers_a_low_cap_and_a_slow_draw_is_told_apart() {
    let mut late = healthy();
    late.job.duplicates = 180;
    assert_eq!(codes(&late, true)[..2], ["duplicates", "server-limit"]);
    let mut capped = healthy();
    capped.pacer.cap = Some(20.0);
    assert_eq!(codes(&capped, true)[0], "cap");
    let mut slow = healthy();
    slow.job.rate = Some(30.0);
    let why = why(&slow, true);
    assert_eq!((why.causes[0].code, why.causes[0].weight), ("below-limit", 0.7));
    let mut alone = healthy();
    alone.peers = PeerCounts { known: 0, connected: 0 };
    assert!(codes(&alone, true).contains(&"alone"));
    alone.peers.known = 2;
    assert_eq!(codes(&alone, true)[0], "no-peers");
}

#[test]
fn a_finished_run_is_compared_with_theory() {
    let mut status = Status { state: State::Submitted, ..healthy() };
    (status.job.have, status.job.draws, status.job.elapsed_s) = (1000, 1871, Some(18.71));
    let why = why(&status, true);
    assert_eq!(why.causes, []);
    assert_eq!(
        why.sentences,
        [
            "All 1000 lines came in 18.7 s; chance asks for 7485 draws, 74.9 s for one node and 18.7 s for 4 at 100.0 lines/s each."
        ]
    );
}
