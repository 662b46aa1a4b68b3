//! One controller's way from what was located to its rings.

use std::sync::atomic::Ordering::Relaxed;

use glam::Vec3;
use synced_protocol::{
    input::{Controls, HandJoints, InputFrame, JOINTS, Joint, Pose},
    time::Micros,
};

use super::{
    convert::Located,
    mapping::{Mapping, angle_between},
    motion::Motion,
    spaces::Handles,
};
use crate::tracker::outlets::Outlets;

/// An aim pose that differs by less from the one told last is not told.
const AIM_M: f32 = 2e-4;
const AIM_RAD: f32 = 0.1_f32.to_radians();

/// A controller that a node follows.
#[derive(Debug)]
pub(super) struct Channel {
    pub id: u64,
    pub handles: Handles,
    pub controls: Controls,
    outlets: Outlets,
    motion: Motion,
    /// Whether the next sample does not continue the one before.
    is_next_jump: bool,
    is_tracked: bool,
    aim_told: Option<Pose>,
}

impl Channel {
    pub(super) fn new(id: u64, handles: Handles, outlets: Outlets) -> Self {
        Self {
            id,
            handles,
            controls: Controls::default(),
            outlets,
            motion: Motion::default(),
            is_next_jump: true,
            is_tracked: true,
            aim_told: None,
        }
    }

    /// What comes next does not continue what was: the space that it is told in has moved.
    pub(super) fn jump(&mut self) {
        self.is_next_jump = true;
        self.motion.forget();
    }

    /// Takes one sample: none while the controller is not tracked.
    pub(super) fn take(&mut self, now: Micros, found: &Located, aim: &Located, mapping: &Mapping) {
        let Some(pose) = found.pose else {
            self.lose();
            return;
        };
        self.is_tracked = true;
        let (linear_velocity, angular_velocity) = self.velocities(now, pose, found);
        self.outlets.sample(mapping.sample(&InputFrame {
            sampled_at: now,
            position: pose.position,
            orientation: pose.orientation,
            linear_velocity,
            angular_velocity,
            controls: self.controls,
            is_jump: std::mem::take(&mut self.is_next_jump),
        }));
        if let Some(aim) = aim.pose {
            self.aim(mapping.relative(seen_from(pose, aim)));
        }
    }

    pub(super) fn joints(&mut self, now: Micros, found: [(Pose, f32); JOINTS], mapping: &Mapping) {
        self.outlets.joints(mapping.joints(HandJoints {
            sampled_at: now,
            joints: found.map(|(pose, radius)| Joint { pose, radius }),
        }));
    }

    fn lose(&mut self) {
        if std::mem::take(&mut self.is_tracked) {
            self.outlets.counters.losses.fetch_add(1, Relaxed);
        }
        self.jump();
    }

    /// The runtime's own where it tells any.
    fn velocities(&mut self, now: Micros, pose: Pose, found: &Located) -> (Vec3, Vec3) {
        if let (Some(linear), Some(angular)) = (found.linear_velocity, found.angular_velocity) {
            return (linear, angular);
        }
        let (linear, angular) = self.motion.velocities(now, pose);
        (
            found.linear_velocity.unwrap_or(linear),
            found.angular_velocity.unwrap_or(angular),
        )
    }

    fn aim(&mut self, aim: Pose) {
        let is_told = self.aim_told.is_some_and(|told| {
            told.position.distance(aim.position) <= AIM_M
                && angle_between(told.orientation, aim.orientation) <= AIM_RAD
        });
        if !is_told && self.outlets.aim(aim) {
            self.aim_told = Some(aim);
        }
    }
}

/// A pose in the space of another.
fn seen_from(from: Pose, pose: Pose) -> Pose {
    let back = from.orientation.inverse();
    Pose {
        position: back * (pose.position - from.position),
        orientation: (back * pose.orientation).normalize(),
    }
}

#[cfg(test)]
mod tests {
    use glam::Quat;
    use openxr_sys::{Handle, Space};

    use super::*;
    use synced_client::TrackerFeed;

    use crate::tracker::outlets::rings;

    const NOWHERE: Located = Located {
        pose: None,
        linear_velocity: None,
        angular_velocity: None,
    };

    fn channel() -> (Channel, TrackerFeed) {
        let (outlets, feed, _) = rings();
        let handles = Handles {
            space: Space::NULL,
            aim: None,
            joints: None,
            actions: None,
        };
        (Channel::new(1, handles, outlets), feed)
    }

    fn at(x: f32) -> Located {
        Located {
            pose: Some(Pose {
                position: Vec3::new(x, 0.0, 0.0),
                orientation: Quat::from_rotation_y(x),
            }),
            ..NOWHERE
        }
    }

    fn samples(feed: &mut TrackerFeed) -> Vec<InputFrame> {
        std::iter::from_fn(|| feed.samples.pop().ok()).collect()
    }

    /// One sample a millisecond.
    fn take(channel: &mut Channel, found: &[Located], aims: &[Located]) {
        let aims = aims.iter().chain(std::iter::repeat(&NOWHERE));
        for (ms, (found, aim)) in (1..).zip(found.iter().zip(aims)) {
            channel.take(Micros::from_millis(ms), found, aim, &Mapping::default());
        }
    }

    #[test]
    fn only_the_first_sample_after_tracking_was_lost_is_a_jump() {
        let (mut channel, mut feed) = channel();
        take(
            &mut channel,
            &[at(0.1), at(0.2), NOWHERE, NOWHERE, at(0.3), at(0.4)],
            &[],
        );
        let jumps: Vec<_> = samples(&mut feed).iter().map(|f| f.is_jump).collect();
        assert_eq!(jumps, [true, false, true, false]);
        assert_eq!(channel.outlets.counters.losses.load(Relaxed), 1);
    }

    #[test]
    fn the_sample_after_the_space_has_moved_is_a_jump() {
        let (mut channel, mut feed) = channel();
        take(&mut channel, &[at(0.1)], &[]);
        channel.jump();
        take(&mut channel, &[at(0.1), at(0.1)], &[]);
        let jumps: Vec<_> = samples(&mut feed).iter().map(|f| f.is_jump).collect();
        assert_eq!(jumps, [true, true, false]);
    }

    #[test]
    fn the_runtimes_velocities_are_told_and_missing_ones_are_made_from_the_poses() {
        let (mut channel, mut feed) = channel();
        let moving: Vec<_> = (0..20).map(|step| at(step as f32 * 1e-3)).collect();
        take(&mut channel, &moving, &[]);
        let made = samples(&mut feed).pop().unwrap();
        assert!(made.linear_velocity.distance(Vec3::X) < 1e-3, "{made:?}");
        assert!(made.angular_velocity.distance(Vec3::Y) < 1e-3, "{made:?}");
        let told = Located {
            linear_velocity: Some(Vec3::Z),
            ..at(0.02)
        };
        channel.take(
            Micros::from_millis(21),
            &told,
            &NOWHERE,
            &Mapping::default(),
        );
        let told = samples(&mut feed).pop().unwrap();
        assert_eq!(told.linear_velocity, Vec3::Z);
        assert!(told.angular_velocity.distance(Vec3::Y) < 1e-3, "{told:?}");
    }

    #[test]
    fn the_aim_is_told_relative_to_the_sample_and_only_when_it_changes() {
        let (mut channel, mut feed) = channel();
        let hand = at(0.5);
        let ahead = |metres: f32| {
            let pose = hand.pose.unwrap();
            let position = pose.position + pose.orientation * Vec3::new(0.0, 0.0, -metres);
            Located {
                pose: Some(Pose { position, ..pose }),
                ..NOWHERE
            }
        };
        let aims = [0.1, 0.10001, 0.1001, 0.1, 0.2].map(ahead);
        take(&mut channel, &[hand; 5], &aims);
        let told: Vec<_> = std::iter::from_fn(|| feed.aim.pop().ok()).collect();
        assert_eq!(told.len(), 2);
        for (aim, metres) in told.iter().zip([0.1, 0.2]) {
            assert!(aim.position.distance(Vec3::new(0.0, 0.0, -metres)) < 1e-5);
            assert!(angle_between(aim.orientation, Quat::IDENTITY) < 1e-3);
        }
    }

    #[test]
    fn samples_carry_the_controls_of_their_time() {
        let (mut channel, mut feed) = channel();
        take(&mut channel, &[at(0.0)], &[]);
        channel.controls.trigger = 0.75;
        take(&mut channel, &[at(0.0)], &[]);
        let triggers: Vec<_> = samples(&mut feed)
            .iter()
            .map(|frame| frame.controls.trigger)
            .collect();
        assert_eq!(triggers, [0.0, 0.75]);
    }
}
