//! Arguments of captures and their replay.

use clap::{Args, Subcommand, ValueHint};
use lineswarm_proto::time::rfc3339;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Clone, Debug, Subcommand)]
pub enum Capture {
    /// Begin: the daemon's engine starts anew, as after a restart
    Start {
        /// The file's name in the daemon's state directory [default: run-<date and time>.capture]
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
                // 2026-11-21T10:44:01.123Z as a file name: run-20261121T104401Z.
                let time = rfc3339(since.as_secs_f64());
                let time: String = time.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
                Some(format!("run-{time}Z"))
            }
            Self::Stop => None,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub struct Replay {
    /// The capture
    #[arg(value_parser = super::path(), value_hint = ValueHint::AnyPath)]
    pub file: PathBuf,
    /// Each input and each effect too, not the events alone
    #[arg(long)]
    pub inputs: bool,
    /// One JSON object a line (as --json does)
    #[arg(long)]
    pub json_line: bool,
}
