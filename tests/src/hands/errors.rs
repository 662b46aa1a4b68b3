//! How far from the truth what was shown is.

use glam::DQuat;

use super::{Frame, Shown, Truth};

/// The lags that are tried to find the best one, in milliseconds.
const LAGS_MSEC: std::ops::Range<u32> = 0..200;

/// Distances and angles between what was shown and the truth, over both hands and all frames.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Errors {
    /// Their mean, in millimetres.
    pub mean_mm: f64,
    /// 99 of 100 are at most so large, in millimetres.
    pub p99_mm: f64,
    /// Their mean, in degrees.
    pub mean_deg: f64,
    /// 99 of 100 are at most so large, in degrees.
    pub p99_deg: f64,
}

/// The errors, if each hand in each frame is of the time in microseconds since 1970 that `at` says.
#[must_use]
pub fn errors_at(
    frames: &[Frame],
    truths: &[Truth; 2],
    at: impl Fn(&Frame, &Shown) -> f64,
) -> Errors {
    let (mut distances, mut angles) = (Vec::new(), Vec::new());
    for frame in frames {
        for (shown, truth) in frame.hands.iter().zip(truths) {
            let truth = truth.at(at(frame, shown));
            distances.push(truth.position.distance(shown.position) * 1e3);
            angles.push(angle(truth.orientation, shown.orientation).to_degrees());
        }
    }
    let [(mean_mm, p99_mm), (mean_deg, p99_deg)] = [distances, angles].map(mean_and_p99);
    Errors {
        mean_mm,
        p99_mm,
        mean_deg,
        p99_deg,
    }
}

/// The errors, if what a frame shows is of a constant time before it: each number with the lag that makes it smallest. With
/// them the lag that makes the largest distances smallest, in milliseconds.
#[must_use]
pub fn best_errors(frames: &[Frame], truths: &[Truth; 2]) -> (Errors, f64) {
    let tried = LAGS_MSEC.map(|lag| {
        let lag_usec = f64::from(lag) * 1e3;
        (
            errors_at(frames, truths, |frame, _| frame.unix_usec - lag_usec),
            f64::from(lag),
        )
    });
    let tried: Vec<_> = tried.collect();
    let least = |number: fn(&Errors) -> f64| {
        let all = tried.iter().map(|(errors, _)| number(errors));
        all.min_by(f64::total_cmp).unwrap_or_default()
    };
    let errors = Errors {
        mean_mm: least(|errors| errors.mean_mm),
        p99_mm: least(|errors| errors.p99_mm),
        mean_deg: least(|errors| errors.mean_deg),
        p99_deg: least(|errors| errors.p99_deg),
    };
    let best = tried
        .iter()
        .min_by(|a, b| a.0.p99_mm.total_cmp(&b.0.p99_mm));
    (errors, best.map_or(0.0, |(_, lag)| *lag))
}

/// Twice the arc sine of what is left of one turn after the other: exact for small angles too.
fn angle(a: DQuat, b: DQuat) -> f64 {
    let turn = a.inverse() * b;
    2.0 * turn.xyz().length().min(1.0).asin()
}

fn mean_and_p99(mut numbers: Vec<f64>) -> (f64, f64) {
    if numbers.is_empty() {
        return (f64::INFINITY, f64::INFINITY);
    }
    numbers.sort_by(f64::total_cmp);
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let place = (numbers.len() * 99).div_ceil(100) - 1;
    (mean, numbers[place])
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::*;
    use crate::motion::{LEFT_HOME, Motion, RIGHT_HOME};

    const BEGUN: f64 = 1.7e15;

    fn truths() -> [Truth; 2] {
        [LEFT_HOME, RIGHT_HOME].map(|home| Truth::new(Motion::circles(home, 3.0), BEGUN))
    }

    /// Frames that show the truth of a while before, and claim that.
    fn frames(lag_usec: f64) -> Vec<Frame> {
        let truths = truths();
        let times = (0..200).map(|frame| BEGUN + f64::from(frame) * 16_667.0);
        let frame = |unix_usec: f64| Frame {
            unix_usec,
            session_usec: unix_usec,
            hands: [0, 1].map(|hand| {
                let at_usec = unix_usec - lag_usec;
                let truth = truths[hand].at(at_usec);
                Shown {
                    at_usec,
                    position: truth.position + DVec3::Y * 1e-3,
                    orientation: truth.orientation * DQuat::from_rotation_x(0.01),
                }
            }),
        };
        times.map(frame).collect()
    }

    fn is_near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-3
    }

    #[test]
    fn what_is_off_by_a_millimetre_and_a_hundredth_of_a_radian_is_found_to_be() {
        let errors = errors_at(&frames(50_000.0), &truths(), |_, shown| shown.at_usec);
        assert!(
            is_near(errors.mean_mm, 1.0) && is_near(errors.p99_mm, 1.0),
            "{errors:?}"
        );
        let degrees = 0.01_f64.to_degrees();
        assert!(
            is_near(errors.mean_deg, degrees) && is_near(errors.p99_deg, degrees),
            "{errors:?}"
        );
    }

    #[test]
    fn the_best_lag_is_the_one_by_which_everything_is_late() {
        let (errors, lag) = best_errors(&frames(70_000.0), &truths());
        assert!(
            is_near(lag, 70.0) && is_near(errors.p99_mm, 1.0),
            "{errors:?} {lag}"
        );
        let unfitted = errors_at(&frames(70_000.0), &truths(), |frame, _| frame.unix_usec);
        assert!(unfitted.p99_mm > 100.0, "{unfitted:?}");
    }

    #[test]
    fn the_99th_of_a_hundred_is_the_largest_but_one() {
        let (mean, p99) = mean_and_p99((1..=100).map(f64::from).collect());
        assert!(is_near(mean, 50.5) && is_near(p99, 99.0));
        assert!(is_near(mean_and_p99(vec![7.0]).1, 7.0));
        assert!(
            mean_and_p99(Vec::new()).1.is_infinite(),
            "nothing shown is no success"
        );
    }
}
