//! Every bound of the product in one table. Reaching one is an event, never a surprise.

/// The longest text of one line, in bytes. The real server's longest is 2,541.
pub const TEXT_BYTES: usize = 64 * 1024;
/// The longest decimal field of the line protocol (a line number, a count), in bytes.
pub const NUMBER_BYTES: usize = 20;
/// The longest reply line of the line server to a SUBMIT, in bytes.
pub const REPLY_BYTES: usize = 4 * 1024;
/// The longest request line or identity that a line server reads, in bytes; a verdict that repeats it stays
/// below [`REPLY_BYTES`].
pub const REQUEST_BYTES: usize = 2 * 1024;
/// The most lines a file may have.
pub const LINES: u32 = 16_000_000;
/// The most requests outstanding on one connection to the line server.
pub const PIPELINE: u32 = 4096;
/// A line server's clients at once; a further one is closed.
pub const CLIENTS: usize = 1024;
/// The sessions that a line server remembers; the oldest without a connection goes first.
pub const SESSIONS: usize = 4096;
/// A client of the line server whose unsent replies pass this is closed. One reply may be longer.
pub const REPLIES_BYTES: usize = 16 * 1024 * 1024;

/// The longest peer frame (kind and body), in bytes: a `Have` bitmap of [`LINES`] bits.
pub const FRAME_BYTES: usize = 2 * 1024 * 1024 + 64;
/// The longest body of a message that is no bitmap, in bytes: a batch that a longest line closes, or events of
/// [`RECALL_BYTES`]. Of a bitmap no more is kept than the job has lines.
pub const MESSAGE_BYTES: usize = 128 * 1024;
/// What a peer sent and what was not looked at yet, in bytes: before our `Hello` was said, or as it sends more than a
/// turn's share of what makes work. Beyond that the link ends.
pub const UNREAD_BYTES: usize = 128 * 1024;
/// What a peer may have asked for in one turn before the rest of its messages waits for the next one, in units of about
/// a nanosecond (`engine::outbox`). Lines are not counted: there are no more of them than bytes.
pub const READ_WORK: u64 = 300_000;
/// What no turn may cost, in the same units, whatever peers send.
pub const TURN_WORK: u64 = 2_500_000;
/// Words of bitmaps that are gone through in one turn to find lines to ask for.
pub const TURN_WORDS: usize = 64 * 1024;
/// What handing lines to all links together may cost in one turn before the rest waits for the next one, in the same
/// units: some 4,000 lines.
pub const SERVE_WORK: u64 = 400_000;
/// Messages that wait for the disk; with more, peers are heard only when it has come after.
pub const DEFERRED: usize = 1024;
/// While the number of lines is not known, peers are believed about lines up to this one, or up to four times the highest
/// that was drawn.
pub const UNCOUNTED: u32 = 64 * 1024;
/// A batch of lines is closed when its texts pass this many bytes: a frame that mostly lies within one sealed record
/// ([`RECORD_TEXT_BYTES`]) is read where it lies.
pub const BATCH_BYTES: usize = 15 * 1024;
/// Lines are no longer queued for a peer whose unsent bytes pass this; the rest waits in the arrival log. With many links
/// it is less: each one's share of [`LINKS_QUEUE_BYTES`], see [`queue_bytes`].
pub const PEER_QUEUE_BYTES: usize = 256 * 1024;
/// See [`PEER_QUEUE_BYTES`]; but never less than [`LEAST_QUEUE_BYTES`] for each.
pub const LINKS_QUEUE_BYTES: usize = 4 * 1024 * 1024;
/// See [`LINKS_QUEUE_BYTES`].
pub const LEAST_QUEUE_BYTES: usize = 32 * 1024;
/// The most peers that may be linked at once, whatever `max-peers` says.
pub const PEERS: usize = 1024;
/// The most members that are counted for a quorum; a further node is a guest (docs/election.md).
pub const VOTERS: usize = 33;
/// Links beyond `max-peers` for nodes that come: each is told of others before some link has to go.
pub const ARRIVALS: usize = 16;
/// Where not all are linked to all, what peers sent is passed on over about so many links.
pub const RELAYS: usize = 16;
/// Ids, with their standing, that one message tells of.
pub const TOLD_MEMBERS: usize = 1024;
/// The longest text that says why a link is closed, in bytes.
pub const BYE_BYTES: usize = 200;
/// Peers, with where they can be reached, that one message tells of.
pub const INTRODUCED: usize = 64;
/// The most members that the durable list may hold.
pub const MEMBERS: usize = 4096;
/// A peer that tells of so many more changes of somebody's standing than are known here is not believed.
pub const STANDINGS: u32 = 1 << 20;
/// The longest node name, swarm name or label, in bytes.
pub const NAME_BYTES: usize = 200;

/// The longest configuration file, in bytes; a file of all settings with their comments has 5,000.
pub const CONFIG_BYTES: u64 = 1024 * 1024;
/// The longest key file, in bytes.
pub const KEY_FILE_BYTES: u64 = 4096;

/// The longest control request, in bytes.
pub const CONTROL_REQUEST_BYTES: usize = 64 * 1024;
/// The longest control reply that a client reads: [`PEERS`] peers in one line. Pieces of lines are far shorter.
pub const CONTROL_REPLY_BYTES: usize = 4 * 1024 * 1024;
/// The most control clients at once, on each socket.
pub const CONTROL_CLIENTS: usize = 256;
/// A control client's unsent replies may not pass this; a stream pauses, a slow reader waits. Small, as anybody on the
/// machine may be [`CONTROL_CLIENTS`] readers that never read.
pub const CONTROL_QUEUE_BYTES: usize = 64 * 1024;
/// Lines read from the shared map under one lock.
pub const SLICE_LINES: usize = 256;
/// The most recent events kept for `events --since`.
pub const EVENTS: usize = 1024;
/// The most recent log lines kept for `log`, and the longest part of one that is kept, in bytes.
pub const LOG_LINES: usize = 512;
/// See [`LOG_LINES`].
pub const LOG_LINE_BYTES: usize = 1024;
/// What the events may say that one node tells another of, in bytes: the newest that fit.
pub const RECALL_BYTES: usize = 64 * 1024;
/// Questions for the swarm's recent events that are under way at once.
pub const RECALLS: usize = 16;
/// Handshakes of peers under way at once.
pub const HANDSHAKES: usize = 256;
/// The longest capture of an engine's inputs, in bytes; reaching it ends the capture.
pub const CAPTURE_BYTES: u64 = 64 * 1024 * 1024;
/// The longest state record, in bytes: what fits a slot of the state file (docs/journal-format.md).
pub const STATE_BYTES: usize = 128 * 1024 - 24;
/// Pieces of file work of one kind that wait for a file system: a run of `history.jsonl`, a part of a capture.
pub const BACKGROUND_JOBS: usize = 64;
/// States and requests waiting for the store thread; lines gather beside them, each number once.
pub const STORE_QUEUE: usize = 64;
/// Addresses that are dialled, configured or learnt.
pub const CONTACTS: usize = 1024;
/// Of those, addresses that discovery alone vouches for: anybody on the network can announce some.
pub const FOUND: usize = 256;
/// Instances of one host that are looked at.
pub const INSTANCES: usize = 1024;
/// Network interfaces on which discovery speaks.
pub const INTERFACES: usize = 64;
/// Announcements read from one interface in one turn of the loop.
pub const TURN_ANNOUNCEMENTS: usize = 64;
/// Found addresses waiting for the engine.
pub const FOUND_QUEUE: usize = 256;
/// Peers' Lamport times are believed up to here; our own go on from there by themselves.
pub const LAMPORT: u64 = 1 << 60;
/// A peer whose term or epoch is so far ahead of ours is not believed: they grow one by one, and must never run out.
pub const LEAP: u64 = 1 << 32;
/// A peer that sent so many lines that contradict the line server is dropped.
pub const CONTRADICTIONS: u32 = 3;

/// Bytes queued on one connection that end it: a full peer queue, and two longest frames that came on top.
pub const CONN_QUEUE_BYTES: usize = PEER_QUEUE_BYTES + 2 * FRAME_BYTES;
/// The longest handshake message of a peer link, in bytes.
pub const HANDSHAKE_BYTES: usize = 512;
/// Handshakes under way at once from one source: an IPv4 address or an IPv6 /64.
pub const HANDSHAKES_PER_SOURCE: usize = 64;
/// Connecting and the handshake of a peer link together take at most this long, in ms.
pub const HANDSHAKE_MS: u64 = 5_000;
/// Text that one sealed record carries when we send it, in bytes; a received one may carry 65,519.
pub const RECORD_TEXT_BYTES: usize = 16 * 1024;
/// One direction of a peer link takes its next key after this many records.
pub const RECORDS_PER_KEY: u64 = 4096;
/// What is read from one connection in one turn of the loop, in bytes.
pub const TURN_BYTES: usize = 64 * 1024;
/// The same of a peer, whose bytes are kept twice, sealed and opened.
pub const PEER_TURN_BYTES: usize = 32 * 1024;
/// Connections accepted from one listener in one turn of the loop.
pub const TURN_ACCEPTS: usize = 64;
/// Names waiting for the resolver thread.
pub const RESOLVE_QUEUE: usize = 64;
/// Addresses taken of one resolved name.
pub const ADDRESSES: usize = 64;
/// Source addresses that one node may draw from.
pub const SOURCES: usize = 256;

/// Bytes of lines that may be queued for each of so many links.
#[must_use]
pub fn queue_bytes(links: usize) -> usize {
    (LINKS_QUEUE_BYTES / links.max(1)).clamp(LEAST_QUEUE_BYTES, PEER_QUEUE_BYTES)
}
