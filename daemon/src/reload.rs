//! `reload`, SIGHUP: the configuration is read again; what can change does, what can't is said.

use crate::{
    args::Args,
    config::{CHANGEABLE, Config, Effective, Environment},
    control::Setting,
};
use lineswarm_proto::{engine::io::Command, wire::control::ErrorBody};
use serde::Serialize;

/// What became of the settings that differ from those in force.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Reloaded {
    /// In force from now on.
    pub(crate) changed: Vec<Change>,
    /// In force after a restart.
    pub(crate) restart: Vec<Change>,
    /// What the engine is to be told.
    #[serde(skip)]
    pub(crate) commands: Vec<Command>,
}

/// A setting as it is wanted now.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    #[serde(flatten)]
    setting: Setting,
    was: serde_json::Value,
}

impl Change {
    fn new((ours, theirs): (&Effective, &Effective)) -> Self {
        Self { setting: Setting::of(theirs), was: Setting::of(ours).value }
    }
}

/// Takes over what can change into `config`.
pub(crate) fn reload(args: &Args, config: &mut Config) -> Result<Reloaded, ErrorBody> {
    let new = Config::load(args, &Environment::of_process()).map_err(|error| {
        ErrorBody::new(
            "E_CONFIG",
            "the configuration was not taken over; the old one stays in force",
            error.to_string(),
            "mend it, and check it with lineswarmd --check",
        )
    })?;
    let mut reloaded = Reloaded::default();
    for pair in config.differences(&new) {
        let theirs = pair.1;
        if CHANGEABLE.contains(&(theirs.setting.section, theirs.setting.key)) {
            log::info!("reloaded setting={} value={}", theirs.setting.name(), theirs.value);
            reloaded.changed.push(Change::new(pair));
        } else {
            log::warn!(
                "not-reloaded setting={} value={} cure=\"restart the daemon\"",
                theirs.setting.name(),
                theirs.value
            );
            reloaded.restart.push(Change::new(pair));
        }
    }
    if config.server.rate != new.server.rate {
        reloaded.commands.push(Command::Limit { rate: new.server.rate });
    }
    let added = new.swarm.peers.iter().filter(|peer| !config.swarm.peers.contains(peer));
    reloaded.commands.extend(added.map(|address| Command::PeerAdd { address: address.clone() }));
    config.take_changeable(new);
    Ok(reloaded)
}
