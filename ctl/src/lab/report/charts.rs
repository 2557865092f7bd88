//! Charts as SVG, by plotters: for documents, where no script runs.
//!
//! Pure: results in, text out. Colours are told apart by people who see few colours, and read on white.

use super::course;
use crate::failure::Failure;
use crate::lab::plan::Topology;
use crate::lab::predict::Prediction;
use crate::lab::results::{Results, Row};
use plotters::prelude::*;
use std::io;

const SIZE: (u32, u32) = (860, 480);
const TITLE: u32 = 20;
const SMALL: u32 = 14;
const INK: RGBColor = RGBColor(31, 41, 55);
const FAINT: RGBColor = RGBColor(120, 128, 140);
const GRID: RGBColor = RGBColor(229, 231, 235);
const BAND: RGBColor = RGBColor(203, 213, 225);
/// In the page the same; there they also stand on black.
pub const COLOURS: [&str; 8] =
    ["#2563eb", "#d9480f", "#0f9d76", "#b5449c", "#b7791f", "#0891b2", "#7c5cd6", "#64748b"];

type Points = Vec<(f64, f64)>;
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Lines held against time, one curve for each number of peers.
pub fn lines(results: &Results) -> Result<String, Failure> {
    let rows: Vec<Row> = results.rows();
    let curves: Vec<(String, usize, Points)> = rows
        .iter()
        .enumerate()
        .filter_map(|(place, row)| {
            let run = results.typical(row)?;
            let points = run.curve.iter().map(|(at, have)| (*at, f64::from(*have))).collect();
            Some((name(results, row), place, points))
        })
        .collect();
    let longest = rows.iter().map(|row| row.seconds.most).fold(0.0, f64::max) * 1.04;
    let most = f64::from(results.settings.lines);
    draw(|area| {
        let mut chart = frame(area, "Lines held against time", longest, (0.0, most * 1.02))?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(GRID)
            .axis_style(FAINT)
            .label_style(("sans-serif", SMALL, &INK))
            .x_label_formatter(&short)
            .y_label_formatter(&short)
            .x_desc("seconds since the start")
            .y_desc("different lines")
            .draw()?;
        for (name, place, points) in curves {
            let colour = colour(place);
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
        }
        legend(&mut chart, SeriesLabelPosition::LowerRight)
    })
}

/// Time against the number of peers, with what theory allows.
pub fn time(results: &Results) -> Result<String, Failure> {
    let rows = results.rows();
    let most = f64::from(rows.iter().map(|row| row.peers).max().unwrap_or(1)) + 0.3;
    let fewest = f64::from(rows.iter().map(|row| row.peers).min().unwrap_or(1));
    let rate = results.settings.rate;
    let floor = |peers: f64, draws: f64| draws / (peers * rate);
    let steps = || (0..=200).map(|step| fewest + (most - fewest) * f64::from(step) / 200.0);
    let expected = results.theory;
    let course = course(results);
    let highest = rows
        .iter()
        .map(|row| row.seconds.most)
        .chain(course.iter().map(|(_, time)| *time))
        .chain([floor(fewest, expected.draws + expected.deviation)])
        .fold(0.0, f64::max);
    draw(|area| {
        let title = format!("Time against peers: {} lines at {rate} lines/s each", results.settings.lines);
        let mut chart = frame(area, &title, most, (0.0, highest * 1.05))?;
        peers_mesh(&mut chart, results, "seconds")?;
        let upper = steps().map(|k| (k, floor(k, expected.draws + expected.deviation)));
        let lower: Vec<_> = steps().map(|k| (k, floor(k, expected.draws - expected.deviation))).collect();
        let band: Vec<_> = upper.chain(lower.into_iter().rev()).collect();
        chart
            .draw_series([Polygon::new(band, BAND.mix(0.5).filled())])?
            .label("theory, +-1 standard deviation of luck")
            .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], BAND.mix(0.5).filled()));
        chart
            .draw_series(LineSeries::new(
                steps().map(|k| (k, floor(k, expected.draws))),
                FAINT.stroke_width(1),
            ))?
            .label("theory: N*H(N) / (peers * rate)")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], FAINT));
        if !course.is_empty() {
            let points = course.iter().map(|(peers, time)| Cross::new((f64::from(*peers), *time), 4, FAINT));
            chart
                .draw_series(points)?
                .label("a group of the course, scaled to this rate")
                .legend(|(x, y)| Cross::new((x + 9, y), 4, FAINT));
        }
        for (place, topology) in results.settings.topologies.iter().enumerate() {
            let colour = colour(place);
            let medians = of(&rows, *topology).map(|row| (f64::from(row.peers), row.seconds.median));
            chart
                .draw_series(LineSeries::new(medians, colour.stroke_width(2)))?
                .label(format!("measured, {topology}: median of {}, and each run", results.settings.runs))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
            let runs = results.runs.iter().filter(|run| run.topology == *topology);
            chart.draw_series(
                runs.map(|run| Circle::new((f64::from(run.peers), run.seconds), 3, colour.filled())),
            )?;
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    })
}

/// The share of the fastest possible against the number of peers.
pub fn efficiency(results: &Results) -> Result<String, Failure> {
    let rows = results.rows();
    let most = f64::from(rows.iter().map(|row| row.peers).max().unwrap_or(1)) + 0.3;
    let least = rows.iter().filter_map(|row| Some(row.efficiency?.least)).fold(0.9, f64::min);
    draw(|area| {
        let title = "Efficiency: 1 is the fastest that the draws allow";
        let mut chart = frame(area, title, most, ((least * 20.0).floor() / 20.0, 1.01))?;
        peers_mesh(&mut chart, results, "efficiency")?;
        for (place, topology) in results.settings.topologies.iter().enumerate() {
            let colour = colour(place);
            let medians =
                of(&rows, *topology).filter_map(|row| Some((f64::from(row.peers), row.efficiency?.median)));
            chart
                .draw_series(LineSeries::new(medians, colour.stroke_width(2)))?
                .label(format!("{topology}: median, and each run"))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
            let runs = results.runs.iter().filter(|run| run.topology == *topology);
            let points = runs.filter_map(|run| Some((f64::from(run.peers), run.efficiency?)));
            chart.draw_series(points.map(|at| Circle::new(at, 3, colour.filled())))?;
        }
        legend(&mut chart, SeriesLabelPosition::LowerLeft)
    })
}

/// How the sampled times are spread, for each number of peers.
pub fn prediction(prediction: &Prediction) -> Result<String, Failure> {
    const BINS: usize = 60;
    let ends = |q: f64| prediction.swarms.iter().map(move |swarm| swarm.sampled.quantile(q));
    let longest = ends(0.999).fold(0.0, f64::max);
    let curves: Vec<(u32, Points, f64)> = prediction
        .swarms
        .iter()
        .map(|swarm| {
            let (from, to) = (swarm.sampled.quantile(0.0), swarm.sampled.quantile(0.999));
            let width = ((to - from) / BINS as f64).max(f64::MIN_POSITIVE);
            let counts = swarm.sampled.histogram(from, to, BINS);
            let density = |count: &usize| *count as f64 / (prediction.runs as f64 * width);
            let middle = |bin: usize| from + width * (bin as f64 + 0.5);
            let points =
                counts.iter().enumerate().map(|(bin, count)| (middle(bin), density(count))).collect();
            (swarm.peers, points, swarm.formula_s)
        })
        .collect();
    let highest = curves.iter().flat_map(|(_, points, _)| points).map(|(_, y)| *y).fold(0.0, f64::max);
    draw(|area| {
        let title = format!("{} sampled downloads for each number of peers", prediction.runs);
        let mut chart = frame(area, &title, longest * 1.02, (0.0, highest * 1.08))?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(GRID)
            .axis_style(FAINT)
            .label_style(("sans-serif", SMALL, &INK))
            .x_label_formatter(&short)
            .y_label_formatter(&short)
            .x_desc("seconds; upright: the formula's mean")
            .y_desc("share of the downloads in each second")
            .draw()?;
        for (place, (peers, points, mean)) in curves.into_iter().enumerate() {
            let colour = colour(place);
            chart
                .draw_series(
                    AreaSeries::new(points, 0.0, colour.mix(0.15)).border_style(colour.stroke_width(2)),
                )?
                .label(format!("{peers} peers"))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(3)));
            let upright = [(mean, 0.0), (mean, highest * 1.04)];
            chart.draw_series([PathElement::new(upright, colour.mix(0.6))])?;
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    })
}

type Chart<'a, 'b> = ChartContext<
    'a,
    SVGBackend<'b>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(on: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, Failure> {
    let mut svg = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(Into::into).and_then(|()| on(&area)).and_then(|()| Ok(area.present()?))
    };
    drawn.map_err(|error| Failure::io("drawing a chart")(io::Error::other(error.to_string())))?;
    Ok(svg)
}

fn frame<'a, 'b>(
    area: &Area<'b>,
    title: &str,
    longest: f64,
    (from, to): (f64, f64),
) -> Result<Chart<'a, 'b>, Box<dyn std::error::Error>> {
    Ok(ChartBuilder::on(area)
        .caption(title, ("sans-serif", TITLE, &INK))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..longest.max(f64::MIN_POSITIVE), from..to.max(from + 1e-9))?)
}

fn peers_mesh<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, results: &Results, what: &str) -> Drawn {
    let most = results.settings.peers.last().copied().unwrap_or(1) as usize;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(GRID)
        .axis_style(FAINT)
        .label_style(("sans-serif", SMALL, &INK))
        .x_labels(most.min(16) + 1)
        .x_label_formatter(&short)
        .y_label_formatter(&short)
        .x_desc("peers")
        .y_desc(what)
        .draw()?;
    Ok(())
}

fn legend<'a, 'b: 'a>(chart: &mut Chart<'a, 'b>, at: SeriesLabelPosition) -> Drawn {
    chart
        .configure_series_labels()
        .position(at)
        .margin(12)
        .label_font(("sans-serif", SMALL, &INK))
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .draw()?;
    Ok(())
}

/// A number at an axis, without the zeros that say nothing.
fn short(number: &f64) -> String {
    ((number * 1e4).round() / 1e4).to_string()
}

fn of(rows: &[Row], topology: Topology) -> impl Iterator<Item = &Row> {
    rows.iter().filter(move |row| row.topology == topology)
}

fn name(results: &Results, row: &Row) -> String {
    let peers = format!("{} peer{}", row.peers, if row.peers == 1 { "" } else { "s" });
    if results.settings.topologies.len() > 1 { format!("{peers}, {}", row.topology) } else { peers }
}

/// The next of the colours; they begin again when they are used up.
fn colour(place: usize) -> RGBColor {
    let text = COLOURS.get(place % COLOURS.len()).copied().unwrap_or("#000000");
    let part =
        |from: usize| text.get(from..from + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
    RGBColor(part(1), part(3), part(5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::results::tests::sample;

    #[test]
    fn each_chart_is_a_whole_svg_that_names_its_axes_and_series() {
        let results = sample(&[1, 2, 4], |_| 0.2);
        let charts = [
            (lines(&results).unwrap(), vec!["different lines", "4 peers"]),
            (time(&results).unwrap(), vec!["seconds", "measured, mesh", "a group of the course"]),
            (efficiency(&results).unwrap(), vec!["efficiency", "peers"]),
        ];
        for (svg, words) in charts {
            assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
            for word in words {
                assert!(svg.contains(word), "{word}");
            }
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
        }
    }

    #[test]
    fn a_single_point_and_unknown_efficiency_can_be_drawn_too() {
        let mut results = sample(&[3], |_| 0.2);
        results.settings.lines = 50;
        results.runs.iter_mut().for_each(|run| run.efficiency = None);
        assert!(!time(&results).unwrap().contains("course"));
        assert!(efficiency(&results).unwrap().ends_with("</svg>\n"));
        assert!(lines(&results).is_ok());
    }
}
