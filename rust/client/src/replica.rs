//! A commit, as the game is told of it.

use std::iter::Peekable;

use synced_protocol::{
    id::{LogIndex, NodeId, PlayerId},
    message::{Change, Commit},
    mutation::{Mutation, Transaction},
};
use synced_world::{Effect, Outcome, World};

use crate::update::{Called, Spawned, Update};

/// The leader's world and this one are not the same any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Diverged;

/// Applies a commit and tells what it did, in the order in which it did it. The effects are left for whoever keeps something
/// by node.
pub(crate) fn apply(
    world: &mut World,
    commit: Commit,
    effects: &mut Vec<Effect>,
    mut tell: impl FnMut(Update),
) -> Result<(), Diverged> {
    effects.clear();
    // The leader publishes just what changed its world.
    match world.apply(commit.log_index, &commit.entry, effects) {
        Ok(Outcome::Applied) => {}
        Ok(Outcome::Duplicate) | Err(_) => return Err(Diverged),
    }
    match commit.entry.change {
        Change::Transaction {
            player,
            transaction,
            ..
        } => tell_transaction(commit.log_index, player, transaction, effects, tell),
        Change::PlayerJoined { player, .. } => tell(Update::PlayerJoined(player)),
        Change::PlayerLeft { player } => {
            effects.iter().filter_map(of_leaving).for_each(&mut tell);
            tell(Update::PlayerLeft(player));
        }
        Change::Rested { .. } => tell_rested(world, commit.log_index, effects, tell),
    }
    Ok(())
}

/// The effects know which of the entry's values were set.
fn tell_rested(world: &World, version: LogIndex, effects: &[Effect], mut tell: impl FnMut(Update)) {
    for effect in effects {
        if let Effect::PropertySet { node, property } = *effect
            && let Some(set) = world.node(node).and_then(|node| node.property(property))
        {
            tell(Update::PropertySet {
                node,
                property,
                value: set.value().clone(),
                version,
            });
        }
    }
}

/// The steps carry the values, and in their own order; the effects know the owners before.
fn tell_transaction(
    version: LogIndex,
    caller: PlayerId,
    transaction: Transaction,
    effects: &[Effect],
    mut tell: impl FnMut(Update),
) {
    let mut owners = effects.iter().filter_map(of_owner).peekable();
    for step in transaction.steps {
        match step {
            Mutation::Spawn(spawn) => tell(Update::Spawned(Box::new(Spawned {
                versions: vec![version; spawn.properties.len()],
                spawn,
            }))),
            Mutation::Despawn { node } => tell(Update::Despawned { node }),
            Mutation::Reparent { node, parent } => tell(Update::Reparented {
                node,
                parent: Box::new(parent),
            }),
            Mutation::SetProperties { node, properties } => {
                for (property, value) in properties {
                    tell(Update::PropertySet {
                        node,
                        property,
                        value,
                        version,
                    });
                }
            }
            Mutation::TransferOwnership { node, to } => {
                owner_change(&mut owners, node, to)
                    .into_iter()
                    .for_each(&mut tell);
            }
            Mutation::Call {
                node,
                method,
                arguments,
            } => tell(Update::Called(Box::new(Called {
                node,
                method,
                arguments,
                caller,
            }))),
        }
    }
}

/// The change that a step made, if the owner was another before: else the next change is another step's.
fn owner_change(
    owners: &mut Peekable<impl Iterator<Item = (NodeId, PlayerId, PlayerId)>>,
    node: NodeId,
    to: PlayerId,
) -> Option<Update> {
    let (node, from, to) = owners.next_if(|change| (change.0, change.2) == (node, to))?;
    Some(Update::OwnerChanged { node, from, to })
}

const fn of_owner(effect: &Effect) -> Option<(NodeId, PlayerId, PlayerId)> {
    match *effect {
        Effect::OwnerChanged { node, from, to } => Some((node, from, to)),
        _ => None,
    }
}

const fn of_leaving(effect: &Effect) -> Option<Update> {
    match *effect {
        Effect::OwnerChanged { node, from, to } => Some(Update::OwnerChanged { node, from, to }),
        Effect::Despawned { node } => Some(Update::Despawned { node }),
        _ => None,
    }
}
