//! What a process costs: processor time from /proc, system calls from `perf`, or from `strace` (which slows it down), or
//! else what /proc tells: how often it went to sleep.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    process::{Child, Command, Stdio},
};

/// Linux reports processor time in these, whatever the kernel's own tick.
const TICKS_A_SECOND: f64 = 100.0;

/// Keeps the processors from sleeping as long as it lives, as cyclictest does (the kernel's PM QoS): what one of them, and
/// of a virtual machine above all, takes to wake up is no program's cost.
pub(crate) struct Awake(Option<File>);

impl Awake {
    /// Unless they are to sleep, or only root may say so.
    pub(crate) fn hold(sleep: bool) -> Self {
        let open = || {
            let mut file = OpenOptions::new().write(true).open("/dev/cpu_dma_latency").ok()?;
            // The longest time to wake up that is wanted, in microseconds.
            file.write_all(&0_i32.to_ne_bytes()).ok()?;
            Some(file)
        };
        Self((!sleep).then(open).flatten())
    }

    pub(crate) fn words(&self) -> &'static str {
        if self.0.is_some() { "the processors are kept awake" } else { "the processors may sleep" }
    }
}

/// How system calls are counted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    Perf,
    Strace,
    Sleeps,
}

impl Calls {
    /// The best that this machine has and allows.
    pub(crate) fn best() -> Self {
        let works = |program: &str, arguments: &[&str]| {
            Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        if works("perf", &["stat", "-e", "raw_syscalls:sys_enter", "true"]) {
            Self::Perf
        } else if works("strace", &["-c", "-f", "true"]) {
            Self::Strace
        } else {
            Self::Sleeps
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Perf => "system calls counted by perf",
            Self::Strace => {
                "system calls counted by strace, in a run of their own, as it slows the daemon down"
            }
            Self::Sleeps => "neither perf nor strace works here: in place of system calls, context switches",
        }
    }
}

/// A count that runs.
pub(crate) enum Counting {
    Tool(Calls, Child),
    Sleeps(u32, u64),
}

impl Counting {
    pub(crate) fn start(how: Calls, process: u32) -> Option<Self> {
        let id = process.to_string();
        let mut command = match how {
            Calls::Sleeps => return Some(Self::Sleeps(process, sleeps(process)?)),
            Calls::Perf => {
                let mut command = Command::new("perf");
                command.args(["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", &id]);
                command
            }
            Calls::Strace => {
                let mut command = Command::new("strace");
                command.args(["-c", "-f", "-U", "calls,name", "-p", &id]);
                command
            }
        };
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        child.ok().map(|child| Self::Tool(how, child))
    }

    /// Ends the count.
    pub(crate) fn end(self) -> Option<u64> {
        match self {
            Self::Sleeps(process, before) => Some(sleeps(process)?.saturating_sub(before)),
            Self::Tool(how, child) => {
                let id = child.id().to_string();
                Command::new("kill").args(["-INT", &id]).status().ok()?;
                let said = String::from_utf8(child.wait_with_output().ok()?.stderr).ok()?;
                match how {
                    Calls::Perf => said.lines().find(|line| line.contains("sys_enter"))?.split(',').next(),
                    _ => said.lines().find(|line| line.ends_with("total"))?.split_whitespace().next(),
                }?
                .parse()
                .ok()
            }
        }
    }
}

/// Processor seconds that a process has used.
pub(crate) fn processor_seconds(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold blanks and brackets: user and system time are the 12th and 13th after it.
    let mut after = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || after.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_A_SECOND)
}

/// How often its threads went to sleep or were interrupted.
pub(crate) fn sleeps(process: u32) -> Option<u64> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let of = |status: String| -> u64 {
        let lines = status.lines().filter(|line| line.contains("ctxt_switches"));
        lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
    };
    let status = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("status")).ok();
    Some(threads.flatten().filter_map(status).map(of).sum())
}

/// How busy the machine is with everything else.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
