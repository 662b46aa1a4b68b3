//! What an onlooker has shown, frame by frame, and what it says about the way there.

use glam::DVec2;

use super::motion;
use crate::{Failure, Outcome};

/// The numbers of a row of `peers_recorder.gd` that are no body's.
const NUMBERS_BEFORE: usize = 2;
const NUMBERS_A_BODY: usize = 2;
/// The lags among which the best is looked for.
const LAG_STEP_USEC: f64 = 1_000.0;
const LAGS: u32 = 300;

/// Frames of one player, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    watched: Vec<u32>,
    frames: Vec<Frame>,
}

#[derive(Debug, Clone, PartialEq)]
struct Frame {
    /// When it was shown, in microseconds since 1970.
    at_usec: f64,
    /// When the stamped body was moved to where it is, by its own word; the same clock.
    stamp_usec: f64,
    /// Where each watched body was shown, in metres.
    bodies: Vec<DVec2>,
}

impl Shown {
    /// The frames that `peers_recorder.gd` tells of, which watched these bodies.
    ///
    /// # Errors
    /// When the numbers do not fill rows.
    pub fn new(watched: &[u32], numbers: &[f64]) -> Outcome<Self> {
        let row = NUMBERS_BEFORE + watched.len() * NUMBERS_A_BODY;
        if !numbers.len().is_multiple_of(row) {
            let count = numbers.len();
            return Err(Failure::new(format!(
                "{count} numbers are no rows of {row}"
            )));
        }
        let frame = |row: &[f64]| Frame {
            at_usec: row[0],
            stamp_usec: row[1],
            bodies: row[NUMBERS_BEFORE..]
                .chunks(NUMBERS_A_BODY)
                .map(DVec2::from_slice)
                .collect(),
        };
        Ok(Self {
            watched: watched.to_vec(),
            frames: numbers.chunks(row).map(frame).collect(),
        })
    }

    /// From the first frame to the last, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        match &self.frames[..] {
            [first, .., last] => (last.at_usec - first.at_usec) / 1e6,
            _ => 0.0,
        }
    }

    /// Frames a second.
    #[must_use]
    pub fn frames_hz(&self) -> f64 {
        self.frames.len().saturating_sub(1) as f64 / self.seconds()
    }

    /// Changes of the stamped body that were seen, a second.
    #[must_use]
    pub fn changes_hz(&self) -> f64 {
        self.changes().count() as f64 / self.seconds()
    }

    /// How long each change of the stamped body took from the frame that made it to the end of the first that showed it,
    /// in milliseconds.
    #[must_use]
    pub fn latencies_ms(&self) -> Vec<f64> {
        self.changes()
            .map(|frame| (frame.at_usec - frame.stamp_usec) / 1e3)
            .collect()
    }

    /// How old what was shown of each watched body was at the end of each frame, in milliseconds.
    #[must_use]
    pub fn ages_ms(&self) -> Vec<f64> {
        let age = |(body, shown, at_usec)| motion::age_usec(body, shown, at_usec) / 1e3;
        self.places().map(age).collect()
    }

    /// The times from each frame in which a watched body was shown elsewhere to the next such frame, in milliseconds.
    #[must_use]
    pub fn gaps_ms(&self) -> Vec<f64> {
        (0..self.watched.len())
            .flat_map(|place| {
                let moved = self.frames.windows(2);
                let moved =
                    moved.filter(move |pair| pair[0].bodies[place] != pair[1].bodies[place]);
                let times: Vec<_> = moved.map(|pair| pair[1].at_usec / 1e3).collect();
                times
                    .windows(2)
                    .map(|pair| pair[1] - pair[0])
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// How far from where it was a lag before each watched body was shown, in millimetres, 99 of 100 times at most; and
    /// that lag, in milliseconds: the one for which this is least.
    #[must_use]
    pub fn error_p99_mm(&self) -> (f64, f64) {
        let with_lag = |step: u32| {
            let lag_usec = LAG_STEP_USEC * f64::from(step);
            let error = |(body, shown, at_usec): (u32, DVec2, f64)| {
                1e3 * shown.distance(motion::place(body, at_usec - lag_usec))
            };
            let mut errors: Vec<_> = self.places().map(error).collect();
            (quantile(&mut errors, 0.99), lag_usec / 1e3)
        };
        let best = (0..LAGS).map(with_lag);
        best.min_by(|one, other| one.0.total_cmp(&other.0))
            .unwrap_or((f64::NAN, f64::NAN))
    }

    /// The frames whose stamp is another than in the frame before.
    fn changes(&self) -> impl Iterator<Item = &Frame> {
        self.frames
            .windows(2)
            .filter(|pair| pair[0].stamp_usec != pair[1].stamp_usec)
            .map(|pair| &pair[1])
    }

    fn places(&self) -> impl Iterator<Item = (u32, DVec2, f64)> {
        self.frames.iter().flat_map(|frame| {
            let shown = self.watched.iter().zip(&frame.bodies);
            shown.map(|(body, shown)| (*body, *shown, frame.at_usec))
        })
    }
}

/// The value that a part of all values does not exceed; not a number without any. Sorts them.
#[must_use]
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let place = (part * last as f64).round() as usize;
    values.get(place).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME_USEC: f64 = 20_000.0;
    const LAG_USEC: f64 = 30_000.0;

    /// Bodies 0 and 3 as they were a while ago, moved each frame but for some in which nothing came.
    fn shown(missing: &[u32]) -> Shown {
        let mut numbers = Vec::new();
        let mut newest = 1.7e15;
        for frame in 0..200 {
            let now = 1.7e15 + FRAME_USEC * f64::from(frame);
            if !missing.contains(&frame) {
                newest = now - LAG_USEC;
            }
            numbers.extend([now, newest]);
            for body in [0, 3] {
                numbers.extend(motion::place(body, newest).to_array());
            }
        }
        Shown::new(&[0, 3], &numbers).unwrap()
    }

    #[test]
    fn a_constant_lag_is_latency_and_age_and_no_error() {
        let shown = shown(&[]);
        assert!((shown.seconds() - 3.98).abs() < 1e-6 && (shown.frames_hz() - 50.0).abs() < 1e-6);
        for times in [shown.latencies_ms(), shown.ages_ms()] {
            assert!(
                times.iter().all(|time| (time - 30.0).abs() < 0.01),
                "{times:?}"
            );
        }
        let (error_mm, lag_ms) = shown.error_p99_mm();
        assert!(
            error_mm < 0.01 && (lag_ms - 30.0).abs() < 0.5,
            "{error_mm} {lag_ms}"
        );
        assert!(shown.gaps_ms().iter().all(|gap| (gap - 20.0).abs() < 0.01));
    }

    #[test]
    fn what_does_not_come_is_a_gap_for_every_body_and_an_error() {
        let shown = shown(&[50, 51, 120, 121, 122, 160, 161]);
        let mut gaps = shown.gaps_ms();
        assert!((quantile(&mut gaps, 1.0) - 80.0).abs() < 0.01);
        assert_eq!(gaps.iter().filter(|gap| **gap > 21.0).count(), 6);
        assert!(shown.error_p99_mm().0 > 10.0);
        assert!((shown.changes_hz() - 192.0 / 3.98).abs() < 1e-6);
    }

    #[test]
    fn numbers_that_fill_no_rows_are_refused() {
        assert!(Shown::new(&[1], &[0.0; 7]).is_err());
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let mut values = [3.0, 1.0, 2.0];
        assert_eq!(
            [0.0, 0.5, 1.0].map(|part| quantile(&mut values, part)),
            [1.0, 2.0, 3.0]
        );
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
