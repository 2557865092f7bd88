//! The daemon's clock and its one timer.
//!
//! Time goes on while the machine is suspended, so that a wake-up after it is seen to be late. A moment that is near
//! is met by a timerfd: the poll's own time-out counts whole milliseconds, which is too coarse to draw 1000 lines a
//! second. A moment that is far is left to the poll's time-out, which costs no system call: nearly always something
//! else happens first, such as the reply whose absence the moment would tell.

use lineswarm_proto::time::Moment;
use mio::{Interest, Registry, Token, unix::SourceFd};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    time::Duration,
};

/// From here on a moment is far: a millisecond more does not matter.
const FAR: Duration = Duration::from_millis(200);

/// Microseconds since the daemon's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: micros() }
    }

    pub(crate) fn now(self) -> Moment {
        Moment(micros().saturating_sub(self.origin))
    }
}

fn micros() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1000
}

/// Wakes the poll at a moment, or before it: a moment that was given up is not taken back.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Clock,
    fd: OwnedFd,
    set: Option<Moment>,
}

impl Timer {
    pub(crate) fn new(clock: Clock, registry: &Registry, token: Token) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Boottime, flags)?;
        registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { clock, fd, set: None })
    }

    /// To be woken at `at`: how long the poll may wait.
    ///
    /// The poll's edge tells of each expiry by itself: the timer is never read.
    pub(crate) fn set(&mut self, at: Moment, now: Moment) -> io::Result<Option<Duration>> {
        let wait = at.since(now);
        if wait >= FAR {
            return Ok(Some(wait));
        }
        if self.set != Some(at) {
            // An absolute time that has passed fires at once; zero would disarm.
            let micros = self.clock.origin.saturating_add(at.0).max(1);
            let it_value = Timespec {
                tv_sec: i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX),
                tv_nsec: i64::try_from(micros % 1_000_000 * 1000).unwrap_or(0),
            };
            let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
            timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value })?;
            self.set = Some(at);
        }
        Ok(None)
    }

    /// It has fired: the same moment can be set again.
    pub(crate) fn on_fired(&mut self) {
        self.set = None;
    }
}
