//! `SyncedTrajectory`.

use godot::prelude::*;
use synced_client::playout::{self, Curve};
use synced_protocol::{input::InputFrame, time::Micros};

use crate::samples;

/// The time between two samples where none is left out.
const EVEN_INTERVAL: Micros = Micros(1_000);

/// The samples of a controller over some time, as they were measured: of this player's or of another's.
///
/// Made by [method SyncedNode.get_trajectory]. All arrays have one entry a sample, in order of time. Positions are in metres
/// and rotations are unit quaternions, both in the space of the root's parent. What is not measured at even steps: samples
/// that the curve through their neighbours passes anyway may be left out on the way to other players.
/// [codeblock]
/// var swing := synced_node.get_trajectory(now - 100_000, now)
/// for place in swing.size():
///     if drum.has_point(swing.positions[place]):
///         print("hit at ", swing.times_usec[place])
/// [/codeblock]
#[derive(GodotClass)]
#[class(no_init, base = RefCounted)]
pub(crate) struct SyncedTrajectory {
    /// When each sample was measured, in session time: microseconds since the Unix epoch.
    #[var(no_set)]
    times_usec: PackedInt64Array,

    /// Where the controller was, in metres.
    #[var(no_set)]
    positions: PackedVector3Array,

    /// How it was turned: x, y, z and w of a unit [Quaternion].
    #[var(no_set)]
    rotations: PackedVector4Array,

    /// How fast it moved, in metres a second.
    #[var(no_set)]
    linear_velocities: PackedVector3Array,

    /// How fast it turned, as an axis times radians a second.
    #[var(no_set)]
    angular_velocities: PackedVector3Array,

    frames: Vec<InputFrame>,
    base: Base<RefCounted>,
}

#[godot_api]
impl SyncedTrajectory {
    /// How many samples there are.
    #[func]
    fn size(&self) -> i64 {
        self.frames.len() as i64
    }

    /// One sample with its controls, as [method SyncedNode.sample_at] gives it. Empty if there is none of this index.
    #[func]
    fn get_sample(&self, index: i64) -> VarDictionary {
        let place = usize::try_from(index).ok();
        place
            .and_then(|place| self.frames.get(place))
            .map(samples::dictionary)
            .unwrap_or_default()
    }

    /// The velocity of the controller at the trajectory's end, fitted over the samples of its last `window_msec`
    /// milliseconds: `linear` in metres a second, `angular` as an axis times radians a second. Steadier than that of any one
    /// sample, so that a throw goes where the hand threw. Samples before a jump do not count. Empty without samples.
    #[func]
    fn fit_velocity(&self, window_msec: f64) -> VarDictionary {
        let window = Micros((window_msec.clamp(0.0, 60_000.0) * 1e3) as u64);
        playout::fit_velocity(&self.even_end(window), window)
            .map(|velocity| {
                vdict! {
                    "linear" => samples::vector(velocity.linear),
                    "angular" => samples::vector(velocity.angular),
                }
            })
            .unwrap_or_default()
    }
}

impl SyncedTrajectory {
    /// The samples of the last part, and where some were left out on the way, what the curve has there: their velocities count
    /// in the curve.
    fn even_end(&self, window: Micros) -> Vec<InputFrame> {
        let newest = self.times_usec.as_slice().last().copied().unwrap_or(0);
        let begin = Micros(newest.cast_unsigned()) - window - EVEN_INTERVAL;
        let first = self
            .frames
            .partition_point(|frame| frame.sampled_at < begin);
        let frames = &self.frames[first.saturating_sub(1)..];
        let mut even = Vec::with_capacity(frames.len());
        even.extend(frames.first());
        for pair in frames.windows(2) {
            let curve = Curve::between(&pair[0], &pair[1]);
            let mut at = pair[0].sampled_at + EVEN_INTERVAL;
            while !curve.is_jump() && at + EVEN_INTERVAL <= pair[1].sampled_at {
                even.push(curve.at(at));
                at = at + EVEN_INTERVAL;
            }
            even.push(InputFrame {
                is_jump: curve.is_jump(),
                ..pair[1]
            });
        }
        even
    }

    /// A trajectory of samples in order of time.
    pub(crate) fn of(frames: Vec<InputFrame>) -> Gd<Self> {
        Gd::from_init_fn(|base| Self {
            times_usec: collect(&frames, |frame| frame.sampled_at.0.cast_signed()),
            positions: collect(&frames, |frame| samples::vector(frame.position)),
            rotations: collect(&frames, samples::rotation),
            linear_velocities: collect(&frames, |frame| samples::vector(frame.linear_velocity)),
            angular_velocities: collect(&frames, |frame| samples::vector(frame.angular_velocity)),
            frames,
            base,
        })
    }
}

fn collect<T, A: FromIterator<T>>(frames: &[InputFrame], each: fn(&InputFrame) -> T) -> A {
    frames.iter().map(each).collect()
}
