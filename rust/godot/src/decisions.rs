//! What the session's decisions mean for the properties of nodes that are in the scene here.

use godot::prelude::*;
use synced_client::update::CommitEnd;
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId, PropertyId},
    mutation::{Access, Mutation, Origin},
    time::Micros,
    value::Value,
};
use synced_transport::clock;

use crate::{
    classes::{SyncedNode, SyncedSpawner},
    core::Core,
    engine::{self, EngineValue},
    local::{Local, Place, Property, PropertyState},
    pending::Touch,
    property::Target,
    variant,
};

/// A property that was confirmed, and what is to be done about it with nothing borrowed.
#[derive(Debug)]
pub(crate) struct Confirmed {
    pub at: Place,
    /// Who tells of it, if somebody listens.
    pub heard: Option<Gd<SyncedNode>>,
    /// What is to be written to the scene, if that shows something else.
    pub shown: Option<(Target, EngineValue)>,
}

/// What the scene made of a value that was set.
#[derive(Debug)]
pub(crate) struct Echo {
    at: Place,
    value: EngineValue,
}

impl Echo {
    /// Sets a property, and reads it again; may run scripts.
    pub(crate) fn of(at: Place, target: &Target, value: &EngineValue) -> Self {
        target.set(value);
        Self {
            at,
            value: target.get(),
        }
    }
}

impl Core {
    /// A property was confirmed, of which its node tells by `signal`.
    pub(crate) fn confirmed(
        &mut self,
        at: Place,
        value: Value,
        version: LogIndex,
        signal: &StringName,
    ) -> Confirmed {
        let shown = self.committed(at, value, version);
        let node = self.locals.get(&at.node).map(|local| &local.node);
        let heard = node.filter(|node| engine::is_heard(node.instance_id_unchecked(), signal));
        Confirmed {
            at,
            heard: heard.cloned(),
            shown,
        }
    }

    /// A commit is in the scene, or will be before anybody looks.
    pub(crate) fn commit_applied(&mut self, end: &CommitEnd, now: Micros) {
        self.log_index = end.log_index;
        self.frame_stats.commit_applied(now - end.received_at);
    }

    /// As the inspector has it, if the node is in the scene here.
    pub(crate) fn property_path(&self, at: Place) -> Option<&String> {
        let local = self.locals.get(&at.node).filter(|local| local.is_alive())?;
        let listed = local.config.properties.get(usize::from(at.property.0));
        listed.map(|(path, _)| path)
    }

    /// A property was confirmed. Returns what is to be written to the scene, if that shows something else.
    pub(crate) fn committed(
        &mut self,
        at: Place,
        value: Value,
        version: LogIndex,
    ) -> Option<(Target, EngineValue)> {
        let (Place { node: id, property }, me) = (at, self.me);
        let is_own_write = self.is_write_pending(id, property);
        let place = usize::from(property.0);
        let entry = self.entries.get_mut(&id)?;
        let variant = variant::to_engine(&value, &self.directory);
        let dangling = &mut self.dangling;
        variant::missing_nodes(&value, &self.directory, &mut |missing| {
            if !dangling.contains(&(missing, at)) {
                dangling.push((missing, at));
            }
        });
        let known = &mut entry.spawned.spawn.properties.get_mut(place)?.value;
        let is_other = *known != value;
        *known = value;
        *entry.spawned.versions.get_mut(place)? = version;
        let local = self.locals.get_mut(&id)?;
        let is_held = local.is_held_by(me);
        let Property { target, state, .. } = local.bound.as_mut()?.properties.get_mut(place)?;
        let shown = match state {
            PropertyState::Confirmed(slot) if is_other => {
                slot.committed_other(variant, version).cloned()
            }
            // What it refers to may have come since.
            PropertyState::Confirmed(slot) => slot.committed(variant, version, None).cloned(),
            PropertyState::Live(live) => {
                self.watch_changes += 1;
                live.committed(variant, version, is_held, is_own_write)
            }
        };
        shown.map(|shown| (target.clone(), shown))
    }

    /// This player wrote properties and proposed them as `seq`.
    pub(crate) fn wrote(&mut self, id: NodeId, properties: &[(PropertyId, Value)], seq: ClientSeq) {
        for (property, value) in properties {
            let shown = variant::to_engine(value, &self.directory);
            let Some(property) = self.property_mut(id, *property) else {
                continue;
            };
            if let PropertyState::Confirmed(slot) = &mut property.state {
                slot.wrote(shown, seq);
                property.echo = None;
            }
        }
    }

    /// What a property shows once a node that it refers to has come.
    pub(crate) fn reshow(&mut self, place: Place) -> Option<(Target, EngineValue)> {
        let version = *self
            .entries
            .get(&place.node)?
            .spawned
            .versions
            .get(usize::from(place.property.0))?;
        let value = self.confirmed_value(place.node, place.property)?.clone();
        self.committed(place, value, version)
    }

    /// What the scene made of a value that was set.
    pub(crate) fn echoed(&mut self, Echo { at, value }: Echo) {
        if let Some(property) = self.property_mut(at.node, at.property) {
            property.echo = Some(value);
        }
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
    ) -> Option<(Target, EngineValue)> {
        let Property { target, state, .. } = self.property_mut(id, property)?;
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

    /// A node has another owner. Returns what is to be shown: the last that the owner before had streamed.
    pub(crate) fn take_owner(&mut self, id: NodeId, to: PlayerId) -> Vec<(Target, EngineValue)> {
        let (me, is_mine) = (self.me, self.is_mine(to));
        let Some(local) = self.locals.get_mut(&id).filter(|local| local.is_alive()) else {
            return Vec::new();
        };
        let mut shown = Vec::new();
        if let Some(bound) = &mut local.bound {
            bound.owner = to;
            for property in &mut bound.properties {
                if let PropertyState::Live(live) = &mut property.state {
                    let newest = live.forget_stream();
                    live.settled = !is_mine;
                    live.guarded_frames = 0;
                    shown.extend(newest.map(|value| {
                        (
                            property.target.clone(),
                            variant::to_engine(&value, &self.directory),
                        )
                    }));
                }
            }
        }
        if let Some(tracker) = &mut local.tracker {
            tracker.forget_remote();
        }
        local.apply_authority(me);
        if !is_mine && let Some(handle) = self.handle() {
            handle.forget_live(id);
        }
        self.generation += 1;
        shown
    }

    /// Forgets what was streamed: the node's coordinates mean something else now.
    pub(crate) fn clear_live(&mut self, id: NodeId) {
        for property in self.bound_properties_mut(id) {
            if let PropertyState::Live(live) = &mut property.state {
                live.forget_stream();
            }
        }
        let local = self.locals.get_mut(&id);
        if let Some(tracker) = local.and_then(|local| local.tracker.as_mut()) {
            tracker.forget_remote();
        }
    }

    /// The values that confirmed properties show: what hangs elsewhere keeps them.
    pub(crate) fn confirmed_shown(&mut self, id: NodeId) -> Vec<(Target, EngineValue)> {
        let properties = self.bound_properties_mut(id).iter();
        let shown = properties.filter_map(|property| match &property.state {
            PropertyState::Confirmed(slot) => {
                let shown = property.echo.as_ref().unwrap_or_else(|| slot.shown());
                Some((property.target.clone(), shown.clone()))
            }
            PropertyState::Live(_) => None,
        });
        shown.collect()
    }

    /// The confirmed values of the node's live properties.
    pub(crate) fn live_confirmed(&mut self, id: NodeId) -> Vec<(Target, EngineValue)> {
        let Some(entry) = self.entries.get(&id) else {
            return Vec::new();
        };
        let values = entry
            .spawned
            .spawn
            .properties
            .iter()
            .map(|spec| variant::to_engine(&spec.value, &self.directory));
        let values: Vec<_> = values.collect();
        self.watch_changes += 1;
        let properties = self.bound_properties_mut(id).iter_mut().zip(values);
        properties
            .filter_map(|(property, value)| match &mut property.state {
                PropertyState::Live(live) => {
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
    pub(crate) fn propose_settled(&mut self, id: NodeId, values: Vec<(PropertyId, EngineValue)>) {
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

    /// Whether every live property of the node is confirmed, or proposed to be.
    pub(crate) fn is_at_rest(&mut self, id: NodeId) -> bool {
        self.bound_properties_mut(id)
            .iter()
            .all(|property| match &property.state {
                PropertyState::Confirmed(_) => true,
                PropertyState::Live(live) => live.settled,
            })
    }

    /// Forgets despawned nodes.
    pub(crate) fn forget(&mut self, nodes: &[NodeId]) {
        for id in nodes {
            self.entries.remove(id);
            self.unplaced.remove(id);
            if let Some(local) = self.locals.get_mut(id) {
                local.bound = None;
            }
        }
        self.generation += 1;
    }

    /// The spawner that a node's scene came from, if it is in the scene here.
    pub(crate) fn spawner_of(&self, id: NodeId) -> Option<Gd<SyncedSpawner>> {
        match self.entries.get(&id)?.spawned.spawn.origin {
            Origin::Scene { spawner, .. } => self
                .spawners
                .get(&spawner)
                .filter(|spawner| spawner.is_instance_valid())
                .cloned(),
            _ => None,
        }
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
        let is_nobodys = self
            .bound
            .as_ref()
            .is_some_and(|bound| bound.owner == PlayerId::SERVER);
        match self.config.policy.write {
            Access::Owner => self.is_held_by(me) || (hosts && is_nobodys),
            Access::Anyone => true,
            Access::Server => hosts,
        }
    }
}
