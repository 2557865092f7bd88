//! Processes that the lab starts and always ends: SIGTERM, then SIGKILL after three seconds.
//!
//! A process belongs to the value that started it and ends with it, also when something fails halfway. Only
//! processes started here are ever signalled.

use crate::failure::Failure;
use rustix::process::{Pid, Signal, kill_process};
use std::env;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a process has to end by itself.
const GRACE: Duration = Duration::from_secs(3);
const GLANCE: Duration = Duration::from_millis(10);

/// The two programs that a swarm is made of.
#[derive(Clone, Debug)]
pub struct Programs {
    pub lineswarmd: PathBuf,
    pub lineserver: PathBuf,
}

impl Programs {
    pub fn find() -> Result<Self, Failure> {
        Ok(Self { lineswarmd: find("lineswarmd")?, lineserver: find("lineserver")? })
    }
}

/// A program of ours: beside this one, else on PATH.
pub fn find(name: &'static str) -> Result<PathBuf, Failure> {
    let here = env::current_exe().ok();
    let beside = here.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let path = env::var_os("PATH").unwrap_or_default();
    let places = beside.iter().cloned().chain(env::split_paths(&path));
    let found = places.map(|place| place.join(name)).find(|program| is_program(program));
    found.ok_or(Failure::NoProgram { name, beside })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// A process that is ours; dropping it ends it.
#[derive(Debug)]
pub struct Process {
    pub name: String,
    pub log: PathBuf,
    child: Child,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts it with no input, its errors in `log`, and none of the settings that our own environment holds. In a
    /// group of its own: Ctrl-C in a terminal reaches us alone, and we end it in good order.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self, Failure> {
        for (variable, _) in env::vars_os() {
            let foreign = ["LINESWARM_", "NOTIFY_SOCKET", "WATCHDOG_"];
            if variable.to_str().is_some_and(|text| foreign.iter().any(|prefix| text.starts_with(prefix))) {
                command.env_remove(variable);
            }
        }
        let create = |source| Failure::Create { path: log.to_path_buf(), source };
        let errors = File::create(log).map_err(create)?;
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .stderr(errors)
            .spawn()
            .map_err(Failure::io(format!("starting {}", command.get_program().to_string_lossy())))?;
        Ok(Self { name: name.to_owned(), log: log.to_path_buf(), child, ended: None })
    }

    /// Its output, once, if that was asked to be a pipe.
    pub fn take_output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// An error if it ended although nobody asked it to.
    pub fn must_run(&mut self) -> Result<(), Failure> {
        match self.ended() {
            None => Ok(()),
            Some(status) => Err(Failure::Lab {
                what: format!("{} ended too early ({status})", self.name),
                why: last_words(&self.log),
                kept: None,
            }),
        }
    }

    /// Its process id, while it lives.
    pub(super) fn id(&mut self) -> Option<u32> {
        self.ended().is_none().then(|| self.child.id())
    }

    fn ask_to_end(&mut self) {
        // A process that has ended and was waited for has no id any more: it might be somebody else's.
        if self.ended().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
    }

    /// SIGKILL, and its end is waited for.
    pub(super) fn kill(&mut self) {
        if self.ended().is_none() {
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        stop_all([self].into_iter());
    }
}

/// Ends all of them at once, so that it takes no longer than the slowest.
pub fn stop_all<'a>(processes: impl Iterator<Item = &'a mut Process>) {
    let mut processes: Vec<_> = processes.collect();
    processes.iter_mut().for_each(|process| process.ask_to_end());
    let end = Instant::now() + GRACE;
    while processes.iter_mut().any(|process| process.ended().is_none()) && Instant::now() < end {
        sleep(GLANCE);
    }
    processes.iter_mut().for_each(|process| process.kill());
}

/// The last line of a log.
fn last_words(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| "it said nothing".into(), |line| format!("it said: {}", line.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, log: &Path) -> Process {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).stdout(Stdio::piped());
        Process::start("child", command, log).unwrap()
    }

    /// Until it has said so, it may not have set its traps.
    fn wait_for_line(process: &mut Process) {
        use std::io::BufRead;
        let mut line = String::new();
        std::io::BufReader::new(process.take_output().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
    }

    #[test]
    fn a_process_that_is_deaf_to_sigterm_is_killed() {
        let at = tempfile::tempdir().unwrap();
        let mut deaf = shell("trap '' TERM; echo ready; while :; do sleep 1; done", &at.path().join("log"));
        wait_for_line(&mut deaf);
        let begin = Instant::now();
        stop_all([&mut deaf].into_iter());
        assert!(begin.elapsed() >= GRACE);
        assert!(deaf.ended().is_some_and(|status| !status.success()));
    }

    #[test]
    fn a_process_may_end_in_its_own_way() {
        let at = tempfile::tempdir().unwrap();
        let mut polite =
            shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done", &at.path().join("log"));
        wait_for_line(&mut polite);
        assert!(polite.must_run().is_ok());
        stop_all([&mut polite].into_iter());
        assert_eq!(polite.ended().and_then(|status| status.code()), Some(7));
    }

    #[test]
    fn an_early_end_is_told_with_the_last_words() {
        let at = tempfile::tempdir().unwrap();
        let mut early = shell("echo first >&2; echo no such setting >&2; exit 78", &at.path().join("log"));
        while early.ended().is_none() {
            sleep(GLANCE);
        }
        let body = early.must_run().unwrap_err().body();
        assert_eq!(body.what, "child ended too early (exit status: 78)");
        assert_eq!(body.why, "it said: no such setting");
    }
}
