//! Making a cluster.

use std::{fs, path::Path};

use ring::rand::{SecureRandom as _, SystemRandom};
use synced_protocol::{
    id::{GroupId, ReplicaId, ServerId},
    store::{MemberAddress, Members},
};
use synced_storage::{Founding as StoreFounding, Identity, Store};
use synced_transport::cluster::{Authority, ClusterId, OPERATOR_FILES, SERVER_FILES};

use super::{
    folder::{self, Card, ClusterFolder, cannot_write, server_folder},
    invite, places,
    server_file::{self, ServerFile},
};
use crate::{
    checks,
    cli::Founding,
    cluster_config::RESUME_KEY_FILE,
    exit::{Exit, Failure},
    layer::{variable_of, wrong},
    serve::of_transport,
    servers::ClusterName,
};

/// How many servers a cluster has unless told.
const SERVERS: u16 = 5;
/// Where a server's data is, in its folder.
pub(crate) const DATA_DIR: &str = "data";
/// Where a server writes its statistics, in its folder.
pub(crate) const STATS_FILE: &str = "stats.json";

/// Makes a cluster in a folder that does not exist, or is empty. It is there whole, or not at all.
///
/// # Errors
/// When it cannot be as it is wanted, or the folder cannot be made.
pub(crate) fn init(path: &Path, founding: &Founding) -> Result<ClusterFolder, Failure> {
    let card = card(founding)?;
    refuse_taken(path)?;
    let draft = path.with_extension("draft");
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(|error| cannot_write(&draft, error))?;
    }
    let made = fill(&ClusterFolder {
        path: draft.clone(),
        card: card.clone(),
    })
    .and_then(|()| fs::rename(&draft, path).map_err(|error| cannot_write(path, error)));
    if made.is_err() {
        // What is there of it is of no use.
        let _ = fs::remove_dir_all(&draft);
    }
    made.map(|()| ClusterFolder {
        path: path.to_owned(),
        card,
    })
}

/// What whoever made a cluster is told.
///
/// # Errors
/// When its files cannot be read.
pub(crate) fn told(folder: &ClusterFolder) -> Result<String, Failure> {
    let servers = folder.card.servers.0.iter().map(|member| {
        let config = folder.server_config(member.peer.server);
        format!("synced serve --config {}\n", config.display())
    });
    let servers: String = servers.collect();
    Ok(format!("{servers}invite {}\n", invite::of(folder)?))
}

fn card(founding: &Founding) -> Result<Card, Failure> {
    let nodes = founding.nodes.unwrap_or(SERVERS);
    checks::number(usize::from(nodes))
        .map_err(|what| wrong(format_args!("--nodes {nodes}: {what}")))?;
    let game = founding
        .game
        .clone()
        .filter(|game| !game.0.is_empty())
        .ok_or_else(no_game)?;
    let servers = places::assign(&founding.hosts, nodes, founding.base_port)?;
    checks::servers(&servers.0).map_err(|what| wrong(format_args!("--hosts: {what}")))?;
    let id = match founding.id.clone() {
        Some(id) => id,
        None => ClusterName(ClusterId::random().map_err(of_transport)?),
    };
    Ok(Card {
        id,
        game: game.0,
        game_version: founding
            .game_version
            .clone()
            .map_or_else(String::new, |version| version.0),
        durability: founding.durability,
        servers,
    })
}

fn no_game() -> Failure {
    let variable = variable_of("", "game");
    wrong(format_args!(
        "--game is not given, and clients of another game are refused, so the servers must know it; write for example --game \
         \"My Game\" (the variable {variable} counts for `synced serve` alone)"
    ))
}

fn refuse_taken(path: &Path) -> Result<(), Failure> {
    let Ok(mut entries) = fs::read_dir(path) else {
        return Ok(());
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let what = if ClusterFolder::is_at(path) {
        "holds a cluster already: run it with `synced cluster up`"
    } else {
        "is not empty"
    };
    Err(Failure::new(
        Exit::Storage,
        format_args!(
            "{} {what}; name another folder with --directory",
            path.display()
        ),
    ))
}

fn fill(folder: &ClusterFolder) -> Result<(), Failure> {
    let authority = Authority::create(&folder.path, &folder.card.id.0).map_err(of_transport)?;
    let operator = authority.operator().map_err(of_transport)?;
    operator
        .write(&folder.path, OPERATOR_FILES)
        .map_err(of_transport)?;
    write_resume_key(&folder.path, &fresh_key()?)?;
    for member in &folder.card.servers.0 {
        furnish(folder, &authority, member, true)?;
        found(folder, member.peer.server)?;
    }
    folder.write_card()
}

/// Makes the folder of one server: who it is and how it runs, but no data yet.
///
/// # Errors
/// When a file is there already or cannot be written.
pub(crate) fn furnish(
    folder: &ClusterFolder,
    authority: &Authority,
    member: &MemberAddress,
    is_founder: bool,
) -> Result<(), Failure> {
    let server = member.peer.server;
    let place = folder.server(server);
    let hosts = hosts_of(member);
    let certificate = authority.server(server, &hosts).map_err(of_transport)?;
    certificate
        .write(&place, SERVER_FILES)
        .map_err(of_transport)?;
    let key = folder.path.join(RESUME_KEY_FILE);
    let key = fs::read(&key).map_err(|error| cannot_write(&key, error))?;
    write_resume_key(&place, &key)?;
    let text = ServerFile {
        card: &folder.card,
        member,
        is_founder,
    }
    .to_toml();
    folder::write(&folder.server_config(server), &text)
}

fn found(folder: &ClusterFolder, server: ServerId) -> Result<(), Failure> {
    let founding = StoreFounding {
        identity: Identity {
            cluster: folder.card.id.0.to_string(),
            server,
            incarnation: 0,
            durability: folder.card.durability.0,
        },
        groups: vec![(GroupId(0), founders(&folder.card.servers.0))],
    };
    let data = server_folder(&folder.path, server).join(DATA_DIR);
    Store::found(&data, &founding).map_err(|error| Failure::new(Exit::Storage, error))
}

fn founders(servers: &[MemberAddress]) -> Members {
    let voters = servers
        .iter()
        .map(|member| ReplicaId::new(member.peer.server, 0));
    Members {
        voters: voters.collect(),
        addresses: servers.to_vec(),
        ..Members::default()
    }
}

/// The hosts of a server's addresses, each once.
fn hosts_of(member: &MemberAddress) -> Vec<String> {
    let mut hosts: Vec<_> = [&member.peer.address, &member.players]
        .into_iter()
        .filter_map(|address| address.rsplit_once(':'))
        .map(|(host, _)| host.trim_matches(['[', ']']).to_owned())
        .collect();
    hosts.dedup();
    hosts
}

fn fresh_key() -> Result<[u8; 32], Failure> {
    let mut key = [0; 32];
    let filled = SystemRandom::new().fill(&mut key);
    filled.map_err(|_| Failure::new(Exit::Unforeseen, "the system gives no randomness"))?;
    Ok(key)
}

fn write_resume_key(folder: &Path, key: &[u8]) -> Result<(), Failure> {
    let path = folder.join(RESUME_KEY_FILE);
    server_file::write_private(&path, key).map_err(|error| cannot_write(&path, error))
}
