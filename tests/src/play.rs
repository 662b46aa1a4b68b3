//! A server and its players, from the first join to the last look at their logs.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crate::{
    Failure, Outcome, folder,
    godot::Godot,
    player::Player,
    server::{ServerOptions, SyncedServer},
};

/// What the players' project calls itself.
pub const GAME_NAME: &str = "SyncedNode end-to-end tests";
/// Which version it says that it is.
pub const GAME_VERSION: &str = "1";

/// A server of the players' game.
#[must_use]
pub fn game() -> ServerOptions {
    ServerOptions::new(GAME_NAME, GAME_VERSION)
}

/// A server, and a place for players to start from.
#[derive(Debug)]
pub struct Play {
    folder: PathBuf,
    godot: Godot,
    server: SyncedServer,
}

impl Play {
    /// Starts a server for a test of this name.
    ///
    /// # Errors
    /// When there is no Godot, no extension or no server, or the server does not come up.
    pub fn begin(name: &str) -> Outcome<Self> {
        Self::begin_with(name, &game())
    }

    /// As [`begin`](Self::begin), with a server as the test wants it.
    ///
    /// # Errors
    /// As there.
    pub fn begin_with(name: &str, options: &ServerOptions) -> Outcome<Self> {
        let godot = Godot::find()?;
        let folder = folder::fresh(name)?;
        let server = SyncedServer::start(&folder, options)?;
        Ok(Self {
            folder,
            godot,
            server,
        })
    }

    /// The Godot that runs the players.
    #[must_use]
    pub const fn godot(&self) -> &Godot {
        &self.godot
    }

    /// The server.
    #[must_use]
    pub const fn server(&self) -> &SyncedServer {
        &self.server
    }

    /// Where the files of this run are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a player who opens a scene and is in no session yet.
    ///
    /// # Errors
    /// When it does not start.
    pub fn open(&self, name: &str, scene: &str) -> Outcome<Player> {
        opened(&self.godot, &self.folder, &[name], scene)?
            .pop()
            .ok_or_else(|| Failure::new("no player"))
    }

    /// Starts a player who opens a scene and joins the server.
    ///
    /// # Errors
    /// When it does not start or cannot join.
    pub fn join(&self, name: &str, scene: &str) -> Outcome<Player> {
        let mut player = self.open(name, scene)?;
        self.connect(&mut player)?;
        Ok(player)
    }

    /// Starts some players at once, who open a scene and join the server one after the other.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn join_all<const N: usize>(&self, names: [&str; N], scene: &str) -> Outcome<[Player; N]> {
        let mut players = opened(&self.godot, &self.folder, &names, scene)?;
        players
            .iter_mut()
            .try_for_each(|player| self.connect(player))?;
        players
            .try_into()
            .map_err(|_| Failure::new("not as many players as names"))
    }

    /// Joins the server with a player who has opened a scene.
    ///
    /// # Errors
    /// When it cannot join.
    pub fn connect(&self, player: &mut Player) -> Outcome {
        self.connect_by(self.server.address(), player)
    }

    /// As [`connect`](Self::connect), by another address that leads to the server.
    ///
    /// # Errors
    /// As there.
    pub fn connect_by(&self, address: SocketAddr, player: &mut Player) -> Outcome {
        player.run(&format!(
            "SyncedSession.connect_to_server({:?})",
            self.server.url_by(address)
        ))?;
        player.until("SyncedSession.is_joined()")
    }

    /// Ends all players in order, then the server.
    ///
    /// # Errors
    /// When one does not end well: see [`Player::quit`] and [`SyncedServer::stop`].
    pub fn end(self, players: impl IntoIterator<Item = Player>) -> Outcome {
        players.into_iter().try_for_each(Player::quit)?;
        self.server.stop()
    }
}

/// Starts players all at once, since a start takes a while.
///
/// # Errors
/// When one does not start or cannot open the scene.
pub fn opened(godot: &Godot, folder: &Path, names: &[&str], scene: &str) -> Outcome<Vec<Player>> {
    let starting: Vec<_> = names
        .iter()
        .map(|name| Player::start(godot, name, folder))
        .collect::<Outcome<_>>()?;
    starting
        .into_iter()
        .map(|starting| {
            let mut player = starting.ready()?;
            player.run(&format!("open({scene:?})"))?;
            Ok(player)
        })
        .collect()
}

/// Waits until nothing of what `players` did is undecided and all see the same tree; gives its digest.
///
/// # Errors
/// When that does not come about: the digests.
pub fn agree(players: &mut [Player]) -> Outcome<String> {
    const LOOKS_MAX: u32 = 60;
    let mut seen = Vec::new();
    for _ in 0..LOOKS_MAX {
        let before = std::mem::take(&mut seen);
        for player in &mut *players {
            player.until("is_settled()")?;
            seen.push(player.get::<String>("digest()")?);
        }
        let is_alike = seen.windows(2).all(|pair| pair[0] == pair[1]);
        if is_alike && seen == before {
            return Ok(seen.swap_remove(0));
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let differences = differences(players)?;
    Err(Failure::new(format!(
        "the players see different trees: {}",
        seen.join(", ")
    ))
    .with("nodes", &differences))
}

/// What each player has of the nodes that not all have alike.
fn differences(players: &mut [Player]) -> Outcome<String> {
    let trees: Vec<BTreeMap<String, String>> = players
        .iter_mut()
        .map(|player| player.get("tree()"))
        .collect::<Outcome<_>>()?;
    let ids: BTreeSet<_> = trees.iter().flat_map(BTreeMap::keys).collect();
    let differing = ids
        .into_iter()
        .filter(|id| trees.iter().any(|tree| tree.get(*id) != trees[0].get(*id)));
    let lines = differing.map(|id| {
        let seen = trees.iter().map(|tree| {
            tree.get(id)
                .map_or("  (not there)".to_owned(), |text| format!("  {text}"))
        });
        format!("{id}\n{}", seen.collect::<Vec<_>>().join("\n"))
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
