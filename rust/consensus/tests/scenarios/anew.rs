//! Every memory is lost at once, and a log begins anew with what is left of one.

use synced_consensus::{Anew, Config, INDEX_GAP, TERM_GAP};
use synced_protocol::{
    id::{LogIndex, ReplicaId, ServerId},
    store::{EntryKind, Members, StoredGroup},
    time::Micros,
};

use crate::{
    cluster::{Cluster, GROUP, server},
    server::{State, addresses},
};

const INCARNATION: u32 = 1_700_000_000;

fn with_a_short_log(config: &mut Config) {
    config.log_bytes_kept_max = 600;
}

/// A cluster that has committed these and of which all have ended; only the disks know of it.
fn ended(seed: u64, set: impl Fn(&mut Config)) -> Cluster {
    let mut cluster = Cluster::with(5, seed, &[GROUP], set);
    cluster.elect();
    for number in 0..40_u8 {
        cluster.commit(vec![number]);
    }
    cluster.run_ms(50);
    for id in cluster.alive() {
        cluster.kill(id);
    }
    cluster.run_ms(300);
    cluster
}

fn stored(cluster: &Cluster, id: ServerId) -> StoredGroup {
    cluster.servers[&id].groups[&GROUP].stored.clone()
}

/// What this one holds, as all begin anew with it.
fn anew(cluster: &Cluster, from: ServerId) -> StoredGroup {
    let former = stored(cluster, from);
    let last = former.entries.last();
    let last = last.map_or(former.snapshot.index, |entry| entry.index);
    let voters = cluster
        .founders
        .iter()
        .map(|id| ReplicaId::new(*id, INCARNATION));
    let anew = Anew {
        members: Members {
            voters: voters.collect(),
            addresses: addresses(&cluster.founders),
            ..Members::default()
        },
        index: LogIndex(last.0 + INDEX_GAP),
        term: synced_protocol::id::Term(former.hard_state.term.0 + TERM_GAP),
    };
    anew.begin(&former, former.snapshot.parts.clone())
}

fn found(cluster: &mut Cluster, ids: impl IntoIterator<Item = u16>, stored: &StoredGroup) {
    for id in ids.into_iter().map(server) {
        let server = cluster.servers.get_mut(&id).unwrap();
        server.config.replica = ReplicaId::new(id, INCARNATION);
        server.groups.get_mut(&GROUP).unwrap().stored = stored.clone();
    }
}

fn start(cluster: &mut Cluster, ids: impl IntoIterator<Item = u16>) {
    ids.into_iter().for_each(|id| cluster.start(server(id)));
}

/// What was committed, wherever it stands.
fn contents(state: &State) -> Vec<u8> {
    state.entries.values().map(|data| data[0]).collect()
}

#[test]
fn new_replicas_elect_a_leader_and_go_on_with_all_that_one_of_the_former_held() {
    for (seed, set) in [(70, (|_| {}) as fn(&mut Config)), (71, with_a_short_log)] {
        let mut cluster = ended(seed, set);
        let begun = anew(&cluster, server(4));
        assert_eq!(begun.snapshot.parts.is_empty(), seed == 70);
        found(&mut cluster, 1..=5, &begun);
        start(&mut cluster, 1..=5);
        cluster.elect();
        let index = cluster.commit(vec![40]);
        assert!(index > LogIndex(INDEX_GAP));
        cluster.converge(Micros::from_millis(200));
        for id in cluster.alive() {
            assert_eq!(contents(cluster.state(id)), (0..=40).collect::<Vec<u8>>());
            assert!(cluster.status(id).term.0 > TERM_GAP);
        }
    }
}

#[test]
fn what_was_never_known_to_be_committed_is_kept_and_changes_of_members_are_not() {
    let mut cluster = ended(72, |_| {});
    let mut former = stored(&cluster, server(2));
    former.hard_state.committed = former.snapshot.index;
    let place = former.entries.len() / 2;
    former.entries[place].kind = EntryKind::Membership;
    let lost = former.entries[place].data[0];
    cluster
        .servers
        .get_mut(&server(2))
        .unwrap()
        .groups
        .get_mut(&GROUP)
        .unwrap()
        .stored = former;
    let begun = anew(&cluster, server(2));
    found(&mut cluster, 1..=5, &begun);
    start(&mut cluster, 1..=5);
    cluster.elect();
    cluster.converge(Micros::from_millis(200));
    let expected: Vec<u8> = (0..40).filter(|number| *number != lost).collect();
    assert_eq!(contents(cluster.state(server(1))), expected);
    let members = cluster.status(server(1)).members;
    assert!(
        members
            .voters
            .iter()
            .all(|voter| voter.incarnation() == INCARNATION)
    );
}

#[test]
fn a_former_replica_that_comes_up_later_changes_nothing_and_is_replaced_once_it_lost_its_memory() {
    let mut cluster = ended(73, |_| {});
    let begun = anew(&cluster, server(1));
    found(&mut cluster, 1..=4, &begun);
    start(&mut cluster, 1..=4);
    let leader = cluster.elect();
    let term = cluster.status(leader).term;
    start(&mut cluster, [5]);
    for number in 40..60_u8 {
        cluster.commit(vec![number]);
        cluster.run_ms(20);
    }
    assert_eq!(
        (cluster.leader(), cluster.status(leader).term),
        (Some(leader), term)
    );
    assert!(cluster.status(server(5)).last < LogIndex(INDEX_GAP));
    cluster.kill_and_lose(server(5), INCARNATION + 60);
    start(&mut cluster, [5]);
    let new = ReplicaId::new(server(5), INCARNATION + 60);
    cluster.run_until(Micros::from_secs(2), |cluster| {
        let members = cluster.status(leader).members;
        members.voters.contains(&new) && members.outgoing.is_empty()
    });
    cluster.converge(Micros::from_millis(200));
    assert_eq!(
        contents(cluster.state(server(5))),
        (0..60).collect::<Vec<u8>>()
    );
}

#[test]
fn former_replicas_that_are_still_enough_go_on_among_themselves_and_touch_no_new_one() {
    let mut cluster = ended(74, |_| {});
    let begun = anew(&cluster, server(4));
    found(&mut cluster, 4..=5, &begun);
    start(&mut cluster, 1..=5);
    cluster.elect();
    for number in 40..60_u8 {
        cluster.commit(vec![number]);
        cluster.run_ms(20);
    }
    for id in [4, 5].map(server) {
        let status = cluster.status(id);
        assert_eq!(status.last, begun.entries.last().unwrap().index);
        assert_eq!(stored(&cluster, id).entries, begun.entries);
        assert_eq!(status.failure, None);
    }
    let voters = cluster.status(server(1)).members.voters;
    assert!(
        voters.iter().all(|voter| voter.incarnation() == 0),
        "{voters:?}"
    );
}
