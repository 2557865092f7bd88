//! Tells systemd how the daemon is: READY, STATUS, WATCHDOG, RELOADING, STOPPING. Without systemd it does nothing.

use lineswarm_proto::{
    time::Moment,
    wire::control::{State, Status},
};
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
    status_at: Moment,
}

impl Notify {
    pub(crate) fn new() -> Self {
        let present = std::env::var_os("NOTIFY_SOCKET").is_some();
        let feed_every = sd_notify::watchdog_enabled().map(|allowed| allowed / 2);
        Self { present, feed_every, feed_at: Moment::ZERO, status: String::new(), status_at: Moment::ZERO }
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
        self.feed_every.map(|_| self.feed_at)
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
        if now >= self.status_at {
            self.status_at = now + STATUS_EVERY;
            let line = line(&status());
            if line != self.status {
                self.send(&[NotifyState::Status(&line)]);
                self.status = line;
            }
        }
    }

    /// Nobody is harmed if systemd does not hear it.
    fn send(&self, what: &[NotifyState<'_>]) {
        if self.present
            && let Err(error) = sd_notify::notify(what)
        {
            log::debug!("notify-failed why={error:?}");
        }
    }
}

/// `fetching 577/1000, 3 peers, master lab1/bob`
fn line(status: &Status) -> String {
    let state = match status.state {
        State::Idle => "idle",
        State::Joining => "joining",
        State::Fetching => "fetching",
        State::Complete => "complete",
        State::Submitting => "submitting",
        State::Submitted => "submitted",
        State::Paused => "paused",
        State::Failed => "failed",
    };
    let lines = status.job.lines.map_or("?".into(), |lines| lines.to_string());
    let master = match &status.master {
        Some(master) if master.is_self => ", master".into(),
        Some(master) => format!(", master {}", master.name),
        None => String::new(),
    };
    let problem = status.problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default();
    format!("{state} {}/{lines}, {} peers{master}{problem}", status.job.have, status.peers.connected)
}
