//! `top`: the whole screen, kept up to date: rates of all nodes, the curve of held lines, events.
//!
//! `feed` asks the daemon in a thread of its own, so that a daemon that hangs holds up no key; `model` is what is known
//! and what keys do; `draw` shows it. Here is the terminal, which is put back as it was whatever ends the program: a
//! key, a signal, an error, a panic.

pub mod curve;
pub mod draw;
pub mod feed;
pub mod model;
#[cfg(test)]
mod tests;

use crate::errand::Errand;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::screen::Screen;
use lineswarm_proto::wire::control::ErrorBody;
use model::{Model, Step};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::crossterm::{cursor, execute};
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// News wait at most this long; a key does not wait.
const GLANCE: Duration = Duration::from_millis(100);
/// How often it is looked whether the terminal is still there; a signal does not wait.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long a signal waits for a drawing that a slow terminal takes its time for.
const LAST_STROKE: Duration = Duration::from_secs(1);

/// Shows one daemon until `q`, a signal, or the end of the time that the user gave.
pub fn run(errand: &Errand<'_>, screen: &mut Screen) -> Result<u8, Failure> {
    if let Some(why) = unfit(screen) {
        return Err(Failure::Daemon(ErrorBody::new(
            "E_USAGE",
            "top was not started",
            why,
            "lineswarmctl watch writes a line a second anywhere, lineswarmctl status --json is for programs",
        )));
    }
    let interrupt = Interrupt::listen()?;
    let limit = errand.global.timeout.map(Duration::from_secs_f64);
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    // Asked once before the screen changes: a daemon that is not there is an error like any other.
    let mut feed = feed::Feed::new(errand.place.clone());
    let mut model = Model::new(feed.look()?, screen.look.is_coloured(), is_utf8());
    let (wishes, news) = feed.run();
    let mut terminal = Raw::enter()?;
    let pen = Arc::new(Mutex::new(()));
    end_by_signal(interrupt, Arc::clone(&pen));
    loop {
        let drawing = pen.lock();
        terminal.0.draw(|frame| draw::draw(&mut model, frame)).map_err(Failure::io("drawing"))?;
        drop(drawing);
        if event::poll(GLANCE).map_err(Failure::io("reading keys"))?
            && let Event::Key(key) = event::read().map_err(Failure::io("reading keys"))?
            && key.kind != KeyEventKind::Release
        {
            match model.on_key(key) {
                Step::Stay => {}
                Step::Quit => return Ok(0),
                // One wish at a time: while it is being done, further ones are not taken.
                Step::Ask(command) => drop(wishes.try_send(command)),
            }
        }
        news.try_iter().for_each(|news| model.on_news(news));
        if end.is_some_and(|end| Instant::now() >= end) {
            return Ok(0);
        }
    }
}

/// A thread that ends the program at a signal, or when the terminal is gone: reading keys from one that was closed
/// returns nothing and never returns (crossterm reads on), so that the loop itself would not come to see it.
fn end_by_signal(mut interrupt: Interrupt, pen: Arc<Mutex<()>>) {
    std::thread::spawn(move || {
        while interrupt.pause(HEARTBEAT).is_ok() && rustix::termios::tcgetwinsize(io::stdout()).is_ok() {}
        let last = Instant::now() + LAST_STROKE;
        while Instant::now() < last {
            if let Ok(_drawing) = pen.try_lock() {
                let _ = execute!(io::stdout(), cursor::Show);
                let _ = ratatui::try_restore();
                std::process::exit(0);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // The terminal takes no more text, which must not keep the program.
        let _ = ratatui::crossterm::terminal::disable_raw_mode();
        std::process::exit(0);
    });
}

/// Why the screen can't be taken over, if it can't.
fn unfit(screen: &Screen) -> Option<&'static str> {
    if screen.json {
        Some("it draws a screen, which is no JSON")
    } else if screen.instance.is_some() {
        Some("it shows one daemon, and --all means several")
    } else if !io::stdout().is_terminal() {
        Some("its output is no terminal")
    } else if std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        Some("this terminal (TERM) can't move its cursor")
    } else {
        None
    }
}

/// Does the terminal show more than ASCII, as far as the locale tells?
fn is_utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// The terminal in raw mode, on its other screen, until this is dropped.
#[derive(Debug)]
struct Raw(DefaultTerminal);

impl Raw {
    fn enter() -> Result<Self, Failure> {
        // Release builds abort on a panic and drop nothing. The hook that ratatui sets in front of this one leaves raw
        // mode and the other screen; the cursor is ours to show again.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = execute!(io::stdout(), cursor::Show);
            before(panic);
        }));
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self(terminal)),
            Err(error) => {
                let _ = ratatui::try_restore();
                Err(Failure::Io { doing: "taking over the terminal".into(), source: error })
            }
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no repair.
        let _ = self.0.show_cursor();
        let _ = ratatui::try_restore();
    }
}
