//! Which server certificates a client accepts.

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::{
    cluster::{self, Usage},
    error::TransportError,
    fingerprint::Fingerprint,
    identity, settings,
};

/// Which server certificates a client accepts. A fingerprint in the server's address comes before all of these.
///
/// Whatever is chosen, the server must prove in the handshake that it holds the certificate's key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// The certificate with this fingerprint, whatever its names and dates, and those that it signed for servers, whatever
    /// their names: where it is the authority of a cluster, each of its servers.
    Fingerprint(Fingerprint),
    /// Certificates for the server's name that lead to a root in this PEM file.
    Roots(PathBuf),
    /// Certificates for the server's name that lead to a root that this system trusts.
    SystemRoots,
    /// Any certificate of a server on this very machine, whose traffic does not leave it, so that development needs no
    /// configuration; as [`SystemRoots`](Self::SystemRoots) for all others.
    #[default]
    LoopbackOrSystem,
}

/// [`Trust`] with its files read.
#[derive(Debug, Clone)]
pub(crate) enum Policy {
    Pinned(Fingerprint),
    Roots(Arc<RootCertStore>),
    System,
    LoopbackOrSystem,
}

impl Policy {
    pub(crate) fn new(trust: &Trust, pinned: Option<Fingerprint>) -> Result<Self, TransportError> {
        Ok(match (pinned, trust) {
            (Some(pin), _) => Self::Pinned(pin),
            (None, Trust::Fingerprint(pin)) => Self::Pinned(*pin),
            (None, Trust::Roots(path)) => Self::Roots(roots_in(path)?),
            (None, Trust::SystemRoots) => Self::System,
            (None, Trust::LoopbackOrSystem) => Self::LoopbackOrSystem,
        })
    }

    /// The verifier for a server at `ip`. Reads the system's roots when it needs them, so it may block.
    pub(crate) fn verifier(&self, ip: IpAddr) -> Result<Arc<Verifier>, TransportError> {
        let accepts = match self {
            Self::Pinned(pin) => Accepts::Only(*pin),
            Self::LoopbackOrSystem if ip.to_canonical().is_loopback() => Accepts::Any,
            Self::Roots(roots) => Accepts::chains_to(roots.clone())?,
            Self::System | Self::LoopbackOrSystem => Accepts::chains_to(system_roots())?,
        };
        Ok(Arc::new(Verifier {
            accepts,
            algorithms: settings::crypto_provider().signature_verification_algorithms,
            refusal: OnceLock::new(),
        }))
    }
}

fn roots_in(path: &PathBuf) -> Result<Arc<RootCertStore>, TransportError> {
    let mut roots = RootCertStore::empty();
    for certificate in identity::read_certificates(path)? {
        roots.add(certificate).map_err(|error| {
            TransportError::file(
                path,
                format!("holds a certificate that cannot be a root: {error}"),
            )
        })?;
    }
    Ok(Arc::new(roots))
}

fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    ROOTS.get_or_init(|| Arc::new(read_system_roots())).clone()
}

fn read_system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!("some of the system's root certificates could not be read: {error}");
    }
    let mut roots = RootCertStore::empty();
    let (usable, unusable) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(usable, unusable, "read the system's root certificates");
    roots
}

#[derive(Debug)]
enum Accepts {
    Any,
    Only(Fingerprint),
    Chains(Arc<WebPkiServerVerifier>),
    /// There is no root to lead to.
    Nothing,
}

impl Accepts {
    fn chains_to(roots: Arc<RootCertStore>) -> Result<Self, TransportError> {
        if roots.is_empty() {
            return Ok(Self::Nothing);
        }
        WebPkiServerVerifier::builder_with_provider(roots, settings::crypto_provider())
            .build()
            .map(Self::Chains)
            .map_err(|error| TransportError::system("a certificate verifier", error))
    }
}

/// The rustls end of a [`Policy`], for one attempt to connect.
#[derive(Debug)]
pub(crate) struct Verifier {
    accepts: Accepts,
    algorithms: WebPkiSupportedAlgorithms,
    refusal: OnceLock<String>,
}

impl Verifier {
    /// Why the certificate was refused, if it was, for the developer of the game.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.get().map(String::as_str)
    }

    fn objection(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<String> {
        let presented = Fingerprint::of(leaf);
        match &self.accepts {
            Accepts::Any => None,
            Accepts::Only(pin) if *pin == presented => None,
            Accepts::Only(pin) => {
                match intermediates
                    .iter()
                    .find(|cert| Fingerprint::of(cert) == *pin)
                {
                    Some(authority) => unproved(leaf, intermediates, authority, now),
                    None => Some(format!(
                        "its certificate has the SHA-256 fingerprint {presented}, but {pin} is expected; if the server was \
                         given a new certificate, use the fingerprint that it shows at its start"
                    )),
                }
            }
            Accepts::Nothing => Some(advice(presented, "this system has no root certificates")),
            Accepts::Chains(chains) => chains
                .verify_server_cert(leaf, intermediates, name, &[], now)
                .err()
                .map(|error| advice(presented, &error.to_string())),
        }
    }
}

/// Why the leaf is not a server's by the word of the pinned authority, which is in its chain. The pin names the authority's
/// servers, whatever they are called.
fn unproved(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    authority: &CertificateDer<'_>,
    now: UnixTime,
) -> Option<String> {
    let error = cluster::check(leaf, intermediates, authority, Usage::Server, now).err()?;
    Some(format!(
        "its certificate is not one that the authority with the expected fingerprint lets a server show: {error}"
    ))
}

fn advice(presented: Fingerprint, why: &str) -> String {
    format!(
        "{why}; its certificate has the SHA-256 fingerprint {presented}: if your server shows this same fingerprint at its \
         start, add \"#sha256={presented}\" to the server's address, otherwise do not connect"
    )
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.objection(leaf, intermediates, name, now) {
            None => Ok(ServerCertVerified::assertion()),
            Some(text) => {
                self.refusal.get_or_init(|| text);
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("QUIC has no TLS 1.2".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// What a client with this policy says of a server on this machine that shows this chain.
#[cfg(test)]
pub(crate) fn verify_chain(
    policy: &Policy,
    chain: &[CertificateDer<'_>],
    name: &'static str,
) -> Result<(), String> {
    let verifier = policy.verifier(std::net::Ipv4Addr::LOCALHOST.into());
    let (verifier, name) = (
        verifier.map_err(|e| e.to_string())?,
        ServerName::try_from(name),
    );
    let (name, now) = (name.map_err(|e| e.to_string())?, UnixTime::now());
    let result = verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now);
    assert_eq!(result.is_err(), verifier.refusal().is_some());
    result
        .map(drop)
        .map_err(|_| verifier.refusal().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests;
