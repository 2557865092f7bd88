//! Who is out there: [`Contact`]s are addresses worth dialling, [`Link`]s are sealed connections to a known id,
//! [`Acquaintance`]s are what is remembered of an id after its link is gone. Data and its bookkeeping only: what is
//! said on a link is decided in `swarm`, `spread`, `election` and `submit`.

mod contacts;
#[cfg(test)]
mod tests;

pub use contacts::{CONFIGURED, Contact, Room};

use crate::{
    bitmap::{Bitmap, LineQueue},
    engine::{io::ConnId, spread::Search, state::Members},
    ids::PeerId,
    limits,
    time::Moment,
    wire::frame::FrameReader,
};
use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

/// A sealed connection to another node.
#[derive(Debug)]
pub struct Link {
    /// Who is at the other end.
    pub id: PeerId,
    /// The other end's address.
    pub remote: SocketAddr,
    /// Our hello was said; what came before that waits in `unread`.
    pub greeted: bool,
    /// What came and was not looked at yet, see `engine::reading`.
    pub unread: Vec<u8>,
    /// Epoch and number of lines that this link was last told; the peer takes no lines of another epoch.
    pub told: (u64, u32),
    /// Its hello came: it counts as live.
    pub established: bool,
    /// When the link began.
    pub since: Moment,
    /// Cuts the stream into frames.
    pub reader: FrameReader,
    /// Bytes written and not yet taken by the system.
    pub queued: usize,
    /// When anything came last.
    pub heard: Moment,
    /// How often it promised to say something.
    pub interval: Duration,
    /// What it can do beside the rest, see [`crate::wire::peer::Hello::features`].
    pub features: u64,
    /// The epoch that it works on; lines of another one are not taken.
    pub epoch: u64,
    /// It gets lines from this node: `Have` was sent.
    pub neighbour: bool,
    /// The arrival log up to here is done with.
    pub cursor: usize,
    /// Lines that it holds, as far as known.
    pub theirs: Bitmap,
    /// Lines that it asked for, of those that are held.
    pub owed: LineQueue,
    /// It asked for lines that are not held: it is to be told again which are.
    pub in_vain: bool,
    /// Lines asked of it, and when.
    pub asked: Bitmap,
    /// See `asked`.
    pub asked_at: Moment,
    /// It is searched for more to ask for.
    pub search: Option<Search>,
    /// Beats in a row whose digest differed.
    pub differed: u8,
    /// When `Have` was sent last, and how long to wait with the next one.
    pub repaired: (Moment, Duration),
    /// It was sent for this job.
    pub compared: bool,
    /// Its last beat.
    pub beat: Told,
    /// Up to which change of somebody's standing it was told, see `membership::News`.
    pub told_news: u64,
    /// Whose address, and standing, it was not told yet.
    pub untold: BTreeSet<PeerId>,
    /// The addresses that it draws from now.
    pub draws_from: Vec<IpAddr>,
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
    /// With a link, established or not.
    linked: BTreeSet<PeerId>,
    /// Of `known`, those that told where they listen, or of whom that was told.
    reachable: usize,
    /// That there is no room for another found address was told.
    found_full: bool,
    version: u64,
    /// When something is to be dialled or let go of next, and the version and room that this was found for.
    dial_at: Option<((u64, Room), Option<Moment>)>,
    /// No link's silence has lasted too long before.
    silence_at: Moment,
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
            linked: BTreeSet::new(),
            reachable: 0,
            found_full: false,
            version: 1,
            dial_at: None,
            silence_at: Moment(u64::MAX),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// Grows with every change of who is linked or known and of where to dial. What follows from that alone needs to be
    /// looked at only when it has grown.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Something that belongs to that changed elsewhere.
    pub fn stir(&mut self) {
        self.version += 1;
    }

    // ---- links

    /// A new link, not established yet.
    pub fn open(&mut self, conn: ConnId, link: Link) {
        self.links.insert(conn, link);
        self.recount();
    }

    /// Takes a link out.
    pub fn close(&mut self, conn: ConnId) -> Option<Link> {
        let link = self.links.remove(&conn)?;
        self.was_seen(link.id, link.heard);
        self.recount();
        Some(link)
    }

    /// Another job: nothing of the old one counts on any link.
    pub fn start_over(&mut self) {
        self.stir();
        self.links.values_mut().for_each(Link::start_over);
    }

    /// The link's hello was taken.
    pub fn establish(&mut self, conn: ConnId) {
        if let Some(link) = self.links.get_mut(&conn) {
            link.established = true;
            let id = link.id;
            self.on_established(id);
        }
        self.recount();
    }

    fn recount(&mut self) {
        self.stir();
        self.silence_at = self.links.values().map(Link::silent_at).min().unwrap_or(Moment(u64::MAX));
        self.linked = self.links.values().map(|link| link.id).collect();
        self.live = self.links.values().filter(|link| link.established).map(|link| link.id).collect();
        self.count_known();
    }

    /// Somebody's address may have become known.
    pub fn count_known(&mut self) {
        self.reachable = self.known.values().filter(|known| known.listen.is_some()).count();
    }

    /// How many nodes are known that could be linked.
    #[must_use]
    pub fn reachable(&self) -> usize {
        self.reachable
    }

    /// Any one of the established links that all has been told on, up to the change of this number, and whose other end
    /// is none of `kept`.
    pub fn any_but(&mut self, kept: &Members, news: u64) -> Option<(ConnId, PeerId)> {
        let told = |link: &Link| link.untold.is_empty() && link.told_news >= news;
        let may_go = |link: &Link| link.established && told(link) && !kept.expects(link.id);
        let may_go: Vec<_> =
            self.iter().filter(|(_, link)| may_go(link)).map(|(conn, link)| (conn, link.id)).collect();
        self.rng.choice(may_go)
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

    /// The same, with their ids.
    #[must_use]
    pub fn established_ids(&self) -> Vec<(ConnId, PeerId)> {
        self.iter().filter(|(_, link)| link.established).map(|(conn, link)| (conn, link.id)).collect()
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

    /// Links whose other end has been silent for too long. Looks at them when one may be.
    pub fn silent(&mut self, now: Moment) -> Vec<(ConnId, PeerId)> {
        if now < self.silence_at {
            return Vec::new();
        }
        let silent = self.iter().filter(|(_, link)| now >= link.silent_at());
        let silent = silent.map(|(conn, link)| (conn, link.id)).collect();
        let later = self.links.values().map(Link::silent_at).filter(|at| now < *at).min();
        self.silence_at = later.unwrap_or(Moment(u64::MAX));
        silent
    }

    /// When [`Links::silent`] has something to do, or before it.
    #[must_use]
    pub fn silence_deadline(&self) -> Option<Moment> {
        (!self.links.is_empty()).then_some(self.silence_at)
    }

    /// The other end said how often it will say something.
    pub fn expect(&mut self, conn: ConnId, interval: Duration) {
        if let Some(link) = self.links.get_mut(&conn) {
            link.interval = interval;
            self.silence_at = self.silence_at.min(link.silent_at());
        }
    }

    // ---- acquaintances

    /// What is remembered of an id; makes the entry. Among too many, somebody without a link is forgotten for it.
    pub fn remember(&mut self, id: PeerId) -> &mut Acquaintance {
        if self.known.len() >= limits::MEMBERS && !self.known.contains_key(&id) {
            let stranger = self.known.keys().find(|known| !self.linked.contains(known)).copied();
            stranger.map(|stranger| self.known.remove(&stranger));
        }
        self.known.entry(id).or_default()
    }

    /// What is remembered of an id, if anything is.
    pub fn acquaintance(&mut self, id: PeerId) -> Option<&mut Acquaintance> {
        self.known.get_mut(&id)
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
        self.stir();
        self.known.remove(&id);
        self.contacts.retain(|contact| contact.id != Some(id));
    }

    /// Lets nobody with this id in.
    pub fn ban(&mut self, id: PeerId) {
        self.stir();
        self.banned.insert(id);
    }

    /// Lets the id in again.
    pub fn unban(&mut self, id: PeerId) {
        self.stir();
        self.banned.remove(&id);
    }

    /// Is it kept out?
    #[must_use]
    pub fn is_banned(&self, id: PeerId) -> bool {
        self.banned.contains(&id)
    }
}

/// It means something on its own link only.
#[must_use]
pub fn is_link_local(address: &SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V6(ip) if ip.is_unicast_link_local())
}

impl Link {
    /// A link on which nothing was said yet.
    #[must_use]
    pub fn new(id: PeerId, remote: SocketAddr, now: Moment) -> Self {
        Self {
            id,
            remote,
            greeted: false,
            unread: Vec::new(),
            told: (0, 0),
            established: false,
            since: now,
            reader: FrameReader::default(),
            queued: 0,
            heard: now,
            interval: Duration::ZERO,
            features: 0,
            epoch: 0,
            neighbour: false,
            cursor: 0,
            theirs: Bitmap::default(),
            owed: LineQueue::default(),
            in_vain: false,
            asked: Bitmap::default(),
            asked_at: now,
            search: None,
            differed: 0,
            repaired: (now, Duration::ZERO),
            compared: false,
            beat: Told::default(),
            told_news: 0,
            untold: BTreeSet::new(),
            draws_from: Vec::new(),
            lines_sent: 0,
            lines_received: 0,
        }
    }

    /// Where the other end listens, if it says `told`: at the address of the link if it listens on all.
    #[must_use]
    pub fn listener(&self, told: SocketAddr) -> SocketAddr {
        if !told.ip().is_unspecified() {
            return told;
        }
        match self.remote.ip().to_canonical() {
            ip @ IpAddr::V4(_) => SocketAddr::new(ip, told.port()),
            IpAddr::V6(_) => {
                // With its scope, without which a link-local address leads nowhere.
                let mut address = self.remote;
                address.set_port(told.port());
                address
            }
        }
    }

    /// Another job: nothing of the old one counts.
    pub fn start_over(&mut self) {
        self.neighbour = false;
        self.cursor = 0;
        self.theirs.clear();
        self.owed.clear();
        self.asked.clear();
        self.search = None;
        self.in_vain = false;
        self.compared = false;
        self.differed = 0;
        self.repaired.1 = Duration::ZERO;
        self.beat = Told::default();
    }

    /// When its silence has lasted too long: four of its own intervals, a second at least. Before its hello it may be
    /// waiting for its disk.
    #[must_use]
    pub fn silent_at(&self) -> Moment {
        const LEAST: Duration = Duration::from_secs(1);
        const HELLO: Duration = Duration::from_millis(limits::HANDSHAKE_MS);
        self.heard + if self.established { (self.interval * 4).max(LEAST) } else { HELLO }
    }
}
