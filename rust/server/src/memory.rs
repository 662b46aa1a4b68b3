//! What a server of a cluster remembers from its last run, or that it does not.

use synced_protocol::{
    id::{GroupId, ReplicaId},
    store::{MemberAddress, Members},
    time::Micros,
};
use synced_storage::{Founding, Identity, LastStop, Opened, Store};

use crate::{
    cluster_config::ClusterConfig,
    exit::{Exit, Failure},
    kinds::Safety,
};

/// Opens a server's data. One that has none, or none that it may trust, begins as a new replica.
///
/// # Errors
/// When the data is damaged, in use, or another server's.
pub(crate) fn open(config: &ClusterConfig, unix_now: Micros) -> Result<Opened, Failure> {
    let folder = &config.store_dir;
    match Store::open(folder) {
        Ok(opened) => {
            is_ours(config, &opened.identity)?;
            tell(&opened);
            Ok(opened)
        }
        Err(error) if error.asks_for_new_replica() => {
            tracing::warn!("{error}");
            let opened = Store::refound(folder, &anew(config, unix_now)).map_err(storage)?;
            let replica = opened.identity.replica();
            tracing::warn!(
                "this server comes back as the new replica {replica:?} and gets everything from the others"
            );
            Ok(opened)
        }
        Err(error) => Err(storage(error)),
    }
}

fn tell(opened: &Opened) {
    let last_stop = match opened.last_stop {
        LastStop::Orderly => "stopped in an orderly way",
        LastStop::Killed => "ended in the middle, and lost nothing",
        LastStop::PowerLost => "went down with its machine, and had everything on disk",
    };
    let replica: ReplicaId = opened.identity.replica();
    tracing::info!("the {replica} goes on: its last run {last_stop}");
}

fn is_ours(config: &ClusterConfig, found: &Identity) -> Result<(), Failure> {
    let folder = config.store_dir.display();
    let (server, cluster) = (config.me.peer.server, config.id.as_str());
    if found.server != server || found.cluster != cluster {
        return Err(Failure::new(
            Exit::Storage,
            format_args!(
                "{folder} belongs to {} of cluster {}, and not to {server} of cluster {cluster}: set data_dir to this server's own \
                 folder",
                found.server, found.cluster
            ),
        ));
    }
    if found.durability != config.durability {
        return Err(Failure::new(
            Exit::Storage,
            format_args!(
                "{folder} was made for durability = \"{}\", which the configuration contradicts: set it so, or, to change it, stop this \
                 server alone, delete the folder and start it, and then the next one",
                Safety(found.durability)
            ),
        ));
    }
    Ok(())
}

/// What a replica begins with that knows nothing but where others may be.
fn anew(config: &ClusterConfig, unix_now: Micros) -> Founding {
    let others = config.others().cloned();
    let addresses: Vec<MemberAddress> = others.chain([config.me.clone()]).collect();
    let seconds = unix_now.0 / 1_000_000;
    Founding {
        identity: Identity {
            cluster: config.id.to_string(),
            server: config.me.peer.server,
            incarnation: u32::try_from(seconds).unwrap_or(u32::MAX),
            durability: config.durability,
        },
        groups: vec![(
            GroupId(0),
            Members {
                addresses,
                ..Members::default()
            },
        )],
    }
}

fn storage(error: synced_storage::StorageError) -> Failure {
    Failure::new(Exit::Storage, error)
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::PathBuf};

    use synced_protocol::{id::ServerId, store::Durability};

    use super::*;
    use crate::settings::Settings;

    /// Server 1 of three, with a folder of this test alone.
    fn config(test: &str) -> ClusterConfig {
        let folder: PathBuf = env::temp_dir().join(format!("synced-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let section = "[cluster]\nid = \"x\"\nserver = 1\nservers = [\"1 a:1 a:2\", \"2 b:1 b:2\", \"3 c:1 c:2\"]";
        let settings = Settings::parse(section, "x").unwrap();
        let settings = settings.over(Settings::defaults().unwrap());
        let listen = settings.listen.unwrap().0;
        ClusterConfig::resolve(settings.cluster, listen, &folder)
            .unwrap()
            .unwrap()
    }

    fn found(config: &ClusterConfig, change: impl FnOnce(&mut Identity)) {
        let mut founding = anew(config, Micros::ZERO);
        change(&mut founding.identity);
        Store::found(&config.store_dir, &founding).unwrap();
    }

    fn refusal(config: &ClusterConfig) -> String {
        let failure = open(config, Micros::ZERO).unwrap_err();
        assert_eq!(failure.exit, Exit::Storage);
        failure.to_string()
    }

    #[test]
    fn a_server_without_data_begins_a_new_life_that_knows_where_the_others_are() {
        let config = config("without");
        let opened = open(&config, Micros::from_secs(77)).unwrap();
        assert_eq!(opened.identity.replica(), ReplicaId::new(ServerId(1), 77));
        let members = &opened.groups[0].snapshot.members;
        assert!(members.voters.is_empty());
        assert_eq!(members.addresses.len(), 3);
        opened.store.close().unwrap();
        let again = open(&config, Micros::from_secs(78)).unwrap();
        assert_eq!(again.identity.incarnation, 77);
        fs::remove_dir_all(config.store_dir).unwrap();
    }

    #[test]
    fn the_data_of_another_server_is_not_touched() {
        let config = config("another");
        found(&config, |identity| identity.server = ServerId(2));
        let text = refusal(&config);
        assert!(
            text.contains("server 2 of cluster x") && text.contains("set data_dir"),
            "{text}"
        );
        fs::remove_dir_all(config.store_dir).unwrap();
    }

    #[test]
    fn data_that_was_made_for_another_durability_is_not_taken_for_this_one() {
        let config = config("durability");
        found(&config, |identity| identity.durability = Durability::Disk);
        let text = refusal(&config);
        assert!(text.contains("durability = \"quorum-disk\""), "{text}");
        fs::remove_dir_all(config.store_dir).unwrap();
    }
}
