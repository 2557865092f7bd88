//! A network of IP addresses, as `swarm.allow` lists them: 10.0.0.0/8, fd00::/8, 192.168.1.7.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// All addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address and a number of bits, such as 10.0.0.0/8 or fd00::/8")]
pub(crate) struct BadNetwork;

impl Network {
    /// Is `address` in it? An IPv4 address in IPv6 clothes (::ffff:10.0.0.1) counts as what it is.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        prefix(address.to_canonical(), self.bits) == prefix(self.address, self.bits)
    }
}

/// Family and first bits.
fn prefix(address: IpAddr, bits: u32) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => {
            (false, u128::from(address.to_bits().checked_shr(32u32.saturating_sub(bits)).unwrap_or(0)))
        }
        IpAddr::V6(address) => {
            (true, address.to_bits().checked_shr(128u32.saturating_sub(bits)).unwrap_or(0))
        }
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| BadNetwork)?
            }
            Some(_) => return Err(BadNetwork),
        };
        if bits <= most { Ok(Self { address, bits }) } else { Err(BadNetwork) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_contains_what_shares_its_first_bits() {
        assert!(inside("10.0.0.0/8", "10.255.3.4") && !inside("10.0.0.0/8", "11.0.0.0"));
        assert!(inside("10.1.2.3/8", "10.9.9.9"), "what stands after the bits does not count");
        assert!(inside("192.168.1.7", "192.168.1.7") && !inside("192.168.1.7", "192.168.1.6"));
        assert!(inside("0.0.0.0/0", "1.2.3.4") && !inside("0.0.0.0/0", "::1"));
        assert!(inside("fd00::/8", "fdab::1") && !inside("fd00::/8", "fe80::1"));
        assert!(inside("::/0", "2001:db8::1"));
        assert!(inside("10.0.0.0/8", "::ffff:10.1.1.1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "10.0.0.0/33", "10.0.0/8", "::/129", "lan", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/-1"]
        {
            assert_eq!(text.parse::<Network>(), Err(BadNetwork), "{text}");
        }
    }
}
