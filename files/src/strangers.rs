//! Who besides us could read or change a file? For secrets: modes alone do not say that.
//!
//! A stranger is anybody but this process's user, root, and those to whom root itself handed the file. Platforms hand out
//! secrets in many ways: systemd with mode 0440 and an access list, Kubernetes as root's with the pod's group, packages as
//! root's with the service's group. What counts is who is behind the bits: the owner, each member of the group, each entry
//! of the access list, everybody, and whoever could put another file in its place. Where that can't be known, the answer is
//! that strangers could.

use crate::Kind;
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt, fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

const ROOT: u32 = 0;
const READ: u32 = 0o4;
const WRITE: u32 = 0o2;
const SEARCH: u32 = 0o1;
const STICKY: u32 = 0o1000;
/// The most links on a way.
const LINKS: usize = 40;
const ACL: &str = "system.posix_acl_access";
const ACL_BYTES: usize = 4096;

/// Somebody who is none of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stranger {
    Everybody,
    /// The owner of a file can give itself any right.
    Owner(String),
    /// A user with an entry of an access list.
    Listed(String),
    Member {
        user: String,
        group: String,
    },
    /// A group whose members can't be known.
    Group(String),
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("everybody"),
            Self::Owner(user) => write!(f, "{user}, its owner,"),
            Self::Listed(user) => write!(f, "{user}, by its access list,"),
            Self::Member { user, group } => write!(f, "{user}, of its group {group},"),
            Self::Group(group) => write!(f, "whoever is in the group {group}"),
        }
    }
}

/// How a stranger could get at a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    pub who: Stranger,
    pub how: How,
    /// The file, or the directory in which it could be replaced.
    pub at: PathBuf,
    pub mode: u32,
    /// Its modes can't be changed from here.
    pub is_read_only: bool,
    pub is_ours: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Read,
    Change,
    Replace,
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, how, at, mode, .. } = self;
        let at = at.display();
        match how {
            How::Read => write!(f, "{who} may read {at}: its mode is {mode:04o}"),
            How::Change => write!(f, "{who} may change {at}: its mode is {mode:04o}"),
            How::Replace => {
                write!(f, "{who} may put another file in its place: the mode of {at} is {mode:04o}")
            }
        }
    }
}

impl Exposure {
    #[must_use]
    pub fn hint(&self) -> String {
        let at = self.at.display();
        match (&self.who, self.how) {
            _ if self.is_read_only => "It is mounted read-only: set its mode where it is handed out \
                (Kubernetes: defaultMode: 0440 and fsGroup; Docker and Podman: mode=0400 and uid=)"
                .into(),
            (Stranger::Owner(_), How::Replace) => {
                format!("Move the file to a directory of your own, or give {at} to root")
            }
            (Stranger::Owner(_), _) => {
                "Copy it to a file of this user with mode 0600, or give it to root and to a group of this user".into()
            }
            (_, How::Replace) => format!("Run chmod go-w {at}, or move the file"),
            (Stranger::Listed(_), _) => format!("Run setfacl -b {at}; chmod 600 {at}"),
            _ if self.is_ours => format!("Run chmod 600 {at}"),
            _ => format!("Let its owner run chmod 600 {at}, or 640 with a group that only this user is in"),
        }
    }
}

/// Users and groups of this machine, as its files name them.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    pub passwd: String,
    pub group: String,
    /// A name service may know more of them than the files.
    pub has_others: bool,
}

impl Accounts {
    #[must_use]
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let services = read("/etc/nsswitch.conf");
        // None of these has members that no file names.
        let known = ["files", "compat", "systemd", "altfiles", "mymachines", "db"];
        let has_others = services
            .lines()
            .filter_map(|line| line.split('#').next()?.split_once(':'))
            .filter(|(base, _)| matches!(base.trim(), "passwd" | "group" | "initgroups"))
            .flat_map(|(_, names)| names.split_whitespace())
            .any(|name| !name.starts_with('[') && !known.contains(&name));
        Self { passwd: read("/etc/passwd"), group: read("/etc/group"), has_others }
    }

    fn user(&self, uid: u32) -> Option<&str> {
        self.passwd.lines().find_map(|line| named(line, uid))
    }

    fn user_name(&self, uid: u32) -> String {
        self.user(uid).map_or_else(|| format!("user {uid}"), str::to_owned)
    }

    fn group(&self, gid: u32) -> Option<&str> {
        self.group.lines().find_map(|line| named(line, gid))
    }

    /// Who has a group: as an entry of it says, or as its own first group.
    fn members(&self, gid: u32) -> BTreeSet<&str> {
        let line = self.group.lines().find(|line| named(line, gid).is_some());
        let listed = line.and_then(|line| line.split(':').nth(3)).unwrap_or_default();
        let primary = self.passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(2)?.parse() == Ok(gid)).then_some(name)
        });
        listed.split(',').map(str::trim).filter(|name| !name.is_empty()).chain(primary).collect()
    }
}

/// Both files have the name first and the number third.
fn named(line: &str, id: u32) -> Option<&str> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    (fields.nth(1)?.parse() == Ok(id)).then_some(name)
}

/// What a file says of who may do what.
#[derive(Clone, Debug)]
struct Rights {
    mode: u32,
    uid: u32,
    acl: Vec<Entry>,
}

/// One of an access list that names somebody, with the mask taken into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    User(u32, u32),
    Group(u32, u32),
}

impl Rights {
    fn of(path: &Path, facts: &fs::Metadata) -> Self {
        let mut bytes = [0; ACL_BYTES];
        let (uid, gid, mode) = (facts.uid(), facts.gid(), facts.mode() & 0o7777);
        // Links have none, and where there are no access lists there is none to be read.
        let read = match facts.is_symlink() {
            true => None,
            false => rustix::fs::getxattr(path, ACL, &mut bytes).ok(),
        };
        let acl = read.and_then(|length| bytes.get(..length)).map(|acl| entries(acl, gid));
        let acl = acl.unwrap_or_else(|| vec![Entry::Group(gid, mode >> 3 & 0o7)]);
        Self { mode, uid, acl }
    }
}

/// The kernel's form: a version, then (tag, permissions, id) of two, two and four bytes each.
fn entries(acl: &[u8], owning_group: u32) -> Vec<Entry> {
    const USER: u16 = 0x02;
    const GROUP_OBJ: u16 = 0x04;
    const GROUP: u16 = 0x08;
    const MASK: u16 = 0x10;
    let parsed: Vec<(u16, u32, u32)> = acl
        .get(4..)
        .unwrap_or_default()
        .chunks_exact(8)
        .filter_map(|entry| {
            let (tag, rest) = entry.split_first_chunk::<2>()?;
            let (bits, id) = rest.split_first_chunk::<2>()?;
            let id = u32::from_le_bytes(id.try_into().ok()?);
            Some((u16::from_le_bytes(*tag), u32::from(u16::from_le_bytes(*bits)), id))
        })
        .collect();
    let mask = parsed.iter().find(|(tag, ..)| *tag == MASK).map_or(0o7, |(_, bits, _)| *bits);
    let entry = |&(tag, bits, id): &(u16, u32, u32)| match tag {
        USER => Some(Entry::User(id, bits & mask)),
        GROUP => Some(Entry::Group(id, bits & mask)),
        GROUP_OBJ => Some(Entry::Group(owning_group, bits & mask)),
        _ => None,
    };
    parsed.iter().filter_map(entry).collect()
}

/// This process, and whom it is among.
#[derive(Clone, Debug)]
pub struct Judge {
    uid: u32,
    gids: BTreeSet<u32>,
    accounts: Accounts,
    /// What the service manager handed out, if it did.
    credentials: Option<PathBuf>,
    /// In a user namespace: the id that stands for all that are not mapped.
    unmapped: Option<u32>,
}

impl Judge {
    /// As this process is now. `credentials` is `$CREDENTIALS_DIRECTORY`.
    #[must_use]
    pub fn here(credentials: Option<&Path>) -> Self {
        let groups = rustix::process::getgroups().unwrap_or_default();
        let gids = groups.into_iter().chain([rustix::process::getegid()]).map(rustix::process::Gid::as_raw);
        Self {
            uid: rustix::process::geteuid().as_raw(),
            gids: gids.collect(),
            accounts: Accounts::here(),
            credentials: credentials.and_then(|path| path.canonicalize().ok()),
            unmapped: unmapped(),
        }
    }

    /// Somebody who could read or change the secret at `path`, or put another in its place. An error if it can't be
    /// looked at.
    pub fn exposure(&self, path: &Path) -> io::Result<Option<Exposure>> {
        let facts = fs::metadata(path)?;
        let real = path.canonicalize()?;
        let rights = Rights::of(&real, &facts);
        if self.credentials.as_ref().is_some_and(|handed_out| real.starts_with(handed_out)) {
            let open = rights.mode & (READ | WRITE);
            let how = if open & WRITE == 0 { How::Read } else { How::Change };
            return Ok((open != 0).then(|| self.exposed(Stranger::Everybody, how, &real, &rights)));
        }
        match self.in_itself(&real, &rights) {
            Some(found) => Ok(Some(found)),
            None => self.on_the_way(path),
        }
    }

    /// The same of the file alone, wherever it lies.
    pub fn of_file(&self, path: &Path) -> io::Result<Option<Exposure>> {
        Ok(self.in_itself(path, &Rights::of(path, &fs::metadata(path)?)))
    }

    /// The same, but for the owner, who is known to be nobody.
    pub fn as_if_owned(&self, path: &Path) -> io::Result<Option<Exposure>> {
        let rights = Rights { uid: self.uid, ..Rights::of(path, &fs::metadata(path)?) };
        Ok(self.in_itself(path, &rights))
    }

    fn in_itself(&self, path: &Path, rights: &Rights) -> Option<Exposure> {
        let found = self.who_may(rights, WRITE).map(|who| (who, How::Change));
        let found = found.or_else(|| self.who_may(rights, READ).map(|who| (who, How::Read)));
        found.map(|(who, how)| self.exposed(who, how, path, rights))
    }

    /// Could a stranger get to what stands at `path` at all?
    pub fn is_reachable(&self, path: &Path) -> io::Result<bool> {
        let mut reachable = true;
        self.walk(path, |_, _, directory, _| {
            reachable &= self.who_may(directory, SEARCH).is_some();
            None::<()>
        })?;
        Ok(reachable)
    }

    /// The owner of a file, if it is neither ours nor root's, by name if it has an account.
    #[must_use]
    pub fn foreign_owner(&self, uid: u32) -> Option<String> {
        (!self.is_ours(uid)).then(|| self.accounts.user_name(uid))
    }

    /// Is there certainly nobody behind this user? So it is with a user that another container of the same volume had.
    #[must_use]
    pub fn is_nobody(&self, uid: u32) -> bool {
        !self.accounts.has_others && self.accounts.user(uid).is_none()
    }

    /// A stranger with any of the rights `bits`.
    fn who_may(&self, rights: &Rights, bits: u32) -> Option<Stranger> {
        let &Rights { mode, uid, .. } = rights;
        if mode & bits != 0 {
            return Some(Stranger::Everybody);
        }
        if !self.is_ours(uid) {
            return Some(Stranger::Owner(self.accounts.user_name(uid)));
        }
        rights.acl.iter().find_map(|entry| match *entry {
            Entry::User(who, its) if its & bits != 0 && !self.is_ours(who) => {
                Some(Stranger::Listed(self.accounts.user_name(who)))
            }
            // Root gave the file to a group of ours: who else is in it is root's decision.
            Entry::Group(gid, its) if its & bits == READ && uid == ROOT && self.gids.contains(&gid) => None,
            Entry::Group(gid, its) if its & bits != 0 => self.stranger_in(gid),
            _ => None,
        })
    }

    fn is_ours(&self, uid: u32) -> bool {
        uid == self.uid || uid == ROOT || self.unmapped == Some(uid)
    }

    /// A member of a group who is none of ours; or the group, if its members can't be known.
    fn stranger_in(&self, gid: u32) -> Option<Stranger> {
        let accounts = &self.accounts;
        let name = || accounts.group(gid).map_or_else(|| gid.to_string(), str::to_owned);
        let (me, root) = (accounts.user(self.uid), accounts.user(ROOT).unwrap_or("root"));
        let others = accounts.members(gid);
        if let Some(user) = others.into_iter().find(|user| Some(*user) != me && *user != root) {
            return Some(Stranger::Member { user: user.into(), group: name() });
        }
        // Root's own group, and the group that bears a user's name, are nobody else's.
        let own = gid == ROOT || (accounts.group(gid).is_some() && accounts.group(gid) == me);
        let known = own
            || (!accounts.has_others && (self.gids.contains(&gid) || accounts.group(gid).is_some()))
            || self.unmapped == Some(gid);
        (!known).then(|| Stranger::Group(name()))
    }

    /// A directory on the way in which a stranger could replace what leads to the file.
    fn on_the_way(&self, path: &Path) -> io::Result<Option<Exposure>> {
        let mut reachable = true;
        self.walk(path, |at, entry, directory, facts| {
            // The owner of what stands in a sticky directory, and nobody else, may replace it.
            let guarded = directory.mode & STICKY != 0 && self.is_ours(facts.uid());
            let writer = self.who_may(directory, WRITE).filter(|_| reachable);
            reachable &= self.who_may(directory, SEARCH).is_some();
            let _ = entry;
            let writer = writer.filter(|who| !guarded || matches!(who, Stranger::Owner(_)));
            writer.map(|who| self.exposed(who, How::Replace, at, directory))
        })
    }

    /// Goes from the root to `path` through every link; `look` gets each directory, what is taken of it, the rights of the
    /// directory and the facts of that. Ends with the first find.
    fn walk<T>(
        &self,
        path: &Path,
        mut look: impl FnMut(&Path, &Path, &Rights, &fs::Metadata) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let path = std::path::absolute(path)?;
        let parts = |path: &Path| -> Vec<OsString> {
            let parts =
                path.components().filter(|part| !matches!(part, Component::RootDir | Component::CurDir));
            parts.map(|part| part.as_os_str().to_owned()).rev().collect()
        };
        let (mut at, mut to_go, mut links) = (PathBuf::from("/"), parts(&path), 0);
        while let Some(part) = to_go.pop() {
            if part == ".." {
                at.pop();
                continue;
            }
            let entry = at.join(&part);
            let facts = fs::symlink_metadata(&entry)?;
            let directory = Rights::of(&at, &fs::metadata(&at)?);
            if let Some(found) = look(&at, &entry, &directory, &facts) {
                return Ok(Some(found));
            }
            if facts.is_symlink() {
                links += 1;
                if links > LINKS {
                    return Err(rustix::io::Errno::LOOP.into());
                }
                let target = fs::read_link(&entry)?;
                if target.is_absolute() {
                    at = "/".into();
                }
                to_go.extend(parts(&target));
            } else if Kind::of(&facts) == Kind::Directory {
                at = entry;
            }
        }
        Ok(None)
    }

    fn exposed(&self, who: Stranger, how: How, at: &Path, rights: &Rights) -> Exposure {
        let is_read_only = statvfs(at).is_ok_and(|its| its.f_flag.contains(StatVfsMountFlags::RDONLY));
        let is_ours = rights.uid == self.uid || self.uid == ROOT;
        Exposure { who, how, at: at.into(), mode: rights.mode, is_read_only, is_ours }
    }
}

/// The id of whatever is not mapped into this user namespace; `None` where everything is.
fn unmapped() -> Option<u32> {
    let map = fs::read_to_string("/proc/self/uid_map").ok()?;
    let whole = map.lines().any(|line| line.split_whitespace().eq(["0", "0", "4294967295"]));
    let id =
        fs::read_to_string("/proc/sys/kernel/overflowuid").ok().and_then(|text| text.trim().parse().ok());
    (!whole).then(|| id.unwrap_or(65_534))
}

/// Takes away every right of group and others but `left`, if the file is ours to change. Gives the modes before and after
/// if that did it; an access list loses its rights with them.
pub fn close(path: &Path, left: u32) -> io::Result<Option<(u32, u32)>> {
    let facts = fs::symlink_metadata(path)?;
    let before = facts.mode() & 0o7777;
    let after = closed(before, left);
    if after == before || facts.is_symlink() {
        return Ok(None);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(after))?;
    let now = fs::symlink_metadata(path)?.mode() & 0o7777;
    Ok((now == after).then_some((before, after)))
}

/// The mode that [`close`] leaves.
#[must_use]
pub fn closed(mode: u32, left: u32) -> u32 {
    mode & !(0o7077 & !left)
}

#[cfg(test)]
mod tests;
