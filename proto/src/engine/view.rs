//! What the engine shows of itself: `status` and `peers`, and what the shell decides by.

use crate::{
    engine::{
        Engine, Restored,
        event::Event,
        links::CONFIGURED,
        noted::Noted,
        pacer::Belief,
        settings::{Settings, SubmitBy},
    },
    ids::PeerId,
    limits,
    recent::Recent,
    theory,
    wire::control::{
        self, Job, LineServer, Master, Pacer, Peer, PeerCounts, Peers, State, Status, SubmitMode,
    },
};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// `status --json`. What the core can't know (the listening address, unsaved lines) is left empty for the shell.
    #[must_use]
    pub fn status(&self) -> Status {
        let counts = self.fetch.counts();
        let first = self.fetch.first_draw();
        let effort = self.effort();
        let end = self.completed.as_ref().map_or(self.now, |(at, _)| *at);
        Status {
            v: control::VERSION,
            name: self.settings.name.clone(),
            id: self.settings.id,
            swarm: self.durable.job.swarm.clone(),
            epoch: self.durable.job.epoch,
            state: self.state(),
            uptime_s: self.now.since(self.started_at).as_secs_f64(),
            job: Job {
                server: self.durable.server.clone(),
                lines: self.ledger.count(),
                have: self.ledger.held().count(),
                draws: counts.draws,
                refusals: counts.refusals,
                duplicates: counts.duplicates,
                from_peers: self.from_peers,
                conflicts: self.ledger.conflicts(),
                rate: self.fetch.rate(self.now),
                eta_s: self.eta(),
                elapsed_s: first.map(|first| end.since(first).as_secs_f64()),
                sha256: self.completed.as_ref().map(|(_, sha256)| sha256.clone()),
                reconnects: counts.reconnects,
                swarm_draws: effort.draws,
                drew: self.drawers(),
                pace: effort.pace,
                capped: effort.capped,
                luck: self.luck(&effort),
                drawing: self.fetch.is_drawing(),
            },
            peers: PeerCounts {
                known: u32::try_from(self.known_ids().len())
                    .unwrap_or(u32::MAX)
                    .saturating_add(self.anonymous()),
                connected: u32::try_from(self.links.live().len()).unwrap_or(u32::MAX),
            },
            master: self.master(),
            submit: control::Submit {
                state: self.submit_state(),
                by: self.submitted_by(),
                mode: match self.settings.submit_by {
                    SubmitBy::Master => SubmitMode::Master,
                    SubmitBy::EveryPeer => SubmitMode::EveryPeer,
                    SubmitBy::Nobody => SubmitMode::Nobody,
                },
                attempts: self.submit.attempts(),
                reply: self.durable.outcome.as_ref().map(|outcome| outcome.reply.clone()),
            },
            line_server: self.line_server(),
            standby_for: self.yields_to(),
            left: self.left,
            pacer: self.fetch.belief().map_or_else(unknown_pacer, |belief| self.pacer(&belief)),
            problem: self.failed.clone(),
            reload_problem: None,
            listen: None,
            discover: Vec::new(),
            unsaved: 0,
        }
    }

    fn line_server(&self) -> LineServer {
        let fetch = &self.fetch;
        LineServer {
            connected: fetch.is_connected(),
            tries: fetch.tries(),
            next_try_s: fetch.next_try().map(|at| at.since(self.now).as_secs_f64()),
            why: fetch.last_loss().map(Into::into),
            one_at_a_time: fetch.is_one_at_a_time(),
        }
    }

    fn pacer(&self, belief: &Belief) -> Pacer {
        Pacer {
            limit: self.fetch.limit(),
            kind: belief.kind.name().into(),
            confidence: belief.confidence,
            rtt_ms: (!belief.rtt.is_zero()).then_some(belief.rtt.as_secs_f64() * 1e3),
            depth: belief.depth,
            cap: self.fetch.cap(),
        }
    }

    fn state(&self) -> State {
        let complete = self.completed.is_some();
        if self.failed.is_some() {
            State::Failed
        } else if self.is_done_for_good() {
            State::Submitted
        } else if self.paused {
            State::Paused
        } else if !self.started {
            State::Idle
        } else if (self.submit.is_under_way() || self.is_done()) && complete {
            State::Submitting
        } else if complete {
            State::Complete
        } else if self.fetch.first_draw().is_none() && self.ledger.held().is_empty() {
            State::Joining
        } else {
            State::Fetching
        }
    }

    /// The master, by name.
    #[must_use]
    pub fn master(&self) -> Option<Master> {
        let id = self.election.master()?;
        let is_self = id == self.settings.id;
        let name = if is_self { self.settings.name.clone() } else { self.links.name(id) };
        Some(Master { id, name, term: self.election.term(), is_self })
    }

    /// The newest term seen.
    #[must_use]
    pub fn term(&self) -> crate::ids::Term {
        self.election.term()
    }

    fn submitted_by(&self) -> Option<PeerId> {
        let outcome = self.durable.outcome.as_ref().map(|outcome| outcome.intent.by);
        outcome.or_else(|| self.durable.intent.as_ref().map(|intent| intent.by))
    }

    /// Seconds until the last missing line is expected: a file with m of N lines missing takes N·H(m) draws more.
    fn eta(&self) -> Option<f64> {
        let count = self.ledger.count()?;
        let missing = count.saturating_sub(self.ledger.held().count());
        if missing == 0 {
            return Some(0.0);
        }
        let peers: f64 = self.links.iter().map(|(_, link)| f64::from(link.beat.rate)).sum();
        let own = self.fetch.rate(self.now).unwrap_or(0.0);
        let rate = self.fetch.cap().map_or(own, |cap| own.min(cap)) + peers;
        (rate > 0.0).then(|| theory::draws_left(missing, count) / rate)
    }

    /// Everything is over for this node: the file is submitted, complete here, and nothing is owed to a peer.
    /// (With `submit.by = "nobody"`, complete is the end.)
    #[must_use]
    pub fn is_over(&self) -> bool {
        let submitted = self.is_done() || self.settings.submit_by == SubmitBy::Nobody;
        submitted && self.ledger.is_complete() && self.deferred.is_empty() && self.is_all_pushed()
    }

    /// The whole file is held.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ledger.is_complete()
    }

    /// The numbers that the file's lines have, as far as the base is known; `None` until their count is.
    #[must_use]
    pub fn numbers(&self) -> Option<core::ops::Range<u32>> {
        let count = self.ledger.count()?;
        let held = self.ledger.held();
        let (first, last) = (crate::ids::LineNumber(0), crate::ids::LineNumber(count));
        let base = u32::from(held.contains(last) && !held.contains(first));
        Some(base..count.saturating_add(base))
    }

    /// Is the line held?
    #[must_use]
    pub fn holds(&self, number: crate::ids::LineNumber) -> bool {
        self.ledger.held().contains(number)
    }

    /// Members and configured addresses without a link: somebody is worth looking for, unless there is a crowd already.
    #[must_use]
    pub fn has_absent_peers(&self) -> bool {
        let enough = self.is_crowded() && self.links.len() >= self.settings.swarm.max_peers / 2;
        !self.left && !enough && (self.anonymous() > 0 || self.absent().next().is_some())
    }

    /// Members without a link.
    pub(super) fn absent(&self) -> impl Iterator<Item = PeerId> + '_ {
        let live = self.links.live();
        self.durable.members.iter().filter(move |id| *id != self.settings.id && !live.contains(id))
    }

    /// This node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The newest events of this node.
    #[must_use]
    pub fn recent(&self) -> &Recent<Noted> {
        self.out.recent()
    }

    /// Something happened outside that belongs among the events.
    pub fn note(&mut self, event: Event) {
        self.out.note(event);
    }

    /// How many peers are linked.
    #[must_use]
    pub fn linked(&self) -> u32 {
        u32::try_from(self.links.live().len()).unwrap_or(u32::MAX)
    }

    /// Is there a connection to the line server?
    #[must_use]
    pub fn is_server_connected(&self) -> bool {
        self.fetch.is_connected()
    }

    /// Refused requests a second, over the last seconds; `None` before the first draw.
    #[must_use]
    pub fn refused_rate(&self) -> Option<f64> {
        self.fetch.refused_rate(self.now)
    }

    /// So many of the own draws were to be expected to give lines that were held already.
    #[must_use]
    pub fn expected_duplicates(&self) -> f64 {
        self.fetch.expected_duplicates()
    }

    /// The peer that this node leaves the drawing to, where the server lets one connection of an address live.
    #[must_use]
    pub fn yields_to(&self) -> Option<String> {
        self.yields.map(|(peer, _)| self.links.name(peer))
    }

    /// The linked peers that draw from an address that this node draws from too.
    #[must_use]
    pub fn neighbours_of_address(&self) -> Vec<String> {
        let own: BTreeSet<_> = self.fetch.local_addresses().collect();
        let shares = |from: &[std::net::IpAddr]| from.iter().any(|address| own.contains(address));
        let rivals = self.links.iter().filter(|(_, link)| link.established && shares(&link.draws_from));
        rivals.map(|(_, link)| self.links.name(link.id)).collect()
    }

    /// Why the job can't go on, if it failed.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Did this node draw the line itself?
    #[must_use]
    pub fn is_first_hand(&self, number: crate::ids::LineNumber) -> bool {
        self.ledger.is_first_hand(number)
    }

    /// Numbers that are missing, at most `most` of them.
    #[must_use]
    pub fn missing(&self, most: usize) -> Vec<crate::ids::LineNumber> {
        self.ledger.missing().take(most).collect()
    }

    /// The last Lamport time given out.
    #[must_use]
    pub fn lamport(&self) -> u64 {
        self.out.lamport()
    }

    /// What an engine that starts anew in this one's place is to be told, and what it would find on disk were all of it
    /// written. Of what operators changed it keeps the cap, the peers and whether it draws.
    #[must_use]
    pub fn successor(&self) -> (Settings, Restored) {
        let mut settings = self.settings.clone();
        settings.autostart = self.started;
        settings.server.rate = self.fetch.cap();
        let contacts = self.links.contacts().iter().filter(|contact| contact.found == CONFIGURED);
        settings.swarm.peers = contacts.map(|contact| contact.address.clone()).collect();
        let restored = Restored {
            state: Some(self.durable.clone()),
            lines: self.ledger.lines().clone(),
            hearsay: self.ledger.hearsay(),
            last_event: self.out.recent().next_seq().saturating_sub(1),
        };
        (settings, restored)
    }

    /// The durable state as it stands.
    #[must_use]
    pub fn durable(&self) -> &crate::engine::state::Durable {
        &self.durable
    }

    /// Every id but one's own that was heard of.
    fn known_ids(&self) -> BTreeSet<PeerId> {
        let members = self.durable.members.iter();
        members.chain(self.links.known().keys().copied()).filter(|id| *id != self.settings.id).collect()
    }

    /// `peers`.
    #[must_use]
    pub fn peers(&self) -> Peers {
        let mut peers: Vec<Peer> = self.known_ids().into_iter().map(|id| self.peer(id)).collect();
        let anonymous =
            self.links.contacts().iter().filter(|contact| contact.id.is_none() && !contact.is_void());
        peers.extend(anonymous.map(|contact| Peer {
            id: None,
            name: String::new(),
            address: Some(contact.address.clone()),
            state: if contact.is_dialling() { "dialling" } else { "down" }.into(),
            found: contact.found.clone(),
            problem: contact.problem.clone(),
            ..nobody()
        }));
        peers.truncate(limits::MEMBERS);
        let mut names: BTreeMap<String, Vec<PeerId>> = BTreeMap::new();
        let own = (self.settings.name.clone(), self.settings.id);
        let others = peers.iter().filter_map(|peer| Some((peer.name.clone(), peer.id?)));
        for (name, id) in others.chain([own]).filter(|(name, _)| !name.is_empty()) {
            names.entry(name).or_default().push(id);
        }
        Peers { peers, names }
    }

    fn peer(&self, id: PeerId) -> Peer {
        let known = self.links.known().get(&id);
        let contact = self.links.contacts().iter().find(|contact| contact.id == Some(id));
        let link =
            self.links.iter().find(|(_, link)| link.id == id && link.established).map(|(_, link)| link);
        let state = match (link, contact) {
            _ if self.links.is_banned(id) => "banned",
            (Some(_), _) => "linked",
            (None, Some(contact)) if contact.is_dialling() => "dialling",
            _ => "down",
        };
        let listen = known.and_then(|known| known.listen).map(|listen| listen.to_string());
        let address = listen.or_else(|| contact.map(|contact| contact.address.clone()));
        Peer {
            id: Some(id),
            name: known.map(|known| known.name.clone()).unwrap_or_default(),
            address: address.or_else(|| link.map(|link| link.remote.to_string())),
            state: state.into(),
            found: Some(self.links.found(id)).filter(|found| !found.is_empty()).unwrap_or("told").into(),
            member: self.durable.members.contains(id),
            master: self.election.master() == Some(id),
            have: link.map_or(0, |link| link.beat.held),
            rate: link.map(|link| f64::from(link.beat.rate)),
            rtt_ms: None,
            lines_sent: link.map_or(0, |link| link.lines_sent),
            lines_received: link.map_or(0, |link| link.lines_received),
            contradictions: known.map_or(0, |known| known.contradictions),
            problem: if link.is_some() {
                None
            } else {
                known
                    .and_then(|known| known.problem.clone())
                    .or_else(|| contact.and_then(|contact| contact.problem.clone()))
            },
        }
    }
}

fn nobody() -> Peer {
    Peer {
        id: None,
        name: String::new(),
        address: None,
        state: String::new(),
        found: String::new(),
        member: true,
        master: false,
        have: 0,
        rate: None,
        rtt_ms: None,
        lines_sent: 0,
        lines_received: 0,
        contradictions: 0,
        problem: None,
    }
}

fn unknown_pacer() -> Pacer {
    Pacer { limit: None, kind: "unknown".into(), confidence: 0.0, rtt_ms: None, depth: 0, cap: None }
}
