use super::*;
use std::os::unix::fs::symlink;

const ME: u32 = 1000;

fn accounts(has_others: bool) -> Accounts {
    Accounts {
        passwd: "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nbob:x:1001:100::/:/bin/sh\n".into(),
        group: "root:x:0:\nalice:x:1000:\nusers:x:100:\nlineswarm:x:99:carol\nempty:x:98:\n".into(),
        has_others,
    }
}

fn judge(uid: u32, gids: &[u32]) -> Judge {
    let gids = gids.iter().copied().collect();
    Judge { uid, gids, accounts: accounts(false), credentials: None, unmapped: None }
}

fn rights(mode: u32, uid: u32, gid: u32) -> Rights {
    Rights { mode, uid, acl: vec![Entry::Group(gid, mode >> 3 & 0o7)] }
}

fn may(judge: &Judge, rights: &Rights) -> Option<String> {
    judge.who_may(rights, READ | WRITE).map(|who| who.to_string())
}

#[test]
fn who_counts_is_who_is_behind_the_bits() {
    let alice = judge(ME, &[1000, 100, 2000]);
    for (mode, uid, gid, stranger) in [
        (0o600, ME, 100, None),
        (0o400, 0, 0, None),
        (0o604, ME, 1000, Some("everybody")),
        (0o602, 0, 0, Some("everybody")),
        (0o600, 1001, 1000, Some("bob, its owner,")),
        (0o600, 4711, 1000, Some("user 4711, its owner,")),
        // A group of one's own, of nobody, of root; one that others are in.
        (0o660, ME, 1000, None),
        (0o640, ME, 98, None),
        (0o640, ME, 0, None),
        (0o640, ME, 100, Some("bob, of its group users,")),
        (0o640, ME, 99, Some("carol, of its group lineswarm,")),
        // A pod's group, which no file names; and one that is not the pod's.
        (0o440, 0, 2000, None),
        (0o660, ME, 2000, None),
        (0o660, 0, 2000, None),
        (0o640, ME, 2001, Some("whoever is in the group 2001")),
        // Root gave it to a group of ours, to read.
        (0o640, 0, 100, None),
        (0o660, 0, 100, Some("bob, of its group users,")),
        (0o640, 0, 99, Some("carol, of its group lineswarm,")),
    ] {
        let found = may(&alice, &rights(mode, uid, gid));
        assert_eq!(found.as_deref(), stranger, "{mode:04o} {uid}:{gid}");
    }
}

#[test]
fn where_a_name_service_may_know_more_members_only_roots_word_counts() {
    let alice = Judge { accounts: accounts(true), ..judge(ME, &[1000, 2000]) };
    assert_eq!(may(&alice, &rights(0o440, 0, 2000)), None);
    assert_eq!(may(&alice, &rights(0o640, ME, 1000)), None, "the group that bears her name");
    for (mode, uid, gid) in [(0o640, ME, 2000), (0o660, 0, 2000), (0o640, ME, 98)] {
        assert!(may(&alice, &rights(mode, uid, gid)).is_some(), "{mode:04o} {uid}:{gid}");
    }
    assert!(!alice.is_nobody(4711) && judge(ME, &[]).is_nobody(4711) && !judge(ME, &[]).is_nobody(1001));
}

#[test]
fn an_access_list_counts_with_its_mask() {
    let entry = |tag: u16, bits: u16, id: u32| {
        [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let list = |user: u32, mask: u16| {
        let none = u32::MAX;
        let parts = [
            2u32.to_le_bytes().to_vec(),
            entry(0x01, 6, none),
            entry(0x02, 4, user),
            entry(0x04, 0, none),
            entry(0x10, mask, none),
            entry(0x20, 0, none),
        ];
        parts.concat()
    };
    let alice = judge(ME, &[1000]);
    let with = |user, mask| Rights { acl: entries(&list(user, mask), 0), ..rights(0o640, 0, 0) };
    assert_eq!(may(&alice, &with(ME, 4)), None, "as systemd hands out credentials");
    assert_eq!(may(&alice, &with(1001, 4)).as_deref(), Some("bob, by its access list,"));
    assert_eq!(may(&alice, &with(1001, 0)), None, "the mask leaves nothing of it");
    assert!(entries(&[2, 0, 0, 0, 1], 0).is_empty());
}

/// A file of this process, and a judge for which nobody else is known.
fn own(at: &Path) -> (Judge, PathBuf) {
    let path = at.join("key");
    fs::write(&path, "secret").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
    (Judge { accounts: accounts(true), ..Judge::here(None) }, path)
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_directory_that_others_may_write_to_exposes_what_is_in_it_unless_it_is_sticky_or_cannot_be_reached() {
    let top = tempfile::tempdir().unwrap();
    let at = top.path().join("at");
    fs::create_dir(&at).unwrap();
    let (judge, path) = own(&at);
    set(top.path(), 0o755);
    let exposure = || judge.exposure(&path).unwrap();
    assert_eq!(exposure(), None);
    for (mode, exposed) in [(0o777, true), (0o1777, false), (0o757, true), (0o700, false)] {
        set(&at, mode);
        assert_eq!(exposure().map(|its| its.how), exposed.then_some(How::Replace), "{mode:04o}");
    }
    set(&at, 0o777);
    set(top.path(), 0o700);
    assert_eq!(exposure(), None, "nobody gets there");
    assert!(!judge.is_reachable(&path).unwrap());
    set(top.path(), 0o755);
    assert!(exposure().unwrap().hint().contains("chmod go-w"));
    // The link lies well, what it leads to does not; and the other way round.
    let good = top.path().join("good");
    fs::create_dir(&good).unwrap();
    set(&good, 0o755);
    symlink("../at", good.join("data")).unwrap();
    assert!(judge.exposure(&good.join("data/key")).unwrap().is_some());
    fs::write(good.join("key"), "secret").unwrap();
    set(&good.join("key"), 0o600);
    symlink("../good/key", at.join("link")).unwrap();
    assert!(judge.exposure(&at.join("link")).unwrap().is_some());
    set(&at, 0o755);
    assert_eq!(judge.exposure(&at.join("link")).unwrap(), None);
}

#[test]
fn what_the_service_manager_handed_out_is_taken_unless_everybody_may_have_it() {
    let top = tempfile::tempdir().unwrap();
    let (mut judge, path) = own(top.path());
    judge.credentials = Some(top.path().canonicalize().unwrap());
    for (mode, exposed) in [(0o440, false), (0o400, false), (0o660, false), (0o444, true), (0o602, true)] {
        set(&path, mode);
        assert_eq!(judge.exposure(&path).unwrap().is_some(), exposed, "{mode:04o}");
    }
}

#[test]
fn rights_are_taken_away_once() {
    let top = tempfile::tempdir().unwrap();
    let (_, path) = own(top.path());
    for (mode, left, after) in
        [(0o660, 0, 0o600), (0o666, 0, 0o600), (0o664, 0o055, 0o644), (0o777, 0, 0o700), (0o440, 0, 0o400)]
    {
        set(&path, mode);
        assert_eq!(close(&path, left).unwrap(), Some((mode, after)));
        assert_eq!(close(&path, left).unwrap(), None);
    }
}
