//! What operators and peers may say: names, and addresses of line servers. One check for both, so that a peer can make a
//! node take nothing that its own configuration would not.
//!
//! Text only: what a name stands for is found out when it is dialled.

use crate::limits;
use std::net::{IpAddr, SocketAddr};

/// A name that is shown, compared and sent: of a node, a swarm, a file.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=limits::NAME_BYTES).contains(&text.len()) && !text.contains(char::is_control)
}

/// `host:port`, with a port that can be dialled.
#[must_use]
pub fn is_host_port(address: &str) -> bool {
    if address.len() > limits::NAME_BYTES {
        return false;
    }
    if let Ok(address) = address.parse::<SocketAddr>() {
        return address.port() != 0;
    }
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    is_host_name(host) && digits && port.parse::<u16>().is_ok_and(|port| port != 0)
}

/// A name of the DNS.
#[must_use]
pub fn is_host_name(host: &str) -> bool {
    let sound = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    // Digits and dots alone are an address that did not parse.
    let like_an_address = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    host.len() <= limits::NAME_BYTES && !like_an_address && host.trim_end_matches('.').split('.').all(sound)
}

/// An address that leads another host elsewhere, or to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// This machine, under any of its names.
    Loopback,
    /// One link.
    LinkLocal,
    /// Many hosts.
    Group,
}

/// What is special about an IP address.
#[must_use]
pub fn special(ip: IpAddr) -> Option<Special> {
    match ip.to_canonical() {
        // All of 0.0.0.0/8 is this machine.
        IpAddr::V4(ip) if ip.is_loopback() || ip.octets().first() == Some(&0) => Some(Special::Loopback),
        IpAddr::V4(ip) if ip.is_link_local() => Some(Special::LinkLocal),
        IpAddr::V4(ip) if ip.is_multicast() || ip.is_broadcast() => Some(Special::Group),
        IpAddr::V6(ip) if ip.is_loopback() || ip.is_unspecified() => Some(Special::Loopback),
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Some(Special::LinkLocal),
        IpAddr::V6(ip) if ip.is_multicast() => Some(Special::Group),
        _ => None,
    }
}

fn special_host(address: &str) -> Option<Special> {
    if let Ok(address) = address.parse::<SocketAddr>() {
        return special(address.ip());
    }
    let (host, _) = address.rsplit_once(':')?;
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    (host == "localhost" || host.ends_with(".localhost")).then_some(Special::Loopback)
}

/// May a node whose own line server is `own` follow a peer to `theirs`? To this machine, a link or a group only if its own
/// setting leads there too.
#[must_use]
pub fn may_follow(own: &str, theirs: &str) -> bool {
    is_host_port(theirs) && special_host(theirs).is_none_or(|kind| special_host(own) == Some(kind))
}

/// May such a node connect to this address, which a name stands for that a peer told?
#[must_use]
pub fn may_connect(own: &str, ip: IpAddr) -> bool {
    special(ip).is_none_or(|kind| special_host(own) == Some(kind))
}

/// Is it worth dialling a node that is said to listen there, by a peer at `teller`?
#[must_use]
pub fn may_dial(teller: IpAddr, listen: SocketAddr) -> bool {
    listen.port() != 0
        && !listen.ip().is_unspecified()
        && special(listen.ip()).is_none_or(|kind| kind != Special::Group && special(teller) == Some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_sends_nobody_to_an_address_that_its_own_settings_do_not_lead_to() {
        let bad = ["", "\n", "host", "host:", "host:0", "host:99999", "ho st:1", "a\nb:1", ":1", "host:1\n"];
        let long = format!("{}:1", "a.".repeat(150));
        for theirs in bad.into_iter().chain([long.as_str()]) {
            assert!(!may_follow("192.0.2.1:9801", theirs), "{theirs:?}");
            assert!(!may_follow("127.0.0.1:9801", theirs), "{theirs:?}");
        }
        for theirs in [
            "127.0.0.1:1",
            "127.9.9.9:22",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
            "0.0.0.0:80",
            "[::]:80",
            "localhost:80",
            "LocalHost.:80",
            "a.localhost:80",
        ] {
            assert!(!may_follow("192.0.2.1:9801", theirs) && !may_follow("server:9801", theirs), "{theirs}");
            assert!(may_follow("127.0.0.1:9801", theirs) && may_follow("localhost:9801", theirs), "{theirs}");
        }
        for theirs in
            ["169.254.169.254:80", "[fe80::1]:80", "224.0.0.1:80", "[ff02::1]:80", "255.255.255.255:1"]
        {
            assert!(
                !may_follow("192.0.2.1:9801", theirs) && !may_follow("127.0.0.1:9801", theirs),
                "{theirs}"
            );
        }
        for theirs in
            ["192.0.2.9:1", "[2001:db8::1]:65535", "10.0.0.1:80", "server:9801", "a_b-c.example.:9801"]
        {
            assert!(may_follow("192.0.2.1:9801", theirs) && may_follow("127.0.0.1:9801", theirs), "{theirs}");
        }
        assert!(
            !may_connect("server:9801", [127, 0, 0, 1].into())
                && may_connect("server:9801", [10, 0, 0, 1].into())
        );
        assert!(may_connect("127.0.0.1:9801", [127, 0, 0, 2].into()));
    }

    #[test]
    fn nobody_is_sent_to_this_machine_or_a_group_by_a_peer_from_elsewhere() {
        let may = |teller: [u8; 4], listen: &str| may_dial(teller.into(), listen.parse().unwrap());
        for listen in
            ["127.0.0.1:22", "[::1]:22", "0.0.0.0:80", "224.0.0.1:80", "169.254.169.254:80", "10.0.0.1:0"]
        {
            assert!(!may([10, 0, 0, 2], listen), "{listen}");
        }
        assert!(may([10, 0, 0, 2], "10.0.0.3:9900") && may([127, 0, 0, 2], "127.0.0.3:9900"));
        assert!(!may([127, 0, 0, 2], "224.0.0.1:9900"));
    }

    #[test]
    fn a_name_is_short_and_can_steer_no_terminal() {
        for bad in ["", "\u{1b}[31m", "a\nb", "a\u{9b}b", &"x".repeat(201)] {
            assert!(!is_name(bad), "{bad:?}");
        }
        for good in ["a", "lab1/alice", "größe", &"x".repeat(200)] {
            assert!(is_name(good), "{good:?}");
        }
    }
}
