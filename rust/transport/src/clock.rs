//! The one clock of a process.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use synced_protocol::time::Micros;

static ORIGIN: OnceLock<Instant> = OnceLock::new();
/// How much later than that the clock began that is simulated.
static LATER_NS: AtomicU64 = AtomicU64::new(0);
static IS_SIMULATED: AtomicBool = AtomicBool::new(false);

/// Local time: microseconds of the monotonic clock since an arbitrary moment, the same for the whole process.
///
/// Everything that hands a time to a [`Logic`](synced_protocol::link::Logic) in this process must read it here,
/// or the times cannot be compared.
#[must_use]
pub fn now() -> Micros {
    // The runtime's clock is the system's, unless a simulation has paused it.
    micros(tokio::time::Instant::now().duration_since(origin().into()))
}

/// From here on the local time is that of the runtime within which this is called, beginning with zero, and every driver of this
/// process waits by the runtime's own timers. For simulations, one at a time: those timers go by a clock that may be paused, and are
/// good to a millisecond.
pub fn simulate() {
    IS_SIMULATED.store(true, Relaxed);
    let passed = tokio::time::Instant::now().duration_since(origin().into());
    let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
    LATER_NS.fetch_add(passed, Relaxed);
}

pub(crate) fn is_simulated() -> bool {
    IS_SIMULATED.load(Relaxed)
}

/// Microseconds since the Unix epoch by the system's clock, which may jump; zero before the epoch.
#[must_use]
pub fn unix_now() -> Micros {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(Micros::ZERO, micros)
}

/// The runtime's name for the local time `at`; a time too far away to name becomes a year from the origin.
pub(crate) fn instant(at: Micros) -> tokio::time::Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let since_origin = Duration::from_micros(at.0).min(YEAR);
    (origin() + since_origin).into()
}

fn origin() -> Instant {
    let first = *ORIGIN.get_or_init(|| tokio::time::Instant::now().into_std());
    first + Duration::from_nanos(LATER_NS.load(Relaxed))
}

fn micros(span: Duration) -> Micros {
    Micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_reads_the_same_clock() {
        let before = now();
        let elsewhere = std::thread::spawn(now).join().unwrap();
        assert!(before <= elsewhere && elsewhere <= now());
    }

    #[test]
    fn a_local_time_and_its_instant_name_the_same_moment() {
        let a = now();
        assert_eq!(
            instant(a + Micros(250)) - instant(a),
            Duration::from_micros(250)
        );
        assert!(instant(a) <= tokio::time::Instant::now());
    }

    #[test]
    fn the_farthest_time_has_an_instant() {
        assert!(instant(Micros(u64::MAX)) > instant(now()));
    }

    #[test]
    fn unix_time_is_past_the_year_2020() {
        assert!(unix_now() > Micros::from_secs(1_577_836_800));
    }
}
