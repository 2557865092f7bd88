//! Decisions out of the fuzzer's bytes.

use lineswarm_proto::{
    ids::{JobId, PeerId},
    wire::peer::Round,
};
use std::net::SocketAddr;

/// Decisions out of bytes; when they are used up every decision is 0.
#[derive(Debug)]
pub(super) struct Script<'a>(pub(super) &'a [u8]);

impl<'a> Script<'a> {
    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(super) fn piece(&mut self) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(usize::from(self.byte()).min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// Small numbers mostly, all of them now and then.
    pub(super) fn number(&mut self, near: u64) -> u64 {
        match self.byte() {
            far @ 0xf0.. => u64::MAX >> (u32::from(far & 0xf) * 4),
            offset => near.saturating_add(u64::from(offset % 16)).saturating_sub(4),
        }
    }

    pub(super) fn one_of<T: Copy, const N: usize>(&mut self, of: [T; N]) -> T {
        let at = self.below(N);
        let [first, ..] = of.as_slice() else { unreachable!("there is something to choose from") };
        *of.get(at).unwrap_or(first)
    }
}

pub(super) fn round(script: &mut Script<'_>) -> Round {
    script.one_of([Round::PreVote, Round::Vote, Round::Transfer])
}

/// The node's own job mostly, so that what comes with it is looked at.
pub(super) fn job(script: &mut Script<'_>, ours: &JobId) -> JobId {
    let mut job = ours.clone();
    match script.byte() {
        0xc0..=0xcf => job.epoch = script.number(job.epoch),
        0xd0..=0xdf => job.lines = u32::from(script.byte()),
        0xe0..=0xef => job.label = "x".repeat(usize::from(script.byte()) * 4),
        0xf0.. => job.swarm = "another".into(),
        _ => {}
    }
    job
}

/// Nobody mostly, a whole town now and then.
pub(super) fn crowd(script: &mut Script<'_>) -> Vec<(PeerId, String, SocketAddr)> {
    let (many, town) = (script.byte(), script.byte());
    let count = match many {
        0..=0xef => usize::from(many % 3),
        _ => 3_000,
    };
    let id = |n: usize| {
        PeerId(core::array::from_fn(|at| [town, (n >> 8) as u8, n as u8].get(at).copied().unwrap_or(7)))
    };
    (0..count)
        .map(|n| (id(n), "n".into(), SocketAddr::from(([10, 1, (n >> 8) as u8, n as u8], 7000))))
        .collect()
}
