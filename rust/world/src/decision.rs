//! One transaction, step by step. Whoever decides it takes everything back when a step fails.

use std::collections::BTreeMap;

use synced_protocol::{
    id::{LogIndex, NodeId, PlayerId, PropertyId},
    limits::{MAX_CALL_ARGUMENTS, MAX_PROPERTIES, MAX_TRANSACTION_STEPS},
    mutation::{Guard, Limit, Mutation, Origin, ParentRef, Rejection, Transaction},
    value::Value,
};

use crate::{
    authority::Asker,
    effect::Effect,
    node::{check_name, encode_value},
    tree::Tree,
    world::Player,
};

pub(crate) struct Decision<'a> {
    pub(crate) tree: &'a mut Tree,
    pub(crate) players: &'a BTreeMap<PlayerId, Player>,
    pub(crate) asker: Asker,
    /// The counter of the last node that the asker spawned.
    pub(crate) spawn_counter: u32,
    pub(crate) version: LogIndex,
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl Decision<'_> {
    pub(crate) fn transact(&mut self, transaction: &Transaction) -> Result<(), Rejection> {
        let Transaction { guards, steps } = transaction;
        if guards.len() > MAX_TRANSACTION_STEPS
            || !(1..=MAX_TRANSACTION_STEPS).contains(&steps.len())
        {
            return Err(Rejection::TooLarge(Limit::Steps));
        }
        for (place, guard) in (0..).zip(guards) {
            if !self.holds(guard) {
                return Err(Rejection::GuardFailed(place));
            }
        }
        for (place, step) in steps.iter().enumerate() {
            self.step(place, step)?;
        }
        Ok(())
    }

    fn holds(&self, guard: &Guard) -> bool {
        match *guard {
            Guard::Exists { node } => self.tree.get(node).is_ok(),
            Guard::OwnerIs { node, owner } => {
                self.tree.get(node).is_ok_and(|node| node.owner() == owner)
            }
            Guard::VersionIs {
                node,
                property,
                version,
            } => {
                let node = self.tree.get(node).ok();
                let property = node.and_then(|node| node.property(property));
                property.is_some_and(|property| property.version() == version)
            }
        }
    }

    fn step(&mut self, place: usize, mutation: &Mutation) -> Result<(), Rejection> {
        match mutation {
            Mutation::Spawn(spawn) => self.spawn(spawn),
            Mutation::Despawn { node } => self.despawn(*node),
            Mutation::Reparent { node, parent } => self.reparent(*node, parent),
            Mutation::SetProperties { node, properties } => self.set(*node, properties),
            Mutation::TransferOwnership { node, to } => self.transfer(*node, *to),
            Mutation::Call {
                node,
                method,
                arguments,
            } => self.call(place, *node, method, arguments),
        }
    }

    fn despawn(&mut self, node: NodeId) -> Result<(), Rejection> {
        self.asker.may_write(self.tree.get(node)?)?;
        despawn(self.tree, node, self.effects);
        Ok(())
    }

    fn reparent(&mut self, node: NodeId, parent: &ParentRef) -> Result<(), Rejection> {
        self.asker.may_write(self.tree.get(node)?)?;
        check_name(&parent.path)?;
        self.tree.check_place(node, parent.anchor)?;
        self.tree.hang(node, parent.clone())?;
        self.effects.push(Effect::Reparented { node });
        Ok(())
    }

    fn set(&mut self, node: NodeId, properties: &[(PropertyId, Value)]) -> Result<(), Rejection> {
        self.asker.may_write(self.tree.get(node)?)?;
        if properties.len() > MAX_PROPERTIES {
            return Err(Rejection::TooLarge(Limit::Properties));
        }
        for (property, value) in properties {
            let property = *property;
            self.tree.write(node, property, value, self.version)?;
            self.effects.push(Effect::PropertySet { node, property });
        }
        Ok(())
    }

    fn transfer(&mut self, node: NodeId, to: PlayerId) -> Result<(), Rejection> {
        self.asker.may_transfer(self.tree.get(node)?, to)?;
        if to != PlayerId::SERVER && !self.players.contains_key(&to) {
            return Err(Rejection::PlayerMissing(to));
        }
        give(self.tree, node, to, self.effects)
    }

    fn call(
        &mut self,
        step: usize,
        node: NodeId,
        method: &str,
        arguments: &[Value],
    ) -> Result<(), Rejection> {
        self.asker.may_call(self.tree.get(node)?)?;
        check_name(method)?;
        if arguments.len() > MAX_CALL_ARGUMENTS {
            return Err(Rejection::TooLarge(Limit::Arguments));
        }
        for argument in arguments {
            encode_value(argument, self.tree.scratch())?;
        }
        self.effects.push(Effect::Called { node, step });
        Ok(())
    }
}

/// Takes a node and all below it out of the world, the deepest first.
pub(crate) fn despawn(tree: &mut Tree, node: NodeId, effects: &mut Vec<Effect>) {
    for node in tree.subtree(node).into_iter().rev() {
        let authored = tree
            .get(node)
            .is_ok_and(|node| node.origin() == Origin::Authored);
        tree.remove(node);
        if authored {
            tree.bury(node);
        }
        effects.push(Effect::Despawned { node });
    }
}

/// Gives a node to an owner who may well have it already.
pub(crate) fn give(
    tree: &mut Tree,
    node: NodeId,
    to: PlayerId,
    effects: &mut Vec<Effect>,
) -> Result<(), Rejection> {
    let from = tree.give(node, to)?;
    if from != to {
        effects.push(Effect::OwnerChanged { node, from, to });
    }
    Ok(())
}
