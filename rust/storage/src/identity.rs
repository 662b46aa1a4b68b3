//! Who a folder belongs to.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use synced_protocol::{
    id::{GroupId, ReplicaId, ServerId},
    store::{Durability, Members},
};

use crate::{
    disk::{during, write_whole},
    error::{StorageError, StorageResult},
};

/// The file's name. It is written last when a folder is founded, so that a folder without one holds nothing.
pub(crate) const IDENTITY_FILE: &str = "identity";
/// What the folder's files look like; another version is another layout.
const LAYOUT_VERSION: u32 = 1;

/// Who a folder belongs to, and what can be expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The cluster's id, as its certificates name it.
    pub cluster: String,
    /// Which server of the cluster.
    pub server: ServerId,
    /// Which of the server's lives: 0 for the one that the cluster was founded with, else seconds since the Unix epoch.
    pub incarnation: u32,
    /// When the server's writes count as done.
    pub durability: Durability,
}

impl Identity {
    /// The replica that the folder is the memory of.
    #[must_use]
    pub const fn replica(&self) -> ReplicaId {
        ReplicaId::new(self.server, self.incarnation)
    }

    pub(crate) fn write(&self, folder: &Path) -> StorageResult<()> {
        let text = serde_json::json!(Written::from(self)).to_string();
        let checksum = crc32fast::hash(text.as_bytes());
        let bytes = format!("{text}\n{checksum:08x}\n");
        write_whole(&folder.join(IDENTITY_FILE), bytes.as_bytes())
    }

    /// `None` where a folder was never founded.
    pub(crate) fn read(folder: &Path) -> StorageResult<Option<Self>> {
        let path = folder.join(IDENTITY_FILE);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            result => during(result, "read", &path)?,
        };
        parse(&bytes)
            .map(|written| Some(written.into()))
            .map_err(|what| StorageError::corrupt(&path, what))
    }
}

/// What a folder begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founding {
    /// Who it belongs to.
    pub identity: Identity,
    /// The groups with their members, each of which becomes a snapshot at index 0.
    pub groups: Vec<(GroupId, Members)>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    layout: u32,
    cluster: String,
    server: ServerId,
    incarnation: u32,
    on_disk: bool,
}

impl From<&Identity> for Written {
    fn from(identity: &Identity) -> Self {
        Self {
            layout: LAYOUT_VERSION,
            cluster: identity.cluster.clone(),
            server: identity.server,
            incarnation: identity.incarnation,
            on_disk: identity.durability == Durability::Disk,
        }
    }
}

impl From<Written> for Identity {
    fn from(written: Written) -> Self {
        Self {
            cluster: written.cluster,
            server: written.server,
            incarnation: written.incarnation,
            durability: if written.on_disk {
                Durability::Disk
            } else {
                Durability::Memory
            },
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Written, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let (text, checksum) = text
        .split_once('\n')
        .ok_or("its second line, the checksum, is missing")?;
    if checksum != format!("{:08x}\n", crc32fast::hash(text.as_bytes())) {
        return Err("its first line does not match the checksum in its second".to_owned());
    }
    let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if written.layout != LAYOUT_VERSION {
        let found = written.layout;
        return Err(format!(
            "it is of layout {found}, and this program writes layout {LAYOUT_VERSION}"
        ));
    }
    Ok(written)
}
