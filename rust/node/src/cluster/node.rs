//! A node that is one of several.

use bytes::Bytes;
use synced_consensus::{Consensus, ConsensusError, Lane, Output};
use synced_protocol::{
    hlc::HlcClock,
    id::ServerId,
    link::Logic as _,
    peer::{PeerEvent, PeerLogic, PeerOutput},
    replica::ReplicaError,
    store::StoredGroup,
    time::Micros,
};

use super::{
    config::ClusterConfig,
    envelope::{self, Kind},
    log::ClusterLog,
    time::ClusterTime,
};
use crate::{config::NodeConfig, node::Node};

impl Node<ClusterLog> {
    /// A server of a cluster that goes on with what it has stored. `secret` is the cluster's: resume tokens come from it, so
    /// that each server knows those that another gave.
    ///
    /// # Errors
    /// As [`Consensus::new`].
    pub fn clustered(
        config: NodeConfig,
        cluster: ClusterConfig,
        groups: Vec<StoredGroup>,
        secret: [u8; 32],
        now: Micros,
    ) -> Result<Self, ConsensusError> {
        let consensus = Consensus::new(cluster.consensus, now, groups)?;
        let wall_offset_us = config.epoch_offset.0.cast_signed();
        let time = ClusterTime::new(cluster.max_offset, wall_offset_us);
        let log = ClusterLog::new(consensus, cluster.cluster, time);
        let mut node = Self::with_log(config, log, secret);
        node.clock = HlcClock::new(cluster.max_offset);
        node.follow_log(now);
        Ok(node)
    }

    fn on_peer_bytes(&mut self, now: Micros, from: ServerId, bytes: &Bytes) {
        if let Err(error) = self.take_envelope(now, from, bytes) {
            self.log.peers.counters.malformed += 1;
            if self.log.time.complains(now) {
                tracing::warn!(
                    server = from.0,
                    "another server's message means nothing: {error}"
                );
            }
        }
    }

    fn take_envelope(
        &mut self,
        now: Micros,
        from: ServerId,
        bytes: &Bytes,
    ) -> Result<(), ReplicaError> {
        let envelope = envelope::open(bytes).map_err(ReplicaError::Broken)?;
        if envelope.kind == Kind::Clock {
            let taken = self.on_word_of_time(now, from, &envelope.body);
            return taken.map_err(ReplicaError::Broken);
        }
        let wall = self.session_time(now) + self.log.time.doubt();
        if let Err(ahead) = self.clock.observe(envelope.hlc, wall) {
            self.log.peers.counters.stamps_refused += 1;
            if self.log.time.complains(now) {
                tracing::warn!(server = from.0, "another server is not heard: {ahead}");
            }
            return Ok(());
        }
        let taken = match envelope.kind {
            Kind::Standby => return self.on_standby(now, &envelope.body),
            Kind::Roster => self.log.consensus.told_of(now, &envelope.body),
            Kind::Consensus | Kind::Clock => self.log.consensus.receive(now, from, envelope.body),
        };
        taken.map_err(ReplicaError::Broken)
    }

    fn in_envelope(&mut self, output: Output) -> PeerOutput {
        match output {
            Output::Send { to, lane, bytes } => {
                let hlc = self.stamp(self.handled_at);
                let bytes = envelope::seal(Kind::Consensus, hlc, &bytes);
                match lane {
                    Lane::Frame => PeerOutput::Frame { server: to, bytes },
                    Lane::Bulk => PeerOutput::Bulk { server: to, bytes },
                    Lane::Datagram => PeerOutput::Datagram { server: to, bytes },
                }
            }
            Output::Store(write) => PeerOutput::Store(write),
            Output::Connect { peers } => PeerOutput::Connect { peers },
        }
    }
}

impl PeerLogic for Node<ClusterLog> {
    fn handle_peer(&mut self, now: Micros, event: PeerEvent) {
        if self.is_finished() {
            return;
        }
        self.begin(now);
        match event {
            PeerEvent::Up { server } => {
                self.log.peers.up(now, server);
                self.log.consensus.peer_up(now, server);
                self.tell_roster(server);
            }
            PeerEvent::Down { server } => {
                self.log.peers.down(server);
                self.log.consensus.peer_down(now, server);
            }
            PeerEvent::Frame { server, bytes }
            | PeerEvent::Bulk { server, bytes }
            | PeerEvent::Datagram { server, bytes } => self.on_peer_bytes(now, server, &bytes),
            PeerEvent::Request { request, bytes } => self.on_request(request, &bytes),
            PeerEvent::Stored { write } => self.log.consensus.stored(now, write),
            PeerEvent::StoreFailed { reason } => self.log.consensus.store_failed(now, reason),
        }
        self.follow_log(now);
    }

    fn poll_peer_output(&mut self) -> Option<PeerOutput> {
        if let Some(output) = self.log.peers.pop() {
            return Some(output);
        }
        let output = self.log.consensus.poll_output()?;
        Some(self.in_envelope(output))
    }
}
