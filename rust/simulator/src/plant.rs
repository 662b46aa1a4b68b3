//! Mistakes that are made on purpose, to see that they are noticed.

use std::{fmt, str::FromStr};

/// A mistake between the code under test and what it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plant {
    /// The disk says that it has what it has only been handed.
    EarlyPublish,
    /// The disk forgets for whom a server voted when its process is killed.
    LostVote,
    /// A player who comes back proposes anew, under other numbers, what it does not know the fate of.
    DoubleApply,
    /// A leader's clock stands still while the leader cannot be heard, so that its lease does not end.
    StaleRead,
    /// A server that lost what it acknowledged comes back under its old name.
    WrongRestart,
}

/// Each mistake with its name.
pub const PLANTS: [(Plant, &str); 5] = [
    (Plant::EarlyPublish, "early-publish"),
    (Plant::LostVote, "lost-vote"),
    (Plant::DoubleApply, "double-apply"),
    (Plant::StaleRead, "stale-read"),
    (Plant::WrongRestart, "wrong-restart"),
];

impl FromStr for Plant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = PLANTS.iter().find(|(_, name)| *name == text);
        found.map(|(plant, _)| *plant).ok_or_else(|| {
            let names = PLANTS.map(|(_, name)| name).join(", ");
            format!("write one of {names}")
        })
    }
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = PLANTS.iter().find(|(plant, _)| plant == self);
        f.write_str(found.map_or("", |(_, name)| name))
    }
}
