//! The world: players, nodes, and the entries that change them.

use std::{collections::BTreeMap, ops::RangeInclusive};

use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId},
    message::{Change, JoinMark, LogEntry, PlayerEntry},
    mutation::{OnOwnerLeft, Rejection, Transaction},
};

use crate::{
    authority::Asker,
    decision::{self, Decision},
    digest,
    effect::{Effect, Outcome},
    node::{Node, check_name},
    tree::Tree,
};

/// A player who is present.
#[derive(Debug, Clone)]
pub struct Player {
    pub(crate) name: String,
    pub(crate) hosts: bool,
    pub(crate) mark: JoinMark,
    pub(crate) last_seq: ClientSeq,
    pub(crate) last_spawn_counter: u32,
}

/// Everything that is replicated, as the log says it is.
#[derive(Debug, Default, Clone)]
pub struct World {
    pub(crate) log_index: LogIndex,
    pub(crate) players: BTreeMap<PlayerId, Player>,
    pub(crate) tree: Tree,
    pub(crate) last_player: PlayerId,
    players_digest: u64,
}

impl World {
    /// A world with nothing and nobody in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last entry that was applied, rejected or found to be a duplicate.
    #[must_use]
    pub const fn log_index(&self) -> LogIndex {
        self.log_index
    }

    /// A number that is equal for equal worlds, and different for different ones but for one case in 2^64.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.tree.digest().wrapping_add(self.players_digest)
    }

    /// A node, if it is in the world.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.tree.node(id)
    }

    /// The node with an id among these, if there is just one.
    #[must_use]
    pub fn only_node_in(&self, ids: RangeInclusive<NodeId>) -> Option<NodeId> {
        self.tree.only_node_in(ids)
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.tree.nodes()
    }

    /// The nodes that hang directly below a node or the root, by id.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.tree.children(id)
    }

    /// The authored nodes that were despawned and do not come back, by id.
    pub fn despawned(&self) -> impl ExactSizeIterator<Item = NodeId> + '_ {
        self.tree.tombstones().iter().copied()
    }

    /// A player, if present.
    #[must_use]
    pub fn player(&self, id: PlayerId) -> Option<&Player> {
        self.players.get(&id)
    }

    /// All players who are present, by id.
    pub fn players(&self) -> impl ExactSizeIterator<Item = (PlayerId, &Player)> {
        self.players.iter().map(|(id, player)| (*id, player))
    }

    /// The last player who ever joined: the greatest id that was used. A world that was made from a snapshot knows only of those
    /// who are present in it, unless it has the [ledger](World::ledger) too.
    #[must_use]
    pub const fn last_player(&self) -> PlayerId {
        self.last_player
    }

    /// Whether the node is the player's own, or the server's and the player hosts.
    #[must_use]
    pub fn owns(&self, player: PlayerId, node: &Node) -> bool {
        self.asker(player).is_some_and(|asker| asker.owns(node))
    }

    /// Whether the player may send live values and input of the node: only its owner does, and only if its policy lets
    /// the owner write.
    #[must_use]
    pub fn may_stream(&self, player: PlayerId, node: &Node) -> bool {
        let may = |asker: Asker| asker.owns(node) && asker.may_write(node).is_ok();
        self.asker(player).is_some_and(may)
    }

    /// How many nodes the last entry made the tree look at, beyond those that it names: its cost, for rate limits. 0 for a
    /// duplicate.
    #[must_use]
    pub const fn touched(&self) -> usize {
        self.tree.touched()
    }

    /// Applies the entry at `log_index`, wholly or not at all, and appends what happened to `effects`. Only of nodes that
    /// come to rest each value counts by itself.
    ///
    /// An entry at or before [`World::log_index`] is a duplicate, and so is a proposal whose number its player has used:
    /// a rejected proposal uses its number too.
    ///
    /// # Errors
    /// Why a transaction changed nothing; then `effects` is as it was. [`Rejection::PlayerMissing`] also for a player who
    /// leaves, or whose nodes come to rest, without having joined, or who joins under an id that nobody can have.
    pub fn apply(
        &mut self,
        log_index: LogIndex,
        entry: &LogEntry,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        self.tree.forget_touched();
        if log_index <= self.log_index {
            return Ok(Outcome::Duplicate);
        }
        self.log_index = log_index;
        match &entry.change {
            Change::Transaction {
                player,
                seq,
                transaction,
            } => self.propose(*player, *seq, transaction, effects),
            Change::PlayerJoined { player, mark } => self.join(player, *mark, effects),
            Change::PlayerLeft { player } => self.leave(*player, effects),
            Change::Rested { player, values } => self.rest(*player, values, effects),
        }
    }

    /// Adds a player, unless present.
    pub(crate) fn join(
        &mut self,
        entry: &PlayerEntry,
        mark: JoinMark,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        let id = entry.player;
        if id == PlayerId::SERVER || id > PlayerId::MAX {
            return Err(Rejection::PlayerMissing(id));
        }
        check_name(&entry.name)?;
        if self.players.contains_key(&id) {
            return Ok(Outcome::Duplicate);
        }
        let player = Player::new(entry, mark);
        self.players_digest = self
            .players_digest
            .wrapping_add(digest::of_player(id, &player));
        self.players.insert(id, player);
        self.last_player = self.last_player.max(id);
        effects.push(Effect::PlayerJoined { player: id });
        Ok(Outcome::Applied)
    }

    fn leave(&mut self, id: PlayerId, effects: &mut Vec<Effect>) -> Result<Outcome, Rejection> {
        let player = self
            .players
            .remove(&id)
            .ok_or(Rejection::PlayerMissing(id))?;
        self.players_digest = self
            .players_digest
            .wrapping_sub(digest::of_player(id, &player));
        for node in self.owned_by(id) {
            self.bereave(node, effects)?;
        }
        self.tree.commit();
        effects.push(Effect::PlayerLeft { player: id });
        Ok(Outcome::Applied)
    }

    fn owned_by(&self, player: PlayerId) -> Vec<NodeId> {
        let owned = self.nodes().filter(|node| node.owner() == player);
        owned.map(Node::id).collect()
    }

    /// Does with a node what its policy says when its owner has left. It may be gone with another node before.
    fn bereave(&mut self, id: NodeId, effects: &mut Vec<Effect>) -> Result<(), Rejection> {
        let Some(node) = self.node(id) else {
            return Ok(());
        };
        match node.policy().on_owner_left {
            OnOwnerLeft::Release => decision::give(&mut self.tree, id, PlayerId::SERVER, effects),
            OnOwnerLeft::Despawn => {
                decision::despawn(&mut self.tree, id, effects);
                Ok(())
            }
        }
    }

    fn propose(
        &mut self,
        id: PlayerId,
        seq: ClientSeq,
        transaction: &Transaction,
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        let asker = self.asker(id).ok_or(Rejection::PlayerMissing(id))?;
        let spawn_counter = match self.players.get_mut(&id) {
            Some(player) if seq > player.last_seq => {
                player.last_seq = seq;
                player.last_spawn_counter
            }
            _ => return Ok(Outcome::Duplicate),
        };
        let counter = self.decide(asker, spawn_counter, transaction, effects)?;
        if let Some(player) = self.players.get_mut(&id) {
            player.last_spawn_counter = counter;
        }
        Ok(Outcome::Applied)
    }

    /// Returns the asker's spawn counter afterwards.
    fn decide(
        &mut self,
        asker: Asker,
        spawn_counter: u32,
        transaction: &Transaction,
        effects: &mut Vec<Effect>,
    ) -> Result<u32, Rejection> {
        let checkpoint = self.tree.checkpoint();
        let effects_before = effects.len();
        let mut decision = Decision {
            tree: &mut self.tree,
            players: &self.players,
            asker,
            spawn_counter,
            version: self.log_index,
            effects,
        };
        let result = decision.transact(transaction);
        let counter = decision.spawn_counter;
        match result {
            Ok(()) => self.tree.commit(),
            Err(_) => {
                self.tree.roll_back(checkpoint);
                effects.truncate(effects_before);
            }
        }
        result.map(|()| counter)
    }

    pub(crate) fn asker(&self, player: PlayerId) -> Option<Asker> {
        let hosts = self.players.get(&player)?.hosts;
        Some(Asker { player, hosts })
    }
}

impl Player {
    fn new(entry: &PlayerEntry, mark: JoinMark) -> Self {
        Self {
            name: entry.name.clone(),
            hosts: entry.hosts,
            mark,
            last_seq: ClientSeq::default(),
            last_spawn_counter: 0,
        }
    }

    /// The player as snapshots and the log tell it.
    #[must_use]
    pub fn entry(&self, id: PlayerId) -> PlayerEntry {
        PlayerEntry {
            player: id,
            name: self.name.clone(),
            hosts: self.hosts,
        }
    }

    /// What the player wants to be called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether [`Access::Server`](synced_protocol::mutation::Access::Server) includes this player.
    #[must_use]
    pub const fn hosts(&self) -> bool {
        self.hosts
    }

    /// By which servers know the player's client; known as [`Player::last_seq`] is.
    #[must_use]
    pub const fn mark(&self) -> JoinMark {
        self.mark
    }

    /// The player's last proposal that was decided in the log. Nothing before the snapshot is known of that in a world made from one.
    #[must_use]
    pub const fn last_seq(&self) -> ClientSeq {
        self.last_seq
    }

    /// The counter of the last node that the player spawned, 0 for none; known as [`Player::last_seq`] is.
    #[must_use]
    pub const fn last_spawn_counter(&self) -> u32 {
        self.last_spawn_counter
    }
}
