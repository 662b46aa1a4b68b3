//! The way between the side that writes and the side that settles, which is without a lock: a thread of low priority that the system
//! stops anywhere must never keep one that writes.
//!
//! There are two journals. One is written to; the other is on its way to the database, or waits here, empty, for its turn.

use std::{
    sync::{Arc, OnceLock},
    thread::{self, Thread},
    time::Duration,
};

use rtrb::{Consumer, Producer, RingBuffer};

use crate::journal::Journal;

/// How long who settles may oversleep, where it was called in the moment in which it lay down.
const OVERSLEPT_MAX: Duration = Duration::from_millis(100);

/// A journal to be settled.
#[derive(Debug)]
pub(crate) struct HandedOver {
    pub(crate) journal: Journal,
    /// The number of the last write in it.
    pub(crate) through: u64,
}

/// The end of the side that writes; it never waits.
#[derive(Debug)]
pub(crate) struct Giver {
    to: Producer<HandedOver>,
    back: Consumer<Journal>,
    /// Behind the others, so that whoever it wakes finds them gone.
    sleeper: Sleeper,
}

/// The end of the side that settles.
#[derive(Debug)]
pub(crate) struct Taker {
    from: Consumer<HandedOver>,
    back: Producer<Journal>,
    sleeping: Arc<OnceLock<Thread>>,
}

/// Wakes the thread of the side that settles, at last when it is dropped.
#[derive(Debug)]
struct Sleeper(Arc<OnceLock<Thread>>);

/// Makes a way.
pub(crate) fn way() -> (Giver, Taker) {
    let ((to, from), (back, returned)) = (RingBuffer::new(1), RingBuffer::new(1));
    let sleeping = Arc::new(OnceLock::new());
    let giver = Giver {
        to,
        back: returned,
        sleeper: Sleeper(Arc::clone(&sleeping)),
    };
    let taker = Taker {
        from,
        back,
        sleeping,
    };
    (giver, taker)
}

impl Giver {
    /// Hands a journal over. No other may be on its way.
    pub(crate) fn give(&mut self, handed_over: HandedOver) {
        let given = self.to.push(handed_over);
        debug_assert!(given.is_ok(), "there are two journals alone");
        self.sleeper.wake();
    }

    /// The other journal, if it is back and empty.
    pub(crate) fn take_back(&mut self) -> Option<Journal> {
        self.back.pop().ok()
    }

    /// Whether nothing will come back any more but what is back already.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.back.is_abandoned()
    }
}

impl Taker {
    /// What was handed over, if anything was.
    pub(crate) fn take(&mut self) -> Option<HandedOver> {
        self.from.pop().ok()
    }

    /// Waits until something is handed over, or the other side is gone. Always from the same thread.
    pub(crate) fn wait(&mut self) -> Option<HandedOver> {
        self.sleeping.get_or_init(thread::current);
        loop {
            // Asked before, since it may hand over and go in between.
            let is_over = self.from.is_abandoned();
            let handed_over = self.take();
            if handed_over.is_some() || is_over {
                return handed_over;
            }
            thread::park_timeout(OVERSLEPT_MAX);
        }
    }

    /// Gives an emptied journal back.
    pub(crate) fn give_back(&mut self, journal: Journal) {
        let given = self.back.push(journal);
        debug_assert!(given.is_ok(), "there are two journals alone");
    }
}

impl Sleeper {
    fn wake(&self) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.wake();
    }
}
