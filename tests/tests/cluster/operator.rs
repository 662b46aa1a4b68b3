//! What whoever runs a cluster sees and says.

use std::process::Command;

use synced_tests::{Outcome, cluster::SyncedCluster, folder, process::Process};

use crate::{CLUSTER_COMMAND_TIME, five, follower};

#[test]
fn the_status_shows_each_server_and_tells_which_does_not_answer() -> Outcome {
    let mut cluster = five("status")?;
    let silent = follower(&mut cluster)?;
    cluster.kill(silent)?;
    let leader = cluster.leader()?;
    let shown = cluster.order(&["status"])?;
    for part in [
        format!("server {leader} leads in term "),
        "4 of 5 servers up".to_owned(),
        format!("\n{silent}       no answer"),
        format!("server {silent}: no answer from 127.0.0.1:"),
        "quorum-memory".to_owned(),
    ] {
        assert!(shown.contains(&part), "{part} is not in\n{shown}");
    }
    let status = cluster.status()?;
    assert_eq!(status["servers"].as_array().unwrap().len(), 5);
    assert!(SyncedCluster::answer(&status, silent).is_null());
    let peers = SyncedCluster::answer(&status, leader)["peers"]
        .as_array()
        .unwrap();
    assert!(
        peers
            .iter()
            .any(|peer| peer["server"] == silent && peer["up"] == false),
        "{peers:?}"
    );
    cluster.end()
}

#[test]
fn the_lead_goes_where_the_operator_wants_it() -> Outcome {
    let mut cluster = five("transfer")?;
    let wanted = follower(&mut cluster)?;
    let said = cluster.order(&["cluster", "transfer", "--to", &wanted.to_string()])?;
    assert_eq!(said, format!("server {wanted} leads\n"));
    // Whoever leads now may have lost the lead again by the next question, on a busy machine.
    let log = cluster.process(wanted)?.output();
    assert!(log.contains("this server leads"), "{log}");
    let said = cluster.order(&["cluster", "transfer"])?;
    assert!(
        said.starts_with("server ") && said.ends_with(" leads\n"),
        "{said}"
    );
    cluster.end()
}

#[test]
fn what_the_cluster_does_not_do_it_declines_with_a_reason() -> Outcome {
    let cluster = five("declined")?;
    let declined = cluster
        .command(&["cluster", "transfer", "--to", "9"])?
        .output()
        .unwrap();
    assert_eq!(declined.status.code(), Some(9));
    let said = String::from_utf8_lossy(&declined.stderr);
    assert!(said.contains("server 9"), "{said}");
    cluster.end()
}

#[test]
fn one_command_runs_a_cluster_says_which_server_died_and_stops_all() -> Outcome {
    let (cluster, mut up) = up("up", &[])?;
    let invite = up.wait_for_line("its invitation", CLUSTER_COMMAND_TIME, |line| {
        line.strip_prefix("invite ").map(str::to_owned)
    })?;
    assert_eq!(invite, cluster.url());
    kill_the_server_with(&cluster.folder(3).join("server.toml"));
    let died = |line: &str| {
        line.starts_with("server 3 ended by itself")
            .then(|| line.to_owned())
    };
    let told = up.wait_for_line("the end of server 3", CLUSTER_COMMAND_TIME, died)?;
    assert!(told.contains("synced serve --config"), "{told}");
    wait_for(&mut up, "4 of 5 servers up")?;
    stop(up)
}

#[test]
fn a_server_that_died_is_started_again_where_that_is_wanted() -> Outcome {
    let (cluster, mut up) = up("up-restart", &["--restart"])?;
    kill_the_server_with(&cluster.folder(3).join("server.toml"));
    wait_for(&mut up, "server 3 is started again")?;
    let is_back =
        |status: &serde_json::Value| SyncedCluster::takes_part(status, 3, 1).then_some(());
    let mut cluster = cluster;
    cluster.until("server 3 is back", is_back)?;
    stop(up)
}

/// All servers of a cluster, run by one command that was told these flags.
fn up(test: &str, flags: &[&str]) -> Outcome<(SyncedCluster, Process)> {
    let folder = folder::fresh(&format!("cluster-{test}"))?;
    let cluster = SyncedCluster::found(&folder, &crate::options())?;
    let mut command: Command = cluster.command(&["cluster", "up"])?;
    let log = folder.join("up.log");
    let mut up = Process::spawn("synced cluster up", command.args(flags), &log)?;
    wait_for(&mut up, "5 of 5 servers up")?;
    Ok((cluster, up))
}

fn wait_for(up: &mut Process, text: &str) -> Outcome {
    let has_it = |line: &str| line.contains(text).then_some(());
    up.wait_for_line(text, CLUSTER_COMMAND_TIME, has_it)
}

fn stop(mut up: Process) -> Outcome {
    up.terminate()?;
    let status = up.wait(CLUSTER_COMMAND_TIME)?;
    assert!(status.success(), "{status}\n{}", up.output());
    assert!(!up.output().contains("was ended"), "{}", up.output());
    Ok(())
}

/// Finds the one process that was started with a configuration, and ends it.
fn kill_the_server_with(config: &std::path::Path) {
    let config = config.to_string_lossy().into_owned();
    let is_it = |process: &std::path::Path| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0)
            .any(|word| word == config.as_bytes())
    };
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let found: Vec<_> = all.filter(|process| is_it(process)).collect();
    assert_eq!(found.len(), 1);
    let number = found[0].file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        Command::new("kill")
            .args(["-9", &number])
            .status()
            .unwrap()
            .success()
    );
}
