//! Which nodes may come into being.

use std::iter;

use synced_protocol::{
    id::PlayerId,
    mutation::{Origin, Rejection, Spawn},
};

use crate::{decision::Decision, effect::Effect, node::Node};

impl Decision<'_> {
    pub(crate) fn spawn(&mut self, spawn: &Spawn) -> Result<(), Rejection> {
        self.tree.check_fresh(spawn.node)?;
        check_id(spawn)?;
        self.check_owner(spawn)?;
        self.tree.check_place(spawn.node, spawn.parent.anchor)?;
        self.check_origin(spawn)?;
        let versions = iter::repeat(self.version);
        let node = Node::build(spawn.clone(), versions, self.tree.scratch())?;
        self.tree.insert(node)?;
        self.effects.push(Effect::Spawned { node: spawn.node });
        Ok(())
    }

    /// An authored node is everybody's: the first who comes to the scene tells of it, so it cannot be that player's.
    fn check_owner(&self, spawn: &Spawn) -> Result<(), Rejection> {
        let (node, owner) = (spawn.node, spawn.owner);
        if owner == PlayerId::SERVER {
            return Ok(());
        }
        if owner != self.asker.player {
            return Err(Rejection::NotOwner { node, owner });
        }
        if spawn.origin == Origin::Authored && !self.asker.hosts {
            return Err(Rejection::ServerOnly(node));
        }
        Ok(())
    }

    fn check_origin(&mut self, spawn: &Spawn) -> Result<(), Rejection> {
        match spawn.origin {
            Origin::Authored => Ok(()),
            Origin::Part => self.check_part(spawn),
            Origin::Scene { .. } => self.use_counter(spawn),
        }
    }

    fn check_part(&self, spawn: &Spawn) -> Result<(), Rejection> {
        match self.tree.get(spawn.parent.anchor)?.origin() {
            Origin::Scene { .. } | Origin::Part => Ok(()),
            Origin::Authored => Err(Rejection::ForeignId(spawn.node)),
        }
    }

    fn use_counter(&mut self, spawn: &Spawn) -> Result<(), Rejection> {
        let own = spawn.node.spawner() == Some(self.asker.player);
        let counter = spawn.node.counter();
        if !own || counter <= self.spawn_counter {
            return Err(Rejection::ForeignId(spawn.node));
        }
        self.spawn_counter = counter;
        Ok(())
    }
}

/// Whether the id is of the kind that the origin asks for.
pub(crate) fn check_id(spawn: &Spawn) -> Result<(), Rejection> {
    let fits = match spawn.origin {
        Origin::Authored | Origin::Part => spawn.node.is_derived(),
        Origin::Scene { .. } => spawn.node.spawner().is_some(),
    };
    if fits {
        Ok(())
    } else {
        Err(Rejection::ForeignId(spawn.node))
    }
}
