//! The model as a picture, for any size of the terminal: what does not fit is left out, the least needed first.
//!
//! Under 60 columns or 16 rows only the chosen pane is shown. What came from elsewhere goes through [`clean`].

use super::model::{Model, Pane};
use crate::render::{Ink, bar, clean, events, or_dash, span, status};
use lineswarm_proto::wire::control::{Event, SubmitState};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Clear, Dataset, GraphType, Paragraph, Row, Table};

const WIDE: u16 = 60;
const HIGH: u16 = 16;
const HELP: [(&str, &str); 8] = [
    ("q, Esc, Ctrl-C", "quit"),
    ("p", "pause drawing, or resume it"),
    ("Tab, Right", "the next pane"),
    ("Shift-Tab, Left", "the pane before"),
    ("Up, Down, PgUp, PgDn", "scroll it"),
    ("Home, End", "to its ends"),
    ("z, Enter", "the pane alone, or all of them"),
    ("?", "this help; any key closes it"),
];

/// Draws everything.
pub fn draw(model: &mut Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let header = header(model, area.width);
    let rows = u16::try_from(header.len()).unwrap_or(u16::MAX);
    // A low terminal shows the most important line of the header, and then panes.
    let rows = if area.height < HIGH { rows.min(2) } else { rows };
    let foot = u16::from(area.height > 3);
    let [top, body, bottom] =
        Layout::vertical([Constraint::Length(rows), Constraint::Min(0), Constraint::Length(foot)])
            .areas(area);
    frame.render_widget(Paragraph::new(header), top);
    frame.render_widget(Paragraph::new(footer(model)), bottom);
    if model.zoomed || area.width < WIDE || area.height < HIGH {
        pane(model, model.focus, frame, body);
    } else {
        let [upper, events] =
            Layout::vertical([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(body);
        let [peers, curve] =
            Layout::horizontal([Constraint::Percentage(46), Constraint::Percentage(54)]).areas(upper);
        for (which, place) in Pane::ALL.into_iter().zip([peers, curve, events]) {
            pane(model, which, frame, place);
        }
    }
    if model.help {
        help(model, frame, area);
    }
    if !model.is_utf8 {
        to_ascii(frame.buffer_mut());
    }
}

fn pane(model: &mut Model, which: Pane, frame: &mut Frame<'_>, area: Rect) {
    match which {
        Pane::Peers => peers(model, frame, area),
        Pane::Curve => curve(model, frame, area),
        Pane::Events => events(model, frame, area),
    }
}

fn style(model: &Model, ink: Ink) -> Style {
    let plain = Style::new();
    let coloured = |colour| if model.is_coloured { plain.fg(colour) } else { plain };
    match ink {
        Ink::Good => coloured(Color::Green),
        Ink::Busy => coloured(Color::Cyan),
        Ink::Bad => coloured(Color::Red).add_modifier(Modifier::BOLD),
        Ink::Faint => plain.add_modifier(Modifier::DIM),
        Ink::Strong => plain.add_modifier(Modifier::BOLD),
    }
}

fn block(model: &Model, which: Pane, title: String) -> Block<'static> {
    let is_chosen = model.focus == which;
    let ink = if is_chosen { Ink::Strong } else { Ink::Faint };
    // Without colour and bold the chosen pane is still told apart.
    let name = if is_chosen { format!("[{}]", which.name()) } else { format!(" {} ", which.name()) };
    let title = Line::from(vec![
        Span::styled(name, style(model, ink)),
        Span::styled(title, style(model, Ink::Faint)),
    ]);
    Block::bordered().border_style(style(model, ink)).title(title)
}

/// The most important line first.
fn header(model: &Model, width: u16) -> Vec<Line<'static>> {
    let (status, job) = (&model.status, &model.status.job);
    let lines = job.lines.unwrap_or(0);
    let ink = status::ink_of(status.state);
    let first = Line::from(vec![
        Span::styled(clean(&status.name).into_owned(), style(model, Ink::Strong)),
        Span::raw("  "),
        Span::styled(status.state.name(), style(model, ink)),
        Span::raw(format!(
            "  {}  eta {}  up {}",
            status::percent(job.have, job.lines),
            or_dash(job.eta_s, span),
            span(status.uptime_s)
        )),
    ]);
    let count = format!("  {}/{}", job.have, or_dash(job.lines, |lines| lines.to_string()));
    let cells = usize::from(width).saturating_sub(count.len() + 2).min(50);
    let progress = Line::from(vec![
        Span::styled(bar(job.have.into(), lines.into(), cells as u64), style(model, ink)),
        Span::raw(count),
    ]);
    let limit = or_dash(model.status.pacer.limit, |limit| format!("{limit:.1}"));
    let cap = status.pacer.cap.map(|cap| format!(", capped at {cap:.1}")).unwrap_or_default();
    let rates = format!(
        "rate {} of {limit} lines/s ({}{cap}), all nodes {:.1}, {} elapsed",
        or_dash(job.rate, |rate| format!("{rate:.1}")),
        clean(&status.pacer.kind),
        model.total_rate(),
        or_dash(job.elapsed_s, span)
    );
    let master = match &status.master {
        Some(master) if master.is_self => format!("this node (term {})", master.term),
        Some(master) => format!("{} (term {})", clean(&master.name), master.term),
        None => "none".into(),
    };
    let roles = format!(
        "master {master}  submit {}  peers {}/{}  server {}",
        status::submit_state(status.submit.state),
        status.peers.connected,
        status.peers.known,
        clean(&job.server)
    );
    let submit = match status.submit.state {
        SubmitState::InDoubt | SubmitState::Rejected => style(model, Ink::Bad),
        _ => Style::new(),
    };
    let mut all = vec![first, progress, Line::raw(rates), Line::styled(roles, submit)];
    if let Some(problem) = &status.problem {
        all.push(Line::styled(clean(problem).into_owned(), style(model, Ink::Bad)));
    }
    all
}

fn footer(model: &Model) -> Line<'static> {
    if let Some(notice) = &model.notice {
        let ink = if notice.is_bad { Ink::Bad } else { Ink::Busy };
        return Line::styled(notice.text.clone(), style(model, ink));
    }
    if let Some(lost) = &model.lost {
        let text = format!("old news, {}: {}", lost.what, lost.why);
        return Line::styled(clean(&text).into_owned(), style(model, Ink::Bad));
    }
    Line::styled("q quit  p pause/resume  Tab pane  arrows scroll  z zoom  ? help", style(model, Ink::Faint))
}

/// This node first, then the others as the daemon lists them.
fn peers(model: &mut Model, frame: &mut Frame<'_>, area: Rect) {
    let block = block(model, Pane::Peers, String::new());
    let inner = block.inner(area);
    // One row is the header; the last one stays in sight.
    let shown = usize::from(inner.height.saturating_sub(1)).max(1);
    model.peers_from = model.peers_from.min((model.peers.len() + 1).saturating_sub(shown));
    let own = &model.status;
    let is_master = own.master.as_ref().is_some_and(|master| master.is_self);
    let mut all = vec![(clean(&own.name), None, is_master, own.job.have, own.job.rate)];
    all.extend(model.peers.iter().map(|peer| {
        let name = match &peer.address {
            Some(address) if peer.name.is_empty() => clean(address),
            _ => clean(&peer.name),
        };
        let trouble = Some(clean(&peer.state)).filter(|state| state != "linked");
        (name, trouble, peer.master, peer.have, peer.rate)
    }));
    let most = all.iter().filter_map(|(.., rate)| *rate).fold(0.0, f64::max);
    let bar_width = if inner.width < 34 { 0 } else { 6 };
    let name_width = usize::from(inner.width.saturating_sub(6 + 8 + bar_width + 4)).max(6);
    let rows =
        all.into_iter().skip(model.peers_from).take(shown).map(|(name, trouble, is_master, have, rate)| {
            // What a peer says of itself may be any number.
            let share = rate.map_or(0.0, |rate| (6.0 * (rate / most)).clamp(0.0, 6.0));
            let rate = trouble.map_or_else(|| or_dash(rate, |rate| format!("{rate:>8.1}")), Into::into);
            Row::new([
                format!("{}{}", if is_master { "*" } else { " " }, end_of(&name, name_width)),
                format!("{have:>6}"),
                rate,
                "#".repeat(share as usize),
            ])
        });
    let widths =
        [Constraint::Fill(1), Constraint::Length(6), Constraint::Length(8), Constraint::Length(bar_width)];
    let header = Row::new([" *master", "  have", "  rate/s", ""]).style(style(model, Ink::Faint));
    frame.render_widget(Table::new(rows, widths).header(header).block(block), area);
}

/// The end of a name says who it is, its beginning only where.
fn end_of(name: &str, width: usize) -> String {
    let count = name.chars().count();
    if count <= width {
        return name.to_owned();
    }
    let kept = width.saturating_sub(2);
    format!("..{}", name.chars().skip(count - kept).collect::<String>())
}

fn curve(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let job = &model.status.job;
    let curve = &model.curve;
    let expected = or_dash(curve.expected(), |lines| format!("{lines:.0}"));
    let title = format!("{} held, {expected} by chance (....) ", job.have);
    let ahead = curve.ahead(model.total_rate(), job.eta_s.unwrap_or(0.0));
    let first = curve.held.first().map_or(0.0, |(at, _)| *at);
    let last = ahead.last().or(curve.held.last()).map_or(first, |(at, _)| *at).max(first + 1.0);
    let lines = f64::from(job.lines.unwrap_or(1).max(1));
    let theory = |data| {
        Dataset::default()
            .marker(Marker::Custom('.'))
            .graph_type(GraphType::Scatter)
            .style(style(model, Ink::Busy))
            .data(data)
    };
    let held = Dataset::default()
        .marker(Marker::Braille)
        .graph_type(GraphType::Line)
        .style(style(model, Ink::Good))
        .data(&curve.held);
    let faint = style(model, Ink::Faint);
    let x = Axis::default().style(faint).bounds([first, last]).labels([span(first), span(last)]);
    let y = Axis::default().style(faint).bounds([0.0, lines]).labels(["0".to_owned(), lines.to_string()]);
    let chart = Chart::new(vec![theory(&curve.theory), theory(&ahead), held])
        .block(block(model, Pane::Curve, title))
        .x_axis(x)
        .y_axis(y);
    frame.render_widget(chart, area);
}

fn events(model: &mut Model, frame: &mut Frame<'_>, area: Rect) {
    let back = if model.events_back > 0 { " scrolled back, End for the newest " } else { "" };
    let block = block(model, Pane::Events, back.into());
    let shown = usize::from(block.inner(area).height);
    model.events_back = model.events_back.min(model.events.len().saturating_sub(shown));
    let end = model.events.len() - model.events_back;
    let lines: Vec<Line<'_>> = model
        .events
        .iter()
        .skip(end.saturating_sub(shown))
        .take(shown.min(end))
        .map(|event| event_line(model, event))
        .collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn event_line(model: &Model, event: &Event) -> Line<'static> {
    let ink = match event.level.as_str() {
        "error" => Ink::Bad,
        "warn" => Ink::Busy,
        "info" => Ink::Strong,
        _ => Ink::Faint,
    };
    let fields: String =
        event.fields.iter().map(|(name, value)| format!(" {}={}", clean(name), clean(value))).collect();
    Line::from(vec![
        Span::styled(format!("{:>9}  ", events::time_of_day(event)), style(model, Ink::Faint)),
        Span::styled(format!("{:5} {}", clean(&event.level), clean(&event.what)), style(model, ink)),
        Span::raw(fields),
    ])
}

fn help(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let width = 56.min(area.width);
    let height = (HELP.len() as u16 + 2).min(area.height);
    let place = Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height);
    let lines: Vec<Line<'_>> =
        HELP.iter().map(|(keys, what)| Line::raw(format!(" {keys:21} {what}"))).collect();
    frame.render_widget(Clear, place);
    let block = Block::bordered().border_style(style(model, Ink::Strong)).title(" keys ");
    frame.render_widget(Paragraph::new(lines).block(block), place);
}

/// For terminals that show nothing else.
fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = match cell.symbol().chars().next() {
            Some(' '..='~') | None => continue,
            Some('\u{2500}' | '\u{2501}') => "-",
            Some('\u{2502}' | '\u{2503}') => "|",
            Some('\u{2504}'..='\u{257f}') => "+",
            Some('\u{2800}') => " ",
            Some('\u{2801}'..='\u{28ff}') => "*",
            Some(_) => "?",
        };
        cell.set_symbol(symbol);
    }
}
