//! Who takes part in a group.

use std::collections::BTreeSet;

use synced_protocol::{
    id::{ReplicaId, ServerId},
    limits::MAX_SERVERS,
    store::{MemberAddress, Members},
};

/// Whether these can be the members of a group; the text says why not.
pub(crate) fn check(members: &Members) -> Result<(), String> {
    let [voters, outgoing, learners, next] = [
        &members.voters,
        &members.outgoing,
        &members.learners,
        &members.learners_next,
    ]
    .map(|list| set(list));
    let rules = [
        (
            !voters.is_empty() || all(members).next().is_none(),
            "nobody votes",
        ),
        (
            voters.len() == members.voters.len(),
            "a voter is named twice",
        ),
        (
            outgoing.len() == members.outgoing.len(),
            "an outgoing voter is named twice",
        ),
        (
            learners.len() == members.learners.len(),
            "a learner is named twice",
        ),
        (
            learners.is_disjoint(&voters) && learners.is_disjoint(&outgoing),
            "a learner votes",
        ),
        (
            next.is_subset(&outgoing) && next.is_disjoint(&voters),
            "a voter to come does not go",
        ),
        (
            next.len() == members.learners_next.len(),
            "a learner to come is named twice",
        ),
        (!members.auto_leave, "a change completes by itself"),
        (
            servers(members).len() <= MAX_SERVERS,
            "there are too many servers",
        ),
    ];
    match rules.iter().find(|(good, _)| !good) {
        None => Ok(()),
        Some((_, what)) => Err((*what).to_owned()),
    }
}

fn set(list: &[ReplicaId]) -> BTreeSet<ReplicaId> {
    list.iter().copied().collect()
}

/// Every replica that takes part in some way, some of them twice.
pub(crate) fn all(members: &Members) -> impl Iterator<Item = ReplicaId> {
    let lists = [
        &members.voters,
        &members.outgoing,
        &members.learners,
        &members.learners_next,
    ];
    lists.into_iter().flatten().copied()
}

/// Every replica that decides, in order.
pub(crate) fn deciders(members: &Members) -> BTreeSet<ReplicaId> {
    members
        .voters
        .iter()
        .chain(&members.outgoing)
        .copied()
        .collect()
}

/// Every server that takes part in some way.
pub(crate) fn servers(members: &Members) -> BTreeSet<ServerId> {
    all(members).map(ReplicaId::server).collect()
}

/// Whether a replica takes part in some way.
pub(crate) fn contains(members: &Members, replica: ReplicaId) -> bool {
    all(members).any(|member| member == replica)
}

/// Sets where servers are, and forgets those that do not take part.
pub(crate) fn readdress(members: &mut Members, known: &[MemberAddress], newer: &[MemberAddress]) {
    let servers = servers(members);
    let address = |server: &ServerId| {
        let of = |list: &[MemberAddress]| list.iter().rfind(|a| a.peer.server == *server).cloned();
        of(newer).or_else(|| of(known))
    };
    members.addresses = servers.iter().filter_map(address).collect();
}

/// The greatest time that a quorum has reached, by both lists of voters where there are two. Those that `reached` does not know
/// have not.
pub(crate) fn quorum_reached<T: Ord + Copy>(
    members: &Members,
    reached: impl Fn(ReplicaId) -> Option<T>,
) -> Option<T> {
    let of = |voters: &[ReplicaId]| {
        let mut room = [None; MAX_SERVERS];
        let values = room.get_mut(..voters.len())?;
        for (value, voter) in values.iter_mut().zip(voters) {
            *value = reached(*voter);
        }
        values.sort_unstable_by(|a, b| b.cmp(a));
        values.get(values.len() / 2).copied().flatten()
    };
    let incoming = of(&members.voters)?;
    if members.outgoing.is_empty() {
        return Some(incoming);
    }
    of(&members.outgoing).map(|outgoing| incoming.min(outgoing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(number: u16) -> ReplicaId {
        ReplicaId::new(ServerId(number), 0)
    }

    fn members(voters: &[u16], outgoing: &[u16]) -> Members {
        let list = |servers: &[u16]| servers.iter().map(|server| replica(*server)).collect();
        Members {
            voters: list(voters),
            outgoing: list(outgoing),
            ..Members::default()
        }
    }

    #[test]
    fn a_quorum_has_reached_what_three_of_five_have() {
        let times = [50, 10, 40, 30, 20];
        let reached = |r: ReplicaId| times.get(usize::from(r.server().0) - 1).copied();
        assert_eq!(
            quorum_reached(&members(&[1, 2, 3, 4, 5], &[]), reached),
            Some(30)
        );
        assert_eq!(
            quorum_reached(&members(&[1, 2, 3, 4], &[]), reached),
            Some(30)
        );
        assert_eq!(
            quorum_reached(&members(&[1, 2, 8, 9, 10], &[]), reached),
            None
        );
    }

    #[test]
    fn while_members_change_both_lists_must_have_reached_it() {
        let reached = |r: ReplicaId| Some(r.server().0);
        assert_eq!(
            quorum_reached(&members(&[4, 5, 6], &[1, 2, 3]), reached),
            Some(2)
        );
    }

    #[test]
    fn members_that_the_engine_would_die_of_are_refused() {
        let good = members(&[1, 2, 3], &[3, 4, 5]);
        assert_eq!(check(&good), Ok(()));
        let learner = |number| vec![replica(number)];
        let bad = [
            Members {
                voters: Vec::new(),
                ..good.clone()
            },
            Members {
                learners: learner(1),
                ..good.clone()
            },
            Members {
                learners: learner(4),
                ..good.clone()
            },
            Members {
                learners_next: learner(6),
                ..good.clone()
            },
            Members {
                learners_next: learner(3),
                ..good.clone()
            },
            Members {
                auto_leave: true,
                ..good.clone()
            },
            members(&[1, 1, 2], &[]),
            members(&(1..=16).collect::<Vec<u16>>(), &[]),
        ];
        for members in bad {
            assert!(check(&members).is_err(), "{members:?}");
        }
    }
}
