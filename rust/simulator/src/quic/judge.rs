//! Who watches all servers and players of a run over QUIC, and holds them to the same promises as elsewhere.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use synced_consensus::{GroupStatus, Role};
use synced_protocol::{
    id::{LogIndex, ReplicaId, Term},
    store::{Members, StoreWrite, StoredGroup},
};

use crate::{
    check::{History, Promise, Told, Violation},
    disk::{Disk, WriteError},
    system::{GROUP, Heard, node::WorldOracle},
    trace::name,
};

/// A judge whom everybody tells.
#[derive(Debug, Clone)]
pub struct Judge(Arc<Mutex<Knowledge>>);

/// What the judge knows.
#[derive(Debug)]
pub struct Knowledge {
    /// What is committed.
    pub history: History<WorldOracle>,
    /// What players were told.
    pub told: Told,
    /// Every server's disk.
    pub disks: BTreeMap<u16, Disk>,
    /// How far each server that runs has come.
    pub applied: BTreeMap<u16, LogIndex>,
    /// What each player sees, and how much it waits for.
    pub players: BTreeMap<u64, Sees>,
    /// Who served last.
    pub serving: Option<u16>,
    /// Whether players do anything.
    pub is_playing: bool,
    leaders: BTreeMap<Term, ReplicaId>,
    /// The first promise that was broken.
    pub violation: Option<Violation>,
}

/// What a player sees.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sees {
    /// The state's place and digest, once it sees any.
    pub view: Option<(LogIndex, u64)>,
    /// What it waits for.
    pub pending: usize,
}

/// How a server stands after something came to it.
#[derive(Debug)]
pub struct Stand {
    /// Which server.
    pub host: u16,
    /// The last entry that had its effect.
    pub applied: LogIndex,
    /// Whether it would serve.
    pub serves: bool,
    /// Its consensus.
    pub status: Option<GroupStatus>,
}

impl Judge {
    /// A judge of a cluster with these members, each with a disk that was founded with this.
    #[must_use]
    pub fn new(members: &Members, founded: &StoredGroup) -> Self {
        let servers = members.voters.iter().map(|voter| voter.server().0);
        Self(Arc::new(Mutex::new(Knowledge {
            history: History::new(WorldOracle::default(), members.clone()),
            told: Told::default(),
            disks: servers
                .map(|server| (server, Disk::new(vec![founded.clone()])))
                .collect(),
            applied: BTreeMap::new(),
            players: BTreeMap::new(),
            serving: None,
            is_playing: true,
            leaders: BTreeMap::new(),
            violation: None,
        })))
    }

    /// What is known.
    pub fn knows(&self) -> MutexGuard<'_, Knowledge> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Knowledge {
    /// Keeps the first thing that is wrong.
    pub fn note(&mut self, checked: Result<(), Violation>) {
        if let (None, Err(violation)) = (&self.violation, checked) {
            self.violation = Some(violation);
        }
    }

    /// A server writes to its disk.
    ///
    /// # Errors
    /// What the system would say.
    pub fn write(&mut self, host: u16, write: StoreWrite) -> Result<(), String> {
        self.history.held(replica(host), &write.entries);
        let disk = self.disks.get_mut(&host).ok_or("no disk")?;
        disk.write(write).map_err(|error| {
            if let WriteError::Wrong(what) = &error {
                let wrong = Violation::new(Promise::SaneStore, format!("server {host}: {what}"));
                self.note(Err(wrong));
            }
            error.to_string()
        })
    }

    /// What came to a server had its effect; `digest` is that of its state.
    pub fn look(&mut self, stand: &Stand, digest: impl FnOnce() -> u64) {
        let checked = self.check(stand, digest);
        self.note(checked);
    }

    fn check(&mut self, stand: &Stand, digest: impl FnOnce() -> u64) -> Result<(), Violation> {
        self.check_leader(stand)?;
        let host = stand.host;
        let before = self.applied.insert(host, stand.applied).unwrap_or_default();
        if stand.applied == before {
            return Ok(());
        }
        self.follow(host, before, stand.applied)?;
        self.history.check_state(stand.applied, digest())
    }

    /// Every entry that a server has applied since is the one of the history, which begins behind what the cluster was founded with.
    fn follow(&mut self, host: u16, before: LogIndex, applied: LogIndex) -> Result<(), Violation> {
        let Some(image) = self.disks.get(&host).and_then(|disk| disk.group(GROUP)) else {
            return Ok(());
        };
        let founding = &image.snapshot;
        self.history.begin_behind(founding.index, founding.term);
        let from = image.first_known().max(before.next());
        for index in (from.0..=applied.0).map(LogIndex) {
            let Some(entry) = image.entry(index) else {
                let what = format!("server {host} applied {index}, which it never stored");
                return Err(Violation::new(Promise::SaneStore, what));
            };
            self.history.apply(entry)?;
        }
        Ok(())
    }

    fn check_leader(&mut self, stand: &Stand) -> Result<(), Violation> {
        let leads = stand.status.as_ref().filter(|s| s.role == Role::Leader);
        if let Some(status) = leads {
            let own = replica(stand.host);
            let leader = *self.leaders.entry(status.term).or_insert(own);
            if leader != own {
                let [one, other] = [leader, own].map(name);
                let what = format!("{one} and {other} were both elected in {}", status.term);
                return Err(Violation::new(Promise::OneLeader, what));
            }
        }
        if stand.serves {
            self.serving = Some(stand.host);
        }
        Ok(())
    }

    /// A player was told something.
    pub fn heard(&mut self, number: u64, heard: Heard) {
        let checked = self.told.heard(&self.history, number, heard);
        self.note(checked);
    }

    /// A player sees something.
    pub fn sees(&mut self, number: u64, sees: Sees) {
        self.players.insert(number, sees);
        let Some((index, digest)) = sees.view else {
            return;
        };
        let last = self.history.last();
        let checked = if index > last {
            let what = format!("player {number} sees {index} when {last} was the last committed");
            Err(Violation::new(Promise::NothingEarly, what))
        } else {
            self.history.check_view(index, digest)
        };
        self.note(checked);
    }

    /// What is not as it should be yet, once nobody does anything more.
    #[must_use]
    pub fn is_unsettled(&self) -> Option<String> {
        let last = self.history.last();
        let late = self.applied.iter().find(|(_, applied)| **applied < last);
        if let Some((host, applied)) = late {
            return Some(format!("server {host} is at {applied}, others at {last}"));
        }
        let view = self.history.view(last);
        let is_late = |sees: &Sees| sees.pending > 0 || sees.view.map(|(_, digest)| digest) != view;
        let (number, sees) = self.players.iter().find(|(_, sees)| is_late(sees))?;
        Some(format!(
            "player {number} stands at {sees:?}, {last} is last"
        ))
    }
}

/// Servers keep their disks in these runs, so that each stays the replica that it was.
#[must_use]
pub fn replica(host: u16) -> ReplicaId {
    ReplicaId::new(synced_protocol::id::ServerId(host), 0)
}
