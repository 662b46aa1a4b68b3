//! How well this player's controller is sampled, looked up when somebody asks.

use synced_protocol::time::Micros;

use super::track::Track;

/// What is looked at.
const WINDOW: Micros = Micros::from_secs(1);

/// The sampling of one controller in the last second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sampling {
    /// Samples a second.
    pub hz: f64,
    /// 99 of 100 samples came this soon after the one before.
    pub interval_p99: Micros,
}

impl Sampling {
    /// Of a track whose samples are stamped in local time.
    pub(crate) fn of(track: &Track, now: Micros) -> Self {
        let times: Vec<_> = track
            .range(now - WINDOW, now)
            .map(|frame| frame.sampled_at)
            .collect();
        let mut intervals: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        intervals.sort_unstable();
        let place = (intervals.len() * 99).div_ceil(100).saturating_sub(1);
        Self {
            hz: times.len() as f64 / WINDOW.as_secs_f64(),
            interval_p99: intervals.get(place).copied().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use synced_protocol::input::InputFrame;

    use super::*;

    fn sampled(times_us: impl Iterator<Item = u64>) -> Sampling {
        let mut track = Track::default();
        for at in times_us {
            track.insert(InputFrame {
                sampled_at: Micros(at),
                ..InputFrame::default()
            });
        }
        Sampling::of(&track, Micros::from_secs(10))
    }

    #[test]
    fn a_second_of_even_samples_is_a_thousand_hertz() {
        let report = sampled((0..2_000).map(|place| 8_000_500 + place * 1_000));
        assert_eq!((report.hz, report.interval_p99), (1_000.0, Micros(1_000)));
    }

    #[test]
    fn one_in_fifty_that_is_late_shows_in_the_p99() {
        let report = sampled((0..100).map(|place| 9_500_000 + place * 1_000 + place / 50 * 7_000));
        assert_eq!(report.interval_p99, Micros(8_000));
    }

    #[test]
    fn what_is_not_sampled_has_no_rate() {
        assert_eq!(sampled(0..0), Sampling::default());
    }
}
