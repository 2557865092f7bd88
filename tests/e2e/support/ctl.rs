//! lineswarmctl as a process, beside the daemon under test.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// How it ended and what it printed.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answered {
    /// Standard output as one JSON object.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The exit code, and the code of the error that was printed as JSON.
    pub(crate) fn failure(&self) -> (i32, String) {
        (self.exit, self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned())
    }
}

/// It belongs to another package: cargo does not build it for these tests.
pub(crate) fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_lineswarmd")).with_file_name("lineswarmctl");
    assert!(program.exists(), "{} is missing: cargo build --workspace", program.display());
    program
}

/// Without the settings of whoever runs the tests.
pub(crate) fn ctl(socket: &Path) -> Command {
    let mut command = Command::new(program());
    for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("LINESWARM_")) {
        command.env_remove(variable);
    }
    command.env("NO_COLOR", "1").arg("--socket").arg(socket);
    command
}

pub(crate) fn run(command: &mut Command) -> Answered {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Answered {
        exit: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// `words` are the command and its arguments.
pub(crate) fn ask(socket: &Path, words: &str) -> Answered {
    run(ctl(socket).args(words.split_whitespace()))
}
