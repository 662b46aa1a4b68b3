//! What each server's folder still holds.

use std::path::PathBuf;

use synced_protocol::{
    id::{GroupId, LogIndex, ServerId, Term},
    store::{Durability, StoredGroup},
};
use synced_storage::{Salvage, StorageError, Store};

use super::{Groups, storage, words::listed};
use crate::{
    cluster::{folder::ClusterFolder, init::DATA_DIR},
    exit::{Exit, Failure},
    settings::Settings,
};

/// Every server of a cluster. None of them can be started for as long as this lives.
pub(crate) struct Survey {
    pub(crate) servers: Vec<(ServerId, Found)>,
}

/// What is known of one server.
pub(crate) enum Found {
    /// Its folder is here.
    Here(Place, Result<Salvage, StorageError>),
    /// It is not.
    Elsewhere,
}

/// A server's folder.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) server: ServerId,
    pub(crate) data: PathBuf,
    pub(crate) durability: Durability,
}

impl Place {
    /// Every server's folder that is here.
    ///
    /// # Errors
    /// When a configuration cannot be read.
    pub(crate) fn all(folder: &ClusterFolder) -> Result<Vec<Self>, Failure> {
        let places = servers(folder).map(|server| Self::of(folder, server));
        places.filter_map(Result::transpose).collect()
    }

    fn of(folder: &ClusterFolder, server: ServerId) -> Result<Option<Self>, Failure> {
        let config = folder.server_config(server);
        if !config.exists() {
            return Ok(None);
        }
        let settings = Settings::from_file(&config)?;
        let data = settings.data_dir.map(|place| place.0);
        let durability = settings.cluster.durability.map(|safety| safety.0);
        Ok(Some(Self {
            server,
            data: data.unwrap_or_else(|| folder.server(server).join(DATA_DIR)),
            durability: durability.unwrap_or(folder.card.durability.0),
        }))
    }
}

impl Survey {
    /// Reads every folder.
    ///
    /// # Errors
    /// When a server runs, or a configuration cannot be read.
    pub(crate) fn of(folder: &ClusterFolder) -> Result<Self, Failure> {
        let servers = servers(folder).map(|server| {
            let found = match Place::of(folder, server)? {
                Some(place) => look(folder, place)?,
                None => Found::Elsewhere,
            };
            Ok((server, found))
        });
        let servers = servers.collect::<Result<_, Failure>>();
        servers.map(|servers| Self { servers })
    }

    /// The folders that are here.
    pub(crate) fn here(&self) -> impl Iterator<Item = &Place> {
        self.servers.iter().filter_map(|(_, found)| match found {
            Found::Here(place, _) => Some(place),
            Found::Elsewhere => None,
        })
    }

    /// What could be read.
    pub(crate) fn salvages(&self) -> impl Iterator<Item = &Salvage> {
        self.servers.iter().filter_map(|(_, found)| match found {
            Found::Here(_, Ok(salvage)) => Some(salvage),
            _ => None,
        })
    }

    /// What of it says anything.
    pub(crate) fn groups(&self) -> Groups<'_> {
        let telling = self.salvages().filter(|salvage| salvage.says_something());
        telling
            .filter_map(|salvage| Some((salvage.identity.server, group(salvage)?)))
            .collect()
    }

    /// Whether it is needed and can help.
    ///
    /// # Errors
    /// When enough servers could lead as they are, unless it is forced; when too few are here.
    pub(crate) fn check(&self, forced: bool) -> Result<(), Failure> {
        let rising = self.could_rise();
        if !forced && 2 * rising.len() > self.servers.len() {
            return Err(self.not_needed(&rising));
        }
        let elsewhere: Vec<_> = self
            .servers
            .iter()
            .filter(|(_, found)| matches!(found, Found::Elsewhere))
            .map(|(server, _)| *server)
            .collect();
        if 2 * elsewhere.len() > self.servers.len() {
            return Err(storage(format_args!(
                "{} have no folder here, and more than half of the servers must begin anew together: copy their folders here, \
                 stopped, and afterwards back",
                listed(&elsewhere)
            )));
        }
        Ok(())
    }

    /// Those who can still vote as the replicas that they were, by all that is known here.
    fn could_rise(&self) -> Vec<ServerId> {
        let could = |found: &Found| match found {
            Found::Elsewhere => true,
            Found::Here(_, Ok(salvage)) => salvage.standing.is_ok() && votes(salvage),
            Found::Here(_, Err(_)) => false,
        };
        let servers = self.servers.iter().filter(|(_, found)| could(found));
        servers.map(|(server, _)| *server).collect()
    }

    fn not_needed(&self, rising: &[ServerId]) -> Failure {
        Failure::new(
            Exit::Declined,
            format_args!(
                "{} of {} servers may remember everything, and are enough to lead as they are: {}; start them, with `synced cluster up` \
                 or each with `synced serve`, and nothing is lost. If they cannot be started any more, repeat this with --force",
                rising.len(),
                self.servers.len(),
                listed(rising)
            ),
        )
    }
}

/// The one group that there is.
pub(crate) fn group(salvage: &Salvage) -> Option<&StoredGroup> {
    salvage
        .groups
        .iter()
        .find(|group| group.group == GroupId(0))
}

/// The last entry, by which logs are compared (Raft, section 5.4.1).
pub(crate) fn last(group: &StoredGroup) -> (Term, LogIndex) {
    let last = group.entries.last();
    last.map_or((group.snapshot.term, group.snapshot.index), |entry| {
        (entry.term, entry.index)
    })
}

/// A replica that knows of no voters was still to get everything.
fn votes(salvage: &Salvage) -> bool {
    group(salvage).is_some_and(|group| !group.snapshot.members.voters.is_empty())
}

fn servers(folder: &ClusterFolder) -> impl Iterator<Item = ServerId> {
    let servers = folder.card.servers.0.iter();
    servers.map(|member| member.peer.server)
}

fn look(folder: &ClusterFolder, place: Place) -> Result<Found, Failure> {
    match Store::salvage(&place.data) {
        Err(error @ StorageError::InUse { .. }) => Err(storage(format_args!(
            "{} runs: {error}; all servers must be stopped first",
            place.server
        ))),
        Ok(salvage) => {
            is_of(folder, &place, &salvage)?;
            Ok(Found::Here(place, Ok(salvage)))
        }
        Err(error) => Ok(Found::Here(place, Err(error))),
    }
}

fn is_of(folder: &ClusterFolder, place: &Place, salvage: &Salvage) -> Result<(), Failure> {
    let (identity, id) = (&salvage.identity, folder.card.id.0.as_str());
    if identity.server == place.server && identity.cluster == id {
        return Ok(());
    }
    Err(storage(format_args!(
        "{} belongs to {} of cluster {}, and not to {} of cluster {id}: put the right folder there, or remove it",
        place.data.display(),
        identity.server,
        identity.cluster,
        place.server
    )))
}
