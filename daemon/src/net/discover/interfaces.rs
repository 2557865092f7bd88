//! The network interfaces on which an announcement can be of use to those who hear it.
//!
//! It only asks the system; whoever calls compares with what it has open.

use getifaddrs::{InterfaceFlags, getifaddrs};
use lineswarm_proto::limits;
use std::{
    io,
    net::{IpAddr, SocketAddr},
};

/// One interface and one address family of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) index: u32,
    /// Announcements come from here, and a daemon listens here.
    pub(super) ip: IpAddr,
}

/// Those that are up, can multicast and reach a listener at `listen`. `names`: only these; empty: all.
pub(super) fn usable(names: &[String], listen: SocketAddr) -> io::Result<Vec<Interface>> {
    let mut usable: Vec<Interface> = Vec::new();
    for one in getifaddrs()? {
        let (Some(ip), Some(index)) = (one.address.ip_addr(), one.index) else { continue };
        let (flags, named) = (one.flags, names.contains(&one.name));
        let is_loopback = flags.contains(InterfaceFlags::LOOPBACK);
        // Linux multicasts on the loopback interface, though its flags do not say so.
        let able =
            flags.contains(InterfaceFlags::UP) && (flags.contains(InterfaceFlags::MULTICAST) || is_loopback);
        let Some(ip) = spoken_from(ip, listen.ip(), is_loopback, named) else { continue };
        let known = |its: &Interface| its.index == index && its.ip.is_ipv4() == ip.is_ipv4();
        if able
            && (names.is_empty() || named)
            && usable.len() < limits::INTERFACES
            && !usable.iter().any(known)
        {
            usable.push(Interface { name: one.name, index, ip });
        }
    }
    Ok(usable)
}

/// From which address an interface that has `ip` speaks for a listener, if it can.
fn spoken_from(ip: IpAddr, listen: IpAddr, is_loopback: bool, named: bool) -> Option<IpAddr> {
    let link_local = |ip: IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    if !listen.is_unspecified() {
        // All of 127.0.0.0/8 is the loopback interface's.
        let its_own =
            ip == listen || (is_loopback && listen.is_loopback() && ip.is_ipv4() && listen.is_ipv4());
        return its_own.then_some(listen);
    }
    let family = ip.is_ipv4() || (listen.is_ipv6() && (link_local(ip) || is_loopback));
    (family && (!is_loopback || named)).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(ip: &str, listen: &str, is_loopback: bool, named: bool) -> Option<String> {
        let from = spoken_from(ip.parse().unwrap(), listen.parse().unwrap(), is_loopback, named);
        from.map(|ip| ip.to_string())
    }

    #[test]
    fn a_listener_on_all_addresses_is_announced_on_all_interfaces_but_loopback() {
        assert_eq!(from("10.0.0.1", "0.0.0.0", false, false).as_deref(), Some("10.0.0.1"));
        assert_eq!(from("10.0.0.1", "::", false, false).as_deref(), Some("10.0.0.1"));
        assert_eq!(from("fe80::1", "::", false, false).as_deref(), Some("fe80::1"));
        assert_eq!(from("fe80::1", "0.0.0.0", false, false), None, "nobody listens there");
        assert_eq!(from("2001:db8::1", "::", false, false), None, "the link-local address is enough");
        assert_eq!(from("127.0.0.1", "0.0.0.0", true, false), None);
        assert_eq!(from("127.0.0.1", "0.0.0.0", true, true).as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn a_listener_on_one_address_is_announced_from_it_where_it_is() {
        assert_eq!(from("10.0.0.1", "10.0.0.1", false, false).as_deref(), Some("10.0.0.1"));
        assert_eq!(from("10.0.0.2", "10.0.0.1", false, true), None);
        assert_eq!(from("127.0.0.1", "127.0.0.9", true, false).as_deref(), Some("127.0.0.9"));
        assert_eq!(from("2001:db8::1", "2001:db8::1", false, false).as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn the_loopback_interface_is_there_when_it_is_named() {
        let usable = usable(&["lo".into()], "127.0.0.7:0".parse().unwrap()).unwrap();
        assert!(matches!(&usable[..], [one] if one.ip == IpAddr::from([127, 0, 0, 7])), "{usable:?}");
    }
}
