//! The demo's progress and result: figures beside what theory expects of them.

use super::table::{Align, columns};
use super::{Ink, Look, clean, or_dash, span};
use crate::lab::peer::Peer;
use crate::lab::plan::{Outcome, Plan};
use crate::lab::swarm::{Phase, View};
use crate::lab::theory;
use serde_json::{Value, json};
use std::path::Path;

/// All peers together, as they said last.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// Lines of the peer that has most.
    pub best: u32,
    pub draws: u64,
    pub rate: f64,
    /// Peers that answer.
    pub up: usize,
}

impl Total {
    #[must_use]
    pub fn of(peers: &[Peer]) -> Self {
        let mut total = Self::default();
        for status in peers.iter().filter_map(|peer| peer.status.as_ref()) {
            total.best = total.best.max(status.job.have);
            total.draws += status.job.draws;
            total.rate += status.job.rate.unwrap_or(0.0);
            total.up += 1;
        }
        total
    }
}

/// One line a second, where there is no terminal.
#[must_use]
pub fn progress(view: &View<'_>) -> String {
    let total = Total::of(view.peers);
    format!("{:>6}/{}  {}", total.best, view.lines, swarm_message(view, &total))
}

/// What stands beside the bar of the whole.
#[must_use]
pub fn swarm_message(view: &View<'_>, total: &Total) -> String {
    match view.phase {
        Phase::Starting => {
            let linked = view.peers.iter().filter_map(|peer| peer.status.as_ref());
            let links: u32 = linked.map(|status| status.peers.connected).sum();
            format!("starting: {} of {} peers up, {} links", total.up, view.peers.len(), links / 2)
        }
        Phase::Running => {
            format!("{} draws  {:.1}/s  {}", total.draws, total.rate, span(view.elapsed.as_secs_f64()))
        }
        Phase::Checking => format!("{} draws  submitted, comparing files", total.draws),
    }
}

/// What stands beside a peer's bar.
#[must_use]
pub fn peer_message(peer: &Peer) -> String {
    let Some(status) = &peer.status else { return "starting".into() };
    let role = match &status.master {
        Some(master) if master.is_self => "  master",
        _ => "",
    };
    let rate = status.job.rate.map(|rate| format!("  {rate:.1}/s")).unwrap_or_default();
    format!("{} draws{rate}  {}{role}", status.job.draws, status.state.name())
}

/// The table and the verdict.
#[must_use]
pub fn report(plan: &Plan, outcome: &Outcome, kept: Option<&Path>, look: Look) -> String {
    let expected = theory::expected_draws(plan.lines);
    let in_seconds = |draws| theory::seconds(draws, plan.peers, plan.rate);
    let total_rate = f64::from(plan.peers) * plan.rate;
    let rows = [
        ("time", format!("{:.2} s from the first draw to the right submit", outcome.seconds)),
        (
            "theory",
            format!(
                "{:.2} s +- {:.2} s for {expected:.0} draws, N*H(N), at {total_rate} lines/s",
                in_seconds(expected),
                in_seconds(theory::deviation(plan.lines))
            ),
        ),
        (
            "draws",
            format!(
                "{}, of which this seed needed {}; {} refused",
                outcome.draws,
                or_dash(outcome.draws_needed, |draws| draws.to_string()),
                outcome.refusals
            ),
        ),
        (
            "efficiency",
            or_dash(outcome.efficiency, |share| {
                format!("{share:.3} of the fastest possible with these draws")
            }),
        ),
        ("pace", or_dash(outcome.pace, |pace| format!("{pace:.3} of the draws that were allowed"))),
        ("luck", or_dash(outcome.luck, |luck| format!("{luck:.3}, where 1 is average"))),
        (
            "submitted",
            format!("by {}, {} in all", outcome.submitted_by.as_deref().unwrap_or("-"), outcome.submits),
        ),
        ("reply", clean(outcome.reply.as_deref().unwrap_or("-")).into_owned()),
    ];
    let mut text = look.paint(
        Ink::Strong,
        &format!(
            "{} peers, {} lines, {} lines/s each, seed {}",
            plan.peers, plan.lines, plan.rate, plan.seed
        ),
    );
    text.push_str("\n\n");
    for (label, value) in rows {
        text.push_str("  ");
        text.push_str(&look.paint(Ink::Faint, &format!("{label:10}")));
        text.push_str(&format!("  {value}\n"));
    }
    let header = [
        ("PEER", Align::Left),
        ("DRAWS", Align::Right),
        ("REFUSED", Align::Right),
        ("DUPLICATES", Align::Right),
        ("FROM PEERS", Align::Right),
        ("FILE", Align::Left),
    ];
    let peers: Vec<Vec<String>> = outcome
        .peers
        .iter()
        .map(|peer| {
            vec![
                peer.name.clone(),
                peer.draws.to_string(),
                peer.refusals.to_string(),
                peer.duplicates.to_string(),
                peer.from_peers.to_string(),
                if peer.is_same { "the served one" } else { "ANOTHER" }.into(),
            ]
        })
        .collect();
    text.push_str(&format!("\n{}\n", columns(&header, &peers)));
    text.push_str(&verdict(outcome, look));
    if let Some(place) = kept {
        text.push_str(&format!("files and logs are kept in {}\n", place.display()));
    }
    text
}

fn verdict(outcome: &Outcome, look: Look) -> String {
    if outcome.is_right() {
        let all =
            "RIGHT: the submitted file, every dump and the output file equal what was served, byte for byte";
        return format!("{}\n", look.paint(Ink::Good, all));
    }
    format!("{}\n", look.paint(Ink::Bad, &format!("WRONG: {}", outcome.faults().join("; "))))
}

/// The same for programs.
#[must_use]
pub fn object(plan: &Plan, outcome: &Outcome, kept: Option<&Path>) -> Value {
    let peer = |peer: &crate::lab::peer::PeerOutcome| {
        json!({
            "name": peer.name, "draws": peer.draws, "refusals": peer.refusals, "duplicates": peer.duplicates,
            "from_peers": peer.from_peers, "same": peer.is_same
        })
    };
    json!({
        "v": 1,
        "peers": plan.peers,
        "lines": plan.lines,
        "rate": plan.rate,
        "seed": plan.seed,
        "seconds": outcome.seconds,
        "theory_s": theory::seconds(theory::expected_draws(plan.lines), plan.peers, plan.rate),
        "draws": outcome.draws,
        "draws_needed": outcome.draws_needed,
        "refusals": outcome.refusals,
        "efficiency": outcome.efficiency,
        "pace": outcome.pace,
        "luck": outcome.luck,
        "seconds_corrected": outcome.luck.map(|luck| outcome.seconds * luck),
        "right": outcome.is_right(),
        "submits": outcome.submits,
        "submitted_by": outcome.submitted_by,
        "reply": outcome.reply,
        "output_same": outcome.output_is_same,
        "each": outcome.peers.iter().map(peer).collect::<Vec<_>>(),
        "curve": outcome.curve,
        "kept": kept.map(|place| place.display().to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::peer::PeerOutcome;

    fn sample() -> (Plan, Outcome) {
        let plan = Plan {
            group: "demo",
            peers: 2,
            lines: 1000,
            rate: 200.0,
            seed: 1,
            directory: "/tmp/x".into(),
            conditions: Default::default(),
        };
        let peer = |name: &str, is_same| PeerOutcome {
            name: name.into(),
            draws: 3750,
            refusals: 5,
            duplicates: 3250,
            from_peers: 500,
            is_same,
            is_killed: false,
        };
        let outcome = Outcome {
            seconds: 18.8,
            draws: 7500,
            draws_needed: Some(7491),
            refusals: 10,
            submits: 1,
            efficiency: Some(0.9961),
            pace: Some(0.9972),
            luck: Some(0.9981),
            killed: None,
            busy: None,
            submit_is_right: true,
            submitted_by: Some("demo/peer2".into()),
            reply: Some("SUBMIT SUCCESS: demo@lineswarm".into()),
            output_is_same: true,
            peers: vec![peer("demo/peer1", true), peer("demo/peer2", true)],
            curve: vec![(0.0, 0), (18.7, 1000)],
        };
        (plan, outcome)
    }

    #[test]
    fn the_report_puts_each_figure_beside_what_theory_says() {
        let (plan, outcome) = sample();
        let golden = "\
2 peers, 1000 lines, 200 lines/s each, seed 1

  time        18.80 s from the first draw to the right submit
  theory      18.71 s +- 3.20 s for 7485 draws, N*H(N), at 400 lines/s
  draws       7500, of which this seed needed 7491; 10 refused
  efficiency  0.996 of the fastest possible with these draws
  pace        0.997 of the draws that were allowed
  luck        0.998, where 1 is average
  submitted   by demo/peer2, 1 in all
  reply       SUBMIT SUCCESS: demo@lineswarm

PEER        DRAWS  REFUSED  DUPLICATES  FROM PEERS  FILE
demo/peer1   3750        5        3250         500  the served one
demo/peer2   3750        5        3250         500  the served one

RIGHT: the submitted file, every dump and the output file equal what was served, byte for byte
";
        assert_eq!(report(&plan, &outcome, None, Look::PLAIN), golden);
    }

    #[test]
    fn one_wrong_byte_anywhere_is_a_wrong_verdict_that_says_where() {
        let (plan, mut outcome) = sample();
        outcome.output_is_same = false;
        if let Some(peer) = outcome.peers.last_mut() {
            peer.is_same = false;
        }
        assert!(!outcome.is_right());
        let text = report(&plan, &outcome, Some(Path::new("/tmp/kept")), Look::PLAIN);
        assert!(text.ends_with(
            "WRONG: the submitter's output file is missing or another; the dump of demo/peer2 is incomplete or \
another\nfiles and logs are kept in /tmp/kept\n"
        ));
        assert_eq!(object(&plan, &outcome, None)["right"], false);
    }
}
