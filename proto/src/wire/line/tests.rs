use super::*;
use crate::limits;
use proptest::{collection::vec, prelude::*};

/// A reply that borrows nothing, so that replies from different calls can be compared.
fn owned(reply: &Reply<'_>) -> String {
    format!("{reply:?}")
}

type Read = (Vec<String>, Option<ReplyError>);

/// Reads all of `bytes`, cut at `cuts`, as replies to `expects` in turn.
fn read_replies(bytes: &[u8], cuts: &[usize], expects: &[Expect]) -> Read {
    read(bytes, cuts, expects, |_, _| None)
}

/// The same, whole lines first.
fn read_whole_lines_first(bytes: &[u8], cuts: &[usize], expects: &[Expect]) -> Read {
    read(bytes, cuts, expects, |reader, part| {
        reader.whole_line(part).map(|(number, text)| owned(&Reply::Line { number, text }))
    })
}

fn read(
    bytes: &[u8],
    cuts: &[usize],
    expects: &[Expect],
    line: impl Fn(&mut ReplyReader, &mut &[u8]) -> Option<String>,
) -> Read {
    let (mut reader, mut due, mut replies) = (ReplyReader::new(), expects.iter().peekable(), Vec::new());
    for mut part in split(bytes, cuts) {
        while let Some(expect) = due.peek() {
            if **expect == Expect::Line
                && let Some(reply) = line(&mut reader, &mut part)
            {
                replies.push(reply);
                due.next();
                continue;
            }
            match reader.next(&mut part, **expect) {
                Ok(None) => break,
                Ok(Some(reply)) => {
                    replies.push(owned(&reply));
                    if reply.ends() {
                        due.next();
                    }
                }
                Err(error) => return (replies, Some(error)),
            }
        }
    }
    (replies, None)
}

fn read_requests(bytes: &[u8], cuts: &[usize]) -> (Vec<String>, Option<RequestError>) {
    let (mut reader, mut requests) = (RequestReader::new(), Vec::new());
    for mut part in split(bytes, cuts) {
        loop {
            match reader.next(&mut part) {
                Ok(None) => break,
                Ok(Some(request)) => requests.push(format!("{request:?}")),
                Err(error) => return (requests, Some(error)),
            }
        }
    }
    (requests, None)
}

fn split<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn only(bytes: &[u8], expect: Expect) -> Result<String, ReplyError> {
    let (replies, error) = read_replies(bytes, &[], &[expect]);
    error.map_or_else(|| Ok(replies.concat()), Err)
}

const REAL: &str = "SUBMIT SUCCESS: cs1210568@hackers alert - 10.194.2.52 - 1000, 0, 1000, 34957, 7335, 1000 - \
                    1694174535781, 1694181559891, 1694181633232";

fn verdict(text: &str) -> Result<Verdict, ReplyError> {
    let line = format!("{text}\n");
    let mut reader = ReplyReader::new();
    match reader.next(&mut line.as_bytes(), Expect::Verdict)? {
        Some(Reply::Verdict(verdict)) => Ok(*verdict),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_its_place_tells_a_number_from_a_text() {
    let bytes = b"7\n\n-1\n-1\n8\n-1\n-1\n\n9\n12\n-1\n5\n";
    let (replies, error) = read_replies(bytes, &[], &[Expect::Line; 9]);
    let line = |number, text: &[u8]| owned(&Reply::Line { number: LineNumber(number), text });
    let refused = || owned(&Reply::Refused);
    assert_eq!(error, None);
    assert_eq!(replies, [line(7, b""), refused(), line(8, b"-1"), refused(), line(9, b"12"), refused()]);
}

#[test]
fn the_real_servers_success_reads_field_by_field() {
    let read = verdict(REAL).unwrap();
    assert_eq!(read.raw, REAL);
    assert!(read.right(1000) && !read.right(999));
    let score = read.outcome.unwrap();
    assert_eq!(
        (score.entry(), score.team(), score.ip.as_str()),
        ("cs1210568", "hackers alert", "10.194.2.52")
    );
    assert_eq!((score.correct, score.incorrect, score.lines_read), (1000, 0, 1000));
    assert_eq!((score.sent_in_session, score.sent_in_connection, score.max_lines), (34957, 7335, 1000));
    assert_eq!(score.submitted - score.session_start, 7_097_451);
    assert_eq!(score.to_string(), REAL);
}

#[test]
fn a_success_with_lines_wrong_or_missing_is_not_right() {
    for counts in ["999, 0, 999,", "1000, 1, 1001,", "1, 0, 1,"] {
        let read = verdict(&REAL.replace("1000, 0, 1000,", counts)).unwrap();
        assert!(!read.right(1000), "{counts}");
    }
}

#[test]
fn the_three_failures_are_told_apart_and_others_keep_their_words() {
    for (words, reason) in [
        ("LINESTOREAD PARSING ERROR", FailureReason::LinesToRead),
        ("LINE NUMBER PARSING ERROR", FailureReason::LineNumber),
        ("READING ERROR", FailureReason::Reading),
        ("OUT OF PAPER", FailureReason::Other("OUT OF PAPER".into())),
    ] {
        let text = format!("SUBMIT FAILED: [a@b - c] - {words}");
        let read = verdict(&text).unwrap();
        assert!(!read.right(0));
        let failure = read.outcome.unwrap_err();
        assert_eq!((failure.identity.as_str(), &failure.reason), ("a@b - c", &reason));
        assert_eq!(failure.to_string(), text);
    }
}

#[test]
fn a_reply_that_is_no_verdict_is_an_error_with_its_text() {
    for text in ["-1", "Ok", "", "SUBMIT SUCCESS: a@b - 1.2.3.4 - 1, 2 - 3, 4, 5", "SUBMIT SUCCESS: "] {
        assert_eq!(verdict(text), Err(ReplyError::NotAVerdict { reply: text.into() }));
    }
}

#[test]
fn each_violation_has_its_own_error() {
    let not_a_number = |field: &str| Err(ReplyError::NotANumber { field: field.into() });
    assert_eq!(only(b"abc\nx\n", Expect::Line), not_a_number("abc"));
    assert_eq!(only(b"\nx\n", Expect::Line), not_a_number(""));
    assert_eq!(only(b"+1\nx\n", Expect::Line), not_a_number("+1"));
    assert_eq!(only(b"-2\nx\n", Expect::Line), not_a_number("-2"));
    assert_eq!(only(b"1 \nx\n", Expect::Line), not_a_number("1 "));
    assert_eq!(only(&[b'7'; 21], Expect::Line), not_a_number(&"7".repeat(20)));
    assert_eq!(only(b"16000001\nx\n", Expect::Line), Err(ReplyError::OutOfRange { number: 16_000_001 }));
    let huge = Err(ReplyError::OutOfRange { number: u64::MAX });
    assert_eq!(only(b"99999999999999999999\nx\n", Expect::Line), huge);
    assert_eq!(only(b"ok\n", Expect::ResetDone), Err(ReplyError::NotOk { reply: "ok".into() }));
    assert_eq!(only(b"-1\n", Expect::Corrections), not_a_number("-1"));
    assert_eq!(only(&vec![b'S'; limits::REPLY_BYTES + 1], Expect::Verdict), Err(ReplyError::ReplyTooLong));
}

#[test]
fn a_text_without_end_is_found_out_before_it_fills_the_memory() {
    let mut reader = ReplyReader::new();
    assert_eq!(reader.next(&mut &b"5\n"[..], Expect::Line), Ok(None));
    let chunk = [b'x'; 4096];
    let sent = (0..2560).find_map(|chunks| match reader.next(&mut &chunk[..], Expect::Line) {
        Ok(None) => None,
        other => Some((chunks * 4096, other == Err(ReplyError::TextTooLong))),
    });
    assert_eq!(sent, Some((limits::TEXT_BYTES, true)));
    assert!(reader.is_within_reply());
}

#[test]
#[cfg_attr(miri, ignore = "long texts at every split: minutes")]
fn the_longest_text_is_still_a_text() {
    let mut bytes = Vec::new();
    line_entry(LineNumber(limits::LINES), &vec![b'x'; limits::TEXT_BYTES], &mut bytes);
    assert!(only(&bytes, Expect::Line).is_ok());
    assert_eq!(read_replies(&bytes, &[9, 70], &[Expect::Line]), read_replies(&bytes, &[], &[Expect::Line]));
    bytes.insert(10, b'x');
    assert_eq!(only(&bytes, Expect::Line), Err(ReplyError::TextTooLong));
}

#[test]
fn whole_replies_are_lent_from_the_input() {
    let bytes = b"5\nfive\n6\nsi".to_vec();
    let mut input = &bytes[..];
    let mut reader = ReplyReader::new();
    let Ok(Some(Reply::Line { text, .. })) = reader.next(&mut input, Expect::Line) else { panic!() };
    assert!(bytes.as_ptr_range().contains(&text.as_ptr()));
    assert!(!reader.is_within_reply());
    assert_eq!(reader.next(&mut input, Expect::Line), Ok(None));
    assert!(reader.is_within_reply() && input.is_empty());
}

#[test]
fn corrections_count_down_to_the_end_of_the_reply() {
    let mut bytes = Vec::new();
    corrections_head(2, &mut bytes);
    line_entry(LineNumber(3), b"three", &mut bytes);
    line_entry(LineNumber(4), b"", &mut bytes);
    corrections_head(0, &mut bytes);
    bytes.extend_from_slice(RESET_DONE);
    let due = [Expect::Corrections, Expect::Corrections, Expect::ResetDone];
    let (replies, error) = read_replies(&bytes, &[], &due);
    let correction =
        |number, text: &[u8], left| owned(&Reply::Correction { number: LineNumber(number), text, left });
    assert_eq!(error, None);
    assert_eq!(
        replies,
        [
            owned(&Reply::Corrections { count: 2 }),
            correction(3, b"three", 1),
            correction(4, b"", 0),
            owned(&Reply::Corrections { count: 0 }),
            owned(&Reply::ResetDone)
        ]
    );
}

#[test]
fn requests_read_as_they_were_written() {
    let mut bytes = [SENDLINE, b"\nSENDLINE \nHELO\n", SESSION_RESET].concat();
    submit_head("a@b c", 2, &mut bytes);
    line_entry(LineNumber(7), b"SENDLINE", &mut bytes);
    line_entry(LineNumber(0), b"", &mut bytes);
    bytes.extend_from_slice(SEND_INCORRECT_LINES);
    submit_head("x@y", 0, &mut bytes);
    bytes.extend_from_slice(SENDLINE);
    let debug = |request: Request<'_>| format!("{request:?}");
    let (requests, error) = read_requests(&bytes, &[]);
    assert_eq!(error, None);
    assert_eq!(
        requests,
        [
            debug(Request::SendLine),
            debug(Request::Unknown),
            debug(Request::Unknown),
            debug(Request::Unknown),
            debug(Request::SessionReset),
            debug(Request::Submit { identity: b"a@b c", count: 2 }),
            debug(Request::Entry { number: 7, text: b"SENDLINE", left: 1 }),
            debug(Request::Entry { number: 0, text: b"", left: 0 }),
            debug(Request::SendIncorrectLines),
            debug(Request::Submit { identity: b"x@y", count: 0 }),
            debug(Request::SendLine),
        ]
    );
}

#[test]
fn a_submit_that_can_not_be_read_on_is_reported_and_requests_go_on() {
    let failed = |reason| format!("{:?}", Request::Malformed(Failure { identity: "a@b".into(), reason }));
    let (requests, _) = read_requests(b"SUBMIT\na@b\nmany\nSENDLINE\n", &[]);
    assert_eq!(requests, [failed(FailureReason::LinesToRead), "SendLine".to_owned()]);
    let (requests, _) = read_requests(b"SUBMIT\na@b\n16000001\n", &[]);
    assert_eq!(requests, [failed(FailureReason::LinesToRead)]);
    let (requests, _) = read_requests(b"SUBMIT\na@b\n1\n-1\nSENDLINE\n", &[]);
    assert_eq!(requests[1..], [failed(FailureReason::LineNumber), "SendLine".to_owned()]);
}

#[test]
fn a_submit_that_ends_early_is_a_reading_error() {
    let mut reader = RequestReader::new();
    assert_eq!(reader.end(), None);
    let mut input = &b"SUBMIT\na@b\n2\n0\nzero\n1\nhalf a te"[..];
    while reader.next(&mut input).unwrap().is_some() {}
    assert_eq!(reader.end(), Some(Failure { identity: "a@b".into(), reason: FailureReason::Reading }));
    assert!(!reader.is_within_submit());
}

#[test]
fn requests_are_bounded() {
    let long = vec![b'x'; limits::REQUEST_BYTES + 1];
    assert_eq!(read_requests(&long, &[]).1, Some(RequestError::LineTooLong));
    assert_eq!(read_requests(&[b"SUBMIT\n", &long[..]].concat(), &[]).1, Some(RequestError::LineTooLong));
    let text = vec![b'x'; limits::TEXT_BYTES + 1];
    let submit = [b"SUBMIT\na@b\n1\n0\n", &text[..]].concat();
    assert_eq!(read_requests(&submit, &[100]).1, Some(RequestError::TextTooLong));
}

/// A file's text: anything but a line feed, often something that looks like a number.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>().prop_map(|byte| if byte == b'\n' { b' ' } else { byte }), 0..40),
        Just(b"-1".to_vec()),
        Just(b"12".to_vec()),
        Just(b"SENDLINE".to_vec()),
        Just(Vec::new()),
    ]
}

fn score() -> impl Strategy<Value = Score> {
    ("[a-z0-9]{0,9}@[ a-z@,\\-\\[\\]]{0,20}", "[0-9.:a-f]{1,15}", any::<[u64; 9]>()).prop_map(
        |(identity, ip, [a, b, c, d, e, f, g, h, i])| Score {
            identity,
            ip,
            correct: a,
            incorrect: b,
            lines_read: c,
            sent_in_session: d,
            sent_in_connection: e,
            max_lines: f,
            session_start: g,
            connection_start: h,
            submitted: i,
        },
    )
}

/// A whole reply as a server writes it, what is due when it comes, and what must be read from it.
fn reply() -> impl Strategy<Value = (Vec<u8>, Expect, Vec<String>)> {
    let numbered = || (0..=limits::LINES, text());
    prop_oneof![
        4 => numbered().prop_map(|(number, text)| {
            let mut bytes = Vec::new();
            line_entry(LineNumber(number), &text, &mut bytes);
            let read = owned(&Reply::Line { number: LineNumber(number), text: &text });
            (bytes, Expect::Line, vec![read])
        }),
        1 => prop_oneof![Just(REFUSAL_BLANK), Just(REFUSAL_MINUS)]
            .prop_map(|bytes| (bytes.to_vec(), Expect::Line, vec![owned(&Reply::Refused)])),
        1 => Just((RESET_DONE.to_vec(), Expect::ResetDone, vec![owned(&Reply::ResetDone)])),
        1 => score().prop_map(|score| {
            let mut bytes = Vec::new();
            success(&score, &mut bytes);
            let verdict = Verdict { raw: score.to_string(), outcome: Ok(score) };
            (bytes, Expect::Verdict, vec![owned(&Reply::Verdict(Box::new(verdict)))])
        }),
        1 => ("[a-z @\\-\\]]{0,20}", "[A-Z ]{1,20}").prop_map(|(identity, words)| {
            let written = Failure { identity, reason: FailureReason::Other(words) };
            let mut bytes = Vec::new();
            failure(&written, &mut bytes);
            let verdict = Verdict { raw: written.to_string(), outcome: Err(written) };
            (bytes, Expect::Verdict, vec![owned(&Reply::Verdict(Box::new(verdict)))])
        }),
        1 => vec(numbered(), 0..4).prop_map(|lines| {
            let mut bytes = Vec::new();
            let mut left = u32::try_from(lines.len()).unwrap();
            corrections_head(left, &mut bytes);
            let mut read = vec![owned(&Reply::Corrections { count: left })];
            for (number, text) in &lines {
                left -= 1;
                line_entry(LineNumber(*number), text, &mut bytes);
                read.push(owned(&Reply::Correction { number: LineNumber(*number), text, left }));
            }
            (bytes, Expect::Corrections, read)
        }),
    ]
}

/// Whole requests as a client writes them.
fn request() -> impl Strategy<Value = (Vec<u8>, Vec<String>)> {
    let debug = |request: Request<'_>| format!("{request:?}");
    prop_oneof![
        Just((SENDLINE.to_vec(), vec![debug(Request::SendLine)])),
        Just((SESSION_RESET.to_vec(), vec![debug(Request::SessionReset)])),
        Just((SEND_INCORRECT_LINES.to_vec(), vec![debug(Request::SendIncorrectLines)])),
        ("[a-z@ \\-]{0,20}", vec((any::<u32>(), text()), 0..4)).prop_map(move |(identity, entries)| {
            let mut left = u32::try_from(entries.len()).unwrap();
            let mut bytes = Vec::new();
            submit_head(&identity, left, &mut bytes);
            let mut read = vec![debug(Request::Submit { identity: identity.as_bytes(), count: left })];
            for (number, text) in &entries {
                left -= 1;
                line_entry(LineNumber(*number), text, &mut bytes);
                read.push(debug(Request::Entry { number: *number, text, left }));
            }
            (bytes, read)
        }),
    ]
}

proptest! {
    #[test]
    fn replies_read_the_same_under_every_split(replies in vec(reply(), 0..8), cuts in vec(any::<usize>(), 0..40)) {
        let bytes: Vec<u8> = replies.iter().flat_map(|(bytes, _, _)| bytes.clone()).collect();
        let due: Vec<Expect> = replies.iter().map(|(_, due, _)| *due).collect();
        let written: Vec<String> = replies.into_iter().flat_map(|(_, _, read)| read).collect();
        prop_assert_eq!(read_replies(&bytes, &cuts, &due), (written.clone(), None));
        let every: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(read_replies(&bytes, &every, &due), (written, None));
    }

    #[test]
    fn requests_read_the_same_under_every_split(requests in vec(request(), 0..8), cuts in vec(any::<usize>(), 0..40)) {
        let bytes: Vec<u8> = requests.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let written: Vec<String> = requests.into_iter().flat_map(|(_, read)| read).collect();
        prop_assert_eq!(read_requests(&bytes, &cuts), (written.clone(), None));
        let every: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(read_requests(&bytes, &every), (written, None));
    }

    #[test]
    fn any_bytes_give_the_same_replies_and_the_same_error_under_every_split(
        bytes in vec(prop_oneof![Just(b'\n'), Just(b'-'), Just(b'1'), any::<u8>()], 0..200),
        cuts in vec(any::<usize>(), 0..40),
        due in vec(prop_oneof![
            Just(Expect::Line), Just(Expect::Verdict), Just(Expect::ResetDone), Just(Expect::Corrections)
        ], 0..8),
    ) {
        prop_assert_eq!(read_replies(&bytes, &cuts, &due), read_replies(&bytes, &[], &due));
        prop_assert_eq!(read_whole_lines_first(&bytes, &cuts, &due), read_replies(&bytes, &[], &due));
        prop_assert_eq!(read_requests(&bytes, &cuts), read_requests(&bytes, &[]));
    }
}

#[test]
fn a_line_is_whole_unless_it_lies_apart_or_something_is_wrong_with_it() {
    let long = [b"7\n", vec![b'x'; limits::TEXT_BYTES + 1].as_slice(), b"\n"].concat();
    let whole = |bytes: &[u8]| {
        let mut rest = bytes;
        let line = ReplyReader::new().whole_line(&mut rest).map(|(number, text)| (number.0, text.to_vec()));
        assert!(line.is_some() || rest == bytes, "what is not taken stays");
        (line, rest.len())
    };
    assert_eq!(whole(b"7\nseven\n8\n"), (Some((7, b"seven".to_vec())), 2));
    assert_eq!(whole(b"0\n\n"), (Some((0, Vec::new())), 0));
    for bytes in
        [&b""[..], b"7", b"7\n", b"7\nsev", b"\nseven\n", b"-1\n\n", b"x\nseven\n", b"16000001\nx\n", &long]
    {
        assert_eq!(whole(bytes).0, None, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(20)]));
    }
    let (mut reader, mut rest) = (ReplyReader::new(), &b"7\nsev"[..]);
    assert_eq!(reader.next(&mut rest, Expect::Line), Ok(None));
    let mut rest = &b"8\neight\n"[..];
    assert_eq!(reader.whole_line(&mut rest), None, "these bytes end a text that has begun");
}
