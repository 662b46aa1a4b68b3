//! The other servers, as this one meets them.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use synced_protocol::{
    hlc::HlcTimestamp,
    id::ServerId,
    peer::{PeerOutput, RequestId},
    time::Micros,
};

use super::{
    envelope::{self, Kind},
    stats::PeerCounters,
    time::PeerClock,
};
use crate::telling::Telling;

/// Every server that was heard of.
#[derive(Debug, Default)]
pub(super) struct Peers {
    by_server: BTreeMap<ServerId, Peer>,
    outputs: VecDeque<PeerOutput>,
    pub(super) counters: PeerCounters,
    /// When the leader next tells what it heard by datagram.
    pub(super) standby_due: Option<Micros>,
}

/// One of them.
#[derive(Debug, Default)]
pub(super) struct Peer {
    pub(super) clock: PeerClock,
    pub(super) probe_due: Micros,
    pub(super) probes_sent: u32,
    pub(super) telling: Telling,
}

impl Peers {
    pub(super) fn up(&mut self, now: Micros, server: ServerId) {
        let peer = Peer {
            probe_due: now,
            ..Peer::default()
        };
        self.by_server.insert(server, peer);
    }

    pub(super) fn down(&mut self, server: ServerId) {
        self.by_server.remove(&server);
    }

    pub(super) fn is_up(&self, server: ServerId) -> bool {
        self.by_server.contains_key(&server)
    }

    pub(super) fn get(&self, server: ServerId) -> Option<&Peer> {
        self.by_server.get(&server)
    }

    pub(super) fn get_mut(&mut self, server: ServerId) -> Option<&mut Peer> {
        self.by_server.get_mut(&server)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ServerId, &Peer)> {
        self.by_server.iter().map(|(server, peer)| (*server, peer))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (ServerId, &mut Peer)> {
        let peers = self.by_server.iter_mut();
        peers.map(|(server, peer)| (*server, peer))
    }

    /// Nothing that they said of the time can be believed any more.
    pub(super) fn forget_clocks(&mut self, now: Micros) {
        for peer in self.by_server.values_mut() {
            peer.clock.forget();
            peer.probes_sent = 0;
            peer.probe_due = now;
        }
    }

    /// When something is to be done by the clock.
    pub(super) fn deadline(&self) -> Option<Micros> {
        let probes = self.by_server.values().map(|peer| peer.probe_due);
        probes.chain(self.standby_due).min()
    }

    pub(super) fn datagram(
        &mut self,
        server: ServerId,
        kind: Kind,
        hlc: HlcTimestamp,
        body: &[u8],
    ) {
        let bytes = envelope::seal(kind, hlc, body);
        let output = PeerOutput::Datagram { server, bytes };
        self.outputs.push_back(output);
    }

    pub(super) fn bulk(&mut self, server: ServerId, kind: Kind, hlc: HlcTimestamp, body: &[u8]) {
        let bytes = envelope::seal(kind, hlc, body);
        self.outputs.push_back(PeerOutput::Bulk { server, bytes });
    }

    pub(super) fn respond(&mut self, request: RequestId, bytes: Bytes) {
        let output = PeerOutput::Respond { request, bytes };
        self.outputs.push_back(output);
    }

    pub(super) fn pop(&mut self) -> Option<PeerOutput> {
        self.outputs.pop_front()
    }
}
