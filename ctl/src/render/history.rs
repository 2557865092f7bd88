//! Past runs: what they took, at what pace, with what luck, and who drew.
//!
//! Records of older versions do not know everything; what they do not know is a dash.

use super::clean;
use super::table::{Align, columns};
use lineswarm_proto::time::rfc3339;
use serde_json::Value;

const HEADER: [(&str, Align); 12] = [
    ("FINISHED", Align::Left),
    ("EPOCH", Align::Right),
    ("LINES", Align::Right),
    ("PEERS", Align::Right),
    ("TIME", Align::Right),
    ("DRAWS", Align::Right),
    ("PACE", Align::Right),
    ("LUCK", Align::Right),
    ("CAPPED", Align::Right),
    ("VERDICT", Align::Left),
    ("SERVER", Align::Left),
    ("DREW", Align::Left),
];
/// Names in a cell.
const NAMES: usize = 6;

/// The oldest first.
#[must_use]
pub fn table(runs: &[Value]) -> String {
    columns(&HEADER, &runs.iter().map(row).collect::<Vec<_>>())
}

fn row(run: &Value) -> Vec<String> {
    let number = |name: &str| run.get(name).and_then(Value::as_f64);
    let shown = |name: &str, show: &dyn Fn(f64) -> String| number(name).map_or("-".into(), show);
    let whole = |name: &str| shown(name, &|number| format!("{number:.0}"));
    let share = |name: &str| shown(name, &|number| format!("{number:.3}"));
    let text = |name: &str| {
        let text = run.get(name).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() { "-".into() } else { clean(text).into_owned() }
    };
    let capped = match (number("capped"), number("pace")) {
        (Some(nodes), Some(_)) if nodes > 0.0 => format!("{nodes:.0}"),
        _ => "-".into(),
    };
    vec![
        // Whole seconds are what is kept.
        shown("finished", &|at| rfc3339(at).replace(".000Z", "Z")),
        whole("epoch"),
        whole("lines"),
        whole("peers"),
        shown("seconds", &|seconds| format!("{seconds:.2} s")),
        whole("swarm_draws"),
        share("pace"),
        share("luck"),
        capped,
        text("verdict"),
        text("server"),
        drew(run),
    ]
}

fn drew(run: &Value) -> String {
    let names = run.get("drew").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<_> =
        names.iter().take(NAMES).filter_map(Value::as_str).map(|name| clean(name).into_owned()).collect();
    match names.len() {
        0 => "-".into(),
        count if count > NAMES => format!("{} and {} more", shown.join(", "), count - NAMES),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn runs_stand_in_columns_and_what_an_old_record_did_not_know_is_a_dash() {
        let runs = [
            json!({"swarm": "default", "epoch": 1, "server": "127.0.0.1:9801", "lines": 1000, "peers": 4, "seconds": 19.5,
                "draws": 1870, "efficiency": 1.31, "verdict": "right", "sha256": null, "finished": 1_700_000_000}),
            json!({"swarm": "default", "epoch": 12, "server": "127.0.0.1:9801", "lines": 1000, "peers": 4,
                "seconds": 118.123, "draws": 1870, "swarm_draws": 7495, "pace": 0.9953, "luck": 0.9987, "capped": 1,
                "drew": ["lab1/alice", "lab1/bob\u{1b}"], "verdict": "complete", "sha256": null,
                "finished": 1_795_344_241}),
        ];
        let shown = "\
FINISHED              EPOCH  LINES  PEERS      TIME  DRAWS   PACE   LUCK  CAPPED  VERDICT   SERVER          DREW
2023-11-14T22:13:20Z      1   1000      4   19.50 s      -      -      -       -  right     127.0.0.1:9801  -
2026-11-22T10:44:01Z     12   1000      4  118.12 s   7495  0.995  0.999       1  complete  127.0.0.1:9801  lab1/alice, lab1/bob\\u{1b}
";
        assert_eq!(table(&runs), shown);
    }
}
