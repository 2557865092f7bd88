//! Commands that need no running daemon: completions, keys, checking a configuration.

use crate::args::{Cli, Global, Key};
use crate::data::unwritable;
use crate::failure::Failure;
use crate::lab::children;
use crate::man;
use crate::screen::Screen;
use clap::CommandFactory;
use lineswarm_files::Kind;
use lineswarm_files::write::{self, WriteError};
use serde_json::json;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

/// A script for the shell, from the same tree as the parser.
pub fn completion(shell: clap_complete::Shell, screen: &mut Screen) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lineswarmctl", &mut script);
    screen.bytes(&script)?;
    Ok(0)
}

/// The man page, from the same tree as the parser.
pub fn man(screen: &mut Screen) -> Result<u8, Failure> {
    screen.bytes(&man::page().map_err(Failure::io("writing the man page"))?)?;
    Ok(0)
}

/// A new key: in a file that was never there before, or to whatever reads a FIFO, a device or standard output.
pub fn key(key: &Key, screen: &mut Screen) -> Result<u8, Failure> {
    let Key::Gen { file } = key;
    if file == Path::new("-") {
        let key = new_key()?;
        return screen.text(&key).map(|()| 0);
    }
    write::check(file).map_err(unwritable)?;
    let key = match fs::metadata(file) {
        Ok(facts) if Kind::of(&facts) == Kind::File => return Err(Failure::Exists { path: file.clone() }),
        Ok(_) => {
            let key = new_key()?;
            let mut out = write::Output::open(file).map_err(unwritable)?;
            let sent = out.write_all(key.as_bytes());
            sent.map_err(|source| unwritable(WriteError::Io { path: file.clone(), source }))?;
            out.finish().map_err(unwritable)?;
            return Ok(0);
        }
        Err(_) => new_key()?,
    };
    let place = write::end_of_links(file).map_err(unwritable)?;
    let created = File::options().write(true).create_new(true).mode(0o600).open(&place);
    let mut out = created.map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => Failure::Exists { path: file.clone() },
        _ => Failure::Create { path: file.clone(), source },
    })?;
    let written = out.write_all(key.as_bytes()).and_then(|()| out.sync_all());
    if let Err(source) = written {
        // Half a key is worse than none.
        let _ = fs::remove_file(&place);
        return Err(Failure::Io { doing: format!("writing {}", file.display()), source });
    }
    if screen.json {
        screen.object(json!({ "v": 1, "file": file.display().to_string() }))?;
    } else {
        let name = file.display();
        screen.confirm(&format!("{name}: a new key; give it to every peer, and set swarm.key-file to it"))?;
    }
    Ok(0)
}

/// 32 random bytes as a line of hex digits.
fn new_key() -> Result<String, Failure> {
    let mut secret = [0_u8; 32];
    fill(&mut secret)?;
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(hex + "\n")
}

fn fill(mut secret: &mut [u8]) -> Result<(), Failure> {
    while !secret.is_empty() {
        let got = rustix::rand::getrandom(&mut *secret, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| Failure::Io { doing: "asking for random bytes".into(), source: error.into() })?;
        secret = secret.get_mut(got..).unwrap_or_default();
    }
    Ok(())
}

/// The daemon itself checks: its output and its exit code are passed on.
pub fn config_check(file: Option<&Path>, global: &Global) -> Result<u8, Failure> {
    let daemon = children::find("lineswarmd")?;
    let mut command = Command::new(&daemon);
    command.arg("--check");
    if let Some(file) = file {
        command.arg("--config").arg(file);
    }
    if let Some(instance) = &global.instance {
        command.arg("--instance").arg(instance);
    }
    let status = command.status().map_err(Failure::io(format!("running {}", daemon.display())))?;
    let by_signal = || status.signal().and_then(|signal| u8::try_from(128 + signal).ok());
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).or_else(by_signal).unwrap_or(70))
}
