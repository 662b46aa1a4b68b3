//! A tracked hand's joints between the moments at which they were measured.

use std::collections::VecDeque;

use synced_protocol::{
    input::{HandJoints, JOINTS, Pose},
    time::Micros,
};

/// Measurements that are kept: at 60 a second, longer than any playout delay.
const KEPT: usize = 16;
/// Measurements further apart than this are not connected.
const SPAN_MAX: Micros = Micros::from_millis(200);

/// The latest measurements of one hand's joints.
#[derive(Debug, Default)]
pub(crate) struct JointsBuffer {
    /// In order of time, no two of one time. Allocated with the first: most controllers are no hands.
    kept: VecDeque<HandJoints>,
}

impl JointsBuffer {
    /// Takes the next; one that is not newer than the newest is dropped.
    pub(crate) fn insert(&mut self, hand: &HandJoints) {
        let is_late = |newest: &HandJoints| newest.sampled_at >= hand.sampled_at;
        if self.kept.back().is_some_and(is_late) {
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        } else if self.kept.capacity() == 0 {
            self.kept.reserve_exact(KEPT);
        }
        self.kept.push_back(*hand);
    }

    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }

    /// The joints at a time: between two measurements their mix, outside of them the nearest; none without any.
    pub(crate) fn sample_at(&self, at: Micros) -> Option<[Pose; JOINTS]> {
        let after = self.kept.partition_point(|hand| hand.sampled_at <= at);
        let Some(before) = after.checked_sub(1) else {
            return self.kept.front().map(poses);
        };
        let a = self.kept.get(before)?;
        let Some(b) = self.kept.get(after) else {
            return Some(poses(a));
        };
        let span = b.sampled_at.since(a.sampled_at);
        if span > SPAN_MAX {
            return Some(poses(a));
        }
        let t = at.since(a.sampled_at).as_secs_f64() / span.as_secs_f64();
        Some(mix(a, b, t as f32))
    }
}

fn poses(hand: &HandJoints) -> [Pose; JOINTS] {
    hand.joints.map(|joint| joint.pose)
}

fn mix(a: &HandJoints, b: &HandJoints, t: f32) -> [Pose; JOINTS] {
    std::array::from_fn(|joint| {
        let [a, b] = [a, b].map(|hand| hand.joints[joint].pose);
        Pose {
            position: a.position.lerp(b.position, t),
            orientation: a.orientation.slerp(b.orientation, t).normalize(),
        }
    })
}

#[cfg(test)]
mod tests {
    use glam::{Quat, Vec3};

    use super::*;

    fn hand(at_ms: u64, x: f32) -> HandJoints {
        let mut hand = HandJoints {
            sampled_at: Micros::from_millis(at_ms),
            ..HandJoints::default()
        };
        for joint in &mut hand.joints {
            joint.pose.position = Vec3::X * x;
            joint.pose.orientation = Quat::from_rotation_y(x);
        }
        hand
    }

    fn x_at(buffer: &JointsBuffer, at_ms: u64) -> f32 {
        let joints = buffer.sample_at(Micros::from_millis(at_ms)).unwrap();
        joints[JOINTS - 1].position.x
    }

    #[test]
    fn joints_are_mixed_between_measurements_and_wait_outside_of_them() {
        let mut buffer = JointsBuffer::default();
        assert!(buffer.sample_at(Micros::ZERO).is_none());
        [hand(100, 0.0), hand(120, 1.0)]
            .iter()
            .for_each(|hand| buffer.insert(hand));
        let seen = [0, 100, 105, 120, 900].map(|at| x_at(&buffer, at));
        assert_eq!(seen, [0.0, 0.0, 0.25, 1.0, 1.0]);
        let turned = buffer.sample_at(Micros::from_millis(110)).unwrap()[0].orientation;
        assert!(turned.angle_between(Quat::from_rotation_y(0.5)) < 1e-3);
    }

    #[test]
    fn measurements_far_apart_are_not_connected_and_late_ones_dropped() {
        let mut buffer = JointsBuffer::default();
        [hand(100, 1.0), hand(50, 9.0), hand(500, 2.0)]
            .iter()
            .for_each(|hand| buffer.insert(hand));
        assert_eq!([99, 450, 500].map(|at| x_at(&buffer, at)), [1.0, 1.0, 2.0]);
        (0..1_000).for_each(|step| buffer.insert(&hand(1_000 + step, 0.0)));
        assert_eq!(buffer.kept.len(), KEPT);
    }
}
