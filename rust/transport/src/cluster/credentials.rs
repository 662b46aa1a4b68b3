//! What proves to others of a cluster that one belongs to it.

use std::path::Path;

use rustls::pki_types::{CertificateDer, UnixTime};

use super::{ClusterId, Files, Holder, Issued, Usage, check};
use crate::{error::TransportError, fingerprint::Fingerprint, identity::Identity};

/// The certificate and key of one holder, with the authority that signed it. They have been checked to belong together.
#[derive(Debug, Clone)]
pub struct Credentials {
    identity: Identity,
    holder: Holder,
    cluster: ClusterId,
    authority: CertificateDer<'static>,
}

impl Credentials {
    /// The credentials in the folder `dir`.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should, or the certificate is out of date; the error names the file.
    pub fn load(dir: &Path, names: Files) -> Result<Self, TransportError> {
        let (certificate, key) = (dir.join(names.certificate), dir.join(names.key));
        Self::of(Identity::load(&certificate, &key)?)
            .map_err(|problem| TransportError::file(certificate, problem))
    }

    /// Those of a certificate that was just made.
    ///
    /// # Errors
    /// Never, unless the system's clock is wrong by years.
    pub fn issued(issued: &Issued) -> Result<Self, TransportError> {
        Self::of(Identity::from_pem(
            &issued.certificates_pem,
            &issued.key_pem,
        )?)
        .map_err(|problem| TransportError::system("a certificate", problem))
    }

    fn of(identity: Identity) -> Result<Self, String> {
        let chain = identity.certified_key();
        let [leaf, between @ .., authority] = &chain.cert[..] else {
            return Err(
                "does not hold two certificates, the holder's and the authority's".to_owned(),
            );
        };
        let (holder, cluster) = Holder::named_in(leaf)
            .ok_or("holds the certificate of neither a server nor an operator of a cluster")?;
        check(leaf, between, authority, Usage::Client, UnixTime::now()).map_err(|error| {
            format!("cannot be used: {error}; have the cluster's authority make another")
        })?;
        Ok(Self {
            holder,
            cluster,
            authority: authority.clone(),
            identity,
        })
    }

    /// The certificate with its key, as a server shows them to players too.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whose they are.
    #[must_use]
    pub fn holder(&self) -> Holder {
        self.holder
    }

    /// Of which cluster.
    #[must_use]
    pub fn cluster(&self) -> &ClusterId {
        &self.cluster
    }

    /// What players pin to trust every server of the cluster.
    #[must_use]
    pub fn authority_fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.authority)
    }

    pub(crate) fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }
}
