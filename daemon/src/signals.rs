//! Signals arrive through the event loop: each sets a flag, and one byte in a pipe wakes the poll.

use mio::{Interest, Registry, Token, net::UnixStream};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1},
    flag,
    low_level::pipe,
};
use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGTERM, SIGINT: save, say bye, end.
    End,
    /// SIGHUP: read the configuration again.
    Reload,
    /// SIGUSR1: log the state.
    Tell,
}

const WATCHED: [(i32, Signal); 4] =
    [(SIGTERM, Signal::End), (SIGINT, Signal::End), (SIGHUP, Signal::Reload), (SIGUSR1, Signal::Tell)];

#[derive(Debug)]
pub(crate) struct Signals {
    wake: UnixStream,
    flags: Vec<(Signal, Arc<AtomicBool>)>,
}

impl Signals {
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let (near, far) = std::os::unix::net::UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        let mut wake = UnixStream::from_std(near);
        registry.register(&mut wake, token, Interest::READABLE)?;
        let mut flags = Vec::new();
        for (number, signal) in WATCHED {
            let raised = Arc::new(AtomicBool::new(false));
            flag::register(number, Arc::clone(&raised))?;
            pipe::register(number, far.try_clone()?)?;
            flags.push((signal, raised));
        }
        Ok(Self { wake, flags })
    }

    /// What was raised since the last call.
    pub(crate) fn take(&mut self) -> Vec<Signal> {
        let mut bytes = [0; 64];
        while matches!(self.wake.read(&mut bytes), Ok(1..)) {}
        let raised = self.flags.iter().filter(|(_, flag)| flag.swap(false, Ordering::SeqCst));
        raised.map(|(signal, _)| *signal).collect()
    }
}
