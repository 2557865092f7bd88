//! The one tree of arguments: help, completions and the parser all come from here.
//!
//! Names are a contract with the scripts of users. Nothing is decided here beyond what a value may look like.

use clap::builder::{OsStringValueParser, PossibleValue, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use lineswarm_files::path::argument;
use lineswarm_proto::ids::LineNumber;
use lineswarm_proto::limits;
use lineswarm_proto::wire::control::Command as Ask;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

mod capture;
mod lab;
pub use capture::{Capture, Replay};
pub use lab::{Bench, Compare, Demo, Predict, Transport};

/// Controls lineswarmd, the daemon of a swarm that downloads a file from a line server together.
#[derive(Debug, Parser)]
#[command(name = "lineswarmctl", version, propagate_version = false, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 ok, 1 negative answer, 3/4 only `status` (not running/unknown), 64 usage, \
65 bad data or wrong submit, 69 no daemon, 70 bug, 73/74 cannot create/I/O, 75 temporary (time-out), 76 versions, \
77 permission, 78 configuration."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The daemon's socket; reads and changes both use it [env: LINESWARM_SOCKET]
    #[arg(short, long, global = true, value_name = "PATH", help_heading = "Global options", value_parser = path(), value_hint = ValueHint::AnyPath)]
    pub socket: Option<PathBuf>,
    /// The daemon's instance name [default: default]
    #[arg(short, long, global = true, value_name = "NAME", help_heading = "Global options", value_parser = instance)]
    pub instance: Option<String>,
    /// Do it for each instance that has a socket on this host
    #[arg(long, global = true, help_heading = "Global options", conflicts_with_all = ["socket", "instance"])]
    pub all: bool,
    /// Seconds until the command gives up [default: 5; none for wait, watch, top and events]
    #[arg(short, long, global = true, value_name = "SEC", help_heading = "Global options", value_parser = seconds)]
    pub timeout: Option<f64>,
    /// Print the daemon's answer, or the error, as JSON on stdout
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Print nothing but what was asked for: no confirmations, no progress
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show how it goes, on one screen (exit 0 up, 3 not running, 4 unknown)
    Status,
    /// Measure a round trip to the daemon
    Ping,
    /// Show the versions of this tool and of the daemon
    Version,
    /// List the other nodes
    Peers,
    /// Add, remove or forget a peer
    #[command(subcommand)]
    Peer(Peer),
    /// Dial peers and join their swarm
    Join {
        #[arg(required = true, value_name = "ADDR")]
        addresses: Vec<String>,
    },
    /// Say goodbye: the others no longer count this node
    Leave,
    /// Find peers by name, by prefix of a name, or by id
    Resolve { name: String },
    /// List the lines that are held, or the numbers that are missing
    Lines {
        /// The numbers of the missing lines instead, one a line
        #[arg(long)]
        missing: bool,
        /// Only these numbers, both ends included
        #[arg(long, value_name = "A-B", value_parser = range)]
        range: Option<Range>,
        /// The bytes as they are, also on a terminal (without it control characters are shown as escapes there)
        #[arg(long)]
        raw: bool,
    },
    /// Print one line
    Get {
        number: u32,
        /// The bytes as they are, also on a terminal (without it control characters are shown as escapes there)
        #[arg(long)]
        raw: bool,
    },
    /// Print the file: each line's text by number, each followed by a newline
    Dump(Dump),
    /// Start drawing lines
    Start {
        /// The line server's address
        #[arg(long, value_name = "ADDR")]
        server: Option<String>,
        /// How many lines the file has
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::LINES)))]
        lines: Option<u32>,
        /// For all peers, as a new epoch
        #[arg(long)]
        swarm: bool,
    },
    /// Stop drawing; links stay
    Pause,
    /// Go on drawing
    Resume,
    /// Forget the lines of the job (moved aside on disk)
    Reset {
        /// For all peers, as a new epoch
        #[arg(long)]
        swarm: bool,
    },
    /// Write what is unsaved; returns when it is on disk
    Save,
    /// Read the journal back and compare it with memory
    Verify,
    /// Save, say bye to peers and end the daemon
    Stop,
    /// Submit the complete file
    Submit {
        /// Check all that can be checked, send nothing
        #[arg(long)]
        dry_run: bool,
        /// Submit even if this node is not the master or the file was submitted before
        #[arg(long)]
        force: bool,
        /// Settle a submit in doubt: send it again
        #[arg(long)]
        resolve: bool,
    },
    /// Show the elected master (exit 1 if there is none)
    Master,
    /// Hold a new election
    Elect {
        /// Who should win: a name or an id
        #[arg(long, value_name = "NAME")]
        to: Option<String>,
    },
    /// Cap the rate of draws, from now on
    #[command(group = clap::ArgGroup::new("cap").required(true).args(["rate", "auto"]))]
    Limit {
        /// At most so many lines a second
        #[arg(long, value_name = "N", value_parser = rate)]
        rate: Option<f64>,
        /// No cap: as fast as the server allows
        #[arg(long)]
        auto: bool,
    },
    /// Show the status again each second, until Ctrl-C
    Watch,
    /// Show the whole screen: rates of all nodes, the curve of lines, events; ? shows the keys
    #[cfg(feature = "top")]
    Top,
    /// Show events as they happen
    Events(Events),
    /// Show the past runs of this daemon
    History,
    /// Wait until something is so, for the daemon to start too (-t/--timeout SEC; exit 75 on time-out, 1 if it can't be so)
    Wait(Wait),
    /// Explain the speed against the theory
    Why,
    /// Check the unit, sockets, settings, state, line server, peers, keys and clock: what is wrong, and the hint
    /// (exit 1 if something failed)
    Doctor {
        /// The daemon's configuration file [default: that of the instance]
        #[arg(long, value_name = "FILE", value_parser = path(), value_hint = ValueHint::AnyPath)]
        config: Option<PathBuf>,
        /// Where no daemon runs, ask the line server for a line: that starts its session, and its clock, for this address
        #[arg(long)]
        ask_server: bool,
    },
    /// Show all counters
    Stats,
    /// Print the counters as Prometheus text
    Metrics,
    /// The daemon's log
    #[command(subcommand)]
    Log(Log),
    /// Read the configuration again
    Reload,
    /// Record all that the daemon's engine is told, for replay
    #[command(subcommand)]
    Capture(Capture),
    /// Put a capture through the engine again (exit 1 if it goes another way, 65 if the file is damaged)
    Replay(Replay),
    /// Check or show settings
    #[command(subcommand)]
    Config(Config),
    /// Make the secret that the peers of a swarm share
    #[command(subcommand)]
    Key(Key),
    /// Print a completion script, e.g. for ~/.local/share/bash-completion/completions/lineswarmctl
    Completion { shell: clap_complete::Shell },
    /// Print the man page, of all commands
    Man,
    /// Show a whole swarm at work: a line server and N daemons in a temporary directory
    Demo(Demo),
    /// Measure how the time of a download falls with the number of peers: real daemons, charts, a page
    Compare(Compare),
    /// Compute the time of a download, by the formula and by sampling
    Predict(Predict),
    /// Measure parts of this machine
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
pub enum Peer {
    /// Dial a peer
    Add {
        #[arg(value_name = "ADDR")]
        address: String,
    },
    /// Close the link to a peer
    Rm {
        /// Its id or name
        id: String,
        /// And refuse it from now on
        #[arg(long)]
        ban: bool,
    },
    /// Take a member out of the quorum, for one that will not come back
    Forget {
        /// Its id or name
        #[arg(required_unless_present = "absent", conflicts_with = "absent")]
        id: Option<String>,
        /// All members that are not linked now and that this node's configuration does not name
        #[arg(long)]
        absent: bool,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Wait {
    /// complete, submitted, master or peers=N
    #[arg(value_name = "WHAT", value_parser = Until)]
    what: Option<String>,
    /// The same as a flag
    #[arg(long = "for", value_name = "WHAT", value_parser = Until)]
    for_what: Option<String>,
}

impl Wait {
    /// What is waited for.
    #[must_use]
    pub fn until(&self) -> String {
        self.what.as_ref().or(self.for_what.as_ref()).cloned().unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub struct Dump {
    /// Write to this file, as a whole or not at all
    #[arg(short, long, value_name = "FILE", value_parser = path(), value_hint = ValueHint::AnyPath)]
    pub output: Option<PathBuf>,
    /// Put each line's number and a tab before its text
    #[arg(long)]
    pub numbered: bool,
    /// Also if lines are missing (without it that exits 1)
    #[arg(long)]
    pub partial: bool,
    /// The bytes as they are, also on a terminal (without it control characters are shown as escapes there)
    #[arg(long)]
    pub raw: bool,
}

#[derive(Debug, Args)]
pub struct Events {
    /// Begin with this sequence number
    #[arg(long, value_name = "SEQ", default_value_t = 0, hide_default_value = true)]
    pub since: u64,
    /// The swarm's events, merged by Lamport time
    #[arg(long)]
    pub causal: bool,
    /// One JSON object a line (as --json does)
    #[arg(long)]
    pub json_line: bool,
    /// Go on with events as they happen; --follow=false ends after those known
    #[arg(short, long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true)]
    #[arg(default_value_t = true, default_missing_value = "true")]
    pub follow: bool,
}

#[derive(Debug, Subcommand)]
pub enum Log {
    /// Set the level until the daemon's next start
    Level { level: LogLevel },
    /// Show the newest log lines, then more as they come
    Tail(Tail),
}

#[derive(Debug, Args)]
pub struct Tail {
    /// Begin with this line's number
    #[arg(long, value_name = "SEQ", default_value_t = 0, hide_default_value = true)]
    pub since: u64,
    /// One JSON object a line (as --json does)
    #[arg(long)]
    pub json_line: bool,
    /// Go on with lines as they come; --follow=false ends after those known
    #[arg(short, long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true)]
    #[arg(default_value_t = true, default_missing_value = "true")]
    pub follow: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check a configuration; needs no running daemon (exit 78 if something is wrong)
    Check {
        /// The file; without it the one that the daemon would read
        #[arg(value_parser = path(), value_hint = ValueHint::AnyPath)]
        file: Option<PathBuf>,
    },
    /// Show the running daemon's settings and where each comes from
    Show,
    /// Show only those settings that are no defaults
    Diff,
}

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Write 32 random bytes as hex into a new file that only you can read
    Gen {
        /// The file; - is standard output. A FIFO or a device is written to as it is
        #[arg(value_parser = path(), value_hint = ValueHint::AnyPath)]
        file: PathBuf,
    },
}

/// Line numbers from `from` to `to`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub from: u32,
    pub to: u32,
}

impl Command {
    /// What to ask the daemon, for the commands that are one request; the others are more than that.
    #[must_use]
    pub fn ask(&self) -> Option<Ask> {
        Some(match self {
            Self::Status | Self::Watch | Self::Doctor { .. } => Ask::Status,
            #[cfg(feature = "top")]
            Self::Top => Ask::Status,
            Self::Ping => Ask::Ping,
            Self::Version => Ask::Version,
            Self::Peers => Ask::Peers,
            Self::Peer(Peer::Add { address }) => Ask::PeerAdd { address: address.clone() },
            Self::Peer(Peer::Rm { id, ban }) => Ask::PeerRemove { id: id.clone(), ban: *ban },
            Self::Peer(Peer::Forget { id, absent }) => Ask::PeerForget { id: id.clone(), absent: *absent },
            Self::Join { addresses } => Ask::Join { addresses: addresses.clone() },
            Self::Leave => Ask::Leave,
            Self::Resolve { name } => Ask::Resolve { name: name.clone() },
            Self::Lines { missing, range, .. } => Ask::Lines {
                missing: *missing,
                from: range.map(|range| LineNumber(range.from)),
                to: range.map(|range| LineNumber(range.to)),
            },
            Self::Get { number, .. } => Ask::Get { number: LineNumber(*number) },
            Self::Dump(dump) => Ask::Dump { partial: dump.partial },
            Self::Start { server, lines, swarm } => {
                Ask::Start { server: server.clone(), lines: *lines, swarm: *swarm }
            }
            Self::Pause => Ask::Pause,
            Self::Resume => Ask::Resume,
            Self::Reset { swarm } => Ask::Reset { swarm: *swarm },
            Self::Save => Ask::Save,
            Self::Verify => Ask::Verify,
            Self::Stop => Ask::Stop,
            Self::Submit { dry_run, force, resolve } => {
                Ask::Submit { dry_run: *dry_run, force: *force, resolve: *resolve }
            }
            Self::Master => Ask::Master,
            Self::Elect { to } => Ask::Elect { to: to.clone() },
            Self::Limit { rate, .. } => Ask::Limit { rate: *rate },
            Self::Events(events) => {
                Ask::Events { since: events.since, follow: events.follow, causal: events.causal }
            }
            Self::History => Ask::History,
            Self::Wait(wait) => Ask::Wait { until: wait.until(), timeout_ms: None },
            Self::Why => Ask::Why,
            Self::Stats => Ask::Stats,
            Self::Metrics => Ask::Metrics,
            Self::Log(Log::Level { level }) => {
                let name = level.to_possible_value().map(|value| value.get_name().to_owned());
                Ask::LogLevel { level: name.unwrap_or_default() }
            }
            Self::Log(Log::Tail(tail)) => Ask::Log { since: tail.since, follow: tail.follow },
            Self::Reload => Ask::Reload,
            Self::Capture(capture) => Ask::Capture { to: capture.name() },
            Self::Config(Config::Show | Config::Diff) => Ask::Config,
            Self::Config(Config::Check { .. })
            | Self::Key(_)
            | Self::Completion { .. }
            | Self::Man
            | Self::Replay(_) => {
                return None;
            }
            Self::Demo(_) | Self::Compare(_) | Self::Predict(_) | Self::Bench(_) => return None,
        })
    }

    /// Does it run until it is interrupted, or until what it waits for?
    #[must_use]
    pub fn is_open_ended(&self) -> bool {
        match self {
            Self::Watch | Self::Wait(_) => true,
            #[cfg(feature = "top")]
            Self::Top => true,
            Self::Events(events) => events.follow,
            Self::Log(Log::Tail(tail)) => tail.follow,
            _ => false,
        }
    }
}

fn instance(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.starts_with('.') || !text.chars().all(plain) {
        return Err(
            "an instance name has letters, digits, '-', '_' and '.', and does not begin with '.'".into()
        );
    }
    Ok(text.into())
}

/// A file or directory: `~/` is expanded, as a shell does not in `--out=~/x`.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(argument::<OsString>)
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 1e9 => Ok(seconds),
        _ => Err("seconds are a number above 0, such as 2.5".into()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 1e9 => Ok(rate),
        _ => Err("a rate is a number of lines a second above 0, such as 100".into()),
    }
}

fn range(text: &str) -> Result<Range, String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    match (from.trim().parse(), to.trim().parse()) {
        (Ok(from), Ok(to)) if from <= to => Ok(Range { from, to }),
        _ => Err("a range is two line numbers, such as 10-19, or one".into()),
    }
}

fn until(text: &str) -> Result<String, String> {
    let peers = text.strip_prefix("peers=").and_then(|count| count.parse::<u32>().ok());
    if matches!(text, "complete" | "submitted" | "master") || peers.is_some() {
        return Ok(text.into());
    }
    Err("it is one of complete, submitted, master and peers=N".into())
}

/// What can be waited for. A parser of its own, so that shells know the words.
#[derive(Clone, Copy, Debug)]
struct Until;

impl TypedValueParser for Until {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        until.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(["complete", "submitted", "master", "peers="].into_iter().map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests;
