//! Ways in which players in Godot share what moves: each says what its host and its clients are told.

use std::net::{Ipv4Addr, SocketAddr};

use crate::{Failure, Outcome, player::Player, ports::free_udp_port};

/// A way to share. In all of them one player hosts and moves everything, with its own process for a server: so the changes
/// take one hop, and what the process costs is comparable.
pub trait Way {
    /// What it is called in tables, settings included.
    fn name(&self) -> &'static str;

    /// Whether the settings are others than the defaults.
    fn is_tuned(&self) -> bool;

    /// The scene of `tests/godot/peers/things` with its bodies.
    fn scene(&self) -> &'static str;

    /// What every player is told before the scene is opened.
    fn settings(&self) -> &'static str;

    /// Lets a player host for so many clients, and own all bodies.
    ///
    /// # Errors
    /// When it cannot.
    fn host(&self, host: &mut Player, clients: u32) -> Outcome<Hosted>;

    /// How a client is told to join, by an address that leads to the host.
    fn join(&self, hosted: &Hosted, by: SocketAddr) -> String;

    /// What is true at a client that has joined.
    fn has_joined(&self) -> &'static str;

    /// What is true at the host when it has so many clients.
    fn has_clients(&self, clients: u32) -> String;

    /// How a player is told to leave.
    fn leave(&self) -> &'static str;

    /// What is true of a player who has left.
    fn has_left(&self) -> &'static str;
}

/// Where clients find a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// The UDP port.
    pub address: SocketAddr,
    /// What else they have to know.
    pub secret: String,
}

/// Every way that is compared.
#[must_use]
pub fn all() -> Vec<Box<dyn Way>> {
    vec![
        Box::new(Synced::DEFAULT),
        Box::new(Enet::DEFAULT),
        Box::new(Synced::TUNED),
        Box::new(Enet::TUNED),
    ]
}

/// Live properties of `SyncedNode`.
#[derive(Debug, Clone, Copy)]
pub struct Synced {
    name: &'static str,
    is_tuned: bool,
    settings: &'static str,
}

impl Synced {
    /// What a game gets that sets nothing.
    pub const DEFAULT: Self = Self {
        name: "SyncedNode",
        is_tuned: false,
        settings: "SyncedSession.batch_interval_msec = 4; SyncedSession.playout_delay_min_msec = 10",
    };
    /// As soon as the network allows.
    pub const TUNED: Self = Self {
        name: "SyncedNode tuned",
        is_tuned: true,
        settings: "SyncedSession.batch_interval_msec = 1; SyncedSession.playout_delay_min_msec = 0",
    };
}

impl Way for Synced {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_tuned(&self) -> bool {
        self.is_tuned
    }

    fn scene(&self) -> &'static str {
        "synced_bodies"
    }

    fn settings(&self) -> &'static str {
        self.settings
    }

    fn host(&self, host: &mut Player, clients: u32) -> Outcome<Hosted> {
        let players_max = clients + 1;
        host.run(&format!(
            "SyncedSession.host({{\"port\": 0, \"players_max\": {players_max}}})"
        ))?;
        host.until("SyncedSession.is_joined()")?;
        host.until("synced_nodes().all(func(node): return not node.is_pending())")?;
        host.run("world.take()")?;
        host.until("world.are_taken()")?;
        let url: String = host.get("SyncedSession.get_invite_url()")?;
        invited(&url).ok_or_else(|| Failure::new(format!("no address in {url}")))
    }

    fn join(&self, hosted: &Hosted, by: SocketAddr) -> String {
        let url = format!("synced://{by}#{}", hosted.secret);
        format!("SyncedSession.connect_to_server({url:?})")
    }

    fn has_joined(&self) -> &'static str {
        "SyncedSession.is_joined()"
    }

    fn has_clients(&self, clients: u32) -> String {
        format!("SyncedSession.get_players().size() == {}", clients + 1)
    }

    fn leave(&self) -> &'static str {
        "SyncedSession.leave()"
    }

    fn has_left(&self) -> &'static str {
        "SyncedSession.get_state() == SyncedSession.STATE_OFFLINE"
    }
}

/// Godot's own `MultiplayerSynchronizer`, over ENet.
#[derive(Debug, Clone, Copy)]
pub struct Enet {
    name: &'static str,
    is_tuned: bool,
    settings: &'static str,
}

impl Enet {
    /// What a game gets that sets nothing.
    pub const DEFAULT: Self = Self {
        name: "MultiplayerSynchronizer",
        is_tuned: false,
        settings: "EnetBodies.is_tuned = false",
    };
    /// With the fewest bytes and the shortest way.
    pub const TUNED: Self = Self {
        name: "MultiplayerSynchronizer tuned",
        is_tuned: true,
        settings: "EnetBodies.is_tuned = true",
    };
}

impl Way for Enet {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_tuned(&self) -> bool {
        self.is_tuned
    }

    fn scene(&self) -> &'static str {
        "enet_bodies"
    }

    fn settings(&self) -> &'static str {
        self.settings
    }

    fn host(&self, host: &mut Player, clients: u32) -> Outcome<Hosted> {
        let port = free_udp_port()?;
        host.run(&format!("world.host({port}, {clients})"))?;
        Ok(Hosted {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            secret: String::new(),
        })
    }

    fn join(&self, _hosted: &Hosted, by: SocketAddr) -> String {
        format!("world.join({})", by.port())
    }

    fn has_joined(&self) -> &'static str {
        "world.has_host()"
    }

    fn has_clients(&self, clients: u32) -> String {
        format!("world.has_peers({clients})")
    }

    fn leave(&self) -> &'static str {
        "world.leave()"
    }

    fn has_left(&self) -> &'static str {
        "world.has_peers(0)"
    }
}

/// The address of `synced://ADDRESS#SECRET`.
fn invited(url: &str) -> Option<Hosted> {
    let (address, secret) = url.strip_prefix("synced://")?.split_once('#')?;
    Some(Hosted {
        address: address.parse().ok()?,
        secret: secret.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_an_address_and_a_secret_that_a_client_is_told_with_another_address() {
        let hosted = invited("synced://127.0.0.1:4870#sha256=0a1b").unwrap();
        assert_eq!(hosted.address, "127.0.0.1:4870".parse().unwrap());
        let told = Synced::DEFAULT.join(&hosted, "127.0.0.1:99".parse().unwrap());
        assert!(told.contains("synced://127.0.0.1:99#sha256=0a1b"), "{told}");
        assert_eq!(invited("synced://127.0.0.1:4870"), None);
    }

    #[test]
    fn ways_are_told_apart_by_their_names() {
        let mut names: Vec<_> = all().iter().map(|way| way.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }
}
