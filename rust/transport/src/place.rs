//! One place at which a server may be, as people write it.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use rustls::pki_types::ServerName;

use crate::address::{AddressError, DEFAULT_PORT};

/// A host and a UDP port: `host:port`.
///
/// The host is a DNS name, an IPv4 address, or an IPv6 address, in brackets when a port follows. The port is
/// [`DEFAULT_PORT`] unless given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Place {
    /// The DNS name or IP address, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The UDP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl FromStr for Place {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = split_port(text.trim())?;
        ServerName::try_from(host).map_err(|_| AddressError::Host(host.to_owned()))?;
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

fn split_port(place: &str) -> Result<(&str, u16), AddressError> {
    if let Some(bracketed) = place.strip_prefix('[') {
        let unclosed = || AddressError::Host(place.to_owned());
        let (host, rest) = bracketed.split_once(']').ok_or_else(unclosed)?;
        host.parse::<Ipv6Addr>().map_err(|_| unclosed())?;
        return match rest.strip_prefix(':') {
            Some(digits) => Ok((host, port(digits)?)),
            None if rest.is_empty() => Ok((host, DEFAULT_PORT)),
            None => Err(unclosed()),
        };
    }
    match place.split_once(':') {
        None => Ok((place, DEFAULT_PORT)),
        Some(_) if place.parse::<Ipv6Addr>().is_ok() => Ok((place, DEFAULT_PORT)),
        Some((host, digits)) => Ok((host, port(digits)?)),
    }
}

fn port(digits: &str) -> Result<u16, AddressError> {
    let wrong = || AddressError::Port(digits.to_owned());
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(wrong()),
        Ok(port) => Ok(port),
    }
}
