//! What a power cut may leave of a directory, from the system calls that changed it.
//!
//! POSIX promises little: until a file is synced each write to it may be lost, torn or zero-filled, whatever came before or
//! after it; until a directory is synced the same holds for each of its names. So a state of the disk after call number k
//! is what was synced by then, and any choice of the rest.
//!
//! Used by the store's own tests, which record inside the store, and by `tests/crash`, which traces a real daemon.

use std::collections::{BTreeMap, btree_map::Entry};
use std::fs;
use std::path::{Path, PathBuf};

/// Names a file or directory for good, whatever it is called.
pub(crate) type Node = usize;

/// The watched directory.
pub(crate) const ROOT: Node = 0;

/// A system call that succeeded. Paths are relative to the watched directory.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    CreateFile { path: PathBuf, node: Node },
    CreateDir { path: PathBuf, node: Node },
    Write { node: Node, at: u64, bytes: Vec<u8> },
    SetLen { node: Node, length: u64 },
    SyncFile { node: Node },
    SyncDir { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf },
    Remove { path: PathBuf },
}

/// What a file may yet lose.
#[derive(Clone, Debug)]
enum Change {
    Write { at: u64, bytes: Vec<u8> },
    SetLen(u64),
}

/// What a directory may yet lose: the names of one call, which come and go together.
type Names = Vec<(String, Option<Node>)>;

#[derive(Clone, Debug)]
enum Thing {
    File { synced: Vec<u8>, waiting: Vec<Change> },
    Dir { synced: BTreeMap<String, Node>, waiting: Vec<Names> },
}

/// The disk after some calls: what is on it for good, and what is not.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    things: BTreeMap<Node, Thing>,
}

/// What becomes of something that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    Kept,
    Lost,
    /// The first bytes are written.
    Torn(usize),
    /// Of the blocks of 512 bytes those of this pattern.
    Blocks(u64),
    /// The file is as long as it should be, and has zeros there.
    Zeros,
}

/// A directory as a power cut may leave it: path and content, or none for a directory.
pub(crate) type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

const BLOCK: usize = 512;
/// Crashes with one thing lost, alone or in part; and for each thing that waits some at random.
const ONE: usize = 8;
const MIXED: usize = 4;
/// See [`Lot::Torn`].
const HALF: usize = usize::MAX / 2;
const ALMOST: usize = usize::MAX;

impl Default for Disk {
    fn default() -> Self {
        let root = Thing::Dir { synced: BTreeMap::new(), waiting: Vec::new() };
        Self { things: BTreeMap::from([(ROOT, root)]) }
    }
}

impl Disk {
    /// One more call.
    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::CreateFile { path, node } => {
                self.things.insert(*node, Thing::File { synced: Vec::new(), waiting: Vec::new() });
                self.name(path, Some(*node));
            }
            Op::CreateDir { path, node } => {
                self.things.insert(*node, Thing::Dir { synced: BTreeMap::new(), waiting: Vec::new() });
                self.name(path, Some(*node));
            }
            Op::Write { node, at, bytes } => {
                self.waiting(*node).push(Change::Write { at: *at, bytes: bytes.clone() });
            }
            Op::SetLen { node, length } => self.waiting(*node).push(Change::SetLen(*length)),
            Op::SyncFile { node } => {
                if let Some(Thing::File { synced, waiting }) = self.things.get_mut(node) {
                    waiting.drain(..).for_each(|change| change.happen(synced, Lot::Kept));
                }
            }
            Op::SyncDir { path } => {
                let node = self.find(path);
                if let Some(Thing::Dir { synced, waiting }) = node.and_then(|node| self.things.get_mut(&node))
                {
                    waiting.drain(..).for_each(|names| happen(names, synced));
                }
            }
            Op::Rename { from, to } => {
                let node = self.find(from);
                if from.parent() == to.parent() {
                    let names = vec![(name_of(from), None), (name_of(to), node)];
                    self.dir(from).push(names);
                } else {
                    // In two directories: each may be lost without the other.
                    self.name(to, node);
                    self.name(from, None);
                }
            }
            Op::Remove { path } => self.name(path, None),
        }
    }

    fn name(&mut self, path: &Path, node: Option<Node>) {
        self.dir(path).push(vec![(name_of(path), node)]);
    }

    /// What waits in the directory that has the last part of `path`.
    fn dir(&mut self, path: &Path) -> &mut Vec<Names> {
        let parent = self.find(path.parent().unwrap_or(Path::new(""))).expect("the parent is there");
        match self.things.get_mut(&parent) {
            Some(Thing::Dir { waiting, .. }) => waiting,
            _ => panic!("{} is in no directory", path.display()),
        }
    }

    fn waiting(&mut self, node: Node) -> &mut Vec<Change> {
        match self.things.get_mut(&node) {
            Some(Thing::File { waiting, .. }) => waiting,
            _ => panic!("node {node} is no file"),
        }
    }

    /// What has this path now, for those who run.
    pub(crate) fn find(&self, path: &Path) -> Option<Node> {
        path.iter().try_fold(ROOT, |node, part| match self.things.get(&node)? {
            Thing::Dir { synced, waiting } => {
                let mut names = synced.clone();
                waiting.iter().for_each(|change| happen(change.clone(), &mut names));
                names.get(part.to_str()?).copied()
            }
            Thing::File { .. } => None,
        })
    }

    /// How many things wait.
    fn waits(&self) -> usize {
        let count = |thing: &Thing| match thing {
            Thing::File { waiting, .. } => waiting.len(),
            Thing::Dir { waiting, .. } => waiting.len(),
        };
        self.things.values().map(count).sum()
    }

    /// Everything as those who run see it.
    pub(crate) fn now(&self) -> Tree {
        self.left(&mut |_| Lot::Kept)
    }

    /// How many crashes [`Disk::crash`] knows now.
    pub(crate) fn crashes(&self) -> usize {
        let waits = self.waits();
        2 + waits * ONE + if waits > 1 { waits * MIXED } else { 0 }
    }

    /// What a power cut may leave now: all, nothing, all but one, only one, one in part; then choices at random.
    pub(crate) fn crash(&self, number: usize, random: &mut impl FnMut() -> u64) -> Tree {
        match (number, number.saturating_sub(2) / ONE, number.saturating_sub(2) % ONE) {
            (0, ..) => self.now(),
            (1, ..) => self.left(&mut |_| Lot::Lost),
            (_, one, 1) if one < self.waits() => {
                self.left(&mut |at| if at == one { Lot::Kept } else { Lot::Lost })
            }
            (_, one, part) if one < self.waits() => {
                let lot = match part {
                    0 => Lot::Lost,
                    2 => Lot::Zeros,
                    3 => Lot::Torn(1),
                    4 => Lot::Torn(HALF),
                    5 => Lot::Torn(ALMOST),
                    _ => Lot::Blocks(random()),
                };
                self.left(&mut |at| if at == one { lot } else { Lot::Kept })
            }
            _ => self.left(&mut |_| match random() % 8 {
                0..3 => Lot::Kept,
                3..5 => Lot::Lost,
                5 => Lot::Torn(random() as usize),
                6 => Lot::Blocks(random()),
                _ => Lot::Zeros,
            }),
        }
    }

    /// What is left if each thing that waits has its lot; they are numbered in order.
    fn left(&self, lot: &mut dyn FnMut(usize) -> Lot) -> Tree {
        let mut number = 0;
        let mut lot = || {
            number += 1;
            lot(number - 1)
        };
        let mut files = BTreeMap::new();
        let mut dirs = BTreeMap::new();
        for (&node, thing) in &self.things {
            match thing {
                Thing::File { synced, waiting } => {
                    let mut content = synced.clone();
                    waiting.iter().for_each(|change| change.clone().happen(&mut content, lot()));
                    files.insert(node, content);
                }
                Thing::Dir { synced, waiting } => {
                    let mut names = synced.clone();
                    // A name is there or not: no part of it.
                    for change in waiting {
                        if !matches!(lot(), Lot::Lost | Lot::Zeros) {
                            happen(change.clone(), &mut names);
                        }
                    }
                    dirs.insert(node, names);
                }
            }
        }
        let mut tree = Tree::new();
        let mut todo = vec![(PathBuf::new(), ROOT)];
        while let Some((path, node)) = todo.pop() {
            for (name, node) in dirs.get(&node).into_iter().flatten() {
                let path = path.join(name);
                // A directory whose name was moved under itself can't be; a file may have two names.
                match files.get(node) {
                    Some(content) => {
                        tree.insert(path, Some(content.clone()));
                    }
                    None => {
                        if let Entry::Vacant(place) = tree.entry(path.clone()) {
                            place.insert(None);
                            todo.push((path, *node));
                        }
                    }
                }
            }
        }
        tree
    }
}

impl Change {
    fn happen(self, content: &mut Vec<u8>, lot: Lot) {
        match self {
            Self::SetLen(length) if !matches!(lot, Lot::Lost | Lot::Zeros) => {
                content.resize(length as usize, 0)
            }
            Self::SetLen(_) => {}
            Self::Write { at, bytes } => {
                let at = at as usize;
                let was = content.clone();
                let written = match lot {
                    Lot::Lost => return,
                    Lot::Torn(ALMOST) => bytes.len().saturating_sub(1),
                    Lot::Torn(HALF) => bytes.len() / 2,
                    Lot::Torn(many) => many % bytes.len().max(1),
                    _ => bytes.len(),
                };
                if content.len() < at + written {
                    content.resize(at + written, 0);
                }
                for (offset, byte) in bytes.iter().enumerate().take(written) {
                    let place = at + offset;
                    let kept = match lot {
                        Lot::Zeros => false,
                        Lot::Blocks(pattern) => pattern >> (place / BLOCK % 64) & 1 == 1,
                        _ => true,
                    };
                    if kept {
                        content[place] = *byte;
                    } else {
                        // What was never written is zeros.
                        content[place] = was.get(place).copied().unwrap_or(0);
                    }
                }
            }
        }
    }
}

fn happen(names: Names, into: &mut BTreeMap<String, Node>) {
    for (name, node) in names {
        match node {
            Some(node) => into.insert(name, node),
            None => into.remove(&name),
        };
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned()
}

/// Makes `tree` in an empty directory.
pub(crate) fn make(tree: &Tree, at: &Path) {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    for (path, content) in tree {
        let path = at.join(path);
        match content {
            // As the daemon creates them.
            None => fs::DirBuilder::new().mode(0o700).create(&path).expect("a directory"),
            Some(content) => {
                use std::io::Write;
                let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
                file.and_then(|mut file| file.write_all(content)).expect("a file");
            }
        }
    }
}

/// A number of its own for each tree.
pub(crate) fn fingerprint(tree: &Tree) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    const ZEROS: [u8; 8 * BLOCK] = [0; 8 * BLOCK];
    let mut hasher = DefaultHasher::new();
    for (path, content) in tree {
        (path, content.as_ref().map(Vec::len)).hash(&mut hasher);
        for (at, piece) in content.iter().flat_map(|content| content.chunks(ZEROS.len())).enumerate() {
            if piece != &ZEROS[..piece.len()] {
                (at, piece).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

/// A generator of its own, so that no crate is needed (SplitMix64).
pub(crate) fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
