//! A setting stands in one table; this checks that it stands everywhere else too.

use crate::tree::File;

/// The one table.
pub(crate) const TABLE: &str = "daemon/src/config/table.rs";
const CHECK: &str = "daemon/src/config/check.rs";
const SHIPPED: &str = "etc/lineswarm/default.toml";
const PAGE: &str = "docs/settings.md";
const CORE: &str = "proto/src/engine/settings.rs";

pub(crate) fn known_everywhere(files: &[File]) -> Vec<String> {
    let text = |path: &str| files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
    let mut complaints = Vec::new();
    let settings = table(text(TABLE));
    if settings.len() < 20 {
        complaints.push(format!("{TABLE}: only {} settings were found", settings.len()));
    }
    for (section, key) in &settings {
        let name = format!("{section}.{key}");
        if !shipped(text(SHIPPED), section).any(|line| line.starts_with(&format!("#{key} = "))) {
            complaints.push(format!("{name} is not shown in {SHIPPED}"));
        }
        if !text(PAGE).contains(&format!("| `{name}` |")) {
            complaints.push(format!("{name} is not explained in {PAGE}"));
        }
        if !text(CHECK).contains(&format!("{key:?}")) {
            complaints.push(format!("{name} is not read in {CHECK}"));
        }
    }
    // What the configuration hands to the core is of use only if the core looks at it.
    for field in text(CORE).lines().filter_map(|line| line.strip_prefix("    pub ")?.split_once(": ")) {
        if field.0.contains(' ') {
            continue; // a function
        }
        let read = format!(".{}", field.0);
        let core = files
            .iter()
            .filter(|file| file.is_in("proto/src/engine/") && file.path != CORE && !file.is_test());
        let uses = |line: &str| line.split(&read).skip(1).any(|rest| !rest.starts_with(is_of_word));
        if !core.flat_map(File::product_lines).any(|(_, line)| uses(line)) {
            complaints.push(format!("{CORE}: nobody reads `{}`", field.0));
        }
    }
    complaints
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Section and key of each row.
fn table(text: &str) -> Vec<(String, String)> {
    let rows = text.lines().filter_map(|line| line.trim_start().strip_prefix("setting(\""));
    rows.filter_map(|row| {
        let mut words = row.split('"');
        Some((words.next()?.to_owned(), words.nth(1)?.to_owned()))
    })
    .collect()
}

/// The lines of a section of the shipped file.
fn shipped<'a>(text: &'a str, section: &str) -> impl Iterator<Item = &'a str> {
    let header = format!("[{section}]");
    text.lines().skip_while(move |line| *line != header).skip(1).take_while(|line| !line.starts_with('['))
}
