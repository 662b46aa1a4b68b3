//! The one line of committed entries, as the first server that applied each of them had it, linked by hashes, so that every other
//! server can be held to it.

use std::collections::{BTreeMap, BTreeSet};

use synced_protocol::{
    hlc::HlcTimestamp,
    id::{LogIndex, ReplicaId, Term, mix},
    store::{EntryKind, Members, RaftEntry},
};

use super::{Promise, Violation};
use crate::{
    system::{Meaning, Op, Oracle},
    trace::names,
};

/// The line, from index 1.
#[derive(Debug)]
pub struct History<O> {
    oracle: O,
    links: Vec<Link>,
    /// Who is known to hold what is not committed yet.
    holders: BTreeMap<(LogIndex, Term), Vec<ReplicaId>>,
    applied: BTreeMap<Op, LogIndex>,
    stamp: Option<HlcTimestamp>,
    /// Who took part when the last entry was applied, and before the change that came last.
    members: [Members; 2],
}

/// One entry of the line.
#[derive(Debug, Clone, Copy)]
struct Link {
    term: Term,
    /// A hash of this entry and of all before.
    chain: u64,
    /// Of a server's state after it.
    digest: u64,
    /// Of a player's view after it.
    view: u64,
}

impl<O: Oracle> History<O> {
    /// An empty line of a cluster with these members.
    pub fn new(oracle: O, members: Members) -> Self {
        Self {
            oracle,
            links: Vec::new(),
            holders: BTreeMap::new(),
            applied: BTreeMap::new(),
            stamp: None,
            members: [members.clone(), members],
        }
    }

    /// The last index of the line.
    #[must_use]
    pub const fn last(&self) -> LogIndex {
        LogIndex(self.links.len() as u64)
    }

    /// The term of the entry at an index of the line.
    #[must_use]
    pub fn term(&self, index: LogIndex) -> Option<Term> {
        self.link(index).map(|link| link.term)
    }

    /// A hash of everything up to now.
    #[must_use]
    pub fn chain(&self) -> u64 {
        self.links.last().map_or(0, |link| link.chain)
    }

    /// The digest of a player's view after an index.
    #[must_use]
    pub fn view(&self, index: LogIndex) -> Option<u64> {
        self.link(index).map(|link| link.view)
    }

    /// Where a proposal took effect.
    #[must_use]
    pub fn place(&self, op: Op) -> Option<LogIndex> {
        self.applied.get(&op).copied()
    }

    /// A replica holds entries as durably as was asked of it.
    pub fn held(&mut self, replica: ReplicaId, entries: &[RaftEntry]) {
        let last = self.last();
        for entry in entries.iter().filter(|entry| entry.index > last) {
            let holders = self.holders.entry((entry.index, entry.term)).or_default();
            if !holders.contains(&replica) {
                holders.push(replica);
            }
        }
    }

    /// Who takes part, as a server says that has applied everything.
    pub fn set_members(&mut self, members: Members) {
        if members != self.members[0] {
            self.members.swap(0, 1);
            self.members[0] = members;
        }
    }

    /// Who takes part.
    #[must_use]
    pub const fn members(&self) -> &Members {
        &self.members[0]
    }

    /// The line begins behind what a server's log was founded with. Later servers were founded alike.
    pub fn begin_behind(&mut self, index: LogIndex, term: Term) {
        while self.last() < index && self.applied.is_empty() {
            let (chain, digest, view) = (mix(self.last().0), 0, 0);
            self.links.push(Link {
                term,
                chain,
                digest,
                view,
            });
        }
    }

    /// A server has applied an entry.
    ///
    /// # Errors
    /// The promise that this breaks.
    pub fn apply(&mut self, entry: &RaftEntry) -> Result<(), Violation> {
        if entry.index > self.last().next() {
            let (index, last) = (entry.index, self.last());
            return Err(Violation::new(
                Promise::OneHistory,
                format!("{index} was applied, but nothing after {last} yet"),
            ));
        }
        match self.link(entry.index).copied() {
            Some(link) => self.compare(entry, link),
            None => self.append(entry),
        }
    }

    fn compare(&self, entry: &RaftEntry, link: Link) -> Result<(), Violation> {
        let before = LogIndex(entry.index.0 - 1);
        let chain = chain(self.link(before).map_or(0, |link| link.chain), entry);
        if chain == link.chain {
            return Ok(());
        }
        let (index, term, other) = (entry.index, entry.term, link.term);
        Err(Violation::new(
            Promise::OneHistory,
            format!("{index} was applied with an entry of {term}, elsewhere with one of {other}"),
        ))
    }

    fn append(&mut self, entry: &RaftEntry) -> Result<(), Violation> {
        self.check_quorum(entry)?;
        let meaning = match entry.kind {
            EntryKind::Normal if !entry.data.is_empty() => {
                let meaning = self.oracle.apply(entry);
                self.check_meaning(entry.index, meaning)?;
                meaning
            }
            _ => Meaning {
                digest: self.links.last().map_or(0, |link| link.digest),
                view: self.links.last().map_or(0, |link| link.view),
                ..Meaning::default()
            },
        };
        self.links.push(Link {
            term: entry.term,
            chain: chain(self.chain(), entry),
            digest: meaning.digest,
            view: meaning.view,
        });
        self.holders = self.holders.split_off(&(self.last().next(), Term(0)));
        Ok(())
    }

    fn check_quorum(&self, entry: &RaftEntry) -> Result<(), Violation> {
        let holders = self.holders.get(&(entry.index, entry.term));
        let holders = holders.map_or(&[][..], Vec::as_slice);
        let decides = |members: &Members| {
            is_quorum(&members.voters, holders) && is_quorum(&members.outgoing, holders)
        };
        // A change counts from when it is applied, so that entries right behind it may have been agreed upon before it.
        if self.members.iter().any(decides) {
            return Ok(());
        }
        let (index, term) = (entry.index, entry.term);
        let [now, before] = &self.members;
        let [holders, now, before] = [holders, &now.voters, &before.voters].map(names);
        Err(Violation::new(
            Promise::NothingEarly,
            format!(
                "{index} of {term} was applied when {holders:?} held it, of {now:?}, before {before:?}"
            ),
        ))
    }

    fn check_meaning(&mut self, index: LogIndex, meaning: Meaning) -> Result<(), Violation> {
        if let Some(stamp) = meaning.stamp {
            if let Some(before) = self.stamp.filter(|before| *before >= stamp) {
                return Err(Violation::new(
                    Promise::CauseFirst,
                    format!("{index} is stamped {stamp}, an entry before it {before}"),
                ));
            }
            self.stamp = Some(stamp);
        }
        let Some(op) = meaning.op.filter(|_| meaning.applied) else {
            return Ok(());
        };
        match self.applied.insert(op, index) {
            None => Ok(()),
            Some(first) => Err(Violation::new(
                Promise::ExactlyOnce,
                format!("proposal {} took effect at {first} and at {index}", op.0),
            )),
        }
    }

    /// A server has this digest of its state after an index.
    ///
    /// # Errors
    /// The promise that this breaks.
    pub fn check_state(&self, index: LogIndex, digest: u64) -> Result<(), Violation> {
        same(index, digest, self.link(index).map(|link| link.digest))
    }

    /// A player has this digest of its view after an index.
    ///
    /// # Errors
    /// The promise that this breaks.
    pub fn check_view(&self, index: LogIndex, digest: u64) -> Result<(), Violation> {
        same(index, digest, self.view(index))
    }

    fn link(&self, index: LogIndex) -> Option<&Link> {
        let place = index.0.checked_sub(1)?;
        self.links.get(usize::try_from(place).ok()?)
    }
}

fn same(index: LogIndex, digest: u64, expected: Option<u64>) -> Result<(), Violation> {
    if index == LogIndex::ZERO || expected == Some(digest) {
        return Ok(());
    }
    Err(Violation::new(
        Promise::SameState,
        format!("the state at {index} is {digest:016x}, not {expected:016x?}"),
    ))
}

fn chain(before: u64, entry: &RaftEntry) -> u64 {
    let start = mix(before ^ entry.term.0) ^ entry.index.0 ^ (entry.kind as u64) << 63;
    let mut hash = mix(start);
    for chunk in entry.data.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = mix(hash ^ u64::from_le_bytes(word));
    }
    hash ^ entry.data.len() as u64
}

fn is_quorum(voters: &[ReplicaId], holders: &[ReplicaId]) -> bool {
    let voters: BTreeSet<_> = voters.iter().collect();
    let held = holders.iter().filter(|holder| voters.contains(holder));
    voters.is_empty() || held.count() > voters.len() / 2
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use synced_protocol::id::ServerId;

    use super::*;
    use crate::system::engine::{Append, State};

    fn replicas() -> Vec<ReplicaId> {
        (1..=5).map(|id| ReplicaId::new(ServerId(id), 0)).collect()
    }

    fn history() -> History<State> {
        let members = Members {
            voters: replicas(),
            ..Members::default()
        };
        History::new(State::default(), members)
    }

    fn entry(index: u64, seq: u64, op: u64) -> RaftEntry {
        RaftEntry {
            index: LogIndex(index),
            term: Term(1),
            kind: EntryKind::Normal,
            data: Append {
                player: 1,
                seq,
                op: Op(op),
            }
            .encode(0),
        }
    }

    fn held_by(history: &mut History<State>, count: usize, entry: &RaftEntry) {
        for replica in &replicas()[..count] {
            history.held(*replica, std::slice::from_ref(entry));
        }
    }

    fn broken(result: Result<(), Violation>) -> Option<Promise> {
        result.err().map(|violation| violation.promise)
    }

    #[test]
    fn what_a_minority_holds_may_not_be_applied() {
        let mut history = history();
        let first = entry(1, 1, 1);
        held_by(&mut history, 2, &first);
        held_by(&mut history, 2, &first);
        assert_eq!(broken(history.apply(&first)), Some(Promise::NothingEarly));
        held_by(&mut history, 3, &first);
        assert_eq!(broken(history.apply(&first)), None);
    }

    #[test]
    fn two_servers_may_not_apply_different_entries_at_one_place_or_leave_one_out() {
        let mut history = history();
        let entries = [entry(1, 1, 1), entry(2, 2, 2), entry(3, 3, 3)];
        for entry in &entries {
            held_by(&mut history, 3, entry);
        }
        assert_eq!(broken(history.apply(&entries[0])), None);
        assert_eq!(broken(history.apply(&entries[0])), None);
        let other = RaftEntry {
            data: Bytes::from_static(b"else"),
            ..entry(1, 1, 1)
        };
        assert_eq!(broken(history.apply(&other)), Some(Promise::OneHistory));
        assert_eq!(
            broken(history.apply(&entries[2])),
            Some(Promise::OneHistory)
        );
    }

    #[test]
    fn one_proposal_may_not_take_effect_under_two_numbers() {
        let mut history = history();
        let entries = [entry(1, 1, 1), entry(2, 2, 1)];
        for entry in &entries {
            held_by(&mut history, 3, entry);
        }
        assert_eq!(broken(history.apply(&entries[0])), None);
        assert_eq!(
            broken(history.apply(&entries[1])),
            Some(Promise::ExactlyOnce)
        );
        assert_eq!(history.place(Op(1)), Some(LogIndex(2)));
    }

    #[test]
    fn a_state_is_compared_at_its_index() {
        let mut history = history();
        let first = entry(1, 1, 1);
        held_by(&mut history, 3, &first);
        history.apply(&first).unwrap();
        let digest = history.view(LogIndex(1)).unwrap();
        assert_eq!(broken(history.check_state(LogIndex(1), digest)), None);
        let other = history.check_state(LogIndex(1), digest ^ 1);
        assert_eq!(broken(other), Some(Promise::SameState));
        let beyond = history.check_state(LogIndex(2), digest);
        assert_eq!(broken(beyond), Some(Promise::SameState));
    }
}
