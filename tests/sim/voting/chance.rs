//! Random ways through the states of the voting core: mostly steps that lead on.

use super::{Event, Message, State, Step, id, who};

impl State {
    /// One of the steps, mostly one that leads on: what was written gets stored, what was said arrives, once.
    pub(super) fn any_step(
        &self,
        joining: bool,
        news: &mut Vec<(usize, Message)>,
        rng: &mut fastrand::Rng,
    ) -> Step {
        let n = rng.usize(0..self.peers.len());
        let others = ((1_u8 << self.peers.len()) - 1) & !(1 << n);
        let heard = others & if rng.bool() { others } else { rng.u8(..) };
        let Some(peer) = self.peers.get(n) else { return (n, heard, Event::Timer) };
        if !peer.writes.is_empty() && rng.u8(0..4) > 0 {
            return (n, heard, Event::Stored);
        }
        news.retain(|(to, _)| *to != n || rng.u8(0..20) > 0);
        let arrivals: Vec<_> = self.arrivals(n).collect();
        let fresh = news.iter().position(|(to, message)| *to == n && arrivals.contains(message));
        if let (Some(at), true) = (fresh, rng.u8(0..4) > 0) {
            let (_, message) = news.swap_remove(at);
            return (n, heard, Event::Arrives(message));
        }
        let event = match rng.u8(0..if joining { 100 } else { 60 }) {
            0..4 => Event::Crash(rng.usize(0..=peer.writes.len())),
            4..6 => Event::Stall,
            6..20 => Event::Elect,
            20..40 => Event::Timer,
            40..60 => rng.choice(arrivals).map_or(Event::Timer, Event::Arrives),
            _ if peer.left => Event::Join,
            60..97 => {
                let met = |other: &usize| *other == n || peer.members.expects(id(*other));
                let strangers: Vec<_> = (0..self.peers.len()).filter(|other| !met(other)).collect();
                rng.choice(strangers).map_or(Event::Timer, |other| Event::Meet(who(id(other))))
            }
            97..99 => Event::Leave,
            _ => Event::Resign,
        };
        (n, heard, event)
    }
}
