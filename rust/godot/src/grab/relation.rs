//! Whose a node is, as far as a hold cares.

use godot::prelude::*;
use synced_protocol::{id::PlayerId, mutation::Transfer};

use crate::{
    classes::{SyncedNode, with_core},
    core::Core,
};

/// What the session has said of a hold so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Nothing yet.
    Asked,
    /// The node is this player's.
    Confirmed,
}

/// Whose a node is, as far as a hold cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// This player's, or there is no session.
    Mine,
    /// Asked for, and not decided.
    Asked,
    /// This player's, who has said that it shall not be.
    GivenAway,
    /// Nobody's.
    Free,
    Theirs(PlayerId),
    /// The session does not know the node, or not yet.
    Unknown,
}

impl Relation {
    pub(crate) fn of(core: &Core, synced: &Gd<SyncedNode>) -> Self {
        if !core.is_joined() {
            return Self::Mine;
        }
        let Some(id) = synced.bind().id() else {
            return Self::Unknown;
        };
        let local = core.locals.get(&id);
        let Some(bound) = local.and_then(|local| local.bound.as_ref()) else {
            return Self::Unknown;
        };
        if bound.requested.is_some() {
            Self::Asked
        } else if bound.is_owned_by(core.me) && core.is_given_away(id) {
            Self::GivenAway
        } else if bound.is_owned_by(core.me) {
            Self::Mine
        } else if bound.owner == PlayerId::SERVER {
            Self::Free
        } else {
            Self::Theirs(bound.owner)
        }
    }
}

/// Whether nobody else has the node, and this player is not about to have it.
pub(crate) fn is_free(synced: &Gd<SyncedNode>) -> bool {
    match with_core(|core| Relation::of(core, synced)) {
        Relation::Mine | Relation::GivenAway | Relation::Free => true,
        Relation::Theirs(_) => is_for_the_taking(synced),
        Relation::Asked | Relation::Unknown => false,
    }
}

/// Whether it passes to whoever asks, be it another's or not.
pub(crate) fn is_for_the_taking(synced: &Gd<SyncedNode>) -> bool {
    synced.bind().config().policy.transfer == Transfer::Always
}
