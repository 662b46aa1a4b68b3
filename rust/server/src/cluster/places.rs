//! Which addresses the servers of a new cluster get.

use std::{
    collections::BTreeMap,
    net::{Ipv6Addr, SocketAddr, UdpSocket},
};

use synced_protocol::{id::ServerId, peer::PeerAddress, store::MemberAddress};

use crate::{
    exit::Failure,
    layer::wrong,
    servers::{Reached, ServerList},
};

/// How far the ports for servers lie above those for players, and so how many servers one machine can have.
pub(crate) const PEER_PORT_OFFSET: u16 = 100;

/// Gives `count` servers their addresses: one on each of `hosts`, and from the first again where there are more servers. The
/// first server of a host gets `base_port` for players, each further one the next; 0 takes free ports of this machine.
///
/// # Errors
/// When a host is none, or there are no ports left.
pub(crate) fn assign(hosts: &[String], count: u16, base_port: u16) -> Result<ServerList, Failure> {
    let mut ports = match base_port {
        0 => Ports::Free(Vec::new()),
        base => Ports::From {
            base,
            on_host: BTreeMap::new(),
        },
    };
    let hosts = hosts.iter().cycle().take(usize::from(count));
    let members = (1..=count).zip(hosts).map(|(number, host)| {
        let (peers, players) = ports.next(host)?;
        Ok(MemberAddress {
            peer: PeerAddress {
                server: ServerId(number),
                address: reached(host, peers)?,
            },
            players: reached(host, players)?,
        })
    });
    members.collect::<Result<_, _>>().map(ServerList)
}

/// Where the ports come from.
enum Ports {
    /// Each host's first server has the base, each further one the next.
    From {
        base: u16,
        on_host: BTreeMap<String, u16>,
    },
    /// Those that nobody on this machine has. The sockets keep them until all are chosen.
    Free(Vec<UdpSocket>),
}

impl Ports {
    /// Ports for the next server on a host: for the other servers, and for players.
    fn next(&mut self, host: &str) -> Result<(u16, u16), Failure> {
        match self {
            Self::From { base, on_host } => {
                let place = on_host.entry(host.to_owned()).or_default();
                let ports = beginning_at(*base, *place)?;
                *place += 1;
                Ok(ports)
            }
            Self::Free(taken) => Ok((free(taken)?, free(taken)?)),
        }
    }
}

fn beginning_at(base: u16, place: u16) -> Result<(u16, u16), Failure> {
    let players = base.checked_add(place);
    let peers = players.and_then(|players| players.checked_add(PEER_PORT_OFFSET));
    peers.zip(players).ok_or_else(|| {
        wrong(format_args!(
            "--base-port {base} leaves too few ports: write a number of at most {}",
            u16::MAX - PEER_PORT_OFFSET - place
        ))
    })
}

fn free(taken: &mut Vec<UdpSocket>) -> Result<u16, Failure> {
    let bound = UdpSocket::bind("127.0.0.1:0").and_then(|socket| {
        let port = socket.local_addr()?.port();
        taken.push(socket);
        Ok(port)
    });
    bound.map_err(|error| wrong(format_args!("the system gives no free port: {error}")))
}

fn reached(host: &str, port: u16) -> Result<String, Failure> {
    let text = match host.parse::<Ipv6Addr>() {
        Ok(_) => format!("[{host}]:{port}"),
        Err(_) => format!("{host}:{port}"),
    };
    let reached = text.parse().map(|Reached(address)| address);
    reached.map_err(|error| wrong(format_args!("--hosts: {error}")))
}

/// Where a server listens that is reached at an address: there, if that is this machine's own; else on every address of its
/// machine.
pub(crate) fn listen_for(reached: &str) -> String {
    if let Ok(address) = reached.parse::<SocketAddr>() {
        return match address {
            address if address.ip().is_loopback() => address.to_string(),
            SocketAddr::V6(address) => format!("[::]:{}", address.port()),
            SocketAddr::V4(address) => format!("0.0.0.0:{}", address.port()),
        };
    }
    let (host, port) = reached.rsplit_once(':').unwrap_or((reached, "0"));
    if host == "localhost" {
        format!("127.0.0.1:{port}")
    } else {
        format!("0.0.0.0:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(hosts: &[&str], count: u16) -> String {
        let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
        assign(&hosts, count, 4870).unwrap().to_string()
    }

    #[test]
    fn a_server_on_a_host_of_its_own_gets_the_first_ports() {
        let expected = "1 a:4970 a:4870, 2 [::1]:4970 [::1]:4870, 3 10.0.0.3:4970 10.0.0.3:4870";
        assert_eq!(assigned(&["a", "::1", "10.0.0.3"], 3), expected);
    }

    #[test]
    fn servers_that_share_a_host_get_the_next_ports() {
        let expected = "1 a:4970 a:4870, 2 b:4970 b:4870, 3 a:4971 a:4871";
        assert_eq!(assigned(&["a", "b"], 3), expected);
    }

    #[test]
    fn free_ports_are_all_different() {
        let list = assign(&["127.0.0.1".to_owned()], 5, 0).unwrap();
        assert_eq!(crate::checks::servers(&list.0), Ok(()));
    }

    #[test]
    fn what_is_no_host_is_told_what_would_be() {
        let error = assign(&["a b".to_owned()], 1, 1).unwrap_err().to_string();
        assert!(
            error.contains("--hosts") && error.contains("a host and a port"),
            "{error}"
        );
        let error = assign(&["a".to_owned()], 3, u16::MAX - PEER_PORT_OFFSET).unwrap_err();
        assert!(error.to_string().contains("at most 65434"), "{error}");
    }

    #[test]
    fn a_server_listens_where_it_is_reached_or_everywhere() {
        for (reached, listens) in [
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:1", "[::1]:1"),
            ("localhost:1", "127.0.0.1:1"),
            ("10.0.0.1:1", "0.0.0.0:1"),
            ("[2001:db8::1]:1", "[::]:1"),
            ("one.example.org:1", "0.0.0.0:1"),
        ] {
            assert_eq!(listen_for(reached), listens);
        }
    }
}
