//! `lines`, `get` and `dump`: lines from the daemon to stdout or into a file.
//!
//! Pieces are written as they come, so memory does not grow with the file. Texts are bytes, and escapes only where
//! a terminal would obey them. A file is replaced as a whole or not at all, and only after every line was seen in its
//! order.

use crate::args::Dump;
use crate::client::Connection;
use crate::errand::Errand;
use crate::failure::{Failure, NEGATIVE};
use crate::screen::Screen;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lineswarm_files::write::{self, WriteError};
use lineswarm_proto::visible::visible_bytes;
use lineswarm_proto::wire::control::{Command as Ask, Line};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{ErrorKind, Write};

/// A piece of `lines` or `dump`.
#[derive(Debug, Deserialize)]
struct Piece {
    #[serde(default)]
    lines: Vec<Line>,
    #[serde(default)]
    numbers: Vec<u32>,
}

fn bytes_of(line: &Line) -> Result<Vec<u8>, Failure> {
    match (&line.text, &line.text_b64) {
        (Some(text), None) => Ok(text.clone().into_bytes()),
        (None, Some(encoded)) => STANDARD.decode(encoded).map_err(Failure::garbled),
        _ => Err(Failure::garbled(format!("line {} has not exactly one text", line.number))),
    }
}

/// How texts are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form {
    /// The number and a tab before each text.
    pub numbered: bool,
    /// Control characters as escapes: somebody looks at it on a terminal.
    pub visible: bool,
}

impl Form {
    fn append(self, out: &mut Vec<u8>, line: &Line) -> Result<(), Failure> {
        if self.numbered {
            out.extend_from_slice(format!("{}\t", line.number).as_bytes());
        }
        let text = bytes_of(line)?;
        match self.visible {
            true => out.extend_from_slice(visible_bytes(&text).as_bytes()),
            false => out.extend_from_slice(&text),
        }
        out.push(b'\n');
        Ok(())
    }
}

/// Sees that each number comes once and in order, and that none is left out.
#[derive(Debug, Default)]
struct Order {
    count: u64,
    last: Option<u32>,
}

impl Order {
    fn see(&mut self, number: u32) -> Result<(), Failure> {
        if self.last.is_some_and(|last| number <= last) {
            return Err(Failure::garbled(format!("line {number} came out of order")));
        }
        self.last = Some(number);
        self.count += 1;
        Ok(())
    }

    fn end(&self, answer: &Value) -> Result<(), String> {
        match answer.get("count").and_then(Value::as_u64) {
            Some(count) if count == self.count => Ok(()),
            Some(count) => Err(format!("{} lines came where {count} were announced", self.count)),
            None => Err("it did not say how many lines there are".into()),
        }
    }
}

/// All lines of an answer as bytes, in their order; the last reply.
pub fn receive(
    connection: &mut Connection,
    ask: Ask,
    form: Form,
    mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let mut order = Order::default();
    let answer = connection.ask(ask, |part| {
        let piece: Piece = serde_json::from_value(part).map_err(Failure::garbled)?;
        let mut out = Vec::new();
        for number in piece.numbers {
            order.see(number)?;
            out.extend_from_slice(format!("{number}\n").as_bytes());
        }
        for line in &piece.lines {
            order.see(line.number.0)?;
            form.append(&mut out, line)?;
        }
        write(&out)
    })?;
    order.end(&answer).map_err(|why| connection.garbage(why))?;
    Ok(answer)
}

/// `lines`: numbers and texts, or the numbers that are missing.
pub fn lines(errand: &Errand<'_>, raw: bool, screen: &mut Screen) -> Result<u8, Failure> {
    if screen.json {
        return as_json(errand, screen);
    }
    let form = Form { numbered: true, visible: screen.is_terminal && !raw };
    receive(&mut errand.connect()?, errand.ask.clone(), form, |bytes| screen.bytes(bytes))?;
    Ok(0)
}

/// `get`: one text.
pub fn get(errand: &Errand<'_>, raw: bool, screen: &mut Screen) -> Result<u8, Failure> {
    let mut connection = errand.connect()?;
    let answer = connection.ask(errand.ask.clone(), |_| Ok(()))?;
    if screen.json {
        screen.object(answer)?;
        return Ok(0);
    }
    let mut out = Vec::new();
    let line = Line::deserialize(&answer).map_err(|error| connection.garbage(error))?;
    let form = Form { numbered: false, visible: screen.is_terminal && !raw };
    form.append(&mut out, &line).map_err(|failure| connection.placed(failure))?;
    screen.bytes(&out)?;
    Ok(0)
}

/// `dump`: the file, to stdout or into a file.
pub fn dump(errand: &Errand<'_>, dump: &Dump, screen: &mut Screen) -> Result<u8, Failure> {
    let Some(path) = &dump.output else {
        if screen.json {
            return as_json(errand, screen);
        }
        let form = Form { numbered: dump.numbered, visible: screen.is_terminal && !dump.raw };
        receive(&mut errand.connect()?, errand.ask.clone(), form, |bytes| screen.bytes(bytes))?;
        return Ok(0);
    };
    write::check(path).map_err(unwritable)?;
    // Before a FIFO is opened, which waits for its reader.
    let mut connection = errand.connect()?;
    let mut output = write::Output::open(path).map_err(unwritable)?;
    let mut written = 0_usize;
    let form = Form { numbered: dump.numbered, visible: output.is_terminal() && !dump.raw };
    let answer = receive(&mut connection, errand.ask.clone(), form, |bytes| {
        written += bytes.len();
        output.write_all(bytes).map_err(|source| unwritable(WriteError::Io { path: path.clone(), source }))
    })?;
    output.finish().map_err(unwritable)?;
    if screen.json {
        let count = answer.get("count").cloned().unwrap_or(Value::Null);
        let complete = answer.get("complete").cloned().unwrap_or(Value::Null);
        screen.object(json!({
            "v": 1, "count": count, "complete": complete, "bytes": written, "file": path.display().to_string()
        }))?;
    } else {
        screen.confirm(&format!("{}: {written} bytes", path.display()))?;
    }
    Ok(0)
}

/// One object, written as its pieces come: `{"v":1,"lines":[...],"count":n}`.
fn as_json(errand: &Errand<'_>, screen: &mut Screen) -> Result<u8, Failure> {
    let mut connection = errand.connect()?;
    let mut list = None;
    let answer = connection.ask(errand.ask.clone(), |part| {
        for name in ["lines", "numbers"] {
            for value in part.get(name).and_then(Value::as_array).into_iter().flatten() {
                let before = if list.is_some() { ",".to_owned() } else { format!("{{\"v\":1,\"{name}\":[") };
                list = Some(name);
                screen.text(&before)?;
                screen.value(value)?;
            }
        }
        Ok(())
    });
    let (end, exit) = match (answer, list) {
        (Ok(end), _) => (end, 0),
        (Err(Failure::ClosedPipe), _) => return Err(Failure::ClosedPipe),
        (Err(failure), None) => return Err(failure),
        // The object was begun: it says itself how it ended.
        (Err(failure), Some(_)) => (json!({ "error": failure.body() }), failure.exit_code().max(NEGATIVE)),
    };
    if list.is_none() {
        screen.text("{\"v\":1,\"lines\":[")?;
    }
    screen.text("]")?;
    for (name, value) in end.as_object().into_iter().flatten() {
        screen.text(&format!(",{}:", Value::from(name.as_str())))?;
        screen.value(value)?;
    }
    if let Some(instance) = screen.instance.clone() {
        screen.text(&format!(",\"instance\":{}", Value::from(instance)))?;
    }
    screen.text("}\n")?;
    Ok(exit)
}

/// `-o` can't be written to. Whoever reads a pipe may go away.
pub(crate) fn unwritable(error: WriteError) -> Failure {
    match error {
        WriteError::Io { source, .. } if source.kind() == ErrorKind::BrokenPipe => Failure::ClosedPipe,
        error => Failure::Unwritable(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_out_of_order_or_too_few_are_seen() {
        let mut order = Order::default();
        assert!(order.see(3).is_ok());
        assert!(order.see(3).is_err());
        assert!(order.end(&json!({"count": 1})).is_ok());
        assert!(order.end(&json!({"count": 2})).is_err());
        assert!(order.end(&json!({})).is_err());
    }
}
