//! What became of the requests of a job: counts, and the rates of the last moments.

use crate::{
    engine::ledger::{Arrival, Ledger},
    ids::LineNumber,
    time::Moment,
};
use core::time::Duration;

/// The rate shown is that of the last one to two of these.
const RATE_SPAN: Duration = Duration::from_secs(1);
/// A rate of an older mark than this says nothing of now.
const STALE: Duration = Duration::from_secs(10);

/// What was counted since the start of the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answered requests.
    pub draws: u64,
    /// Refused requests.
    pub refusals: u64,
    /// Answers with a line that was held already.
    pub duplicates: u64,
    /// Connections lost, or that could not be made after the first stood.
    pub reconnects: u64,
}

/// What was counted at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    at: Moment,
    draws: u64,
    refusals: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    /// When the first answer came.
    pub(super) first_draw: Option<Moment>,
    /// Of the answers so far, so many gave lines that were held already as chance has it.
    pub(super) expected_duplicates: f64,
    marks: [Mark; 2],
}

impl Tally {
    /// Takes a line that was drawn to the ledger. All that is not a plain duplicate is told in `arrivals`; an error says
    /// what no server of this file would send.
    pub(super) fn line(
        &mut self,
        (number, text): (LineNumber, &[u8]),
        now: Moment,
        ledger: &mut Ledger,
        arrivals: &mut Vec<(LineNumber, Arrival)>,
    ) -> Result<(), String> {
        self.counts.draws += 1;
        self.first_draw.get_or_insert(now);
        let held = f64::from(ledger.held().count());
        self.expected_duplicates += ledger.count().map_or(0.0, |count| held / f64::from(count.max(1)));
        match ledger.drawn(number, text) {
            Arrival::Known => self.counts.duplicates += 1,
            Arrival::OutOfRange => {
                return Err(format!(
                    "the line server sent line {number} of a file of {} lines (check server.lines)",
                    ledger.count().unwrap_or(0)
                ));
            }
            arrival => {
                self.counts.duplicates += u64::from(!matches!(arrival, Arrival::New));
                arrivals.push((number, arrival));
            }
        }
        Ok(())
    }

    /// Rates count from now on.
    pub(super) fn mark_anew(&mut self, now: Moment) {
        self.marks = [self.mark(now); 2];
    }

    /// Rates count from the mark before, when the last one is old enough.
    pub(super) fn mark_on(&mut self, now: Moment) {
        if now.since(self.marks[1].at) >= RATE_SPAN {
            self.marks = [self.marks[1], self.mark(now)];
        }
    }

    fn mark(&self, now: Moment) -> Mark {
        Mark { at: now, draws: self.counts.draws, refusals: self.counts.refusals }
    }

    /// Answers and refusals a second, lately; none before the first answer, and at the very beginning.
    pub(super) fn rates(&self, now: Moment) -> Option<(f64, f64)> {
        let [mark, _] = self.marks;
        let span = now.since(mark.at);
        self.first_draw?;
        if span > STALE {
            return Some((0.0, 0.0));
        }
        let per_second = |count: u64, before: u64| (count - before) as f64 / span.as_secs_f64();
        let both =
            || (per_second(self.counts.draws, mark.draws), per_second(self.counts.refusals, mark.refusals));
        (span > RATE_SPAN / 20).then(both)
    }
}
