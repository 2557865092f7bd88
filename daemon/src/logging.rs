//! Log lines on stderr: `time level what key=value ...`, or one JSON object a line. Under systemd each line begins with
//! its priority, and the journal has the time. The newest lines are kept for `log` as well.
//!
//! Lines come from any thread. Invariants: an event is one line and steers no terminal, whatever its values hold; what is
//! kept is bounded in lines and in the length of each.

use crate::args::LogFormat;
use env_logger::{Builder, Logger, Target};
use lineswarm_proto::{
    limits,
    recent::Recent,
    time::rfc3339,
    visible::{quoted, visible, visible_json},
    wire::control::LogLine,
};
use log::{Level, LevelFilter, Log, Metadata, Record};
use parking_lot::{Mutex, MutexGuard};
use serde_json::json;
use std::{
    fmt::Display,
    io::{self, Write},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// The newest log lines; clones are the same ones.
#[derive(Clone, Debug)]
pub(crate) struct LogLines(Arc<Mutex<Recent<LogLine>>>);

impl LogLines {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Recent::new(limits::LOG_LINES))))
    }

    /// To be given back before anything is logged.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Recent<LogLine>> {
        self.0.lock()
    }

    pub(crate) fn push(&self, level: Level, mut message: String) {
        if message.len() > limits::LOG_LINE_BYTES {
            let end = (0..=limits::LOG_LINE_BYTES).rev().find(|at| message.is_char_boundary(*at));
            message.truncate(end.unwrap_or(0));
            message.push_str("...");
        }
        let (level, t) = (name(level), since_1970());
        self.lock().push(|seq| LogLine { seq, t, level, message });
    }
}

/// Keeps what it passes on.
struct Keeping {
    out: Logger,
    lines: LogLines,
}

impl Log for Keeping {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.out.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.out.matches(record) {
            let message = record.args().to_string();
            let message = visible(&message);
            self.lines.push(record.level(), message.clone().into_owned());
            let mut shown = Record::builder();
            shown.metadata(record.metadata().clone());
            self.out.log(&shown.args(format_args!("{message}")).build());
        }
    }

    fn flush(&self) {
        self.out.flush();
    }
}

/// From here on log lines go to stderr, and into what is given back.
pub(crate) fn start(level: LevelFilter, format: LogFormat) -> LogLines {
    // systemd sets this when stderr is its journal.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let mut builder = Builder::new();
    // The level can be raised later, so nothing is filtered out for good here.
    builder.filter_level(LevelFilter::Trace).target(Target::Stderr);
    builder.format(move |to, record| match (format, journal) {
        (LogFormat::Json, _) => to_json(to, record),
        (LogFormat::Text, true) => writeln!(to, "<{}>{}", priority(record.level()), record.args()),
        (LogFormat::Text, false) => {
            writeln!(to, "{} {} {}", rfc3339(since_1970()), name(record.level()), record.args())
        }
    });
    let lines = LogLines::new();
    // Only a second logger could fail here, and there is none.
    let _ = log::set_boxed_logger(Box::new(Keeping { out: builder.build(), lines: lines.clone() }));
    log::set_max_level(level);
    lines
}

fn to_json(to: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    let (t, level) = (since_1970(), name(record.level()));
    let line = json!({"t": t, "time": rfc3339(t), "level": level, "message": record.args().to_string()});
    writeln!(to, "{}", visible_json(&line.to_string()))
}

/// A value of a log line, in quotes where it needs them.
pub(crate) fn value(value: impl Display) -> String {
    quoted(&value.to_string()).into_owned()
}

fn name(level: Level) -> String {
    level.as_str().to_ascii_lowercase()
}

/// As sd-daemon(3) numbers them.
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

fn since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_cut_between_characters() {
        let lines = LogLines::new();
        lines.push(Level::Warn, format!("x{}", "\u{e9}".repeat(limits::LOG_LINE_BYTES)));
        lines.push(Level::Info, "short".into());
        let kept = lines.lock();
        let [long, short] = kept.since(0).collect::<Vec<_>>()[..] else { panic!("{kept:?}") };
        assert!(long.message.len() <= limits::LOG_LINE_BYTES + 3 && long.message.ends_with("\u{e9}..."));
        assert_eq!(
            (long.level.as_str(), short.level.as_str(), short.message.as_str()),
            ("warn", "info", "short")
        );
    }
}
