//! lineswarmd: from the command line to a running node.
//!
//! `args` and `config` say what is wanted, `event_loop` starts it, runs it and stops it. The state machine that decides
//! is `lineswarm_proto::engine`; everything here only touches the machine.

mod args;
mod background;
mod capture;
mod clock;
mod config;
mod connections;
mod control;
mod event_loop;
mod exit;
mod history;
mod logging;
mod net;
mod notify;
mod output;
#[cfg(test)]
mod pages;
mod refusals;
mod reload;
mod report;
mod run_error;
mod signals;
mod store;

use args::{Args, Asked};
use config::{Config, Environment};
use event_loop::EventLoop;
use exit::Exit;
use lineswarm_proto::visible::visible;
use logging::LogLines;
use run_error::RunError;
use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args_os()) {
        Ok(Asked::Run(args)) => args,
        Ok(Asked::Help) => return print(args::HELP),
        Ok(Asked::Version) => return print(concat!("lineswarmd ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => {
            complain(&format!("lineswarmd: {error}"));
            return Exit::Usage.into();
        }
    };
    let config = match Config::load(&args, &Environment::of_process()) {
        Ok(config) => config,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Config.into();
        }
    };
    if args.print_config || args.check {
        config.warnings.iter().for_each(|warning| complain(&format!("lineswarmd: {warning}")));
    }
    if args.print_config {
        let text = config.to_toml();
        // A terminal would obey what a value holds.
        return match io::stdout().is_terminal() {
            true => print(&text.lines().map(|line| format!("{}\n", visible(line))).collect::<String>()),
            false => print(&text),
        };
    }
    if args.check {
        return check(&config);
    }
    let log = logging::start(args.log_level, args.log_format);
    config.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    match run(args, config, log) {
        Ok(exit) => exit.into(),
        Err(error) => {
            complain(&format!("lineswarmd: {error}"));
            error.exit().into()
        }
    }
}

/// To stderr; what it quotes of files and arguments steers no terminal.
fn complain(error: &str) {
    for line in error.lines() {
        // A closed stderr is no reason to end in another way.
        let _ = writeln!(io::stderr(), "{}", visible(line));
    }
}

/// Says what a start with this configuration would say, and ends as it would.
fn check(config: &Config) -> ExitCode {
    match store::check(&config.node.state_dir) {
        Ok(notes) => {
            if !notes.closed.is_empty() {
                let (dir, closed) = (config.node.state_dir.display(), notes.closed.join(", "));
                complain(&format!(
                    "lineswarmd: in {dir} a start takes back rights that others have: {closed}"
                ));
            }
            notes.open.iter().for_each(|note| complain(&format!("lineswarmd: {note}")));
            print("OK\n")
        }
        Err(error) => {
            complain(&format!("lineswarmd: {error}"));
            error.exit().into()
        }
    }
}

/// Prints what was asked for. If nobody reads it, it was asked for by nobody who is still there.
fn print(text: &str) -> ExitCode {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("lineswarmd: the standard output cannot be written: {error}"));
            Exit::Io.into()
        }
        _ => Exit::Ok.into(),
    }
}

fn run(args: Args, config: Config, log: LogLines) -> Result<Exit, RunError> {
    if args.reset_state
        && let Some(aside) = store::reset(&config.node.state_dir)?
    {
        log::info!("state-reset aside={}", logging::value(aside.display()));
    }
    EventLoop::start(args, config, log)?.run()
}
