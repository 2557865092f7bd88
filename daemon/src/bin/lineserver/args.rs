//! The command line, and what it makes: a file and settings. Everything is checked before anything is opened.

use crate::Error;
use clap::{
    Parser, ValueHint,
    builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser},
    value_parser,
};
use lineswarm_files::{
    Kind,
    path::argument,
    write::{self, WriteError},
};
use lineswarm_proto::{
    limits,
    line_server::{Chaos, File, LimitBy, LimiterKind, OnePerIp, RateSchedule, Refusal, Settings, Single},
};
use std::{
    ffi::OsString,
    io::{Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// The largest file that is read into memory.
const FILE_BYTES: u64 = 1 << 30;

/// A line server that behaves like the real one: gives random lines of a file at a limited rate, and judges
/// submits.
///
/// Exit codes: 0 after --submits right submits, at SIGTERM or SIGINT, or at --max-seconds without --submits; 75
/// at --max-seconds when --submits were not reached; 64 bad options; 65 a file that can't be served; 73, 74 a
/// file, an address or the standard output that can't be used.
#[derive(Debug, Parser)]
#[command(name = "lineserver", version)]
pub(crate) struct Args {
    /// The address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9801")]
    pub(crate) listen: String,
    /// How many lines to make up, or to take of --file [default: 1000, or all of --file]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=i64::from(limits::LINES)))]
    lines: Option<u32>,
    /// The number of the first line
    #[arg(long, value_name = "0|1", default_value_t = 0, value_parser = value_parser!(u32).range(0..=1))]
    base: u32,
    /// Serve the lines of this file instead of made-up ones
    #[arg(long, value_name = "FILE", value_parser = path(), value_hint = ValueHint::AnyPath)]
    file: Option<PathBuf>,
    /// Lines a second (0: no limit), or a schedule that counts from the first draw: 100,30@7s,300@14s
    #[arg(long, value_name = "RATE", default_value = "100")]
    pub(crate) rate: RateSchedule,
    /// How the rate is limited
    #[arg(long, default_value = "spacing", value_parser = limiter())]
    pub(crate) limiter: LimiterKind,
    /// How many answers a bucket holds
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..))]
    burst: u32,
    /// Who has a limit of their own: each connection or each address
    #[arg(long, default_value = "conn", value_parser = limit_by())]
    limit_by: LimitBy,
    /// How a refusal looks: -1 and an empty field, or -1 twice
    #[arg(long, default_value = "blank", value_parser = refusal())]
    refusal: Refusal,
    /// The seed of the made-up file, of the draws and of --chaos [default: 1 for the file, else random]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Draw a fixed sequence: the n-th draw of all clients together depends on this seed and n alone
    #[arg(long, value_name = "N")]
    draw_seed: Option<u64>,
    /// Let only one connection of an address live: reject the new one, or replace the old one
    #[arg(long, value_parser = one_per_ip())]
    one_per_ip: Option<OnePerIp>,
    /// Never reply to SESSION RESET and SEND INCORRECT LINES
    #[arg(long)]
    tournament: bool,
    /// Answer one request at a time: ignore a segment of several, read only its first, ignore also what comes before
    /// the last reply has left, or close the connection
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "ignore", value_parser = single())]
    single: Option<Single>,
    /// Every reply leaves that many milliseconds later
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    latency: f64,
    /// The probability that number and text leave in two writes
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    two_writes: f64,
    /// Faults on purpose, with their probabilities: delay=P:MS,split=P:BYTES,cut=P,silent=P,garbage=P
    #[arg(long, value_name = "SPEC")]
    chaos: Option<Chaos>,
    /// End after so many right submits
    #[arg(long, value_name = "K", value_parser = value_parser!(u64).range(1..))]
    pub(crate) submits: Option<u64>,
    /// End after so many seconds
    #[arg(long, value_name = "S")]
    max_seconds: Option<f64>,
    /// Write one JSON object per event to standard output instead of a log to standard error
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(["json"]))]
    pub(crate) events: Option<String>,
    /// Report the draws and refusals so far every so many seconds
    #[arg(long, value_name = "S")]
    counts_every: Option<f64>,
    /// Write the served file there before listening; into a FIFO or a device as soon as it takes it
    #[arg(long, value_name = "PATH", value_parser = path(), value_hint = ValueHint::AnyPath)]
    write_file: Option<PathBuf>,
}

/// Reads the command line.
pub(crate) fn read() -> Result<Args, clap::Error> {
    Args::try_parse()
}

impl Args {
    /// The file to serve.
    pub(crate) fn file(&self) -> Result<File, Error> {
        let Some(path) = &self.file else {
            let made_up = File::generate(self.seed.unwrap_or(1), self.lines.unwrap_or(1000), self.base);
            return made_up.map_err(|source| Error::File { path: "(made up)".into(), source });
        };
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|source| Error::Read { path: path.clone(), source })?;
        if bytes.len() as u64 > FILE_BYTES {
            let why = format!("{} is larger than {FILE_BYTES} bytes", path.display());
            return Err(Error::Usage { option: "--file", why, hint: "give a smaller file" });
        }
        let unfit = |source| Error::File { path: path.clone(), source };
        let file = File::from_bytes(&bytes, self.base).map_err(unfit)?;
        match self.lines {
            Some(wanted) if wanted > file.lines() => {
                Err(Error::Short { path: path.clone(), has: file.lines(), wanted })
            }
            Some(wanted) if wanted < file.lines() => {
                let first = (0..wanted).filter_map(|index| file.text(index));
                File::from_texts(first, self.base).map_err(unfit)
            }
            _ => Ok(file),
        }
    }

    /// Writes the served file where it was asked for.
    pub(crate) fn write_file(&self, file: &File) -> Result<(), Error> {
        let Some(path) = self.write_file.clone() else { return Ok(()) };
        let failed = |source: WriteError| Error::Write { path: path.clone(), source: source.into_io() };
        write::check(&path).map_err(failed)?;
        let save = |path: &Path, file: &File| {
            let mut out = write::Output::open(path).map_err(WriteError::into_io)?;
            file.contents().try_for_each(|line| out.write_all(line))?;
            out.finish().map_err(WriteError::into_io)
        };
        if std::fs::metadata(&path).is_ok_and(|facts| Kind::of(&facts) != Kind::File) {
            // Whoever reads it may come late, or never: nobody waits for that.
            let (path, file) = (path, file.clone());
            let writer = std::thread::Builder::new().name("write-file".into());
            let begun = writer.spawn(move || save(&path, &file));
            return begun.map(drop).map_err(|source| Error::System { what: "a thread", source });
        }
        save(&path, file).map_err(|source| Error::Write { path, source })
    }

    /// How the server behaves.
    pub(crate) fn settings(&self) -> Result<Settings, Error> {
        if self.limiter == LimiterKind::Window && !self.rate.is_whole() {
            return Err(Error::Usage {
                option: "--limiter window",
                why: "a rate below 1 would answer nothing in any second".into(),
                hint: "give a --rate of at least 1, or another limiter",
            });
        }
        if !(0.0..=1.0).contains(&self.two_writes) {
            return Err(Error::Usage {
                option: "--two-writes",
                why: format!("{} is no probability", self.two_writes),
                hint: "give a number from 0 to 1",
            });
        }
        let latency = seconds("--latency", self.latency / 1000.0)?;
        self.max_time()?;
        self.counts_every()?;
        let seed = match self.seed {
            Some(seed) => seed,
            None => random()?,
        };
        Ok(Settings {
            rate: self.rate.clone(),
            limiter: self.limiter,
            burst: self.burst,
            limit_by: self.limit_by,
            refusal: self.refusal,
            seed,
            draw_seed: self.draw_seed,
            one_per_ip: self.one_per_ip,
            tournament: self.tournament,
            single: self.single,
            latency,
            two_writes: self.two_writes,
            chaos: self.chaos.unwrap_or_default(),
        })
    }

    /// How often to report what was counted: at least a millisecond apart.
    pub(crate) fn counts_every(&self) -> Result<Option<Duration>, Error> {
        let span = |every| seconds("--counts-every", every).map(|span| span.max(Duration::from_millis(1)));
        self.counts_every.map(span).transpose()
    }

    /// When to end, from the start.
    pub(crate) fn max_time(&self) -> Result<Option<Duration>, Error> {
        self.max_seconds.map(|max| seconds("--max-seconds", max)).transpose()
    }
}

fn seconds(option: &'static str, seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds).ok().filter(|span| span.as_secs() < 1 << 32).ok_or_else(|| {
        Error::Usage {
            option,
            why: format!("{seconds} seconds is no span of time"),
            hint: "give a number from 0 to 4000000000",
        }
    })
}

fn random() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|source| Error::System { what: "random bytes", source: source.into() })?;
    Ok(u64::from_ne_bytes(bytes))
}

/// A file: `~/` is expanded, as a shell does not in `--file=~/x`.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(argument::<OsString>)
}

fn limiter() -> impl TypedValueParser<Value = LimiterKind> {
    PossibleValuesParser::new(["spacing", "bucket", "window"]).map(|word| match word.as_str() {
        "bucket" => LimiterKind::Bucket,
        "window" => LimiterKind::Window,
        _ => LimiterKind::Spacing,
    })
}

fn limit_by() -> impl TypedValueParser<Value = LimitBy> {
    PossibleValuesParser::new(["conn", "ip"])
        .map(|word| if word == "ip" { LimitBy::Ip } else { LimitBy::Conn })
}

fn refusal() -> impl TypedValueParser<Value = Refusal> {
    PossibleValuesParser::new(["blank", "minus"])
        .map(|word| if word == "minus" { Refusal::Minus } else { Refusal::Blank })
}

fn one_per_ip() -> impl TypedValueParser<Value = OnePerIp> {
    PossibleValuesParser::new(["reject", "replace"])
        .map(|word| if word == "replace" { OnePerIp::Replace } else { OnePerIp::Reject })
}

fn single() -> impl TypedValueParser<Value = Single> {
    PossibleValuesParser::new(["ignore", "first", "busy", "close"]).map(|word| match word.as_str() {
        "first" => Single::First,
        "busy" => Single::Busy,
        "close" => Single::Close,
        _ => Single::Ignore,
    })
}

#[cfg(test)]
#[path = "../../../../tests/golden.rs"]
mod golden;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_man_page_and_the_completions_are_those_that_are_installed() {
        use clap_complete::Shell::{Bash, Fish, Zsh};
        let mut page = Vec::new();
        clap_mangen::Man::new(Args::command()).render(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        let (page, version) = page.split_once(".SH VERSION").unwrap();
        let extra = include_str!("../../../../docs/man/extra/lineserver.roff");
        golden::is_kept("docs/man/lineserver.1", &format!("{page}{extra}.SH VERSION{version}"));
        for (shell, name) in [(Bash, "lineserver.bash"), (Zsh, "_lineserver"), (Fish, "lineserver.fish")] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "lineserver", &mut script);
            golden::is_kept(&format!("etc/completions/{name}"), &String::from_utf8(script).unwrap());
        }
    }
}
