//! The servers of a cluster that run on this machine, as children of this process.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use synced_protocol::{id::ServerId, store::MemberAddress};

use super::{
    answer::Answer,
    child::ServerChild,
    folder::ClusterFolder,
    init, invite,
    line::{self, Glance},
};
use crate::{cli::Founding, exit::Failure};

/// How long one server may take to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(10);

/// Those whose folders are here. They are ended when this is dropped.
pub(crate) struct LocalServers {
    folder: ClusterFolder,
    pub(crate) children: Vec<ServerChild>,
}

impl LocalServers {
    /// Starts them, with these environment variables beside those of this process.
    ///
    /// # Errors
    /// When one cannot be started.
    pub(crate) fn start(
        folder: ClusterFolder,
        variables: &[(String, String)],
    ) -> Result<Self, Failure> {
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            servers_of(&folder).partition(|server| folder.server_config(*server).exists());
        for server in elsewhere {
            eprintln!(
                "{server} is not run here: it has no folder in {}",
                folder.path.display()
            );
        }
        let children = here
            .into_iter()
            .map(|server| ServerChild::start(&folder, server, variables));
        Ok(Self {
            children: children.collect::<Result<_, _>>()?,
            folder,
        })
    }

    /// Makes a cluster in a folder that does not exist, and starts its servers likewise.
    ///
    /// # Errors
    /// When it cannot be made, or one cannot be started.
    pub(crate) fn found(
        path: &Path,
        founding: &Founding,
        variables: &[(String, String)],
    ) -> Result<Self, Failure> {
        Self::start(init::init(path, founding)?, variables)
    }

    /// What players connect to.
    ///
    /// # Errors
    /// When the cluster's files cannot be read.
    pub(crate) fn invitation(&self) -> Result<String, Failure> {
        invite::of(&self.folder).map(|url| url.to_string())
    }

    /// What each of them said last.
    pub(crate) fn glances(&self) -> Vec<Glance> {
        let glance = |child: &ServerChild| Glance {
            server: child.server,
            answer: child
                .is_running()
                .then(|| answer_of(&self.folder, child.server))
                .flatten(),
        };
        self.children.iter().map(glance).collect()
    }

    /// Stops them, the leader last, so that players are served for as long as there are enough servers.
    pub(crate) fn stop(&mut self) {
        let leader = line::leader(&self.glances());
        self.children
            .sort_by_key(|child| Some(child.server) == leader);
        for child in &mut self.children {
            child.ask_to_stop();
            if !child.wait(STOP_TIME_MAX) {
                let seconds = STOP_TIME_MAX.as_secs();
                eprintln!(
                    "{} was ended, since it did not stop within {seconds} s",
                    child.server
                );
            }
        }
    }
}

fn servers_of(folder: &ClusterFolder) -> impl Iterator<Item = ServerId> {
    let servers = folder.card.servers.0.iter();
    servers.map(|member: &MemberAddress| member.peer.server)
}

/// What a server on this machine wrote last into its file for statistics.
fn answer_of(folder: &ClusterFolder, server: ServerId) -> Option<Answer> {
    let text = fs::read(stats_file(&folder.server(server))).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Where a server of a cluster writes its statistics.
fn stats_file(server_folder: &Path) -> PathBuf {
    server_folder.join(init::STATS_FILE)
}
