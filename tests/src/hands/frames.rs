//! What a player has shown, frame by frame.

use glam::{DQuat, DVec3};

use crate::{Failure, Outcome};

use super::HANDS;

/// The numbers of a row of `frame_recorder.gd` that are no hand's.
const NUMBERS_BEFORE: usize = 2;
const NUMBERS_A_HAND: usize = 8;

/// Longer than this a player at sixty frames a second is not kept waiting by the game itself.
pub const PAUSE_MSEC_MAX: f64 = 60.0;

/// One frame. Times are in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// When it was shown, by this machine's clock.
    pub unix_usec: f64,
    /// The same as session time, as the player knows it; 0 without a session.
    pub session_usec: f64,
    /// What was shown of the left hand and of the right one.
    pub hands: [Shown; 2],
}

/// A hand in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// The session time that it claims to be shown at; 0 when it claims nothing.
    pub at_usec: f64,
    /// Metres.
    pub position: DVec3,
    /// Of length 1, as far as single precision goes.
    pub orientation: DQuat,
}

impl Frame {
    /// The frame that a row of `frame_recorder.gd` tells of.
    ///
    /// # Errors
    /// When it has not as many numbers as it should.
    pub fn from_row(row: &[f64]) -> Outcome<Self> {
        if row.len() != NUMBERS_BEFORE + HANDS.len() * NUMBERS_A_HAND {
            return Err(Failure::new(format!("a row of {} numbers", row.len())));
        }
        let hand = |place: usize| {
            let n = &row[NUMBERS_BEFORE + place * NUMBERS_A_HAND..][..NUMBERS_A_HAND];
            Shown {
                at_usec: n[0],
                position: DVec3::new(n[1], n[2], n[3]),
                orientation: DQuat::from_xyzw(n[4], n[5], n[6], n[7]).normalize(),
            }
        };
        Ok(Self {
            unix_usec: row[0],
            session_usec: row[1],
            hands: [hand(0), hand(1)],
        })
    }
}

/// The longest that a player showed no frame, in milliseconds.
#[must_use]
pub fn longest_pause_msec(frames: &[Frame]) -> f64 {
    let pauses = frames
        .windows(2)
        .map(|pair| (pair[1].unix_usec - pair[0].unix_usec) / 1e3);
    pauses.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_two_times_and_eight_numbers_a_hand() {
        let row: Vec<f64> = (0..18).map(f64::from).collect();
        let frame = Frame::from_row(&row).unwrap();
        assert_eq!((frame.unix_usec, frame.session_usec), (0.0, 1.0));
        let [left, right] = frame.hands;
        assert_eq!(
            (left.at_usec, left.position),
            (2.0, DVec3::new(3.0, 4.0, 5.0))
        );
        assert_eq!(
            (right.at_usec, right.position),
            (10.0, DVec3::new(11.0, 12.0, 13.0))
        );
        let turned = DQuat::from_xyzw(14.0, 15.0, 16.0, 17.0).normalize();
        assert!(right.orientation.abs_diff_eq(turned, 1e-12));
        assert!(Frame::from_row(&row[1..]).is_err());
    }
}
