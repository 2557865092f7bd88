//! A timer for the event loop that is finer than poll's milliseconds: one timerfd.

use lineswarm_proto::time::Moment;
use mio::{Interest, Registry, Token, unix::SourceFd};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

/// Becomes readable at the moment it is set to. Setting it to the same moment again costs nothing.
#[derive(Debug)]
pub(crate) struct Timer {
    fd: OwnedFd,
    set: Option<Moment>,
}

impl Timer {
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { fd, set: None })
    }

    /// Rings at `at`; a moment that is past rings at once, `None` never.
    pub(crate) fn set(&mut self, at: Option<Moment>, now: Moment) -> io::Result<()> {
        if self.set == at {
            return Ok(());
        }
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Zero would switch the timer off.
        let micros = at.map_or(0, |at| at.0.saturating_sub(now.0).max(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(micros % 1_000_000 * 1000).unwrap_or_default(),
        };
        timerfd_settime(&self.fd, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: zero, it_value })?;
        self.set = at;
        Ok(())
    }

    /// It rang: it must be set anew.
    pub(crate) fn rang(&mut self) {
        let mut count = [0; 8];
        // Only there to make it ring again; there may be nothing to read.
        let _ = rustix::io::read(&self.fd, &mut count);
        self.set = None;
    }
}
