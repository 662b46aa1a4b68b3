//! The live lane and the clock.

use bytes::Bytes;
use synced_protocol::{
    error::DecodeError,
    id::{NodeId, PlayerId, PropertyId},
    link::{ConnectionId, Output},
    live::{Datagram, Pong, encode_ping},
    message::{LiveEntry, LivePose},
    time::Micros,
    value::Value,
};

use super::{Phase, Session, tell_live};
use crate::{
    downstream::Received, feed::TrackerFeed, limits::UPDATES_WAITING_MAX, stats::LiveStats,
    update::Update, upstream::Names,
};

impl Session {
    /// Before the first join this player owns nothing, and what it says of its nodes means nothing.
    pub(super) fn set_live(&mut self, key: (NodeId, PropertyId), at: Micros, value: Value) {
        let Some(clock) = &self.clock else {
            return;
        };
        let stamp = clock.session_time(at.min(self.now));
        if !self.upstream.set(self.now, key, stamp, value) {
            self.meter.counters.live_values_too_large += 1;
        }
    }

    pub(super) fn attach(&mut self, node: NodeId, feed: TrackerFeed) {
        if !self.upstream.attach(node, feed) {
            self.meter.counters.trackers_too_many += 1;
        }
    }

    /// A datagram that makes no sense is counted and forgotten: the next one heals what it was for.
    pub(super) fn handle_datagram(&mut self, bytes: &Bytes) {
        if !matches!(self.phase, Phase::Joining(_) | Phase::Up { .. }) {
            return;
        }
        if self.take_datagram(bytes).is_err() {
            self.meter.counters.datagrams_malformed += 1;
        }
    }

    pub(super) fn send_live(&mut self, connection: ConnectionId) {
        let Some(clock) = &mut self.clock else {
            return;
        };
        let outputs = &mut self.outputs;
        let mut sent = (0, 0);
        let mut send = |bytes: Bytes| {
            sent = (sent.0 + 1, sent.1 + bytes.len() as u64);
            outputs.push_back(Output::Datagram { connection, bytes });
        };
        if let Some(sent_at) = clock.poll_ping(self.now) {
            let down_loss = self.downstream.loss(clock.session_time(self.now));
            self.losses.down = down_loss;
            send(Bytes::copy_from_slice(&encode_ping(sent_at, down_loss)));
        }
        let names = Names {
            player: self.identity.map_or(PlayerId::SERVER, |own| own.player),
            world: self.replica.as_ref(),
        };
        self.upstream
            .poll(self.now, clock, names, &mut self.meter, send);
        if let Some(estimate) = clock.poll_estimate(self.now) {
            self.updates.push_back(Update::Clock(estimate));
        }
        self.meter.counters.datagrams_sent += sent.0;
        self.meter.counters.datagram_bytes_sent += sent.1;
    }

    pub(super) fn up_deadline(&self) -> Option<Micros> {
        let clock = self
            .clock
            .as_ref()
            .map(|clock| clock.poll_deadline(self.now));
        let upstream = self.upstream.poll_deadline(self.now);
        let proposal = self.proposals.poll_deadline(self.now);
        let interest = self.interests.poll_deadline(self.now);
        let due = [clock, upstream, proposal, interest];
        due.into_iter().flatten().min()
    }

    /// A live value that came with a snapshot is left out only when the game would be taken for dead otherwise.
    pub(super) fn tell_entry(&mut self, entry: LiveEntry) {
        let Some(world) = &self.replica else {
            return;
        };
        let Some(update) = self.downstream.receive_entry(entry, world) else {
            return;
        };
        if self.updates.len() < UPDATES_WAITING_MAX / 2 {
            self.updates.push_back(update);
        } else {
            self.meter.counters.live_unread += 1;
        }
    }

    /// The hands of others as they were when the snapshot was taken.
    pub(super) fn tell_pose(&mut self, pose: &LivePose) {
        let is_own = self.may_stream(pose.node);
        let Some(world) = self.replica.as_ref().filter(|_| !is_own) else {
            return;
        };
        let (updates, mut unread) = (&mut self.updates, 0);
        let tell = |update| {
            if updates.len() < UPDATES_WAITING_MAX / 2 {
                updates.push_back(update);
            } else {
                unread += 1;
            }
        };
        let counters = &mut self.meter.counters;
        let result = self.downstream.receive_pose(pose, world, counters, tell);
        counters.live_unread += unread;
        counters.datagrams_malformed += u64::from(result.is_err());
    }

    /// The live lane's part of what is told once a second.
    pub(super) fn live_stats(&mut self) -> LiveStats {
        let rates = self.meter.sample_bits();
        LiveStats {
            redundancy: self.upstream.redundancy(self.now).into(),
            up_loss: self.losses.up.0.into(),
            down_loss: self.losses.down.0.into(),
            peers_loss: self.losses.peers.0.into(),
            playout_delay_us_max: self.downstream.delay_max().0,
            jitter_us_max: self.downstream.jitter_max().0,
            ..rates
        }
    }

    fn handle_pong(&mut self, pong: &Pong) {
        let Some(clock) = &mut self.clock else {
            return;
        };
        if !clock.handle_pong(self.now, pong) {
            return;
        }
        self.losses.up = pong.up_loss;
        self.losses.peers = pong.peers_loss;
        let players = self
            .replica
            .as_ref()
            .map_or(0, |world| world.players().count());
        self.upstream.learn_loss(
            self.now,
            pong.up_loss,
            pong.peers_loss,
            players.saturating_sub(1),
        );
    }

    fn take_datagram(&mut self, bytes: &Bytes) -> Result<(), DecodeError> {
        match Datagram::decode(bytes)? {
            Datagram::Pong(pong) => {
                self.handle_pong(&pong);
                Ok(())
            }
            Datagram::Down { player, hlc, live } if self.player() != Some(player) => {
                let (Phase::Up { .. }, Some(world), Some(clock)) =
                    (&self.phase, &self.replica, &self.clock)
                else {
                    return Ok(());
                };
                let received_at = clock.session_time(self.now);
                self.meter
                    .propagation
                    .record(hlc.physical().since(live.sent_at));
                self.meter.relay.record(received_at.since(hlc.physical()));
                let (updates, mut unread) = (&mut self.updates, 0);
                let tell = |update| tell_live(updates, &mut unread, update);
                let received = Received {
                    player,
                    live,
                    at: received_at,
                };
                let counters = &mut self.meter.counters;
                let result = self.downstream.receive(received, world, counters, tell);
                counters.live_unread += unread;
                result
            }
            Datagram::Down { .. } => Ok(()),
            Datagram::Up(_) | Datagram::Ping { .. } => Err(DecodeError::BadMessage),
        }
    }
}
