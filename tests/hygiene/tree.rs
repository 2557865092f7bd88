//! The tree as texts: every file of the checkout but what is built. Read once.

use std::{fs, path::Path, sync::OnceLock};

/// A file; its path is relative to the top, with `/`.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is(&self, ending: &str) -> bool {
        self.path.ends_with(ending)
    }

    pub(crate) fn is_in(&self, directory: &str) -> bool {
        self.path.starts_with(directory)
    }

    /// Only tests are in it.
    pub(crate) fn is_test(&self) -> bool {
        self.is_in("tests/") || self.path.contains("/tests/") || self.is("/tests.rs")
    }

    /// Its lines with their numbers, without those of an inline test module (which is the file's last part).
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).take_while(|(_, line)| *line != "#[cfg(test)]")
    }
}

/// Where this checkout lies.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// This checkout.
pub(crate) fn this() -> &'static [File] {
    static TREE: OnceLock<Vec<File>> = OnceLock::new();
    TREE.get_or_init(|| {
        let mut files = Vec::new();
        walk(top(), "", &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(files.len() > 200, "the tree was not found: {} files", files.len());
        files
    })
}

fn walk(directory: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !matches!(name.as_str(), ".git" | "target" | "out" | "work" | "artifacts") {
            walk(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            files.push(File { path, text });
        }
    }
}
