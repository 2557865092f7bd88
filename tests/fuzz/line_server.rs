//! The line server: settings, and what several clients do, in any order.
//!
//! Promised: it speaks only on connections that are open, and moves on at its deadlines; without faults on purpose every
//! client that stays reads exactly the replies to its requests, and nothing else.

use crate::bytes::Bytes;
use core::time::Duration;
use lineswarm_proto::{
    limits,
    line_server::{
        ConnId, Ending, Event, File, Input, LimitBy, LimiterKind, LineServer, OnePerIp, Output, RateSchedule,
        Refusal, Settings, Single,
    },
    time::Moment,
    wire::line::{
        Expect, ReplyReader, Request, RequestError, RequestReader, SENDLINE, line_entry, submit_head,
    },
};
use std::{collections::BTreeMap, net::IpAddr};

const TEXTS: [&str; 5] = ["zero", "", "-1", "3", "last"];

fn settings(bytes: &mut Bytes<'_>) -> Settings {
    let (habits, limiter) = (bytes.byte(), bytes.byte());
    let mut settings = Settings {
        rate: RateSchedule::fixed([0.0, 1.0, 100.0, 0.5][usize::from(limiter % 4)]),
        limiter: [LimiterKind::Spacing, LimiterKind::Bucket, LimiterKind::Window]
            [usize::from(limiter / 4 % 3)],
        burst: u32::from(limiter / 16),
        draw_seed: Some(7),
        limit_by: if habits & 1 == 0 { LimitBy::Conn } else { LimitBy::Ip },
        refusal: if habits & 2 == 0 { Refusal::Blank } else { Refusal::Minus },
        tournament: habits & 4 != 0,
        single: [None, Some(Single::Ignore)][usize::from(habits >> 3 & 1)],
        one_per_ip: [None, None, Some(OnePerIp::Reject), Some(OnePerIp::Replace)]
            [usize::from(habits >> 4 & 3)],
        latency: Duration::from_millis(if habits & 0x40 == 0 { 0 } else { 20 }),
        ..Settings::default()
    };
    if habits & 0x80 != 0 {
        let mut chance = || f64::from(bytes.byte() % 4) / 3.0;
        settings.two_writes = chance();
        settings.chaos.cut = chance() / 4.0;
        settings.chaos.silent = chance() / 2.0;
        settings.chaos.garbage = chance() / 2.0;
        settings.chaos.split = (chance(), 3);
        settings.chaos.delay = (chance(), Duration::from_millis(50));
    }
    settings
}

/// A client, as it should be served.
#[derive(Default)]
struct Model {
    requests: RequestReader,
    due: Vec<Expect>,
    heard: Vec<u8>,
    /// It does not send any more, or broke the protocol.
    over: bool,
}

impl Model {
    fn says(&mut self, bytes: &[u8], tournament: bool) {
        let mut input = bytes;
        while !self.over {
            match self.requests.next(&mut input) {
                Ok(None) => break,
                Ok(Some(request)) => {
                    self.due.extend(match request {
                        Request::SendLine => Some(Expect::Line),
                        Request::Submit { count: 0, .. } | Request::Entry { left: 0, .. } => {
                            Some(Expect::Verdict)
                        }
                        Request::Malformed(_) => Some(Expect::Verdict),
                        Request::SessionReset if !tournament => Some(Expect::ResetDone),
                        Request::SendIncorrectLines if !tournament => Some(Expect::Corrections),
                        _ => None,
                    });
                }
                // Of a text that is too long the client is told, of any other field not.
                Err(RequestError::TextTooLong) => self.ends(),
                Err(_) => self.over = true,
            }
        }
    }

    fn ends(&mut self) {
        self.over = true;
        self.due.extend(self.requests.end().map(|_| Expect::Verdict));
    }

    /// Every reply came, whole and in order.
    fn is_served(&self) {
        let (mut reader, mut input) = (ReplyReader::new(), self.heard.as_slice());
        for expect in &self.due {
            loop {
                let reply = reader.next(&mut input, *expect);
                assert!(matches!(reply, Ok(Some(_))), "{expect:?} is due, and {reply:?} came");
                if reply.is_ok_and(|reply| reply.is_some_and(|reply| reply.ends())) {
                    break;
                }
            }
        }
        assert!(input.is_empty(), "nobody asked for {:?}", String::from_utf8_lossy(input));
    }
}

struct Run {
    server: LineServer,
    now: Moment,
    open: BTreeMap<ConnId, Model>,
    faulty: bool,
    tournament: bool,
}

impl Run {
    fn feed(&mut self, input: Input<'_>) {
        self.server.handle(input, self.now);
        let mut closed = Vec::new();
        while let Some(output) = self.server.next_output() {
            match output {
                Output::Write { conn, bytes } => {
                    let model = self.open.get_mut(&conn);
                    assert!(model.is_some() && !bytes.is_empty(), "it speaks to {conn:?}, which is closed");
                    model.into_iter().for_each(|model| model.heard.extend_from_slice(bytes));
                }
                Output::Close { conn } => {
                    let model = self.open.remove(&conn);
                    assert!(model.is_some(), "{conn:?} is closed twice");
                    closed.extend(model.map(|model| (conn, model)));
                }
                Output::Event(Event::Disconnected { conn, reason, .. }) => {
                    // The rest of the reasons leave replies unsaid.
                    if matches!(reason, Ending::ByClient | Ending::TooLong) && !self.faulty {
                        closed.iter().filter(|(id, _)| *id == conn).for_each(|(_, model)| model.is_served());
                    }
                }
                Output::Event(_) => {}
            }
        }
    }

    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(at) = self.server.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.feed(Input::Deadline);
            assert!(self.server.deadline().is_none_or(|next| next > at), "a deadline moves on");
        }
        self.now = until;
    }
}

fn submit(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let (count, wrong) = (bytes.byte() % 8, bytes.byte());
    let mut out = Vec::new();
    submit_head("e@t", count.into(), &mut out);
    for number in 0..u32::from(count) {
        let text = TEXTS.get(number as usize).copied().unwrap_or("behind the end");
        let text = if wrong >> (number % 8) & 1 == 1 { "wrong" } else { text };
        line_entry(lineswarm_proto::ids::LineNumber(number), text.as_bytes(), &mut out);
    }
    out
}

pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let settings = settings(&mut bytes);
    let Ok(file) = File::from_texts(TEXTS, u32::from(bytes.byte() & 1)) else { return };
    // With `single` a segment is ignored or not, which the model does not know.
    let faulty =
        settings.chaos != lineswarm_proto::line_server::Chaos::default() || settings.single.is_some();
    let tournament = settings.tournament;
    let server = LineServer::new(file, settings, 0);
    let mut run = Run { server, now: Moment::ZERO, open: BTreeMap::new(), faulty, tournament };
    let mut opened = 0;
    while !bytes.is_empty() {
        let op = bytes.byte();
        let at = usize::from(op >> 3) % run.open.len().max(1);
        let chosen = run.open.keys().nth(at).copied();
        let text = match op & 7 {
            0 => {
                opened += 1;
                let conn = ConnId(opened);
                run.open.insert(conn, Model::default());
                run.feed(Input::Opened { conn, ip: IpAddr::from([10, 0, 0, op >> 6]) });
                continue;
            }
            1 => {
                run.wait(Duration::from_millis(bytes.byte().into()));
                continue;
            }
            2 => SENDLINE.repeat(usize::from(bytes.byte()) + 1),
            3 => submit(&mut bytes),
            // A field of any length, which blind bytes seldom are.
            4 => vec![op; bytes.short() * 2],
            5 | 6 => bytes.piece().to_vec(),
            _ => {
                let Some(conn) = chosen else { continue };
                if bytes.flag() {
                    run.open.remove(&conn);
                    run.feed(Input::Closed { conn });
                } else {
                    run.open.get_mut(&conn).into_iter().for_each(Model::ends);
                    run.feed(Input::Ended { conn });
                }
                continue;
            }
        };
        let Some(conn) = chosen.filter(|conn| run.server.accepts(*conn)) else { continue };
        let tournament = run.tournament;
        let Some(model) = run.open.get_mut(&conn).filter(|model| !model.over) else { continue };
        model.says(&text, tournament);
        run.feed(Input::Bytes { conn, bytes: &text });
        assert!(run.open.len() <= limits::CLIENTS);
    }
    run.wait(Duration::from_secs(3600));
    assert_eq!(run.server.deadline(), None);
    if !run.faulty {
        run.open.values().for_each(Model::is_served);
    }
}
