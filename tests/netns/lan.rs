//! A LAN of hosts that are network namespaces on one bridge. The bridge stands in a namespace of its own, so nothing
//! of the machine's own network is touched. What was made is removed at the end, also when a test fails.

use crate::support::{Client, Daemon, command};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// The line server's address: the bridge itself.
const SERVER: &str = "10.77.0.100:9801";

pub(crate) struct Lan {
    hub: String,
    hosts: Vec<String>,
    directory: tempfile::TempDir,
    key: PathBuf,
    /// In place of the bridge.
    switch: Option<Child>,
}

impl Lan {
    pub(crate) fn new(count: usize) -> Self {
        let mut lan = Self::bare();
        let hub = lan.hub.clone();
        run(&format!("ip -n {hub} link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0"));
        run(&format!("ip -n {hub} addr add 10.77.0.100/24 dev br0"));
        run(&format!("ip -n {hub} link set br0 up"));
        for n in 1..=count {
            let host = lan.add_host(n);
            run(&format!("ip -n {hub} link add p{n} type veth peer name eth0 netns {host}"));
            run(&format!("ip -n {hub} link set p{n} master br0 up"));
            bring_up(&host, n);
        }
        lan
    }

    /// A frame takes so many milliseconds from any host to any other, and to the line server.
    pub(crate) fn slow(count: usize, ms: u32) -> Self {
        let mut lan = Self::bare();
        let hub = lan.hub.clone();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/netns/slow_switch.py");
        let mut command = Command::new("python3");
        command.args([script, &ms.to_string(), &(count + 1).to_string()]);
        let mut command = within(&hub, &command);
        let mut switch =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 starts");
        let mut said = String::new();
        BufReader::new(switch.stdout.take().unwrap()).read_line(&mut said).unwrap();
        lan.switch = Some(switch);
        assert_eq!(said, "up\n");
        run(&format!("ip -n {hub} addr add 10.77.0.100/24 dev t0"));
        run(&format!("ip -n {hub} link set t0 up"));
        for n in 1..=count {
            let host = lan.add_host(n);
            run(&format!("ip -n {hub} link set t{n} netns {host} name eth0"));
            bring_up(&host, n);
        }
        lan
    }

    /// No hosts yet.
    fn bare() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let id = format!("lsw{}x{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("swarm.key");
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&key).unwrap();
        std::io::Write::write_all(&mut file, b"the key of the test's swarm\n").unwrap();
        let hub = format!("{id}hub");
        let lan = Self { hub: hub.clone(), hosts: Vec::new(), directory, key, switch: None };
        run(&format!("ip netns add {hub}"));
        lan
    }

    fn add_host(&mut self, n: usize) -> String {
        let host = format!("{}h{n}", self.hub.trim_end_matches("hub"));
        run(&format!("ip netns add {host}"));
        self.hosts.push(host.clone());
        host
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A daemon on host `n`, from 1, that knows nobody; `args` come after the usual ones.
    pub(crate) fn daemon(&self, n: usize, args: &[&str]) -> Daemon {
        let name = format!("host{n}");
        let own = self.directory().join(&name);
        std::fs::create_dir_all(&own).unwrap();
        let log = own.join("log");
        let child = within(&self.hosts[n - 1], &command(&own, &name))
            .args(["--listen", "0.0.0.0:9900", "--discover", "multicast", "--server", SERVER])
            .args(["--identity", "entry@team", "--key-file"])
            .arg(&self.key)
            .args(args)
            .stdout(Stdio::null())
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .expect("lineswarmd starts");
        Daemon { child, directory: own, log }
    }

    pub(crate) fn daemons(&self, args: &[&str]) -> Vec<Daemon> {
        (1..=self.hosts.len()).map(|n| self.daemon(n, args)).collect()
    }

    /// A line server that every host reaches, also through a partition of the hosts.
    pub(crate) fn server(&self, args: &[&str]) -> LineServer {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lineserver"));
        let file = self.directory().join("served.txt");
        command.args(["--listen", SERVER, "--events", "json", "--max-seconds", "120", "--write-file"]);
        command.arg(&file).args(args).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child =
            within(&self.hub, &command).stdout(Stdio::piped()).spawn().expect("lineserver starts");
        let mut events = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        events.read_line(&mut first).unwrap();
        assert!(first.contains("listen"), "{first}");
        LineServer { child, events, file }
    }

    /// Nothing passes between the hosts of `some` and the others; the line server is reached by all.
    pub(crate) fn part(&self, some: &[usize]) {
        let ports =
            |hosts: Vec<usize>| hosts.iter().map(|n| format!("\"p{n}\"")).collect::<Vec<_>>().join(", ");
        let others = (1..=self.hosts.len()).filter(|n| !some.contains(n)).collect();
        let (some, others) = (ports(some.to_vec()), ports(others));
        let rules = format!(
            "table bridge part {{ chain c {{ type filter hook forward priority 0;\n\
             iifname {{ {some} }} oifname {{ {others} }} drop\n\
             iifname {{ {others} }} oifname {{ {some} }} drop\n}}\n}}\n"
        );
        self.nft(&self.hub, &rules);
    }

    /// Host `n` hears the other hosts, and they don't hear it; both reach the line server.
    pub(crate) fn mute(&self, n: usize) {
        let others = (1..=self.hosts.len()).filter(|other| *other != n);
        let others = others.map(|n| format!("\"p{n}\"")).collect::<Vec<_>>().join(", ");
        let rules = format!(
            "table bridge part {{ chain c {{ type filter hook forward priority 0;\n\
             iifname \"p{n}\" oifname {{ {others} }} drop\n}}\n}}\n"
        );
        self.nft(&self.hub, &rules);
    }

    /// Every TCP segment between host `n` and other hosts is answered with a reset, until [`Lan::spare`].
    pub(crate) fn reset(&self, n: usize) {
        let rule = "ip saddr 10.77.0.1-10.77.0.99 ip daddr 10.77.0.1-10.77.0.99 meta l4proto tcp reject with tcp reset";
        let rules =
            format!("table inet resets {{ chain in {{ type filter hook input priority 0;\n{rule}\n}}\n}}\n");
        self.nft(&self.hosts[n - 1], &rules);
    }

    pub(crate) fn spare(&self, n: usize) {
        self.nft(&self.hosts[n - 1], "delete table inet resets\n");
    }

    pub(crate) fn heal(&self) {
        self.nft(&self.hub, "delete table bridge part\n");
    }

    /// The hosts have link-local IPv6 addresses left, nothing else.
    pub(crate) fn take_ipv4_away(&self) {
        for host in &self.hosts {
            run(&format!("ip -n {host} -4 addr flush dev eth0"));
        }
    }

    /// The cable of host `n`: in or out.
    pub(crate) fn plug(&self, n: usize, state: &str) {
        run(&format!("ip -n {} link set p{n} {state}", self.hub));
    }

    /// Of all packets to and from host `n` so many percent are lost.
    pub(crate) fn lose(&self, n: usize, percent: u32) {
        let drop = format!("numgen random mod 100 < {percent} drop");
        let rules = format!(
            "table inet loss {{ chain in {{ type filter hook input priority 0;\niifname \"eth0\" {drop}\n}}\n\
             chain out {{ type filter hook output priority 0;\noifname \"eth0\" {drop}\n}}\n}}\n"
        );
        self.nft(&self.hosts[n - 1], &rules);
    }

    fn nft(&self, host: &str, rules: &str) {
        let file = self.directory().join("rules.nft");
        std::fs::write(&file, rules).unwrap();
        run(&format!("ip netns exec {host} nft -f {}", file.display()));
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        if let Some(switch) = &mut self.switch {
            let _ = switch.kill();
            let _ = switch.wait();
        }
        for name in self.hosts.iter().chain([&self.hub]) {
            let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
        }
    }
}

pub(crate) struct LineServer {
    child: Child,
    events: BufReader<std::process::ChildStdout>,
    file: PathBuf,
}

impl LineServer {
    /// Ends it; gives the verdicts of the submits that it had.
    pub(crate) fn end(mut self) -> Vec<bool> {
        crate::support::terminate(&self.child);
        let mut submits = Vec::new();
        for line in (&mut self.events).lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["ev"] == "submit" {
                submits.push(event["ok"] == true);
            }
        }
        self.child.wait().unwrap();
        submits
    }

    pub(crate) fn served(&self) -> Vec<u8> {
        std::fs::read(&self.file).unwrap()
    }
}

impl Drop for LineServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The numbers of the lines that a daemon has not.
pub(crate) fn missing(client: &mut Client) -> BTreeSet<u64> {
    let mut missing = BTreeSet::new();
    let answer = client.ask_parts(json!({"cmd": "lines", "missing": true}), |part| {
        missing.extend(part["numbers"].as_array().unwrap().iter().filter_map(Value::as_u64));
    });
    answer.unwrap();
    missing
}

/// The same command on a host. `ip netns exec` becomes the command, so the child is the command itself.
fn within(host: &str, command: &Command) -> Command {
    let mut within = Command::new("ip");
    within.args(["netns", "exec", host]).arg(command.get_program()).args(command.get_args());
    within
}

fn bring_up(host: &str, n: usize) {
    run(&format!("ip -n {host} link set lo up"));
    run(&format!("ip -n {host} addr add 10.77.0.{n}/24 dev eth0"));
    run(&format!("ip -n {host} link set eth0 up"));
}

fn run(line: &str) {
    let mut words = line.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).output().expect("iproute2 and nftables");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}
