//! One field at a time, out of input that may be split anywhere.

use crate::limits;

/// Puts fields together. Holds the beginning of an unfinished one, never more than the limit it was asked with.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldReader {
    begun: Vec<u8>,
    /// `begun` was lent as a whole field: it is cleared on the next call.
    lent: bool,
}

/// A field passed its limit before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl FieldReader {
    /// The next whole field, without its `\n`, taken from the front of `input`; `None` when `input` is used up.
    pub(super) fn next<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
        limit: usize,
    ) -> Result<Option<&'s [u8]>, TooLong> {
        if self.lent {
            self.begun.clear();
            self.lent = false;
        }
        let bytes: &'i [u8] = input;
        let (part, rest) = match memchr::memchr(b'\n', bytes).and_then(|end| bytes.split_at_checked(end)) {
            Some((part, rest)) => (part, rest.get(1..)),
            None => (bytes, None),
        };
        let room = limit.saturating_sub(self.begun.len());
        if part.len() > room {
            self.begun.extend(part.iter().take(room));
            return Err(TooLong);
        }
        *input = rest.unwrap_or_default();
        if rest.is_some() && self.begun.is_empty() {
            return Ok(Some(part));
        }
        self.begun.extend_from_slice(part);
        self.lent = rest.is_some();
        Ok(self.lent.then_some(&self.begun))
    }

    /// No field has begun.
    pub(super) fn is_empty(&self) -> bool {
        self.lent || self.begun.is_empty()
    }

    /// What of the current field was read so far.
    pub(super) fn begun(&self) -> &[u8] {
        if self.lent { &[] } else { &self.begun }
    }
}

/// The value of 1 to [`limits::NUMBER_BYTES`] decimal digits; one that passes 64 bits stays at their end.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    if field.is_empty() || field.len() > limits::NUMBER_BYTES {
        return None;
    }
    field.iter().try_fold(0_u64, |value, byte| {
        byte.is_ascii_digit().then(|| value.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    })
}
