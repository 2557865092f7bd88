//! Writes down what the store asks of the disk, for directories that a test watches (`crash.rs`).

use super::super::tests::crash_disk::{Disk, Node, Op, ROOT};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

static WATCHED: Mutex<Vec<Recording>> = Mutex::new(Vec::new());

/// The calls on a directory since it is watched, and all below it.
#[derive(Debug)]
pub(in crate::store) struct Recording {
    root: PathBuf,
    pub(in crate::store) ops: Vec<Op>,
    /// As those who run see it: tells files that are opened from files that are created.
    disk: Disk,
    /// By inode.
    nodes: BTreeMap<u64, Node>,
    last: Node,
}

/// Watches an empty directory.
pub(in crate::store) fn watch(root: &Path) {
    let recording = Recording {
        root: root.into(),
        ops: Vec::new(),
        disk: Disk::default(),
        nodes: BTreeMap::new(),
        last: ROOT,
    };
    lock().push(recording);
}

/// How many calls there were.
pub(in crate::store) fn count(root: &Path) -> usize {
    lock().iter().find(|recording| recording.root == root).map_or(0, |recording| recording.ops.len())
}

/// No more of it.
pub(in crate::store) fn unwatch(root: &Path) -> Vec<Op> {
    let mut all = lock();
    let at = all.iter().position(|recording| recording.root == root).expect("it is watched");
    all.swap_remove(at).ops
}

fn lock() -> MutexGuard<'static, Vec<Recording>> {
    WATCHED.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What is done with a path of a watched directory.
fn at(path: &Path, note: impl FnOnce(&mut Recording, PathBuf)) {
    for recording in lock().iter_mut() {
        if let Ok(below) = path.strip_prefix(&recording.root) {
            return note(recording, below.to_owned());
        }
    }
}

/// What is done with an open file of a watched directory.
fn of(file: &File, note: impl FnOnce(&mut Recording, Node)) {
    let inode = file.metadata().expect("an open file").ino();
    for recording in lock().iter_mut() {
        if let Some(&node) = recording.nodes.get(&inode) {
            return note(recording, node);
        }
    }
}

impl Recording {
    fn push(&mut self, op: Op) {
        self.disk.apply(&op);
        self.ops.push(op);
    }

    fn new_node(&mut self, inode: u64) -> Node {
        self.last += 1;
        self.nodes.insert(inode, self.last);
        self.last
    }
}

pub(in crate::store) fn opened(path: &Path, file: &File) {
    at(path, |recording, path| {
        if recording.disk.find(&path).is_none() {
            let node = recording.new_node(file.metadata().expect("an open file").ino());
            recording.push(Op::CreateFile { path, node });
        }
    });
}

pub(in crate::store) fn created_dir(path: &Path) {
    let inode = fs::metadata(path).expect("a new directory").ino();
    at(path, |recording, path| {
        let node = recording.new_node(inode);
        recording.push(Op::CreateDir { path, node });
    });
}

pub(in crate::store) fn written(file: &File, bytes: &[u8], at: u64) {
    of(file, |recording, node| recording.push(Op::Write { node, at, bytes: bytes.to_vec() }));
}

pub(in crate::store) fn cut(file: &File, length: u64) {
    of(file, |recording, node| recording.push(Op::SetLen { node, length }));
}

pub(in crate::store) fn synced(file: &File) {
    of(file, |recording, node| recording.push(Op::SyncFile { node }));
}

pub(in crate::store) fn synced_dir(path: &Path) {
    at(path, |recording, path| recording.push(Op::SyncDir { path }));
}

pub(in crate::store) fn renamed(from: &Path, to: &Path) {
    at(from, |recording, from| {
        if let Ok(to) = to.strip_prefix(&recording.root) {
            let to = to.to_owned();
            recording.push(Op::Rename { from, to });
        }
    });
}

pub(in crate::store) fn removed(path: &Path) {
    at(path, |recording, path| recording.push(Op::Remove { path }));
}
