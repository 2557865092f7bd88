//! `reload`, SIGHUP: the configuration is read again; what can change does, what can't is said.
//!
//! It is read by a thread of its own, as any file may be on a file system that hangs. One is read at a time: whoever asks
//! meanwhile is answered by the next reading, as the file may have changed since this one began.

use crate::{
    args::Args,
    background::{Background, Wake},
    config::{CHANGEABLE, Config, ConfigError, Effective, Environment},
    control::Setting,
    logging::value,
};
use lineswarm_proto::{
    engine::io::{Command, RequestId},
    wire::control::ErrorBody,
};
use serde::Serialize;
use serde_json::{Value, json};

/// See the module.
#[derive(Debug)]
pub(crate) struct Reloads {
    background: Background<Result<Config, ConfigError>>,
    /// Who asked for the one that is read.
    asked: Vec<RequestId>,
    /// Who asked since; some, if another is to follow.
    next: Option<Vec<RequestId>>,
}

impl Reloads {
    pub(crate) fn new(wake: Wake) -> Self {
        Self { background: Background::new("reload", wake), asked: Vec::new(), next: None }
    }

    /// Begins to read, now or after the one that is read. `request`: a client's, else a signal's.
    pub(crate) fn begin(&mut self, request: Option<RequestId>, args: &Args, config: &Config) {
        if self.background.is_busy() {
            self.next.get_or_insert_default().extend(request);
            return;
        }
        self.asked.extend(request);
        let (args, before) = (args.clone(), config.clone());
        if let Err(error) = self.background.run(move || before.load_again(&args, &Environment::of_process()))
        {
            log::error!("reload-failed why={} hint=\"raise TasksMax=\"", value(error));
        }
    }

    /// What was read, and who asked for it.
    pub(crate) fn next_read(&mut self) -> Option<(Result<Config, ConfigError>, Vec<RequestId>)> {
        let read = self.background.next_done()?;
        Some((read, std::mem::take(&mut self.asked)))
    }

    /// Begins the one that is to follow, if there is one. True if it did.
    pub(crate) fn begin_next(&mut self, args: &Args, config: &Config) -> bool {
        let Some(asked) = self.next.take_if(|_| !self.background.is_busy()) else { return false };
        self.asked = asked;
        self.begin(None, args, config);
        true
    }
}

/// What became of the settings that differ from those in force.
#[derive(Debug, Default, Serialize)]
struct Reloaded {
    /// In force from now on.
    changed: Vec<Change>,
    /// In force after a restart.
    restart: Vec<Change>,
}

/// A setting as it is wanted now.
#[derive(Debug, Serialize)]
struct Change {
    #[serde(flatten)]
    setting: Setting,
    was: Value,
}

impl Change {
    fn new((ours, theirs): (&Effective, &Effective)) -> Self {
        Self { setting: Setting::of(theirs), was: Setting::of(ours).value }
    }
}

/// To whoever asked for a reload that failed.
pub(crate) fn failure(error: &ConfigError) -> ErrorBody {
    ErrorBody::new(
        "E_CONFIG",
        "the configuration was not taken over; the old one stays in force",
        error.to_string(),
        "mend it, and check it with lineswarmd --check",
    )
}

/// Takes over what can change into `config`; gives what to answer, and what the engine is to be told.
pub(crate) fn take_over(new: Config, config: &mut Config) -> (Value, Vec<Command>) {
    let (mut reloaded, mut commands) = (Reloaded::default(), Vec::new());
    for pair in config.differences(&new) {
        let theirs = pair.1;
        if CHANGEABLE.contains(&(theirs.setting.section, theirs.setting.key)) {
            log::info!("reloaded setting={} value={}", theirs.setting.name(), theirs.value);
            reloaded.changed.push(Change::new(pair));
        } else {
            log::warn!(
                "not-reloaded setting={} value={} hint=\"restart the daemon\"",
                theirs.setting.name(),
                theirs.value
            );
            reloaded.restart.push(Change::new(pair));
        }
    }
    if config.server.rate != new.server.rate {
        commands.push(Command::Limit { rate: new.server.rate });
    }
    let added = new.swarm.peers.iter().filter(|peer| !config.swarm.peers.contains(peer));
    commands.extend(added.map(|address| Command::PeerAdd { address: address.clone() }));
    config.take_changeable(new);
    (json!(reloaded), commands)
}
