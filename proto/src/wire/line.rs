//! The line server protocol (docs/line-protocol.md), both directions, resumable at any split.
//!
//! The unit is the *field*, bytes that end with `\n`; segments mean nothing. [`ReplyReader`] is the client's
//! side, [`RequestReader`] the server's; the functions here write what they read. A reader takes from the front
//! of the input it is given, lends what lies whole in it without a copy, and keeps only an unfinished field.
//! Invariant: no input makes a reader hold more than one longest field, or panic.

mod field;
mod reply;
mod request;
mod verdict;

pub use reply::{Expect, Reply, ReplyError, ReplyReader};
pub use request::{Request, RequestError, RequestReader};
pub use verdict::{Failure, FailureReason, Score, Verdict};

use crate::{ids::LineNumber, limits};

/// Asks for one line.
pub const SENDLINE: &[u8] = b"SENDLINE\n";
/// `count` times [`SENDLINE`], at most [`limits::PIPELINE`] times.
#[must_use]
pub fn send_lines(count: u32) -> &'static [u8] {
    static ALL: [[u8; SENDLINE.len()]; limits::PIPELINE as usize] =
        [*b"SENDLINE\n"; limits::PIPELINE as usize];
    ALL.get(..count as usize).unwrap_or(&ALL).as_flattened()
}

/// Asks for the session's clock and counts to start anew.
pub const SESSION_RESET: &[u8] = b"SESSION RESET\n";
/// Asks for the right texts of what the latest SUBMIT had wrong.
pub const SEND_INCORRECT_LINES: &[u8] = b"SEND INCORRECT LINES\n";
/// The reply to [`SESSION_RESET`].
pub const RESET_DONE: &[u8] = b"Ok\n";
/// A refusal as the server's description has it.
pub const REFUSAL_BLANK: &[u8] = b"-1\n\n";
/// A refusal as some clients saw it.
pub const REFUSAL_MINUS: &[u8] = b"-1\n-1\n";

/// Begins a SUBMIT; `count` times [`line_entry`] must follow. `identity` is `<entry>@<team>` without `\n`.
pub fn submit_head(identity: &str, count: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(b"SUBMIT\n");
    out.extend_from_slice(identity.as_bytes());
    out.push(b'\n');
    decimal(count, out);
    out.push(b'\n');
}

/// `<number>\n<text>\n`: an entry of a SUBMIT, a reply to SENDLINE, or a correction. `text` is without `\n`.
pub fn line_entry(number: LineNumber, text: &[u8], out: &mut Vec<u8>) {
    decimal(number.0, out);
    out.push(b'\n');
    out.extend_from_slice(text);
    out.push(b'\n');
}

/// Begins the reply to [`SEND_INCORRECT_LINES`]; `count` times [`line_entry`] must follow.
pub fn corrections_head(count: u32, out: &mut Vec<u8>) {
    decimal(count, out);
    out.push(b'\n');
}

/// The reply to a SUBMIT that was read.
pub fn success(score: &Score, out: &mut Vec<u8>) {
    out.extend_from_slice(score.to_string().as_bytes());
    out.push(b'\n');
}

/// The reply to a SUBMIT that was not.
pub fn failure(failure: &Failure, out: &mut Vec<u8>) {
    out.extend_from_slice(failure.to_string().as_bytes());
    out.push(b'\n');
}

/// Appends `value` in decimal digits.
fn decimal(value: u32, out: &mut Vec<u8>) {
    if value >= 10 {
        decimal(value / 10, out);
    }
    out.push(b'0' + (value % 10) as u8);
}

#[cfg(test)]
mod tests;
