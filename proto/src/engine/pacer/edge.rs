//! Between which gaps the limiter's own lies: the longest that was refused and the shortest that was answered.
//!
//! The spacing rules work with a period of their own, which may be a guess or stand at a bound. This is what replies
//! have shown, and the only thing that is shown as the server's limit. Invariant: `refused <= answered`.

use super::Micros;

/// Gaps that differ by less than this share may be told apart by jitter alone.
const JITTER: f64 = 1.02;
/// So many replies in a row that contradict what was seen before: the limit has moved. Fewer are a busy machine.
const MOVED: u32 = 3;
/// A longest refused and a shortest answered gap farther apart than this say too little.
const TIGHT: f64 = 1.35;

#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// The longest refused gap; zero while none was.
    refused: Micros,
    /// The shortest answered gap; infinite while none was.
    answered: Micros,
    /// Answers in a row that came too soon for what was refused, and refusals too late for what was answered.
    sooner: u32,
    later: u32,
}

impl Edge {
    pub(super) fn new() -> Self {
        Self { refused: 0.0, answered: Micros::INFINITY, sooner: 0, later: 0 }
    }

    /// A request that the limiter saw `gap` after the last one that it answered.
    pub(super) fn learn(&mut self, gap: Micros, answered: bool) {
        if answered {
            self.later = 0;
            self.sooner = if gap * JITTER < self.refused { self.sooner + 1 } else { 0 };
            if self.sooner >= MOVED {
                (self.refused, self.sooner) = (0.0, 0);
            }
            if self.sooner == 0 {
                self.answered = self.answered.min(gap);
                self.refused = self.refused.min(self.answered);
            }
        } else if gap > self.answered * JITTER {
            self.later += 1;
            if self.later >= MOVED {
                *self = Self { refused: gap, ..Self::new() };
            }
        } else {
            (self.sooner, self.later) = (0, 0);
            self.refused = self.refused.max(gap);
            self.answered = self.answered.max(self.refused);
        }
    }

    /// The shortest gap that the server seems to answer, if both sides are near enough.
    pub(super) fn period(&self) -> Option<Micros> {
        (self.answered <= self.refused * TIGHT).then_some(self.answered).filter(|gap| *gap > 0.0)
    }
}
