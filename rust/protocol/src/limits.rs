//! Every limit of the protocol by name, and the relations between them, proved at compile time.

/// The largest UDP payload that any endpoint sends, in bytes: an IPv4 packet of 1228.
pub const MAX_UDP_PAYLOAD_BYTES: usize = 1200;
/// The largest datagram of the live lane, in bytes. QUIC's own framing and 0-RTT leave at least this of
/// [`MAX_UDP_PAYLOAD_BYTES`], and 40 bytes more, so that an acknowledgement can share the packet.
pub const MAX_DATAGRAM_BYTES: usize = 1110;
/// The largest frame of the confirmed lane, in bytes, without its length prefix.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;
/// The largest frame between two servers of a cluster, in bytes: many entries at once, the largest fits alone.
pub const MAX_PEER_FRAME_BYTES: usize = 256 * 1024;
/// The most servers of a cluster, those on their way in or out included.
pub const MAX_SERVERS: usize = 15;
/// The largest mutation, encoded, in bytes. A transaction counts as one.
pub const MAX_MUTATION_BYTES: usize = 32 * 1024;
/// The largest value, encoded, in bytes.
pub const MAX_VALUE_BYTES: usize = 16 * 1024;
/// The largest value that may travel on the live lane, encoded, in bytes.
pub const MAX_LIVE_VALUE_BYTES: usize = 512;
/// How deep arrays and dictionaries may nest in a value.
pub const MAX_VALUE_DEPTH: usize = 8;
/// The most properties of one node.
pub const MAX_PROPERTIES: usize = 64;
/// The longest node path, property path, scene path, method or player name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 256;
/// The longest game name or version, in bytes of UTF-8.
pub const MAX_GAME_BYTES: usize = 64;
/// The most guards and the most mutations of one transaction.
pub const MAX_TRANSACTION_STEPS: usize = 64;
/// The most arguments of a call.
pub const MAX_CALL_ARGUMENTS: usize = 16;
/// The largest node with all its names and values, encoded, in bytes: whatever one mutation can spawn, and whatever it
/// grows to must still fit one frame of a snapshot.
pub const MAX_NODE_BYTES: usize = 48 * 1024;
/// The largest world, as the sum of its nodes' bytes.
pub const MAX_WORLD_BYTES: usize = 16 * 1024 * 1024;
/// The most nodes of one world; authored nodes that were despawned count, since they are remembered.
pub const MAX_NODES: usize = 65_536;
/// The most nodes that one player may not want. The leader passes over those beyond: it relays them all the same.
pub const MAX_UNWANTED_NODES: usize = 4_096;
/// The deepest chain of node under node in one world.
pub const MAX_TREE_DEPTH: usize = 64;

const _: () = assert!(MAX_DATAGRAM_BYTES + 90 <= MAX_UDP_PAYLOAD_BYTES);
const _: () = assert!(MAX_MUTATION_BYTES + 1024 <= MAX_FRAME_BYTES);
const _: () = assert!(MAX_MUTATION_BYTES + 4096 <= MAX_NODE_BYTES);
const _: () = assert!(MAX_NODE_BYTES + 1024 <= MAX_FRAME_BYTES);
const _: () = assert!(2 * MAX_FRAME_BYTES <= MAX_PEER_FRAME_BYTES);
const _: () = assert!(MAX_VALUE_BYTES < MAX_MUTATION_BYTES);
const _: () = assert!(MAX_LIVE_VALUE_BYTES < MAX_VALUE_BYTES);
const _: () = assert!(MAX_LIVE_VALUE_BYTES + 64 < MAX_DATAGRAM_BYTES);
