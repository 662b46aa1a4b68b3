//! What the game asks of the logic.

use synced_protocol::{
    id::{ClientSeq, NodeId, PropertyId},
    mutation::Transaction,
    time::Micros,
    value::Value,
};

use crate::feed::TrackerFeed;

/// One thing that the game asks.
#[derive(Debug)]
pub enum Command {
    /// Propose a transaction. The game numbers its proposals itself, from 1 after each [`Update::Joined`](crate::update::Update::Joined)
    /// that is not resumed, so that it can show the outcome before any answer.
    Propose {
        /// One more than the proposal before.
        seq: ClientSeq,
        /// What is proposed.
        transaction: Box<Transaction>,
    },
    /// A property that this player owns has a new live value.
    SetLive {
        /// Whose.
        node: NodeId,
        /// Which.
        property: PropertyId,
        /// When, in local time.
        at: Micros,
        /// The value.
        value: Value,
    },
    /// A node no longer sends live values: it came to rest, went, or changed its owner.
    ForgetLive {
        /// The node.
        node: NodeId,
    },
    /// What is measured of a controller of this player; all times in it are local.
    AttachTracker {
        /// The node that follows the controller.
        node: NodeId,
        /// Where the capture thread puts it.
        feed: TrackerFeed,
    },
    /// No more samples for this node.
    DetachTracker {
        /// The node.
        node: NodeId,
    },
    /// This player wants to be sent what a node's owner streams, or does not. Everything is wanted until said otherwise.
    Interest {
        /// The node.
        node: NodeId,
        /// Whether it is wanted.
        wanted: bool,
    },
    /// The game's frame is over: nothing more comes before the next one.
    EndFrame,
    /// Leave the session for good.
    Leave,
}
