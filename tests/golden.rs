//! Texts that are kept in the repository and made by a program: a test makes them again and compares; UPDATE=1
//! rewrites them instead. Part of each test crate that has such texts.

use std::{fs, path::Path};

/// `path` is that of the repository.
#[track_caller]
pub(crate) fn is_kept(path: &str, text: &str) {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os("UPDATE").is_some_and(|update| update == "1") {
        fs::create_dir_all(place.parent().expect("a directory")).expect("it can be made");
        fs::write(&place, text).expect("it can be written");
        return;
    }
    let kept = fs::read_to_string(&place).unwrap_or_default();
    if kept != text {
        let at = kept.lines().zip(text.lines()).take_while(|(kept, made)| kept == made).count();
        panic!(
            "{path} is not what is made now, from line {}:\n  kept: {:?}\n  made: {:?}\nif the new text is right: \
             UPDATE=1 make test",
            at + 1,
            kept.lines().nth(at),
            text.lines().nth(at)
        );
    }
}
