//! What comes by the live lane, and goes on at once.

use bytes::Bytes;
use synced_protocol::{
    error::DecodeError,
    id::{NodeId, PlayerId},
    link::{CloseCode, ConnectionId},
    live::{Block, BlockKind, Datagram, Live, MAX_UP_DATAGRAM_BYTES, Pong, encode_pong},
    message::LiveEntry,
    mutation::Lane,
    time::Micros,
};

use crate::{
    connection::Stage,
    input::{Breach, judge_aim, judge_joints},
    log::Log,
    node::Node,
    rate::Verdict,
    trackers::Arrival,
};

/// What is kept with a value, at its longest: node, property, stamp.
const VALUE_OVERHEAD_BYTES: usize = 8 + 1 + 8;

impl<L: Log> Node<L> {
    pub(crate) fn on_datagram(
        &mut self,
        now: Micros,
        id: ConnectionId,
        bytes: &Bytes,
    ) -> Result<(), CloseCode> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        self.meter.counters.datagrams_received += 1;
        self.meter.counters.datagram_bytes_received += bytes.len() as u64;
        if !connection.allowances.bytes.take(now, bytes.len()) {
            return Err(CloseCode::Flooding);
        }
        let stage = connection.stage;
        match connection.allowances.datagrams.judge(now) {
            Verdict::Within => {}
            Verdict::Flood => return Err(CloseCode::Flooding),
            Verdict::Over => {
                self.meter.counters.datagrams_throttled += 1;
                return Ok(());
            }
        }
        match Datagram::decode(bytes).map_err(|_| CloseCode::Malformed)? {
            Datagram::Ping { sent_at, down_loss } => {
                connection.report(now, down_loss);
                self.pong(now, id, sent_at);
            }
            Datagram::Up(live) if bytes.len() <= MAX_UP_DATAGRAM_BYTES => {
                if let Stage::Joined(player) = stage {
                    connection.arrivals.arrived(now, live.sequence);
                    self.on_live(now, id, player, &live)?;
                }
            }
            Datagram::Up(_) | Datagram::Down { .. } | Datagram::Pong(_) => {
                return Err(CloseCode::Malformed);
            }
        }
        Ok(())
    }

    fn pong(&mut self, now: Micros, id: ConnectionId, ping_sent_at: Micros) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let received_at = self.session_time(now);
        let pong = Pong {
            ping_sent_at,
            received_at,
            sent_at: received_at,
            up_loss: connection.arrivals.loss(now),
            peers_loss: self.peers_loss(now, id),
        };
        let bytes = Bytes::copy_from_slice(&encode_pong(&pong));
        self.outbox.datagram(id, bytes);
    }

    fn on_live(
        &mut self,
        now: Micros,
        from: ConnectionId,
        player: PlayerId,
        live: &Live<'_>,
    ) -> Result<(), CloseCode> {
        let time = self.session_time(now);
        if live.sent_at.since(time) > self.config.clock_offset_max {
            self.meter.counters.datagrams_ahead += 1;
            return Ok(());
        }
        self.meter.propagation.record(time.since(live.sent_at));
        self.collect(now, player, live)?;
        self.relay(now, from);
        Ok(())
    }

    /// Stamps the datagram and takes over those blocks that the player may send.
    fn collect(&mut self, now: Micros, player: PlayerId, live: &Live<'_>) -> Result<(), CloseCode> {
        let hlc = self.stamp(now);
        self.relayed.begin(player, hlc, live);
        for block in live.blocks() {
            let block = block.map_err(|_| CloseCode::Malformed)?;
            let Some(node) = self.sent_by(player, &block) else {
                self.meter.refuse(None);
                continue;
            };
            let judged = self.judge(now, live.sent_at, node, &block);
            match judged.map_err(|_| CloseCode::Malformed)? {
                Ok(()) => self.take_over(node, block),
                Err(breach) => self.leave_out(now, player, node, breach),
            }
        }
        Ok(())
    }

    /// Whether what a block says of a tracked node is within bounds.
    fn judge(
        &mut self,
        now: Micros,
        sent_at: Micros,
        node: NodeId,
        block: &Block<'_>,
    ) -> Result<Result<(), Breach>, DecodeError> {
        let session_time = self.session_time(now);
        let limits = &self.config.limits.input;
        match &block.kind {
            BlockKind::Input { batch } => {
                let arrival = Arrival {
                    now,
                    session_time,
                    sent_at,
                    batch,
                };
                self.trackers.take(limits, node, arrival)
            }
            BlockKind::Aim { aim, .. } => Ok(judge_aim(limits, aim)),
            BlockKind::Joints { packed, .. } => judge_joints(limits, packed),
            BlockKind::Value { .. } => Ok(Ok(())),
        }
    }

    fn take_over(&mut self, node: NodeId, block: Block<'_>) {
        self.relayed.add(node, &block);
        self.keep_value(node, block.kind);
        self.meter.counters.blocks_relayed += 1;
    }

    fn leave_out(&mut self, now: Micros, player: PlayerId, node: NodeId, breach: Breach) {
        self.meter.refuse(Some(breach));
        if self.sessions.complain(player, now) {
            let (player, node) = (player.0, node.0);
            tracing::warn!(player, node, "input is not relayed: {breach}");
        }
    }

    /// The node that a block is of, if the player may send that.
    fn sent_by(&self, player: PlayerId, block: &Block<'_>) -> Option<NodeId> {
        let only = |ids| self.world.only_node_in(ids);
        let node = self.world.node(block.node.resolve(player, only)?)?;
        let is_live = match block.kind {
            BlockKind::Input { .. } | BlockKind::Aim { .. } | BlockKind::Joints { .. } => true,
            BlockKind::Value { property, .. } => {
                let property = node.property(property);
                property.is_some_and(|property| property.lane() == Lane::Live)
            }
        };
        (is_live && self.world.may_stream(player, node)).then(|| node.id())
    }

    fn keep_value(&mut self, node: NodeId, kind: BlockKind<'_>) {
        if let BlockKind::Value {
            property,
            stamp,
            value,
        } = kind
        {
            let bytes = VALUE_OVERHEAD_BYTES + value.encoded_len();
            let entry = LiveEntry {
                node,
                property,
                stamp,
                value,
            };
            self.live_values.offer(entry, bytes);
        }
    }

    /// Sends what was collected to every player but the one it came from, at once or at the end of the round.
    fn relay(&mut self, now: Micros, from: ConnectionId) {
        let Some(datagram) = self.relayed.finish() else {
            return;
        };
        let at_once = self.rounds.takes_at_once(now);
        for (&id, peer) in &mut self.connections {
            if id == from || !peer.is_joined() {
                continue;
            }
            match self.relayed.wanted(&datagram, &peer.unwanted) {
                Some(wanted) if at_once => self.outbox.datagram(id, wanted),
                Some(wanted) => peer.held.push(wanted),
                None => {}
            }
        }
        if at_once {
            self.rounds.begin(now, self.connections.len());
        } else {
            self.rounds.hold(datagram.len());
            self.end_round(now);
        }
    }

    /// What was held goes out if the round is over, player by player: then each one's connection is at hand.
    pub(crate) fn end_round(&mut self, now: Micros) {
        if self.rounds.ends_at().is_none_or(|at| now < at) {
            return;
        }
        for (&id, peer) in &mut self.connections {
            for datagram in peer.held.drain(..) {
                self.outbox.datagram(id, datagram);
            }
        }
        self.rounds.begin(now, self.connections.len());
    }
}
