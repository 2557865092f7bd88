//! A link's life: opened, hello, messages, silence, closed.

use crate::{
    bitmap::Bitmap,
    checks,
    engine::{
        Engine,
        event::Event,
        io::{ConnId, Effect},
        links::{CONFIGURED, Link, Told},
        say::To,
    },
    ids::{JobId, PeerId},
    limits,
    time::Moment,
    wire::peer::{ALLOWANCES, Beat, Bye, ByeReason, Hello, Message, NewJob, RECALLS},
};
use core::time::Duration;
use std::net::SocketAddr;

/// While there is something to do; so much longer for each further [`BEAT_LINKS`], so that there are no more beats a second.
const BEAT: Duration = Duration::from_millis(250);
/// See [`BEAT`].
const BEAT_LINKS: usize = 16;
/// After DONE, or paused: an idle swarm sleeps.
const IDLE_BEAT: Duration = Duration::from_secs(15);

/// A beat that is made, beside what it says of members.
const BEAT_WORK: u64 = 500;

impl Engine {
    /// How often this node says that it lives.
    pub(super) fn beat_interval(&self) -> Duration {
        if (self.is_done() && self.ledger.is_complete()) || (self.paused && !self.submit.is_under_way()) {
            IDLE_BEAT
        } else {
            BEAT * u32::try_from(self.links.len().div_ceil(BEAT_LINKS).max(1)).unwrap_or(1)
        }
    }

    pub(super) fn on_peer_opened(&mut self, conn: ConnId, id: PeerId, address: SocketAddr) {
        let dialled = self.links.on_dialled(conn, id, self.now);
        if id == self.settings.id {
            if let Some((address, _)) = dialled {
                self.links.never_dial(&address);
                self.durable.addresses.remove(&address);
            }
            self.refuse(conn, id, ByeReason::Oneself);
            return;
        }
        if let Some((address, found)) = dialled {
            if found == CONFIGURED && self.durable.addresses.insert(address, id) != Some(id) {
                self.dirty = true;
            }
            let known = self.links.remember(id);
            if known.found.is_empty() {
                known.found = found;
            }
        }
        if self.left || self.links.is_banned(id) {
            let gone = self.left && self.newest_ticket() <= self.stored;
            if gone {
                // With it goes the term: nobody votes without this node in a term in which it may have voted.
                self.say_hello(conn);
            }
            let reason = match (self.left, gone) {
                (true, true) => ByeReason::Leaving,
                (true, false) => ByeReason::GoingDown,
                (false, _) => ByeReason::Banned,
            };
            self.turn_away(conn, (id, Some(address)), reason, reason.text());
            return;
        }
        if let Some(older) = self.links.any_conn_of(id) {
            // The link that the lower id dialled stays; of two dialled by the same end, the newer one.
            let by_lower = |conn: ConnId| conn.is_dialled() == (self.settings.id < id);
            if by_lower(older) && !by_lower(conn) {
                self.refuse(conn, id, ByeReason::SecondLink);
                return;
            }
            self.refuse(older, id, ByeReason::SecondLink);
        } else if !self.has_room_for_newcomer() {
            self.turn_away(conn, (id, Some(address)), ByeReason::Full, ByeReason::Full.text());
            return;
        }
        self.links.open(conn, Link::new(id, address, self.now));
    }

    /// Says hello on new links, once all that it tells is stored; what their other ends said meanwhile is heard then.
    fn greet(&mut self) {
        let new: Vec<_> = self.links.iter().filter(|(_, link)| !link.greeted).map(|(conn, _)| conn).collect();
        for conn in new {
            self.sync_ballot();
            if self.newest_ticket() > self.stored {
                return;
            }
            self.say_hello(conn);
            let Some(link) = self.links.get_mut(conn) else { continue };
            link.greeted = true;
            link.told = (self.durable.job.epoch, self.durable.job.lines);
            link.told_news = self.news.newest();
            self.on_greeted(conn);
        }
    }

    fn say_hello(&mut self, conn: ConnId) {
        let mut members = self.durable.members.in_parts(limits::TOLD_MEMBERS).into_iter();
        let hello = Hello {
            features: RECALLS | ALLOWANCES,
            name: self.settings.name.clone(),
            job: self.durable.job.clone(),
            server: self.durable.server.clone(),
            listen: self.settings.swarm.advertise,
            term: self.election.term(),
            members: members.next().unwrap_or_default(),
            intent: self.durable.intent.clone(),
            outcome: self.durable.outcome.clone(),
        };
        self.say(To::Conn(conn), &Message::Hello(Box::new(hello)));
        self.tell(conn, members, &[]);
    }

    /// It works on something else, so it was never one of us; if that changes it is a newcomer.
    pub(super) fn on_stranger(&mut self, id: PeerId) {
        self.links.on_stranger(id);
        let slots = self.durable.addresses.len();
        self.durable.addresses.retain(|_, known| *known != id);
        self.dirty |= self.durable.addresses.len() < slots;
    }

    pub(super) fn on_peer_closed(&mut self, conn: ConnId, why: &str) {
        if let Some(address) = self.links.on_dial_failed(conn, why, self.now) {
            self.out.note(Event::DialFailed { address, why: why.into() });
        }
        self.unlink(conn, why);
    }

    pub(super) fn unlink(&mut self, conn: ConnId, why: &str) {
        let Some(mut link) = self.links.close(conn) else { return };
        if link.established {
            let name = self.links.name(link.id);
            self.links.remember(link.id).problem = Some(why.into());
            self.out.note(Event::LinkClosed { peer: link.id, name, why: why.into() });
        }
        if !link.asked.is_empty() {
            self.forget_asked(&mut link);
            self.want_missing();
        }
    }

    /// `Err` is a breach of the protocol; the link closes.
    pub(super) fn on_message(
        &mut self,
        conn: ConnId,
        lamport: u64,
        message: Message<'_>,
    ) -> Result<(), &'static str> {
        let Some(link) = self.links.get(conn).filter(|_| !self.left) else { return Ok(()) };
        let (id, established, epoch) = (link.id, link.established, link.epoch);
        self.in_proportion(&message)?;
        // What is out of turn moves nothing, the clock neither.
        if established || matches!(message, Message::Hello(_) | Message::Bye(_)) {
            self.out.witness(lamport);
            self.reserve_lamport();
        }
        let same_job = established && epoch == self.durable.job.epoch;
        match message {
            Message::Bye(bye) => {
                self.on_bye(conn, id, &bye);
                return Ok(());
            }
            Message::Hello(hello) if !established => {
                self.on_hello(conn, id, *hello);
                return Ok(());
            }
            Message::Hello(_) => return Err("a second hello"),
            _ if !established => return Err("a message before the hello"),
            _ => {}
        }
        match message {
            Message::Lines(lines) => {
                if same_job {
                    self.on_lines(conn, id, &lines);
                }
            }
            Message::Have(bitmap) => {
                if same_job {
                    let bitmap = Bitmap::from_bytes(bitmap, self.ledger.highest());
                    self.on_have(conn, bitmap);
                }
            }
            Message::Want(bitmap) => {
                if same_job {
                    let bitmap = Bitmap::from_bytes(bitmap, self.ledger.highest());
                    self.on_want(conn, bitmap);
                }
            }
            Message::Beat(beat) => self.on_beat(conn, id, &beat, same_job),
            Message::Ask(ask) => {
                let electorate = electorate!(self);
                self.election.on_ask(id, ask, self.now, electorate);
                self.beat_to(conn);
            }
            Message::Vote(vote) => {
                let (intent, outcome) = (vote.intent, vote.outcome);
                self.learn(intent, outcome);
                let electorate = electorate!(self);
                self.election.on_vote(id, (vote.round, vote.term, vote.granted), self.now, electorate);
            }
            Message::Intent(intent) => self.on_intent(conn, id, intent),
            Message::Ack(term) => self.submit.on_ack(id, term),
            Message::Outcome(outcome) => self.on_outcome(outcome),
            Message::Roster(roster) => self.on_roster(id, roster),
            Message::NewJob(new) => self.on_new_job(conn, id, &new),
            Message::Stand(_) => {
                let electorate = electorate!(self);
                self.election.stand_now(self.now, electorate);
            }
            Message::Recall(number) => self.on_recall(conn, number),
            Message::Recalled(recalled) => self.on_recalled(id, recalled),
            Message::Allowance(told) => {
                if same_job {
                    self.effort.on_allowance(id, &told);
                }
            }
            Message::Hello(_) | Message::Bye(_) => {}
        }
        Ok(())
    }

    fn on_hello(&mut self, conn: ConnId, id: PeerId, hello: Hello) {
        if let Err(reason) = self.match_job(&hello.job, &hello.server) {
            self.refuse(conn, id, reason);
            return;
        }
        let Some(link) = self.links.get_mut(conn) else { return };
        link.epoch = hello.job.epoch;
        link.features = hello.features;
        link.interval = BEAT;
        let remote = link.remote;
        let listen = hello.listen.map(|told| link.listener(told));
        let listen = listen.filter(|listen| checks::may_dial(remote.ip(), *listen));
        let known = self.links.remember(id);
        known.name = hello.name.clone();
        known.listen = listen;
        known.problem = None;
        if known.found.is_empty() {
            known.found = "accepted".into();
        }
        self.links.establish(conn);
        self.out.note(Event::LinkOpened { peer: id, name: hello.name, address: remote.to_string() });
        if let Some(listen) = listen {
            self.links.add_contact(&listen.to_string(), "accepted", Some(id), self.now);
        }
        self.election.on_term(hello.term, self.now);
        self.hear_members(id, &hello.members);
        if hello.job.epoch == self.durable.job.epoch {
            self.learn(hello.intent, hello.outcome);
        }
        let told = self.links.get(conn).map(|link| link.told);
        if told != Some((self.durable.job.epoch, self.durable.job.lines)) {
            let (job, server) = (self.durable.job.clone(), self.durable.server.clone());
            self.say_stored(To::Conn(conn), Message::NewJob(NewJob { job, server }));
        }
        self.beat_to(conn);
        self.introduce(id);
    }

    fn on_bye(&mut self, conn: ConnId, id: PeerId, bye: &Bye) {
        let leaves = bye.reason == ByeReason::Leaving as u8;
        if leaves && self.durable.members.leave(id) {
            self.out.note(Event::MemberLeft { peer: id });
            self.on_standing(id);
        }
        let why = format!("the peer says: {}", bye.text);
        let refused = self.links.get(conn).filter(|link| !link.established).map(|link| link.remote);
        if let (Some(from), true) = (refused, bye.reason != ByeReason::SecondLink as u8) {
            self.note_refused(id, from, "by-peer", &why);
            if let Some(known) = self.links.acquaintance(id) {
                known.problem = Some(why.clone());
            }
        }
        if [ByeReason::OtherSwarm as u8, ByeReason::OtherFile as u8].contains(&bye.reason) {
            self.on_stranger(id);
        }
        let passing = [ByeReason::GoingDown, ByeReason::Silent, ByeReason::SecondLink];
        let lasting = !passing.iter().any(|passing| *passing as u8 == bye.reason);
        self.links.put_off(id, &why, lasting, self.now);
        self.out.push(Effect::Close { conn });
        self.unlink(conn, &why);
        if leaves && self.durable.members.contains(self.settings.id) {
            // It will dial when it wants to be back. (A newcomer that forgot it would found a swarm of its own.)
            self.durable.addresses.retain(|_, known| *known != id);
            self.links.forget(id);
        }
    }

    fn on_new_job(&mut self, conn: ConnId, id: PeerId, new: &NewJob) {
        match self.match_job(&new.job, &new.server) {
            Ok(()) => {
                // A node's epochs only grow: one that goes back and forth would be told all from the beginning each time.
                let Some(link) = self.links.get_mut(conn).filter(|link| link.epoch < new.job.epoch) else {
                    return;
                };
                link.epoch = new.job.epoch;
                self.spread.forget(link);
                link.start_over();
                self.unserved = true;
            }
            Err(reason) => self.refuse(conn, id, reason),
        }
    }

    /// Tells everybody which job this node works on now.
    pub(super) fn tell_job(&mut self) {
        let (job, server) = (self.durable.job.clone(), self.durable.server.clone());
        self.say_stored(To::All, Message::NewJob(NewJob { job, server }));
    }

    /// Is a peer's job this node's? A higher epoch is followed, a lower one will follow.
    fn match_job(&mut self, theirs: &JobId, server: &str) -> Result<(), ByeReason> {
        let ours = &self.durable.job;
        if theirs.swarm != ours.swarm {
            return Err(ByeReason::OtherSwarm);
        }
        if theirs.epoch > ours.epoch {
            if !checks::may_follow(&self.settings.server.address, server) {
                return Err(ByeReason::ForbiddenServer);
            }
            self.begin_job(theirs.clone(), server);
            return Ok(());
        }
        if theirs.epoch == ours.epoch {
            if theirs.label != ours.label {
                return Err(ByeReason::OtherFile);
            }
            match (ours.lines, theirs.lines) {
                (0, 1..) => self.learn_count(theirs.lines),
                (_, 0) => {}
                (a, b) if a != b => return Err(ByeReason::OtherFile),
                _ => {}
            }
        }
        Ok(())
    }

    fn on_beat(&mut self, conn: ConnId, id: PeerId, beat: &Beat, same_job: bool) {
        let done = self.is_done();
        self.links.expect(conn, Duration::from_millis(u64::from(beat.interval_ms)).min(4 * IDLE_BEAT));
        let Some(link) = self.links.get_mut(conn) else { return };
        link.beat = Told { held: beat.held, rate: beat.rate.max(0.0), drawn: beat.drawn, done: beat.done };
        link.draws_from.clone_from(&beat.draws_from);
        if same_job {
            self.effort.on_drawn(id, beat.drawn);
            let equal = beat.digest == self.ledger.digest() && beat.held == self.ledger.held().count();
            link.differed = if equal { 0 } else { link.differed.saturating_add(1) };
            self.unserved |= link.differed >= 2 || link.in_vain;
            if done
                && !beat.done
                && let Some(outcome) = self.durable.outcome.clone()
            {
                self.say_stored(To::Conn(conn), Message::Outcome(outcome));
            }
        }
        self.election.on_beat(id, beat.term, beat.master, self.now, self.links.live());
    }

    fn beat(&mut self) -> Message<'static> {
        self.out.charge(BEAT_WORK + (self.durable.members.known() + self.links.contacts().len()) as u64 * 4);
        Message::Beat(Beat {
            term: self.election.term(),
            master: self.election.heard_master(electorate!(self)),
            held: self.ledger.held().count(),
            digest: self.ledger.digest(),
            drawn: self.fetch.counts().draws,
            rate: self.fetch.rate(self.now).unwrap_or(0.0) as f32,
            interval_ms: u32::try_from(self.beat_interval().as_millis()).unwrap_or(u32::MAX),
            done: self.is_done(),
            draws_from: self.fetch.local_addresses().take(limits::SOURCES).collect(),
        })
    }

    pub(super) fn beat_to(&mut self, conn: ConnId) {
        if self.links.get(conn).is_some_and(|link| link.established) {
            let beat = self.beat();
            self.say_stored(To::Conn(conn), beat);
        }
    }

    pub(super) fn beat_all(&mut self) {
        let beat = self.beat();
        self.say_stored(To::All, beat);
        self.beat_at = self.now + self.beat_interval();
        self.tell_allowance();
    }

    /// Beats, silences, dials.
    pub(super) fn turn_links(&mut self) {
        self.say_deferred();
        self.greet();
        self.read_on();
        let due = self.beat_at.min(self.now + self.beat_interval());
        if self.now >= due {
            self.beat_all();
        } else {
            self.beat_at = due;
        }
        for (conn, id) in self.links.silent(self.now) {
            self.refuse(conn, id, ByeReason::Silent);
        }
        self.turn_crowd();
    }

    /// When [`Engine::turn_links`] has something to do.
    pub(super) fn links_deadline(&self) -> Option<Moment> {
        let silence = self.links.silence_deadline();
        let beat = (!self.links.is_empty()).then_some(self.beat_at);
        let rest = [self.reading_deadline(), self.news_deadline(), self.deferred_deadline()];
        let rest = rest.into_iter().flatten();
        silence.into_iter().chain(beat).chain(self.crowd_deadline()).chain(rest).min()
    }

    /// Says goodbye to everybody.
    pub(super) fn bye_all(&mut self, reason: ByeReason) {
        let all: Vec<_> = self.links.iter().map(|(conn, link)| (conn, link.id)).collect();
        for (conn, id) in all {
            self.refuse(conn, id, reason);
        }
    }
}
