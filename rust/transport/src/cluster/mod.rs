//! Who belongs to a cluster: its authority, and the certificates of its servers and of its operator.
//!
//! The authority is a key pair that signs one certificate for each server and one for the operator. A server's certificate
//! serves both of its ports. Players who pin the authority's fingerprint trust every server of the cluster, those to come too.
//!
//! ```no_run
//! # use std::path::Path;
//! # use synced_protocol::id::ServerId;
//! use synced_transport::cluster::{Authority, ClusterId, Credentials, OPERATOR_FILES, SERVER_FILES};
//! # fn example(folder: &Path) -> Result<(), synced_transport::TransportError> {
//! let authority = Authority::create(folder, &ClusterId::random()?)?;
//! authority.operator()?.write(folder, OPERATOR_FILES)?;
//! let certificate = authority.server(ServerId(1), &["game.example.org".to_owned()])?;
//! certificate.write(&folder.join("server-1"), SERVER_FILES)?;
//! println!("players pin #sha256={}", authority.fingerprint());
//!
//! let credentials = Credentials::load(&folder.join("server-1"), SERVER_FILES)?;
//! # Ok(())
//! # }
//! ```

mod authority;
mod chain;
mod credentials;
mod keys;
mod names;
mod verifier;

pub use authority::{Authority, Issued};
pub(crate) use chain::{Usage, check};
pub use credentials::Credentials;
pub use names::{ClusterId, Holder, NotAClusterId};
pub(crate) use verifier::ClusterVerifier;

/// The authority's certificate in the folder of its cluster.
pub const AUTHORITY_FILE: &str = "ca.pem";
/// The authority's private key in the folder of its cluster. Whoever has it can make servers.
pub const AUTHORITY_KEY_FILE: &str = "ca-key.pem";
/// Certificate chain and key of a server in its own folder.
pub const SERVER_FILES: Files = Files {
    certificate: "certificate.pem",
    key: "key.pem",
};
/// Certificate chain and key of the operator in the folder of the cluster.
pub const OPERATOR_FILES: Files = Files {
    certificate: "operator.pem",
    key: "operator-key.pem",
};

/// What the two files of a certificate are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Files {
    /// The certificate's chain, the authority last.
    pub certificate: &'static str,
    /// Its private key.
    pub key: &'static str,
}

#[cfg(test)]
mod tests;
