//! Velocities of what a runtime tells only the poses of.

use glam::Vec3;
use synced_protocol::{input::Pose, time::Micros};

/// Poses that are remembered.
const POSES: usize = 16;
/// Velocities are differences over at least so long, against the noise of single poses.
const SPAN_MIN: Micros = Micros::from_millis(8);
/// Poses older than this say nothing of the present velocity.
const SPAN_MAX: Micros = Micros::from_millis(50);

/// The last poses.
#[derive(Debug, Default)]
pub(super) struct Motion {
    poses: [Option<(Micros, Pose)>; POSES],
    next: usize,
}

impl Motion {
    /// Nothing before now says how it moves.
    pub(super) fn forget(&mut self) {
        self.poses = Default::default();
    }

    /// Metres and radians a second, by difference to the newest pose that is old enough. Zero without one.
    pub(super) fn velocities(&mut self, now: Micros, pose: Pose) -> (Vec3, Vec3) {
        let fits = |(at, _): &&(Micros, Pose)| {
            let span = now - *at;
            SPAN_MIN <= span && span <= SPAN_MAX
        };
        let earlier = self.poses.iter().flatten().filter(fits);
        let earlier = earlier.max_by_key(|(at, _)| *at).copied();
        self.poses[self.next] = Some((now, pose));
        self.next = (self.next + 1) % POSES;
        earlier.map_or((Vec3::ZERO, Vec3::ZERO), |(at, earlier)| {
            let seconds = (now - at).as_secs_f64() as f32;
            let turn = pose.orientation * earlier.orientation.inverse();
            // The shorter way round.
            let turn = if turn.w < 0.0 { -turn } else { turn };
            (
                (pose.position - earlier.position) / seconds,
                turn.to_scaled_axis() / seconds,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use glam::Quat;

    use super::*;

    fn at(ms: u64) -> Pose {
        let seconds = ms as f32 * 1e-3;
        Pose {
            position: Vec3::new(2.0 * seconds, 0.0, 0.0),
            orientation: Quat::from_rotation_z(-3.0 * seconds),
        }
    }

    #[test]
    fn velocities_are_those_of_the_last_few_milliseconds() {
        let mut motion = Motion::default();
        for ms in 1..=40 {
            let (linear, angular) = motion.velocities(Micros::from_millis(ms), at(ms));
            if ms > 8 {
                assert!(linear.distance(Vec3::X * 2.0) < 1e-3, "{linear}");
                assert!(angular.distance(Vec3::Z * -3.0) < 1e-3, "{angular}");
            }
        }
    }

    #[test]
    fn after_a_pause_or_a_jump_nothing_is_known_of_the_velocity() {
        let mut motion = Motion::default();
        motion.velocities(Micros::from_millis(1), at(1));
        let zero = (Vec3::ZERO, Vec3::ZERO);
        assert_eq!(motion.velocities(Micros::from_millis(80), at(80)), zero);
        motion.forget();
        assert_eq!(motion.velocities(Micros::from_millis(90), at(90)), zero);
    }

    #[test]
    fn a_quaternion_of_the_other_sign_is_no_full_turn() {
        let mut motion = Motion::default();
        motion.velocities(Micros::from_millis(1), at(1));
        let mut pose = at(11);
        pose.orientation = -pose.orientation;
        let (_, angular) = motion.velocities(Micros::from_millis(11), pose);
        assert!(angular.distance(Vec3::Z * -3.0) < 1e-3, "{angular}");
    }
}
