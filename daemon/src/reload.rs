//! `reload`, SIGHUP: the configuration is read again; what can change does, what can't is said.

use crate::{
    args::Args,
    config::{CHANGEABLE, Config, Environment},
};
use lineswarm_proto::{engine::io::Command, wire::control::ErrorBody};

/// Takes over what can change into `config`; gives what the engine must be told.
pub(crate) fn reload(args: &Args, config: &mut Config) -> Result<Vec<Command>, ErrorBody> {
    let new = Config::load(args, &Environment::of_process()).map_err(|error| {
        ErrorBody::new(
            "E_CONFIG",
            "the configuration was not taken over; the old one stays in force",
            error.to_string(),
            "mend it, and check it with lineswarmd --check",
        )
    })?;
    let mut commands = Vec::new();
    for (_, theirs) in config.differences(&new) {
        let name = (theirs.setting.section, theirs.setting.key);
        if CHANGEABLE.contains(&name) {
            log::info!("reloaded setting={} value={}", theirs.setting.name(), theirs.value);
        } else {
            log::warn!(
                "not-reloaded setting={} value={} cure=\"restart the daemon\"",
                theirs.setting.name(),
                theirs.value
            );
        }
    }
    if config.server.rate != new.server.rate {
        commands.push(Command::Limit { rate: new.server.rate });
    }
    let added = new.swarm.peers.iter().filter(|peer| !config.swarm.peers.contains(peer));
    commands.extend(added.map(|address| Command::PeerAdd { address: address.clone() }));
    config.take_changeable(new);
    Ok(commands)
}
