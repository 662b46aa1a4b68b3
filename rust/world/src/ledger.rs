//! What a replica knows beside what players are sent: without it, a world would take a proposal twice.

use std::fmt;

use synced_protocol::{
    id::{LogIndex, PlayerId},
    replica::LedgerEntry,
};

use crate::{digest, world::World};

impl World {
    /// What of each player decides about the next hello and proposals, in the order of their ids.
    pub fn ledger(&self) -> impl ExactSizeIterator<Item = LedgerEntry> + '_ {
        self.players.iter().map(|(&player, known)| LedgerEntry {
            player,
            mark: known.mark,
            last_seq: known.last_seq,
            last_spawn_counter: known.last_spawn_counter,
        })
    }

    /// Enters what was known of a player of this world.
    ///
    /// # Errors
    /// [`LedgerError::Player`] when that player is not here.
    pub fn enter(&mut self, entry: LedgerEntry) -> Result<(), LedgerError> {
        let player = entry.player;
        let known = self.players.get_mut(&player);
        let known = known.ok_or(LedgerError::Player(player))?;
        known.mark = entry.mark;
        known.last_seq = entry.last_seq;
        known.last_spawn_counter = entry.last_spawn_counter;
        Ok(())
    }

    /// Remembers who was the last to join, and checks that this world with its ledger is the one that was meant.
    ///
    /// # Errors
    /// [`LedgerError::Digest`] when it is not.
    pub fn seal(&mut self, last_player: PlayerId, digest: u64) -> Result<(), LedgerError> {
        self.last_player = self.last_player.max(last_player);
        let found = self.replica_digest();
        if found == digest {
            Ok(())
        } else {
            Err(LedgerError::Digest {
                expected: digest,
                found,
            })
        }
    }

    /// Counts the entries up to this one as applied, without any of them: what follows is to have other places than what may have
    /// been told of before. A place further back changes nothing.
    pub fn move_to(&mut self, log_index: LogIndex) {
        self.log_index = self.log_index.max(log_index);
    }

    /// A number that is equal for replicas that will decide everything alike from here on, where [`World::digest`] is equal for
    /// those that show the same. It is made anew each time.
    #[must_use]
    pub fn replica_digest(&self) -> u64 {
        let LogIndex(log_index) = self.log_index;
        let ledger = digest::of_ledger(log_index, self.last_player, self.ledger());
        self.digest().wrapping_add(ledger)
    }
}

/// Why a ledger does not belong to a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerError {
    /// A player who is not in the world.
    Player(PlayerId),
    /// The digest of the whole is another.
    Digest {
        /// What it should be.
        expected: u64,
        /// What it is.
        found: u64,
    },
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Player(player) => write!(f, "{player} is in the ledger and not in the world"),
            Self::Digest { expected, found } => write!(
                f,
                "the digest is {found:016x}, it should be {expected:016x}"
            ),
        }
    }
}

impl std::error::Error for LedgerError {}
