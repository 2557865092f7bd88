//! Two ends of a sealed link, with an attacker between them, and randomness that repeats.
//!
//! Promised: whatever is changed on the way, what an end reads is a beginning of what the other sealed, and the identity
//! it believes in is the other's; what is left alone arrives whole.

#[path = "../../daemon/src/net/secure.rs"]
mod secure;

use crate::bytes::{Bytes, pieces};
use secure::{Keys, Link, LinkError, Role};
use snow::{
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::{CryptoResolver, DefaultResolver},
    types::{Cipher, Dh, Hash, Random},
};
use std::{cell::OnceCell, thread_local};

/// A generator that repeats one byte.
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

thread_local! {
    // Dialler, listener, and a listener with another swarm's key.
    static KEYS: OnceCell<Option<[Keys; 3]>> = const { OnceCell::new() };
}

fn keys(which: usize) -> Option<Keys> {
    let make = |byte, file: &[u8]| Keys::new([byte; 32], Some(file)).ok();
    KEYS.with(|keys| {
        let all =
            keys.get_or_init(|| Some([make(1, b"swarm key")?, make(2, b"swarm key")?, make(2, b"another")?]));
        all.as_ref().and_then(|all| all.get(which)).cloned()
    })
}

/// One end, what is under way to it, and what it should come to read.
struct End {
    link: Link,
    to_it: Vec<u8>,
    /// Somebody changed what was under way to it.
    touched: bool,
    read: Vec<u8>,
    sealed_for_it: Vec<u8>,
    error: Option<LinkError>,
}

impl End {
    fn new(role: Role, keys: &Keys, random: u8, out: &mut Vec<u8>) -> Self {
        let link = Link::start_with(keys, role, Box::new(Repeat(random)), out);
        Self {
            link,
            to_it: Vec::new(),
            touched: false,
            read: Vec::new(),
            sealed_for_it: Vec::new(),
            error: None,
        }
    }

    /// Takes the first `most` bytes that are under way; what it says goes to `out`.
    fn receive(&mut self, most: usize, split: u8, out: &mut Vec<u8>) {
        let taken: Vec<u8> = self.to_it.drain(..most.min(self.to_it.len())).collect();
        for piece in pieces(&taken, split).into_iter().filter(|piece| !piece.is_empty()) {
            let result = self.link.receive(piece, &mut self.read, out);
            match (self.error, result) {
                (Some(_), again) => assert_eq!(again, Err(LinkError::Over), "an error ends a link for good"),
                (None, result) => self.error = result.err(),
            }
        }
        assert!(self.sealed_for_it.starts_with(&self.read), "only what was sealed is read, in order");
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let (way, split) = (bytes.byte(), bytes.byte());
    let other_key = way % 4 == 1;
    let (Some(ours), Some(theirs)) = (keys(0), keys(1 + usize::from(other_key))) else { return };
    let (mut to_listener, mut to_dialler) = (Vec::new(), Vec::new());
    let mut ends = [
        End::new(Role::Dialler, &ours, 3, &mut to_listener),
        End::new(Role::Listener, &theirs, 4, &mut to_dialler),
    ];
    let ids = [theirs.id(), ours.id()];
    if way % 4 == 2 {
        // A stranger that talks to both, and nobody else does.
        (to_listener, to_dialler) = (bytes.0.to_vec(), bytes.0.to_vec());
        ends.iter_mut().for_each(|end| end.touched = true);
        bytes = Bytes(&[]);
    }
    loop {
        let [dialler, listener] = &mut ends;
        listener.to_it.append(&mut to_listener);
        dialler.to_it.append(&mut to_dialler);
        let done = bytes.is_empty();
        let op = bytes.byte();
        let (end, other, out) = if op & 1 == 0 {
            (&mut *listener, &mut *dialler, &mut to_dialler)
        } else {
            (&mut *dialler, &mut *listener, &mut to_listener)
        };
        match op >> 1 & 7 {
            _ if done => {
                listener.receive(usize::MAX, split, &mut to_dialler);
                dialler.receive(usize::MAX, split, &mut to_listener);
                if to_dialler.is_empty() && to_listener.is_empty() {
                    break;
                }
            }
            0 => end.receive(bytes.byte().into(), split, out),
            1 => end.receive(usize::MAX, split, out),
            2 => {
                let (at, mask) = (bytes.short(), bytes.byte().max(1));
                let length = end.to_it.len().max(1);
                if let Some(byte) = end.to_it.get_mut(at % length) {
                    *byte ^= mask;
                    end.touched = true;
                }
            }
            3 => {
                let lost = usize::from(bytes.byte()).min(end.to_it.len());
                end.touched |= lost > 0;
                end.to_it.drain(..lost);
            }
            4 => {
                end.touched |= !end.to_it.is_empty();
                end.to_it.extend_from_within(..);
                end.to_it.truncate(1 << 20);
            }
            5 => {
                end.touched = true;
                let piece = bytes.piece();
                end.to_it.splice(..0, piece.iter().copied());
            }
            _ => {
                // Now and then so many records that the key changes.
                let (count, length) = if op == 0xff { (4200, 1) } else { (1, bytes.short() % 40_000) };
                for _ in 0..count {
                    let text = vec![op; length];
                    let before = out.len();
                    let sealed = end.link.seal(&text, out);
                    assert_eq!(sealed.is_ok(), end.link.peer().is_some() && end.error.is_none());
                    if sealed.is_ok() {
                        assert_eq!(out.len() - before, secure::sealed_bytes(length));
                        other.sealed_for_it.extend_from_slice(&text);
                    }
                }
            }
        }
    }
    let touched = ends.iter().any(|end| end.touched);
    for (end, id) in ends.iter().zip(ids) {
        assert!(end.link.peer().is_none_or(|peer| peer == id), "an identity is proven or unknown");
        assert!(!(other_key || way % 4 == 2) || end.link.peer().is_none(), "nobody gets in without the key");
        if !touched && !other_key {
            assert_eq!(end.error, None);
            assert_eq!(end.read, end.sealed_for_it, "what is left alone arrives");
            assert!(end.link.on_end().is_none());
        }
    }
}
