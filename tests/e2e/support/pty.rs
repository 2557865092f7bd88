//! A terminal without any tool: a pseudo-terminal that a program is started on, and all that it wrote there.
//!
//! Nothing is waited for by the clock: output is read until it holds what it should or ends, up to a deadline.

#![allow(dead_code)] // each test binary uses its part

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const LONGEST: Duration = Duration::from_secs(60);

/// A program on a terminal of its own.
pub(crate) struct Terminal {
    master: File,
    child: Child,
    shown: Vec<u8>,
}

impl Terminal {
    /// Starts it with the terminal as its input, output and errors. The terminal does not translate newlines.
    pub(crate) fn start(command: &mut Command, columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave: OwnedFd = open(name.as_c_str(), flags, Mode::empty()).unwrap();
        let mut settings = tcgetattr(&slave).unwrap();
        settings.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &settings).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).unwrap();
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        let child = command.spawn().unwrap();
        // The command keeps its copies of the terminal; without them its end can be read.
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        Self { master: master.into(), child, shown: Vec::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Types this.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Reads on until this stands in what was written since the start; gives all of that.
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        let end = Instant::now() + LONGEST;
        while !self.text().contains(part) {
            assert!(Instant::now() < end && self.read(end), "{part:?} did not come in {:?}", self.text());
        }
        self.text()
    }

    /// Forgets what was written so far.
    pub(crate) fn clear(&mut self) {
        self.shown.clear();
    }

    /// All that it writes up to its end, and its exit code.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<u8>) {
        let end = Instant::now() + LONGEST;
        while self.read(end) {
            assert!(Instant::now() < end, "it does not end: {:?}", self.text());
        }
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.shown))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// False once nobody has the terminal open any more.
    fn read(&mut self, end: Instant) -> bool {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
        if !poll(&mut ready, Some(&left)).is_ok_and(|count| count > 0) {
            return true;
        }
        let mut buffer = [0; 4096];
        // EIO: the other side is closed.
        let Ok(count @ 1..) = self.master.read(&mut buffer) else { return false };
        self.shown.extend_from_slice(&buffer[..count]);
        true
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
