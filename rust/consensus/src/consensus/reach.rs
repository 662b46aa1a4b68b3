//! Which other servers this one is to be connected with.

use std::collections::BTreeMap;

use synced_protocol::{id::ServerId, peer::PeerAddress};

use super::Consensus;
use crate::group::Group;

impl Consensus {
    /// Asks for connections with everybody who takes part, whenever those have changed.
    pub(super) fn connect(&mut self) {
        let moved = self.groups.values_mut().map(Group::take_moved);
        if moved.fold(false, |any, moved| any | moved) {
            let peers: Vec<PeerAddress> = self.reached().into_values().cloned().collect();
            if self.connected.as_ref() != Some(&peers) {
                self.connected = Some(peers.clone());
                self.peers.connect(peers);
            }
        }
    }

    /// Every other server that takes part, or is to. Whoever takes no part yet knows the founders alone.
    fn reached(&self) -> BTreeMap<ServerId, &PeerAddress> {
        let outside = self.groups.values().any(Group::is_outside);
        let founders = self.founders.iter().filter(|_| outside);
        let members = self
            .groups
            .values()
            .flat_map(|group| &group.members().addresses);
        let wanted = self.groups.values().flat_map(Group::wanted);
        let addresses = founders
            .chain(members)
            .chain(wanted)
            .map(|address| &address.peer);
        let mut peers: BTreeMap<ServerId, &PeerAddress> =
            addresses.map(|peer| (peer.server, peer)).collect();
        peers.remove(&self.config.replica.server());
        peers
    }
}
