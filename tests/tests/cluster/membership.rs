//! Servers that join and leave.

use std::net::UdpSocket;

use synced_tests::{Outcome, cluster::SyncedCluster};

use crate::{SOME, all_caught_up, assert_same_worlds, five, players};

#[test]
fn two_servers_join_and_leave_again_under_load_and_players_are_shown_no_error() -> Outcome {
    let mut cluster = five("membership")?;
    let steady = players(&cluster)?;
    steady.go_on(SOME)?;
    add(&mut cluster, &[6, 7])?;
    steady.go_on(SOME)?;
    all_caught_up(&mut cluster, &[1, 2, 3, 4, 5, 6, 7])?;
    cluster.order(&["cluster", "transfer", "--to", "6"])?;
    steady.go_on(SOME)?;
    cluster.order(&["cluster", "remove", "--server", "6,7"])?;
    steady.go_on(SOME)?;
    all_caught_up(&mut cluster, &[1, 2, 3, 4, 5])?;
    cluster.stop(6)?;
    cluster.stop(7)?;
    steady.go_on(SOME)?;
    steady.end()?.check()?;
    assert_same_worlds(cluster)
}

/// The first order makes the servers' folders and says how to start them; the second lets them take part.
fn add(cluster: &mut SyncedCluster, servers: &[u16]) -> Outcome {
    let numbers: Vec<_> = servers.iter().map(u16::to_string).collect();
    let [peers, players] = [(); 2].map(|()| {
        servers
            .iter()
            .map(|_| free_address())
            .collect::<Vec<_>>()
            .join(",")
    });
    let numbers = numbers.join(",");
    let order = [
        "cluster",
        "add",
        "--server",
        &numbers,
        "--peer",
        &peers,
        "--players",
        &players,
    ];
    let early = cluster.command(&order)?.output().unwrap();
    assert_eq!(early.status.code(), Some(8));
    let said = String::from_utf8_lossy(&early.stderr);
    assert!(said.contains("synced serve --config"), "{said}");
    servers.iter().try_for_each(|server| cluster.run(*server))?;
    cluster.order(&order).map(drop)
}

fn free_address() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().to_string()
}
