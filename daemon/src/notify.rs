//! Tells systemd how the daemon is: READY, STATUS, WATCHDOG, RELOADING, STOPPING. Without systemd it does nothing.

use crate::logging::value;
use lineswarm_proto::{time::Moment, visible::visible, wire::control::Status};
use sd_notify::NotifyState;
use std::{
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

/// A watchdog that wants to be fed sooner is a mistake: it would cost more than it is for.
const SHORTEST: Duration = Duration::from_millis(100);
/// Longer than anybody waits, and short enough to be added to a moment.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The status line changes at most this often.
const STATUS_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Notify {
    /// Where somebody listens.
    to: Option<(UnixDatagram, SocketAddr)>,
    /// That nobody took what was sent was logged.
    told: bool,
    /// Half of what the watchdog allows.
    feed_every: Option<Duration>,
    feed_at: Moment,
    status: String,
    /// From then on a changed status may be sent.
    status_at: Moment,
    /// A turn came before that, and what it changed is not sent yet.
    owed: bool,
}

impl Notify {
    /// From the environment, which anybody may have set: what makes no sense there is passed over with one warning.
    pub(crate) fn new() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let to = variable("NOTIFY_SOCKET").and_then(|name| match listener(&name) {
            Ok(to) => Some(to),
            Err(error) => {
                log::warn!("notify-ignored socket={} why={}", value(name.display()), value(error));
                None
            }
        });
        // Without a listener nobody waits to be fed.
        let allowed = variable("WATCHDOG_USEC").filter(|_| to.is_some());
        let pid = variable("WATCHDOG_PID");
        let feed_every = match allowed.map(|allowed| watchdog(&allowed, pid.as_deref(), std::process::id())) {
            Some(Ok(feed_every)) => feed_every,
            Some(Err(why)) => {
                log::warn!("watchdog-ignored why={}", value(why));
                None
            }
            None => None,
        };
        Self::quiet(to, feed_every)
    }

    /// Nothing is sent yet, and nothing owed.
    fn quiet(to: Option<(UnixDatagram, SocketAddr)>, feed_every: Option<Duration>) -> Self {
        let (feed_at, status_at) = (Moment::ZERO, Moment::ZERO);
        Self { to, told: false, feed_every, feed_at, status: String::new(), status_at, owed: false }
    }

    pub(crate) fn ready(&mut self) {
        self.send(&[NotifyState::Ready]);
    }

    pub(crate) fn stopping(&mut self) {
        self.send(&[NotifyState::Stopping]);
    }

    /// Around a reload, as `systemctl reload` waits for it.
    pub(crate) fn reloading(&mut self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(_) => self.send(&[NotifyState::Reloading]),
        }
    }

    /// When [`Notify::turn`] has something to do.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let feed = self.feed_every.map(|_| self.feed_at);
        feed.into_iter().chain(self.owed.then_some(self.status_at)).min()
    }

    /// Once a turn of the loop, and only from there: a loop that hangs must starve the watchdog.
    pub(crate) fn turn(&mut self, now: Moment, status: impl FnOnce() -> Status) {
        if self.to.is_none() {
            return;
        }
        if let Some(every) = self.feed_every.filter(|_| now >= self.feed_at) {
            self.send(&[NotifyState::Watchdog]);
            self.feed_at = now + every;
        }
        self.say(now, || line(&status()));
    }

    /// At most once in `STATUS_EVERY`; what comes sooner is owed, so that the last of many changes is sent too.
    fn say(&mut self, now: Moment, line: impl FnOnce() -> String) {
        self.owed = now < self.status_at;
        if self.owed {
            return;
        }
        self.status_at = now + STATUS_EVERY;
        let line = line();
        if line != self.status {
            self.send(&[NotifyState::Status(&line)]);
            self.status = line;
        }
    }

    /// Nobody is harmed if systemd does not hear it; and a listener that reads nothing holds nothing up.
    fn send(&mut self, what: &[NotifyState<'_>]) {
        let Some((socket, to)) = &self.to else { return };
        let message: String = what.iter().map(|state| format!("{state}\n")).collect();
        if let Err(error) = socket.send_to_addr(message.as_bytes(), to)
            && !self.told
        {
            self.told = true;
            log::warn!("notify-failed why={}", value(error));
        }
    }
}

/// `NOTIFY_SOCKET`: a path, or `@name` in the abstract name space.
fn listener(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let to = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => return Err(io::Error::other("it is neither a path from the root on nor an abstract name")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, to))
}

/// Half of what `WATCHDOG_USEC` allows; nothing if it is another process's.
fn watchdog(allowed: &OsStr, pid: Option<&OsStr>, own: u32) -> Result<Option<Duration>, String> {
    let number = |text: &OsStr| text.to_str().and_then(|text| text.parse::<u64>().ok());
    if let Some(pid) = pid {
        let read = number(pid).ok_or_else(|| format!("WATCHDOG_PID is {pid:?}"))?;
        if read != u64::from(own) {
            return Ok(None);
        }
    }
    let allowed = number(allowed).map(Duration::from_micros).filter(|allowed| *allowed >= SHORTEST);
    let allowed = allowed.ok_or("WATCHDOG_USEC is not a number of at least 100000")?;
    Ok(Some(allowed.min(LONGEST) / 2))
}

/// `fetching 577/1000, 3 peers, master lab1/bob`
fn line(status: &Status) -> String {
    let state = status.state.name();
    let lines = status.job.lines.map_or("?".into(), |lines| lines.to_string());
    let master = match &status.master {
        Some(master) if master.is_self => ", master".into(),
        Some(master) => format!(", master {}", master.name),
        None => String::new(),
    };
    let problem = status.problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
    let peers = status.peers.connected;
    let peers = format!("{peers} peer{}", if peers == 1 { "" } else { "s" });
    let line = format!("{state} {}/{lines}, {peers}{master}{problem}", status.job.have);
    // A second line would be another message to systemd.
    visible(&line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_that_makes_no_sense_is_not_fed() {
        let fed = |allowed: &str, pid: Option<&str>| watchdog(allowed.as_ref(), pid.map(OsStr::new), 7);
        assert_eq!(fed("30000000", None), Ok(Some(Duration::from_secs(15))));
        assert_eq!(fed("30000000", Some("7")), Ok(Some(Duration::from_secs(15))));
        assert_eq!(fed("30000000", Some("8")), Ok(None), "another process's");
        assert_eq!(fed("18446744073709551615", None), Ok(Some(LONGEST / 2)));
        for odd in ["0", "1", "99999", "-5", "1e9", "30s", "99999999999999999999999"] {
            assert!(fed(odd, None).is_err(), "{odd}");
        }
        assert!(fed("30000000", Some("x")).is_err());
    }

    #[test]
    fn a_listener_is_a_path_or_an_abstract_name_and_one_that_reads_nothing_holds_nothing_up() {
        for odd in ["vsock:2:1234", "relative", "@", "/\0", ":"] {
            let taken = listener(odd.as_ref());
            assert!(taken.is_err() || odd == "@", "{odd}");
        }
        let name = format!("@lineswarm-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name.as_bytes()[1..]).unwrap();
        let far = UnixDatagram::bind_addr(&address).unwrap();
        let mut notify = Notify::quiet(listener(name.as_ref()).ok(), None);
        for _ in 0..10_000 {
            notify.ready();
        }
        assert!(notify.told, "it is full");
        let mut bytes = [0; 64];
        let count = far.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..count], b"READY=1\n");
    }

    #[test]
    fn the_last_of_many_changes_is_sent_though_nothing_follows_it() {
        let mut notify = Notify::quiet(None, None);
        let at = |ms| Moment::ZERO + Duration::from_millis(ms);
        notify.say(at(0), || "one".into());
        assert_eq!((notify.status.as_str(), notify.deadline()), ("one", None));
        notify.say(at(300), || "two".into());
        assert_eq!((notify.status.as_str(), notify.deadline()), ("one", Some(at(1000))));
        notify.say(at(1000), || "two".into());
        assert_eq!((notify.status.as_str(), notify.deadline()), ("two", None));
    }
}
