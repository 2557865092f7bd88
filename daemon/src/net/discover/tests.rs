use super::{announcement::Announcement, *};
use mio::{Events, Poll};
use std::time::Instant;

const FIRST_TOKEN: usize = 100;

/// Several nodes of one process, each with the ways of a daemon, driven as the event loop drives them.
struct Node {
    poll: Poll,
    discovery: Discovery,
    listen: SocketAddr,
    found: Vec<(SocketAddr, String)>,
    ignored: Vec<&'static str>,
    start: Instant,
}

/// Tests of other processes share the group: only their swarms differ.
fn swarm(name: &str) -> String {
    format!("{name} {}", std::process::id())
}

impl Node {
    fn new(swarm: &str, listen: &str, interface: Option<&str>, name: Option<(&str, u16)>) -> Self {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let listen = listen.parse().unwrap();
        let swarm = SwarmHash::of(swarm);
        let multicast = interface.map(|interface| {
            let registry = poll.registry().try_clone().unwrap();
            Multicast::new(registry, FIRST_TOKEN, vec![interface.into()], swarm, listen, Moment(0))
        });
        let discovery = Discovery {
            host: None,
            multicast,
            names: name.iter().map(|(name, port)| Name::new(name, *port, Moment(0))).collect(),
            resolver: Resolver::new(waker),
            found: VecDeque::new(),
            ignored: Vec::new(),
            rng: fastrand::Rng::with_seed(3),
        };
        Self { poll, discovery, listen, found: Vec::new(), ignored: Vec::new(), start: Instant::now() }
    }

    fn turn(&mut self) {
        let mut events = Events::with_capacity(16);
        let wait = if self.discovery.is_busy() { Duration::ZERO } else { Duration::from_millis(5) };
        self.poll.poll(&mut events, Some(wait)).unwrap();
        for event in &events {
            self.discovery.on_ready(event.token());
        }
        let now = Moment(u64::try_from(self.start.elapsed().as_micros()).unwrap());
        self.discovery.turn(now, &|| true);
        while let Some(found) = self.discovery.next_found() {
            self.found.push((found.address, found.how.to_string()));
        }
        self.ignored.extend(self.discovery.take_ignored());
    }

    fn knows(&self, other: &Node) -> bool {
        self.found.iter().any(|(address, _)| *address == other.listen)
    }
}

fn until(nodes: &mut [Node], what: &str, done: impl Fn(&[Node]) -> bool) {
    let start = Instant::now();
    while !done(nodes) {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} within 20 s");
        nodes.iter_mut().for_each(Node::turn);
    }
}

#[test]
fn daemons_of_one_swarm_find_each_other_by_multicast_and_never_themselves() {
    let name = swarm("lan");
    let mut nodes: Vec<_> = (1..=3)
        .map(|n| Node::new(&name, &format!("127.0.0.{}:{}", 200 + n, 40_000 + n), Some("lo"), None))
        .collect();
    nodes.push(Node::new(&swarm("another"), "127.0.0.204:40004", Some("lo"), None));
    until(&mut nodes, "all three", |nodes| {
        (0..3).all(|a| (0..3).all(|b| a == b || nodes[a].knows(&nodes[b])))
    });
    until(&mut nodes, "the other swarm is heard", |nodes| {
        nodes[0].ignored.contains(&"announcement-other-swarm")
    });
    for node in &nodes {
        assert!(!node.knows(node));
        assert!(node.found.iter().all(|(_, how)| how == "multicast:lo"));
    }
    assert!(nodes[3].found.is_empty());
}

#[test]
fn an_announcement_that_names_a_third_party_is_ignored() {
    let name = swarm("third");
    let mut nodes = [Node::new(&name, "127.0.0.211:40011", Some("lo"), None)];
    nodes[0].turn();
    let third = Announcement { newcomer: false, ip: Some([192, 0, 2, 1].into()), port: 80 };
    let forger = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let forger = socket2::Socket::from(forger);
    forger.set_multicast_if_v4(&std::net::Ipv4Addr::LOCALHOST).unwrap();
    let group: SocketAddr = "239.255.76.83:9900".parse().unwrap();
    forger.send_to(&third.write(SwarmHash::of(&name)), &group.into()).unwrap();
    until(&mut nodes, "it is counted", |nodes| nodes[0].ignored.contains(&"announcement-damaged"));
    assert!(nodes[0].found.is_empty());
}

#[test]
fn the_addresses_of_a_name_are_found() {
    let mut nodes = [Node::new("s", "127.0.0.1:1", None, Some(("localhost", 40_021)))];
    until(&mut nodes, "localhost", |nodes| !nodes[0].found.is_empty());
    for (address, how) in &nodes[0].found {
        assert!(address.ip().is_loopback() && address.port() == 40_021);
        assert_eq!(how, "dns:localhost");
    }
    assert_eq!(nodes[0].discovery.ways(), ["dns:localhost"]);
}

#[test]
fn an_interface_that_is_not_there_is_looked_for_again() {
    let mut node = Node::new("s", "127.0.0.1:1", Some("lo-none"), None);
    node.turn();
    let (at, busy) = (node.discovery.deadline().unwrap(), node.discovery.is_busy());
    assert!(at > Moment(100_000) && !busy && node.discovery.ways().is_empty());
}
