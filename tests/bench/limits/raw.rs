//! The least that could do the same work: a client that keeps requests outstanding and only counts line feeds, and a
//! server that says one canned line to each request.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

const REQUEST: &[u8] = b"SENDLINE\n";

/// Keeps `depth` requests outstanding until it is dropped, or until `enough` replies came.
pub(crate) struct Client {
    stream: TcpStream,
    replies: Arc<AtomicU64>,
    pub(crate) task: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    pub(crate) fn start(server: &str, depth: usize, enough: u64) -> Self {
        let stream = TcpStream::connect(server).expect("the line server listens");
        stream.set_nodelay(true).unwrap();
        let replies = Arc::new(AtomicU64::new(0));
        let (its, counts) = (stream.try_clone().unwrap(), Arc::clone(&replies));
        let (tell, told) = mpsc::channel();
        let thread = Some(thread::spawn(move || {
            let _ = tell.send(own_task());
            // An error is the end of the server, or of this client.
            let _ = ask(its, depth, enough, &counts);
        }));
        Self { stream, replies, task: told.recv().unwrap(), thread }
    }

    pub(crate) fn replies(&self) -> u64 {
        self.replies.load(Ordering::Relaxed)
    }

    /// Until `enough` replies came.
    pub(crate) fn wait(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Where the kernel tells of the calling thread.
fn own_task() -> PathBuf {
    Path::new("/proc").join(std::fs::read_link("/proc/thread-self").unwrap())
}

fn ask(mut stream: TcpStream, depth: usize, enough: u64, replies: &AtomicU64) -> std::io::Result<()> {
    let requests = REQUEST.repeat(depth);
    let mut buffer = vec![0; 64 * 1024];
    let (mut fields, mut all) = (0, 0);
    stream.write_all(&requests)?;
    while all < enough {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        fields += memchr::memchr_iter(b'\n', &buffer[..count]).count();
        let whole = fields / 2;
        fields %= 2;
        all += whole as u64;
        replies.store(all, Ordering::Relaxed);
        stream.write_all(&requests[..whole * REQUEST.len()])?;
    }
    Ok(())
}

/// Answers one client after another with a line of `text` bytes.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) task: PathBuf,
}

impl Server {
    /// It ends with the process.
    pub(crate) fn start(text: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let _ = tell.send(own_task());
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = serve(stream, text);
            }
        });
        Self { address, task: told.recv().unwrap() }
    }
}

fn serve(mut stream: TcpStream, text: usize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let line = [b"123456\n".to_vec(), vec![b'x'; text], b"\n".to_vec()].concat();
    let lines = line.repeat(8192);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let requests = memchr::memchr_iter(b'\n', &buffer[..count]).count();
        stream.write_all(&lines[..requests * line.len()])?;
    }
}
