//! Everything that goes wrong at once, from many seeds; then nothing does, and the cluster must go on.

use synced_consensus::{Config, MembersWanted, ReplicaStatus};
use synced_protocol::{
    id::{GroupId, ReplicaId, ServerId},
    store::Durability,
    time::Micros,
};

use crate::{
    cluster::{Cluster, GROUP, server},
    server::{Clock, addresses},
};

/// Seeds of each kind of run, unless `SYNCED_SEEDS` says how many.
const SEEDS: u64 = 40;
/// Times that something goes wrong in one run.
const BLOWS: u32 = 60;

const OTHER: GroupId = GroupId(7);

fn seeds(from: u64) -> std::ops::Range<u64> {
    let asked = std::env::var("SYNCED_SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    from..from + asked.unwrap_or(SEEDS)
}

fn chaotic(seed: u64, groups: &[GroupId], durability: Durability) -> Cluster {
    let set = |config: &mut Config| {
        config.durability = durability;
        config.log_bytes_kept_max = 64 * 1024;
    };
    let mut cluster = Cluster::with(5, seed, groups, set);
    cluster.faults.lost_permille = 50;
    cluster.faults.doubled_permille = 50;
    cluster.faults.frames_too = seed.is_multiple_of(2);
    cluster.faults.delay = (
        Micros(50),
        Micros(if seed.is_multiple_of(3) { 5_000 } else { 400 }),
    );
    for id in 1..=5 {
        let drift_ppm = i64::try_from(cluster.chance.between(0, 10_000)).unwrap() - 5_000;
        let ahead = Micros(cluster.chance.between(0, 1_000_000));
        // Clocks do not jump under a running server.
        cluster.kill(server(id));
        cluster.set_clock(server(id), Clock { ahead, drift_ppm });
        cluster.start(server(id));
    }
    cluster
}

fn propose_somewhere(cluster: &mut Cluster, groups: &[GroupId]) {
    let group = cluster.chance.pick(groups);
    let size = usize::try_from(cluster.chance.between(1, 3_000)).unwrap();
    // To whoever believes to lead: a deposed leader's entries must be lost, not kept beside others.
    for id in cluster.alive() {
        let data = vec![cluster.chance.next().to_le_bytes()[0]; size];
        let _ = cluster.propose(id, group, data);
    }
}

fn blow(cluster: &mut Cluster) {
    let all: Vec<ServerId> = cluster.servers.keys().copied().collect();
    let (one, other) = (cluster.chance.pick(&all), cluster.chance.pick(&all));
    let alive = cluster.servers[&one].consensus.is_some();
    match cluster.chance.between(0, 9) {
        0 | 1 if alive && cluster.alive().len() > 2 => cluster.kill(one),
        0..=3 if !alive => cluster.start(one),
        4 => drop(cluster.faults.cut.insert((one, other))),
        5 => cluster.faults.isolate(one, all),
        6 | 7 => cluster.faults.cut.clear(),
        8 => {
            let span = Micros(cluster.chance.between(1_000, 60_000));
            cluster.servers.get_mut(&one).unwrap().stalled_until = cluster.now + span;
        }
        9 if alive => {
            let _ = cluster.act(one, |consensus, _| consensus.transfer(GROUP, None));
        }
        _ => {}
    }
}

fn heal(cluster: &mut Cluster) {
    cluster.faults.cut.clear();
    cluster.faults.lost_permille = 0;
    cluster.faults.doubled_permille = 0;
    cluster.faults.frames_too = false;
    cluster.faults.delay = (Micros(100), Micros(300));
    for id in cluster.servers.keys().copied().collect::<Vec<_>>() {
        if cluster.servers[&id].consensus.is_none() {
            cluster.start(id);
        }
    }
}

fn survive(seed: u64, groups: &[GroupId], durability: Durability) {
    println!("seed {seed}");
    let mut cluster = chaotic(seed, groups, durability);
    for _ in 0..BLOWS {
        blow(&mut cluster);
        for _ in 0..cluster.chance.between(1, 8) {
            propose_somewhere(&mut cluster, groups);
            let span = Micros(cluster.chance.between(100, 4_000));
            cluster.run(span);
        }
    }
    heal(&mut cluster);
    cluster.run_ms(100);
    cluster.elect();
    let index = cluster.commit("at last");
    cluster.converge(Micros::from_secs(2));
    for id in cluster.alive() {
        assert_eq!(cluster.state(id).entries[&index.0], "at last");
        assert_eq!(cluster.status(id).failure, None);
    }
}

#[test]
fn nothing_committed_is_lost_or_changed_whatever_happens() {
    for seed in seeds(0) {
        survive(seed, &[GROUP], Durability::Memory);
    }
}

#[test]
fn nothing_committed_is_lost_when_power_fails_and_the_disk_is_slow() {
    for seed in seeds(1 << 32) {
        survive(seed, &[GROUP], Durability::Disk);
    }
}

#[test]
fn two_groups_of_the_same_servers_live_side_by_side() {
    for seed in seeds(2 << 32) {
        survive(seed, &[GROUP, OTHER], Durability::Memory);
    }
}

/// Servers come, go and lose their memory, one at a time as operators do, while the network fails.
fn survive_changes(seed: u64) {
    println!("seed {seed}");
    let mut cluster = Cluster::with(5, seed, &[GROUP], |c| c.log_bytes_kept_max = 64 * 1024);
    for id in [6, 7] {
        cluster.add(server(id), 1, |c| c.log_bytes_kept_max = 64 * 1024);
        cluster.start(server(id));
    }
    cluster.faults.lost_permille = 30;
    cluster.faults.frames_too = seed.is_multiple_of(2);
    let mut incarnation = 1;
    for _ in 0..BLOWS {
        change(&mut cluster, &mut incarnation);
        for _ in 0..cluster.chance.between(1, 20) {
            propose_somewhere(&mut cluster, &[GROUP]);
            let span = Micros(cluster.chance.between(100, 4_000));
            cluster.run(span);
        }
    }
    heal(&mut cluster);
    cluster.elect();
    all_seven(&mut cluster);
}

fn change(cluster: &mut Cluster, incarnation: &mut u32) {
    let all: Vec<ServerId> = cluster.servers.keys().copied().collect();
    let (one, other) = (cluster.chance.pick(&all), cluster.chance.pick(&all));
    match cluster.chance.between(0, 7) {
        0 | 1 => {
            let odd = usize::try_from(cluster.chance.between(1, 3)).unwrap() * 2 + 1;
            let first = cluster.chance.between(1, 7);
            let servers =
                (0..odd as u64).map(|n| server(u16::try_from((first + n - 1) % 7 + 1).unwrap()));
            ask(cluster, &servers.collect::<Vec<_>>());
        }
        // Never more than one at a time without its memory: that is what a quorum in memory can bear.
        2 if everybody_votes(cluster) => {
            *incarnation += 1;
            cluster.kill_and_lose(one, *incarnation);
            cluster.start(one);
        }
        3 => {
            cluster.kill(one);
            cluster.start(one);
        }
        4 => drop(cluster.faults.cut.insert((one, other))),
        _ => cluster.faults.cut.clear(),
    }
}

fn ask(cluster: &mut Cluster, servers: &[ServerId]) {
    if let Some(leader) = cluster.leader() {
        let wanted = MembersWanted {
            servers: addresses(servers),
        };
        let _ = cluster.act(leader, |c, _| c.change_members(GROUP, wanted));
    }
}

/// Whether each server that is meant to vote does so under its latest name, all of them with all that was committed.
fn everybody_votes(cluster: &Cluster) -> bool {
    let Some(leader) = cluster.leader() else {
        return false;
    };
    let status = cluster.status(leader);
    let latest = |voter: &ReplicaId| cluster.servers[&voter.server()].config.replica == *voter;
    let has_all = |peer: &ReplicaStatus| !peer.voter || peer.matched == status.last;
    status.leader == Some(leader)
        && status.members.outgoing.is_empty()
        && status.members.voters.len() >= 3
        && status.members.voters.iter().all(latest)
        && status.peers.iter().all(has_all)
}

fn all_seven(cluster: &mut Cluster) {
    let all: Vec<ServerId> = cluster.servers.keys().copied().collect();
    let settled = |cluster: &Cluster| {
        cluster.leader().is_some_and(|leader| {
            let members = cluster.status(leader).members;
            members.voters.len() == 7 && members.outgoing.is_empty() && members.learners.is_empty()
        })
    };
    for _ in 0..100 {
        if settled(cluster) {
            break;
        }
        ask(cluster, &all);
        cluster.run_ms(30);
    }
    assert!(settled(cluster), "{}", cluster.describe());
    let index = cluster.commit("at last");
    cluster.converge(Micros::from_secs(2));
    for id in cluster.alive() {
        assert_eq!(cluster.state(id).entries[&index.0], "at last");
    }
}

#[test]
fn members_change_and_lose_their_memory_and_nothing_committed_is_lost() {
    for seed in seeds(3 << 32) {
        survive_changes(seed);
    }
}

#[test]
fn one_seed_gives_one_run_to_the_byte() {
    let transcript = |seed| {
        let mut cluster = chaotic(seed, &[GROUP, OTHER], Durability::Disk);
        for _ in 0..20 {
            blow(&mut cluster);
            propose_somewhere(&mut cluster, &[GROUP, OTHER]);
            cluster.run_ms(5);
        }
        cluster.transcript
    };
    assert_eq!(transcript(9), transcript(9));
    assert_ne!(transcript(9), transcript(10));
}
