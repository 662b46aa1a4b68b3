//! The machine's monotonic clock, which all programs on it share.

use std::{
    ops::Add,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    thread::clock_nanosleep_absolute,
    time::{ClockId, Timespec, clock_gettime},
};

const A_SECOND: u64 = 1_000_000_000;

/// Nanoseconds on the monotonic clock (`CLOCK_MONOTONIC`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Nanos(pub u64);

impl Nanos {
    /// Seconds from an earlier time to this one; 0 from a later one.
    #[must_use]
    pub const fn seconds_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / A_SECOND as f64
    }

    /// The time that a clock of microseconds since 1970 shows at this one, if it is not set in between: session time where the
    /// leader is on this machine.
    #[must_use]
    pub fn unix_micros(self) -> u64 {
        unix_nanos().wrapping_add(self.0).wrapping_sub(now().0) / 1_000
    }

    /// The time at which a clock of microseconds since 1970 shows `micros`, if it is not set in between.
    #[must_use]
    pub fn from_unix_micros(micros: u64) -> Self {
        Self(
            (micros * 1_000)
                .wrapping_add(now().0)
                .wrapping_sub(unix_nanos()),
        )
    }
}

impl Add<Duration> for Nanos {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0 + u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// The time now.
#[must_use]
pub fn now() -> Nanos {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
    Nanos(tv_sec.cast_unsigned() * A_SECOND + tv_nsec.cast_unsigned())
}

/// The first deadline after now in a row that `deadline` belongs to: those that have passed are skipped.
#[must_use]
pub fn next_deadline(deadline: Nanos, interval: Nanos) -> Nanos {
    let missed = now().0.saturating_sub(deadline.0) / interval.0;
    Nanos(deadline.0 + (missed + 1) * interval.0)
}

/// Sleeps until a time, or not at all if it has passed.
pub fn sleep_until(deadline: Nanos) {
    let until = Timespec {
        tv_sec: (deadline.0 / A_SECOND).cast_signed(),
        tv_nsec: (deadline.0 % A_SECOND).cast_signed(),
    };
    // A signal in between: the next deadline is as good.
    let _ = clock_nanosleep_absolute(ClockId::Monotonic, &until);
}

fn unix_nanos() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_ends_after_its_deadline() {
        let deadline = now() + Duration::from_millis(5);
        sleep_until(deadline);
        assert!(now() >= deadline);
    }

    #[test]
    fn deadlines_that_have_passed_are_skipped_and_the_row_goes_on() {
        let (interval, now) = (Nanos(1_000_000), now());
        let first = Nanos(now.0 - 3_500_000);
        let next = next_deadline(first, interval);
        assert!(next > now && (next.0 - first.0).is_multiple_of(interval.0));
    }

    #[test]
    fn a_time_of_the_other_clock_comes_back() {
        let at = now();
        let back = Nanos::from_unix_micros(at.unix_micros());
        assert!(back.0.abs_diff(at.0) < 1_000_000, "{back:?} {at:?}");
    }
}
