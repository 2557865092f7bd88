//! The messages of the peer protocol (docs/peer-protocol.md). Their bytes are frozen by golden tests.
//!
//! A message number is never reused and a body never changes: a new shape gets a new number.

use crate::{
    checks,
    engine::state::{Intent, Members, Outcome},
    ids::{JobId, LineNumber, PeerId, Term},
    level::Level,
    limits,
    wire::frame::{self, Frame, Room},
};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// A message, borrowing texts and bitmaps from the frame that it came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Message<'a> {
    /// Who I am; once, first.
    Hello(Box<Hello>),
    /// Why I close this link.
    Bye(Bye),
    /// Lines, with their numbers.
    Lines(Vec<(LineNumber, &'a [u8])>),
    /// What I hold, as a bitmap.
    Have(&'a [u8]),
    /// What I want, as a bitmap.
    Want(&'a [u8]),
    /// I live, and this is how far I am.
    Beat(Beat),
    /// Vote for me.
    Ask(Ask),
    /// My answer to [`Message::Ask`].
    Vote(Box<Vote>),
    /// I am about to submit.
    Intent(Intent),
    /// The intent of this term is on disk here.
    Ack(Term),
    /// What the server said.
    Outcome(Outcome),
    /// Members, and where peers can be reached.
    Roster(Roster),
    /// A new epoch.
    NewJob(NewJob),
    /// Stand for election.
    Stand(Term),
    /// What happened at your node lately? The number comes back.
    Recall(u32),
    /// The answer to [`Message::Recall`].
    Recalled(Recalled),
    /// What I drew, and was allowed to draw. Only to peers whose `features` say that they take it.
    Allowance(Allowance),
}

/// [`Hello::features`]: it answers [`Message::Recall`].
pub const RECALLS: u64 = 1;
/// [`Hello::features`]: it takes [`Message::Allowance`].
pub const ALLOWANCES: u64 = 2;

/// See [`Message::Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Bits of optional abilities; unknown ones are ignored.
    pub features: u64,
    /// The node's name.
    pub name: String,
    /// What it works on.
    pub job: JobId,
    /// The line server's address as it is configured there.
    pub server: String,
    /// Where it can be dialled.
    pub listen: Option<SocketAddr>,
    /// Its term.
    pub term: Term,
    /// Its member list.
    pub members: Members,
    /// A submit that was announced.
    pub intent: Option<Intent>,
    /// How a submit ended.
    pub outcome: Option<Outcome>,
}

/// See [`Message::Bye`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// A number of the table in docs/peer-protocol.md, see [`ByeReason`].
    pub reason: u8,
    /// In words.
    pub text: String,
}

/// Why a link is closed on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ByeReason {
    /// The daemon ends.
    GoingDown = 0,
    /// Another swarm.
    OtherSwarm = 1,
    /// The same epoch with another file or number of lines.
    OtherFile = 2,
    /// A second link between the same two nodes.
    SecondLink = 3,
    /// Banned by the operator.
    Banned = 4,
    /// `max-peers` reached.
    Full = 5,
    /// A message that breaks the protocol.
    Broken = 6,
    /// Three lines that contradict the server.
    Contradicts = 7,
    /// The other end is this node.
    Oneself = 8,
    /// No longer a member.
    Leaving = 9,
    /// Not heard for too long.
    Silent = 10,
    /// What it is sent piles up.
    TakesNothing = 11,
    /// Its job's line server is one that this node's settings do not lead to.
    ForbiddenServer = 12,
}

impl ByeReason {
    /// In a word, for counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GoingDown => "going-down",
            Self::OtherSwarm => "other-swarm",
            Self::OtherFile => "other-file",
            Self::SecondLink => "second-link",
            Self::Banned => "banned",
            Self::Full => "full",
            Self::Broken => "broken-protocol",
            Self::Contradicts => "contradicts",
            Self::Oneself => "oneself",
            Self::Leaving => "leaving",
            Self::Silent => "silent",
            Self::TakesNothing => "takes-nothing",
            Self::ForbiddenServer => "forbidden-server",
        }
    }

    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::GoingDown => "going down",
            Self::OtherSwarm => "works in another swarm (swarm.id differs)",
            Self::OtherFile => {
                "works on another file (server.label or server.lines differ at the same epoch)"
            }
            Self::SecondLink => "a second link between the same two nodes",
            Self::Banned => "banned by the operator",
            Self::Full => "has max-peers links already",
            Self::Broken => "a message that breaks the protocol",
            Self::Contradicts => "sent three lines that contradict the line server",
            Self::Oneself => "the address leads to this node itself",
            Self::Leaving => "left the swarm",
            Self::Silent => "was not heard for too long",
            Self::TakesNothing => "reads too slowly: what it is sent piles up",
            Self::ForbiddenServer => {
                "works with a line server that server.address here does not permit (loopback, link-local, multicast)"
            }
        }
    }
}

/// See [`Message::Beat`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// The sender's term.
    pub term: Term,
    /// Whom it follows; itself if it is the master.
    pub master: Option<PeerId>,
    /// How many lines it holds.
    pub held: u32,
    /// Of their numbers.
    pub digest: u64,
    /// How many answers it drew.
    pub drawn: u64,
    /// Its draws a second.
    pub rate: f32,
    /// When to expect the next beat, in ms.
    pub interval_ms: u32,
    /// It knows that the swarm's file was submitted.
    pub done: bool,
    /// The addresses that it draws from now.
    pub draws_from: Vec<IpAddr>,
}

/// What kind of vote is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Round {
    /// Would you? Changes nothing.
    PreVote,
    /// Do you?
    Vote,
    /// As `Vote`, on the operator's wish: never mind that the master lives.
    Transfer,
}

/// See [`Message::Ask`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What kind.
    pub round: Round,
    /// The term to be master of.
    pub term: Term,
    /// The candidate's.
    pub priority: i32,
}

/// See [`Message::Vote`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// As asked.
    pub round: Round,
    /// The voter's term; for a granted pre-vote the term asked for.
    pub term: Term,
    /// Yes or no.
    pub granted: bool,
    /// What the voter knows of a submit under way.
    pub intent: Option<Intent>,
    /// What the voter knows of a submit that ended.
    pub outcome: Option<Outcome>,
}

/// See [`Message::Roster`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// The sender's member list.
    pub members: Members,
    /// Peers and where they can be reached.
    pub known: Vec<(PeerId, String, SocketAddr)>,
}

/// See [`Message::NewJob`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewJob {
    /// The new job; its epoch is higher than any before.
    pub job: JobId,
    /// The line server's address.
    pub server: String,
}

/// See [`Message::Recalled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recalled {
    /// The question's.
    pub number: u32,
    /// The newest, oldest first.
    pub events: Vec<Past>,
}

/// See [`Message::Allowance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Answers of this node's life in this job.
    pub drawn: u64,
    /// How many the server's limit, as it is believed, and the operator's cap allowed meanwhile; 0 while that is not known.
    pub allowed: u64,
    /// The cap was lower than the limit.
    pub capped: bool,
    /// The node held lines of the job when it started, and what they took is not among these.
    pub partial: bool,
}

/// An event that was told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Its number at its node.
    pub seq: u64,
    /// Its Lamport time.
    pub lamport: u64,
    /// Since its node started, in ms.
    pub at_ms: u64,
    /// How much it matters.
    pub level: Level,
    /// Its name.
    pub what: String,
    /// Its fields: name and value.
    pub fields: Vec<(String, String)>,
}

impl Past {
    /// Its texts, in bytes.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.what.len() + self.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }
}

/// Why a frame is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not in the table.
    #[error("message number {0} is not known")]
    UnknownNumber(u8),
    /// The body does not decode, or not to its end, or passes a bound.
    #[error("the body of message {0} does not decode")]
    BadBody(u8),
}

const LINES: u8 = 3;
const HAVE: u8 = 4;
const WANT: u8 = 5;
const RECALLED: u8 = 16;

/// For how much of a message's body the receiver has room: a bitmap is cut to `bitmap` bytes, which is what the job's
/// lines take, and an answer that nobody waits for is passed over.
#[must_use]
pub fn room(number: u8, bitmap: usize, waits: bool) -> Room {
    match number {
        HAVE | WANT => Room::Cut(VARINT_BYTES + bitmap),
        RECALLED if !waits => Room::Cut(0),
        _ => Room::Whole(limits::MESSAGE_BYTES),
    }
}

/// All of it is there, or its beginning says something by itself.
#[must_use]
pub fn is_wanted(frame: &Frame<'_>) -> bool {
    frame.whole || matches!(frame.number, HAVE | WANT)
}

/// The length before a bitmap.
const VARINT_BYTES: usize = 5;

/// Appends `message` as one frame.
pub fn write(out: &mut Vec<u8>, lamport: u64, message: &Message<'_>) {
    let number = message.number();
    frame::write(out, number, lamport, |out| match message {
        Message::Hello(body) => put(out, body),
        Message::Bye(body) => put(out, body),
        Message::Lines(body) => put(out, body),
        Message::Have(body) | Message::Want(body) => put(out, body),
        Message::Beat(body) => put(out, body),
        Message::Ask(body) => put(out, body),
        Message::Vote(body) => put(out, body),
        Message::Intent(body) => put(out, body),
        Message::Ack(body) | Message::Stand(body) => put(out, body),
        Message::Outcome(body) => put(out, body),
        Message::Roster(body) => put(out, body),
        Message::NewJob(body) => put(out, body),
        Message::Recall(body) => put(out, body),
        Message::Recalled(body) => put(out, body),
        Message::Allowance(body) => put(out, body),
    });
}

/// Appends a [`Message::Lines`] of `count` lines whose body was gathered by [`write_line`].
pub fn write_lines(out: &mut Vec<u8>, lamport: u64, count: usize, gathered: &[u8]) {
    frame::write(out, LINES, lamport, |out| {
        put(out, &count);
        out.extend_from_slice(gathered);
    });
}

/// Appends one line to the body of a batch.
pub fn write_line(gathered: &mut Vec<u8>, number: LineNumber, text: &[u8]) {
    put(gathered, &number);
    put(gathered, &text.len());
    gathered.extend_from_slice(text);
}

/// Writing into memory can't fail: postcard's only error here would be a sequence of unknown length, and there is none.
fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    struct Append<'a>(&'a mut Vec<u8>);
    impl Extend<u8> for Append<'_> {
        fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
            self.0.extend(bytes);
        }
    }
    let written = postcard::to_extend(value, Append(out)).is_ok();
    debug_assert!(written, "a message always has a length");
}

impl<'a> Message<'a> {
    fn number(&self) -> u8 {
        match self {
            Self::Hello(_) => 1,
            Self::Bye(_) => 2,
            Self::Lines(_) => LINES,
            Self::Have(_) => HAVE,
            Self::Want(_) => WANT,
            Self::Beat(_) => 6,
            Self::Ask(_) => 7,
            Self::Vote(_) => 8,
            Self::Intent(_) => 9,
            Self::Ack(_) => 10,
            Self::Outcome(_) => 11,
            Self::Roster(_) => 12,
            Self::NewJob(_) => 13,
            Self::Stand(_) => 14,
            Self::Recall(_) => 15,
            Self::Recalled(_) => RECALLED,
            Self::Allowance(_) => 17,
        }
    }

    /// Reads a frame's message. Every byte of the body must belong to it, and every bound must hold.
    pub fn read(frame: Frame<'a>) -> Result<Self, MessageError> {
        let (number, body) = (frame.number, frame.body);
        let message = match number {
            1 => take(number, body).map(Self::Hello),
            2 => take(number, body).map(Self::Bye),
            LINES => take(number, body).map(Self::Lines),
            HAVE if frame.whole => take(number, body).map(Self::Have),
            WANT if frame.whole => take(number, body).map(Self::Want),
            HAVE => beginning(number, body).map(Self::Have),
            WANT => beginning(number, body).map(Self::Want),
            6 => take(number, body).map(Self::Beat),
            7 => take(number, body).map(Self::Ask),
            8 => take(number, body).map(Self::Vote),
            9 => take(number, body).map(Self::Intent),
            10 => take(number, body).map(Self::Ack),
            11 => take(number, body).map(Self::Outcome),
            12 => take(number, body).map(Self::Roster),
            13 => take(number, body).map(Self::NewJob),
            14 => take(number, body).map(Self::Stand),
            15 => take(number, body).map(Self::Recall),
            RECALLED => take(number, body).map(Self::Recalled),
            17 => take(number, body).map(Self::Allowance),
            _ => Err(MessageError::UnknownNumber(number)),
        }?;
        if message.is_bounded() { Ok(message) } else { Err(MessageError::BadBody(number)) }
    }

    /// The highest term and the highest epoch that it names.
    #[must_use]
    pub fn reaches(&self) -> (Term, u64) {
        let of = |intent: &Option<Intent>, outcome: &Option<Outcome>| {
            let intents = intent.iter().chain(outcome.iter().map(|outcome| &outcome.intent));
            intents.map(|intent| intent.term).max().unwrap_or_default()
        };
        match self {
            Self::Hello(hello) => (hello.term.max(of(&hello.intent, &hello.outcome)), hello.job.epoch),
            Self::Beat(beat) => (beat.term, 0),
            Self::Ask(ask) => (ask.term, 0),
            Self::Vote(vote) => (vote.term.max(of(&vote.intent, &vote.outcome)), 0),
            Self::Intent(intent) => (intent.term, 0),
            Self::Ack(term) | Self::Stand(term) => (*term, 0),
            Self::Outcome(outcome) => (outcome.intent.term, 0),
            Self::NewJob(new) => (Term::default(), new.job.epoch),
            Self::Bye(_)
            | Self::Lines(_)
            | Self::Have(_)
            | Self::Want(_)
            | Self::Roster(_)
            | Self::Recall(_)
            | Self::Recalled(_)
            | Self::Allowance(_) => (Term::default(), 0),
        }
    }

    fn is_bounded(&self) -> bool {
        let name = checks::is_name;
        let server = checks::is_host_port;
        let job = |job: &JobId| name(&job.swarm) && name(&job.label) && job.lines <= limits::LINES;
        let outcome =
            |outcome: &Outcome| job(&outcome.intent.job) && outcome.reply.len() <= limits::REPLY_BYTES;
        match self {
            Self::Hello(hello) => {
                name(&hello.name)
                    && server(&hello.server)
                    && job(&hello.job)
                    && hello.members.known() <= limits::TOLD_MEMBERS
                    && hello.intent.iter().all(|intent| job(&intent.job))
                    && hello.outcome.iter().all(outcome)
            }
            Self::Bye(bye) => bye.text.len() <= limits::BYE_BYTES,
            Self::Lines(lines) => lines
                .iter()
                .all(|(_, text)| text.len() <= limits::TEXT_BYTES && memchr::memchr(b'\n', text).is_none()),
            Self::Vote(vote) => {
                vote.intent.iter().all(|intent| job(&intent.job)) && vote.outcome.iter().all(outcome)
            }
            Self::Intent(intent) => job(&intent.job),
            Self::Outcome(body) => outcome(body),
            Self::Roster(roster) => {
                roster.members.known() <= limits::TOLD_MEMBERS
                    && roster.known.len() <= limits::INTRODUCED
                    && roster.known.iter().all(|(_, text, _)| text.is_empty() || name(text))
            }
            Self::NewJob(new) => job(&new.job) && server(&new.server),
            Self::Beat(beat) => beat.rate.is_finite() && beat.draws_from.len() <= limits::SOURCES,
            Self::Recalled(body) => {
                body.events.len() <= limits::EVENTS
                    && body.events.iter().map(Past::text_bytes).sum::<usize>() <= limits::RECALL_BYTES
            }
            Self::Have(_)
            | Self::Want(_)
            | Self::Ask(_)
            | Self::Ack(_)
            | Self::Stand(_)
            | Self::Recall(_)
            | Self::Allowance(_) => true,
        }
    }
}

fn take<'a, T: Deserialize<'a>>(number: u8, body: &'a [u8]) -> Result<T, MessageError> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        _ => Err(MessageError::BadBody(number)),
    }
}

/// What is there of byte strings whose end was left out.
fn beginning(number: u8, body: &[u8]) -> Result<&[u8], MessageError> {
    match postcard::take_from_bytes::<u32>(body) {
        Ok((length, bytes)) if bytes.len() <= length as usize => Ok(bytes),
        _ => Err(MessageError::BadBody(number)),
    }
}

#[cfg(test)]
mod tests;
