//! What the strangers say: peers with the swarm's key, the line server, the operator.

use super::{
    Alone,
    script::{Script, crowd, job, round},
};
use crate::plan;
use lineswarm_proto::{
    engine::{
        event::Level,
        io::Command,
        state::{Durable, Intent, Members, Outcome},
    },
    ids::{LineNumber, PeerId, Term},
    wire::{
        line,
        peer::{self, Ask, Beat, Bye, Hello, Message, NewJob, Past, Recalled, Roster, Vote},
    },
};
use std::net::{IpAddr, SocketAddr};

impl Alone {
    pub(super) fn message(&self, id: PeerId, script: &mut Script<'_>, out: &mut Vec<u8>) {
        let durable = self.node.engine().map(|engine| engine.durable().clone()).unwrap_or_default();
        let Durable { server, .. } = durable.clone();
        let what = script.byte();
        let lamport = script.number(10);
        let term = Term(script.number(durable.term.0));
        let text;
        // Of lines that the job has or not, up to as many as a bitmap may have.
        let bits = vec![script.byte(); 1 << (usize::from(what >> 4) + 5)];
        let message = match what % 16 {
            0 | 1 => Message::Hello(Box::new(Hello {
                features: script.byte().into(),
                name: format!("peer{}", what % 3),
                job: job(script, &durable.job),
                server,
                listen: script.flag().then(|| SocketAddr::from(([10, 0, 0, script.byte() % 8], 7000))),
                term,
                members: self.members(script, id),
                intent: self.intent(script, &durable, term),
                outcome: self.outcome(script, &durable, term),
            })),
            2 => Message::Bye(Bye { reason: script.byte() % 12, text: "bye".into() }),
            3 | 4 => {
                text = format!("text {}", script.below(7));
                let number = LineNumber(u32::try_from(script.number(4)).unwrap_or(u32::MAX));
                let lines = if what & 0x10 == 0 { vec![(number, text.as_bytes())] } else { self.all_lines() };
                Message::Lines(lines)
            }
            5 if what & 0x10 != 0 => Message::Have(&bits),
            6 if what & 0x10 != 0 => Message::Want(&bits),
            5 => Message::Have(script.piece()),
            6 => Message::Want(script.piece()),
            7 => Message::Beat(Beat {
                term,
                master: self.ids.get(script.below(5)).copied(),
                held: script.byte().into(),
                digest: script.byte().into(),
                drawn: script.number(0),
                rate: script.one_of([0.0, 1.0, -1.0, f32::MAX, f32::MIN_POSITIVE]),
                interval_ms: u32::try_from(script.number(250)).unwrap_or(u32::MAX),
                done: script.flag(),
                draws_from: vec![IpAddr::from([10, 0, 0, 77]); script.below(3)],
            }),
            8 => Message::Ask(Ask { round: round(script), term, priority: i32::from(script.byte()) - 4 }),
            9 => Message::Vote(Box::new(Vote {
                round: round(script),
                term,
                granted: script.flag(),
                intent: self.intent(script, &durable, term),
                outcome: self.outcome(script, &durable, term),
            })),
            10 => match self.intent(script, &durable, term) {
                Some(intent) => Message::Intent(intent),
                None => Message::Ack(term),
            },
            11 => Message::Ack(term),
            12 => match self.outcome(script, &durable, term) {
                Some(outcome) => Message::Outcome(outcome),
                None => Message::Stand(term),
            },
            13 => Message::Roster(Roster { members: self.members(script, id), known: crowd(script) }),
            14 => Message::NewJob(NewJob { job: job(script, &durable.job), server }),
            _ if what & 0x20 == 0 => Message::Stand(term),
            _ if what & 0x40 == 0 => Message::Recall(u32::from(script.byte())),
            _ => Message::Recalled(Self::recalled(script, lamport)),
        };
        peer::write(out, lamport, &message);
    }

    fn recalled(script: &mut Script<'_>, lamport: u64) -> Recalled {
        let why = "x".repeat(usize::from(script.byte()));
        let past = |seq| Past {
            seq,
            lamport,
            at_ms: lamport,
            level: Level::Info,
            what: "paused".into(),
            fields: vec![("why".into(), why.clone())],
        };
        Recalled { number: script.byte().into(), events: (0..script.byte().into()).map(past).collect() }
    }

    fn all_lines(&self) -> Vec<(LineNumber, &[u8])> {
        let number = |index| LineNumber(index + self.file.base());
        (0..self.file.lines()).filter_map(|index| Some((number(index), self.file.text(index)?))).collect()
    }

    fn members(&self, script: &mut Script<'_>, id: PeerId) -> Members {
        let mut members = Members::default();
        let which = script.byte();
        members.join(id);
        for (bit, id) in self.ids.iter().enumerate() {
            if which >> bit & 1 == 1 {
                members.join(*id);
            }
            if which >> (bit + 4) & 1 == 1 {
                members.leave(*id);
            }
        }
        for (id, ..) in crowd(script) {
            members.join(id);
        }
        members
    }

    fn intent(&self, script: &mut Script<'_>, durable: &Durable, term: Term) -> Option<Intent> {
        let by = self.ids.get(script.below(6)).copied()?;
        Some(Intent { job: job(script, &durable.job), term, by, sha256: [script.byte(); 32] })
    }

    fn outcome(&self, script: &mut Script<'_>, durable: &Durable, term: Term) -> Option<Outcome> {
        let intent = self.intent(script, durable, term)?;
        script.flag().then(|| Outcome { intent, right: script.flag(), reply: "said".into() })
    }

    /// What a line server may send.
    pub(super) fn reply(&self, script: &mut Script<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..=script.below(4) {
            let index = u32::try_from(script.below(8)).unwrap_or_default();
            match script.byte() % 8 {
                0..=3 => {
                    let text = self.file.text(index).unwrap_or(b"behind the end");
                    line::line_entry(LineNumber(index + self.file.base()), text, &mut bytes);
                }
                4 => bytes.extend_from_slice(line::REFUSAL_BLANK),
                5 => line::line_entry(LineNumber(index), b"another text", &mut bytes),
                6 => {
                    let (right, wrong) = (u64::from(self.file.lines()) - u64::from(index & 1), index / 2);
                    let all = self.file.lines();
                    let said = format!(
                        "SUBMIT SUCCESS: entry@team - 10.0.0.1 - {right}, {wrong}, {all}, 1, 1, {all} - 1, 2, 3\n"
                    );
                    bytes.extend_from_slice(said.as_bytes());
                }
                _ => {
                    line::corrections_head(1, &mut bytes);
                    line::line_entry(LineNumber(index), b"text 0", &mut bytes);
                }
            }
        }
        bytes
    }

    pub(super) fn command(&self, script: &mut Script<'_>) -> Command {
        let id = self.ids.get(script.below(4)).copied().unwrap_or(PeerId([0; 16]));
        let address = plan::address(script.below(8));
        match script.byte() % 13 {
            0 => Command::Start {
                server: script.flag().then(|| "other:5000".into()),
                lines: script.flag().then(|| script.byte().into()),
                swarm: script.flag(),
            },
            1 => Command::Pause,
            2 => Command::Resume,
            3 => Command::Reset { swarm: script.flag() },
            4 => Command::Submit { force: script.flag(), resolve: script.flag() },
            5 => Command::Elect { to: script.flag().then_some(id) },
            6 => Command::Limit { rate: script.one_of([None, Some(1.0), Some(1e9), Some(0.001)]) },
            7 => Command::PeerAdd { address },
            8 => Command::PeerRemove { id, ban: script.flag() },
            9 => Command::PeerForget { id },
            11 => Command::Join { addresses: vec![address; script.below(3)] },
            10 => Command::Recall { since: script.byte().into() },
            _ => Command::Leave,
        }
    }
}
