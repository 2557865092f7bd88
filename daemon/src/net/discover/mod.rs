//! Finding peers: instances of this host, the LAN by multicast, the addresses of DNS names.
//!
//! It gives addresses worth dialling and how each was found; whether, when and how often to dial is the engine's.
//! Nothing here blocks, nothing here decides who is a peer. What it says in the clear is in docs/discovery.md. When
//! all is calm it wakes the daemon twice a minute at most.

mod announcement;
mod dns;
mod host;
mod interfaces;
mod multicast;
mod pace;
#[cfg(test)]
mod tests;

use crate::{
    config::{Config, Discover},
    logging::value,
    net::resolve::Resolver,
};
use announcement::{Ignored, SwarmHash};
use dns::Name;
use host::Host;
use lineswarm_proto::{engine::event::Event, limits::FOUND_QUEUE, time::Moment};
use mio::{Registry, Token, Waker};
use multicast::Multicast;
use pace::Pace;
use std::{collections::VecDeque, io, net::SocketAddr, path::Path, rc::Rc, sync::Arc, time::Duration};

const HOST_FIRST: Duration = Duration::from_millis(250);
const HOST_SLOWEST: Duration = Duration::from_secs(60);

/// An address worth dialling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) address: SocketAddr,
    /// `host`, `multicast:eth0`, `dns:NAME`
    pub(crate) how: Rc<str>,
}

/// Every way that `swarm.discover` names.
#[derive(Debug)]
pub(crate) struct Discovery {
    host: Option<(Host, Pace)>,
    multicast: Option<Multicast>,
    names: Vec<Name>,
    resolver: Resolver,
    found: VecDeque<Found>,
    ignored: Vec<Ignored>,
    rng: fastrand::Rng,
}

impl Discovery {
    /// Announces `listen`, the address really bound. Tokens from `first_token` on are its own. Never fails: what does
    /// not work is logged, and the other ways go on.
    pub(crate) fn start(
        config: &Config,
        listen: SocketAddr,
        registry: &Registry,
        first_token: usize,
        waker: &Arc<Waker>,
        now: Moment,
    ) -> io::Result<Self> {
        let swarm = SwarmHash::of(&config.swarm.id);
        let mut seed = [0; 8];
        rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
        let mut discovery = Self {
            host: None,
            multicast: None,
            names: Vec::new(),
            resolver: Resolver::new(Arc::clone(waker)),
            found: VecDeque::new(),
            ignored: Vec::new(),
            rng: fastrand::Rng::with_seed(u64::from_le_bytes(seed)),
        };
        let ways = &config.swarm.discover;
        if ways.contains(&Discover::Host) {
            discovery.host = host_in(config.node.status_socket.parent(), swarm, listen, now);
        }
        let interfaces: Vec<Option<String>> = ways
            .iter()
            .filter_map(|way| match way {
                Discover::Multicast(interface) => Some(interface.clone()),
                _ => None,
            })
            .collect();
        if !interfaces.is_empty() {
            // One entry without a name stands for all.
            let names = interfaces.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default();
            let registry = registry.try_clone()?;
            discovery.multicast = Some(Multicast::new(registry, first_token, names, swarm, listen, now));
        }
        for way in ways {
            if let Discover::Dns { name, port } = way {
                discovery.names.push(Name::new(name, *port, now));
            }
        }
        Ok(discovery)
    }

    /// What is in use, for people: `host:/run/lineswarm`, `multicast:eth0`, `dns:NAME`.
    pub(crate) fn ways(&self) -> Vec<String> {
        let host = self.host.iter().map(|(host, _)| format!("host:{}", host.directory().display()));
        let multicast = self.multicast.iter().flat_map(Multicast::interfaces).map(ToOwned::to_owned);
        let mut ways: Vec<_> = host.chain(multicast).collect();
        ways.extend(self.names.iter().map(|name| name.how().to_owned()));
        ways.dedup();
        ways
    }

    /// Why announcements of this turn were of no use, for the counters.
    pub(crate) fn take_ignored(&mut self) -> impl Iterator<Item = &'static str> {
        core::mem::take(&mut self.ignored).into_iter().map(Ignored::reason)
    }

    /// The poll reports a token.
    pub(crate) fn on_ready(&mut self, token: Token) {
        if let Some(multicast) = self.multicast.as_mut().filter(|its| its.owns(token)) {
            multicast.on_ready(token);
        }
    }

    /// Something is left to do without waiting for the poll.
    pub(crate) fn is_busy(&self) -> bool {
        self.multicast.as_ref().is_some_and(Multicast::is_busy)
    }

    /// When [`Discovery::turn`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let host = self.host.iter().map(|(_, pace)| pace.deadline());
        let multicast = self.multicast.iter().map(Multicast::deadline);
        host.chain(multicast).chain(self.names.iter().map(Name::deadline)).min()
    }

    /// A peer was lost: look for it.
    pub(crate) fn note(&mut self, event: &Event, now: Moment) {
        if matches!(event, Event::LinkClosed { .. }) {
            self.hurry(now);
        }
    }

    /// Looks and speaks again at once.
    pub(crate) fn hurry(&mut self, now: Moment) {
        if let Some((_, pace)) = &mut self.host {
            pace.hurry(now, Duration::ZERO);
        }
        if let Some(multicast) = &mut self.multicast {
            multicast.hurry(now);
        }
        self.names.iter_mut().for_each(|name| name.hurry(now));
    }

    /// Everything that is due. `missing`: somebody who belongs to the swarm has no link.
    pub(crate) fn turn(&mut self, now: Moment, missing: &dyn Fn() -> bool) {
        let Self { host, multicast, names, resolver, found, ignored, rng } = self;
        let mut keep = |one: Result<Found, Ignored>| match one {
            Ok(one) if found.len() < FOUND_QUEUE => found.push_back(one),
            // It will be found again.
            Ok(_) => {}
            Err(why) => ignored.push(why),
        };
        if let Some((host, pace)) = host
            && pace.is_due(now)
        {
            pace.step(now, false, rng.f64());
            let how: Rc<str> = "host".into();
            let looked = host.look(|one| keep(one.map(|address| Found { address, how: Rc::clone(&how) })));
            if let Err(error) = looked {
                log::debug!(
                    "host-look-failed directory={} why={}",
                    value(host.directory().display()),
                    value(error)
                );
            }
        }
        if let Some(multicast) = multicast {
            multicast.turn(now, rng, missing, &mut keep);
        }
        for name in names.iter_mut() {
            name.turn(now, rng.f64(), missing, resolver);
        }
        while let Some(answer) = resolver.next_answer() {
            for name in names.iter_mut() {
                name.on_answer(&answer, &mut |one| keep(Ok(one)));
            }
        }
    }

    /// The next address for the engine, until there is none.
    pub(crate) fn next_found(&mut self) -> Option<Found> {
        self.found.pop_front()
    }
}

fn host_in(own: Option<&Path>, swarm: SwarmHash, listen: SocketAddr, now: Moment) -> Option<(Host, Pace)> {
    let own = own.filter(|own| !own.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match Host::new(own, swarm, listen) {
        Ok(host) => {
            log::info!("host-discovery directory={}", value(host.directory().display()));
            Some((host, Pace::new(HOST_FIRST, HOST_SLOWEST, now)))
        }
        Err(error) => {
            log::error!(
                "host-discovery-failed directory={} why={} hint=\"let the daemon's user write there, \
                 or move node.status-socket\"",
                value(own.display()),
                value(error)
            );
            None
        }
    }
}
