//! Frames of the peer protocol (docs/peer-protocol.md): `u32 LE length | u8 number | u64 LE lamport | body`.
//!
//! The reader takes any split of the byte stream and gives whole frames, without copying one that lies whole
//! in the input. It never holds more than one frame, and of that one no more than has come and than the receiver has
//! [`Room`] for: a length that was only announced costs nothing.

use crate::limits;

const LENGTH: usize = 4;
/// Number and Lamport time.
const HEAD: usize = 1 + 8;

/// A whole frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Which message it is.
    pub number: u8,
    /// The sender's Lamport time.
    pub lamport: u64,
    /// The message.
    pub body: &'a [u8],
    /// The body ends here; else it was longer than there was room for, and its end was left out.
    pub whole: bool,
}

/// How much of a body the receiver has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// All of it; a longer one than this is an error.
    Whole(usize),
    /// Its beginning, up to this. What follows is read and forgotten.
    Cut(usize),
}

/// Room for every message that there is, whatever it is about.
#[must_use]
pub fn everything(_number: u8) -> Room {
    Room::Whole(limits::FRAME_BYTES - HEAD)
}

/// Why a stream can't be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than any message.
    #[error("a frame of {0} bytes, over the limit")]
    TooLong(usize),
    /// Shorter than its own head.
    #[error("a frame of {0} bytes, shorter than its head")]
    TooShort(usize),
}

/// Appends a frame to `out`; `body` writes the message.
pub fn write(out: &mut Vec<u8>, number: u8, lamport: u64, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    out.push(number);
    out.extend_from_slice(&lamport.to_le_bytes());
    body(out);
    let length = u32::try_from(out.len() - start - LENGTH).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + LENGTH) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Cuts a byte stream into frames.
#[derive(Debug, Default)]
pub struct FrameReader {
    partial: Vec<u8>,
    /// Of the frame that has begun, head and number included: how much of it is kept, and how much after that is still
    /// to be passed over. Known once its number is there.
    rest: Option<(usize, usize)>,
}

/// An emptied buffer above this goes back to the allocator.
const KEEP_BYTES: usize = 16 * 1024;

impl FrameReader {
    /// The next whole frame, if there is one. Consumes from the front of `input`; keeps an incomplete tail.
    pub fn next<'f, 'i: 'f>(&'f mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'f>>, FrameError> {
        self.next_within(input, everything)
    }

    /// The same, of each message no more than there is room for.
    pub fn next_within<'f, 'i: 'f>(
        &'f mut self,
        input: &mut &'i [u8],
        room: impl Fn(u8) -> Room,
    ) -> Result<Option<Frame<'f>>, FrameError> {
        if self.rest.is_some_and(|(kept, passed)| self.partial.len() == kept && passed == 0) {
            // It was given out, and has to go.
            self.rest = None;
            self.partial.clear();
            if self.partial.capacity() > KEEP_BYTES {
                self.partial = Vec::new();
            }
        }
        if self.partial.is_empty()
            && let Some((kept, passed)) = measure(input, &room)?
            && let Some((frame, rest)) = input.split_at_checked(kept + passed)
        {
            *input = rest;
            return Ok(frame.get(..kept).and_then(|frame| parse(frame, passed == 0)));
        }
        if self.rest.is_none() {
            self.fill(LENGTH + 1, input);
            self.rest = measure(&self.partial, &room)?;
        }
        let Some((kept, passed)) = self.rest else { return Ok(None) };
        self.fill(kept, input);
        let over = passed.min(input.len());
        let (_, rest) = input.split_at(over);
        *input = rest;
        self.rest = Some((kept, passed - over));
        if self.partial.len() < kept || passed > over {
            return Ok(None);
        }
        let whole = length_of(&self.partial)?.is_some_and(|length| LENGTH + length == kept);
        Ok(parse(&self.partial, whole))
    }

    /// Nothing was kept: the stream may end here. To be asked after [`FrameReader::next`] gave none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partial.is_empty()
    }

    /// Grows with what has come, and never past `up_to`.
    fn fill(&mut self, up_to: usize, input: &mut &[u8]) {
        let missing = up_to.saturating_sub(self.partial.len()).min(input.len());
        let (head, rest) = input.split_at(missing);
        let needed = self.partial.len() + missing;
        if needed > self.partial.capacity() {
            let room = needed.max(2 * self.partial.capacity()).min(up_to);
            self.partial.reserve_exact(room - self.partial.len());
        }
        self.partial.extend_from_slice(head);
        *input = rest;
    }
}

/// How much of the frame that begins here is kept, and how much after that is passed over, once its number is known.
fn measure(bytes: &[u8], room: impl Fn(u8) -> Room) -> Result<Option<(usize, usize)>, FrameError> {
    let Some(length) = length_of(bytes)? else { return Ok(None) };
    let Some(number) = bytes.get(LENGTH) else { return Ok(None) };
    match room(*number) {
        Room::Whole(most) if length > HEAD + most => Err(FrameError::TooLong(length)),
        Room::Cut(most) if length > HEAD + most => Ok(Some((LENGTH + HEAD + most, length - HEAD - most))),
        Room::Whole(_) | Room::Cut(_) => Ok(Some((LENGTH + length, 0))),
    }
}

fn length_of(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    let Some(length) = bytes.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length) as usize;
    match length {
        0..HEAD => Err(FrameError::TooShort(length)),
        HEAD..=limits::FRAME_BYTES => Ok(Some(length)),
        _ => Err(FrameError::TooLong(length)),
    }
}

fn parse(frame: &[u8], whole: bool) -> Option<Frame<'_>> {
    let (_, rest) = frame.split_at_checked(LENGTH)?;
    let (number, rest) = rest.split_first()?;
    let (lamport, body) = rest.split_first_chunk::<8>()?;
    Some(Frame { number: *number, lamport: u64::from_le_bytes(*lamport), body, whole })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(stream: &[u8], cuts: &[usize]) -> Result<Vec<(u8, u64, Vec<u8>)>, FrameError> {
        read_within(stream, cuts, everything)
    }

    fn read_within(
        stream: &[u8],
        cuts: &[usize],
        room: impl Fn(u8) -> Room + Copy,
    ) -> Result<Vec<(u8, u64, Vec<u8>)>, FrameError> {
        let mut reader = FrameReader::default();
        let mut seen = Vec::new();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2) {
            let mut input = &stream[pair[0]..pair[1]];
            while let Some(frame) = reader.next_within(&mut input, room)? {
                seen.push((frame.number, frame.lamport, frame.body.to_vec()));
            }
        }
        Ok(seen)
    }

    proptest! {
        #[test]
        fn frames_read_back_at_every_split(
            frames in proptest::collection::vec((any::<u8>(), any::<u64>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8),
            cuts in proptest::collection::vec(any::<usize>(), 0..12),
        ) {
            let mut stream = Vec::new();
            for (number, lamport, body) in &frames {
                write(&mut stream, *number, *lamport, |out| out.extend_from_slice(body));
            }
            prop_assert_eq!(read_all(&stream, &cuts).unwrap(), frames);
        }

        #[test]
        fn of_a_body_that_is_too_long_the_beginning_is_kept_at_every_split(
            frames in proptest::collection::vec((0u8..4, any::<u64>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8),
            cuts in proptest::collection::vec(any::<usize>(), 0..12),
        ) {
            let mut stream = Vec::new();
            for (number, lamport, body) in &frames {
                write(&mut stream, *number, *lamport, |out| out.extend_from_slice(body));
            }
            let cut = frames.iter().map(|(number, lamport, body)| {
                let most = usize::from(*number) * 10;
                (*number, *lamport, body.iter().take(most).copied().collect())
            });
            let cut: Vec<(u8, u64, Vec<u8>)> = cut.collect();
            prop_assert_eq!(read_within(&stream, &cuts, |number| Room::Cut(usize::from(number) * 10)).unwrap(), cut);
        }

        #[test]
        fn garbage_never_panics(stream in proptest::collection::vec(any::<u8>(), 0..300),
                                cuts in proptest::collection::vec(any::<usize>(), 0..12)) {
            let _ = read_all(&stream, &cuts);
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_it_is_read() {
        assert_eq!(read_all(&u32::MAX.to_le_bytes(), &[]), Err(FrameError::TooLong(u32::MAX as usize)));
        assert_eq!(read_all(&8u32.to_le_bytes(), &[2]), Err(FrameError::TooShort(8)));
    }

    #[test]
    fn what_was_announced_and_is_not_wanted_takes_no_room() {
        for (number, room, most) in
            [(4, Room::Cut(6), 64), (4, Room::Cut(0), 64), (3, Room::Whole(1 << 20), 20_100)]
        {
            let mut reader = FrameReader::default();
            let announced = if most > 64 { 1 << 20 } else { limits::FRAME_BYTES };
            let mut stream = u32::try_from(announced).unwrap().to_le_bytes().to_vec();
            stream.push(number);
            stream.extend(vec![0; 20_000]);
            for piece in stream.chunks(1000) {
                assert_eq!(reader.next_within(&mut &piece[..], |_| room), Ok(None));
            }
            assert!(
                reader.partial.capacity() <= 2 * most,
                "{} bytes for {room:?}",
                reader.partial.capacity()
            );
        }
        let mut stream = Vec::new();
        write(&mut stream, 3, 0, |out| out.extend(vec![0; 100_000]));
        assert_eq!(read_within(&stream, &[5], |_| Room::Whole(99_999)), Err(FrameError::TooLong(100_009)));
        let mut reader = FrameReader::default();
        let (head, mut tail) = stream.split_at(10);
        assert_eq!(reader.next(&mut &head[..]), Ok(None));
        assert_eq!(reader.next(&mut tail).unwrap().unwrap().body.len(), 100_000);
        assert_eq!(reader.next(&mut &[][..]), Ok(None));
        assert_eq!(reader.partial.capacity(), 0, "what was long is not kept for the next");
    }
}
