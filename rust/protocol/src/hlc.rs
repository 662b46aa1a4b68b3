//! Hybrid logical clocks: wall time where it can be, cause before effect always (Kulkarni et al., 2014).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// 52 bits of microseconds since the Unix epoch (until the year 2112), then 12 bits that count events within one.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct HlcTimestamp(pub u64);

const LOGICAL_BITS: u32 = 12;
const MAX_PHYSICAL_US: u64 = (1 << (64 - LOGICAL_BITS)) - 1;

impl HlcTimestamp {
    /// Before every reading.
    pub const ZERO: Self = Self(0);

    /// A reading of the wall clock with no events counted; times past the last representable are held there.
    #[must_use]
    pub const fn from_physical(physical: Micros) -> Self {
        let micros = if physical.0 > MAX_PHYSICAL_US {
            MAX_PHYSICAL_US
        } else {
            physical.0
        };
        Self(micros << LOGICAL_BITS)
    }

    /// The wall clock's part, in session time.
    #[must_use]
    pub const fn physical(self) -> Micros {
        Micros(self.0 >> LOGICAL_BITS)
    }

    /// The count of events at that microsecond.
    #[must_use]
    pub const fn logical(self) -> u16 {
        (self.0 & ((1 << LOGICAL_BITS) - 1)) as u16
    }
}

impl fmt::Display for HlcTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.physical().0, self.logical())
    }
}

/// A remote reading further ahead of the local wall clock than `max_offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockAhead {
    /// How far ahead the reading was.
    pub ahead: Micros,
    /// How far it may be.
    pub max_offset: Micros,
}

impl fmt::Display for ClockAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a clock reading is {} us ahead, {} us are allowed",
            self.ahead.0, self.max_offset.0
        )
    }
}

impl std::error::Error for ClockAhead {}

/// One node's clock. Every timestamp that it gives is greater than every one that it has given or seen.
#[derive(Debug, Clone)]
pub struct HlcClock {
    latest: HlcTimestamp,
    max_offset: Micros,
}

impl HlcClock {
    /// A clock that refuses remote readings more than `max_offset` ahead of its own wall.
    #[must_use]
    pub const fn new(max_offset: Micros) -> Self {
        Self {
            latest: HlcTimestamp::ZERO,
            max_offset,
        }
    }

    /// The timestamp of an event that happens here, `wall` being the wall clock now. When more than 4,095 events fall into
    /// one microsecond, the count carries over into the next.
    pub fn now(&mut self, wall: Micros) -> HlcTimestamp {
        let physical = HlcTimestamp::from_physical(wall);
        self.latest = physical.max(HlcTimestamp(self.latest.0.saturating_add(1)));
        self.latest
    }

    /// The timestamp of an event that happens here while nobody knows the time: after all that was given or seen, and as little
    /// later as can be.
    pub fn after_all(&mut self) -> HlcTimestamp {
        self.now(Micros::ZERO)
    }

    /// The greatest timestamp that was given or seen.
    #[must_use]
    pub const fn latest(&self) -> HlcTimestamp {
        self.latest
    }

    /// Takes notice of a timestamp that is certain, however far ahead it is: most servers let it pass when it was given.
    pub fn adopt(&mut self, certain: HlcTimestamp) {
        self.latest = self.latest.max(certain);
    }

    /// Takes notice of a timestamp that came by message.
    ///
    /// # Errors
    /// [`ClockAhead`] when it is too far in the future; the clock is then left as it was.
    pub fn observe(&mut self, remote: HlcTimestamp, wall: Micros) -> Result<(), ClockAhead> {
        let ahead = remote.physical().since(wall);
        if ahead > self.max_offset {
            return Err(ClockAhead {
                ahead,
                max_offset: self.max_offset,
            });
        }
        self.latest = self.latest.max(remote);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OFFSET: Micros = Micros::from_millis(500);

    #[test]
    fn a_wall_clock_that_stands_still_or_goes_back_still_gives_growing_timestamps() {
        let mut clock = HlcClock::new(OFFSET);
        let walls = [10, 10, 3, 11].map(Micros);
        let stamps = walls.map(|wall| clock.now(wall));
        assert!(stamps.is_sorted_by(|a, b| a < b), "{stamps:?}");
        assert_eq!(stamps[3], HlcTimestamp::from_physical(Micros(11)));
    }

    #[test]
    fn more_events_than_the_counter_holds_carry_into_the_next_microsecond() {
        let mut clock = HlcClock::new(OFFSET);
        let last = (0..5_000).map(|_| clock.now(Micros(1))).last();
        assert_eq!(last.map(|stamp| stamp.physical()), Some(Micros(2)));
    }

    #[test]
    fn a_reading_too_far_ahead_is_refused_and_leaves_no_trace() {
        let mut clock = HlcClock::new(OFFSET);
        let far = HlcTimestamp::from_physical(Micros(1_000) + OFFSET + Micros(1));
        assert!(clock.observe(far, Micros(1_000)).is_err());
        assert_eq!(clock.now(Micros(1_000)).physical(), Micros(1_000));
    }

    #[test]
    fn while_nobody_knows_the_time_events_follow_what_was_seen_and_what_is_certain_is_never_refused()
     {
        let mut clock = HlcClock::new(OFFSET);
        let certain = HlcTimestamp::from_physical(Micros::from_secs(1_000));
        clock.adopt(certain);
        assert_eq!(clock.after_all(), HlcTimestamp(certain.0 + 1));
        clock.adopt(HlcTimestamp::ZERO);
        assert_eq!(clock.latest(), HlcTimestamp(certain.0 + 1));
    }

    proptest! {
        #[test]
        fn what_is_stamped_after_hearing_of_a_timestamp_is_later_than_it(
            wall in 0..1u64 << 50, ahead in 0..OFFSET.0, later in 0..1u64 << 50,
        ) {
            let mut clock = HlcClock::new(OFFSET);
            let heard = HlcTimestamp::from_physical(Micros(wall + ahead));
            prop_assert!(clock.observe(heard, Micros(wall)).is_ok());
            prop_assert!(clock.now(Micros(later)) > heard);
        }
    }
}
