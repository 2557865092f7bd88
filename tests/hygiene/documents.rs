//! Rules of the pages: links that lead somewhere, blocks that say their language, names that exist.

use crate::tree::File;
use std::collections::{BTreeMap, BTreeSet};

fn pages(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.is(".md"))
}

/// A page's lines outside of fenced blocks, with their numbers.
fn prose(page: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    (1..).zip(page.text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

pub(crate) fn links(files: &[File]) -> Vec<String> {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let headings: BTreeMap<&str, BTreeSet<String>> =
        pages(files).map(|page| (page.path.as_str(), anchors(page))).collect();
    let mut complaints = Vec::new();
    let mut linked =
        BTreeSet::from(["README.md".to_owned(), "SECURITY.md".to_owned(), "CONTRIBUTING.md".to_owned()]);
    for page in pages(files) {
        for (number, line) in prose(page) {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = if file.is_empty() { page.path.clone() } else { resolve(&page.path, file) };
                let directory = format!("{}/", path.trim_end_matches('/'));
                if !paths.contains(path.as_str()) && !paths.iter().any(|known| known.starts_with(&directory))
                {
                    complaints.push(format!("{}:{number} links to {target}, which is not there", page.path));
                } else if !anchor.is_empty()
                    && !headings.get(path.as_str()).is_some_and(|its| its.contains(anchor))
                {
                    complaints.push(format!("{}:{number}: {path} has no heading #{anchor}", page.path));
                }
                linked.insert(path);
            }
        }
    }
    let orphans = pages(files).filter(|page| page.path != "CHANGELOG.md" && !linked.contains(&page.path));
    complaints.extend(orphans.map(|page| format!("{}: no page links to it", page.path)));
    complaints
}

/// `target` as seen from `page`, without `..`.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// The headings as links name them.
fn anchors(page: &File) -> BTreeSet<String> {
    let headings = prose(page).filter(|(_, line)| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(|(_, heading)| anchor(heading)).collect()
}

/// Figures of the README that were measured: they are those of docs/scaling.md, which a script writes.
pub(crate) fn figures(files: &[File]) -> Vec<String> {
    let text = |path: &str| files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
    let measured = text("docs/scaling.md");
    let section =
        text("README.md").split("\n## ").find(|part| part.starts_with("Does the time fall linearly?"));
    let words =
        section.unwrap_or_default().split([' ', '\n', ';', ',']).map(|word| word.trim_end_matches('.'));
    let figures: Vec<&str> =
        words.filter(|word| word.starts_with("0.") || word.starts_with("peers^")).collect();
    if figures.len() < 2 {
        return vec!["README.md says nothing measured of how the time falls".into()];
    }
    let gone = figures.into_iter().filter(|figure| !measured.contains(figure));
    gone.map(|figure| format!("README.md says {figure}, and docs/scaling.md does not")).collect()
}

/// What a block may be. `sh` and `console` are run by tests/e2e/docs.rs.
const LANGUAGES: [&str; 9] = ["sh", "console", "text", "json", "toml", "yaml", "ini", "rust", "diff"];

pub(crate) fn fences(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for page in pages(files) {
        let mut inside = false;
        for (number, line) in (1..).zip(page.text.lines()) {
            let Some(language) = line.trim_start().strip_prefix("```") else { continue };
            inside = !inside;
            if inside && !LANGUAGES.contains(&language) {
                complaints.push(format!(
                    "{}:{number} opens a block of {language:?}, not one of {LANGUAGES:?}",
                    page.path
                ));
            }
        }
        if inside {
            complaints.push(format!("{} has a block without end", page.path));
        }
    }
    complaints
}

/// Paths in backticks, functions as `Type::function` or `function()`, tests as their long names, `make` targets.
pub(crate) fn names(files: &[File]) -> Vec<String> {
    let functions: BTreeSet<&str> =
        files.iter().filter(|file| file.is(".rs")).flat_map(|file| defined(&file.text)).collect();
    let makefiles = files.iter().filter(|file| file.is("Makefile") || file.is(".mk"));
    let targets: BTreeSet<&str> = makefiles
        .flat_map(|file| file.text.lines())
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(names, _)| names.split_whitespace())
        .collect();
    let mut complaints = Vec::new();
    for page in pages(files).filter(|page| page.path != "CHANGELOG.md") {
        for (number, line) in prose(page) {
            for name in line.split('`').skip(1).step_by(2) {
                let gone = if let Some(path) = as_path(name) {
                    let here = resolve(&page.path, path);
                    !files.iter().any(|file| {
                        [path, here.as_str()].iter().any(|path| {
                            file.path == *path
                                || file.path.starts_with(&format!("{}/", path.trim_end_matches('/')))
                        }) || file.path.ends_with(&format!("/{path}"))
                    })
                } else if let Some(function) = as_function(name) {
                    !functions.contains(function)
                } else if let Some(target) =
                    name.strip_prefix("make ").and_then(|rest| rest.split(' ').next())
                {
                    target.starts_with(|c: char| c.is_ascii_lowercase())
                        && !target.contains('=')
                        && !targets.contains(target)
                } else {
                    false
                };
                if gone {
                    complaints.push(format!("{}:{number} names `{name}`, which is not there", page.path));
                }
            }
        }
    }
    complaints
}

/// Every function, type and variant that a text defines.
fn defined(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| {
        let line = line.trim_start();
        let named = ["fn ", "struct ", "enum ", "trait ", "const ", "static "]
            .into_iter()
            .filter_map(move |word| Some(line.split_once(word)?.1));
        named.chain([line]).filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
    })
}

/// A path of this tree: with a slash or an ending of ours, and nothing that stands for something else.
fn as_path(name: &str) -> Option<&str> {
    let rooms =
        ["proto/", "files/", "daemon/", "ctl/", "tests/", "etc/lineswarm/", "systemd/", "docs/", ".ci/"];
    let sound = name.chars().all(|c| c.is_ascii_alphanumeric() || "/._-@".contains(c));
    let path = name.split(':').next().unwrap_or(name);
    (sound && (rooms.iter().any(|room| path.starts_with(room)) || path.ends_with(".rs"))).then_some(path)
}

fn as_function(name: &str) -> Option<&str> {
    let sound = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if let Some((path, function)) = name.trim_end_matches("()").rsplit_once("::") {
        return (sound(function) && path.split("::").all(sound)).then_some(function);
    }
    if let Some(function) = name.strip_suffix("()") {
        return sound(function).then_some(function);
    }
    // A test: a sentence.
    let sentence = name.matches('_').count() >= 4
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    sentence.then_some(name)
}
