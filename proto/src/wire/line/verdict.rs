//! What the server says of a SUBMIT, read from the right because team names hold anything.

use core::{fmt, str::FromStr};

/// The reply to a SUBMIT: the text as it came, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The whole reply, without its `\n`; bytes that are no UTF-8 are replaced.
    pub raw: String,
    /// What it says.
    pub outcome: Result<Score, Failure>,
}

/// `SUBMIT SUCCESS`: the server read the submit. Whether the file is right is what [`Score::right`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// `<entry>@<team>`.
    pub identity: String,
    /// The client's address as the server sees it.
    pub ip: String,
    /// Lines that are right.
    pub correct: u64,
    /// Lines that are wrong.
    pub incorrect: u64,
    /// Lines that the server read.
    pub lines_read: u64,
    /// Lines drawn in this session.
    pub sent_in_session: u64,
    /// Lines drawn on this connection.
    pub sent_in_connection: u64,
    /// How many lines the file has.
    pub max_lines: u64,
    /// When the session started, ms since 1970.
    pub session_start: u64,
    /// When the connection started, ms since 1970.
    pub connection_start: u64,
    /// When the submit was read, ms since 1970.
    pub submitted: u64,
}

/// `SUBMIT FAILED`: the server could not read the submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `<entry>@<team>`.
    pub identity: String,
    /// Why.
    pub reason: FailureReason,
}

/// Why a submit could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// The count of lines is no number.
    LinesToRead,
    /// A line's number is no number.
    LineNumber,
    /// The submit did not come whole.
    Reading,
    /// In the server's words.
    Other(String),
}

/// A reply to a SUBMIT that has neither form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotAVerdict(pub(super) String);

const SUCCESS: &str = "SUBMIT SUCCESS: ";
const FAILED: &str = "SUBMIT FAILED: ";

impl Verdict {
    /// Reads a whole reply, without its `\n`.
    pub(super) fn read(reply: &[u8]) -> Result<Self, NotAVerdict> {
        let raw = String::from_utf8_lossy(reply).into_owned();
        let outcome = if let Some(score) = raw.strip_prefix(SUCCESS) {
            Score::read(score).map(Ok)
        } else {
            raw.strip_prefix(FAILED).map(|failure| Err(Failure::read(failure)))
        };
        match outcome {
            Some(outcome) => Ok(Self { raw, outcome }),
            None => Err(NotAVerdict(raw)),
        }
    }

    /// The file of `lines` lines is right: all correct, none incorrect.
    #[must_use]
    pub fn right(&self, lines: u32) -> bool {
        self.outcome.as_ref().is_ok_and(|score| score.right(lines))
    }
}

impl Score {
    /// The file of `lines` lines is right: all correct, none incorrect.
    #[must_use]
    pub fn right(&self, lines: u32) -> bool {
        self.correct == u64::from(lines) && self.incorrect == 0
    }

    /// The identity up to its first `@`.
    #[must_use]
    pub fn entry(&self) -> &str {
        self.identity.split_once('@').map_or(&self.identity, |(entry, _)| entry)
    }

    /// The identity after its first `@`; empty without one.
    #[must_use]
    pub fn team(&self) -> &str {
        self.identity.split_once('@').map_or("", |(_, team)| team)
    }

    fn read(text: &str) -> Option<Self> {
        let (text, times) = text.rsplit_once(" - ")?;
        let (text, counts) = text.rsplit_once(" - ")?;
        let (identity, ip) = text.rsplit_once(" - ")?;
        let [correct, incorrect, lines_read, sent_in_session, sent_in_connection, max_lines] =
            numbers(counts)?;
        let [session_start, connection_start, submitted] = numbers(times)?;
        Some(Self {
            identity: identity.to_owned(),
            ip: ip.to_owned(),
            correct,
            incorrect,
            lines_read,
            sent_in_session,
            sent_in_connection,
            max_lines,
            session_start,
            connection_start,
            submitted,
        })
    }
}

impl Failure {
    fn read(text: &str) -> Self {
        let (identity, reason) = text.rsplit_once(" - ").unwrap_or(("", text));
        let bare = identity.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let reason = match reason {
            "LINESTOREAD PARSING ERROR" => FailureReason::LinesToRead,
            "LINE NUMBER PARSING ERROR" => FailureReason::LineNumber,
            "READING ERROR" => FailureReason::Reading,
            other => FailureReason::Other(other.to_owned()),
        };
        Self { identity: bare.unwrap_or(identity).to_owned(), reason }
    }
}

/// Exactly `N` numbers, separated by commas.
fn numbers<const N: usize>(text: &str) -> Option<[u64; N]> {
    let mut values = [0; N];
    let mut fields = text.split(',').map(str::trim);
    for value in &mut values {
        *value = u64::from_str(fields.next()?).ok()?;
    }
    fields.next().is_none().then_some(values)
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{SUCCESS}{} - {} - {}, {}, {}, {}, {}, {} - {}, {}, {}",
            self.identity,
            self.ip,
            self.correct,
            self.incorrect,
            self.lines_read,
            self.sent_in_session,
            self.sent_in_connection,
            self.max_lines,
            self.session_start,
            self.connection_start,
            self.submitted
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FAILED}[{}] - {}", self.identity, self.reason)
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LinesToRead => "LINESTOREAD PARSING ERROR",
            Self::LineNumber => "LINE NUMBER PARSING ERROR",
            Self::Reading => "READING ERROR",
            Self::Other(words) => words,
        })
    }
}
