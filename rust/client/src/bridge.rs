//! The two halves of a session between the game's main thread and the network's thread.
//!
//! Neither waits for the other: commands and updates cross in rings, and what does not fit waits in order on its own side.

use std::{collections::VecDeque, fmt};

use rtrb::{Consumer, Producer, PushError, RingBuffer};
use synced_protocol::{
    id::{ClientSeq, NodeId, PropertyId},
    link::{Event, Logic, Output},
    mutation::Transaction,
    time::Micros,
    value::Value,
};

use crate::{
    command::Command,
    feed::TrackerFeed,
    limits::{COMMAND_RING, UPDATE_RETRY, UPDATE_RING},
    session::Session,
    update::Update,
};

/// Parts a session in two. `wake` is called by [`Handle::flush`] and is to make the driver of the [`BridgedSession`] handle
/// [`Event::Woken`] soon.
pub fn bridge(session: Session, wake: impl Fn() + Send + 'static) -> (Handle, BridgedSession) {
    let (commands_in, commands) = RingBuffer::new(COMMAND_RING);
    let (updates, updates_out) = RingBuffer::new(UPDATE_RING);
    let handle = Handle {
        commands: commands_in,
        waiting: VecDeque::new(),
        updates: updates_out,
        taken: VecDeque::with_capacity(UPDATE_RING),
        is_open: false,
        last_seq: ClientSeq(0),
        unflushed: false,
        wake: Box::new(wake),
    };
    let bridged = BridgedSession {
        session,
        commands,
        updates,
        unfit: None,
        now: Micros::ZERO,
    };
    (handle, bridged)
}

/// The game's half. Nothing here blocks. Whoever drops it leaves the session.
pub struct Handle {
    commands: Producer<Command>,
    /// Commands that did not fit the ring, or came after one that did not.
    waiting: VecDeque<Command>,
    updates: Consumer<Update>,
    /// What is left of a commit that was taken from the ring.
    taken: VecDeque<Update>,
    /// Whether its end is not here yet.
    is_open: bool,
    last_seq: ClientSeq,
    unflushed: bool,
    wake: Box<dyn Fn() + Send>,
}

impl Handle {
    /// Proposes a transaction. Its outcome comes as an update that names the number returned.
    pub fn propose(&mut self, transaction: impl Into<Transaction>) -> ClientSeq {
        let seq = self.last_seq.next();
        self.last_seq = seq;
        let transaction = Box::new(transaction.into());
        self.push(Command::Propose { seq, transaction });
        seq
    }

    /// A property that this player owns has a new live value since local time `at`.
    pub fn set_live(&mut self, node: NodeId, property: PropertyId, at: Micros, value: Value) {
        self.push(Command::SetLive {
            node,
            property,
            at,
            value,
        });
    }

    /// A node no longer sends live values.
    pub fn forget_live(&mut self, node: NodeId) {
        self.push(Command::ForgetLive { node });
    }

    /// Sends what is measured of a controller, in local times, as that of a node.
    pub fn attach_tracker(&mut self, node: NodeId, feed: TrackerFeed) {
        self.push(Command::AttachTracker { node, feed });
    }

    /// No more samples for a node.
    pub fn detach_tracker(&mut self, node: NodeId) {
        self.push(Command::DetachTracker { node });
    }

    /// Says whether this player wants to be sent what a node's owner streams.
    pub fn set_interest(&mut self, node: NodeId, wanted: bool) {
        self.push(Command::Interest { node, wanted });
    }

    /// Leaves the session for good; [`Update::Ended`] follows.
    pub fn leave(&mut self) {
        self.push(Command::Leave);
    }

    /// Hands everything asked so far to the network thread and wakes it, once. Call it at the end of a frame.
    pub fn flush(&mut self) {
        self.refill();
        if self.unflushed {
            self.push(Command::EndFrame);
            self.unflushed = false;
            (self.wake)();
        }
    }

    /// The next update, if one is there. A commit is given out from its first part to its end without a pause: before its
    /// end is here, nothing of it is.
    pub fn next_update(&mut self) -> Option<Update> {
        if self.taken.is_empty() {
            let update = self.updates.pop().ok()?;
            if !update.is_part_of_commit() {
                return Some(update);
            }
            self.begin_commit(update);
        }
        while self.is_open {
            let update = self.updates.pop().ok()?;
            self.is_open = !matches!(update, Update::CommitEnd(_));
            self.taken.push_back(update);
        }
        self.taken.pop_front()
    }

    /// Whether the network's half is gone: once the last update is read, none follows.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.updates.is_abandoned()
    }

    /// Whether an update waits to be read, be it part of a commit whose end is not here.
    #[must_use]
    pub fn has_updates(&self) -> bool {
        !self.taken.is_empty() || !self.updates.is_empty()
    }

    fn begin_commit(&mut self, first: Update) {
        // Begins at the same place in memory each time.
        self.taken.clear();
        self.taken.push_back(first);
        self.is_open = true;
    }

    fn push(&mut self, command: Command) {
        self.waiting.push_back(command);
        self.refill();
    }

    fn refill(&mut self) {
        if self.commands.is_abandoned() {
            self.waiting.clear();
        }
        while let Some(command) = self.waiting.pop_front() {
            if let Err(PushError::Full(command)) = self.commands.push(command) {
                self.waiting.push_front(command);
                return;
            }
            self.unflushed = true;
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("waiting", &self.waiting.len())
            .field("last_seq", &self.last_seq)
            .finish_non_exhaustive()
    }
}

/// The network's half: a session that takes its commands from the game's thread and leaves its updates there.
#[derive(Debug)]
pub struct BridgedSession {
    session: Session,
    commands: Consumer<Command>,
    updates: Producer<Update>,
    /// The update that did not fit the ring.
    unfit: Option<Update>,
    now: Micros,
}

impl BridgedSession {
    /// The session itself.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    fn take_commands(&mut self, now: Micros) {
        let is_last = self.commands.is_abandoned();
        while let Ok(command) = self.commands.pop() {
            self.session.command(now, command);
        }
        if is_last {
            self.session.command(now, Command::Leave);
        }
    }

    fn leave_updates(&mut self) {
        while let Some(update) = self.unfit.take().or_else(|| self.session.poll_update()) {
            if let Err(PushError::Full(update)) = self.updates.push(update) {
                self.unfit = Some(update);
                return;
            }
        }
    }
}

impl Logic for BridgedSession {
    fn handle(&mut self, now: Micros, event: Event) {
        self.now = self.now.max(now);
        self.take_commands(now);
        self.session.handle(now, event);
        self.leave_updates();
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.session.poll_output()
    }

    /// Updates that did not fit are tried again soon, since nobody tells when the game has read some.
    fn poll_deadline(&self) -> Option<Micros> {
        let retry = self.unfit.as_ref().map(|_| self.now + UPDATE_RETRY);
        self.session.poll_deadline().into_iter().chain(retry).min()
    }

    /// The driver goes on until the game has the last word, unless nobody is there to read it.
    fn is_finished(&self) -> bool {
        self.session.is_finished() && (self.unfit.is_none() || self.updates.is_abandoned())
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::{
        hlc::HlcTimestamp,
        id::{LogIndex, PlayerId},
        message::{Game, JoinKey},
    };

    use super::*;
    use crate::{config::SessionConfig, update::CommitEnd};

    #[test]
    fn nothing_of_a_commit_is_given_out_before_its_end_is_here() {
        let game = Game {
            name: "cups".into(),
            version: "1".into(),
        };
        let session = Session::new(SessionConfig::new(game, "ann"), JoinKey([1; 16]), 1);
        let (mut handle, mut network) = bridge(session, || {});
        let mut send = |update| network.updates.push(update).unwrap();
        send(Update::Welcomed(PlayerId(1)));
        send(Update::PlayerLeft(PlayerId(2)));
        assert!(matches!(handle.next_update(), Some(Update::Welcomed(_))));
        assert!(handle.next_update().is_none());
        send(Update::Clock(Default::default()));
        assert!(handle.next_update().is_none());
        send(Update::CommitEnd(CommitEnd {
            log_index: LogIndex(1),
            hlc: HlcTimestamp::ZERO,
            own: None,
            received_at: Micros::ZERO,
        }));
        let rest: Vec<_> = std::iter::from_fn(|| handle.next_update()).collect();
        assert!(matches!(
            *rest,
            [
                Update::PlayerLeft(_),
                Update::Clock(_),
                Update::CommitEnd(_)
            ]
        ));
    }
}
