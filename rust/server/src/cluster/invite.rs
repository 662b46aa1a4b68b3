//! What players connect to.

use synced_transport::{
    Fingerprint, ServerAddress,
    cluster::{Credentials, OPERATOR_FILES},
};

use super::folder::ClusterFolder;
use crate::{exit::Failure, layer::wrong, serve::of_transport};

/// As [`url`], for the cluster of a folder.
///
/// # Errors
/// As there.
pub(crate) fn of(folder: &ClusterFolder) -> Result<ServerAddress, Failure> {
    let operator = Credentials::load(&folder.path, OPERATOR_FILES).map_err(of_transport)?;
    let players = folder
        .card
        .servers
        .0
        .iter()
        .map(|member| member.players.as_str());
    url(players, operator.authority_fingerprint())
}

/// One URL for all servers of a cluster: where players reach each, and the authority that signed their certificates.
///
/// # Errors
/// When there are too many, or the authority's certificate cannot be read.
pub(crate) fn url<'a>(
    players: impl Iterator<Item = &'a str>,
    authority: Fingerprint,
) -> Result<ServerAddress, Failure> {
    let places: Vec<_> = players.collect();
    let address: ServerAddress = places
        .join(",")
        .parse()
        .map_err(|error| wrong(format_args!("cluster.servers: {error}")))?;
    Ok(address.pinned(authority))
}
