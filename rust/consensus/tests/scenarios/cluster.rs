//! The servers, the network between them, and time.

use std::collections::BTreeMap;

use bytes::Bytes;
use synced_consensus::{Config, GroupStatus, ProposeError, Role};
use synced_protocol::{
    id::{GroupId, LogIndex, ReplicaId, ServerId},
    time::Micros,
};

use crate::{
    checks::Checks,
    events::Event,
    faults::{Chance, Faults},
    server::{Clock, Server, State, Told},
};

pub(crate) const GROUP: GroupId = GroupId(0);

/// How long a dead server's connections seem to be up.
const IDLE_TIMEOUT: Micros = Micros::from_millis(150);

/// A cluster in virtual time.
pub(crate) struct Cluster {
    pub(crate) now: Micros,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) servers: BTreeMap<ServerId, Server>,
    pub(crate) checks: Checks,
    pub(crate) founders: Vec<ServerId>,
    pub(crate) groups: Vec<GroupId>,
    pub(crate) events: BTreeMap<(Micros, u64), Event>,
    pub(crate) numbered: u64,
    /// When the last frame of each lane arrives.
    pub(crate) arrivals: BTreeMap<(ServerId, ServerId, bool), Micros>,
    /// What was sent, in datagrams and otherwise.
    pub(crate) sent: BTreeMap<&'static str, u64>,
    /// What was sent by the bulk lane.
    pub(crate) bulk_bytes: usize,
    /// A number that follows from everything that was ever sent, when and by whom.
    pub(crate) transcript: u64,
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
            bulk_bytes: 0,
            transcript: 0,
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

    /// Runs until every server that is alive has the same log, and a leader.
    pub(crate) fn converge(&mut self, limit: Micros) {
        let end = self.now + limit;
        while !self.has_converged() {
            assert!(
                self.now < end,
                "no end within {limit:?}: {}",
                self.describe()
            );
            self.run(Micros(200));
        }
    }

    fn has_converged(&self) -> bool {
        let Some(leader) = self.leader() else {
            return false;
        };
        let led = self.status(leader);
        let same = |id: ServerId| {
            let s = self.status(id);
            let place = (s.leader, s.term, s.committed, s.applied);
            s.role == Role::Failed || place == (Some(leader), led.term, led.last, led.last)
        };
        self.alive().into_iter().all(same)
    }
}
