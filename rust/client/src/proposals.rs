//! A player's own proposals until they are decided.

use std::collections::VecDeque;

use bytes::Bytes;
use synced_protocol::{
    control::encode,
    id::ClientSeq,
    limits::MAX_MUTATION_BYTES,
    message::ClientMessage,
    mutation::{Limit, Rejection, Transaction},
    time::Micros,
};

use crate::{
    limits::{
        PROPOSAL_BURST_BYTES_MAX, PROPOSAL_BURST_MAX, PROPOSAL_BYTES_PER_SECOND_MAX,
        PROPOSALS_IN_FLIGHT_MAX, PROPOSALS_PENDING_BYTES_MAX, PROPOSALS_PENDING_MAX,
        PROPOSALS_PER_SECOND_MAX,
    },
    pacing::Bucket,
    sizes,
};

/// Tag and number of a proposal's frame, at their longest.
const PROPOSE_OVERHEAD_BYTES: usize = 16;

/// A proposal that is not decided yet.
#[derive(Debug)]
pub(crate) struct Pending {
    /// The game's number. It differs from the one on the wire once a proposal was rejected here: those have no gaps.
    pub(crate) seq: ClientSeq,
    /// When the game proposed it, in local time.
    pub(crate) proposed_at: Micros,
    wire_seq: ClientSeq,
    frame: Bytes,
}

/// No proposal of this number was ever sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NeverSent;

/// Proposals in order; the first `sent` of them are with the leader.
#[derive(Debug)]
pub(crate) struct Proposals {
    queue: VecDeque<Pending>,
    sent: usize,
    bytes: usize,
    last_wire_seq: ClientSeq,
    /// The newest that was ever sent, by this connection or one before.
    last_sent: ClientSeq,
    pace: Bucket,
    pace_bytes: Bucket,
}

impl Default for Proposals {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            sent: 0,
            bytes: 0,
            last_wire_seq: ClientSeq(0),
            last_sent: ClientSeq(0),
            pace: Bucket::new(PROPOSALS_PER_SECOND_MAX, PROPOSAL_BURST_MAX),
            pace_bytes: Bucket::new(PROPOSAL_BYTES_PER_SECOND_MAX, PROPOSAL_BURST_BYTES_MAX),
        }
    }
}

impl Proposals {
    /// Takes a proposal, or says at once why the leader could not.
    pub(crate) fn add(
        &mut self,
        now: Micros,
        seq: ClientSeq,
        transaction: Transaction,
    ) -> Result<(), Rejection> {
        sizes::check(&transaction)?;
        let wire_seq = self.last_wire_seq.next();
        let message = ClientMessage::Propose {
            seq: wire_seq,
            transaction,
        };
        let frame = encode(&message)
            .ok()
            .filter(|frame| frame.len() <= MAX_MUTATION_BYTES + PROPOSE_OVERHEAD_BYTES)
            .ok_or(Rejection::TooLarge(Limit::MutationBytes))?;
        let bytes = self.bytes + frame.len();
        if self.queue.len() >= PROPOSALS_PENDING_MAX || bytes > PROPOSALS_PENDING_BYTES_MAX {
            return Err(Rejection::TooMany);
        }
        self.bytes = bytes;
        self.last_wire_seq = wire_seq;
        self.queue.push_back(Pending {
            seq,
            proposed_at: now,
            wire_seq,
            frame,
        });
        Ok(())
    }

    /// The next frame to send, as long as the leader has not too many of them and did not just get too much.
    pub(crate) fn poll_frame(&mut self, now: Micros) -> Option<Bytes> {
        let next = self.next()?;
        if !self.pace.has(now, 1) || !self.pace_bytes.has(now, next.frame.len()) {
            return None;
        }
        let (frame, wire_seq) = (next.frame.clone(), next.wire_seq);
        self.pace.take(now, 1);
        self.pace_bytes.take(now, frame.len());
        self.last_sent = self.last_sent.max(wire_seq);
        self.sent += 1;
        Some(frame)
    }

    /// Whether a frame is to go that did not yet.
    pub(crate) fn has_unsent(&self) -> bool {
        self.next().is_some()
    }

    /// When the next frame may go; `None` when there is none, or none before a decision comes.
    pub(crate) fn poll_deadline(&self, now: Micros) -> Option<Micros> {
        let next = self.next()?;
        let bytes_at = self.pace_bytes.ready_at(now, next.frame.len());
        Some(bytes_at.max(self.pace.ready_at(now, 1)))
    }

    /// The game's number for a proposal that is not decided; `None` when it was decided before.
    pub(crate) fn find(&self, wire_seq: ClientSeq) -> Result<Option<ClientSeq>, NeverSent> {
        self.check_sent(wire_seq)?;
        Ok(self.place(wire_seq).map(|place| self.queue[place].seq))
    }

    /// Takes out a proposal that is decided now; `None` when it was decided before.
    pub(crate) fn decided(&mut self, wire_seq: ClientSeq) -> Result<Option<Pending>, NeverSent> {
        self.check_sent(wire_seq)?;
        Ok(self.place(wire_seq).and_then(|place| self.take(place)))
    }

    /// Prepares for a new connection to a leader that decided everything up to `last_wire_seq`: what came later is to be
    /// sent again.
    pub(crate) fn resume(&mut self, last_wire_seq: ClientSeq) {
        self.sent = self.decided_up_to(last_wire_seq);
    }

    /// Takes out the oldest proposal up to `last_wire_seq`.
    pub(crate) fn settle(&mut self, last_wire_seq: ClientSeq) -> Option<Pending> {
        if self.queue.front()?.wire_seq > last_wire_seq {
            return None;
        }
        self.take(0)
    }

    /// A leader can speak only of what was sent.
    pub(crate) fn check_sent(&self, wire_seq: ClientSeq) -> Result<(), NeverSent> {
        if wire_seq <= self.last_sent {
            Ok(())
        } else {
            Err(NeverSent)
        }
    }

    fn next(&self) -> Option<&Pending> {
        let next = self.queue.get(self.sent)?;
        (self.sent < PROPOSALS_IN_FLIGHT_MAX).then_some(next)
    }

    fn decided_up_to(&self, wire_seq: ClientSeq) -> usize {
        self.queue
            .partition_point(|pending| pending.wire_seq <= wire_seq)
    }

    fn place(&self, wire_seq: ClientSeq) -> Option<usize> {
        let found = self
            .queue
            .binary_search_by_key(&wire_seq, |pending| pending.wire_seq);
        found.ok()
    }

    fn take(&mut self, place: usize) -> Option<Pending> {
        let pending = self.queue.remove(place)?;
        self.bytes -= pending.frame.len();
        self.sent -= usize::from(place < self.sent);
        Some(pending)
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::{
        control::decode,
        id::{NodeId, PropertyId},
        limits::{MAX_VALUE_BYTES, MAX_VALUE_DEPTH},
        mutation::Mutation,
        value::Value,
    };

    use super::*;

    fn despawn() -> Transaction {
        Mutation::Despawn { node: NodeId(1) }.into()
    }

    fn setting(values: Vec<Value>) -> Transaction {
        let properties = (0..).map(PropertyId).zip(values).collect();
        let node = NodeId(1);
        Mutation::SetProperties { node, properties }.into()
    }

    fn wire_seqs(proposals: &mut Proposals) -> Vec<u64> {
        let frames = std::iter::from_fn(|| proposals.poll_frame(Micros::ZERO));
        let seqs = frames.map(|frame| match decode(&frame) {
            Ok(ClientMessage::Propose { seq, .. }) => seq.0,
            other => panic!("{other:?}"),
        });
        seqs.collect()
    }

    fn add_many(proposals: &mut Proposals, count: usize) -> Result<(), Rejection> {
        (0..count).try_for_each(|_| proposals.add(Micros::ZERO, ClientSeq(1), despawn()))
    }

    #[test]
    fn no_more_than_the_window_is_with_the_leader_and_a_decision_lets_the_next_go() {
        let mut proposals = Proposals::default();
        add_many(&mut proposals, PROPOSALS_IN_FLIGHT_MAX + 2).unwrap();
        assert_eq!(wire_seqs(&mut proposals).len(), PROPOSALS_IN_FLIGHT_MAX);
        assert!(proposals.decided(ClientSeq(1)).unwrap().is_some());
        assert_eq!(
            wire_seqs(&mut proposals),
            [PROPOSALS_IN_FLIGHT_MAX as u64 + 1]
        );
    }

    #[test]
    fn no_more_proposals_and_no_more_bytes_than_their_rates_are_sent() {
        let mut proposals = Proposals::default();
        let bytes =
            |large| Value::PackedByteArray(vec![0; if large { MAX_VALUE_BYTES - 8 } else { 0 }]);
        let (mut now, mut count, mut bytes_sent) = (Micros::ZERO, 0, 0);
        let allowed = |per_second: u32, burst: u32, now: Micros| {
            f64::from(per_second) * now.as_secs_f64() + f64::from(burst) + 1.0
        };
        for place in 0..2_000 {
            let transaction = setting(vec![bytes(place >= 1_000)]);
            proposals.add(now, ClientSeq(1), transaction).unwrap();
            now = proposals.poll_deadline(now).unwrap();
            bytes_sent += proposals.poll_frame(now).unwrap().len();
            count += 1;
            assert!(proposals.decided(ClientSeq(count)).unwrap().is_some());
            let most = allowed(PROPOSALS_PER_SECOND_MAX, PROPOSAL_BURST_MAX, now);
            assert!(count as f64 <= most, "{count} at {now:?}");
            let most = allowed(PROPOSAL_BYTES_PER_SECOND_MAX, PROPOSAL_BURST_BYTES_MAX, now);
            assert!(bytes_sent as f64 <= most, "{bytes_sent} at {now:?}");
            assert!(
                place < 999 || now > Micros(700_000),
                "a thousand take their time"
            );
        }
        assert!(
            now > Micros::from_secs(6),
            "sixteen megabytes take their time"
        );
    }

    #[test]
    fn what_is_pending_is_bounded_in_number_and_in_bytes() {
        let mut proposals = Proposals::default();
        add_many(&mut proposals, PROPOSALS_PENDING_MAX).unwrap();
        assert_eq!(add_many(&mut proposals, 1), Err(Rejection::TooMany));

        let mut proposals = Proposals::default();
        let large = || {
            setting(vec![
                Value::PackedByteArray(vec![0; MAX_VALUE_BYTES - 8]);
                2
            ])
        };
        let refused = (0..PROPOSALS_PENDING_MAX)
            .find_map(|_| proposals.add(Micros::ZERO, ClientSeq(1), large()).err());
        assert_eq!(refused, Some(Rejection::TooMany));
        assert!(proposals.bytes <= PROPOSALS_PENDING_BYTES_MAX);
    }

    #[test]
    fn what_no_leader_could_take_is_rejected_here_and_leaves_no_gap_on_the_wire() {
        let mut proposals = Proposals::default();
        let mut add = |seq, transaction| proposals.add(Micros::ZERO, ClientSeq(seq), transaction);
        let too_large = |limit| Err(Rejection::TooLarge(limit));
        let deep = (0..=MAX_VALUE_DEPTH).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
        let half = Value::PackedByteArray(vec![0; MAX_VALUE_BYTES - 8]);

        assert_eq!(add(1, despawn()), Ok(()));
        assert_eq!(
            add(2, setting(vec![half; 3])),
            too_large(Limit::MutationBytes)
        );
        let over = Value::String("x".repeat(MAX_VALUE_BYTES + 1));
        assert_eq!(add(3, setting(vec![over])), too_large(Limit::ValueBytes));
        assert_eq!(add(4, setting(vec![deep])), too_large(Limit::ValueDepth));
        assert_eq!(add(5, despawn()), Ok(()));
        assert_eq!(wire_seqs(&mut proposals), [1, 2]);
        assert_eq!(proposals.find(ClientSeq(2)), Ok(Some(ClientSeq(5))));
    }

    #[test]
    fn after_a_lost_connection_just_what_was_not_decided_is_sent_again() {
        let mut proposals = Proposals::default();
        add_many(&mut proposals, 4).unwrap();
        assert_eq!(wire_seqs(&mut proposals), [1, 2, 3, 4]);
        assert!(proposals.decided(ClientSeq(1)).unwrap().is_some());
        proposals.resume(ClientSeq(2));
        assert_eq!(wire_seqs(&mut proposals), [3, 4]);
        let second = proposals.decided(ClientSeq(2)).unwrap();
        assert!(second.is_some(), "its decision is still to be heard");
    }

    #[test]
    fn a_decision_that_is_told_again_is_known_and_one_about_what_was_never_sent_is_found_out() {
        let mut proposals = Proposals::default();
        add_many(&mut proposals, 2).unwrap();
        assert!(proposals.poll_frame(Micros::ZERO).is_some());
        assert!(proposals.decided(ClientSeq(1)).unwrap().is_some());
        assert!(proposals.decided(ClientSeq(1)).unwrap().is_none());
        assert!(proposals.decided(ClientSeq(2)).is_err());
    }
}
