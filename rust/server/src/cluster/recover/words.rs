//! What whoever recovers a cluster is told.

use synced_protocol::{id::ServerId, store::StoredGroup};
use synced_storage::{Salvage, StorageError};

use super::{
    begin::Beginning,
    survey::{Found, Survey, group, last},
    swap::Swap,
};
use crate::cluster::folder::ClusterFolder;

/// The report.
pub(crate) fn of(
    folder: &ClusterFolder,
    survey: &Survey,
    best: ServerId,
    beginning: &Beginning,
    swap: &Swap,
) -> String {
    let standings: String = survey.servers.iter().map(standing).collect();
    let at = last(&beginning.group);
    format!(
        "{standings}\nrecovered from {best}. All servers begin anew as replicas of incarnation {}, at {} of {}.\n\
         Lost may be what players did in the last moments before the servers went down, even if it was confirmed to them: whatever \
         was on no disk yet, as a rule the last 100 ms or so. All that is left was kept, whether it had been confirmed or not.\n\
         What each folder held before is in {} beside its data; remove it once the world is as it should be.\n\
         Start all servers: `synced cluster up --directory {}`, or each with `synced serve`.\n{}",
        beginning.incarnation,
        at.1,
        at.0,
        swap.kept_name(),
        folder.path.display(),
        elsewhere(survey)
    )
}

/// Servers, one after the other.
pub(crate) fn listed(servers: &[ServerId]) -> String {
    let names: Vec<_> = servers.iter().map(ServerId::to_string).collect();
    names.join(", ")
}

fn standing((server, found): &(ServerId, Found)) -> String {
    let words = match found {
        Found::Here(_, Ok(salvage)) => how_far(salvage),
        Found::Here(_, Err(StorageError::NotFounded { .. })) => "holds nothing".to_owned(),
        Found::Here(_, Err(error)) => format!("is left out: {error}"),
        Found::Elsewhere => "has no folder here".to_owned(),
    };
    format!("{server} {words}\n")
}

fn how_far(salvage: &Salvage) -> String {
    let told = group(salvage).filter(|_| salvage.says_something());
    told.map_or_else(|| "holds nothing".to_owned(), came_to)
}

fn came_to(group: &StoredGroup) -> String {
    let (term, index) = last(group);
    let committed = group.hard_state.committed;
    format!("came to {index} of {term}, and knew of {committed} as committed")
}

fn elsewhere(survey: &Survey) -> String {
    let is_elsewhere = |(_, found): &&(ServerId, Found)| matches!(found, Found::Elsewhere);
    let servers: Vec<_> = survey
        .servers
        .iter()
        .filter(is_elsewhere)
        .map(|(server, _)| *server)
        .collect();
    if servers.is_empty() {
        return String::new();
    }
    format!(
        "Remove the data of {} where they run: they come back as new replicas then, and get everything from the others.\n",
        listed(&servers)
    )
}
