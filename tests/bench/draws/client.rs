//! Who draws: a daemon with its directory, or a naive client that asks every 2 ms.

use crate::support::free_addresses;
use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// A real daemon of a swarm.
pub(crate) struct Daemon(Child);

impl Daemon {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `count` daemons that know each other, with nothing from this machine's configuration.
pub(crate) fn daemons(directory: &Path, server: &str, count: usize) -> Vec<Daemon> {
    let addresses: Vec<String> = free_addresses(count).iter().map(ToString::to_string).collect();
    let start = |at: usize| {
        let own = directory.join(format!("peer{at}"));
        std::fs::create_dir_all(&own).unwrap();
        let config = own.join("empty.toml");
        std::fs::write(&config, "").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lineswarmd"));
        for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("LINESWARM_")) {
            command.env_remove(variable);
        }
        command.arg("--config").arg(&config).args(["--server", server, "--lines", "20000"]);
        command.args(["--listen", &addresses[at]]);
        addresses.iter().enumerate().filter(|(other, _)| *other != at).for_each(|(_, other)| {
            command.args(["--peer", other]);
        });
        for (option, file) in
            [("--state-dir", "state"), ("--control-socket", "control"), ("--status-socket", "status")]
        {
            command.arg(option).arg(own.join(file));
        }
        let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Daemon(silent.spawn().expect("lineswarmd starts"))
    };
    (0..count).map(start).collect()
}

/// Asks every 2 ms, whatever the server says, as a first program would.
pub(crate) struct Naive {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Naive {
    pub(crate) fn start(server: &str) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let (server, told) = (server.to_owned(), Arc::clone(&ends));
        let thread = thread::spawn(move || {
            let mut stream = TcpStream::connect(server).expect("the line server listens");
            stream.set_nodelay(true).unwrap();
            stream.set_nonblocking(true).unwrap();
            let (mut next, mut replies) = (Instant::now(), vec![0; 1 << 16]);
            while !told.load(Ordering::Relaxed) {
                if stream.write_all(b"SENDLINE\n").is_err() {
                    return;
                }
                while stream.read(&mut replies).is_ok_and(|count| count > 0) {}
                next += Duration::from_millis(2);
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        Self { ends, thread: Some(thread) }
    }
}

impl Drop for Naive {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
