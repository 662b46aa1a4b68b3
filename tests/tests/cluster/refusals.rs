//! Who does not belong to a cluster.

use std::fs;

use synced_tests::{Outcome, cluster::SyncedCluster, folder};

use crate::{SOME, five, follower, options, players};

#[test]
fn a_server_with_the_certificate_of_another_cluster_is_refused_and_named_in_the_log() -> Outcome {
    let mut cluster = five("stranger")?;
    let steady = players(&cluster)?;
    let server = follower(&mut cluster)?;
    cluster.stop(server)?;
    let id = cluster.status()?["cluster"].as_str().unwrap().to_owned();
    let strangers = SyncedCluster::found(&folder::fresh("cluster-strangers")?, &options().id(&id))?;
    for file in ["certificate.pem", "key.pem"] {
        fs::copy(
            strangers.folder(server).join(file),
            cluster.folder(server).join(file),
        )
        .unwrap();
    }
    cluster.run(server)?;
    let leader = cluster.leader()?;
    cluster
        .process(leader)?
        .wait_for_line("a refusal", crate::CLUSTER_COMMAND_TIME, |line| {
            // Of the two the one with the lower number connects, and the other refuses.
            (line.contains("refused") || line.contains("did not sign it")).then_some(())
        })?;
    steady.go_on(SOME)?;
    let status = cluster.status()?;
    let peers = SyncedCluster::answer(&status, leader)["peers"]
        .as_array()
        .unwrap();
    assert!(
        peers
            .iter()
            .any(|peer| peer["server"] == server && peer["up"] == false),
        "{peers:?}"
    );
    steady.end()?.check()
}

#[test]
fn an_operator_of_another_cluster_is_not_answered() -> Outcome {
    let cluster = five("other-operator")?;
    let id = cluster.status()?["cluster"].as_str().unwrap().to_owned();
    let strangers = SyncedCluster::found(&folder::fresh("cluster-other")?, &options().id(&id))?;
    let card = "cluster.toml";
    fs::copy(
        cluster.directory().join(card),
        strangers.directory().join(card),
    )
    .unwrap();
    let refused = strangers.command(&["status"])?.output().unwrap();
    assert_eq!(refused.status.code(), Some(8));
    let said = String::from_utf8_lossy(&refused.stdout);
    let silent = said.lines().filter(|line| line.ends_with(" no answer"));
    assert_eq!(silent.count(), 5, "{said}");
    assert!(said.contains("the authority did not sign it"), "{said}");
    cluster.end()
}

#[test]
fn a_server_whose_certificate_is_anothers_does_not_start() -> Outcome {
    let mut cluster = SyncedCluster::found(&folder::fresh("cluster-swapped")?, &options())?;
    for file in ["certificate.pem", "key.pem"] {
        fs::copy(cluster.folder(2).join(file), cluster.folder(1).join(file)).unwrap();
    }
    let failure = cluster.run(1).unwrap_err().to_string();
    assert!(
        failure.contains("certificate") && failure.contains("server 2"),
        "{failure}"
    );
    Ok(())
}
