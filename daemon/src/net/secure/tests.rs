//! Two ends of a link in memory. Randomness is fixed, so every run sees the same bytes.

use proptest::prelude::*;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};

use super::*;

const KEY: Option<&[u8]> = Some(b"swarm key");

/// A generator that repeats one byte: ephemeral keys as the test vector of the document has them.
struct Repeat(u8);

impl Random for Repeat {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), snow::Error> {
        dest.fill(self.0);
        Ok(())
    }
}

impl CryptoResolver for Repeat {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Self(self.0)))
    }
    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }
    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }
    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// One end with what it was told (`text`), what it wants sent (`out`) and all it ever sent (`sent`).
struct End {
    link: Link,
    text: Vec<u8>,
    out: Vec<u8>,
    sent: Vec<u8>,
}

impl End {
    fn new(role: Role, key_file: Option<&[u8]>) -> Self {
        let (private, random) = match role {
            Role::Dialler => (1, 3),
            Role::Listener => (2, 4),
        };
        Self::with(role, private, random, key_file)
    }

    fn with(role: Role, private: u8, random: u8, key_file: Option<&[u8]>) -> Self {
        let keys = Keys::new([private; 32], key_file).unwrap();
        let mut out = Vec::new();
        let link = Link::start_with(&keys, role, Box::new(Repeat(random)), &mut out);
        Self { link, text: Vec::new(), out, sent: Vec::new() }
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.link.receive(bytes, &mut self.text, &mut self.out)
    }

    fn take_out(&mut self) -> Vec<u8> {
        self.sent.extend_from_slice(&self.out);
        std::mem::take(&mut self.out)
    }

    fn seal(&mut self, text: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::new();
        self.link.seal(text, &mut sealed).unwrap();
        sealed
    }
}

/// Carries bytes to and fro until both are silent, in pieces of `split`. Says what each end made of it.
fn converse(a: &mut End, b: &mut End, split: usize) -> [Result<(), LinkError>; 2] {
    let mut results = [Ok(()), Ok(())];
    loop {
        let (to_b, to_a) = (a.take_out(), b.take_out());
        if to_a.is_empty() && to_b.is_empty() {
            return results;
        }
        let [at_a, at_b] = &mut results;
        for (end, bytes, result) in [(&mut *b, to_b, at_b), (&mut *a, to_a, at_a)] {
            for piece in bytes.chunks(split) {
                if result.is_ok() {
                    *result = end.receive(piece);
                }
            }
        }
    }
}

fn pair() -> (End, End) {
    let (mut a, mut b) = (End::new(Role::Dialler, KEY), End::new(Role::Listener, KEY));
    assert_eq!(converse(&mut a, &mut b, usize::MAX), [Ok(()), Ok(())]);
    (a, b)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_bytes_are_those_of_the_document() {
    let document = include_str!("../../../../docs/peer-links.md");
    let written = |what: &str| {
        let row = document.lines().find(|line| line.starts_with(&format!("| {what} |"))).unwrap();
        row.split('`').rev().nth(1).unwrap().to_owned()
    };
    let (mut a, mut b) = pair();
    let keys = Keys::new([1; 32], KEY).unwrap();
    assert_eq!(hex(&*keys.psk), written("psk"));
    assert_eq!(hex(&*Keys::new([1; 32], None).unwrap().psk), written("psk of an open swarm"));
    assert_eq!(keys.id().to_string(), written("PeerId of the dialler"));
    assert_eq!(b.link.peer().unwrap().to_string(), written("PeerId of the dialler"));
    assert_eq!(a.link.peer().unwrap().to_string(), written("PeerId of the listener"));
    let (message_1, message_3) = a.sent[8..].split_at(50);
    assert_eq!(hex(&a.sent[..8]), "4c53574d00010000");
    assert_eq!(hex(&b.sent[..8]), "4c53574d00010000");
    assert_eq!(hex(message_1), written("message 1, framed"));
    assert_eq!(hex(&b.sent[8..]), written("message 2, framed"));
    assert_eq!(hex(message_3), written("message 3, framed"));
    assert_eq!(hex(&a.seal(b"hello")), written("dialler's first record: `hello`"));
    assert_eq!(hex(&b.seal(b"world")), written("listener's first record: `world`"));
    for _ in 1..RECORDS_PER_KEY {
        a.seal(b"x");
    }
    let row = "dialler's record 4096 (the first under the second key): `next key`";
    assert_eq!(hex(&a.seal(b"next key")), written(row));
}

#[test]
fn text_passes_both_ways_at_every_split() {
    for split in [1, 2, 3, 7, 8, 9, 50, 51, 1000, usize::MAX] {
        let (mut a, mut b) = (End::new(Role::Dialler, KEY), End::new(Role::Listener, KEY));
        assert_eq!(converse(&mut a, &mut b, split), [Ok(()), Ok(())], "split {split}");
        a.link.seal(b"to the listener", &mut a.out).unwrap();
        b.link.seal(b"to the dialler", &mut b.out).unwrap();
        assert_eq!(converse(&mut a, &mut b, split), [Ok(()), Ok(())]);
        assert_eq!((&a.text[..], &b.text[..]), (&b"to the dialler"[..], &b"to the listener"[..]));
        assert_eq!((a.link.on_end(), b.link.on_end()), (None, None));
    }
}

#[test]
fn records_may_follow_the_last_handshake_message_at_once() {
    let (mut a, mut b) = (End::new(Role::Dialler, KEY), End::new(Role::Listener, KEY));
    a.receive(&b.take_out()).unwrap();
    b.receive(&a.take_out()).unwrap();
    a.receive(&b.take_out()).unwrap();
    a.link.seal(b"early", &mut a.out).unwrap();
    b.receive(&a.take_out()).unwrap();
    assert_eq!(b.text, b"early");
    assert!(b.link.peer().is_some());
}

#[test]
fn the_operating_systems_randomness_gives_a_link_too() {
    let keys = Keys::new([7; 32], None).unwrap();
    let (mut to_b, mut to_a, mut text) = (Vec::new(), Vec::new(), Vec::new());
    let mut a = Link::start(&keys, Role::Dialler, &mut to_b);
    let mut b = Link::start(&keys, Role::Listener, &mut to_a);
    for _ in 0..3 {
        b.receive(&std::mem::take(&mut to_b), &mut text, &mut to_a).unwrap();
        a.receive(&std::mem::take(&mut to_a), &mut text, &mut to_b).unwrap();
    }
    // Both ends are one node here: the caller recognises itself by its own id.
    assert_eq!((a.peer(), b.peer()), (Some(keys.id()), Some(keys.id())));
}

#[test]
fn another_key_is_refused_at_the_first_message_and_the_dialler_guesses_why() {
    for (ours, theirs) in [(KEY, Some(&b"swarm key\n"[..])), (KEY, None), (None, KEY)] {
        let (mut a, mut b) = (End::new(Role::Dialler, theirs), End::new(Role::Listener, ours));
        assert_eq!(converse(&mut a, &mut b, usize::MAX), [Ok(()), Err(LinkError::WrongKey)]);
        assert_eq!(b.sent.len(), PREAMBLE_BYTES, "a stranger gets nothing but the preamble");
        assert_eq!(a.link.on_end(), Some(LinkError::ClosedInHandshake));
        assert!(LinkError::ClosedInHandshake.to_string().contains("probably another key"));
        assert_eq!((a.link.peer(), b.link.peer()), (None, None));
    }
}

#[test]
fn another_wire_version_is_refused_by_both_with_both_versions() {
    let newer = [b'L', b'S', b'W', b'M', 0x01, 0x02, 0, 0];
    for role in [Role::Dialler, Role::Listener] {
        let mut end = End::new(role, KEY);
        assert_eq!(&end.take_out()[..6], b"LSWM\0\x01", "the other reads our version too");
        assert_eq!(end.receive(&newer), Err(LinkError::Version { theirs: 258, ours: 1 }));
        assert!(end.out.is_empty());
        assert_eq!(end.receive(b"x"), Err(LinkError::Over));
    }
}

#[test]
fn another_protocol_is_refused_at_its_first_wrong_byte() {
    for garbage in [&b"GET / HTTP/1.1\r\n"[..], b"L\n", b"LSWN", b"\0"] {
        for split in [1, usize::MAX] {
            let mut end = End::new(Role::Listener, KEY);
            let result = garbage.chunks(split).try_for_each(|piece| end.receive(piece));
            assert_eq!(result, Err(LinkError::NotLineswarm));
        }
    }
}

#[test]
fn the_reserved_bytes_are_not_interpreted_but_cannot_be_changed_on_the_way() {
    let (mut a, mut b) = (End::new(Role::Dialler, KEY), End::new(Role::Listener, KEY));
    a.out[7] = 1;
    assert_eq!(converse(&mut a, &mut b, usize::MAX), [Ok(()), Err(LinkError::WrongKey)]);
}

#[test]
fn a_long_handshake_message_is_refused_by_its_length_alone() {
    let mut end = End::new(Role::Listener, KEY);
    end.receive(&preamble()).unwrap();
    assert_eq!(end.receive(&513_u16.to_be_bytes()), Err(LinkError::HandshakeTooLong { bytes: 513 }));
    for wrong_shape in [&[0_u8, 0][..], &[0, 31]] {
        let mut end = End::new(Role::Listener, KEY);
        end.receive(&preamble()).unwrap();
        let mut bytes = wrong_shape.to_vec();
        bytes.resize(2 + usize::from(wrong_shape[1]), 7);
        assert_eq!(end.receive(&bytes), Err(LinkError::HandshakeDamaged));
    }
}

#[test]
fn a_recorded_conversation_cannot_be_replayed() {
    let (mut a, mut b) = pair();
    a.link.seal(b"secret", &mut a.out).unwrap();
    assert_eq!(converse(&mut a, &mut b, usize::MAX), [Ok(()), Ok(())]);
    // The same node again, with fresh randomness: the recorded third message does not fit its answer.
    let mut again = End::with(Role::Listener, 2, 9, KEY);
    assert_eq!(again.receive(&a.sent), Err(LinkError::HandshakeDamaged));
    assert!(again.text.is_empty() && again.link.peer().is_none());
    let mut again = End::with(Role::Dialler, 1, 9, KEY);
    assert_eq!(again.receive(&b.sent), Err(LinkError::HandshakeDamaged));
}

#[test]
fn a_record_opens_once_in_order_and_only_at_the_other_end() {
    type Case = fn(&mut End, Vec<u8>, Vec<u8>) -> Vec<u8>;
    let cases: [Case; 4] = [
        |_, one, _| [one.clone(), one].concat(), // repeated
        |_, one, two| [two, one].concat(),       // reordered
        |_, _, two| two,                         // one left out
        |b, _, _| b.seal(b"mirrored"),           // sent back to its sender
    ];
    for case in cases {
        let (mut a, mut b) = pair();
        let (one, two) = (a.seal(b"one"), a.seal(b"two"));
        let bytes = case(&mut b, one, two);
        assert_eq!(b.receive(&bytes), Err(LinkError::Damaged));
        assert!(b.text == b"one" || b.text.is_empty(), "nothing unproven comes through");
        assert_eq!(b.link.seal(b"x", &mut Vec::new()), Err(LinkError::Over));
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_handshake_or_a_record_opens_no_link_that_lies() {
    let (mut a, _) = pair();
    a.link.seal(b"text", &mut a.out).unwrap();
    a.take_out();
    let whole = a.sent;
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut b = End::new(Role::Listener, KEY);
        let result = b.receive(&bytes);
        // A longer length only waits for bytes that never come: the deadline's and the end's matter.
        let waits = result.is_ok() && b.link.on_end().is_some();
        assert!(result.is_err() || waits, "bit {bit}: {result:?}");
        assert!(b.text.is_empty(), "bit {bit}");
    }
}

#[test]
fn an_end_of_the_connection_is_told_apart_by_where_it_comes() {
    let (mut a, _) = pair();
    a.link.seal(b"text", &mut a.out).unwrap();
    a.take_out();
    for cut in 0..=a.sent.len() {
        let mut b = End::new(Role::Listener, KEY);
        b.receive(&a.sent[..cut]).unwrap();
        let expected = match cut {
            0..8 => Some(LinkError::ClosedEarly),
            8..124 => Some(LinkError::DiallerGone),
            124 => None,
            125..146 => Some(LinkError::CutShort),
            _ => None,
        };
        assert_eq!(b.link.on_end(), expected, "after {cut} bytes");
    }
}

#[test]
fn a_megabyte_of_noise_at_any_stage_ends_the_link() {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(1 << 20)
    .collect();
    let after_preamble = || {
        let mut end = End::new(Role::Listener, KEY);
        end.receive(&preamble()).unwrap();
        end
    };
    for mut end in [End::new(Role::Listener, KEY), End::new(Role::Dialler, KEY), after_preamble(), pair().0] {
        assert!(end.receive(&noise).is_err());
        assert!(end.text.is_empty());
        assert_eq!(end.receive(&noise), Err(LinkError::Over));
        assert_eq!(end.link.partial.capacity(), 0);
    }
}

#[test]
fn a_long_text_is_split_into_records_and_unfinished_ones_are_not_kept_after() {
    let (mut a, mut b) = pair();
    let text = vec![42; 300_000];
    let sealed = a.seal(&text);
    assert_eq!(sealed.len(), sealed_bytes(text.len()));
    for piece in sealed.chunks(1000) {
        b.receive(piece).unwrap();
        assert!(b.link.partial.len() <= LENGTH_BYTES + RECORD_TEXT_BYTES + TAG_BYTES);
    }
    assert_eq!(b.text, text);
    assert!(b.link.partial.capacity() <= KEEP_BYTES);
}

#[test]
fn the_largest_record_that_the_document_allows_is_read() {
    let (mut a, mut b) = pair();
    let State::Open(noise) = &mut a.link.state else { panic!("the handshake is complete") };
    let mut record = vec![0; 65_535];
    assert_eq!(noise.write_message(&[7; 65_519], &mut record).unwrap(), 65_535);
    b.receive(&[&[0xff, 0xff], &record[..]].concat()).unwrap();
    assert_eq!(b.text, vec![7; 65_519]);
}

#[test]
fn keys_change_on_both_sides_without_a_word() {
    let (mut a, mut b) = pair();
    for turn in 0..2 * RECORDS_PER_KEY + 2 {
        let (up, down) = (a.seal(&turn.to_be_bytes()), b.seal(b"reply"));
        b.receive(&up).unwrap();
        a.receive(&down).unwrap();
        assert!(b.text.ends_with(&turn.to_be_bytes()));
    }
}

#[test]
fn nothing_is_sealed_before_the_handshake_is_complete() {
    let mut end = End::new(Role::Dialler, KEY);
    assert_eq!(end.link.seal(b"x", &mut Vec::new()), Err(LinkError::NotOpen));
    assert_eq!(end.link.peer(), None);
}

#[test]
fn keys_are_not_shown_in_debug_output() {
    let shown = format!("{:?}", Keys::new([1; 32], KEY).unwrap());
    assert_eq!(shown, "Keys { id: PeerId(1a92f23852dc908d97316a3b13578281), .. }");
}

/// Asserts that the bytes arrive; the speed is printed with `--nocapture`.
#[test]
fn throughput_is_printed() {
    let (mut a, mut b) = pair();
    let (text, mut sealed, mut bytes) = (vec![1; 64 * 1024], Vec::new(), 0);
    let begun = std::time::Instant::now();
    for _ in 0..64 {
        sealed.clear();
        b.text.clear();
        a.link.seal(&text, &mut sealed).unwrap();
        b.receive(&sealed).unwrap();
        bytes += b.text.len();
    }
    assert_eq!(bytes, 64 * text.len());
    println!("sealed and opened {:.1} MB/s", bytes as f64 / 1e6 / begun.elapsed().as_secs_f64());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_in_any_pieces_arrive_as_one_stream(
        texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3000), 0..8),
        splits in proptest::collection::vec(1_usize..4000, 1..40),
    ) {
        let (mut a, mut b) = (End::new(Role::Dialler, KEY), End::new(Role::Listener, KEY));
        prop_assert_eq!(converse(&mut a, &mut b, splits[0]), [Ok(()), Ok(())]);
        let sealed: Vec<u8> = texts.iter().flat_map(|text| a.seal(text)).collect();
        let mut rest = &sealed[..];
        for split in splits.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*split).min(rest.len()));
            b.receive(piece).unwrap();
            rest = after;
        }
        prop_assert_eq!(b.text, texts.concat());
    }

    #[test]
    fn any_change_to_a_stream_of_records_yields_a_true_beginning_and_then_an_error(
        at in 0_usize..3090, flip in 1_u8..=255, split in 1_usize..200,
    ) {
        let (mut a, mut b) = pair();
        let mut sealed: Vec<u8> = (0..30_u8).flat_map(|n| a.seal(&[n; 85])).collect();
        let truth: Vec<u8> = (0..30_u8).flat_map(|n| [n; 85]).collect();
        prop_assert_eq!(sealed.len(), 3090);
        sealed[at] ^= flip;
        let result = sealed.chunks(split).try_for_each(|piece| b.receive(piece));
        prop_assert!(result.is_err() || b.link.on_end() == Some(LinkError::CutShort));
        prop_assert_eq!(&b.text, &truth[..at / 103 * 85]);
    }
}

/// What a batch of lines costs beside its texts: numbers and lengths, the frame, the seal, and the headers of TCP and IP.
#[test]
fn a_line_in_a_batch_of_eight_or_more_costs_at_most_24_bytes_beside_its_text() {
    use lineswarm_proto::{ids::LineNumber, limits::BATCH_BYTES, wire::peer};
    const SEGMENT_BYTES: usize = 1448;
    const HEADERS_BYTES: usize = 52;
    let (mut dialler, _) = pair();
    for length in [0, 1, 40, 80, 127, 128, 400, 2541] {
        // As many as the core puts into one batch, at most.
        for count in [8, 9, 16, 50, 400] {
            let mut batch = Vec::new();
            for number in 0..count {
                peer::write_line(&mut batch, LineNumber(15_999_999 - number), &vec![b'x'; length]);
            }
            let mut frame = Vec::new();
            peer::write_lines(&mut frame, u64::MAX, count as usize, &batch);
            let sealed = dialler.seal(&frame);
            let lines = count as usize;
            let cost = sealed.len() - lines * length;
            assert!(cost <= 16 * lines, "{cost} bytes for {lines} lines of {length}");
            if batch.len() <= BATCH_BYTES && length <= 80 {
                let headers = sealed.len().div_ceil(SEGMENT_BYTES) * HEADERS_BYTES;
                assert!(cost + headers <= 24 * lines, "{cost} and {headers} for {lines} lines of {length}");
            }
        }
    }
}
