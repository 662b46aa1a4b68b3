//! One server: its consensus, its disk, its clock, and a state that its groups' logs make.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use synced_consensus::{Config, Consensus};
use synced_protocol::{
    id::{GroupId, LogIndex, ReplicaId, ServerId, Term},
    limits::MAX_FRAME_BYTES,
    peer::PeerAddress,
    store::{HardState, LogSnapshot, MemberAddress, Members, StoreWrite, StoredGroup},
    time::Micros,
};

/// A clock that differs from the true time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    pub(crate) ahead: Micros,
    /// How much faster it runs.
    pub(crate) drift_ppm: i64,
}

impl Clock {
    pub(crate) fn local(self, now: Micros) -> Micros {
        let drift = i64::try_from(now.0).unwrap() * self.drift_ppm / 1_000_000;
        (now + self.ahead).shifted(drift)
    }

    /// The true time at which it shows this at the earliest.
    pub(crate) fn global(self, local: Micros) -> Micros {
        let mut now = Micros(
            local.since(self.ahead).0 * 1_000_000 / (1_000_000 + self.drift_ppm).unsigned_abs(),
        );
        while self.local(now) < local {
            now = now + Micros(1);
        }
        now
    }
}

/// What a group's log makes: the entries themselves.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) entries: BTreeMap<u64, Bytes>,
}

impl State {
    pub(crate) fn last(&self) -> LogIndex {
        LogIndex(self.entries.keys().next_back().copied().unwrap_or_default())
    }

    pub(crate) fn parts(&self) -> Vec<Bytes> {
        let mut parts = vec![Vec::new()];
        for (index, data) in &self.entries {
            if parts.last().unwrap().len() + data.len() + 12 > MAX_FRAME_BYTES {
                parts.push(Vec::new());
            }
            let part = parts.last_mut().unwrap();
            part.extend_from_slice(&index.to_le_bytes());
            part.extend_from_slice(&u32::try_from(data.len()).unwrap().to_le_bytes());
            part.extend_from_slice(data);
        }
        parts.into_iter().map(Bytes::from).collect()
    }

    pub(crate) fn from_parts(parts: &[Bytes]) -> Self {
        let mut entries = BTreeMap::new();
        for part in parts {
            let mut rest = part.clone();
            while !rest.is_empty() {
                let index = u64::from_le_bytes(rest.split_to(8)[..].try_into().unwrap());
                let length = u32::from_le_bytes(rest.split_to(4)[..].try_into().unwrap());
                entries.insert(index, rest.split_to(usize::try_from(length).unwrap()));
            }
        }
        Self { entries }
    }
}

/// Who leads, as news told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Leading(Term),
    Following(Term, Option<ServerId>),
}

/// One group of one server, beside its consensus.
#[derive(Debug)]
pub(crate) struct GroupState {
    pub(crate) stored: StoredGroup,
    pub(crate) state: State,
    pub(crate) told: Option<Told>,
    pub(crate) members: Members,
}

/// One server.
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    /// `None` while it is dead.
    pub(crate) consensus: Option<Consensus>,
    pub(crate) groups: BTreeMap<GroupId, GroupState>,
    /// Written, not stored yet.
    pub(crate) unstored: VecDeque<StoreWrite>,
    /// How long a write takes, under `Durability::Disk`.
    pub(crate) write_takes: Micros,
    /// How often it has begun.
    pub(crate) life: u32,
    /// Nothing reaches it before.
    pub(crate) stalled_until: Micros,
    pub(crate) wake_at: Option<Micros>,
    /// Why its disk fails from now on.
    pub(crate) disk_fails: Option<String>,
    /// Whether it has more parts to a snapshot than there may be.
    pub(crate) oversized: bool,
}

/// The servers, each at an address.
pub(crate) fn addresses(servers: &[ServerId]) -> Vec<MemberAddress> {
    let address = |server: &ServerId| MemberAddress {
        peer: PeerAddress {
            server: *server,
            address: format!("peer-{}:1", server.0),
        },
        players: format!("players-{}:2", server.0),
    };
    servers.iter().map(address).collect()
}

/// A folder as it is founded.
pub(crate) fn founded(group: GroupId, founders: &[ServerId]) -> StoredGroup {
    let voters = founders
        .iter()
        .map(|server| ReplicaId::new(*server, 0))
        .collect();
    let members = Members {
        voters,
        addresses: addresses(founders),
        ..Members::default()
    };
    let snapshot = LogSnapshot {
        index: LogIndex(0),
        term: Term(0),
        members,
        parts: Vec::new(),
    };
    StoredGroup {
        group,
        hard_state: HardState::default(),
        snapshot: Arc::new(snapshot),
        entries: Vec::new(),
    }
}

impl Server {
    pub(crate) fn new(config: Config, groups: &[GroupId], founders: &[ServerId]) -> Self {
        let group = |group: &GroupId| {
            let stored = founded(*group, founders);
            let members = stored.snapshot.members.clone();
            let state = GroupState {
                stored,
                state: State::default(),
                told: None,
                members,
            };
            (*group, state)
        };
        Self {
            config,
            clock: Clock::default(),
            consensus: None,
            groups: groups.iter().map(group).collect(),
            unstored: VecDeque::new(),
            write_takes: Micros(2_000),
            life: 0,
            stalled_until: Micros::ZERO,
            wake_at: None,
            disk_fails: None,
            oversized: false,
        }
    }

    /// Begins from what its disk holds.
    pub(crate) fn begin(&mut self, now: Micros) {
        self.life += 1;
        self.unstored.clear();
        let stored = self
            .groups
            .values()
            .map(|group| group.stored.clone())
            .collect();
        for group in self.groups.values_mut() {
            group.state = State::default();
            group.told = None;
        }
        let local = self.clock.local(now);
        self.consensus = Some(Consensus::new(self.config.clone(), local, stored).unwrap());
        self.wake_at = None;
    }

    /// Loses its memory and comes back as another replica.
    pub(crate) fn refound(&mut self, founders: &[ServerId], incarnation: u32) {
        self.config.replica = ReplicaId::new(self.config.replica.server(), incarnation);
        for (id, group) in &mut self.groups {
            group.stored = founded(*id, founders);
        }
    }

    /// The disk takes a write, whole.
    pub(crate) fn write(&mut self, write: StoreWrite) {
        let stored = &mut self.groups.get_mut(&write.group).unwrap().stored;
        if let Some(snapshot) = write.snapshot {
            stored.entries.retain(|entry| entry.index > snapshot.index);
            stored.snapshot = snapshot;
        }
        if let Some(first) = write.entries.first() {
            stored.entries.retain(|entry| entry.index < first.index);
            let last = stored
                .entries
                .last()
                .map_or(stored.snapshot.index, |entry| entry.index);
            assert_eq!(last.next(), first.index, "the log on disk would have a gap");
        }
        stored.entries.extend(write.entries);
        if let Some(hard_state) = write.hard_state {
            assert!(
                hard_state.term >= stored.hard_state.term,
                "the term on disk would go back"
            );
            stored.hard_state = hard_state;
        }
    }

    pub(crate) fn consensus(&self) -> &Consensus {
        self.consensus.as_ref().unwrap()
    }

    pub(crate) fn consensus_mut(&mut self) -> &mut Consensus {
        self.consensus.as_mut().unwrap()
    }
}
