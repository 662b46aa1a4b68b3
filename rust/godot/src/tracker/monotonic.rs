//! The clock by which captures are paced, and its place on the session's own.

use std::ops::{Add, Sub};

use synced_protocol::time::Micros;
use synced_transport::clock;

/// How often the two clocks are read for the best pair.
const READINGS: usize = 16;

/// Nanoseconds of the system's monotonic clock; where there is a choice that of POSIX, as OpenXR wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nanos(pub u64);

impl Nanos {
    pub(crate) const fn from_micros(span: Micros) -> Self {
        Self(span.0.saturating_mul(1_000))
    }

    pub(crate) const fn as_micros(self) -> Micros {
        Micros(self.0 / 1_000)
    }
}

impl Add for Nanos {
    type Output = Self;

    fn add(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

/// Zero if `earlier` is later.
impl Sub for Nanos {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(unix)]
pub(crate) fn now() -> Nanos {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Nanos(now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned())
}

#[cfg(not(unix))]
pub(crate) fn now() -> Nanos {
    use std::{sync::OnceLock, time::Instant};
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let elapsed = ORIGIN.get_or_init(Instant::now).elapsed();
    Nanos(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
}

/// What this thread has had of a processor so far; zero where the system does not tell.
pub(crate) fn spent_by_thread() -> Nanos {
    #[cfg(unix)]
    {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Nanos(spent.tv_sec.cast_unsigned() * 1_000_000_000 + spent.tv_nsec.cast_unsigned())
    }
    #[cfg(not(unix))]
    Nanos(0)
}

/// Sleeps until a moment, or a little less if a signal comes.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn sleep_until(moment: Nanos) {
    let moment = rustix::thread::Timespec {
        tv_sec: (moment.0 / 1_000_000_000).cast_signed(),
        tv_nsec: (moment.0 % 1_000_000_000).cast_signed(),
    };
    let _ = rustix::thread::clock_nanosleep_absolute(rustix::thread::ClockId::Monotonic, &moment);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn sleep_until(moment: Nanos) {
    std::thread::sleep(std::time::Duration::from_nanos((moment - now()).0));
}

/// What the local time of a moment is. Both clocks run alike: they only count from different moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeline {
    /// The moment at which local time is zero; before the clock's own zero if negative.
    origin: i64,
}

impl Timeline {
    /// Reads both clocks, right to about a microsecond.
    pub(crate) fn read() -> Self {
        let reading = || {
            let (before, local, after) = (now(), clock::now(), now());
            let middle = before.0 + (after - before).0 / 2;
            let origin = middle.cast_signed() - Nanos::from_micros(local).0.cast_signed();
            (after - before, Self { origin })
        };
        let best = (0..READINGS).map(|_| reading()).min_by_key(|(gap, _)| *gap);
        best.map_or_else(|| reading().1, |(_, timeline)| timeline)
    }

    pub(crate) const fn local(self, moment: Nanos) -> Micros {
        let since = moment.0.cast_signed().saturating_sub(self.origin);
        if since < 0 {
            return Micros::ZERO;
        }
        Micros(since.cast_unsigned() / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_the_local_time_that_the_clock_shows_then() {
        let timeline = Timeline::read();
        for _ in 0..1_000 {
            let before = clock::now();
            let moment = timeline.local(now());
            let after = clock::now();
            let slack = Micros(50);
            assert!(
                before <= moment + slack && moment <= after + slack,
                "{before:?} {moment:?} {after:?}"
            );
        }
    }

    #[test]
    fn nobody_wakes_before_the_moment() {
        let moment = now() + Nanos(2_000_000);
        sleep_until(moment);
        assert!(now() >= moment);
    }

    #[test]
    fn a_moment_before_the_origin_counts_as_the_origin() {
        let timeline = Timeline { origin: 5_000_000 };
        assert_eq!(timeline.local(Nanos(4_000_000)), Micros::ZERO);
        assert_eq!(timeline.local(Nanos(5_001_000)), Micros(1));
    }
}
