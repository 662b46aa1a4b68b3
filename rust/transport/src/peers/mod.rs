//! The connections between the servers of a cluster, and with who runs it.
//!
//! Every two servers have one connection, which the one with the lower id opens, from the port that it listens on. It proves by
//! its certificate which server it is, and so does the other. On it go two streams, each with frames after their lengths
//! (u32, little-endian), and datagrams:
//!
//! ```text
//! server 1                                        server 2
//!    | -- TLS, both with certificates of the cluster -> |
//!    | -- stream 0: lane byte 1, then frames ---------> |  known, of this cluster, of a version in common?
//!    | -- stream 4: lane byte 2, then bulk frames ----> |
//!    | <------------------ lane byte 1, then frames --- |  up
//!    | <------------- lane byte 2, then bulk frames --- |
//! up |
//! ```
//!
//! What differs between versions of this is told by the TLS protocol name, `synced-peer/<version>`.

mod acceptance;
mod complaints;
mod connection;
mod dialer;
pub(crate) mod endpoint;
mod knock;
mod lanes;
mod link;
pub(crate) mod refusals;
mod requests;
mod roster;
pub(crate) mod settings;
mod side;
