//! A player: the session that a game would drive, and the game.

use std::collections::{BTreeMap, VecDeque};

use synced_client::{
    Session,
    command::Command,
    update::{ClockEstimate, CommitEnd, Joined, Update},
};
use synced_protocol::{
    id::{ClientSeq, LogIndex, NodeId, PlayerId},
    link::{Event, Logic, Output},
    mutation::{Mutation, Transaction},
    time::Micros,
    value::Value,
};

use super::{
    oracle::op_in,
    workload::{LIVE, propose},
};
use crate::{
    plant::Plant,
    random::Random,
    system::{Heard, Op, Player},
};

/// The most that is under way.
const PENDING_MAX: usize = 16;
/// How often a player moves something instead of proposing.
const LIVE_SHARE: f64 = 0.1;

/// One player.
#[derive(Debug)]
pub struct NodePlayer {
    session: Session,
    now: Micros,
    clock: Option<ClockEstimate>,
    player: Option<PlayerId>,
    last_seq: ClientSeq,
    last_spawned: u32,
    pending: BTreeMap<ClientSeq, (Op, Box<Transaction>)>,
    heard: VecDeque<Heard>,
    is_leaving: bool,
    plant: Option<Plant>,
}

impl NodePlayer {
    /// A player at the beginning of a session.
    #[must_use]
    pub const fn new(session: Session, plant: Option<Plant>) -> Self {
        Self {
            session,
            now: Micros::ZERO,
            clock: None,
            player: None,
            last_seq: ClientSeq(0),
            last_spawned: 0,
            pending: BTreeMap::new(),
            heard: VecDeque::new(),
            is_leaving: false,
            plant,
        }
    }

    fn listen(&mut self) {
        while let Some(update) = self.session.poll_update() {
            match update {
                Update::Clock(estimate) => self.clock = Some(estimate),
                Update::Joined(joined) => self.joined(&joined),
                Update::LeaderChanged { .. } if self.plant == Some(Plant::DoubleApply) => {
                    self.propose_anew();
                }
                Update::CommitEnd(end) => self.committed(&end),
                Update::Rejected { seq, .. } => self.decided(seq, Heard::Rejected),
                Update::Settled { seq } => self.decided(seq, Heard::Settled),
                Update::Called(called) => {
                    let op = op_in(&called.arguments);
                    self.heard.extend(op.map(Heard::Happened));
                }
                _ => {}
            }
        }
    }

    fn joined(&mut self, joined: &Joined) {
        self.player = Some(joined.player);
        if !joined.resumed {
            self.last_seq = ClientSeq(0);
            self.last_spawned = joined.last_spawn_counter;
        }
        let index = joined.log_index;
        self.heard.push_back(Heard::Joined { index });
    }

    fn propose_anew(&mut self) {
        for (op, transaction) in self.pending.clone().into_values() {
            self.last_seq = self.last_seq.next();
            let seq = self.last_seq;
            self.pending.insert(seq, (op, transaction.clone()));
            let propose = Command::Propose { seq, transaction };
            self.session.command(self.now, propose);
        }
    }

    fn committed(&mut self, end: &CommitEnd) {
        let own = end.own.and_then(|seq| self.pending.remove(&seq));
        let own = own.map(|(op, _)| op);
        self.heard.push_back(Heard::Confirmed {
            index: end.log_index,
            own,
            stamp: Some(end.hlc),
        });
    }

    fn decided(&mut self, seq: ClientSeq, heard: fn(Op) -> Heard) {
        let op = self.pending.remove(&seq);
        self.heard.extend(op.map(|(op, _)| heard(op)));
    }

    /// Moves a node of its own; returns whether it has one.
    fn move_something(&mut self, now: Micros, op: Op) -> bool {
        let (Some(world), Some(player)) = (self.session.world(), self.player) else {
            return false;
        };
        let own = world.nodes().find(|node| node.owner() == player);
        let Some(node) = own.map(|node| node.id()) else {
            return false;
        };
        let value = Value::Float((op.0 & 0xffff) as f64);
        let set = Command::SetLive {
            node,
            property: LIVE,
            at: now,
            value,
        };
        self.session.command(now, set);
        true
    }
}

impl Player for NodePlayer {
    fn act(&mut self, now: Micros, op: Op, random: &mut Random) -> bool {
        let may_propose = self.pending.len() < PENDING_MAX && !self.is_leaving;
        if random.chance(LIVE_SHARE) && self.move_something(now, op) {
            return false;
        }
        let (Some(world), Some(player), true) = (self.session.world(), self.player, may_propose)
        else {
            return false;
        };
        let spawned = NodeId::spawned(player, self.last_spawned + 1);
        let transaction = Box::new(propose(world, player, spawned, op, random));
        if matches!(transaction.steps.first(), Some(Mutation::Spawn(_))) {
            self.last_spawned += 1;
        }
        self.last_seq = self.last_seq.next();
        let seq = self.last_seq;
        self.pending.insert(seq, (op, transaction.clone()));
        self.session
            .command(now, Command::Propose { seq, transaction });
        self.listen();
        true
    }

    fn leave(&mut self, now: Micros) {
        self.is_leaving = true;
        self.session.command(now, Command::Leave);
    }

    fn poll_heard(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    fn view(&self) -> Option<(LogIndex, u64)> {
        let world = self.session.world()?;
        Some((world.log_index(), world.digest()))
    }

    fn session_time(&self, now: Micros) -> Option<Micros> {
        let offset_us = self.clock?.offset_us;
        Some(now.shifted(offset_us))
    }

    fn pending(&self) -> usize {
        self.pending.len()
    }
}

impl Logic for NodePlayer {
    fn handle(&mut self, now: Micros, event: Event) {
        self.now = now;
        self.session.handle(now, event);
        self.listen();
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.session.poll_output()
    }

    fn poll_deadline(&self) -> Option<Micros> {
        self.session.poll_deadline()
    }

    fn is_finished(&self) -> bool {
        self.session.is_finished()
    }
}
