//! `demo`: a swarm at work, live, and a verdict that can be believed.
//!
//! Progress goes to stderr (bars on a terminal, a line each second otherwise), the result to stdout.

use super::children::Programs;
use super::plan::{Conditions, Plan};
use super::swarm::{self, View};
use crate::args::Demo;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::render;
use crate::screen::Screen;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A Unix socket's path has at most 107 bytes; "/p64/control.sock" needs 17 of them.
const LONGEST_DIRECTORY: usize = 90;
const SECOND: Duration = Duration::from_secs(1);
const WRONG: u8 = 65;

/// Runs the demo; 0 only if every byte is right.
pub fn run(demo: &Demo, screen: &mut Screen) -> Result<u8, Failure> {
    let programs = Programs::find()?;
    let mut interrupt = Interrupt::listen()?;
    let directory = temporary_directory("demo")?;
    let plan = Plan {
        group: "demo",
        peers: demo.peers,
        lines: demo.lines,
        rate: demo.rate,
        seed: demo.seed,
        directory: directory.path().to_path_buf(),
        conditions: Conditions::default(),
    };
    let mut progress = Progress::new(&plan, screen.quiet);
    let mut result = swarm::run(&plan, &programs, &mut interrupt, &mut |view| progress.show(view));
    progress.clear();

    let failed = !matches!(&result, Ok(outcome) if outcome.is_right());
    let was_interrupted = matches!(result, Err(Failure::Interrupted));
    let kept = if demo.keep || (failed && !was_interrupted) { Some(directory.keep()) } else { None };
    if let (Err(Failure::Lab { kept: place, .. }), Some(kept)) = (&mut result, &kept) {
        *place = Some(kept.clone());
    }
    let outcome = result?;
    if screen.json {
        screen.object(render::demo::object(&plan, &outcome, kept.as_deref()))?;
    } else {
        screen.text(&render::demo::report(&plan, &outcome, kept.as_deref(), screen.look))?;
    }
    Ok(if outcome.is_right() { 0 } else { WRONG })
}

/// A new directory whose path is short enough for the sockets in it.
pub(super) fn temporary_directory(what: &str) -> Result<TempDir, Failure> {
    let prefix = format!("lineswarm-{what}-");
    let wished = std::env::temp_dir();
    let parent =
        if wished.as_os_str().len() > LONGEST_DIRECTORY - 24 { PathBuf::from("/tmp") } else { wished };
    tempfile::Builder::new()
        .prefix(&prefix)
        .tempdir_in(&parent)
        .map_err(|source| Failure::Create { path: parent.join(&prefix), source })
}

/// How the run is shown while it goes on.
enum Progress {
    Bars { all: MultiProgress, swarm: ProgressBar, peers: Vec<ProgressBar> },
    Lines { next: Instant },
    Nothing,
}

impl Progress {
    fn new(plan: &Plan, quiet: bool) -> Self {
        if quiet {
            return Self::Nothing;
        }
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if !std::io::stderr().is_terminal() || is_dumb {
            return Self::Lines { next: Instant::now() };
        }
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template("{prefix:12} [{bar:30}] {pos:>6}/{len}  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("#>.");
        let bar = |name: String| {
            let bar = all.add(ProgressBar::new(plan.lines.into()).with_prefix(name));
            bar.set_style(style.clone());
            bar
        };
        let swarm = bar("swarm".into());
        let peers = (1..=plan.peers).map(|number| bar(format!("demo/peer{number}"))).collect();
        Self::Bars { all, swarm, peers }
    }

    fn show(&mut self, view: &View<'_>) {
        match self {
            Self::Nothing => {}
            Self::Lines { next } => {
                if Instant::now() >= *next {
                    *next = Instant::now() + SECOND;
                    // Whoever closed our errors does not want progress.
                    let _ = writeln!(std::io::stderr(), "{}", render::demo::progress(view));
                }
            }
            Self::Bars { swarm, peers, .. } => {
                let total = render::demo::Total::of(view.peers);
                swarm.set_position(total.best.into());
                swarm.set_message(render::demo::swarm_message(view, &total));
                for (bar, peer) in peers.iter().zip(view.peers) {
                    bar.set_position(peer.status.as_ref().map_or(0, |status| status.job.have.into()));
                    bar.set_message(render::demo::peer_message(peer));
                }
            }
        }
    }

    fn clear(&self) {
        if let Self::Bars { all, .. } = self {
            let _ = all.clear();
        }
    }
}
