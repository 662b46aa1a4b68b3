//! This player's own proposals that are not decided yet, and what of them shows already.

use synced_protocol::{
    id::{ClientSeq, NodeId, PropertyId},
    mutation::{Mutation, Transaction},
};

use crate::core::Core;

/// An own proposal that is not decided yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub seq: ClientSeq,
    pub touches: Vec<Touch>,
}

/// What an own proposal shows already, and what has to be taken back when it is rejected.
#[derive(Debug, Clone)]
pub(crate) enum Touch {
    Property(NodeId, PropertyId),
    Settle(NodeId, PropertyId),
    Spawn(NodeId),
    Declare(NodeId),
    Ownership(NodeId),
    GiveAway(NodeId),
    Reparent(NodeId),
    Despawn(NodeId),
    Call(NodeId),
}

impl Touch {
    pub(crate) const fn node(&self) -> NodeId {
        match self {
            Self::Property(node, _)
            | Self::Settle(node, _)
            | Self::Spawn(node)
            | Self::Declare(node)
            | Self::Ownership(node)
            | Self::GiveAway(node)
            | Self::Reparent(node)
            | Self::Despawn(node)
            | Self::Call(node) => *node,
        }
    }
}

impl Core {
    /// Proposes a transaction; `None` when there is no session.
    pub(crate) fn propose(
        &mut self,
        transaction: Transaction,
        touches: Vec<Touch>,
    ) -> Option<ClientSeq> {
        if !self.is_joined() {
            return None;
        }
        let seq = self.handle()?.propose(transaction);
        for touch in &touches {
            if let Touch::Ownership(node) = touch
                && let Some(bound) = self.bound_mut(*node)
            {
                bound.requested = Some(seq);
                self.watch_changes += 1;
            }
        }
        self.pending.push_back(Pending { seq, touches });
        Some(seq)
    }

    /// Takes the touches of the proposal that was just decided. Decisions come in order.
    pub(crate) fn decided(&mut self, seq: ClientSeq) -> Vec<Touch> {
        let Some(place) = self.pending.iter().position(|pending| pending.seq == seq) else {
            return Vec::new();
        };
        let touches = self
            .pending
            .remove(place)
            .map(|pending| pending.touches)
            .unwrap_or_default();
        for touch in &touches {
            if let Some(bound) = self.bound_mut(touch.node())
                && bound.requested == Some(seq)
            {
                bound.requested = None;
            }
        }
        touches
    }

    /// Whether some own proposal that is not decided yet is about the node.
    pub(crate) fn is_pending(&self, id: NodeId) -> bool {
        self.pending
            .iter()
            .any(|pending| pending.touches.iter().any(|touch| touch.node() == id))
    }

    /// Whether some own proposal that is not decided yet writes this property.
    pub(crate) fn is_write_pending(&self, id: NodeId, property: PropertyId) -> bool {
        self.pending.iter().any(|pending| {
            pending.touches.iter().any(|touch| {
                matches!(touch, Touch::Property(node, written) | Touch::Settle(node, written)
                    if *node == id && *written == property)
            })
        })
    }

    /// Whether some own proposal that is not decided yet hangs the node elsewhere.
    pub(crate) fn is_reparent_pending(&self, id: NodeId) -> bool {
        self.pending.iter().any(|pending| {
            pending
                .touches
                .iter()
                .any(|touch| matches!(touch, Touch::Reparent(node) if *node == id))
        })
    }

    /// Whether some own proposal that is not decided yet gives the node to somebody, or to nobody.
    pub(crate) fn is_given_away(&self, id: NodeId) -> bool {
        self.pending.iter().any(|pending| {
            pending
                .touches
                .iter()
                .any(|touch| matches!(touch, Touch::GiveAway(node) if *node == id))
        })
    }

    /// Takes the proposals that the game has been told a number of; it never was of a declaration.
    pub(crate) fn take_undecided(&mut self) -> Vec<ClientSeq> {
        let told = |pending: &Pending| {
            pending
                .touches
                .iter()
                .any(|touch| !matches!(touch, Touch::Declare(_)))
        };
        let pending = self.pending.drain(..).filter(told);
        pending.map(|pending| pending.seq).collect()
    }
}

/// A mutation of one node, with what it shows already.
pub(crate) fn single(mutation: Mutation, touch: Touch) -> (Transaction, Vec<Touch>) {
    (mutation.into(), vec![touch])
}
