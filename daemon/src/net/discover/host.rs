//! Instances on one host find each other through their runtime directories.
//!
//! Each keeps an announcement in a file beside its sockets, locked as long as it lives, and reads those of its
//! neighbours: /run/lineswarm/*/announcement. Asking their status sockets would say the same with a conversation; a
//! file needs no answer from a busy or stopped daemon. Invariant: an instance writes first and looks afterwards, so
//! of any two the later one sees the other.

use super::announcement::{Announcement, BYTES, Ignored, SwarmHash};
use lineswarm_proto::limits;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

const NAME: &str = "announcement";

#[derive(Debug)]
pub(super) struct Host {
    /// Of this instance; its neighbours' are beside it.
    own: PathBuf,
    swarm: SwarmHash,
    /// Its lock says that this daemon lives.
    _lock: File,
}

impl Host {
    /// Announces `listen` in the directory `own`.
    pub(super) fn new(own: &Path, swarm: SwarmHash, listen: SocketAddr) -> io::Result<Self> {
        std::fs::create_dir_all(own)?;
        let own = own.canonicalize()?;
        let announcement =
            Announcement { newcomer: false, ip: Some(reachable(listen.ip())), port: listen.port() };
        let (path, new) = (own.join(NAME), own.join(".announcement.new"));
        let mut file = File::create(&new)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(&announcement.write(swarm))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        std::fs::rename(&new, &path)?;
        Ok(Self { own, swarm, _lock: file })
    }

    /// Where it looks.
    pub(super) fn directory(&self) -> &Path {
        self.own.parent().unwrap_or(&self.own)
    }

    /// The addresses of the living neighbours, in no order.
    pub(super) fn look(&self, mut each: impl FnMut(Result<SocketAddr, Ignored>)) -> io::Result<()> {
        for entry in std::fs::read_dir(self.directory())?.take(limits::INSTANCES) {
            let path = entry?.path();
            if path == self.own {
                continue;
            }
            // A neighbour that has gone, or never was one, is no error.
            if let Ok(Some(bytes)) = read(&path.join(NAME)) {
                each(Announcement::read(&bytes, self.swarm).and_then(|its| {
                    let ip = its.ip.ok_or(Ignored::Damaged)?;
                    Ok(SocketAddr::new(ip, its.port))
                }));
            }
        }
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Whoever finds it without its lock takes no notice of it.
        let _ = std::fs::remove_file(self.own.join(NAME));
    }
}

/// The announcement of a living instance; `None` if its writer is gone.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() || flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(BYTES + 1);
    file.take(BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Where somebody on this host reaches a listener.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        // [::] listens on IPv4 too.
        ip if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_loopback() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(base: &Path, name: &str, swarm: &str, listen: &str) -> Host {
        Host::new(&base.join(name), SwarmHash::of(swarm), listen.parse().unwrap()).unwrap()
    }

    fn seen(host: &Host) -> Vec<Result<String, Ignored>> {
        let mut seen = Vec::new();
        host.look(|one| seen.push(one.map(|address| address.to_string()))).unwrap();
        seen.sort_by_key(|one| format!("{one:?}"));
        seen
    }

    fn at(address: &str) -> Result<String, Ignored> {
        Ok(address.into())
    }

    #[test]
    fn living_instances_of_one_swarm_see_each_other_and_not_themselves() {
        let base = tempfile::tempdir().unwrap();
        let alice = host(base.path(), "alice", "s", "127.0.0.1:40001");
        assert_eq!(seen(&alice), []);
        let bob = host(base.path(), "bob", "s", "0.0.0.0:40002");
        let _eve = host(base.path(), "eve", "other", "127.0.0.1:40003");
        assert_eq!(seen(&alice), [Err(Ignored::OtherSwarm), at("127.0.0.1:40002")]);
        assert_eq!(seen(&bob), [Err(Ignored::OtherSwarm), at("127.0.0.1:40001")]);
        drop(alice);
        assert_eq!(seen(&bob), [Err(Ignored::OtherSwarm)]);
    }

    #[test]
    fn the_announcement_of_a_killed_instance_counts_no_more_until_it_is_back() {
        let base = tempfile::tempdir().unwrap();
        let alice = host(base.path(), "alice", "s", "127.0.0.1:40001");
        let left_over = base.path().join("bob").join(NAME);
        drop(host(base.path(), "bob", "s", "127.0.0.1:40002"));
        std::fs::write(
            &left_over,
            Announcement { newcomer: false, ip: Some([127, 0, 0, 1].into()), port: 2 }
                .write(SwarmHash::of("s")),
        )
        .unwrap();
        assert_eq!(seen(&alice), []);
        let _bob = host(base.path(), "bob", "s", "127.0.0.1:40005");
        assert_eq!(seen(&alice), [at("127.0.0.1:40005")]);
    }

    #[test]
    fn other_things_in_the_directory_are_no_instances() {
        let base = tempfile::tempdir().unwrap();
        let alice = host(base.path(), "alice", "s", "127.0.0.1:40001");
        std::fs::write(base.path().join("file"), "x").unwrap();
        std::fs::create_dir_all(base.path().join("bob").join(NAME)).unwrap();
        std::fs::create_dir(base.path().join("carol")).unwrap();
        let pipe = base.path().join("carol").join(NAME);
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
            .unwrap();
        assert_eq!(seen(&alice), []);
        assert!(pipe.exists());
    }

    #[test]
    fn everybody_may_read_the_announcement() {
        let base = tempfile::tempdir().unwrap();
        let alice = host(base.path(), "alice", "s", "[::1]:40001");
        let mode = alice.own.join(NAME).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        let bob = host(base.path(), "bob", "s", "127.0.0.1:1");
        assert_eq!(seen(&bob), [at("[::1]:40001")]);
    }
}
