//! Every bound of the product in one table. Reaching one is an event, never a surprise.

/// The longest text of one line, in bytes. The real server's longest is 2,541.
pub const TEXT_BYTES: usize = 64 * 1024;
/// The longest decimal field of the line protocol (a line number, a count), in bytes.
pub const NUMBER_BYTES: usize = 20;
/// The longest reply line of the line server to a SUBMIT, in bytes.
pub const REPLY_BYTES: usize = 4 * 1024;
/// The most lines a file may have.
pub const LINES: u32 = 16_000_000;
/// The most requests outstanding on one connection to the line server.
pub const PIPELINE: u32 = 4096;

/// The longest peer frame (kind and body), in bytes: a `Have` bitmap of [`LINES`] bits, or one longest line.
pub const FRAME_BYTES: usize = 2 * 1024 * 1024 + 64;
/// A batch of lines is closed when its texts pass this many bytes.
pub const BATCH_BYTES: usize = 32 * 1024;
/// Lines are no longer queued for a peer whose unsent bytes pass this; the rest waits in the arrival log.
pub const PEER_QUEUE_BYTES: usize = 256 * 1024;
/// The most peers that may be linked at once, whatever `max-peers` says.
pub const PEERS: usize = 1024;
/// The most members that the durable list may hold.
pub const MEMBERS: usize = 4096;
/// The longest node name, swarm name or label, in bytes.
pub const NAME_BYTES: usize = 200;

/// The longest control request, in bytes.
pub const CONTROL_REQUEST_BYTES: usize = 64 * 1024;
/// The longest control reply that a client reads: [`PEERS`] peers in one line. Pieces of lines are far shorter.
pub const CONTROL_REPLY_BYTES: usize = 4 * 1024 * 1024;
/// The most control clients at once, on each socket.
pub const CONTROL_CLIENTS: usize = 256;
/// A control client's unsent replies may not pass this; a stream pauses, a slow reader waits.
pub const CONTROL_QUEUE_BYTES: usize = 1024 * 1024;
/// Lines read from the shared map under one lock.
pub const SLICE_LINES: usize = 256;
/// The most recent events kept for `events --since`.
pub const EVENTS: usize = 1024;
/// Handshakes of peers under way at once.
pub const HANDSHAKES: usize = 256;
/// Line numbers and records waiting for the store thread.
pub const STORE_QUEUE: usize = 8 * 1024;
