//! lineswarmd: from the command line to a running node, and back in reverse order.

mod args;
#[allow(dead_code, reason = "the event loop uses it")]
mod config;
mod exit;
#[allow(dead_code, unused_imports, reason = "the event loop uses it")]
mod store;

use args::Args;
use config::{Config, Environment};
use exit::Exit;
use std::process::ExitCode;
use store::{Store, StoreError};

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
    match run(&args, &config) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("lineswarmd: {error}");
            error.exit().into()
        }
    }
}

fn run(args: &Args, config: &Config) -> Result<Exit, StoreError> {
    let dir = &config.node.state_dir;
    if args.reset_state
        && let Some(aside) = store::reset(dir)?
    {
        eprintln!("lineswarmd: lines and state were moved to {}", aside.display());
    }
    let (store, recovered) = Store::open(dir, || ())?;
    for note in &recovered.notes {
        eprintln!("lineswarmd: {note}");
    }
    eprintln!(
        "lineswarmd: node {} holds {} lines; this build has no event loop",
        recovered.key.id(),
        recovered.lines.len()
    );
    store.close()?;
    Ok(Exit::Bug)
}
