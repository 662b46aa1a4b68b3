//! What the session's decisions mean for the properties of nodes that are in the scene here.

use godot::prelude::*;
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    mutation::{Access, Mutation, Origin},
    value::Value,
};

use synced_transport::clock;

use crate::{
    classes::{SyncedNode, SyncedSpawner},
    core::{Core, Touch},
    local::{Local, Property, PropertyState},
    property::Target,
    variant,
};

impl Core {
    /// A property was confirmed. Returns what is to be written to the scene, if that shows something else.
    pub(crate) fn committed(
        &mut self,
        id: NodeId,
        property: PropertyId,
        value: Value,
        version: LogIndex,
    ) -> Option<(Target, Variant)> {
        let me = self.me;
        let place = usize::from(property.0);
        let entry = self.entries.get_mut(&id)?;
        let variant = variant::to_variant(&value, &self.directory);
        entry.spawned.spawn.properties.get_mut(place)?.value = value;
        *entry.spawned.versions.get_mut(place)? = version;
        let local = self.locals.get_mut(&id)?;
        let is_held = local.is_held_by(me);
        let Property { target, state } = local.bound.as_mut()?.properties.get_mut(place)?;
        let shown = match state {
            PropertyState::Confirmed(slot) => slot.committed(variant, version, None).cloned(),
            PropertyState::Live(live) => {
                live.version = version;
                (!is_held).then(|| {
                    live.rest_at(variant.clone());
                    variant
                })
            }
        };
        shown.map(|shown| (target.clone(), shown))
    }

    /// This player's own write was confirmed, its value having come by [`Core::committed`].
    pub(crate) fn own_write_confirmed(&mut self, id: NodeId, property: PropertyId, seq: ClientSeq) {
        if let Some(PropertyState::Confirmed(slot)) = self
            .property_mut(id, property)
            .map(|property| &mut property.state)
        {
            slot.rejected(seq);
        }
    }

    /// This player's own write changed nothing. Returns what is to be shown instead.
    pub(crate) fn write_rejected(
        &mut self,
        id: NodeId,
        property: PropertyId,
        seq: ClientSeq,
    ) -> Option<(Target, Variant)> {
        let Property { target, state } = self.property_mut(id, property)?;
        match state {
            PropertyState::Confirmed(slot) => slot
                .rejected(seq)
                .cloned()
                .map(|value| (target.clone(), value)),
            PropertyState::Live(live) => {
                // Not at once again: what was in the way may still be there.
                live.settled = false;
                live.changed_at = clock::now();
                None
            }
        }
    }

    /// A node has another owner. Returns its `SyncedNode`, if it is in the scene.
    pub(crate) fn take_owner(&mut self, id: NodeId, to: PlayerId) -> Option<Gd<SyncedNode>> {
        let me = self.me;
        let local = self.locals.get_mut(&id).filter(|local| local.is_alive())?;
        if let Some(bound) = &mut local.bound {
            bound.owner = to;
            for property in &mut bound.properties {
                if let PropertyState::Live(live) = &mut property.state {
                    live.buffer.clear();
                    live.playing = false;
                    live.settled = to != me;
                    live.guarded_frames = 0;
                }
            }
        }
        local.apply_authority(me);
        let node = local.node.clone();
        if to != me
            && let Some(handle) = self.handle()
        {
            handle.forget_live(id);
        }
        self.generation += 1;
        Some(node)
    }

    /// Forgets what was streamed: the node's coordinates mean something else now.
    pub(crate) fn clear_live(&mut self, id: NodeId) {
        for property in self.bound_properties_mut(id) {
            if let PropertyState::Live(live) = &mut property.state {
                live.buffer.clear();
                live.playing = false;
            }
        }
    }

    /// The confirmed values of the node's live properties.
    pub(crate) fn live_confirmed(&mut self, id: NodeId) -> Vec<(Target, Variant)> {
        let Some(entry) = self.entries.get(&id) else {
            return Vec::new();
        };
        let values = entry
            .spawned
            .spawn
            .properties
            .iter()
            .map(|spec| variant::to_variant(&spec.value, &self.directory));
        let values: Vec<_> = values.collect();
        let properties = self.bound_properties_mut(id).iter_mut().zip(values);
        properties
            .filter_map(|(property, value)| match &mut property.state {
                PropertyState::Live(live) if !live.playing => {
                    live.rest_at(value.clone());
                    Some((property.target.clone(), value))
                }
                _ => None,
            })
            .collect()
    }

    /// The node's properties in the scene.
    pub(crate) fn targets(&self, id: NodeId) -> Vec<(PropertyId, Target)> {
        self.targets_where(id, |_| true)
    }

    /// The node's live properties in the scene.
    pub(crate) fn live_targets(&self, id: NodeId) -> Vec<(PropertyId, Target)> {
        self.targets_where(id, |state| matches!(state, PropertyState::Live(_)))
    }

    /// Proposes the values at which live properties rest.
    pub(crate) fn propose_settled(&mut self, id: NodeId, values: Vec<(PropertyId, Variant)>) {
        let mut properties = Vec::with_capacity(values.len());
        for (property, value) in values {
            let Ok(value) = variant::to_value(&value, &self.directory) else {
                continue;
            };
            if self.confirmed_value(id, property) != Some(&value) {
                properties.push((property, value));
            }
        }
        if properties.is_empty() {
            return;
        }
        let touches = properties
            .iter()
            .map(|(property, _)| Touch::Settle(id, *property))
            .collect();
        self.propose(
            Mutation::SetProperties {
                node: id,
                properties,
            }
            .into(),
            touches,
        );
    }

    /// Forgets despawned nodes, the topmost first. Returns the spawner of the topmost.
    pub(crate) fn forget(&mut self, nodes: &[NodeId]) -> Option<Gd<SyncedSpawner>> {
        let spawner = nodes
            .first()
            .and_then(|top| self.entries.get(top))
            .and_then(|entry| match entry.spawned.spawn.origin {
                Origin::Scene { spawner, .. } => self.spawners.get(&spawner).cloned(),
                _ => None,
            });
        for id in nodes {
            self.entries.remove(id);
            self.unplaced.remove(id);
            if let Some(local) = self.locals.get_mut(id) {
                local.bound = None;
            }
        }
        self.generation += 1;
        spawner
    }

    pub(crate) fn property_mut(
        &mut self,
        id: NodeId,
        property: PropertyId,
    ) -> Option<&mut Property> {
        self.bound_properties_mut(id)
            .get_mut(usize::from(property.0))
    }

    fn bound_properties_mut(&mut self, id: NodeId) -> &mut [Property] {
        self.locals
            .get_mut(&id)
            .and_then(|local| local.bound.as_mut())
            .map_or(&mut [], |bound| &mut bound.properties)
    }

    fn targets_where(
        &self,
        id: NodeId,
        wanted: impl Fn(&PropertyState) -> bool,
    ) -> Vec<(PropertyId, Target)> {
        let Some(bound) = self
            .locals
            .get(&id)
            .filter(|local| local.is_alive())
            .and_then(|local| local.bound.as_ref())
        else {
            return Vec::new();
        };
        let numbered = (0_u8..)
            .zip(&bound.properties)
            .filter(|(_, property)| wanted(&property.state));
        numbered
            .map(|(place, property)| (PropertyId(place), property.target.clone()))
            .collect()
    }
}

impl Local {
    /// Whether the node's policy lets this player write it.
    pub(crate) fn may_write(&self, me: PlayerId, hosts: bool) -> bool {
        match self.config.policy.write {
            Access::Owner => self.is_held_by(me),
            Access::Anyone => true,
            Access::Server => hosts,
        }
    }
}
