//! Rules of the tree that no compiler checks: `make hygiene`, and part of `make test`.
//!
//! Each rule is a function from a tree of texts to complaints. It must have none about this tree, and it must have one
//! about a tree that breaks it: a rule that can't fail is no rule.

// clippy.toml frees only functions that are tests themselves, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod code;
mod documents;
mod settings;
mod tree;

use tree::{File, this};

/// Nothing to say about this tree, and what `spoilt` says of the files that break the rule.
fn holds(rule: fn(&[File]) -> Vec<String>, spoilt: &[(&str, &str)]) {
    let complaints = rule(this());
    assert!(complaints.is_empty(), "\n  {}\n", complaints.join("\n  "));
    for &(path, text) in spoilt {
        let mut files = this().to_vec();
        files.retain(|file| file.path != path);
        files.push(File { path: path.into(), text: text.into() });
        assert!(!rule(&files).is_empty(), "{path} breaks the rule, and nobody noticed:\n{text}");
    }
}

#[test]
fn no_file_grows_without_bound_and_long_ones_keep_their_tests_elsewhere() {
    let long = "//! Long.\n".repeat(801);
    let inline = format!("{}\n#[cfg(test)]\nmod tests {{\n}}\n", "//! Rather long.\n".repeat(550));
    holds(code::length, &[("proto/src/long.rs", &long), ("daemon/src/rather.rs", &inline)]);
}

#[test]
fn nothing_is_imported_upwards() {
    let spoilt = [
        ("proto/Cargo.toml", "[dependencies]\nlineswarmd = { path = \"../daemon\" }\n"),
        ("ctl/Cargo.toml", "[dependencies]\nlineswarmd.workspace = true\n"),
        ("ctl/src/thief.rs", "//! Takes.\n#[path = \"../../daemon/src/clock.rs\"]\nmod clock;\n"),
        ("proto/src/wire/thief.rs", "//! Takes.\nuse crate::engine::Engine;\n"),
        ("proto/src/engine/thief.rs", "//! Takes.\nuse crate::{\n    line_server::Server,\n};\n"),
    ];
    holds(code::imports, &spoilt);
}

#[test]
fn only_those_who_may_log_or_print_do() {
    let spoilt = [
        ("proto/src/chatty.rs", "//! Talks.\nfn f() { log::info!(\"hello\"); }\n"),
        ("ctl/src/chatty.rs", "//! Talks.\nfn f() { log::warn!(\"hello\"); }\n"),
        ("daemon/src/store/chatty.rs", "//! Talks.\nfn f() { log::debug!(\"hello\"); }\n"),
        ("daemon/src/net/conn.rs", "//! Talks.\nfn f() { eprintln!(\"hello\"); }\n"),
        ("daemon/src/chatty.rs", "//! Talks.\nfn f() { println!(\"hello\"); }\n"),
    ];
    holds(code::talk, &spoilt);
}

#[test]
fn every_module_says_first_what_it_is_for() {
    holds(code::openings, &[("daemon/src/mute.rs", "use std::io;\n")]);
}

#[test]
fn what_is_left_to_do_stands_among_the_known_limits() {
    let later = format!("//! Later.\n// {}: the rest\n", ["TO", "DO"].concat());
    holds(code::markers, &[("daemon/src/later.rs", &later)]);
}

#[test]
fn the_tree_knows_nothing_of_the_machine_that_it_was_written_on() {
    let home = format!("see {}/alice/notes", ["/ho", "me"].concat());
    let lock = "source = \"registry+https://mirror.example/index\"\n";
    holds(code::machines, &[("docs/diary.md", &home), ("Cargo.lock", lock)]);
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_linked() {
    let spoilt = [
        ("docs/faq.md", "[gone](gone.md)"),
        ("docs/faq.md", "[no such heading](testing.md#no-such-heading)"),
        ("docs/orphan.md", "Nobody links here."),
    ];
    holds(documents::links, &spoilt);
}

#[test]
fn every_block_says_what_language_it_is_in() {
    holds(documents::fences, &[("docs/faq.md", "```\nlineswarmctl stauts\n```\n")]);
}

#[test]
fn what_the_readme_says_was_measured_stands_where_it_was_measured() {
    let readme = &this().iter().find(|file| file.path == "README.md").unwrap().text;
    let other = readme.replace("peers^-", "peers^-9");
    assert_ne!(&other, readme);
    holds(documents::figures, &[("README.md", &other)]);
}

#[test]
fn every_file_function_and_test_that_a_page_names_exists() {
    let spoilt = [
        ("docs/faq.md", "see `daemon/src/gone.rs`"),
        ("docs/faq.md", "`Engine::no_such_thing` does it"),
        ("docs/faq.md", "proved by `a_test_that_was_never_written`"),
        ("docs/faq.md", "it is `make never-mind`"),
    ];
    holds(documents::names, &spoilt);
}

#[test]
fn every_setting_is_shipped_documented_checked_and_read() {
    let table = this().iter().find(|file| file.path == settings::TABLE).unwrap();
    let one_more = table.text.replacen(
        "    setting(\"node\", \"name\"",
        "    setting(\"node\", \"shoe-size\", Kind::Whole, \"42\", &[\"shoe-size\"], \"Of the node\"),\n    setting(\"node\", \"name\"",
        1,
    );
    assert_ne!(one_more, table.text);
    holds(settings::known_everywhere, &[(settings::TABLE, &one_more)]);
}
