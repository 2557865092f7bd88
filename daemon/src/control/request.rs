//! From bytes to requests: lines out of a stream at any split, and commands out of lines.
//!
//! Invariant: never more than [`limits::CONTROL_REQUEST_BYTES`] of an unfinished line are kept, and no byte is looked
//! at twice in search of its end.

use lineswarm_proto::{
    limits,
    wire::control::{ErrorBody, Request},
};
use memchr::memchr;
use serde_json::{Map, Value};

/// A line longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Bytes that came and are not yet a request.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// How much of the front was given out.
    taken: usize,
    /// How far the search for the next newline came.
    searched: usize,
}

impl Inbox {
    /// Nothing more is to be read until a line was taken.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() - self.taken > limits::CONTROL_REQUEST_BYTES
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.searched -= self.taken;
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, without its newline. After the stream's end the rest is a line too.
    pub(super) fn next_line(&mut self, ended: bool) -> Result<Option<&[u8]>, TooLong> {
        let rest = self.bytes.get(self.searched..).unwrap_or_default();
        let (end, next) = match memchr(b'\n', rest) {
            Some(at) => (self.searched + at, self.searched + at + 1),
            None => {
                self.searched = self.bytes.len();
                (self.bytes.len(), self.bytes.len())
            }
        };
        if end - self.taken > limits::CONTROL_REQUEST_BYTES {
            return Err(TooLong);
        }
        let whole = end < next || (ended && end > self.taken);
        if !whole {
            if self.taken == self.bytes.len() {
                // A client that waits costs nothing.
                *self = Self::default();
            }
            return Ok(None);
        }
        let line = self.taken..end;
        (self.taken, self.searched) = (next, next);
        Ok(self.bytes.get(line))
    }
}

/// Every command, as clients write it.
const COMMANDS: [&str; 36] = [
    "hello",
    "ping",
    "version",
    "status",
    "peers",
    "resolve",
    "lines",
    "get",
    "dump",
    "master",
    "wait",
    "events",
    "log",
    "stats",
    "metrics",
    "why",
    "history",
    "config",
    "start",
    "pause",
    "resume",
    "reset",
    "save",
    "verify",
    "stop",
    "submit",
    "elect",
    "limit",
    "peer-add",
    "peer-remove",
    "peer-forget",
    "join",
    "leave",
    "log-level",
    "reload",
    "capture",
];

/// A request, or the id and the refusal to answer with.
pub(super) fn parse(line: &[u8]) -> Result<Request, (u64, ErrorBody)> {
    let text = std::str::from_utf8(line)
        .map_err(|error| (0, bad(format!("byte {} is no UTF-8", error.valid_up_to()))))?;
    let object: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| (0, bad(format!("it is no JSON object: {error}"))))?;
    let id = match object.get("id") {
        None => 0,
        Some(id) => id.as_u64().ok_or_else(|| (0, bad("its id is no whole number from 0 on".into())))?,
    };
    let command = match object.get("cmd") {
        Some(Value::String(command)) => command.clone(),
        Some(_) => return Err((id, bad("its cmd is no text".into()))),
        None => return Err((id, bad("it has no cmd".into()))),
    };
    if !COMMANDS.contains(&command.as_str()) {
        return Err((id, unknown(&command)));
    }
    serde_json::from_value(Value::Object(object)).map_err(|error| {
        let what = format!("{command} was not understood");
        let hint = "send its fields as docs/control-protocol.md has them";
        (id, ErrorBody::new("E_BAD_REQUEST", what, error.to_string(), hint))
    })
}

fn bad(why: String) -> ErrorBody {
    let hint = r#"send one object a line, as {"id":1,"cmd":"status"}"#;
    ErrorBody::new("E_BAD_REQUEST", "the request was not understood", why, hint)
}

fn unknown(command: &str) -> ErrorBody {
    let shown: String = command.chars().take(40).collect();
    let hint = match crate::config::nearest(&shown, COMMANDS) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("send one of {}", COMMANDS.join(", ")),
    };
    let why = format!("this daemon knows no command {shown:?}");
    ErrorBody::new("E_UNKNOWN_COMMAND", "the request was not understood", why, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lineswarm_proto::wire::control::Command;
    use proptest::prelude::*;

    fn code(line: &[u8]) -> (u64, String) {
        let (id, error) = parse(line).unwrap_err();
        assert!(!error.what.is_empty() && !error.why.is_empty() && !error.hint.is_empty());
        (id, error.code)
    }

    #[test]
    fn the_table_of_commands_is_the_protocols() {
        let error = serde_json::from_str::<Command>(r#"{"cmd":"?"}"#).unwrap_err().to_string();
        let named: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        assert_eq!(named, COMMANDS);
    }

    #[test]
    fn garbage_is_refused_with_the_id_if_it_can_be_read() {
        assert_eq!(code(b"hello"), (0, "E_BAD_REQUEST".into()));
        assert_eq!(code(b"[1]"), (0, "E_BAD_REQUEST".into()));
        assert_eq!(code(b"{\"cmd\":\"ping\xff\"}"), (0, "E_BAD_REQUEST".into()));
        assert_eq!(code(br#"{"id":-1,"cmd":"ping"}"#), (0, "E_BAD_REQUEST".into()));
        assert_eq!(code(br#"{"id":7}"#), (7, "E_BAD_REQUEST".into()));
        assert_eq!(code(br#"{"id":7,"cmd":1}"#), (7, "E_BAD_REQUEST".into()));
        assert_eq!(code(br#"{"id":7,"cmd":"get"}"#), (7, "E_BAD_REQUEST".into()));
        assert_eq!(code(br#"{"id":7,"cmd":"get","number":-1}"#), (7, "E_BAD_REQUEST".into()));
        assert_eq!(code("[".repeat(60_000).as_bytes()), (0, "E_BAD_REQUEST".into()));
    }

    #[test]
    fn an_unknown_command_names_the_nearest() {
        let (id, error) = parse(br#"{"id":3,"cmd":"statuss"}"#).unwrap_err();
        assert_eq!((id, error.code.as_str()), (3, "E_UNKNOWN_COMMAND"));
        assert_eq!(error.hint, "did you mean status?");
        let (_, error) = parse(br#"{"cmd":"qqqq"}"#).unwrap_err();
        assert!(error.hint.contains("ping"), "{}", error.hint);
    }

    #[test]
    fn unknown_fields_are_of_a_newer_client_and_passed_over() {
        let request = parse(br#"{"cmd":"status","colour":"red"}"#).unwrap();
        assert_eq!((request.id, request.command), (0, Command::Status));
    }

    #[test]
    fn a_line_may_have_so_many_bytes_and_no_more() {
        let mut inbox = Inbox::default();
        inbox.push(&vec![b'x'; limits::CONTROL_REQUEST_BYTES]);
        assert_eq!(inbox.next_line(false), Ok(None));
        inbox.push(b"\n");
        assert_eq!(inbox.next_line(false).unwrap().unwrap().len(), limits::CONTROL_REQUEST_BYTES);
        inbox.push(&vec![b'x'; limits::CONTROL_REQUEST_BYTES + 1]);
        assert!(inbox.is_full());
        assert_eq!(inbox.next_line(false), Err(TooLong));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(text in "[a-c\n]{0,60}", cuts in prop::collection::vec(1usize..7, 0..40)) {
            let mut inbox = Inbox::default();
            let mut lines = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                inbox.push(now);
                rest = later;
                while let Some(line) = inbox.next_line(rest.is_empty()).unwrap() {
                    lines.push(line.to_vec());
                }
            }
            let expected: Vec<&[u8]> = text.as_bytes().split(|byte| *byte == b'\n').collect();
            let last_counts = expected.last().is_some_and(|last| !last.is_empty());
            let expected = &expected[..expected.len() - usize::from(!last_counts)];
            prop_assert_eq!(lines, expected);
        }

        #[test]
        fn no_bytes_make_it_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&line);
        }
    }
}
