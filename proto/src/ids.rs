//! Newtypes for every identity in the swarm. None of them can be mistaken for another.

use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The number of a line, as the line server counts: from 0 or from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineNumber(pub u32);

impl fmt::Display for LineNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An election's term. Grows, is stored before it is said, and never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(pub u64);

impl Term {
    /// The term after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A node's identity: the first 16 bytes of the SHA-256 of its static public key. 32 hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 16]);

impl PeerId {
    /// The identity that belongs to a static public key.
    #[must_use]
    pub fn of_key(public: &[u8; 32]) -> Self {
        Self(Sha256::digest(public).first_chunk().copied().unwrap_or_default())
    }

    /// The first eight hex digits: enough to tell peers apart in a log line.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(8);
        text
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

/// Why a text is no [`PeerId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a peer id is 32 hex digits")]
pub struct BadPeerId;

impl core::str::FromStr for PeerId {
    type Err = BadPeerId;

    fn from_str(text: &str) -> Result<Self, BadPeerId> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadPeerId);
        }
        let mut id = [0; 16];
        for (byte, at) in id.iter_mut().zip((0..32).step_by(2)) {
            let digits = text.get(at..at + 2).ok_or(BadPeerId)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| BadPeerId)?;
        }
        Ok(Self(id))
    }
}

// Text in JSON, 16 raw bytes in the peers' binary messages.
impl Serialize for PeerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for PeerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
        } else {
            <[u8; 16]>::deserialize(deserializer).map(Self)
        }
    }
}

/// What a swarm works on. Two peers with different jobs never mix their lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobId {
    /// The swarm's name (`swarm.id`).
    pub swarm: String,
    /// Counts `start --swarm` and `reset --swarm`; the higher epoch wins.
    pub epoch: u64,
    /// The number of lines of the file; 0 while it is not known (`lines = "auto"`).
    pub lines: u32,
    /// Names the *file* (`server.label`, by default the server's address as configured).
    pub label: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_id_reads_back_from_its_own_text() {
        let id = PeerId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.short(), "00010203");
        assert_eq!("zz".parse::<PeerId>(), Err(BadPeerId));
        assert_eq!("+1".repeat(16).parse::<PeerId>(), Err(BadPeerId));
        assert_eq!(serde_json::from_str::<PeerId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
    }
}
