//! The line server of a run: started, listened to, ended with its owner. One that runs already is only addressed.
//!
//! The events of ours come as JSON lines on its output; a thread reads them, so that nobody waits for it.

use super::children::{Process, Programs};
use super::plan::Plan;
use super::swarm::{READY, SETTLE, lab};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

const GLANCE: Duration = Duration::from_millis(10);

/// An event of the line server; of those that are not needed only that they came.
#[derive(Debug, Deserialize)]
#[serde(tag = "ev", rename_all = "snake_case")]
pub enum Heard {
    Listen {
        addr: SocketAddr,
    },
    Submit {
        ok: bool,
        right: u64,
        wrong: u64,
    },
    End {
        draws: u64,
        refusals: u64,
        /// Null without a right submit.
        draws_needed: Option<u64>,
        seconds: Option<f64>,
        submits: u64,
    },
    #[serde(other)]
    Other,
}

/// A running line server.
#[derive(Debug)]
pub struct Server {
    /// None: it is not ours.
    pub process: Option<Process>,
    pub address: String,
    /// What it serves, written down by itself.
    pub served: Option<PathBuf>,
    events: Receiver<Heard>,
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(plan: &Plan, programs: &Programs, interrupt: &mut Interrupt) -> Result<Self, Failure> {
        if let Some(address) = &plan.conditions.server {
            let (_, events) = channel();
            return Ok(Self { process: None, address: address.clone(), served: None, events });
        }
        let served = plan.directory.join("served.txt");
        let longest = plan.patience() + READY + SETTLE;
        let mut command = Command::new(&programs.lineserver);
        for (flag, value) in [
            ("--listen", "127.0.0.1:0".to_owned()),
            ("--lines", plan.lines.to_string()),
            ("--rate", plan.rate.to_string()),
            ("--limit-by", "conn".to_owned()),
            ("--latency", plan.conditions.latency_ms.to_string()),
            ("--seed", plan.seed.to_string()),
            ("--draw-seed", plan.seed.to_string()),
            ("--events", "json".to_owned()),
            ("--submits", "1".to_owned()),
            // Should we be killed, it does not stay for ever.
            ("--max-seconds", longest.as_secs().to_string()),
        ] {
            command.arg(flag).arg(value);
        }
        if let Some(one_per_ip) = plan.conditions.one_per_ip {
            command.arg("--one-per-ip").arg(one_per_ip.to_string());
        }
        command.arg("--write-file").arg(&served).stdout(Stdio::piped());
        let mut process = Process::start("lineserver", command, &plan.directory.join("lineserver.log"))?;
        let events = read_events(&mut process);
        let end = Instant::now() + READY;
        while Instant::now() < end {
            if let Ok(Heard::Listen { addr }) = events.try_recv() {
                return Ok(Self {
                    process: Some(process),
                    address: addr.to_string(),
                    served: Some(served),
                    events,
                });
            }
            process.must_run()?;
            interrupt.pause(GLANCE)?;
        }
        Err(lab("the line server does not listen", "it said no address on its output"))
    }

    /// What it said since the last time, and whether it may say more.
    pub fn hear(&mut self) -> (Vec<Heard>, bool) {
        let mut heard = Vec::new();
        loop {
            match self.events.try_recv() {
                Ok(event) => heard.push(event),
                Err(end) => return (heard, end == TryRecvError::Empty),
            }
        }
    }
}

fn read_events(process: &mut Process) -> Receiver<Heard> {
    let (send, events) = channel();
    if let Some(output) = process.take_output() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let heard = serde_json::from_str(&line).unwrap_or(Heard::Other);
                if !matches!(heard, Heard::Other) && send.send(heard).is_err() {
                    return;
                }
            }
        });
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_the_server_are_understood_and_others_passed_over() {
        let read = |text: &str| serde_json::from_str::<Heard>(text).unwrap();
        assert!(
            matches!(read(r#"{"t":0.0,"ev":"listen","addr":"127.0.0.1:9"}"#), Heard::Listen { addr } if addr.port() == 9)
        );
        assert!(matches!(read(r#"{"t":0.0,"ev":"first_draw"}"#), Heard::Other));
        assert!(matches!(
            read(r#"{"t":1.0,"ev":"submit","ok":true,"right":10,"wrong":0,"reason":null}"#),
            Heard::Submit { ok: true, right: 10, wrong: 0 }
        ));
        assert!(matches!(
            read(
                r#"{"t":1.0,"ev":"end","draws":9,"refusals":1,"draws_needed":null,"seconds":null,"submits":0}"#
            ),
            Heard::End { draws_needed: None, .. }
        ));
    }
}
