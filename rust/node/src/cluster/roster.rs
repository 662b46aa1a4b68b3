//! Who takes part, told to every server that one is connected with: one that comes back without its memory knows the founders alone,
//! and the leader may be none of them.

use synced_protocol::{
    error::DecodeError,
    id::ServerId,
    limits::{MAX_NAME_BYTES, MAX_SERVERS},
    replica::{self, ReplicaError, Roster},
    time::Micros,
};

use super::{envelope::Kind, log::ClusterLog};
use crate::node::Node;

impl Node<ClusterLog> {
    pub(super) fn tell_roster(&mut self, to: ServerId) {
        let servers = self.log.members.addresses.clone();
        if self.log.members.voters.is_empty() {
            return;
        }
        match replica::encode(&Roster { servers }) {
            Ok(body) => {
                let hlc = self.stamp(self.handled_at);
                self.log.peers.bulk(to, Kind::Roster, hlc, &body);
            }
            Err(error) => tracing::error!("{to} cannot be told who takes part: {error}"),
        }
    }

    pub(super) fn on_roster(&mut self, now: Micros, body: &[u8]) -> Result<(), ReplicaError> {
        let Roster { servers } = replica::decode(body)?;
        let is_short = |text: &String| text.len() <= MAX_NAME_BYTES;
        let fits = servers.len() <= MAX_SERVERS
            && servers
                .iter()
                .all(|server| is_short(&server.peer.address) && is_short(&server.players));
        if !fits {
            return Err(ReplicaError::Broken(DecodeError::OutOfRange {
                what: "roster",
            }));
        }
        self.log.consensus.told_of(now, servers);
        Ok(())
    }
}
