//! The yardstick of docs/election.md: no swarm with the default quorum ends without a submit, and a calm one submits
//! once. `SEEDS=400 cargo test -p lineswarm-tests --test yardstick -- --ignored --nocapture` prints the whole table.

use lineswarm_proto::engine::settings::{InDoubt, Quorum};
use sim::yardstick::{Scenario, count, table};

#[test]
fn with_grace_nothing_keeps_a_swarm_from_submitting() {
    for scenario in Scenario::ALL {
        let row = count(scenario, Quorum::Grace, InDoubt::Resubmit, 5).unwrap();
        assert_eq!(row.none, 0, "{scenario:?}");
    }
}

#[test]
fn a_calm_swarm_submits_once_whatever_its_quorum() {
    for quorum in [Quorum::Grace, Quorum::Majority, Quorum::Available] {
        let row = count(Scenario::Calm, quorum, InDoubt::Resubmit, 5).unwrap();
        assert_eq!((row.none, row.twice), (0, 0), "{quorum:?}");
    }
}

#[test]
fn a_short_partition_costs_no_second_submit() {
    let row = count(Scenario::Partition, Quorum::Grace, InDoubt::Resubmit, 10).unwrap();
    println!("{row:?}");
    assert_eq!((row.none, row.twice), (0, 0));
}

#[test]
#[ignore = "takes minutes: prints the table"]
fn the_table() {
    let seeds = std::env::var("SEEDS").map_or(400, |text| text.parse().unwrap());
    println!("{}", table(seeds).unwrap());
}
