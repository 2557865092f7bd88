//! Peers of one LAN find each other by announcements to a multicast group, on each interface by itself.
//!
//! An interface has two sockets: one hears the group, one speaks from the address that a daemon listens on, so that an
//! announcement's source is what to dial and one's own are known by their source. Nothing is retried: a lost
//! announcement is followed by another. Interfaces that come and go are noticed with each announcement.

use super::{
    Found,
    announcement::{Announcement, BYTES, Ignored, SwarmHash},
    interfaces::{self, Interface},
    pace::Pace,
};
use crate::logging::value;
use lineswarm_proto::{limits::TURN_ANNOUNCEMENTS, time::Moment};
use mio::{Interest, Registry, Token, net::UdpSocket};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    rc::Rc,
    time::Duration,
};

/// In the range that an organisation may use as it likes; never routed with a TTL of 1.
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(239, 255, 76, 83);
/// Of the link, transient.
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 0x4c53, 0x5741);
/// UDP. The same number as the TCP port that daemons listen on by default.
const PORT: u16 = 9900;

const FIRST: Duration = Duration::from_millis(250);
const SLOWEST: Duration = Duration::from_secs(30);
/// A newcomer asks so many times to be answered.
const NEWCOMER_TIMES: u32 = 4;
/// Answers are spread over so long, and at least so far apart.
const ANSWER_WITHIN: Duration = Duration::from_millis(100);
const ANSWER_GAP: Duration = Duration::from_millis(500);
/// While somebody is missing announcements stay quick for so long after the loss.
const EAGER: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Multicast {
    registry: Registry,
    first_token: usize,
    next_token: usize,
    /// Empty: every interface.
    names: Vec<String>,
    swarm: SwarmHash,
    listen: SocketAddr,
    ports: BTreeMap<Token, Port>,
    pace: Pace,
    /// Told once: what keeps announcements from being made or heard.
    problem: Option<String>,
}

#[derive(Debug)]
struct Port {
    interface: Interface,
    how: Rc<str>,
    hears: UdpSocket,
    speaks: std::net::UdpSocket,
    own: SocketAddr,
    group: SocketAddr,
    /// There may be more to read than the poll tells.
    more: bool,
}

fn impaired(why: &str, hint: &str) -> String {
    format!("why={} hint={}", value(why), value(hint))
}

impl Multicast {
    /// Tokens from `first_token` on are its own.
    pub(super) fn new(
        registry: Registry,
        first_token: usize,
        names: Vec<String>,
        swarm: SwarmHash,
        listen: SocketAddr,
        now: Moment,
    ) -> Self {
        let pace = Pace::new(FIRST, SLOWEST, now);
        let ports = BTreeMap::new();
        Self {
            registry,
            first_token,
            next_token: first_token,
            names,
            swarm,
            listen,
            ports,
            pace,
            problem: None,
        }
    }

    /// The interfaces in use.
    pub(super) fn interfaces(&self) -> impl Iterator<Item = &str> {
        self.ports.values().map(|port| &*port.how)
    }

    pub(super) fn on_ready(&mut self, token: Token) {
        if let Some(port) = self.ports.get_mut(&token) {
            port.more = true;
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        self.ports.values().any(|port| port.more)
    }

    pub(super) fn deadline(&self) -> Moment {
        self.pace.deadline()
    }

    pub(super) fn hurry(&mut self, now: Moment) {
        self.pace.hurry(now, EAGER);
    }

    /// Hears what came, and speaks if it is time.
    pub(super) fn turn(
        &mut self,
        now: Moment,
        rng: &mut fastrand::Rng,
        missing: &dyn Fn() -> bool,
        found: &mut dyn FnMut(Result<Found, Ignored>),
    ) {
        let mut asked = false;
        for port in self.ports.values_mut().filter(|port| port.more) {
            asked |= port.hear(self.swarm, found);
        }
        if asked {
            self.pace.soon(now, ANSWER_WITHIN.mul_f64(rng.f64()), ANSWER_GAP);
        }
        if self.pace.is_due(now) {
            let problem = self.adapt().or(self.speak());
            self.tell(problem);
            self.pace.step(now, missing(), rng.f64());
        }
    }

    /// Gives what is in the way.
    fn speak(&self) -> Option<String> {
        let newcomer = self.pace.steps() < NEWCOMER_TIMES;
        let bytes = Announcement { newcomer, ip: None, port: self.listen.port() }.write(self.swarm);
        let mut problem = None;
        for port in self.ports.values() {
            // A full queue or a link that is down now loses this announcement, not the next.
            if let Err(error) = port.speaks.send_to(&bytes, port.group)
                && error.kind() == io::ErrorKind::PermissionDenied
            {
                let (how, group) = (&port.how, port.group);
                problem = Some(format!(
                    "{how}: {error}\" hint=\"let UDP out to {group} (IPAddressAllow=multicast in the unit)"
                ));
            }
        }
        problem
    }

    /// Opens sockets on interfaces that came, closes those on interfaces that went. Gives what is in the way.
    fn adapt(&mut self) -> Option<String> {
        let usable = match interfaces::usable(&self.names, self.listen) {
            Ok(usable) => usable,
            Err(error) => {
                let why = format!("the interfaces can't be listed: {error}");
                return Some(impaired(&why, "RestrictAddressFamilies= must have AF_NETLINK"));
            }
        };
        self.ports.retain(|_, port| {
            let stays = usable.contains(&port.interface);
            if !stays {
                log::info!("multicast-stopped interface={}", port.interface.name);
                let _ = self.registry.deregister(&mut port.hears);
            }
            stays
        });
        let mut problem = None;
        if usable.is_empty() {
            let of = if self.names.is_empty() {
                "no interface is".into()
            } else {
                self.names.join(", ") + ": not"
            };
            let why = format!("{of} up and able to multicast for a listener at {}", self.listen);
            problem = Some(impaired(&why, "check swarm.listen and swarm.discover"));
        }
        for interface in usable {
            if self.ports.values().any(|port| port.interface == interface) {
                continue;
            }
            let token = Token(self.next_token);
            let name = interface.name.clone();
            match Port::open(interface, &self.registry, token) {
                Ok(port) => {
                    let (address, group) = (port.own.ip(), port.group);
                    log::info!("multicast-started interface={name} address={address} group={group}");
                    self.ports.insert(token, port);
                    self.next_token += 1;
                }
                // A new IPv6 address is first tried for being unique; the next announcement finds it ready.
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
                Err(error) => {
                    let hint = "check the interface, or name others: multicast:IF";
                    problem = Some(impaired(&format!("{name}: {error}"), hint));
                }
            }
        }
        problem
    }

    fn tell(&mut self, problem: Option<String>) {
        if let Some(problem) = &problem
            && self.problem.as_ref() != Some(problem)
        {
            log::warn!("multicast-impaired {problem}");
        }
        self.problem = problem;
    }

    /// Is the token one of its own?
    pub(super) fn owns(&self, token: Token) -> bool {
        token.0 >= self.first_token
    }
}

impl Port {
    fn open(interface: Interface, registry: &Registry, token: Token) -> io::Result<Self> {
        let domain = Domain::for_address(SocketAddr::new(interface.ip, 0));
        let hears = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
        let speaks = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
        // Every daemon of a host hears the group; both options are what the systems agree on for that.
        hears.set_reuse_address(true)?;
        hears.set_reuse_port(true)?;
        let (source, group) = match interface.ip {
            IpAddr::V4(ip) => {
                let by_index = InterfaceIndexOrAddress::Index(interface.index);
                hears.set_multicast_all_v4(false)?;
                hears.bind(&SocketAddr::from((GROUP_V4, PORT)).into())?;
                hears.join_multicast_v4_n(&GROUP_V4, &by_index)?;
                speaks.set_multicast_if_v4(&ip)?;
                speaks.set_multicast_loop_v4(true)?;
                speaks.set_multicast_ttl_v4(1)?;
                (SocketAddr::from((ip, 0)), SocketAddr::from((GROUP_V4, PORT)))
            }
            IpAddr::V6(ip) => {
                let group = SocketAddrV6::new(GROUP_V6, PORT, 0, interface.index);
                hears.set_only_v6(true)?;
                hears.set_multicast_all_v6(false)?;
                hears.bind(&group.into())?;
                hears.join_multicast_v6(&GROUP_V6, interface.index)?;
                speaks.set_multicast_if_v6(interface.index)?;
                speaks.set_multicast_loop_v6(true)?;
                speaks.set_multicast_hops_v6(1)?;
                let scope = if ip.is_unicast_link_local() { interface.index } else { 0 };
                (SocketAddrV6::new(ip, 0, 0, scope).into(), group.into())
            }
        };
        speaks.bind(&source.into())?;
        let speaks = std::net::UdpSocket::from(speaks);
        let mut hears = UdpSocket::from_std(hears.into());
        registry.register(&mut hears, token, Interest::READABLE)?;
        let own = speaks.local_addr()?;
        let how = format!("multicast:{}", interface.name).into();
        Ok(Self { interface, how, hears, speaks, own, group, more: true })
    }

    /// Reads what came, within the turn's budget. True if a newcomer asks for an answer.
    fn hear(&mut self, swarm: SwarmHash, found: &mut dyn FnMut(Result<Found, Ignored>)) -> bool {
        let mut bytes = [0; BYTES + 1];
        let mut asked = false;
        for _ in 0..TURN_ANNOUNCEMENTS {
            let (count, from) = match self.hears.recv_from(&mut bytes) {
                Ok(heard) => heard,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    self.more = false;
                    return asked;
                }
            };
            if is_same(from, self.own) {
                continue;
            }
            let read = Announcement::read(bytes.get(..count).unwrap_or_default(), swarm);
            // Nobody can make us dial a third party: only the source counts.
            let read = read.and_then(|its| if its.ip.is_none() { Ok(its) } else { Err(Ignored::Damaged) });
            found(read.map(|its| {
                asked |= its.newcomer;
                let mut address = from;
                address.set_port(its.port);
                Found { address, how: Rc::clone(&self.how) }
            }));
        }
        asked
    }
}

/// Without the flow label, and without the scope where it says nothing.
fn is_same(a: SocketAddr, b: SocketAddr) -> bool {
    a.ip() == b.ip() && a.port() == b.port()
}
