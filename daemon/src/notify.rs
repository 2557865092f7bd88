//! Tells systemd how the daemon is: READY, STATUS, WATCHDOG, RELOADING, STOPPING. Without systemd it does nothing.

use crate::logging::value;
use lineswarm_proto::{time::Moment, visible::visible, wire::control::Status};
use sd_notify::NotifyState;
use std::time::Duration;

/// The status line changes at most this often.
const STATUS_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Notify {
    /// Somebody listens.
    present: bool,
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
    pub(crate) fn new() -> Self {
        let present = std::env::var_os("NOTIFY_SOCKET").is_some();
        let feed_every = sd_notify::watchdog_enabled().map(|allowed| allowed / 2);
        Self::quiet(present, feed_every)
    }

    /// Nothing is sent yet, and nothing owed.
    fn quiet(present: bool, feed_every: Option<Duration>) -> Self {
        let (feed_at, status_at) = (Moment::ZERO, Moment::ZERO);
        Self { present, feed_every, feed_at, status: String::new(), status_at, owed: false }
    }

    pub(crate) fn ready(&self) {
        self.send(&[NotifyState::Ready]);
    }

    pub(crate) fn stopping(&self) {
        self.send(&[NotifyState::Stopping]);
    }

    /// Around a reload, as `systemctl reload` waits for it.
    pub(crate) fn reloading(&self) {
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
        if !self.present {
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

    /// Nobody is harmed if systemd does not hear it.
    fn send(&self, what: &[NotifyState<'_>]) {
        if self.present
            && let Err(error) = sd_notify::notify(what)
        {
            log::debug!("notify-failed why={}", value(error));
        }
    }
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
    fn the_last_of_many_changes_is_sent_though_nothing_follows_it() {
        let mut notify = Notify::quiet(false, None);
        let at = |ms| Moment::ZERO + Duration::from_millis(ms);
        notify.say(at(0), || "one".into());
        assert_eq!((notify.status.as_str(), notify.deadline()), ("one", None));
        notify.say(at(300), || "two".into());
        assert_eq!((notify.status.as_str(), notify.deadline()), ("one", Some(at(1000))));
        notify.say(at(1000), || "two".into());
        assert_eq!((notify.status.as_str(), notify.deadline()), ("two", None));
    }
}
