//! The man page of this tool: one for all commands, from the same tree as the parser.
//!
//! What no tree knows (files, environment, examples) stands in docs/man/extra.

use crate::args::Cli;
use clap::{Arg, Command, CommandFactory};
use clap_mangen::Man;
use std::fmt::Write;
use std::io;

/// The whole page in roff.
pub fn page() -> io::Result<Vec<u8>> {
    let mut tree = Cli::command().disable_help_subcommand(true);
    tree.build();
    let man = Man::new(tree.clone()).section("1").manual("lineswarm");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    page.extend_from_slice(
        b".SH SYNOPSIS\n\\fBlineswarmctl\\fR [\\fIglobal options\\fR] \\fIcommand\\fR [\\fIarguments\\fR]\n",
    );
    man.render_description_section(&mut page)?;
    let mut text = String::from(".SH COMMANDS\n");
    for command in tree.get_subcommands() {
        leaves(command, &mut text);
    }
    text.push_str(".SH GLOBAL OPTIONS\n");
    tree.get_arguments().filter(|arg| arg.is_global_set()).for_each(|arg| option(arg, &mut text));
    text.push_str(include_str!("../../docs/man/extra/lineswarmctl.roff"));
    page.extend_from_slice(text.as_bytes());
    Ok(page)
}

/// Each command that does something, with its options.
fn leaves(command: &Command, text: &mut String) {
    if command.is_hide_set() {
        return;
    }
    let mut inner = command.get_subcommands().peekable();
    if inner.peek().is_some() {
        inner.for_each(|command| leaves(command, text));
        return;
    }
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim_start_matches("lineswarmctl ");
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_global_set() && !arg.is_hide_set() && arg.get_id() != "help")
        .collect();
    // The global ones are not worth a word at each command.
    let has_options = own.iter().any(|arg| !arg.is_positional());
    let usage = if has_options { usage.to_owned() } else { usage.replace(" [OPTIONS]", "") };
    // Writing to a String can't fail.
    let _ = writeln!(text, ".SS \"{}\"", roff(&usage.replace('"', "'")));
    paragraph(command.get_about().map(ToString::to_string).unwrap_or_default(), text);
    own.iter().for_each(|arg| option(arg, text));
}

fn option(arg: &Arg, text: &mut String) {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<String> =
        short.into_iter().chain(long).map(|name| format!("\\fB{}\\fR", roff(&name))).collect();
    let takes = arg.get_num_args().is_none_or(|count| count.takes_values());
    let values = arg.get_value_names().filter(|_| takes).unwrap_or_default();
    let values: Vec<String> = values.iter().map(|value| format!("\\fI{}\\fR", roff(value))).collect();
    let (names, values) = (names.join(", "), values.join(" "));
    let _ = writeln!(text, ".TP\n{}", format!("{names} {values}").trim());
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let choices: Vec<String> = match takes {
        true => arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
        false => Vec::new(),
    };
    // Of a switch they are always the same.
    if !choices.is_empty() && choices != ["true", "false"] {
        let _ = write!(help, " [possible: {}]", choices.join(", "));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes && !defaults.is_empty() && !arg.is_hide_default_value_set() {
        let _ = write!(help, " [default: {}]", defaults.join(", "));
    }
    paragraph(help, text);
}

fn paragraph(words: String, text: &mut String) {
    let _ = writeln!(text, "{}", roff(words.trim()));
}

/// Text that roff takes for nothing else.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let mut safe = String::new();
    for line in text.lines() {
        if line.starts_with(['.', '\'']) {
            safe.push_str("\\&");
        }
        safe.push_str(line);
        safe.push('\n');
    }
    safe.trim_end().to_owned()
}

#[cfg(test)]
#[path = "../../tests/golden.rs"]
mod golden;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_the_one_that_is_installed_and_names_every_command() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for part in
            [".SS \"status\"", ".SS \"peer rm [OPTIONS] <ID>\"", "\\fB\\-\\-swarm\\fR", ".SH EXIT STATUS"]
        {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        golden::is_kept("docs/man/lineswarmctl.1", &page);
    }

    #[test]
    fn the_completions_are_those_that_are_installed() {
        use clap_complete::Shell::{Bash, Fish, Zsh};
        for (shell, name) in
            [(Bash, "lineswarmctl.bash"), (Zsh, "_lineswarmctl"), (Fish, "lineswarmctl.fish")]
        {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "lineswarmctl", &mut script);
            golden::is_kept(&format!("etc/completions/{name}"), &String::from_utf8(script).unwrap());
        }
    }

    #[test]
    fn nothing_in_a_text_is_taken_for_a_request() {
        assert_eq!(roff(".a -b\n'c\\d"), "\\&.a \\-b\n\\&'c\\ed");
    }
}
