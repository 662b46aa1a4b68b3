//! What Monado's remote driver is told: frames of fixed size, all numbers little-endian.

use std::io::{self, Read};

use glam::{DQuat, DVec3};

use crate::motion::Moment;

/// A frame's length.
pub(super) const FRAME_BYTES: usize = 376;
/// The protocol's third version.
const MAGIC: &[u8; 8] = b"mndrmt3\0";
/// Where the pose between the eyes stands; fields of view stand before it.
const HEAD: usize = 104;
const LEFT: usize = 136;
const RIGHT: usize = 256;
/// Where a hand's switches stand, after its numbers.
const SWITCHES: usize = 104;

/// What a hand does besides moving.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HandControls {
    /// Whether the controller is tracked at all.
    pub is_active: bool,
    /// Whether joints of the hand are told besides.
    pub is_hand_tracked: bool,
    /// How far each finger is bent, from 0 to 1: little finger first, thumb last.
    pub curl: [f32; 5],
    /// From 0 to 1.
    pub trigger: f32,
    /// From 0 to 1.
    pub squeeze: f32,
    /// From -1 to 1, right and up.
    pub stick: [f32; 2],
    /// Whether the trigger is pressed to its end.
    pub is_trigger_clicked: bool,
    /// The A button.
    pub is_a_pressed: bool,
    /// The B button.
    pub is_b_pressed: bool,
}

impl Default for HandControls {
    /// Tracked, and nothing pressed.
    fn default() -> Self {
        Self {
            is_active: true,
            is_hand_tracked: true,
            curl: [0.0; 5],
            trigger: 0.0,
            squeeze: 0.0,
            stick: [0.0; 2],
            is_trigger_clicked: false,
            is_a_pressed: false,
            is_b_pressed: false,
        }
    }
}

/// A frame that is filled again and again. What this program knows nothing of stays as the driver sent it.
#[derive(Debug, Clone)]
pub(super) struct Frame([u8; FRAME_BYTES]);

impl Frame {
    /// Reads what the driver sends to whoever connects: the pose to begin from, and the pose now.
    ///
    /// # Errors
    /// When the connection fails, or the driver speaks another version.
    pub(super) fn greeting(connection: &mut impl Read) -> io::Result<Self> {
        let [mut before, mut now] = [[0; FRAME_BYTES]; 2];
        connection.read_exact(&mut before)?;
        connection.read_exact(&mut now)?;
        if !now.starts_with(MAGIC) {
            return Err(io::Error::other(
                "the driver speaks another version of its protocol",
            ));
        }
        Ok(Self(now))
    }

    pub(super) const fn bytes(&self) -> &[u8; FRAME_BYTES] {
        &self.0
    }

    pub(super) fn set_head(&mut self, head: &Moment) {
        let mut writer = Writer(&mut self.0[HEAD..LEFT]);
        writer.pose(head);
    }

    pub(super) fn set_left(&mut self, hand: &Moment, controls: &HandControls) {
        set_hand(&mut self.0[LEFT..RIGHT], hand, controls);
    }

    pub(super) fn set_right(&mut self, hand: &Moment, controls: &HandControls) {
        set_hand(&mut self.0[RIGHT..], hand, controls);
    }
}

fn set_hand(bytes: &mut [u8], hand: &Moment, controls: &HandControls) {
    let (numbers, switches) = bytes.split_at_mut(SWITCHES);
    let mut writer = Writer(numbers);
    writer.pose(hand);
    writer.vector(hand.linear_velocity);
    // The driver takes it about the axes of the hand.
    writer.vector(hand.orientation.inverse() * hand.angular_velocity);
    writer.floats(&controls.curl);
    let force = 0.0;
    writer.floats(&[controls.trigger, controls.squeeze, force]);
    writer.floats(&controls.stick);
    switches.fill(0);
    let pressed = [
        (0, controls.is_hand_tracked),
        (1, controls.is_active),
        (4, controls.is_a_pressed),
        (6, controls.is_b_pressed),
        (8, controls.is_trigger_clicked),
    ];
    for (index, is_on) in pressed {
        switches[index] = u8::from(is_on);
    }
}

/// Writes numbers one after the other; the caller's layout has room for them.
struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    fn pose(&mut self, moment: &Moment) {
        let DQuat { x, y, z, w } = moment.orientation;
        self.floats(&[x, y, z, w].map(|number| number as f32));
        self.vector(moment.position);
    }

    fn vector(&mut self, vector: DVec3) {
        self.floats(&vector.as_vec3().to_array());
    }

    fn floats(&mut self, numbers: &[f32]) {
        for number in numbers {
            let (here, rest) = std::mem::take(&mut self.0).split_at_mut(4);
            here.copy_from_slice(&number.to_le_bytes());
            self.0 = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::motion::{Motion, RIGHT_HOME};

    fn frame() -> Frame {
        let mut greeting = vec![7; 2 * FRAME_BYTES];
        for begin in [0, FRAME_BYTES] {
            greeting[begin..begin + 8].copy_from_slice(MAGIC);
        }
        Frame::greeting(&mut greeting.as_slice()).unwrap()
    }

    fn float(frame: &Frame, at: usize) -> f32 {
        f32::from_le_bytes(frame.bytes()[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn a_hand_stands_where_the_driver_looks_for_it() {
        let (mut frame, moment) = (frame(), Motion::circles(RIGHT_HOME, 1.0).at(0.9));
        let controls = HandControls {
            trigger: 0.5,
            is_a_pressed: true,
            ..HandControls::default()
        };
        frame.set_right(&moment, &controls);
        assert_eq!(float(&frame, RIGHT + 12), moment.orientation.w as f32);
        assert_eq!(float(&frame, RIGHT + 16), moment.position.x as f32);
        assert_eq!(float(&frame, RIGHT + 28), moment.linear_velocity.x as f32);
        assert_eq!(float(&frame, RIGHT + 72), 0.5);
        assert_eq!(
            frame.bytes()[RIGHT + SWITCHES..],
            [1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert!(
            frame.bytes()[8..RIGHT].iter().all(|byte| *byte == 7),
            "something else was touched"
        );
    }

    #[test]
    fn a_head_leaves_the_fields_of_view_and_the_hands_alone() {
        let (mut frame, moment) = (frame(), Motion::circles(RIGHT_HOME, 1.0).at(0.9));
        frame.set_head(&moment);
        assert_eq!(float(&frame, HEAD + 24), moment.position.z as f32);
        assert!(
            frame.bytes()[8..HEAD]
                .iter()
                .chain(&frame.bytes()[HEAD + 28..])
                .all(|byte| *byte == 7)
        );
    }

    #[test]
    fn another_version_of_the_protocol_is_refused() {
        let greeting = vec![b'x'; 2 * FRAME_BYTES];
        assert!(Frame::greeting(&mut greeting.as_slice()).is_err());
    }
}
