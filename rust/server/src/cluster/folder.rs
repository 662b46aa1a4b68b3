//! Where everything of a cluster is, in its operator's folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use synced_protocol::{id::ServerId, store::MemberAddress};

use crate::{
    exit::{Exit, Failure},
    kinds::Safety,
    layer::wrong,
    servers::{ClusterName, ServerList},
};

const CLUSTER_FILE: &str = "cluster.toml";

/// The folder of a cluster's operator, and what its file says.
#[derive(Debug, Clone)]
pub(crate) struct ClusterFolder {
    pub(crate) path: PathBuf,
    pub(crate) card: Card,
}

/// The cluster as its operator knows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    pub(crate) id: ClusterName,
    pub(crate) game: String,
    pub(crate) game_version: String,
    pub(crate) durability: Safety,
    pub(crate) servers: ServerList,
}

impl ClusterFolder {
    /// Reads a folder that `synced cluster init` made.
    ///
    /// # Errors
    /// When it holds no cluster, or its file is wrong.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = path.join(CLUSTER_FILE);
        let text = fs::read_to_string(&file).map_err(|error| {
            wrong(format_args!(
                "{}: cannot be read: {error}; name the folder of a cluster with --directory, or make one with `synced cluster init`",
                file.display()
            ))
        })?;
        let card = toml::from_str(&text)
            .map_err(|error| wrong(format_args!("{}: {error}", file.display())))?;
        Ok(Self {
            path: path.to_owned(),
            card,
        })
    }

    /// Whether a folder holds a cluster.
    pub(crate) fn is_at(path: &Path) -> bool {
        path.join(CLUSTER_FILE).exists()
    }

    /// Writes the file anew.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn write_card(&self) -> Result<(), Failure> {
        write(&self.path.join(CLUSTER_FILE), &self.card.to_toml())
    }

    /// The servers that take part, as far as the operator knows.
    pub(crate) fn servers(&self) -> &[MemberAddress] {
        &self.card.servers.0
    }

    /// The folder of one server.
    pub(crate) fn server(&self, server: ServerId) -> PathBuf {
        server_folder(&self.path, server)
    }

    /// The configuration of one server.
    pub(crate) fn server_config(&self, server: ServerId) -> PathBuf {
        self.server(server).join("server.toml")
    }
}

impl Card {
    fn to_toml(&self) -> String {
        let Self {
            id,
            game,
            game_version,
            durability,
            servers,
        } = self;
        format!(
            "# A cluster as its operator knows it: `synced cluster` and `synced status` read this, and keep the list of servers.\n\
             id = {}\ngame = {}\ngame_version = {}\ndurability = \"{durability}\"\n\
             # Number, where the other servers reach it, where players do.\nservers = {}\n",
            quoted(id.0.as_str()),
            quoted(game),
            quoted(game_version),
            servers.to_toml()
        )
    }
}

/// The folder of one server in that of a cluster.
pub(crate) fn server_folder(cluster: &Path, server: ServerId) -> PathBuf {
    cluster.join(format!("server-{}", server.0))
}

/// Text as a TOML file writes it.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Writes a file that appears whole.
///
/// # Errors
/// What the system says.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let draft = path.with_extension("draft");
    let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| cannot_write(path, error))
}

pub(crate) fn cannot_write(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(
        Exit::Storage,
        format_args!("{}: cannot be written: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_reads_back_as_itself_whatever_the_game_is_called() {
        let card = Card {
            id: "cups".parse().unwrap(),
            game: "a \"game\"\n".to_owned(),
            game_version: String::new(),
            durability: "quorum-disk".parse().unwrap(),
            servers: "1 a:1 a:2, 2 b:1 b:2, 3 c:1 c:2".parse().unwrap(),
        };
        let read: Card = toml::from_str(&card.to_toml()).unwrap();
        assert_eq!(
            (read.id, read.game, read.game_version),
            (card.id, card.game, card.game_version)
        );
        assert_eq!(
            (read.durability, read.servers),
            (card.durability, card.servers)
        );
    }
}
