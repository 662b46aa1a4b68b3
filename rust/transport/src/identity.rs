//! Who a server is: a certificate and its private key.

use std::{fmt, fs, path::Path, sync::Arc};

use rcgen::{CertificateParams, KeyPair};
use ring::{digest, hmac};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use crate::{
    error::TransportError,
    files::{read, write_new},
    fingerprint::Fingerprint,
    settings,
};

/// The certificate's file within the folder given to [`Identity::load_or_create`].
pub const CERTIFICATE_FILE: &str = "cert.pem";
/// The private key's file within the folder given to [`Identity::load_or_create`].
pub const KEY_FILE: &str = "key.pem";

const SUBJECT_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate chain with its private key, which have been checked to belong together.
#[derive(Debug, Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    fingerprint: Fingerprint,
    /// A secret that is the same as long as the key is.
    seed: Seed,
}

/// What the keys of an endpoint that must survive its restart are derived from.
#[derive(Clone)]
pub(crate) struct Seed(hmac::Key);

impl Seed {
    fn of(key: &PrivateKeyDer<'_>) -> Self {
        let secret = digest::digest(&digest::SHA256, key.secret_der());
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref()))
    }

    /// Another secret for each purpose, that tells nothing of the seed.
    pub(crate) fn secret(&self, purpose: &str) -> [u8; 32] {
        let mut secret = [0; 32];
        secret.copy_from_slice(hmac::sign(&self.0, purpose.as_bytes()).as_ref());
        secret
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(secret)")
    }
}

impl Identity {
    /// A new identity that lives as long as this process.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn self_signed() -> Result<Self, TransportError> {
        let key = KeyPair::generate().map_err(cannot_make)?;
        let certificate = certificate_for(&key).map_err(cannot_make)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(cannot_make)?;
        Self::certified(vec![certificate.der().clone()], key).map_err(cannot_make)
    }

    /// The identity kept in the folder `dir`, made at the first call.
    ///
    /// The key's file can be read by its owner only. A file that exists is never overwritten, and each appears whole or
    /// not at all, so neither a crash nor a second process at the same moment leaves a broken identity.
    ///
    /// # Errors
    /// When a file cannot be read or written, or does not hold what it should; the error names the file.
    pub fn load_or_create(dir: &Path) -> Result<Self, TransportError> {
        let (certificate, key) = (dir.join(CERTIFICATE_FILE), dir.join(KEY_FILE));
        if !key.exists() {
            refuse_orphan(&certificate, &key)?;
            fs::create_dir_all(dir).map_err(|error| TransportError::file(dir, error))?;
            let fresh = KeyPair::generate().map_err(cannot_make)?;
            write_new(&key, &fresh.serialize_pem())?;
        }
        if !certificate.exists() {
            let kept = KeyPair::from_pem(&read(&key)?)
                .map_err(|error| TransportError::file(&key, error))?;
            let fresh = certificate_for(&kept).map_err(cannot_make)?;
            write_new(&certificate, &fresh.pem())?;
        }
        Self::load(&certificate, &key)
    }

    /// The identity in two PEM files: the certificate chain, the server's own first, and the private key.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should; the error names the file.
    pub fn load(certificates: &Path, key: &Path) -> Result<Self, TransportError> {
        let chain = read_certificates(certificates)?;
        let secret = PrivateKeyDer::from_pem_slice(read(key)?.as_bytes()).map_err(|error| {
            TransportError::file(key, format!("holds no private key in PEM form: {error}"))
        })?;
        Self::certified(chain, secret).map_err(|error| {
            let problem = format!(
                "does not fit the certificate in {}: {error}",
                certificates.display()
            );
            TransportError::file(key, problem)
        })
    }

    /// The same from the files' contents.
    pub(crate) fn from_pem(certificates: &str, key: &str) -> Result<Self, TransportError> {
        let chain = CertificateDer::pem_slice_iter(certificates.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(cannot_make)?;
        let secret = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(cannot_make)?;
        Self::certified(chain, secret).map_err(cannot_make)
    }

    /// What a client pins to trust this server and no other.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(crate) fn certified_key(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }

    pub(crate) fn seed(&self) -> &Seed {
        &self.seed
    }

    fn certified(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, rustls::Error> {
        let leaf = chain
            .first()
            .ok_or(rustls::Error::NoCertificatesPresented)?;
        let fingerprint = Fingerprint::of(leaf);
        let seed = Seed::of(&key);
        let certified = CertifiedKey::from_der(chain, key, &settings::crypto_provider())?;
        Ok(Self {
            certified: Arc::new(certified),
            fingerprint,
            seed,
        })
    }
}

/// All certificates of a PEM file, of which there is at least one.
pub(crate) fn read_certificates(
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(read(path)?.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| TransportError::file(path, format!("is not a PEM file: {error}")))?;
    if certificates.is_empty() {
        return Err(TransportError::file(
            path,
            "holds no certificate in PEM form",
        ));
    }
    Ok(certificates)
}

fn certificate_for(key: &KeyPair) -> Result<rcgen::Certificate, rcgen::Error> {
    let mut params = CertificateParams::new(SUBJECT_NAMES.map(str::to_owned))?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "synced server");
    params.self_signed(key)
}

pub(crate) fn cannot_make(error: impl std::fmt::Display) -> TransportError {
    TransportError::system("a new certificate", error)
}

fn refuse_orphan(certificate: &Path, key: &Path) -> Result<(), TransportError> {
    if !certificate.exists() {
        return Ok(());
    }
    let problem = format!(
        "is missing, but {} is there; bring the key back or remove the certificate",
        certificate.display()
    );
    Err(TransportError::file(key, problem))
}

#[cfg(test)]
mod tests;
