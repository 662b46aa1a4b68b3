//! What several players ask of the same properties at once and are told, while servers are killed and frozen.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use synced_client::update::Update;
use synced_protocol::{
    id::{LogIndex, NodeId},
    mutation::{Access, Mutation, OnOwnerLeft, Policy, Spawn, Transfer},
};
use synced_tests::{
    Outcome,
    cluster::SyncedCluster,
    headless::HeadlessPlayer,
    linear::{Answer, Histories, Recorder, Register, Verdict, check},
    steady,
};

use crate::{GAME, assert_same_worlds, five, follower};

const PLAYERS: usize = 6;
const PROPERTIES: u32 = 3;
/// How long the players go on undisturbed after each disturbance.
const PAUSE: Duration = Duration::from_millis(900);
/// How long a frozen server stays so: longer than it takes to replace it.
const FREEZE: Duration = Duration::from_millis(300);
/// More than a search needs that does not go astray.
const STEPS_MAX: usize = 5_000_000;
const SPAWN_TIME_MAX: Duration = Duration::from_secs(30);

#[test]
fn what_players_are_told_could_have_happened_one_at_a_time_whatever_becomes_of_the_servers()
-> Outcome {
    let mut cluster = five("linearizable")?;
    let mut owner = join(&cluster, "owner")?;
    let versions = spawn_all(&mut owner)?;
    let origin = Instant::now();
    let recorders: Outcome<Vec<_>> = (0..PLAYERS)
        .map(|place| {
            let player = join(&cluster, &format!("player {place}"))?;
            let seed = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(place as u64 + 1);
            Ok(Recorder::start(player, versions.clone(), origin, seed))
        })
        .collect();
    for disturbance in [
        kill_leader,
        freeze_leader,
        kill_follower,
        hand_over,
        freeze_leader,
        kill_leader,
    ] {
        thread::sleep(PAUSE);
        disturbance(&mut cluster)?;
    }
    thread::sleep(PAUSE);
    let mut histories = Histories::new();
    for recorder in recorders? {
        for (node, mut calls) in recorder.end()? {
            histories.entry(node).or_default().append(&mut calls);
        }
    }
    for (node, calls) in &histories {
        let answered = |answer| {
            calls
                .iter()
                .filter(|call| call.answer.map(|(_, told)| told == answer) == Some(true))
                .count()
        };
        let written = calls
            .iter()
            .filter(|call| matches!(call.answer, Some((_, Answer::Written(_)))))
            .count();
        let (refused, open) = (
            answered(Answer::Refused),
            calls.iter().filter(|call| call.answer.is_none()).count(),
        );
        println!("{node}: {written} written, {refused} refused, {open} unanswered");
        assert!(written > 100 && refused > 10, "too little happened");
        let verdict = check(&Register::of(versions[node], calls), calls, STEPS_MAX);
        assert_eq!(verdict, Verdict::Linearizable, "{node}");
    }
    owner.leave()?;
    assert_same_worlds(cluster)
}

fn join(cluster: &SyncedCluster, name: &str) -> Outcome<HeadlessPlayer> {
    HeadlessPlayer::join(cluster.url(), HeadlessPlayer::config(GAME.0, GAME.1, name))
}

/// The nodes that everybody writes to, with the versions of their properties.
fn spawn_all(owner: &mut HeadlessPlayer) -> Outcome<BTreeMap<NodeId, u64>> {
    let mut versions = BTreeMap::new();
    for counter in 1..=PROPERTIES {
        let node = NodeId::spawned(owner.player(), counter);
        let spawn = spawn(node, owner);
        let seq = owner.propose(Mutation::Spawn(spawn));
        let confirmed = |update| match update {
            Update::CommitEnd(end) if end.own == Some(seq) => Some(end.log_index),
            _ => None,
        };
        let LogIndex(version) = owner.wait_for("a node is there", SPAWN_TIME_MAX, confirmed)?;
        versions.insert(node, version);
    }
    Ok(versions)
}

fn spawn(node: NodeId, owner: &HeadlessPlayer) -> Spawn {
    Spawn {
        policy: Policy {
            write: Access::Anyone,
            call: Access::Anyone,
            transfer: Transfer::Always,
            on_owner_left: OnOwnerLeft::Release,
        },
        ..steady::spawn(node, owner)
    }
}

fn kill_leader(cluster: &mut SyncedCluster) -> Outcome {
    let leader = cluster.leader()?;
    kill_and_restart(cluster, leader)
}

fn kill_follower(cluster: &mut SyncedCluster) -> Outcome {
    let follower = follower(cluster)?;
    kill_and_restart(cluster, follower)
}

fn kill_and_restart(cluster: &mut SyncedCluster, server: u16) -> Outcome {
    cluster.kill(server)?;
    thread::sleep(PAUSE);
    cluster.run(server)
}

fn freeze_leader(cluster: &mut SyncedCluster) -> Outcome {
    let leader = cluster.leader()?;
    cluster.process(leader)?.freeze()?;
    thread::sleep(FREEZE);
    cluster.process(leader)?.unfreeze()
}

fn hand_over(cluster: &mut SyncedCluster) -> Outcome {
    let to = follower(cluster)?.to_string();
    cluster
        .order(&["cluster", "transfer", "--to", &to])
        .map(drop)
}
