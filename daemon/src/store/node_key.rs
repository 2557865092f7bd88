//! The node's static key: made once, the source of its id, never shown.
//!
//! The file is created with mode 0600; who else may read it is looked at before it is (`access`). It is created after the
//! state's first copies are on the disk: so where there is a key there was a state.

use super::{StoreError, disk};
use lineswarm_files::read::{self, ReadError};
use lineswarm_proto::ids::PeerId;
use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};
use std::fmt;
use std::path::Path;

/// The handshake that the key is made for.
const NOISE_PATTERN: &str = "Noise_XXpsk0_25519_AESGCM_SHA256";
pub(super) const FILE: &str = "node.key";
const COMMENT: &str = "# lineswarm node key. Keep it secret: whoever has it is this node.";
/// More than the file ever holds.
const FILE_BYTES: u64 = 4096;

/// An X25519 key pair.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NodeKey {
    private: [u8; 32],
    public: [u8; 32],
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl NodeKey {
    /// For the handshake only.
    pub(crate) fn private(&self) -> &[u8; 32] {
        &self.private
    }

    /// The node's identity.
    pub(crate) fn id(&self) -> PeerId {
        PeerId::of_key(&self.public)
    }

    /// Reads the key of `dir`, if there is one.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>, StoreError> {
        let path = dir.join(FILE);
        let bytes = match read::regular_file(&path, FILE_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(ReadError::TooLong(_)) => {
                return Err(StoreError::KeyDamaged { path, why: "it is longer than a key" });
            }
            Err(error) => {
                let io = |error| StoreError::io("read", &path, error);
                return Err(StoreError::opening(&path, error, io));
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        parse(&text).map(Some).map_err(|why| StoreError::KeyDamaged { path, why })
    }

    /// Makes a key, and brings it to the disk before anybody hears of it.
    pub(super) fn create(dir: &Path) -> Result<Self, StoreError> {
        let (path, new) = (dir.join(FILE), dir.join("node.key.new"));
        let key = Self::generate()?;
        (|| {
            disk::remove(&new)?;
            let file = disk::create_new(&new)?;
            let (private, public) = (hex(&key.private), hex(&key.public));
            let text = format!("{COMMENT}\nprivate = {private}\npublic = {public}\n");
            disk::write_at(&file, text.as_bytes(), 0)?;
            disk::sync(&file)?;
            disk::rename(&new, &path)?;
            disk::sync_dir(dir)
        })()
        .map_err(|error| StoreError::create(&path, error))?;
        Ok(key)
    }

    fn generate() -> Result<Self, StoreError> {
        let pattern = NOISE_PATTERN.parse().map_err(|_| StoreError::KeyMaking)?;
        let pair = snow::Builder::new(pattern).generate_keypair().map_err(|_| StoreError::KeyMaking)?;
        let halves = (pair.private.try_into(), pair.public.try_into());
        let (Ok(private), Ok(public)) = halves else { return Err(StoreError::KeyMaking) };
        Ok(Self { private, public })
    }
}

fn parse(text: &str) -> Result<NodeKey, &'static str> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        unhex(line?.trim())
    };
    let private = field("private").ok_or("it has no private key of 64 hex digits")?;
    let public = field("public").ok_or("it has no public key of 64 hex digits")?;
    let mut dh = DefaultResolver.resolve_dh(&DHChoice::Curve25519).ok_or("this build has no X25519")?;
    dh.set(&private);
    if dh.pubkey() == public {
        Ok(NodeKey { private, public })
    } else {
        Err("its public key does not belong to its private key")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    /// The key of `dir`, which is made if there is none.
    fn open(dir: &Path) -> Result<NodeKey, StoreError> {
        NodeKey::read(dir)?.map_or_else(|| NodeKey::create(dir), Ok)
    }

    #[test]
    fn a_key_is_made_once_with_mode_0600_and_read_back_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let key = open(dir.path()).unwrap();
        assert_eq!(open(dir.path()).unwrap(), key);
        let path = dir.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert!(!dir.path().join("node.key.new").exists());
        assert!(!format!("{key:?}").contains(&hex(key.private())));
        assert_eq!(key.id(), PeerId::of_key(&key.public));
    }

    #[test]
    fn a_damaged_key_is_an_error_and_never_another_identity() {
        let dir = tempfile::tempdir().unwrap();
        let key = open(dir.path()).unwrap();
        let path = dir.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        for at in COMMENT.len() + 1..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] = if bytes[at] == b'7' { b'5' } else { b'7' };
            fs::write(&path, &bytes).unwrap();
            // Some bits of a private key mean nothing (RFC 7748); then it is still the same identity.
            match open(dir.path()) {
                Ok(read) => assert_eq!(read.id(), key.id(), "byte {at}"),
                Err(error) => assert!(matches!(error, StoreError::KeyDamaged { .. }), "byte {at}: {error}"),
            }
        }
        fs::write(&path, b"").unwrap();
        assert!(open(dir.path()).is_err());
    }
}
