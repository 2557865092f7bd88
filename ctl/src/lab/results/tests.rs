use super::*;
use crate::lab::report;
use crate::render::Look;

/// A comparison where k peers lose `lost(k)` seconds beyond the fastest possible.
pub(in crate::lab) fn sample(peers: &[u32], lost: impl Fn(u32) -> f64) -> Results {
    let settings = Settings {
        peers: peers.to_vec(),
        topologies: vec![Topology::Mesh],
        lines: 1000,
        rate: 100.0,
        runs: 3,
        seed: 1,
        conditions: Conditions::default(),
    };
    let run = |peers: u32, seed: u64| {
        let draws_needed = 7000 + 400 * seed;
        let needed_s = theory::seconds(draws_needed as f64, peers, 100.0);
        let seconds = needed_s + lost(peers);
        Run {
            peers,
            topology: Topology::Mesh,
            seed,
            lines: 1000,
            rate: 100.0,
            seconds,
            draws: draws_needed + 5,
            draws_needed: Some(draws_needed),
            efficiency: Some(needed_s / seconds),
            pace: Some(needed_s / seconds),
            luck: Some(7485.0 / (draws_needed + 5) as f64),
            seconds_corrected: Some(seconds * 7485.0 / (draws_needed + 5) as f64),
            right: true,
            faults: Vec::new(),
            submits: 1,
            refusals: 0,
            submitted_by: Some("lab/peer1".into()),
            reply: None,
            killed: None,
            efficiency_of_living: None,
            busy: Some(Busy { all: 0.2, own: 0.1 }),
            curve: vec![(0.0, 0), (seconds / 2.0, 960), (seconds, 1000)],
        }
    };
    let runs = peers.iter().flat_map(|peers| (1..=3).map(move |seed| (*peers, seed)));
    Results {
        v: 1,
        program: "lineswarmctl test".into(),
        command: "lineswarmctl compare --peers 1,2,4 --out out".into(),
        began: 1_700_000_000,
        settings,
        machine: Machine { cores: 2, optimised: true, ..Machine::default() },
        theory: Expected::of(1000),
        runs: runs.map(|(peers, seed)| run(peers, seed)).collect(),
        failed: Vec::new(),
        interrupted: false,
    }
}

#[test]
fn rows_hold_median_and_range_speed_up_and_what_was_lost() {
    let results = sample(&[1, 2, 4], |_| 0.5);
    let rows = results.rows();
    assert_eq!(rows.len(), 3);
    let row = &rows[2];
    assert_eq!(row.seconds, Spread { median: 20.0, least: 19.0, most: 21.0 });
    assert!((row.speed_up.unwrap() - 78.5 / 20.0).abs() < 1e-9);
    assert!((row.lost_s.unwrap() - 0.5).abs() < 1e-9);
    assert!((row.efficiency.unwrap().median - 19.5 / 20.0).abs() < 1e-9);
    assert!((row.floor_s - 18.71).abs() < 0.01);
    assert_eq!((row.runs, row.right, row.submits), (3, 3, 3));
    assert_eq!(results.typical(row).unwrap().seed, 2);
    assert!(results.is_right());
}

#[test]
fn without_one_peer_no_speed_up_is_claimed_and_one_failure_spoils_the_verdict() {
    let mut results = sample(&[2, 4], |_| 0.0);
    assert!(results.rows().iter().all(|row| row.speed_up.is_none()));
    results.runs[0].right = false;
    assert!(!results.is_right());
}

#[test]
fn results_read_back_as_they_were_written() {
    let results = sample(&[1, 3], |_| 0.1);
    let text = serde_json::to_string(&results).unwrap();
    let read: Results = serde_json::from_str(&text).unwrap();
    // The last digit of a number may differ, the text that people see may not.
    let shown = |results: &Results| report::text::report(results, Look::PLAIN);
    assert_eq!(shown(&read), shown(&results));
    assert_eq!((read.settings, read.machine, read.runs.len()), (results.settings, results.machine, 6));
}

#[test]
fn an_even_number_of_runs_has_its_median_in_between() {
    assert_eq!(Spread::of([4.0, 1.0, 2.0, 8.0]).unwrap().median, 3.0);
    assert_eq!(Spread::of([]), None);
}
