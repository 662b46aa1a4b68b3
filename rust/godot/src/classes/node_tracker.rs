//! What `SyncedNode` tells of the controller that it follows.

use godot::prelude::*;
use synced_protocol::{input::InputFrame, time::Micros};

use super::{SyncedNode, SyncedTrajectory, with_core};
use crate::{core::Core, local::Local, samples, tracker::Tracker};

#[godot_api(secondary)]
impl SyncedNode {
    /// Buttons and axes of the controller that the node follows, the owner's on every machine: `buttons` as bits, `trigger`,
    /// `grip`, and `stick` as a Vector2. Empty without a tracker.
    #[func]
    fn get_controls(&self) -> VarDictionary {
        self.read_tracker(|_, _, tracker| Some(samples::controls(tracker.latest())))
            .unwrap_or_default()
    }

    /// The session time that the node is shown at in this frame, in microseconds since the Unix epoch. What another player
    /// streams is shown a little in the past, by that player's playout delay; what this player owns, and what nobody does,
    /// is shown now. Grows from frame to frame and never goes back. Without a session it is the time of this frame.
    #[func]
    fn get_shown_time_usec(&self) -> i64 {
        self.read_local(|core, local| Some(core.shown_at(local)))
            .map_or(0, |at| at.0.cast_signed())
    }

    /// The controller at a session time in microseconds, as [method SyncedSession.get_session_time_usec] counts it; of the
    /// last two seconds, of this player's controller and another's alike. For other players it is what was measured there and
    /// then, at the full rate of the samples, and not what a frame happened to show.
    ///
    /// `time_usec`; `transform` in the space of the root's parent; `linear_velocity` in metres a second; `angular_velocity` as
    /// an axis times radians a second; `buttons`, `trigger`, `grip` and `stick` as in [method get_controls]. Between two
    /// samples it is on the curve through both; after the newest one it is carried on for some 50 ms and then stands still.
    /// Empty for a time before all that is kept, and without a tracker.
    /// [codeblock]
    /// var hit := synced_node.sample_at(synced_node.get_shown_time_usec() - 20_000)
    /// if not hit.is_empty():
    ///     print("20 ms ago the hand moved at ", hit.linear_velocity.length(), " m/s")
    /// [/codeblock]
    #[func]
    fn sample_at(&self, time_usec: i64) -> VarDictionary {
        let Ok(time) = u64::try_from(time_usec).map(Micros) else {
            return VarDictionary::new();
        };
        self.read_tracker(|core, _, tracker| tracker.sample_at(time, core.clock.offset_us))
            .map(|frame| samples::dictionary(&frame))
            .unwrap_or_default()
    }

    /// The samples of the controller from one session time to another, both included, as far as they are known: of the last
    /// two seconds, and of another player what has arrived. Without any, and without a tracker, a trajectory of size 0.
    #[func]
    fn get_trajectory(&self, from_usec: i64, to_usec: i64) -> Gd<SyncedTrajectory> {
        let [from, to] = [from_usec, to_usec].map(|usec| Micros(usec.max(0).cast_unsigned()));
        let frames: Option<Vec<InputFrame>> = self.read_tracker(|core, _, tracker| {
            Some(tracker.range(from, to, core.clock.offset_us).collect())
        });
        SyncedTrajectory::of(frames.unwrap_or_default())
    }

    /// The controller's aim pose, from the root: what a pointing ray starts from, where the root is the grip. Use it as the
    /// [member Node3D.transform] of a child of the root. [constant Transform3D.IDENTITY] while none is known.
    #[func]
    fn get_aim(&self) -> Transform3D {
        self.read_tracker(|_, _, tracker| tracker.aim())
            .map_or(Transform3D::IDENTITY, |aim| {
                samples::transform(aim.position, aim.orientation)
            })
    }

    /// The 26 joints of a tracked hand as it is shown, in the order of OpenXR (palm, wrist, then each finger from the thumb
    /// on, from its root to its tip), in the space of the root's parent. Empty while the hand is not tracked.
    #[func]
    fn get_hand_joints(&self) -> Array<Transform3D> {
        let joints = self.read_tracker(|core, local, tracker| {
            tracker.joints_at(core.shown_at(local), core.clock.offset_us)
        });
        let joints = joints.into_iter().flatten();
        joints
            .map(|joint| samples::transform(joint.position, joint.orientation))
            .collect()
    }

    fn read_local<R>(&self, read: impl FnOnce(&Core, &Local) -> Option<R>) -> Option<R> {
        let id = self.id()?;
        with_core(|core| read(core, core.locals.get(&id)?))
    }

    fn read_tracker<R>(
        &self,
        read: impl FnOnce(&Core, &Local, &Tracker) -> Option<R>,
    ) -> Option<R> {
        self.read_local(|core, local| read(core, local, local.tracker.as_ref()?))
    }
}
