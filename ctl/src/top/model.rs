//! What `top` knows and what keys do to it. No terminal, no clock, no socket: looks and keys go in.
//!
//! Events are kept up to a bound; scrolling never leaves what there is to see.

use super::curve::{Curve, others_rate};
use super::feed::{News, Snapshot};
use crate::render::clean;
use lineswarm_proto::wire::control::{Command as Ask, ErrorBody, Event, Peer, State, Status};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::VecDeque;

/// Events that can be scrolled back to.
const EVENTS: usize = 500;

/// The parts of the screen that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    Peers,
    Curve,
    Events,
}

impl Pane {
    pub const ALL: [Self; 3] = [Self::Peers, Self::Curve, Self::Events];

    fn next(self) -> Self {
        match self {
            Self::Peers => Self::Curve,
            Self::Curve => Self::Events,
            Self::Events => Self::Peers,
        }
    }

    fn previous(self) -> Self {
        self.next().next()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Peers => "peers",
            Self::Curve => "curve",
            Self::Events => "events",
        }
    }
}

/// What a key asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Stay,
    Quit,
    Ask(Ask),
}

/// See the module.
#[derive(Debug)]
pub struct Model {
    pub status: Status,
    pub peers: Vec<Peer>,
    pub events: VecDeque<Event>,
    pub curve: Curve,
    pub focus: Pane,
    /// The chosen pane has the whole body.
    pub zoomed: bool,
    pub help: bool,
    /// The first row of the peers that is shown.
    pub peers_from: usize,
    /// So many of the newest events are scrolled past.
    pub events_back: usize,
    /// What came of the last wish, until the next key.
    pub notice: Option<Notice>,
    /// Why what is shown is old.
    pub lost: Option<ErrorBody>,
    pub is_coloured: bool,
    pub is_utf8: bool,
}

/// A line at the bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub is_bad: bool,
}

impl Model {
    #[must_use]
    pub fn new(first: Snapshot, is_coloured: bool, is_utf8: bool) -> Self {
        let Snapshot { status, peers, events } = first;
        let mut curve = Curve::default();
        curve.see(&status, &peers.peers);
        let mut model = Self {
            status,
            peers: peers.peers,
            events: VecDeque::new(),
            curve,
            focus: Pane::Peers,
            zoomed: false,
            help: false,
            peers_from: 0,
            events_back: 0,
            notice: None,
            lost: None,
            is_coloured,
            is_utf8,
        };
        model.keep(events);
        model
    }

    pub fn on_news(&mut self, news: News) {
        match news {
            News::Seen(seen) => {
                let Snapshot { status, peers, events } = *seen;
                if status.uptime_s < self.status.uptime_s {
                    self.events.clear();
                    self.events_back = 0;
                }
                self.curve.see(&status, &peers.peers);
                (self.status, self.peers, self.lost) = (status, peers.peers, None);
                self.keep(events);
            }
            News::Lost(why) => self.lost = Some(why),
            // The state, which is shown, says that it was done.
            News::Done(Ok(())) => self.notice = None,
            News::Done(Err(error)) => {
                let text = format!("{}: {} ({})", error.what, error.why, error.hint);
                self.notice = Some(Notice { text: clean(&text).into_owned(), is_bad: true });
            }
        }
    }

    fn keep(&mut self, events: Vec<Event>) {
        for event in events {
            if self.events.len() >= EVENTS {
                self.events.pop_front();
            }
            self.events.push_back(event);
            // Whoever reads old events keeps them before the eyes.
            if self.events_back > 0 {
                self.events_back = (self.events_back + 1).min(self.events.len());
            }
        }
    }

    pub fn on_key(&mut self, key: KeyEvent) -> Step {
        self.notice = None;
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if self.help && !matches!(key.code, KeyCode::Char('q' | 'c')) {
            self.help = false;
            return Step::Stay;
        }
        match key.code {
            KeyCode::Char('c') if control => return Step::Quit,
            KeyCode::Char('q') => return Step::Quit,
            KeyCode::Esc if self.zoomed => self.zoomed = false,
            KeyCode::Esc => return Step::Quit,
            KeyCode::Char('?' | 'h') => self.help = true,
            KeyCode::Tab | KeyCode::Right => self.focus = self.focus.next(),
            KeyCode::BackTab | KeyCode::Left => self.focus = self.focus.previous(),
            KeyCode::Enter | KeyCode::Char('z') => self.zoomed = !self.zoomed,
            KeyCode::Up | KeyCode::Char('k') => self.scroll(-1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll(1),
            KeyCode::PageUp => self.scroll(-10),
            KeyCode::PageDown => self.scroll(10),
            KeyCode::Home => self.scroll(isize::MIN + 1),
            KeyCode::End => self.scroll(isize::MAX),
            KeyCode::Char('p') => return self.pause_or_resume(),
            _ => {}
        }
        Step::Stay
    }

    fn pause_or_resume(&mut self) -> Step {
        let (text, ask) = match self.status.state {
            State::Paused => ("resuming ...", Ask::Resume),
            _ => ("pausing ...", Ask::Pause),
        };
        self.notice = Some(Notice { text: text.into(), is_bad: false });
        Step::Ask(ask)
    }

    /// Down is towards the end of the peers, and towards the newest event.
    fn scroll(&mut self, rows: isize) {
        let moved = |from: usize, rows: isize, last: usize| from.saturating_add_signed(rows).min(last);
        match self.focus {
            Pane::Peers => self.peers_from = moved(self.peers_from, rows, self.peers.len()),
            Pane::Events => self.events_back = moved(self.events_back, -rows, self.events.len()),
            Pane::Curve => {}
        }
    }

    /// Draws a second of this node and of all linked peers.
    #[must_use]
    pub fn total_rate(&self) -> f64 {
        self.status.job.rate.unwrap_or(0.0) + others_rate(&self.peers)
    }
}
