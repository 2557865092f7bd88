//! A capture through an engine again.
//!
//! Bytes come in at any split; what happens is told as it happens. Invariant: an engine hears nothing that was not
//! recorded whole, and nothing after the first difference.

use super::{CHECKSUM, Effects, End, HEADER, Line, Start, Told, body, checksum, number, owned};
use crate::{
    engine::{
        Engine, Restored,
        io::{Effect, Input},
    },
    ids::LineNumber,
    limits,
    time::Moment,
    wire::frame::{Frame, FrameError, FrameReader},
};

/// What there is to see.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// The engine begins.
    Start(&'a Start),
    /// It is told something.
    Input(&'a Input<'a>),
    /// It wants something done, or tells of something.
    Effect(&'a Effect),
    /// Nothing follows.
    End(&'a End),
}

/// How a whole capture went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it was recorded.
    Same,
    /// Another one after some input.
    Different(Difference),
}

/// Where a replay first was another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of which input other effects came; 0 is the start.
    pub input: u64,
    /// When that was.
    pub at: Moment,
}

/// Why a capture can't be played (on).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Another first line.
    #[error("it does not begin with \"{}\"", String::from_utf8_lossy(HEADER).trim_end())]
    Header,
    /// The first line has a greater number.
    #[error("it was recorded by a newer program, in version {0} of the format")]
    Newer(u64),
    /// No frames.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A wrong checksum.
    #[error("record {0} does not have its checksum")]
    Checksum(u64),
    /// A record that means nothing, or not there.
    #[error("record {0} has no meaning where it stands")]
    Meaning(u64),
    /// No end.
    #[error("its end is missing")]
    CutShort,
}

/// What the next record may be.
#[derive(Debug)]
enum Stage {
    Header,
    Start,
    Lines(Box<Making>),
    Inputs { engine: Box<Engine> },
    Ended { verdict: Verdict },
}

/// An engine whose lines are still coming.
#[derive(Debug)]
struct Making {
    start: Start,
    restored: Restored,
    at: Moment,
}

/// See the module.
#[derive(Debug)]
pub struct Replay {
    stage: Stage,
    reader: FrameReader,
    header: Vec<u8>,
    effects: Effects,
    records: u64,
    inputs: u64,
    now: Moment,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            stage: Stage::Header,
            reader: FrameReader::default(),
            header: Vec::new(),
            effects: Effects::default(),
            records: 0,
            inputs: 0,
            now: Moment::ZERO,
        }
    }
}

impl Replay {
    /// Plays what is whole of these bytes and those before them.
    pub fn feed(&mut self, mut bytes: &[u8], see: &mut impl FnMut(Moment, Seen<'_>)) -> Result<(), Damage> {
        if matches!(self.stage, Stage::Header) {
            let missing = HEADER.len().saturating_sub(self.header.len()).min(bytes.len());
            let (head, rest) = bytes.split_at(missing);
            self.header.extend_from_slice(head);
            bytes = rest;
            if !HEADER.starts_with(&self.header) {
                return Err(newer(&self.header).map_or(Damage::Header, Damage::Newer));
            }
            if self.header.len() < HEADER.len() {
                return Ok(());
            }
            self.stage = Stage::Start;
        }
        let mut reader = core::mem::take(&mut self.reader);
        let played = loop {
            match reader.next(&mut bytes) {
                Ok(Some(frame)) => {
                    if let Err(damage) = self.play(frame, see) {
                        break Err(damage);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
        };
        self.reader = reader;
        played
    }

    /// Nothing follows.
    pub fn finish(mut self) -> Result<Verdict, Damage> {
        let mut nothing: &[u8] = &[];
        // A last frame may have been given out already; part of another may not have.
        let whole = matches!(self.reader.next(&mut nothing), Ok(None)) && self.reader.is_empty();
        match self.stage {
            Stage::Ended { verdict } if whole => Ok(verdict),
            _ => Err(Damage::CutShort),
        }
    }

    /// The first difference was found: there is no use in more bytes.
    #[must_use]
    pub fn difference(&self) -> Option<&Difference> {
        match &self.stage {
            Stage::Ended { verdict: Verdict::Different(difference) } => Some(difference),
            _ => None,
        }
    }

    /// Inputs that were played, and effects that came of them and of the start.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.inputs, self.effects.count)
    }

    /// The digest of all effects so far.
    #[must_use]
    pub fn mark(&self) -> super::Mark {
        self.effects.mark()
    }

    fn play(&mut self, frame: Frame<'_>, see: &mut impl FnMut(Moment, Seen<'_>)) -> Result<(), Damage> {
        self.records += 1;
        let at = Moment(frame.lamport);
        let bytes = frame.body.split_last_chunk::<CHECKSUM>();
        let bytes = bytes.filter(|(bytes, sum)| checksum(frame.number, at, bytes) == **sum);
        let (bytes, _) = bytes.ok_or(Damage::Checksum(self.records))?;
        let senseless = Damage::Meaning(self.records);
        match (&mut self.stage, frame.number) {
            (Stage::Start, number::START) => {
                let start: Start = owned(bytes).ok_or(senseless)?;
                see(at, Seen::Start(&start));
                let restored = Restored {
                    state: start.state.clone(),
                    last_event: start.last_event,
                    ..Restored::default()
                };
                self.stage = Stage::Lines(Box::new(Making { start, restored, at }));
                self.begin_if_whole(see);
            }
            (Stage::Lines(making), number::LINE) => {
                let restored = &mut making.restored;
                let Line { number, hearsay, text } = body(bytes).ok_or(senseless.clone())?;
                let again = restored.lines.get(number, |_| ()).is_some();
                if again || number > LineNumber(limits::LINES) {
                    return Err(senseless);
                }
                restored.lines.insert(number, text);
                if hearsay {
                    restored.hearsay.push(number);
                }
                self.begin_if_whole(see);
            }
            (Stage::Inputs { .. }, number::INPUT) => {
                let Told { so_far, input } = body(bytes).ok_or(senseless)?;
                if !self.agrees(so_far) {
                    return Ok(());
                }
                let Stage::Inputs { engine } = &mut self.stage else { return Ok(()) };
                self.inputs += 1;
                self.now = at;
                see(at, Seen::Input(&input));
                engine.handle(input, at);
                drain(engine, &mut self.effects, at, see);
            }
            (Stage::Inputs { .. }, number::END) => {
                let end: End = owned(bytes).ok_or(senseless)?;
                if self.agrees(end.so_far) {
                    see(at, Seen::End(&end));
                    self.stage = Stage::Ended { verdict: Verdict::Same };
                }
            }
            // What follows a difference is not looked at.
            (Stage::Ended { verdict: Verdict::Different(_) }, _) => {}
            _ => return Err(senseless),
        }
        Ok(())
    }

    /// With its last line an engine has all that it is made of.
    fn begin_if_whole(&mut self, see: &mut impl FnMut(Moment, Seen<'_>)) {
        let Stage::Lines(making) = &mut self.stage else { return };
        let Making { start, restored, at } = making.as_mut();
        if restored.lines.len() < start.lines as usize {
            return;
        }
        let at = *at;
        let mut engine =
            Box::new(Engine::new(start.settings.clone(), core::mem::take(restored), start.seed, at));
        self.now = at;
        drain(&mut engine, &mut self.effects, at, see);
        self.stage = Stage::Inputs { engine };
    }

    /// Compares with what came of it when it was recorded.
    fn agrees(&mut self, so_far: super::Mark) -> bool {
        let same = so_far == self.effects.mark();
        if !same {
            let difference = Difference { input: self.inputs, at: self.now };
            self.stage = Stage::Ended { verdict: Verdict::Different(difference) };
        }
        same
    }
}

/// The version that a first line names, if it is greater than ours.
fn newer(header: &[u8]) -> Option<u64> {
    let digits = header.strip_prefix(b"lineswarm-capture ")?;
    let digits = digits.split(|byte| !byte.is_ascii_digit()).next().filter(|digits| !digits.is_empty())?;
    let version = core::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX);
    (version > 1).then_some(version)
}

fn drain(engine: &mut Engine, effects: &mut Effects, at: Moment, see: &mut impl FnMut(Moment, Seen<'_>)) {
    while let Some(effect) = engine.next_effect() {
        effects.add(&effect);
        see(at, Seen::Effect(&effect));
    }
}
