//! What must hold at every moment, whatever goes wrong.

use std::collections::BTreeMap;

use bytes::Bytes;
use synced_protocol::id::{GroupId, LogIndex, ServerId, Term};

/// What the whole cluster has said so far.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// The one log of each group.
    pub(crate) committed: BTreeMap<(GroupId, u64), (Term, Bytes)>,
    leaders: BTreeMap<(GroupId, Term), ServerId>,
    /// Times that somebody held a lease while the checks looked.
    pub(crate) leases_seen: u64,
}

impl Checks {
    /// Every replica commits the same at the same place (State Machine Safety, Raft section 5.4.3).
    pub(crate) fn commit(&mut self, group: GroupId, index: LogIndex, term: Term, data: &Bytes) {
        let entry = (term, data.clone());
        let known = self
            .committed
            .entry((group, index.0))
            .or_insert_with(|| entry.clone());
        assert_eq!(
            *known, entry,
            "two entries were committed at {index} of {group}"
        );
    }

    /// A term has at most one leader (Election Safety, Raft section 5.2).
    pub(crate) fn lead(&mut self, group: GroupId, term: Term, server: ServerId) {
        let known = *self.leaders.entry((group, term)).or_insert(server);
        assert_eq!(known, server, "two servers lead {group} in {term}");
    }

    /// Nobody holds a lease beside another.
    pub(crate) fn leases(&mut self, group: GroupId, holders: &[ServerId]) {
        assert!(
            holders.len() <= 1,
            "{holders:?} hold the lease of {group} at once"
        );
        self.leases_seen += holders.len() as u64;
    }
}
