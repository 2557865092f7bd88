//! lineswarmctl: asks a daemon over its Unix sockets and shows the answer; runs a whole swarm for a demo.
//!
//! `args` says what may be asked, `client` asks, `render` shows, `lab` owns the processes of a rehearsal. This
//! program never links the daemon: what only the daemon knows, the daemon is asked for.

pub mod accounts;
pub mod args;
pub mod client;
pub mod commands;
pub mod data;
pub mod doctor;
pub mod errand;
pub mod failure;
pub mod interrupt;
pub mod lab;
pub mod live;
pub mod local;
pub mod man;
pub mod place;
pub mod render;
pub mod replay;
pub mod screen;
#[cfg(feature = "top")]
pub mod top;

use clap::Parser;
use lineswarm_proto::wire::control::ErrorBody;

/// The whole program: from the process's arguments to its exit code.
#[must_use]
pub fn run() -> u8 {
    match args::Cli::try_parse() {
        Ok(cli) => commands::run(cli),
        Err(error) => usage(&error),
    }
}

/// Help and version are no errors; all else is a wrong usage, which the arguments themselves could not tell.
fn usage(error: &clap::Error) -> u8 {
    let wants_json = std::env::args_os().any(|word| word == "--json");
    if error.use_stderr() && wants_json {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let what = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let hint = lines.find(|line| line.starts_with("tip:")).unwrap_or("see lineswarmctl --help");
        let body = ErrorBody::new("E_USAGE", what, error.kind().to_string(), hint);
        screen::Screen::for_errors(true).failure(&failure::Failure::Daemon(body))
    } else {
        // A reader that went away does not want the help.
        let _ = error.print();
        if error.use_stderr() { 64 } else { 0 }
    }
}
