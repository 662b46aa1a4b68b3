//! Every limit of the transport by name, and the relations between them, proved at compile time.
//!
//! What one peer can make this process hold is bounded by the sum of [`STREAM_WINDOW_BYTES`],
//! [`DATAGRAM_RECEIVE_BUFFER_BYTES`], [`SEND_QUEUE_BYTES_MAX`], [`SEND_WINDOW_BYTES`] and one frame; another server, by those of
//! the like names, where each lane has a queue and a frame.

use std::{ops::RangeInclusive, time::Duration};

use synced_protocol::limits::{
    MAX_DATAGRAM_BYTES, MAX_FRAME_BYTES, MAX_PEER_FRAME_BYTES, MAX_SERVERS, MAX_WORLD_BYTES,
};
use synced_protocol::time::Micros;

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

/// How much that a logic asks for is done before the connections get to send and receive again.
pub const OUTPUTS_MAX: usize = 1024;

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
pub const WAKE_INTERVAL_MIN: Micros = Micros(200);
/// How often the statistics of a connection are added to those of its endpoint.
pub const STATS_INTERVAL: Duration = Duration::from_millis(250);

/// Which versions of the protocol of connections between servers this program speaks: its own and, from the second on, the one
/// before, so that a cluster can be upgraded server by server.
pub const PEER_VERSIONS: RangeInclusive<u16> = 1..=1;
/// The most connections that others may open at a server's port for peers and operators, those in their handshake included.
pub const PEER_CONNECTIONS_MAX: usize = 64;
/// From this many handshakes in progress on, whoever connects to that port must first prove that it can be reached.
pub const PEER_HANDSHAKES_UNVALIDATED_MAX: usize = 16;
/// How many streams others may have open at a time: a server its two lanes, an operator so many requests.
pub const PEER_STREAMS_MAX: u32 = 2;
/// How long each part of the handshake between servers may take at the side that accepts, and until the lanes are open.
pub const PEER_GREETING_TIME_MAX: Duration = Duration::from_secs(1);
/// How long another server may take to answer a knock, and then for the rest of the handshake; in silence each ends with
/// [`PEER_IDLE_TIMEOUT`].
pub const PEER_CONNECT_TIME_MAX: Duration = Duration::from_millis(500);
/// A connection between servers that was silent for so long is gone. Longer than the stalls that virtual machines were seen
/// to have (160 ms), or each would cost every server all of its connections.
pub const PEER_IDLE_TIMEOUT: Duration = Duration::from_millis(200);
/// A server that has nothing to say to another says so after this long.
pub const PEER_KEEP_ALIVE: Duration = Duration::from_millis(50);
/// A connection between servers that lived so long is looked for again at once however it ends; a shorter one only when it fell
/// silent.
pub const PEER_STABLE_TIME_MIN: Duration = Duration::from_secs(1);
/// How often a server is knocked at that does not answer.
pub const PEER_KNOCK_INTERVAL: Duration = Duration::from_millis(50);
/// How often it is knocked at, beside that, where it was until a moment ago: so soon a path is noticed that is open again.
pub const PEER_EAGER_KNOCK_INTERVAL: Duration = Duration::from_millis(5);
/// For how long it is.
pub const PEER_EAGER_TIME: Duration = Duration::from_secs(5);
/// How long each such knock waits for an answer. Servers further away than that answer others.
pub const PEER_EAGER_KNOCK_TIME_MAX: Duration = Duration::from_millis(20);
/// The first pause after another server has refused; it doubles from one to the next.
pub const PEER_PAUSE_MIN: Duration = Duration::from_millis(10);
/// The longest pause after another server has refused.
pub const PEER_PAUSE_MAX: Duration = Duration::from_millis(500);
/// How much of one lane another server may send ahead of what has been read, in bytes.
pub const PEER_STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// How many bytes of frames for another server are handed to QUIC and kept until acknowledged.
pub const PEER_SEND_WINDOW_BYTES: u64 = 2 * 1024 * 1024;
/// The congestion window between servers, in bytes; fixed, as that of players.
pub const PEER_CONGESTION_WINDOW_BYTES: u64 = 512 * 1024;
/// How many datagram bytes may wait to be sent to another server; beyond, the oldest are dropped. A follower is told of many
/// live values at once.
pub const PEER_DATAGRAM_SEND_BUFFER_BYTES: usize = 128 * 1024;
/// How many bytes of frames may wait in one lane for a server that takes them too slowly, before it is cut off.
pub const PEER_QUEUE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long frames may wait for a server that takes none at all, before it is cut off.
pub const PEER_STALL_TIME_MAX: Duration = Duration::from_secs(2);
/// How long a closing connection between servers may take to deliver what was queued before.
pub const PEER_FLUSH_TIME_MAX: Duration = Duration::from_millis(500);
/// How many bulk frames of all servers may wait for the logic; beyond, they wait in their own connection's buffer.
pub const PEER_BULK_FRAMES_MAX: usize = 8;
/// The longest request of an operator, in bytes.
pub const OPERATOR_REQUEST_BYTES_MAX: usize = 64 * 1024;
/// The longest answer to an operator, in bytes.
pub const OPERATOR_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long an operator's request may take to be heard and answered.
pub const OPERATOR_TIME_MAX: Duration = Duration::from_secs(30);
/// Each kind of refusal, and each server that cannot be reached, is named in the log once within this time.
pub const REFUSAL_LOG_INTERVAL: Duration = Duration::from_secs(60);

const _: () = assert!(MAX_PEER_FRAME_BYTES < PEER_STREAM_WINDOW_BYTES as usize);
const _: () = assert!(MAX_PEER_FRAME_BYTES < PEER_QUEUE_BYTES_MAX);
const _: () = assert!(PEER_DATAGRAM_SEND_BUFFER_BYTES as u64 <= PEER_CONGESTION_WINDOW_BYTES);
const _: () = assert!(MAX_SERVERS * 2 <= PEER_CONNECTIONS_MAX);
const _: () = assert!(PEER_HANDSHAKES_UNVALIDATED_MAX < PEER_CONNECTIONS_MAX);
const _: () = assert!(3 * PEER_KEEP_ALIVE.as_millis() < PEER_IDLE_TIMEOUT.as_millis());
const _: () = assert!(PEER_EAGER_KNOCK_INTERVAL.as_millis() < PEER_KNOCK_INTERVAL.as_millis());
// What waits at a server when none of its answers arrive; another needs no proof of its address.
const _: () = assert!(
    PEER_EAGER_KNOCK_TIME_MAX.as_millis() / PEER_EAGER_KNOCK_INTERVAL.as_millis()
        + PEER_IDLE_TIMEOUT.as_millis() / PEER_KNOCK_INTERVAL.as_millis()
        < PEER_HANDSHAKES_UNVALIDATED_MAX as u128
);
const _: () = assert!(PEER_PAUSE_MIN.as_millis() < PEER_PAUSE_MAX.as_millis());
const _: () = assert!(MAX_FRAME_BYTES < STREAM_WINDOW_BYTES as usize);
const _: () = assert!(MAX_FRAME_BYTES < SEND_QUEUE_BYTES_MAX);
const _: () = assert!(4 * MAX_DATAGRAM_BYTES < DATAGRAM_SEND_BUFFER_BYTES);
const _: () = assert!(DATAGRAM_SEND_BUFFER_BYTES < DATAGRAM_RECEIVE_BUFFER_BYTES);
const _: () = assert!(HANDSHAKES_UNVALIDATED_MAX < HANDSHAKES_MAX);
const _: () = assert!(HANDSHAKES_MAX <= CONNECTIONS_MAX);
const _: () = assert!(ARRIVALS_MAX * MAX_FRAME_BYTES <= SEND_QUEUE_BYTES_MAX);
const _: () = assert!(3 * KEEP_ALIVE.as_millis() < IDLE_TIMEOUT.as_millis());
const _: () = assert!(NEXT_ADDRESS_AFTER.as_millis() < CONNECT_TIMEOUT.as_millis());
