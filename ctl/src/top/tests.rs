use super::curve::Curve;
use super::draw::draw;
use super::feed::{News, Snapshot};
use super::model::{Model, Pane, Step};
use crate::render::status::tests::sample;
use lineswarm_proto::wire::control::{Command as Ask, ErrorBody, Event, Peer, Peers, State, Status};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

fn peer(name: &str, have: u32, rate: f64) -> Peer {
    serde_json::from_value(json!({
        "id": "ff0102030405060708090a0b0c0d0e0f", "name": name, "address": "127.0.0.3:9900", "state": "linked",
        "found": "configured", "member": true, "master": name == "lab1/bob", "have": have, "rate": rate,
        "rtt_ms": null, "lines_sent": 1, "lines_received": 2, "contradictions": 0, "problem": null
    }))
    .unwrap()
}

fn event(seq: u64, what: &str) -> Event {
    serde_json::from_value(json!({
        "seq": seq, "lamport": seq, "t": seq, "node": "lab1/alice", "level": "info", "what": what,
        "fields": {"peer": "lab1/b\u{1b}[31mob"}
    }))
    .unwrap()
}

/// A healthy run of three, seen at `at` seconds.
fn seen(at: f64, have: u32, draws: u64) -> Snapshot {
    let mut status = sample();
    (status.uptime_s, status.job.have, status.job.draws) = (at, have, draws);
    let peers = vec![peer("lab1/bob", 570, 99.0), peer("lab1/carol", 571, 50.0)];
    Snapshot { status, peers: Peers { peers, names: Default::default() }, events: vec![] }
}

fn model() -> Model {
    let mut model =
        Model::new(Snapshot { events: vec![event(1, "job-started")], ..seen(1.0, 0, 0) }, false, true);
    for second in 2..=6 {
        let draws = 100 * (second - 1);
        let have = 1000.0 - 1000.0 * (0.999_f64).powf(2.5 * draws as f64);
        model.on_news(News::Seen(Box::new(seen(second as f64, have as u32, draws))));
    }
    model
}

fn shown(model: &mut Model, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(model, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(width.into());
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n")
        .collect()
}

fn press(model: &mut Model, code: KeyCode) -> Step {
    model.on_key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn a_usual_terminal_shows_everything() {
    let text = shown(&mut model(), 80, 24);
    for part in [
        "lab1/alice  fetching  71.3 %  eta 9.1 s  up 6.0 s",
        "713/1000",
        "rate 99.7 of 100.0 lines/s (spacing), all nodes 248.7, 6.0 s elapsed",
        "master lab1/bob (term 2)  submit none  peers 2/3  server 127.0.0.1:9801",
        "[peers]",
        " curve 713 held, 712 by chance (....)",
        " events ",
        "*lab1/bob",
        "info  job-started peer=lab1/b\\u{1b}[31mob",
        "q quit  p pause/resume",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let bob = "*lab1/bob       570     99.0 #####";
    assert!(text.contains(bob), "{text}");
    assert_eq!(text.lines().count(), 24);
}

#[test]
fn a_small_terminal_shows_the_chosen_pane_and_the_rest_by_key() {
    let mut model = model();
    model.peers[1].name = "far/away/and/long/carol".into();
    model.peers[1].state = "dialling".into();
    let text = shown(&mut model, 40, 10);
    assert!(text.starts_with("lab1/alice  fetching  71.3 %") && text.contains("[peers]"), "{text}");
    assert!(
        !text.contains("curve") && text.contains("..d/long/carol") && text.contains("dialling"),
        "{text}"
    );
    for (pane, part) in [(Pane::Curve, "[curve]"), (Pane::Events, "job-started"), (Pane::Peers, "lab1/bob")] {
        press(&mut model, KeyCode::Tab);
        assert_eq!(model.focus, pane);
        let text = shown(&mut model, 40, 10);
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    press(&mut model, KeyCode::Left);
    assert_eq!(model.focus, Pane::Events);
}

#[test]
fn no_size_of_the_terminal_is_too_small_and_nothing_known_is_too_little() {
    let mut bare = seen(0.0, 0, 0);
    bare.status.job.lines = None;
    (bare.status.job.rate, bare.status.job.eta_s, bare.status.master) = (None, None, None);
    bare.peers.peers.clear();
    let mut many = seen(9.0, 1000, 4_000_000_000);
    many.status.problem = Some("x".repeat(1000));
    many.peers.peers = (0..300).map(|at| peer(&format!("lab{at}/n\u{e4}me"), at, f64::MAX)).collect();
    many.events = (0..900).map(|seq| event(seq, "dial-failed")).collect();
    for first in [bare, seen(1.0, 577, 10), many] {
        for is_utf8 in [false, true] {
            let mut model = Model::new(first.clone(), true, is_utf8);
            model.on_news(News::Seen(Box::new(first.clone())));
            for (help, focus) in [(false, Pane::Peers), (false, Pane::Curve), (true, Pane::Events)] {
                (model.help, model.focus) = (help, focus);
                let odd = [(1, 60), (200, 1), (59, 16), (60, 15), (60, 16), (80, 24), (300, 70)];
                for (width, height) in (1..=20).map(|size| (size, size)).chain(odd) {
                    shown(&mut model, width, height);
                }
            }
        }
    }
}

#[test]
fn without_utf8_the_screen_is_ascii_and_the_curve_stays() {
    let mut model = model();
    model.is_utf8 = false;
    let text = shown(&mut model, 80, 24);
    assert!(text.is_ascii(), "{text}");
    assert!(text.contains("**") && text.contains("+--"), "{text}");
}

#[test]
fn keys_pause_resume_scroll_zoom_help_and_quit() {
    let mut model = model();
    assert_eq!(press(&mut model, KeyCode::Char('p')), Step::Ask(Ask::Pause));
    assert!(shown(&mut model, 80, 24).contains("pausing ..."));
    model.on_news(News::Done(Err(ErrorBody::new(
        "E_READ_ONLY",
        "nothing was changed",
        "reads only",
        "ask there",
    ))));
    assert!(shown(&mut model, 80, 24).contains("nothing was changed: reads only (ask there)"));
    let mut paused = seen(7.0, 713, 500);
    paused.status.state = State::Paused;
    model.on_news(News::Seen(Box::new(paused)));
    assert_eq!(press(&mut model, KeyCode::Char('p')), Step::Ask(Ask::Resume));
    model.on_news(News::Done(Ok(())));
    assert_eq!(model.notice, None);

    press(&mut model, KeyCode::Char('z'));
    assert!(!shown(&mut model, 80, 24).contains("events"));
    assert_eq!(press(&mut model, KeyCode::Esc), Step::Stay);
    assert!(shown(&mut model, 80, 24).contains("events"));
    press(&mut model, KeyCode::Char('?'));
    assert!(shown(&mut model, 80, 24).contains("pause drawing, or resume it"));
    assert_eq!(press(&mut model, KeyCode::Esc), Step::Stay);
    assert!(!model.help);
    assert_eq!(press(&mut model, KeyCode::Esc), Step::Quit);
    assert_eq!(press(&mut model, KeyCode::Char('q')), Step::Quit);
    assert_eq!(model.on_key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Step::Quit);
}

#[test]
fn scrolling_stays_within_what_there_is_and_old_events_stay_before_the_eyes() {
    let mut first = seen(1.0, 1, 1);
    first.events = (1..=700).map(|seq| event(seq, "dial-failed")).collect();
    first.peers.peers = (0..40).map(|at| peer(&format!("p{at}"), at, 1.0)).collect();
    let mut model = Model::new(first, false, true);
    assert_eq!(model.events.len(), 500);
    press(&mut model, KeyCode::End);
    let text = shown(&mut model, 80, 24);
    assert!(text.contains(" p39 ") && !text.contains(" lab1/alice"), "{text}");
    press(&mut model, KeyCode::Home);
    assert!(shown(&mut model, 80, 24).contains(" p0 "));

    model.focus = Pane::Events;
    press(&mut model, KeyCode::Home);
    let before = shown(&mut model, 80, 24);
    assert!(before.contains("  +201.0s") && before.contains("scrolled back"), "{before}");
    press(&mut model, KeyCode::End);
    press(&mut model, KeyCode::PageUp);
    assert!(shown(&mut model, 80, 24).contains("  +690.0s"));
    let more = Snapshot { events: vec![event(701, "paused")], ..seen(2.0, 1, 1) };
    model.on_news(News::Seen(Box::new(more)));
    let text = shown(&mut model, 80, 24);
    assert!(text.contains("  +690.0s") && !text.contains("paused"), "{text}");
    press(&mut model, KeyCode::End);
    assert!(shown(&mut model, 80, 24).contains("  +701.0s"));
}

#[test]
fn a_daemon_that_went_away_leaves_what_was_known_and_one_that_came_back_begins_anew() {
    let mut model = model();
    model.on_news(News::Lost(ErrorBody::new("E_NO_DAEMON", "no daemon at /x", "nobody listens", "start it")));
    let text = shown(&mut model, 80, 24);
    assert!(
        text.contains("old news, no daemon at /x: nobody listens") && text.contains("713/1000"),
        "{text}"
    );
    let again = Snapshot { events: vec![event(1, "resumed")], ..seen(0.5, 713, 0) };
    model.on_news(News::Seen(Box::new(again)));
    let text = shown(&mut model, 80, 24);
    assert!(
        !text.contains("old news") && !text.contains("job-started") && text.contains("resumed"),
        "{text}"
    );
    assert_eq!(model.curve.held, [(0.5, 713.0)]);
}

#[test]
fn theory_follows_the_draws_of_all_and_ends_where_the_file_is_nearly_whole() {
    let mut curve = Curve::default();
    let none: Vec<Peer> = Vec::new();
    let look = |at: f64, have, draws| -> Status { seen(at, have, draws).status };
    curve.see(&look(0.0, 0, 0), &none);
    curve.see(&look(10.0, 640, 1000), &none);
    // 1000 draws of 1000 lines leave 1/e of them out.
    assert!((curve.expected().unwrap() - 632.3).abs() < 0.1, "{curve:?}");
    curve.see(&look(20.0, 1000, 1000), &[peer("b", 1, 648.5)]);
    assert!((curve.expected().unwrap() - 999.44).abs() < 0.1, "{curve:?}");
    curve.see(&look(30.0, 1000, 9000), &none);
    assert_eq!(curve.held.len(), 3, "a complete file gains nothing");

    let mut ahead = Curve::default();
    ahead.see(&look(5.0, 577, 100), &none);
    let points = ahead.ahead(100.0, 66.0);
    assert!((points.last().unwrap().0 - 71.0).abs() < 1e-9 && points.last().unwrap().1 > 999.0);
    assert!(ahead.ahead(100.0, f64::INFINITY).is_empty() && ahead.ahead(0.0, 0.0).is_empty());
}

#[test]
fn a_long_run_keeps_a_bounded_curve_with_both_ends() {
    let mut curve = Curve::default();
    for second in 0..20_000_u32 {
        curve.see(&seen(f64::from(second), second / 21, second.into()).status, &[]);
    }
    assert!(curve.held.len() < 1024 && curve.held.len() > 400, "{}", curve.held.len());
    assert_eq!(curve.held.len(), curve.theory.len());
    assert_eq!(curve.held[0], (0.0, 0.0));
    assert!(curve.held.last().unwrap().0 > 19_900.0);
}
