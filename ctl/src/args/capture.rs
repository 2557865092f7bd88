//! Arguments of captures and their replay.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Clone, Debug, Subcommand)]
pub enum Capture {
    /// Begin: the daemon's engine starts anew, as after a restart
    Start {
        /// The file's name in the daemon's state directory [default: run-<seconds since 1970>.capture]
        name: Option<String>,
    },
    /// End it
    Stop,
}

impl Capture {
    /// The file to begin, or none to end.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Start { name: Some(name) } => Some(name.clone()),
            Self::Start { name: None } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Some(format!("run-{}", since.as_secs()))
            }
            Self::Stop => None,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub struct Replay {
    /// The capture
    pub file: PathBuf,
    /// Each input and each effect too, not the events alone
    #[arg(long)]
    pub inputs: bool,
    /// One JSON object a line (as --json does)
    #[arg(long)]
    pub json_line: bool,
}
