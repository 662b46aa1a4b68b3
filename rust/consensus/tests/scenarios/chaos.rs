//! Everything that goes wrong at once, from many seeds; then nothing does, and the cluster must go on.

use synced_consensus::Config;
use synced_protocol::{
    id::{GroupId, ServerId},
    store::Durability,
    time::Micros,
};

use crate::{
    cluster::{Cluster, GROUP, server},
    server::Clock,
};

/// Seeds of each kind of run.
const SEEDS: u64 = 40;
/// Times that something goes wrong in one run.
const BLOWS: u32 = 60;

const OTHER: GroupId = GroupId(7);

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
    for seed in 0..SEEDS {
        survive(seed, &[GROUP], Durability::Memory);
    }
}

#[test]
fn nothing_committed_is_lost_when_power_fails_and_the_disk_is_slow() {
    for seed in 0..SEEDS {
        survive(1_000 + seed, &[GROUP], Durability::Disk);
    }
}

#[test]
fn two_groups_of_the_same_servers_live_side_by_side() {
    for seed in 0..SEEDS {
        survive(2_000 + seed, &[GROUP, OTHER], Durability::Memory);
    }
}
