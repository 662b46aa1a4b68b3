//! What other players send on the live lane, as the game is told of it.

mod continuity;
mod gaps;
mod hands;
mod loss;
mod seen;
mod sender;

use std::collections::BTreeMap;

use synced_protocol::{
    error::DecodeError,
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId, PropertyId},
    limits::MAX_PROPERTIES,
    live::{BlockKind, Live, Loss},
    message::{LiveEntry, LivePose},
    mutation::Lane,
    time::Micros,
    value::Value,
};
use synced_world::{Effect, World};

use self::{
    hands::{Batch, Hands},
    sender::Sender,
};
use crate::{
    config::PlayoutConfig,
    playout::{HERMITE_SPAN_MAX, INTERPOLATION_SPAN_MAX, is_spatial},
    seek::Interruption,
    stats::Counters,
    update::Update,
};

type Key = (NodeId, PropertyId);

/// How far each property, each controller and each player's datagrams have come.
///
/// Of values, aims and joints nothing is told that is older than what was told before by the same owner; samples are told each
/// once, in whatever order they come. Nothing is told from a player who does not own the node here: the leader may have relayed
/// it before a change of ownership that has come by since.
#[derive(Debug, Default)]
pub(crate) struct Downstream {
    config: PlayoutConfig,
    values: BTreeMap<Key, Micros>,
    hands: Hands,
    senders: BTreeMap<PlayerId, Sender>,
}

/// A player's datagram on its way through.
pub(crate) struct Received<'a> {
    pub(crate) player: PlayerId,
    pub(crate) live: Live<'a>,
    /// When it came, in session time.
    pub(crate) at: Micros,
}

/// When a datagram was sent and when it came, in session time, and whether others are missing before it.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    sent_at: Micros,
    at: Micros,
    after_gap: bool,
}

/// What was made of a datagram's blocks.
#[derive(Debug, Default)]
struct Taken {
    /// Whether all batches connect to the samples told before, if there are any.
    connected: Option<bool>,
    /// The longest that anything in motion took, from the newest that was known before.
    lateness: Option<Micros>,
}

impl Downstream {
    pub(crate) fn new(config: PlayoutConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// Tells what is new in a datagram.
    ///
    /// # Errors
    /// What is wrong with a block; those before it have been told.
    pub(crate) fn receive(
        &mut self,
        received: Received<'_>,
        world: &World,
        counters: &mut Counters,
        mut tell: impl FnMut(Update),
    ) -> Result<(), DecodeError> {
        let Received { player, live, at } = received;
        if world.player(player).is_none() {
            counters.live_foreign += 1;
            return Ok(());
        }
        let config = self.config;
        let sender = self.senders.entry(player);
        let sender = sender.or_insert_with(|| Sender::new(config));
        let after_gap = sender.count(at, live.sequence, counters);
        let arrival = Arrival {
            sent_at: live.sent_at,
            at,
            after_gap,
        };
        let mut taken = Taken::default();
        for block in live.blocks() {
            let block = block?;
            let only = |ids| world.only_node_in(ids);
            let node = block.node.resolve(player, only);
            let node = node.and_then(|node| world.node(node));
            if let Some(node) = node.filter(|node| world.may_stream(player, node)) {
                let block = (node.id(), block.kind);
                self.take(block, arrival, world, counters, &mut taken, &mut tell)?;
            } else {
                counters.live_foreign += 1;
            }
        }
        let Some(sender) = self.senders.get_mut(&player) else {
            return Ok(());
        };
        if after_gap && taken.connected == Some(true) {
            sender.heal(counters);
        }
        let delay = taken
            .lateness
            .and_then(|lateness| sender.arrived(at, lateness));
        if let Some(delay) = delay {
            tell(Update::PlayoutDelay { player, delay });
        }
        Ok(())
    }

    /// Tells a value that came with a snapshot.
    pub(crate) fn receive_entry(&mut self, entry: LiveEntry, world: &World) -> Option<Update> {
        let LiveEntry {
            node,
            property,
            stamp,
            value,
        } = entry;
        let newer = is_live(world, (node, property)) && self.advance((node, property), stamp);
        newer.then(|| live_value((node, property), stamp, value))
    }

    /// Tells the samples that came with a snapshot.
    ///
    /// # Errors
    /// What is wrong with the batch; samples before it have been told.
    pub(crate) fn receive_pose(
        &mut self,
        pose: &LivePose,
        world: &World,
        counters: &mut Counters,
        mut tell: impl FnMut(Update),
    ) -> Result<(), DecodeError> {
        if world.node(pose.node).is_none() {
            return Ok(());
        }
        let batch = Batch {
            node: pose.node,
            bytes: &pose.batch,
            sent_at: pose.sent_at,
            after_gap: false,
        };
        let came = self.hands.take_batch(batch, counters, &mut tell);
        came.map(|_| ())
    }

    /// What is lost on the last way to here, lately: of what each player sends, the least, since its own way to the leader is in
    /// it too.
    pub(crate) fn loss(&mut self, now: Micros) -> Loss {
        let losses = self.senders.values_mut();
        losses
            .filter_map(|sender| sender.loss(now))
            .min()
            .unwrap_or_default()
    }

    /// The longest delay that is recommended for any player's streams.
    pub(crate) fn delay_max(&self) -> Micros {
        let delays = self.senders.values().filter_map(Sender::delay);
        delays.max().unwrap_or_default()
    }

    /// The most by which a player's datagrams come later than they usually do.
    pub(crate) fn jitter_max(&self) -> Micros {
        let jitters = self.senders.values().map(Sender::jitter);
        jitters.max().unwrap_or_default()
    }

    /// Takes notice of a commit.
    pub(crate) fn committed(&mut self, hlc: HlcTimestamp, effects: &[Effect], world: &World) {
        for effect in effects {
            match *effect {
                Effect::PropertySet { node, property } if is_live(world, (node, property)) => {
                    self.advance((node, property), hlc.physical());
                }
                Effect::OwnerChanged { node, .. } => self.owner_changed(node, hlc.physical()),
                Effect::Despawned { node } => self.forget(node),
                Effect::PlayerLeft { player } => {
                    self.senders.remove(&player);
                }
                _ => {}
            }
        }
    }

    /// A connection begins: datagrams that went by in the meantime are no loss. What is known of each player's way stays after a
    /// short interruption, so that what is shown goes on with the delay that it had.
    pub(crate) fn connected(&mut self, after: Interruption) {
        match after {
            Interruption::Short => self.senders.values_mut().for_each(Sender::interrupted),
            Interruption::Long => self.senders.clear(),
        }
    }

    /// The world was replaced: forgets the nodes that are not in it.
    pub(crate) fn replaced(&mut self, world: &World) {
        self.values.retain(|key, _| is_live(world, *key));
        self.hands.retain(world);
    }

    /// Tells a block's news.
    fn take(
        &mut self,
        (node, block): (NodeId, BlockKind<'_>),
        arrival: Arrival,
        world: &World,
        counters: &mut Counters,
        taken: &mut Taken,
        tell: &mut impl FnMut(Update),
    ) -> Result<(), DecodeError> {
        let at = arrival.at;
        match block {
            BlockKind::Input { batch: bytes } => {
                let batch = Batch {
                    node,
                    bytes,
                    sent_at: arrival.sent_at,
                    after_gap: arrival.after_gap,
                };
                let came = self.hands.take_batch(batch, counters, tell)?;
                taken.connected = Some(taken.connected.unwrap_or(true) && came.connects);
                taken.moved(came.newest_before, came.newest, HERMITE_SPAN_MAX, at);
            }
            BlockKind::Value {
                property,
                stamp,
                value,
            } => {
                let key = (node, property);
                let before = self.values.get(&key).copied();
                if is_live(world, key) && self.advance(key, stamp) {
                    if is_spatial(&value) {
                        taken.moved(before, Some(stamp), INTERPOLATION_SPAN_MAX, at);
                    }
                    tell(live_value(key, stamp, value));
                }
            }
            BlockKind::Aim { stamp, aim } => self.hands.take_aim(node, stamp, aim, tell),
            BlockKind::Joints { stamp, packed } => {
                self.hands.take_joints(node, stamp, packed, tell)?;
            }
        }
        Ok(())
    }

    /// Whether a value of this stamp is newer than all before; then it is the newest.
    fn advance(&mut self, key: Key, stamp: Micros) -> bool {
        match self.values.get_mut(&key) {
            Some(newest) if *newest >= stamp => false,
            Some(newest) => {
                *newest = stamp;
                true
            }
            None => {
                self.values.insert(key, stamp);
                true
            }
        }
    }

    /// The new owner's clock may differ a little from the old one's: what counts is the moment of the change.
    fn owner_changed(&mut self, node: NodeId, at: Micros) {
        self.hands.forget(node);
        for (_, stamp) in self.values.range_mut(keys_of(node)) {
            *stamp = at;
        }
    }

    fn forget(&mut self, node: NodeId) {
        self.hands.forget(node);
        while let Some((key, _)) = self.values.range(keys_of(node)).next() {
            let key = *key;
            self.values.remove(&key);
        }
    }
}

impl Taken {
    /// A stream went on to `newest`, from which it is no further than `span` from what was known before: it is in motion.
    fn moved(&mut self, before: Option<Micros>, newest: Option<Micros>, span: Micros, at: Micros) {
        let Some((before, newest)) = before.zip(newest) else {
            return;
        };
        if newest > before && newest.since(before) <= span {
            self.lateness = self.lateness.max(Some(at.since(before)));
        }
    }
}

const fn live_value((node, property): Key, stamp: Micros, value: Value) -> Update {
    Update::LiveValue {
        node,
        property,
        stamp,
        value,
    }
}

fn is_live(world: &World, (node, property): Key) -> bool {
    let property = world.node(node).and_then(|node| node.property(property));
    property.is_some_and(|property| property.lane() == Lane::Live)
}

const fn keys_of(node: NodeId) -> std::ops::RangeInclusive<Key> {
    (node, PropertyId(0))..=(node, PropertyId((MAX_PROPERTIES - 1) as u8))
}

#[cfg(test)]
mod tests;
