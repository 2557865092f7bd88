//! What happened, as text for people and as a hash for comparison. The hash takes in every input of every node, the
//! text only what tells a story; it is written only when asked for, and then in full.

use core::fmt::Write;
use lineswarm_proto::time::Moment;

/// See the module.
#[derive(Debug)]
pub struct Transcript {
    hash: u64,
    text: Option<String>,
}

impl Transcript {
    /// An empty transcript; `told` ones write text.
    #[must_use]
    pub fn new(told: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, text: told.then(String::new) }
    }

    /// The same for two runs only if the same things happened at the same times (FNV-1a).
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The story so far.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    pub(crate) fn digest(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn digest_number(&mut self, number: u64) {
        self.digest(&number.to_le_bytes());
    }

    pub(crate) fn tell(&mut self, now: Moment, who: &str, what: impl FnOnce() -> String) {
        if let Some(text) = &mut self.text {
            // Writing to a String can't fail.
            let _ = writeln!(text, "{now} {who:>7} {}", what());
        }
    }
}
