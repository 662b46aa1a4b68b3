//! What the leader hears by datagram, told to those who may lead next: all of it to a newcomer, then what is new.

use synced_protocol::{
    id::ServerId,
    replica::{self, ReplicaError, Standby},
    time::Micros,
};

use super::{
    config::{STANDBY_BYTES_MAX, STANDBY_INTERVAL},
    envelope::Kind,
    log::ClusterLog,
};
use crate::{node::Node, telling::Telling};

impl Node<ClusterLog> {
    /// Tells every peer its share, if this server leads and it is time to.
    pub(super) fn tell_standbys(&mut self, now: Micros) {
        let due = self.log.peers.standby_due;
        if !self.leads || due.is_some_and(|due| due > now) {
            return;
        }
        self.log.peers.standby_due = Some(now + STANDBY_INTERVAL);
        let round = self.live_values.begin_round();
        self.trackers.begin_round();
        let mut told = Vec::new();
        for (server, peer) in self.log.peers.iter_mut() {
            let frames =
                peer.telling
                    .turn(round, STANDBY_BYTES_MAX, &self.live_values, &self.trackers);
            told.extend(frames.into_iter().map(|frame| (server, frame)));
        }
        for (server, frame) in told {
            self.send_standby(now, server, &frame);
        }
    }

    /// Nobody was told anything yet, and as long as another server leads nobody is.
    pub(super) fn begin_standby(&mut self) {
        self.log.peers.standby_due = None;
        for (_, peer) in self.log.peers.iter_mut() {
            peer.telling = Telling::default();
        }
    }

    /// Takes over what the leader tells. Whether a node is there, and whose it is, shows when this server leads.
    pub(super) fn on_standby(&mut self, now: Micros, body: &[u8]) -> Result<(), ReplicaError> {
        let standby: Standby = replica::decode(body)?;
        if self.leads {
            return Ok(());
        }
        for entry in standby.live {
            self.stand_by_value(entry);
        }
        for pose in standby.poses {
            let taken = self.stand_by_pose(now, &pose);
            taken.map_err(ReplicaError::Broken)?;
        }
        Ok(())
    }

    fn send_standby(&mut self, now: Micros, server: ServerId, standby: &Standby) {
        match replica::encode(standby) {
            Ok(body) => {
                let hlc = self.stamp(now);
                self.log.peers.counters.standby_frames_sent += 1;
                self.log.peers.bulk(server, Kind::Standby, hlc, &body);
            }
            Err(error) => tracing::error!("live values cannot be told to {server}: {error}"),
        }
    }
}
