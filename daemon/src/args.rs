//! The command line: a few switches, and each setting as a flag, derived from the table of settings.

use crate::config::{Kind, SETTINGS, Setting, is_instance_name};
use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser, value_parser};
use std::ffi::OsString;
use std::path::PathBuf;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) config: Option<PathBuf>,
    pub(crate) instance: Option<String>,
    pub(crate) check: bool,
    pub(crate) print_config: bool,
    pub(crate) reset_state: bool,
    pub(crate) log_level: log::LevelFilter,
    pub(crate) log_format: LogFormat,
    /// Settings that were given as flags, with their words.
    pub(crate) settings: Vec<(&'static Setting, Vec<String>)>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Args {
    /// Reads a command line, the program's name first. `--help` and `--version` come as errors too, as clap has it.
    pub(crate) fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = command().try_get_matches_from(line)?;
        let word = |name: &str| matches.get_one::<String>(name).cloned();
        Ok(Self {
            config: matches.get_one("config").cloned(),
            instance: word("instance"),
            check: matches.get_flag("check"),
            print_config: matches.get_flag("print-config"),
            reset_state: matches.get_flag("reset-state"),
            log_level: word("log-level")
                .and_then(|level| level.parse().ok())
                .unwrap_or(log::LevelFilter::Info),
            log_format: if word("log-format").is_some_and(|format| format == "json") {
                LogFormat::Json
            } else {
                LogFormat::Text
            },
            settings: SETTINGS
                .iter()
                .filter_map(|setting| Some((setting, words(&matches, setting)?)))
                .collect(),
        })
    }
}

fn words(matches: &ArgMatches, setting: &Setting) -> Option<Vec<String>> {
    matches.get_many::<String>(setting.flag()).map(|words| words.cloned().collect())
}

/// The whole command line, also for the man page and for completions.
pub(crate) fn command() -> Command {
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let levels = PossibleValuesParser::new(["off", "error", "warn", "info", "debug", "trace"]);
    Command::new("lineswarmd")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Downloads a file from a line server, together with its peers")
        .after_help(
            "Each setting also stands in the file (--print-config shows it) and in the environment as \
             LINESWARM_<SECTION>_<KEY>. A flag goes before the environment, that before the file.",
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Configuration file [default: /etc/lineswarm/NAME.toml, if it exists]"),
        )
        .arg(Arg::new("instance").long("instance").value_name("NAME").value_parser(instance).help(
            "One of several daemons on a machine: changes the defaults of name, file, directories and addresses",
        ))
        .arg(switch("check", "Check the configuration, say what is wrong with it, and end"))
        .arg(switch("print-config", "Print the configuration in force, as a file, and end"))
        .arg(switch("reset-state", "Move lines and state aside before the start; the node's key stays"))
        .arg(
            Arg::new("log-level")
                .long("log-level")
                .value_name("LEVEL")
                .default_value("info")
                .value_parser(levels)
                .help("How much is logged on stderr"),
        )
        .arg(
            Arg::new("log-format")
                .long("log-format")
                .value_name("FORMAT")
                .default_value("text")
                .value_parser(PossibleValuesParser::new(["text", "json"]))
                .help("How log lines look"),
        )
        .args(SETTINGS.iter().map(flag))
}

fn flag(setting: &'static Setting) -> Arg {
    let first = setting.flag();
    let others = setting.flags.iter().copied().filter(|flag| *flag != first);
    let help = if setting.default.is_empty() {
        setting.doc.to_owned()
    } else {
        format!("{} [default: {}]", setting.doc, setting.default)
    };
    let arg = Arg::new(first)
        .long(first)
        .visible_aliases(others)
        .value_name(setting.kind.placeholder())
        .help(help)
        .help_heading(setting.section)
        // "--priority -1"
        .allow_negative_numbers(true);
    match setting.kind {
        Kind::List => arg.action(ArgAction::Append),
        Kind::Switch => arg.num_args(0..=1).default_missing_value("true").overrides_with(first),
        _ => arg.overrides_with(first),
    }
}

fn instance(name: &str) -> Result<String, String> {
    if is_instance_name(name) {
        Ok(name.into())
    } else {
        Err("an instance's name is 1 to 64 letters, digits, dots, dashes and underscores, and starts with no dot".into())
    }
}
