//! QUIC: bytes to and from client and node.
//!
//! This crate drives a [`Logic`](synced_protocol::link::Logic) over real sockets. It knows nothing of what the bytes mean; the logic
//! knows nothing of sockets, clocks and threads.
//!
//! ```text
//! ServerEndpoint::bind -+
//!                       +-> Driver: one task, owns the logic  <-- Waker, StopSignal, from any thread
//! ClientEndpoint::new --+     ^ |
//!          arrivals, datagrams| | frames (SendQueue), datagrams
//!                             | v
//!                       ConnectionTask: one per connection, over quinn
//! ```
//!
//! Each turn of the driver takes everything that has happened, the live lane first, tells the logic, performs all outputs, and
//! sleeps until the logic's deadline or the next event. An endpoint is one thread: a hop to another core would cost more than
//! everything that QUIC does to a packet.
//!
//! # A server and its client
//! ```no_run
//! use synced_transport::{
//!     ClientConfig, ClientEndpoint, Identity, ServerConfig, ServerEndpoint, TransportError, Waker,
//! };
//! # use synced_protocol::{link::{Event, Logic, Output}, time::Micros};
//! # struct Node;
//! # struct Player;
//! # macro_rules! logic { ($name:ty) => { impl Logic for $name {
//! #     fn handle(&mut self, _: Micros, _: Event) {}
//! #     fn poll_output(&mut self) -> Option<Output> { None }
//! #     fn poll_deadline(&self) -> Option<Micros> { None }
//! #     fn is_finished(&self) -> bool { false }
//! # } } }
//! # logic!(Node);
//! # logic!(Player);
//! # fn example() -> Result<(), TransportError> {
//! let listen = ([0, 0, 0, 0], synced_transport::DEFAULT_PORT).into();
//! let endpoint = ServerEndpoint::bind(ServerConfig::new(listen, Identity::self_signed()?))?;
//! println!("clients pin #sha256={}", endpoint.fingerprint());
//! let server = endpoint.spawn(Node, Waker::new())?;
//!
//! let waker = Waker::new(); // whoever feeds the player's queues rings a clone of it
//! let address = "localhost".parse().expect("an address");
//! let client = ClientEndpoint::new(ClientConfig::new(address))?.spawn(Player, waker.clone())?;
//!
//! let player: Player = client.join()?;
//! let node: Node = server.join()?;
//! # Ok(())
//! # }
//! ```
//!
//! # A server of a cluster
//! [`ClusterEndpoint`] drives a [`PeerLogic`](synced_protocol::peer::PeerLogic) that has, beside its players, the other servers of
//! its cluster, a [`Disk`] and operators. It has a second port for those, where everyone shows a certificate of the cluster's
//! authority, see [`cluster`]; an operator's tool asks there with [`operator::ask`]. All of it is one thread too: what the
//! leader hears it answers without a word to another core, and peers are served before players, who wait for them.
//! Its deadlines are kept by the system's timer, good to some ten microseconds, since ticks of a millisecond elect leaders; and
//! what has arrived by then is told before the time is.
//!
//! # What a logic can count on
//! - A connection is announced by one `Connected` and ends with one `Closed`. An attempt to connect that fails is a `Closed` alone;
//!   one that is closed before it is up is given up at once. Any number may be under way.
//! - Frames arrive whole, in order, once. What the peer sent before it closed arrives before `Closed`.
//! - After `Output::Close` nothing is heard of the connection but `Closed`. What was sent before is delivered first, within
//!   [`CLOSE_FLUSH_TIME_MAX`](limits::CLOSE_FLUSH_TIME_MAX).
//! - Sending never waits. A peer that lets more than [`SEND_QUEUE_BYTES_MAX`](limits::SEND_QUEUE_BYTES_MAX) pile up, or takes nothing for
//!   [`SEND_STALL_TIME_MAX`](limits::SEND_STALL_TIME_MAX), is cut off with `TooSlow`; datagrams that find the path full push out the oldest that still wait.
//!
//!
//! And a logic of a cluster, of its peers:
//! - `Up` and `Down` take turns for each server. Both sides have said that they take the connection before either hears `Up`.
//!   A lost connection is looked for again at once, and every [`PEER_KNOCK_INTERVAL`](limits::PEER_KNOCK_INTERVAL) while nobody
//!   answers; for the first [`PEER_EAGER_TIME`](limits::PEER_EAGER_TIME) every
//!   [`PEER_EAGER_KNOCK_INTERVAL`](limits::PEER_EAGER_KNOCK_INTERVAL), since more paths are cut for seconds than for hours.
//! - Each lane is in order by itself; the bulk lane gives way. What is sent is delivered, or `Down` follows: within
//!   [`PEER_IDLE_TIMEOUT`](limits::PEER_IDLE_TIMEOUT) when the other server is gone, within
//!   [`PEER_STALL_TIME_MAX`](limits::PEER_STALL_TIME_MAX) when it takes nothing, at once when more than
//!   [`PEER_QUEUE_BYTES_MAX`](limits::PEER_QUEUE_BYTES_MAX) wait.
//! - A write that the disk does at once is told as `Stored` before the next output is asked for. After `StoreFailed` nothing is written.
//! - A server that is no longer wanted gets what was sent to it before. Who is not in the list is not let in.
//!
//! # On the wire
//! TLS 1.3 with the protocol name `synced`, no resumption and no 0-RTT. The client opens the one stream that there may be; each frame
//! goes after its length (u32, little-endian). No UDP payload is larger than
//! [`MAX_UDP_PAYLOAD_BYTES`](synced_protocol::limits::MAX_UDP_PAYLOAD_BYTES).
//!
//! Servers speak `synced-peer/1` among themselves, with two streams: the first byte of each, both ways, is its lane, 1 for the
//! ordered one and 2 for bulk; then frames follow as above. An operator speaks `synced-operator/1`: each stream is one request,
//! whole, and its answer.
//!
//! The congestion window is fixed, since one that shrinks on loss delays the live lane by hundreds of milliseconds. That is not
//! congestion control: the logic must cap its own rate, and lower it when [`TransportStats`] shows loss.

mod accept;
mod address;
mod client;
mod clients;
pub mod clock;
pub mod cluster;
mod connect;
mod connection;
mod disk;
mod driver;
mod error;
mod files;
mod fingerprint;
mod framing;
mod handle;
mod identity;
pub mod limits;
mod link;
mod one_by_one;
pub mod operator;
mod peers;
mod place;
mod players;
mod queue;
mod reader;
mod role;
mod server;
mod settings;
mod side;
mod signals;
mod socket;
mod stats;
#[cfg(test)]
mod testing;
mod text;
mod timer;
mod trust;
mod window;
mod wire;
mod writer;

pub use address::{AddressError, DEFAULT_PORT, ServerAddress};
pub use client::{ClientConfig, ClientEndpoint};
pub use clients::ClientThread;
pub use disk::{Disk, DiskReports, Written};
pub use error::TransportError;
pub use fingerprint::{Fingerprint, NotAFingerprint};
pub use handle::Handle;
pub use identity::{CERTIFICATE_FILE, Identity, KEY_FILE};
pub use peers::endpoint::{ClusterEndpoint, PeerConfig};
pub use place::Place;
pub use server::{ServerConfig, ServerEndpoint};
pub use signals::{StopSignal, Waker};
pub use stats::{TransportCounters, TransportStats};
pub use trust::Trust;
pub use wire::{Network, Wire};
