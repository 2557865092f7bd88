//! Reading a configuration file into values with the line that each stands on.
//!
//! All problems are collected: syntax, unknown sections and keys, values of the wrong kind.

use super::table::{self, SETTINGS, Setting};
use super::value::{self, Value};
use super::{Origin, Problem};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
pub(super) type Placed = (&'static Setting, Value, Origin);

/// Reads `text`, the content of `path`.
pub(super) fn read(path: &Path, text: &str, problems: &mut Vec<Problem>) -> Vec<Placed> {
    let origin = |span: Range<usize>| Origin::File(path.into(), line_of(text, span.start));
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut broken = Vec::new();
    for error in &errors {
        let at = origin(error.span().unwrap_or_default());
        // One mistake often makes several errors on its line: the first one says it.
        if !broken.contains(&at) {
            let why = error.message().lines().collect::<Vec<_>>().join(", ");
            problems.push(Problem::new(&at, "this is no TOML", why, "Correct this line"));
            broken.push(at);
        }
    }
    let mut values = Vec::new();
    for (section, content) in document.get_ref() {
        let at = origin(section.span());
        let name = section.get_ref();
        let DeValue::Table(content) = content.get_ref() else {
            if !broken.contains(&at) {
                problems.push(outside(&at, name));
            }
            continue;
        };
        if !table::sections().contains(&name.as_ref()) {
            let meant = table::nearest(name, table::sections());
            let hint = match meant {
                Some(meant) => format!("Did you mean [{meant}]?"),
                None => format!("The sections are {}", table::sections().join(", ")),
            };
            problems.push(Problem::new(&at, format!("[{name}]"), "there is no such section", hint));
            continue;
        }
        for (key, value) in content {
            let at = origin(key.span());
            if !broken.contains(&at) {
                read_entry(name, key, value, at, problems, &mut values);
            }
        }
    }
    values
}

fn read_entry(
    section: &str,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    at: Origin,
    problems: &mut Vec<Problem>,
    values: &mut Vec<Placed>,
) {
    let key = key.get_ref();
    let Some(setting) = table::find(section, key) else {
        problems.push(unknown(&at, section, key));
        return;
    };
    match value::from_toml(setting.kind, value.get_ref()) {
        Ok(value) => values.push((setting, value, at)),
        Err(mismatch) => problems.push(Problem::new(&at, setting.name(), mismatch.why, mismatch.hint)),
    }
}

fn unknown(at: &Origin, section: &str, key: &str) -> Problem {
    let here = || SETTINGS.iter().filter(|setting| setting.section == section).map(|setting| setting.key);
    let elsewhere = SETTINGS.iter().find(|setting| setting.key == key);
    let hint = match (elsewhere, table::nearest(key, here())) {
        (Some(setting), _) => format!("It belongs in [{}]", setting.section),
        (None, Some(meant)) => format!("Did you mean {meant:?}?"),
        (None, None) => format!("The keys of [{section}] are {}", here().collect::<Vec<_>>().join(", ")),
    };
    Problem::new(at, format!("{section}.{key}"), "there is no such setting", hint)
}

/// A key that stands before all sections.
fn outside(at: &Origin, key: &str) -> Problem {
    let hint = match SETTINGS.iter().find(|setting| setting.key == key) {
        Some(setting) => format!("It belongs in [{}]", setting.section),
        None if table::sections().contains(&key) => {
            format!("Write [{key}] on a line of its own, and its keys below")
        }
        None => "Put it into a section such as [node]".into(),
    };
    Problem::new(at, key.to_owned(), "no setting stands outside a section", hint)
}

/// Counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}
