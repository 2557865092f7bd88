//! Who is out there: [`Contact`]s are addresses worth dialling, [`Link`]s are sealed connections to a known id,
//! [`Acquaintance`]s are what is remembered of an id after its link is gone. Data and its bookkeeping only: what is
//! said on a link is decided in `swarm`, `spread`, `election` and `submit`.

use crate::{
    bitmap::Bitmap,
    engine::{io::ConnId, outbox::Outbox},
    ids::PeerId,
    limits,
    time::Moment,
    wire::frame::FrameReader,
};
use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
const DIAL_PATIENCE: Duration = Duration::from_secs(8);

/// An address worth dialling.
#[derive(Clone, Debug)]
pub struct Contact {
    /// `host:port`
    pub address: String,
    /// How it was found: "configured", "told", "host".
    pub found: String,
    /// Who answered there last.
    pub id: Option<PeerId>,
    /// Why the last try failed.
    pub problem: Option<String>,
    state: ContactState,
    failures: u32,
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

/// A sealed connection to another node.
#[derive(Debug)]
pub struct Link {
    /// Who is at the other end.
    pub id: PeerId,
    /// The other end's address.
    pub remote: SocketAddr,
    /// Our hello was said; what came before that waits in `early`.
    pub greeted: bool,
    /// See `greeted`.
    pub early: Vec<u8>,
    /// Its hello came: it counts as live.
    pub established: bool,
    /// Cuts the stream into frames.
    pub reader: FrameReader,
    /// Bytes written and not yet taken by the system.
    pub queued: usize,
    /// When anything came last.
    pub heard: Moment,
    /// How often it promised to say something.
    pub interval: Duration,
    /// The epoch that it works on; lines of another one are not taken.
    pub epoch: u64,
    /// It gets lines from this node: `Have` was sent.
    pub neighbour: bool,
    /// The arrival log up to here is done with.
    pub cursor: usize,
    /// Lines that it holds, as far as known.
    pub theirs: Bitmap,
    /// Lines that it asked for.
    pub owed: Bitmap,
    /// Lines asked of it, and when.
    pub asked: Bitmap,
    /// See `asked`.
    pub asked_at: Moment,
    /// Beats in a row whose digest differed.
    pub differed: u8,
    /// When `Have` was sent last, and how long to wait with the next one.
    pub repaired: (Moment, Duration),
    /// Its last beat.
    pub beat: Told,
    /// Lines sent on this link.
    pub lines_sent: u64,
    /// Lines received on it.
    pub lines_received: u64,
}

/// What a peer last told of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// Lines held.
    pub held: u32,
    /// Draws a second.
    pub rate: f32,
    /// Answers drawn.
    pub drawn: u64,
    /// It knows that the file was submitted.
    pub done: bool,
}

/// What is remembered of an id.
#[derive(Clone, Debug, Default)]
pub struct Acquaintance {
    /// Its name.
    pub name: String,
    /// Where it says that it listens.
    pub listen: Option<SocketAddr>,
    /// How it was found.
    pub found: String,
    /// Lines of it that contradicted what was drawn.
    pub contradictions: u32,
    /// Why its last link ended.
    pub problem: Option<String>,
}

/// See the module.
#[derive(Debug)]
pub struct Links {
    links: BTreeMap<ConnId, Link>,
    contacts: Vec<Contact>,
    known: BTreeMap<PeerId, Acquaintance>,
    banned: BTreeSet<PeerId>,
    live: BTreeSet<PeerId>,
    rng: fastrand::Rng,
}

impl Links {
    /// Nobody known yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            links: BTreeMap::new(),
            contacts: Vec::new(),
            known: BTreeMap::new(),
            banned: BTreeSet::new(),
            live: BTreeSet::new(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    // ---- contacts

    /// Adds an address to dial. False if it was known, or the table is full.
    pub fn add_contact(&mut self, address: &str, found: &str, id: Option<PeerId>, now: Moment) -> bool {
        if let Some(contact) = self.contacts.iter_mut().find(|contact| contact.address == address) {
            if contact.id.is_none() {
                contact.id = id;
            }
            return false;
        }
        if self.contacts.len() >= limits::CONTACTS {
            return false;
        }
        self.contacts.push(Contact {
            address: address.into(),
            found: found.into(),
            id,
            problem: None,
            state: ContactState::Waiting { until: now },
            failures: 0,
        });
        true
    }

    /// Dials every contact that is due and whose node is not linked.
    pub fn dial_due(&mut self, now: Moment, room: usize, out: &mut Outbox) {
        let under_way = self.contacts.iter().filter(|contact| contact.is_dialling()).count();
        let mut room = room.saturating_sub(under_way);
        for contact in &mut self.contacts {
            let linked = contact.id.is_some_and(|id| self.live.contains(&id) || self.banned.contains(&id));
            match contact.state {
                ContactState::Waiting { until } if now >= until && !linked && room > 0 => {
                    let conn = out.dial_peer(&contact.address);
                    contact.state = ContactState::Dialling { conn, since: now };
                    room -= 1;
                }
                ContactState::Dialling { conn, since } if now >= since + DIAL_PATIENCE => {
                    out.push(crate::engine::io::Effect::Close { conn });
                    contact.failed("no connection within 8 s", now, &mut self.rng);
                }
                _ => {}
            }
        }
    }

    /// When [`Links::dial_due`] has something to do.
    #[must_use]
    pub fn dial_deadline(&self) -> Option<Moment> {
        self.contacts
            .iter()
            .filter_map(|contact| match contact.state {
                ContactState::Dialling { since, .. } => Some(since + DIAL_PATIENCE),
                ContactState::Waiting { until } => {
                    let idle =
                        contact.id.is_some_and(|id| self.live.contains(&id) || self.banned.contains(&id));
                    (!idle).then_some(until)
                }
                ContactState::Never => None,
            })
            .min()
    }

    /// The contact that is being dialled on `conn`.
    fn dialled(&mut self, conn: ConnId) -> Option<&mut Contact> {
        self.contacts
            .iter_mut()
            .find(|contact| matches!(contact.state, ContactState::Dialling { conn: dialled, .. } if dialled == conn))
    }

    /// A dialled connection stands; returns the contact's address and how it was found.
    pub fn on_dialled(&mut self, conn: ConnId, id: PeerId, now: Moment) -> Option<(String, String)> {
        let contact = self.dialled(conn)?;
        contact.id = Some(id);
        contact.problem = None;
        contact.failures = 0;
        contact.state = ContactState::Waiting { until: now + FIRST_RETRY };
        Some((contact.address.clone(), contact.found.clone()))
    }

    /// The contact behind this address is of no use: it is this node, or an operator took it out.
    pub fn never_dial(&mut self, address: &str) {
        for contact in self.contacts.iter_mut().filter(|contact| contact.address == address) {
            contact.state = ContactState::Never;
        }
    }

    /// A dialled connection could not be made. Returns the address.
    pub fn on_dial_failed(&mut self, conn: ConnId, why: &str, now: Moment) -> Option<String> {
        let mut rng = self.rng.fork();
        let contact = self.dialled(conn)?;
        contact.failed(why, now, &mut rng);
        Some(contact.address.clone())
    }

    /// A link to `id` was refused or closed on purpose: its addresses wait before they are dialled again.
    pub fn put_off(&mut self, id: PeerId, why: &str, now: Moment) {
        let mut rng = self.rng.fork();
        for contact in self.contacts.iter_mut().filter(|contact| contact.id == Some(id)) {
            contact.failed(why, now, &mut rng);
        }
    }

    /// All contacts.
    #[must_use]
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// Configured addresses whose id was never learnt.
    #[must_use]
    pub fn anonymous(&self) -> u32 {
        let count = self.contacts.iter().filter(|contact| {
            contact.found == CONFIGURED && contact.id.is_none() && contact.state != ContactState::Never
        });
        u32::try_from(count.count()).unwrap_or(u32::MAX)
    }

    // ---- links

    /// A new link, not established yet.
    pub fn open(&mut self, conn: ConnId, link: Link) {
        self.links.insert(conn, link);
    }

    /// Takes a link out.
    pub fn close(&mut self, conn: ConnId) -> Option<Link> {
        let link = self.links.remove(&conn)?;
        self.recount_live();
        Some(link)
    }

    /// The link's hello was taken.
    pub fn establish(&mut self, conn: ConnId) {
        if let Some(link) = self.links.get_mut(&conn) {
            link.established = true;
        }
        self.recount_live();
    }

    fn recount_live(&mut self) {
        self.live = self.links.values().filter(|link| link.established).map(|link| link.id).collect();
    }

    /// One link.
    #[must_use]
    pub fn get(&self, conn: ConnId) -> Option<&Link> {
        self.links.get(&conn)
    }

    /// One link.
    pub fn get_mut(&mut self, conn: ConnId) -> Option<&mut Link> {
        self.links.get_mut(&conn)
    }

    /// All links, by connection.
    pub fn iter(&self) -> impl Iterator<Item = (ConnId, &Link)> {
        self.links.iter().map(|(&conn, link)| (conn, link))
    }

    /// All links, by connection.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ConnId, &mut Link)> {
        self.links.iter_mut().map(|(&conn, link)| (conn, link))
    }

    /// Connections whose hello was taken.
    #[must_use]
    pub fn established(&self) -> Vec<ConnId> {
        self.iter().filter(|(_, link)| link.established).map(|(conn, _)| conn).collect()
    }

    /// The established connection to `id`.
    #[must_use]
    pub fn conn_of(&self, id: PeerId) -> Option<ConnId> {
        self.iter().find(|(_, link)| link.id == id && link.established).map(|(conn, _)| conn)
    }

    /// Any connection to `id`.
    #[must_use]
    pub fn any_conn_of(&self, id: PeerId) -> Option<ConnId> {
        self.iter().find(|(_, link)| link.id == id).map(|(conn, _)| conn)
    }

    /// Ids of the established links.
    #[must_use]
    pub fn live(&self) -> &BTreeSet<PeerId> {
        &self.live
    }

    /// How many links there are, established or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// There is no link.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    // ---- acquaintances

    /// What is remembered of an id; makes the entry.
    pub fn remember(&mut self, id: PeerId) -> &mut Acquaintance {
        self.known.entry(id).or_default()
    }

    /// What is remembered of ids.
    #[must_use]
    pub fn known(&self) -> &BTreeMap<PeerId, Acquaintance> {
        &self.known
    }

    /// Its name, or the short id.
    #[must_use]
    pub fn name(&self, id: PeerId) -> String {
        self.known
            .get(&id)
            .map(|known| known.name.clone())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| id.short())
    }

    /// Forgets an id and its addresses.
    pub fn forget(&mut self, id: PeerId) {
        self.known.remove(&id);
        self.contacts.retain(|contact| contact.id != Some(id));
    }

    /// Lets nobody with this id in.
    pub fn ban(&mut self, id: PeerId) {
        self.banned.insert(id);
    }

    /// Lets the id in again.
    pub fn unban(&mut self, id: PeerId) {
        self.banned.remove(&id);
    }

    /// Is it kept out?
    #[must_use]
    pub fn is_banned(&self, id: PeerId) -> bool {
        self.banned.contains(&id)
    }
}

/// [`Contact::found`] of an address from the configuration.
pub const CONFIGURED: &str = "configured";

impl Contact {
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

    fn failed(&mut self, why: &str, now: Moment, rng: &mut fastrand::Rng) {
        if self.state == ContactState::Never {
            return;
        }
        let whole = FIRST_RETRY.saturating_mul(1 << self.failures.min(6)).min(LONGEST_RETRY);
        self.failures = self.failures.saturating_add(1);
        self.problem = Some(why.into());
        self.state = ContactState::Waiting { until: now + whole.mul_f64(0.5 + rng.f64() / 2.0) };
    }
}

impl Link {
    /// A link on which nothing was said yet.
    #[must_use]
    pub fn new(id: PeerId, remote: SocketAddr, now: Moment) -> Self {
        Self {
            id,
            remote,
            greeted: false,
            early: Vec::new(),
            established: false,
            reader: FrameReader::default(),
            queued: 0,
            heard: now,
            interval: Duration::ZERO,
            epoch: 0,
            neighbour: false,
            cursor: 0,
            theirs: Bitmap::default(),
            owed: Bitmap::default(),
            asked: Bitmap::default(),
            asked_at: now,
            differed: 0,
            repaired: (now, Duration::ZERO),
            beat: Told::default(),
            lines_sent: 0,
            lines_received: 0,
        }
    }

    /// Another job: nothing of the old one counts.
    pub fn start_over(&mut self) {
        self.neighbour = false;
        self.cursor = 0;
        self.theirs.clear();
        self.owed.clear();
        self.asked.clear();
        self.differed = 0;
        self.repaired.1 = Duration::ZERO;
        self.beat = Told::default();
    }

    /// When its silence has lasted too long: four of its own intervals, a second at least.
    #[must_use]
    pub fn silent_at(&self) -> Moment {
        const LEAST: Duration = Duration::from_secs(1);
        self.heard + (self.interval * 4).max(LEAST)
    }
}
