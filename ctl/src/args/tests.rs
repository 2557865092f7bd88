use super::*;
use clap::CommandFactory;

#[test]
fn the_tree_of_arguments_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_time_out_may_stand_before_or_after_the_command() {
    for line in [
        "lineswarmctl -t 3 wait --for peers=3",
        "lineswarmctl wait --for peers=3 --timeout 3",
        "lineswarmctl wait peers=3 -t 3",
    ] {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(cli.global.timeout, Some(3.0));
        assert!(matches!(cli.command, Command::Wait(wait) if wait.until() == "peers=3"));
    }
}

#[test]
fn events_follow_unless_told_otherwise() {
    for (line, follows) in [
        ("lineswarmctl events", true),
        ("lineswarmctl events --follow", true),
        ("lineswarmctl events --follow=false --since 3", false),
    ] {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(cli.command.is_open_ended(), follows, "{line}");
    }
}

#[test]
fn bad_values_are_refused() {
    for line in [
        "wait --for money",
        "wait --for peers=x",
        "wait money",
        "wait",
        "wait complete --for master",
        "lines --range 9-3",
        "limit",
        "limit --rate 3 --auto",
        "limit --rate 0",
        "-i ../x status",
        "-t 0 status",
        "log level loud",
        "--all -s x status",
        "start --lines 0",
    ] {
        let words = ["lineswarmctl"].into_iter().chain(line.split(' '));
        assert!(Cli::try_parse_from(words).is_err(), "{line}");
    }
}

#[test]
fn a_range_of_one_line_is_its_number() {
    assert_eq!(range("7"), Ok(Range { from: 7, to: 7 }));
    assert_eq!(range("0-9"), Ok(Range { from: 0, to: 9 }));
}
