//! The control protocol: request lines as the daemon reads them, reply lines as the tool does.
//!
//! Promised: the same lines at every split, none longer than its bound; a request that was understood, written and read
//! again is the same; one that was not says why in a line that the client can read.

#[path = "../../daemon/src/control/request.rs"]
mod request;

use crate::bytes::{Bytes, pieces};
use lineswarm_proto::{
    limits,
    wire::control::{Body, Event, Greeting, Peers, Reply, Status},
};
use request::Inbox;
use serde_json::Value;

/// The lines of a stream, and whether a line too long ended it.
fn lines(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let (mut inbox, mut lines) = (Inbox::default(), Vec::new());
    for at in 0..=pieces.len() {
        if let Some(piece) = pieces.get(at) {
            inbox.push(piece);
        }
        loop {
            match inbox.next_line(at == pieces.len()) {
                Ok(Some(line)) => lines.push(line.to_vec()),
                Ok(None) => break,
                Err(_) => return (lines, true),
            }
        }
        assert!(!inbox.is_full(), "what is kept is bounded");
    }
    (lines, false)
}

fn ask(line: &[u8]) {
    assert!(line.len() <= limits::CONTROL_REQUEST_BYTES);
    match request::parse(line) {
        Ok(request) => {
            let again = serde_json::to_vec(&request).ok().map(|line| request::parse(&line));
            assert_eq!(again, Some(Ok(request)), "what was understood can be asked again");
        }
        Err((id, error)) => {
            assert!(!error.code.is_empty() && !error.what.is_empty());
            assert!(!error.why.is_empty() && !error.hint.is_empty(), "{error}");
            let reply = Reply { id, body: Body::<()>::Error(error) };
            let line = serde_json::to_vec(&reply).unwrap_or_default();
            assert!(line.len() <= limits::CONTROL_REPLY_BYTES && !line.contains(&b'\n'));
            assert_eq!(serde_json::from_slice(&line).ok(), Some(reply));
        }
    }
}

/// What a client makes of a line; whatever it makes of it, it can say again.
fn hear(line: &[u8]) {
    fn stable<T: serde::de::DeserializeOwned + serde::Serialize + PartialEq + core::fmt::Debug>(line: &[u8]) {
        let Ok(said) = serde_json::from_slice::<T>(line) else { return };
        let again = serde_json::to_vec(&said).ok().and_then(|line| serde_json::from_slice(&line).ok());
        assert_eq!(again, Some(said));
    }
    stable::<Greeting>(line);
    stable::<Reply<Value>>(line);
    stable::<Reply<Status>>(line);
    stable::<Reply<Peers>>(line);
    stable::<Event>(line);
}

pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let (replies, split) = (bytes.flag(), bytes.byte());
    let whole = lines(&[bytes.0]);
    assert_eq!(whole, lines(&pieces(bytes.0, split)), "every split gives the same lines");
    whole.0.iter().for_each(|line| if replies { hear(line) } else { ask(line) });
}
