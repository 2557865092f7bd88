//! lineswarmd: from the command line to a running node.
//!
//! `args` and `config` say what is wanted, `event_loop` starts it, runs it and stops it. The state machine that decides
//! is `lineswarm_proto::engine`; everything here only touches the machine.

mod args;
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

use args::Args;
use config::{Config, Environment};
use event_loop::EventLoop;
use exit::Exit;
use logging::LogLines;
use run_error::RunError;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => {
            // What cannot be printed was asked for by nobody who is still there.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    let config = match Config::load(&args, &Environment::of_process()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return Exit::Config.into();
        }
    };
    if args.print_config {
        print!("{}", config.to_toml());
        return Exit::Ok.into();
    }
    if args.check {
        println!("OK");
        return Exit::Ok.into();
    }
    let log = logging::start(args.log_level, args.log_format);
    match run(args, config, log) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("lineswarmd: {error}");
            error.exit().into()
        }
    }
}

fn run(args: Args, config: Config, log: LogLines) -> Result<Exit, RunError> {
    if args.reset_state
        && let Some(aside) = store::reset(&config.node.state_dir)?
    {
        log::info!("state-reset aside={}", aside.display());
    }
    EventLoop::start(args, config, log)?.run()
}
