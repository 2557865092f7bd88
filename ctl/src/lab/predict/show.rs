//! A prediction as text and as an object.

use super::{Check, Prediction, Speed};
use crate::render::table::{Align, columns};
use crate::render::{Ink, Look, bar};
use serde_json::{Value, json};

const BINS: usize = 16;
const BAR: u64 = 50;
/// What lies outside is too rare to be drawn.
const SHOWN: (f64, f64) = (0.001, 0.999);
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

pub(super) fn text(prediction: &Prediction, look: Look) -> String {
    let Prediction { lines, rate, latency_ms, loss, runs, seed, .. } = prediction;
    let mut text = look.paint(Ink::Strong, &format!("{lines} lines, {rate} lines/s for each peer"));
    text.push_str(&format!(
        ", latency {latency_ms} ms, loss {loss}; {runs} sampled downloads, seed {seed}\n\n"
    ));
    text.push_str(&times(prediction));
    text.push_str(
        "\nFORMULA: N*H(N) / (peers * rate), and its standard deviation, both exact; without latency and loss.\n",
    );
    if let Some(largest) = prediction.swarms.last() {
        let (from, to) = (largest.sampled.quantile(SHOWN.0), largest.sampled.quantile(SHOWN.1));
        if to > from {
            text.push_str(&format!(
                "\nSeconds with {} peers, share of the sampled downloads:\n",
                largest.peers
            ));
            let counts = largest.sampled.histogram(from, to, BINS);
            let most = counts.iter().copied().max().unwrap_or(1) as u64;
            let width = (to - from) / BINS as f64;
            for (bin, count) in counts.iter().enumerate() {
                let share = 100.0 * *count as f64 / *runs as f64;
                let cells = bar(*count as u64, most, BAR).replace(['[', ']', '.'], "");
                text.push_str(&format!("{:9.2}  {share:5.1} %  {cells}\n", from + width * bin as f64));
            }
        }
    }
    text.push_str("\nKnown answers, by the same sampling:\n");
    text.push_str(&checks(&prediction.checks));
    text.push_str("\nThe same samples by more workers:\n");
    text.push_str(&speeds(&prediction.speeds));
    if prediction.checks.iter().any(|check| !check.holds()) {
        let warning = "A known answer does not come out: believe none of these figures.";
        text.push_str(&format!("\n{}\n", look.paint(Ink::Bad, warning)));
    }
    text
}

fn times(prediction: &Prediction) -> String {
    let right = |title| (title, Align::Right);
    let header = [
        right("PEERS"),
        right("FORMULA"),
        right("+-"),
        right("SAMPLED"),
        right("+-"),
        right("5 %"),
        right("MEDIAN"),
        right("95 %"),
        right("SPEED-UP"),
    ];
    let first =
        prediction.swarms.first().map_or(f64::NAN, |swarm| swarm.sampled.mean * f64::from(swarm.peers));
    let rows: Vec<Vec<String>> = prediction
        .swarms
        .iter()
        .map(|swarm| {
            let seconds = |value: f64| format!("{value:.2} s");
            vec![
                swarm.peers.to_string(),
                seconds(swarm.formula_s),
                seconds(swarm.formula_deviation_s),
                seconds(swarm.sampled.mean),
                seconds(swarm.sampled.deviation),
                seconds(swarm.sampled.quantile(0.05)),
                seconds(swarm.sampled.quantile(0.5)),
                seconds(swarm.sampled.quantile(0.95)),
                format!("{:.2}", first / swarm.sampled.mean),
            ]
        })
        .collect();
    columns(&header, &rows)
}

fn checks(checks: &[Check]) -> String {
    let header = [
        ("QUANTITY", Align::Left),
        ("KNOWN", Align::Right),
        ("SAMPLED", Align::Right),
        ("STANDARD ERROR", Align::Right),
        ("OFF BY", Align::Right),
    ];
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|check| {
            let off = format!("{:+.2} standard errors", check.off());
            vec![
                check.name.clone(),
                format!("{:.5}", check.known),
                format!("{:.5}", check.sampled),
                format!("{:.5}", check.standard_error),
                off,
            ]
        })
        .collect();
    columns(&header, &rows)
}

fn speeds(speeds: &[Speed]) -> String {
    let header = [("WORKERS", Align::Right), ("TIME", Align::Right), ("SPEED-UP", Align::Right)];
    let first = speeds.first().map_or(f64::NAN, |speed| speed.seconds);
    let rows: Vec<Vec<String>> = speeds
        .iter()
        .map(|speed| {
            let up = format!("{:.2}", first / speed.seconds);
            vec![speed.workers.to_string(), format!("{:.2} s", speed.seconds), up]
        })
        .collect();
    columns(&header, &rows)
}

pub(super) fn object(prediction: &Prediction) -> Value {
    let swarms: Vec<Value> = prediction
        .swarms
        .iter()
        .map(|swarm| {
            let quantiles: serde_json::Map<String, Value> =
                QUANTILES.iter().map(|q| (q.to_string(), json!(swarm.sampled.quantile(*q)))).collect();
            json!({
                "peers": swarm.peers, "formula_s": swarm.formula_s, "formula_sd_s": swarm.formula_deviation_s,
                "mean_s": swarm.sampled.mean, "sd_s": swarm.sampled.deviation,
                "standard_error_s": swarm.sampled.standard_error(), "quantiles_s": quantiles,
            })
        })
        .collect();
    let checks: Vec<Value> = prediction
        .checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name, "known": check.known, "sampled": check.sampled,
                "standard_error": check.standard_error, "holds": check.holds(),
            })
        })
        .collect();
    let speeds: Vec<Value> = prediction
        .speeds
        .iter()
        .map(|speed| json!({"workers": speed.workers, "seconds": speed.seconds}))
        .collect();
    json!({
        "v": 1, "lines": prediction.lines, "rate": prediction.rate, "latency_ms": prediction.latency_ms,
        "loss": prediction.loss, "runs": prediction.runs, "seed": prediction.seed,
        "predict": swarms, "checks": checks, "workers": speeds,
    })
}
