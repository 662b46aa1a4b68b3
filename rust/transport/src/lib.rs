//! QUIC: bytes to and from client and node.
