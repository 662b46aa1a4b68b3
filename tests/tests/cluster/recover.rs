//! Every server's machine goes down at once, and the cluster begins anew with what the folders still hold.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use synced_client::update::Update;
use synced_protocol::{id::NodeId, mutation::Mutation, time::Micros, value::Value};
use synced_tests::{
    Outcome,
    cluster::SyncedCluster,
    headless::HeadlessPlayer,
    steady::{NUMBER, spawn},
};

use crate::{CLUSTER_COMMAND_TIME, GAME, all_caught_up, assert_same_worlds, five};

const ALL: [u16; 5] = [1, 2, 3, 4, 5];
/// The server whose folder is not recovered.
const ABSENT: u16 = 5;
const JOURNALS: [&str; 2] = ["journal-a", "journal-b"];
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Somebody who sees a number change, and the last that was seen.
struct Witness {
    player: HeadlessPlayer,
    node: NodeId,
    number: Option<i64>,
}

impl Witness {
    /// Joins to look at a node, or at one that it spawns itself.
    fn join(cluster: &SyncedCluster, name: &str, node: Option<NodeId>) -> Outcome<Self> {
        let mut config = HeadlessPlayer::config(GAME.0, GAME.1, name);
        // Nobody knows how long the operator takes.
        config.retry.give_up_after = Some(Micros::from_secs(600));
        let mut number = None;
        let mut player = HeadlessPlayer::join_telling(cluster.url(), config, |update| {
            number = node.and_then(|node| seen(&update, node)).or(number);
        })?;
        let node = node.unwrap_or_else(|| {
            let node = NodeId::spawned(player.player(), 1);
            let spawn = spawn(node, &player);
            player.propose(Mutation::Spawn(spawn));
            node
        });
        Ok(Self {
            player,
            node,
            number,
        })
    }

    fn write(&mut self, number: i64) {
        self.player.propose(Mutation::SetProperties {
            node: self.node,
            properties: vec![(NUMBER, Value::Int(number))],
        });
    }

    fn look(&mut self) -> Option<i64> {
        while let Some(update) = self.player.next_update() {
            assert!(
                !matches!(update, Update::Ended(_)),
                "thrown out: {update:?}"
            );
            self.number = seen(&update, self.node).or(self.number);
        }
        self.number
    }
}

/// What an update says of the number of a node.
fn seen(update: &Update, of: NodeId) -> Option<i64> {
    let value = match update {
        Update::Spawned(spawned) if spawned.spawn.node == of => {
            &spawned.spawn.properties.first()?.value
        }
        Update::PropertySet { node, value, .. } if *node == of => value,
        _ => return None,
    };
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

/// Waits until all of them see something.
fn until_all(witnesses: &mut [Witness], what: &str, sees: impl Fn(Option<i64>) -> bool) {
    let deadline = Instant::now() + CLUSTER_COMMAND_TIME;
    loop {
        let seen: Vec<_> = witnesses.iter_mut().map(Witness::look).collect();
        if seen.iter().all(|number| sees(*number)) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "not in time: {what}; seen {seen:?}"
        );
        std::thread::sleep(LOOK_INTERVAL);
    }
}

#[test]
fn a_world_that_every_server_forgot_at_once_is_recovered_and_players_go_on_in_it() -> Outcome {
    let mut cluster = five("recover")?;
    let mut witnesses = vec![Witness::join(&cluster, "writer", None)?];
    let node = Some(witnesses[0].node);
    witnesses.push(Witness::join(&cluster, "watcher", node)?);
    (1..=100).for_each(|number| witnesses[0].write(number));
    until_all(&mut witnesses, "the first hundred", |number| {
        number == Some(100)
    });
    let on_disk = ALL.map(|server| journal_lengths(&cluster.folder(server)));
    (101..=200).for_each(|number| witnesses[0].write(number));
    until_all(&mut witnesses, "the second hundred", |number| {
        number == Some(200)
    });
    for server in ALL {
        cluster.kill(server)?;
    }
    let absent = cluster.folder(ABSENT).join("data");
    let kept = absent.with_extension("kept");
    copy(&absent, &kept);
    for (server, lengths) in ALL.into_iter().zip(on_disk) {
        cluster.lose_power(server)?;
        for (journal, length) in journals(&cluster.folder(server)).into_iter().zip(lengths) {
            let journal = fs::File::options().write(true).open(journal).unwrap();
            journal.set_len(length).unwrap();
        }
    }

    for server in ALL {
        cluster.run(server)?;
    }
    nobody_can_lead(&mut cluster)?;
    let refused = cluster.order(&["cluster", "recover"]).unwrap_err();
    assert!(
        refused.to_string().contains("must be stopped first"),
        "{refused}"
    );
    for server in ALL {
        cluster.stop(server)?;
    }
    let said = cluster.order(&["cluster", "recover"])?;
    for part in [
        "recovered from server",
        "server 3 came to",
        "may be what players did",
        "data.before-recover-1",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }

    // One server's folder is as it was, as if it had been elsewhere.
    fs::remove_dir_all(&absent).unwrap();
    fs::rename(&kept, &absent).unwrap();
    for server in ALL {
        cluster.run(server)?;
    }
    let leader = cluster.leader()?;
    assert_ne!(leader, ABSENT);
    let later = Witness::join(&cluster, "later", node)?;
    let recovered = later.number;
    witnesses.push(later);
    assert!(
        (Some(100)..=Some(200)).contains(&recovered),
        "{recovered:?}"
    );
    until_all(&mut witnesses, "the same world", |number| {
        number == recovered
    });
    witnesses[0].write(1_000);
    until_all(&mut witnesses, "more", |number| number == Some(1_000));
    let status = cluster.status()?;
    assert_eq!(SyncedCluster::answer(&status, ABSENT)["incarnation"], 0);
    assert!(SyncedCluster::answer(&status, ABSENT)["committed"].as_u64() < Some(1 << 32));

    cluster.stop(ABSENT)?;
    cluster.lose_disk(ABSENT)?;
    cluster.run(ABSENT)?;
    all_caught_up(&mut cluster, &ALL)?;
    witnesses[0].write(1_001);
    until_all(&mut witnesses, "the last", |number| number == Some(1_001));
    for witness in witnesses {
        witness.player.leave()?;
    }
    assert_same_worlds(cluster)
}

#[test]
fn a_cluster_that_can_go_on_by_itself_is_recovered_only_by_force() -> Outcome {
    let mut cluster = five("recover-by-force")?;
    let mut witnesses = vec![Witness::join(&cluster, "writer", None)?];
    witnesses[0].write(7);
    until_all(&mut witnesses, "a number", |number| number == Some(7));
    for server in ALL {
        cluster.kill(server)?;
    }
    let declined = cluster.command(&["cluster", "recover"])?.output().unwrap();
    assert_eq!(declined.status.code(), Some(9));
    let said = String::from_utf8_lossy(&declined.stderr);
    assert!(
        said.contains("5 of 5 servers may remember everything"),
        "{said}"
    );
    cluster.order(&["cluster", "recover", "--force"])?;
    let twice = cluster.order(&["cluster", "recover", "--force"])?;
    assert!(twice.contains("data.before-recover-2"), "{twice}");
    for server in ALL {
        cluster.run(server)?;
    }
    cluster.leader()?;
    let node = Some(witnesses[0].node);
    witnesses.push(Witness::join(&cluster, "later", node)?);
    assert_eq!(witnesses[1].number, Some(7), "nothing was lost");
    witnesses[0].write(8);
    until_all(&mut witnesses, "more", |number| number == Some(8));
    for witness in witnesses {
        witness.player.leave()?;
    }
    assert_same_worlds(cluster)
}

fn journals(server: &Path) -> [PathBuf; 2] {
    JOURNALS.map(|journal| server.join("data").join(journal))
}

/// How long the journals are now, in bytes: what a disk has of them that takes nothing more from here on.
fn journal_lengths(server: &Path) -> [u64; 2] {
    journals(server).map(|journal| fs::metadata(journal).unwrap().len())
}

/// Sees that every server came back without its memory, and that the operator is told what to do.
fn nobody_can_lead(cluster: &mut SyncedCluster) -> Outcome {
    cluster.until("nobody votes", |status| {
        let votes_nowhere = |server: &u16| {
            let voters = SyncedCluster::answer(status, *server)["voters"].as_array();
            voters.is_some_and(Vec::is_empty)
        };
        ALL.iter().all(votes_nowhere).then_some(())
    })?;
    let status = cluster.command(&["status"])?.output().unwrap();
    assert_eq!(status.status.code(), Some(8));
    let said = String::from_utf8_lossy(&status.stderr);
    assert!(said.contains("synced cluster recover"), "{said}");
    let log = cluster.process(1)?.output();
    assert!(log.contains("synced cluster recover"), "{log}");
    Ok(())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
