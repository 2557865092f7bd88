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

/// Processor time in ticks: of the whole machine since it started, and of some processes since they did.
#[derive(Clone, Copy, Debug)]
pub struct CpuTime {
    idle: u64,
    all: u64,
    own: u64,
}

/// How busy the machine was, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// With everything that ran on it.
    pub all: f64,
    /// With the swarm, its line server and this program.
    pub own: f64,
}

impl CpuTime {
    /// Of the machine, and of these processes and this one. A process that ended is not counted.
    #[must_use]
    pub fn now(processes: impl IntoIterator<Item = u32>) -> Option<Self> {
        let machine = Self::read(&fs::read_to_string("/proc/stat").ok()?)?;
        let ids = processes.into_iter().chain([std::process::id()]);
        let ticks = ids.filter_map(|id| used(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?));
        Some(Self { own: ticks.sum(), ..machine })
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
        Some(Self { idle, all: ticks.iter().sum(), own: 0 })
    }

    /// What was not idle between two looks; nothing if no tick passed.
    #[must_use]
    pub fn busy_until(self, later: Self) -> Option<Busy> {
        let all = later.all.checked_sub(self.all).filter(|ticks| *ticks > 0)?;
        let idle = later.idle.saturating_sub(self.idle);
        let own = later.own.saturating_sub(self.own);
        let share = |ticks: u64| (ticks as f64 / all as f64).min(1.0);
        Some(Busy { all: 1.0 - share(idle), own: share(own) })
    }
}

/// Ticks in user and in system mode; the name before them is in brackets and may hold anything.
fn used(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11).map_while(|word| word.parse::<u64>().ok());
    Some(ticks.next()? + ticks.next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_busy_time_is_between_two_looks_at_the_kernels_counters() {
        let before = CpuTime::read("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2\n").unwrap();
        let after = CpuTime::read("cpu  150 0 125 725 100 0 0 0 90 0\n").unwrap();
        let after = CpuTime { own: 20, ..after };
        assert_eq!(before.busy_until(after), Some(Busy { all: 0.75, own: 0.2 }));
        assert_eq!(before.busy_until(before), None);
    }

    #[test]
    fn a_process_may_have_any_name() {
        let stat = "7 (a) b) R 1 7 7 0 -1 4194304 100 0 0 0 30 12 0 0 20 0 1 0 100 200 300";
        assert_eq!(used(stat), Some(42));
        assert_eq!(used("7 (a"), None);
    }

    #[test]
    fn a_machine_is_one_line() {
        let machine = Machine { cores: 2, load: Some(0.5), optimised: true, ..Machine::default() };
        assert_eq!(machine.line(), "2 cores, load 0.50 at the start");
    }
}
