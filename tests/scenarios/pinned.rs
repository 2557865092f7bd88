//! Seeds of mixed chaos that once found a fault of the engine, each with its story.

use sim::chaos;

const STORIES: [(u64, &str); 20] = [
    (
        0x42,
        "a lone node that lost its disk was master of the same term again: another id, so no promise is broken",
    ),
    (0x78, "two nodes that had never met were both masters of term 1 under majority"),
    (0xe1, "on a star, lines were asked for of a node that is no neighbour, again and again"),
    (0xe6, "an INTENT said on a link that was then replaced was never acknowledged"),
    (0xfa, "a candidate whose disk was slower than its time-out stood again and again"),
    (0x1ad, "two members that will never come back leave no majority until an operator says so"),
    (0x1b1, "a message that waited for the disk was dropped while Lamport times were being reserved"),
    (0x2be, "a vote for a node that lost its disk meanwhile"),
    (0x37a, "a probe was sent although a peer had told the number of lines"),
    (0x46d, "Lamport times were said again after a crash before the first state was stored"),
    (0x49c, "a submit that waited for its connection went out over another master's INTENT"),
    (0x73e, "a job that began between hello and hello was never told"),
    (0x924, "a paused master in doubt had a deadline in the past and spun"),
    (0x107a, "two newcomers that a leaver turned away forgot it, and each founded a swarm of its own"),
    (
        0x1af4,
        "a newcomer that one node counted and the others had not heard of yet gave a term a second master",
    ),
    (
        0x4d32,
        "two newcomers that heard of each other before they heard of the founder were a majority in their own eyes",
    ),
    (0x3f9c, "a beat that waited for the disk said DONE of a job that a reset had ended meanwhile"),
    (
        0x27ee,
        "two parts of a crowd that had never met each filled all places of members, and each elected a master of term 1",
    ),
    (0x45a7, "the same, after all had stopped and started again"),
    (0xb4a, "all knew DONE and nobody had the lines any more"),
];

#[test]
fn what_was_found_once_stays_found() {
    for (seed, story) in STORIES {
        if let Err(failure) = chaos::run(seed) {
            panic!("{story}: {failure:?}");
        }
    }
}
