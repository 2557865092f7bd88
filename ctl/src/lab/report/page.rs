//! `report.html`: one file that needs nothing else; the answer and the tables stand in it without any script.
//!
//! Text that came from elsewhere is escaped, in the document and in the data that the script reads.

use super::answer::{Answer, answer};
use super::text::table;
use super::{course, seconds};
use crate::failure::Failure;
use crate::lab::results::{Expected, Results, Row, Run};
use crate::render::table::Align;
use crate::render::{clean, or_dash};
use lineswarm_proto::time::rfc3339;
use serde_json::{Value, json};

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The whole page.
pub fn page(results: &Results) -> Result<String, Failure> {
    let Answer { short, because } = answer(results);
    let because: String = because.iter().map(|sentence| format!("<li>{}</li>\n", escape(sentence))).collect();
    // Inside a script element only "</" and "<!--" have a meaning.
    let data = data(results).to_string().replace('<', "\\u003c");
    let settings = &results.settings;
    let eyebrow = format!("lineswarm, {} lines at {} lines/s for each peer", settings.lines, settings.rate);
    let parts = [
        ("title", "Does the time fall linearly with more peers?".to_owned()),
        ("css", STYLE.to_owned()),
        ("eyebrow", escape(&eyebrow)),
        ("short", escape(&short)),
        ("because", because),
        ("tiles", tiles(results)),
        ("half", escape(&half(results))),
        ("table", table_of(&table(results))),
        ("runs", runs(results)),
        ("facts", facts(results)),
        ("command", escape(&results.command)),
        ("footer", escape(&format!("{}, began {}", results.program, day(results.began)))),
        ("data", data),
        ("script", SCRIPT.to_owned()),
    ];
    Ok(fill(FRAME, &parts))
}

/// Puts each part in its place, in one pass: what is put in is never looked at again.
fn fill(frame: &str, parts: &[(&str, String)]) -> String {
    let mut page = String::new();
    let mut pieces = frame.split("{{");
    page.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        if let Some((_, part)) = parts.iter().find(|(known, _)| *known == name) {
            page.push_str(part);
        }
        page.push_str(rest);
    }
    page
}

fn tiles(results: &Results) -> String {
    let rows = results.rows();
    let first = rows.first().map(|row| row.topology);
    let main = || rows.iter().filter(|row| Some(row.topology) == first);
    let (few, many) = (main().min_by_key(|row| row.peers), main().max_by_key(|row| row.peers));
    let mut tiles = Vec::new();
    let peers = |count: u32| format!("{count} peer{}", if count == 1 { "" } else { "s" });
    if let Some(row) = few {
        tiles.push((peers(row.peers), seconds(row.seconds.median), ""));
    }
    if let Some(row) = many.filter(|many| few.is_some_and(|few| few.peers != many.peers)) {
        tiles.push((peers(row.peers), seconds(row.seconds.median), ""));
        let name = format!("speed-up at {}", row.peers);
        tiles.push((name, or_dash(row.speed_up, |up| format!("{up:.2}x")), ""));
    }
    if let Some(row) = many {
        let name = format!("efficiency at {}", row.peers);
        tiles.push((name, or_dash(row.efficiency, |share| format!("{:.3}", share.median)), ""));
    }
    let right = results.runs.iter().filter(|run| run.right).count();
    let all = results.runs.len() + results.failed.len();
    let verdict = if right == all { "good" } else { "bad" };
    tiles.push(("right files".into(), format!("{right} of {all}"), verdict));
    let tile = |(name, value, class): &(String, String, &str)| {
        format!("<div><dt>{}</dt><dd class=\"{class}\">{}</dd></div>\n", escape(name), escape(value))
    };
    tiles.iter().map(tile).collect()
}

/// How far the slowest swarm was after half of its time: what makes the last lines dear.
fn half(results: &Results) -> String {
    let said = "The lines of the peer that holds most.".to_owned();
    let rows = results.rows();
    let Some(run) = rows.iter().min_by_key(|row| row.peers).and_then(|row| results.typical(row)) else {
        return said;
    };
    let Some((end, all)) = run.curve.last() else { return said };
    let held = run.curve.iter().take_while(|(at, _)| *at <= end / 2.0).last().map_or(0, |(_, have)| *have);
    let share = 100.0 * f64::from(held) / f64::from((*all).max(1));
    format!(
        "{said} After half of its time the smallest swarm held {share:.0} % of them: the last ones take longest."
    )
}

fn table_of((header, rows): &(Vec<(&str, Align)>, Vec<Vec<String>>)) -> String {
    let class = |align: Align| if align == Align::Left { " class=\"text\"" } else { "" };
    let titles = header.iter().map(|(title, align)| format!("<th{}>{}</th>", class(*align), escape(title)));
    let mut html = format!("<thead><tr>{}</tr></thead>\n<tbody>\n", titles.collect::<String>());
    for row in rows {
        let cells = row.iter().zip(header);
        let cells = cells.map(|(cell, (_, align))| format!("<td{}>{}</td>", class(*align), escape(cell)));
        html.push_str(&format!("<tr>{}</tr>\n", cells.collect::<String>()));
    }
    html + "</tbody>"
}

fn runs(results: &Results) -> String {
    let right = |title| (title, Align::Right);
    let header = vec![
        right("peers"),
        ("topology", Align::Left),
        right("seed"),
        right("seconds"),
        right("efficiency"),
        right("pace"),
        right("luck"),
        right("seconds, corrected for luck"),
        right("draws"),
        right("needed"),
        right("refused"),
        right("submits"),
        right("machine busy (with this)"),
        ("file", Align::Left),
        ("what happened", Align::Left),
    ];
    let row = |run: &Run| {
        let killed = run.killed.as_ref();
        let killed = killed.map(|killed| {
            format!("{} killed at {:.2} s with {} lines", clean(&killed.name), killed.at_s, killed.have)
        });
        let happened: Vec<String> = killed.into_iter().chain(run.faults.iter().cloned()).collect();
        vec![
            run.peers.to_string(),
            run.topology.to_string(),
            run.seed.to_string(),
            format!("{:.2}", run.seconds),
            or_dash(run.efficiency, |share| format!("{share:.3}")),
            or_dash(run.pace, |share| format!("{share:.3}")),
            or_dash(run.luck, |luck| format!("{luck:.3}")),
            or_dash(run.seconds_corrected, |seconds| format!("{seconds:.2}")),
            run.draws.to_string(),
            or_dash(run.draws_needed, |draws| draws.to_string()),
            run.refusals.to_string(),
            run.submits.to_string(),
            or_dash(run.busy, |busy| format!("{:.0} % ({:.0} %)", 100.0 * busy.all, 100.0 * busy.own)),
            if run.right { "right" } else { "WRONG" }.to_owned(),
            happened.join("; "),
        ]
    };
    table_of(&(header, results.runs.iter().map(row).collect()))
}

fn facts(results: &Results) -> String {
    let settings = &results.settings;
    let conditions = &settings.conditions;
    let list = |values: Vec<String>| values.join(", ");
    let mut facts = vec![
        ("peers", list(settings.peers.iter().map(u32::to_string).collect())),
        ("topology", list(settings.topologies.iter().map(ToString::to_string).collect())),
        ("file", format!("{} lines", settings.lines)),
        ("rate", format!("{} lines/s for each peer", settings.rate)),
        ("runs", format!("{} of each, seeds from {}", settings.runs, settings.seed)),
        (
            "theory",
            format!(
                "{:.0} draws on average, N*H(N), +- {:.0}",
                results.theory.draws, results.theory.deviation
            ),
        ),
    ];
    if conditions.latency_ms > 0.0 {
        facts.push(("latency", format!("{} ms from the line server", conditions.latency_ms)));
    }
    if let Some(how) = conditions.one_per_ip {
        facts.push(("one connection", format!("for each address; a second one: {how}")));
    }
    if let Some(percent) = conditions.kill_master_at {
        facts.push(("killed", format!("the master, when the swarm held {percent} % of the lines")));
    }
    if let Some(server) = &conditions.server {
        facts.push(("line server", clean(server).into_owned()));
    }
    facts.push(("machine", results.machine.line()));
    for failed in &results.failed {
        let text = format!("{} peers, seed {}: {}: {}", failed.peers, failed.seed, failed.what, failed.why);
        facts.push(("failed", clean(&text).into_owned()));
    }
    facts.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>\n", escape(value))).collect()
}

/// What the script draws.
fn data(results: &Results) -> Value {
    let rows = results.rows();
    let settings = &results.settings;
    let many = settings.topologies.len() > 1;
    let few = rows.iter().map(|row| row.peers).min().unwrap_or(1);
    let most = rows.iter().map(|row| row.peers).max().unwrap_or(1);
    let steps =
        || (0..=120).map(move |step| f64::from(few) + f64::from(most - few) * f64::from(step) / 120.0);
    let floor = |peers: f64, draws: f64| draws / (peers * settings.rate);
    let Expected { draws, deviation } = results.theory;
    let band: Vec<[f64; 3]> =
        steps().map(|k| [k, floor(k, draws - deviation), floor(k, draws + deviation)]).collect();
    let curves: Vec<Value> = rows
        .iter()
        .filter_map(|row| {
            let run = results.typical(row)?;
            let peers = format!("{} peer{}", row.peers, if row.peers == 1 { "" } else { "s" });
            let name = if many { format!("{peers}, {}", row.topology) } else { peers };
            let label = row.peers.to_string();
            Some(json!({"name": name, "label": label, "topology": row.topology, "points": run.curve}))
        })
        .collect();
    let row = |row: &Row| {
        json!({
            "topology": row.topology, "peers": row.peers, "median": row.seconds.median, "least": row.seconds.least,
            "most": row.seconds.most, "floor_s": row.floor_s, "efficiency": row.efficiency.map(|share| share.median),
        })
    };
    let run = |run: &Run| {
        json!({
            "topology": run.topology, "peers": run.peers, "seconds": run.seconds, "efficiency": run.efficiency,
        })
    };
    json!({
        "lines": settings.lines,
        "topologies": settings.topologies,
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "runs": results.runs.iter().map(run).collect::<Vec<_>>(),
        "curves": curves,
        "floor": steps().map(|k| [k, floor(k, draws)]).collect::<Vec<_>>(),
        "band": band,
        "course": course(results),
    })
}

/// `2026-11-21`, in UTC.
fn day(since_1970: u64) -> String {
    rfc3339(since_1970 as f64).chars().take(10).collect()
}

fn escape(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::results::tests::sample;

    #[test]
    fn the_page_needs_nothing_from_elsewhere_and_says_everything_without_a_script() {
        let page = page(&sample(&[1, 2, 4], |_| 0.2)).unwrap();
        for foreign in ["http://", "https://", "src=", "@import", "url("] {
            let allowed = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!allowed.contains(foreign), "{foreign}");
        }
        assert!(!page.contains("{{") && !page.contains("}}<"));
        let before_script = page.split("<script").next().unwrap();
        for words in ["the time falls inversely", "speed-up at 4", "3.97x", "9 of 9", "compare --peers 1,2,4"]
        {
            assert!(before_script.contains(words), "{words}");
        }
        assert_eq!(before_script.matches("<tr>").count(), 1 + 3 + 1 + 9);
    }

    #[test]
    fn foreign_text_is_text_and_never_markup() {
        let mut results = sample(&[1, 2], |_| 0.2);
        results.command = "</code><script>alert(1)</script>".into();
        results.runs[0].killed =
            Some(crate::lab::plan::Killed { name: "<b>{{css}}".into(), at_s: 1.0, have: 3 });
        let page = page(&results).unwrap();
        assert!(!page.contains("<script>alert") && !page.contains("<b>{{"));
        assert!(page.contains("&lt;b&gt;{{css}} killed at 1.00 s"));
    }
}
