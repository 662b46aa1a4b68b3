//! Hands whose truth is known: where they are, how they are turned and how fast they go, exactly, at any time.
//!
//! Every motion is a hand on an arm that swings about an elbow (`Rig`) by an angle that is a chain of polynomials in
//! time (`Swing`). So poses and velocities are formulas, and no velocity is a difference of poses.
//!
//! ```
//! use synced_tests::motion::{Motion, RIGHT_HOME};
//! let throw = Motion::throw(RIGHT_HOME);
//! let release = throw.releases()[0];
//! assert!(throw.at(release).linear_velocity.length() > 1.5);
//! ```

mod moment;
mod noise;
mod swing;
mod trace;

use glam::{DQuat, DVec3, EulerRot};

use moment::Rig;
use noise::Noise;
use swing::Swing;

pub use moment::Moment;
pub use noise::{NOISE_ANGLE_RAD, NOISE_POSITION_M};
pub use trace::write_trace;

/// No motion is faster than this, in m/s.
pub const SPEED_MAX: f64 = 2.0;
/// No motion turns faster than this, in rad/s.
pub const TURN_RATE_MAX: f64 = 10.0;
/// Where the right hand's motions begin and end, in metres; the left's are [`LEFT_HOME`].
pub const RIGHT_HOME: DVec3 = DVec3::new(0.25, 1.2, -0.4);
/// Where the head's motions begin and end, in metres.
pub const HEAD_HOME: DVec3 = DVec3::new(0.0, 1.7, 0.0);
/// Where the left hand's motions begin and end, in metres.
pub const LEFT_HOME: DVec3 = DVec3::new(-0.25, 1.2, -0.4);

/// Metres a radian by which the whole arm of a thrower goes forward.
const THROW_LUNGE: f64 = 0.03;
const THROW_ARM_M: f64 = 0.3;
/// Radians a second at the release.
const THROW_RATE: f64 = 6.0;
/// Not a whole number of milliseconds, so that the hits fall between the samples in every way.
const DRUM_PAUSE_SEC: f64 = 0.0837;
const DRUM_ARM_M: f64 = 0.25;

/// A hand's movement from its beginning at zero seconds to its end. It begins and ends at rest, at home.
#[derive(Debug, Clone)]
pub struct Motion {
    /// In order, each from the end of the one before. Never empty.
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    begins_at: f64,
    rig: Rig,
    swing: Swing,
    noise: Option<Noise>,
}

impl Motion {
    /// Round and round with up to [`SPEED_MAX`] and [`TURN_RATE_MAX`]: half a second to come up to speed, `seconds` of it,
    /// and half a second until it stands.
    #[must_use]
    pub fn circles(home: DVec3, seconds: f64) -> Self {
        let rig = Rig::new(
            home,
            DVec3::new(SPEED_MAX / TURN_RATE_MAX, 0.0, 0.0),
            DVec3::Y,
        )
        .gripping(held());
        let swing = Swing::new()
            .reach_rate(TURN_RATE_MAX, 0.5)
            .go_on(seconds)
            .reach_rate(0.0, 0.5)
            .close_turn();
        Self::of(rig, swing)
    }

    /// A throw forwards: the hand is drawn back, goes forth, lets go ([`releases`](Self::releases)) with the velocity that
    /// it has there, runs out and comes home.
    #[must_use]
    pub fn throw(home: DVec3) -> Self {
        let rig = Rig::new(home, DVec3::Y * THROW_ARM_M, DVec3::NEG_X)
            .gripping(held())
            .lunging(DVec3::NEG_Z * THROW_LUNGE);
        let swing = Swing::new()
            .ease_to(-0.7, 0.45)
            .wait(0.0613)
            .reach_rate(THROW_RATE, 0.22)
            .release()
            .reach_rate(0.0, 0.18)
            .ease_to(0.0, 0.5)
            .wait(0.1);
        Self::of(rig, swing)
    }

    /// So many strokes on a drum: the hand comes down faster and faster up to [`SPEED_MAX`] and stops dead
    /// ([`hits`](Self::hits)).
    #[must_use]
    pub fn drumming(home: DVec3, strokes: u32) -> Self {
        let rig = Rig::new(home, DVec3::NEG_Z * DRUM_ARM_M, DVec3::X).gripping(held());
        let stroke = |swing: Swing| {
            swing
                .ease_to(0.5, 0.21)
                .strike_to(0.0, 0.125)
                .wait(DRUM_PAUSE_SEC)
        };
        Self::of(
            rig,
            (0..strokes).fold(Swing::new(), |swing, _| stroke(swing)),
        )
    }

    /// A head that turns from side to side, for at least so many seconds.
    #[must_use]
    pub fn sway(home: DVec3, seconds: f64) -> Self {
        let rig = Rig::new(home, DVec3::new(0.0, 0.1, -0.1), DVec3::Y);
        let mut swing = Swing::new();
        while swing.length() < seconds {
            swing = swing.ease_to(0.4, 0.9).ease_to(-0.4, 1.3).ease_to(0.0, 0.9);
        }
        Self::of(rig, swing)
    }

    /// At rest for so many seconds. What a sensor tells of it trembles, alike for the same seed: see
    /// [`sensed_at`](Self::sensed_at).
    #[must_use]
    pub fn rest(home: DVec3, seconds: f64, seed: u64) -> Self {
        let rig = Rig::new(home, DVec3::NEG_Z, DVec3::X).gripping(held());
        let mut motion = Self::of(rig, Swing::new().wait(seconds));
        motion.parts[0].noise = Some(Noise::new(seed));
        motion
    }

    /// All of it in turn, again and again, for at least so many seconds.
    #[must_use]
    pub fn programme(home: DVec3, seconds: f64, seed: u64) -> Self {
        let mut whole = Self::rest(home, 0.5, seed);
        for round in 1.. {
            whole = whole
                .then(Self::circles(home, 1.0))
                .then(Self::throw(home))
                .then(Self::drumming(home, 4))
                .then(Self::rest(home, 1.0, seed.wrapping_add(round)));
            if whole.length() >= seconds {
                break;
            }
        }
        whole
    }

    /// This motion, and after its end another.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        let begins_at = self.length();
        self.parts.extend(other.parts.into_iter().map(|part| Part {
            begins_at: begins_at + part.begins_at,
            ..part
        }));
        self
    }

    /// Its length in seconds.
    #[must_use]
    pub fn length(&self) -> f64 {
        self.parts
            .last()
            .map_or(0.0, |last| last.begins_at + last.swing.length())
    }

    /// The truth at `seconds`; at rest at home before the beginning and after the end.
    #[must_use]
    pub fn at(&self, seconds: f64) -> Moment {
        let part = self.part(seconds);
        let (angle, rate) = part.swing.at(seconds - part.begins_at);
        part.rig.at(angle, rate)
    }

    /// What a sensor tells at `seconds`: the truth, with noise where the motion has some.
    #[must_use]
    pub fn sensed_at(&self, seconds: f64) -> Moment {
        let truth = self.at(seconds);
        let noise = self.part(seconds).noise;
        noise.map_or(truth, |noise| noise.added_to(truth, seconds))
    }

    /// When something hits the drum, in seconds: before it the hand is at its fastest, from then on it stands.
    #[must_use]
    pub fn hits(&self) -> Vec<f64> {
        self.marks(Swing::hits)
    }

    /// When something is let go, in seconds.
    #[must_use]
    pub fn releases(&self) -> Vec<f64> {
        self.marks(Swing::releases)
    }

    fn of(rig: Rig, swing: Swing) -> Self {
        Self {
            parts: vec![Part {
                begins_at: 0.0,
                rig,
                swing,
                noise: None,
            }],
        }
    }

    fn part(&self, seconds: f64) -> &Part {
        let after = self.parts.partition_point(|part| part.begins_at <= seconds);
        &self.parts[after.saturating_sub(1)]
    }

    fn marks(&self, of: impl Fn(&Swing) -> &[f64]) -> Vec<f64> {
        let of_part = |part: &Part| {
            of(&part.swing)
                .iter()
                .map(|at| part.begins_at + at)
                .collect::<Vec<_>>()
        };
        self.parts.iter().flat_map(of_part).collect()
    }
}

/// How a hand holds a controller at rest: about no axis of the space, so that none can stand in for another.
fn held() -> DQuat {
    DQuat::from_euler(EulerRot::YXZ, 0.2, -0.6, 0.3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: f64 = 1e-5;

    fn all() -> [Motion; 5] {
        [
            Motion::sway(HEAD_HOME, 4.0),
            Motion::circles(RIGHT_HOME, 1.3),
            Motion::throw(LEFT_HOME),
            Motion::drumming(RIGHT_HOME, 3),
            Motion::programme(LEFT_HOME, 20.0, 7),
        ]
    }

    /// Times all over a motion that are not within a step of a hit, where the velocity has two values.
    fn times(motion: &Motion) -> impl Iterator<Item = f64> {
        let (hits, length) = (motion.hits(), motion.length());
        let all = (0..)
            .map(|step| f64::from(step) * 0.000_77)
            .take_while(move |t| *t < length);
        all.filter(move |t| hits.iter().all(|hit| (hit - t).abs() > 2.0 * STEP))
    }

    #[test]
    fn the_linear_velocity_is_the_derivative_of_the_position() {
        for motion in all() {
            for t in times(&motion) {
                let slope =
                    (motion.at(t + STEP).position - motion.at(t - STEP).position) / (2.0 * STEP);
                let told = motion.at(t).linear_velocity;
                assert!(slope.distance(told) < 5e-3, "at {t}: {slope} {told}");
            }
        }
    }

    #[test]
    fn the_angular_velocity_is_the_derivative_of_the_orientation() {
        for motion in all() {
            for t in times(&motion) {
                let turn =
                    motion.at(t + STEP).orientation * motion.at(t - STEP).orientation.inverse();
                let slope = turn.to_scaled_axis() / (2.0 * STEP);
                let told = motion.at(t).angular_velocity;
                assert!(slope.distance(told) < 1e-2, "at {t}: {slope} {told}");
            }
        }
    }

    #[test]
    fn the_speeds_reach_their_limits_and_do_not_pass_them() {
        let [_, circles, _, drumming, programme] = all();
        for motion in [circles, drumming, programme] {
            let fastest = |of: fn(&Moment) -> DVec3| {
                times(&motion)
                    .map(|t| of(&motion.at(t)).length())
                    .fold(0.0, f64::max)
            };
            let speed = fastest(|moment| moment.linear_velocity);
            assert!(
                (0.99 * SPEED_MAX..SPEED_MAX + 1e-9).contains(&speed),
                "{speed} m/s"
            );
            assert!(fastest(|moment| moment.angular_velocity) < TURN_RATE_MAX + 1e-9);
        }
    }

    #[test]
    fn a_motion_begins_and_ends_at_rest_at_home() {
        for (motion, home) in all()
            .iter()
            .zip([HEAD_HOME, RIGHT_HOME, LEFT_HOME, RIGHT_HOME, LEFT_HOME])
        {
            for t in [-1.0, 0.0, motion.length(), motion.length() + 1.0] {
                let moment = motion.at(t);
                assert!(
                    moment.position.distance(home) < 1e-9,
                    "at {t}: {}",
                    moment.position
                );
                assert!(moment.orientation.is_normalized());
                assert!(moment.linear_velocity.length() + moment.angular_velocity.length() < 1e-9);
            }
        }
    }

    #[test]
    fn a_throw_lets_go_forwards_at_its_fastest() {
        let throw = Motion::throw(RIGHT_HOME);
        let [release] = throw.releases()[..] else {
            panic!("{:?}", throw.releases())
        };
        let speed = |t| throw.at(t).linear_velocity.length();
        assert!(throw.at(release).linear_velocity.z < -1.7);
        assert!(times(&throw).all(|t| speed(t) <= speed(release) + 1e-6));
    }

    #[test]
    fn a_hit_stops_the_hand_dead() {
        let drumming = Motion::drumming(RIGHT_HOME, 3);
        assert_eq!(drumming.hits().len(), 3);
        for hit in drumming.hits() {
            let [before, after] = [-1e-6, 1e-6].map(|step| drumming.at(hit + step).linear_velocity);
            assert!(
                (before.y + SPEED_MAX).abs() < 1e-3 && after == DVec3::ZERO,
                "{before} {after}"
            );
        }
    }

    #[test]
    fn a_programme_has_everything_and_knows_when() {
        let programme = Motion::programme(RIGHT_HOME, 20.0, 1);
        assert!(
            programme.length() >= 20.0
                && programme.releases().len() >= 3
                && programme.hits().len() >= 12
        );
        for hit in programme.hits() {
            assert_eq!(programme.at(hit + 1e-6).linear_velocity, DVec3::ZERO);
            assert!(programme.at(hit - 1e-4).linear_velocity.length() > 1.9);
        }
    }

    #[test]
    fn a_sensor_trembles_where_the_hand_rests_and_nowhere_else() {
        let programme = Motion::programme(RIGHT_HOME, 5.0, 1);
        let is_noisy = |t| programme.sensed_at(t) != programme.at(t);
        assert!(is_noisy(0.25) && is_noisy(programme.length() - 0.5));
        assert!(!is_noisy(1.5) && !is_noisy(programme.releases()[0]));
    }
}
