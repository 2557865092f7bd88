//! What became of the requests of a job: counts, and the rates of the last moments.

use crate::{
    engine::ledger::{Arrival, Ledger},
    ids::LineNumber,
    time::Moment,
};
use core::time::Duration;

/// The rate shown is that of the last one to two of these, or of more if draws are rare.
const RATE_SPAN: Duration = Duration::from_secs(1);
/// A rate is that of at least so many draws, unless they have ceased.
const RATE_DRAWS: u64 = 4;
/// A rate is told from this long after the first draw on.
const FIRST_RATE: Duration = Duration::from_millis(250);
/// So many times the usual gap between two draws without one: they have ceased.
const CEASED: f64 = 4.0;
/// A silence that is shorter than this is none, and one that is longer is one whatever the rate was.
const SILENCE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

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
    /// Set where a draw came, so that a rate counts whole gaps between draws and never more than there were.
    marks: [Mark; 2],
    /// Rates count from the next draw on.
    begins: bool,
    /// When the last answer came.
    last_draw: Moment,
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
        self.last_draw = now;
        if core::mem::take(&mut self.begins) {
            self.marks = [self.mark(now); 2];
        }
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

    /// Rates count from now on; those of draws from the first of them.
    pub(super) fn mark_anew(&mut self, now: Moment) {
        self.marks = [self.mark(now); 2];
        self.begins = true;
    }

    /// Rates count from the mark before, when the last one is old enough and a draw came now, or none comes any more. True
    /// about once a second.
    pub(super) fn mark_on(&mut self, now: Moment) -> bool {
        let [_, last] = self.marks;
        if now.since(last.at) < RATE_SPAN {
            return false;
        }
        let many = self.last_draw == now && self.counts.draws - last.draws >= RATE_DRAWS;
        let due = many || self.has_ceased(now);
        if due {
            self.marks = [last, self.mark(now)];
        }
        due
    }

    /// No draw came for much longer than the gap between two of them.
    fn has_ceased(&self, now: Moment) -> bool {
        let [mark, _] = self.marks;
        let (gaps, silent) = (self.counts.draws - mark.draws, now.since(self.last_draw));
        let usual = self.last_draw.since(mark.at).as_secs_f64() / gaps as f64;
        let (least, most) = SILENCE;
        silent >= least && (silent >= most || (gaps > 0 && silent.as_secs_f64() > CEASED * usual))
    }

    fn mark(&self, now: Moment) -> Mark {
        Mark { at: now, draws: self.counts.draws, refusals: self.counts.refusals }
    }

    /// Answers and refusals a second, lately; none before the first answer, and at the very beginning.
    pub(super) fn rates(&self, now: Moment) -> Option<(f64, f64)> {
        let [mark, _] = self.marks;
        let span = now.since(mark.at);
        self.first_draw?;
        let per_second = |count: u64, before: u64| (count - before) as f64 / span.as_secs_f64();
        let both = || {
            let draws = if self.has_ceased(now) { 0.0 } else { per_second(self.counts.draws, mark.draws) };
            (draws, per_second(self.counts.refusals, mark.refusals))
        };
        (span >= FIRST_RATE).then(both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::ledger::FingerprintKey, lines::SharedLines};

    const MS: u64 = 1000;

    /// Draws at these times, in ms; asked every 10 ms in between, and until `until`. The rates that were shown, with
    /// their times in seconds.
    fn shown(draws: &[u64], until: u64) -> Vec<(f64, f64)> {
        let mut ledger = Ledger::new(Some(1000), SharedLines::new(), &[], FingerprintKey::new(1));
        let (mut tally, mut shown) = (Tally::default(), Vec::new());
        tally.mark_anew(Moment(0));
        for at in 0..=until / 10 {
            let now = Moment(at * 10 * MS);
            for number in 0..draws.iter().filter(|draw| **draw / 10 == at).count() {
                let number = LineNumber(u32::try_from(number).unwrap());
                tally.line((number, b"text"), now, &mut ledger, &mut Vec::new()).unwrap();
            }
            tally.mark_on(now);
            shown.extend(tally.rates(now).map(|(rate, _)| (at as f64 / 100.0, rate)));
        }
        shown
    }

    fn range(shown: &[(f64, f64)], from: f64, to: f64) -> (f64, f64) {
        let within = shown.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, rate)| *rate);
        within.fold((f64::INFINITY, 0.0), |(least, most), rate| (least.min(rate), most.max(rate)))
    }

    #[test]
    fn a_rate_is_never_more_than_there_were_draws_and_gaps() {
        for per_s in [0.2, 0.5, 1.0, 3.0, 10.0, 100.0] {
            let gap = 1000.0 / per_s;
            let draws: Vec<u64> =
                (0..).map(|at| (f64::from(at) * gap) as u64).take_while(|at| *at < 40_000).collect();
            let shown = shown(&draws, 40_000);
            let (_, most) = range(&shown, 0.0, 40.0);
            assert!(most <= 1.05 * per_s, "{per_s}/s: {most}");
            let (least, _) = range(&shown, 20.0, 40.0);
            assert!(least >= 0.7 * per_s, "{per_s}/s: {least}");
        }
    }

    #[test]
    fn draws_that_cease_are_told_of_within_seconds_and_so_are_those_that_come_again() {
        for (per_s, silent) in [(100.0, 2.1), (1.0, 4.2), (10.0, 2.1)] {
            let gap = 1000.0 / per_s;
            let times = |from: u64, to: u64| {
                let at = move |number: u32| from + (f64::from(number) * gap) as u64;
                (0..).map(at).take_while(move |at| *at < to)
            };
            let draws: Vec<u64> = times(0, 10_000).chain(times(30_000, 45_000)).collect();
            let shown = shown(&draws, 45_000);
            assert_eq!(range(&shown, 10.0 + silent, 30.0).1, 0.0, "{per_s}/s");
            let (least, most) = range(&shown, 40.0, 45.0);
            assert!(least >= 0.7 * per_s && most <= 1.3 * per_s, "{per_s}/s: {least} to {most}");
        }
    }
}
