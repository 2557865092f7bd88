//! Ctrl-C and SIGTERM as something that can be waited for, so that what was begun is also ended.
//!
//! A signal writes into a socket pair; waiting is reading with a time-out. No thread, no busy loop.

use crate::failure::Failure;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Listens for the signals that ask to end.
#[derive(Debug)]
pub struct Interrupt {
    wake: UnixStream,
    came: bool,
}

impl Interrupt {
    /// From here on those signals no longer end the process by themselves.
    pub fn listen() -> Result<Self, Failure> {
        let set_up = || {
            let (wake, write) = UnixStream::pair()?;
            for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
                signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
            }
            Ok(Self { wake, came: false })
        };
        set_up().map_err(Failure::io("listening for signals"))
    }

    /// Waits for so long; an error as soon as a signal came.
    pub fn pause(&mut self, span: Duration) -> Result<(), Failure> {
        let end = Instant::now() + span;
        while !self.came {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.wake.set_read_timeout(Some(left)).map_err(Failure::io("waiting"))?;
            self.came = matches!(self.wake.read(&mut [0]), Ok(1..));
        }
        Err(Failure::Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_ends_by_itself_or_by_a_signal_and_stays_interrupted() {
        let mut interrupt = Interrupt::listen().unwrap();
        assert!(interrupt.pause(Duration::from_millis(5)).is_ok());
        signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
        assert!(matches!(interrupt.pause(Duration::from_secs(60)), Err(Failure::Interrupted)));
        assert!(matches!(interrupt.pause(Duration::from_secs(60)), Err(Failure::Interrupted)));
    }
}
