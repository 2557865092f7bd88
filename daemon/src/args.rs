//! The command line: a few switches, and each setting as a flag, from the table of settings.
//!
//! Only what is given is looked at: to describe all of it first, as a tree of arguments does, is a tenth of a start and of
//! the program. Tests make that tree, for the help, the man page and the completions (`pages`).

use crate::config::{Kind, SETTINGS, Setting, is_instance_name, nearest};
use lexopt::{
    Arg::{Long, Short},
    Parser,
};
use lineswarm_files::path::argument;
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

/// What `--help` prints.
pub(crate) const HELP: &str = include_str!("args/help.txt");

/// How a daemon runs, from its command line.
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

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Run(Args),
    Help,
    Version,
}

/// A command line that can't be followed: what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{0} (lineswarmd --help lists what there is)")]
pub(crate) struct UsageError(#[from] lexopt::Error);

/// The flags that are no settings.
pub(crate) const SWITCHES: &[&str] =
    &["config", "instance", "check", "print-config", "reset-state", "log-level", "log-format"];
pub(crate) const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
pub(crate) const FORMATS: &[&str] = &["text", "json"];

impl Default for Args {
    /// A command line without flags.
    fn default() -> Self {
        Self {
            config: None,
            instance: None,
            check: false,
            print_config: false,
            reset_state: false,
            log_level: log::LevelFilter::Info,
            log_format: LogFormat::Text,
            settings: Vec::new(),
        }
    }
}

impl Args {
    /// Reads a command line, the program's name first.
    pub(crate) fn parse(line: impl IntoIterator<Item = OsString>) -> Result<Asked, UsageError> {
        let mut parser = Parser::from_iter(line.into_iter().collect::<Vec<_>>());
        let mut args = Self::default();
        while let Some(arg) = parser.next()? {
            match arg {
                Short('h') | Long("help") => return Ok(Asked::Help),
                Short('V') | Long("version") => return Ok(Asked::Version),
                Long(flag) => {
                    let flag = flag.to_owned();
                    args.take(&flag, &mut parser)?;
                }
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Asked::Run(args))
    }

    /// One that can be followed, without the program's name.
    #[cfg(test)]
    pub(crate) fn of(line: impl IntoIterator<Item = OsString>) -> Self {
        match Self::parse(std::iter::once("lineswarmd".into()).chain(line)) {
            Ok(Asked::Run(args)) => args,
            other => panic!("{other:?}"),
        }
    }

    fn take(&mut self, flag: &str, parser: &mut Parser) -> Result<(), lexopt::Error> {
        match flag {
            "config" => {
                let path = value(flag, parser)?;
                self.config = Some(argument(path).map_err(|why| format!("--config: {why}"))?);
            }
            "instance" => {
                let name = text(flag, parser)?;
                if !is_instance_name(&name) {
                    return Err(
                        "an instance's name is 1 to 64 letters, digits, dots, dashes and underscores, and \
                                starts with no dot"
                            .into(),
                    );
                }
                self.instance = Some(name);
            }
            "check" => self.check = true,
            "print-config" => self.print_config = true,
            "reset-state" => self.reset_state = true,
            "log-level" => {
                let word = one_of(LEVELS, flag, parser)?;
                self.log_level = word.parse().map_err(|_| lexopt::Error::from("no such level"))?;
            }
            "log-format" => {
                let json = one_of(FORMATS, flag, parser)? == "json";
                self.log_format = if json { LogFormat::Json } else { LogFormat::Text };
            }
            _ => {
                let setting = SETTINGS.iter().find(|setting| setting.flags.contains(&flag));
                let setting = setting.ok_or_else(|| unknown(flag))?;
                let word = match setting.kind {
                    Kind::Switch => truth(parser)?,
                    _ => text(flag, parser)?,
                };
                match self.settings.iter_mut().find(|(known, _)| *known == setting) {
                    Some((_, words)) => words.push(word),
                    None => self.settings.push((setting, vec![word])),
                }
            }
        }
        Ok(())
    }
}

/// `--flag=value` or `--flag value`. Another flag is no value, unless it is attached.
fn value(flag: &str, parser: &mut Parser) -> Result<OsString, lexopt::Error> {
    if let Some(attached) = parser.optional_value() {
        return Ok(attached);
    }
    let is_value = |word: &OsStr| !word.as_encoded_bytes().starts_with(b"--");
    let follows = parser.try_raw_args().and_then(|mut rest| rest.next_if(is_value));
    follows.ok_or_else(|| lexopt::Error::MissingValue { option: Some(format!("--{flag}")) })
}

fn text(flag: &str, parser: &mut Parser) -> Result<String, lexopt::Error> {
    value(flag, parser)?.into_string().map_err(lexopt::Error::NonUnicodeValue)
}

/// `--flag` alone is true.
fn truth(parser: &mut Parser) -> Result<String, lexopt::Error> {
    let is_word = |word: &OsStr| !word.as_encoded_bytes().starts_with(b"-");
    let attached = parser.optional_value();
    let word = attached.or_else(|| parser.try_raw_args()?.next_if(is_word)).unwrap_or_else(|| "true".into());
    word.into_string().map_err(lexopt::Error::NonUnicodeValue)
}

fn one_of(words: &[&str], flag: &str, parser: &mut Parser) -> Result<String, lexopt::Error> {
    let word = text(flag, parser)?;
    if words.contains(&word.as_str()) {
        return Ok(word);
    }
    Err(format!("--{flag} is one of {}, not {word:?}", words.join(", ")).into())
}

fn unknown(flag: &str) -> lexopt::Error {
    let settings = SETTINGS.iter().flat_map(|setting| setting.flags);
    let meant = nearest(flag, SWITCHES.iter().chain(settings).copied());
    let meant = meant.map(|meant| format!("; did you mean --{meant}?")).unwrap_or_default();
    format!("there is no --{flag}{meant}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &[&str]) -> Args {
        Args::of(line.iter().map(Into::into))
    }

    fn refused(line: &[&str]) -> String {
        Args::parse(["lineswarmd"].iter().chain(line).map(Into::into)).unwrap_err().to_string()
    }

    fn words(args: &Args) -> Vec<(&str, Vec<&str>)> {
        let settings = args.settings.iter();
        settings.map(|(one, words)| (one.key, words.iter().map(String::as_str).collect())).collect()
    }

    #[test]
    fn values_are_attached_or_follow_and_aliases_are_the_same_setting() {
        let args =
            run(&["--server", "a:1", "--address=b:2", "--priority", "-1", "--peer", "x:1", "--peers=y:2"]);
        let expected =
            [("address", vec!["a:1", "b:2"]), ("priority", vec!["-1"]), ("peers", vec!["x:1", "y:2"])];
        assert_eq!(words(&args), expected);
        assert_eq!(words(&run(&["--label="])), [("label", vec![""])]);
    }

    #[test]
    fn a_switch_alone_is_true_and_takes_a_word_that_follows() {
        assert_eq!(words(&run(&["--autostart", "--check"])), [("autostart", vec!["true"])]);
        assert_eq!(words(&run(&["--autostart", "false"])), [("autostart", vec!["false"])]);
        assert_eq!(words(&run(&["--insecure=maybe"])), [("insecure", vec!["maybe"])], "refused by its kind");
        let args = run(&["--print-config", "--reset-state", "--log-level", "debug", "--log-format=json"]);
        assert!(args.print_config && args.reset_state && !args.check);
        assert_eq!((args.log_level, args.log_format), (log::LevelFilter::Debug, LogFormat::Json));
    }

    #[test]
    fn each_switch_is_understood() {
        for flag in SWITCHES {
            let line = format!("--{flag}=text");
            if let Err(error) = Args::parse(["lineswarmd".into(), line.into()]) {
                let error = error.to_string();
                assert!(!error.contains("there is no"), "{error}");
            }
        }
        assert!(LEVELS.iter().all(|level| level.parse::<log::LevelFilter>().is_ok()));
    }

    #[test]
    fn what_cannot_be_followed_is_told_with_its_hint() {
        let hint = " (lineswarmd --help lists what there is)";
        for (line, why) in [
            (&["--servr", "a:1"][..], "there is no --servr; did you mean --server?"),
            (&["--xyzzy"], "there is no --xyzzy"),
            (&["--server"], "missing argument for option '--server'"),
            (&["--server", "--lines", "5"], "missing argument for option '--server'"),
            (&["--check=yes"], "unexpected argument for option '--check': \"yes\""),
            (&["-x"], "invalid option '-x'"),
            (&["word"], "unexpected argument \"word\""),
            (&["--log-format", "xml"], "--log-format is one of text, json, not \"xml\""),
            (
                &["--instance", "../up"],
                "an instance's name is 1 to 64 letters, digits, dots, dashes and underscores, and starts with no dot",
            ),
        ] {
            assert_eq!(refused(line), format!("{why}{hint}"));
        }
    }

    #[test]
    fn help_and_version_go_before_what_follows_them() {
        let asked = |flag: &str| Args::parse(["lineswarmd", flag, "--xyzzy"].map(Into::into)).unwrap();
        assert_eq!([asked("-h"), asked("--help")], [Asked::Help, Asked::Help]);
        assert_eq!([asked("-V"), asked("--version")], [Asked::Version, Asked::Version]);
    }
}
