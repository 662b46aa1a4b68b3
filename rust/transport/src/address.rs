//! Where a server is, as people write it.

use std::{fmt, str::FromStr};

use crate::{fingerprint::Fingerprint, limits::SERVERS_MAX, place::Place};

/// The UDP port of a server when its address names none.
pub const DEFAULT_PORT: u16 = 4870;

const SCHEME: &str = "synced";
const FINGERPRINT_KEY: &str = "sha256=";

/// Where a server is, or each server of a cluster: `synced://host:port,host:port#sha256=fingerprint`.
///
/// Only one host is needed; see [`Place`] for how each is written. The fingerprint, when given, is the only certificate that
/// is trusted, and stands for all of the hosts: that of the server's own certificate, or that of the authority that signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// From 1 to [`SERVERS_MAX`].
    places: Vec<Place>,
    fingerprint: Option<Fingerprint>,
}

impl ServerAddress {
    /// The places to try, from 1 to [`SERVERS_MAX`].
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The certificate that the address pins, if it pins one.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// The same servers with a pinned certificate.
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
        write!(f, "{SCHEME}://")?;
        for (number, place) in self.places.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{place}")?;
        }
        self.fingerprint
            .map_or(Ok(()), |pin| write!(f, "#{FINGERPRINT_KEY}{pin}"))
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (hosts, fragment) = match text.trim().split_once('#') {
            Some((hosts, fragment)) => (hosts, Some(fragment)),
            None => (text.trim(), None),
        };
        let hosts = without_scheme(hosts)?;
        let count = hosts.split(',').count();
        if count > SERVERS_MAX {
            return Err(AddressError::TooMany(count));
        }
        Ok(Self {
            places: hosts.split(',').map(str::parse).collect::<Result<_, _>>()?,
            fingerprint: fragment.map(pin).transpose()?,
        })
    }
}

fn without_scheme(hosts: &str) -> Result<&str, AddressError> {
    let rest = match hosts.split_once("://") {
        Some((SCHEME, rest)) => rest.strip_suffix('/').unwrap_or(rest),
        Some((other, _)) => return Err(AddressError::Scheme(other.to_owned())),
        None => hosts,
    };
    match rest {
        "" => Err(AddressError::Empty),
        rest => Ok(rest),
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
    /// So many hosts; at most [`SERVERS_MAX`] may be given.
    TooMany(usize),
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
            Self::TooMany(count) => write!(
                f,
                "{count} servers are too many for one address; at most {SERVERS_MAX} can be given"
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

    fn hosts_and_ports(text: &str) -> Vec<(String, u16)> {
        let address = parse(text).unwrap();
        let places = address.places().iter();
        places
            .map(|place| (place.host().to_owned(), place.port()))
            .collect()
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
            assert_eq!(hosts_and_ports(text), [(host.to_owned(), port)], "{text}");
        }
    }

    #[test]
    fn an_address_can_name_several_servers() {
        let servers = [
            ("a.example".to_owned(), 1),
            ("10.0.0.2".to_owned(), DEFAULT_PORT),
            ("::3".to_owned(), 3),
        ];
        for text in [
            "synced://a.example:1,10.0.0.2,[::3]:3",
            " a.example:1, 10.0.0.2 ,[::3]:3 ",
        ] {
            assert_eq!(hosts_and_ports(text), servers, "{text}");
        }
    }

    #[test]
    fn no_more_servers_can_be_named_than_a_cluster_has() {
        let hosts = |count| vec!["host"; count].join(",");
        assert_eq!(hosts_and_ports(&hosts(SERVERS_MAX)).len(), SERVERS_MAX);
        let one_more = SERVERS_MAX + 1;
        assert_eq!(
            parse(&hosts(one_more)),
            Err(AddressError::TooMany(one_more))
        );
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
            ("host,", AddressError::Host(owned(""))),
            ("host:1,other:x", AddressError::Port(owned("x"))),
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
            places in proptest::collection::vec(
                ("([a-z][a-z0-9-]{0,10}[a-z0-9]\\.){0,2}[a-z][a-z0-9]{0,5}|([1-9]{1,2}\\.){3}[1-9]|2001:db8::[1-9a-f]{1,4}", 1_u16..),
                1..=SERVERS_MAX,
            ),
            pin in proptest::option::of(any::<[u8; 32]>()),
        ) {
            let places = places.into_iter().map(|(host, port)| Place { host, port }).collect();
            let address = ServerAddress { places, fingerprint: pin.map(Fingerprint) };
            prop_assert_eq!(parse(&address.to_string()), Ok(address));
        }
    }
}
