//! Addresses worth dialling: where they came from, when to try them again, when to let go of them.
//!
//! A configured address, or one that a peer told of, is kept until somebody takes it out. One that discovery found is
//! kept while discovery goes on finding it or a peer is linked there; there is a bound to how many of them there are.
//! Invariant: an address that turned out to be this node is not dialled again.

use super::Links;
use crate::{
    engine::{
        event::Event,
        io::{ConnId, Effect},
        outbox::Outbox,
        state::Members,
    },
    ids::PeerId,
    limits,
    time::Moment,
};
use core::time::Duration;
use std::net::SocketAddr;

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// For addresses that were only found, and where nobody of this swarm answered yet.
const LONGEST_RETRY_FOUND: Duration = Duration::from_secs(60);
const DIAL_PATIENCE: Duration = Duration::from_secs(8);
/// A sign of life cuts a dial short that is older than this: what it sent went into the dark.
const DARK: Duration = Duration::from_millis(500);
/// A found address that is neither found again nor linked goes after so long.
const FOUND_FOR: Duration = Duration::from_secs(15 * 60);

/// [`Contact::found`] of an address from the configuration.
pub const CONFIGURED: &str = "configured";
/// A peer told of it, or came from there.
const BY_PEERS: [&str; 2] = ["told", "accepted"];

/// An address worth dialling.
#[derive(Clone, Debug)]
pub struct Contact {
    /// `host:port`
    pub address: String,
    /// How it was found: "configured", "told", "accepted", "host", "multicast:eth0", "dns:NAME".
    pub found: String,
    /// Who answered there last.
    pub id: Option<PeerId>,
    /// Why the last try failed.
    pub problem: Option<String>,
    state: ContactState,
    failures: u32,
    /// Of those, dials that a sign of life had hurried, and that found nobody of this swarm: the next sign counts later.
    in_vain: u32,
    /// Discovery last found it, or a peer was linked.
    seen: Moment,
    /// The last dial began.
    tried: Moment,
    /// A sign of life came while it was being dialled: dial anew when the dial is [`DARK`].
    alive: bool,
    /// The dial under way is such a new one; it has all the time of a dial.
    anew: bool,
    /// The wait was cut short by a sign of life.
    hurried: bool,
    /// Who answered there does not fit this node.
    refused: bool,
    /// Because it works on something else.
    stranger: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContactState {
    Waiting {
        until: Moment,
    },
    Dialling {
        conn: ConnId,
        since: Moment,
    },
    /// It is this node itself, or an operator took it out.
    Never,
}

/// How many dials may be under way when one more begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Whoever is dialled.
    pub any: usize,
    /// Whoever is a member, or announced.
    pub members: usize,
}

impl Room {
    fn of(self, contact: &Contact, members: &Members) -> usize {
        let counts = self.members > self.any && contact.id.is_some_and(|id| members.expects(id));
        if counts { self.members } else { self.any }
    }
}

impl Links {
    /// Adds an address to dial. False if it was known, or the table is full.
    pub fn add_contact(&mut self, address: &str, found: &str, id: Option<PeerId>, now: Moment) -> bool {
        self.stir();
        if let Some(contact) = self.contacts.iter_mut().find(|contact| contact.address == address) {
            if contact.id.is_none() {
                contact.id = id;
            }
            if found == CONFIGURED {
                contact.found = found.into();
            }
            return false;
        }
        if self.contacts.len() >= limits::CONTACTS {
            return false;
        }
        self.contacts.push(Contact::new(address, found, id, now));
        true
    }

    /// Discovery found an address: a new one, or a sign of life of one that is known.
    pub fn on_found(&mut self, address: SocketAddr, how: &str, now: Moment, out: &mut Outbox) {
        self.stir();
        let address = address.to_string();
        if let Some(contact) = self.contacts.iter_mut().find(|contact| contact.address == address) {
            contact.seen = now;
            if BY_PEERS.contains(&contact.found.as_str()) {
                contact.found = how.into();
            }
            match &mut contact.state {
                _ if contact.refused => {}
                ContactState::Waiting { until } => {
                    let sooner =
                        now.max(contact.tried + patience(DARK, contact.in_vain, LONGEST_RETRY_FOUND));
                    if sooner < *until {
                        *until = sooner;
                        contact.hurried = true;
                    }
                }
                ContactState::Dialling { .. } => contact.alive = !contact.anew,
                ContactState::Never => {}
            }
            return;
        }
        let found = self.contacts.iter().filter(|contact| contact.is_only_found()).count();
        if found >= limits::FOUND || self.contacts.len() >= limits::CONTACTS {
            if !self.found_full {
                out.note(Event::BoundReached { what: "found addresses", limit: limits::FOUND });
            }
            self.found_full = true;
            return;
        }
        self.contacts.push(Contact::new(&address, how, None, now));
    }

    /// Dials every contact that is due and whose node is not linked, as far as there is room, any of too many;
    /// lets go of what is long gone.
    pub fn dial_due(&mut self, now: Moment, room: Room, members: &Members, out: &mut Outbox) {
        let known = self.dial_at.filter(|(found_for, _)| *found_for == (self.version, room));
        if known.is_some_and(|(_, at)| at.is_none_or(|at| now < at)) {
            return;
        }
        self.dial(now, room, members, out);
        self.dial_at = Some(((self.version, room), self.next_dial(room, members)));
    }

    fn dial(&mut self, now: Moment, room: Room, members: &Members, out: &mut Outbox) {
        for contact in self.contacts.iter_mut().filter(|contact| contact.is_only_found()) {
            if contact.id.is_some_and(|id| self.linked.contains(&id)) {
                contact.seen = now;
            }
        }
        let before = self.contacts.len();
        self.contacts.retain(|contact| !contact.is_gone(now));
        self.found_full &= self.contacts.len() == before;
        let mut under_way = self.under_way();
        let mut due = Vec::new();
        let wanted =
            |id: Option<PeerId>| !id.is_some_and(|id| self.linked.contains(&id) || self.banned.contains(&id));
        for (at, contact) in self.contacts.iter_mut().enumerate() {
            match contact.state {
                ContactState::Waiting { until }
                    if now >= until && under_way < room.of(contact, members) && wanted(contact.id) =>
                {
                    due.push(at);
                }
                ContactState::Dialling { conn, since } if now >= since + DIAL_PATIENCE => {
                    out.push(Effect::Close { conn });
                    contact.failed("no connection within 8 s", now, &mut self.rng);
                }
                ContactState::Dialling { conn, since }
                    if contact.alive && now >= since + DARK && wanted(contact.id) =>
                {
                    out.push(Effect::Close { conn });
                    contact.dial(now, out);
                    contact.anew = true;
                }
                _ => {}
            }
        }
        if due.len() > room.any {
            self.rng.shuffle(&mut due);
        }
        for at in due {
            if let Some(contact) =
                self.contacts.get_mut(at).filter(|contact| under_way < room.of(contact, members))
            {
                contact.dial(now, out);
                under_way += 1;
            }
        }
    }

    /// When [`Links::dial_due`] has something to do.
    #[must_use]
    pub fn dial_deadline(&self, room: Room, members: &Members) -> Option<Moment> {
        match self.dial_at {
            Some((found_for, at)) if found_for == (self.version, room) => at,
            _ => self.next_dial(room, members),
        }
    }

    fn next_dial(&self, room: Room, members: &Members) -> Option<Moment> {
        let under_way = self.under_way();
        let wanted =
            |id: Option<PeerId>| !id.is_some_and(|id| self.linked.contains(&id) || self.banned.contains(&id));
        let due = |contact: &Contact| {
            match contact.state {
                ContactState::Dialling { since, .. } if contact.alive && wanted(contact.id) => {
                    Some(since + DARK)
                }
                ContactState::Dialling { since, .. } => Some(since + DIAL_PATIENCE),
                // When a dial under way ends, there is room again, and a turn.
                ContactState::Waiting { until } => {
                    (under_way < room.of(contact, members) && wanted(contact.id)).then_some(until)
                }
                ContactState::Never => None,
            }
        };
        self.contacts.iter().filter_map(due).min()
    }

    fn under_way(&self) -> usize {
        self.contacts.iter().filter(|contact| contact.is_dialling()).count()
    }

    /// The contact that is being dialled on `conn`.
    fn dialled(&mut self, conn: ConnId) -> Option<&mut Contact> {
        self.stir();
        self.contacts
            .iter_mut()
            .find(|contact| matches!(contact.state, ContactState::Dialling { conn: dialled, .. } if dialled == conn))
    }

    /// A dialled connection stands; returns the contact's address and how it was found.
    pub fn on_dialled(&mut self, conn: ConnId, id: PeerId, now: Moment) -> Option<(String, String)> {
        let contact = self.dialled(conn)?;
        contact.id = Some(id);
        contact.seen = now;
        contact.alive = false;
        contact.state = ContactState::Waiting { until: now + FIRST_RETRY };
        Some((contact.address.clone(), contact.found.clone()))
    }

    /// The contact behind this address is of no use: it is this node, or an operator took it out.
    pub fn never_dial(&mut self, address: &str) {
        self.stir();
        for contact in self.contacts.iter_mut().filter(|contact| contact.address == address) {
            contact.state = ContactState::Never;
        }
    }

    /// This node left: it dials nobody until addresses are added again.
    pub fn forget_contacts(&mut self) {
        self.stir();
        self.contacts.clear();
    }

    /// A dialled connection could not be made. Returns the address.
    pub fn on_dial_failed(&mut self, conn: ConnId, why: &str, now: Moment) -> Option<String> {
        let mut rng = self.rng.fork();
        let contact = self.dialled(conn)?;
        contact.failed(why, now, &mut rng);
        Some(contact.address.clone())
    }

    /// The node behind these addresses was taken as a peer.
    pub(super) fn on_established(&mut self, id: PeerId) {
        for contact in self.contacts.iter_mut().filter(|contact| contact.id == Some(id)) {
            contact.problem = None;
            contact.failures = 0;
            contact.in_vain = 0;
            contact.refused = false;
            contact.stranger = false;
        }
    }

    /// The node behind these addresses was linked until then.
    pub(super) fn was_seen(&mut self, id: PeerId, until: Moment) {
        for contact in self.contacts.iter_mut().filter(|contact| contact.id == Some(id)) {
            contact.seen = contact.seen.max(until);
        }
    }

    /// The node behind these addresses works on something else.
    pub fn on_stranger(&mut self, id: PeerId) {
        self.stir();
        for contact in self.contacts.iter_mut().filter(|contact| contact.id == Some(id)) {
            contact.stranger = true;
        }
    }

    /// A link to `id` was refused or closed on purpose: its addresses wait before they are dialled again. With
    /// `lasting`, a sign of life is no reason to dial sooner.
    pub fn put_off(&mut self, id: PeerId, why: &str, lasting: bool, now: Moment) {
        self.stir();
        let mut rng = self.rng.fork();
        for contact in self.contacts.iter_mut().filter(|contact| contact.id == Some(id)) {
            contact.refused = lasting;
            contact.failed(why, now, &mut rng);
        }
    }

    /// All contacts.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// Configured addresses that have not led to anybody who is expected yet, as far as there are places for them. Where
    /// nobody was `elected` yet and half of them led to nobody, all: else the parts of a crowd that has not met might each
    /// fill all places.
    #[must_use]
    pub fn anonymous(&self, members: &Members, voters: usize, elected: bool) -> u32 {
        let (mut all, mut open, mut unmet) = (0, 0, 0);
        for contact in self.contacts.iter().filter(|contact| contact.is_configured()) {
            all += 1;
            unmet += usize::from(contact.id.is_none());
            open += usize::from(!contact.stranger && !contact.id.is_some_and(|id| members.expects(id)));
        }
        if open == 0 || (!elected && 2 * unmet > all) {
            return u32::try_from(open).unwrap_or(u32::MAX);
        }
        let places = voters.saturating_sub(members.roll().count());
        u32::try_from(open.min(places)).unwrap_or(u32::MAX)
    }

    /// A configured address leads to `id`.
    #[must_use]
    pub fn is_configured(&self, id: PeerId) -> bool {
        self.contacts.iter().any(|contact| contact.is_configured() && contact.id == Some(id))
    }

    /// There is a configured address that is not this node's own.
    #[must_use]
    pub fn is_told_of_peers(&self) -> bool {
        self.contacts.iter().any(Contact::is_configured)
    }

    /// How the node behind `id` was found, the surest way first; empty if nobody knows.
    #[must_use]
    pub fn found(&self, id: PeerId) -> &str {
        let contacts = || self.contacts.iter().filter(move |contact| contact.id == Some(id));
        let known = self.known.get(&id).map_or("", |known| known.found.as_str());
        contacts()
            .find(|contact| contact.found == CONFIGURED)
            .or_else(|| contacts().find(|contact| contact.is_only_found()))
            .map_or(known, |contact| &contact.found)
    }
}

impl Contact {
    fn new(address: &str, found: &str, id: Option<PeerId>, now: Moment) -> Self {
        Self {
            address: address.into(),
            found: found.into(),
            id,
            problem: None,
            state: ContactState::Waiting { until: now },
            failures: 0,
            in_vain: 0,
            seen: now,
            tried: Moment(0),
            alive: false,
            anew: false,
            hurried: false,
            refused: false,
            stranger: false,
        }
    }

    /// It was configured, and is another node's.
    fn is_configured(&self) -> bool {
        self.found == CONFIGURED && !self.is_void()
    }

    /// A connection is being made.
    #[must_use]
    pub fn is_dialling(&self) -> bool {
        matches!(self.state, ContactState::Dialling { .. })
    }

    /// It is this node itself, or an operator took it out.
    #[must_use]
    pub fn is_void(&self) -> bool {
        self.state == ContactState::Never
    }

    /// Discovery alone vouches for it.
    fn is_only_found(&self) -> bool {
        self.found != CONFIGURED && !BY_PEERS.contains(&self.found.as_str())
    }

    fn is_gone(&self, now: Moment) -> bool {
        self.is_only_found() && !self.is_dialling() && now >= self.seen + FOUND_FOR
    }

    fn dial(&mut self, now: Moment, out: &mut Outbox) {
        let conn = out.dial_peer(&self.address);
        self.state = ContactState::Dialling { conn, since: now };
        self.tried = now;
        self.alive = false;
        self.anew = false;
    }

    pub(super) fn failed(&mut self, why: &str, now: Moment, rng: &mut fastrand::Rng) {
        if self.state == ContactState::Never {
            return;
        }
        let longest =
            if self.is_only_found() && self.id.is_none() { LONGEST_RETRY_FOUND } else { LONGEST_RETRY };
        let whole = patience(FIRST_RETRY, self.failures, longest);
        self.failures = self.failures.saturating_add(1);
        if core::mem::take(&mut self.hurried) && self.is_only_found() && self.id.is_none() {
            self.in_vain = self.in_vain.saturating_add(1);
        }
        self.problem = Some(why.into());
        self.alive = false;
        self.state = ContactState::Waiting { until: now + whole.mul_f64(0.5 + rng.f64() / 2.0) };
    }
}

/// Doubles with each try, up to `longest`.
fn patience(first: Duration, tries: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << tries.min(10)).min(longest)
}
