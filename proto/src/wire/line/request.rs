//! The server's side: requests out of bytes. A SUBMIT comes piece by piece, so that none is held whole.

use super::{
    SENDLINE,
    field::{FieldReader, number},
    verdict::{Failure, FailureReason},
};
use crate::limits;

/// A request, or a piece of a SUBMIT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Asks for one line.
    SendLine,
    /// Asks for the session to start anew.
    SessionReset,
    /// Asks for the right texts of what the latest SUBMIT had wrong.
    SendIncorrectLines,
    /// A SUBMIT begins; so many [`Request::Entry`] follow.
    Submit {
        /// `<entry>@<team>`.
        identity: &'a [u8],
        /// How many entries.
        count: u32,
    },
    /// An entry of a SUBMIT.
    Entry {
        /// The number that the client gives it; the file need not have it.
        number: u32,
        /// Its text.
        text: &'a [u8],
        /// How many follow; 0 ends the SUBMIT.
        left: u32,
    },
    /// A SUBMIT that can't be read on; what follows is read as requests.
    Malformed(Failure),
    /// A line that is no request. Its text is of no use to anybody.
    Unknown,
}

/// A client sent more than any request has. The connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A request line, an identity or a number passed [`limits::REQUEST_BYTES`].
    #[error(
        "a request line of more than {} bytes; send one of the protocol's requests",
        limits::REQUEST_BYTES
    )]
    LineTooLong,
    /// A text passed [`limits::TEXT_BYTES`]. [`RequestReader::end`] has the failure to report.
    #[error("a text of more than {} bytes in a submit; send shorter lines", limits::TEXT_BYTES)]
    TextTooLong,
}

/// Reads requests. Holds at most one longest field and one identity.
#[derive(Clone, Debug, Default)]
pub struct RequestReader {
    fields: FieldReader,
    due: Due,
    identity: Vec<u8>,
}

/// What the next field is.
#[derive(Clone, Copy, Debug, Default)]
enum Due {
    #[default]
    Request,
    Identity,
    Count,
    Number {
        left: u32,
    },
    Text {
        number: u32,
        left: u32,
    },
}

impl Due {
    /// What follows when `count` entries of a SUBMIT are still to come.
    fn entry(count: u32) -> Self {
        count.checked_sub(1).map_or(Self::Request, |left| Self::Number { left })
    }
}

impl RequestReader {
    /// A reader at the beginning of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A SUBMIT has begun and not ended.
    #[must_use]
    pub fn is_within_submit(&self) -> bool {
        !matches!(self.due, Due::Request)
    }

    /// The client will send no more (or too much): a SUBMIT that has begun is a reading error.
    pub fn end(&mut self) -> Option<Failure> {
        let within = self.is_within_submit();
        self.due = Due::Request;
        within.then(|| self.failure(FailureReason::Reading))
    }

    /// The next request, or piece of a SUBMIT, taken from the front of `input`; `None` when `input` is used up.
    pub fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<Request<'s>>, RequestError> {
        // Nearly every request is this one, and lies whole in the input.
        if let (Due::Request, true, Some(rest)) =
            (self.due, self.fields.is_empty(), input.strip_prefix(SENDLINE))
        {
            *input = rest;
            return Ok(Some(Request::SendLine));
        }
        loop {
            let due = self.due;
            if let Due::Text { number, left } = due {
                let text =
                    self.fields.next(input, limits::TEXT_BYTES).map_err(|_| RequestError::TextTooLong)?;
                if text.is_some() {
                    self.due = Due::entry(left);
                }
                return Ok(text.map(|text| Request::Entry { number, text, left }));
            }
            let field =
                self.fields.next(input, limits::REQUEST_BYTES).map_err(|_| RequestError::LineTooLong)?;
            let Some(field) = field else { return Ok(None) };
            match due {
                Due::Request => match field {
                    b"SENDLINE" => return Ok(Some(Request::SendLine)),
                    b"SUBMIT" => self.due = Due::Identity,
                    b"SESSION RESET" => return Ok(Some(Request::SessionReset)),
                    b"SEND INCORRECT LINES" => return Ok(Some(Request::SendIncorrectLines)),
                    _ => return Ok(Some(Request::Unknown)),
                },
                Due::Identity => {
                    self.identity.clear();
                    self.identity.extend_from_slice(field);
                    self.due = Due::Count;
                }
                Due::Count => {
                    let count = number(field).and_then(|count| u32::try_from(count).ok());
                    let Some(count) = count.filter(|count| *count <= limits::LINES) else {
                        return Ok(Some(self.malformed(FailureReason::LinesToRead)));
                    };
                    self.due = Due::entry(count);
                    return Ok(Some(Request::Submit { identity: &self.identity, count }));
                }
                Due::Number { left } => {
                    let Some(number) = number(field).and_then(|number| u32::try_from(number).ok()) else {
                        return Ok(Some(self.malformed(FailureReason::LineNumber)));
                    };
                    self.due = Due::Text { number, left };
                }
                Due::Text { .. } => {}
            }
        }
    }

    fn malformed(&mut self, reason: FailureReason) -> Request<'static> {
        self.due = Due::Request;
        Request::Malformed(self.failure(reason))
    }

    fn failure(&self, reason: FailureReason) -> Failure {
        Failure { identity: String::from_utf8_lossy(&self.identity).into_owned(), reason }
    }
}
