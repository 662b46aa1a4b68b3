//! How long nobody else can have been elected.
//!
//! A follower that hears a heartbeat elects nobody else for a while (see [`loyalty`](super::election::loyalty)), and says in its answer how
//! long that is: servers may be configured differently while they are restarted one by one to wait longer. (One that is restarted to wait
//! less does not remember what it promised: see [`Config::election_ticks`](crate::Config).) It heard it after it was sent, so from the
//! time of sending on, by the leader's own clock and less what two clocks may differ in speed, a leader whose heartbeat a quorum has
//! acknowledged has no rival. What the engine offers instead counts ticks and goes by the time of
//! receipt.

use std::{cmp::Reverse, collections::BTreeMap};

use synced_protocol::{id::ReplicaId, store::Members, time::Micros};

use crate::members::{deciders, quorum_reached};

/// The part of a span by which one server's clock may run faster than another's: one in a hundred, which is a hundred times what
/// quartz does.
const DRIFT: u64 = 100;

/// What the others acknowledged to this leader.
#[derive(Debug, Default)]
pub(super) struct Lease {
    /// When the latest heartbeat was sent that each acknowledged.
    acknowledged: BTreeMap<ReplicaId, Micros>,
    /// Until when each elects nobody else, by this server's clock.
    promised: BTreeMap<ReplicaId, Micros>,
    /// Ticks since each was heard.
    silence: BTreeMap<ReplicaId, u32>,
    /// Since leadership is to be handed over, for the rest of the term.
    revoked: bool,
}

impl Lease {
    pub(super) fn revoke(&mut self) {
        self.revoked = true;
    }

    /// Takes a revocation back, when nobody was asked to take over yet.
    pub(super) fn restore(&mut self) {
        self.revoked = false;
    }

    /// Another replica has acknowledged the heartbeat that was sent then, and from there on elects nobody else for so long by its clock.
    pub(super) fn acknowledge(&mut self, replica: ReplicaId, sent_at: Micros, promise: Micros) {
        let until = sent_at + (promise - Micros(promise.0.div_ceil(DRIFT)));
        let latest = self.acknowledged.entry(replica).or_default();
        *latest = sent_at.max(*latest);
        let latest = self.promised.entry(replica).or_default();
        *latest = until.max(*latest);
        self.hear(replica);
    }

    /// Another replica was heard.
    pub(super) fn hear(&mut self, replica: ReplicaId) {
        self.silence.insert(replica, 0);
    }

    pub(super) fn tick(&mut self, members: &Members, own: ReplicaId) {
        let others = deciders(members)
            .into_iter()
            .chain(members.learners.iter().copied());
        for replica in others.filter(|replica| *replica != own) {
            *self.silence.entry(replica).or_default() += 1;
        }
    }

    /// Ticks since a replica was heard.
    pub(super) fn silence(&self, replica: ReplicaId) -> Option<u32> {
        self.silence.get(&replica).copied()
    }

    /// Ticks since a quorum was heard.
    pub(super) fn quorum_silence(&self, members: &Members, own: ReplicaId) -> u32 {
        let silence = |replica| {
            if replica == own {
                Some(Reverse(0))
            } else {
                self.silence(replica).map(Reverse)
            }
        };
        quorum_reached(members, silence).map_or(0, |Reverse(ticks)| ticks)
    }

    pub(super) fn acknowledged(&self, replica: ReplicaId) -> Option<Micros> {
        self.acknowledged.get(&replica).copied()
    }

    /// Until when nobody else can have been elected.
    pub(super) fn until(&self, members: &Members, own: ReplicaId) -> Option<Micros> {
        if self.revoked {
            return None;
        }
        let promised = |replica| {
            if replica == own {
                Some(Micros(u64::MAX))
            } else {
                self.promised.get(&replica).copied()
            }
        };
        quorum_reached(members, promised)
    }
}
