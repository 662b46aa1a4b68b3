//! Where the nodes of a player who is about to go come to rest.

use synced_protocol::{
    id::PlayerId,
    message::RestedValue,
    mutation::{Lane, Rejection},
};

use crate::{
    authority::Asker,
    effect::{Effect, Outcome},
    world::World,
};

impl World {
    /// Sets each value that can be set, by itself, and passes over the others: between the leader's asking and this entry
    /// a node may have gone, or got another owner or a newer value.
    pub(crate) fn rest(
        &mut self,
        player: PlayerId,
        values: &[RestedValue],
        effects: &mut Vec<Effect>,
    ) -> Result<Outcome, Rejection> {
        let owner = self.asker(player).ok_or(Rejection::PlayerMissing(player))?;
        for rested in values {
            if self.may_rest(owner, rested) && self.set_rested(rested) {
                let RestedValue { node, property, .. } = *rested;
                effects.push(Effect::PropertySet { node, property });
            }
        }
        Ok(Outcome::Applied)
    }

    fn may_rest(&self, owner: Asker, rested: &RestedValue) -> bool {
        let Some(node) = self.node(rested.node) else {
            return false;
        };
        let property = node.property(rested.property);
        owner.owns(node)
            && property.is_some_and(|property| {
                property.lane() == Lane::Live && property.version() <= rested.newer_than
            })
    }

    /// `false` when a limit is in the way.
    fn set_rested(&mut self, rested: &RestedValue) -> bool {
        let version = self.log_index;
        let checkpoint = self.tree.checkpoint();
        let written = self
            .tree
            .write(rested.node, rested.property, &rested.value, version);
        match written {
            Ok(()) => self.tree.commit(),
            Err(_) => self.tree.roll_back(checkpoint),
        }
        written.is_ok()
    }
}
