//! Which other servers this one is to be connected with.

use std::collections::BTreeMap;

use synced_protocol::{
    id::ServerId, limits::MAX_SERVERS, peer::PeerAddress, store::MemberAddress, time::Micros,
};

use super::Consensus;
use crate::group::Group;

/// So many servers are remembered by one that takes no part; those that it was told of longest ago are forgotten first.
const NAMED_MAX: usize = 2 * MAX_SERVERS;

impl Consensus {
    /// Asks for connections with everybody who takes part, whenever those have changed.
    pub(super) fn connect(&mut self) {
        let moved = self.groups.values_mut().map(Group::take_moved);
        if moved.fold(false, |any, moved| any | moved) {
            self.reach();
        }
    }

    /// Another server has said who takes part. That counts as long as this one takes none.
    pub fn told_of(&mut self, now: Micros, servers: Vec<MemberAddress>) {
        self.now = now;
        let told =
            |known: &MemberAddress| servers.iter().any(|it| it.peer.server == known.peer.server);
        self.founders.retain(|founder| !told(founder));
        self.founders.extend(servers);
        let too_many = self.founders.len().saturating_sub(NAMED_MAX);
        self.founders.drain(..too_many);
        self.reach();
    }

    fn reach(&mut self) {
        let peers: Vec<PeerAddress> = self.reached().into_values().cloned().collect();
        if self.connected.as_ref() != Some(&peers) {
            self.connected = Some(peers.clone());
            self.peers.connect(peers);
        }
    }

    /// Every other server that takes part, or is to. Whoever takes no part yet knows the founders, and those that it was told of.
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
