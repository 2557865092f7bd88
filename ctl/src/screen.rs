//! Where output goes: text or JSON on stdout, errors in three parts on stderr.
//!
//! A reader that closes the pipe ends the program quietly: every write says so as [`Failure::ClosedPipe`].

use crate::failure::Failure;
use crate::render::{Ink, Look, clean};
use serde_json::{Value, json};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

/// The one way to stdout.
#[derive(Debug)]
pub struct Screen {
    out: BufWriter<io::Stdout>,
    pub look: Look,
    /// The answer as the daemon gave it.
    pub json: bool,
    /// No confirmations.
    pub quiet: bool,
    /// With `--all`: whose answer this is.
    pub instance: Option<String>,
}

impl Screen {
    #[must_use]
    pub fn new(json: bool, quiet: bool) -> Self {
        let look = Look::of(io::stdout().is_terminal());
        Self { out: BufWriter::with_capacity(64 * 1024, io::stdout()), look, json, quiet, instance: None }
    }

    /// For what fails before there are arguments.
    #[must_use]
    pub fn for_errors(json: bool) -> Self {
        Self::new(json, false)
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(write_failure)
    }

    /// Text for a human.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    /// A line for a human that only confirms.
    pub fn confirm(&mut self, line: &str) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        self.text(line)?;
        self.text("\n")
    }

    /// One JSON object on a line of its own; with `--all` it says which instance it is of.
    pub fn object(&mut self, mut value: Value) -> Result<(), Failure> {
        if let (Some(object), Some(instance)) = (value.as_object_mut(), &self.instance) {
            object.insert("instance".into(), instance.clone().into());
        }
        self.text(&value.to_string())?;
        self.text("\n")
    }

    /// Everything written so far is seen from here on.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(write_failure)
    }

    /// Shows why it failed and returns the exit code.
    pub fn failure(&mut self, failure: &Failure) -> u8 {
        if matches!(failure, Failure::ClosedPipe) {
            return failure.exit_code();
        }
        let body = failure.body();
        let shown = if self.json {
            self.object(json!({ "v": 1, "error": body })).and_then(|()| self.flush())
        } else {
            // What was printed before comes first.
            let printed = self.flush();
            let look = Look::of(io::stderr().is_terminal());
            let name = self.instance.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
            let text = format!(
                "{}: {name}{} [{}]\n  why:  {}\n  hint: {}\n",
                look.paint(Ink::Bad, "lineswarmctl"),
                clean(&body.what),
                clean(&body.code),
                clean(&body.why),
                clean(&body.hint)
            );
            io::stderr().write_all(text.as_bytes()).map_err(write_failure).and(printed)
        };
        match shown {
            Err(Failure::ClosedPipe) | Ok(()) => failure.exit_code(),
            Err(other) => other.exit_code(),
        }
    }
}

fn write_failure(source: io::Error) -> Failure {
    match source.kind() {
        ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Failure::Io { doing: "writing the output".into(), source },
    }
}
