//! "Does the time fall linearly?", answered in words from the figures.
//!
//! The first sentence is the answer; each further one is a reason or a warning that the figures themselves give.

use super::seconds;
use crate::lab::results::{Results, Row};

/// Below this share of the fastest possible, the curve is said to bend.
const BENT: f64 = 0.95;
/// From this exponent on, the time is called inverse in the number of peers.
const INVERSE: f64 = 0.9;
/// Above this, it was not the peers that made it faster.
const TOO_GOOD: f64 = 1.1;
/// A machine that is busier than this is the limit itself.
const BUSY: f64 = 0.9;

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub short: String,
    pub because: Vec<String>,
}

/// Computes it.
#[must_use]
pub fn answer(results: &Results) -> Answer {
    let rows = results.rows();
    let first_topology = rows.first().map(|row| row.topology);
    let mut main: Vec<&Row> = rows.iter().filter(|row| Some(row.topology) == first_topology).collect();
    main.sort_by_key(|row| row.peers);
    let mut because = Vec::new();
    let short = match (main.first(), main.last(), exponent(&main)) {
        (Some(few), Some(many), Some(exponent)) => {
            because.push(evidence(few, many));
            because.push(bend(&main, results));
            because.extend(savings(&main));
            shape(exponent, results.settings.conditions.kill_master_at.is_some())
        }
        _ => "One size of swarm was measured: how the time falls with more peers cannot be seen.".into(),
    };
    because.extend(topologies(&rows));
    because.extend(kills(results));
    because.push(luck(results));
    because.extend(unfinished(results));
    Answer { short, because }
}

/// a of time = c / peers^a, by least squares through the logarithms of the medians.
#[must_use]
pub fn exponent(rows: &[&Row]) -> Option<f64> {
    let points: Vec<(f64, f64)> =
        rows.iter().map(|row| (f64::from(row.peers).ln(), row.seconds.median.ln())).collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let along: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (spread > 0.0).then(|| -along / spread)
}

fn shape(exponent: f64, with_kills: bool) -> String {
    let measured = format!("measured: time ~ peers^-{exponent:.2}");
    if exponent > TOO_GOOD && with_kills {
        format!(
            "No: it falls even faster than inversely here ({measured}), for a killed peer is a larger loss to a smaller swarm."
        )
    } else if exponent > TOO_GOOD {
        format!(
            "It fell faster than more peers can explain ({measured}): something slowed the smaller swarms. Look at \
their efficiency, and measure again."
        )
    } else if exponent >= INVERSE {
        format!(
            "No, and it should not: the time falls inversely. Twice the peers need half the time ({measured}); what \
grows linearly is the speed."
        )
    } else if exponent > 0.3 {
        format!("No. It falls, but less than inversely ({measured}): more peers help less than they could.")
    } else {
        format!("No. More peers hardly help here ({measured}).")
    }
}

fn evidence(few: &Row, many: &Row) -> String {
    let up = few.seconds.median / many.seconds.median;
    let ideal = f64::from(many.peers) / f64::from(few.peers);
    format!(
        "From {} to {} peers the median went from {} to {}: {up:.2} times faster, where {ideal:.2} is possible.",
        few.peers,
        many.peers,
        seconds(few.seconds.median),
        seconds(many.seconds.median)
    )
}

fn bend(rows: &[&Row], results: &Results) -> String {
    let share = |row: &Row| row.efficiency.map(|spread| spread.median);
    let Some(worst) = rows.iter().filter_map(|row| share(row)).min_by(f64::total_cmp) else {
        return "How many draws were needed is not known of this server, so how near this is to the best is not \
known either."
            .into();
    };
    let Some(bent) = rows.iter().find(|row| share(row).is_some_and(|share| share < BENT)) else {
        let most = rows.last().map_or(0, |row| row.peers);
        return format!(
            "Up to {most} peers it does not bend: every swarm reached at least {worst:.3} of the fastest time that \
its draws allow."
        );
    };
    let (share, why) = (share(bent).unwrap_or(f64::NAN), why(bent, rows, results));
    match bent.peers {
        1 => {
            format!("Even one peer reached only {share:.3} of the fastest time that its draws allow: {why}.")
        }
        peers => format!(
            "It bends at {peers} peers, which reached {share:.3} of the fastest time that their draws allow: {why}."
        ),
    }
}

/// What the figures say of the time that was lost.
fn why(bent: &Row, rows: &[&Row], results: &Results) -> String {
    let lost = bent.lost_s.unwrap_or(0.0);
    if results.settings.conditions.kill_master_at.is_some() && bent.peers > 1 {
        return format!("its master was killed on the way, which cost {}", seconds(lost));
    }
    if let Some(busy) = bent.busy.filter(|busy| busy.all >= BUSY) {
        let (all, others) = (100.0 * busy.all, 100.0 * (busy.all - busy.own));
        return if busy.own >= 0.5 * busy.all {
            format!(
                "the machine was {all:.0} % busy, so its {} cores, which run all peers and the line server, were \
the limit",
                results.machine.cores
            )
        } else {
            format!(
                "the machine was {all:.0} % busy, {others:.0} % with other programs: measure again when it is quiet"
            )
        };
    }
    let least = rows.first().and_then(|row| row.lost_s).unwrap_or(0.0);
    if bent.peers > 1 && (0.5 * least..=2.0 * least).contains(&lost) {
        return format!(
            "about {lost:.2} s of a run do not depend on the number of peers (start and submit), and that is a \
larger share of a shorter run"
        );
    }
    if bent.rate_used < BENT {
        return format!(
            "only {:.0} % of the draws that the server allows were made, and {lost:.2} s were lost",
            100.0 * bent.rate_used
        );
    }
    format!("{lost:.2} s passed beyond the draws that were needed")
}

/// Why an inverse law looks as if it stopped.
fn savings(rows: &[&Row]) -> Option<String> {
    let saved = |pair: &[&Row]| match pair {
        [a, b] => Some((a.peers, b.peers, a.seconds.median - b.seconds.median)),
        _ => None,
    };
    let (a, b, early) = rows.windows(2).next().and_then(saved)?;
    let (c, d, late) = rows.windows(2).next_back().and_then(saved)?;
    (rows.len() > 2 && early > 0.0 && late < early).then(|| {
        format!(
            "Going from {a} to {b} saved {}, from {c} to {d} only {}: an inverse law looks as if it stopped, though \
every peer still does its full share.",
            seconds(early),
            seconds(late)
        )
    })
}

fn topologies(rows: &[Row]) -> Option<String> {
    let most = rows.iter().map(|row| row.peers).max()?;
    let mut same: Vec<&Row> = rows.iter().filter(|row| row.peers == most).collect();
    same.sort_by(|a, b| a.seconds.median.total_cmp(&b.seconds.median));
    (same.len() > 1).then(|| {
        let each: Vec<String> =
            same.iter().map(|row| format!("{} {}", row.topology, seconds(row.seconds.median))).collect();
        format!("With {most} peers, from fast to slow: {}.", each.join(", "))
    })
}

fn kills(results: &Results) -> Option<String> {
    let percent = results.settings.conditions.kill_master_at?;
    let killed: Vec<_> = results.runs.iter().filter(|run| run.killed.is_some()).collect();
    let right = killed.iter().filter(|run| run.right).count();
    let living = crate::lab::results::Spread::of(killed.iter().filter_map(|run| run.efficiency_of_living));
    let living = living.map_or(String::new(), |spread| {
        format!(
            " Counting only the peers alive at each moment, the median efficiency is {:.3}.",
            spread.median
        )
    });
    Some(format!(
        "In {} runs the master was killed when the swarm held {percent} % of the lines; {right} of these still ended \
with the right file.{living}",
        killed.len()
    ))
}

fn luck(results: &Results) -> String {
    let share = 100.0 * results.theory.deviation / results.theory.draws;
    let seeds = results.settings.runs;
    let fair = match &results.settings.conditions.server {
        Some(_) => "This server gives every swarm other draws, so smaller differences than that say nothing."
            .to_owned(),
        None => format!(
            "Here every swarm had the same {seeds} seed{}, so all needed the same draws.",
            if seeds == 1 { "" } else { "s" }
        ),
    };
    format!(
        "A single run says little: by the luck of the draw its time varies by +-{share:.0} % (one standard deviation). \
{fair}"
    )
}

fn unfinished(results: &Results) -> Option<String> {
    let wrong = results.runs.iter().filter(|run| !run.right).count();
    let runs = |count: usize| format!("{count} run{}", if count == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    if wrong > 0 {
        parts.push(format!("{} ended without the right file at every peer", runs(wrong)));
    }
    if !results.failed.is_empty() {
        parts.push(format!("{} failed and left no figures", runs(results.failed.len())));
    }
    if results.interrupted {
        parts.push("the comparison was interrupted before all was measured".into());
    }
    (!parts.is_empty()).then(|| format!("Beware: {}.", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::machine::Busy;
    use crate::lab::results::tests::sample;

    #[test]
    fn an_inverse_law_is_called_inverse_and_not_bent() {
        let answer = answer(&sample(&[1, 2, 3, 4], |_| 0.1));
        assert!(answer.short.starts_with("No, and it should not: the time falls inversely."), "{answer:?}");
        assert!(answer.short.contains("peers^-1.00"));
        assert!(
            answer.because[0]
                .starts_with("From 1 to 4 peers the median went from 78.10 s to 19.60 s: 3.98 times")
        );
        assert!(answer.because[1].starts_with("Up to 4 peers it does not bend"), "{answer:?}");
        assert!(answer.because[2].contains("an inverse law looks as if it stopped"));
    }

    #[test]
    fn where_it_bends_is_said_with_the_reason_that_the_figures_give() {
        let fixed = answer(&sample(&[1, 8, 16], |_| 1.0));
        assert!(fixed.because[1].starts_with("It bends at 8 peers"), "{fixed:?}");
        assert!(fixed.because[1].contains("do not depend on the number of peers"));
        let growing = |peers| f64::from(peers) * f64::from(peers) * 0.05;
        assert!(
            answer(&sample(&[1, 8, 16], growing)).because[1]
                .contains("% of the draws that the server allows")
        );
        let mut busy = sample(&[1, 8, 16], growing);
        busy.runs.iter_mut().for_each(|run| run.busy = Some(Busy { all: 0.97, own: 0.9 }));
        assert!(answer(&busy).because[1].contains("the machine was 97 % busy, so its 2 cores"), "{busy:?}");
        busy.runs.iter_mut().for_each(|run| run.busy = Some(Busy { all: 0.97, own: 0.1 }));
        assert!(answer(&busy).because[1].contains("87 % with other programs: measure again"), "{busy:?}");
    }

    #[test]
    fn what_was_not_measured_is_not_claimed() {
        let one = answer(&sample(&[4], |_| 0.1));
        assert!(one.short.starts_with("One size of swarm was measured"));
        let mut unknown = sample(&[1, 2], |_| 0.1);
        for run in &mut unknown.runs {
            (run.draws_needed, run.efficiency) = (None, None);
        }
        assert!(answer(&unknown).because[1].contains("not known"));
        assert!(answer(&unknown).because.last().unwrap().ends_with("needed the same draws."));
        unknown.settings.conditions.server = Some("192.0.2.1:9801".into());
        assert!(answer(&unknown).because.last().unwrap().contains("other draws"));
        unknown.interrupted = true;
        assert!(
            answer(&unknown).because.last().unwrap().starts_with("Beware: the comparison was interrupted")
        );
    }

    #[test]
    fn slow_swarms_are_not_praised() {
        let odd = answer(&sample(&[1, 2, 4], |peers| 100.0 / f64::from(peers * peers)));
        assert!(odd.short.contains("something slowed the smaller swarms"), "{odd:?}");
        let flat = answer(&sample(&[1, 2, 4], |peers| 100.0 - 75.0 / f64::from(peers)));
        assert!(flat.short.starts_with("No. More peers hardly help"), "{flat:?}");
    }
}
