//! One exchange with the line server that is no draw: a submit, the question which lines were wrong, a session reset.
//!
//! An errand starts when no draw is outstanding, writes its request piece by piece as the connection takes it, and
//! ends exactly once: answered, unanswered, or lost with its connection.

use crate::{
    engine::ledger::Ledger,
    ids::LineNumber,
    lines::Text,
    time::Moment,
    wire::line::{self, Expect, Reply, Verdict},
};
use core::time::Duration;

/// How long the server may think about a submit, once it is sent, or take none of it.
const VERDICT_PATIENCE: Duration = Duration::from_secs(30);
/// During a tournament some requests are never answered.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// Of a submit, so much may wait in the connection's queue.
const QUEUE_BYTES: usize = 128 * 1024;
/// A piece of a submit.
const PIECE_BYTES: usize = 32 * 1024;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Submit held lines, the first `count` of them.
    Submit {
        /// `<entry>@<team>`
        identity: String,
        /// How many lines.
        count: u32,
    },
    /// Ask for the right texts of what was submitted wrong.
    AskCorrections,
    /// Start the session anew.
    ResetSession,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrandEnd {
    /// The server's reply to a submit.
    Verdict(Box<Verdict>),
    /// The connection, or the server's patience with us, ended. `sent_all`: the submit may have counted.
    Lost {
        /// In words.
        why: String,
        /// Every byte had been handed to the connection.
        sent_all: bool,
    },
    /// What the server would have had instead.
    Corrections(Vec<(LineNumber, Text)>),
    /// The question was not answered (a tournament).
    NoAnswer,
    /// The session was reset.
    ResetDone,
}

/// See the module.
#[derive(Debug)]
pub struct Errand {
    task: Task,
    progress: Progress,
    corrections: Vec<(LineNumber, Text)>,
}

#[derive(Debug)]
enum Progress {
    Waiting,
    Sending { next: Option<LineNumber>, left: u32, since: Moment },
    Sent { since: Moment },
}

impl Errand {
    /// An errand of which nothing was said yet.
    #[must_use]
    pub fn new(task: Task) -> Self {
        Self { task, progress: Progress::Waiting, corrections: Vec::new() }
    }

    /// Something of it was written.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !matches!(self.progress, Progress::Waiting)
    }

    /// Which reply is due.
    #[must_use]
    pub fn expects(&self) -> Expect {
        match self.task {
            Task::Submit { .. } => Expect::Verdict,
            Task::AskCorrections => Expect::Corrections,
            Task::ResetSession => Expect::ResetDone,
        }
    }

    /// The next bytes to write, unless `queued` says that the connection is busy.
    pub fn next_bytes(&mut self, ledger: &Ledger, queued: usize, now: Moment) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        match (&self.task, &mut self.progress) {
            (_, Progress::Sent { .. }) => return None,
            (_, Progress::Sending { .. }) if queued > QUEUE_BYTES => return None,
            (Task::Submit { identity, count }, Progress::Waiting) => {
                line::submit_head(identity, *count, &mut bytes);
                self.progress = Progress::Sending { next: Some(LineNumber(0)), left: *count, since: now };
            }
            (Task::AskCorrections, _) => {
                bytes.extend_from_slice(line::SEND_INCORRECT_LINES);
                self.progress = Progress::Sent { since: now };
            }
            (Task::ResetSession, _) => {
                bytes.extend_from_slice(line::SESSION_RESET);
                self.progress = Progress::Sent { since: now };
            }
            (Task::Submit { .. }, Progress::Sending { next, left, since }) => {
                *since = now;
                let from = next.take();
                *next = from.and_then(|from| {
                    ledger.lines().slice(from, |number, text| {
                        line::line_entry(number, text, &mut bytes);
                        *left -= 1;
                        *left > 0 && bytes.len() < PIECE_BYTES
                    })
                });
                if *left == 0 || next.is_none() {
                    self.progress = Progress::Sent { since: now };
                }
            }
        }
        Some(bytes)
    }

    /// A reply, or a piece of one, to this errand.
    pub fn on_reply(&mut self, reply: Reply<'_>, now: Moment) -> Option<ErrandEnd> {
        let ends = reply.ends();
        self.progress = Progress::Sent { since: now };
        match reply {
            Reply::Verdict(verdict) => Some(ErrandEnd::Verdict(verdict)),
            Reply::ResetDone => Some(ErrandEnd::ResetDone),
            Reply::Corrections { .. } | Reply::Correction { .. } => {
                if let Reply::Correction { number, text, .. } = reply {
                    self.corrections.push((number, text.into()));
                }
                ends.then(|| ErrandEnd::Corrections(core::mem::take(&mut self.corrections)))
            }
            Reply::Refused | Reply::Line { .. } => None,
        }
    }

    /// The connection is gone. An errand that had not begun waits for the next one.
    pub fn on_lost(&mut self, why: &str) -> Option<ErrandEnd> {
        let sent_all = match self.progress {
            Progress::Waiting => return None,
            Progress::Sending { .. } => false,
            Progress::Sent { .. } => true,
        };
        Some(match self.task {
            Task::Submit { .. } => ErrandEnd::Lost { why: why.into(), sent_all },
            Task::AskCorrections | Task::ResetSession => ErrandEnd::NoAnswer,
        })
    }

    /// Has the server taken too long?
    pub fn on_time(&mut self, now: Moment) -> Option<ErrandEnd> {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.on_lost("the line server did not answer the submit within 30 s")
        } else {
            None
        }
    }

    /// This process was held up: silence starts anew.
    pub fn on_stall(&mut self, now: Moment) {
        match &mut self.progress {
            Progress::Waiting => {}
            Progress::Sending { since, .. } | Progress::Sent { since } => *since = now,
        }
    }

    /// When [`Errand::on_time`] may end it.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let patience = match self.task {
            Task::Submit { .. } => VERDICT_PATIENCE,
            Task::AskCorrections | Task::ResetSession => ANSWER_PATIENCE,
        };
        match self.progress {
            Progress::Waiting => None,
            Progress::Sending { since, .. } | Progress::Sent { since } => Some(since + patience),
        }
    }
}
