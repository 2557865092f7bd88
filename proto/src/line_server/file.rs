//! The file that is served, laid out so that a reply is one copy of bytes that stand ready.

use super::{Error, text};
use crate::{ids::LineNumber, limits, wire::line::line_entry};

/// Numbered lines. Never empty, and every text can be said in the line protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    base: u32,
    /// `<number>\n<text>\n` of all lines, one after another.
    replies: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl File {
    /// A file of these texts, numbered from `base`.
    pub fn from_texts<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>, base: u32) -> Result<Self, Error> {
        let (mut replies, mut ends) = (Vec::new(), Vec::new());
        for (index, text) in texts.into_iter().enumerate() {
            let (text, line) = (text.as_ref(), index + 1);
            let number = u32::try_from(index).ok().and_then(|index| index.checked_add(base));
            let number = number.filter(|number| *number <= limits::LINES).ok_or(Error::TooManyLines)?;
            if text.len() > limits::TEXT_BYTES {
                return Err(Error::TextTooLong { line, bytes: text.len() });
            }
            if memchr::memchr(b'\n', text).is_some() {
                return Err(Error::LineFeed { line });
            }
            line_entry(LineNumber(number), text, &mut replies);
            ends.push(replies.len());
        }
        if ends.is_empty() {
            return Err(Error::NoLines);
        }
        Ok(Self { base, replies, ends })
    }

    /// A file out of bytes in which `\n` ends a line; a last line without one counts.
    pub fn from_bytes(bytes: &[u8], base: u32) -> Result<Self, Error> {
        let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let texts = (!bytes.is_empty()).then(|| whole.split(|byte| *byte == b'\n'));
        Self::from_texts(texts.into_iter().flatten(), base)
    }

    /// A made-up file, shaped like the real one. The same seed and count always make the same texts.
    pub fn generate(seed: u64, lines: u32, base: u32) -> Result<Self, Error> {
        if lines > limits::LINES {
            return Err(Error::TooManyLines);
        }
        Self::from_texts(text::made_up(seed, lines), base)
    }

    /// How many lines it has.
    #[must_use]
    pub fn lines(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(limits::LINES)
    }

    /// The number of its first line.
    #[must_use]
    pub fn base(&self) -> u32 {
        self.base
    }

    /// The text of its `index`-th line, counted from 0; `None` behind its end.
    #[must_use]
    pub fn text(&self, index: u32) -> Option<&[u8]> {
        self.line(index)?.strip_suffix(b"\n")
    }

    /// The same with its line feed.
    fn line(&self, index: u32) -> Option<&[u8]> {
        let reply = self.reply(index);
        memchr::memchr(b'\n', reply).and_then(|number| reply.get(number + 1..))
    }

    /// Which line, counted from 0, has this number.
    #[must_use]
    pub fn index(&self, number: u32) -> Option<u32> {
        number.checked_sub(self.base).filter(|index| *index < self.lines())
    }

    /// `<number>\n<text>\n` of its `index`-th line; empty behind its end.
    pub(super) fn reply(&self, index: u32) -> &[u8] {
        let Some(&end) = self.ends.get(index as usize) else { return &[] };
        let begin = index.checked_sub(1).and_then(|before| self.ends.get(before as usize));
        self.replies.get(begin.copied().unwrap_or(0)..end).unwrap_or_default()
    }

    /// The finished file: each text followed by `\n`, in order.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.lines()).filter_map(|index| self.line(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_with_a_line_feed_and_the_last_one_need_not() {
        let file = |bytes: &[u8]| File::from_bytes(bytes, 1).unwrap();
        assert_eq!(file(b"a\n\n b\n"), file(b"a\n\n b"));
        assert_eq!(file(b"a\n\n b\n").contents().collect::<Vec<_>>().concat(), b"a\n\n b\n");
        assert_eq!(file(b"\n").lines(), 1);
        assert_eq!(
            (file(b"a\nb").index(0), file(b"a\nb").index(2), file(b"a\nb").index(3)),
            (None, Some(1), None)
        );
        assert_eq!(
            (file(b"a\nb").reply(1), file(b"a\nb").text(1), file(b"a\nb").reply(2)),
            (&b"2\nb\n"[..], Some(&b"b"[..]), &b""[..])
        );
    }

    #[test]
    fn a_file_that_can_not_be_served_says_why() {
        assert_eq!(File::from_bytes(b"", 0), Err(Error::NoLines));
        let long = vec![b'x'; limits::TEXT_BYTES + 1];
        assert_eq!(
            File::from_texts([&b"a"[..], &long], 0),
            Err(Error::TextTooLong { line: 2, bytes: long.len() })
        );
        assert_eq!(File::from_texts(["a\nb"], 0), Err(Error::LineFeed { line: 1 }));
        assert_eq!(File::from_texts(["a"], limits::LINES + 1), Err(Error::TooManyLines));
    }
}
