//! Names of users and groups, for error messages only.
//!
//! Reads /etc/passwd and /etc/group: good enough to be understood, and without a name service there is a number.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Who runs this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    pub user: String,
}

/// Whose a socket is and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketOwner {
    pub user: String,
    pub group: String,
    pub gid: u32,
    /// The permission bits.
    pub mode: u32,
}

/// Who runs this program.
#[must_use]
pub fn me() -> Me {
    Me { user: user_name(rustix::process::geteuid().as_raw()) }
}

/// None if the socket cannot even be looked at.
#[must_use]
pub fn owner_of(path: &Path) -> Option<SocketOwner> {
    let facts = fs::metadata(path).ok()?;
    Some(SocketOwner {
        user: user_name(facts.uid()),
        group: name_in("/etc/group", facts.gid()),
        gid: facts.gid(),
        mode: facts.mode() & 0o7777,
    })
}

fn user_name(uid: u32) -> String {
    name_in("/etc/passwd", uid)
}

fn name_in(file: &str, id: u32) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    name_of(&text, id).map_or_else(|| id.to_string(), str::to_owned)
}

/// Both files have the name first and the number third.
fn name_of(text: &str, id: u32) -> Option<&str> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_number() {
        let text = "root:x:0:0:root:/root:/bin/sh\nbroken\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_of(text, 1000), Some("alice"));
        assert_eq!(name_of(text, 0), Some("root"));
        assert_eq!(name_of(text, 7), None);
    }
}
