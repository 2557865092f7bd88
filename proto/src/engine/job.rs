//! The job's life: begun, its length learnt, followed to a new epoch, failed; and what operators may change.

use crate::{
    engine::{
        Engine,
        effort::Effort,
        errand::{Errand, Task},
        event::Event,
        io::{Command, Effect, RequestId},
        ledger::Arrival,
        links::CONFIGURED,
        say::To,
        settings::SubmitBy,
        submit::Submit,
    },
    ids::{JobId, LineNumber, PeerId},
    limits,
    lines::SharedLines,
    wire::{
        control::{Changed, ErrorBody},
        peer::{ByeReason, Message},
    },
};
use core::time::Duration;

/// Evictions lately, until a node gives in to a lower id, and to a higher one.
const EVICTED: (usize, usize) = (3, 6);
/// A rival that draws from no address for so long has given up.
const RIVAL_PATIENCE: Duration = Duration::from_secs(5);

/// All that a new job begins, see `engine::outbox`.
const JOB_WORK: u64 = 50_000;

mod excerpt;

impl Engine {
    /// Something became of a line that the server sent.
    pub(super) fn on_arrival(&mut self, number: LineNumber, arrival: Arrival) {
        match arrival {
            Arrival::New | Arrival::Confirmed => {
                self.out.push(Effect::Keep { number, first_hand: true });
                if self.ledger.has_both_ends() {
                    let count = self.ledger.count().unwrap_or(0);
                    self.fail(format!(
                        "the line server sent line 0 and line {count}, so its file has more than {count} lines \
                         (check server.lines, then reset --swarm)"
                    ));
                }
            }
            Arrival::Corrected(wrong) => {
                self.out.push(Effect::Keep { number, first_hand: true });
                self.out.note(Event::Corrected { number, wrong });
                // Everybody may hold the wrong text: the right one goes out once more.
                self.links.iter_mut().for_each(|(_, link)| {
                    link.theirs.remove(number);
                });
                if let Some(peer) = wrong {
                    self.contradicts(number, peer);
                }
            }
            Arrival::TwoTexts => {
                let texts = self.ledger.two_texts().map_or_else(String::new, |(line, one, other)| {
                    let (one, other) = excerpt::two(&one, &other);
                    format!(" for line {line}, {one} and {other}")
                });
                self.fail(format!(
                    "the line server sent two different texts{texts}; it does not serve one file (several servers \
                     behind one address? set server.address to one of them and reset --swarm)"
                ));
            }
            Arrival::Known
            | Arrival::Contradiction
            | Arrival::Conflict
            | Arrival::Disputed
            | Arrival::Beyond
            | Arrival::OutOfRange => {}
        }
    }

    /// The job can't go on; an operator must look.
    pub(super) fn fail(&mut self, why: String) {
        if self.failed.is_none() {
            self.out.note(Event::Failed { why: why.clone() });
            self.failed = Some(why);
        }
    }

    /// It is now known how many lines the file has.
    pub(super) fn learn_count(&mut self, count: u32) {
        self.durable.job.lines = count;
        self.dirty = true;
        for number in self.ledger.set_count(count) {
            self.out.push(Effect::Forget { number });
        }
        self.cut_spread(count);
        self.out.note(Event::CountLearnt { lines: count });
    }

    /// Leaves the job that was, and everything known of it, and begins `job`.
    pub(super) fn begin_job(&mut self, job: JobId, server: &str) {
        let count = (job.lines > 0).then_some(job.lines);
        self.out.note(Event::JobStarted { job: job.clone(), server: server.into() });
        self.ledger = self.ledger.anew(count, SharedLines::new());
        self.durable.job = job;
        self.durable.server = server.into();
        self.durable.intent = None;
        self.durable.outcome = None;
        self.unsay_submit();
        self.dirty = true;
        self.forget_progress();
        self.started = true;
        self.paused = false;
        let now = self.now;
        self.fetch.start_over(server, now, &mut self.out);
        self.start_spread_over();
        self.out.charge(JOB_WORK);
        self.tell_job();
    }

    /// What this node has done for a job so far no longer counts.
    fn forget_progress(&mut self) {
        self.submit = Submit::new(self.now);
        self.failed = None;
        self.completed = None;
        self.effort = Effort::new(false);
        self.from_peers = 0;
        self.reopened = false;
    }

    /// Notices completion, and its loss.
    pub(super) fn turn_job(&mut self) {
        let complete = self.ledger.is_complete();
        match (complete, &self.completed) {
            (true, None) => {
                let elapsed =
                    self.fetch.first_draw().map_or_else(Default::default, |first| self.now.since(first));
                let sha256 = hex(&self.ledger.sha256());
                let (lines, draws) = (self.ledger.held().count(), self.fetch.counts().draws);
                self.out.note(Event::Complete { lines, draws, elapsed, sha256: sha256.clone() });
                self.completed = Some((self.now, sha256));
                self.compare_with_done();
                // The others learn at once what it took.
                self.beat_all();
            }
            (false, Some(_)) => self.completed = None,
            _ => {}
        }
        self.yield_if_evicted();
        // After DONE lines are left to the peers that have more; if none has, a crash took them from all.
        let wanted = !complete && (!self.is_done() || self.reopened || !self.has_richer_peer());
        let free = !self.paused && self.yields.is_none() && self.failed.is_none();
        let draw = self.started && free && wanted;
        let now = self.now;
        self.fetch.set_drawing(draw, now);
        // A server that lets one connection of an address live must be free for the master to submit.
        let another = self.election.master().is_some_and(|master| master != self.settings.id);
        let others_submit = self.settings.submit_by == SubmitBy::Master && another;
        let finished = self.is_done() || (complete && others_submit);
        if !draw && finished && !self.fetch.has_errand() && self.fetch.is_connected() {
            self.fetch.hang_up(now, &mut self.out);
        }
        self.note_run();
    }

    /// Where a server lets one connection of an address live, one of the nodes that share it draws, and the others only
    /// spread, as long as it does. If all evict each other the lower id draws; a server that closes the newcomer instead
    /// never evicts who came first, so the newcomer gives in to a higher id too, after some more tries.
    fn yield_if_evicted(&mut self) {
        let now = self.now;
        if let Some((peer, seen)) = self.yields {
            let rival = self.links.iter().find(|(_, link)| link.id == peer && link.established);
            match rival.map(|(_, link)| link.draws_from.is_empty()) {
                Some(false) => self.yields = Some((peer, now)),
                // It may only have paused to reconnect, or its beat was sent before it began.
                Some(true) if now < seen + RIVAL_PATIENCE => {}
                _ => {
                    self.yields = None;
                    self.fetch.forget_evictions();
                }
            }
            return;
        }
        let evicted: Vec<_> = self.fetch.evictions(now).filter(|(_, times)| *times >= EVICTED.0).collect();
        if evicted.is_empty() {
            return;
        }
        let rival = self.links.iter().find(|(_, link)| {
            let must = if link.id < self.settings.id { EVICTED.0 } else { EVICTED.1 };
            evicted.iter().any(|(address, times)| *times >= must && link.draws_from.contains(address))
        });
        if let Some(peer) = rival.map(|(_, link)| link.id) {
            self.yields = Some((peer, now));
            self.out.note(Event::Yielded { to: peer });
            self.fetch.hang_up(now, &mut self.out);
            self.fetch.set_drawing(false, now);
            self.beat_all();
        }
    }

    /// A linked peer that works on the same job told that it holds more lines.
    fn has_richer_peer(&self) -> bool {
        let (held, epoch) = (self.ledger.held().count(), self.durable.job.epoch);
        self.links.iter().any(|(_, link)| link.established && link.epoch == epoch && link.beat.held > held)
    }

    /// An operator's wish; every request gets one reply.
    pub(super) fn on_command(&mut self, request: RequestId, command: Command) {
        if let Command::Recall { since } = command {
            return self.recall(request, since);
        }
        let result = self.obey(command);
        self.out.push(Effect::Reply { request, result });
    }

    fn obey(&mut self, command: Command) -> Result<Changed, ErrorBody> {
        match command {
            Command::Start { server, lines, swarm } => return self.start(server, lines, swarm),
            Command::Reset { swarm } => return self.reset(swarm),
            Command::Pause => {
                if !self.paused {
                    self.paused = true;
                    self.out.note(Event::Paused);
                    self.beat_all();
                }
            }
            Command::Resume => {
                if self.paused {
                    self.paused = false;
                    self.out.note(Event::Resumed);
                    self.beat_all();
                }
            }
            Command::Submit { force, resolve } => {
                if !self.ledger.is_complete() {
                    let have = self.ledger.held().count();
                    let conflicts = self.ledger.conflicts();
                    return Err(ErrorBody::new(
                        "E_INCOMPLETE",
                        "nothing was submitted",
                        format!(
                            "{have} lines are held and {conflicts} conflicts are open; the file is not complete"
                        ),
                        "wait for it: lineswarmctl wait --for complete",
                    ));
                }
                self.check_identity(&self.durable.server, "nothing was submitted")?;
                self.submit_now(force, resolve);
            }
            Command::Elect { to } => self.elect(to)?,
            Command::Limit { rate } => self.fetch.set_cap(rate, self.now),
            Command::PeerAdd { address } => self.add_peers(&[address]),
            Command::Join { addresses } => self.add_peers(&addresses),
            Command::PeerRemove { id, ban } => self.remove_peer(id, ban)?,
            Command::PeerForget { id } => self.forget_peer(id)?,
            Command::PeerForgetAbsent => return self.forget_absent(),
            Command::Leave => self.leave(),
            Command::Recall { .. } => {}
        }
        Ok(Changed::default())
    }

    fn check_identity(&self, server: &str, what: &str) -> Result<(), ErrorBody> {
        if self.settings.server.identity_for(server).is_some() {
            return Ok(());
        }
        let why = format!("what is submitted to {server} is credited to server.identity, which is not set");
        Err(ErrorBody::new("E_CONFIG", what, why, "set server.identity, restart the daemon, and ask again"))
    }

    fn start(
        &mut self,
        server: Option<String>,
        lines: Option<u32>,
        swarm: bool,
    ) -> Result<Changed, ErrorBody> {
        let ours = self.durable.job.clone();
        let other_server = server.as_ref().is_some_and(|server| *server != self.durable.server);
        let other_lines = lines.is_some_and(|lines| lines != ours.lines);
        if !swarm && !other_server && !other_lines {
            self.started = true;
            self.paused = false;
            return Ok(Changed::default());
        }
        let followers = self.followers(swarm)?;
        let label = if other_server { server.clone().unwrap_or_default() } else { ours.label };
        let server = server.unwrap_or_else(|| self.durable.server.clone());
        let epoch = ours.epoch.saturating_add(1);
        let job = JobId { swarm: ours.swarm, epoch, lines: lines.unwrap_or(ours.lines), label };
        self.begin_job(job, &server);
        Ok(followers)
    }

    /// A new epoch, for the whole swarm.
    fn reset(&mut self, swarm: bool) -> Result<Changed, ErrorBody> {
        let followers = self.followers(swarm)?;
        let (started, server) = (self.started, self.durable.server.clone());
        let goes_on = started && !self.paused;
        let epoch = self.durable.job.epoch.saturating_add(1);
        let job = JobId { epoch, ..self.durable.job.clone() };
        self.begin_job(job, &server);
        self.started = started;
        if goes_on {
            self.fetch.send_on(Errand::new(Task::ResetSession));
        }
        Ok(followers)
    }

    /// Who goes over to a new job with this node: peers that are linked at once; members, and whoever is configured and was
    /// never met, when they are linked again. Without `swarm` there must be nobody: whether a command of one node is one for
    /// all must not depend on who is linked at that moment.
    fn followers(&self, swarm: bool) -> Result<Changed, ErrorBody> {
        let me = self.settings.id;
        let live = self.links.live();
        let name = |id: PeerId| self.links.name(id);
        let now: Vec<String> = live.iter().copied().map(name).collect();
        let absent =
            self.durable.members.roll().map(|(id, _)| id).filter(|id| *id != me && !live.contains(id));
        let never_met = |contact: &&crate::engine::links::Contact| {
            contact.found == CONFIGURED && contact.id.is_none() && !contact.is_void()
        };
        let never_met = self.links.contacts().iter().filter(never_met).map(|contact| contact.address.clone());
        let later: Vec<String> = absent.map(name).chain(never_met).collect();
        if swarm || (now.is_empty() && later.is_empty()) {
            let some = |names: Vec<String>| (!names.is_empty()).then_some(names);
            return Ok(Changed { follow: some(now), follow_later: some(later), forgotten: None });
        }
        let would = [(now, "would follow"), (later, "would follow when linked again")]
            .into_iter()
            .filter(|(names, _)| !names.is_empty())
            .map(|(names, how)| format!("{} {how}", some_of(&names)));
        Err(ErrorBody::new(
            "E_PEERS",
            "the job was not changed",
            format!("this node is not alone: {}", would.collect::<Vec<_>>().join("; ")),
            "change it for all of them: add --swarm; to be rid of those who will not come back: lineswarmctl peer forget --absent",
        ))
    }

    fn elect(&mut self, to: Option<PeerId>) -> Result<(), ErrorBody> {
        let to = to.unwrap_or(self.settings.id);
        if to == self.settings.id {
            let electorate = electorate!(self);
            self.election.stand_now(self.now, electorate);
            return Ok(());
        }
        if !self.links.live().contains(&to) {
            return Err(not_linked(to));
        }
        let term = self.election.term();
        self.say(To::Peer(to), &Message::Stand(term));
        Ok(())
    }

    fn add_peers(&mut self, addresses: &[String]) {
        if self.left {
            // A member it is again when a peer says so.
            self.left = false;
            self.links.stir();
            self.election.on_stall(self.now);
        }
        for address in addresses {
            self.links.add_contact(address, CONFIGURED, None, self.now);
        }
    }

    fn remove_peer(&mut self, id: PeerId, ban: bool) -> Result<(), ErrorBody> {
        let conn = self.links.any_conn_of(id);
        if conn.is_none() && !ban {
            return Err(not_linked(id));
        }
        if ban {
            self.links.ban(id);
        }
        if let Some(conn) = conn {
            self.refuse(conn, id, if ban { ByeReason::Banned } else { ByeReason::GoingDown });
        }
        self.links.forget(id);
        Ok(())
    }

    fn forget_peer(&mut self, id: PeerId) -> Result<(), ErrorBody> {
        if self.links.live().contains(&id) {
            return Err(ErrorBody::new(
                "E_LINKED",
                format!("{} was not forgotten", id.short()),
                "it is linked, so it would be a member again at once",
                "ask it to leave: lineswarmctl leave, on that node",
            ));
        }
        if !self.durable.members.leave(id) {
            return Err(ErrorBody::new(
                "E_NO_PEER",
                format!("{} was not forgotten", id.short()),
                "it is no member",
                "see lineswarmctl peers",
            ));
        }
        self.durable.addresses.retain(|_, known| *known != id);
        self.links.forget(id);
        self.out.note(Event::MemberLeft { peer: id });
        self.on_standing(id);
        Ok(())
    }

    /// Forgets every member, and whoever is announced, that is not linked now, but for those behind configured addresses:
    /// what short visits left behind. As with [`Engine::forget_peer`], it is the operator who says that they do not vote.
    fn forget_absent(&mut self) -> Result<Changed, ErrorBody> {
        let configured: std::collections::BTreeSet<PeerId> =
            self.durable.addresses.values().copied().collect();
        let kept = |id: PeerId| {
            id == self.settings.id
                || self.links.live().contains(&id)
                || configured.contains(&id)
                || self.links.is_configured(id)
        };
        let absent: Vec<PeerId> =
            self.durable.members.roll().map(|(id, _)| id).filter(|id| !kept(*id)).collect();
        let forgotten = absent.iter().map(|id| self.links.name(*id)).collect();
        for id in absent {
            self.durable.members.leave(id);
            self.links.forget(id);
            self.out.note(Event::MemberLeft { peer: id });
            self.on_standing(id);
        }
        Ok(Changed { forgotten: Some(forgotten), ..Changed::default() })
    }

    /// The others no longer count this node, and this node no longer dials them. It says goodbye once this is stored: a
    /// node that came back as a member that the others no longer count could vote against them.
    fn leave(&mut self) {
        self.left = true;
        self.links.stir();
        // The others stay members in its eyes: were they not, it would tell them so when it joins again.
        if self.durable.members.leave(self.settings.id) {
            self.on_standing(self.settings.id);
        }
        self.links.forget_contacts();
        self.durable.addresses.clear();
        self.dirty = true;
    }
}

/// Names for a sentence, not too many.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn not_linked(id: PeerId) -> ErrorBody {
    ErrorBody::new(
        "E_NO_PEER",
        format!("nothing was done about {}", id.short()),
        "it is not linked",
        "see lineswarmctl peers",
    )
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Engine {
    /// Terms and epochs grow one by one: a peer that is far ahead would use them up for all.
    pub(super) fn in_proportion(&self, message: &Message<'_>) -> Result<(), &'static str> {
        let (term, epoch) = message.reaches();
        let leaps = |theirs: u64, ours: u64| theirs.saturating_sub(ours) > limits::LEAP;
        if leaps(term.0, self.election.term().0) || leaps(epoch, self.durable.job.epoch) {
            return Err("a term or epoch out of all proportion");
        }
        Ok(())
    }
}

/// A job as this node's settings name it.
pub(super) fn configured_job(settings: &crate::engine::settings::Settings, epoch: u64) -> JobId {
    let mut label = settings.server.label.clone();
    if label.is_empty() {
        label.clone_from(&settings.server.address);
    }
    while label.len() > limits::NAME_BYTES {
        label.pop();
    }
    JobId {
        swarm: settings.swarm.id.clone(),
        epoch,
        lines: settings.server.lines.map_or(0, core::num::NonZeroU32::get),
        label,
    }
}
