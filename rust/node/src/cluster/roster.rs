//! Who takes part, told to every server that one is connected with: one that comes back without its memory knows the founders alone,
//! and the leader may be none of them.

use synced_protocol::id::ServerId;

use super::{config::GROUP, envelope::Kind, log::ClusterLog};
use crate::node::Node;

impl Node<ClusterLog> {
    pub(super) fn tell_roster(&mut self, to: ServerId) {
        if let Some(roster) = self.log.consensus.roster(GROUP) {
            let hlc = self.stamp(self.handled_at);
            self.log.peers.bulk(to, Kind::Roster, hlc, &roster);
        }
    }
}
