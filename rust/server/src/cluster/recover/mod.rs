//! Beginning anew with what the folders of all servers still hold, when more than half of the servers have lost their memory at once.
//!
//! Nothing that the former replicas agreed about can be known for certain any more. So the longest log that is left is given to new
//! replicas of the same servers, who owe nothing to anybody.

mod begin;
mod survey;
mod swap;
mod words;

use std::collections::BTreeMap;

use synced_protocol::{id::ServerId, store::StoredGroup};
use synced_storage::{Identity, Store};
use synced_transport::clock;

use self::{begin::Beginning, survey::Survey, swap::Swap};
use super::folder::ClusterFolder;
use crate::{
    cli::Recover,
    exit::{Exit, Failure},
    output,
};

/// Founds the folder of every server anew, with the most advanced log that any of them holds.
///
/// # Errors
/// When a server runs, the cluster can go on without this, nothing is left, or the system refuses. Nothing is changed then.
pub(crate) fn recover(options: &Recover) -> Result<(), Failure> {
    let folder = ClusterFolder::open(&options.directory.directory)?;
    swap::complete(&folder)?;
    let survey = Survey::of(&folder)?;
    survey.check(options.force)?;
    let (best, beginning) = Beginning::of(&folder.card.servers.0, &survey, clock::unix_now())?;
    let swap = Swap::new(&survey);
    for place in survey.here() {
        let identity = Identity {
            cluster: folder.card.id.0.to_string(),
            server: place.server,
            incarnation: beginning.incarnation,
            durability: place.durability,
        };
        swap.draft(&place.data, |draft| {
            Store::found_with(draft, &identity, std::slice::from_ref(&beginning.group))
        })?;
    }
    let words = words::of(&folder, &survey, best, &beginning, &swap);
    // No folder with open files can be renamed everywhere.
    let places: Vec<_> = survey.here().map(|place| place.data.clone()).collect();
    drop(survey);
    swap.exchange(&places)?;
    output::say(&words)
}

/// The one group that there is, by server.
type Groups<'a> = BTreeMap<ServerId, &'a StoredGroup>;

fn storage(what: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Storage, what)
}
