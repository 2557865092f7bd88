//! What the figures were measured on: a time without its machine says nothing.

use serde::{Deserialize, Serialize};
use std::fs;

/// The machine, as it says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub cores: usize,
    pub cpu: Option<String>,
    pub memory_mib: Option<u64>,
    pub kernel: Option<String>,
    /// Processes that wanted to run before we began, on average over a minute.
    pub load: Option<f64>,
    /// An unoptimised program of ours is slower.
    pub optimised: bool,
}

impl Machine {
    #[must_use]
    pub fn here() -> Self {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).ok()?;
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let kib =
            field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        let uname = rustix::system::uname();
        let word = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: field("/proc/cpuinfo", "model name"),
            memory_mib: kib.map(|kib| kib / 1024),
            kernel: Some(format!("{} {}", word(uname.sysname()), word(uname.release()))),
            load: fs::read_to_string("/proc/loadavg")
                .ok()
                .and_then(|text| text.split(' ').next()?.parse().ok()),
            optimised: !cfg!(debug_assertions),
        }
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let mut parts = vec![format!("{} core{}", self.cores, if self.cores == 1 { "" } else { "s" })];
        parts.extend(self.cpu.clone());
        parts.extend(self.memory_mib.map(|mib| format!("{:.1} GiB", mib as f64 / 1024.0)));
        parts.extend(self.kernel.clone());
        parts.extend(self.load.map(|load| format!("load {load:.2} at the start")));
        if !self.optimised {
            parts.push("debug build".into());
        }
        parts.join(", ")
    }
}

/// Processor time of the whole machine, in ticks since it started.
#[derive(Clone, Copy, Debug)]
pub struct CpuTime {
    idle: u64,
    all: u64,
}

impl CpuTime {
    #[must_use]
    pub fn now() -> Option<Self> {
        Self::read(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// user nice system idle iowait irq softirq steal; guests are in user already.
    fn read(stat: &str) -> Option<Self> {
        let ticks: Vec<u64> = stat
            .lines()
            .next()?
            .strip_prefix("cpu ")?
            .split_whitespace()
            .map_while(|word| word.parse().ok())
            .take(8)
            .collect();
        let idle = ticks.get(3)? + ticks.get(4)?;
        Some(Self { idle, all: ticks.iter().sum() })
    }

    /// The share that was not idle, from 0 to 1; nothing if no tick passed.
    #[must_use]
    pub fn busy_until(self, later: Self) -> Option<f64> {
        let all = later.all.checked_sub(self.all).filter(|ticks| *ticks > 0)?;
        let idle = later.idle.saturating_sub(self.idle);
        Some(1.0 - idle as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_busy_time_is_between_two_looks_at_the_kernels_counters() {
        let before = CpuTime::read("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2\n").unwrap();
        let after = CpuTime::read("cpu  150 0 125 725 100 0 0 0 90 0\n").unwrap();
        assert_eq!(before.busy_until(after), Some(0.75));
        assert_eq!(before.busy_until(before), None);
    }

    #[test]
    fn a_machine_is_one_line() {
        let machine = Machine { cores: 2, load: Some(0.5), optimised: true, ..Machine::default() };
        assert_eq!(machine.line(), "2 cores, load 0.50 at the start");
    }
}
