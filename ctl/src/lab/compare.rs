//! `compare`: how the time of a download falls with the number of peers, measured with real daemons.
//!
//! Every swarm gets the same seeds, so all need the same draws; one run of each size before the second of any, so that
//! a machine that slows down slows all. What was measured is written after each run: an interrupt loses one run only.

use super::children::Programs;
use super::demo::temporary_directory;
use super::machine::Machine;
use super::plan::{Conditions, Plan, Topology};
use super::report;
use super::results::{Expected, Failed, Results, Run, Settings};
use super::swarm::{self, Phase, View};
use super::theory;
use crate::args::Compare;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::render::{clean, span};
use crate::screen::Screen;
use indicatif::{ProgressBar, ProgressStyle};
use lineswarm_files::write;
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A run came to a wrong end.
const WRONG: u8 = 65;
/// For start, election and check, until it was measured.
const AROUND_S: f64 = 2.5;

/// One run to do.
#[derive(Clone, Copy, Debug)]
struct Task {
    topology: Topology,
    peers: u32,
    seed: u64,
    /// As theory expects it, with what is around it.
    expected_s: f64,
}

/// Measures, writes and shows.
pub fn run(compare: &Compare, screen: &mut Screen) -> Result<u8, Failure> {
    let programs = Programs::find()?;
    let mut interrupt = Interrupt::listen()?;
    fs::create_dir_all(&compare.out)
        .map_err(|source| Failure::Create { path: compare.out.clone(), source })?;
    // Before minutes are spent on what could not be kept.
    write::check(&compare.out.join("results.json"))?;
    let mut results = Results {
        v: 1,
        program: format!("lineswarmctl {}", env!("CARGO_PKG_VERSION")),
        command: command(compare),
        began: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        settings: settings(compare),
        machine: Machine::here(),
        theory: Expected::of(compare.lines),
        runs: Vec::new(),
        failed: Vec::new(),
        interrupted: false,
    };
    let tasks = tasks(&results.settings);
    let mut progress = Progress::new(&tasks, screen.quiet);
    for task in &tasks {
        match one(task, &results.settings, &programs, &mut interrupt, &mut progress) {
            Ok(run) => results.runs.push(run),
            Err(Failure::Interrupted) => {
                results.interrupted = true;
                break;
            }
            // What fails at once fails always: a missing library, a full disk.
            Err(failure) if results.runs.is_empty() => {
                progress.clear();
                return Err(failure);
            }
            Err(failure) => {
                let body = failure.body();
                let kept = match &failure {
                    Failure::Lab { kept, .. } => kept.as_ref().map(|place| place.display().to_string()),
                    _ => None,
                };
                // A line each, wherever it is shown.
                let line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
                let (what, why) = (line(body.what), line(body.why));
                progress.say(&format!("failed: {}: {}", clean(&what), clean(&why)));
                let Task { topology, peers, seed, .. } = *task;
                results.failed.push(Failed { peers, topology, seed, what, why, kept });
            }
        }
        progress.done(task);
        save(&compare.out, &results)?;
    }
    progress.clear();
    save(&compare.out, &results)?;
    if !results.runs.is_empty() {
        report::write(&compare.out, &results)?;
    }
    show(compare, &results, screen)?;
    if results.interrupted {
        return Err(Failure::Interrupted);
    }
    Ok(if results.is_right() { 0 } else { WRONG })
}

fn show(compare: &Compare, results: &Results, screen: &mut Screen) -> Result<(), Failure> {
    if screen.json {
        let object = serde_json::to_value(results).map_err(|e| Failure::garbled(e.to_string()))?;
        return screen.object(object);
    }
    screen.text(&report::text::report(results, screen.look))?;
    if !results.runs.is_empty() {
        screen.confirm(&format!("{}", compare.out.join("report.html").display()))?;
    }
    // Also when what follows is an error.
    screen.flush()
}

fn settings(compare: &Compare) -> Settings {
    let mut peers = compare.peers.clone();
    peers.sort_unstable();
    peers.dedup();
    let mut topologies = compare.topology.clone();
    topologies.sort_unstable();
    topologies.dedup();
    Settings {
        peers,
        topologies,
        lines: compare.lines,
        rate: compare.rate,
        runs: compare.runs,
        seed: compare.seed,
        conditions: Conditions {
            topology: Topology::default(),
            latency_ms: compare.latency,
            one_per_ip: compare.one_per_ip,
            kill_master_at: compare.kill_master_at,
            server: compare.server.clone(),
            identity: compare.identity.clone(),
            // A server that is not ours says nothing: only the daemons know when it is over.
            sparing: compare.server.is_none(),
        },
    }
}

/// What to type for the same again, without the defaults.
fn command(compare: &Compare) -> String {
    let list = |values: Vec<String>| values.join(",");
    let mut text = format!(
        "lineswarmctl compare --peers {} --rate {} --lines {} --runs {} --seed {}",
        list(compare.peers.iter().map(u32::to_string).collect()),
        compare.rate,
        compare.lines,
        compare.runs,
        compare.seed
    );
    if compare.topology != [Topology::Mesh] {
        text += &format!(" --topology {}", list(compare.topology.iter().map(Topology::to_string).collect()));
    }
    if compare.latency > 0.0 {
        text += &format!(" --latency {}", compare.latency);
    }
    if let Some(percent) = compare.kill_master_at {
        text += &format!(" --kill-master-at {percent}");
    }
    if let Some(how) = compare.one_per_ip {
        text += &format!(" --one-per-ip={how}");
    }
    if let Some(server) = &compare.server {
        text += &format!(" --server {server}");
    }
    if let Some(identity) = &compare.identity {
        text += &format!(" --identity {identity}");
    }
    text += &format!(" --out {}", compare.out.display());
    text
}

fn tasks(settings: &Settings) -> Vec<Task> {
    let draws = theory::expected_draws(settings.lines);
    let mut tasks = Vec::new();
    for run in 0..u64::from(settings.runs) {
        for &topology in &settings.topologies {
            for &peers in &settings.peers {
                let expected_s = theory::seconds(draws, peers, settings.rate) + AROUND_S;
                tasks.push(Task { topology, peers, seed: settings.seed.wrapping_add(run), expected_s });
            }
        }
    }
    tasks
}

fn one(
    task: &Task,
    settings: &Settings,
    programs: &Programs,
    interrupt: &mut Interrupt,
    progress: &mut Progress,
) -> Result<Run, Failure> {
    let directory = temporary_directory("compare")?;
    let plan = Plan {
        group: "lab",
        peers: task.peers,
        lines: settings.lines,
        rate: settings.rate,
        seed: task.seed,
        directory: directory.path().to_path_buf(),
        conditions: Conditions { topology: task.topology, ..settings.conditions.clone() },
    };
    match swarm::run(&plan, programs, interrupt, &mut |view| progress.show(task, view)) {
        Ok(outcome) => {
            let mut run = Run::of(outcome, task.topology, settings, task.peers, task.seed);
            if !run.right {
                run.faults.push(format!("logs: {}", directory.keep().display()));
            }
            Ok(run)
        }
        // Whoever wants to know why needs the logs.
        Err(Failure::Lab { what, why, .. }) => Err(Failure::Lab { what, why, kept: Some(directory.keep()) }),
        Err(other) => Err(other),
    }
}

/// Written beside, then renamed: a reader never sees half a file.
fn save(out: &Path, results: &Results) -> Result<(), Failure> {
    let text = serde_json::to_string(results).map_err(|error| Failure::garbled(error.to_string()))?;
    Ok(write::whole(&out.join("results.json"), (text + "\n").as_bytes())?)
}

/// One bar over all runs, by expected time; without a terminal a line for each run.
struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    done_s: f64,
    total_s: f64,
    /// How much longer than expected the runs so far took.
    pace: f64,
    began: Instant,
    runs: (usize, usize),
}

impl Progress {
    fn new(tasks: &[Task], quiet: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let bars = !quiet && !is_dumb && std::io::stderr().is_terminal();
        let style = ProgressStyle::with_template("[{bar:30}] {percent:>3} %  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("#>.");
        Self {
            bar: bars.then(|| ProgressBar::new(1000).with_style(style)),
            lines: !quiet && !bars,
            done_s: 0.0,
            total_s: tasks.iter().map(|task| task.expected_s).sum(),
            pace: 1.0,
            began: Instant::now(),
            runs: (0, tasks.len()),
        }
    }

    fn show(&self, task: &Task, view: &View<'_>) {
        let Some(bar) = &self.bar else { return };
        let elapsed = if view.phase == Phase::Starting { 0.0 } else { view.elapsed.as_secs_f64() };
        let done = self.done_s + elapsed.min(task.expected_s);
        bar.set_position((1000.0 * done / self.total_s) as u64);
        bar.set_message(format!(
            "run {} of {}: {} peers, {}, seed {}; {} to go",
            self.runs.0 + 1,
            self.runs.1,
            task.peers,
            task.topology,
            task.seed,
            self.to_go(done)
        ));
    }

    fn to_go(&self, done_s: f64) -> String {
        span((self.total_s - done_s).max(0.0) * self.pace)
    }

    fn done(&mut self, task: &Task) {
        self.done_s += task.expected_s;
        self.runs.0 += 1;
        self.pace = self.began.elapsed().as_secs_f64() / self.done_s;
        let Task { topology, peers, seed, .. } = task;
        if self.lines {
            self.say(&format!(
                "run {} of {}: {peers} peers, {topology}, seed {seed}; {} to go",
                self.runs.0,
                self.runs.1,
                self.to_go(self.done_s)
            ));
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            // Whoever closed our errors does not want progress.
            None if self.lines => drop(writeln!(std::io::stderr(), "{line}")),
            None => {}
        }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parse(line: &str) -> Compare {
        match Cli::try_parse_from(line.split(' ')).unwrap().command {
            Command::Compare(compare) => compare,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_that_a_report_states_asks_for_the_same_again() {
        for line in [
            "lineswarmctl compare --peers 1,2 --rate 1000 --lines 50 --runs 2 --seed 9 --out x",
            "lineswarmctl compare --peers 4 --rate 0.5 --lines 50 --runs 2 --seed 9 --topology mesh,ring \
--latency 2.5 --kill-master-at 60 --one-per-ip=replace --out /tmp/x",
            "lineswarmctl compare --peers 4 --rate 100 --lines 1000 --runs 3 --seed 1 --server h:1 --out x",
        ] {
            assert_eq!(command(&parse(line)), line);
        }
        assert_eq!(
            command(&parse("lineswarmctl compare --out x")),
            "lineswarmctl compare --peers 1,2,3,4 --rate 100 --lines 1000 --runs 3 --seed 1 --out x"
        );
    }

    #[test]
    fn every_size_runs_once_before_any_runs_twice_and_all_have_the_same_seeds() {
        let settings = settings(&parse("lineswarmctl compare --peers 4,1,4 --runs 2 --seed 7 --out x"));
        let tasks: Vec<_> = tasks(&settings).iter().map(|task| (task.peers, task.seed)).collect();
        assert_eq!(tasks, [(1, 7), (4, 7), (1, 8), (4, 8)]);
    }
}
