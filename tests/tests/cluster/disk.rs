//! A disk that is full.

use std::{process::Command, thread, time::Duration};

use synced_protocol::{id::NodeId, mutation::Mutation, value::Value};
use synced_tests::{
    Outcome,
    cluster::SyncedCluster,
    headless::HeadlessPlayer,
    steady::{NUMBER, spawn},
};

use crate::{CLUSTER_COMMAND_TIME, GAME, SOME, all_caught_up, five, players};

/// The largest file that the server may write, in blocks of 1024 bytes: enough to start.
const FILE_KIB_MAX: u32 = 4_096;
/// Writes of this many bytes fill it, one after the other.
const VALUE_BYTES: usize = 16_000;
const WRITES: u32 = 2 * FILE_KIB_MAX * 1_024 / VALUE_BYTES as u32;
const WRITE_INTERVAL: Duration = Duration::from_millis(10);

#[test]
fn a_leader_whose_disk_is_full_steps_down_and_says_so_and_the_others_go_on() -> Outcome {
    let mut cluster = five("full-disk")?;
    let steady = players(&cluster)?;
    let server = 1;
    cluster.stop(server)?;
    let command = with_little_space(&cluster.serve(server)?);
    cluster.run_by(server, command)?;
    all_caught_up(&mut cluster, &[1, 2, 3, 4, 5])?;
    cluster.order(&["cluster", "transfer", "--to", "1"])?;
    fill_disks(&cluster)?;
    cluster.until("it says that its disk failed", |status| {
        let standing = SyncedCluster::answer(status, server);
        (standing["role"] == "failed" && standing["failure"].is_string()).then_some(())
    })?;
    assert_ne!(cluster.leader()?, server);
    cluster.process(server)?.wait_for_line(
        "the failure in its log",
        CLUSTER_COMMAND_TIME,
        |line| line.contains("File too large").then_some(()),
    )?;
    steady.go_on(SOME)?;
    steady.end()?.check()
}

/// Writes more than the server has space for.
fn fill_disks(cluster: &SyncedCluster) -> Outcome {
    let config = HeadlessPlayer::config(GAME.0, GAME.1, "filler");
    let mut player = HeadlessPlayer::join(cluster.url(), config)?;
    let node = NodeId::spawned(player.player(), 1);
    player.propose(Mutation::Spawn(spawn(node, &player)));
    for _ in 0..WRITES {
        let value = Value::PackedByteArray(vec![7; VALUE_BYTES]);
        player.propose(Mutation::SetProperties {
            node,
            properties: vec![(NUMBER, value)],
        });
        while player.next_update().is_some() {}
        thread::sleep(WRITE_INTERVAL);
    }
    player.leave().map(drop)
}

/// The same command, in which no file can grow beyond a limit; a write that would is an error, not a signal.
fn with_little_space(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", 2 * FILE_KIB_MAX);
    limited
        .args(["-c", &script, "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    limited
}
