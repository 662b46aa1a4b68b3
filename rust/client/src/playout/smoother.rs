//! Nobody sees a controller leap where what was shown turns out to have been wrong.

use glam::{Quat, Vec3};
use synced_protocol::{input::InputFrame, time::Micros};

use super::{Trajectory, rotation};

/// The time in which what is left of a difference shrinks to a third (1/e); after five times that nothing is seen of it.
pub const SMOOTHING: Micros = Micros::from_millis(20);
/// Metres. Nobody was shown the way there, however it is smoothed: it is a jump.
pub const SMOOTHED_M_MAX: f32 = 1.0;

/// Shows a trajectory without pops.
///
/// What was shown beyond the last sample was a guess, and a sample that comes late changes the past. Either way the
/// difference between what was shown last and what is now known of that very moment is added to what is shown next, and
/// shrinks from then on. A jump of the controller itself is shown as one.
#[derive(Debug, Clone, Default)]
pub struct Smoother {
    last: Option<Last>,
    offset: Vec3,
    turn: Quat,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    /// The time shown.
    at: Micros,
    /// What the trajectory said of it then.
    truth: InputFrame,
    /// The newest sample that was known then.
    newest: Micros,
}

impl Smoother {
    /// A smoother that has shown nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what was shown: what comes is something else.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What to show at a session time, which must not go backwards. Velocities are those of the trajectory.
    pub fn show(&mut self, trajectory: &Trajectory, at: Micros) -> Option<InputFrame> {
        let (truth, newest) = trajectory.sample_at(at).zip(trajectory.newest())?;
        if let Some(last) = self.last {
            self.learn(&last, trajectory, at);
        }
        self.last = Some(Last {
            at,
            truth,
            newest: newest.sampled_at,
        });
        Some(InputFrame {
            position: truth.position + self.offset,
            orientation: (self.turn * truth.orientation).normalize(),
            ..truth
        })
    }

    fn learn(&mut self, last: &Last, trajectory: &Trajectory, at: Micros) {
        let Some(known) = trajectory.sample_at(last.at) else {
            return;
        };
        self.offset += last.truth.position - known.position;
        let turn = last.truth.orientation * known.orientation.conjugate();
        self.turn = (self.turn * turn).normalize();
        let jumped = trajectory.jumped(last.at.min(last.newest), at);
        if jumped || self.offset.length() > SMOOTHED_M_MAX {
            self.offset = Vec3::ZERO;
            self.turn = Quat::IDENTITY;
        } else {
            self.shrink(at.since(last.at));
        }
    }

    fn shrink(&mut self, span: Micros) {
        let left = (-span.as_secs_f64() / SMOOTHING.as_secs_f64()).exp() as f32;
        self.offset *= left;
        self.turn = rotation::exp(rotation::log(self.turn) * left);
    }
}
