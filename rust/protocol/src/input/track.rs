//! A vector that both ends follow from sample to sample.

use super::scale::held;

/// Where the next expectation goes on from, and how fast it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Track {
    pub(super) value: [f64; 3],
    /// A tick. Zero for what is not steady.
    rate: [f64; 3],
}

/// The time from one sample to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) ticks: f64,
    /// One over the ticks, and one for none.
    pub(super) per_tick: f64,
}

impl Time {
    pub(super) fn of(ticks: u32) -> Self {
        Self {
            ticks: f64::from(ticks),
            per_tick: 1.0 / f64::from(ticks.max(1)),
        }
    }
}

impl Track {
    pub(super) const fn at(value: [f64; 3]) -> Self {
        Self {
            value,
            rate: [0.0; 3],
        }
    }

    /// What it is when it goes on as it goes.
    #[inline]
    pub(super) fn expected(&self, time: Time) -> [f64; 3] {
        ahead(self.value, self.rate, time.ticks)
    }

    /// The track behind a sample that was off the expectation: goes on from there, or from a part of the way there. What is
    /// steady goes faster by as much as would have met the sample.
    #[inline]
    pub(super) fn moved(self, to: Moved, time: Time, is_steady: bool) -> Self {
        let rate = if is_steady {
            ahead(self.rate, to.residual, time.per_tick)
        } else {
            self.rate
        };
        Self {
            value: ahead(to.expected, to.residual, to.gain).map(held),
            rate,
        }
    }
}

/// What was expected, how far off that was, and how much of that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    pub(super) expected: [f64; 3],
    pub(super) residual: [f64; 3],
    pub(super) gain: f64,
}

/// `from + rate * time`.
#[inline]
pub(super) fn ahead(from: [f64; 3], rate: [f64; 3], time: f64) -> [f64; 3] {
    [
        from[0] + rate[0] * time,
        from[1] + rate[1] * time,
        from[2] + rate[2] * time,
    ]
}

#[inline]
pub(super) fn sum(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

#[inline]
pub(super) fn scaled(vector: [f64; 3], by: f64) -> [f64; 3] {
    vector.map(|number| number * by)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(track: Track, residual: f64, gain: f64, is_steady: bool) -> Track {
        let time = Time::of(4);
        let to = Moved {
            expected: track.expected(time),
            residual: [residual, 0.0, 0.0],
            gain,
        };
        track.moved(to, time, is_steady)
    }

    #[test]
    fn what_is_still_stays_and_what_is_steady_goes_on() {
        let start = Track::at([1.0, 2.0, 3.0]);
        let still = moved(start, 8.0, 1.0, false);
        assert_eq!(still.expected(Time::of(100)), [9.0, 2.0, 3.0]);
        let steady = moved(start, 8.0, 1.0, true);
        assert_eq!(steady.expected(Time::of(4)), [17.0, 2.0, 3.0]);
        assert_eq!(moved(steady, 0.0, 1.0, true).value, [17.0, 2.0, 3.0]);
    }

    #[test]
    fn with_half_the_gain_it_goes_on_from_half_way() {
        let start = Track::at([0.0; 3]);
        assert_eq!(moved(start, 3.0, 0.5, false).value, [1.5, 0.0, 0.0]);
    }

    #[test]
    fn no_time_is_no_way_and_makes_no_rate_endless() {
        let time = Time::of(0);
        let to = Moved {
            expected: [0.0; 3],
            residual: [2.0; 3],
            gain: 1.0,
        };
        let track = Track::at([0.0; 3]).moved(to, time, true);
        assert_eq!(track.expected(time), [2.0; 3]);
        assert_eq!(track.expected(Time::of(1)), [4.0; 3]);
    }
}
