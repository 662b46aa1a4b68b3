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
    link::{CloseCode, CloseReason, ConnectionId, Event, Logic as _, Output},
    peer::{PeerEvent, PeerLogic as _, PeerOutput, RequestId},
    store::StoredGroup,
    time::Micros,
};

use crate::{
    disk, game,
    player::{LOOKS_EVERY, Player},
};

/// Session time when all began.
pub const EPOCH: Micros = Micros::from_secs(1_700_000_000);
pub const SECRET: [u8; 32] = [9; 32];
/// From one server to another, or to a player.
pub const DELAY: Micros = Micros(200);
/// How long it takes until a broken connection shows.
pub const IDLE_TIMEOUT: Micros = Micros::from_millis(150);

/// How a server's clocks differ from the truth.
#[derive(Debug, Default, Clone, Copy)]
pub struct Skew {
    /// Its wall clock when it starts.
    pub wall_us: i64,
    /// How much faster its clock runs, in millionths.
    pub drift_ppm: i64,
}

pub struct Server {
    pub node: Option<Node<ClusterLog>>,
    pub stored: StoredGroup,
    pub skew: Skew,
    /// How far its monotonic clock was set ahead since it started.
    pub set_ahead: Micros,
    pub sent: Vec<(Micros, ServerId, Bytes)>,
    started_at: Micros,
    pub answers: BTreeMap<RequestId, Bytes>,
}

/// Something on its way.
#[derive(Debug)]
enum Parcel {
    Peer(ServerId, PeerEvent),
    Node(ServerId, Event),
    Player(usize, ServerId, Said),
}

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
    connected: BTreeSet<(ServerId, ServerId)>,
    connections: BTreeMap<(ServerId, ConnectionId), usize>,
    parcels: BinaryHeap<Reverse<(Micros, u64)>>,
    contents: BTreeMap<u64, Parcel>,
    last_parcel: u64,
    last_connection: u64,
    last_request: u64,
    next_look: Micros,
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

    /// Starts a server that is no member yet, and knows those who are.
    pub fn start_outside(&mut self, id: ServerId) {
        self.start(id);
        for member in (1..id.0).map(server) {
            self.join(id, member);
        }
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
        let stored = |id| Server {
            node: None,
            stored: disk::founded(members.clone()),
            skew: skew(id),
            set_ahead: Micros::ZERO,
            sent: Vec::new(),
            started_at: Micros::ZERO,
            answers: BTreeMap::new(),
        };
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
        let local = server.local(now);
        let wall = (EPOCH + now).shifted(server.skew.wall_us);
        let config = NodeConfig {
            epoch_offset: wall - local,
            ..self.config.clone()
        };
        let mut cluster = self.cluster.clone();
        cluster.consensus.replica = ReplicaId::new(id, 0);
        let groups = vec![server.stored.clone()];
        let node = Node::clustered(config, cluster, groups, SECRET, local);
        server.node = Some(node.unwrap());
        self.perform(id);
    }

    /// The server's process is no more, and nobody is told before it shows.
    pub fn kill(&mut self, id: ServerId) {
        self.servers.get_mut(&id).unwrap().node = None;
        self.hang_up(id);
    }

    /// The server is asked to stop in an orderly way.
    pub fn stop(&mut self, id: ServerId) {
        let local = self.local(id);
        self.node(id).begin_stop(local);
        self.perform(id);
    }

    fn hang_up(&mut self, id: ServerId) {
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

    /// The next thing that happens, no later than the end; false when that is reached.
    fn step(&mut self, end: Micros) -> bool {
        let parcel = self.parcels.peek().map(|Reverse((at, _))| *at);
        let wake = self.next_wake();
        let look = Some(self.next_look);
        let next = [parcel, wake.map(|(at, _)| at), look];
        let next = next.into_iter().flatten().min();
        let Some(at) = next.filter(|at| *at <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(at);
        if self.next_look <= at {
            self.next_look = at + LOOKS_EVERY;
            Player::look_after(self);
        } else if parcel.is_some_and(|parcel| parcel <= at) {
            let Reverse((_, number)) = self.parcels.pop().unwrap();
            let parcel = self.contents.remove(&number).unwrap();
            self.deliver(parcel);
        } else if let Some((_, id)) = wake {
            self.handle(id, Event::Woken);
        }
        self.leader();
        true
    }

    fn next_wake(&self) -> Option<(Micros, ServerId)> {
        let wakes = self.servers.iter().filter_map(|(id, server)| {
            let deadline = server.node.as_ref()?.poll_deadline()?;
            Some((server.global(deadline), *id))
        });
        wakes.min()
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            // It has been replaced meanwhile.
            Parcel::Peer(id, PeerEvent::Down { server }) if self.is_up(id, server) => {}
            Parcel::Peer(id, event) => self.tell(id, event),
            Parcel::Node(id, _) if self.unreachable.contains(&id) => {}
            Parcel::Node(id, event) => self.handle(id, event),
            Parcel::Player(_, from, _) if self.unreachable.contains(&from) => {}
            Parcel::Player(player, from, said) => Player::hear(self, player, from, said),
        }
    }

    pub fn handle(&mut self, id: ServerId, event: Event) {
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.local(self.now);
        if let Some(node) = &mut server.node {
            node.handle(local, event);
            self.perform(id);
        }
    }

    pub fn tell(&mut self, id: ServerId, event: PeerEvent) {
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.local(self.now);
        if let Some(node) = &mut server.node {
            node.handle_peer(local, event);
            self.perform(id);
        }
    }

    /// Does all that a server wants done. Its writes are done at once.
    fn perform(&mut self, id: ServerId) {
        loop {
            let server = self.servers.get_mut(&id).unwrap();
            let Some(node) = &mut server.node else { return };
            if let Some(output) = node.poll_peer_output() {
                self.perform_for_peers(id, output);
            } else if let Some(output) = node.poll_output() {
                self.perform_for_players(id, output);
            } else {
                break;
            }
        }
        let server = self.servers.get_mut(&id).unwrap();
        if server.node.as_ref().is_some_and(|node| node.is_finished()) {
            server.node = None;
            self.hang_up(id);
        }
    }

    fn perform_for_peers(&mut self, id: ServerId, output: PeerOutput) {
        match output {
            PeerOutput::Connect { peers } => {
                for peer in peers {
                    self.join(id, peer.server);
                }
            }
            PeerOutput::Frame { server, bytes } => {
                self.send(id, server, PeerEvent::Frame { server: id, bytes });
            }
            PeerOutput::Bulk { server, bytes } => {
                self.send(id, server, PeerEvent::Bulk { server: id, bytes });
            }
            PeerOutput::Datagram { server, bytes } => {
                self.send(id, server, PeerEvent::Datagram { server: id, bytes });
            }
            PeerOutput::Respond { request, bytes } => {
                let server = self.servers.get_mut(&id).unwrap();
                server.answers.insert(request, bytes);
            }
            PeerOutput::Store(write) => {
                let server = self.servers.get_mut(&id).unwrap();
                let number = write.id;
                disk::write(&mut server.stored, write);
                let local = server.local(self.now);
                let stored = PeerEvent::Stored { write: number };
                server.node.as_mut().unwrap().handle_peer(local, stored);
            }
        }
    }

    /// A connection between two servers comes up if both want it.
    fn join(&mut self, a: ServerId, b: ServerId) {
        let pair = (a.min(b), a.max(b));
        if self.servers.contains_key(&b) && self.is_alive(b) && self.connected.insert(pair) {
            let up = PeerEvent::Up { server: a };
            self.post(DELAY, Parcel::Peer(b, up));
            let up = PeerEvent::Up { server: b };
            self.post(DELAY, Parcel::Peer(a, up));
        }
    }

    fn send(&mut self, from: ServerId, to: ServerId, event: PeerEvent) {
        if let PeerEvent::Frame { bytes, .. }
        | PeerEvent::Bulk { bytes, .. }
        | PeerEvent::Datagram { bytes, .. } = &event
        {
            let sent = (self.now, to, bytes.clone());
            self.servers.get_mut(&from).unwrap().sent.push(sent);
        }
        if self.is_up(from, to) && !self.blocked.contains(&(from, to)) {
            self.post(DELAY, Parcel::Peer(to, event));
        }
    }

    fn is_up(&self, a: ServerId, b: ServerId) -> bool {
        self.connected.contains(&(a.min(b), a.max(b)))
    }

    fn perform_for_players(&mut self, id: ServerId, output: Output) {
        match output {
            Output::Connect { .. } => panic!("a node never connects"),
            Output::Frame { connection, bytes } => {
                self.say(id, connection, Said::Frame(bytes));
            }
            Output::Datagram { connection, bytes } => {
                self.say(id, connection, Said::Datagram(bytes));
            }
            Output::Close { connection, code } => self.close(id, connection, code),
        }
    }

    fn say(&mut self, id: ServerId, connection: ConnectionId, said: Said) {
        if self.muted.contains(&id) {
            return;
        }
        if let Some(&player) = self.connections.get(&(id, connection)) {
            self.post(DELAY, Parcel::Player(player, id, said));
        }
    }

    fn close(&mut self, id: ServerId, connection: ConnectionId, code: CloseCode) {
        self.say(id, connection, Said::Closed(CloseReason::ByPeer(code)));
        if self.connections.remove(&(id, connection)).is_some() {
            let reason = CloseReason::ByUs(code);
            let event = Event::Closed { connection, reason };
            self.post(Micros::ZERO, Parcel::Node(id, event));
        }
    }

    fn post(&mut self, delay: Micros, parcel: Parcel) {
        self.last_parcel += 1;
        self.contents.insert(self.last_parcel, parcel);
        let place = (self.now + delay, self.last_parcel);
        self.parcels.push(Reverse(place));
    }
}

impl Server {
    /// Its monotonic clock, which began with the machine.
    fn local(&self, now: Micros) -> Micros {
        let since = now.since(self.started_at).0.cast_signed();
        let gained = since * self.skew.drift_ppm / 1_000_000;
        (now + self.set_ahead).shifted(gained) + Micros::from_secs(500)
    }

    /// When its monotonic clock shows this, or later.
    fn global(&self, local: Micros) -> Micros {
        let begun = self.local(self.started_at);
        let passed = local.since(begun).0.cast_signed();
        let passed = passed - passed * self.skew.drift_ppm / 1_000_000 + 2;
        self.started_at.shifted(passed)
    }
}
