//! The daemon's clock and its one timer.
//!
//! Time goes on while the machine is suspended, so that a wake-up after it is seen to be late. The timer is a
//! timerfd: the poll's own time-out counts whole milliseconds, which is too coarse to draw 1000 lines a second.

use lineswarm_proto::time::Moment;
use mio::{Interest, Registry, Token, unix::SourceFd};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

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

/// Wakes the poll at a moment. Setting it to the moment that it is set to costs nothing.
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

    /// The poll's edge tells of each expiry by itself: the timer is never read.
    pub(crate) fn set(&mut self, at: Option<Moment>) -> io::Result<()> {
        if self.set == at {
            return Ok(());
        }
        // Zero would disarm; an absolute time that has passed fires at once.
        let micros = at.map_or(0, |at| self.clock.origin.saturating_add(at.0).max(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(micros % 1_000_000 * 1000).unwrap_or(0),
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value })?;
        self.set = at;
        Ok(())
    }

    /// It has fired: the same moment can be set again.
    pub(crate) fn on_fired(&mut self) {
        self.set = None;
    }
}
