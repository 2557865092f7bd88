//! The client's side of the line protocol: kinds of replies, a split, and what the server sent.
//!
//! Promised: the same replies at every split; what is read can be written, and reads back to the same.

use crate::bytes::{Bytes, pieces};
use lineswarm_proto::{
    ids::LineNumber,
    limits,
    wire::line::{Expect, Failure, FailureReason, Reply, ReplyReader, Verdict, failure, line_entry, success},
};

const KINDS: [Expect; 4] = [Expect::Line, Expect::Verdict, Expect::ResetDone, Expect::Corrections];

/// A reply that outlives its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Refused,
    Line(LineNumber, Vec<u8>),
    Verdict(Box<Verdict>),
    ResetDone,
    Corrections(u32),
    Correction(LineNumber, Vec<u8>, u32),
    /// The error's words end the stream.
    Broken(String),
}

/// With `ahead`, whole lines are taken as the daemon takes them.
fn read(kinds: &[Expect], pieces: &[&[u8]], ahead: bool) -> (Vec<Owned>, bool) {
    let mut reader = ReplyReader::new();
    let mut due = kinds.iter().cycle();
    let mut expect = due.next().copied().unwrap_or(Expect::Line);
    let mut replies = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            if ahead
                && expect == Expect::Line
                && let Some((number, text)) = reader.whole_line(&mut input)
            {
                replies.push(Owned::Line(number, text.to_vec()));
                expect = due.next().copied().unwrap_or(Expect::Line);
                continue;
            }
            let reply = match reader.next(&mut input, expect) {
                Ok(Some(reply)) => reply,
                Ok(None) => break,
                Err(error) => {
                    replies.push(Owned::Broken(error.to_string()));
                    return (replies, false);
                }
            };
            if reply.ends() {
                expect = due.next().copied().unwrap_or(Expect::Line);
            }
            replies.push(match reply {
                Reply::Refused => Owned::Refused,
                Reply::Line { number, text } => Owned::Line(number, text.to_vec()),
                Reply::Verdict(verdict) => Owned::Verdict(verdict),
                Reply::ResetDone => Owned::ResetDone,
                Reply::Corrections { count } => Owned::Corrections(count),
                Reply::Correction { number, text, left } => Owned::Correction(number, text.to_vec(), left),
            });
        }
        assert!(input.is_empty(), "a reader that wants more has taken all");
    }
    (replies, reader.is_within_reply())
}

fn reads_back(reply: &Owned) {
    let mut written = Vec::new();
    let kind = match reply {
        Owned::Line(number, text) => {
            assert!(number.0 <= limits::LINES && text.len() <= limits::TEXT_BYTES && !text.contains(&b'\n'));
            line_entry(*number, text, &mut written);
            Expect::Line
        }
        Owned::Verdict(verdict) => {
            match &verdict.outcome {
                Ok(score) => success(score, &mut written),
                // A reason in the server's own words may begin as an identity ends.
                Err(Failure { reason: FailureReason::Other(_), .. }) => return,
                Err(bad) => failure(bad, &mut written),
            }
            Expect::Verdict
        }
        _ => return,
    };
    // Replaced bytes are longer than what they stand for, so that the longest may not fit again.
    if written.len() > limits::REPLY_BYTES && kind == Expect::Verdict {
        return;
    }
    let (again, within) = read(&[kind], &[&written], true);
    match (again.as_slice(), reply) {
        ([Owned::Verdict(again)], Owned::Verdict(verdict)) => assert_eq!(again.outcome, verdict.outcome),
        ([again], reply) => assert_eq!(again, reply),
        (many, _) => assert_eq!(many.len(), 1, "one reply was written"),
    }
    assert!(!within);
}

pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let kinds: Vec<Expect> =
        bytes.piece().iter().filter_map(|kind| KINDS.get(usize::from(*kind) % 4).copied()).collect();
    let split = bytes.byte();
    let whole = read(&kinds, &[bytes.0], false);
    for ahead in [false, true] {
        let split = read(&kinds, &pieces(bytes.0, split), ahead);
        assert_eq!(whole, split, "every split gives the same replies");
    }
    whole.0.iter().for_each(reads_back);
}
