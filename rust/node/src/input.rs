//! What the samples of a tracked node may say.

use std::{fmt, iter};

use glam::Vec3;
use synced_protocol::{
    error::DecodeError,
    input::{InputFrame, Pose, decode_batch, decode_joints},
    time::Micros,
};

use crate::config::{InputLimits, MOVE_JUDGED_MAX, MOVE_SLACK_M};

/// Which bound a block breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breach {
    /// It moves faster than it may, by its own word or from one sample to the next.
    Speed,
    /// It turns faster than it may, by its own word.
    AngularSpeed,
    /// It is too far away.
    Area,
    /// It is of too long ago.
    Age,
    /// It brings more new samples than it may.
    Samples,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Speed => "it moves faster than it may",
            Self::AngularSpeed => "it turns faster than it may",
            Self::Area => "it is too far away",
            Self::Age => "it is of too long ago",
            Self::Samples => "it has more new samples than it may",
        })
    }
}

/// A sample by which the next one is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: Micros,
    position: Vec3,
}

impl Place {
    /// Where and when a sample was taken.
    pub(crate) const fn of(frame: &InputFrame) -> Self {
        Self {
            at: frame.sampled_at,
            position: frame.position,
        }
    }
}

/// What a batch turned out to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged {
    /// How many of its samples are newer than the newest one known before.
    pub(crate) new: usize,
    /// The newest of its samples.
    pub(crate) newest: Place,
}

/// Reads a batch, and says what is in it or which bound its samples break. `known` is the newest sample relayed before, and
/// `oldest` the time before which nothing is heard any more.
pub(crate) fn judge_batch(
    limits: &InputLimits,
    batch: &[u8],
    (sent_at, oldest): (Micros, Micros),
    known: Option<Place>,
) -> Result<Result<Judged, Breach>, DecodeError> {
    let mut judge = Judge {
        limits,
        oldest,
        known,
        before: None,
        new: 0,
        breach: None,
    };
    decode_batch(batch, sent_at, |frame| judge.take(&frame))?;
    Ok(judge.verdict())
}

/// Whether an aim keeps to the area.
pub(crate) fn judge_aim(limits: &InputLimits, aim: &Pose) -> Result<(), Breach> {
    within_area(limits, iter::once(aim.position))
}

/// Reads a hand's joints, and says whether they keep to the area.
pub(crate) fn judge_joints(
    limits: &InputLimits,
    packed: &[u8],
) -> Result<Result<(), Breach>, DecodeError> {
    let hand = decode_joints(packed, Micros::ZERO)?;
    let places = hand.joints.iter().map(|joint| joint.pose.position);
    Ok(within_area(limits, places))
}

struct Judge<'a> {
    limits: &'a InputLimits,
    oldest: Micros,
    known: Option<Place>,
    before: Option<Place>,
    new: usize,
    breach: Option<Breach>,
}

impl Judge<'_> {
    fn take(&mut self, frame: &InputFrame) {
        let place = Place::of(frame);
        let breach = self.breach_of(frame, place);
        self.breach = self.breach.or(breach);
        self.new += usize::from(self.known.is_none_or(|known| known.at < place.at));
        self.before = Some(place);
    }

    fn breach_of(&self, frame: &InputFrame, place: Place) -> Option<Breach> {
        let limits = self.limits;
        let is_faster = |velocity: Vec3, limit: u32| velocity.length_squared() > square(limit);
        if within_area(limits, iter::once(place.position)).is_err() {
            Some(Breach::Area)
        } else if is_faster(frame.angular_velocity, limits.angular_speed_radps_max) {
            Some(Breach::AngularSpeed)
        } else if is_faster(frame.linear_velocity, limits.speed_mps_max) || self.leaps(frame, place)
        {
            Some(Breach::Speed)
        } else {
            (place.at < self.oldest).then_some(Breach::Age)
        }
    }

    /// Whether the way from the sample before is too long for its time, and nobody said that it is none.
    fn leaps(&self, frame: &InputFrame, place: Place) -> bool {
        let before = self.before.or(self.known);
        let Some(before) = before.filter(|before| !frame.is_jump && before.at <= place.at) else {
            return false;
        };
        let span = place.at.since(before.at);
        if span > MOVE_JUDGED_MAX {
            return false;
        }
        let seconds = span.as_secs_f64() as f32;
        let reach = self.limits.speed_mps_max as f32 * seconds + MOVE_SLACK_M;
        before.position.distance_squared(place.position) > reach * reach
    }

    /// A batch has at least one sample, or it is none.
    fn verdict(self) -> Result<Judged, Breach> {
        match (self.breach, self.before) {
            (Some(breach), _) => Err(breach),
            (None, None) => Err(Breach::Samples),
            (None, Some(newest)) => Ok(Judged {
                new: self.new,
                newest,
            }),
        }
    }
}

fn within_area(limits: &InputLimits, mut places: impl Iterator<Item = Vec3>) -> Result<(), Breach> {
    let area = square(limits.area_m_max);
    if places.all(|place| place.length_squared() <= area) {
        Ok(())
    } else {
        Err(Breach::Area)
    }
}

fn square(limit: u32) -> f32 {
    let limit = limit as f32;
    limit * limit
}
