//! What a page tells its reader to run: `sh` and `console` blocks, and commands within sentences.

use crate::rehearsal::top;
use std::fs;

#[derive(Debug)]
pub(crate) struct Page {
    /// Relative to the top.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// README.md and its like, and docs/*.md.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned(), "SECURITY.md".to_owned()];
    let docs = fs::read_dir(top().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let names = docs.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.ends_with(".md"));
    paths.extend(names.map(|name| format!("docs/{name}")));
    paths.sort();
    let read = |path: String| Page { text: fs::read_to_string(top().join(&path)).unwrap(), path };
    paths.into_iter().map(read).collect()
}

impl Page {
    /// The commands of all blocks with their lines, counted from 1. What ends in a backslash goes on in the next line.
    pub(crate) fn commands(&self) -> Vec<(usize, String)> {
        let mut commands: Vec<(usize, String)> = Vec::new();
        let mut language = None;
        let mut goes_on = false;
        for (number, line) in (1..).zip(self.text.lines()) {
            if let Some(fence) = line.trim_start().strip_prefix("```") {
                language = language.is_none().then_some(fence);
                continue;
            }
            let command = match language {
                _ if goes_on => Some(line),
                Some("sh") if !line.trim_start().starts_with('#') && !line.trim().is_empty() => {
                    Some(line.trim())
                }
                Some("console") => line.strip_prefix("$ "),
                _ => None,
            };
            let Some(command) = command else { continue };
            match commands.last_mut().filter(|_| goes_on) {
                Some((_, begun)) => *begun += &format!("\n{command}"),
                None => commands.push((number, command.to_owned())),
            }
            goes_on = command.ends_with('\\');
        }
        commands
    }

    /// What stands in backticks outside of blocks, with its line.
    pub(crate) fn said(&self) -> Vec<(usize, String)> {
        let mut inside = false;
        let mut said = Vec::new();
        for (number, line) in (1..).zip(self.text.lines()) {
            let fence = line.trim_start().starts_with("```");
            inside ^= fence;
            if !inside && !fence {
                said.extend(line.split('`').skip(1).step_by(2).map(|text| (number, text.to_owned())));
            }
        }
        said
    }

    /// Every word of the page, blocks and all, in the sense of metrics.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
    }
}

/// The words of a lineswarmctl line that name its command: `peer forget` of `lineswarmctl -i 1 peer forget ID`.
pub(crate) fn command_names(line: &str) -> String {
    const WITH_VALUE: [&str; 6] = ["-i", "-s", "-t", "--instance", "--socket", "--timeout"];
    const GROUPS: [&str; 6] = ["peer", "log", "config", "key", "bench", "capture"];
    let mut names: Vec<&str> = Vec::new();
    let mut words = line.split_whitespace().skip(1);
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(&word) {
            words.next();
        } else if !word.starts_with(['-', '.', '\'', '<']) {
            names.push(word);
            if !GROUPS.contains(&word) || names.len() == 2 {
                break;
            }
        }
    }
    names.join(" ")
}

/// The long flags of a line.
pub(crate) fn flags(line: &str) -> impl Iterator<Item = String> {
    let words =
        line.split([' ', '=', ',', ']', '[', '|']).filter(|word| word.len() > 2 && word.starts_with("--"));
    words.map(str::to_owned)
}
