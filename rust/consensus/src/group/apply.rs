//! What is committed, in order.

use raft::eraftpb::{Entry, EntryType};
use synced_protocol::id::{LogIndex, Term};

use super::{Group, Io};
use crate::{
    codec::MembershipChange,
    engine::{conf_change, members_from},
    members::{self, readdress},
    news::News,
};

impl Group {
    pub(super) fn apply(&mut self, io: &mut Io<'_>, committed: Vec<Entry>) {
        let Some(last) = committed.last().map(|entry| entry.index) else {
            return;
        };
        for entry in committed {
            self.apply_entry(io, entry);
        }
        self.engine.advance_apply_to(last);
    }

    fn apply_entry(&mut self, io: &mut Io<'_>, entry: Entry) {
        let (index, term) = (entry.index, entry.term);
        self.applied = index;
        if entry.get_entry_type() != EntryType::EntryNormal {
            self.apply_change(io, index, &entry.context);
        } else if !entry.data.is_empty() {
            self.proposals.committed(entry.data.len());
            let news = News::Committed {
                index: LogIndex(index),
                term: Term(term),
                data: entry.data,
            };
            self.tell(io, news);
        }
        self.begin_serving(io, term);
    }

    /// The first entry of this leader's term is committed, so everything before it is.
    fn begin_serving(&mut self, io: &mut Io<'_>, term: u64) {
        let Some(leading) = self
            .leading
            .as_mut()
            .filter(|l| l.term == term && !l.serving)
        else {
            return;
        };
        leading.serving = true;
        self.told = None;
        self.tell(io, News::Leading { term: Term(term) });
    }

    /// Changes who takes part. A change that cannot be is passed over, on every replica alike.
    fn apply_change(&mut self, io: &mut Io<'_>, index: u64, change: &[u8]) {
        let Ok(change) = MembershipChange::decode(change) else {
            return;
        };
        let Ok(state) = self.engine.apply_conf_change(&conf_change(&change)) else {
            return;
        };
        let mut members = members_from(&state);
        readdress(&mut members, &self.members.addresses, &change.addresses);
        self.members = members;
        self.moved = true;
        self.history.push((index, self.members.clone()));
        self.tell(io, News::MembersChanged(self.members.clone()));
        if self.leads() && !members::deciders(&self.members).contains(&self.own) {
            self.abdicate(io);
        }
    }
}
