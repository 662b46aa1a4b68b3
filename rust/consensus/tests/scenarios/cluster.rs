//! The servers, the network between them, and time.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use synced_consensus::{Config, GroupStatus, Lane, News, Output, ProposeError, Role};
use synced_protocol::{
    id::{GroupId, LogIndex, ReplicaId, ServerId},
    store::{Durability, WriteId},
    time::Micros,
};

use crate::{
    checks::Checks,
    faults::{Chance, Faults},
    server::{Clock, Server, State, Told},
};

pub(crate) const GROUP: GroupId = GroupId(0);

/// How long a dead server's connections seem to be up.
const IDLE_TIMEOUT: Micros = Micros::from_millis(150);

enum Event {
    Deliver {
        from: ServerId,
        to: ServerId,
        life: u32,
        bytes: Bytes,
    },
    Stored {
        server: ServerId,
        life: u32,
        write: WriteId,
    },
    Down {
        server: ServerId,
        peer: ServerId,
        life: u32,
        peer_life: u32,
    },
}

/// A cluster in virtual time.
pub(crate) struct Cluster {
    pub(crate) now: Micros,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) servers: BTreeMap<ServerId, Server>,
    pub(crate) checks: Checks,
    pub(crate) founders: Vec<ServerId>,
    groups: Vec<GroupId>,
    events: BTreeMap<(Micros, u64), Event>,
    numbered: u64,
    /// When the last frame of each lane arrives.
    arrivals: BTreeMap<(ServerId, ServerId, bool), Micros>,
    /// What was sent, in datagrams and otherwise.
    pub(crate) sent: BTreeMap<&'static str, u64>,
}

pub(crate) fn server(number: u16) -> ServerId {
    ServerId(number)
}

impl Cluster {
    pub(crate) fn new(servers: u16, seed: u64) -> Self {
        Self::with(servers, seed, &[GROUP], |_| {})
    }

    pub(crate) fn with(
        servers: u16,
        seed: u64,
        groups: &[GroupId],
        set: impl Fn(&mut Config),
    ) -> Self {
        let founders: Vec<ServerId> = (1..=servers).map(ServerId).collect();
        let mut cluster = Self {
            now: Micros::from_secs(1),
            chance: Chance::new(seed),
            faults: Faults::default(),
            servers: BTreeMap::new(),
            checks: Checks::default(),
            founders: founders.clone(),
            groups: groups.to_vec(),
            events: BTreeMap::new(),
            numbered: 0,
            arrivals: BTreeMap::new(),
            sent: BTreeMap::new(),
        };
        for id in founders {
            cluster.add(id, 0, &set);
            // Nobody's ticks fall together with another's.
            let offset = Micros(cluster.chance.between(0, 999));
            cluster.servers.get_mut(&id).unwrap().clock.ahead = offset;
        }
        for id in cluster.founders.clone() {
            cluster.start(id);
        }
        cluster
    }

    /// A server that is not started yet.
    pub(crate) fn add(&mut self, id: ServerId, incarnation: u32, set: impl Fn(&mut Config)) {
        let mut config = Config::new(ReplicaId::new(id, incarnation));
        set(&mut config);
        self.servers
            .insert(id, Server::new(config, &self.groups, &self.founders));
    }

    pub(crate) fn set_clock(&mut self, id: ServerId, clock: Clock) {
        self.servers.get_mut(&id).unwrap().clock = clock;
    }

    /// Starts or restarts a server from its disk, and connects it with every other that is alive.
    pub(crate) fn start(&mut self, id: ServerId) {
        let now = self.now;
        self.servers.get_mut(&id).unwrap().begin(now);
        for other in self.alive() {
            if other != id {
                self.connect(id, other);
                self.connect(other, id);
            }
        }
        self.settle(id);
    }

    fn connect(&mut self, id: ServerId, peer: ServerId) {
        let now = self.now;
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.clock.local(now);
        server.consensus_mut().peer_down(local, peer);
        server.consensus_mut().peer_up(local, peer);
        self.settle(id);
    }

    /// The end of a process: what it had not stored is lost. The others notice after a while.
    pub(crate) fn kill(&mut self, id: ServerId) {
        let server = self.servers.get_mut(&id).unwrap();
        server.consensus = None;
        server.wake_at = None;
        let peer_life = server.life;
        for other in self.alive() {
            let life = self.servers[&other].life;
            self.schedule(
                self.now + IDLE_TIMEOUT,
                Event::Down {
                    server: other,
                    peer: id,
                    life,
                    peer_life,
                },
            );
        }
    }

    /// The end of a process, of its folder too: it comes back as another replica.
    pub(crate) fn kill_and_lose(&mut self, id: ServerId, incarnation: u32) {
        self.kill(id);
        let founders = self.founders.clone();
        self.servers
            .get_mut(&id)
            .unwrap()
            .refound(&founders, incarnation);
    }

    pub(crate) fn alive(&self) -> Vec<ServerId> {
        let alive = self
            .servers
            .iter()
            .filter(|(_, server)| server.consensus.is_some());
        alive.map(|(id, _)| *id).collect()
    }

    pub(crate) fn status(&self, id: ServerId) -> GroupStatus {
        self.status_of(id, GROUP)
    }

    pub(crate) fn status_of(&self, id: ServerId, group: GroupId) -> GroupStatus {
        self.servers[&id].consensus().status(group).unwrap()
    }

    pub(crate) fn state(&self, id: ServerId) -> &State {
        &self.servers[&id].groups[&GROUP].state
    }

    pub(crate) fn told(&self, id: ServerId, group: GroupId) -> Option<Told> {
        self.servers[&id].groups[&group].told
    }

    /// Whoever has said that it leads and not taken that back, in the latest term.
    pub(crate) fn leader_of(&self, group: GroupId) -> Option<ServerId> {
        let leading = self
            .alive()
            .into_iter()
            .filter_map(|id| match self.told(id, group) {
                Some(Told::Leading(term)) => Some((term, id)),
                _ => None,
            });
        leading.max().map(|(_, id)| id)
    }

    pub(crate) fn leader(&self) -> Option<ServerId> {
        self.leader_of(GROUP)
    }

    pub(crate) fn propose(
        &mut self,
        id: ServerId,
        group: GroupId,
        data: impl Into<Bytes>,
    ) -> Result<LogIndex, ProposeError> {
        let index = self
            .servers
            .get_mut(&id)
            .unwrap()
            .consensus_mut()
            .propose(group, data.into());
        self.settle(id);
        index
    }

    /// Lets something happen to one server's consensus, now.
    pub(crate) fn act<T>(
        &mut self,
        id: ServerId,
        act: impl FnOnce(&mut synced_consensus::Consensus, Micros) -> T,
    ) -> T {
        let now = self.now;
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.clock.local(now);
        let result = act(server.consensus_mut(), local);
        self.settle(id);
        result
    }

    /// Runs for a while.
    pub(crate) fn run(&mut self, span: Micros) {
        let end = self.now + span;
        while self.step(end) {}
        self.now = end;
    }

    pub(crate) fn run_ms(&mut self, span_ms: u64) {
        self.run(Micros::from_millis(span_ms));
    }

    /// Runs until something is so, for at most `limit`; how long it took.
    pub(crate) fn run_until(
        &mut self,
        limit: Micros,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Micros {
        let (begin, end) = (self.now, self.now + limit);
        while !done(self) {
            assert!(
                self.step(end),
                "it did not come about within {limit:?}: {}",
                self.describe()
            );
        }
        self.now.since(begin)
    }

    /// Runs until somebody leads; who.
    pub(crate) fn elect(&mut self) -> ServerId {
        self.run_until(Micros::from_secs(1), |cluster| cluster.leader().is_some());
        self.leader().unwrap()
    }

    /// Runs until an entry proposed at the leader is told there as committed.
    pub(crate) fn commit(&mut self, data: impl Into<Bytes>) -> LogIndex {
        let leader = self.leader().unwrap();
        let index = self.propose(leader, GROUP, data).unwrap();
        self.run_until(Micros::from_secs(1), |cluster| {
            cluster.state(leader).entries.contains_key(&index.0)
        });
        index
    }

    pub(crate) fn describe(&self) -> String {
        let line = |id: &ServerId| {
            let s = self.status(*id);
            format!(
                "\n{id}: {:?} {} leader {:?} last {} committed {} applied {} {:?} {:?}",
                s.role,
                s.term,
                s.leader,
                s.last,
                s.committed,
                s.applied,
                s.members.voters,
                s.failure
            )
        };
        self.alive().iter().map(line).collect()
    }

    /// Takes the next event before `end`; false when there is none.
    fn step(&mut self, end: Micros) -> bool {
        let wakes = self
            .servers
            .iter()
            .filter_map(|(id, server)| Some((server.wake_at?, *id)));
        let wake = wakes.min();
        let event = self.events.keys().next().copied();
        match (wake, event) {
            (Some((at, _)), Some((then, number))) if then <= at => self.take(end, (then, number)),
            (Some((at, id)), _) => self.wake(end, at, id),
            (None, Some(key)) => self.take(end, key),
            (None, None) => false,
        }
    }

    fn wake(&mut self, end: Micros, at: Micros, id: ServerId) -> bool {
        if at > end {
            return false;
        }
        self.now = at.max(self.now);
        let now = self.now;
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.clock.local(now);
        server.consensus_mut().advance(local);
        self.settle(id);
        true
    }

    fn take(&mut self, end: Micros, key: (Micros, u64)) -> bool {
        if key.0 > end {
            return false;
        }
        let Some(event) = self.events.remove(&key) else {
            return false;
        };
        self.now = key.0.max(self.now);
        match event {
            Event::Deliver {
                from,
                to,
                life,
                bytes,
            } => self.deliver(from, to, life, bytes),
            Event::Stored {
                server,
                life,
                write,
            } => self.stored(server, life, write),
            Event::Down {
                server,
                peer,
                life,
                peer_life,
            } => {
                let same =
                    self.servers[&server].life == life && self.servers[&peer].life == peer_life;
                if same && self.servers[&server].consensus.is_some() {
                    self.act(server, |consensus, now| consensus.peer_down(now, peer));
                }
            }
        }
        true
    }

    fn deliver(&mut self, from: ServerId, to: ServerId, life: u32, bytes: Bytes) {
        let server = &self.servers[&to];
        if server.stalled_until > self.now {
            let until = server.stalled_until;
            return self.schedule(
                until,
                Event::Deliver {
                    from,
                    to,
                    life,
                    bytes,
                },
            );
        }
        // A frame to a former life has no connection; a datagram has none either.
        if server.consensus.is_none() || server.life != life {
            return;
        }
        self.act(to, |consensus, now| consensus.receive(now, from, bytes))
            .unwrap();
    }

    fn stored(&mut self, id: ServerId, life: u32, write: WriteId) {
        let server = self.servers.get_mut(&id).unwrap();
        if server.consensus.is_none() || server.life != life {
            return;
        }
        while server
            .unstored
            .front()
            .is_some_and(|first| first.id <= write)
        {
            let first = server.unstored.pop_front().unwrap();
            server.write(first);
        }
        self.act(id, |consensus, now| consensus.stored(now, write));
    }

    fn schedule(&mut self, at: Micros, event: Event) {
        self.numbered += 1;
        self.events.insert((at, self.numbered), event);
    }

    /// Does everything that a server wants done, and sees to its next deadline.
    fn settle(&mut self, id: ServerId) {
        loop {
            let server = self.servers.get_mut(&id).unwrap();
            if let Some((group, news)) = server.consensus_mut().poll_news() {
                self.hear(id, group, news);
            } else if let Some(output) = server.consensus_mut().poll_output() {
                self.output(id, output);
            } else {
                break;
            }
        }
        let server = self.servers.get_mut(&id).unwrap();
        let deadline = server.consensus().poll_deadline().unwrap();
        server.wake_at = Some(server.clock.global(deadline).max(server.stalled_until));
        self.check_leases();
    }

    fn check_leases(&mut self) {
        for group in &self.groups {
            let holds = |id: &ServerId| {
                let server = &self.servers[id];
                server
                    .consensus()
                    .holds_lease(*group, server.clock.local(self.now))
            };
            let holders: Vec<ServerId> = self.alive().into_iter().filter(holds).collect();
            self.checks.leases(*group, &holders);
        }
    }

    fn hear(&mut self, id: ServerId, group: GroupId, news: News) {
        let server = self.servers.get_mut(&id).unwrap();
        let state = server.groups.get_mut(&group).unwrap();
        match news {
            News::Committed { index, term, data } => {
                assert!(
                    index > state.state.last(),
                    "{index} came to {id} out of order"
                );
                self.checks.commit(group, index, term, &data);
                state.state.entries.insert(index.0, data);
            }
            News::Restored { index, parts } => {
                state.state = State::from_parts(&parts);
                assert!(state.state.last() <= index);
                let log = &self.checks.committed;
                let same = |(i, data): (&u64, &Bytes)| {
                    log.get(&(group, *i)).is_some_and(|known| known.1 == *data)
                };
                assert!(
                    state.state.entries.iter().all(same),
                    "{id} restored what was not committed"
                );
            }
            News::Leading { term } => {
                self.checks.lead(group, term, id);
                state.told = Some(Told::Leading(term));
            }
            News::Following { term, leader } => state.told = Some(Told::Following(term, leader)),
            News::MembersChanged(members) => state.members = members,
            News::SnapshotWanted => {
                let (index, parts) = (state.state.last(), state.state.parts());
                let parts = if server.oversized {
                    vec![Bytes::new(); 5_000]
                } else {
                    parts
                };
                server.consensus_mut().snapshot(group, index, parts);
            }
        }
    }

    fn output(&mut self, id: ServerId, output: Output) {
        match output {
            Output::Send { to, lane, bytes } => self.send(id, to, lane, &bytes),
            Output::Store(write) => self.store(id, write),
            Output::Connect { .. } => {}
        }
    }

    fn store(&mut self, id: ServerId, write: synced_protocol::store::StoreWrite) {
        let now = self.now;
        let server = self.servers.get_mut(&id).unwrap();
        let local = server.clock.local(now);
        if let Some(reason) = server.disk_fails.clone() {
            return server.consensus_mut().store_failed(local, reason);
        }
        let (life, number, takes) = (server.life, write.id, server.write_takes);
        if write.durability == Durability::Memory {
            server.write(write);
            server.consensus_mut().stored(local, number);
        } else {
            server.unstored.push_back(write);
            self.schedule(
                now + takes,
                Event::Stored {
                    server: id,
                    life,
                    write: number,
                },
            );
        }
    }

    fn send(&mut self, from: ServerId, to: ServerId, lane: Lane, bytes: &Bytes) {
        let name = match lane {
            Lane::Frame => "frames",
            Lane::Bulk => "bulk",
            Lane::Datagram => "datagrams",
        };
        *self.sent.entry(name).or_default() += 1;
        let Some(life) = self.servers.get(&to).map(|server| server.life) else {
            return;
        };
        if self.faults.cut.contains(&(from, to)) {
            return;
        }
        let (low, high) = self.faults.delay;
        let loose = lane == Lane::Datagram || self.faults.frames_too;
        let copies = if !loose {
            1
        } else if self.chance.permille(self.faults.lost_permille) {
            0
        } else {
            1 + u64::from(self.chance.permille(self.faults.doubled_permille))
        };
        for _ in 0..copies {
            let mut at = self.now + Micros(self.chance.between(low.0, high.0));
            if !loose {
                let last = self
                    .arrivals
                    .entry((from, to, lane == Lane::Bulk))
                    .or_default();
                at = at.max(*last);
                *last = at;
            }
            self.schedule(
                at,
                Event::Deliver {
                    from,
                    to,
                    life,
                    bytes: bytes.clone(),
                },
            );
        }
    }

    /// Runs until every server that is alive has the same log, and a leader.
    pub(crate) fn converge(&mut self, limit: Micros) -> Micros {
        self.run_until(limit, |cluster| {
            let alive = cluster.alive();
            let voters: BTreeSet<ServerId> = alive
                .iter()
                .copied()
                .filter(|id| cluster.status(*id).role != Role::Failed)
                .collect();
            let Some(leader) = cluster.leader() else {
                return false;
            };
            let status = cluster.status(leader);
            let same = |id: &ServerId| {
                let s = cluster.status(*id);
                s.leader == Some(leader)
                    && s.committed == status.last
                    && s.applied == status.last
                    && s.term == status.term
            };
            status.leader == Some(leader) && voters.iter().all(same)
        })
    }
}
