//! The page: one file that needs nothing else, in the style of the page of `lineswarmctl compare`.

use crate::{Part, downloads::Downloads, support::kills::Account};
use std::fmt::Write;

const STYLE: &str = include_str!("../../ctl/src/lab/report/page.css");
/// Of a chart, in its own units.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 34.0;
/// More points than a screen has columns are of no use.
const POINTS: usize = 500;

/// A part in words.
pub(crate) fn sentence(part: &Part) -> String {
    match part {
        Part::Downloads(downloads) => {
            let [least, median, most] = downloads.range(|one| one.seconds);
            let [slow, usual, fast] = downloads.range(|one| one.draws as f64 / one.seconds);
            let (warm, last) = (downloads.warm(), downloads.last());
            let (early, late) = downloads.files();
            format!(
                "{} downloads by three daemons, each the served file, submitted once: {median:.2} s at the median ({least:.2} to \
                 {most:.2}), {usual:.0} draws/s ({slow:.0} to {fast:.0}). Memory of all three {} KiB after a tenth, {} KiB at the end \
                 (up to {} more is allowed, for {} more events and past runs), open files {} and {}: {}.",
                downloads.0.len(),
                warm.kib,
                last.kib,
                downloads.allowed_kib(),
                last.events - warm.events,
                early,
                late,
                if downloads.is_flat() { "flat" } else { "GROWING" }
            )
        }
        Part::Kills(Account {
            kills,
            masters,
            after,
            late,
            compared,
            resumed,
            promised,
            submits,
            in_doubt,
            seconds,
        }) => format!(
            "{kills} times kill -9 in {seconds:.0} s of one run by three daemons, {masters} of a master, {after} after the submit: the file \
             is right at each. {compared} kills came late enough to compare with what status had shown 250 ms before, {late} of them on a \
             machine that was late itself; with what it had shown as saved all can be: of {promised} lines all came back ({resumed} with \
             those that were newer), and no term went back. {submits} submit{}{}.",
            if *submits == 1 { "" } else { "s" },
            if *in_doubt { ", one of them in doubt when its master died" } else { "" }
        ),
    }
}

/// The whole page.
pub(crate) fn page(parts: &[Part], command: &str) -> String {
    let mut body = String::new();
    let sentences: String =
        parts.iter().map(|part| format!("<li>{}</li>\n", escape(&sentence(part)))).collect();
    for part in parts {
        if let Part::Downloads(downloads) = part {
            let _ = write!(body, "<h2>{} downloads</h2>\n{}", downloads.0.len(), charts(downloads));
        }
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Does it last?</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header><span class=\"eyebrow\">lineswarm, soak</span></header>\n<h1>Does it last?</h1>\n\
         <ul class=\"because\">\n{sentences}</ul>\n{body}<p>Run it again:</p>\n\
         <div class=\"command\"><code>{}</code></div>\n</main>\n</body>\n</html>\n",
        escape(command)
    )
}

fn charts(downloads: &Downloads) -> String {
    let of =
        |what: &dyn Fn(&crate::downloads::Download) -> f64| downloads.0.iter().map(what).collect::<Vec<_>>();
    [
        chart("Memory of the three daemons, MiB", &of(&|one| one.kib as f64 / 1024.0)),
        chart("Seconds from the command to the right submit", &of(&|one| one.seconds)),
        chart("Draws a second, all daemons", &of(&|one| one.draws as f64 / one.seconds)),
        chart("Open files of the three daemons", &of(&|one| one.files as f64)),
    ]
    .concat()
}

/// Values one after the other, from 0 up.
fn chart(title: &str, values: &[f64]) -> String {
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max) * 1.1;
    let x = |at: usize| LEFT + (WIDTH - LEFT - 10.0) * at as f64 / (values.len().max(2) - 1) as f64;
    let y = |value: f64| (HEIGHT - BOTTOM) - (HEIGHT - BOTTOM - 10.0) * value / most;
    let step = values.len().div_ceil(POINTS);
    let shown = values.iter().enumerate().filter(|(at, _)| at % step == 0 || at + 1 == values.len());
    let points: String = shown.map(|(at, value)| format!("{:.1},{:.1} ", x(at), y(*value))).collect();
    let mut marks = String::new();
    for part in 0..=4 {
        let value = most * f64::from(part) / 4.0;
        let _ = write!(
            marks,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>\
             <text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{value:.1}</text>",
            y(value),
            LEFT - 8.0,
            y(value) + 4.0
        );
    }
    format!(
        "<p class=\"note\">{}</p>\n<figure><div class=\"chart\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">{marks}\
         <text x=\"{LEFT}\" y=\"{4}\">download 1</text><text x=\"{1}\" y=\"{4}\" text-anchor=\"end\">{2}</text>\
         <polyline class=\"curve\" stroke=\"var(--c0)\" points=\"{3}\"/></svg></div></figure>\n",
        escape(title),
        WIDTH - 10.0,
        values.len(),
        points.trim_end(),
        HEIGHT - 10.0
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
