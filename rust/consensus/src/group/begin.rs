//! How a group begins, from what was stored.

use std::{collections::BTreeMap, sync::Arc};

use raft::{Config as EngineConfig, RawNode, eraftpb};
use synced_protocol::{
    id::{LogIndex, ReplicaId, Term},
    limits::MAX_SERVERS,
    store::{EntryKind, HardState, LogSnapshot, Members, RaftEntry, StoredGroup},
};

use super::{
    Group, Io,
    election::{DOUBLINGS_MAX, Election},
    flow::Flow,
    lease::Lease,
    proposals::Proposals,
};
use crate::{
    codec::{MembershipChange, NUMBER_MAX},
    config::Config,
    engine::{Log, entry_into},
    error::ConsensusError,
    members,
    news::News,
    status::Counters,
};

/// The founding takes the first place in the log, so that whoever comes later cannot take an empty log for it.
const FOUNDING_INDEX: LogIndex = LogIndex(1);
const FOUNDING_TERM: Term = Term(1);
/// The most bytes of entries in one append to a follower; a larger entry travels alone.
const APPEND_BYTES_MAX: u64 = 128 * 1024;
/// The most appends on their way to one follower.
const APPENDS_IN_FLIGHT_MAX: usize = 64;

// The engine's measure of an entry is above what the codec makes of it.
const _: () = assert!(APPEND_BYTES_MAX as usize + 1024 <= crate::output::MAX_MESSAGE_BYTES);

impl Group {
    /// Begins with what was stored. What it says, news tells.
    pub(crate) fn begin(stored: StoredGroup, io: &mut Io<'_>) -> Result<Self, ConsensusError> {
        let (id, own) = (stored.group, io.config.replica);
        check(&stored).map_err(|what| ConsensusError::Stored(id, what))?;
        let founding = stored.snapshot.index == LogIndex::ZERO;
        let StoredGroup {
            snapshot,
            hard_state,
            entries,
            ..
        } = placed(stored, own);
        let entries = entries.into_iter().map(entry_into).collect();
        let log = Log::new(
            Arc::clone(&snapshot),
            entries,
            engine_hard_state(hard_state, &snapshot),
        );
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let engine = RawNode::new(&engine_config(io.config, &snapshot), log, &logger)
            .map_err(|error| ConsensusError::Stored(id, error.to_string()))?;
        let mut group = Self {
            id,
            own,
            engine,
            members: snapshot.members.clone(),
            history: vec![(snapshot.index.0, snapshot.members.clone())],
            applied: snapshot.index.0,
            unstored: std::collections::VecDeque::new(),
            election: Election::new(io.now),
            lease: Lease::default(),
            flow: Flow::default(),
            leading: None,
            told: None,
            proposals: Proposals::default(),
            handover: None,
            wanted: None,
            moved: true,
            sending: BTreeMap::new(),
            receiving: None,
            restoring: None,
            snapshot_wanted: None,
            counters: Counters::default(),
            failure: None,
        };
        if founding && snapshot.index == FOUNDING_INDEX {
            group.store_founding(io, snapshot);
        } else {
            group.tell_restored(io, &snapshot);
        }
        group.tell(io, News::MembersChanged(group.members.clone()));
        group.pump(io);
        Ok(group)
    }

    fn store_founding(&self, io: &mut Io<'_>, snapshot: Arc<LogSnapshot>) {
        self.write(io, |write| {
            write.snapshot = Some(snapshot);
            write.hard_state = Some(HardState {
                term: FOUNDING_TERM,
                vote: None,
                committed: FOUNDING_INDEX,
            });
        });
    }

    /// Tells what a snapshot says. The founding says nothing: the world is empty there.
    pub(super) fn tell_restored(&self, io: &mut Io<'_>, snapshot: &LogSnapshot) {
        if !snapshot.parts.is_empty() {
            let (index, parts) = (snapshot.index, snapshot.parts.clone());
            self.tell(io, News::Restored { index, parts });
        }
    }
}

/// Puts a founding in its place. A replica that was not there when the cluster was founded knows nothing: the leader will send it
/// a snapshot.
fn placed(mut stored: StoredGroup, own: ReplicaId) -> StoredGroup {
    if stored.snapshot.index != LogIndex::ZERO {
        return stored;
    }
    let mut snapshot = (*stored.snapshot).clone();
    if members::contains(&snapshot.members, own) {
        snapshot.index = FOUNDING_INDEX;
        snapshot.term = FOUNDING_TERM;
        stored.hard_state.term = stored.hard_state.term.max(FOUNDING_TERM);
    } else {
        snapshot.members = Members::default();
    }
    stored.snapshot = Arc::new(snapshot);
    stored
}

/// Whether what was stored can have been written by this program.
fn check(stored: &StoredGroup) -> Result<(), String> {
    let snapshot = &stored.snapshot;
    members::check(&snapshot.members)?;
    if snapshot.index == LogIndex::ZERO && !stored.entries.is_empty() {
        return Err("entries follow on a founding that was never begun with".to_owned());
    }
    let mut last = (snapshot.index, snapshot.term);
    for entry in &stored.entries {
        check_entry(entry, last)?;
        last = (entry.index, entry.term);
    }
    let hard_state = &stored.hard_state;
    if hard_state.committed > last.0 || last.1.0 > hard_state.term.0.max(snapshot.term.0) {
        return Err(format!(
            "it ends at {} of {}, while {} in {} is committed",
            last.0, last.1, hard_state.committed, hard_state.term
        ));
    }
    if hard_state.term.0.max(last.0.0) >= NUMBER_MAX {
        return Err(format!("{} or {} is out of range", hard_state.term, last.0));
    }
    Ok(())
}

fn check_entry(entry: &RaftEntry, last: (LogIndex, Term)) -> Result<(), String> {
    if entry.index != last.0.next() || entry.term < last.1 {
        return Err(format!(
            "{} of {} follows on {} of {}",
            entry.index, entry.term, last.0, last.1
        ));
    }
    if entry.kind == EntryKind::Membership {
        MembershipChange::decode(&entry.data)
            .map_err(|error| format!("the change of members at {}: {error}", entry.index))?;
    }
    Ok(())
}

fn engine_hard_state(stored: HardState, snapshot: &LogSnapshot) -> eraftpb::HardState {
    eraftpb::HardState {
        term: stored.term.0.max(snapshot.term.0),
        vote: stored.vote.map_or(raft::INVALID_ID, |vote| vote.0),
        commit: stored.committed.0.max(snapshot.index.0),
        ..eraftpb::HardState::default()
    }
}

/// The engine counts ticks. What it would do by the clock but only knows in ticks, it is told not to do: see `election`.
fn engine_config(config: &Config, snapshot: &LogSnapshot) -> EngineConfig {
    let election = config.election_ticks as usize;
    let line = config.stagger_ticks as usize * 2 * MAX_SERVERS;
    EngineConfig {
        id: config.replica.0,
        election_tick: election,
        heartbeat_tick: config.heartbeat_ticks as usize,
        min_election_tick: election,
        max_election_tick: (election << DOUBLINGS_MAX) + line + 1,
        applied: snapshot.index.0,
        max_size_per_msg: APPEND_BYTES_MAX,
        max_inflight_msgs: APPENDS_IN_FLIGHT_MAX,
        pre_vote: true,
        check_quorum: false,
        skip_bcast_commit: true,
        ..EngineConfig::default()
    }
}
