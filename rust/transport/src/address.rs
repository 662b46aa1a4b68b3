//! Where a server is, as people write it.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use rustls::pki_types::ServerName;

use crate::fingerprint::Fingerprint;

/// The UDP port of a server when its address names none.
pub const DEFAULT_PORT: u16 = 4870;

const SCHEME: &str = "synced";
const FINGERPRINT_KEY: &str = "sha256=";

/// The address of a server: `synced://host:port#sha256=fingerprint`.
///
/// Only the host is needed: a DNS name, an IPv4 address, or an IPv6 address, in brackets when a port follows. The port is
/// [`DEFAULT_PORT`] unless given. The fingerprint, when given, is the only certificate that is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    host: String,
    port: u16,
    fingerprint: Option<Fingerprint>,
}

impl ServerAddress {
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

    /// The certificate that the address pins, if it pins one.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// The same server with a pinned certificate.
    #[must_use]
    pub fn pinned(self, fingerprint: Fingerprint) -> Self {
        Self {
            fingerprint: Some(fingerprint),
            ..self
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') {
            write!(f, "{SCHEME}://[{host}]:{port}")?;
        } else {
            write!(f, "{SCHEME}://{host}:{port}")?;
        }
        self.fingerprint
            .map_or(Ok(()), |pin| write!(f, "#{FINGERPRINT_KEY}{pin}"))
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (place, fragment) = match text.trim().split_once('#') {
            Some((place, fragment)) => (place, Some(fragment)),
            None => (text.trim(), None),
        };
        let (host, port) = split_port(without_scheme(place)?)?;
        ServerName::try_from(host).map_err(|_| AddressError::Host(host.to_owned()))?;
        Ok(Self {
            host: host.to_owned(),
            port,
            fingerprint: fragment.map(pin).transpose()?,
        })
    }
}

fn without_scheme(place: &str) -> Result<&str, AddressError> {
    let rest = match place.split_once("://") {
        Some((SCHEME, rest)) => rest.strip_suffix('/').unwrap_or(rest),
        Some((other, _)) => return Err(AddressError::Scheme(other.to_owned())),
        None => place,
    };
    match rest {
        "" => Err(AddressError::Empty),
        rest => Ok(rest),
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

fn pin(fragment: &str) -> Result<Fingerprint, AddressError> {
    fragment
        .strip_prefix(FINGERPRINT_KEY)
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| AddressError::Fingerprint(fragment.to_owned()))
}

/// What is wrong with the text of a server address, for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// There is no host.
    Empty,
    /// The part before `://` is not `synced`.
    Scheme(String),
    /// The host is neither a DNS name nor an IP address.
    Host(String),
    /// The port is not a number from 1 to 65535.
    Port(String),
    /// The part after `#` is not a fingerprint.
    Fingerprint(String),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str(
                "the server address is empty; write for example \"game.example.org:4870\"",
            ),
            Self::Scheme(scheme) => write!(
                f,
                "\"{scheme}://\" is not understood; write \"{SCHEME}://\" or just host and port"
            ),
            Self::Host(host) => write!(
                f,
                "\"{host}\" is neither a host name nor an IP address; an IPv6 address with a port is written \"[::1]:{DEFAULT_PORT}\""
            ),
            Self::Port(port) => write!(
                f,
                "\"{port}\" is not a port; a port is a number from 1 to 65535"
            ),
            Self::Fingerprint(fragment) => write!(
                f,
                "\"#{fragment}\" is not a certificate fingerprint; write \"#{FINGERPRINT_KEY}\" and the 64 hexadecimal digits that the server shows"
            ),
        }
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<ServerAddress, AddressError> {
        text.parse()
    }

    fn host_and_port(text: &str) -> (String, u16) {
        let address = parse(text).unwrap();
        (address.host().to_owned(), address.port())
    }

    #[test]
    fn every_way_to_write_an_address_is_understood() {
        for (text, host, port) in [
            ("localhost", "localhost", DEFAULT_PORT),
            (" game.example.org:99 ", "game.example.org", 99),
            ("synced://10.0.0.1", "10.0.0.1", DEFAULT_PORT),
            ("synced://10.0.0.1:65535/", "10.0.0.1", 65535),
            ("::1", "::1", DEFAULT_PORT),
            ("[::1]", "::1", DEFAULT_PORT),
            ("synced://[2001:db8::7]:5000", "2001:db8::7", 5000),
            ("game_server:4871", "game_server", 4871),
        ] {
            assert_eq!(host_and_port(text), (host.to_owned(), port), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_in_the_address_is_kept() {
        let pin = Fingerprint::of(b"certificate");
        let address = parse(&format!("localhost#sha256={pin}")).unwrap();
        assert_eq!(address.fingerprint(), Some(pin));
        assert_eq!(parse("localhost").unwrap().pinned(pin), address);
    }

    #[test]
    fn each_mistake_is_named_with_the_part_that_is_wrong() {
        let owned = |text: &str| text.to_owned();
        for (text, error) in [
            ("", AddressError::Empty),
            ("synced://", AddressError::Empty),
            ("http://host", AddressError::Scheme(owned("http"))),
            ("host:0", AddressError::Port(owned("0"))),
            ("host:65536", AddressError::Port(owned("65536"))),
            ("host:+80", AddressError::Port(owned("+80"))),
            ("host:", AddressError::Port(owned(""))),
            ("host:1:2", AddressError::Port(owned("1:2"))),
            ("a b", AddressError::Host(owned("a b"))),
            (":4870", AddressError::Host(owned(""))),
            ("[::1", AddressError::Host(owned("[::1"))),
            ("[host]:1", AddressError::Host(owned("[host]:1"))),
            ("[::1]4870", AddressError::Host(owned("[::1]4870"))),
            ("host/path", AddressError::Host(owned("host/path"))),
            ("host#", AddressError::Fingerprint(owned(""))),
            (
                "host#sha256=12",
                AddressError::Fingerprint(owned("sha256=12")),
            ),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_address_or_an_error(text in ".{0,80}") {
            let _ = parse(&text);
        }

        #[test]
        fn an_address_that_is_shown_reads_back_as_itself(
            host in "([a-z][a-z0-9-]{0,10}[a-z0-9]\\.){0,2}[a-z][a-z0-9]{0,5}|([1-9]{1,2}\\.){3}[1-9]|2001:db8::[1-9a-f]{1,4}",
            port in 1_u16..,
            pin in proptest::option::of(any::<[u8; 32]>()),
        ) {
            let address = ServerAddress { host, port, fingerprint: pin.map(Fingerprint) };
            prop_assert_eq!(parse(&address.to_string()), Ok(address));
        }
    }
}
