//! Whether an authority signed a certificate.

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::settings;

/// `serverAuth` of RFC 5280 section 4.2.1.12, as DER without tag and length.
const SERVER_AUTHENTICATION: &[u8] = &[43, 6, 1, 5, 5, 7, 3, 1];
/// `clientAuth` of the same.
const CLIENT_AUTHENTICATION: &[u8] = &[43, 6, 1, 5, 5, 7, 3, 2];

/// What a certificate must be meant for, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    Server,
    Client,
}

/// Whether `authority` signed `leaf`, also by others in between, and `leaf` may be used so at this time. Names are not looked at.
///
/// # Errors
/// Why not.
pub(crate) fn check(
    leaf: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    authority: &CertificateDer<'_>,
    usage: Usage,
    now: UnixTime,
) -> Result<(), String> {
    let usage = KeyUsage::required(match usage {
        Usage::Server => SERVER_AUTHENTICATION,
        Usage::Client => CLIENT_AUTHENTICATION,
    });
    let algorithms = settings::crypto_provider()
        .signature_verification_algorithms
        .all;
    let verify = |leaf: EndEntityCert<'_>| {
        let authorities = [anchor_from_trusted_cert(authority)?];
        leaf.verify_for_usage(algorithms, &authorities, between, now, usage, None, None)
            .map(drop)
    };
    EndEntityCert::try_from(leaf)
        .and_then(verify)
        .map_err(in_words)
}

fn in_words(error: Error) -> String {
    match error {
        Error::CertExpired { .. } => "it has expired".to_owned(),
        Error::CertNotValidYet { .. } => {
            "it is not valid yet; is this machine's clock right?".to_owned()
        }
        Error::UnknownIssuer | Error::InvalidSignatureForPublicKey => {
            "the authority did not sign it".to_owned()
        }
        Error::RequiredEkuNotFoundContext(_) => "it is not meant for that".to_owned(),
        other => other.to_string(),
    }
}
