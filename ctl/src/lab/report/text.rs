//! The table of a comparison for a terminal and as Markdown.

use super::answer;
use crate::lab::results::{Results, Row, Spread};
use crate::render::table::{Align, columns};
use crate::render::{Ink, Look, clean, or_dash};

/// One column: its title, and how it is aligned.
const HEADER: [(&str, Align); 13] = [
    ("PEERS", Align::Right),
    ("TOPOLOGY", Align::Left),
    ("MEDIAN", Align::Right),
    ("RANGE", Align::Right),
    ("SPEED-UP", Align::Right),
    ("EFFICIENCY", Align::Right),
    ("PACE", Align::Right),
    ("LUCK", Align::Right),
    ("CORRECTED", Align::Right),
    ("FLOOR", Align::Right),
    ("+-", Align::Right),
    ("SUBMITS", Align::Right),
    ("RIGHT", Align::Right),
];

/// For people at a terminal.
#[must_use]
pub fn report(results: &Results, look: Look) -> String {
    let settings = &results.settings;
    let mut text = look
        .paint(Ink::Strong, &format!("{} lines, {} lines/s for each peer", settings.lines, settings.rate));
    text.push_str(&format!(", {} runs each\n\n", settings.runs));
    text.push_str(&columns(&HEADER, &cells(results)));
    text.push_str(
        "\nEFFICIENCY: the time that the needed draws take, divided by the time. FLOOR: N*H(N) / (peers * rate), the \
average of\nthe fastest possible over all luck, and its standard deviation. PACE: draws, by those that the peers were allowed. LUCK:\n\
N*H(N), by draws. CORRECTED: the time with average luck.\n\n",
    );
    let answer = answer::answer(results);
    text.push_str(&look.paint(Ink::Strong, "Does the time fall linearly with more peers?"));
    text.push_str(&format!("\n{}\n", wrap(&answer.short)));
    for sentence in &answer.because {
        text.push_str(&wrap(sentence));
        text.push('\n');
    }
    for run in results.runs.iter().filter(|run| !run.right) {
        text.push_str(&format!(
            "{}: {} peers, {}, seed {}: {}\n",
            look.paint(Ink::Bad, "wrong"),
            run.peers,
            run.topology,
            run.seed,
            clean(&run.faults.join("; "))
        ));
    }
    for failed in &results.failed {
        let kept = failed.kept.as_deref().map(|at| format!("; logs: {at}")).unwrap_or_default();
        text.push_str(&format!(
            "{}: {} peers, {}, seed {}: {}: {}{kept}\n",
            look.paint(Ink::Bad, "failed"),
            failed.peers,
            failed.topology,
            failed.seed,
            clean(&failed.what),
            clean(&failed.why)
        ));
    }
    text
}

/// The same for a document, with the command and the machine.
#[must_use]
pub fn markdown(results: &Results) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&HEADER.map(|(title, _)| title.to_lowercase()));
    text.push_str(&line(
        &HEADER.map(|(_, align)| if align == Align::Right { "---:" } else { "---" }.to_owned()),
    ));
    for row in cells(results) {
        text.push_str(&line(&row));
    }
    let answer = answer::answer(results);
    text.push_str(&format!("\n**{}**\n\n", answer.short));
    for sentence in &answer.because {
        text.push_str(&format!("- {sentence}\n"));
    }
    text.push_str(&format!(
        "\nMeasured by `{}` ({}) on {}.\n",
        clean(&results.command),
        clean(&results.program),
        clean(&results.machine.line())
    ));
    text
}

/// The same for a page.
pub(super) fn table(results: &Results) -> (Vec<(&'static str, Align)>, Vec<Vec<String>>) {
    (HEADER.to_vec(), cells(results))
}

fn cells(results: &Results) -> Vec<Vec<String>> {
    results.rows().iter().map(row).collect()
}

fn row(row: &Row) -> Vec<String> {
    let range = |spread: Spread| format!("{:.2} to {:.2}", spread.least, spread.most);
    vec![
        row.peers.to_string(),
        row.topology.to_string(),
        format!("{:.2} s", row.seconds.median),
        range(row.seconds),
        or_dash(row.speed_up, |up| format!("{up:.2}")),
        or_dash(row.efficiency, |share| format!("{:.3}", share.median)),
        or_dash(row.pace, |share| format!("{:.3}", share.median)),
        or_dash(row.luck, |share| format!("{:.3}", share.median)),
        or_dash(row.corrected, |seconds| format!("{:.2} s", seconds.median)),
        format!("{:.2} s", row.floor_s),
        format!("{:.2}", row.deviation_s),
        row.submits.to_string(),
        format!("{} of {}", row.right, row.runs),
    ]
}

/// At blanks, to a terminal's width.
fn wrap(text: &str) -> String {
    const WIDTH: usize = 100;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::results::tests::sample;

    #[test]
    fn the_table_has_a_row_for_each_size_and_the_answer_below() {
        let text = report(&sample(&[1, 4], |_| 0.1), Look::PLAIN);
        let table = "\
PEERS  TOPOLOGY   MEDIAN           RANGE  SPEED-UP  EFFICIENCY   PACE   LUCK  CORRECTED    FLOOR     +-  SUBMITS   RIGHT
    1  mesh      78.10 s  74.10 to 82.10      1.00       0.999  0.999  0.959    74.90 s  74.85 s  12.79        3  3 of 3
    4  mesh      19.60 s  18.60 to 20.60      3.98       0.995  0.995  0.959    18.80 s  18.71 s   3.20        3  3 of 3
";
        assert!(text.contains(table), "{text}");
        assert!(text.contains("linearly with more peers?\nNo, and it should not"));
        assert!(text.lines().all(|line| line.len() <= 121), "{text}");
    }

    #[test]
    fn the_markdown_says_how_to_measure_it_again_and_on_what_it_was() {
        let text = markdown(&sample(&[1, 4], |_| 0.1));
        assert!(text.starts_with("| peers | topology | median | range |"));
        assert!(text.contains("`lineswarmctl compare --peers 1,2,4 --out out`") && text.contains("2 cores"));
    }
}
