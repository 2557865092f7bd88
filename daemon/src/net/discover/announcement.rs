//! What a daemon tells everybody about itself: which swarm, where to dial, which version. Nothing else.
//!
//! The same 42 bytes are a multicast datagram and the file of an instance (docs/discovery.md). They are not secret
//! and prove nothing: an announcement is only a reason to dial, and the handshake decides who is a peer.

use crate::net::secure::WIRE_VERSION;
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv6Addr};

pub(super) const BYTES: usize = 42;
const MAGIC: [u8; 4] = *b"LSWA";
/// The sender came a moment ago and would like to hear who is there.
const NEWCOMER: u16 = 1;

/// Tells swarms apart without telling their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SwarmHash([u8; 16]);

impl SwarmHash {
    pub(crate) fn of(swarm: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"lineswarm announcement 1\0");
        hash.update(swarm.as_bytes());
        let mut short = [0; 16];
        short.iter_mut().zip(hash.finalize()).for_each(|(short, byte)| *short = byte);
        Self(short)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    pub(super) newcomer: bool,
    /// `None`: where the datagram came from.
    pub(super) ip: Option<IpAddr>,
    /// Never 0.
    pub(super) port: u16,
}

/// Why an announcement is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ignored {
    Damaged,
    OtherVersion,
    OtherSwarm,
}

impl Ignored {
    /// For the counters.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Damaged => "announcement-damaged",
            Self::OtherVersion => "announcement-version",
            Self::OtherSwarm => "announcement-other-swarm",
        }
    }
}

impl Announcement {
    pub(super) fn write(&self, swarm: SwarmHash) -> [u8; BYTES] {
        let ip = match self.ip {
            None => Ipv6Addr::UNSPECIFIED,
            Some(IpAddr::V4(ip)) => ip.to_ipv6_mapped(),
            Some(IpAddr::V6(ip)) => ip,
        };
        let flags = if self.newcomer { NEWCOMER } else { 0 };
        let fields: [&[u8]; 6] = [
            &MAGIC,
            &WIRE_VERSION.to_be_bytes(),
            &flags.to_be_bytes(),
            &swarm.0,
            &ip.octets(),
            &self.port.to_be_bytes(),
        ];
        let mut bytes = [0; BYTES];
        bytes.iter_mut().zip(fields.concat()).for_each(|(place, byte)| *place = byte);
        bytes
    }

    pub(super) fn read(bytes: &[u8], swarm: SwarmHash) -> Result<Self, Ignored> {
        let mut rest = bytes;
        if take(&mut rest)? != MAGIC {
            return Err(Ignored::Damaged);
        }
        if u16::from_be_bytes(take(&mut rest)?) != WIRE_VERSION {
            return Err(Ignored::OtherVersion);
        }
        if bytes.len() != BYTES {
            return Err(Ignored::Damaged);
        }
        let flags = u16::from_be_bytes(take(&mut rest)?);
        if SwarmHash(take(&mut rest)?) != swarm {
            return Err(Ignored::OtherSwarm);
        }
        let ip = Ipv6Addr::from(take::<16>(&mut rest)?);
        let port = u16::from_be_bytes(take(&mut rest)?);
        let ip = (!ip.is_unspecified()).then(|| IpAddr::V6(ip).to_canonical());
        if port == 0 || ip.is_some_and(|ip| ip.is_unspecified() || ip.is_multicast()) {
            return Err(Ignored::Damaged);
        }
        Ok(Self { newcomer: flags & NEWCOMER != 0, ip, port })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Ignored> {
    let (first, rest) = bytes.split_first_chunk().ok_or(Ignored::Damaged)?;
    *bytes = rest;
    Ok(*first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The example of docs/discovery.md.
    #[test]
    fn the_bytes_are_those_of_the_document() {
        let swarm = SwarmHash::of("default");
        let datagram = Announcement { newcomer: true, ip: None, port: 9900 };
        let file = Announcement { newcomer: false, ip: Some([127, 0, 0, 1].into()), port: 40001 };
        let document = include_str!("../../../../docs/discovery.md");
        for one in [datagram, file] {
            let bytes = hex(&one.write(swarm));
            assert!(document.contains(&bytes), "{one:?}: {bytes}");
        }
    }

    #[test]
    fn another_swarm_or_version_is_told_from_damage() {
        let (ours, theirs) = (SwarmHash::of("a"), SwarmHash::of("b"));
        let bytes = Announcement { newcomer: false, ip: None, port: 1 }.write(ours);
        assert_eq!(Announcement::read(&bytes, theirs), Err(Ignored::OtherSwarm));
        let mut other = bytes.to_vec();
        other[5] += 1;
        other.push(0);
        assert_eq!(Announcement::read(&other, ours), Err(Ignored::OtherVersion));
        let mut long = bytes.to_vec();
        long.push(0);
        assert_eq!(Announcement::read(&long, ours), Err(Ignored::Damaged));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(newcomer: bool, ip: Option<[u8; 4]>, port in 1u16..) {
            let ip = ip.map(IpAddr::from).filter(|ip| !ip.is_unspecified() && !ip.is_multicast());
            let one = Announcement { newcomer, ip, port };
            let swarm = SwarmHash::of("s");
            prop_assert_eq!(Announcement::read(&one.write(swarm), swarm), Ok(one));
        }

        #[test]
        fn no_bytes_make_it_stumble(bytes: Vec<u8>, at in 0usize..BYTES, mask: u8) {
            let swarm = SwarmHash::of("s");
            let _ = Announcement::read(&bytes, swarm);
            let mut bytes = Announcement { newcomer: true, ip: None, port: 7 }.write(swarm);
            bytes[at] ^= mask;
            let read = Announcement::read(&bytes, swarm);
            prop_assert!(read.is_err() || mask == 0 || at == 6 || at == 7 || at >= 24, "{:?}", read);
        }
    }
}
