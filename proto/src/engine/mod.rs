//! The engine: one node of the swarm as a state machine.
//!
//! `handle` takes an [`Input`] and the time; then `next_effect` is called until it gives none; then the shell waits for
//! the next input, or until `deadline`. Everything a node decides happens here: drawing, keeping, spreading, electing,
//! submitting. The engine does nothing itself: no socket, no clock, no file, no log; its randomness is the seed.
//!
//! An input is handled in one turn: first the reaction to it (`on_…`), then everything that is due (`turn_…`), then the
//! durable state goes out if it changed. Most inputs only keep the drawing going, and nothing else is looked at for them.
//! A new input while effects wait to be taken is a bug of the shell.

/// Who may vote, borrowing only the fields that say so.
macro_rules! electorate {
    ($engine:expr) => {
        $crate::engine::election::Electorate {
            members: &$engine.durable.members,
            anonymous: $engine.links.anonymous(
                &$engine.durable.members,
                $engine.settings.swarm.voters(),
                $engine.election.term() > $crate::ids::Term::default(),
            ),
            full: $engine.durable.members.is_full($engine.settings.swarm.voters()),
            live: $engine.links.live(),
        }
    };
}

mod crowd;
mod effort;
pub mod election;
pub mod errand;
pub mod event;
pub mod fetch;
pub mod io;
mod job;
pub mod ledger;
pub mod links;
pub mod membership;
pub mod noted;
pub mod outbox;
pub mod pacer;
mod reading;
pub mod recall;
mod refused;
mod say;
pub mod settings;
mod spread;
pub mod state;
mod submit;
mod swarm;
mod view;

use crate::{
    engine::{
        effort::Effort,
        election::{Election, Said},
        event::Event,
        fetch::Fetch,
        io::{ConnId, Effect, Input},
        ledger::{FingerprintKey, Ledger},
        links::{CONFIGURED, Links},
        membership::{Acks, News},
        outbox::Outbox,
        reading::Reading,
        recall::Recalls,
        refused::Refused,
        say::To,
        settings::Settings,
        spread::Spread,
        state::{Durable, Ticket},
        submit::Submit,
    },
    ids::{LineNumber, PeerId, Term},
    lines::SharedLines,
    time::Moment,
    wire::peer::{ByeReason, Message, Vote},
};
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

/// A deadline missed by more than this: the process, or the machine, was held up.
const STALL: Duration = Duration::from_secs(1);
/// Lamport times are reserved on disk in blocks of this size.
const LAMPORT_BLOCK: u64 = 1 << 20;

/// What the journal gave back.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// The newest durable state, if there was one.
    pub state: Option<Durable>,
    /// The lines.
    pub lines: SharedLines,
    /// Those of them that peers sent.
    pub hearsay: Vec<LineNumber>,
    /// The number of the last event of an engine whose place this one takes; 0 with a daemon's first.
    pub last_event: u64,
}

/// One node. See the module.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    out: Outbox,
    now: Moment,
    started_at: Moment,
    durable: Durable,
    dirty: bool,
    issued: Ticket,
    stored: Ticket,
    ballot_ticket: Ticket,
    /// Lamport times below the first are reserved on disk; below the third, once the ticket is stored.
    reserved: (u64, Ticket, u64),
    deferred: VecDeque<(Ticket, To, Message<'static>)>,
    ledger: Ledger,
    fetch: Fetch,
    effort: Effort,
    links: Links,
    reading: Reading,
    spread: Spread,
    /// Their other ends take too little of what they are sent.
    overfull: BTreeSet<ConnId>,
    acks: Acks,
    news: News,
    election: Election,
    submit: Submit,
    recalls: Recalls,
    refused: Refused,
    beat_at: Moment,
    /// When one more node is dialled than is needed, in a crowd.
    mix_at: Moment,
    started: bool,
    paused: bool,
    left: bool,
    yields: Option<(PeerId, Moment)>,
    failed: Option<String>,
    reopened: bool,
    completed: Option<(Moment, String)>,
    from_peers: u64,
    seen: Seen,
    /// A neighbour needs something else than the newest lines.
    unserved: bool,
    /// When a line that was asked for is asked for again.
    ask_again_at: Option<Moment>,
    /// What [`Engine::deadline`] gives: asked for often, changed by inputs alone.
    due: Option<(Moment, Why)>,
    /// The same of everything but the drawing.
    elsewhere: Option<(Moment, Why)>,
}

/// The version of [`Links`] for which something was looked at last: most turns change nothing of what it rests on.
#[derive(Debug, Default)]
struct Seen {
    /// And whether this node led.
    members: (u64, bool),
    /// Somebody is announced.
    announced: bool,
    /// And how many lines had arrived.
    spread: (u64, usize),
    /// And whether this node led, in which term.
    election: (u64, bool, Term),
}

/// Why a deadline is set; for people who look at wake-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A draw is due, or the line server's silence ends.
    Fetch,
    /// A heartbeat, a dial, or a peer's silence.
    Links,
    /// Standing for election, or the grace time.
    Election,
    /// Acknowledgements, or an INTENT in doubt.
    Submit,
    /// Lines that were asked for.
    Spread,
    /// Peers that were asked for their events.
    Recall,
}

impl Engine {
    /// A node with what it had stored. `seed` is all its randomness.
    #[must_use]
    pub fn new(settings: Settings, restored: Restored, seed: u64, now: Moment) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut configured = job::configured_job(&settings, 1);
        let mut durable = restored.state.unwrap_or_default();
        let mut lines = (restored.lines, restored.hearsay);
        // A job that the swarm began (a later epoch) stands; one that was only configured follows the configuration.
        if configured.lines == 0 {
            configured.lines = durable.job.lines;
        }
        let replaced =
            durable.job.swarm != configured.swarm || (durable.job.epoch <= 1 && durable.job != configured);
        if replaced {
            lines = (SharedLines::new(), Vec::new());
            durable.job = configured;
            durable.server.clone_from(&settings.server.address);
            durable.intent = None;
            durable.outcome = None;
        }
        if durable.job.epoch <= 1 || !crate::checks::is_host_port(&durable.server) {
            durable.server.clone_from(&settings.server.address);
        }
        let lamport = durable.lamport_reserved;
        durable.lamport_reserved = lamport.saturating_add(LAMPORT_BLOCK);
        let ballot = (durable.term, durable.voted_for);
        let mut server = settings.server.clone();
        server.address.clone_from(&durable.server);
        let mut engine = Self {
            out: Outbox::new(lamport, restored.last_event),
            now,
            started_at: now,
            dirty: true,
            issued: Ticket(0),
            stored: Ticket(0),
            ballot_ticket: Ticket(0),
            reserved: (lamport, Ticket(1), durable.lamport_reserved),
            deferred: VecDeque::new(),
            ledger: Ledger::new(
                (durable.job.lines > 0).then_some(durable.job.lines),
                lines.0,
                &lines.1,
                FingerprintKey::new(seed),
            ),
            fetch: Fetch::new(&server, rng.u64(..)),
            effort: Effort::new(false),
            links: Links::new(rng.u64(..)),
            reading: Reading::default(),
            spread: Spread::default(),
            overfull: BTreeSet::new(),
            acks: Acks::default(),
            news: News::default(),
            election: Election::new(settings.id, settings.election, ballot, rng.u64(..), now),
            submit: Submit::new(now),
            recalls: Recalls::default(),
            refused: Refused::default(),
            beat_at: now,
            mix_at: now,
            started: settings.autostart,
            paused: false,
            left: false,
            yields: None,
            failed: None,
            reopened: false,
            completed: None,
            from_peers: 0,
            seen: Seen::default(),
            unserved: false,
            ask_again_at: None,
            due: None,
            elsewhere: None,
            durable,
            settings,
        };
        engine.effort = Effort::new(!engine.ledger.held().is_empty());
        for address in engine.settings.swarm.peers.clone() {
            let id = engine.durable.addresses.get(&address).copied();
            engine.links.add_contact(&address, CONFIGURED, id, now);
        }
        engine.out.begin_turn(now);
        engine.turn();
        engine
    }

    /// Reacts to one input. The effects of the last one must have been taken.
    pub fn handle(&mut self, input: Input<'_>, now: Moment) {
        debug_assert!(self.out.is_empty(), "the effects of the last input were not taken");
        let late = self.due.map_or(Duration::ZERO, |(deadline, _)| now.since(deadline));
        self.now = self.now.max(now);
        self.out.begin_turn(self.now);
        self.begin_reading();
        if late > STALL {
            self.on_stall(late);
        }
        let mut news = true;
        match input {
            Input::Opened { conn, peer: None, address } => {
                self.fetch.on_opened(conn, address.ip(), now, &mut self.out);
            }
            Input::Opened { conn, peer: Some(id), address } => self.on_peer_opened(conn, id, address),
            Input::Bytes { conn, bytes } => news = self.on_bytes(conn, bytes),
            Input::Drained { conn, queued } => {
                if !self.on_drained(conn, queued) && late <= STALL {
                    return;
                }
            }
            Input::Closed { conn, why } => {
                self.fetch.on_closed(conn, why, now, &mut self.out);
                self.on_peer_closed(conn, why);
            }
            Input::Deadline => news = false,
            Input::Stored(ticket) => {
                self.on_stored(ticket);
                self.unserved = true;
            }
            Input::Command { request, command } => self.on_command(request, command),
            Input::Found { address, how } => {
                if !self.left {
                    self.links.on_found(address, how, now, &mut self.out);
                }
            }
            Input::Stop => self.bye_all(ByeReason::GoingDown),
        }
        if news || late > STALL || !self.fetch.is_just_drawing() || self.is_due_elsewhere() {
            self.turn();
        } else {
            self.draw_on();
        }
        #[cfg(debug_assertions)]
        self.check();
    }

    /// So much is unsent. Is a turn worth it? After something was said to a peer it is: what one turn ends with, the
    /// next begins with. After requests for lines it is not, and that is each time a line is drawn.
    fn on_drained(&mut self, conn: ConnId, queued: usize) -> bool {
        if let Some(link) = self.links.get_mut(conn) {
            link.queued = queued;
            self.unserved = true;
            return true;
        }
        self.fetch.on_drained(conn, queued)
    }

    /// False if nothing follows from them but more draws.
    fn on_bytes(&mut self, conn: ConnId, bytes: &[u8]) -> bool {
        if !self.fetch.owns(conn) {
            self.on_peer_bytes(conn, bytes);
            return true;
        }
        let mut arrivals = Vec::new();
        let Self { fetch, ledger, out, now, .. } = self;
        fetch.on_bytes(conn, bytes, *now, ledger, &mut arrivals, out);
        let news = !arrivals.is_empty();
        for (number, arrival) in arrivals {
            self.on_arrival(number, arrival);
        }
        news
    }

    /// The next thing to do outside, until there is none.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.out.pop()
    }

    /// When [`Input::Deadline`] is due, and why; `None`: only an input can change anything.
    #[must_use]
    pub fn deadline(&self) -> Option<(Moment, Why)> {
        self.due
    }

    fn is_due_elsewhere(&self) -> bool {
        self.elsewhere.is_some_and(|(at, _)| self.now >= at)
    }

    fn next_deadline(&self) -> Option<(Moment, Why)> {
        let drawing = self.fetch.deadline().map(|at| (at, Why::Fetch));
        [drawing, self.elsewhere].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn deadline_elsewhere(&self) -> Option<(Moment, Why)> {
        [
            (self.links_deadline(), Why::Links),
            (self.election.deadline(), Why::Election),
            (self.submit_deadline(), Why::Submit),
            (self.spread_deadline(), Why::Spread),
            (self.recalls.deadline(), Why::Recall),
        ]
        .into_iter()
        .filter_map(|(at, why)| Some((at?, why)))
        .min_by_key(|(at, _)| *at)
    }

    /// What the last input cost, in units of about a nanosecond. Below [`crate::limits::TURN_WORK`], whatever peers send.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.out.work()
    }

    /// The shared map of the current job; another one after a new job began.
    #[must_use]
    pub fn lines(&self) -> &SharedLines {
        self.ledger.lines()
    }

    /// This process was held up: whatever counts silence starts anew, and leadership is doubtful.
    fn on_stall(&mut self, late: Duration) {
        self.out.note(Event::Stalled { late });
        self.fetch.on_stall(self.now);
        self.submit.on_stall();
        self.election.on_stall(self.now);
        let now = self.now;
        self.links.iter_mut().for_each(|(_, link)| link.heard = now);
    }

    /// A turn in which nothing else is due and nothing changed that anything else rests on.
    fn draw_on(&mut self) {
        let Self { fetch, ledger, out, now, .. } = self;
        fetch.turn(*now, ledger, out);
        self.due = self.next_deadline();
    }

    /// All that is due, in the order in which one thing leads to the next.
    fn turn(&mut self) {
        self.turn_links();
        self.turn_members();
        self.turn_election();
        self.turn_job();
        self.turn_submit();
        let Self { fetch, ledger, out, now, .. } = self;
        fetch.turn(*now, ledger, out);
        self.turn_spread();
        self.turn_recalls();
        self.end_overfull();
        self.reserve_lamport();
        self.sync_ballot();
        self.store_if_dirty();
        self.elsewhere = self.deadline_elsewhere();
        self.due = self.next_deadline();
    }

    fn turn_election(&mut self) {
        let was_master = self.election.is_master();
        if self.left {
            self.election.rest(self.now);
        }
        let now = (self.links.version(), self.election.is_master(), self.election.term());
        let settled = self.election.master().is_some() && self.seen.election == now;
        if !settled || self.election.deadline().is_some_and(|at| self.now >= at) {
            self.seen.election = now;
            let electorate = electorate!(self);
            self.election.on_time(self.now, electorate);
        }
        self.sync_ballot();
        for said in self.election.take_said() {
            match said {
                Said::Ask(ask) => {
                    self.tell_news_first(To::All);
                    self.say_stored(To::All, Message::Ask(ask));
                }
                Said::Vote { to, round, term, granted } => {
                    self.tell_news_first(To::Peer(to));
                    let (intent, outcome) = (self.durable.intent.clone(), self.durable.outcome.clone());
                    let vote = Vote { round, term, granted, intent, outcome };
                    self.say_stored(To::Peer(to), Message::Vote(Box::new(vote)));
                }
                Said::Note(event) => {
                    let elected = matches!(event, Event::Elected { me: true, .. });
                    self.out.note(event);
                    if elected {
                        self.beat_all();
                    }
                }
            }
        }
        if was_master && !self.election.is_master() {
            self.beat_all();
        }
    }

    /// A changed term or vote becomes part of the durable state before anything that rests on it is said.
    fn sync_ballot(&mut self) {
        if self.election.take_ballot_changed() {
            (self.durable.term, self.durable.voted_for) = self.election.ballot();
            self.dirty = true;
            self.ballot_ticket = self.newest_ticket();
        }
    }

    /// What must hold between inputs.
    #[cfg(debug_assertions)]
    fn check(&self) {
        self.election.check();
        assert_eq!(
            self.election.ballot(),
            (self.durable.term, self.durable.voted_for),
            "the ballot is in the state"
        );
        assert!(self.stored <= self.issued, "nothing is stored that was not asked for");
        assert!(
            self.deferred.iter().all(|(ticket, ..)| *ticket <= self.issued),
            "what waits has a ticket to wait for"
        );
    }
}
