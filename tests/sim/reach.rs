//! How long a line takes from its first draw until the last node has it.

use core::time::Duration;
use lineswarm_proto::{ids::LineNumber, time::Moment};
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Of each line: when it was drawn first, when a node first had it last, and which have it.
    lines: BTreeMap<LineNumber, (Moment, Moment, BTreeSet<usize>)>,
}

impl Reach {
    pub(crate) fn on_keep(&mut self, node: usize, number: LineNumber, now: Moment) {
        let (_, last, have) = self.lines.entry(number).or_insert_with(|| (now, now, BTreeSet::new()));
        if have.insert(node) {
            *last = now;
        }
    }

    /// The mean over the lines, and the longest.
    pub(crate) fn times(&self) -> (Duration, Duration) {
        let times = || self.lines.values().map(|(first, last, _)| last.since(*first));
        let count = u32::try_from(self.lines.len()).unwrap_or(u32::MAX).max(1);
        (times().sum::<Duration>() / count, times().max().unwrap_or_default())
    }
}
