//! How far a crowd is.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Broken;

/// What a part of the time is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Players join, and wait until each sees each.
    #[default]
    Gather,
    /// They write already, and it does not count.
    WarmUp,
    /// It counts.
    Counted,
    /// They write no more, and see what is on its way.
    CoolDown,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gather => "while they gathered",
            Self::WarmUp => "while they began to write",
            Self::Counted => "while it counted",
            Self::CoolDown => "while they waited for what was on its way",
        })
    }
}

/// How far the players of one process are, or of several together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// In which part of the time.
    pub part: Part,
    /// How many players are in the session.
    pub joined: usize,
    /// How many others and itself the one sees that sees the fewest, where any is in the session.
    pub sees_min: Option<usize>,
    /// How many confirmed operations they have made while it counted.
    pub confirmed_made: u64,
    /// How many of others they saw.
    pub confirmed_seen: u64,
    /// How many live operations of others they saw.
    pub live_seen: u64,
    /// What went wrong so far.
    pub broken: Broken,
    /// What the processes hold, in bytes; 0 where the system does not tell.
    pub resident_bytes: u64,
}

impl Progress {
    /// Puts that of another process to this.
    pub fn merge(&mut self, other: &Self) {
        self.part = self.part.min(other.part);
        self.joined += other.joined;
        self.sees_min = match (self.sees_min, other.sees_min) {
            (Some(mine), Some(others)) => Some(mine.min(others)),
            (mine, others) => mine.or(others),
        };
        self.confirmed_made += other.confirmed_made;
        self.confirmed_seen += other.confirmed_seen;
        self.live_seen += other.live_seen;
        self.broken.merge(&other.broken);
        self.resident_bytes += other.resident_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn together_processes_are_as_far_as_the_one_that_is_behind() {
        let ahead = Progress {
            part: Part::Counted,
            joined: 4,
            sees_min: Some(7),
            resident_bytes: 10,
            ..Progress::default()
        };
        let behind = Progress {
            part: Part::Gather,
            joined: 3,
            sees_min: Some(5),
            resident_bytes: 20,
            ..Progress::default()
        };
        let mut both = ahead;
        both.merge(&behind);
        assert_eq!((both.part, both.sees_min), (Part::Gather, Some(5)));
        assert_eq!((both.joined, both.resident_bytes), (7, 30));
        let mut with_nobody = ahead;
        with_nobody.merge(&Progress::default());
        assert_eq!(with_nobody.sees_min, Some(7));
    }
}
