//! What other players send on the live lane, as the game is told of it.

mod gaps;

use std::collections::BTreeMap;

use synced_protocol::{
    error::DecodeError,
    hlc::HlcTimestamp,
    id::{NodeId, PlayerId, PropertyId},
    input::decode_batch,
    limits::MAX_PROPERTIES,
    live::{Block, BlockKind, Live},
    message::LiveEntry,
    mutation::Lane,
    time::Micros,
};
use synced_world::{Effect, World};

use self::gaps::Gaps;
use crate::{stats::Counters, update::Update};

type Key = (NodeId, PropertyId);

/// How far each property, each controller and each player's datagrams have come.
///
/// Nothing is told that is older than what was told before by the same owner, and nothing from a player who does not own the
/// node here: the leader may have relayed it before a change of ownership that has come by since.
#[derive(Debug, Default)]
pub(crate) struct Downstream {
    values: BTreeMap<Key, Micros>,
    inputs: BTreeMap<NodeId, Micros>,
    senders: BTreeMap<PlayerId, Gaps>,
}

/// A player's datagram on its way through.
pub(crate) struct Received<'a> {
    pub(crate) player: PlayerId,
    pub(crate) live: Live<'a>,
}

impl Downstream {
    /// Tells what is new in a datagram.
    ///
    /// # Errors
    /// What is wrong with a block; those before it have been told.
    pub(crate) fn receive(
        &mut self,
        Received { player, live }: Received<'_>,
        world: &World,
        counters: &mut Counters,
        mut tell: impl FnMut(Update),
    ) -> Result<(), DecodeError> {
        if world.player(player).is_none() {
            counters.live_foreign += 1;
            return Ok(());
        }
        let gaps = self.senders.entry(player);
        let gaps = gaps.or_insert(Gaps::before(live.sequence));
        let after_gap = gaps.count(live.sequence, counters);
        let mut connected = None;
        for block in live.blocks() {
            let block = block?;
            let owned = world
                .node(block.node)
                .is_some_and(|node| world.may_stream(player, node));
            if !owned {
                counters.live_foreign += 1;
                continue;
            }
            if let Some(connects) = self.take(block, live.sent_at, world, &mut tell)? {
                connected = Some(connected.unwrap_or(true) && connects);
            }
        }
        if after_gap
            && connected == Some(true)
            && let Some(gaps) = self.senders.get_mut(&player)
        {
            gaps.heal(counters);
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
        newer.then_some(Update::LiveValue {
            node,
            property,
            stamp,
            value,
        })
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

    /// A connection begins: datagrams that went by in the meantime are no gap.
    pub(crate) fn connected(&mut self) {
        self.senders.clear();
    }

    /// The world was replaced: forgets the nodes that are not in it.
    pub(crate) fn replaced(&mut self, world: &World) {
        self.values.retain(|key, _| is_live(world, *key));
        self.inputs.retain(|node, _| world.node(*node).is_some());
    }

    /// Tells a block's news. For samples, whether they connect to those told before.
    fn take(
        &mut self,
        block: Block<'_>,
        sent_at: Micros,
        world: &World,
        tell: &mut impl FnMut(Update),
    ) -> Result<Option<bool>, DecodeError> {
        let node = block.node;
        match block.kind {
            BlockKind::Input { batch } => self.take_batch(node, batch, sent_at, tell).map(Some),
            BlockKind::Aim { .. } | BlockKind::Joints { .. } => Ok(None),
            BlockKind::Value {
                property,
                stamp,
                value,
            } => {
                if is_live(world, (node, property)) && self.advance((node, property), stamp) {
                    tell(Update::LiveValue {
                        node,
                        property,
                        stamp,
                        value,
                    });
                }
                Ok(None)
            }
        }
    }

    fn take_batch(
        &mut self,
        node: NodeId,
        batch: &[u8],
        sent_at: Micros,
        tell: &mut impl FnMut(Update),
    ) -> Result<bool, DecodeError> {
        let newest = self.inputs.get(&node).copied();
        let mut last = newest;
        let mut times = Times::default();
        let result = decode_batch(batch, sent_at, |frame| {
            times.add(frame.sampled_at);
            if last.is_none_or(|last| frame.sampled_at > last) {
                last = Some(frame.sampled_at);
                tell(Update::Input { node, frame });
            }
        });
        if let Some(last) = last {
            self.inputs.insert(node, last);
        }
        result.map(|()| newest.is_some_and(|newest| times.connect_to(newest)))
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
        self.inputs.remove(&node);
        for (_, stamp) in self.values.range_mut(keys_of(node)) {
            *stamp = at;
        }
    }

    fn forget(&mut self, node: NodeId) {
        self.inputs.remove(&node);
        while let Some((key, _)) = self.values.range(keys_of(node)).next() {
            let key = *key;
            self.values.remove(&key);
        }
    }
}

/// The times of a batch's samples, as far as it matters whether one is missing before them.
#[derive(Debug, Default)]
struct Times {
    first: Option<Micros>,
    last: Micros,
    longest_interval: Micros,
}

impl Times {
    fn add(&mut self, at: Micros) {
        if self.first.is_some() {
            self.longest_interval = self.longest_interval.max(at.since(self.last));
        }
        self.first.get_or_insert(at);
        self.last = at;
    }

    /// Whether no sample can be missing after `newest`: there is no room for one at the source's own pace.
    fn connect_to(&self, newest: Micros) -> bool {
        let room = Micros(self.longest_interval.0 * 3 / 2);
        self.first.is_some_and(|first| first <= newest + room)
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
