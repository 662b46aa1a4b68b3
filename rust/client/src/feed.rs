//! What a tracked controller sends, on its way from the capture thread.

use std::fmt;

use rtrb::{Consumer, RingBuffer};
use synced_protocol::input::{HandJoints, InputFrame, Pose, Precision};

/// The ends of the rings into which a capture thread puts what it measures. All times in them are local.
///
/// The feed is over when the capture thread has dropped its end of the samples' ring.
pub struct TrackerFeed {
    /// The grip pose with its velocities, buttons and axes.
    pub samples: Consumer<InputFrame>,
    /// The aim pose relative to the grip pose; the newest counts.
    pub aim: Consumer<Pose>,
    /// The joints of the hand; the newest count.
    pub joints: Consumer<HandJoints>,
    /// How exactly samples are sent.
    pub precision: Precision,
}

impl TrackerFeed {
    /// A feed of samples alone, in the usual precision.
    #[must_use]
    pub fn new(samples: Consumer<InputFrame>) -> Self {
        Self {
            samples,
            aim: RingBuffer::new(0).1,
            joints: RingBuffer::new(0).1,
            precision: Precision::default(),
        }
    }
}

impl fmt::Debug for TrackerFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackerFeed")
            .field("precision", &self.precision)
            .finish_non_exhaustive()
    }
}
