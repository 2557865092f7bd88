//! From `host:port` to addresses, without making the event loop wait.
//!
//! Literal addresses are parsed at once. Names go to one thread, because the system's resolver blocks; the thread
//! begins with the first name and touches nothing but its two bounded channels and the waker. An answer
//! carries the text that was asked for. Dropping the resolver lets the thread end after its current name.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use lineswarm_proto::limits::{ADDRESSES, NAME_BYTES, RESOLVE_QUEUE};
use mio::Waker;

/// Why a text gives no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("`{0}` has no port; write host:port")]
    NoPort(String),
    #[error("`{0}` has a bad port; it is a number from 1 to 65535")]
    BadPort(String),
    #[error("`{0}` has no host, or an IPv6 address without brackets; write host:port or [address]:port")]
    BadHost(String),
    #[error("`{name}` is not found: {why}; check the name and the machine's resolver")]
    NotFound { name: String, why: String },
    #[error(
        "{RESOLVE_QUEUE} names wait to be looked up, this one is asked for again later; the resolver is slow"
    )]
    Busy,
    #[error(
        "no thread can be started to look names up; raise TasksMax=, or give addresses in place of names"
    )]
    NoThread,
}

/// What asking gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Known(SocketAddr),
    /// The waker will tell; the answer comes from [`Resolver::next_answer`].
    Later,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// As it was asked.
    pub(crate) name: String,
    /// Never empty, at most `limits::ADDRESSES`, each once, in the system's order of preference.
    pub(crate) addresses: Result<Vec<SocketAddr>, ResolveError>,
}

type Lookup = Arc<dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

pub(crate) struct Resolver {
    waker: Arc<Waker>,
    lookup: Lookup,
    thread: Option<Thread>,
}

/// The near ends of the thread's channels.
struct Thread {
    requests: Sender<Request>,
    answers: Receiver<Answer>,
}

struct Request {
    name: String,
    host: String,
    port: u16,
}

impl Resolver {
    /// The waker belongs to the poll of the event loop.
    pub(crate) fn new(waker: Arc<Waker>) -> Self {
        Self::with_lookup(waker, Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())))
    }

    fn with_lookup(waker: Arc<Waker>, lookup: Lookup) -> Self {
        Self { waker, lookup, thread: None }
    }

    /// Never blocks.
    pub(crate) fn ask(&mut self, name: &str) -> Result<Asked, ResolveError> {
        if let Ok(address) = name.parse::<SocketAddr>() {
            return match address.port() {
                0 => Err(ResolveError::BadPort(name.to_owned())),
                _ => Ok(Asked::Known(address)),
            };
        }
        let request = split(name)?;
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => Thread::start(Arc::clone(&self.waker), Arc::clone(&self.lookup))?,
        };
        match self.thread.insert(thread).requests.try_send(request) {
            Ok(()) => Ok(Asked::Later),
            Err(TrySendError::Full(_)) => Err(ResolveError::Busy),
            Err(TrySendError::Disconnected(_)) => {
                self.thread = None;
                Err(ResolveError::NoThread)
            }
        }
    }

    /// To be asked until `None` when the waker has woken the loop.
    pub(crate) fn next_answer(&self) -> Option<Answer> {
        self.thread.as_ref()?.answers.try_recv().ok()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.thread.as_ref().map_or(0, |thread| thread.requests.len());
        f.debug_struct("Resolver").field("waiting", &waiting).finish_non_exhaustive()
    }
}

impl Thread {
    fn start(waker: Arc<Waker>, lookup: Lookup) -> Result<Self, ResolveError> {
        let (requests, to_do) = bounded(RESOLVE_QUEUE);
        let (done, answers) = bounded(RESOLVE_QUEUE);
        std::thread::Builder::new()
            .name("resolver".to_owned())
            .spawn(move || run(&to_do, &done, &waker, &lookup))
            .map_err(|_| ResolveError::NoThread)?;
        Ok(Self { requests, answers })
    }
}

/// What the thread does, until the other ends of its channels are gone.
fn run(requests: &Receiver<Request>, answers: &Sender<Answer>, waker: &Waker, lookup: &Lookup) {
    for Request { name, host, port } in requests {
        let addresses = match lookup(&host, port) {
            Ok(found) => some_of(found).ok_or_else(|| "it has no address".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let addresses = addresses.map_err(|why| ResolveError::NotFound { name: name.clone(), why });
        if answers.send(Answer { name, addresses }).is_err() || waker.wake().is_err() {
            return;
        }
    }
}

fn split(name: &str) -> Result<Request, ResolveError> {
    let (host, port) = name.rsplit_once(':').ok_or_else(|| ResolveError::NoPort(name.to_owned()))?;
    let bad_host = host.is_empty() || host.len() > NAME_BYTES || host.contains([':', '[', ']', '\0']);
    if bad_host {
        return Err(ResolveError::BadHost(name.to_owned()));
    }
    match port.parse() {
        Ok(0) | Err(_) => Err(ResolveError::BadPort(name.to_owned())),
        Ok(port) => Ok(Request { name: name.to_owned(), host: host.to_owned(), port }),
    }
}

fn some_of(found: Vec<SocketAddr>) -> Option<Vec<SocketAddr>> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if addresses.len() < ADDRESSES && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    (!addresses.is_empty()).then_some(addresses)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::{Events, Poll, Token};

    use super::*;

    struct Loop {
        poll: Poll,
        resolver: Resolver,
    }

    impl Loop {
        fn new(lookup: Option<Lookup>) -> Self {
            let poll = Poll::new().unwrap();
            let waker = Arc::new(Waker::new(poll.registry(), Token(9)).unwrap());
            let resolver = match lookup {
                Some(lookup) => Resolver::with_lookup(waker, lookup),
                None => Resolver::new(waker),
            };
            Self { poll, resolver }
        }

        /// As the event loop does it: only the waker makes it look.
        fn answer(&mut self) -> Answer {
            let mut events = Events::with_capacity(4);
            loop {
                if let Some(answer) = self.resolver.next_answer() {
                    return answer;
                }
                self.poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
                assert!(!events.is_empty(), "the waker wakes the loop");
            }
        }
    }

    #[test]
    fn literal_addresses_need_no_thread() {
        let mut turn = Loop::new(None);
        for text in ["127.0.0.1:9900", "[::1]:9900"] {
            assert_eq!(turn.resolver.ask(text), Ok(Asked::Known(text.parse().unwrap())));
        }
        assert!(turn.resolver.thread.is_none());
    }

    #[test]
    fn a_name_is_looked_up_and_the_loop_is_woken() {
        let mut turn = Loop::new(None);
        assert_eq!(turn.resolver.ask("localhost:9900"), Ok(Asked::Later));
        let answer = turn.answer();
        assert_eq!(answer.name, "localhost:9900");
        assert!(answer.addresses.unwrap().iter().all(|one| one.ip().is_loopback() && one.port() == 9900));
        assert_eq!(turn.resolver.next_answer(), None);
    }

    #[test]
    fn a_text_that_is_no_address_is_refused_with_its_hint() {
        let mut turn = Loop::new(None);
        let mut ask = |text: &str| turn.resolver.ask(text).unwrap_err();
        let own = str::to_owned;
        assert_eq!(ask("host"), ResolveError::NoPort(own("host")));
        assert_eq!(ask("host:http"), ResolveError::BadPort(own("host:http")));
        assert_eq!(ask("host:0"), ResolveError::BadPort(own("host:0")));
        assert_eq!(ask("127.0.0.1:0"), ResolveError::BadPort(own("127.0.0.1:0")));
        assert_eq!(ask("host:65536"), ResolveError::BadPort(own("host:65536")));
        assert_eq!(ask(":80"), ResolveError::BadHost(own(":80")));
        assert_eq!(ask("::1:80:x"), ResolveError::BadHost(own("::1:80:x")));
        assert!(matches!(ask(&format!("{}:80", "a".repeat(NAME_BYTES + 1))), ResolveError::BadHost(_)));
    }

    #[test]
    fn a_name_without_an_address_and_a_failure_are_answered_too() {
        let mut turn = Loop::new(Some(Arc::new(|host, _| match host {
            "empty" => Ok(Vec::new()),
            _ => Err(io::Error::other("no such host")),
        })));
        for (name, expected) in [("empty:1", "it has no address"), ("none:1", "no such host")] {
            assert_eq!(turn.resolver.ask(name), Ok(Asked::Later));
            let error = turn.answer().addresses.unwrap_err();
            assert_eq!(error, ResolveError::NotFound { name: name.to_owned(), why: expected.to_owned() });
        }
    }

    #[test]
    fn the_addresses_of_a_name_are_distinct_and_bounded() {
        let many = (0..1000_u16).map(|n| SocketAddr::from(([127, 0, 0, 1], 1 + n / 2)));
        let some = some_of(many.collect()).unwrap();
        assert_eq!(some.len(), ADDRESSES);
        assert_eq!(some[ADDRESSES - 1].port(), 64);
    }

    #[test]
    fn a_slow_resolver_fills_its_queue_and_then_says_so() {
        let (go, gate) = bounded::<()>(0);
        let mut turn = Loop::new(Some(Arc::new(move |_, port| {
            let _ = gate.recv();
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        })));
        let mut asked = 0;
        while turn.resolver.ask("slow:7").is_ok() {
            asked += 1;
            assert!(asked <= RESOLVE_QUEUE + 1, "the queue and the one in work");
        }
        assert!(asked >= RESOLVE_QUEUE);
        assert_eq!(turn.resolver.ask("slow:7"), Err(ResolveError::Busy));
        drop(go);
        for _ in 0..asked {
            assert_eq!(turn.answer().addresses.unwrap(), ["127.0.0.1:7".parse().unwrap()]);
        }
    }
}
