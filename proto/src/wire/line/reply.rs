//! The client's side: replies out of bytes.
//!
//! The caller says which reply is due, because only the order of requests tells one from another. After an
//! error the connection is of no more use: nobody can say where the next reply begins.

use super::field::{FieldReader, number};
use super::verdict::{NotAVerdict, Verdict};
use crate::{ids::LineNumber, limits};

/// Which reply is due. It stays the same until [`Reply::ends`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// To SENDLINE.
    Line,
    /// To SUBMIT.
    Verdict,
    /// To SESSION RESET.
    ResetDone,
    /// To SEND INCORRECT LINES.
    Corrections,
}

/// A reply, or a piece of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// SENDLINE came too soon.
    Refused,
    /// A line of the file.
    Line {
        /// Its number.
        number: LineNumber,
        /// Its text.
        text: &'a [u8],
    },
    /// What the server says of a SUBMIT.
    Verdict(Box<Verdict>),
    /// The session was reset.
    ResetDone,
    /// So many [`Reply::Correction`] follow.
    Corrections {
        /// How many.
        count: u32,
    },
    /// The right text of a line that was submitted wrong.
    Correction {
        /// Its number.
        number: LineNumber,
        /// Its right text.
        text: &'a [u8],
        /// How many follow.
        left: u32,
    },
}

impl Reply<'_> {
    /// This was the last piece of a reply: the next one is to the next request.
    #[must_use]
    pub fn ends(&self) -> bool {
        !matches!(self, Reply::Corrections { count: 1.. } | Reply::Correction { left: 1.., .. })
    }
}

/// How a server broke the protocol. The connection must be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The field where a number is due holds something else.
    #[error(
        "the line server sent {field:?} where a number is due, so nobody can tell lines from texts any more; \
         check that server.address is a line server"
    )]
    NotANumber {
        /// The field's first bytes.
        field: String,
    },
    /// A number that no file can have.
    #[error(
        "the line server sent the number {number}, above the limit of {}; check that server.address is a line server",
        limits::LINES
    )]
    OutOfRange {
        /// The number.
        number: u64,
    },
    /// A text passed [`limits::TEXT_BYTES`].
    #[error(
        "the line server sent a text of more than {} bytes; check that server.address is a line server",
        limits::TEXT_BYTES
    )]
    TextTooLong,
    /// A verdict passed [`limits::REPLY_BYTES`].
    #[error(
        "the line server sent a reply of more than {} bytes; check that server.address is a line server",
        limits::REPLY_BYTES
    )]
    ReplyTooLong,
    /// The reply to a SUBMIT says neither success nor failure.
    #[error(
        "the line server answered a submit with {reply:?}, which is no verdict; \
         whether it counted is not known, so submit again"
    )]
    NotAVerdict {
        /// The whole reply.
        reply: String,
    },
    /// The reply to a SESSION RESET is not `Ok`.
    #[error("the line server answered a session reset with {reply:?} instead of Ok; draw on without a reset")]
    NotOk {
        /// The reply's first bytes.
        reply: String,
    },
}

/// Reads replies. Holds at most one longest field.
#[derive(Clone, Debug, Default)]
pub struct ReplyReader {
    fields: FieldReader,
    /// The first field of a reply whose text is still to come.
    first: Option<First>,
    /// Corrections still to come, once their count was read.
    corrections: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
enum First {
    Refused,
    Number(LineNumber),
}

impl ReplyReader {
    /// A reader at the beginning of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reply has begun and not ended: if the connection ends here, it was cut.
    #[must_use]
    pub fn is_within_reply(&self) -> bool {
        self.first.is_some() || self.corrections.is_some() || !self.fields.begun().is_empty()
    }

    /// The next reply, or piece of one, taken from the front of `input`; `None` when `input` is used up.
    /// Texts lie in `input`, or in the reader if they came in pieces.
    pub fn next<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
        expect: Expect,
    ) -> Result<Option<Reply<'s>>, ReplyError> {
        match expect {
            Expect::Line => self.line(input),
            Expect::Verdict => self.verdict(input),
            Expect::ResetDone => self.reset_done(input),
            Expect::Corrections => self.correction(input),
        }
    }

    /// The reply to SENDLINE at the front of `input`, if it is a line that lies whole in it, as nearly all do; it is
    /// taken from there. `None` says only that [`ReplyReader::next`] is to be asked.
    pub fn whole_line<'i>(&mut self, input: &mut &'i [u8]) -> Option<(LineNumber, &'i [u8])> {
        if self.first.is_some() || !self.fields.is_empty() {
            return None;
        }
        let (number, text, rest) = whole_line(input)?;
        *input = rest;
        Some((number, text))
    }

    fn line<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<Reply<'s>>, ReplyError> {
        let first = match self.first {
            Some(first) => first,
            None => match first_field(&mut self.fields, input)? {
                Some(first) => first,
                None => return Ok(None),
            },
        };
        let text = self.fields.next(input, limits::TEXT_BYTES).map_err(|_| ReplyError::TextTooLong)?;
        self.first = if text.is_none() { Some(first) } else { None };
        Ok(text.map(|text| match first {
            First::Refused => Reply::Refused,
            First::Number(number) => Reply::Line { number, text },
        }))
    }

    fn verdict(&mut self, input: &mut &[u8]) -> Result<Option<Reply<'_>>, ReplyError> {
        let reply = self.fields.next(input, limits::REPLY_BYTES).map_err(|_| ReplyError::ReplyTooLong)?;
        reply
            .map(|reply| match Verdict::read(reply) {
                Ok(verdict) => Ok(Reply::Verdict(Box::new(verdict))),
                Err(NotAVerdict(reply)) => Err(ReplyError::NotAVerdict { reply }),
            })
            .transpose()
    }

    fn reset_done(&mut self, input: &mut &[u8]) -> Result<Option<Reply<'_>>, ReplyError> {
        match self.fields.next(input, limits::NUMBER_BYTES) {
            Ok(None) => Ok(None),
            Ok(Some(b"Ok")) => Ok(Some(Reply::ResetDone)),
            Ok(Some(reply)) => Err(ReplyError::NotOk { reply: lossy(reply) }),
            Err(_) => Err(ReplyError::NotOk { reply: lossy(self.fields.begun()) }),
        }
    }

    fn correction<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<Reply<'s>>, ReplyError> {
        let Some(left) = self.corrections else {
            let Some(LineNumber(count)) = plain_number(&mut self.fields, input)? else { return Ok(None) };
            self.corrections = (count > 0).then_some(count);
            return Ok(Some(Reply::Corrections { count }));
        };
        let left = left.saturating_sub(1);
        let number = match self.first {
            Some(First::Number(number)) => number,
            _ => match plain_number(&mut self.fields, input)? {
                Some(number) => number,
                None => return Ok(None),
            },
        };
        let text = self.fields.next(input, limits::TEXT_BYTES).map_err(|_| ReplyError::TextTooLong)?;
        if text.is_some() {
            self.first = None;
            self.corrections = (left > 0).then_some(left);
        } else {
            self.first = Some(First::Number(number));
        }
        Ok(text.map(|text| Reply::Correction { number, text, left }))
    }
}

/// A number and a text at the front of `input`, if both are whole and sound: what else may be there is for the long
/// way to tell.
fn whole_line(input: &[u8]) -> Option<(LineNumber, &[u8], &[u8])> {
    // No number of a file is longer.
    const DIGITS: usize = limits::LINES.ilog10() as usize + 1;
    let mut number = 0;
    for (digits, &byte) in input.iter().take(DIGITS + 1).enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            number = number * 10 + u32::from(digit);
        } else {
            let sound = byte == b'\n' && digits > 0 && number <= limits::LINES;
            let rest = input.get(digits + 1..).filter(|_| sound)?;
            let end = memchr::memchr(b'\n', rest).filter(|&end| end <= limits::TEXT_BYTES)?;
            let (text, rest) = rest.split_at_checked(end)?;
            return Some((LineNumber(number), text, rest.get(1..)?));
        }
    }
    None
}

/// A number, or the `-1` of a refusal.
fn first_field(fields: &mut FieldReader, input: &mut &[u8]) -> Result<Option<First>, ReplyError> {
    match fields.next(input, limits::NUMBER_BYTES) {
        Ok(None) => Ok(None),
        Ok(Some(b"-1")) => Ok(Some(First::Refused)),
        Ok(Some(field)) => in_range(field).map(|number| Some(First::Number(number))),
        Err(_) => Err(ReplyError::NotANumber { field: lossy(fields.begun()) }),
    }
}

fn plain_number(fields: &mut FieldReader, input: &mut &[u8]) -> Result<Option<LineNumber>, ReplyError> {
    match fields.next(input, limits::NUMBER_BYTES) {
        Ok(field) => field.map(in_range).transpose(),
        Err(_) => Err(ReplyError::NotANumber { field: lossy(fields.begun()) }),
    }
}

fn in_range(field: &[u8]) -> Result<LineNumber, ReplyError> {
    let Some(number) = number(field) else { return Err(ReplyError::NotANumber { field: lossy(field) }) };
    match u32::try_from(number) {
        Ok(number) if number <= limits::LINES => Ok(LineNumber(number)),
        _ => Err(ReplyError::OutOfRange { number }),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_line_at_the_front_is_read_in_one_go() {
        assert_eq!(whole_line(b"120\nab\nrest"), Some((LineNumber(120), &b"ab"[..], &b"rest"[..])));
        assert_eq!(whole_line(b"7\n\n"), Some((LineNumber(7), &b""[..], &b""[..])));
        for unsound in
            [&b"7\nab"[..], b"\nab\n", b"16000001\na\n", b"7x\nab\n", b"000000007\nab\n", b"-1\n-1\n"]
        {
            assert_eq!(whole_line(unsound), None);
        }
    }
}
