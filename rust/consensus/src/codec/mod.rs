//! The layout of everything that consensus sends from server to server.

mod versions;

pub use versions::{PEER_VERSION, PEER_VERSION_MIN, PeerVersions};
