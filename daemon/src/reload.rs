//! `reload`, SIGHUP: the configuration is read again; what can change does, what can't is said.

use crate::{
    args::Args,
    config::{CHANGEABLE, Config, Effective, Environment},
    control::Setting,
};
use lineswarm_proto::{engine::io::Command, wire::control::ErrorBody};
use serde::Serialize;
use serde_json::{Value, json};

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

/// Takes over what can change into `config`; gives what to answer, and what the engine is to be told.
pub(crate) fn reload(args: &Args, config: &mut Config) -> Result<(Value, Vec<Command>), ErrorBody> {
    let new = Config::load(args, &Environment::of_process()).map_err(|error| {
        ErrorBody::new(
            "E_CONFIG",
            "the configuration was not taken over; the old one stays in force",
            error.to_string(),
            "mend it, and check it with lineswarmd --check",
        )
    })?;
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
    Ok((json!(reloaded), commands))
}
