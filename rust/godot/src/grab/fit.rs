//! How fast a hand is at its newest sample, by those before it.

use glam::{DMat3, DVec3, Vec3};
use synced_protocol::{input::InputFrame, time::Micros};

/// With at least so many samples the hand's acceleration is fitted too: a hand that throws has much of it. Fewer say too
/// little about it.
const CURVED_SAMPLES_MIN: usize = 8;

/// Velocities, in the space of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Motion {
    /// Metres a second.
    pub linear: Vec3,
    /// Radians a second, an axis times a rate.
    pub angular: Vec3,
}

/// The motion at the newest sample, by least squares over the samples that are at most `window` older. `samples` are sorted by
/// time. A single sample is believed; without any there is no motion.
pub(crate) fn motion(samples: &[InputFrame], window: Micros) -> Motion {
    let Some(newest) = samples.last() else {
        return Motion::default();
    };
    let begin = samples.partition_point(|sample| newest.sampled_at - sample.sampled_at > window);
    let samples = &samples[begin..];
    let position = |sample: &InputFrame| (sample.position - newest.position).as_dvec3();
    let turn = |sample: &InputFrame| {
        let turn = sample.orientation * newest.orientation.inverse();
        let turn = if turn.w < 0.0 { -turn } else { turn };
        turn.to_scaled_axis().as_dvec3()
    };
    Motion {
        linear: slope(samples, position).unwrap_or(newest.linear_velocity),
        angular: slope(samples, turn).unwrap_or(newest.angular_velocity),
    }
}

/// The slope at the newest sample of the polynomial nearest to all values; `None` if there is none.
fn slope(samples: &[InputFrame], value: impl Fn(&InputFrame) -> DVec3) -> Option<Vec3> {
    let newest = samples.last()?.sampled_at;
    let span = (newest - samples.first()?.sampled_at).as_secs_f64();
    if samples.len() < 2 || span <= 0.0 {
        return None;
    }
    let is_curved = samples.len() >= CURVED_SAMPLES_MIN;
    let mut sums = DMat3::ZERO;
    let mut right = [DVec3::ZERO; 3];
    for sample in samples {
        let t = -(newest - sample.sampled_at).as_secs_f64() / span;
        let powers = DVec3::new(1.0, t, if is_curved { t * t } else { 0.0 });
        sums += DMat3::from_cols(powers * powers.x, powers * powers.y, powers * powers.z);
        let value = value(sample);
        for (row, power) in right.iter_mut().zip(powers.to_array()) {
            *row += value * power;
        }
    }
    if !is_curved {
        sums.z_axis.z = 1.0;
    }
    let solve = sums.inverse();
    let row = solve.row(1);
    let slope = right[0] * row.x + right[1] * row.y + right[2] * row.z;
    slope.is_finite().then(|| (slope / span).as_vec3())
}

#[cfg(test)]
mod tests {
    use glam::Quat;

    use super::*;

    const WINDOW: Micros = Micros::from_millis(50);

    /// Half a second of a hand on a circle that also turns with it, `every` so often, up to 20 ms before `end`.
    fn circling(every: Micros, noise: f32) -> (Vec<InputFrame>, Motion) {
        const RADIUS: f32 = 0.4;
        const RATE: f32 = 9.0;
        let sample = |number: u64| {
            let time = Micros(every.0 * number);
            let angle = RATE * time.as_secs_f64() as f32;
            let jitter = |salt: u64| {
                noise * (((number * 7_919 + salt * 104_729) % 1_000) as f32 / 500.0 - 1.0)
            };
            InputFrame {
                sampled_at: time,
                position: RADIUS * Vec3::new(angle.cos(), angle.sin(), 0.0)
                    + Vec3::new(jitter(1), jitter(2), jitter(3)),
                orientation: Quat::from_rotation_z(angle),
                ..InputFrame::default()
            }
        };
        let samples: Vec<_> = (0..=500_000 / every.0).map(sample).collect();
        let angle = RATE * samples.last().unwrap().sampled_at.as_secs_f64() as f32;
        let truth = Motion {
            linear: RADIUS * RATE * Vec3::new(-angle.sin(), angle.cos(), 0.0),
            angular: Vec3::new(0.0, 0.0, RATE),
        };
        (samples, truth)
    }

    fn assert_within(found: Motion, truth: Motion, share: f32) {
        let linear = (found.linear - truth.linear).length() / truth.linear.length();
        let angular = (found.angular - truth.angular).length() / truth.angular.length();
        assert!(
            linear < share && angular < share,
            "{found:?} is not {truth:?}: {linear} and {angular} off"
        );
    }

    #[test]
    fn a_swing_along_a_narrow_curve_is_right_to_a_hundredth() {
        let (samples, truth) = circling(Micros(1_000), 0.0);
        assert_within(motion(&samples, WINDOW), truth, 0.01);
    }

    #[test]
    fn noise_of_a_third_of_a_millimetre_costs_less_than_two_hundredths() {
        let (samples, truth) = circling(Micros(1_000), 0.000_3);
        assert_within(motion(&samples, WINDOW), truth, 0.02);
    }

    #[test]
    fn a_few_samples_a_frame_apart_give_their_mean() {
        let (samples, truth) = circling(Micros(11_111), 0.0);
        assert_within(motion(&samples, WINDOW), truth, 0.25);
    }

    #[test]
    fn a_single_sample_is_believed_and_none_stands_still() {
        let only = InputFrame {
            linear_velocity: Vec3::X,
            angular_velocity: Vec3::Y,
            ..InputFrame::default()
        };
        let believed = Motion {
            linear: Vec3::X,
            angular: Vec3::Y,
        };
        assert_eq!(motion(&[only], WINDOW), believed);
        assert_eq!(motion(&[], WINDOW), Motion::default());
        assert_eq!(motion(&[only, only], WINDOW), believed);
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let (mut samples, _) = circling(Micros(1_000), 0.0);
        let before = motion(&samples, WINDOW);
        for old in &mut samples[..440] {
            old.position = Vec3::splat(9.0);
        }
        assert_eq!(motion(&samples, WINDOW), before);
    }
}
