//! One player of the crowd and its frames.

use std::collections::HashMap;

use synced_client::{
    SessionConfig,
    update::{CommitEnd, Update},
};
use synced_protocol::{
    id::{NodeId, PlayerId, PropertyId},
    mutation::{Lane, Mutation, PropertySpec, Spawn},
    time::Micros,
    value::Value,
};
use synced_transport::{ClientThread, ServerAddress, clock};

use super::{
    CrowdResult, Pace, Part,
    operation::{Operation, Schedule},
};
use crate::{Outcome, Player, clock::MachineClock, spawn_own};

const CONFIRMED: PropertyId = PropertyId(0);
/// The first of those that carry live operations.
const LIVE_FIRST: u8 = 1;
/// The names of the nodes by which the players of a crowd know each other.
const NODE_NAME: &str = "Crowd";

pub(super) struct Member {
    player: Player,
    node: NodeId,
    pace: Pace,
    confirmed: Schedule,
    live: Schedule,
    /// Whoever has it has all of a live operation, unless part of it is lost.
    last_live: PropertyId,
    tree: Tree,
    /// What to add to local time to get session time, in microseconds.
    session_offset_us: i64,
    decided: u64,
}

/// The tree as this player's frames have applied it: of each player of the crowd the number of its last confirmed operation.
#[derive(Default)]
struct Tree {
    nodes: HashMap<NodeId, u64>,
    /// What the commit holds whose end is not read yet.
    open: Vec<(NodeId, Operation)>,
}

impl Member {
    pub(super) fn join(
        thread: &ClientThread,
        server: &ServerAddress,
        session: SessionConfig,
        pace: Pace,
        share: f64,
    ) -> Outcome<Self> {
        let mut player = Player::begin_in(thread, server, session)?;
        let (mut tree, mut session_offset_us) = (Tree::default(), 0);
        let id = player.join(|update| match update {
            Update::Clock(estimate) => session_offset_us = estimate.offset_us,
            update => tree.learn(&update),
        })?;
        let node = NodeId::spawned(id, 1);
        player.propose(Mutation::Spawn(spawn(node, id, &pace)));
        player.flush();
        Ok(Self {
            player,
            node,
            pace,
            confirmed: Schedule::new(pace.confirmed_hz, share),
            live: Schedule::new(pace.live_hz, share),
            last_live: PropertyId(LIVE_FIRST + pace.live_parts().count() as u8 - 1),
            tree,
            session_offset_us,
            decided: 0,
        })
    }

    /// How many players of the crowd it sees, itself among them.
    pub(super) fn sees(&self) -> usize {
        self.tree.nodes.len()
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

    pub(super) fn leave(self, result: &mut CrowdResult) -> Outcome {
        // A rejected spawn was decided too, and is none of those.
        result.undecided += self.confirmed.made().saturating_sub(self.decided);
        let transport = self.player.transport();
        result.bytes_sent += transport.bytes_sent;
        result.bytes_received += transport.bytes_received;
        self.player.leave().map(drop)
    }

    fn write(&mut self, now: Micros, part: Part, result: &mut CrowdResult) {
        let counts = u64::from(part == Part::Counted);
        let node = self.node;
        if let Some(operation) = self.confirmed.next(now) {
            let properties = vec![(CONFIRMED, operation.value(self.pace.bytes))];
            self.player
                .propose(Mutation::SetProperties { node, properties });
            result.confirmed_made += counts;
        }
        if let Some(operation) = self.live.next(now) {
            let now = clock::now();
            for (property, bytes) in live_properties(&self.pace) {
                self.player
                    .set_live(node, property, now, operation.value(bytes));
            }
            result.live_made += counts;
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
            Update::Clock(estimate) => self.session_offset_us = estimate.offset_us,
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
                result.rejected += 1;
            }
            Update::Reconnecting { attempt: 1, .. } => result.reconnects += 1,
            Update::LeaderChanged { .. } => result.leader_changes += 1,
            Update::Ended(reason) => return Err(self.player.ended(&reason)),
            update => self.tree.learn(&update),
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
        let ordered_at = clock.at(end.hlc.physical().shifted(-self.session_offset_us));
        let received_at = clock.at(end.received_at);
        for (node, operation) in self.tree.open.drain(..) {
            let last = self.tree.nodes.entry(node).or_default();
            result.out_of_order += u64::from(Some(operation.number) != last.checked_add(1));
            *last = operation.number;
            let is_own = node == self.node;
            self.decided += u64::from(is_own);
            if part != Part::Counted {
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

impl Tree {
    fn learn(&mut self, update: &Update) {
        match update {
            Update::Spawned(spawned) if spawned.spawn.name == NODE_NAME => {
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

fn spawn(node: NodeId, owner: PlayerId, pace: &Pace) -> Spawn {
    let property = |path: String, lane| PropertySpec {
        path,
        lane,
        value: Value::PackedByteArray(Vec::new()),
    };
    let confirmed = property(".:confirmed".to_owned(), Lane::Confirmed);
    let live = live_properties(pace);
    let live = live.map(|(part, _)| property(format!(".:live_{}", part.0), Lane::Live));
    let properties = [confirmed].into_iter().chain(live).collect();
    spawn_own(node, owner, NODE_NAME, properties)
}
