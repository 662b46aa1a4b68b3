//! The operator's side of a cluster: making it, running it on one machine, changing it, looking at it.

mod answer;
mod ask;
mod change;
mod child;
mod folder;
mod hint;
mod init;
mod invite;
mod line;
mod local;
mod newcomers;
mod places;
mod recover;
mod server_file;
mod status;
mod up;

pub(crate) use child::Change;
pub(crate) use invite::url as invite_url;
pub(crate) use line::{Glance, leading};
pub(crate) use local::LocalServers;

use crate::{
    cli::{ClusterCommand, Status},
    exit::Failure,
    names, output,
};

/// Does what `synced cluster` was told.
pub(crate) fn run(command: ClusterCommand) -> Result<(), Failure> {
    match command {
        ClusterCommand::Init(options) => {
            let folder = init::init(&options.directory.directory, &options.founding)?;
            for complaint in names::unresolved(folder.card.servers.0.iter()) {
                eprintln!("warning: {complaint}");
            }
            output::say(&init::told(&folder)?)
        }
        ClusterCommand::Up(options) => up::up(&options),
        ClusterCommand::Add(options) => change::add(&options),
        ClusterCommand::Remove(options) => change::remove(&options),
        ClusterCommand::Transfer(options) => change::transfer(&options),
        ClusterCommand::Recover(options) => recover::recover(&options),
    }
}

/// Does what `synced status` was told.
pub(crate) fn status(options: &Status) -> Result<(), Failure> {
    status::show(options)
}
