//! Paths as people write them: a leading `~/` is the home directory, as in a shell.
//!
//! A shell expands `--out ~/x` and not `--out=~/x`, and nobody expands a configuration file; without this a directory
//! named `~` would be made.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Why a path can't be taken as it is written. Says why; [`PathError::hint`] says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("{0} begins with ~, and there is no HOME")]
    NoHome(String),
    #[error("{0} begins with ~ and a user's name, which is not expanded")]
    OtherHome(String),
    #[error("{0} begins with a variable, which is not expanded")]
    Variable(String),
    #[error("{0} holds a zero byte, which no path may have")]
    Zero(String),
}

impl PathError {
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoHome(_) => "Set HOME, or write the whole path".into(),
            Self::OtherHome(path) => {
                format!("Write the whole path of that home directory, or ./{path} for a file of this name")
            }
            Self::Variable(_) => "Write the whole path, or one that begins with ~/".into(),
            Self::Zero(_) => "Write it without".into(),
        }
    }
}

/// This process's home directory, if the environment names one.
#[must_use]
pub fn home() -> Option<PathBuf> {
    usable_home(&std::env::var_os("HOME")?)
}

/// A home directory that can be put in the place of `~`.
#[must_use]
pub fn usable_home(home: &OsStr) -> Option<PathBuf> {
    let home = Path::new(home);
    home.is_absolute().then(|| home.into())
}

/// Puts `home` in the place of a leading `~`.
pub fn expand(path: &Path, home: Option<&Path>) -> Result<PathBuf, PathError> {
    let bytes = path.as_os_str().as_bytes();
    let shown = || path.display().to_string();
    if bytes.contains(&0) {
        return Err(PathError::Zero(shown().replace('\0', "\\0")));
    }
    let Some(rest) = bytes.strip_prefix(b"~") else { return Ok(path.into()) };
    if !rest.is_empty() && !rest.starts_with(b"/") {
        return Err(PathError::OtherHome(shown()));
    }
    let home = home.ok_or_else(|| PathError::NoHome(shown()))?;
    let below = rest.iter().position(|byte| *byte != b'/').and_then(|at| rest.get(at..));
    Ok(below.map_or_else(|| home.into(), |below| home.join(OsStr::from_bytes(below))))
}

/// The same in a setting, where a variable may have been meant as well.
pub fn expand_setting(path: &Path, home: Option<&Path>) -> Result<PathBuf, PathError> {
    if path.as_os_str().as_bytes().starts_with(b"$") {
        return Err(PathError::Variable(path.display().to_string()));
    }
    expand(path, home)
}

/// For arguments: with this process's home directory; an error is one text.
pub fn argument<T: AsRef<OsStr>>(text: T) -> Result<PathBuf, String> {
    let text = text.as_ref();
    if text.is_empty() {
        return Err("a path is not empty".into());
    }
    expand(Path::new(text), home().as_deref()).map_err(|error| format!("{error}. {}", error.hint()))
}

/// The directory that a path's last part stands in.
#[must_use]
pub fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(path: &str, home: Option<&str>) -> Result<String, PathError> {
        expand(Path::new(path), home.map(Path::new)).map(|path| path.display().to_string())
    }

    #[test]
    fn a_leading_tilde_is_the_home_directory_and_no_other_is() {
        let home = Some("/h/a");
        for (written, meant) in [
            ("~", "/h/a"),
            ("~/", "/h/a"),
            ("~/x/y", "/h/a/x/y"),
            ("~//x", "/h/a/x"),
            ("/~/x", "/~/x"),
            ("./~/x", "./~/x"),
            ("x~", "x~"),
            ("x/~/y", "x/~/y"),
            ("", ""),
        ] {
            assert_eq!(expanded(written, home), Ok(meant.into()), "{written}");
        }
    }

    #[test]
    fn what_cannot_be_expanded_is_refused_with_its_hint() {
        for (path, home, word) in [
            ("~bob/x", Some("/h"), "whole path"),
            ("~bob", Some("/h"), "./~bob"),
            ("~/x", None, "Set HOME"),
            ("a\0b", Some("/h"), "without"),
        ] {
            let error = expanded(path, home).unwrap_err();
            assert!(error.hint().contains(word), "{path}: {}", error.hint());
        }
        for path in ["$HOME/x", "${HOME}/x"] {
            assert!(matches!(expand_setting(Path::new(path), None), Err(PathError::Variable(_))));
        }
        assert_eq!(usable_home(OsStr::new("")), None);
        assert_eq!(usable_home(OsStr::new("here")), None);
    }
}
