//! What is known of a controller over the last seconds, this player's or another's.

use synced_client::playout::{Smoother, Trajectory};
use synced_protocol::{
    input::{HandJoints, InputFrame, Pose},
    time::Micros,
};

use super::joints::JointsBuffer;

/// One controller's samples of the last two seconds, with what comes beside them.
///
/// Their times are local while this player's own controller is captured, else session time.
#[derive(Debug, Default)]
pub(crate) struct Track {
    trajectory: Trajectory,
    smoother: Smoother,
    joints: JointsBuffer,
    /// The aim pose, from the grip pose.
    aim: Option<Pose>,
    /// Up to when it is known whether the controller jumped.
    told: Micros,
}

impl Track {
    /// Takes in a sample, late or not.
    pub(crate) fn insert(&mut self, frame: InputFrame) {
        self.trajectory.insert(frame);
    }

    pub(crate) fn insert_joints(&mut self, joints: &HandJoints) {
        self.joints.insert(joints);
    }

    pub(crate) const fn set_aim(&mut self, aim: Pose) {
        self.aim = Some(aim);
    }

    /// Forgets everything: the node has another owner, or its coordinates mean something else now.
    pub(crate) fn clear(&mut self) {
        self.trajectory.clear();
        self.smoother.clear();
        self.joints.clear();
        self.aim = None;
        self.told = Micros::ZERO;
    }

    /// What to show at a time that never goes back.
    pub(crate) fn show(&mut self, at: Micros) -> Option<InputFrame> {
        self.smoother.show(&self.trajectory, at)
    }

    /// Whether the controller jumped since the last call and up to a time.
    pub(crate) fn take_jump(&mut self, until: Micros) -> bool {
        let Some(newest) = self.trajectory.newest() else {
            return false;
        };
        let until = until.min(newest.sampled_at);
        let after = self.told;
        self.told = after.max(until);
        after < until && after > Micros::ZERO && self.trajectory.jumped(after, until)
    }

    /// The controller at a time; `None` before the oldest sample.
    pub(crate) fn sample_at(&self, at: Micros) -> Option<InputFrame> {
        let oldest = self.trajectory.oldest()?;
        (at >= oldest.sampled_at)
            .then(|| self.trajectory.sample_at(at))
            .flatten()
            .map(|frame| InputFrame {
                sampled_at: at,
                ..frame
            })
    }

    /// The samples from one time to another, both included.
    pub(crate) fn range(&self, from: Micros, to: Micros) -> impl Iterator<Item = &InputFrame> {
        self.trajectory.range(from, to)
    }

    /// The samples of the last part, the newest last.
    pub(crate) fn recent(&self, window: Micros) -> impl Iterator<Item = &InputFrame> {
        let newest = self
            .trajectory
            .newest()
            .map_or(Micros::ZERO, |newest| newest.sampled_at);
        self.range(newest - window, newest)
    }

    pub(crate) const fn aim(&self) -> Option<Pose> {
        self.aim
    }

    /// The hand's joints at a time.
    pub(crate) const fn joints(&self) -> &JointsBuffer {
        &self.joints
    }
}
