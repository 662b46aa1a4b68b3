//! Every limit of the transport by name, and the relations between them, proved at compile time.
//!
//! What one peer can make this process hold is bounded by the sum of [`STREAM_WINDOW_BYTES`],
//! [`DATAGRAM_RECEIVE_BUFFER_BYTES`], [`SEND_QUEUE_BYTES_MAX`], [`SEND_WINDOW_BYTES`] and one frame.

use std::time::Duration;

use synced_protocol::limits::{MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES, MAX_SERVERS, MAX_WORLD_BYTES};

/// The most connections of one server, those in their handshake included, unless its configuration says otherwise.
pub const CONNECTIONS_MAX: usize = 1024;
/// The most handshakes in progress at one server; one more is refused.
pub const HANDSHAKES_MAX: usize = 256;
/// From this many handshakes in progress on, a client must first prove that it can be reached at its address.
pub const HANDSHAKES_UNVALIDATED_MAX: usize = 64;
/// How long one handshake may take at the server.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// What a server buffers for one connection attempt before it has looked at it, in bytes.
pub const INCOMING_BUFFER_BYTES: u64 = 16 * 1024;
/// The same for all attempts together, in bytes.
pub const INCOMING_BUFFERS_BYTES: u64 = 1024 * 1024;

/// How much of the confirmed lane a peer may send ahead of what has been read, in bytes.
pub const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// How many bytes of the confirmed lane are handed to QUIC and kept until acknowledged.
pub const SEND_WINDOW_BYTES: u64 = 512 * 1024;
/// How many bytes of frames may wait for a peer that takes them too slowly, before it is cut off: a whole world for one
/// that joins, and what happens meanwhile.
pub const SEND_QUEUE_BYTES_MAX: usize = MAX_WORLD_BYTES + 4 * 1024 * 1024;
/// How long frames may wait for a peer that takes none at all, before it is cut off.
pub const SEND_STALL_TIME_MAX: Duration = Duration::from_secs(5);
/// How many datagram bytes may wait to be sent; beyond, the oldest are dropped.
pub const DATAGRAM_SEND_BUFFER_BYTES: usize = 16 * 1024;
/// How many datagram bytes of one peer may wait to be read; beyond, the oldest are dropped.
pub const DATAGRAM_RECEIVE_BUFFER_BYTES: usize = 256 * 1024;
/// The congestion window of a connection, in bytes; see [`crate`].
pub const CONGESTION_WINDOW_BYTES: u64 = 256 * 1024;
/// What is asked of the system for a socket's send and receive buffers, in bytes each; it may grant less.
pub const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// How many frames and other arrivals of all connections may wait for the logic; beyond, readers wait, and so do peers.
pub const ARRIVALS_MAX: usize = 64;
/// How many datagrams of all connections may wait for the logic; beyond, they wait in their own connection's buffer.
pub const DATAGRAMS_MAX: usize = 1024;

/// A connection that was silent for so long is gone.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(3);
/// A client that has nothing to say says so after this long.
pub const KEEP_ALIVE: Duration = Duration::from_millis(500);
/// How long a closing connection may take to deliver what was queued before.
pub const CLOSE_FLUSH_TIME_MAX: Duration = Duration::from_secs(2);
/// How long an endpoint waits, when all is closed, for its peers to have heard it.
pub const DRAIN_TIME_MAX: Duration = Duration::from_millis(500);
/// How long a client tries to connect unless told otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client waits for one address of a server before it also tries the next.
pub const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(100);
/// The most servers that one address can name.
pub const SERVERS_MAX: usize = MAX_SERVERS;
/// The most addresses of one server name that a client tries.
pub const ADDRESSES_MAX: usize = 8;
/// A logic whose deadline stays in the past is woken no more often than this.
pub const WAKE_INTERVAL_MIN: Duration = Duration::from_millis(1);
/// How often the statistics of a connection are added to those of its endpoint.
pub const STATS_INTERVAL: Duration = Duration::from_millis(250);

const _: () = assert!(MAX_FRAME_BYTES < STREAM_WINDOW_BYTES as usize);
const _: () = assert!(MAX_FRAME_BYTES < SEND_QUEUE_BYTES_MAX);
const _: () = assert!(4 * MAX_DATAGRAM_BYTES < DATAGRAM_SEND_BUFFER_BYTES);
const _: () = assert!(DATAGRAM_SEND_BUFFER_BYTES < DATAGRAM_RECEIVE_BUFFER_BYTES);
const _: () = assert!(HANDSHAKES_UNVALIDATED_MAX < HANDSHAKES_MAX);
const _: () = assert!(HANDSHAKES_MAX <= CONNECTIONS_MAX);
const _: () = assert!(ARRIVALS_MAX * MAX_FRAME_BYTES <= SEND_QUEUE_BYTES_MAX);
const _: () = assert!(3 * KEEP_ALIVE.as_millis() < IDLE_TIMEOUT.as_millis());
const _: () = assert!(NEXT_ADDRESS_AFTER.as_millis() < CONNECT_TIMEOUT.as_millis());
