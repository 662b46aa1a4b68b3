//! What comes by the live lane, and goes on at once.

use bytes::Bytes;
use synced_protocol::{
    id::PlayerId,
    link::{CloseCode, ConnectionId},
    live::{Block, BlockKind, Datagram, Live, Loss, MAX_UP_DATAGRAM_BYTES, Pong, encode_pong},
    message::LiveEntry,
    mutation::Lane,
    time::Micros,
};

use crate::{connection::Stage, log::Log, node::Node, rate::Verdict};

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
            Datagram::Ping { sent_at, .. } => self.pong(now, id, sent_at),
            Datagram::Up(live) if bytes.len() <= MAX_UP_DATAGRAM_BYTES => {
                if let Stage::Joined(player) = stage {
                    self.on_live(now, id, player, &live)?;
                }
            }
            Datagram::Up(_) | Datagram::Down { .. } | Datagram::Pong(_) => {
                return Err(CloseCode::Malformed);
            }
        }
        Ok(())
    }

    fn pong(&mut self, now: Micros, connection: ConnectionId, ping_sent_at: Micros) {
        let received_at = self.session_time(now);
        let pong = Pong {
            ping_sent_at,
            received_at,
            sent_at: received_at,
            up_loss: Loss::NONE,
            peers_loss: Loss::NONE,
        };
        let bytes = Bytes::copy_from_slice(&encode_pong(&pong));
        self.outbox.datagram(connection, bytes);
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
        self.collect(time, player, live)?;
        self.relay(from);
        Ok(())
    }

    /// Stamps the datagram and takes over those blocks that the player may send.
    fn collect(
        &mut self,
        time: Micros,
        player: PlayerId,
        live: &Live<'_>,
    ) -> Result<(), CloseCode> {
        let hlc = self.clock.now(time);
        self.relayed.begin(player, hlc, live);
        for block in live.blocks() {
            let block = block.map_err(|_| CloseCode::Malformed)?;
            if self.may_send(player, &block) {
                self.relayed.add(&block);
                self.keep_value(block);
                self.meter.counters.blocks_relayed += 1;
            } else {
                self.meter.counters.blocks_refused += 1;
            }
        }
        Ok(())
    }

    fn may_send(&self, player: PlayerId, block: &Block<'_>) -> bool {
        let Some(node) = self.world.node(block.node) else {
            return false;
        };
        let is_live = match block.kind {
            BlockKind::Input { .. } | BlockKind::Aim { .. } | BlockKind::Joints { .. } => true,
            BlockKind::Value { property, .. } => {
                let property = node.property(property);
                property.is_some_and(|property| property.lane() == Lane::Live)
            }
        };
        is_live && self.world.may_stream(player, node)
    }

    fn keep_value(&mut self, block: Block<'_>) {
        let (node, bytes) = (block.node, block.raw.len());
        if let BlockKind::Value {
            property,
            stamp,
            value,
        } = block.kind
        {
            let entry = LiveEntry {
                node,
                property,
                stamp,
                value,
            };
            self.live_values.offer(entry, bytes);
        }
    }

    /// Sends what was collected to every player but the one it came from.
    fn relay(&mut self, from: ConnectionId) {
        let Some(datagram) = self.relayed.finish() else {
            return;
        };
        for (&id, peer) in &self.connections {
            if id == from || !peer.is_joined() {
                continue;
            }
            if let Some(wanted) = self.relayed.wanted(&datagram, &peer.unwanted) {
                self.outbox.datagram(id, wanted);
            }
        }
    }
}
