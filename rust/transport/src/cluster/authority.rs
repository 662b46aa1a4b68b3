//! The authority of a cluster: what makes a server one of it.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use rustls::pki_types::CertificateDer;
use synced_protocol::id::ServerId;

use super::{AUTHORITY_FILE, AUTHORITY_KEY_FILE, ClusterId, Files, Holder, keys::Keys};
use crate::{
    error::TransportError,
    files,
    fingerprint::Fingerprint,
    identity::{self, cannot_make},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an authority is one.
const AUTHORITY_TIME: Duration = DAY.saturating_mul(20 * 365);
/// How long a certificate is good for. Nobody renews those of a game's servers, and a cluster that stops for it helps nobody.
const CERTIFICATE_TIME: Duration = DAY.saturating_mul(10 * 365);
/// How far the clocks of servers may be behind that of whoever makes their certificates.
const CLOCK_SLACK: Duration = DAY;

/// The key pair that signs the certificates of one cluster.
#[derive(Debug)]
pub struct Authority {
    cluster: ClusterId,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: KeyPair,
    /// Where the keys of those come from to whom it issues certificates.
    keys: Keys,
}

impl Authority {
    /// A new authority, kept in the folder `dir`, which is made where it is not there.
    ///
    /// # Errors
    /// When there is one already, or the files cannot be written; the error names the file.
    pub fn create(dir: &Path, cluster: &ClusterId) -> Result<Self, TransportError> {
        let (certificate, key) = (dir.join(AUTHORITY_FILE), dir.join(AUTHORITY_KEY_FILE));
        for path in [&certificate, &key] {
            if path.exists() {
                let problem = "is there already: this folder has a cluster; take another folder";
                return Err(TransportError::file(path, problem));
            }
        }
        let authority = Self::new(cluster)?;
        std::fs::create_dir_all(dir).map_err(|error| TransportError::file(dir, error))?;
        files::write_new(&key, &authority.key.serialize_pem())?;
        files::write_new(&certificate, &authority.certificate_pem)?;
        Ok(authority)
    }

    /// The authority kept in the folder `dir`.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should; the error names the file.
    pub fn load(dir: &Path) -> Result<Self, TransportError> {
        let (path, key_path) = (dir.join(AUTHORITY_FILE), dir.join(AUTHORITY_KEY_FILE));
        let key = KeyPair::from_pem(&files::read(&key_path)?)
            .map_err(|error| TransportError::file(&key_path, error))?;
        let mut found = identity::read_certificates(&path)?;
        let certificate = found.swap_remove(0);
        let cluster = cluster_of(&certificate)
            .ok_or_else(|| TransportError::file(&path, "is not the authority of a cluster"))?;
        if !holds_key(&certificate, &key) {
            let problem = format!("does not fit the key in {}", key_path.display());
            return Err(TransportError::file(&path, problem));
        }
        Ok(Self {
            cluster,
            certificate,
            certificate_pem: files::read(&path)?,
            key,
            keys: Keys::Random,
        })
    }

    /// An authority that is kept nowhere.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(cluster: &ClusterId) -> Result<Self, TransportError> {
        Self::with(cluster, Keys::Random)
    }

    /// An authority whose secrets, and those of all to whom it issues certificates, follow from `seed`, for simulations: whoever knows the
    /// seed is the authority.
    ///
    /// # Errors
    /// Never, but for a defect.
    pub fn seeded(cluster: &ClusterId, seed: u64) -> Result<Self, TransportError> {
        Self::with(cluster, Keys::Seeded(seed))
    }

    fn with(cluster: &ClusterId, keys: Keys) -> Result<Self, TransportError> {
        let key = keys.pair(&authority_name(cluster)).map_err(cannot_make)?;
        let params = authority_params(cluster)?;
        let certificate = params.self_signed(&key).map_err(cannot_make)?;
        Ok(Self {
            cluster: cluster.clone(),
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key,
            keys,
        })
    }

    /// Whose authority it is.
    #[must_use]
    pub fn cluster(&self) -> &ClusterId {
        &self.cluster
    }

    /// What players pin to trust every server of the cluster.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    /// A certificate for a server, with the host names and IP addresses at which players may look for it.
    ///
    /// # Errors
    /// When a host is neither a name nor an address, or the system gives no randomness.
    pub fn server(&self, server: ServerId, hosts: &[String]) -> Result<Issued, TransportError> {
        self.issue(
            Holder::Server(server),
            hosts,
            SystemTime::now() + CERTIFICATE_TIME,
        )
    }

    /// A certificate for who runs the cluster.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn operator(&self) -> Result<Issued, TransportError> {
        self.issue(Holder::Operator, &[], SystemTime::now() + CERTIFICATE_TIME)
    }

    /// A certificate that is good until then.
    pub(crate) fn issue(
        &self,
        holder: Holder,
        hosts: &[String],
        until: SystemTime,
    ) -> Result<Issued, TransportError> {
        let name = holder.name_in(&self.cluster);
        let names: Vec<_> = [name.clone()]
            .into_iter()
            .chain(hosts.iter().cloned())
            .collect();
        let mut params = params(names, &name, until)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if holder != Holder::Operator {
            params
                .extended_key_usages
                .push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        let authority = authority_params(&self.cluster)?;
        let (issuer, key) = (
            Issuer::from_params(&authority, &self.key),
            self.keys.pair(&name).map_err(cannot_make)?,
        );
        let certificate = params.signed_by(&key, &issuer).map_err(cannot_make)?;
        Ok(Issued {
            certificates_pem: certificate.pem() + &self.certificate_pem,
            key_pem: key.serialize_pem(),
        })
    }
}

/// A certificate with its key, fresh from the authority.
#[derive(Debug)]
pub struct Issued {
    /// The holder's certificate, then the authority's.
    pub(crate) certificates_pem: String,
    pub(crate) key_pem: String,
}

impl Issued {
    /// Writes both into the folder `dir`, which is made where it is not there. The owner alone can read them.
    ///
    /// # Errors
    /// When one is there already or cannot be written; the error names the file.
    pub fn write(&self, dir: &Path, names: Files) -> Result<(), TransportError> {
        let (certificate, key) = (dir.join(names.certificate), dir.join(names.key));
        for path in [&certificate, &key] {
            if path.exists() {
                let problem = "is there already; remove it to have another";
                return Err(TransportError::file(path, problem));
            }
        }
        std::fs::create_dir_all(dir).map_err(|error| TransportError::file(dir, error))?;
        files::write_new(&key, &self.key_pem)?;
        files::write_new(&certificate, &self.certificates_pem)
    }
}

fn authority_params(cluster: &ClusterId) -> Result<CertificateParams, TransportError> {
    let name = authority_name(cluster);
    let mut params = params(
        vec![name.clone()],
        &name,
        SystemTime::now() + AUTHORITY_TIME,
    )?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

fn params(
    names: Vec<String>,
    common_name: &str,
    until: SystemTime,
) -> Result<CertificateParams, TransportError> {
    let mut params = CertificateParams::new(names).map_err(cannot_make)?;
    params.not_before = (SystemTime::now() - CLOCK_SLACK).into();
    params.not_after = until.into();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}

fn authority_name(cluster: &ClusterId) -> String {
    format!("authority.{cluster}.synced")
}

fn cluster_of(authority: &CertificateDer<'_>) -> Option<ClusterId> {
    let certificate = webpki::EndEntityCert::try_from(authority).ok()?;
    certificate.valid_dns_names().find_map(|name| {
        let cluster = name.strip_prefix("authority.")?.strip_suffix(".synced")?;
        cluster.parse().ok()
    })
}

fn holds_key(certificate: &CertificateDer<'_>, key: &KeyPair) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|found| {
        found.subject_public_key_info().as_ref() == key.subject_public_key_info()
    })
}
