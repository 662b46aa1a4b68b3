//! A property of a synced node: each write gives it a version, the place in the log where it stands.

use super::checker::{Call, Model};

/// One property, with the version that it has when the history begins.
#[derive(Debug, Clone, Default)]
pub struct Register {
    begins_at: u64,
    /// Every version that the history tells of, in order: none can be passed over, or its write would find no place.
    told: Vec<u64>,
}

impl Register {
    /// The property of a history. Without the history's help a search is right, and may take long.
    #[must_use]
    pub fn of(begins_at: u64, history: &[Call<Ask, Answer>]) -> Self {
        let told = |call: &Call<Ask, Answer>| match call.answer {
            Some((_, Answer::Written(version))) => Some(version),
            _ => None,
        };
        let mut told: Vec<u64> = history.iter().filter_map(told).collect();
        told.sort_unstable();
        Self { begins_at, told }
    }

    /// Whether no version that was told of lies between what is there and this one.
    fn is_next(&self, state: Version, version: u64) -> bool {
        let place = self.told.partition_point(|told| *told <= state.floor());
        self.told.get(place).is_none_or(|next| *next == version)
    }
}

/// What a player asks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Write, whatever is there.
    Write,
    /// Write if the version is still this one.
    WriteIf(u64),
}

/// What the player was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It has this version now.
    Written(u64),
    /// It had another version.
    Refused,
}

/// What is known of its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// It is this.
    Is(u64),
    /// It is some greater one: nobody was told the place in the log of the last write.
    Above(u64),
}

impl Version {
    /// Whether it may be this one.
    const fn may_be(self, version: u64) -> bool {
        match self {
            Self::Is(known) => known == version,
            Self::Above(known) => version > known,
        }
    }

    /// The greatest that is known of it.
    const fn floor(self) -> u64 {
        match self {
            Self::Is(known) | Self::Above(known) => known,
        }
    }
}

impl Model for Register {
    type Ask = Ask;
    type Answer = Answer;
    type State = Version;

    fn begin(&self) -> Version {
        Version::Is(self.begins_at)
    }

    fn step(&self, state: &Version, ask: &Ask, answer: Option<&Answer>) -> Option<Version> {
        // The version that was there before the write, at least.
        let before = match *ask {
            Ask::Write => Some(state.floor()),
            Ask::WriteIf(version) => state.may_be(version).then_some(version),
        };
        match (answer, before) {
            (Some(Answer::Written(version)), Some(before)) => {
                let follows = *version > before && self.is_next(*state, *version);
                follows.then_some(Version::Is(*version))
            }
            (Some(Answer::Written(_)), None) => None,
            (Some(Answer::Refused), _) => {
                let must_hold = match *ask {
                    Ask::Write => true,
                    Ask::WriteIf(version) => *state == Version::Is(version),
                };
                (!must_hold).then_some(*state)
            }
            (None, Some(before)) => Some(Version::Above(before)),
            (None, None) => Some(*state),
        }
    }
}
