//! What an operator asks of a server, as JSON, and is answered.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use synced_consensus::{ChangeError, MembersWanted};
use synced_protocol::{
    id::ServerId,
    peer::{PeerAddress, RequestId},
    store::{Durability, MemberAddress},
};

use super::{config::GROUP, log::ClusterLog};
use crate::node::Node;

/// What can be asked.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Request {
    /// How this server stands.
    Status,
    /// That another server leads.
    Transfer {
        /// Which; else the one that has most of the log.
        to: Option<u16>,
    },
    /// That servers take part.
    Add {
        /// Which, and where they are.
        servers: Vec<Newcomer>,
    },
    /// That servers take part no longer.
    Remove {
        /// Which.
        servers: Vec<u16>,
    },
}

/// A server that is to take part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Newcomer {
    server: u16,
    /// For the other servers, `host:port`.
    peer: String,
    /// For players, `host:port`.
    players: String,
}

/// Why something was not done.
#[derive(Debug, Serialize)]
struct Refusal {
    /// What to do.
    error: String,
    /// Who leads, where that matters; null where nobody is known to, so that it is worth asking again.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader: Option<Option<u16>>,
    /// Where the leader is, for the other servers and operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader_address: Option<String>,
}

impl Node<ClusterLog> {
    pub(super) fn on_request(&mut self, request: RequestId, bytes: &[u8]) {
        let answer = match serde_json::from_slice(bytes) {
            Ok(asked) => self.answer(asked),
            Err(error) => Err(Refusal::new(format!(
                "ask for status, transfer, add or remove: {error}"
            ))),
        };
        let answer = match answer {
            Ok(value) => json!({ "ok": value }),
            Err(refusal) => json!(refusal),
        };
        let bytes = Bytes::from(answer.to_string());
        self.log.peers.respond(request, bytes);
    }

    fn answer(&mut self, request: Request) -> Result<Value, Refusal> {
        match request {
            Request::Status => Ok(json!({
                "node": self.stats(),
                "connections": self.connections.len(),
                "version": env!("CARGO_PKG_VERSION"),
                "durability": self.log.durability(),
            })),
            Request::Transfer { to } => {
                let to = to.map(ServerId);
                let transferred = self.log.consensus.transfer(GROUP, to);
                let to = transferred.map_err(|error| self.log.refusal(&error))?;
                Ok(json!({ "to": to.0 }))
            }
            Request::Add { servers } => {
                let newcomers = servers.into_iter().map(MemberAddress::from);
                let newcomers: Vec<_> = newcomers.collect();
                let known = self.log.members.addresses.iter();
                let others = known.filter(|member| {
                    let server = member.peer.server;
                    newcomers
                        .iter()
                        .all(|newcomer| newcomer.peer.server != server)
                });
                let servers = others.chain(&newcomers).cloned().collect();
                self.change_members(servers)
            }
            Request::Remove { servers } => {
                let known = self.log.members.addresses.iter();
                let stays = |member: &&MemberAddress| !servers.contains(&member.peer.server.0);
                let servers = known.filter(stays).cloned().collect();
                self.change_members(servers)
            }
        }
    }

    fn change_members(&mut self, servers: Vec<MemberAddress>) -> Result<Value, Refusal> {
        let names: Vec<u16> = servers.iter().map(|member| member.peer.server.0).collect();
        let wanted = MembersWanted { servers };
        let changed = self.log.consensus.change_members(GROUP, wanted);
        changed.map_err(|error| self.log.refusal(&error))?;
        Ok(json!({ "voters": names }))
    }
}

impl ClusterLog {
    /// When a commit counts as safe, as the configuration calls it.
    const fn durability(&self) -> &'static str {
        match self.consensus.config().durability {
            Durability::Memory => "quorum-memory",
            Durability::Disk => "quorum-disk",
        }
    }

    fn refusal(&self, error: &ChangeError) -> Refusal {
        let leads_elsewhere = matches!(error, ChangeError::NotLeading { .. });
        let leader = self.leader.filter(|_| leads_elsewhere);
        let mut members = self.members.addresses.iter();
        let member = members.find(|member| Some(member.peer.server) == leader);
        Refusal {
            error: error.to_string(),
            leader: leads_elsewhere.then(|| leader.map(|leader| leader.0)),
            leader_address: member.map(|member| member.peer.address.clone()),
        }
    }
}

impl Refusal {
    const fn new(error: String) -> Self {
        Self {
            error,
            leader: None,
            leader_address: None,
        }
    }
}

impl From<Newcomer> for MemberAddress {
    fn from(newcomer: Newcomer) -> Self {
        let server = ServerId(newcomer.server);
        Self {
            peer: PeerAddress {
                server,
                address: newcomer.peer,
            },
            players: newcomer.players,
        }
    }
}
