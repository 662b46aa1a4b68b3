//! Buttons and axes in whole steps.

use super::Controls;
use crate::{
    bits::{BitReader, BitWriter},
    error::DecodeError,
};

/// Buttons, trigger, grip, and both axes of the stick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PackedControls([u32; 4]);

const BITS: [u32; 4] = [16, 8, 8, 16];

impl PackedControls {
    /// Nothing is pressed.
    pub(super) const NONE: Self = Self([0; 4]);

    /// What is out of range is held at its ends; what is no number is zero.
    pub(super) fn new(controls: &Controls) -> Self {
        let axis = |value: f32| u32::from((value.clamp(-1.0, 1.0) * 127.0).round() as i8 as u8);
        let part = |value: f32| u32::from((value.clamp(0.0, 1.0) * 255.0).round() as u8);
        let [x, y] = controls.stick.map(axis);
        Self([
            u32::from(controls.buttons),
            part(controls.trigger),
            part(controls.grip),
            x | y << 8,
        ])
    }

    pub(super) fn controls(self) -> Controls {
        let [buttons, trigger, grip, stick] = self.0;
        let axis = |byte: u32| f32::from(byte as u8 as i8).max(-127.0) / 127.0;
        Controls {
            buttons: buttons as u16,
            trigger: trigger as f32 / 255.0,
            grip: grip as f32 / 255.0,
            stick: [axis(stick), axis(stick >> 8)],
        }
    }

    /// Appends what differs from before.
    pub(super) fn put(self, before: Self, writer: &mut BitWriter<'_>) {
        for ((now, before), bits) in self.0.into_iter().zip(before.0).zip(BITS) {
            writer.put(u32::from(now != before), 1);
            if now != before {
                writer.put(now, bits);
            }
        }
    }

    pub(super) fn take(before: Self, reader: &mut BitReader<'_>) -> Result<Self, DecodeError> {
        let mut now = before;
        for (part, bits) in now.0.iter_mut().zip(BITS) {
            if reader.take(1)? == 1 {
                *part = reader.take(bits)?;
            }
        }
        Ok(now)
    }
}
