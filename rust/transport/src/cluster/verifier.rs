//! Which servers somebody of a cluster talks to.

use std::sync::OnceLock;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use synced_protocol::id::ServerId;

use super::{ClusterId, Credentials, Holder, Usage, check};
use crate::settings;

/// Accepts the servers of one cluster, or one of them.
#[derive(Debug)]
pub(crate) struct ClusterVerifier {
    authority: CertificateDer<'static>,
    cluster: ClusterId,
    wanted: Option<ServerId>,
    algorithms: WebPkiSupportedAlgorithms,
    refusal: OnceLock<String>,
}

impl ClusterVerifier {
    /// For one attempt to connect, to the server `wanted` or to any.
    pub(crate) fn new(credentials: &Credentials, wanted: Option<ServerId>) -> Self {
        Self {
            authority: credentials.authority().clone(),
            cluster: credentials.cluster().clone(),
            wanted,
            algorithms: settings::crypto_provider().signature_verification_algorithms,
            refusal: OnceLock::new(),
        }
    }

    /// Why the certificate was refused, if it was.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.get().map(String::as_str)
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), String> {
        check(leaf, between, &self.authority, Usage::Server, now).map_err(|error| {
            format!(
                "its certificate is none of a server of the cluster {}: {error}",
                self.cluster
            )
        })?;
        match (Holder::named_in(leaf), self.wanted) {
            (Some((Holder::Server(found), cluster)), wanted) if cluster == self.cluster => {
                match wanted {
                    Some(wanted) if wanted != found => Err(format!("it is {found}, not {wanted}")),
                    _ => Ok(()),
                }
            }
            _ => Err(format!(
                "its certificate names no server of the cluster {}",
                self.cluster
            )),
        }
    }
}

impl ServerCertVerifier for ClusterVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(leaf, between, now).map_err(|text| {
            self.refusal.get_or_init(|| text);
            CertificateError::ApplicationVerificationFailure
        })?;
        Ok(ServerCertVerified::assertion())
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
