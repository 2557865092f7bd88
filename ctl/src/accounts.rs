//! Names of users and groups, and what they may do, for messages only.
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

/// What somebody may do with a control socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub me: String,
    pub owner: SocketOwner,
    pub may_write: bool,
    /// The group names this user, whether or not this session has the group.
    pub is_listed: bool,
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

/// What you may do with it; None if it can't be looked at.
#[must_use]
pub fn access_to(path: &Path) -> Option<Access> {
    let (owner, me) = (owner_of(path)?, me().user);
    let may_write = rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
    let groups = fs::read_to_string("/etc/group").unwrap_or_default();
    let is_listed = lists(&groups, owner.gid, &me);
    Some(Access { me, owner, may_write, is_listed })
}

/// Is the user a member of the group, as /etc/group has it?
fn lists(groups: &str, gid: u32, user: &str) -> bool {
    groups.lines().any(|line| {
        let mut fields = line.split(':').skip(2);
        fields.next().and_then(|number| number.parse().ok()) == Some(gid)
            && fields.next().is_some_and(|members| members.split(',').any(|member| member == user))
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

    #[test]
    fn a_member_is_found_in_its_group() {
        let groups = "root:x:0:\nlineswarm:x:99:alice,bob\n";
        assert!(lists(groups, 99, "bob") && !lists(groups, 99, "eve") && !lists(groups, 0, "bob"));
    }
}
