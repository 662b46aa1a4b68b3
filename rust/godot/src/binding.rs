//! Bringing `SyncedNode`s of the scene and nodes of the session together.

use synced_client::update::Spawned;
use synced_protocol::{
    id::{LogIndex, NodeId, PlayerId, PropertyId},
    mutation::{Mutation, Origin, ParentRef, PropertySpec, Spawn},
};

use crate::{
    classes::with_core,
    core::{Core, Entry, State},
    decisions::Echo,
    engine::EngineValue,
    local::{Bound, Place, Property},
    pending::{Touch, single},
    place,
    property::Target,
    report, variant,
};

/// When a binding pass runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// More of the same commit may follow.
    WithinCommit,
    /// What the session knows is complete.
    BetweenCommits,
}

/// Binds what can be bound, and declares to the session what the scene holds and the session does not know.
pub(crate) fn run(moment: Moment) {
    let candidates = with_core(|core| {
        if core.state == State::Offline {
            Vec::new()
        } else {
            core.take_unbound()
        }
    });
    for id in candidates {
        one(id, moment);
    }
    reshow();
}

/// Binds one node, if that can be done now.
pub(crate) fn one(id: NodeId, moment: Moment) {
    match with_core(|core| next_step(core, id, moment)) {
        Step::Bind => bind(id),
        Step::Declare => declare(id),
        Step::Wait => with_core(|core| _ = core.unbound.insert(id)),
        Step::Remove => remove(id),
        Step::Drop => with_core(|core| _ = core.unbound.remove(&id)),
    }
}

/// Shows again the properties that refer to nodes which have come since.
fn reshow() {
    for place in with_core(|core| std::mem::take(&mut core.reshown)) {
        if let Some((target, value)) = with_core(|core| core.reshow(place)) {
            target.set(&value);
        }
    }
}

/// Tries again to put into the scene what had no place there before.
pub(crate) fn place_unplaced() {
    let unplaced = with_core(|core| std::mem::take(&mut core.unplaced));
    unplaced.into_iter().for_each(place::place);
}

enum Step {
    Bind,
    Declare,
    Wait,
    /// The session has despawned this part of a scene before this player came.
    Remove,
    Drop,
}

fn next_step(core: &Core, id: NodeId, moment: Moment) -> Step {
    let Some(local) = core.locals.get(&id).filter(|local| local.is_alive()) else {
        return Step::Drop;
    };
    if core.entries.contains_key(&id) {
        return Step::Bind;
    }
    let is_scene_known = |scene: NodeId| {
        core.entries
            .get(&scene)
            .is_some_and(|entry| entry.is_confirmed)
    };
    match local.spawned_with {
        _ if core.state != State::Joined => Step::Wait,
        None => Step::Declare,
        Some(scene) if moment == Moment::BetweenCommits && is_scene_known(scene) => Step::Remove,
        Some(_) => Step::Wait,
    }
}

fn remove(id: NodeId) {
    let root = with_core(|core| {
        let scene = core.locals.get(&id)?.spawned_with?;
        let root = core.directory.root(id)?;
        (core.directory.root(scene).as_ref() != Some(&root)).then_some(root)
    });
    if let Some(mut root) = root {
        root.queue_free();
    }
}

/// Resolves a node's properties in the scene; reports each that leads nowhere.
fn resolve(id: NodeId) -> Option<Vec<Target>> {
    let (root, properties) = with_core(|core| {
        let local = core.locals.get(&id)?;
        Some((local.root.clone(), local.config.properties.clone()))
    })?;
    let mut targets = Vec::with_capacity(properties.len());
    for (path, _) in &properties {
        match Target::resolve(&root, path) {
            Ok(target) => targets.push(target),
            Err(fault) => {
                report::error_at(id, &format!("{fault}. The node is not synced."));
                return None;
            }
        }
    }
    Some(targets)
}

fn bind(id: NodeId) {
    let is_own_proposal = with_core(|core| {
        core.unbound.remove(&id);
        core.entries
            .get(&id)
            .is_some_and(|entry| !entry.is_confirmed)
    });
    if !is_own_proposal && !place::follow_parent(id) {
        wait_for_parent(id);
        return;
    }
    let Some(targets) = resolve(id) else { return };
    let values = match with_core(|core| confirmed_values(core, id)) {
        Ok(values) => values,
        Err(fault) => {
            report::error_at(id, &fault);
            return;
        }
    };
    // Attached first: a body has to stand still before it is put where the session has it.
    with_core(|core| {
        attach(
            core,
            id,
            targets.iter().cloned().zip(values.iter().cloned()),
        )
    });
    if is_own_proposal {
        return;
    }
    for (property, (target, (value, _))) in (0..).map(PropertyId).zip(targets.iter().zip(&values)) {
        if target.get() != *value {
            let echo = Echo::of(Place { node: id, property }, target, value);
            with_core(|core| core.echoed(echo));
        }
    }
}

/// The session has hung the node below something that is not in the scene here, or not yet.
fn wait_for_parent(id: NodeId) {
    let path = with_core(|core| {
        core.unbound.insert(id);
        let entry = core.entries.get(&id)?;
        core.reported_orphans
            .insert(id)
            .then(|| entry.spawned.spawn.parent.path.clone())
    });
    if let Some(path) = path {
        let message = format!(
            "the session has it below \"{path}\", which is not in this scene: it is synced once that is"
        );
        report::error_at(id, &message);
    }
}

/// The confirmed values as Variants, if the scene's properties are the session's.
fn confirmed_values(core: &mut Core, id: NodeId) -> Result<Vec<(EngineValue, LogIndex)>, String> {
    let Core {
        entries,
        locals,
        directory,
        dangling,
        ..
    } = core;
    let (Some(entry), Some(local)) = (entries.get(&id), locals.get(&id)) else {
        return Ok(Vec::new());
    };
    let specs = &entry.spawned.spawn.properties;
    let theirs = specs.iter().map(|spec| (spec.path.as_str(), spec.lane));
    let ours = local.config.properties.iter();
    if !theirs.eq(ours.map(|(path, lane)| (path.as_str(), *lane))) {
        let theirs: Vec<_> = specs.iter().map(|spec| spec.path.as_str()).collect();
        return Err(format!(
            "the session syncs [{}] here, which is not what this scene lists: is it the same version of the game?",
            theirs.join(", ")
        ));
    }
    let numbered = (0..)
        .map(PropertyId)
        .zip(specs)
        .zip(&entry.spawned.versions);
    Ok(numbered
        .map(|((property, spec), version)| {
            variant::missing_nodes(&spec.value, directory, &mut |missing| {
                dangling.push((missing, Place { node: id, property }));
            });
            (variant::to_engine(&spec.value, directory), *version)
        })
        .collect())
}

fn attach(
    core: &mut Core,
    id: NodeId,
    properties: impl Iterator<Item = (Target, (EngineValue, LogIndex))>,
) {
    let me = core.me;
    let Some(owner) = core.entries.get(&id).map(|entry| entry.spawned.spawn.owner) else {
        return;
    };
    let Some(local) = core.locals.get_mut(&id) else {
        return;
    };
    let lanes = local.config.properties.iter().map(|(_, lane)| *lane);
    let properties = properties.zip(lanes);
    let properties = properties
        .map(|((target, (shown, version)), lane)| Property::new(target, lane, shown, version));
    local.bound = Some(Bound {
        owner,
        requested: None,
        properties: properties.collect(),
    });
    local.apply_authority(me);
    let wanted = local.wants_live;
    core.generation += 1;
    if let Some(handle) = core.handle().filter(|_| !wanted) {
        handle.set_interest(id, false);
    }
}

/// Tells the session of a node that the scene holds. Should another player be first, theirs counts.
fn declare(id: NodeId) {
    let Some(specs) = resolve(id).and_then(|targets| read_specs(id, &targets)) else {
        return;
    };
    with_core(|core| {
        let Some(spawn) = authored_spawn(core, id, specs) else {
            return;
        };
        let entry = Entry::proposed(spawn.clone());
        let (transaction, touches) = single(Mutation::Spawn(spawn), Touch::Declare(id));
        if core.propose(transaction, touches).is_some() {
            core.entries.insert(id, entry);
        }
    });
    bind(id);
}

/// The properties with their present values; reports the first that cannot cross the network.
fn read_specs(id: NodeId, targets: &[Target]) -> Option<Vec<PropertySpec>> {
    let values: Vec<_> = targets.iter().map(Target::get).collect();
    let specs = with_core(|core| {
        let local = core.locals.get(&id)?;
        let listed = local.config.properties.iter().zip(&values);
        let specs =
            listed.map(
                |((path, lane), value)| match variant::to_value(value, &core.directory) {
                    Ok(value) => Ok(PropertySpec {
                        path: path.clone(),
                        lane: *lane,
                        value,
                    }),
                    Err(fault) => Err(format!(
                        "property \"{path}\": {fault}. The node is not synced."
                    )),
                },
            );
        Some(specs.collect::<Result<Vec<_>, _>>())
    });
    specs?.inspect_err(|fault| report::error_at(id, fault)).ok()
}

/// The properties of a node that is in the scene but in no session yet.
pub(crate) fn resolve_and_read(id: NodeId) -> Option<Vec<PropertySpec>> {
    read_specs(id, &resolve(id)?)
}

fn authored_spawn(core: &Core, id: NodeId, properties: Vec<PropertySpec>) -> Option<Spawn> {
    let local = core.locals.get(&id)?;
    let parent = local.root.get_parent().map_or(
        ParentRef {
            anchor: NodeId::ROOT,
            path: String::new(),
        },
        |parent| core.parent_ref(&parent),
    );
    Some(Spawn {
        node: id,
        origin: Origin::Authored,
        parent,
        name: local.root.get_name().to_string(),
        policy: local.config.policy,
        owner: PlayerId::SERVER,
        properties,
    })
}

impl Entry {
    /// A node that this player has proposed and that is shown already.
    pub(crate) fn proposed(spawn: Spawn) -> Self {
        let versions = vec![LogIndex::ZERO; spawn.properties.len()];
        Self {
            spawned: Spawned { spawn, versions },
            is_confirmed: false,
        }
    }
}
