//! The way from one sample of a controller to the next, as everybody draws it.
//!
//! The receiver shows it, and the sender leaves out the samples that lie on it: both must draw the very same.

use glam::{Quat, Vec3};
use synced_protocol::{
    input::{Controls, InputFrame},
    time::Micros,
};

use super::rotation;

/// How far a trajectory is carried on beyond its last sample; there it stands still.
pub const EXTRAPOLATION_MAX: Micros = Micros::from_millis(50);
/// For how long it is carried on at full speed. From there on it slows down evenly.
pub const EXTRAPOLATION_FULL: Micros = Micros::from_millis(20);
/// Samples further apart than this are joined by a straight line: their velocities say nothing of the time between. Three batches
/// at the slowest pace are not.
pub const HERMITE_SPAN_MAX: Micros = Micros::from_millis(150);
/// Metres a second. Nobody moves a controller so fast: it was put there.
pub const SPEED_M_S_MAX: f32 = 50.0;
/// Metres. What is nearer than this is never taken for a jump, however short the time.
pub const JUMP_M_MIN: f32 = 0.1;

/// What leads from a sample to the one after it.
#[derive(Debug, Clone)]
pub struct Curve {
    from: InputFrame,
    to: InputFrame,
    seconds: f32,
    way: Way,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    /// Cubic in position and turn, with the velocities of both ends.
    Cubic {
        velocities: [Vec3; 2],
        turn: Vec3,
        rates: [Vec3; 2],
    },
    Straight {
        turn: Vec3,
    },
    /// There is none: the later sample is somewhere else all at once.
    Jump,
}

impl Curve {
    /// The way between two samples; `to` is the later one.
    #[must_use]
    pub fn between(from: &InputFrame, to: &InputFrame) -> Self {
        let span = to.sampled_at.since(from.sampled_at);
        Self {
            from: *from,
            to: *to,
            seconds: span.as_secs_f64() as f32,
            way: Way::between(from, to, span),
        }
    }

    /// Whether nothing leads from the one to the other.
    #[must_use]
    pub const fn is_jump(&self) -> bool {
        matches!(self.way, Way::Jump)
    }

    /// The controller at a time between the two samples: at their own times exactly themselves, between them with the
    /// velocities that the curve has there. Outside of that time it is the nearer of the two.
    #[must_use]
    pub fn at(&self, time: Micros) -> InputFrame {
        if time <= self.from.sampled_at {
            return self.from;
        }
        if time >= self.to.sampled_at {
            return self.to;
        }
        let since = time.since(self.from.sampled_at);
        let t = since.as_secs_f64() as f32 / self.seconds;
        match self.way {
            Way::Jump => beyond(&self.from, time),
            Way::Straight { turn } => self.straight(turn, t, time),
            Way::Cubic {
                velocities,
                turn,
                rates,
            } => self.cubic(velocities, (turn, rates), t, time),
        }
    }

    fn cubic(
        &self,
        velocities: [Vec3; 2],
        (turn, rates): (Vec3, [Vec3; 2]),
        t: f32,
        time: Micros,
    ) -> InputFrame {
        let Self {
            from, to, seconds, ..
        } = self;
        let [da, db] = velocities.map(|velocity| velocity * *seconds);
        let [ra, rb] = rates.map(|rate| rate * *seconds);
        let turned = hermite(Vec3::ZERO, ra, turn, rb, t);
        let rate = hermite_slope(Vec3::ZERO, ra, turn, rb, t) / *seconds;
        let slope = hermite_slope(from.position, da, to.position, db, t);
        self.point(
            time,
            t,
            hermite(from.position, da, to.position, db, t),
            rotation::exp(turned),
            slope / *seconds,
            rotation::angular_velocity(turned, rate),
        )
    }

    fn straight(&self, turn: Vec3, t: f32, time: Micros) -> InputFrame {
        let Self {
            from, to, seconds, ..
        } = self;
        self.point(
            time,
            t,
            from.position.lerp(to.position, t),
            rotation::exp(turn * t),
            (to.position - from.position) / *seconds,
            turn / *seconds,
        )
    }

    fn point(
        &self,
        time: Micros,
        t: f32,
        position: Vec3,
        turned: Quat,
        linear_velocity: Vec3,
        angular_velocity: Vec3,
    ) -> InputFrame {
        InputFrame {
            sampled_at: time,
            position,
            orientation: (turned * self.from.orientation).normalize(),
            linear_velocity,
            angular_velocity,
            controls: between_controls(&self.from.controls, &self.to.controls, t),
            is_jump: false,
        }
    }
}

impl Way {
    fn between(from: &InputFrame, to: &InputFrame, span: Micros) -> Self {
        if to.is_jump || is_implausible(from, to, span) {
            return Self::Jump;
        }
        let turn = rotation::turn_between(from.orientation, to.orientation);
        if span > HERMITE_SPAN_MAX {
            return Self::Straight { turn };
        }
        let seconds = span.as_secs_f64() as f32;
        let rates = [
            from.angular_velocity,
            rotation::rate(turn, to.angular_velocity),
        ];
        Self::Cubic {
            velocities: or_even(
                [from.linear_velocity, to.linear_velocity],
                (to.position - from.position) / seconds,
            ),
            turn,
            rates: or_even(rates, turn / seconds),
        }
    }
}

/// The velocities at both ends, or an even one where there are none: a source that does not know them says 0.
fn or_even(known: [Vec3; 2], even: Vec3) -> [Vec3; 2] {
    if known == [Vec3::ZERO; 2] {
        [even; 2]
    } else {
        known
    }
}

/// The controller after its last sample: carried on, ever slower, for [`EXTRAPOLATION_MAX`], and then still.
///
/// `sampled_at` of the result is the time up to which it was carried on.
#[must_use]
pub fn beyond(last: &InputFrame, time: Micros) -> InputFrame {
    if time <= last.sampled_at {
        return *last;
    }
    let span = time.since(last.sampled_at).min(EXTRAPOLATION_MAX);
    let slowing = EXTRAPOLATION_MAX.since(EXTRAPOLATION_FULL).as_secs_f64() as f32;
    let slow = span.since(EXTRAPOLATION_FULL).as_secs_f64() as f32;
    let seconds = span.as_secs_f64() as f32 - slow * slow / (2.0 * slowing);
    let speed = 1.0 - slow / slowing;
    let turned = rotation::exp(last.angular_velocity * seconds);
    InputFrame {
        sampled_at: last.sampled_at + span,
        position: last.position + last.linear_velocity * seconds,
        orientation: (turned * last.orientation).normalize(),
        linear_velocity: last.linear_velocity * speed,
        angular_velocity: last.angular_velocity * speed,
        controls: last.controls,
        is_jump: false,
    }
}

/// The point of the cubic Hermite curve from `a` to `b` at `t` from 0 to 1, where `da` and `db` are the ways that the
/// velocities at its ends would go in the whole time.
#[must_use]
pub fn hermite(a: Vec3, da: Vec3, b: Vec3, db: Vec3, t: f32) -> Vec3 {
    if t >= 1.0 {
        return b;
    }
    let (t2, t3) = (t * t, t * t * t);
    let to_b = 3.0 * t2 - 2.0 * t3;
    a + (b - a) * to_b + da * (t3 - 2.0 * t2 + t) + db * (t3 - t2)
}

/// The derivative of [`hermite`] by `t`.
fn hermite_slope(a: Vec3, da: Vec3, b: Vec3, db: Vec3, t: f32) -> Vec3 {
    let t2 = t * t;
    (b - a) * (6.0 * t - 6.0 * t2) + da * (3.0 * t2 - 4.0 * t + 1.0) + db * (3.0 * t2 - 2.0 * t)
}

fn is_implausible(from: &InputFrame, to: &InputFrame, span: Micros) -> bool {
    let seconds = span.as_secs_f64() as f32;
    let most = (SPEED_M_S_MAX * seconds).max(JUMP_M_MIN);
    from.position.distance_squared(to.position) > most * most
}

/// Buttons change at the later sample, when they are known to have changed; axes move.
fn between_controls(a: &Controls, b: &Controls, t: f32) -> Controls {
    let mix = |a: f32, b: f32| a + (b - a) * t;
    Controls {
        buttons: a.buttons,
        trigger: mix(a.trigger, b.trigger),
        grip: mix(a.grip, b.grip),
        stick: [mix(a.stick[0], b.stick[0]), mix(a.stick[1], b.stick[1])],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Micros = Micros::from_secs(1_000_000);

    fn vector(most: f32) -> impl Strategy<Value = Vec3> {
        [-most..most, -most..most, -most..most].prop_map(Vec3::from_array)
    }

    fn frame() -> impl Strategy<Value = InputFrame> {
        let parts = (vector(0.04), vector(3.0), vector(10.0), vector(30.0));
        parts.prop_map(|(position, turn, linear, angular)| InputFrame {
            sampled_at: START,
            position,
            orientation: Quat::from_scaled_axis(turn),
            linear_velocity: linear,
            angular_velocity: angular,
            ..InputFrame::default()
        })
    }

    fn after(frame: InputFrame, span: Micros) -> InputFrame {
        InputFrame {
            sampled_at: START + span,
            ..frame
        }
    }

    fn angle(a: Quat, b: Quat) -> f32 {
        rotation::turn_between(a, b).length()
    }

    proptest! {
        #[test]
        fn a_hermite_curve_goes_through_both_its_ends_exactly(
            a in vector(50.0), da in vector(50.0), b in vector(50.0), db in vector(50.0),
        ) {
            prop_assert_eq!(hermite(a, da, b, db, 0.0), a);
            prop_assert_eq!(hermite(a, da, b, db, 1.0), b);
        }

        #[test]
        fn at_its_ends_a_curve_has_their_poses_and_comes_to_them_with_their_velocities(
            a in frame(), b in frame(), span_us in 2_000..=HERMITE_SPAN_MAX.0,
        ) {
            let b = after(b, Micros(span_us));
            let curve = Curve::between(&a, &b);
            prop_assert_eq!(curve.at(START), a);
            prop_assert_eq!(curve.at(b.sampled_at), b);
            for (end, near) in [(a, START + Micros(1)), (b, b.sampled_at - Micros(1))] {
                let near = curve.at(near);
                prop_assert!(near.position.distance(end.position) < 1e-4);
                prop_assert!(angle(near.orientation, end.orientation) < 1e-3);
                let seconds = span_us as f32 * 1e-6;
                // What a cubic's second derivative makes of a microsecond.
                let change = |way: f32, speed: f32| 2e-6 * (6.0 * way / seconds + 6.0 * speed) / seconds + 1e-2;
                let most = change(0.14, 35.0);
                prop_assert!(near.linear_velocity.distance(end.linear_velocity) < most);
                let most = change(std::f32::consts::PI, 200.0);
                prop_assert!(near.angular_velocity.distance(end.angular_velocity) < most);
            }
        }

        #[test]
        fn the_velocities_of_a_curve_are_those_of_its_points(
            a in frame(), b in frame(), span_us in 10_000..=HERMITE_SPAN_MAX.0, part in 0.1_f64..0.9,
        ) {
            let b = after(b, Micros(span_us));
            let curve = Curve::between(&a, &b);
            let middle = START + Micros((part * span_us as f64) as u64);
            let step = Micros(span_us / 200);
            let [before, here, behind] = [middle - step, middle, middle + step].map(|at| curve.at(at));
            let seconds = 2.0 * step.as_secs_f64() as f32;
            let moved = (behind.position - before.position) / seconds;
            let turned = rotation::turn_between(before.orientation, behind.orientation) / seconds;
            prop_assert!(here.linear_velocity.distance(moved) < 0.05, "{moved}");
            let most = 0.05 + 0.01 * here.angular_velocity.length();
            prop_assert!(here.angular_velocity.distance(turned) < most, "{turned}");
        }
    }

    #[test]
    fn a_source_without_velocities_moves_evenly_from_sample_to_sample() {
        let from = InputFrame {
            sampled_at: START,
            ..InputFrame::default()
        };
        let to = InputFrame {
            sampled_at: START + Micros::from_millis(10),
            position: Vec3::X * 0.05,
            orientation: Quat::from_rotation_y(0.4),
            ..InputFrame::default()
        };
        let quarter = Curve::between(&from, &to).at(START + Micros(2_500));
        assert!(quarter.position.distance(Vec3::X * 0.0125) < 1e-6);
        assert!(angle(quarter.orientation, Quat::from_rotation_y(0.1)) < 1e-5);
        assert!(quarter.linear_velocity.distance(Vec3::X * 5.0) < 1e-4);
        assert!(quarter.angular_velocity.distance(Vec3::Y * 40.0) < 1e-3);
    }

    #[test]
    fn nothing_leads_to_a_sample_that_says_it_jumped_or_is_too_far_away_to_have_moved_there() {
        let here = InputFrame {
            sampled_at: START,
            linear_velocity: Vec3::X,
            ..InputFrame::default()
        };
        let there = |metres: f32, is_jump| InputFrame {
            sampled_at: START + Micros::from_millis(4),
            position: Vec3::X * metres,
            is_jump,
            ..InputFrame::default()
        };
        let far = SPEED_M_S_MAX * 0.004;
        for (to, is_jump) in [
            (there(0.0, true), true),
            (there(far + 0.001, false), true),
            (there(far - 0.001, false), false),
        ] {
            let curve = Curve::between(&here, &to);
            assert_eq!(curve.is_jump(), is_jump);
            if is_jump {
                let shown = curve.at(START + Micros(3_999));
                assert!(shown.position.distance(Vec3::X * 0.003_999) < 1e-6);
                assert_eq!(curve.at(to.sampled_at), to);
            }
        }
    }

    #[test]
    fn what_is_carried_on_slows_down_evenly_to_a_stop() {
        let last = InputFrame {
            sampled_at: START,
            linear_velocity: Vec3::X * 2.0,
            angular_velocity: Vec3::Y * 10.0,
            ..InputFrame::default()
        };
        let at = |us: u64| beyond(&last, START + Micros(us));
        assert_eq!(at(0), last);
        assert!((at(20_000).position.x - 0.04).abs() < 1e-6);
        assert_eq!(at(20_000).linear_velocity, last.linear_velocity);
        assert!((at(35_000).linear_velocity.x - 1.0).abs() < 1e-5);
        assert!((at(50_000).position.x - 0.07).abs() < 1e-6);
        assert_eq!(at(50_000).linear_velocity, Vec3::ZERO);
        assert!((angle(Quat::IDENTITY, at(50_000).orientation) - 0.35).abs() < 1e-5);
        assert_eq!(at(9_000_000), at(50_000));
    }
}
