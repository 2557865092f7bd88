//! `lineserver`: a line server that behaves like the real one, for rehearsal, demos, tests and fair comparison.
//!
//! What it says is decided by `lineswarm_proto::line_server`; here are its arguments, its sockets, its clock and
//! its report. One thread, one mio loop.

mod args;
mod clients;
mod event_loop;
mod report;
mod timer;

use std::{io, path::PathBuf, process::ExitCode};

/// Why the server can't go on. Each says what, why and the hint.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the option {option} can't be used: {why}; {hint}")]
    Usage { option: &'static str, why: String, hint: &'static str },
    #[error("the file {} can't be served: {source}", path.display())]
    File { path: PathBuf, source: lineswarm_proto::line_server::Error },
    #[error("the file {} has {has} lines, not {wanted}; give --lines {has} or less, or leave it out", path.display())]
    Short { path: PathBuf, has: u32, wanted: u32 },
    #[error("the file {} can't be read: {source}; give a readable file to --file", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the file {} can't be written: {source}; give a path in a writable directory to --write-file", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(
        "can't listen on {address}: {source}; give a free address of this machine to --listen (port 0: any)"
    )]
    Listen { address: String, source: io::Error },
    #[error(
        "events can't be written: {0}; read standard output until the server ends, or leave out --events"
    )]
    Report(io::Error),
    #[error("the system refused {what}: {source}; check the limits of this process (ulimit -a)")]
    System { what: &'static str, source: io::Error },
}

impl Error {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 64,
            Self::File { .. } | Self::Short { .. } => 65,
            Self::Write { .. } => 73,
            Self::Read { .. } | Self::Listen { .. } | Self::Report(_) | Self::System { .. } => 74,
        }
    }
}

fn main() -> ExitCode {
    let args = match args::read() {
        Ok(args) => args,
        Err(error) => {
            // To standard output for --help and --version, whose exit code is 0.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lineserver: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(args: &args::Args) -> Result<ExitCode, Error> {
    let file = args.file()?;
    args.write_file(&file)?;
    let settings = args.settings()?;
    let server = event_loop::EventLoop::start(args, file, settings)?;
    // It listens. Without systemd nobody hears this.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let why = server.run()?;
    Ok(match why {
        event_loop::End::MaxSeconds if args.submits.is_some() => ExitCode::from(75),
        _ => ExitCode::SUCCESS,
    })
}
