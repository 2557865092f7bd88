//! What could have caused what, kept beside the engines and without their Lamport times: a vector clock for each node,
//! carried by the bytes that it sends. A merged list of events is checked against it.

use crate::{Broken, net::WireId};
use lineswarm_proto::engine::{event::Event, io::Stamped, recall::Merged};
use std::collections::{BTreeMap, VecDeque};

/// How many events of each node came before.
type Clock = Vec<u64>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Causes {
    now: Vec<Clock>,
    /// Before what was heard last.
    before: Vec<Clock>,
    lanes: BTreeMap<(WireId, usize), Lane>,
    /// By node and Lamport time.
    noted: BTreeMap<(String, u64), (usize, Clock)>,
}

/// One direction of a wire.
#[derive(Debug, Default)]
struct Lane {
    written: usize,
    heard: usize,
    /// What the writer knew when it had written so much.
    known: VecDeque<(usize, Clock)>,
}

impl Causes {
    pub(crate) fn new(nodes: usize) -> Self {
        let now = vec![vec![0; nodes]; nodes];
        Self { before: now.clone(), now, lanes: BTreeMap::new(), noted: BTreeMap::new() }
    }

    pub(crate) fn on_note(&mut self, node: usize, name: &str, stamped: &Stamped) {
        let (Some(now), Some(before)) = (self.now.get_mut(node), self.before.get(node)) else { return };
        let Some(own) = now.get_mut(node) else { return };
        *own += 1;
        let own = *own;
        // That it was held up a node notes before it looks at what has come.
        let mut clock = if matches!(stamped.event, Event::Stalled { .. }) { before } else { &*now }.clone();
        if let Some(count) = clock.get_mut(node) {
            *count = own;
        }
        self.noted.insert((name.into(), stamped.lamport), (node, clock));
    }

    pub(crate) fn on_write(&mut self, node: usize, wire: WireId, side: usize, bytes: usize) {
        let Some(now) = self.now.get(node) else { return };
        let lane = self.lanes.entry((wire, side)).or_default();
        lane.written += bytes;
        lane.known.push_back((lane.written, now.clone()));
        self.learn(node, wire, side);
    }

    /// What came was sent on the other side.
    pub(crate) fn on_heard(&mut self, node: usize, wire: WireId, side: usize, bytes: usize) {
        if let (Some(before), Some(now)) = (self.before.get_mut(node), self.now.get(node)) {
            before.clone_from(now);
        }
        if let Some(lane) = self.lanes.get_mut(&(wire, 1 - side)) {
            lane.heard += bytes;
        }
        self.learn(node, wire, side);
    }

    /// What was said is known when all of it is there, and no node reads a link on which it has not said hello.
    fn learn(&mut self, node: usize, wire: WireId, side: usize) {
        let greeted = self.lanes.contains_key(&(wire, side));
        let Some(lane) = self.lanes.get_mut(&(wire, 1 - side)).filter(|_| greeted) else { return };
        while lane.known.front().is_some_and(|(end, _)| *end <= lane.heard) {
            let Some((_, known)) = lane.known.pop_front() else { break };
            for (ours, theirs) in self.now.get_mut(node).into_iter().flatten().zip(known) {
                *ours = (*ours).max(theirs);
            }
        }
    }

    /// Every event that was listed did happen, and none stands before one that could have caused it.
    pub(crate) fn check(&self, merged: &Merged) -> Result<(), Broken> {
        let known = |event: &lineswarm_proto::wire::control::Event| {
            let told = self.noted.get(&(event.node.clone(), event.lamport));
            told.ok_or_else(|| Broken(format!("an event that never was: {event:?}")))
        };
        let clocks = merged.events.iter().map(known).collect::<Result<Vec<_>, _>>()?;
        for (at, (_, effect)) in clocks.iter().enumerate() {
            for (later, (node, cause)) in clocks.iter().enumerate().skip(at + 1) {
                // It is one of the first so many of its node, and the other knew of so many.
                if cause.get(*node) <= effect.get(*node) {
                    return Err(Broken(format!(
                        "{:?} stands before its cause {:?}",
                        merged.events.get(at),
                        merged.events.get(later)
                    )));
                }
            }
        }
        Ok(())
    }
}
