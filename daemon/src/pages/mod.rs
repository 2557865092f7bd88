//! Man pages and completions, made from the tree of arguments, the settings and the documents, and compared with those
//! that are kept in docs/man and etc/completions. Only tests: the daemon carries none of this.

mod markdown;
mod roff;
mod tree;

use crate::config::SETTINGS;
use clap_mangen::Man;
use std::{collections::BTreeMap, fmt::Write, path::Path};

#[path = "../../../tests/golden.rs"]
pub(crate) mod golden;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn title(name: &str, section: &str, about: &str) -> String {
    let shown = roff::text(name);
    format!(
        ".TH {name} {section} \"\" \"lineswarm {}\"\n.SH NAME\n{shown} \\- {about}\n",
        env!("CARGO_PKG_VERSION")
    )
}

#[test]
fn the_help_is_the_one_that_is_printed() {
    let help = tree::command().term_width(100).render_help().to_string();
    golden::is_kept("daemon/src/args/help.txt", &help);
}

#[test]
fn the_page_of_the_daemon_is_the_one_that_is_installed() {
    let man = Man::new(tree::command()).section("8");
    let mut page = Vec::new();
    man.render(&mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    let (page, version) = page.split_once(".SH VERSION").unwrap();
    let page = format!("{page}{}.SH VERSION{version}", read("docs/man/extra/lineswarmd.roff"));
    golden::is_kept("docs/man/lineswarmd.8", &page);
}

#[test]
fn the_completions_are_those_that_are_installed() {
    use clap_complete::Shell::{Bash, Fish, Zsh};
    for (shell, name) in [(Bash, "lineswarmd.bash"), (Zsh, "_lineswarmd"), (Fish, "lineswarmd.fish")] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut tree::command(), "lineswarmd", &mut script);
        golden::is_kept(&format!("etc/completions/{name}"), &String::from_utf8(script).unwrap());
    }
}

#[test]
fn the_page_of_the_protocol_is_its_document() {
    let document = read("docs/control-protocol.md");
    let (_, body) = document.split_once('\n').unwrap();
    let about = "how lineswarmctl, or any program, talks to a running lineswarmd";
    let page = title("lineswarm-protocol", "7", about)
        + ".SH DESCRIPTION\n"
        + &markdown::to_roff(body)
        + ".SH SEE ALSO\n.BR lineswarmd (8),\n.BR lineswarmctl (1)\n";
    golden::is_kept("docs/man/lineswarm-protocol.7", &page);
}

/// Out of the commented file: what stands before a setting explains it.
#[test]
fn the_page_of_the_settings_is_the_commented_file_and_the_table() {
    let mut page = title("lineswarmd.toml", "5", "the settings of lineswarmd") + ".SH DESCRIPTION\n";
    let mut described = BTreeMap::new();
    let (mut section, mut comment, mut is_open) = (String::new(), String::new(), false);
    for line in read("etc/lineswarm/default.toml").lines().skip(1) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
            writeln!(page, ".SH [{section}]").unwrap();
        } else if let Some(text) = line.strip_prefix("# ").or((line == "#").then_some("")) {
            if is_open {
                (comment, is_open) = (String::new(), false);
            }
            writeln!(comment, "{text}").unwrap();
        } else if let Some(assignment) = line.strip_prefix('#') {
            let (key, _) = assignment.split_once(" = ").unwrap();
            let setting = SETTINGS.iter().find(|one| one.section == section && one.key == key).unwrap();
            let ways: Vec<_> = setting.flags.iter().map(|flag| format!("--{flag}")).collect();
            described.insert(setting.name(), ());
            writeln!(page, ".TP\n\\fB{}\\fR", roff::text(assignment)).unwrap();
            // One comment may stand before several settings.
            if !is_open {
                writeln!(page, "{}\n.br", roff::text(comment.trim())).unwrap();
            }
            is_open = true;
            let means = format!(
                "Takes {}. As a flag: {}. In the environment: {}.",
                setting.kind.expects(),
                ways.join(" or "),
                setting.variable()
            );
            writeln!(page, "{}", roff::text(&means)).unwrap();
        } else if section.is_empty() && !comment.is_empty() {
            writeln!(page, "{}", roff::text(comment.trim())).unwrap();
            comment.clear();
        }
    }
    assert_eq!(described.len(), SETTINGS.len(), "each setting is described once: {described:?}");
    page += ".SH FILES\n.I /etc/lineswarm/NAME.toml\n.SH SEE ALSO\n.BR lineswarmd (8)\n";
    golden::is_kept("docs/man/lineswarmd.toml.5", &page);
}
