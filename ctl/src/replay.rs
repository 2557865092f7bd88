//! `replay`: a capture through the engine again, told as it happens, and whether it went the same way.
//!
//! Needs no daemon. What is seen is decided by `lineswarm_proto::capture::replay`; this reads the file and shows.

use crate::args::Replay as How;
use crate::failure::Failure;
use crate::render::{Ink, clean, events};
use crate::screen::Screen;
use lineswarm_proto::capture::replay::{Damage, Difference, Replay, Seen};
use lineswarm_proto::engine::io::{Command as Order, Effect, Input};
use lineswarm_proto::time::Moment;
use lineswarm_proto::visible::quoted;
use lineswarm_proto::wire::control::ErrorBody;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;

/// It went another way.
const DIFFERENT: u8 = 1;
/// The longest piece of bytes that is shown.
const SHOWN: usize = 60;
const OURS: &str = env!("CARGO_PKG_VERSION");

/// Plays it, and says with what to exit.
pub fn run(how: &How, screen: &mut Screen) -> Result<u8, Failure> {
    let name = how.file.display().to_string();
    let doing = || format!("reading {name}");
    let mut file = File::open(&how.file).map_err(Failure::io(doing()))?;
    screen.json |= how.json_line;
    let mut teller = Teller {
        screen,
        inputs: how.inputs,
        node: String::new(),
        program: String::new(),
        events: 0,
        count: 0,
        told: String::new(),
        did: Vec::new(),
    };
    let mut replay = Replay::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer).map_err(Failure::io(doing()))?;
        if count == 0 {
            let (counts, digest) = (replay.counts(), hex(&replay.mark()));
            return match replay.finish() {
                Ok(_) => teller.same(counts, &digest).map(|()| 0),
                Err(damage) => Err(damaged(&name, &damage, counts.0)),
            };
        }
        let mut shown = Ok(());
        let played = replay.feed(buffer.get(..count).unwrap_or_default(), &mut |at, seen| {
            if shown.is_ok() {
                shown = teller.tell(at, seen);
            }
        });
        shown?;
        if let Some(difference) = replay.difference() {
            return teller.different(difference).map(|()| DIFFERENT);
        }
        played.map_err(|damage| damaged(&name, &damage, replay.counts().0))?;
    }
}

/// Shows what is seen, and remembers the last of it for a difference.
struct Teller<'a> {
    screen: &'a mut Screen,
    /// Inputs and effects are shown too.
    inputs: bool,
    node: String,
    program: String,
    events: u64,
    count: u64,
    told: String,
    did: Vec<String>,
}

impl Teller<'_> {
    fn tell(&mut self, at: Moment, seen: Seen<'_>) -> Result<(), Failure> {
        match seen {
            Seen::Start(start) => {
                self.node.clone_from(&start.settings.name);
                self.program.clone_from(&start.program);
                self.events = start.last_event;
                self.told = format!("the start, with {} lines", start.lines);
                self.step(at, None)
            }
            Seen::Input(input) => {
                self.count += 1;
                self.told = input_text(input);
                self.did.clear();
                self.step(at, None)
            }
            Seen::Effect(Effect::Note(stamped)) => {
                self.events += 1;
                let event = stamped.record(self.events, at, &self.node);
                let line = events::line(&event, self.screen.look);
                match self.screen.json {
                    true => self.screen.object(json!(event))?,
                    false => self.screen.text(&line)?,
                }
                self.did.push(format!("event {}", event.what));
                // An input that ends the engine, and this program with it, comes after all that led there.
                self.screen.flush()
            }
            Seen::Effect(effect) => {
                let text = effect_text(effect);
                self.step(at, Some(&text))?;
                self.did.push(text);
                Ok(())
            }
            Seen::End(_) => Ok(()),
        }
    }

    /// The input that came, or an effect of it.
    fn step(&mut self, at: Moment, effect: Option<&str>) -> Result<(), Failure> {
        if !self.inputs {
            return Ok(());
        }
        let (kind, text) = effect.map_or(("told", self.told.as_str()), |effect| ("did", effect));
        if self.screen.json {
            return self.screen.object(json!({ "input": self.count, "t": at.seconds(), kind: text }));
        }
        let line = match effect {
            None => format!("{:>6}  {:>24}  {text}\n", self.count, format!("+{:.3}s", at.seconds())),
            Some(_) => format!("{:>20}{text}\n", "> "),
        };
        self.screen.text(&line)
    }

    fn same(&mut self, (inputs, effects): (u64, u64), digest: &str) -> Result<(), Failure> {
        if self.screen.json {
            let replay = json!({ "same": true, "inputs": inputs, "effects": effects, "digest": digest });
            return self.screen.object(json!({ "v": 1, "replay": replay }));
        }
        let same = self.screen.look.paint(Ink::Good, "same");
        self.screen.confirm(&format!("{same}: {inputs} inputs, {effects} effects, digest {digest}"))
    }

    fn different(&mut self, difference: &Difference) -> Result<(), Failure> {
        let Difference { input, at } = difference;
        if self.screen.json {
            let replay = json!({
                "same": false, "input": input, "t": at.seconds(), "told": self.told, "did": self.did,
                "recorded_by": self.program, "replayed_by": OURS,
            });
            return self.screen.object(json!({ "v": 1, "replay": replay }));
        }
        let mut text = format!(
            "{} after input {input}, {:.6} s after the start: {}\n",
            self.screen.look.paint(Ink::Bad, "DIFFERENT"),
            at.seconds(),
            self.told
        );
        text.push_str("  what was done was another thing than when it was recorded; here it was:\n");
        let nothing = || vec!["nothing".to_owned()];
        let did = if self.did.is_empty() { nothing() } else { self.did.clone() };
        did.iter().for_each(|one| text.push_str(&format!("  > {one}\n")));
        text.push_str(&format!("  recorded by {}, replayed by {OURS}\n", clean(&self.program)));
        self.screen.text(&text)
    }
}

fn damaged(name: &str, damage: &Damage, inputs: u64) -> Failure {
    let hint = match damage {
        Damage::CutShort => {
            "the daemon was killed, or the copy is not whole; what was shown before is as it happened"
        }
        Damage::Newer(_) => "replay it with the version that recorded it, or a newer one",
        _ => "copy it again; what was shown before is as it happened",
    };
    let what = format!("{name} can't be played after its input {inputs}");
    let code = if matches!(damage, Damage::Newer(_)) { "E_VERSION" } else { "E_BAD_DATA" };
    Failure::Daemon(ErrorBody::new(code, what, damage.to_string(), hint))
}

fn input_text(input: &Input<'_>) -> String {
    match input {
        Input::Opened { conn, peer: None, address } => {
            format!("opened {conn} to the line server from {address}")
        }
        Input::Opened { conn, peer: Some(peer), address } => format!("opened {conn} to {peer} at {address}"),
        Input::Bytes { conn, bytes } => format!("bytes on {conn}: {}", excerpt(bytes)),
        Input::Drained { conn, queued } => format!("drained {conn}: {queued} bytes left"),
        Input::Closed { conn, why } => format!("closed {conn}: {}", clean(why)),
        Input::Deadline => "deadline".into(),
        Input::Stored(ticket) => format!("stored {}", ticket.0),
        Input::Command { command, .. } => format!("command {}", order_text(command)),
        Input::Found { address, how } => format!("found {address} by {}", clean(how)),
        Input::Stop => "stop".into(),
    }
}

/// `elect to=6c656e61`: the name of its variant, then its fields.
fn order_text(order: &Order) -> String {
    let shown = |value: &Value| match value {
        Value::String(text) => quoted(text).into_owned(),
        other => quoted(&other.to_string()).into_owned(),
    };
    match serde_json::to_value(order) {
        Ok(Value::String(name)) => kebab(&name),
        Ok(Value::Object(variant)) => {
            let one = |(name, fields): (&String, &Value)| {
                let fields = fields.as_object().into_iter().flatten();
                let given = fields.filter(|(_, value)| !matches!(value, Value::Null | Value::Bool(false)));
                let given = given.map(|(name, value)| format!(" {name}={}", shown(value)));
                kebab(name) + &given.collect::<String>()
            };
            variant.iter().map(one).collect()
        }
        _ => "unknown".into(),
    }
}

/// `PeerAdd` as `peer-add`.
fn kebab(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn effect_text(effect: &Effect) -> String {
    match effect {
        Effect::DialServer { conn, address, .. } => {
            format!("dial the line server at {} as {conn}", clean(address))
        }
        Effect::DialPeer { conn, address } => format!("dial {} as {conn}", clean(address)),
        Effect::Write { conn, bytes } => format!("write to {conn}: {}", excerpt(bytes)),
        Effect::Close { conn } => format!("close {conn}"),
        Effect::Store { ticket, state } => format!("store {}: term {}", ticket.0, state.term),
        Effect::Keep { number, first_hand: true } => format!("keep line {number}, drawn here"),
        Effect::Keep { number, first_hand: false } => format!("keep line {number}"),
        Effect::Forget { number } => format!("forget line {number}"),
        Effect::Reply { result: Ok(_), .. } => "reply: done".into(),
        Effect::Reply { result: Err(error), .. } => format!("reply: {}", clean(&error.code)),
        Effect::Recalled { merged, .. } => format!("the swarm's events: {}", merged.events.len()),
        Effect::Note(stamped) => format!("event {}", stamped.event.describe().1),
    }
}

/// How many bytes, and the first of them as text.
fn excerpt(bytes: &[u8]) -> String {
    let head = bytes.get(..SHOWN).unwrap_or(bytes);
    let more = if head.len() < bytes.len() { "..." } else { "" };
    format!("{} bytes \"{}{more}\"", bytes.len(), head.escape_ascii())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
