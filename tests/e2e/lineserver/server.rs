//! A `lineserver` of a test: started on a free port, read event by event, ended with the test.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// Long enough for any machine; nothing waits that long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) addr: SocketAddr,
    pub(crate) listen: Value,
    events: Receiver<String>,
    errors: Receiver<String>,
}

pub(crate) fn lineserver() -> Command {
    Command::new(env!("CARGO_BIN_EXE_lineserver"))
}

impl Server {
    /// With JSON events, on a free port of 127.0.0.1.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = lineserver();
        command.args(["--listen", "127.0.0.1:0", "--events", "json"]).args(args);
        Self::spawn(command)
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let events = lines(child.stdout.take().unwrap());
        let errors = lines(child.stderr.take().unwrap());
        let first = events.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let why: Vec<String> = errors.try_iter().collect();
            let _ = child.kill();
            panic!("the server did not start: {why:?}")
        });
        let listen: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(listen["ev"], "listen");
        let addr = listen["addr"].as_str().unwrap().parse().unwrap();
        Self { child, addr, listen, events, errors }
    }

    /// The next event of that kind; those before it are skipped.
    pub(crate) fn event(&self, kind: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.events.recv_timeout(left).unwrap_or_else(|_| panic!("no event {kind}"));
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["ev"] == kind {
                return event;
            }
        }
    }

    /// The next line on standard error.
    pub(crate) fn error(&self) -> String {
        self.errors.recv_timeout(PATIENCE).unwrap()
    }

    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    pub(crate) fn exit(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the server does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// A client from 127.0.0.`last`.
    pub(crate) fn client(&self, last: u8) -> Client {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let from: SocketAddr = (IpAddr::from(Ipv4Addr::new(127, 0, 0, last)), 0).into();
        socket.bind(&from.into()).unwrap();
        socket.connect(&self.addr.into()).unwrap();
        Client::new(socket.into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
    });
    receiver
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { reader: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> &mut Self {
        self.stream.write_all(bytes).unwrap();
        self
    }

    /// The next field; `None` at the end of the connection.
    pub(crate) fn field(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        match self.reader.read_until(b'\n', &mut bytes) {
            Ok(0) => None,
            Ok(_) => Some(String::from_utf8(bytes).unwrap()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The reply to a SENDLINE that was sent: number and text, `None` if it was refused.
    pub(crate) fn line(&mut self) -> Option<(u32, String)> {
        let number = self.field().expect("a reply");
        let text = self.field().expect("a text");
        number.trim_end().parse().ok().map(|number| (number, text.trim_end_matches('\n').to_owned()))
    }

    pub(crate) fn draw(&mut self) -> Option<(u32, String)> {
        self.send(b"SENDLINE\n").line()
    }

    /// Sends lines as a SUBMIT; the verdict.
    pub(crate) fn submit<'a>(&mut self, entries: impl ExactSizeIterator<Item = (usize, &'a str)>) -> String {
        let mut bytes = format!("SUBMIT\n2023JCS2542@asap\n{}\n", entries.len());
        entries.for_each(|(number, text)| bytes += &format!("{number}\n{text}\n"));
        self.send(bytes.as_bytes()).field().expect("a verdict")
    }

    /// What comes before the connection ends.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
            _ => rest,
        }
    }
}
