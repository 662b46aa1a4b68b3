//! One player of the crowd and its frames.

use std::collections::HashMap;

use synced_client::{
    SessionConfig,
    update::{CommitEnd, Update},
};
use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    mutation::{Lane, Mutation, Origin, PropertySpec, Spawn},
    time::Micros,
    value::Value,
};
use synced_transport::{ServerAddress, clock};

use super::{
    CrowdResult, Pace, Part,
    operation::{OPERATION_BYTES_MIN, Operation, Schedule},
};
use crate::{Outcome, Player, Traffic, clock::MachineClock, spawn_own};

const CONFIRMED: PropertyId = PropertyId(0);
/// The first of those that carry live operations.
const LIVE_FIRST: u8 = 1;
/// The spawner of the nodes by which the players of a crowd know each other: a game with one of this name below its tree's root has
/// them in its scene, and is one of the crowd with a node of its own.
const SPAWNER: &str = "Crowd";

pub(super) struct Member {
    player: Player,
    node: NodeId,
    pace: Pace,
    confirmed: Schedule,
    live: Schedule,
    /// Whoever has it has all of a live operation, unless part of it is lost.
    last_live: PropertyId,
    known: Known,
    decided: u64,
}

/// One who has begun to join.
pub(super) struct Newcomer {
    player: Player,
    known: Known,
    pace: Pace,
    /// After which share of an interval it writes first.
    share: f64,
}

/// What a player has been told.
#[derive(Default)]
struct Known {
    tree: Tree,
    /// What to add to local time to get session time, in microseconds.
    session_offset_us: i64,
}

/// The tree as this player's frames have applied it: of each player of the crowd the number of its last confirmed operation.
#[derive(Default)]
struct Tree {
    nodes: HashMap<NodeId, u64>,
    /// What the commit holds whose end is not read yet.
    open: Vec<(NodeId, Operation)>,
    /// How many players' last operations are here.
    lasts: usize,
}

impl Newcomer {
    pub(super) fn begin(
        server: &ServerAddress,
        session: SessionConfig,
        pace: Pace,
        share: f64,
    ) -> Outcome<Self> {
        Ok(Self {
            player: Player::begin(server, session)?,
            known: Known::default(),
            pace,
            share,
        })
    }

    /// Reads what has come; whether the player is in the session then.
    pub(super) fn is_in(&mut self) -> Outcome<Option<PlayerId>> {
        let known = &mut self.known;
        self.player.poll_join(|update| known.learn(&update))
    }

    /// Puts its node into the world.
    pub(super) fn come_in(mut self, id: PlayerId) -> Member {
        let (node, pace) = (NodeId::spawned(id, 1), self.pace);
        self.player.propose(Mutation::Spawn(spawn(node, id, &pace)));
        self.player.flush();
        Member {
            player: self.player,
            node,
            pace,
            confirmed: Schedule::new(pace.confirmed_hz, self.share),
            live: Schedule::new(pace.live_hz, self.share),
            last_live: PropertyId(LIVE_FIRST + pace.live_parts().count() as u8 - 1),
            known: self.known,
            decided: 0,
        }
    }
}

impl Member {
    /// How many players of the crowd it sees, itself among them.
    pub(super) fn sees(&self) -> usize {
        self.known.tree.nodes.len()
    }

    /// Of how many players, itself among them, it has seen all that they wrote.
    pub(super) fn sees_all_of(&self) -> usize {
        self.known.tree.lasts
    }

    /// What its socket has carried.
    pub(super) fn traffic(&self) -> Traffic {
        self.player.transport().into()
    }

    /// Writes no more after this.
    pub(super) fn write_last(&mut self) {
        let last = self.confirmed.last();
        self.set_confirmed(last, OPERATION_BYTES_MIN);
    }

    /// Reads what has come, and writes what is due.
    pub(super) fn frame(
        &mut self,
        clock: MachineClock,
        part: Part,
        result: &mut CrowdResult,
    ) -> Outcome {
        while let Some(update) = self.player.next_update() {
            self.apply(update, clock, part, result)?;
        }
        if matches!(part, Part::WarmUp | Part::Counted) {
            self.write(clock.now(), part, result);
        }
        self.player.flush();
        Ok(())
    }

    /// All of a crowd leave at once, so that nobody waits for each of them.
    pub(super) fn begin_leave(&mut self) {
        self.player.begin_leave();
    }

    pub(super) fn leave(self, result: &mut CrowdResult) -> Outcome {
        // A rejected spawn was decided too, and is none of those.
        result.broken.undecided += self.confirmed.made().saturating_sub(self.decided);
        self.player.leave().map(drop)
    }

    fn write(&mut self, now: Micros, part: Part, result: &mut CrowdResult) {
        let counts = u64::from(part == Part::Counted);
        if let Some(operation) = self.confirmed.next(now) {
            self.set_confirmed(operation, self.pace.bytes);
            result.confirmed_made += counts;
        }
        if let Some(operation) = self.live.next(now) {
            self.set_live(operation);
            result.live_made += counts;
        }
    }

    fn set_confirmed(&mut self, operation: Operation, bytes: usize) {
        let properties = vec![(CONFIRMED, operation.value(bytes))];
        let node = self.node;
        self.player
            .propose(Mutation::SetProperties { node, properties });
    }

    fn set_live(&mut self, operation: Operation) {
        let now = clock::now();
        for (property, bytes) in live_properties(&self.pace) {
            self.player
                .set_live(self.node, property, now, operation.value(bytes));
        }
    }

    fn apply(
        &mut self,
        update: Update,
        clock: MachineClock,
        part: Part,
        result: &mut CrowdResult,
    ) -> Outcome {
        match update {
            Update::CommitEnd(end) => self.commit(end, clock, part, result),
            Update::LiveValue {
                value, property, ..
            } if part == Part::Counted && property == self.last_live => {
                if let Some(operation) = Operation::read(&value) {
                    result.live.add(clock.now().since(operation.made_at));
                }
            }
            Update::Rejected { .. } | Update::Settled { .. } => {
                self.decided += 1;
                result.broken.rejected += 1;
            }
            Update::Reconnecting { attempt: 1, .. } if part == Part::Gather => result.rejoins += 1,
            Update::Reconnecting { attempt: 1, .. } => result.broken.reconnects += 1,
            Update::LeaderChanged { .. } => result.leader_changes += 1,
            Update::Ended(reason) => return Err(self.player.ended(&reason)),
            update => self.known.learn(&update),
        }
        Ok(())
    }

    fn commit(
        &mut self,
        end: CommitEnd,
        clock: MachineClock,
        part: Part,
        result: &mut CrowdResult,
    ) {
        let now = clock.now();
        let session_offset_us = self.known.session_offset_us;
        let ordered_at = clock.at(end.hlc.physical().shifted(-session_offset_us));
        let received_at = clock.at(end.received_at);
        let tree = &mut self.known.tree;
        for (node, operation) in tree.open.drain(..) {
            let last = tree.nodes.entry(node).or_default();
            result.broken.out_of_order += u64::from(Some(operation.number) != last.checked_add(1));
            *last = operation.number;
            tree.lasts += usize::from(operation.is_last());
            let is_own = node == self.node;
            self.decided += u64::from(is_own);
            if part != Part::Counted || operation.is_last() {
                continue;
            }
            let whole = now.since(operation.made_at);
            if is_own {
                result.own.add(whole);
            } else {
                let stages = &mut result.confirmed;
                stages.order.add(ordered_at.since(operation.made_at));
                stages.commit.add(received_at.since(ordered_at));
                stages.apply.add(now.since(received_at));
                stages.whole.add(whole);
            }
        }
    }
}

impl Known {
    fn learn(&mut self, update: &Update) {
        match update {
            Update::Clock(estimate) => self.session_offset_us = estimate.offset_us,
            update => self.tree.learn(update),
        }
    }
}

impl Tree {
    fn learn(&mut self, update: &Update) {
        match update {
            Update::Spawned(spawned) if is_of_crowd(&spawned.spawn) => {
                let known = spawned.spawn.properties.first();
                let last = known.and_then(|property| Operation::read(&property.value));
                let last = last.map_or(0, |operation| operation.number);
                self.nodes.insert(spawned.spawn.node, last);
            }
            Update::Despawned { node } => {
                self.nodes.remove(node);
            }
            Update::PropertySet {
                node,
                property: CONFIRMED,
                value,
                ..
            } => {
                let operation = Operation::read(value);
                self.open
                    .extend(operation.map(|operation| (*node, operation)));
            }
            _ => {}
        }
    }
}

/// The properties that carry a live operation, and the bytes of each.
fn live_properties(pace: &Pace) -> impl Iterator<Item = (PropertyId, usize)> {
    (LIVE_FIRST..).map(PropertyId).zip(pace.live_parts())
}

fn is_of_crowd(spawn: &Spawn) -> bool {
    let wanted = NodeId::derived(NodeId::ROOT, SPAWNER);
    matches!(spawn.origin, Origin::Scene { spawner, .. } if spawner == wanted)
}

fn spawn(node: NodeId, owner: PlayerId, pace: &Pace) -> Spawn {
    let property = |path: String, lane| PropertySpec {
        path,
        lane,
        value: Value::PackedByteArray(Vec::new()),
    };
    let confirmed = property("confirmed".to_owned(), Lane::Confirmed);
    let live = live_properties(pace);
    let live = live.map(|(part, _)| property(format!("live_{}", part.0), Lane::Live));
    let properties = [confirmed].into_iter().chain(live).collect();
    spawn_own(node, owner, SPAWNER, properties)
}
