//! Frames of the peer protocol (docs/peer-protocol.md): `u32 LE length | u8 number | u64 LE lamport | body`.
//!
//! The reader takes any split of the byte stream and gives whole frames, without copying one that lies whole
//! in the input. It never holds more than one frame, and none longer than [`limits::FRAME_BYTES`].

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
}

/// Why a stream can't be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than any message.
    #[error("a frame of {0} bytes, over the limit of {max}", max = limits::FRAME_BYTES)]
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
}

impl FrameReader {
    /// The next whole frame, if there is one. Consumes from the front of `input`; keeps an incomplete tail.
    pub fn next<'f, 'i: 'f>(&'f mut self, input: &mut &'i [u8]) -> Result<Option<Frame<'f>>, FrameError> {
        if self.partial.is_empty() {
            if let Some(length) = length_of(input)?
                && let Some((frame, rest)) = input.split_at_checked(LENGTH + length)
            {
                *input = rest;
                return Ok(parse(frame));
            }
            self.partial.extend_from_slice(input);
            *input = &[];
            return Ok(None);
        }
        // The last call left a part behind, or gave out the frame that now has to go.
        if let Some(length) = length_of(&self.partial)?
            && self.partial.len() == LENGTH + length
        {
            self.partial.clear();
            return self.next(input);
        }
        self.fill(LENGTH, input);
        if let Some(length) = length_of(&self.partial)? {
            self.fill(LENGTH + length, input);
            if self.partial.len() == LENGTH + length {
                return Ok(parse(&self.partial));
            }
        }
        Ok(None)
    }

    /// Nothing was kept: the stream may end here. To be asked after [`FrameReader::next`] gave none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partial.is_empty()
    }

    fn fill(&mut self, up_to: usize, input: &mut &[u8]) {
        let missing = up_to.saturating_sub(self.partial.len()).min(input.len());
        let (head, rest) = input.split_at(missing);
        self.partial.extend_from_slice(head);
        *input = rest;
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

fn parse(frame: &[u8]) -> Option<Frame<'_>> {
    let (_, rest) = frame.split_at_checked(LENGTH)?;
    let (number, rest) = rest.split_first()?;
    let (lamport, body) = rest.split_first_chunk::<8>()?;
    Some(Frame { number: *number, lamport: u64::from_le_bytes(*lamport), body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(stream: &[u8], cuts: &[usize]) -> Result<Vec<(u8, u64, Vec<u8>)>, FrameError> {
        let mut reader = FrameReader::default();
        let mut seen = Vec::new();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2) {
            let mut input = &stream[pair[0]..pair[1]];
            while let Some(frame) = reader.next(&mut input)? {
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
}
