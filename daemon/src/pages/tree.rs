//! The command line as a tree of arguments, of which help, man page and completions are made.

use crate::{
    args::{FORMATS, LEVELS, SWITCHES},
    config::{Kind, SETTINGS, Setting},
};
use clap::{Arg, ArgAction, Command, ValueHint, builder::PossibleValuesParser};

pub(super) fn command() -> Command {
    Command::new("lineswarmd")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Downloads a file from a line server, together with its peers")
        .after_help(
            "Each setting also stands in the file (--print-config shows it) and in the environment as \
             LINESWARM_<SECTION>_<KEY>. A flag goes before the environment, that before the file.",
        )
        .args(SWITCHES.iter().map(|flag| switch(Arg::new(*flag).long(flag))))
        .args(SETTINGS.iter().map(setting))
}

fn switch(arg: Arg) -> Arg {
    let alone = |arg: Arg, help: &'static str| arg.action(ArgAction::SetTrue).help(help);
    let words = |arg: Arg, name, words: &'static [&str], default, help: &'static str| {
        arg.value_name(name).default_value(default).value_parser(PossibleValuesParser::new(words)).help(help)
    };
    match arg.get_id().as_str() {
        "config" => arg
            .value_name("FILE")
            .value_parser(clap::value_parser!(std::path::PathBuf))
            .help("Configuration file [default: /etc/lineswarm/NAME.toml, if it exists]"),
        "instance" => arg.value_name("NAME").help(
            "One of several daemons on a machine: changes the defaults of name, file, directories and addresses",
        ),
        "check" => alone(arg, "Check the configuration, say what is wrong with it, and end"),
        "print-config" => alone(arg, "Print the configuration in force, as a file, and end"),
        "reset-state" => alone(arg, "Move key, lines and state aside first, and start as another node"),
        "log-level" => words(arg, "LEVEL", LEVELS, "info", "How much is logged on stderr"),
        "log-format" => words(arg, "FORMAT", FORMATS, "text", "How log lines look"),
        other => panic!("--{other} is described nowhere"),
    }
}

fn setting(setting: &'static Setting) -> Arg {
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
        .value_name(placeholder(setting.kind))
        .help(help)
        .help_heading(setting.section);
    match setting.kind {
        Kind::List => arg.action(ArgAction::Append),
        Kind::Switch => arg.num_args(0..=1).default_missing_value("true"),
        Kind::Path => arg.value_hint(ValueHint::AnyPath),
        _ => arg,
    }
}

/// What stands in the value's place.
fn placeholder(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "TEXT",
        Kind::Path => "PATH",
        Kind::Choice(_) => "WORD",
        Kind::List => "ITEM",
        Kind::Whole => "NUMBER",
        Kind::WholeOrAuto | Kind::NumberOrAuto => "NUMBER|auto",
        Kind::Switch => "true|false",
        Kind::Span => "TIME",
    }
}
