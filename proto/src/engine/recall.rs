//! What happened in the swarm lately: every linked peer is asked for its newest events, and all are put in an order in
//! which no effect stands before its cause.
//!
//! The order is that of Lamport times, ties by id: an event's time is larger than those of all that could have caused
//! it, here and elsewhere. Nobody is waited for longer than [`PATIENCE`]; who did not answer is named. Nothing here
//! changes anything else.

use crate::{
    engine::{
        Engine,
        io::{ConnId, Effect, RequestId},
        noted,
        say::To,
    },
    ids::PeerId,
    limits,
    time::Moment,
    wire::{
        control::{self, ErrorBody},
        peer::{Message, Past, RECALLS, Recalled},
    },
};
use core::time::Duration;
use serde::Serialize;
use std::collections::BTreeSet;

/// So long a peer may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// An event that a peer is told of, see `engine::outbox`.
const PAST_WORK: u64 = 300;

/// The swarm's recent events.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Merged {
    /// No effect before its cause.
    pub events: Vec<control::Event>,
    /// Members and peers that did not answer, by name.
    pub silent: Vec<String>,
    /// The number of this node's next event. It is later than all of `events`.
    pub next: u64,
}

/// Questions that are under way.
#[derive(Debug, Default)]
pub(super) struct Recalls {
    rounds: Vec<Round>,
    asked: u32,
}

#[derive(Debug)]
struct Round {
    number: u32,
    request: RequestId,
    since: u64,
    until: Moment,
    waiting: BTreeSet<PeerId>,
    told: Vec<(PeerId, Vec<Past>)>,
}

impl Recalls {
    /// Is an answer of this peer awaited?
    pub(super) fn waits_for(&self, id: PeerId) -> bool {
        self.rounds.iter().any(|round| round.waiting.contains(&id))
    }

    /// When [`Engine::turn_recalls`] has something to do.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.rounds.iter().map(|round| round.until).min()
    }
}

impl Engine {
    /// Asks every peer that knows how to answer.
    pub(super) fn recall(&mut self, request: RequestId, since: u64) {
        if self.recalls.rounds.len() >= limits::RECALLS {
            let result = Err(ErrorBody::new(
                "E_BUSY",
                "the swarm's events were not gathered",
                format!("{} clients are asking for them already", limits::RECALLS),
                "try again in a second",
            ));
            self.out.push(Effect::Reply { request, result });
            return;
        }
        self.recalls.asked = self.recalls.asked.wrapping_add(1);
        let number = self.recalls.asked;
        let able = self.links.iter().filter(|(_, link)| link.established && link.features & RECALLS != 0);
        let able: Vec<(ConnId, PeerId)> = able.map(|(conn, link)| (conn, link.id)).collect();
        for (conn, _) in &able {
            self.say_stored(To::Conn(*conn), Message::Recall(number));
        }
        let waiting = able.into_iter().map(|(_, id)| id).collect();
        let until = self.now + PATIENCE;
        self.recalls.rounds.push(Round { number, request, since, until, waiting, told: Vec::new() });
    }

    /// A peer asks. What it is told takes its turn behind the lines that it still has to take.
    pub(super) fn on_recall(&mut self, conn: ConnId, number: u32) {
        if self.links.get(conn).is_some_and(|link| link.queued < limits::PEER_QUEUE_BYTES) {
            let events = noted::newest(self.out.recent());
            self.out.charge(events.len() as u64 * PAST_WORK);
            self.say_stored(To::Conn(conn), Message::Recalled(Recalled { number, events }));
        }
    }

    /// A peer answers. (An answer that nobody waits for any more came late.)
    pub(super) fn on_recalled(&mut self, id: PeerId, recalled: Recalled) {
        let mut rounds = self.recalls.rounds.iter_mut();
        if let Some(round) = rounds.find(|round| round.number == recalled.number)
            && round.waiting.remove(&id)
        {
            round.told.push((id, recalled.events));
        }
    }

    /// Ends what everybody answered whose link still stands, or what took too long.
    pub(super) fn turn_recalls(&mut self) {
        let live = self.links.live();
        let is_over =
            |round: &mut Round| self.now >= round.until || round.waiting.intersection(live).next().is_none();
        let over: Vec<Round> = self.recalls.rounds.extract_if(.., is_over).collect();
        for round in over {
            let request = round.request;
            let merged = Box::new(self.merge(round));
            self.out.push(Effect::Recalled { request, merged });
        }
    }

    fn merge(&self, round: Round) -> Merged {
        let recent = self.out.recent();
        let own =
            (self.settings.id, recent.since(round.since).map(|noted| noted.record(&self.settings.name)));
        // "From this node's event 9 on" is, for the others, from that event's time on.
        let from = match round.since {
            0 => 0,
            since => recent.since(since).next().map_or(self.out.lamport(), |noted| noted.stamped.lamport),
        };
        let mut events: Vec<(PeerId, control::Event)> = own.1.map(|event| (own.0, event)).collect();
        let mut silent: BTreeSet<PeerId> = self.links.live().iter().copied().chain(self.absent()).collect();
        for (id, told) in round.told {
            silent.remove(&id);
            let name = self.links.name(id);
            let wanted = told.into_iter().filter(|past| past.lamport >= from);
            events.extend(wanted.map(|past| (id, record(past, &name))));
        }
        events.sort_by_key(|(id, event)| (event.lamport, *id, event.seq));
        Merged {
            events: events.into_iter().map(|(_, event)| event).collect(),
            silent: silent.into_iter().map(|id| self.links.name(id)).collect(),
            next: recent.next_seq(),
        }
    }
}

fn record(past: Past, node: &str) -> control::Event {
    control::Event {
        seq: past.seq,
        lamport: past.lamport,
        t: past.at_ms as f64 / 1e3,
        time: None,
        node: node.into(),
        level: past.level.to_string(),
        what: past.what,
        fields: past.fields.into_iter().collect(),
    }
}
