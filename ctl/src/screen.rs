//! Where output goes: text or JSON on stdout, errors in three parts on stderr.
//!
//! A reader that closes the pipe ends the program quietly: every write says so as [`Failure::ClosedPipe`].

use crate::failure::Failure;
use crate::render::{Ink, Look, clean};
use lineswarm_proto::visible::visible_json;
use serde_json::{Value, json};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

/// The one way to stdout.
#[derive(Debug)]
pub struct Screen {
    out: BufWriter<io::Stdout>,
    /// Somebody looks at it.
    pub is_terminal: bool,
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
        let is_terminal = io::stdout().is_terminal();
        let out = BufWriter::with_capacity(64 * 1024, io::stdout());
        Self { out, is_terminal, look: Look::of(is_terminal), json, quiet, instance: None }
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

    /// A line on stderr of how it goes.
    pub fn note(&mut self, line: &str) -> Result<(), Failure> {
        self.flush()?;
        if !self.quiet {
            // Whoever closed our errors does not want to know.
            let _ = writeln!(io::stderr(), "{}", clean(line));
        }
        Ok(())
    }

    /// One JSON object on a line of its own; with `--all` it says which instance it is of.
    pub fn object(&mut self, mut value: Value) -> Result<(), Failure> {
        if let (Some(object), Some(instance)) = (value.as_object_mut(), &self.instance) {
            object.insert("instance".into(), instance.clone().into());
        }
        self.value(&value)?;
        self.text("\n")
    }

    /// JSON that cannot steer a terminal.
    pub fn value(&mut self, value: &Value) -> Result<(), Failure> {
        self.text(&visible_json(&value.to_string()))
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
            let name = self.instance.as_deref().map(|name| format!("{}: ", clean(name))).unwrap_or_default();
            // A rehearsal says of each node how far it was, on a line of its own.
            let why = match failure {
                Failure::Lab { .. } => body.why.lines().map(clean).collect::<Vec<_>>().join("\n"),
                _ => clean(&body.why).into_owned(),
            };
            let text = format!(
                "{}: {name}{} [{}]\n  why:  {}\n  hint: {}\n",
                look.paint(Ink::Bad, "lineswarmctl"),
                clean(&body.what),
                clean(&body.code),
                why,
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
