//! What no page's test runs, each with its reason. An entry that no page needs any more is a failure.

const ROOT: &str = "changes the machine, as root: `make boot-test` does it on a booted Debian";
const BUILD: &str = "builds or tests the whole tree: CI runs it itself, and `make hygiene` knows the targets";

/// How a command begins, and why it is not run here.
pub(crate) const LEFT_OUT: &[(&str, &str)] = &[
    ("systemctl ", ROOT),
    ("make", BUILD),
    ("cargo ", BUILD),
    ("LINESWARM_SEED=", BUILD),
    ("SEEDS=", BUILD),
    ("editor ", "waits for a person"),
];

/// What stands in a page, what is run in its place, and why.
pub(crate) const SHORTER: &[(&str, &str, &str)] = &[
    ("--rate 100 &", "--rate 4000 &", "the file takes seconds and not a minute"),
    (
        "lineswarmctl compare ",
        "lineswarmctl compare --rate 2000 --lines 60 --runs 1 ",
        "one small run of each size",
    ),
    ("lineswarmctl predict ", "lineswarmctl predict --runs 200 ", "samples cost time in a debug build"),
];
