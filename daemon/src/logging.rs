//! Log lines on stderr: `level what key=value ...`, or one JSON object a line. Under systemd each line begins with its
//! priority, and the journal has the time; elsewhere the time leads.

use crate::args::LogFormat;
use env_logger::{Builder, Target};
use log::{Level, LevelFilter, Record};
use serde_json::json;
use std::{
    io::{self, Write},
    time::{SystemTime, UNIX_EPOCH},
};

pub(crate) fn start(level: LevelFilter, format: LogFormat) {
    // systemd sets this when stderr is its journal.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let mut builder = Builder::new();
    // The level can be raised later, so nothing is filtered out for good here.
    builder.filter_level(LevelFilter::Trace).target(Target::Stderr);
    builder.format(move |to, record| match (format, journal) {
        (LogFormat::Json, _) => to_json(to, record),
        (LogFormat::Text, true) => writeln!(to, "<{}>{}", priority(record.level()), record.args()),
        (LogFormat::Text, false) => {
            let level = record.level().as_str().to_ascii_lowercase();
            writeln!(to, "{:.3} {level} {}", since_1970(), record.args())
        }
    });
    // Only a second logger could fail here, and there is none.
    let _ = builder.try_init();
    log::set_max_level(level);
}

fn to_json(to: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    let level = record.level().as_str().to_ascii_lowercase();
    writeln!(to, "{}", json!({"t": since_1970(), "level": level, "message": record.args().to_string()}))
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
