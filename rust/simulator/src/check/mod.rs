//! What must hold whatever goes wrong, and who notices when it does not.

mod history;
mod told;

use std::fmt;

use synced_protocol::time::Micros;

pub use history::History;
pub use told::Told;

/// Which promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// The committed logs of all servers are prefixes of one line, and what they make of it is alike.
    OneHistory,
    /// Nothing takes effect, and nobody is told of anything, before a quorum holds it.
    NothingEarly,
    /// What was told as confirmed is in the history, where it was said to be.
    NothingLost,
    /// Nothing happens twice, and everything proposed is decided.
    ExactlyOnce,
    /// Stamps grow along the log, and past whatever the player had seen who proposed.
    CauseFirst,
    /// Nobody sees a state older than one that was told before.
    NoStaleRead,
    /// At most one server serves at any instant, and at most one is elected in a term.
    OneLeader,
    /// Whoever sees the same log index sees the same state.
    SameState,
    /// Once everything is healed, everybody gets everything in bounded time.
    Progress,
    /// The logic asks nothing of its disk that makes no sense, and begins with what that kept.
    SaneStore,
    /// The code never gives up, whatever came before.
    Sanity,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneHistory => "one history",
            Self::NothingEarly => "nothing early",
            Self::NothingLost => "nothing lost",
            Self::ExactlyOnce => "exactly once",
            Self::CauseFirst => "cause first",
            Self::NoStaleRead => "no stale read",
            Self::OneLeader => "one leader",
            Self::SameState => "same state",
            Self::Progress => "progress",
            Self::SaneStore => "sane store",
            Self::Sanity => "sanity",
        })
    }
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub promise: Promise,
    /// When, in virtual time; set by whoever keeps the time.
    pub at: Micros,
    /// How.
    pub what: String,
}

impl Violation {
    /// A promise that was broken just now.
    pub fn new(promise: Promise, what: impl Into<String>) -> Self {
        Self {
            promise,
            at: Micros::ZERO,
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { promise, at, what } = self;
        write!(f, "\"{promise}\" was broken at {} us: {what}", at.0)
    }
}
