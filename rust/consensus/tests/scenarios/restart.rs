//! Servers that end and begin again, with and without their memory.

use std::sync::Arc;

use synced_consensus::{Config, Consensus, ConsensusError, Role};
use synced_protocol::{
    id::{LogIndex, ReplicaId, Term},
    store::{Durability, EntryKind, HardState, LogSnapshot, RaftEntry, StoredGroup},
    time::Micros,
};

use crate::{
    cluster::{Cluster, GROUP, server},
    server::founded,
};

fn with_disk(config: &mut Config) {
    config.durability = Durability::Disk;
}

#[test]
fn a_cluster_of_which_all_end_at_once_has_everything_that_was_committed() {
    for set in [|_: &mut Config| {}, with_disk] {
        let mut cluster = Cluster::with(5, 20, &[GROUP], set);
        cluster.elect();
        let indexes: Vec<LogIndex> = (0..20_u8).map(|n| cluster.commit(vec![n])).collect();
        for id in cluster.alive() {
            cluster.kill(id);
        }
        for id in 1..=5 {
            cluster.start(server(id));
        }
        cluster.elect();
        cluster.converge(Micros::from_millis(200));
        for id in cluster.alive() {
            let entries = &cluster.state(id).entries;
            assert!(
                (0..20_u8)
                    .zip(&indexes)
                    .all(|(n, index)| entries[&index.0] == vec![n])
            );
        }
    }
}

#[test]
fn nothing_that_waits_for_a_write_leaves_before_it_is_stored() {
    let mut cluster = Cluster::with(3, 21, &[GROUP], with_disk);
    for server in cluster.servers.values_mut() {
        server.write_takes = Micros(8_000);
    }
    let leader = cluster.elect();
    cluster.run_ms(50);
    let began = cluster.now;
    cluster.propose(leader, GROUP, "x").unwrap();
    cluster.run(Micros(7_900));
    assert_eq!(cluster.state(leader).entries.len(), 0, "no disk has it yet");
    cluster.run_until(Micros::from_millis(5), |c| {
        !c.state(leader).entries.is_empty()
    });
    assert!(cluster.now.since(began) >= Micros(8_000));
    assert_eq!(
        cluster.leader(),
        Some(leader),
        "heartbeats do not wait for disks"
    );
}

#[test]
fn a_leader_whose_own_disk_is_slow_commits_by_the_disks_of_a_quorum_and_tells_once_its_own_has_it()
{
    let mut cluster = Cluster::with(3, 22, &[GROUP], with_disk);
    let leader = cluster.elect();
    cluster.run_ms(50);
    cluster.servers.get_mut(&leader).unwrap().write_takes = Micros(30_000);
    cluster.propose(leader, GROUP, "x").unwrap();
    cluster.run_ms(20);
    let status = cluster.status(leader);
    assert_eq!(
        (status.committed, status.applied),
        (status.last, LogIndex(status.last.0 - 1))
    );
    cluster.run_ms(15);
    assert_eq!(cluster.status(leader).applied, status.last);
}

#[test]
fn a_server_without_its_memory_comes_back_as_another_replica_and_votes_again() {
    let mut cluster = Cluster::new(5, 23);
    cluster.elect();
    let index = cluster.commit("before");
    cluster.kill_and_lose(server(3), 1_700_000_000);
    cluster.run_ms(20);
    cluster.start(server(3));
    let new = ReplicaId::new(server(3), 1_700_000_000);
    cluster.run_until(Micros::from_secs(1), |c| {
        c.status(server(1)).members.voters.contains(&new)
            && c.status(server(1)).members.outgoing.is_empty()
    });
    cluster.converge(Micros::from_millis(100));
    let members = cluster.status(server(3)).members;
    assert_eq!(members.voters.len(), 5);
    assert!(
        !members.voters.contains(&ReplicaId::new(server(3), 0)),
        "its former life has gone"
    );
    assert_eq!(members.learners, []);
    assert_eq!(members.addresses.len(), 5);
    assert_eq!(cluster.status(server(3)).role, Role::Follower);
    assert_eq!(cluster.state(server(3)).entries[&index.0], "before");
    // It counts: with it, three of five are a quorum.
    cluster.kill(server(1));
    cluster.kill(server(2));
    cluster.elect();
    cluster.commit("after");
}

#[test]
fn a_server_that_has_no_memory_never_votes_under_its_new_name_before_it_has_caught_up() {
    let mut cluster = Cluster::new(3, 24);
    cluster.elect();
    cluster.commit("x");
    cluster.kill(server(2));
    cluster.kill_and_lose(server(3), 5);
    cluster.start(server(3));
    cluster.kill(server(1));
    cluster.start(server(1));
    cluster.run_ms(500);
    // Of the three voters only one is left with its memory: it must not be outvoted by one that knows nothing.
    assert_eq!(cluster.leader(), None);
    assert_eq!(cluster.status(server(3)).role, Role::Learner);
    cluster.start(server(2));
    cluster.elect();
    cluster.run_ms(500);
    cluster.converge(Micros::from_millis(100));
    assert_eq!(cluster.status(server(3)).role, Role::Follower);
}

#[test]
fn a_replica_that_forgot_what_it_acknowledged_takes_no_part_and_says_so() {
    let mut cluster = Cluster::new(3, 25);
    let leader = cluster.elect();
    for n in 0..10_u8 {
        cluster.commit(vec![n]);
    }
    cluster.run_ms(5);
    cluster.kill(server(3));
    // Its folder goes back to its founding, and yet it comes under its old name, before anybody has noticed that it was gone.
    let founders = cluster.founders.clone();
    cluster
        .servers
        .get_mut(&server(3))
        .unwrap()
        .refound(&founders, 0);
    cluster.start(server(3));
    cluster.run_ms(20);
    let status = cluster.status(server(3));
    assert_eq!(status.role, Role::Failed);
    assert!(status.failure.unwrap().contains("memory ends at"));
    assert_eq!(cluster.leader(), Some(leader), "the others go on");
    cluster.commit("on");
}

#[test]
fn after_a_restart_no_vote_is_given_as_long_as_a_former_promise_may_hold() {
    let mut cluster = Cluster::new(3, 26);
    cluster.elect();
    cluster.run_ms(10);
    // The leader can still be heard by nobody else: its lease rests on what server 2 acknowledged before it was restarted.
    cluster.kill(server(2));
    cluster.start(server(2));
    cluster.run_ms(1);
    assert!(
        cluster.servers[&server(1)]
            .consensus()
            .holds_lease(GROUP, cluster.servers[&server(1)].clock.local(cluster.now))
    );
    cluster.faults.isolate(server(1), [server(2), server(3)]);
    cluster.kill(server(3));
    cluster.start(server(3));
    cluster.run(Micros(3_000));
    let withheld = cluster.status(server(2)).counters.votes_withheld
        + cluster.status(server(3)).counters.votes_withheld;
    assert_eq!(
        (withheld, cluster.leader()),
        (0, Some(server(1))),
        "nobody even asks so soon"
    );
    cluster.run_until(Micros::from_millis(50), |c| c.leader() != Some(server(1)));
}

fn begin(stored: StoredGroup) -> Result<Consensus, ConsensusError> {
    Consensus::new(
        Config::new(ReplicaId::new(server(1), 0)),
        Micros::ZERO,
        vec![stored],
    )
}

fn entry(index: u64, term: u64) -> RaftEntry {
    RaftEntry {
        index: LogIndex(index),
        term: Term(term),
        kind: EntryKind::Normal,
        data: "x".into(),
    }
}

fn stored(entries: Vec<RaftEntry>, committed: u64) -> StoredGroup {
    let founding = founded(GROUP, &[server(1), server(2), server(3)]);
    let snapshot = LogSnapshot {
        index: LogIndex(1),
        term: Term(1),
        ..(*founding.snapshot).clone()
    };
    StoredGroup {
        hard_state: HardState {
            term: Term(4),
            vote: None,
            committed: LogIndex(committed),
        },
        snapshot: Arc::new(snapshot),
        entries,
        ..founding
    }
}

#[test]
fn a_stored_log_that_cannot_be_is_an_error_that_says_what_is_wrong() {
    assert!(begin(stored(vec![entry(2, 2), entry(3, 4)], 3)).is_ok());
    let membership = RaftEntry {
        kind: EntryKind::Membership,
        ..entry(2, 2)
    };
    let wrong = [
        (
            stored(vec![entry(2, 2), entry(4, 4)], 2),
            "follows on log index 2",
        ),
        (
            stored(vec![entry(2, 3), entry(3, 2)], 2),
            "follows on log index 2",
        ),
        (
            stored(vec![entry(2, 5)], 2),
            "it ends at log index 2 of term 5",
        ),
        (
            stored(vec![entry(2, 2)], 3),
            "log index 3 in term 4 is committed",
        ),
        (
            stored(vec![membership], 2),
            "the change of members at log index 2",
        ),
        (
            StoredGroup {
                entries: vec![entry(1, 1)],
                ..founded(GROUP, &[server(1)])
            },
            "never begun with",
        ),
        (founded(GROUP, &[server(1), server(1)]), "named twice"),
    ];
    for (stored, says) in wrong {
        let error = begin(stored).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
