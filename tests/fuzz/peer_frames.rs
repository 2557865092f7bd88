//! Frames and messages of the peer protocol: a stream as it is, or one of whole frames around bodies of any bytes, whose
//! lengths are right, since blind changes seldom get past them.
//!
//! Promised: the same frames at every split; a message that reads is within its bounds, and writing it and reading it
//! again changes nothing.

use crate::bytes::{Bytes, pieces};
use lineswarm_proto::{
    limits,
    wire::{
        frame::{self, Frame, FrameReader},
        peer::{self, Message},
    },
};

type Seen = (u8, u64, Vec<u8>);

fn frames(pieces: &[&[u8]]) -> (Vec<Seen>, Option<String>) {
    let mut reader = FrameReader::default();
    let mut seen = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match reader.next(&mut input) {
                Ok(Some(frame)) => seen.push((frame.number, frame.lamport, frame.body.to_vec())),
                Ok(None) => break,
                Err(error) => return (seen, Some(error.to_string())),
            }
        }
        assert!(input.is_empty(), "a reader that wants more has taken all");
    }
    (seen, None)
}

/// Whole frames out of `number, lamport, length (two bytes), body`.
pub(crate) fn made(mut bytes: Bytes<'_>) -> Vec<u8> {
    let mut stream = Vec::new();
    while !bytes.is_empty() {
        let (number, lamport, length) = (bytes.byte() % 16, bytes.byte(), bytes.short());
        let body = bytes.take(length);
        frame::write(&mut stream, number, lamport.into(), |out| out.extend_from_slice(body));
    }
    stream
}

fn written(lamport: u64, message: &Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    peer::write(&mut bytes, lamport, message);
    bytes
}

fn is_stable((number, lamport, body): &Seen) {
    let frame = Frame { number: *number, lamport: *lamport, body, whole: true };
    let Ok(message) = Message::read(frame) else { return };
    if let Message::Lines(lines) = &message {
        let sound = |text: &[u8]| text.len() <= limits::TEXT_BYTES && !text.contains(&b'\n');
        assert!(lines.iter().all(|(_, text)| sound(text)), "texts within their bounds");
    }
    let first = written(*lamport, &message);
    let (seen, broken) = frames(&[&first]);
    let [(number, again, body)] = seen.as_slice() else { unreachable!("one frame was written: {broken:?}") };
    assert_eq!((number, again), (&frame.number, lamport));
    let reread = Message::read(Frame { number: *number, lamport: *again, body, whole: true });
    assert_eq!(reread.as_ref(), Ok(&message), "a message that was read can be said");
    if let Ok(reread) = reread {
        assert_eq!(written(*lamport, &reread), first, "writing is a fixed point");
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let (raw, split) = (bytes.flag(), bytes.byte());
    let stream = if raw { bytes.0.to_vec() } else { made(bytes) };
    let whole = frames(&[&stream]);
    assert_eq!(whole, frames(&pieces(&stream, split)), "every split gives the same frames");
    whole.0.iter().for_each(is_stable);
}
