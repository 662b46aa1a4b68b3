//! The servers of a cluster as people write them.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use serde::{Deserialize, Deserializer, de};
use synced_protocol::{
    id::ServerId, limits::MAX_NAME_BYTES, peer::PeerAddress, store::MemberAddress,
};
use synced_transport::cluster::ClusterId;

use crate::{
    kinds::{NotAllowed, Whole},
    layer::Setting,
};

/// What a cluster is called, in the certificates of its servers and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterName(pub(crate) ClusterId);

impl FromStr for ClusterName {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        const ALLOWED: &str = "1 to 32 of the letters a to z and the digits, like \"cups5\"";
        let parsed = text.parse().map(Self);
        parsed.map_err(|_| NotAllowed::new(text, ALLOWED))
    }
}

/// Where somebody is reached: `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached(pub(crate) String);

impl FromStr for Reached {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        const ALLOWED: &str = "a host and a port, like \"10.0.0.3:4970\", \"[::1]:4970\" or \"three.example.org:4970\"";
        let is_one = text.len() <= MAX_NAME_BYTES
            && text.rsplit_once(':').is_some_and(|(host, port)| {
                is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0)
            });
        is_one
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| NotAllowed::new(text, ALLOWED))
    }
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner
            .strip_suffix(']')
            .is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok());
    }
    let is_inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !host.is_empty() && host.bytes().all(is_inner)
}

/// The servers that a cluster was founded with, or some that are there now. See [`crate::checks`] for what a list must be.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ServerList(pub(crate) Vec<MemberAddress>);

impl ServerList {
    /// The entry of a server.
    pub(crate) fn of(&self, server: ServerId) -> Option<&MemberAddress> {
        self.0.iter().find(|member| member.peer.server == server)
    }

    /// The others than these.
    pub(crate) fn without(&self, servers: &[u16]) -> Self {
        let stays = |member: &&MemberAddress| !servers.contains(&member.peer.server.0);
        Self(self.0.iter().filter(stays).cloned().collect())
    }

    fn from_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Self, NotAllowed> {
        lines.map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// As a configuration file writes it.
    pub(crate) fn to_toml(&self) -> String {
        let lines = self
            .0
            .iter()
            .map(|member| format!("    \"{}\",\n", line(member)));
        format!("[\n{}]", lines.collect::<String>())
    }
}

/// In one line, for a variable of the environment.
impl fmt::Display for ServerList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(line).collect();
        f.write_str(&lines.join(", "))
    }
}

impl FromStr for ServerList {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        Self::from_lines(text.split(','))
    }
}

impl<'de> Deserialize<'de> for ServerList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lines = Vec::<String>::deserialize(deserializer)?;
        Self::from_lines(lines.iter().map(String::as_str)).map_err(de::Error::custom)
    }
}

/// A server's number as a setting or flag gives it.
pub(crate) fn server_id(number: Whole<1, 65_535>) -> ServerId {
    ServerId(u16::try_from(number.0).unwrap_or(u16::MAX))
}

/// One server, as the configuration writes it.
pub(crate) fn line(member: &MemberAddress) -> String {
    format!(
        "{} {} {}",
        member.peer.server.0, member.peer.address, member.players
    )
}

fn entry(text: &str) -> Result<MemberAddress, NotAllowed> {
    const ALLOWED: &str = "a server's number, where the other servers reach it and where players do, like \
                           \"3 10.0.0.3:4970 10.0.0.3:4870\"";
    let not_allowed = || NotAllowed::new(text.trim(), ALLOWED);
    let words: Vec<_> = text.split_whitespace().collect();
    let [server, peer, players] = words[..] else {
        return Err(not_allowed());
    };
    let server = server
        .parse()
        .ok()
        .filter(|server| *server > 0)
        .map(ServerId);
    let server = server.ok_or_else(not_allowed)?;
    let reached = |text: &str| {
        text.parse()
            .map(|Reached(address)| address)
            .map_err(|_| not_allowed())
    };
    Ok(MemberAddress {
        peer: PeerAddress {
            server,
            address: reached(peer)?,
        },
        players: reached(players)?,
    })
}

impl Setting for ClusterName {}
impl Setting for Reached {}
impl Setting for ServerList {}

macro_rules! deserialize_from_text {
    ($($kind:ty),+) => {$(
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

deserialize_from_text!(ClusterName, Reached);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back_as_itself_from_either_form() {
        let text = "1 10.0.0.1:4970 10.0.0.1:4870, 2 [::1]:4970 two.example.org:4870";
        let list: ServerList = text.parse().unwrap();
        assert_eq!(list.to_string(), text);
        #[derive(Deserialize)]
        struct File {
            servers: ServerList,
        }
        let file: File = toml::from_str(&format!("servers = {}", list.to_toml())).unwrap();
        assert_eq!(file.servers, list);
        assert_eq!(
            list.of(ServerId(2)).unwrap().players,
            "two.example.org:4870"
        );
    }

    #[test]
    fn an_entry_that_is_none_is_told_what_would_be() {
        for wrong in [
            "",
            "1",
            "1 here:1",
            "0 a:1 b:1",
            "65536 a:1 b:1",
            "x a:1 b:1",
            "1 a b:1",
            "1 a:0 b:1",
            "1 a:65536 b:1",
            "1 [::1:1 b:1",
            "1 ::1:1 b:1",
            "1 a/b:1 b:1",
            "1 a:1 b:1 c:1",
        ] {
            let error = wrong.parse::<ServerList>().unwrap_err().to_string();
            assert!(
                error.contains("like \"3 10.0.0.3:4970 10.0.0.3:4870\""),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_no_name_of_a_cluster_is_told_what_would_be() {
        assert!("cups5".parse::<ClusterName>().is_ok());
        let error = "Cups".parse::<ClusterName>().unwrap_err().to_string();
        assert!(error.contains("like \"cups5\""), "{error}");
    }
}
