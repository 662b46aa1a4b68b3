//! The network, the disks, the clocks, and the drive loop of every server.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use bytes::Bytes;
use synced_consensus::Config;
use synced_node::{ClusterConfig, ClusterLog, ClusterStats, Node, NodeConfig};
use synced_protocol::{
    id::{NodeId, ReplicaId, ServerId},
    link::{CloseReason, ConnectionId, Event},
    peer::{PeerEvent, RequestId},
    store::Members,
    time::Micros,
};

use crate::{
    disk, game,
    player::Player,
    server::{Server, Skew},
    wires::Parcel,
};

/// Session time when all began.
pub const EPOCH: Micros = Micros::from_secs(1_700_000_000);
pub const SECRET: [u8; 32] = [9; 32];
/// From one server to another, or to a player.
pub const DELAY: Micros = Micros(200);
/// How long it takes until a broken connection shows.
pub const IDLE_TIMEOUT: Micros = Micros::from_millis(150);

#[derive(Debug)]
pub enum Said {
    Frame(Bytes),
    Datagram(Bytes),
    Closed(CloseReason),
}

pub struct Net {
    pub now: Micros,
    pub servers: BTreeMap<ServerId, Server>,
    pub players: Vec<Player>,
    /// From whom to whom nothing arrives.
    pub blocked: BTreeSet<(ServerId, ServerId)>,
    /// Servers that no player's word reaches, and that reach none.
    pub unreachable: BTreeSet<ServerId>,
    /// Servers that hear players and that no player hears.
    pub muted: BTreeSet<ServerId>,
    pub config: NodeConfig,
    pub cluster: ClusterConfig,
    pub connected: BTreeSet<(ServerId, ServerId)>,
    pub connections: BTreeMap<(ServerId, ConnectionId), usize>,
    pub parcels: BinaryHeap<Reverse<(Micros, u64)>>,
    pub contents: BTreeMap<u64, Parcel>,
    pub last_parcel: u64,
    last_connection: u64,
    last_request: u64,
    pub next_look: Micros,
}

pub const fn server(id: u16) -> ServerId {
    ServerId(id)
}

impl Net {
    pub fn new(servers: u16) -> Self {
        Self::skewed(servers, |_| Skew::default())
    }

    pub fn skewed(servers: u16, skew: impl Fn(u16) -> Skew) -> Self {
        let mut net = Self::founded(servers, skew);
        net.alive_all();
        net
    }

    /// Starts every server that does not run.
    pub fn alive_all(&mut self) {
        let all: Vec<_> = self.servers.keys().copied().collect();
        let down = all.into_iter().filter(|id| !self.is_alive(*id));
        let down: Vec<_> = down.collect();
        down.into_iter().for_each(|id| self.start(id));
    }

    /// A node that a player has spawned.
    pub fn own(&self, player: usize, counter: u32) -> NodeId {
        NodeId::spawned(self.players[player].id, counter)
    }

    /// Folders, and nothing that runs.
    pub fn founded(servers: u16, skew: impl Fn(u16) -> Skew) -> Self {
        let members = disk::founding_members(servers);
        let stored = |id| Server::new(disk::founded(members.clone()), skew(id));
        Self {
            now: Micros::from_secs(1),
            servers: (1..=servers).map(|id| (server(id), stored(id))).collect(),
            players: Vec::new(),
            blocked: BTreeSet::new(),
            unreachable: BTreeSet::new(),
            muted: BTreeSet::new(),
            config: NodeConfig::new(game()),
            cluster: ClusterConfig::new("test", Config::new(ReplicaId(0))),
            connected: BTreeSet::new(),
            connections: BTreeMap::new(),
            parcels: BinaryHeap::new(),
            contents: BTreeMap::new(),
            last_parcel: 0,
            last_connection: 0,
            last_request: 0,
            next_look: Micros::from_secs(1),
        }
    }

    pub fn start(&mut self, id: ServerId) {
        let now = self.now;
        let server = self.servers.get_mut(&id).unwrap();
        server.started_at = now;
        server.set_ahead = Micros::ZERO;
        server.wanted.clear();
        let local = server.local(now);
        let wall = (EPOCH + now).shifted(server.skew.wall_us);
        let config = NodeConfig {
            epoch_offset: wall - local,
            ..self.config.clone()
        };
        let mut cluster = self.cluster.clone();
        cluster.consensus.replica = ReplicaId::new(id, server.incarnation);
        let groups = vec![server.stored.clone()];
        let node = Node::clustered(config, cluster, groups, SECRET, local);
        server.node = Some(node.unwrap());
        self.perform(id);
    }

    /// Sets a running server's wall clock, which its driver notices.
    pub fn set_wall(&mut self, id: ServerId, wall_us: i64) {
        let wall = self.truth().shifted(wall_us);
        let server = self.servers.get_mut(&id).unwrap();
        server.skew.wall_us = wall_us;
        let local = server.local(self.now);
        let node = server.node.as_mut().unwrap();
        node.notice_wall_clock(local, wall);
        self.perform(id);
    }

    /// The server's process is no more, and nobody is told before it shows.
    pub fn kill(&mut self, id: ServerId) {
        self.servers.get_mut(&id).unwrap().node = None;
        self.hang_up(id);
    }

    /// A server that does not run is as its founders made it, and as nobody knows it.
    pub fn lose_memory(&mut self, id: ServerId, members: Members) {
        let server = self.servers.get_mut(&id).unwrap();
        server.stored = disk::founded(members);
        server.incarnation += 1;
    }

    /// The server is asked to stop in an orderly way.
    pub fn stop(&mut self, id: ServerId) {
        let local = self.local(id);
        self.node(id).begin_stop(local);
        self.perform(id);
    }

    pub fn hang_up(&mut self, id: ServerId) {
        let pairs: Vec<_> = self.connected.iter().copied().collect();
        for (a, b) in pairs {
            if a == id || b == id {
                self.connected.remove(&(a, b));
            }
        }
        let others: Vec<_> = self.servers.keys().copied().collect();
        for other in others.into_iter().filter(|other| *other != id) {
            let down = PeerEvent::Down { server: id };
            self.post(IDLE_TIMEOUT, Parcel::Peer(other, down));
        }
        let lost: Vec<_> = self.connections.keys().copied().collect();
        for (at, connection) in lost.into_iter().filter(|(at, _)| *at == id) {
            let player = self.connections.remove(&(at, connection)).unwrap();
            let closed = Said::Closed(CloseReason::TimedOut);
            self.post(IDLE_TIMEOUT, Parcel::Player(player, id, closed));
        }
    }

    /// Nothing passes between these servers and the others; players reach all.
    pub fn cut_off(&mut self, apart: &[ServerId]) {
        let all: Vec<_> = self.servers.keys().copied().collect();
        for &a in apart {
            for &b in all.iter().filter(|b| !apart.contains(b)) {
                self.blocked.insert((a, b));
                self.blocked.insert((b, a));
            }
        }
    }

    pub fn heal(&mut self) {
        self.blocked.clear();
        self.unreachable.clear();
        self.muted.clear();
    }

    pub fn node(&mut self, id: ServerId) -> &mut Node<ClusterLog> {
        self.servers.get_mut(&id).unwrap().node.as_mut().unwrap()
    }

    pub fn is_alive(&self, id: ServerId) -> bool {
        self.servers[&id].node.is_some()
    }

    pub fn alive(&self) -> Vec<ServerId> {
        let ids = self.servers.keys().copied();
        ids.filter(|id| self.is_alive(*id)).collect()
    }

    pub fn stats(&self, id: ServerId) -> ClusterStats {
        let node = self.servers[&id].node.as_ref().unwrap();
        node.stats().cluster.unwrap()
    }

    /// The server that serves, if there is exactly one.
    pub fn leader(&self) -> Option<ServerId> {
        let serves = |id: &ServerId| {
            let server = &self.servers[id];
            let local = server.local(self.now);
            server.node.as_ref().is_some_and(|node| node.serves(local))
        };
        let serving: Vec<_> = self.servers.keys().copied().filter(serves).collect();
        assert!(serving.len() <= 1, "{serving:?} all serve");
        serving.first().copied()
    }

    pub fn local(&self, id: ServerId) -> Micros {
        self.servers[&id].local(self.now)
    }

    /// Session time as a server would tell it now.
    pub fn session_time(&self, id: ServerId) -> Micros {
        let server = &self.servers[&id];
        let node = server.node.as_ref().unwrap();
        node.session_time(server.local(self.now))
    }

    pub fn truth(&self) -> Micros {
        EPOCH + self.now
    }

    pub fn ask(&mut self, id: ServerId, request: &str) -> serde_json::Value {
        self.last_request += 1;
        let request_id = RequestId(self.last_request);
        let event = PeerEvent::Request {
            request: request_id,
            bytes: Bytes::copy_from_slice(request.as_bytes()),
        };
        self.tell(id, event);
        let answer = self
            .servers
            .get_mut(&id)
            .unwrap()
            .answers
            .remove(&request_id);
        serde_json::from_slice(&answer.expect("every request is answered")).unwrap()
    }

    /// A player's connection to a server.
    pub fn connect(&mut self, player: usize, to: ServerId) -> Option<ConnectionId> {
        if !self.is_alive(to) || self.unreachable.contains(&to) {
            return None;
        }
        self.last_connection += 1;
        let connection = ConnectionId(self.last_connection);
        self.connections.insert((to, connection), player);
        let remote = ([192, 0, 2, 1], 4433).into();
        let event = Event::Connected { connection, remote };
        self.post(DELAY, Parcel::Node(to, event));
        Some(connection)
    }

    pub fn send_frame(&mut self, to: ServerId, connection: ConnectionId, bytes: Bytes) {
        let event = Event::Frame { connection, bytes };
        self.post(DELAY, Parcel::Node(to, event));
    }

    pub fn send_datagram(&mut self, to: ServerId, connection: ConnectionId, bytes: Vec<u8>) {
        let bytes = bytes.into();
        let event = Event::Datagram { connection, bytes };
        self.post(DELAY, Parcel::Node(to, event));
    }

    pub fn lose(&mut self, at: ServerId, connection: ConnectionId) {
        self.connections.remove(&(at, connection));
        let reason = CloseReason::TimedOut;
        let event = Event::Closed { connection, reason };
        self.post(Micros::ZERO, Parcel::Node(at, event));
    }

    pub fn run(&mut self, span: Micros) {
        let end = self.now + span;
        while self.step(end) {}
    }

    /// Runs until this holds, which must be soon.
    pub fn until(&mut self, within: Micros, holds: impl Fn(&Self) -> bool) {
        let end = self.now + within;
        while !holds(self) {
            assert!(self.step(end), "it did not come about within {within:?}");
        }
    }

    /// Runs until a server leads and serves, and says which.
    pub fn elect(&mut self) -> ServerId {
        self.until(Micros::from_millis(200), |net| net.leader().is_some());
        self.leader().unwrap()
    }
}
