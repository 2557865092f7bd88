//! Captures (docs/capture-format.md): what the engine is told goes to a file as well, while an operator wants it.
//!
//! The event loop tells of each input before the engine hears of it, and of each effect; nothing here reaches the
//! engine. Invariant: the file is within its bound and a record is in it whole or not at all; a disk that fails ends
//! the capture and nothing else. While none is on, all it costs is a look.

use crate::logging::value;
use lineswarm_proto::{
    capture::{END_BYTES, Recorder, Start},
    engine::{
        Restored,
        event::Event,
        io::{Effect, Input},
        settings::Settings,
    },
    ids::LineNumber,
    limits,
    time::Moment,
    wire::control::ErrorBody,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

pub(crate) const SUFFIX: &str = ".capture";

/// See the module.
#[derive(Debug)]
pub(crate) struct Capture {
    directory: PathBuf,
    /// In bytes.
    bound: u64,
    running: Option<Running>,
    /// What the last one ended by, if nobody asked for it.
    ended: Option<String>,
}

#[derive(Debug)]
struct Running {
    path: PathBuf,
    file: File,
    recorder: Recorder,
    written: u64,
    inputs: u64,
    buffer: Vec<u8>,
}

/// Why it can't go on.
enum Stop {
    Bound,
    Disk(io::Error),
}

impl Capture {
    pub(crate) fn new(state_dir: &Path) -> Self {
        Self { directory: state_dir.into(), bound: limits::CAPTURE_BYTES, running: None, ended: None }
    }

    /// Begins a file with what an engine is made of. Every input and every effect of that engine must follow.
    pub(crate) fn begin(
        &mut self,
        name: &str,
        settings: &Settings,
        restored: &Restored,
        seed: u64,
        now: Moment,
    ) -> Result<Value, ErrorBody> {
        if let Some(running) = &self.running {
            return Err(ErrorBody::new(
                "E_CAPTURE",
                "no other capture was begun",
                format!("{} is being recorded", running.path.display()),
                "end it first: lineswarmctl capture stop",
            ));
        }
        let path = self.directory.join(format!("{}{SUFFIX}", name.strip_suffix(SUFFIX).unwrap_or(name)));
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| refused(&path, &error))?;
        let mut running =
            Running { path, file, recorder: Recorder::default(), written: 0, inputs: 0, buffer: Vec::new() };
        match running.write_start(
            &Start::new(env!("CARGO_PKG_VERSION"), settings, restored, seed),
            restored,
            now,
            self.bound,
        ) {
            Ok(()) => {
                log::info!("capture-begun file={}", value(running.path.display()));
                let answer = json!({ "file": running.path.display().to_string(), "limit": self.bound });
                self.running = Some(running);
                self.ended = None;
                Ok(answer)
            }
            Err(stop) => {
                let _ = fs::remove_file(&running.path);
                Err(match stop {
                    Stop::Disk(error) => refused(&running.path, &error),
                    Stop::Bound => ErrorBody::new(
                        "E_CAPTURE",
                        "nothing is recorded",
                        format!(
                            "the lines that are held take more than the {} bytes of a capture",
                            self.bound
                        ),
                        "begin it before the download: lineswarmctl reset, capture start, start",
                    ),
                })
            }
        }
    }

    /// The engine is about to hear of this. What ends the capture is worth an event.
    pub(crate) fn input(&mut self, input: &Input<'_>, now: Moment) -> Option<Event> {
        let running = self.running.as_mut()?;
        match running.write_input(input, now, self.bound) {
            Ok(()) => None,
            Err(Stop::Bound) => {
                let limit = usize::try_from(self.bound).unwrap_or(usize::MAX);
                self.end_by_itself("its bound was reached", now);
                Some(Event::BoundReached { what: "capture", limit })
            }
            Err(Stop::Disk(error)) => {
                log::error!(
                    "capture-failed file={} why={} hint=\"make room, and begin another\"",
                    value(running.path.display()),
                    value(&error)
                );
                self.end_by_itself(&format!("the disk failed: {error}"), now);
                None
            }
        }
    }

    /// The engine did this.
    pub(crate) fn effect(&mut self, effect: &Effect) {
        if let Some(running) = &mut self.running {
            running.recorder.effect(effect);
        }
    }

    /// Ends the file, because somebody asked for it.
    pub(crate) fn end(&mut self, why: &str, now: Moment) -> Result<Value, ErrorBody> {
        let Some(mut running) = self.running.take() else {
            return Err(ErrorBody::new(
                "E_CAPTURE",
                "there is no capture to end",
                self.ended.clone().unwrap_or_else(|| "nothing is being recorded".into()),
                "begin one: lineswarmctl capture start",
            ));
        };
        running.write_end(why, now).map_err(|error| refused(&running.path, &error))?;
        log::info!("capture-ended file={} bytes={}", value(running.path.display()), running.written);
        Ok(json!({
            "file": running.path.display().to_string(), "bytes": running.written, "inputs": running.inputs,
        }))
    }

    fn end_by_itself(&mut self, why: &str, now: Moment) {
        if let Some(mut running) = self.running.take() {
            // Without room for an end the file is told to be cut short, which it is.
            let _ = running.write_end(why, now);
            self.ended = Some(format!("{} ended: {why}", running.path.display()));
        }
    }
}

impl Running {
    fn write_start(
        &mut self,
        start: &Start,
        restored: &Restored,
        now: Moment,
        bound: u64,
    ) -> Result<(), Stop> {
        self.recorder.start(&mut self.buffer, start, now);
        self.flush(bound)?;
        let hearsay: BTreeSet<LineNumber> = restored.hearsay.iter().copied().collect();
        let mut from = Some(LineNumber(0));
        while let Some(first) = from {
            from = restored.lines.slice(first, |number, text| {
                self.recorder.line(&mut self.buffer, number, hearsay.contains(&number), text, now);
                true
            });
            self.flush(bound)?;
        }
        Ok(())
    }

    fn write_input(&mut self, input: &Input<'_>, now: Moment, bound: u64) -> Result<(), Stop> {
        self.recorder.input(&mut self.buffer, input, now);
        self.flush(bound)?;
        self.inputs += 1;
        Ok(())
    }

    fn write_end(&mut self, why: &str, now: Moment) -> io::Result<()> {
        self.buffer.clear();
        self.recorder.end(&mut self.buffer, why, now);
        self.write()?;
        // Part of a record that found no room may follow.
        self.file.set_len(self.written)?;
        self.file.sync_all()
    }

    /// All of what was recorded, or none of it.
    fn flush(&mut self, bound: u64) -> Result<(), Stop> {
        if self.written + (self.buffer.len() + END_BYTES) as u64 > bound {
            return Err(Stop::Bound);
        }
        self.write().map_err(Stop::Disk)
    }

    fn write(&mut self) -> io::Result<()> {
        let result = self.file.write_all_at(&self.buffer, self.written);
        if result.is_ok() {
            self.written += self.buffer.len() as u64;
        }
        self.buffer.clear();
        result
    }
}

fn refused(path: &Path, error: &io::Error) -> ErrorBody {
    let what = format!("{} can't be written", path.display());
    match error.kind() {
        io::ErrorKind::AlreadyExists => ErrorBody::new(
            "E_EXISTS",
            what,
            "it is there already",
            "name another: lineswarmctl capture start NAME",
        ),
        _ => ErrorBody::new("E_IO", what, error.to_string(), "look after the disk, then begin another"),
    }
}

/// A restart now could leave a submit in doubt.
pub(crate) fn not_now() -> ErrorBody {
    ErrorBody::new(
        "E_NOT_YET",
        "nothing is recorded",
        "this node submits, and a capture starts its engine anew",
        "wait for it: lineswarmctl wait --for submitted",
    )
}

pub(crate) fn no_seed(error: &io::Error) -> ErrorBody {
    ErrorBody::new("E_IO", "nothing is recorded", format!("no random bytes: {error}"), "try again")
}

#[cfg(test)]
mod tests;
