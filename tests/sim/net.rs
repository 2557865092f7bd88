//! The network: wires between two ends, each direction a byte stream with latency, jitter, random splits and a bounded
//! system buffer. A path can be cut in one direction: what is under way then waits, as TCP would send it again, and
//! arrives after the path is healed. A crash of a process ends its wires; a power cut leaves the other end waiting.

use crate::agenda::{Agenda, Happening, Piece, Way};
use core::time::Duration;
use lineswarm_proto::{engine::io::ConnId, time::Moment};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Bytes that the systems on both ends take before the writer must queue.
const SYSTEM_BYTES: usize = 128 * 1024;
const LONGEST_PIECE: usize = 16 * 1024;
/// A cut path is tried again after this.
const RETRY: Duration = Duration::from_millis(300);
/// A connection that does not stand by then is given up by its dialler.
const PATIENCE: Duration = Duration::from_secs(5);
/// A closed end may still send for so long.
const LINGER: Duration = Duration::from_secs(2);

/// Where an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The line server.
    Server,
    /// The n-th node.
    Node(usize),
}

/// Names a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WireId(pub(crate) u64);

/// How fast and how rough.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// One way.
    pub latency: Duration,
    /// At most so much more.
    pub jitter: Duration,
    /// How likely a write arrives in pieces.
    pub split: f64,
    /// How likely a piece between nodes is lost and sent again a while later. (How to pace requests to the line
    /// server on such a path is rehearsed with the pacer itself.)
    pub loss: f64,
}

impl Default for Weather {
    fn default() -> Self {
        let latency = Duration::from_micros(500);
        Self { latency, jitter: Duration::from_micros(200), split: 0.1, loss: 0.0 }
    }
}

/// One end of a wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) place: Place,
    /// Which life of that place.
    pub(crate) life: u32,
    pub(crate) conn: ConnId,
    pub(crate) state: EndState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndState {
    Opening,
    Open,
    Closed,
}

#[derive(Debug, Default)]
struct Lane {
    unsent: VecDeque<u8>,
    under_way: usize,
    last_arrival: Moment,
    /// Pieces sent, and pieces heard: what arrives early, or while the path is cut, waits.
    sent: u64,
    heard: u64,
    waiting: BTreeMap<u64, Piece>,
    /// Said after `unsent` is empty.
    ending: bool,
    told: bool,
}

#[derive(Debug)]
struct Wire {
    ends: [End; 2],
    lanes: [Lane; 2],
    began: Moment,
    lost: bool,
}

/// What an end hears.
#[derive(Debug)]
pub(crate) enum Heard {
    Nothing,
    /// The connection stands at this end; the other end's place.
    Opened(End, Place),
    Bytes(End, Vec<u8>),
    Drained(End, usize),
    Closed(End, &'static str),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Net {
    pub(crate) weather: Weather,
    rng: fastrand::Rng,
    wires: BTreeMap<WireId, Wire>,
    cut: BTreeSet<(Place, Place)>,
    made: u64,
}

impl Net {
    pub(crate) fn new(weather: Weather, seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { weather, rng, wires: BTreeMap::new(), cut: BTreeSet::new(), made: 0 }
    }

    /// `from` dials `to`.
    pub(crate) fn dial(
        &mut self,
        from: (Place, u32, ConnId),
        to: (Place, u32),
        agenda: &mut Agenda,
    ) -> WireId {
        self.made += 1;
        let id = WireId(self.made);
        let end = |(place, life), conn| End { place, life, conn, state: EndState::Opening };
        let accepted = ConnId::accepted(self.made);
        let ends = [end((from.0, from.1), from.2), end(to, accepted)];
        let wire = Wire { ends, lanes: Default::default(), began: agenda.now(), lost: false };
        self.wires.insert(id, wire);
        let wait = self.trip(id);
        agenda.plan_in(wait, Happening::Greet { wire: id, step: 0 });
        id
    }

    fn trip(&mut self, id: WireId) -> Duration {
        let Weather { latency, jitter, loss, .. } = self.weather;
        let to_server =
            self.wires.get(&id).is_none_or(|wire| wire.ends.iter().any(|end| end.place == Place::Server));
        let loss = if to_server { 0.0 } else { loss };
        let again = if loss > 0.0 && self.rng.f64() < loss {
            2 * latency + Duration::from_millis(200)
        } else {
            Duration::ZERO
        };
        latency + jitter.mul_f64(self.rng.f64()) + again
    }

    /// A step of connecting: two trips to the server, five between peers, whose handshake tells the ids.
    pub(crate) fn on_greet(
        &mut self,
        id: WireId,
        step: u8,
        lives: impl Fn(Place) -> Life,
        agenda: &mut Agenda,
    ) -> Heard {
        let trip = self.trip(id);
        let Some(wire) = self.wires.get_mut(&id) else { return Heard::Nothing };
        let [dialler, target] = wire.ends;
        if dialler.state == EndState::Closed {
            return Heard::Nothing;
        }
        let (from, to) = if step.is_multiple_of(2) { (dialler, target) } else { (target, dialler) };
        let late = agenda.now().since(wire.began) >= PATIENCE;
        let gone = lives(target.place) == Life::NoPower || self.cut.contains(&(from.place, to.place));
        if late && dialler.state == EndState::Opening {
            return self.fail(id, "timed out");
        }
        if gone && !late {
            agenda.plan_in(RETRY, Happening::Greet { wire: id, step });
            return Heard::Nothing;
        }
        if gone || lives(target.place) != Life::Lives(target.life) {
            return self.fail(id, "connection refused");
        }
        let last = if target.place == Place::Server { 1 } else { 4 };
        if step < last {
            agenda.plan_in(trip, Happening::Greet { wire: id, step: step + 1 });
        }
        let opens = match (target.place, step) {
            (Place::Server, 0) | (Place::Node(_), 4) => Some(1),
            (Place::Server, 1) | (Place::Node(_), 3) => Some(0),
            _ => None,
        };
        opens.map_or(Heard::Nothing, |side| self.open(id, side, agenda))
    }

    fn fail(&mut self, id: WireId, why: &'static str) -> Heard {
        let Some(mut wire) = self.wires.remove(&id) else { return Heard::Nothing };
        let [dialler, _] = &mut wire.ends;
        dialler.state = EndState::Closed;
        Heard::Closed(*dialler, why)
    }

    fn open(&mut self, id: WireId, side: Way, agenda: &mut Agenda) -> Heard {
        let Some(wire) = self.wires.get_mut(&id) else { return Heard::Nothing };
        let other = wire.ends.get(1 - side).map(|end| end.place);
        let Some(end) = wire.ends.get_mut(side) else { return Heard::Nothing };
        end.state = EndState::Open;
        let heard = other.map_or(Heard::Nothing, |other| Heard::Opened(*end, other));
        self.release(id, 1 - side, Duration::ZERO, agenda);
        heard
    }

    /// This end has written.
    pub(crate) fn write(&mut self, id: WireId, side: Way, bytes: &[u8], agenda: &mut Agenda) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if let Some(lane) = wire.lanes.get_mut(side).filter(|lane| !lane.ending) {
            lane.unsent.extend(bytes);
        }
        self.pump(id, side, agenda);
    }

    fn pump(&mut self, id: WireId, side: Way, agenda: &mut Agenda) {
        loop {
            let trip = self.trip(id);
            let split = self.rng.f64() < self.weather.split;
            let Some(lane) = self.wires.get_mut(&id).and_then(|wire| wire.lanes.get_mut(side)) else {
                return;
            };
            let room = SYSTEM_BYTES.saturating_sub(lane.under_way).min(LONGEST_PIECE).min(lane.unsent.len());
            let piece = if room == 0 {
                if !lane.unsent.is_empty() || !lane.ending {
                    break;
                }
                lane.ending = false;
                Piece::End(lane.sent)
            } else {
                let size = if split { self.rng.usize(1..=room) } else { room };
                lane.under_way += size;
                Piece::Bytes(lane.sent, lane.unsent.drain(..size).collect())
            };
            lane.sent += 1;
            lane.last_arrival = lane.last_arrival.max(agenda.now() + trip);
            agenda.plan(lane.last_arrival, Happening::Arrive { wire: id, way: side, piece });
        }
        if let Some(lane) = self.wires.get_mut(&id).and_then(|wire| wire.lanes.get_mut(side))
            && !lane.told
        {
            lane.told = true;
            agenda.plan_in(Duration::ZERO, Happening::Drained { wire: id, way: side });
        }
    }

    pub(crate) fn on_drained(&mut self, id: WireId, side: Way) -> Heard {
        let Some(wire) = self.wires.get_mut(&id) else { return Heard::Nothing };
        let (Some(lane), Some(end)) = (wire.lanes.get_mut(side), wire.ends.get(side)) else {
            return Heard::Nothing;
        };
        lane.told = false;
        if end.state == EndState::Open { Heard::Drained(*end, lane.unsent.len()) } else { Heard::Nothing }
    }

    /// A piece is there: for its end, for nobody, or held up.
    pub(crate) fn on_arrive(
        &mut self,
        id: WireId,
        way: Way,
        piece: Piece,
        lives: impl Fn(Place) -> Life,
        agenda: &mut Agenda,
    ) -> Heard {
        let trip = self.trip(id);
        let Some(Wire { ends: [a, b], lanes, lost, .. }) = self.wires.get_mut(&id) else {
            return Heard::Nothing;
        };
        let (from, end) = if way == 0 { (a, b) } else { (b, a) };
        let Some(lane) = lanes.get_mut(way) else { return Heard::Nothing };
        let life = lives(end.place);
        let listens = life == Life::Lives(end.life) && end.state == EndState::Open;
        let piece = match piece {
            Piece::Reset(why) if listens => {
                end.state = EndState::Closed;
                return Heard::Closed(*end, why);
            }
            Piece::Bytes(number, _) | Piece::End(number) => {
                lane.waiting.insert(number, piece);
                let blocked = self.cut.contains(&(from.place, end.place)) || end.state == EndState::Opening;
                lane.next(blocked || *lost)
            }
            Piece::Reset(_) => None,
            Piece::Again => {
                let blocked = self.cut.contains(&(from.place, end.place)) || end.state == EndState::Opening;
                lane.next(blocked || *lost)
            }
        };
        let Some(piece) = piece else { return Heard::Nothing };
        if lane.waiting.contains_key(&lane.heard) {
            agenda.plan_in(Duration::ZERO, Happening::Arrive { wire: id, way, piece: Piece::Again });
        }
        match piece {
            _ if life == Life::NoPower => Heard::Nothing,
            Piece::Bytes(_, bytes) if listens => {
                let end = *end;
                lane.under_way = lane.under_way.saturating_sub(bytes.len());
                self.pump(id, way, agenda);
                Heard::Bytes(end, bytes)
            }
            Piece::End(_) if listens => {
                end.state = EndState::Closed;
                Heard::Closed(*end, "closed by the other end")
            }
            // Nobody has this connection any more: the sender is told so.
            Piece::Bytes(..) => {
                let piece = Piece::Reset("connection reset");
                agenda.plan_in(trip, Happening::Arrive { wire: id, way: 1 - way, piece });
                Heard::Nothing
            }
            _ => Heard::Nothing,
        }
    }

    /// This end closes: what is queued is still sent, for a bounded time.
    pub(crate) fn close(&mut self, id: WireId, side: Way, agenda: &mut Agenda) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if let (Some(lane), Some(end)) = (wire.lanes.get_mut(side), wire.ends.get_mut(side)) {
            end.state = EndState::Closed;
            lane.ending = true;
        }
        agenda.plan_in(LINGER, Happening::Linger { wire: id, way: side });
        self.pump(id, side, agenda);
    }

    pub(crate) fn on_linger(&mut self, id: WireId, side: Way, agenda: &mut Agenda) {
        if let Some(lane) = self.wires.get_mut(&id).and_then(|wire| wire.lanes.get_mut(side)) {
            lane.unsent.clear();
        }
        self.pump(id, side, agenda);
    }

    /// Everything between two places breaks; both ends learn of it, each in its time.
    pub(crate) fn lose(&mut self, a: Place, b: Place, agenda: &mut Agenda) {
        let ids: Vec<_> = self.between(|from, to| (from, to) == (a, b) || (from, to) == (b, a));
        for id in ids {
            let trips = [self.trip(id), self.trip(id)];
            let Some(wire) = self.wires.get_mut(&id) else { continue };
            wire.lost = true;
            for (way, trip) in trips.into_iter().enumerate() {
                let piece = Piece::Reset("connection reset by the network");
                agenda.plan_in(trip, Happening::Arrive { wire: id, way, piece });
            }
        }
    }

    /// This place is gone. Its system says so to the others, unless its power went.
    pub(crate) fn drop_place(&mut self, place: Place, power: bool, agenda: &mut Agenda) {
        for id in self.between(|from, to| from == place || to == place) {
            let Some(wire) = self.wires.get_mut(&id) else { continue };
            let side = usize::from(wire.ends.first().is_none_or(|end| end.place != place));
            if let (Some(lane), Some(end)) = (wire.lanes.get_mut(side), wire.ends.get_mut(side)) {
                end.state = EndState::Closed;
                lane.unsent.clear();
                lane.ending = !power;
            }
            self.pump(id, side, agenda);
        }
    }

    fn between(&self, is_meant: impl Fn(Place, Place) -> bool) -> Vec<WireId> {
        let meant = |wire: &Wire| {
            let [a, b] = &wire.ends;
            is_meant(a.place, b.place)
        };
        self.wires.iter().filter(|(_, wire)| meant(wire)).map(|(&id, _)| id).collect()
    }

    /// The node at this end of a wire.
    pub(crate) fn node_at(&self, id: WireId, side: Way) -> Option<usize> {
        match self.wires.get(&id)?.ends.get(side)?.place {
            Place::Node(node) => Some(node),
            Place::Server => None,
        }
    }

    /// Nothing gets from `from` to `to` any more.
    pub(crate) fn cut(&mut self, from: Place, to: Place) {
        self.cut.insert((from, to));
    }

    /// It does again.
    pub(crate) fn heal(&mut self, from: Place, to: Place, agenda: &mut Agenda) {
        if !self.cut.remove(&(from, to)) {
            return;
        }
        for id in self.between(|a, b| (a, b) == (from, to) || (b, a) == (from, to)) {
            let Some(wire) = self.wires.get(&id) else { continue };
            let way = usize::from(wire.ends.first().is_none_or(|end| end.place != from));
            let wait = RETRY.mul_f64(self.rng.f64());
            self.release(id, way, wait, agenda);
        }
    }

    pub(crate) fn cuts(&self) -> Vec<(Place, Place)> {
        self.cut.iter().copied().collect()
    }

    /// What was held on this lane goes on.
    fn release(&mut self, wire: WireId, way: Way, wait: Duration, agenda: &mut Agenda) {
        agenda.plan_in(wait, Happening::Arrive { wire, way, piece: Piece::Again });
    }
}

impl Lane {
    /// The next piece in order, if it is there and nothing is in its way.
    fn next(&mut self, blocked: bool) -> Option<Piece> {
        let piece = if blocked { None } else { self.waiting.remove(&self.heard) };
        self.heard += u64::from(piece.is_some());
        piece
    }
}

/// Whether anybody is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// The n-th life of it.
    Lives(u32),
    /// The machine runs, the process does not.
    Ended,
    /// Not even that.
    NoPower,
}
