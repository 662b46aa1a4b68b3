//! How certificates name clusters and those who belong to them.

use std::{fmt, str::FromStr};

use ring::rand::{SecureRandom, SystemRandom};
use synced_protocol::id::ServerId;

use crate::error::TransportError;

/// The name under which all names of clusters lie. It is nobody's in the world's DNS, and never looked up there.
const DOMAIN: &str = "synced";
const LENGTH_MAX: usize = 32;

/// What a cluster is called: 1 to 32 of the letters a to z and the digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(String);

impl ClusterId {
    /// An id that no other cluster has, of 32 hexadecimal digits.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn random() -> Result<Self, TransportError> {
        let mut bytes = [0; LENGTH_MAX / 2];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|error| TransportError::system("randomness", error))?;
        Ok(Self(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ClusterId {
    type Err = NotAClusterId;

    fn from_str(text: &str) -> Result<Self, NotAClusterId> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if (1..=LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAClusterId)
        }
    }
}

/// The text cannot be the id of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAClusterId;

impl fmt::Display for NotAClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the id of a cluster is 1 to {LENGTH_MAX} of the letters a to z and the digits"
        )
    }
}

impl std::error::Error for NotAClusterId {}

/// Whose certificate it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A server, at both of its ports.
    Server(ServerId),
    /// Who runs the cluster.
    Operator,
}

impl Holder {
    /// The DNS name by which a certificate names its holder.
    pub(crate) fn name_in(self, cluster: &ClusterId) -> String {
        match self {
            Self::Server(server) => format!("server-{}.{cluster}.{DOMAIN}", server.0),
            Self::Operator => format!("operator.{cluster}.{DOMAIN}"),
        }
    }

    /// Whom a certificate names, and the cluster; `None` unless it is exactly one.
    pub(crate) fn named_in(certificate_der: &[u8]) -> Option<(Self, ClusterId)> {
        let der = certificate_der.into();
        let certificate = webpki::EndEntityCert::try_from(&der).ok()?;
        let mut holders = certificate.valid_dns_names().filter_map(parse);
        let holder = holders.next()?;
        holders.next().is_none().then_some(holder)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(server) => server.fmt(f),
            Self::Operator => f.write_str("the operator"),
        }
    }
}

fn parse(name: &str) -> Option<(Holder, ClusterId)> {
    let mut labels = name.split('.');
    let (holder, cluster) = (labels.next()?, labels.next()?.parse().ok()?);
    if labels.next() != Some(DOMAIN) || labels.next().is_some() {
        return None;
    }
    Some((parse_holder(holder)?, cluster))
}

fn parse_holder(label: &str) -> Option<Holder> {
    if label == "operator" {
        return Some(Holder::Operator);
    }
    let server = ServerId(label.strip_prefix("server-")?.parse().ok()?);
    // One way to write each, and server 0 is in no cluster.
    let canonical = server.0 > 0 && label == format!("server-{}", server.0);
    canonical.then_some(Holder::Server(server))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holders_name_reads_back_as_the_holder() {
        let cluster: ClusterId = "cups5".parse().unwrap();
        for holder in [
            Holder::Operator,
            Holder::Server(ServerId(1)),
            Holder::Server(ServerId(u16::MAX)),
        ] {
            let name = holder.name_in(&cluster);
            assert_eq!(parse(&name), Some((holder, cluster.clone())), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_not_just_right_names_nobody() {
        for name in [
            "",
            "operator",
            "operator.cups",
            "operator.cups.synced.org",
            "operator.cups.example",
            "operators.cups.synced",
            "a.operator.cups.synced",
            "operator..synced",
            "operator.CUPS.synced",
            "server.cups.synced",
            "server-.cups.synced",
            "server-0.cups.synced",
            "server-01.cups.synced",
            "server-+1.cups.synced",
            "server-65536.cups.synced",
            "localhost",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn an_id_has_a_length_and_letters_that_every_name_can_carry() {
        assert!("a1".parse::<ClusterId>().is_ok());
        assert!("x".repeat(LENGTH_MAX).parse::<ClusterId>().is_ok());
        let long = "x".repeat(LENGTH_MAX + 1);
        for wrong in ["", "A", "a-b", "a.b", "ä", "a b", &long] {
            assert_eq!(wrong.parse::<ClusterId>(), Err(NotAClusterId), "{wrong}");
        }
    }

    #[test]
    fn two_random_ids_differ_and_are_ids() {
        let [a, b] = [(); 2].map(|()| ClusterId::random().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.as_str().parse(), Ok(a));
    }
}
