//! The configuration of one server, as `synced cluster` writes it.

use std::{fs::OpenOptions, io, io::Write as _, path::Path};

use synced_protocol::store::MemberAddress;

use super::{
    folder::{Card, quoted},
    init::{DATA_DIR, STATS_FILE},
    places::listen_for,
};

/// What goes into a server's configuration.
pub(crate) struct ServerFile<'a> {
    pub(crate) card: &'a Card,
    pub(crate) member: &'a MemberAddress,
    /// Whether it is one of those that the cluster was founded with.
    pub(crate) is_founder: bool,
}

impl ServerFile<'_> {
    pub(crate) fn to_toml(&self) -> String {
        let Self {
            card,
            member,
            is_founder,
        } = self;
        let own = if *is_founder {
            String::new()
        } else {
            own_addresses(member)
        };
        format!(
            "# One server of a cluster; `synced serve --print-default` tells of every key that can stand here. Paths lead from this folder.\n\
             game = {}\ngame_version = {}\nlisten = \"{}\"\ndata_dir = \"{DATA_DIR}\"\nstats_file = \"{STATS_FILE}\"\n\n\
             [cluster]\nid = \"{}\"\nserver = {}\nservers = {}\n{own}peer_listen = \"{}\"\nidentity_dir = \".\"\ndurability = \"{}\"\n",
            quoted(&card.game),
            quoted(&card.game_version),
            listen_for(&member.players),
            card.id.0,
            member.peer.server.0,
            card.servers.to_toml(),
            listen_for(&member.peer.address),
            card.durability,
        )
    }
}

fn own_addresses(member: &MemberAddress) -> String {
    format!(
        "peer_address = \"{}\"\nplayers_address = \"{}\"\n",
        member.peer.address, member.players
    )
}

/// Writes a new file that its owner alone can read.
///
/// # Errors
/// What the system says; when there is one already, too.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
