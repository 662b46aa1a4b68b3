//! Finding out what the game changed, at the end of each frame.
//!
//! Reading a property may run a script, so a pass first reads everything with nothing borrowed and then compares. Its
//! lists are kept from frame to frame.

use godot::prelude::*;
use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    mutation::Mutation,
    time::Micros,
    value::Value,
};
use synced_transport::clock;

use crate::{
    classes::with_core,
    core::Core,
    directory::Directory,
    engine::EngineValue,
    local::{LiveState, Local, Place, Property, PropertyState},
    pending::Touch,
    property::Target,
    report,
    variant::{self, Unsupported},
};

/// The properties of a node that this player may not write are looked at once in so many frames: a script that writes one all the
/// same is found out soon enough.
const TURNS: u8 = 16;

/// The pass, with its lists.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    generation: Option<u64>,
    watch_changes: Option<u64>,
    probes: Vec<Probe>,
    /// What each probe that is to be read has read, in their order; none of a freed node.
    values: Vec<Option<EngineValue>>,
    /// Whose turn it is, below [`TURNS`].
    turn: u8,
    found: Found,
}

#[derive(Debug)]
struct Probe {
    place: Place,
    target: Target,
    /// Whether the property has to be read: what another player streams does not.
    is_read: bool,
}

/// What a comparison found. All but the last two are of one node at a time.
#[derive(Debug, Default)]
struct Found {
    changed: Vec<(PropertyId, Value)>,
    streamed: Vec<(PropertyId, Value)>,
    settled: Vec<(PropertyId, EngineValue)>,
    reverts: Vec<(Target, EngineValue)>,
    refused: Vec<Refused>,
}

/// A local write that never reaches the session.
#[derive(Debug, Clone, Copy)]
struct Refused {
    place: Place,
    why: Refusal,
}

#[derive(Debug, Clone, Copy)]
enum Refusal {
    NotPermitted,
    Unsupported(Unsupported),
}

/// When a property is looked at.
#[derive(Debug, Clone, Copy)]
struct Look {
    now: Micros,
    /// Whether it is the property's turn to be looked at once more, whoever may write it.
    is_turn: bool,
}

/// What this player may do with a node now.
#[derive(Debug, Clone, Copy)]
struct Rights {
    may_write: bool,
    is_held: bool,
    is_owner: bool,
    rest_time: Micros,
}

impl Collector {
    /// Proposes confirmed properties that changed, streams live ones, and confirms those at rest.
    pub(crate) fn run(&mut self) {
        self.look_anew();
        self.values.clear();
        let read = self.probes.iter().filter(|probe| probe.is_read);
        self.values.extend(read.map(|probe| probe.target.read()));
        let now = clock::now();
        with_core(|core| self.compare_all(core, now));
        for (target, value) in self.found.reverts.drain(..) {
            target.set(&value);
        }
        for place in 0..self.found.refused.len() {
            tell(self.found.refused[place]);
        }
        self.found.refused.clear();
    }

    /// Lists the properties again when nodes came or went.
    fn look_anew(&mut self) {
        with_core(|core| {
            if self.generation == Some(core.generation) {
                return;
            }
            self.generation = Some(core.generation);
            let mut ids: Vec<_> = core.locals.keys().copied().collect();
            ids.sort_unstable();
            let probes = ids.into_iter().flat_map(|node| {
                core.targets(node)
                    .into_iter()
                    .map(move |(property, target)| Probe {
                        place: Place { node, property },
                        target,
                        is_read: true,
                    })
            });
            self.probes = probes.collect();
        });
    }

    /// Most nodes of most games are others' and at rest, or shown as they are streamed: they are passed over without a look.
    fn compare_all(&mut self, core: &mut Core, now: Micros) {
        self.turn = (self.turn + 1) % TURNS;
        let all = self.watch_changes.replace(core.watch_changes) != Some(core.watch_changes);
        let (me, hosts) = (core.me, core.is_hosting());
        let mut values = self.values.iter();
        let nodes = self
            .probes
            .chunk_by_mut(|one, next| one.place.node == next.place.node);
        for (probes, turn) in nodes.zip((0..TURNS).cycle()) {
            let is_turn = turn == self.turn;
            if !all && !is_turn && !probes.iter().any(|probe| probe.is_read) {
                continue;
            }
            let node = probes[0].place.node;
            let Core {
                locals, directory, ..
            } = core;
            let mut looked_at = locals
                .get_mut(&node)
                .and_then(|local| Some((Rights::of(local, me, hosts)?, local.bound.as_mut()?)));
            for probe in probes {
                let value = if probe.is_read { values.next() } else { None };
                if let Some((rights, bound)) = &mut looked_at
                    && let Some(property) = bound.property_mut(probe.place.property)
                {
                    let at = Look { now, is_turn };
                    let value = value.and_then(Option::as_ref);
                    compare(
                        property,
                        directory,
                        probe,
                        value,
                        *rights,
                        at,
                        &mut self.found,
                    );
                }
            }
            self.found.send(core, node, now);
        }
    }
}

impl Rights {
    fn of(local: &Local, me: PlayerId, hosts: bool) -> Option<Self> {
        let bound = local.bound.as_ref()?;
        Some(Self {
            may_write: local.may_write(me, hosts),
            is_held: local.is_held_by(me),
            is_owner: bound.is_owned_by(me),
            rest_time: local.config.rest_time,
        })
    }
}

fn compare(
    property: &mut Property,
    directory: &Directory,
    probe: &mut Probe,
    value: Option<&EngineValue>,
    rights: Rights,
    Look { now, is_turn }: Look,
    found: &mut Found,
) {
    let Probe {
        place,
        target,
        is_read,
    } = probe;
    *is_read = property.is_watched(rights.may_write, rights.is_held, is_turn);
    let Some(value) = value else { return };
    match &mut property.state {
        PropertyState::Confirmed(slot)
            if slot.shown() == value || property.echo.as_ref() == Some(value) => {}
        PropertyState::Confirmed(slot) => match check(value, rights.may_write, directory) {
            Ok(value) => found.changed.push((place.property, value)),
            Err(why) => {
                found.reverts.push((target.clone(), slot.shown().clone()));
                found.refused.push(Refused { place: *place, why });
            }
        },
        PropertyState::Live(live) if rights.is_held => {
            compare_live(live, *place, value, rights, now, directory, found);
        }
        PropertyState::Live(live) if live.guarded_frames > 0 => {
            if live.guard(value) {
                found.reverts.push((target.clone(), live.seen.clone()));
            }
        }
        PropertyState::Live(_) => {}
    }
}

fn check(value: &Variant, may_write: bool, directory: &Directory) -> Result<Value, Refusal> {
    if may_write {
        variant::to_value(value, directory).map_err(Refusal::Unsupported)
    } else {
        Err(Refusal::NotPermitted)
    }
}

fn compare_live(
    live: &mut LiveState,
    place: Place,
    value: &EngineValue,
    rights: Rights,
    now: Micros,
    directory: &Directory,
    found: &mut Found,
) {
    if live.seen != *value {
        live.seen = variant::detached(value, EngineValue::default).into_owned();
        live.changed_at = now;
        live.settled = false;
        if rights.is_owner {
            match variant::to_value(value, directory) {
                Ok(value) => found.streamed.push((place.property, value)),
                Err(fault) => found.refused.push(Refused {
                    place,
                    why: Refusal::Unsupported(fault),
                }),
            }
        }
    } else if rights.is_owner
        && rights.may_write
        && !live.settled
        && now - live.changed_at >= rights.rest_time
    {
        live.settled = true;
        found.settled.push((place.property, value.clone()));
    }
}

impl Found {
    fn send(&mut self, core: &mut Core, node: NodeId, now: Micros) {
        if !self.settled.is_empty() {
            core.propose_settled(node, std::mem::take(&mut self.settled));
            if core.is_at_rest(node)
                && let Some(handle) = core.handle()
            {
                handle.forget_live(node);
            }
        }
        for (property, value) in self.streamed.drain(..) {
            if let Some(handle) = core.handle() {
                handle.set_live(node, property, now, value);
            }
        }
        if !self.changed.is_empty() {
            propose(core, node, std::mem::take(&mut self.changed));
        }
    }
}

fn propose(core: &mut Core, node: NodeId, properties: Vec<(PropertyId, Value)>) {
    let touches = properties
        .iter()
        .map(|(property, _)| Touch::Property(node, *property))
        .collect();
    let mutation = Mutation::SetProperties {
        node,
        properties: properties.clone(),
    };
    if let Some(seq) = core.propose(mutation.into(), touches) {
        core.wrote(node, &properties, seq);
    }
}

fn tell(Refused { place, why }: Refused) {
    let (code, message) = match why {
        Refusal::NotPermitted => (
            "not_owner",
            "this player may not write the node. Call request_ownership() first, or choose another write_access".to_owned(),
        ),
        Refusal::Unsupported(fault) => (fault.code(), fault.to_string()),
    };
    report_once(place, &message);
    if let Some(node) = with_core(|core| core.synced_node(place.node)) {
        node.signals()
            .write_rejected()
            .emit(&GString::from(code), &GString::from(&message));
    }
}

/// Once for each property: the game may go on writing it every frame.
fn report_once(place: Place, why: &str) {
    let path = with_core(|core| {
        let is_new = core.reported.insert((place.node, place.property));
        let local = core.locals.get(&place.node).filter(|_| is_new)?;
        let (path, _) = local.config.properties.get(usize::from(place.property.0))?;
        Some(path.clone())
    });
    if let Some(path) = path {
        let message = format!("property \"{path}\" was changed here but is not synced: {why}");
        report::error_at(place.node, &message);
    }
}
