//! Between which gaps the limiter's own lies: the longest that was refused and the shortest that was answered.
//!
//! The spacing rules work with a period of their own, which may be a guess or stand at a bound. This is what replies
//! have shown, and the only thing that is shown as the server's limit. On a busy machine the limiter sees other gaps
//! than this process does, so that single replies contradict each other: what is shown is an average, and the limit has
//! moved only when several draws in a row say so. Invariant: `refused <= answered`.

use super::Micros;

/// Gaps that differ by less than this share may be told apart by jitter alone.
const JITTER: f64 = 1.02;
/// So many draws in a row that contradict what was seen before: the limit has moved.
const MOVED: u32 = 3;
/// A longest refused and a shortest answered gap farther apart than this say too little.
const TIGHT: f64 = 1.35;
/// What is shown follows by this share a draw, and at once when it is off by more than that.
const FOLLOW: f64 = 0.1;
const FAR: f64 = 0.25;
/// Draws that say too little, until nothing is shown.
const FORGET: u32 = 32;

#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// The longest refused gap; zero while none was.
    refused: Micros,
    /// The shortest answered gap; infinite while none was.
    answered: Micros,
    /// The longest gap that was refused since the last answer.
    vain: Micros,
    /// Draws in a row that came too soon for what was refused, and after refusals too late for what was answered.
    sooner: u32,
    later: u32,
    /// The average; zero while there is none.
    shown: Micros,
    /// Draws in a row that were far off it, and that said too little.
    far: u32,
    mute: u32,
}

impl Edge {
    pub(super) fn new() -> Self {
        Self {
            refused: 0.0,
            answered: Micros::INFINITY,
            vain: 0.0,
            sooner: 0,
            later: 0,
            shown: 0.0,
            far: 0,
            mute: 0,
        }
    }

    /// A request that the limiter saw `gap` after the last one that it answered.
    pub(super) fn learn(&mut self, gap: Micros, answered: bool) {
        if !answered {
            self.vain = self.vain.max(gap);
            return;
        }
        let vain = core::mem::take(&mut self.vain);
        self.sooner = if gap * JITTER < self.refused { self.sooner + 1 } else { 0 };
        self.later = if vain > self.answered * JITTER { self.later + 1 } else { 0 };
        if self.sooner >= MOVED || self.later >= MOVED {
            (self.refused, self.answered) = (0.0, Micros::INFINITY);
            (self.sooner, self.later) = (0, 0);
        }
        if self.sooner == 0 && self.later == 0 {
            // What was refused a moment ago is no longer than what is answered now, but for jitter.
            self.answered = self.answered.min(gap).max(vain);
            self.refused = self.refused.max(vain).min(self.answered);
        }
        self.follow();
    }

    fn follow(&mut self) {
        let tight = self.answered <= self.refused * TIGHT && self.answered > 0.0;
        if !tight {
            self.mute += 1;
            if self.mute > FORGET {
                self.shown = 0.0;
            }
            return;
        }
        self.mute = 0;
        let off = self.answered - self.shown;
        self.far = if off.abs() > FAR * self.shown { self.far + 1 } else { 0 };
        if self.shown <= 0.0 || self.far >= MOVED {
            (self.shown, self.far) = (self.answered, 0);
        } else if self.far == 0 {
            self.shown += FOLLOW * off;
        }
    }

    /// The shortest gap that the server seems to answer, if that was seen.
    pub(super) fn period(&self) -> Option<Micros> {
        (self.shown > 0.0).then_some(self.shown)
    }
}
