//! From the last line to all peers and to the SUBMIT, with a line server of the bench's own that knows when it says the
//! last line; and what a control call costs, alone and in a crowd.

use crate::{
    sheet::{Bar, Sheet, in_turn, median, ms, timed},
    support::{Client, Daemon, swarm},
};
use lineswarm_proto::{
    ids::LineNumber,
    wire::line::{RESET_DONE, Request, RequestReader, Score, line_entry, success},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Barrier, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const LINES: u32 = 64;
const PEERS: usize = 4;

/// A line server that gives each line once, and keeps the last one back until it is told.
struct Held {
    address: SocketAddr,
    shop: Arc<(Mutex<Shop>, Condvar)>,
}

#[derive(Default)]
struct Shop {
    next: u32,
    /// Clients whose request waits, by their connection.
    waiting: BTreeMap<u64, TcpStream>,
    /// When the first SUBMIT of this round began.
    submit: Option<Instant>,
}

impl Held {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shop = Arc::<(Mutex<Shop>, Condvar)>::default();
        let its = Arc::clone(&shop);
        thread::spawn(move || {
            for (id, stream) in (0..).zip(listener.incoming().map_while(Result::ok)) {
                let shop = Arc::clone(&its);
                thread::spawn(move || {
                    let _ = serve(id, stream, &shop);
                    shop.0.lock().unwrap().waiting.remove(&id);
                });
            }
        });
        Self { address, shop }
    }

    /// All lines but the last are out, and all clients wait for an answer.
    fn wait_for_all(&self, clients: usize) {
        let (shop, changed) = &*self.shop;
        let ready = |shop: &mut Shop| shop.next < LINES - 1 || shop.waiting.len() < clients;
        drop(changed.wait_while(shop.lock().unwrap(), ready).unwrap());
    }

    /// Says the last line to one and an old one to the others: when?
    fn release(&self) -> Instant {
        let mut shop = self.shop.0.lock().unwrap();
        shop.next = LINES;
        let mut number = LINES - 1;
        let waiting = std::mem::take(&mut shop.waiting);
        let begun = Instant::now();
        for (_, mut stream) in waiting {
            let _ = stream.write_all(&line(number));
            number = 0;
        }
        begun
    }

    fn submitted(&self) -> Instant {
        let (shop, changed) = &*self.shop;
        changed.wait_while(shop.lock().unwrap(), |shop| shop.submit.is_none()).unwrap().submit.unwrap()
    }

    fn start_over(&self) {
        let mut shop = self.shop.0.lock().unwrap();
        (shop.next, shop.submit) = (0, None);
        shop.waiting.clear();
    }
}

fn line(number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    line_entry(LineNumber(number), format!("the text of line {number:060}").as_bytes(), &mut bytes);
    bytes
}

fn serve(id: u64, mut stream: TcpStream, (shop, changed): &(Mutex<Shop>, Condvar)) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = RequestReader::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        let now = Instant::now();
        if count == 0 {
            return Ok(());
        }
        let mut input = &buffer[..count];
        while let Ok(Some(request)) = reader.next(&mut input) {
            match request {
                Request::SendLine => {
                    let mut shop = shop.lock().unwrap();
                    if shop.next < LINES - 1 {
                        shop.next += 1;
                        stream.write_all(&line(shop.next - 1))?;
                    } else if shop.next < LINES {
                        shop.waiting.insert(id, stream.try_clone()?);
                    } else {
                        stream.write_all(&line(0))?;
                    }
                    changed.notify_all();
                }
                Request::Submit { .. } => {
                    shop.lock().unwrap().submit.get_or_insert(now);
                    changed.notify_all();
                }
                Request::Entry { left: 0, .. } => stream.write_all(&verdict())?,
                Request::SessionReset => stream.write_all(RESET_DONE)?,
                _ => {}
            }
        }
    }
}

fn verdict() -> Vec<u8> {
    let score = Score {
        ip: "127.0.0.1".into(),
        correct: LINES.into(),
        incorrect: 0,
        lines_read: LINES.into(),
        sent_in_session: LINES.into(),
        sent_in_connection: LINES.into(),
        max_lines: LINES.into(),
        session_start: 0,
        connection_start: 0,
        submitted: 0,
        identity: "2023JCS2542@asap".into(),
    };
    let mut bytes = Vec::new();
    success(&score, &mut bytes);
    bytes
}

/// Milliseconds from the last line until all hold it, and until the SUBMIT came.
fn last_line(server: &Held, daemons: &[Daemon]) -> (f64, f64) {
    server.wait_for_all(daemons.len());
    let waits: Vec<_> = daemons
        .iter()
        .map(|daemon| {
            let mut client = daemon.client();
            client.send(b"{\"cmd\":\"wait\",\"until\":\"complete\"}\n");
            thread::spawn(move || {
                client.read();
                Instant::now()
            })
        })
        .collect();
    // The waits must have arrived: each daemon answers in order.
    daemons.iter().for_each(|daemon| drop(daemon.status()));
    let begun = server.release();
    let held = waits.into_iter().map(|wait| wait.join().unwrap()).max().unwrap();
    let submitted = server.submitted();
    daemons.iter().for_each(|daemon| drop(daemon.wait("submitted")));
    server.start_over();
    daemons[0].client().ask(json!({"cmd": "reset", "swarm": true})).unwrap();
    (ms(held - begun), ms(submitted - begun))
}

fn start(directory: &Path, server: &Held) -> Vec<Daemon> {
    let lines = LINES.to_string();
    let daemons =
        swarm(directory, &server.address.to_string(), PEERS, &["--lines", &lines, "--pipeline", "1"]);
    daemons.iter().for_each(|daemon| drop(daemon.wait(&format!("peers={}", PEERS - 1))));
    daemons.iter().for_each(|daemon| drop(daemon.wait("master")));
    daemons
}

/// The median of the slowest of so many small writes at once, each with its way to the disk.
fn sync_ms(directory: &Path, at_once: usize) -> f64 {
    let start = Barrier::new(at_once);
    let start = &start;
    let one = |at| {
        let mut file = File::create(directory.join(format!("sync{at}"))).unwrap();
        let mut sync = |_| {
            file.write_all(&[1; 512]).unwrap();
            start.wait();
            timed(|| file.sync_data().unwrap()).0
        };
        (0..31).map(&mut sync).collect::<Vec<_>>()
    };
    let took: Vec<_> = thread::scope(|scope| {
        let writers: Vec<_> = (0..at_once).map(|at| scope.spawn(move || one(at))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let slowest = |round: usize| took.iter().map(|of| of[round]).fold(0.0, f64::max);
    median((0..31).map(slowest).collect())
}

pub(crate) fn submit(sheet: &mut Sheet) {
    for (place, directory) in places() {
        let server = Held::start();
        let daemons = start(directory.path(), &server);
        let runs: Vec<_> = (0..sheet.rounds * 4).map(|_| last_line(&server, &daemons)).collect();
        // The master's, then that of all its peers, whose acknowledgements it waits for.
        let [first, second] = [1, PEERS - 1].map(|at_once| sync_ms(directory.path(), at_once));
        let held = median(runs.iter().map(|(held, _)| *held).collect());
        let submitted = median(runs.iter().map(|(_, submitted)| *submitted).collect());
        let of = format!("state directory {place}, {} runs", runs.len());
        sheet.figure("last line to all of 4 peers, ms", held, Bar::AtMost(1.0), &of);
        let of = format!("bar: 2 ms, an fdatasync of {first:.2} ms, {} at once of {second:.2} ms", PEERS - 1);
        let name = format!("last line to SUBMIT, ms, state {place}");
        sheet.figure(&name, submitted, Bar::AtMost(2.0 + first + second), &of);
    }
}

/// In memory, where a sync costs nothing, and on the disk.
fn places() -> Vec<(&'static str, tempfile::TempDir)> {
    let memory = tempfile::tempdir_in("/dev/shm").ok().map(|directory| ("in memory", directory));
    memory.into_iter().chain([("on disk", tempfile::tempdir().unwrap())]).collect()
}

/// A connection to the status socket, past its greeting.
fn look(daemon: &Daemon) -> Client {
    Client::connect(&daemon.directory.join("status.sock"))
}

pub(crate) fn control(sheet: &mut Sheet) {
    let directory = tempfile::tempdir().unwrap();
    let server = Held::start();
    let daemons = start(directory.path(), &server);
    let daemon = &daemons[0];
    let ctl = Path::new(env!("CARGO_BIN_EXE_lineswarmd")).with_file_name("lineswarmctl");
    if ctl.exists() {
        let run = |command: &mut Command| {
            let (took, status) = timed(|| command.stdout(Stdio::null()).stderr(Stdio::null()).status());
            assert!(status.unwrap().success());
            took
        };
        let socket = daemon.socket();
        let (_, ours, bare) = in_turn(
            sheet.rounds * 10,
            || run(Command::new(&ctl).arg("--socket").arg(&socket).arg("status")),
            || run(&mut Command::new("/bin/true")),
        );
        let of = format!("bar: twice /bin/true ({bare:.2} ms) and 1 ms");
        sheet.figure("lineswarmctl status, ms", ours, Bar::AtMost(2.0 * bare + 1.0), &of);
    } else {
        sheet.skipped("lineswarmctl status, ms", "cargo build --release -p lineswarmctl");
    }
    let mut client = look(daemon);
    let asked = (0..2000).map(|_| timed(|| client.ask(json!({"cmd": "status"})).unwrap()).0).collect();
    sheet.figure(
        "a status request on an open connection, ms",
        median(asked),
        Bar::AtMost(0.1),
        "2000 requests",
    );
    crowded(sheet, &server, &daemons);
}

/// 100 clients, one that never reads, and one that says half a line: is the swarm's own work slower?
fn crowded(sheet: &mut Sheet, server: &Held, daemons: &[Daemon]) {
    let asking = Arc::new(AtomicBool::new(false));
    let mut deaf = UnixStream::connect(daemons[0].socket()).unwrap();
    deaf.set_nonblocking(true).unwrap();
    while deaf.write_all(b"{\"cmd\":\"stats\"}\n").is_ok() {}
    let mut half = UnixStream::connect(daemons[0].socket()).unwrap();
    half.write_all(b"{\"cmd\":").unwrap();
    let _clients: Vec<_> = (0..100)
        .map(|at| {
            let (mut client, asking) = (look(&daemons[at % daemons.len()]), Arc::clone(&asking));
            thread::spawn(move || {
                loop {
                    if asking.load(Ordering::Relaxed) {
                        let _ = client.ask(json!({"cmd": "status"}));
                    }
                    thread::park_timeout(Duration::from_millis(100));
                }
            })
        })
        .collect();
    let (share, crowded, alone) = in_turn(
        sheet.rounds * 4,
        || {
            asking.store(true, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(100));
            let held = last_line(server, daemons).0;
            asking.store(false, Ordering::Relaxed);
            held
        },
        || last_line(server, daemons).0,
    );
    let of = format!("{crowded:.2} against {alone:.2} ms to all of 4 peers");
    sheet.figure("line latency with 102 control clients / without", share, Bar::AtMost(1.5), &of);
    drop((deaf, half));
}
