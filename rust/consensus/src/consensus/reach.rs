//! Which other servers this one is to be connected with.

use std::collections::BTreeMap;

use bytes::Bytes;
use synced_protocol::{
    bytes_io::Reader,
    error::DecodeError,
    id::{GroupId, ServerId},
    peer::PeerAddress,
    store::MemberAddress,
    time::Micros,
};

use super::Consensus;
use crate::{
    codec::{MAX_REPLICAS, put_addresses, read_addresses},
    group::Group,
};

/// So many servers are remembered by one that takes no part; those that it was told of longest ago are forgotten first.
const NAMED_MAX: usize = MAX_REPLICAS;

impl Consensus {
    /// Asks for connections with everybody who takes part, whenever those have changed.
    pub(super) fn connect(&mut self) {
        let moved = self.groups.values_mut().map(Group::take_moved);
        if moved.fold(false, |any, moved| any | moved) {
            self.reach();
        }
    }

    /// Who takes part in a group, for the [`Consensus::told_of`] of a server that may not know; `None` when this one does not.
    #[must_use]
    pub fn roster(&self, group: GroupId) -> Option<Bytes> {
        let members = self.groups.get(&group)?.members();
        if members.voters.is_empty() {
            return None;
        }
        let mut out = Vec::new();
        put_addresses(&mut out, &members.addresses);
        Some(out.into())
    }

    /// Another server has said who takes part. That counts as long as this one takes none.
    ///
    /// # Errors
    /// It is no [`Consensus::roster`].
    pub fn told_of(&mut self, now: Micros, roster: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(roster);
        let servers = read_addresses(&mut reader)?;
        reader.finish()?;
        self.now = now;
        let told =
            |known: &MemberAddress| servers.iter().any(|it| it.peer.server == known.peer.server);
        self.named.retain(|named| !told(named));
        self.named.extend(servers);
        let too_many = self.named.len().saturating_sub(NAMED_MAX);
        self.named.drain(..too_many);
        self.reach();
        Ok(())
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
        let named = self.named.iter().filter(|_| outside);
        let members = self
            .groups
            .values()
            .flat_map(|group| &group.members().addresses);
        let wanted = self.groups.values().flat_map(Group::wanted);
        let addresses = named
            .chain(members)
            .chain(wanted)
            .map(|address| &address.peer);
        let mut peers: BTreeMap<ServerId, &PeerAddress> =
            addresses.map(|peer| (peer.server, peer)).collect();
        peers.remove(&self.config.replica.server());
        peers
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use synced_protocol::{id::ReplicaId, store::Members};

    use super::*;
    use crate::{
        Config, Output,
        testing::{founded, server},
    };

    const GROUP: GroupId = GroupId(0);

    fn address(number: u16) -> MemberAddress {
        MemberAddress {
            peer: PeerAddress {
                server: server(number),
                address: format!("peer-{number}:1"),
            },
            players: String::new(),
        }
    }

    /// The first server of three, in one of its lives; it takes part in the first alone.
    fn begun(incarnation: u32) -> Consensus {
        let mut stored = founded();
        let members = Members {
            addresses: (1..=3).map(address).collect(),
            ..stored.snapshot.members.clone()
        };
        std::sync::Arc::make_mut(&mut stored.snapshot).members = members;
        let config = Config::new(ReplicaId::new(server(1), incarnation));
        Consensus::new(config, Micros::ZERO, vec![stored]).unwrap()
    }

    /// With whom it looks for connections, if that has changed.
    fn sought(consensus: &mut Consensus) -> Option<Vec<u16>> {
        let mut sought = None;
        while let Some(output) = consensus.poll_output() {
            if let Output::Connect { peers } = output {
                sought = Some(peers.iter().map(|peer| peer.server.0).collect());
            }
        }
        sought
    }

    fn roster(servers: impl IntoIterator<Item = u16>) -> Vec<u8> {
        let servers: Vec<_> = servers.into_iter().map(address).collect();
        let mut out = Vec::new();
        put_addresses(&mut out, &servers);
        out
    }

    #[test]
    fn who_takes_no_part_looks_for_all_that_it_was_told_of_and_a_member_for_the_members() {
        let (mut member, mut outsider) = (begun(0), begun(1));
        assert_eq!(sought(&mut member), Some(vec![2, 3]));
        assert_eq!(sought(&mut outsider), Some(vec![2, 3]));
        let told = member.roster(GROUP).unwrap();
        assert_eq!(told, roster(1..=3));
        outsider.told_of(Micros(1), &told).unwrap();
        assert_eq!(sought(&mut outsider), None, "it knew these");
        for consensus in [&mut member, &mut outsider] {
            consensus.told_of(Micros(2), &roster([4, 5])).unwrap();
        }
        assert_eq!(sought(&mut member), None);
        assert_eq!(sought(&mut outsider), Some(vec![2, 3, 4, 5]));
    }

    #[test]
    fn who_was_told_of_longest_ago_is_forgotten_first() {
        let mut outsider = begun(1);
        let last = 1 + u16::try_from(NAMED_MAX).unwrap();
        for number in 4..=last {
            outsider.told_of(Micros(1), &roster([number])).unwrap();
        }
        outsider.told_of(Micros(1), &roster([2])).unwrap();
        assert_eq!(sought(&mut outsider), Some((2..=last).collect()));
        outsider.told_of(Micros(1), &roster([last + 1])).unwrap();
        let known = sought(&mut outsider).unwrap();
        assert_eq!(known.len(), NAMED_MAX);
        assert!(known.contains(&2) && !known.contains(&3), "{known:?}");
    }

    #[test]
    fn more_servers_than_there_may_be_are_refused_and_change_nothing() {
        let mut outsider = begun(1);
        sought(&mut outsider);
        let too_many = 4..=4 + u16::try_from(MAX_REPLICAS).unwrap();
        let refused = outsider.told_of(Micros(1), &roster(too_many));
        assert!(refused.is_err());
        let mut longer = roster([4]);
        longer.push(0);
        assert!(outsider.told_of(Micros(1), &longer).is_err());
        assert_eq!(sought(&mut outsider), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_roster_or_an_error(bytes in vec(any::<u8>(), 0..60)) {
            let mut outsider = begun(1);
            sought(&mut outsider);
            if outsider.told_of(Micros(1), &bytes).is_err() {
                prop_assert_eq!(sought(&mut outsider), None);
            }
        }
    }
}
