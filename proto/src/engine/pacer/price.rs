//! How close to the edge to ride: which share of the first tries may be refused. Where wake-ups are punctual and a
//! second try is dear, few; where they scatter and it is cheap, many. Nobody can know beforehand, so the choices are
//! tried in turn, and the one with the shortest mean gap between answers is kept.

use super::Micros;

const SHARES: [f64; 4] = [0.03, 0.1, 0.3, 0.6];
/// Draws that one choice is kept for.
const BLOCK: u32 = 40;
/// Every so many blocks another choice is looked at again.
const LOOK: u32 = 8;

#[derive(Debug)]
pub(super) struct Price {
    /// The mean cost of a draw; zero while unknown.
    costs: [Micros; SHARES.len()],
    /// The present choice.
    at: usize,
    blocks: u32,
    draws: u32,
    sum: Micros,
}

impl Default for Price {
    fn default() -> Self {
        Self { costs: [0.0; SHARES.len()], at: 1, blocks: 0, draws: 0, sum: 0.0 }
    }
}

impl Price {
    pub(super) fn share(&self) -> f64 {
        SHARES.get(self.at).copied().unwrap_or(0.3)
    }

    /// A draw took `cost`: the gap, and a little for its refusals.
    pub(super) fn on_draw(&mut self, cost: Micros) {
        self.draws += 1;
        // The period needs a while to settle on a new share.
        if self.draws > BLOCK / 4 {
            self.sum += cost;
        }
        if self.draws < BLOCK {
            return;
        }
        let mean = self.sum / f64::from(BLOCK - BLOCK / 4);
        if let Some(known) = self.costs.get_mut(self.at) {
            *known = if *known > 0.0 { (*known + mean) / 2.0 } else { mean };
        }
        (self.draws, self.sum) = (0, 0.0);
        self.blocks = self.blocks.wrapping_add(1);
        let cheapest =
            self.costs.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(at, _)| at);
        let look = self.blocks.is_multiple_of(LOOK);
        self.at = if look { (self.blocks / LOOK) as usize % SHARES.len() } else { cheapest };
    }
}
