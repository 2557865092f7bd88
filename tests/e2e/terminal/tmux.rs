//! A terminal that a test can look at: tmux with a server of its own, which ends with this.
//!
//! Nothing is waited for by the clock: the screen is read until it shows what it should, up to a deadline.

use crate::support::wait_until;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

static COUNT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Tmux {
    name: String,
    directory: PathBuf,
}

impl Tmux {
    /// A shell in a window of so many columns and rows; `environment` is that of the shell.
    pub(crate) fn start(directory: &Path, columns: u16, rows: u16, environment: &[&str]) -> Self {
        let name = format!("lineswarm-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let tmux = Self { name, directory: directory.into() };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let mut line = vec!["-f", "/dev/null", "-u", "new-session", "-d", "-x", &columns, "-y", &rows];
        line.extend(["env", "-u", "NO_COLOR", "-u", "LINESWARM_SOCKET", "PS1=> "]);
        line.extend(environment);
        line.push("sh");
        tmux.run(&line);
        tmux.wait("a prompt", |screen| screen.starts_with('>'));
        tmux
    }

    fn run(&self, line: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        // In a directory of its own the socket is nobody else's.
        command.env("TMUX_TMPDIR", &self.directory).env_remove("TMUX").args(["-L", &self.name]).args(line);
        let output = command.output().expect("tmux is installed: make terminal-test does that");
        assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn say(&self, line: &[&str]) -> String {
        String::from_utf8(self.run(line).stdout).unwrap()
    }

    /// What the window shows, one line a row, without blanks at the ends.
    pub(crate) fn screen(&self) -> String {
        self.say(&["capture-pane", "-p"])
    }

    /// The same with the codes of colours.
    pub(crate) fn coloured(&self) -> String {
        self.say(&["capture-pane", "-p", "-e"])
    }

    /// Something that tmux knows of the window: `alternate_on`, `cursor_flag`.
    pub(crate) fn fact(&self, name: &str) -> String {
        self.say(&["display-message", "-p", &format!("#{{{name}}}")]).trim().to_owned()
    }

    /// Types this and Enter.
    pub(crate) fn type_line(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
        self.key("Enter");
    }

    /// Presses a key by tmux's name for it.
    pub(crate) fn key(&self, name: &str) {
        self.run(&["send-keys", name]);
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.run(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Waits until the screen is so, and gives it.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(what, || {
                screen = self.screen();
                is_so(&screen)
            });
        }));
        assert!(shown.is_ok(), "{what} did not come; the screen is\n{screen}");
        screen
    }

    /// Waits until each of these stands on the screen.
    pub(crate) fn wait_for(&self, parts: &[&str]) -> String {
        self.wait(&format!("{parts:?}"), |screen| parts.iter().all(|part| screen.contains(part)))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut command = Command::new("tmux");
        command.env("TMUX_TMPDIR", &self.directory).args(["-L", &self.name, "kill-server"]);
        let _ = command.output();
    }
}
